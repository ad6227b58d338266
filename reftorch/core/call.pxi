# Calling: from Python arguments to an overload, the fast ways round, `out=`, and Python's operators.

# ------------------------------------------------------------------ calling
cdef object run_overload(Overload ov, list vals, int mode):
    """Run one overload on parsed values and record its history."""
    cdef Tensor t, r
    cdef OpNode node
    cdef long mask = 0
    cdef list outs
    cdef object out = vals[len(ov.args)], result
    if mode == INPLACE and ov.written is not None:
        ov = ov.written
    if ov.kind == COMPOSITE:
        result = ov.body(*body_values(ov, vals))
        if mode == INPLACE:
            return result if result is vals[0] else T.copy_(vals[0], result)
        if out is not None:
            return write_out(ov, result, out, vals)
        if ov.result_type is not None and type(result) is tuple:
            return ov.result_type(result)
        return result
    cdef Overload run = ov                   # what runs, on what; `ov` and `vals` are what is recorded
    cdef list given = vals
    if ov.prepare is not None:
        prepared = ov.prepare(list(vals))
        if type(prepared) is tuple:
            build(<Op>prepared[0])
            run, given = (<Op>prepared[0]).first, prepared[1]
        else:
            given = prepared
    if (not tls_no_grad) and (ov.n_slots or not ov.nograd):
        mask = gradient_mask(ov, list_items(vals))
    if mode == INPLACE:
        t = <Tensor>vals[0]
        if ov.kind != VIEW:
            check_overlap(t, ov.op.expanded)
            check_operands(ov, t, vals, 1)
        check_inplace(t, mask != 0 or requires_grad(t))
        give_tangents = None if forward_hook is None else forward_hook(ov, vals, True)      # before the write
        node = make_node(ov, list_items(vals), mask, True) if mask else None
        if ov.kind == LOOP:
            run_loop(run, given, t)
        elif ov.kind == PRIMITIVE:
            write_primitive(ov, given, t)
        else:
            storage_of(t)                    # fixed before the array changes
            t._a = <cnp.ndarray?>ov.body(*body_values(ov, vals if ov.tensors else raw_views(vals)))
        bump(t)
        if give_tangents is not None:
            give_tangents([t])
        if node is not None:
            if ov.kind == VIEW:
                finish_node(node, t, 0)      # torch: t_ and its like leave the base's history alone
            else:
                rebase(t, node)
        return t
    if ov.kind == LOOP:
        r = run_loop(run, given, None)
        outs = [r]
    elif ov.kind == PRIMITIVE:
        result = run_primitive(ov, given)
        outs = result if type(result) is list else [result]
    else:
        result = run_view(ov, vals)
        outs = result if type(result) is list else [result]
    if forward_hook is not None:
        give_tangents = forward_hook(ov, vals, False)
        if give_tangents is not None:
            give_tangents(outs)
    if mask and out is None:
        finish_several(make_node(ov, list_items(vals), mask, False), outs)
    if ov.single and not ov.listed:
        result = outs[0]
    else:
        result = tuple(outs) if ov.result_type is None else ov.result_type(outs)
    if out is not None:
        return write_out(ov, result, out, vals)
    return result


cdef check_out_type(Overload ov, int code, Tensor dest):
    """torch: structured ops want `out` in the dtype of the result; pointwise ones and some others convert."""
    if ov.op.wrong_out is None and ov.casts:
        check_result_type(code, dest)
    elif code != dest.code:
        want, got = DTYPE[code], DTYPE[dest.code]
        if ov.op.wrong_out is not None:
            raise RuntimeError(ov.op.wrong_out.format(want=want.type_name, got=got.type_name))
        raise RuntimeError(f"Expected out tensor to have dtype {C_NAMES.get(want.name, want.name)}, but got {C_NAMES.get(got.name, got.name)} instead")


cdef object write_out(Overload ov, object result, object out, list vals):
    """`out=`: resize (with torch's warning when it held something), check the dtype, copy."""
    cdef Tensor dest, r
    if not tls_no_grad:
        for v in vals[:len(ov.args)] + (list(out) if isinstance(out, (tuple, list)) else [out]):
            for x in (v if type(v) is list else (v,)):
                if isinstance(x, Tensor) and requires_grad(<Tensor>x):
                    raise RuntimeError(f"{ov.op.name}(): functions with out=... arguments don't support automatic differentiation, but one of the "
                                       "arguments requires grad.")
    if isinstance(out, Tensor):
        dest, r = <Tensor>out, <Tensor>result
        check_out_type(ov, r.code, dest)
        check_overlap(dest, ov.op.expanded)
        check_operands(ov, dest, vals, 0)
        if not same_shape(dest._a, r._a):
            check_resizable(dest, r, vals[:len(ov.args)])
            if cnp.PyArray_SIZE(dest._a):
                import warnings
                warnings.warn(f"An output with one or more elements was resized since it had shape {list(dest.shape)}, which does not match the required "
                              f"output shape {list(r.shape)}. This behavior is deprecated, and in a future PyTorch release outputs will not be "
                              "resized unless they have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero "
                              "elements with t.resize_(0).", UserWarning, stacklevel=2)
            T.resize_(dest, r.shape)
        write_array(dest, r._a)
        bump(dest)
        return dest
    if ov.listed and len(out) != len(result):
        full = "_".join([ov.op.name, ov.schema.overload] if ov.schema.overload not in ("", "Tensor") else [ov.op.name])
        raise RuntimeError(f"{full}_out expected an out= argument of size {len(result)}, got size {len(out)}")
    for d, x in zip(out, result):
        write_out(ov, x, d, vals)
    if ov.listed:
        return None                          # torch: gives nothing back
    return out_type_of(ov.result_type)(tuple(out)) if ov.result_type is not None else tuple(out)


cdef object forward_hook = None          # (overload, values, in place?) -> None or fn(results) that gives them tangents; while a dual level is open


cdef int function_modes = 0              # depth of TorchFunctionMode
cdef object torch_function_handler = None


cdef bint any_override(list args, dict kwargs, bint lists) except -1:
    if function_modes and tls_no_dispatch < 2:
        return True
    for v in args:
        if type(v) is Tensor or type(v) in _never_overriding:
            if lists and (type(v) is tuple or type(v) is list):
                for x in v:
                    if type(x) is not Tensor and is_overriding(x):
                        return True
            continue
        if is_overriding(v):
            return True
    if kwargs is not None:
        for v in kwargs.values():
            if type(v) is not Tensor and is_overriding(v):
                return True
    return False


cdef take_out_dtype(Overload ov, list vals, Tensor out):
    """A factory with `out=` makes its result in the dtype of that tensor."""
    i = [p.name for p in ov.schema.params].index("dtype")
    if vals[i] is None:
        vals[i] = out.dtype
    elif vals[i] is not out.dtype:
        raise RuntimeError(f"dtype {vals[i].type_name} does not match dtype of out parameter ({out.dtype.type_name})")


cdef raise_unmade(error):
    """torch's error where NumPy could not make an array; any other as it is."""
    if str(error).startswith(("array is too big", "Maximum allowed")):
        raise RuntimeError("Storage size calculation overflowed") from None      # torch: adds the sizes
    if not hasattr(error, "shape"):
        raise error
    size = error.dtype.itemsize
    for n in error.shape:
        size *= n
    raise RuntimeError(f"[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate {size} bytes. "
                       "Error code 12 (Cannot allocate memory)") from None


cdef object call_op(Op op, list args, dict kwargs, int mode, bint operator=False):
    """The general call: overrides, then the first overload that fits; an operator gives NotImplemented when none does."""
    cdef Overload ov
    cdef list vals
    if op.pending:
        build(op)
    if (tls_no_dispatch < 2) and any_override(args, kwargs, op.list_args):
        try:
            return torch_function_handler(op if mode == FUNCTION else op.method if mode == METHOD else op.inplace, tuple(args), kwargs or {})
        except TypeError:
            if operator:                     # torch: whatever TypeError an override raises, an operator takes for "does not fit"
                return NotImplemented
            raise
    for o in op.built:
        ov = <Overload>o
        if mode != FUNCTION and not ov.is_method:
            continue
        vals = [None] * (len(ov.args) + 1)
        if parse(ov, args, kwargs, mode != FUNCTION, vals):
            if ov.leaf >= 0 and vals[len(ov.args)] is not None:
                take_out_dtype(ov, vals, vals[len(ov.args)])
            try:
                result = run_overload(ov, vals, INPLACE if op.writes else mode)
            except (MemoryError, ValueError) as error:
                raise_unmade(error)
            if ov.leaf >= 0 and vals[ov.leaf]:
                check_can_require(<Tensor>result)
                result.requires_grad_(True)
            return result
    if operator:
        return NotImplemented
    raise argerror.argument_error(op.name + "_" if mode == INPLACE and not op.writes else op.name,
                                  [((<Overload>o).schema, (<Overload>o).has_out) for o in op.built],
                                  tuple(args) if mode == FUNCTION else tuple(args[1:]), kwargs or {}, mode != FUNCTION)


cdef inline bint all_strides_zero(cnp.ndarray a):
    cdef int i
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDES(a)[i] != 0:
            return False
    return True


cdef inline Tensor fast_binary(Op op, object a, object b):
    """Two tensors of one type, shape and layout, or a tensor and a Python number: straight to the loop."""
    cdef Overload ov = op.first
    cdef Tensor x, y, r
    cdef char *ptr[3]
    cdef cnp.npy_intp st[3]
    cdef cnp.npy_intp n
    cdef double scalar[2]
    cdef int code
    if type(a) is not Tensor or ov is None or ov.kind != LOOP or forward_hook is not None or function_modes or tls_inference:
        return None
    x = <Tensor>a
    code = x.code
    if ov.loops[code] == NULL or (ov.promote == P_FLOAT and KIND[code] < KIND_FLOAT) or (
            ov.check is not None and KIND[code] != KIND_FLOAT):
        return None
    if PyArray_IS_C_CONTIGUOUS(x._a):
        st[0] = ITEMSIZE[code]
    elif all_strides_zero(x._a):
        st[0] = 0                            # the gradient of a sum
    else:
        return None
    ptr[0] = cnp.PyArray_BYTES(x._a)
    if type(b) is Tensor:
        y = <Tensor>b
        if y.code != code or not same_shape(x._a, y._a) or not PyArray_IS_C_CONTIGUOUS(y._a):
            return None
        ptr[1] = cnp.PyArray_BYTES(y._a)
        st[1] = ITEMSIZE[code]
    elif not ov.takes_number:
        return None
    elif (type(b) is float and KIND[code] == KIND_FLOAT) or (type(b) is int and (code == F32 or code == F64)):
        store_scalar(<char *>scalar, code, b)
        y = None
        ptr[1] = <char *>scalar
        st[1] = 0
    else:
        return None
    n = cnp.PyArray_SIZE(x._a)
    if shared(n):
        return None
    r = Tensor.__new__(Tensor)
    r.code = ov.loop_out[code]
    r._a = memory.array_of(cnp.PyArray_NDIM(x._a), cnp.PyArray_DIMS(x._a), NPY_TYPE[r.code], ITEMSIZE[r.code])
    ptr[2] = cnp.PyArray_BYTES(r._a)
    st[2] = ITEMSIZE[r.code]
    ov.loops[code](ptr, &n, st, ov.loop_data[code])
    if not tls_no_grad:
        if requires_grad(x) or (y is not None and requires_grad(y)):
            record_operands(ov, x, b, r)
    return r


cdef inline Tensor fast_unary(Op op, object a):
    cdef Overload ov = op.first
    cdef Tensor x, r
    cdef char *ptr[2]
    cdef cnp.npy_intp st[2]
    cdef cnp.npy_intp n
    cdef int code
    if type(a) is not Tensor or ov is None or ov.kind != LOOP or forward_hook is not None or function_modes or tls_inference:
        return None
    x = <Tensor>a
    code = x.code
    if ov.loops[code] == NULL or (ov.promote == P_FLOAT and KIND[code] < KIND_FLOAT) or not PyArray_IS_C_CONTIGUOUS(x._a) or (
            ov.check is not None and KIND[code] != KIND_FLOAT):
        return None
    n = cnp.PyArray_SIZE(x._a)
    if shared(n):
        return None
    r = Tensor.__new__(Tensor)
    r.code = ov.loop_out[code]
    r._a = memory.array_of(cnp.PyArray_NDIM(x._a), cnp.PyArray_DIMS(x._a), NPY_TYPE[r.code], ITEMSIZE[r.code])
    ptr[0] = cnp.PyArray_BYTES(x._a)
    ptr[1] = cnp.PyArray_BYTES(r._a)
    st[0] = ITEMSIZE[code]
    st[1] = ITEMSIZE[r.code]
    ov.loops[code](ptr, &n, st, ov.loop_data[code])
    if not tls_no_grad and requires_grad(x):
        record_operands(ov, x, None, r)
    return r


cdef inline Tensor fast_reduce(Op op, object a):
    """All elements of a contiguous float tensor to one, by the ufunc's own reducing loop."""
    cdef Overload ov = op.first
    cdef Tensor x, r
    cdef char *ptr[3]
    cdef cnp.npy_intp st[3]
    cdef cnp.npy_intp n
    if type(a) is not Tensor or forward_hook is not None or function_modes or tls_inference:
        return None
    x = <Tensor>a
    if (x.code != F32 and x.code != F64) or not PyArray_IS_C_CONTIGUOUS(x._a):
        return None
    n = cnp.PyArray_SIZE(x._a)
    if shared(n):
        return None
    r = Tensor.__new__(Tensor)
    r.code = x.code
    r._a = memory.array_of(0, NULL, NPY_TYPE[x.code], ITEMSIZE[x.code])
    ptr[0] = ptr[2] = cnp.PyArray_BYTES(r._a)
    ptr[1] = cnp.PyArray_BYTES(x._a)
    st[0] = st[2] = 0
    st[1] = ITEMSIZE[x.code]
    if x.code == F32:
        (<float *>ptr[0])[0] = 0
    else:
        (<double *>ptr[0])[0] = 0
    ov.loops[x.code](ptr, &n, st, ov.loop_data[x.code])
    if not tls_no_grad and requires_grad(x):
        record_operands(ov, x, None, r)
    return r


cdef object call_vector(Op op, PyObject *const *args, Py_ssize_t n, PyObject *names, int mode):
    cdef Tensor r
    cdef list values
    cdef dict kwargs = None
    cdef Py_ssize_t i
    if (op.real_is_self and mode != INPLACE and not function_modes and n == 1 and names == NULL and isinstance(<object>args[0], Tensor)
            and KIND[(<Tensor><object>args[0]).code] < KIND_COMPLEX and not is_overriding(<object>args[0])):
        return <object>args[0]
    if names == NULL and mode != INPLACE and op.first is not None and op.first.kind == LOOP:
        if n == 2 and len(op.first.operands) == 2:
            r = fast_binary(op, <object>args[0], <object>args[1])
            if r is not None:
                return r
        elif n == 1 and len(op.first.operands) == 1:
            r = fast_unary(op, <object>args[0])
            if r is not None:
                return r
    elif names == NULL and n == 1 and mode != INPLACE and op.first is not None and op.first.reduce is not None:
        r = fast_reduce(op, <object>args[0])
        if r is not None:
            return r
    if op.quick is not None and mode != INPLACE:
        r = quick_vector(op, args, n, names, mode == METHOD)
        if r is not None:
            return r
    values = [<object>args[i] for i in range(n)]
    if names != NULL:
        kwargs = {}
        for i in range(len(<tuple>names)):
            kwargs[(<tuple>names)[i]] = <object>args[n + i]
    return call_op(op, values, kwargs, mode)


cdef PyObject *op_vectorcall(PyObject *self, PyObject *const *args, size_t nf, PyObject *names) except NULL:
    r = call_vector(<Op>self, args, PyVectorcall_NARGS(nf), names, FUNCTION)
    Py_INCREF(r)
    return <PyObject *>r


cdef PyObject *method_vectorcall(PyObject *self, PyObject *const *args, size_t nf, PyObject *names) except NULL:
    cdef Method m = <Method>self
    cdef Py_ssize_t n = PyVectorcall_NARGS(nf)
    if n == 0 or not isinstance(<object>args[0], Tensor):
        raise TypeError(f"descriptor '{m.__name__}' for 'torch._C.TensorBase' objects doesn't apply to a '{type(<object>args[0]).__name__}' object"
                        if n else f"unbound method TensorBase.{m.__name__}() needs an argument")
    r = call_vector(m.op, args, n, names, INPLACE if m.writes else METHOD)
    Py_INCREF(r)
    return <PyObject *>r


# ------------------------------------------------------------------ operators
cdef enum:
    SLOT_ADD = 0
    SLOT_SUB = 1
    SLOT_MUL = 2
    SLOT_DIV = 3
    SLOT_FLOORDIV = 4
    SLOT_MOD = 5
    SLOT_POW = 6
    SLOT_MATMUL = 7
    SLOT_AND = 8
    SLOT_OR = 9
    SLOT_XOR = 10
    SLOT_LSHIFT = 11
    SLOT_RSHIFT = 12
    SLOT_NEG = 13
    SLOT_POS = 14
    SLOT_ABS = 15
    SLOT_INVERT = 16
    SLOT_LT = 17                     # then le, eq, ne, gt, ge: Python's own numbering

SLOTS = ("add", "sub", "mul", "div", "floor_divide", "remainder", "pow", "matmul", "bitwise_and", "bitwise_or", "bitwise_xor",
         "bitwise_left_shift", "bitwise_right_shift", "neg", "positive", "abs", "bitwise_not", "lt", "le", "eq", "ne", "gt", "ge")
SYMBOLS = (("+", "__radd__"), ("-", "__rsub__"), ("*", "__rmul__"), ("/", "__rtruediv__"), ("//", "__rfloordiv__"), ("%", "__rmod__"),
           ("** or pow()", "__rpow__"), ("@", "__rmatmul__"), ("&", "__rand__"), ("|", "__ror__"), ("^", "__rxor__"), ("<<", "__rlshift__"),
           (">>", "__rrshift__"), None, None, None, None, ("<", "__gt__"), ("<=", "__ge__"), ("==", ""), ("!=", ""), (">", "__lt__"),
           (">=", "__le__"))
cdef list slot_ops = [None] * 23


cdef object operate(int slot, object a, object b):
    """A binary operator; arguments that do not fit give NotImplemented, so that Python tries the other side."""
    cdef Op op = <Op>slot_ops[slot]
    cdef Tensor r
    cdef PyObject *pair[2]
    if op is None:
        return NotImplemented
    r = fast_binary(op, a, b)
    if r is None and op.quick is not None:
        pair[0], pair[1] = <PyObject *>a, <PyObject *>b
        r = quick_vector(op, pair, 2, NULL, False)
    if r is not None:
        return r
    got = call_op(op, [a, b], None, FUNCTION, True) if isinstance(a, Tensor) else operate_reversed(slot, op, a, b)
    return refuse(slot, a, b) if got is NotImplemented else got


cdef bint defines(object kind, str name):
    """Whether a class has a method that is not that of all objects or of its own class."""
    return any([name in c.__dict__ for c in kind.__mro__ if c is not object])


cdef str type_name(object x):
    """The name of a type as Python's errors have it, but for tensors, whose class is compiled here."""
    kind = type(x)
    return kind.__name__ if isinstance(x, Tensor) else (<PyTypeObject *>kind).tp_name.decode()


cdef object refuse(int slot, object a, object b, bint inplace=False):
    """NotImplemented when the other operand may know what to do; else Python's own error, with the short name of Tensor."""
    symbol, reflected = SYMBOLS[slot]
    cdef bint reverse = not isinstance(a, Tensor)
    other = type(a) if reverse else type(b)
    if (slot == SLOT_MUL or slot == SLOT_ADD and reverse) and not inplace and defines(other, "__add__") and defines(other, "__getitem__"):
        return NotImplemented                # Python is going to repeat the sequence, or to concatenate with it
    if slot == SLOT_LT + 2 and isinstance(b, np.ndarray):      # torch: alone among comparisons == takes an array
        try:
            return operate(slot, a, T.from_numpy(b))
        except TypeError:                                      # of strings or objects
            return NotImplemented
    if slot == SLOT_LT + 2 or slot == SLOT_LT + 3 or (not reverse and other.__module__ != "builtins" and defines(other, reflected)):
        return NotImplemented
    if slot >= SLOT_LT:
        raise TypeError(f"'{symbol}' not supported between instances of '{type_name(a)}' and '{type_name(b)}'")
    if inplace:
        symbol = symbol.partition(" ")[0] + "="
    raise TypeError(f"unsupported operand type(s) for {symbol}: '{type_name(a)}' and '{type_name(b)}'")


cdef object operate_reversed(int slot, Op op, object a, object b):
    """`2 - x` and its like, by the ops that PyTorch takes for them."""
    if slot == SLOT_ADD or slot == SLOT_MUL:
        return call_op(op, [b, a], None, FUNCTION, True)
    if slot == SLOT_SUB:
        return call_op(<Op>OPS["rsub"], [b, a], None, FUNCTION, True)
    if slot == SLOT_DIV:
        try:
            return T.reciprocal(b) * a           # the operator: an array beside a tensor takes part in it
        except TypeError:
            return NotImplemented
    return call_op(op, [a, b], None, FUNCTION, True)


cdef object operate1(int slot, object a):
    if slot == SLOT_INVERT and KIND[(<Tensor>a).code] >= KIND_FLOAT:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    cdef Op op = <Op>slot_ops[slot]
    cdef Tensor r = fast_unary(op, a)
    return r if r is not None else call_op(op, [a], None, FUNCTION)


cdef object operate_inplace(int slot, object a, object b):
    cdef Op op = <Op>slot_ops[slot]
    got = call_op(op, [a, b], None, INPLACE, True)
    return refuse(slot, a, b, True) if got is NotImplemented else got


def install_operators():
    """Bind Python's operators to the ops of the same meaning; fill the faces of Tensor."""
    cdef Op op
    argerror.set_tensor_type(Tensor)
    for i, name in enumerate(SLOTS):
        slot_ops[i] = OPS.get(name)
    for op in OPS.values():
        if op.method is not None:
            set_type_attribute(Tensor, op.name, op.method)
        if op.inplace is not None and "method" in op.make:
            set_type_attribute(Tensor, op.inplace.__name__, op.inplace)


def set_type_attribute(cls, str name, value):
    """Put an attribute on the compiled class."""
    (<dict>(<PyTypeObject *>cls).tp_dict)[name] = value
    PyType_Modified(<PyTypeObject *>cls)
