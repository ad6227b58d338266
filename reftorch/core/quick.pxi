# The quick way of small calls, stated by `quick=` (see define.py): plain arguments go to a compiled function and the result is
# recorded like that of any other call; no Python code runs. Whatever is not plain, and every error, is left to the general call.


@cython.final
cdef class Step:
    """A call in the quick expression of a composite: `addmm(bias, input, t(weight))`."""
    cdef Op op
    cdef list parts                  # a Step, the place of an argument, or a constant in a tuple
    cdef long used                   # arguments of the composite that it reads, one bit each


cdef Step parse_step(list words, list names):
    """The step that starts at the end of `words`, the expression's words in reverse."""
    cdef Step made = Step.__new__(Step), inner
    made.op, made.parts = <Op>OPS[words.pop()], []
    words.pop()                              # the bracket
    while words[-1] != ")":
        word = words[-1]
        if word == ",":
            words.pop()
        elif words[-2] == "(":
            inner = parse_step(words, names)
            made.parts.append(inner)
            made.used |= inner.used
        elif word in names:
            made.parts.append(names.index(words.pop()))
            made.used |= 1 << <int>made.parts[-1]
        else:
            made.parts.append(({"False": False, "True": True}[words.pop()],))
    words.pop()
    return made


cdef state_quick(Overload ov, str text):
    """Read `quick=`: "module:function" of reftorch.kernels, or expressions separated by bars."""
    module, colon, name = text.partition(":")
    if colon:
        found = importlib.import_module("reftorch.kernels." + module).QUICK[name]
        ov.mixed = PyCapsule_IsValid(found, b"quick mixed")
        ov.quick = <quickfn>PyCapsule_GetPointer(found, b"quick mixed" if ov.mixed else b"quick")
    else:
        names = [p.name for p in ov.schema.params]
        ov.steps = [parse_step(part.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()[::-1], names) for part in text.split("|")]


cdef Tensor quick_vector(Op op, PyObject *const *args, Py_ssize_t n, PyObject *names, bint method):
    """The result of a plain call with positional and keyword arguments, or None."""
    cdef Overload ov
    cdef PyObject *given[QUICK_ARGS]
    cdef Py_ssize_t i, k, count
    cdef Arg p
    cdef Tensor r
    cdef object spread                       # x.view(2, 3): holds the tuple that the ints are one argument in
    if forward_hook is not None or function_modes or tls_inference:
        return None
    for ov in op.quick:
        if n > ov.n_positional and ov.varargs != 1 or method and (not ov.is_method or ov.receiver) or not ov.single:
            continue
        count = len(ov.args)
        for i in range(count):
            given[i] = args[i] if i < n else NULL
        if ov.varargs == 1 and n > 1 and type(<object>args[1]) is int:
            spread = tuple_of_none(n - 1)
            for i in range(1, n):
                tuple_put(<tuple>spread, i - 1, <object>args[i])
            given[1] = <PyObject *>spread
            for i in range(2, count):
                given[i] = NULL
        elif n > ov.n_positional:
            continue
        if names != NULL:
            for k in range(len(<tuple>names)):
                for i in range(count):
                    p = <Arg>ov.args[i]
                    if (<tuple>names)[k] is (p.name if method else p.py_name):
                        break
                else:
                    return None              # NumPy's names and `out` as well
                if given[i] != NULL:
                    return None
                given[i] = args[n + k]
        r = quick_given(ov, given)
        if r is not None:
            return r
    return None


cdef Tensor quick_given(Overload ov, PyObject **given):
    """The result, or the first of several, for arguments by place, NULL where the default stands; or None."""
    cdef quick_call q
    cdef Py_ssize_t i, count = len(ov.args)
    cdef int code = NOCODE
    cdef Arg p
    cdef long present = 0
    cdef Tensor r = None
    cdef list outs = None
    for i in range(count):
        if given[i] == <PyObject *>None:
            p = <Arg>ov.args[i]
            if p.required or p.default is not None:
                return None
            given[i] = NULL
        elif given[i] != NULL:
            present |= 1 << i
    if ov.kind == LOOP:
        return quick_loop(ov, given)
    if ov.quick == NULL:
        for step in ov.steps:
            if (<Step>step).used & present == present:
                r = take_step(<Step>step, given)
                if r is not None:
                    return r
        return None
    q.tensors = q.numbers = 0
    for i in range(count):
        p = <Arg>ov.args[i]
        if not take_argument(&q, p, given[i], &code, ov.mixed):
            return None
    if code == NOCODE:                       # a list without tensors
        return None
    a = ov.quick(&q)
    if a is None:
        return None
    if not ov.single:
        outs = [wrap(<cnp.ndarray>x, code_of(<cnp.ndarray>x)) for x in <list>a]
        r = <Tensor>outs[0]
    elif ov.kind == VIEW:
        r = make_view(<Tensor><object>given[0], a, VIEW_DEFAULT)
    else:
        r = wrap(<cnp.ndarray>a, code)
    if not tls_no_grad and KIND[code] >= KIND_FLOAT:
        record_given(ov, given, r, outs)
    return r


cdef Tensor quick_loop(Overload ov, PyObject **given):
    """Tensors of one dtype, and numbers, by the inner loop."""
    cdef PyObject *operands[7]
    cdef Tensor r
    cdef int k, at, code = NOCODE, nop = len(ov.operands), others = 0
    cdef object v
    if not ov.resolved or nop > 7 or (ov.prepare is not None and nop > 2) or given[0] == NULL or not isinstance(<object>given[0], Tensor):
        return None
    for k in range(nop):
        at = PyLong_AsLong(<object>PyList_GET_ITEM(ov.operands, k))
        others -= given[at] != NULL
        operands[k] = given[at] if given[at] != NULL else list_items(ov.defaults)[at]
        v = <object>operands[k]
        if isinstance(v, Tensor):
            if (<Arg>ov.args[at]).code == A_SCALAR or (type(v) is not Tensor and is_overriding(v)):
                return None
            if code == NOCODE:
                code = (<Tensor>v).code
            if (<Tensor>v).code != code or shared(cnp.PyArray_SIZE((<Tensor>v)._a)):
                return None
            operands[k] = <PyObject *>(<Tensor>v)._a
        elif type(v) is not float and type(v) is not int or not (ov.takes_number or (<Arg>ov.args[at]).code == A_SCALAR):
            return None
    for k in range(<int>len(ov.args)):
        others += given[k] != NULL
    if others or code == NOCODE or KIND[code] != KIND_FLOAT or ov.loops[code] == NULL:
        return None
    r = wrap(loop_arrays(ov, code, nop, operands), ov.loop_out[code])
    if not tls_no_grad and ov.n_slots and KIND[r.code] >= KIND_FLOAT:
        record_given(ov, given, r, None)
    return r


cdef inline bint take_argument(quick_call *q, Arg p, PyObject *given, int *code, bint mixed) except -1:
    """Put an argument where the quick function finds it; False when it is not plain."""
    cdef object v
    if given == NULL:
        if p.required or p.size >= 0:
            return False
        if p.code == A_INT or p.code == A_BOOL:
            return take_number(q, p.default)
        return p.code != A_TENSOR or p.default is None
    v = <object>given
    if p.size < 0:
        if p.code == A_TENSOR:
            return take_tensor(q, v, code, mixed)
        if p.code == A_MEMFORMAT:
            return v is MEMORY_FORMATS["contiguous_format"] and take_number(q, True)
        return (p.code == A_INT and type(v) is int or p.code == A_BOOL and type(v) is bool) and take_number(q, v)
    if type(v) is not tuple and type(v) is not list and type(v) is not Size:
        return False
    for x in v:
        if not (take_tensor(q, x, code, mixed) if p.code == A_TENSOR else p.code == A_INT and type(x) is int and take_number(q, x)):
            return False
    return True


cdef inline bint take_number(quick_call *q, object v) except -1:
    cdef int beyond = 0
    if q.numbers == QUICK_NUMBERS:
        return False
    q.number[q.numbers] = NO_NUMBER if v is None else PyLong_AsLongLongAndOverflow(v, &beyond)
    q.numbers += 1
    return beyond == 0


cdef inline bint take_tensor(quick_call *q, object v, int *code, bint mixed) except -1:
    if q.tensors == QUICK_TENSORS or not isinstance(v, Tensor) or (type(v) is not Tensor and is_overriding(v)):
        return False
    if code[0] == NOCODE:
        code[0] = (<Tensor>v).code
    q.tensor[q.tensors] = <PyObject *>(<Tensor>v)._a
    q.tensors += 1
    return mixed or code[0] == (<Tensor>v).code


cdef Tensor take_step(Step s, PyObject **given):
    """The result of a step on the composite's arguments, or None."""
    cdef PyObject *inner[QUICK_ARGS]
    cdef Overload ov
    cdef Tensor t
    cdef Py_ssize_t i, count = len(s.parts)
    cdef list held = None                    # results of inner steps
    if s.op.pending:
        build(s.op)
    for i in range(QUICK_ARGS):
        inner[i] = NULL
    for i in range(count):
        part = s.parts[i]
        if type(part) is Step:
            t = take_step(<Step>part, given)
            if t is None:
                return None
            if held is None:
                held = []
            held.append(t)
            inner[i] = <PyObject *>t
        elif type(part) is tuple:
            inner[i] = PyTuple_GET_ITEM(part, 0)
        else:
            inner[i] = given[<Py_ssize_t>part]
    for ov in s.op.quick:
        t = quick_given(ov, inner)
        if t is not None:
            return t
    return None


cdef inline bint saves_param(Plan plan, int i) noexcept:
    """Whether the argument itself is saved."""
    cdef int k
    for k in range(plan.n_save):
        if plan.kind[k] == SAVE_PARAM and plan.index[k] == i:
            return True
    return False


cdef int record_given(Overload ov, PyObject **given, Tensor r, list outs) except -1:
    """The history of a quick call's result, or results, if one of the inputs has any; arguments by place, NULL where the default stands."""
    cdef PyObject *vals[QUICK_ARGS]
    cdef int i, count = len(ov.args)
    cdef long mask = 0
    cdef list held = None                    # copies of lists, which a user may change
    cdef OpNode node
    cdef Plan plan
    cdef object v
    for i in range(ov.n_slots):
        if given[ov.slot[i]] == NULL:
            continue
        v = <object>given[ov.slot[i]]
        if isinstance(v, Tensor):
            if requires_grad(<Tensor>v):
                mask |= 1 << i
        elif type(v) is list or type(v) is tuple:
            for x in v:
                if requires_grad(<Tensor>x):
                    mask |= 1 << i
                    break
    if mask == 0:
        return 0
    plan = plan_for(ov, mask)
    for i in range(count):
        if given[i] == NULL:
            vals[i] = list_items(ov.defaults)[i]
            continue
        vals[i] = given[i]
        v = <object>given[i]
        if (<Arg>ov.args[i]).size >= 0 and (type(v) is not tuple or (<Arg>ov.args[i]).code == A_TENSOR):
            if type(v) is list and not saves_param(plan, i):
                continue
            if held is None:
                held = []
            held.append(list(v) if (<Arg>ov.args[i]).code == A_TENSOR else tuple(v))
            vals[i] = PyList_GET_ITEM(held, len(held) - 1)
    node = make_node(ov, vals, mask, False)
    if outs is None:
        finish_node(node, r, 0)
    else:
        finish_several(node, outs)
    return 0


# ------------------------------------------------------------------ x[key]
cdef Tensor quick_op(Op op, PyObject **given):
    cdef Overload ov
    cdef Tensor r
    if op.pending:
        build(op)
    for ov in op.quick:
        r = quick_given(ov, given)
        if r is not None:
            return r
    return None


cdef Tensor quick_item(Tensor t, object key):
    """`t[key]` for an int, a slice of ints, or a tuple of these; None for all else."""
    cdef Tensor r = t
    cdef int dim = 0
    if forward_hook is not None or tls_inference or _getitem is None:
        return None
    if type(key) is not tuple:
        return quick_part(t, &dim, key, True)
    for k in <tuple>key:
        r = quick_part(r, &dim, k, False)
        if r is None:
            return None
    return None if r is t else r


cdef Tensor quick_part(Tensor t, int *dim, object key, bint whole):
    """`t` indexed by one part of a key; a slice that cuts nothing off gives `t` itself unless `whole` asks for a view."""
    cdef PyObject *given[QUICK_ARGS]
    cdef object at = dim[0], start, stop, step
    cdef Py_ssize_t n
    given[0], given[1] = <PyObject *>t, <PyObject *>at
    if type(key) is int:
        given[2] = <PyObject *>key
        return quick_op(<Op>OPS["select"], given)
    if type(key) is not slice or dim[0] >= cnp.PyArray_NDIM(t._a):
        return None
    n = cnp.PyArray_DIMS(t._a)[dim[0]]
    dim[0] += 1
    start = 0 if key.start is None else key.start
    stop = n if key.stop is None else key.stop
    step = 1 if key.step is None else key.step
    if type(start) is not int or type(stop) is not int or type(step) is not int:
        return None
    if not whole and start == 0 and step == 1 and stop >= n:
        return t
    given[2], given[3], given[4] = <PyObject *>start, <PyObject *>stop, <PyObject *>step
    return quick_op(<Op>OPS["slice"], given)
