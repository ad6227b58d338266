# What Python hangs on the graph, puts into it and asks of it.

# ------------------------------------------------------------------ hooks
def add_tensor_hook(Tensor t, hook):
    """`t.register_hook`: call `hook(grad)` when the gradient of `t` is known."""
    cdef Node fn = grad_fn_of(t)
    cdef Hooks held
    if fn is None:
        hooks = t._extra.get("hooks")
        if hooks is None:
            hooks = t._extra["hooks"] = _hook_dict()
    else:
        held = hooks_of(fn)
        if held.tensors is None:
            held.tensors = {}
        hooks = held.tensors.get(t.out_nr)
        if hooks is None:
            hooks = held.tensors[t.out_nr] = _hook_dict()
    return _hook_handle(hooks, hook)


def retain_grad(Tensor t):
    """Keep the gradient of a tensor that is no leaf in its `.grad`."""
    cdef Node fn = grad_fn_of(t)
    if fn is None or t.retains_grad:
        return
    if hooks_of(fn).retain is None:
        fn.hooks.retain = {}
    fn.hooks.retain[t.out_nr] = weakref_ref(t)
    t._extra["retain"] = True


# ------------------------------------------------------------------ custom nodes
cdef class PyNode(Node):
    """A node whose backward is a Python callable; base of autograd.Function's nodes and of graph.Node users."""
    cdef public object fn            # fn(node, *grads) -> gradient or tuple of gradients, one an edge
    cdef public object on_release

    cdef tuple apply(self, tuple grads):
        got = self.fn(self, *grads)
        return tuple(got) if isinstance(got, (tuple, list)) else (got,)

    cdef int release(self) except -1:
        if self.on_release is not None:
            self.on_release()
        return 0


def init_node(PyNode node not None, inputs, fn):
    """Connect a PyNode to its inputs (tensors or None); `fn(node, *grads)` gives a gradient an input."""
    global sequence
    node.edges = tuple([edge_of(<Tensor>t) if isinstance(t, Tensor) else None for t in inputs])
    node.edge_nrs = tuple([out_nr_of(t) for t in inputs])
    node.seq = sequence                      # after the edges: a view's node may have been made for them just now
    sequence += 1
    node.fn = fn
    if anomaly:
        note_origin(node)


def set_history(PyNode node not None, outputs, inplace=()):
    """Make `outputs` (tensors or None) the results of `node`; those in `inplace` (by identity) were inputs it wrote to."""
    cdef Tensor t
    cdef int i
    node.n_grads = len(outputs)
    node.metas = [None if o is None else ((<Tensor>o).shape, (<Tensor>o).code) for o in outputs]
    for i in range(len(outputs)):
        if outputs[i] is None:
            continue
        t = <Tensor>outputs[i]
        if KIND[t.code] >= KIND_FLOAT:
            t._fn, t.out_nr, t.rg = node, i, False
            t.fn_version = version_of(t)


def gradient_edge(Tensor t):
    """(node, output number) where the gradient of `t` goes."""
    cdef Node fn = grad_fn_of(t)
    return (accumulator(t), 0) if fn is None else (fn, t.out_nr)


def leads_elsewhere(Tensor t, own):
    """Whether the history of `t` leads to a leaf other than those of `own` (a set of ids), or `t` is such a leaf."""
    cdef list stack = []
    cdef set seen = set()
    e = edge_of(t)
    while e is not None:
        if isinstance(e, Tensor):
            if id(e) not in own:
                return True
        elif e not in seen:
            seen.add(e)
            stack.extend((<Node>e).edges)
        e = None
        while stack and e is None:
            e = stack.pop()
    return False


def saved_alias(Tensor t, Node node=None, int nr=0):
    """The same data as `t` with history `node`: how a result is saved without a reference cycle."""
    cdef Tensor r = share_dual(t)
    if node is not None:
        r._fn, r.out_nr = node, nr
    return r
