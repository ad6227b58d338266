# Kernels that are no ops: several tensors in and out under one node, without the schema's parsing.

@cython.final
cdef class KernelState:
    """What the backward step of a kernel needs: the tensors that went in and whatever the kernel saved."""
    cdef readonly list inputs
    cdef readonly object saved, args


cdef class KernelNode(Node):
    """The backward step of `call_kernel`; subclasses give it its name."""
    cdef object gradient             # gradient(KernelState, *grads) -> a gradient or None for every input
    cdef KernelState state
    cdef list versions

    cdef list apply(self, list grads):
        cdef KernelState kept = self.state, given = KernelState.__new__(KernelState)
        cdef Tensor t
        cdef Py_ssize_t i
        if kept is None:
            raise RuntimeError(FREED)
        given.inputs, given.saved, given.args = list(kept.inputs), kept.saved, kept.args
        for i in range(len(kept.inputs)):
            if type(kept.inputs[i]) is Packed:
                given.inputs[i] = (<Packed>kept.inputs[i]).unpack(self)
                continue
            t = <Tensor>kept.inputs[i]
            if version_of(t) != <long>self.versions[i]:
                raise_modified(self, t, self.versions[i], "p", 0)
        return list(self.gradient(given, *grads))

    cdef int release(self) except -1:
        self.state = None
        return 0


def takes_part(list tensors not None):
    """Whether something else than plain calls is to see these tensors: an override, a mode, or tangents."""
    return forward_hook is not None or any_override(tensors, None, False)


def call_kernel(type cls not None, kernel, gradient, list inputs not None, tuple args):
    """Tensors from `kernel(arrays of inputs, whether to save, *args)`, which gives (saved, list of arrays), under a `cls` node."""
    global sequence
    cdef list arrays = [], results, versions, nrs
    cdef cnp.ndarray made
    cdef bint saves = False, several = False
    cdef Py_ssize_t i
    cdef Tensor t
    cdef KernelNode node
    for x in inputs:
        if not isinstance(x, Tensor):
            raise TypeError(f"expected Tensor, got {type(x).__name__}")
        t = <Tensor>x
        arrays.append(t._a)
        saves = saves or (not tls_no_grad and requires_grad(t))
    saved, found = kernel(arrays, saves, *args)
    results = []
    for made in found:
        results.append(wrap(made, code_of(made)))
    if not saves:
        return results
    node = <KernelNode>type_alloc(<PyTypeObject *>cls, _empty)
    versions, nrs = [], []
    node.edges = tuple_of_none(len(inputs))
    node.state = KernelState.__new__(KernelState)
    node.state.inputs, node.state.saved, node.state.args = inputs, saved, args
    for i in range(len(inputs)):
        t = <Tensor>inputs[i]
        if t.inference and not tls_inference:
            raise RuntimeError(INFERENCE_SAVED)
        tuple_put(node.edges, i, edge_of(t))
        nrs.append(out_nr_of(t))
        several |= t.out_nr != 0
        versions.append(version_of(t))
        if tls_saved_hooks:
            inputs[i] = pack(t, False, 0)
    node.gradient, node.versions = gradient, versions
    if several:
        node.edge_nrs = tuple(nrs)
    node.seq = sequence
    sequence += 1
    node.n_grads = len(results)
    if anomaly:
        note_origin(node)
    if len(results) == 1:
        set_meta(node, <Tensor>results[0])
    else:
        node.metas = [((<Tensor>r).shape, (<Tensor>r).code) for r in results]
    for i in range(len(results)):
        t = <Tensor>results[i]
        t._fn, t.out_nr, t.fn_version = node, i, version_of(t)
    return results


def rename(type cls not None, Tensor t not None):
    """`t`, which nothing else refers to, as the result of a `cls` node that passes its gradient on."""
    global sequence
    cdef KernelNode node
    cdef Tensor r
    if t._fn is None:
        return t
    node = <KernelNode>type_alloc(<PyTypeObject *>cls, _empty)
    node.state = KernelState.__new__(KernelState)
    node.state.inputs = []
    node.gradient = pass_on
    node.edges, node.edge_nrs, node.n_grads = (t._fn,), (t.out_nr,) if t.out_nr else None, 1
    node.seq = sequence
    sequence += 1
    r = wrap(t._a, t.code)
    set_meta(node, r)
    r._fn = node
    return r


def pass_on(state, grad):
    """A gradient as it came."""
    return (grad,)
