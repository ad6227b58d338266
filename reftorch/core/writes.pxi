# Writes that autograd watches: what may be written to, and the history of what was.

OVERLAP = ("unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the "
           "tensor before performing the operation.")


cdef check_overlap(Tensor t, expanded):
    """Refuse to write where two elements share memory, or warn where the op has no more than a warning for it."""
    cdef int i
    for i in range(cnp.PyArray_NDIM(t._a)):
        if cnp.PyArray_STRIDES(t._a)[i] == 0 and cnp.PyArray_DIMS(t._a)[i] > 1 and cnp.PyArray_SIZE(t._a):
            if expanded is not None:
                if expanded:
                    import warnings
                    warnings.warn(expanded, UserWarning, stacklevel=2)
                return
            raise RuntimeError("unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please "
                               "clone() the tensor before performing the operation.")


cdef bint share_memory(cnp.ndarray dest, cnp.ndarray a, bint wholly):
    """Whether `a` shows memory of `dest` in another way, or `wholly` in the same; only gapless arrays are looked at, as in PyTorch."""
    cdef char *p = cnp.PyArray_BYTES(dest)
    cdef char *q = cnp.PyArray_BYTES(a)
    cdef Py_ssize_t m = cnp.PyArray_NBYTES(dest), n = cnp.PyArray_NBYTES(a)
    if p + m <= q or q + n <= p or m == 0 or n == 0:
        return False
    if dest is a and not wholly:
        return False
    if not ((cnp.PyArray_FLAGS(dest) & 3) and (cnp.PyArray_FLAGS(a) & 3)):       # C- or Fortran-contiguous
        return False
    return wholly or not (p == q and m == n and same_shape(dest, a) and strides_equal(dest, a))


cdef check_operands(Overload ov, Tensor dest, list vals, int first):
    """Refuse to write to memory that an operand from `first` on shows, other than by being `dest` where the op works element by element."""
    cdef int i
    cdef bint wholly
    for i in range(first, len(ov.args)):
        v = vals[i]
        wholly = ov.op.apart == 1 or (ov.op.apart == 2 and i > 0)
        for x in (v if type(v) is list else (v,)):
            # torch: a 0-dim `value` is read before anything is written
            if isinstance(x, Tensor) and share_memory(dest._a, (<Tensor>x)._a, wholly) and (<Arg>ov.args[i]).name != "value":
                raise RuntimeError(OVERLAP)


cdef check_resizable(Tensor dest, Tensor result, list vals):
    """Refuse an `out` of another shape that is an operand of a pointwise op."""
    tensors = [v for v in vals if isinstance(v, Tensor)]
    if not any([v is dest for v in tensors]):
        return
    try:
        wide = np.broadcast_shapes(*[v.shape for v in tensors])
    except ValueError:
        return
    if wide == result.shape:
        raise_inplace_shape(dest, cnp.PyArray_NDIM(result._a), cnp.PyArray_DIMS(result._a))


cdef check_inplace(Tensor t, bint tracked):
    """torch's rules for writing to a tensor that autograd watches."""
    if t.inference and not tls_inference:
        raise RuntimeError("Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor "
                           "before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.")
    if not tracked or tls_no_grad:
        return
    if t._base_ is not None:
        grad_fn_of(t)
        if t.creation != VIEW_DEFAULT:
            raise_view_write(t, False)
        if requires_grad(t) and (t._base_.rg or t.rg) and t._base_._fn is None:
            raise RuntimeError("a view of a leaf Variable that requires grad is being used in an in-place operation.")
    if t.rg and t._fn is None:
        raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")


cdef str plain_name(Node node):
    """The node's name as PyTorch's errors say it: without "Backward0"."""
    return node.name().rpartition("Backward")[0] or node.name()


cdef raise_view_write(Tensor t, bint indirect):
    """The error for a view that may not be written to: `indirect` when its base or another view was."""
    done = "its base or another view of its base has been" if indirect else "is being"
    if t._fn is not None:
        text = f"Output {t.out_nr} of {plain_name(t._fn)} is a view and {done} modified inplace."
    elif t.creation == VIEW_INFERENCE:
        text = f"A view was created in inference mode and {done} modified inplace in normal mode."
    else:
        text = f"A view was created in no_grad mode and {done} modified inplace with grad mode enabled."
    if t.creation == VIEW_MULTI_OUTPUT:
        text += (" This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified "
                 "inplace. You should replace the inplace operation by an out-of-place one.")
    elif t.creation == VIEW_NO_GRAD:
        text += (" Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the "
                 "inplace either both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace "
                 "to be tracked).")
    elif t.creation == VIEW_IN_FUNCTION:
        text += (" This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle "
                 "view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. This behavior "
                 "is forbidden. You can fix this by cloning the output of the custom Function.")
    raise RuntimeError(text)


cdef class CopySlices(Node):
    """History of a base that was written to through a view: the slice's gradient goes through `fn`, the rest passes."""
    cdef Node fn
    cdef tuple geometry              # shape, strides, offset of the view, relative to the base's first element
    cdef int view_code               # and its dtype, which may be that of the parts of complex numbers

    cdef str node_name(self):
        return "torch::autograd::CopySlices"

    cdef tuple apply(self, tuple grads):
        cdef list out
        grad = grads[0]
        if grad is None:
            return tuple_of_none(len(self.edges))
        result = T.clone(grad, memory_format=MEMORY_FORMATS["contiguous_format"]) if not tls_no_grad else T.clone(grad)
        shape, strides, offset = self.geometry
        base_shape, base_strides = self.extra["base"]
        if tuple(result.stride()) != base_strides:
            result = T.new_empty_strided(grad, base_shape, base_strides).copy_(grad)
        piece = look(result, self.view_code, shape, strides, offset)
        out = list(self.fn.apply((piece.clone(),)))
        if out:
            if out[0] is None:
                piece.zero_()
            else:
                piece.copy_(sum_to_shape(out[0], shape))
            out[0] = result
        return tuple(out)

    cdef int release(self) except -1:
        return self.fn.release()


cdef object look(Tensor base, int code, shape, strides, Py_ssize_t offset):
    """A view of `base` by geometry, the offset counted from its first element; the dtype may be that of its parts or of pairs of its elements."""
    if KIND[base.code] == KIND_COMPLEX and KIND[code] != KIND_COMPLEX:
        return T.view_as_real(base).as_strided(shape, strides, offset + 2 * base.storage_offset())
    if KIND[base.code] != KIND_COMPLEX and KIND[code] == KIND_COMPLEX:
        pairs = base.as_strided(tuple(shape) + (2,), tuple([2 * s for s in strides]) + (1,), 2 * offset + base.storage_offset())
        return T.view_as_complex(pairs)
    return base.as_strided(shape, strides, offset + base.storage_offset())


cdef Py_ssize_t offset_from_base(Tensor t):
    """Where a view starts, in its own elements from the first of its base."""
    return (cnp.PyArray_BYTES(t._a) - cnp.PyArray_BYTES(t._base_._a)) // ITEMSIZE[t.code]


cdef Tensor value_before(Tensor t):
    """A copy of what an in-place op is about to overwrite, with the history that it has now."""
    cdef Tensor r = wrap(t._a.copy(order="K"), t.code) if forward_hook is None else <Tensor>T.clone(t)
    r._fn = grad_fn_of(t)
    r.out_nr = t.out_nr
    return r


cdef Node view_node(Tensor t):
    """The node of a view as seen from its base now: AsStridedBackward0."""
    cdef Tensor base = t._base_
    cdef OpNode node
    cdef int before
    if KIND[base.code] != KIND[t.code]:
        before = tls_no_grad
        tls_no_grad_write(0)
        try:
            return (<Tensor>look(base, t.code, t.shape, t.stride(), offset_from_base(t)))._fn
        finally:
            tls_no_grad_write(before)
    cdef Op op = <Op>OPS["as_strided"]
    build(op)
    cdef Overload ov = op.first
    cdef list vals = [base, t.shape, t.stride(), t.storage_offset(), None]
    node = make_node(ov, list_items(vals), 1, False)
    node.n_grads = 1
    set_meta(node, t)
    return node


cdef rebase(Tensor t, OpNode node):
    """`t` was written to by the op of `node`: its history, and that of the base it views, now leads there."""
    global sequence
    cdef Tensor base = t._base_
    cdef CopySlices cs
    if base is None:
        finish_node(node, t, 0)
        return
    node.n_grads = 1
    set_meta(node, t)
    cs = CopySlices.__new__(CopySlices)
    cs.seq = sequence
    sequence += 1
    e = edge_of(base)
    cs.edges = (e,) + node.edges[1:]
    if node.edge_nrs is not None or base.out_nr:
        cs.edge_nrs = (base.out_nr,) + (node.edge_nrs[1:] if node.edge_nrs is not None else (0,) * (len(node.edges) - 1))
    cs.fn = node
    cs.n_grads = 1
    cs.geometry = (t.shape, t.stride(), offset_from_base(t))
    cs.view_code = t.code
    cs.extra = {"base": (base.shape, tuple(base.stride()))}
    set_meta(cs, base)
    base._fn = cs
    base.out_nr = 0
    base.rg = False
    base.fn_version = version_of(base)
    # rules that want the result see the view's new value
    for i in range(node.plan.n_save):
        if node.plan.kind[i] == SAVE_RESULT:
            node.vers[i] = version_of(t)
            tuple_put(node.saved, i, share_dual(t))
    t.fn_version = -1                        # made anew on the next read
    t.rg = False
