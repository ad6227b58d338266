# Recording: what a call saves, the node it leaves behind, and writes that autograd watches.

# ------------------------------------------------------------------ recording
cdef class OpNode(Node):
    """The backward step of an op: calls its rules with what was saved."""
    cdef Overload ov
    cdef Plan plan
    cdef tuple saved
    cdef list counts                 # lengths of the tensor lists among the inputs
    cdef long vers[MAX_SAVED]
    cdef int shape_nd                # of SAVE_SHAPE: one more than the number of dims, or 0 when it is among `saved`
    cdef cnp.npy_intp shape[4]
    cdef bint freed

    cdef object unpack(self, int i, bint bare):
        """A saved value; `bare`: without the history of a saved result, which nobody is going to ask for."""
        cdef Tensor t, r
        cdef Plan plan = self.plan
        if self.saved is None:
            raise RuntimeError(FREED)
        if plan.kind[i] == SAVE_SHAPE and self.shape_nd:
            return plain_shape(self.shape_nd - 1, self.shape)
        v = self.saved[i]
        if type(v) is Packed:
            return (<Packed>v).unpack(self)
        if isinstance(v, Tensor):
            t = <Tensor>v
            if self.vers[i] != version_of(t):
                raise_modified(self, t, self.vers[i], plan.save[i][0], plan.index[i])
            if plan.kind[i] == SAVE_RESULT and not bare:
                r = share_dual(t)
                if KIND[r.code] >= KIND_FLOAT:
                    r._fn = self
                    r.out_nr = plan.index[i]
                return r
        return v

    cdef str node_name(self):
        name = type(self).__name__
        return name if "Backward" in name and name != "CopyBackwards" else "torch::autograd::" + name

    cdef object ask_rule(self, Ask ask, tuple grads):
        """What a rule gives for the gradients of the results."""
        cdef PyObject *args[MAX_ASKED]           # references
        cdef int j, src, count = 0
        try:
            for j in range(ask.count):
                src = ask.source[j]
                if src >= 0:
                    v = self.unpack(src, tls_no_grad)
                elif src == SRC_GRAD:
                    v = <object>PyTuple_GET_ITEM(grads, 0)
                    if v is None:
                        v = zeros_of(self, 0)
                elif src == SRC_GRADS:
                    v = grads
                else:
                    v = tuple([self.plan.needed[s] for s in ask.rule.slots])
                Py_INCREF(v)
                args[j] = <PyObject *>v
                count += 1
            return PyObject_Vectorcall(ask.rule.fn, args, count, NULL)
        finally:
            for j in range(count):
                let_go(args[j])

    cdef tuple apply(self, tuple grads):
        cdef Rule r
        cdef int s, edge
        cdef tuple out = tuple_of_none(len(self.edges))
        cdef list first = None
        cdef Overload ov = self.ov
        if self.freed:
            raise RuntimeError(FREED)
        if self.counts is not None:          # tensor lists take several places
            first = []
            edge = 0
            for s in range(ov.n_slots):
                first.append(edge)
                edge += 1 if self.counts[s] < 0 else self.counts[s]
        for ask in self.plan.asks:
            r = (<Ask>ask).rule
            got = self.ask_rule(<Ask>ask, grads)
            if not r.many and first is None:
                tuple_put(out, r.slot, got)
                continue
            if not r.many:
                got = (got,)
            for n, s in enumerate(r.slots):
                g = got[n]
                if g is None:
                    continue
                if first is None:
                    tuple_put(out, s, g)
                elif self.counts[s] < 0:
                    tuple_put(out, first[s], g)
                else:
                    for j in range(self.counts[s]):
                        tuple_put(out, <int>first[s] + j, g[j])
        return out

    cdef int release(self) except -1:
        cdef int i
        if self.saved is None:
            return 0
        for i in range(self.plan.n_save):
            v = self.saved[i]
            # torch: a number that stands for a tensor was saved as one
            if isinstance(v, Tensor) or type(v) is Packed or type(v) is list or (v is not None and self.plan.tensors[i]):
                self.freed = True
                self.saved = None
                break
        return 0

    def __getattr__(self, name):
        cdef int i
        if name.startswith("_saved_") or name.startswith("_raw_saved_"):
            wanted = name[name.index("saved_") + 6:]
            params = [p.name for p in self.ov.schema.params]
            for i, (kind, n) in enumerate(self.plan.save):
                label = params[n] if kind != "r" else self.ov.schema.returns[n][1] or "result"
                if kind in ("p", "r") and label == wanted:
                    return self.unpack(i, False)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


OVERLAP = ("unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the "
           "tensor before performing the operation.")
INFERENCE_SAVED = ("Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by "
                   "autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of "
                   "`torch.inference_mode()`.")
FREED = ("Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved "
         "intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to "
         "backward through the graph a second time or if you need to access saved tensors after calling backward.")


@cython.final
cdef class Packed:
    """A saved tensor in the hands of saved_tensors_hooks."""
    cdef object packed, unpack_hook
    cdef bint output
    cdef int nr

    cdef object unpack(self, Node node):
        cdef Tensor r
        t = self.unpack_hook(self.packed)
        if not isinstance(t, Tensor):
            raise TypeError(f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(t).__name__}")
        if self.output:
            r = share_dual(<Tensor>t)
            r._fn = node
            r.out_nr = self.nr
            return r
        return t


cdef object saved_hooks = threading.local()          # `.pairs`: this thread's (pack, unpack), innermost last


def push_saved_hooks(pack, unpack):
    """Route what this thread saves for backward through `pack` now and `unpack` at backward."""
    if not tls_saved_hooks:
        saved_hooks.pairs = []
    saved_hooks.pairs.append((pack, unpack))
    tls_saved_hooks_write(len(saved_hooks.pairs))


def pop_saved_hooks():
    """Undo the last push_saved_hooks."""
    saved_hooks.pairs.pop()
    tls_saved_hooks_write(len(saved_hooks.pairs))


def current_saved_hooks():
    """The innermost (pack, unpack) pair, or None."""
    return saved_hooks.pairs[-1] if tls_saved_hooks else None


def raise_if_modified(Node node not None, Tensor t not None, version):
    """RuntimeError when `t`, saved by `node` at `version`, was written to since."""
    if version_of(t) != version:
        raise_modified(node, t, version, "", 0)


cdef raise_modified(Node node, Tensor t, long version, str kind, int n):
    maker, nr = (node, n) if kind == "r" else (t._fn, t.out_nr)
    what = f"which is output {nr} of {plain_name(maker)}, " if maker is not None else ""
    hint = ("Hint: the backtrace further above shows the operation that failed to compute its gradient. The variable in question was changed in "
            "there or anywhere later. Good luck!" if anomaly else
            "Hint: enable anomaly detection to find the operation that failed to compute its gradient, with "
            "torch.autograd.set_detect_anomaly(True, check_nan=False).")
    raise RuntimeError("one of the variables needed for gradient computation has been modified by an inplace operation: "
                       f"[torch.{legacy_type_name(t)} {list(t.shape)}], {what}is at version {version_of(t)}; expected version {version} instead. {hint}")


cdef str legacy_type_name(Tensor t):
    return (<dtype>DTYPE[t.code]).type_name + "Tensor"


cdef object node_type_of(Overload ov):
    if ov.node_type is None:
        made = type(ov.node_name, (OpNode,), {"__slots__": (), "__module__": "reftorch.autograd"})
        type_tune_node(<PyTypeObject *>made, <PyTypeObject *>OpNode)
        ov.node_type = made
    return ov.node_type


cdef int record_operands(Overload ov, Tensor x, object b, Tensor r) except -1:
    """The history of the result of a quick call with one or two arguments, if they have any."""
    cdef PyObject *vals[QUICK_ARGS]
    cdef int i, count = len(ov.args)
    cdef long mask
    if KIND[r.code] < KIND_FLOAT or not ov.n_slots:
        return 0
    for i in range(count):
        vals[i] = list_items(ov.defaults)[i]
    vals[0] = <PyObject *>x
    if b is not None:
        vals[1] = <PyObject *>b
    mask = gradient_mask(ov, vals)
    if mask:
        finish_node(make_node(ov, vals, mask, False), r, 0)
    return 0


cdef OpNode make_node(Overload ov, PyObject **vals, long mask, bint inplace):
    """The node of one call, connected to its inputs; `finish_node` gives it its results."""
    global sequence
    cdef object kind_of_node = node_type_of(ov)
    cdef OpNode node = <OpNode>type_alloc(<PyTypeObject *>kind_of_node, _empty)
    cdef Plan plan = plan_for(ov, mask)
    cdef int i, d
    cdef Tensor t
    cdef object v
    node.ov, node.plan = ov, plan
    connect(node, ov, vals)
    node.seq = sequence                      # after the edges: a view's node may have been made for them just now
    sequence += 1
    node.saved = tuple_of_none(plan.n_save)
    for i in range(plan.n_save):
        if plan.kind[i] == SAVE_RESULT:
            continue
        v = <object>vals[plan.index[i]]
        if plan.kind[i] == SAVE_SHAPE and isinstance(v, Tensor) and cnp.PyArray_NDIM((<Tensor>v)._a) <= 4:
            node.shape_nd = cnp.PyArray_NDIM((<Tensor>v)._a) + 1
            for d in range(node.shape_nd - 1):
                node.shape[d] = cnp.PyArray_DIMS((<Tensor>v)._a)[d]
            continue
        if plan.kind[i] >= SAVE_FACT:
            v = fact_of(v, <str>(<tuple>plan.save[i])[0])
        elif isinstance(v, Tensor):
            t = <Tensor>v
            if t.inference and not tls_inference:
                raise RuntimeError(INFERENCE_SAVED)
            if inplace and plan.index[i] == 0:
                t = value_before(t)
            node.vers[i] = version_of(t)
            v = pack(t, False, 0) if tls_saved_hooks else t
        tuple_put(node.saved, i, v)
    if anomaly:
        note_origin(node)
    return node


cdef int connect(OpNode node, Overload ov, PyObject **vals) except -1:
    """The edges: where the gradients of the differentiable inputs go."""
    cdef tuple edges = tuple_of_none(ov.n_slots)
    cdef bint several = False
    cdef int i
    cdef object v, e
    for i in range(ov.n_slots):
        v = <object>vals[ov.slot[i]]
        if isinstance(v, Tensor):
            e = edge_of(<Tensor>v)
            if e is not None:
                tuple_put(edges, i, e)
                several |= (<Tensor>v).out_nr != 0
        elif type(v) is list:
            connect_lists(node, ov, vals)
            return 0
    node.edges = edges
    if several:
        node.edge_nrs = tuple([out_nr_of(<object>vals[ov.slot[i]]) for i in range(ov.n_slots)])
    return 0


cdef int connect_lists(OpNode node, Overload ov, PyObject **vals) except -1:
    """`connect` where inputs are lists of tensors, whose elements take an edge each."""
    cdef tuple edges
    cdef bint several = False
    cdef Py_ssize_t at = 0
    cdef int i
    cdef object v
    node.counts = [-1] * ov.n_slots
    for i in range(ov.n_slots):
        v = <object>vals[ov.slot[i]]
        if type(v) is list:
            node.counts[i] = len(<list>v)
        at += len(<list>v) if type(v) is list else 1
    edges = tuple_of_none(at)
    at = 0
    for i in range(ov.n_slots):
        v = <object>vals[ov.slot[i]]
        if type(v) is not list:
            several |= put_edge(edges, at, v)
            at += 1
            continue
        for x in <list>v:
            several |= put_edge(edges, at, x)
            at += 1
    node.edges = edges
    if several:
        parts = [<object>vals[ov.slot[i]] for i in range(ov.n_slots)]
        node.edge_nrs = tuple([out_nr_of(x) for v in parts for x in (v if type(v) is list else [v])])
    return 0


cdef inline bint put_edge(tuple edges, Py_ssize_t at, object x) except -1:
    """Note where the gradient of `x` goes; whether it has to say to which result."""
    cdef object e = edge_of(<Tensor>x) if isinstance(x, Tensor) else None
    if e is None:
        return False
    tuple_put(edges, at, e)
    return (<Tensor>x).out_nr != 0


cdef object out_nr_of(object x):
    """Which output of its node the gradient of `x` goes to."""
    return (<Tensor>x).out_nr if isinstance(x, Tensor) and edge_of(<Tensor>x) is not None else 0


cdef object fact_of(object v, str kind):
    """The shape, dtype or the like of an argument that need not be saved itself."""
    if isinstance(v, Tensor):
        return meta_of(<Tensor>v, kind)
    if type(v) is list:
        return [meta_of(<Tensor>x, kind) for x in <list>v]
    return () if kind == "shape" else None


cdef tuple plain_shape(int nd, cnp.npy_intp *dims):
    """A shape as rules get it: a plain tuple takes half the time of a Size."""
    cdef int i
    cdef tuple made = tuple_of_none(nd)
    for i in range(nd):
        tuple_put(made, i, dims[i])
    return made


cdef inline bint is_turned(cnp.ndarray a):
    """Whether a matrix lies in memory column by column."""
    return (cnp.PyArray_NDIM(a) == 2 and cnp.PyArray_STRIDE(a, 0) == cnp.PyArray_ITEMSIZE(a)
            and cnp.PyArray_STRIDE(a, 1) == cnp.PyArray_DIM(a, 0) * cnp.PyArray_ITEMSIZE(a))


cdef object meta_of(Tensor t, str kind):
    if kind == "shape":
        return plain_shape(cnp.PyArray_NDIM(t._a), cnp.PyArray_DIMS(t._a))
    if kind == "turned":
        return is_turned(t._a)
    if kind == "dtype":
        return <object>DTYPE[t.code]
    return strides_of(t) if kind == "strides" else t.storage_offset()


cdef object pack(Tensor t, bint output, int nr):
    cdef Packed p = Packed.__new__(Packed)
    hook, p.unpack_hook = saved_hooks.pairs[-1]
    p.output, p.nr = output, nr
    p.packed = hook(share_dual(t) if output else t)
    return p


cdef int finish_node(OpNode node, Tensor t, int nr) except -1:
    """Give result `nr` its history, and save it if rules ask for it."""
    cdef int i
    cdef Tensor alias
    cdef Plan plan = node.plan
    if node.metas is None:
        node.n_grads = 1
        set_meta(node, t)
    if KIND[t.code] >= KIND_FLOAT:
        t._fn = node
        t.out_nr = nr
        t.fn_version = version_of(t)
    if plan.n_results == 0:
        return 0
    for i in range(plan.n_save):
        if plan.kind[i] == SAVE_RESULT and plan.index[i] == nr:
            if tls_saved_hooks:
                tuple_put(node.saved, i, pack(t, True, nr))
            else:
                alias = share_dual(t)
                node.vers[i] = version_of(alias)
                tuple_put(node.saved, i, alias)
    return 0


cdef finish_several(OpNode node, list outs):
    """`finish_node` for all results of a call, of which some may be None."""
    cdef int nr
    if len(outs) != 1:
        node.n_grads = len(outs)
        node.metas = [None if o is None else ((<Tensor>o).shape, (<Tensor>o).code) for o in outs]
    for nr in range(len(outs)):
        if outs[nr] is not None:
            finish_node(node, <Tensor>outs[nr], nr)


cdef long gradient_mask(Overload ov, PyObject **vals) except -1:
    """Which differentiable inputs need a gradient; RuntimeError when one does that has no rule."""
    cdef long mask = 0
    cdef int i
    cdef object v
    if tls_no_grad or tls_inference:
        return 0
    for i in range(ov.n_slots):
        v = <object>vals[ov.slot[i]]
        if isinstance(v, Tensor):
            if requires_grad(<Tensor>v):
                mask |= 1 << i
        elif type(v) is list:
            for x in v:
                if isinstance(x, Tensor) and requires_grad(<Tensor>x):
                    mask |= 1 << i
                    break
    if not ov.nograd:
        for i in ov.unruled:
            v = <object>vals[i]
            if isinstance(v, Tensor) and requires_grad(<Tensor>v):
                raise RuntimeError(f"the derivative for '{(<Arg>ov.args[i]).name}' is not implemented.")
    return mask


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
