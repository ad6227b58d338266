# The quick way of small calls, stated by `quick=` (see define.py): plain arguments go to a compiled function and the result is
# recorded like that of any other call; no Python code runs. Whatever is not plain, and every error, is left to the general call.

DEF QUICK_ARGS = 8


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
        ov.quick = <quickfn>PyCapsule_GetPointer(importlib.import_module("reftorch.kernels." + module).QUICK[name], b"quick")
    else:
        names = [p.name for p in ov.schema.params]
        ov.steps = [parse_step(part.replace("(", " ( ").replace(")", " ) ").replace(",", " , ").split()[::-1], names) for part in text.split("|")]
    if len(ov.args) > QUICK_ARGS:
        raise TypeError(f"{ov.schema.text}: too many arguments for a quick way")


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
        if n > ov.n_positional and ov.varargs != 1 or method and (not ov.is_method or ov.receiver):
            continue
        count = len(ov.args)
        for i in range(count):
            given[i] = args[i] if i < n else NULL
        if ov.varargs == 1 and n > 1 and type(<object>args[1]) is int:
            spread = tuple([<object>args[i] for i in range(1, n)])
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
    """The result for arguments by place, NULL where the default stands, or None."""
    cdef quick_call q
    cdef Py_ssize_t i, count = len(ov.args)
    cdef int code = NOCODE
    cdef Arg p
    cdef long present = 0
    cdef Tensor r = None
    for i in range(count):
        if given[i] == <PyObject *>None:
            p = <Arg>ov.args[i]
            if p.required or p.default is not None:
                return None
            given[i] = NULL
        elif given[i] != NULL:
            present |= 1 << i
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
        if not take_argument(&q, p, given[i], &code):
            return None
    a = ov.quick(&q)
    if a is None:
        return None
    if ov.kind == VIEW:
        r = make_view(<Tensor><object>given[0], a, VIEW_DEFAULT)
    else:
        r = wrap(<cnp.ndarray>a, code)
    if not tls_no_grad and ov.n_slots and KIND[code] >= KIND_FLOAT:
        record_given(ov, given, r)
    return r


cdef inline bint take_argument(quick_call *q, Arg p, PyObject *given, int *code) except -1:
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
            return take_tensor(q, v, code)
        return (p.code == A_INT and type(v) is int or p.code == A_BOOL and type(v) is bool) and take_number(q, v)
    if type(v) is not tuple and type(v) is not list and type(v) is not Size:
        return False
    for x in v:
        if not (take_tensor(q, x, code) if p.code == A_TENSOR else p.code == A_INT and type(x) is int and take_number(q, x)):
            return False
    return True


cdef inline bint take_number(quick_call *q, object v) except -1:
    cdef int beyond = 0
    if q.numbers == QUICK_NUMBERS:
        return False
    q.number[q.numbers] = NO_NUMBER if v is None else PyLong_AsLongLongAndOverflow(v, &beyond)
    q.numbers += 1
    return beyond == 0


cdef inline bint take_tensor(quick_call *q, object v, int *code) except -1:
    if q.tensors == QUICK_TENSORS or not isinstance(v, Tensor) or (type(v) is not Tensor and is_overriding(v)):
        return False
    if code[0] == NOCODE:
        code[0] = (<Tensor>v).code
    q.tensor[q.tensors] = <PyObject *>(<Tensor>v)._a
    q.tensors += 1
    return code[0] == (<Tensor>v).code


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


cdef int record_given(Overload ov, PyObject **given, Tensor r) except -1:
    """The history of a quick call, if one of its inputs has any."""
    cdef Py_ssize_t i
    cdef list vals = None
    cdef long mask = 0
    cdef object v
    for i in range(ov.n_slots):
        if given[<Py_ssize_t>ov.slots[i]] == NULL:
            continue
        v = <object>given[<Py_ssize_t>ov.slots[i]]
        if isinstance(v, Tensor):
            if requires_grad(<Tensor>v):
                mask |= 1 << i
        else:
            for x in v:
                if requires_grad(<Tensor>x):
                    mask |= 1 << i
                    break
    if mask == 0:
        return 0
    vals = list(ov.defaults)
    for i in range(len(ov.args)):
        if given[i] != NULL:
            v = <object>given[i]
            if (<Arg>ov.args[i]).size >= 0:
                v = list(v) if (<Arg>ov.args[i]).code == A_TENSOR else tuple(v)
            vals[i] = v
    finish_node(make_node(ov, vals, mask, False), [r])
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
