# Reading the arguments of a call by an overload's schema.  Anything that does not fit sends the caller to the next
# overload, and at the end to argerror.py, which derives PyTorch's message from the same schemas.

cdef enum:
    A_TENSOR = 0
    A_SCALAR = 1
    A_INT = 2
    A_FLOAT = 3
    A_BOOL = 4
    A_STR = 5
    A_DTYPE = 6
    A_LAYOUT = 7
    A_DEVICE = 8
    A_MEMFORMAT = 9
    A_GENERATOR = 10
    A_ANY = 11


@cython.final
cdef class Arg:
    """One parameter, as the parser wants it."""
    cdef int code, size              # size: -1 plain, 0 list, n list that also takes a single value
    cdef bint optional, elem_optional, kwonly, required
    cdef object default
    cdef str name, py_name           # py_name: `self` is `input` in a function call
    cdef tuple aliases               # NumPy's names: axis, keepdims, x ...

    def __init__(self, param, aliases):
        self.code = param.code
        self.size = -1 if param.size is None else param.size
        self.optional, self.elem_optional, self.kwonly = param.optional, param.elem_optional, param.kwonly
        self.required = param.required
        self.default = None if param.required else default_value(param)
        self.name = intern(param.name)
        self.py_name = intern("input" if param.name == "self" else param.name)
        self.aliases = aliases


cdef default_value(param):
    value = param.default
    if param.type == "MemoryFormat" and isinstance(value, str):
        return MEMORY_FORMATS[value]
    if param.type == "ScalarType" and isinstance(value, str):
        for d in all_dtypes():
            if value in (d.name, d.alias):
                return d
    if param.type == "int" and value == "Mean":
        return 1
    if param.size is not None and isinstance(value, int) and not isinstance(value, bool):
        return (value,) * max(param.size, 1)
    return value


cdef object MISMATCH = object()
cdef str TOO_LONG = "Overflow when unpacking long long"
cdef object generator_type = None
cdef tuple _numpy_scalars = (np.number, np.bool_)
cdef dict _builtin_dtypes = {float: F64, int: I64, bool: B1, complex: C128}
cdef set plain_types = set()                 # Tensor subclasses whose __torch_function__ is disabled, e.g. Parameter
cdef object disabled_torch_function = None


cdef bint is_overriding(object x) except -1:
    """Whether the argument takes the call over through `__torch_function__`."""
    cdef object f
    if type(x) is Tensor or tls_no_dispatch >= 2:
        return False
    if isinstance(x, Tensor):
        if type(x) in plain_types or tls_no_dispatch:
            return False
        f = type(x).__torch_function__
        if f is disabled_torch_function:
            plain_types.add(type(x))
            return False
        return True
    f = type(x)
    if f in _never_overriding:
        return False
    return hasattr(f, "__torch_function__") and f.__torch_function__ is not disabled_torch_function


cdef set _never_overriding = {int, float, bool, complex, str, tuple, list, type(None), dtype, device}


cdef inline bint is_int(object v):
    if type(v) is int:
        return True
    if isinstance(v, bool):
        return False
    if isinstance(v, int):
        return True
    if isinstance(v, Tensor):
        return cnp.PyArray_NDIM((<Tensor>v)._a) == 0 and KIND[(<Tensor>v).code] == KIND_INT
    return isinstance(v, np.integer)


cdef object read_index(object v, bint first):
    """An element of an int list: all that has `__index__`, but a bool only after the first."""
    if type(v) is int:
        return v
    if isinstance(v, bool) and first:
        return MISMATCH
    if isinstance(v, Tensor):
        if cnp.PyArray_SIZE((<Tensor>v)._a) != 1 or KIND[(<Tensor>v).code] > KIND_INT:
            return MISMATCH
        return int((<Tensor>v)._a.item())
    if not hasattr(type(v), "__index__"):
        return MISMATCH
    try:
        return operator.index(v)
    except TypeError:
        return MISMATCH


cdef extern from "Python.h":
    long long PyLong_AsLongLongAndOverflow(object, int *) except? -1


cdef inline bint fits_long(object v) except -1:
    """Whether a Python int is an int64."""
    cdef int beyond = 0
    PyLong_AsLongLongAndOverflow(v, &beyond)
    return beyond == 0


cdef inline bint plain_ints(tuple values) except -1:
    """Whether these are int64s of Python's own type, that nobody needs to read."""
    for v in values:
        if type(v) is not int or not fits_long(v):
            return False
    return True


cdef inline object to_int(object v):
    if type(v) is not int:
        v = int((<Tensor>v)._a) if isinstance(v, Tensor) else int(v)
    if not fits_long(v):
        raise ValueError(TOO_LONG)
    return v


cdef object item_of(Tensor t):
    """The Python number in a one-element tensor."""
    v = t._a.item()
    if KIND[t.code] == KIND_FLOAT and type(v) is not float:
        return float(v)                      # ml_dtypes gives its own scalar
    return v


cdef object read_scalar(object v):
    if type(v) is float or type(v) is int or type(v) is bool or type(v) is complex:
        return v
    if isinstance(v, Tensor):
        if cnp.PyArray_NDIM((<Tensor>v)._a) == 0 and not requires_grad(<Tensor>v):
            return item_of(<Tensor>v)
        return MISMATCH
    if isinstance(v, (int, float, complex)):
        return int(v) if isinstance(v, int) else float(v) if isinstance(v, float) else complex(v)
    if isinstance(v, _numpy_scalars):
        return v.item()
    return MISMATCH


cdef object read_one(Arg p, object v, bint numbers):
    """`v` as a plain argument of that type, or MISMATCH."""
    cdef int code = p.code
    if code == A_TENSOR:
        if isinstance(v, Tensor):
            return v
        if numbers and read_scalar(v) is not MISMATCH:
            return read_scalar(v)
        return v if is_overriding(v) else MISMATCH
    if code == A_INT:
        return to_int(v) if is_int(v) else MISMATCH
    if code == A_BOOL:
        return v if type(v) is bool else MISMATCH
    if code == A_SCALAR:
        return read_scalar(v)
    if code == A_FLOAT:
        if type(v) is float:
            return v
        if isinstance(v, (int, float)):
            return float(v)
        v = read_scalar(v)
        return MISMATCH if v is MISMATCH or isinstance(v, complex) else float(v)
    if code == A_STR:
        return v if isinstance(v, str) else MISMATCH
    if code == A_DTYPE:
        if isinstance(v, dtype):
            return v
        if isinstance(v, type) and v in _builtin_dtypes:
            return DTYPE[_builtin_dtypes[v]]
        return MISMATCH
    if code == A_DEVICE:
        if isinstance(v, device):
            return v
        return device(v) if isinstance(v, str) or (isinstance(v, (int, np.integer)) and not isinstance(v, bool)) else MISMATCH
    if code == A_LAYOUT:
        return v if isinstance(v, layout) else MISMATCH
    if code == A_MEMFORMAT:
        return v if isinstance(v, memory_format) else MISMATCH
    if code == A_GENERATOR:
        return v if generator_type is not None and isinstance(v, generator_type) else MISMATCH
    return v


cdef object read(Overload ov, Arg p, object v):
    """`v` as argument `p`, or MISMATCH."""
    cdef list out
    cdef object x, y
    if v is None:
        return None if p.optional or p.code == A_ANY else MISMATCH
    if p.size < 0:
        return read_one(p, v, ov.numbers)
    if isinstance(v, (tuple, list)):
        if p.code == A_INT:
            if type(v) is tuple and plain_ints(<tuple>v):
                return v
            out = [None if x is None and p.elem_optional else read_index(x, i == 0) for i, x in enumerate(v)]
            for x in out:
                if x is MISMATCH:
                    return MISMATCH
            for i, x in enumerate(out):
                if x is not None and not fits_long(x):
                    # torch: its own call stack follows
                    raise TypeError(f"{ov.op.name}(): argument '{p.py_name}' failed to unpack the object at pos {i + 1} with error \"{TOO_LONG}\"")
            return tuple(out)
        out = []
        for x in v:
            if x is None and p.elem_optional:
                out.append(None)
                continue
            y = read_one(p, x, False)
            if y is MISMATCH:
                return MISMATCH
            out.append(y)
        return out if p.code == A_TENSOR else tuple(out)
    if p.code == A_TENSOR:
        return MISMATCH
    if p.size > 0:                           # int[2] takes 3 for (3, 3)
        y = read_index(v, True) if p.code == A_INT else read_one(p, v, False)
        if p.code == A_INT and y is not MISMATCH and not fits_long(y):
            raise ValueError(TOO_LONG)
        return MISMATCH if y is MISMATCH else (y,) * p.size
    return MISMATCH


cdef bint parse(Overload ov, list args, dict kwargs, bint method, list vals) except -1:
    """Fill `vals` (a slot a parameter, then `out`) from a call; False when the overload does not fit.

    `args` holds the receiver first when `method`.
    """
    cdef Py_ssize_t n = len(args), i, at, used = 0, np_ = len(ov.args)
    cdef Arg p
    cdef object v, given
    if n > ov.n_positional:
        if ov.varargs >= 0 and n > ov.varargs and is_int(args[ov.varargs]):
            # x.view(2, 3): the ints are one argument
            args = args[:ov.varargs] + [tuple(args[ov.varargs:])]
            n = len(args)
            if n > ov.n_positional:
                return False
        else:
            return False
    for i in range(np_):
        p = <Arg>ov.args[i]
        at = i
        if method and i <= ov.receiver:      # x.where(condition, other): `self` is not the first
            at = 0 if i == ov.receiver else i + 1
        if at < n:
            if kwargs is not None and (p.name in kwargs if method else p.py_name in kwargs):
                return False
            v = args[at]
            if i == ov.varargs and p.size == 0 and is_int(v):
                v = (v,)
        else:
            v = MISMATCH
            if kwargs is not None:
                v = kwargs.get(p.name if method else p.py_name, MISMATCH)
                if v is MISMATCH:
                    for alias in p.aliases:
                        v = kwargs.get(alias, MISMATCH)
                        if v is not MISMATCH:
                            break
                if v is not MISMATCH:
                    used += 1
            if v is MISMATCH:
                if p.required:
                    return False
                vals[i] = p.default
                continue
        given = v
        v = read(ov, p, v)
        if v is MISMATCH:
            # torch: None stands for a default of None or []
            if given is None and not p.required and (p.default is None or p.default == ()):
                v = p.default
            else:
                return False
        vals[i] = v
    vals[np_] = None
    if kwargs is not None:
        if "out" in kwargs and ov.has_out and not method:
            v = kwargs["out"]
            if v is not None:
                if ov.n_out == 1 and not isinstance(v, Tensor) and not (ov.listed and isinstance(v, (tuple, list))):
                    return False
                if ov.n_out > 1 and not (isinstance(v, (tuple, list)) and len(v) == ov.n_out):
                    return False
            vals[np_] = v
            used += 1
        if used != len(kwargs):
            return False
    return True
