# Gradients on their way: into the shape and type of what they belong to, added up, through hooks, to the leaves.

cdef inline bint meta_matches(Node node, int nr, Tensor g):
    cdef int i
    if node.metas is None:
        if g.code != node.code0 or cnp.PyArray_NDIM(g._a) != node.nd0:
            return False
        for i in range(node.nd0):
            if cnp.PyArray_DIMS(g._a)[i] != node.dims0[i]:
                return False
        return True
    m = node.metas[nr]
    return m is None or fits_meta(<tuple>m, g)


cdef inline bint fits_meta(tuple meta, Tensor t):
    """Whether a tensor has the shape and code that `metas` of a node name."""
    cdef object shape = meta[0]
    cdef int i, nd = cnp.PyArray_NDIM(t._a)
    if t.code != <int>meta[1] or nd != len(shape):
        return False
    for i in range(nd):
        if cnp.PyArray_DIMS(t._a)[i] != PyLong_AsLong(<object>PyTuple_GET_ITEM(shape, i)):      # past Size's own []
            return False
    return True


cdef tuple meta_at(Node node, int nr):
    if node.metas is None:
        return tuple([node.dims0[i] for i in range(node.nd0)]), node.code0
    return tuple(node.metas[nr][0]), node.metas[nr][1]


cdef Tensor zeros_of(Node node, int nr):
    shape, code = meta_at(node, nr)
    return wrap(np.zeros(shape, np_dtype(<dtype>DTYPE[code])), code)


cdef object sum_to_shape(object g, shape):
    """Sum what broadcasting repeated."""
    if tuple(g.shape) == tuple(shape):
        return g
    return T.sum_to_size(g, tuple(shape))


cdef tuple _first_dim = (0,)


cdef Tensor sum_rows(Tensor g, int nd, cnp.npy_intp *dims):
    """The same of a gradient whose shape has one dim more than `dims` (a bias), by a quick call; None for any other."""
    cdef PyObject *given[QUICK_ARGS]
    cdef int i
    if nd == 0 or cnp.PyArray_NDIM(g._a) != nd + 1 or not PyArray_CompareLists(dims, cnp.PyArray_DIMS(g._a) + 1, nd):
        return None
    if not tls_no_grad or forward_hook is not None or type(g) is not Tensor:
        return None
    for i in range(QUICK_ARGS):
        given[i] = NULL
    given[0], given[1] = <PyObject *>g, <PyObject *>_first_dim
    return quick_op(<Op>OPS["sum"], given)


cdef bint is_expandable_to(shape, wider):
    cdef Py_ssize_t k = len(shape), n = len(wider), i
    if k > n:
        return False
    for i in range(1, k + 1):
        if shape[k - i] != wider[n - i] and shape[k - i] != 1:
            return False
    return True


cdef Tensor validate(Node node, int index, object target, int nr, Tensor g):
    """A gradient in the shape and dtype of the tensor it belongs to."""
    cdef Tensor leaf, rows
    if isinstance(target, Tensor):
        leaf = <Tensor>target
        if g.code == leaf.code and same_shape(g._a, leaf._a):
            return g
        rows = sum_rows(g, cnp.PyArray_NDIM(leaf._a), cnp.PyArray_DIMS(leaf._a))
        shape, code = tuple(leaf.shape), leaf.code
    else:
        if meta_matches(<Node>target, nr, g):
            return g
        rows = sum_rows(g, (<Node>target).nd0, (<Node>target).dims0) if (<Node>target).metas is None else None
        shape, code = meta_at(<Node>target, nr)
    if rows is not None:
        g = rows
    if tuple(g.shape) != shape:
        if not is_expandable_to(shape, g.shape):
            raise RuntimeError(f"Function {node.name()} returned an invalid gradient at index {index} - got {list(g.shape)} but expected shape "
                               f"compatible with {list(shape)}")
        g = <Tensor>sum_to_shape(g, shape)
    if g.code != code:
        if KIND[g.code] == KIND_COMPLEX and KIND[code] != KIND_COMPLEX:
            g = <Tensor>T.real(g)
        if g.code != code:
            g = <Tensor>g.to(<object>DTYPE[code])
    return g


cdef Tensor add_gradients(Tensor a, Tensor b):
    cdef Tensor r = fast_binary(<Op>slot_ops[SLOT_ADD], a, b)
    return r if r is not None else <Tensor>call_op(<Op>slot_ops[SLOT_ADD], [a, b], None, FUNCTION)


cdef Tensor sole_owner(Tensor g):
    """`g`, or what it views if it shows just that, when nobody but the one reference to `g` leads to it or its memory; else None."""
    cdef Tensor t = g
    cdef int views = g._base_ is not None
    if views:                                # turned twice, as the gradient of the weight of a linear layer
        t = g._base_
        if count_of(<PyObject *>t) > 2 or cnp.PyArray_BYTES(t._a) != cnp.PyArray_BYTES(g._a) or not same_shape(t._a, g._a) or t.code != g.code:
            return None
    if not (PyArray_IS_C_CONTIGUOUS(t._a) and PyArray_IS_C_CONTIGUOUS(g._a) and cnp.PyArray_BASE(t._a) == NULL and t._fn is None
            and type(t) is Tensor):
        return None
    if t._st is None:
        return t if count_of(<PyObject *>t._a) == 1 else None
    # its storage knows the array, too, and a view both
    return t if count_of(<PyObject *>t._st) == 1 + views and count_of(<PyObject *>t._a) == 2 + views else None


cdef accumulate_into(Tensor v, Tensor g, bint mine):
    """`v.grad += g`; `mine`: the engine holds the only reference to `g`."""
    cdef Tensor kept = None
    if v._grad is None:
        if tls_no_grad:
            kept = sole_owner(g) if mine else None
            if kept is None:
                kept = wrap(gradient_copy(v, g), g.code) if forward_hook is None else T.clone(g)
            v._grad = kept
        else:
            v._grad = T.clone(g)
    elif tls_no_grad:
        if not add_plain(<Tensor>v._grad, g):
            call_op(<Op>slot_ops[SLOT_ADD], [v._grad, g], None, INPLACE)
    else:
        v._grad = call_op(<Op>slot_ops[SLOT_ADD], [v._grad, g], None, FUNCTION)


cdef bint add_plain(Tensor sum, Tensor g) except -1:
    """`sum += g` by the loop itself; False when they are not plain."""
    cdef Overload ov = (<Op>slot_ops[SLOT_ADD]).first
    cdef PyObject *operands[2]
    if (ov is None or sum.code != g.code or ov.loops[sum.code] == NULL or not same_shape(sum._a, g._a) or forward_hook is not None
            or not PyArray_IS_C_CONTIGUOUS(sum._a) or sum._fn is not None or type(sum) is not Tensor
            or cnp.PyArray_BASE(sum._a) != NULL or g._a is sum._a or cnp.PyArray_BASE(g._a) == <PyObject *>sum._a):
        return False
    operands[0], operands[1] = <PyObject *>sum._a, <PyObject *>g._a
    loop_into(ov, sum.code, 2, operands, sum._a)
    bump(sum)
    return True


cdef cnp.ndarray gradient_copy(Tensor v, Tensor g):
    """A copy of `g` that lies in memory as the leaf does."""
    cdef cnp.ndarray r = empty_like_order(cnp.PyArray_NDIM(g._a), cnp.PyArray_DIMS(g._a), cnp.PyArray_TYPE(g._a), v._a)
    if PyArray_IS_C_CONTIGUOUS(r) and PyArray_IS_C_CONTIGUOUS(g._a):
        memcpy(cnp.PyArray_DATA(r), cnp.PyArray_DATA(g._a), cnp.PyArray_NBYTES(r))
    else:
        np.copyto(r, g._a)
    return r


cdef object run_hooks(object hooks, object g):
    """Tensor hooks: each may replace the gradient."""
    for hook in list(hooks.values()):
        r = hook(g)
        if r is not None:
            if not isinstance(r, Tensor):
                raise TypeError(f"hook '{getattr(hook, '__name__', hook)}' has returned an incompatible type: expected 'Tensor', got '{type(r).__name__}'")
            if r.shape != g.shape:
                raise RuntimeError(f"hook '{getattr(hook, '__name__', hook)}' has changed the size of value")
            g = r
    return g


cdef deliver_leaf(Tensor leaf, tuple grads):
    """The end of all paths to a leaf: its hooks, accumulation, post-accumulate hooks; `grads`, which nobody else has, holds the gradient."""
    cdef AccumulateGrad acc = None
    cdef dict x = leaf._x
    cdef bint mine = x is None and count_of(PyTuple_GET_ITEM(grads, 0)) == 1
    g = grads[0]
    if x is not None:
        hooks = x.get("hooks")
        if hooks:
            g = run_hooks(hooks, g)
        ref = x.get("accumulate")
        acc = None if ref is None else ref()
        if acc is not None and acc.hooks is not None and acc.hooks.pre:
            for hook in list(acc.hooks.pre.values()):
                r = hook((g,))
                if r is not None:
                    g = r[0] if isinstance(r, tuple) else r
    accumulate_into(leaf, <Tensor>g, mine)
    if x is not None:
        for hook in list((x.get("post_accumulate") or {}).values()):
            hook(leaf)
    if acc is not None and acc.hooks is not None and acc.hooks.post:
        for hook in list(acc.hooks.post.values()):
            hook((), (g,))


cdef tuple run_early_hooks(Hooks hooks, tuple grads):
    """Hooks of the tensors that a node made, of the node before it runs, and the gradients that tensors keep."""
    cdef list slot = list(grads)
    if hooks.tensors is not None:
        for nr, found in hooks.tensors.items():
            if found and slot[nr] is not None:
                slot[nr] = run_hooks(found, slot[nr])
    if hooks.pre:
        for hook in list(hooks.pre.values()):
            r = hook(tuple(slot))
            if r is not None:
                slot[:] = list(r) if isinstance(r, (tuple, list)) else [r]
    if hooks.retain is not None:
        for nr, ref in list(hooks.retain.items()):
            t = ref()
            if t is not None and slot[nr] is not None:
                if (<Tensor>t)._grad is None:
                    (<Tensor>t)._grad = T.clone(slot[nr]) if not tls_no_grad else wrap((<Tensor>slot[nr])._a.copy(), (<Tensor>slot[nr]).code)
                else:
                    (<Tensor>t)._grad = (<Tensor>t)._grad + slot[nr]
    return tuple(slot)


def conj_of(v):
    """The conjugate of a tensor, or of the Python number that stands for one; real ones are given back."""
    if isinstance(v, Tensor):
        return T.conj(v) if KIND[(<Tensor>v).code] == KIND_COMPLEX else v
    return v.conjugate()


def expand_gradient(Tensor g not None, shape):
    """`g.expand(shape)`; of a 0-dim gradient that is not recorded without a call."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef int i, nd
    cdef cnp.ndarray a
    cdef Tensor r
    if not tls_no_grad or cnp.PyArray_NDIM(g._a) or forward_hook is not None:
        return g.expand(shape)
    nd = len(shape)
    for i in range(nd):
        dims[i], steps[i] = PyLong_AsLong(<object>PyTuple_GET_ITEM(shape, i)), 0      # past Size's own []
    a = PyArray_FromMemory(cnp.PyArray_DESCR(g._a), nd, dims, steps, cnp.PyArray_BYTES(g._a))
    cnp.set_array_base(a, g._a)
    r = wrap(a, g.code)
    r._st = storage_of(g)
    return r
