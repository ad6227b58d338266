# Running an overload: promotion, broadcasting, the inner loop or the body.

# ------------------------------------------------------------------ promotion
cdef int common_code(list operands) except -2:
    """torch.result_type: dims before 0-dim tensors before Python numbers, each category counting only for its kind."""
    cdef int dim = NOCODE, zero = NOCODE, number = NOCODE, c
    cdef Tensor t
    for v in operands:
        if isinstance(v, Tensor):
            t = <Tensor>v
            if cnp.PyArray_NDIM(t._a):
                dim = promote_codes(dim, t.code)
            else:
                zero = promote_codes(zero, t.code)
        elif v is not None:
            c = B1 if isinstance(v, bool) else I64 if isinstance(v, int) else default_code if isinstance(v, float) else default_complex()
            number = promote_codes(number, c)
    return combine(dim, combine(zero, number))


cdef int combine(int higher, int lower) except -2:
    if higher == NOCODE:
        return lower
    if lower == NOCODE or KIND[higher] == KIND_COMPLEX:
        return higher
    if KIND[higher] == KIND_FLOAT:
        return complex_code(higher) if KIND[lower] == KIND_COMPLEX else higher
    if KIND[lower] > KIND[higher]:
        return promote_codes(higher, lower)
    return higher


def result_code(*operands):
    """The dtype that an op on these tensors and numbers computes in."""
    return DTYPE[common_code(list(operands))]


cdef int store_scalar(char *p, int code, object v) except -1:
    """Write a Python number as a value of that dtype; integers wrap around."""
    cdef long long i
    if code == F32:
        (<float *>p)[0] = <float><double>v
    elif code == F64:
        (<double *>p)[0] = <double>v
    elif code == C64:
        (<float *>p)[0] = <float>(<double>complex(v).real)
        (<float *>p)[1] = <float>(<double>complex(v).imag)
    elif code == C128:
        (<double *>p)[0] = complex(v).real
        (<double *>p)[1] = complex(v).imag
    elif code == B1:
        (<char *>p)[0] = 1 if v else 0
    elif code == I64:
        (<long long *>p)[0] = v
    elif code == U64:
        (<unsigned long long *>p)[0] = v
    else:
        i = v
        if ITEMSIZE[code] == 1:
            (<signed char *>p)[0] = <signed char>i
        elif ITEMSIZE[code] == 2:
            (<short *>p)[0] = <short>i
        else:
            (<int *>p)[0] = <int>i
    return 0


# ------------------------------------------------------------------ shapes
cdef int broadcast_into(cnp.ndarray a, int *nd, cnp.npy_intp *dims) except -1:
    """Widen (nd, dims) to hold `a` too; RuntimeError with torch's text when sizes do not match."""
    cdef int k = cnp.PyArray_NDIM(a), i, shift
    cdef cnp.npy_intp n
    if k > nd[0]:
        shift = k - nd[0]
        for i in range(nd[0] - 1, -1, -1):
            dims[i + shift] = dims[i]
        for i in range(shift):
            dims[i] = 1
        nd[0] = k
    shift = nd[0] - k
    for i in range(k - 1, -1, -1):
        n = cnp.PyArray_DIMS(a)[i]
        if dims[i + shift] == n or n == 1:
            continue
        if dims[i + shift] != 1:
            raise RuntimeError(f"The size of tensor a ({dims[i + shift]}) must match the size of tensor b ({n}) at non-singleton dimension {i + shift}")
        dims[i + shift] = n
    return 0


cdef cnp.ndarray empty_like_order(int nd, cnp.npy_intp *dims, int num, cnp.ndarray ref):
    """A new array; dims lie in memory in the order of `ref` when that has the same shape and is not row-major."""
    cdef cnp.npy_intp st[64]
    cdef int order[64]               # dims from the fastest to the slowest
    cdef int i, j, at
    cdef cnp.npy_intp step, inner, outer
    cdef cnp.ndarray r
    if ref is None or PyArray_IS_C_CONTIGUOUS(ref) or cnp.PyArray_NDIM(ref) != nd or not PyArray_CompareLists(dims, cnp.PyArray_DIMS(ref), nd):
        return memory.array_of(nd, dims, num, cnp.PyArray_DescrFromType(num).itemsize)
    for i in range(nd):
        order[i] = nd - 1 - i
    for i in range(1, nd):           # torch: an insertion sort by stride in which dims of stride 0 compare with nothing
        at = i
        for j in range(i - 1, -1, -1):
            inner, outer = cnp.PyArray_STRIDES(ref)[order[j]], cnp.PyArray_STRIDES(ref)[order[at]]
            if inner == 0 or outer == 0:
                continue
            if inner < outer:
                break
            if inner > outer or dims[order[j]] > dims[order[at]]:
                order[j], order[at] = order[at], order[j]
                at = j
    step = cnp.PyArray_DescrFromType(num).itemsize
    for i in range(nd):
        st[order[i]] = step
        step *= dims[order[i]] if dims[order[i]] else 1
    return PyArray_NewStrided(nd, dims, num, st)


def empty_permuted_like(cnp.ndarray ref not None, dtype d=None):
    """A new uninitialised array of `ref`'s shape whose dims lie in memory in `ref`'s order."""
    cdef int num = cnp.PyArray_TYPE(ref)
    if d is not None:
        np_dtype(d)
        num = NPY_TYPE[d.code]
    return empty_like_order(cnp.PyArray_NDIM(ref), cnp.PyArray_DIMS(ref), num, ref)


def restride(cnp.ndarray a not None, shape, strides, Py_ssize_t offset=0):
    """Another array on `a`'s memory: strides, and the offset from `a`'s first element, count elements. Bounds are the caller's affair."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp steps[64]
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(a)
    cdef int i, nd = len(shape)
    for i in range(nd):
        dims[i], steps[i] = shape[i], <Py_ssize_t>strides[i] * item
    cdef cnp.ndarray r = PyArray_FromMemory(cnp.PyArray_DESCR(a), nd, dims, steps, cnp.PyArray_BYTES(a) + offset * item)
    cnp.set_array_base(r, a)
    return r


# ------------------------------------------------------------------ running
cdef cnp.ndarray as_code(Tensor t, int code):
    """The array of `t`, converted when its dtype is another."""
    if t.code == code:
        return t._a
    np_dtype(<dtype>DTYPE[code])
    with np.errstate(all="ignore"):
        if KIND[t.code] == KIND_COMPLEX and KIND[code] < KIND_COMPLEX:
            return t._a.real.astype(np_dtype(<dtype>DTYPE[code]))
        return t._a.astype(np_dtype(<dtype>DTYPE[code]))


cdef cnp.ndarray run_ufunc(Overload ov, list operands, int code):
    """The way round the inner loops: the ufunc itself, on arrays of one dtype."""
    d = np_dtype(<dtype>DTYPE[code])
    arrays = [v if isinstance(v, np.ndarray) else np.asarray(v, d) for v in operands]
    with np.errstate(all="ignore"):
        try:
            return np.asarray(ov.ufunc(*arrays))
        except TypeError:
            raise NotImplementedError(f"\"{ov.op.name}_cpu\" not implemented for '{(<dtype>DTYPE[code]).type_name}'") from None


cdef set _WIDE_NUMBERS = {"mul", "div", "floor_divide"}


cdef round_numbers(Overload ov, list operands, int code):
    """torch: an operand that is a number (or 0-dim, of another dtype) is first rounded to the half type, but not by mul and div."""
    cdef int k
    if ov.op.name in _WIDE_NUMBERS:
        return
    for k in range(len(operands)):
        v = operands[k]
        if isinstance(v, Tensor):
            if (<Tensor>v).code == code or cnp.PyArray_NDIM((<Tensor>v)._a):
                continue
            v = item_of(<Tensor>v)
        elif ov.schema.params[ov.operands[k]].name not in ("self", "other", "exponent"):
            continue                         # a coefficient of an activation
        operands[k] = float(np.float32(v).astype(np_dtype(<dtype>DTYPE[code])))


cdef inline bint shared(cnp.npy_intp n) noexcept:
    """Whether threads may share so many elements."""
    return n > QUICK_LIMIT and THREADS > 1


cdef int loop_into(Overload ov, int work, int nop, PyObject **operands, cnp.ndarray out) except -1:
    """The inner loop over arrays of one dtype and numbers that broadcast to the shape of `out`."""
    cdef cnp.npy_intp st[64][8]
    cdef char *ptr[8]
    cdef double scalars[16]
    cdef cnp.ndarray a
    cdef cnp.npy_intp n = cnp.PyArray_SIZE(out)
    cdef int k, d, nd = cnp.PyArray_NDIM(out), shift
    cdef bint plain = not shared(n) and PyArray_IS_C_CONTIGUOUS(out)             # one stretch of memory each
    for k in range(nop):
        if not isinstance(<object>operands[k], cnp.ndarray):
            ptr[k] = <char *>&scalars[2 * k]
            store_scalar(ptr[k], work, <object>operands[k])
            st[0][k] = 0
            continue
        a = <cnp.ndarray>operands[k]
        ptr[k] = cnp.PyArray_BYTES(a)
        plain = plain and PyArray_IS_C_CONTIGUOUS(a) and same_shape(a, out)
        st[0][k] = cnp.PyArray_ITEMSIZE(a)
    ptr[nop] = cnp.PyArray_BYTES(out)
    st[0][nop] = cnp.PyArray_ITEMSIZE(out)
    if plain:
        ov.loops[work](ptr, &n, st[0], ov.loop_data[work])
        return 0
    for k in range(nop):
        if not isinstance(<object>operands[k], cnp.ndarray):
            for d in range(nd):
                st[d][k] = 0
            continue
        a = <cnp.ndarray>operands[k]
        shift = nd - cnp.PyArray_NDIM(a)
        for d in range(nd):
            st[d][k] = 0 if d < shift or cnp.PyArray_DIMS(a)[d - shift] == 1 else cnp.PyArray_STRIDES(a)[d - shift]
    for d in range(nd):
        st[d][nop] = cnp.PyArray_STRIDES(out)[d]
    strided_run(ov.loops[work], ov.loop_data[work], nop + 1, ptr, nd, cnp.PyArray_DIMS(out), st)
    return 0


cdef cnp.ndarray loop_arrays(Overload ov, int work, int nop, PyObject **operands):
    """`loop_into` a new array."""
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray out, ref = None
    cdef int k, nd = 0
    for k in range(nop):
        if isinstance(<object>operands[k], cnp.ndarray):
            broadcast_into(<cnp.ndarray>operands[k], &nd, dims)
    for k in range(nop):
        if ref is None and isinstance(<object>operands[k], cnp.ndarray) and cnp.PyArray_NDIM(<cnp.ndarray>operands[k]) == nd:
            ref = <cnp.ndarray>operands[k]
    out = empty_like_order(nd, dims, NPY_TYPE[ov.loop_out[work]], ref)
    loop_into(ov, work, nop, operands, out)
    return out


cdef Tensor run_loop(Overload ov, list vals, Tensor dest):
    """Pointwise: promote, broadcast, allocate, call the inner loop. `dest` is the receiver of an in-place call."""
    resolve(ov)
    cdef list operands = [vals[i] for i in ov.operands]
    cdef int code, work, nop = len(operands), k, nd = 0, out_code, result
    cdef cnp.npy_intp dims[64]
    cdef cnp.ndarray a, out
    cdef list arrays = []
    code = common_code(operands)
    if ov.promote == P_FLOAT and KIND[code] < KIND_FLOAT:
        code = default_code
    if ov.check is not None:
        ov.check(DTYPE[code], *operands)
    work = F32 if code == F16 or code == BF16 else code
    if work != code:
        round_numbers(ov, operands, code)
    for k in range(nop):
        v = operands[k]
        if isinstance(v, Tensor):
            a = as_code(<Tensor>v, work)
            broadcast_into(a, &nd, dims)
            operands[k] = a
            arrays.append(a)
    if ov.loops[work] == NULL:
        out = run_ufunc(ov, operands, work)
        out_code = code_of(out)
    else:
        out_code = ov.loop_out[work]
        out = None
        if dest is not None:
            if cnp.PyArray_NDIM(dest._a) != nd or not PyArray_CompareLists(dims, cnp.PyArray_DIMS(dest._a), nd):
                raise_inplace_shape(dest, nd, dims)
            if dest.code == out_code and not overlaps(dest._a, arrays):
                out = dest._a
                loop_into(ov, work, nop, list_items(operands), out)
        if out is None:
            out = loop_arrays(ov, work, nop, list_items(operands))
    result = out_code
    if work != code and out_code == F32:
        result = code
    if dest is not None:
        check_result_type(result, dest)
        if out is not dest._a:
            write_array(dest, out)
        return dest
    if result != out_code:
        out = out.astype(np_dtype(<dtype>DTYPE[result]))
    return wrap(out, result)


cdef bint overlaps(cnp.ndarray dest, list arrays):
    """Whether writing `dest` could disturb an operand that is not exactly `dest` itself."""
    cdef cnp.ndarray a
    for x in arrays:
        if x is None:
            continue
        a = <cnp.ndarray>x
        if cnp.PyArray_BYTES(a) == cnp.PyArray_BYTES(dest) and same_shape(a, dest) and strides_equal(a, dest):
            continue
        if np.may_share_memory(a, dest):
            return True
    return False


cdef bint strides_equal(cnp.ndarray a, cnp.ndarray b):
    cdef int i
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDES(a)[i] != cnp.PyArray_STRIDES(b)[i]:
            return False
    return True


cdef raise_inplace_shape(Tensor dest, int nd, cnp.npy_intp *dims):
    raise RuntimeError(f"output with shape {list(dest.shape)} doesn't match the broadcast shape {[dims[i] for i in range(nd)]}")


cdef check_result_type(int code, Tensor dest):
    if not can_cast_codes(code, dest.code):
        raise RuntimeError(f"result type {(<dtype>DTYPE[code]).type_name} can't be cast to the desired output type {(<dtype>DTYPE[dest.code]).type_name}")


cdef write_array(Tensor dest, cnp.ndarray a):
    """Copy into the memory of `dest`, converting."""
    if not same_shape(dest._a, a):
        raise RuntimeError(f"output with shape {list(dest.shape)} doesn't match the broadcast shape {list((<object>a).shape)}")
    with np.errstate(all="ignore"):
        np.copyto(dest._a, a, casting="unsafe")


cdef list raw_arguments(Overload ov, list vals, int *half):
    """Arguments of a primitive: arrays for tensors, promoted when the op says so; halves widen to float32."""
    cdef list values = list(vals)
    cdef int code = NOCODE, work, i, nd = 0
    cdef cnp.npy_intp dims[64]
    half[0] = NOCODE
    if ov.promote != P_NONE:
        code = common_code([vals[i] for i in ov.operands])
        if ov.promote == P_FLOAT and KIND[code] < KIND_FLOAT:
            code = default_code
        if ov.check is not None:
            ov.check(DTYPE[code], *[vals[i] for i in ov.operands])
        work = F32 if code == F16 or code == BF16 else code
        if work != code:
            half[0] = code
        for i in ov.operands:
            v = vals[i]
            if isinstance(v, Tensor):
                broadcast_into((<Tensor>v)._a, &nd, dims)
                values[i] = as_code(<Tensor>v, work)
            elif v is not None:
                values[i] = np.asarray(v, np_dtype(<dtype>DTYPE[work]))
    cdef bint widen = ov.half and not (ov.half == HALF_ALONE and mixes_half(vals))
    for i in range(len(values) - 1):
        v = values[i]
        values[i] = [raw_element(widen, x, half) for x in v] if type(v) is list else raw_element(widen, v, half)
    return values


cdef bint mixes_half(list vals):
    """Whether there are tensors of a half type and of another."""
    cdef int code = NOCODE
    cdef bint some = False, other = False
    for v in vals:
        if isinstance(v, Tensor):
            some = some or (<Tensor>v).code == F16 or (<Tensor>v).code == BF16
            other = other or (code != NOCODE and (<Tensor>v).code != code)
            code = (<Tensor>v).code
    return some and other


cdef object raw_element(bint widen, object x, int *half):
    cdef Tensor t
    if not isinstance(x, Tensor):
        return x
    t = <Tensor>x
    if widen and (t.code == F16 or t.code == BF16):
        half[0] = t.code
        return as_code(t, F32)
    return t._a


cdef list body_values(Overload ov, list values):
    return [default if i < 0 else values[i] for i, default in ov.body_args]


cdef Tensor fresh(object r, int half, list values):
    """A result of a primitive as a tensor of its own: never an alias of an argument."""
    cdef cnp.ndarray a
    cdef int code
    if type(r) is not np.ndarray:
        r = np.asarray(r)
    a = <cnp.ndarray>r
    code = code_of(a)
    if half != NOCODE and code == F32:
        return wrap(a.astype(np_dtype(<dtype>DTYPE[half])), half)
    for v in values:
        if v is r:
            return wrap(a.copy(order="K"), code)
    if cnp.PyArray_BASE(a) != NULL:
        root = a
        while isinstance(root, np.ndarray) and root.base is not None:
            root = root.base
        for v in values:
            for x in (v if type(v) is list else (v,)):
                if isinstance(x, np.ndarray):
                    mine = x
                    while isinstance(mine, np.ndarray) and mine.base is not None:
                        mine = mine.base
                    if mine is root:
                        return wrap(a.copy(order="K"), code)
    if code == I64 and cnp.PyArray_TYPE(a) != cnp.NPY_INT64 or not cnp.PyArray_ISNOTSWAPPED(a):
        a = a.astype(np_dtype(<dtype>DTYPE[code]))
    return wrap(a, code)


cdef object call_body(Overload ov, list values):
    """The body of a primitive on its arguments; NumPy's floating-point warnings are off."""
    cdef object former = None
    token = PyContextVar_Set(_quiet_var, _quiet_value)
    for v in values:
        if type(v) is np.ndarray and cnp.PyArray_NBYTES(<cnp.ndarray>v) >= memory.LARGE:
            former = memory.enter()          # the result, and what it takes to get there, will be as large
            break
    try:
        return ov.body(*body_values(ov, values))
    finally:
        PyContextVar_Reset(_quiet_var, token)
        if former is not None:
            memory.leave(former)


cdef object run_primitive(Overload ov, list vals):
    cdef int half
    cdef list values = raw_arguments(ov, vals, &half)
    r = call_body(ov, values)
    if ov.shares:
        values = []
    if ov.single and type(r) is not list:
        return fresh(r, half, values)
    return [None if x is None else fresh(x, half, values) for x in r]


cdef write_primitive(Overload ov, list vals, Tensor dest):
    """The in-place call: the body either writes to the receiver's own array and returns it, or gives the new values."""
    cdef int half
    cdef list values = raw_arguments(ov, vals, &half)
    cdef Tensor t
    r = call_body(ov, values)
    if r is dest._a:
        return
    t = fresh(r, half, values)
    check_result_type(t.code, dest)
    if not same_shape(dest._a, t._a):
        if ov.op.grows:
            replace_memory(dest, t._a)
            return
        if ov.promote == P_NONE:
            raise RuntimeError(f"Bad in-place call: input tensor size {list(dest.shape)} and output tensor size {list(t.shape)} should match")
    write_array(dest, t._a)


cdef Tensor make_view(Tensor t, object r, int creation):
    cdef cnp.ndarray a = <cnp.ndarray>r
    cdef Tensor v = Tensor.__new__(Tensor)
    v._a = a
    v.code = t.code if cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(t._a) else code_of(a)
    v._st = storage_of(t)
    v.inference = t.inference
    if not (t.inference or tls_inference):
        v._base_ = t if t._base_ is None else t._base_
        v.fn_version = v._st.version
        v.creation = creation if creation != VIEW_DEFAULT else VIEW_NO_GRAD if tls_no_grad else t.creation
    return v


cdef inline list raw_views(list vals):
    return [(<Tensor>v)._a if isinstance(v, Tensor) else v for v in vals]


cdef object run_view(Overload ov, list vals):
    cdef Tensor t = <Tensor>vals[0]
    r = ov.body(*body_values(ov, vals if ov.tensors else raw_views(vals)))
    if type(r) is list or type(r) is tuple:
        return [make_view(t, x, VIEW_NO_GRAD if tls_no_grad else VIEW_MULTI_OUTPUT) for x in r]
    return make_view(t, r, VIEW_DEFAULT)
