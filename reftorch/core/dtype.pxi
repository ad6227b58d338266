# dtype, layout, memory_format, device, finfo-free: the small immutable objects that describe a tensor.
# A dtype is known inside the core by PyTorch's own number for it (`code`).

DEF NCODES = 32
cdef enum:
    U8 = 0
    I8 = 1
    I16 = 2
    I32 = 3
    I64 = 4
    F16 = 5
    F32 = 6
    F64 = 7
    C32 = 8
    C64 = 9
    C128 = 10
    B1 = 11
    BF16 = 15
    F8E5M2 = 23
    F8E4M3FN = 24
    U16 = 27
    U32 = 28
    U64 = 29
    NOCODE = -1

cdef int KIND_BOOL = 0, KIND_INT = 1, KIND_FLOAT = 2, KIND_COMPLEX = 3

# code: (name, other public name, legacy type name, NumPy name, item size, kind)
_DTYPES = {
    U8: ("uint8", None, "Byte", "uint8", 1, 1),
    I8: ("int8", None, "Char", "int8", 1, 1),
    I16: ("int16", "short", "Short", "int16", 2, 1),
    I32: ("int32", "int", "Int", "int32", 4, 1),
    I64: ("int64", "long", "Long", "int64", 8, 1),
    F16: ("float16", "half", "Half", "float16", 2, 2),
    F32: ("float32", "float", "Float", "float32", 4, 2),
    F64: ("float64", "double", "Double", "float64", 8, 2),
    C32: ("complex32", "chalf", "ComplexHalf", None, 4, 3),
    C64: ("complex64", "cfloat", "ComplexFloat", "complex64", 8, 3),
    C128: ("complex128", "cdouble", "ComplexDouble", "complex128", 16, 3),
    B1: ("bool", None, "Bool", "bool", 1, 0),
    BF16: ("bfloat16", None, "BFloat16", "bfloat16", 2, 2),
    F8E5M2: ("float8_e5m2", None, "Float8_e5m2", "float8_e5m2", 1, 2),
    F8E4M3FN: ("float8_e4m3fn", None, "Float8_e4m3fn", "float8_e4m3fn", 1, 2),
    U16: ("uint16", None, "UInt16", "uint16", 2, 1),
    U32: ("uint32", None, "UInt32", "uint32", 4, 1),
    U64: ("uint64", None, "UInt64", "uint64", 8, 1),
}
cdef object _ML_DTYPES = frozenset(("bfloat16", "float8_e5m2", "float8_e4m3fn"))


@cython.final
cdef class dtype:
    """The type of a tensor's elements, e.g. `torch.float32`."""
    cdef readonly int code
    cdef int kind
    cdef readonly int itemsize
    cdef readonly str name            # "float32"
    cdef readonly str alias           # "float" or None
    cdef readonly str type_name       # "Float": as PyTorch's errors and legacy types say it
    cdef str numpy_name
    cdef object _np
    cdef object __weakref__

    def __repr__(self):
        return "torch." + self.name

    def __reduce__(self):
        return self.name

    def __hash__(self):
        return self.code

    @property
    def is_floating_point(self):
        return self.kind == KIND_FLOAT

    @property
    def is_complex(self):
        return self.kind == KIND_COMPLEX

    @property
    def is_signed(self):
        return not (self.kind == KIND_BOOL or self.code in (U8, U16, U32, U64))

    @property
    def numpy(self):
        """The NumPy dtype; bfloat16 and float8 import ml_dtypes on first use."""
        return np_dtype(self)

    def to_real(self):
        """complex64 -> float32 and so on; real types give themselves."""
        return DTYPE[real_code(self.code)]

    def to_complex(self):
        """float32 -> complex64 and so on."""
        return DTYPE[complex_code(self.code)]


cdef list DTYPE = [None] * NCODES
cdef int KIND[NCODES]
cdef int ITEMSIZE[NCODES]
cdef int NPY_TYPE[NCODES]               # NumPy type number, or -1 while unknown
cdef int CODE_OF_NPY[32]
cdef int PROMOTE[NCODES][NCODES]


cdef _make_dtypes():
    cdef dtype d
    cdef int i
    for i in range(NCODES):
        NPY_TYPE[i] = -1
    for i in range(32):
        CODE_OF_NPY[i] = NOCODE
    for code, (name, alias, type_name, np_name, size, kind) in _DTYPES.items():
        d = dtype.__new__(dtype)
        d.code, d.kind, d.itemsize = code, kind, size
        d.name, d.alias, d.type_name, d.numpy_name = name, alias, type_name, np_name
        DTYPE[code] = d
        KIND[code] = kind
        ITEMSIZE[code] = size
        if np_name is not None and np_name not in _ML_DTYPES:
            d._np = np.dtype(np_name)
            NPY_TYPE[code] = d._np.num
            CODE_OF_NPY[d._np.num] = code
    CODE_OF_NPY[<int>cnp.NPY_LONGLONG] = I64
    CODE_OF_NPY[<int>cnp.NPY_ULONGLONG] = U64


cdef object np_dtype(dtype d):
    if d._np is None:
        if d.numpy_name is None:
            raise NotImplementedError(f"{d!r} tensors are not supported on this build")
        import ml_dtypes
        d._np = np.dtype(getattr(ml_dtypes, d.numpy_name))
        NPY_TYPE[d.code] = d._np.num
    return d._np


cdef int code_of(cnp.ndarray a) except -2:
    """The code of an array's dtype; TypeError where torch has none."""
    cdef int num = cnp.PyArray_TYPE(a), code
    if num < 32:
        code = CODE_OF_NPY[num]
        if code != NOCODE:
            return code
    else:
        name = a.dtype.name
        for code in (BF16, F8E5M2, F8E4M3FN):
            if (<dtype>DTYPE[code]).name == name:
                np_dtype(<dtype>DTYPE[code])
                return code
    raise TypeError(f"can't convert np.ndarray of type {'numpy.object_' if a.dtype == object else 'numpy.' + a.dtype.type.__name__}. "
                    "The only supported types are: float64, float32, float16, complex64, complex128, int64, int32, int16, int8, "
                    "uint64, uint32, uint16, uint8, and bool.")


cdef inline int real_code(int code):
    return F32 if code == C64 else F64 if code == C128 else F16 if code == C32 else code


cdef inline int complex_code(int code):
    if code == F32 or code == BF16:
        return C64
    return C128 if code == F64 else C32 if code == F16 else code


cdef _make_promotion():
    # The lattice: bool < integers < floats < complex; within a kind the wider wins.
    cdef int a, b, r
    ints = [I8, I16, I32, I64]
    for a in _DTYPES:
        for b in _DTYPES:
            ka, kb = KIND[a], KIND[b]
            if a == b:
                r = a
            elif ka != kb:
                hi, lo = (a, b) if ka > kb else (b, a)
                r = hi
                if KIND[hi] == KIND_COMPLEX and KIND[lo] == KIND_FLOAT:
                    r = PROMOTE_REAL(real_code(hi), lo)
            elif ka == KIND_INT:
                if a in (U16, U32, U64) or b in (U16, U32, U64):
                    r = NOCODE
                elif a == U8 or b == U8:
                    other = b if a == U8 else a
                    r = I16 if other == I8 else other
                else:
                    r = ints[max(ints.index(a), ints.index(b))]
            elif ka == KIND_FLOAT:
                r = float_promote(a, b)
            else:
                r = max(a, b)
            PROMOTE[a][b] = r


cdef int float_promote(int a, int b):
    if a == b:
        return a
    if a == F64 or b == F64:
        return F64
    if a == F32 or b == F32 or (a, b) in ((F16, BF16), (BF16, F16)):
        return F32
    return a if ITEMSIZE[a] > ITEMSIZE[b] else b


cdef int PROMOTE_REAL(int a, int b):
    return complex_code(float_promote(a, b))


_make_dtypes()
_make_promotion()

cdef int default_code = F32


cdef inline int default_complex():
    return complex_code(default_code)


cdef int promote_codes(int a, int b) except -2:
    """torch.promote_types on codes; NOCODE stands for nothing yet."""
    if a == NOCODE:
        return b
    if b == NOCODE:
        return a
    cdef int r = PROMOTE[a][b]
    if r == NOCODE:
        raise RuntimeError("Promotion for uint16, uint32, uint64 types is not supported, attempted to promote "
                           f"{(<dtype>DTYPE[a]).type_name} and {(<dtype>DTYPE[b]).type_name}")
    return r


cdef inline bint can_cast_codes(int a, int b):
    """torch.can_cast: no complex to real, no float to integer, nothing to bool but bool."""
    if KIND[a] == KIND_COMPLEX and KIND[b] != KIND_COMPLEX:
        return False
    if KIND[a] == KIND_FLOAT and KIND[b] < KIND_FLOAT:
        return False
    return not (b == B1 and a != B1)


def promote_types(dtype type1 not None, dtype type2 not None):
    """promote_types(type1, type2) -> dtype

    The smallest dtype to which both can be converted."""
    return DTYPE[promote_codes(type1.code, type2.code)]


def can_cast(dtype from_ not None, dtype to not None):
    """Whether PyTorch's casting rules allow a conversion."""
    return can_cast_codes(from_.code, to.code)


def get_default_dtype():
    """The dtype that Python floats become."""
    return DTYPE[default_code]


def set_default_dtype(dtype d not None):
    """Set the dtype that Python floats become; only floating-point dtypes are allowed."""
    global default_code
    if d.kind != KIND_FLOAT:
        raise TypeError("only floating-point types are supported as the default type")
    default_code = d.code


def all_dtypes():
    """Every dtype of this build."""
    return [d for d in DTYPE if d is not None]


def dtype_of_array(cnp.ndarray a not None):
    """The torch dtype of a NumPy array."""
    return DTYPE[code_of(a)]


@cython.final
cdef class layout:
    """How elements are laid out; every tensor here is `torch.strided`."""
    cdef readonly str name

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return "torch." + self.name

    def __reduce__(self):
        return self.name


@cython.final
cdef class memory_format:
    """Order of dims in memory."""
    cdef readonly str name

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return "torch." + self.name

    def __reduce__(self):
        return self.name


LAYOUTS = {n: layout(n) for n in ("strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged", "_mkldnn")}
MEMORY_FORMATS = {n: memory_format(n) for n in ("contiguous_format", "channels_last", "channels_last_3d", "preserve_format")}

_DEVICE_TYPES = ("cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy", "vulkan",
                 "mps", "meta", "hpu", "mtia", "privateuseone")


@cython.final
cdef class device:
    """Where a tensor lives: `torch.device("cpu")`; others can be named but not used."""
    cdef readonly str type
    cdef readonly object index

    def __init__(self, *args, **kwargs):
        if kwargs:
            if set(kwargs) - {"type", "index", "device"}:
                raise TypeError("device() received an invalid combination of arguments - got "
                                f"({', '.join(f'{k}={type(v).__name__}' for k, v in kwargs.items())}), but expected one of:\n"
                                " * (torch.device device)\n * (str type, int index = -1)\n")
            args = args + tuple(kwargs[k] for k in ("device", "type", "index") if k in kwargs)
        kind = args[0] if args else None
        index = args[1] if len(args) > 1 else None
        if isinstance(kind, device):
            self.type, self.index = kind.type, kind.index
            return
        if isinstance(kind, int) and not isinstance(kind, bool):
            # torch: a bare number means the accelerator; a CPU build has none and says so on use
            self.type, self.index = "cuda", kind
            return
        if not isinstance(kind, str):
            raise TypeError(f"device(): argument 'type' (position 1) must be str, not {type(kind).__name__}")
        name, colon, number = kind.partition(":")
        if colon and index is not None:
            raise RuntimeError("type (string) must not include an index because index was passed explicitly: " + kind)
        if name not in _DEVICE_TYPES:
            if not name or not name.isidentifier():
                raise RuntimeError(f"Invalid device string: '{kind}'")
            raise RuntimeError(f"Expected one of {', '.join(_DEVICE_TYPES)} device type at start of device string: {name}")
        if colon:
            if not number.isdigit() or (len(number) > 1 and number[0] == "0"):
                raise RuntimeError(f"Invalid device string: '{kind}'")
            index = int(number)
        self.type = name
        self.index = None if index is None or index < 0 else index

    def __repr__(self):
        return f"device(type='{self.type}')" if self.index is None else f"device(type='{self.type}', index={self.index})"

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __hash__(self):
        return hash((self.type, self.index))

    def __eq__(self, other):
        return isinstance(other, device) and self.type == (<device>other).type and self.index == (<device>other).index

    def __ne__(self, other):
        return not self == other

    def __reduce__(self):
        return device, ((self.type,) if self.index is None else (self.type, self.index))

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


cdef device CPU = device("cpu")
DTYPES = {d.name: d for d in DTYPE if d is not None}
