"""Tensors from Python's and NumPy's data: tensor, as_tensor, asarray, from_numpy, frombuffer, from_dlpack, the old constructors."""
import math
import mmap
import os
import warnings
from itertools import chain

import numpy as np

from ..core import Size, T, Tensor, composite
from ..core._core import alias, dtype_of_array, from_array, get_default_dtype, install, promote_types, restride, result_code
from ._common import check_factory
from ._geometry import element_strides

NUMBERS = {bool, int, float, complex}


# ------------------------------------------------------------------ nested sequences
def is_sequence(data):
    """What torch.tensor reads as a dimension."""
    if isinstance(data, (list, tuple, range, bytearray)):
        return True
    if isinstance(data, np.ndarray):
        return data.ndim > 0
    return not isinstance(data, (str, bytes, dict, Tensor, np.generic)) and hasattr(data, "__len__") and hasattr(data, "__getitem__")


def shape_of(data):
    """The shape that nested sequences have by their first elements."""
    shape = []
    while is_sequence(data):
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    if isinstance(data, (str, bytes)):
        raise ValueError(f"too many dimensions '{type(data).__name__}'")
    return shape


def infer_dtype(data):
    """The dtype that holds every number in nested sequences."""
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, (np.ndarray, np.generic)):
        return dtype_of_array(np.asarray(data))
    if isinstance(data, (bool, int, float, complex)):
        return result_code(data)
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if not is_sequence(data):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    kinds = set(map(type, data))
    result = None
    for d in (result_code(k()) for k in kinds) if kinds <= NUMBERS else map(infer_dtype, data):
        result = d if result is None else promote_types(result, d)
    return result or get_default_dtype()


def check_lengths(data, shape, dim=0):
    """Raise torch's error for nested sequences that do not fill a box."""
    if dim == len(shape):
        return
    if not is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})")
    if dim + 1 < len(shape) or not set(map(type, data)) <= NUMBERS:
        for v in data:
            check_lengths(v, shape, dim + 1)


def plain(value, dtype):
    """A leaf of nested sequences as a Python number."""
    whole = not (dtype.is_floating_point or dtype.is_complex)
    if isinstance(value, Tensor):
        if whole and (value.numel() != 1 or value.dtype.is_floating_point or value.dtype.is_complex):
            raise TypeError("only integer tensors of a single element can be converted to an index")
        if value.numel() != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return value.item()
    if isinstance(value, (np.generic, np.ndarray)):
        return value.item()
    if not isinstance(value, (bool, int, float, complex)):
        name = type(value).__name__
        raise TypeError(f"'{name}' object cannot be interpreted as an integer" if whole else f"must be real number, not {name}")
    return value


def array_of_numbers(numbers, dtype):
    """A flat array of Python numbers, converted one by one as Python's C interface does."""
    kinds = set(map(type, numbers))
    if not kinds <= NUMBERS:
        numbers = [plain(v, dtype) for v in numbers]
        kinds = set(map(type, numbers))
    if complex in kinds and not dtype.is_complex and dtype.name != "bool":
        raise TypeError("must be real number, not complex")
    if dtype.is_complex:
        return np.array(numbers, np.complex128).astype(dtype.numpy)
    if dtype.is_floating_point:
        return np.array(numbers, np.float64).astype(dtype.numpy)
    if dtype.name == "bool":
        return np.array(list(map(bool, numbers)))
    info = np.iinfo(dtype.numpy)
    if float in kinds:
        if not all(map(math.isfinite, numbers)):
            raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
        numbers = list(map(int, numbers))
    try:
        wide = np.array(numbers, np.uint64 if dtype.name == "uint64" else np.int64)
    except OverflowError:
        raise ValueError("Overflow when unpacking long long") from None
    # torch: small negative numbers wrap around in unsigned types
    if dtype.itemsize < 8 and ((wide > info.max) | (wide < (info.min or -info.max))).any():
        raise RuntimeError(f"value cannot be converted to type {dtype.name} without overflow")
    return wide.astype(dtype.numpy)


def array_from(data, dtype=None):
    """A new array from numbers, nested sequences, arrays or tensors."""
    if isinstance(data, np.ndarray):
        return np.array(checked_array(data), None if dtype is None else dtype.numpy, order="C")
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    shape = shape_of(data)
    dtype = dtype or infer_dtype(data)
    check_lengths(data, shape)
    if isinstance(data, (list, tuple)) and data and isinstance(data[0], np.ndarray):
        warnings.warn("Creating a tensor from a list of numpy.ndarrays is extremely slow. Please consider converting the list to a single numpy.ndarray "
                      "with numpy.array() before converting to a tensor.", UserWarning, stacklevel=4)
    flat = [data]
    for _ in shape:
        flat = chain.from_iterable(flat)
    return array_of_numbers(list(flat), dtype).reshape(shape)


def checked_array(a):
    """The array itself, or torch's error when its memory cannot be a tensor's."""
    dtype_of_array(a)
    if not a.dtype.isnative:
        raise ValueError("given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not "
                         "supported.")
    if any(s < 0 for s in a.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. "
                         "(You can probably work around this by making a copy of your array  with array.copy().) ")
    if any(s % a.itemsize for s in a.strides):
        raise ValueError("given numpy array strides not a multiple of the element byte size. Copy the numpy array to reallocate the memory.")
    return a


def shared(a):
    """A tensor on the memory of an array, writable whatever the array says, as torch has no read-only tensors."""
    return from_array(a if a.flags.writeable else restride(a, a.shape, element_strides(a)))


# ------------------------------------------------------------------ functions
_COPY_WARNING = ("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                 "sourceTensor.detach().clone().requires_grad_(True), rather than {}(sourceTensor).")


def _copied(data, dtype, name):
    if isinstance(data, Tensor):
        warnings.warn(_COPY_WARNING.format(name), UserWarning, stacklevel=3)
        return T._to_copy(data.detach(), dtype=dtype or data.dtype)
    return from_array(array_from(data, dtype))


@composite("tensor(any data, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False, bool pin_memory=False) -> Tensor")
def tensor(data, dtype, device, pin_memory):
    """A tensor with a copy of the data: numbers, nested sequences, arrays."""
    check_factory(None, device, pin_memory)
    return _copied(data, dtype, "torch.tensor")


@composite("new_tensor(Tensor self, any data, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False, bool pin_memory=False) -> Tensor",
           shown="| data, *, dtype=None, device=None, requires_grad=False, layout=torch.strided, pin_memory=False",
           make="method", ns=None)
def new_tensor(self, data, dtype, device, pin_memory):
    """`tensor` in the dtype of this one."""
    check_factory(None, device, pin_memory)
    return _copied(data, dtype or (data.dtype if isinstance(data, Tensor) else self.dtype), "tensor.new_tensor")


@composite("as_tensor(any data, ScalarType? dtype=None, Device? device=None) -> Tensor", shown="data, *, dtype=None, device=None")
def as_tensor(data, dtype, device):
    """The data as a tensor, in its own memory where that is possible."""
    check_factory(None, device, None)
    if isinstance(data, Tensor):
        return data.to(dtype) if dtype else data
    if isinstance(data, np.ndarray):
        made = shared(checked_array(data))
        return made.to(dtype) if dtype else made
    return from_array(array_from(data, dtype))


@composite("from_numpy(any ndarray) -> Tensor")
def from_numpy(ndarray):
    """A tensor that shares the memory of a NumPy array."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__ if isinstance(ndarray, (list, tuple, int, float)) else class_name(ndarray)})")
    checked_array(ndarray)
    if not ndarray.flags.writeable:
        warnings.warn("The given NumPy array is not writable, and PyTorch does not support non-writable tensors. This means writing to this tensor will "
                      "result in undefined behavior. You may want to copy the array to protect its data or make it writable before converting it to a "
                      "tensor. This type of warning will be suppressed for the rest of this program.", UserWarning, stacklevel=2)
    return shared(ndarray)


def class_name(value):
    """The name of a value's class as C has it."""
    return f"numpy.{type(value).__name__}" if type(value).__module__ == "numpy" else type(value).__name__


@composite("frombuffer(any buffer, *, ScalarType dtype, int count=-1, int offset=0, bool requires_grad=False) -> Tensor")
def frombuffer(buffer, dtype, count, offset):
    """A 1-dim tensor on the memory of an object with the buffer protocol."""
    try:
        view = memoryview(buffer).cast("B")
    except TypeError:
        raise ValueError("object does not implement Python buffer protocol.") from None
    size, item = len(view), dtype.itemsize
    if size == 0 or count == 0:
        raise ValueError(f"both buffer length ({size}) and count ({count}) must not be 0")
    if not 0 <= offset < size:
        raise ValueError(f"offset ({offset} bytes) must be non-negative and no greater than buffer length ({size} bytes) minus 1")
    if count > 0 and offset + count * item > size:
        raise ValueError(f"requested buffer length ({count} * {item} bytes) after offset ({offset} bytes) must not be greater than actual buffer length "
                         f"({size} bytes)")
    if count < 0 and (size - offset) % item:
        raise ValueError(f"buffer length ({size - offset} bytes) after offset ({offset} bytes) must be a multiple of element size ({item})")
    if view.readonly:
        warnings.warn("The given buffer is not writable, and PyTorch does not support non-writable tensors. This means you can write to the underlying "
                      "(supposedly non-writable) buffer using the tensor. You may want to copy the buffer to protect its data or make it writable before "
                      "converting it to a tensor. This type of warning will be suppressed for the rest of this program.", UserWarning, stacklevel=2)
    return shared(np.frombuffer(view, dtype.numpy, count, offset))


@composite("from_file(str filename, bool? shared=None, int? size=0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, "
           "bool? pin_memory=None) -> Tensor", shown="filename, shared=None, size=0, *, dtype=None, layout=None, device=None, pin_memory=False")
def from_file(filename, shared, size, dtype, layout, device, pin_memory):
    """A 1-dim tensor on the memory of a file: writes go to the file if `shared`, which makes it as long as it has to be, else nowhere."""
    check_factory(layout, device, None)
    if pin_memory:
        raise RuntimeError("tensors constructed from a file cannot be pinned")
    dtype = dtype or get_default_dtype()
    need = (size or 0) * dtype.itemsize
    if need < 0:
        raise RuntimeError(f"unable to mmap {need} bytes from file <{filename}>: Cannot allocate memory (12)")
    if not need:
        return T.empty((0,), dtype=dtype)
    try:
        with open(filename, "rb" if not shared else "r+b" if os.path.exists(filename) else "w+b") as file:
            found = os.fstat(file.fileno()).st_size
            if found < need:
                if not shared:
                    raise RuntimeError(f"file <{filename}> size <{found}> is smaller than the required mapping size <{need}>")
                file.truncate(need)
            memory = mmap.mmap(file.fileno(), need, access=mmap.ACCESS_WRITE if shared else mmap.ACCESS_COPY)
    except OSError as e:
        how = "read-write" if shared else "read-only"
        raise RuntimeError(f"unable to open file <{filename}> in {how} mode: {os.strerror(e.errno)} ({e.errno})") from None
    return from_array(np.frombuffer(memory, dtype.numpy))


@composite("asarray(any obj, *, ScalarType? dtype=None, Device? device=None, bool? copy=None, bool requires_grad=False) -> Tensor",
           shown="obj, *, dtype=None, device=None, copy=None, requires_grad=None")
def asarray(obj, dtype, device, copy):
    """The data as a tensor without history; shares memory unless `copy`, or the dtype, forbids it."""
    check_factory(None, device, None)
    if isinstance(obj, Tensor):
        made = obj.detach() if obj.requires_grad else obj
    elif hasattr(obj, "_holder"):                   # a storage
        made = from_array(obj._elements)
    elif isinstance(obj, (np.ndarray, np.generic)):
        made = shared(checked_array(np.asarray(obj)))
    elif hasattr(obj, "__dlpack__"):
        made = T.from_dlpack(obj)
    elif isinstance(obj, (bytes, bytearray, memoryview)) or type(obj).__module__ == "array":
        made, dtype = T.frombuffer(obj, dtype=dtype or get_default_dtype()), None
    else:
        if copy is False:
            raise ValueError("can't alias arbitrary sequence into a tensor.")
        return from_array(array_from(obj, dtype))
    if dtype is not None and dtype is not made.dtype:
        if copy is False:
            raise ValueError(f"can't alias tensor with dtype '{made.dtype.type_name}' into dtype '{dtype.type_name}'.")
        return made.to(dtype)
    return made.clone() if copy else made


class _Capsule:
    """A bare DLPack capsule in the clothes of an array, as NumPy wants it."""

    def __init__(self, capsule):
        self.capsule = capsule

    def __dlpack__(self, **options):
        return self.capsule

    def __dlpack_device__(self):
        return 1, 0


@composite("from_dlpack(any ext_tensor, *, Device? device=None, bool? copy=None) -> Tensor")
def from_dlpack(ext_tensor, device, copy):
    """A tensor on the memory of an array of another library."""
    check_factory(None, device, None)
    if isinstance(ext_tensor, Tensor):
        return ext_tensor.clone() if copy else alias(ext_tensor)
    if not hasattr(ext_tensor, "__dlpack__"):
        if type(ext_tensor).__name__ != "PyCapsule":
            raise RuntimeError("from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so you might have already "
                               "constructed a tensor from it once.")
        ext_tensor = _Capsule(ext_tensor)
    made = shared(np.from_dlpack(ext_tensor))
    return made.clone() if copy else made


# ------------------------------------------------------------------ the old constructors
def legacy_tensor(*args, dtype=None, device=None):
    """torch.Tensor(2, 3), torch.FloatTensor([1, 2]): sizes give uninitialised memory, data a copy."""
    if device is not None and str(device).partition(":")[0] != "cpu":
        raise RuntimeError(f"legacy constructor expects device type: cpu but device type: {str(device).partition(':')[0]} was passed")
    given, dtype = dtype, dtype or get_default_dtype()
    if not args:
        return T.empty((0,), dtype=dtype)
    first = args[0]
    if len(args) > 1 or isinstance(first, (Size, int)) and not isinstance(first, bool):
        sizes = first if isinstance(first, Size) else args
        for i, n in enumerate(sizes):
            if not isinstance(n, int):
                raise TypeError(f"new(): argument 'size' failed to unpack the object at pos {i + 1} with error \"type must be tuple of ints,but got "
                                f"{type(n).__name__}\"")
        return T.empty(tuple(sizes), dtype=dtype)
    if isinstance(first, Tensor):
        if given is not None and first.dtype is not dtype:
            raise TypeError(f"expected {_options(dtype)} (got {_options(first.dtype)})")
        return alias(first)
    if isinstance(first, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(first).__name__}'")
    if not is_sequence(first):
        raise TypeError(f"new(): data must be a sequence (got {type(first).__name__})")
    return from_array(array_from(first, dtype))


_C_TYPES = {"int64": "long int", "int32": "int", "int16": "short int", "int8": "signed char", "uint8": "unsigned char", "float32": "float",
            "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "complex64": "c10::complex<float>",
            "complex128": "c10::complex<double>"}


def _options(dtype):
    return (f"TensorOptions(dtype={_C_TYPES.get(dtype.name, dtype.name)}, device=cpu, layout=Strided, requires_grad=false (default), "
            "pinned_memory=false (default), memory_format=(nullopt))")


install(legacy_tensor=legacy_tensor)
