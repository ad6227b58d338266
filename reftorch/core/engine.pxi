# The engine: runs the backward graph from outputs to leaves, newest node first, without recursion.
# An edge leads to a Node, or straight to a leaf Tensor, whose `.grad` it feeds.

cdef bint anomaly = False, anomaly_check_nan = True


cdef note_origin(Node node):
    import traceback
    if node.extra is None:
        node.extra = {}
    node.extra["traceback_"] = traceback.format_stack()


def set_anomaly(mode, check_nan):
    """Switch anomaly detection; gives the former state."""
    global anomaly, anomaly_check_nan
    before = (anomaly, anomaly_check_nan)
    anomaly, anomaly_check_nan = mode, check_nan
    return before


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


cdef bint stealable(Tensor g):
    """Nobody else sees this gradient or its memory: the leaf may keep it."""
    return (PyArray_IS_C_CONTIGUOUS(g._a) and cnp.PyArray_BASE(g._a) == NULL and g._st is None and g._fn is None
            and type(g) is Tensor and Py_REFCNT(g._a) == 1)


cdef accumulate_into(Tensor v, Tensor g, bint mine):
    """`v.grad += g`; `mine`: the engine holds the only reference to `g`."""
    if v._grad is None:
        if tls_no_grad:
            if mine and stealable(g):
                v._grad = g
            else:
                v._grad = wrap(gradient_copy(v, g), g.code) if forward_hook is None else T.clone(g)
        else:
            v._grad = T.clone(g)
    elif tls_no_grad:
        add_quick(<Tensor>v._grad, g)
    else:
        v._grad = call_op(<Op>slot_ops[SLOT_ADD], [v._grad, g], None, FUNCTION)


cdef int add_quick(Tensor sum, Tensor g) except -1:
    """`sum += g`, by the loop itself when both are plain."""
    cdef Overload ov = (<Op>slot_ops[SLOT_ADD]).first
    cdef PyObject *operands[2]
    if (ov is None or sum.code != g.code or ov.loops[sum.code] == NULL or cnp.PyArray_SIZE(sum._a) > QUICK_LIMIT or not same_shape(sum._a, g._a)
            or forward_hook is not None or not PyArray_IS_C_CONTIGUOUS(sum._a) or sum._fn is not None or type(sum) is not Tensor
            or cnp.PyArray_BASE(sum._a) != NULL or g._a is sum._a or cnp.PyArray_BASE(g._a) == <PyObject *>sum._a):
        call_op(<Op>slot_ops[SLOT_ADD], [sum, g], None, INPLACE)
        return 0
    operands[0], operands[1] = <PyObject *>sum._a, <PyObject *>g._a
    loop_into(ov, sum.code, 2, operands, sum._a)
    bump(sum)
    return 0


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


cdef deliver_leaf(Tensor leaf, object g, bint mine):
    """The end of a path: hooks of the leaf, accumulation, post-accumulate hooks."""
    cdef AccumulateGrad acc = None
    cdef dict x = leaf._x
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
    accumulate_into(leaf, <Tensor>g, mine and x is None)
    if acc is not None and acc.hooks is not None and acc.hooks.post:
        for hook in list(acc.hooks.post.values()):
            hook((), (g,))
    if x is not None:
        for hook in list((x.get("post_accumulate") or {}).values()):
            hook(leaf)


# ------------------------------------------------------------------ a pass
@cython.final
@cython.freelist(64)
cdef class Visit:
    """What a backward pass knows of a node."""
    cdef Pass owner
    cdef int waits                   # gradients that it still waits for
    cdef list grads                  # those of its outputs so far


@cython.final
@cython.freelist(8)
cdef class Pass:
    """A backward pass under way."""
    cdef bint running
    cdef object token                # what current_backward() gives
    cdef list order                  # all nodes that it reaches
    cdef list heap                   # those that are ready, newest first
    cdef dict aside                  # visits of nodes at which another pass is, too: a thread's, or one from within a hook
    cdef dict needed                 # inputs asked for and what leads there, or None

    cdef Visit visit_of(self, Node node):
        cdef Visit v = node.visit
        if v is not None and v.owner is self:
            return v
        return None if self.aside is None else self.aside.get(node)

    cdef Visit enter(self, Node node):
        cdef Visit v = Visit.__new__(Visit)
        v.owner = self
        if node.visit is None or not node.visit.owner.running:
            node.visit = v
        else:
            if self.aside is None:
                self.aside = {}
            self.aside[node] = v
        self.order.append(node)
        return v

    cdef leave(self, Node node):
        if node.visit is not None and node.visit.owner is self:
            node.visit = None
        elif self.aside is not None:
            self.aside.pop(node, None)

    cdef put(self, Node node, int nr, Tensor g):
        """Add to the gradient of an output."""
        cdef Visit v = self.visit_of(node)
        if v.grads is None:
            v.grads = [None] * max(node.n_grads, nr + 1)
        if v.grads[nr] is None:
            v.grads[nr] = g
        else:
            v.grads[nr] = add_gradients(<Tensor>v.grads[nr], g)

    cdef explore(self):
        """Count the gradients that each node waits for; `order` has the roots."""
        cdef Py_ssize_t i = 0
        cdef Node node
        cdef Visit v
        while i < len(self.order):
            node = <Node>self.order[i]
            i += 1
            for e in node.edges:
                if e is None or isinstance(e, Tensor):
                    continue
                v = self.visit_of(<Node>e)
                if v is None:
                    v = self.enter(<Node>e)
                v.waits += 1

    cdef mark_needed(self):
        """Add to the inputs asked for all nodes that lead there."""
        for node in sorted(self.order, key=_seq):                # inputs are always older than the nodes that read them
            if node not in self.needed:
                for e in (<Node>node).edges:
                    if e is not None and e in self.needed:
                        self.needed[node] = True
                        break

    cdef push(self, Node node):
        cdef list h = self.heap
        cdef Py_ssize_t i = len(h), up
        h.append(node)
        while i > 0:
            up = (i - 1) >> 1
            if (<Node>h[up]).seq >= node.seq:
                break
            h[i] = h[up]
            i = up
        h[i] = node

    cdef Node pop(self):
        cdef list h = self.heap
        cdef Node top, last = <Node>h.pop()
        cdef Py_ssize_t i = 0, child, n = len(h)
        if n == 0:
            return last
        top = <Node>h[0]
        while True:
            child = 2 * i + 1
            if child >= n:
                break
            if child + 1 < n and (<Node>h[child + 1]).seq > (<Node>h[child]).seq:
                child += 1
            if (<Node>h[child]).seq <= last.seq:
                break
            h[i] = h[child]
            i = child
        h[i] = last
        return top


def _seq(Node node):
    return node.seq


cdef Pass current_pass = None            # the backward pass under way


def run_backward(list roots, list grads, bint keep_graph, bint create_graph, list inputs, bint allow_unreachable, bint accumulate_grad):
    """Differentiate.

    roots: tensors with history; grads: their gradients; inputs: None to feed every leaf, or the tensors whose gradients are wanted:
    these are returned as a list (None where nothing arrived) or, with `accumulate_grad`, added to their `.grad`.
    """
    global current_pass
    cdef Tensor t, g
    cdef Node node
    cdef Visit visit
    cdef int i, nr
    cdef dict captures = None
    cdef list out, found = None
    cdef int no_grad_before = tls_no_grad
    cdef bint done = False
    cdef Pass former = current_pass, run = Pass.__new__(Pass)
    run.running, run.order, run.heap = True, [], []
    for t in roots:
        node = grad_fn_of(t)
        if node is not None and run.visit_of(node) is None:
            run.enter(node)
    if inputs is not None:
        run.needed, captures = {}, {}
        found = [None] * len(inputs)
        for i in range(len(inputs)):
            t = <Tensor>inputs[i]
            key = grad_fn_of(t)
            if key is None:
                key = t
            run.needed[key] = True
            captures.setdefault(key, []).append((i, t.out_nr))
    roots_count = len(run.order)
    run.explore()
    if inputs is not None:
        run.mark_needed()
    current_pass = run
    tls_no_grad_write(0 if create_graph else 1)
    try:
        for i in range(len(roots)):
            t = <Tensor>roots[i]
            g = <Tensor>grads[i]
            node = grad_fn_of(t)
            if node is None:
                give_leaf(t, g, captures, found, inputs is None, False)
                continue
            run.put(node, t.out_nr, g)
        for i in range(roots_count):
            node = <Node>run.order[i]
            if run.visit_of(node).waits == 0:
                run.push(node)
        while run.heap:
            node = run.pop()
            visit = run.visit_of(node)
            run.leave(node)
            out = None
            if visit.grads is not None:
                out = evaluate(node, visit.grads, captures, found, run.needed, keep_graph)
            visit = None
            for i in range(len(node.edges)):
                e = node.edges[i]
                if e is None:
                    continue
                got = None
                if out is not None and i < len(out):
                    got = out[i]
                    out[i] = None
                if got is not None:
                    if not isinstance(got, Tensor):
                        raise TypeError(f"expected Variable or None (got {type(got).__name__})")
                    nr = 0 if node.edge_nrs is None else node.edge_nrs[i]
                    g = validate(node, i, e, nr, <Tensor>got)
                    got = None
                    if anomaly and anomaly_check_nan and KIND[g.code] >= KIND_FLOAT and bool(np.isnan(g._a).any()):
                        report_origin(node)
                        raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
                    if isinstance(e, Tensor):
                        # the list above and `g` are what still refers to it
                        give_leaf(<Tensor>e, g, captures, found, inputs is None, Py_REFCNT(g) <= 1)
                    elif run.needed is None or e in run.needed:
                        run.put(<Node>e, nr, g)
                    g = None
                if not isinstance(e, Tensor):
                    visit = run.visit_of(<Node>e)
                    visit.waits -= 1
                    if visit.waits == 0:
                        run.push(<Node>e)
        done = True
        if found is not None and accumulate_grad:
            for i in range(len(inputs)):
                if found[i] is not None:
                    accumulate_into(<Tensor>inputs[i], <Tensor>found[i], False)
    finally:
        tls_no_grad_write(no_grad_before)
        current_pass = former
        run.running = False
        if not done:
            for node in run.order:
                run.leave(node)
    if found is not None and not allow_unreachable and not accumulate_grad:
        for i in range(len(found)):
            if found[i] is None:
                raise RuntimeError("One of the differentiated Tensors appears to not have been used in the graph. Set allow_unused=True if this is the "
                                   "desired behavior.")
    return found


def current_backward():
    """A token of the backward pass under way, made when first asked for; None outside."""
    if current_pass is None:
        return None
    if current_pass.token is None:
        current_pass.token = object()
    return current_pass.token


def reachable_count(tensors):
    """How many of `tensors` the backward pass under way can reach."""
    cdef Tensor t
    cdef set nodes = set(current_pass.order)
    count = 0
    for x in tensors:
        t = <Tensor>x
        e = edge_of(t)
        if current_pass.needed is not None and e not in current_pass.needed:
            continue
        if isinstance(e, Tensor):
            for node in nodes:
                if any([y is e for y in (<Node>node).edges]):
                    count += 1
                    break
        elif e in nodes:
            count += 1
    return count


cdef report_origin(Node node):
    import warnings
    where = None if node.extra is None else node.extra.get("traceback_")
    if where is None:
        warnings.warn(f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during forward pass for more "
                      "information.", UserWarning, stacklevel=2)
    else:
        warnings.warn(f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n" + "".join(where), UserWarning, stacklevel=2)


cdef give_leaf(Tensor leaf, Tensor g, dict captures, list found, bint feed, bint mine):
    wanted = captures.get(leaf) if captures else None
    if wanted is not None:
        g2 = g
        if leaf._x is not None and leaf._x.get("hooks"):
            g2 = run_hooks(leaf._x["hooks"], g)
        for i, _ in wanted:
            found[i] = g2 if found[i] is None else add_gradients(<Tensor>found[i], <Tensor>g2)
    elif feed:
        deliver_leaf(leaf, g, mine)


cdef list evaluate(Node node, list slot, dict captures, list found, dict needed, bint keep_graph):
    """Hooks, captures, the node itself, hooks again; None when the node's result is not wanted."""
    cdef list out, before = None
    cdef Hooks hooks = node.hooks
    cdef bint wanted = True
    if hooks is not None:
        run_early_hooks(hooks, slot)
    if captures is not None:
        for i, nr in captures.get(node, ()):
            found[i] = slot[nr]
    if needed is not None:
        wanted = False
        for e in node.edges:
            if e is not None and e in needed:
                wanted = True
                break
        if not wanted:
            return None
    if hooks is not None and hooks.post:
        before = list(slot)
    for g in slot:
        if g is not None:
            break
    else:
        return None
    try:
        out = node.apply(slot)
    except Exception:
        if anomaly:
            report_origin(node)
        raise
    if before is not None:
        for hook in list(hooks.post.values()):
            r = hook(tuple(out), tuple(before))
            if r is not None:
                out = list(r) if isinstance(r, (tuple, list)) else [r]
    if not keep_graph:
        node.release()
    return out


cdef run_early_hooks(Hooks hooks, list slot):
    """Hooks of the tensors that a node made, of the node before it runs, and the gradients that tensors keep."""
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


def backward_plain(Tensor t not None, given):
    """`t.backward(given)` of a real tensor with history, no options; `given` is a tensor like it, or None where `t` has one element. False when
    it is none of that."""
    cdef Tensor g
    if (t.code != F32 and t.code != F64) or grad_fn_of(t) is None:
        return False
    if given is None:
        if cnp.PyArray_SIZE(t._a) != 1:
            return False
        g = wrap(memory.array_of(cnp.PyArray_NDIM(t._a), cnp.PyArray_DIMS(t._a), NPY_TYPE[t.code], ITEMSIZE[t.code]), t.code)
        store_scalar(cnp.PyArray_BYTES(g._a), t.code, 1.0)
    elif type(given) is Tensor and (<Tensor>given).code == t.code and same_shape((<Tensor>given)._a, t._a):
        g = <Tensor>given
    else:
        return False
    run_backward([t], [g], False, False, None, True, True)
    return True


def conj_of(v):
    """The conjugate of a tensor, or of the Python number that stands for one; real ones are given back."""
    if isinstance(v, Tensor):
        return T.conj(v) if KIND[(<Tensor>v).code] == KIND_COMPLEX else v
    return v.conjugate()


def expand_gradient(Tensor g not None, shape):
    """`g.expand(shape)`; of a 0-dim gradient that is not recorded without a call."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef int i, nd = len(shape)
    cdef cnp.ndarray a
    cdef Tensor r
    if not tls_no_grad or cnp.PyArray_NDIM(g._a) or forward_hook is not None:
        return g.expand(shape)
    for i in range(nd):
        dims[i], steps[i] = shape[i], 0
    a = PyArray_FromMemory(cnp.PyArray_DESCR(g._a), nd, dims, steps, cnp.PyArray_BYTES(g._a))
    cnp.set_array_base(a, g._a)
    r = wrap(a, g.code)
    r._st = storage_of(g)
    return r


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

    cdef list apply(self, list grads):
        got = self.fn(self, *grads)
        return list(got) if isinstance(got, (tuple, list)) else [got]

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
