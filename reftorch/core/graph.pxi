# The graph: its nodes, and where the gradient of a tensor goes.

cdef long sequence = 0
cdef object _hook_dict = None, _hook_handle = None         # given by install()


@cython.final
cdef class Hooks:
    """What users hang on a node."""
    cdef dict tensors                # output number -> hooks of that tensor
    cdef object pre, post            # hooks of the node itself
    cdef dict retain                 # output number -> weak reference to the tensor that keeps its gradient


cdef class Node:
    """A step of the backward graph: `edges` lead to the nodes of its inputs."""
    cdef long seq
    cdef tuple edges                 # Node, leaf Tensor or None, one a differentiable input
    cdef tuple edge_nrs              # which output of that node; None when all are output 0
    cdef int n_grads                 # gradients that `apply` expects: outputs of the forward op
    cdef int place                   # of its visit in a backward pass
    cdef int nd0, code0              # shape and type of output 0 ...
    cdef cnp.npy_intp dims0[4]
    cdef list metas                  # ... or of all outputs: (shape, code)
    cdef Hooks hooks
    cdef dict extra                  # metadata, and where it was made (anomaly mode)
    cdef object __weakref__

    cdef tuple apply(self, tuple grads):
        """The gradients of the inputs, one an edge, for those of the outputs."""
        raise NotImplementedError

    cdef int release(self) except -1:
        return 0

    cdef str node_name(self):
        return type(self).__name__

    def name(self):
        """The node's name, e.g. "MulBackward0"."""
        return self.node_name()

    def __repr__(self):
        return f"<{type(self).__name__} object at {hex(id(self))}>"

    @property
    def next_functions(self):
        """(node, output number) of every input."""
        cdef int i
        return tuple([(accumulator(<Tensor>self.edges[i]) if isinstance(self.edges[i], Tensor) else self.edges[i],
                       0 if self.edge_nrs is None or self.edges[i] is None else self.edge_nrs[i]) for i in range(len(self.edges))])

    @property
    def metadata(self):
        if self.extra is None:
            self.extra = {}
        return self.extra

    def _sequence_nr(self):
        return self.seq

    def register_hook(self, fn):
        """Call `fn(grad_inputs, grad_outputs)` after the node ran; returns a handle."""
        cdef Hooks h = hooks_of(self)
        if h.post is None:
            h.post = _hook_dict()
        return _hook_handle(h.post, fn)

    def register_prehook(self, fn):
        """Call `fn(grad_outputs)` before the node runs; returns a handle."""
        cdef Hooks h = hooks_of(self)
        if h.pre is None:
            h.pre = _hook_dict()
        return _hook_handle(h.pre, fn)


cdef Hooks hooks_of(Node node):
    if node.hooks is None:
        node.hooks = Hooks.__new__(Hooks)
    return node.hooks


@cython.final
cdef class AccumulateGrad(Node):
    """Where a gradient arrives: adds it to `variable.grad`."""
    cdef Tensor variable_

    cdef str node_name(self):
        return "torch::autograd::AccumulateGrad"

    @property
    def variable(self):
        return self.variable_


cdef inline object edge_of(Tensor t):
    """Where the gradient of `t` goes: its node, or `t` itself when it is a leaf, or nowhere."""
    cdef Node fn = grad_fn_of(t)
    if fn is not None:
        return fn
    return t if t.rg else None


cdef AccumulateGrad accumulator(Tensor t):
    """The node that stands for a leaf where users see the graph; made when they look."""
    cdef AccumulateGrad acc
    ref = t._extra.get("accumulate")
    acc = None if ref is None else ref()
    if acc is None:
        acc = AccumulateGrad.__new__(AccumulateGrad)
        acc.seq = MAX_SEQ
        acc.edges = ()
        acc.n_grads = 1
        acc.variable_ = t
        set_meta(acc, t)
        t._x["accumulate"] = weakref_ref(acc)
    return acc


cdef inline int set_meta(Node n, Tensor out) except -1:
    """Remember shape and type of output 0, to which gradients are reduced."""
    cdef int i, nd = cnp.PyArray_NDIM(out._a)
    n.code0 = out.code
    n.nd0 = nd
    if nd <= 4:
        for i in range(nd):
            n.dims0[i] = cnp.PyArray_DIMS(out._a)[i]
    else:
        n.metas = [(out.shape, out.code)]
    return 0
