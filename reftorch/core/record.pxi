# Recording: what a call saves, and the node it leaves behind.


cdef class OpNode(Node):
    """The backward step of an op: calls its rules with what was saved."""
    cdef Overload ov
    cdef Plan plan
    cdef tuple saved
    cdef bint listed                 # whether there are tensor lists among the inputs, whose lengths then are in `counts`
    cdef int counts[MAX_SLOTS]
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
        if self.listed:                      # tensor lists take several places
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
    cdef tuple edges
    cdef bint several = False
    cdef int i
    for i in range(ov.n_slots):
        if type(<object>vals[ov.slot[i]]) is list:
            return connect_lists(node, ov, vals)
    edges = tuple_of_none(ov.n_slots)
    for i in range(ov.n_slots):
        several |= put_edge(edges, i, <object>vals[ov.slot[i]])
    node.edges = edges
    if several:
        node.edge_nrs = tuple([out_nr_of(<object>vals[ov.slot[i]]) for i in range(ov.n_slots)])
    if ov.refuses:                           # torch: these nodes list no input that needs no gradient
        if several:
            node.edge_nrs = tuple([nr for e, nr in zip(edges, node.edge_nrs) if e is not None])
        node.edges = tuple([e for e in edges if e is not None])
    return 0


cdef int connect_lists(OpNode node, Overload ov, PyObject **vals) except -1:
    """`connect` where inputs are lists of tensors, whose elements take an edge each."""
    cdef tuple edges
    cdef bint several = False
    cdef Py_ssize_t at = 0
    cdef int i
    cdef object v
    node.listed = True
    for i in range(ov.n_slots):
        v = <object>vals[ov.slot[i]]
        node.counts[i] = <int>len(<list>v) if type(v) is list else -1
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
        return shapes_of(<list>v) if kind == "shape" else [meta_of(<Tensor>x, kind) for x in <list>v]
    return () if kind == "shape" else None


cdef tuple plain_shape(int nd, cnp.npy_intp *dims):
    """A shape as rules get it: a plain tuple takes half the time of a Size."""
    return tuple_of_ints(nd, dims)


cdef list shapes_of(list tensors):
    """Their shapes; that of one like the one before is the same tuple."""
    cdef list made = []
    cdef cnp.ndarray a, former = None
    cdef tuple shape = None
    for x in tensors:
        a = (<Tensor?>x)._a
        if former is None or not same_shape(a, former):
            shape, former = plain_shape(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a)), a
        made.append(shape)
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
