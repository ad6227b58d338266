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


cdef enum:
    FEW = 24                         # what a small graph has, leaves included: the visits of these lie on the stack

cdef struct visit:
    PyObject *target                 # a Node or a leaf Tensor; a reference
    PyObject *grads                  # a tuple of what has arrived for its outputs; NULL while nothing has
    long seq
    int waits                        # gradients that are still to come
    bint wanted                      # where inputs are asked for: whether it is one of them or leads to one
    bint leads                       # whether it leads to one


cdef inline bint is_leaf(PyObject *e) noexcept:
    return isinstance(<object>e, Tensor)


cdef inline int *place_in(PyObject *e) noexcept:
    return &(<Tensor>e).place if is_leaf(e) else &(<Node>e).place


@cython.final
@cython.freelist(8)
cdef class Pass:
    """A backward pass under way."""
    cdef visit *visits               # of all that it reaches
    cdef int count, room
    cdef int *ready                  # a heap of the places of those that wait for nothing more, newest first
    cdef int n_ready
    cdef bint grown                  # whether the two are on the heap
    cdef dict places                 # address of a target -> its place, where another pass is under way; else the targets know it themselves
    cdef dict captures               # place -> [(which input, which output)] for the inputs asked for, or None
    cdef list found                  # their gradients
    cdef bint keep_graph
    cdef object token                # what current_backward() gives

    cdef inline int place_of(self, PyObject *e) except -2:
        """Where the visit of a node or leaf is; -1 for none. What a target says of itself may stem from an earlier pass."""
        cdef int place
        if self.places is not None:
            return self.places.get(<size_t>e, -1)
        place = place_in(e)[0]
        return place if place < self.count and self.visits[place].target == e else -1

    cdef int enter(self, PyObject *e) except -1:
        """The place of a node or leaf, which is given a visit if it has none."""
        cdef int place = self.place_of(e)
        cdef visit *v
        if place >= 0:
            return place
        if self.count == self.room:
            self.grow()
        place = self.count
        v = &self.visits[place]
        v.target, v.grads, v.waits, v.wanted, v.leads = e, NULL, 0, False, False
        v.seq = MAX_SEQ if is_leaf(e) else (<Node>e).seq
        Py_INCREF(<object>e)
        if self.places is not None:
            self.places[<size_t>e] = place
        else:
            place_in(e)[0] = place
        self.count += 1
        return place

    cdef int grow(self) except -1:
        cdef visit *wider = <visit *>malloc(2 * self.room * (sizeof(visit) + sizeof(int)))
        if wider == NULL:
            raise MemoryError
        memcpy(wider, self.visits, self.count * sizeof(visit))
        if self.grown:
            free(self.visits)
        self.visits, self.room, self.grown = wider, 2 * self.room, True
        self.ready = <int *>(wider + self.room)
        return 0

    cdef int explore(self) except -1:
        """Enter all that the roots lead to, and count the gradients that each waits for."""
        cdef int i = 0, k
        cdef PyObject *e
        cdef PyObject *edges
        while i < self.count:
            if not is_leaf(self.visits[i].target):
                edges = <PyObject *>(<Node>self.visits[i].target).edges
                for k in range(<int>len(<tuple>edges)):
                    e = PyTuple_GET_ITEM(<object>edges, k)
                    if e != <PyObject *>None:
                        self.visits[self.enter(e)].waits += 1
            i += 1
        return 0

    cdef mark(self, list inputs, bint capture):
        """Note the inputs asked for, which keep their gradients themselves unless we `capture` them, and all nodes that lead there."""
        cdef int i, place
        cdef Tensor t
        cdef visit *v
        self.captures, self.found = {}, [None] * len(inputs)
        for i in range(<int>len(inputs)):
            t = <Tensor>inputs[i]
            fn = grad_fn_of(t)
            place = self.place_of(<PyObject *>t if fn is None else <PyObject *>fn)
            if place >= 0:
                self.visits[place].wanted = True
                if capture:
                    self.captures.setdefault(place, []).append((i, t.out_nr))
        for _, i in sorted([(self.visits[place].seq, place) for place in range(self.count)]):     # inputs are older than the nodes that read them
            v = &self.visits[i]
            if not is_leaf(v.target):
                for e in (<Node>v.target).edges:
                    if e is not None and self.visits[self.place_of(<PyObject *>e)].wanted:
                        v.wanted = v.leads = True
                        break

    cdef int put(self, int place, int nr, Tensor g) except -1:
        """Add to the gradient of an output."""
        cdef visit *v = &self.visits[place]
        cdef PyObject *former
        if v.grads == NULL:
            grads = tuple_of_none(1 if is_leaf(v.target) else max((<Node>v.target).n_grads, nr + 1))
            Py_INCREF(grads)
            v.grads = <PyObject *>grads
        former = PyTuple_GET_ITEM(<object>v.grads, nr)
        if former == <PyObject *>None:
            tuple_put(<tuple>v.grads, nr, g)
        elif not (tls_no_grad and count_of(former) == 1 and sole_owner(<Tensor>former) is <Tensor>former and add_plain(<Tensor>former, g)):
            tuple_put(<tuple>v.grads, nr, add_gradients(<Tensor>former, g))
        return 0

    # The heap goes the way of C++'s library. torch: all leaves count as equally new, and their hooks show in which order they come.
    cdef void lift(self, int hole, int place) noexcept:
        cdef int up
        while hole > 0:
            up = (hole - 1) // 2
            if self.visits[self.ready[up]].seq >= self.visits[place].seq:
                break
            self.ready[hole] = self.ready[up]
            hole = up
        self.ready[hole] = place

    cdef void push(self, int place) noexcept:
        self.n_ready += 1
        self.lift(self.n_ready - 1, place)

    cdef int pop(self) noexcept:
        cdef int top = self.ready[0], hole = 0, child, n = self.n_ready - 1
        self.n_ready = n
        while 2 * hole + 1 < n:
            child = 2 * hole + 2
            if child == n or self.visits[self.ready[child]].seq < self.visits[self.ready[child - 1]].seq:
                child -= 1
            self.ready[hole] = self.ready[child]
            hole = child
        if n:
            self.lift(hole, self.ready[n])
        return top

    cdef int step(self) except -1:
        """Visit what is newest of that which is ready."""
        cdef int place = self.pop(), i, nr, at, count = 0
        cdef Node node
        cdef tuple grads = None, out = None
        cdef PyObject *e
        cdef Tensor g
        if self.visits[place].grads != NULL:
            grads = <tuple>self.visits[place].grads
            let_go(self.visits[place].grads)
            self.visits[place].grads = NULL
        if is_leaf(self.visits[place].target):
            if grads is not None:
                self.end(place, <Tensor>self.visits[place].target, grads)
            return 0
        node = <Node>self.visits[place].target
        if grads is not None:
            out = self.evaluate(place, node, grads)
            if out is not None:
                count = <int>len(out)
        for i in range(<int>len(node.edges)):
            e = PyTuple_GET_ITEM(node.edges, i)
            if e == <PyObject *>None:
                continue
            at = self.place_of(e)
            if i < count and PyTuple_GET_ITEM(out, i) != <PyObject *>None:
                nr = 0 if node.edge_nrs is None else node.edge_nrs[i]
                g = validate(node, i, <object>e, nr, out[i])
                if anomaly and anomaly_check_nan:
                    refuse_nan(node, i, g)
                if count_of(<PyObject *>out) == 1:           # then `put` may find that nobody else has the gradient
                    tuple_put(out, i, None)
                if self.captures is None or self.visits[at].wanted:
                    self.put(at, nr, g)
            self.visits[at].waits -= 1
            if self.visits[at].waits == 0:
                self.push(at)
        return 0

    cdef int end(self, int place, Tensor leaf, tuple grads) except -1:
        """A leaf has its whole gradient."""
        wanted = None if self.captures is None else self.captures.get(place)
        if wanted is None:
            deliver_leaf(leaf, grads)
            return 0
        g = grads[0]
        if leaf._x is not None and leaf._x.get("hooks"):
            g = run_hooks(leaf._x["hooks"], g)
        for i, _ in wanted:
            self.found[i] = g
        return 0

    cdef tuple evaluate(self, int place, Node node, tuple grads):
        """Hooks, captures, the node itself, hooks again; None when the node's result is not wanted."""
        cdef Hooks hooks = node.hooks
        cdef tuple out
        if hooks is not None:
            grads = run_early_hooks(hooks, grads)
        if self.captures is not None:
            for i, nr in self.captures.get(place, ()):
                self.found[i] = grads[nr]
            if not self.visits[place].leads:
                return None
        if hooks is not None and all([g is None for g in grads]):
            return None
        out = apply_watched(node, grads) if anomaly else node.apply(grads)
        if hooks is not None and hooks.post:
            for hook in list(hooks.post.values()):
                r = hook(out, grads)
                if r is not None:
                    out = tuple(r) if isinstance(r, (tuple, list)) else (r,)
        if not self.keep_graph:
            node.release()
        return out

    cdef close(self):
        """Let go of everything."""
        cdef int i, count = self.count
        self.count = 0
        for i in range(count):
            let_go(self.visits[i].target)
            if self.visits[i].grads != NULL:
                let_go(self.visits[i].grads)
        if self.grown:
            free(self.visits)


cdef int passes = 0                      # backward passes under way, in all threads


cdef list differentiate(tuple roots, tuple grads, bint keep_graph, bint create_graph, list inputs, bint allow_unreachable, bint accumulate_grad):
    """See run_backward."""
    global passes
    cdef visit few[FEW]
    cdef int few_ready[FEW]
    cdef Pass run = Pass.__new__(Pass)
    cdef PyObject *former = tls_pass
    cdef int no_grad_before = tls_no_grad, i, count
    cdef Tensor t
    run.visits, run.ready, run.room, run.keep_graph = few, few_ready, FEW, keep_graph
    if passes:
        run.places = {}
    passes += 1
    tls_pass_write(<PyObject *>run)
    try:
        for x in roots:
            t = <Tensor>x
            fn = grad_fn_of(t)
            run.enter(<PyObject *>t if fn is None else <PyObject *>fn)
        count = run.count
        run.explore()
        if inputs is not None:
            run.mark(inputs, not accumulate_grad)
            if accumulate_grad:
                for x in inputs:
                    retain_grad(<Tensor>x)
        tls_no_grad_write(0 if create_graph else 1)
        for i in range(<int>len(roots)):
            t = <Tensor>roots[i]
            fn = grad_fn_of(t)
            run.put(run.place_of(<PyObject *>t if fn is None else <PyObject *>fn), t.out_nr, <Tensor>grads[i])
        for i in range(count):
            if run.visits[i].waits == 0:
                run.push(i)
        while run.n_ready:
            run.step()
    finally:
        tls_no_grad_write(no_grad_before)
        tls_pass_write(former)
        passes -= 1
        run.close()
    if inputs is not None and not allow_unreachable:
        for i in range(<int>len(inputs)):
            if run.found[i] is None:
                raise RuntimeError(f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if this is "
                                   "the desired behavior.")
    return run.found


def run_backward(list roots, list grads, keep_graph, create_graph, list inputs, allow_unreachable, accumulate_grad):
    """Differentiate.

    roots: tensors with history; grads: their gradients; inputs: None to feed every leaf, or the tensors whose gradients are wanted:
    these are returned as a list (None where nothing arrived, which `allow_unreachable` permits) or, with `accumulate_grad`, added to their
    `.grad`.
    """
    return differentiate(tuple(roots), tuple(grads), keep_graph, create_graph, inputs, allow_unreachable, accumulate_grad)


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
    differentiate((t,), (g,), False, False, None, True, True)
    return True


def current_backward():
    """A token of this thread's backward pass under way, made when first asked for; None outside."""
    if tls_pass == NULL:
        return None
    if (<Pass>tls_pass).token is None:
        (<Pass>tls_pass).token = object()
    return (<Pass>tls_pass).token


def reachable_count(tensors):
    """How many of `tensors` this thread's backward pass under way can reach."""
    cdef Pass run = <Pass>tls_pass
    cdef int place, count = 0
    for x in tensors:
        e = edge_of(<Tensor>x)
        place = -1 if e is None else run.place_of(<PyObject *>e)
        count += place >= 0 and (run.captures is None or run.visits[place].wanted)
    return count


# ------------------------------------------------------------------ anomaly mode
cdef tuple apply_watched(Node node, tuple grads):
    try:
        return node.apply(grads)
    except Exception:
        report_origin(node)
        raise


cdef refuse_nan(Node node, int i, Tensor g):
    if KIND[g.code] >= KIND_FLOAT and bool(np.isnan(g._a).any()):
        report_origin(node)
        raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")


cdef report_origin(Node node):
    import warnings
    where = None if node.extra is None else node.extra.get("traceback_")
    if where is None:
        warnings.warn(f"Error detected in {node.name()}. No forward pass information available. Enable detect anomaly during forward pass for more "
                      "information.", UserWarning, stacklevel=2)
    else:
        warnings.warn(f"Error detected in {node.name()}. Traceback of forward call that caused the error:\n" + "".join(where), UserWarning, stacklevel=2)
