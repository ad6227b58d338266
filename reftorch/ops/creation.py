"""Tensors from numbers, from Python and NumPy data, and from nothing."""
import math
import warnings

import numpy as np

from ..core import DTYPES, T, Tensor, composite, dtype, primitive
from ..core._core import (MEMORY_FORMATS, dtype_of_array, empty_permuted_like, from_array, get_default_dtype, is_grad_enabled, promote_types,
                          restride, set_type_attribute)
from ._common import check_factory
from ._geometry import extent, memory_strides

CONTIGUOUS = MEMORY_FORMATS["contiguous_format"]
PRESERVE = MEMORY_FORMATS["preserve_format"]
OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
FORMAT = "MemoryFormat? memory_format=None"
C_NAMES = {"int32": "int", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "float32": "float", "float64": "double",
           "complex32": "c10::complex<c10::Half>", "complex64": "c10::complex<float>", "complex128": "c10::complex<double>"}


# ------------------------------------------------------------------ numbers
def checked(value, dtype, c_name=None):
    """A Python number as a NumPy scalar of `dtype`; RuntimeError with torch's text when the type cannot hold it."""
    kind = dtype.numpy
    fits = True
    if isinstance(value, complex) and not dtype.is_complex and dtype.name != "bool":
        fits = value.imag == 0
        value = value.real
    if fits and dtype.is_floating_point and c_name is None:
        if dtype.itemsize < 8 and math.isfinite(value):
            fits = abs(value) <= largest(dtype)
    elif fits and not dtype.is_complex and not dtype.is_floating_point and dtype.name != "bool":
        if isinstance(value, float):
            fits = math.isfinite(value)
            value = int(value) if fits else 0
        info = np.iinfo(kind)
        # torch: small negative numbers wrap around in unsigned types
        fits = fits and (info.min <= value <= info.max or (info.min == 0 and dtype.itemsize < 8 and -info.max <= value < 0))
        if fits and value < info.min:
            value += info.max + 1
    if not fits:
        name = c_name or C_NAMES.get(dtype.name, dtype.name if dtype.is_floating_point else dtype.name + "_t")
        raise RuntimeError(f"value cannot be converted to type {name} without overflow")
    return kind.type(value)


def largest(dtype):
    """The largest finite value of a floating-point dtype."""
    if dtype.name == "float16" or dtype.itemsize > 2:
        return float(np.finfo(dtype.numpy).max)
    import ml_dtypes
    return float(ml_dtypes.finfo(dtype.numpy).max)


def dtype_of_number(value):
    """The dtype that a Python number gets on its own."""
    if isinstance(value, bool):
        return DTYPES["bool"]
    if isinstance(value, int):
        return DTYPES["int64"]
    return get_default_dtype() if isinstance(value, float) else get_default_dtype().to_complex()


# ------------------------------------------------------------------ by size
def allocate(size, dtype=None, memory_format=None):
    """An uninitialised array."""
    for n in size:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
    a = np.empty(size, (dtype or get_default_dtype()).numpy)
    if memory_format is None or memory_format is CONTIGUOUS:
        return a
    return restride(a, size, memory_strides(size, memory_format))


def allocate_like(self, dtype, memory_format):
    """An uninitialised array of the same shape, laid out as the original unless the memory format says otherwise."""
    if memory_format is None or memory_format is PRESERVE:
        return empty_permuted_like(self, dtype)
    return allocate(self.shape, dtype or dtype_of_array(self), memory_format)


def filled(a, value):
    """`a` with every element set."""
    a[...] = value
    return a


@primitive(f"empty.memory_format(SymInt[] size, *, {OPTIONS}, {FORMAT}) -> Tensor", make="out", nograd=True)
def empty(size, dtype, layout, device, pin_memory, memory_format):
    """Uninitialised memory."""
    check_factory(layout, device, pin_memory)
    return allocate(size, dtype, memory_format)


@primitive(f"empty_strided(SymInt[] size, SymInt[] stride, *, {OPTIONS}) -> Tensor", nograd=True, shares=True)
def empty_strided(size, stride, dtype, layout, device, pin_memory):
    """Uninitialised memory with given strides."""
    check_factory(layout, device, pin_memory)
    return allocate_strided(size, stride, dtype or get_default_dtype())


def allocate_strided(size, stride, dtype):
    """An uninitialised array with given strides."""
    if len(size) != len(stride):
        raise RuntimeError(f"dimensionality of sizes ({len(size)}) must match dimensionality of strides ({len(stride)})")
    if any(s < 0 for s in stride):
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)} and strides={list(stride)}")
    return restride(allocate((extent(size, stride),), dtype), size, stride)


@primitive(f"zeros(SymInt[] size, *, {OPTIONS}) -> Tensor", make="out", nograd=True)
def zeros(size, dtype, layout, device, pin_memory):
    """Zeros."""
    check_factory(layout, device, pin_memory)
    if any(n < 0 for n in size):
        raise RuntimeError("zeros: Dimension size must be non-negative.")
    return np.zeros(size, (dtype or get_default_dtype()).numpy)


@primitive(f"ones(SymInt[] size, *, {OPTIONS}) -> Tensor", make="out", nograd=True)
def ones(size, dtype, layout, device, pin_memory):
    """Ones."""
    check_factory(layout, device, pin_memory)
    return filled(allocate(size, dtype), 1)


@primitive(f"full(SymInt[] size, Scalar fill_value, *, {OPTIONS}) -> Tensor", make="out", nograd=True)
def full(size, fill_value, dtype, layout, device, pin_memory):
    """One number everywhere; its kind gives the dtype."""
    check_factory(layout, device, pin_memory)
    dtype = dtype or dtype_of_number(fill_value)
    return filled(allocate(size, dtype), checked(fill_value, dtype))


# ------------------------------------------------------------------ like another tensor
@primitive(f"empty_like(Tensor self, *, {OPTIONS}, {FORMAT}) -> Tensor", half=False, nograd=True)
def empty_like(self, dtype, layout, device, pin_memory, memory_format):
    """Uninitialised memory for a tensor of the same shape, dtype and layout."""
    check_factory(layout, device, pin_memory)
    return allocate_like(self, dtype, memory_format)


@primitive(f"zeros_like(Tensor self, *, {OPTIONS}, {FORMAT}) -> Tensor", half=False, nograd=True)
def zeros_like(self, dtype, layout, device, pin_memory, memory_format):
    """Zeros for a tensor of the same shape, dtype and layout."""
    check_factory(layout, device, pin_memory)
    return filled(allocate_like(self, dtype, memory_format), 0)


@primitive(f"ones_like(Tensor self, *, {OPTIONS}, {FORMAT}) -> Tensor", half=False, nograd=True)
def ones_like(self, dtype, layout, device, pin_memory, memory_format):
    """Ones for a tensor of the same shape, dtype and layout."""
    check_factory(layout, device, pin_memory)
    return filled(allocate_like(self, dtype, memory_format), 1)


@primitive(f"full_like(Tensor self, Scalar fill_value, *, {OPTIONS}, {FORMAT}) -> Tensor", half=False, nograd=True)
def full_like(self, fill_value, dtype, layout, device, pin_memory, memory_format):
    """One number everywhere in a tensor of the same shape, dtype and layout."""
    check_factory(layout, device, pin_memory)
    return filled(allocate_like(self, dtype, memory_format), checked(fill_value, dtype or dtype_of_array(self)))


@composite(f"new_empty(Tensor self, SymInt[] size, *, {OPTIONS}) -> Tensor", make="method", ns=None)
def new_empty(self, size, dtype, layout, device, pin_memory):
    """Uninitialised memory of the tensor's dtype."""
    return T.empty(size, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory)


@composite(f"new_empty_strided(Tensor self, SymInt[] size, SymInt[] stride, *, {OPTIONS}) -> Tensor", make="method", ns=None)
def new_empty_strided(self, size, stride, dtype, layout, device, pin_memory):
    """Uninitialised memory of the tensor's dtype with given strides."""
    return T.empty_strided(size, stride, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory)


@composite(f"new_zeros(Tensor self, SymInt[] size, *, {OPTIONS}) -> Tensor", make="method", ns=None)
def new_zeros(self, size, dtype, layout, device, pin_memory):
    """Zeros of the tensor's dtype."""
    return T.zeros(size, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory)


@composite(f"new_ones(Tensor self, SymInt[] size, *, {OPTIONS}) -> Tensor", make="method", ns=None)
def new_ones(self, size, dtype, layout, device, pin_memory):
    """Ones of the tensor's dtype."""
    return T.ones(size, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory)


@composite(f"new_full(Tensor self, SymInt[] size, Scalar fill_value, *, {OPTIONS}) -> Tensor", make="method", ns=None)
def new_full(self, size, fill_value, dtype, layout, device, pin_memory):
    """One number everywhere, in the tensor's dtype."""
    return T.full(size, fill_value, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory)


# ------------------------------------------------------------------ filling
@primitive("fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)", "fill_.Tensor(Tensor(a!) self, Tensor value) -> Tensor(a!)", make="method",
           half=False, node="FillBackward0", self=lambda grad: T.zeros_like(grad), value=lambda grad: grad.sum())
def fill_(self, value):
    """Set every element to a number or a 0-dim tensor."""
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
        np.copyto(self, value, casting="unsafe")
    else:
        self[...] = checked(value, dtype_of_array(self))
    return self


@composite("fill.Scalar(Tensor self, Scalar value) -> Tensor", "fill.Tensor(Tensor self, Tensor value) -> Tensor")
def fill(self, value):
    """A copy of the tensor with every element set."""
    return self.clone().fill_(value)


@primitive("zero_(Tensor(a!) self) -> Tensor(a!)", make="method", half=False, self=lambda grad: T.zeros_like(grad))
def zero_(self):
    """Set every element to zero."""
    self[...] = 0
    return self


# ------------------------------------------------------------------ ranges
def range_length(start, end, step):
    """ceil((end - start) / step), or torch's error."""
    for v in (start, end):
        if isinstance(v, complex):
            raise RuntimeError("not implemented for complex")
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if isinstance(start, int) and isinstance(end, int) and isinstance(step, int):
        return -((start - end) // step)
    return math.ceil((end - start) / step)


def steps_from(start, step, n, dtype):
    """start + i * step for i < n, in the type that torch computes in."""
    a = np.arange(n)
    if dtype.is_floating_point:
        wide = np.float64 if dtype.itemsize > 2 else np.float32
        return (wide(start) + a.astype(wide) * wide(step)).astype(dtype.numpy)
    return (int(start) + a * int(step)).astype(dtype.numpy)


@primitive(f"arange(Scalar end, *, {OPTIONS}) -> Tensor", f"arange.start(Scalar start, Scalar end, *, {OPTIONS}) -> Tensor",
           f"arange.start_step(Scalar start, Scalar end, Scalar step=1, *, {OPTIONS}) -> Tensor", make="out", nograd=True)
def arange(end, dtype, layout, device, pin_memory, start=0, step=1):
    """start, start + step, ... before `end`; integers throughout give int64."""
    check_factory(layout, device, pin_memory)
    n = range_length(start, end, step)
    if dtype is None:
        whole = all(isinstance(v, int) for v in (start, end, step))
        dtype = DTYPES["int64"] if whole else get_default_dtype()
    return steps_from(start, step, n, dtype)


# ------------------------------------------------------------------ from Python data
def shape_of(data):
    """The shape that nested sequences have by their first elements."""
    shape = []
    while is_sequence(data):
        shape.append(len(data))
        if not len(data):
            break
        data = data[0]
    if isinstance(data, Tensor):
        shape.extend(data.shape)
    return shape


def is_sequence(data):
    """What torch.tensor reads as a dimension."""
    return isinstance(data, (list, tuple, range, np.ndarray, bytearray)) or (
        not isinstance(data, (str, bytes, dict, Tensor, np.generic)) and hasattr(data, "__len__") and hasattr(data, "__getitem__"))


def infer_dtype(data):
    """The dtype that holds every number in nested sequences."""
    if isinstance(data, (bool, int, float, complex)) and not isinstance(data, np.generic):
        return dtype_of_number(data)
    if isinstance(data, Tensor):
        return data.dtype
    if isinstance(data, (np.ndarray, np.generic)):
        return dtype_of_array(np.asarray(data))
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    if not is_sequence(data):
        raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
    kinds = set(map(type, data))
    if kinds <= {bool, int, float, complex}:
        found = [dtype_of_number(k()) for k in kinds]
    else:
        found = [infer_dtype(v) for v in data]
    result = None
    for d in found:
        result = d if result is None else promote_types(result, d)
    return result or get_default_dtype()


def check_lengths(data, shape, dim=0):
    """Raise torch's error for nested sequences that do not fill a box."""
    if dim == len(shape):
        if is_sequence(data):
            raise TypeError(f"'{type(data).__name__}' object cannot be interpreted as an integer")
        return
    if isinstance(data, (str, bytes)):
        raise ValueError(f"too many dimensions '{type(data).__name__}'")
    if isinstance(data, Tensor):
        return
    if not is_sequence(data):
        raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})")
    if dim + 1 < len(shape) or not set(map(type, data)) <= {bool, int, float, complex}:
        for v in data:
            check_lengths(v, shape, dim + 1)


def array_from(data, dtype):
    """A new array from numbers, nested sequences, arrays or tensors."""
    if isinstance(data, Tensor):
        return T._to_copy(data.detach(), dtype=dtype or data.dtype)._array
    if isinstance(data, np.ndarray):
        a = check_array(data)
        return np.array(a, dtype.numpy if dtype else None, copy=True, order="C")
    given = dtype
    if dtype is None:
        dtype = infer_dtype(data)
    shape = shape_of(data)
    check_lengths(data, shape)
    return fill_from(data, shape, dtype, given)


def fill_from(data, shape, dtype, given):
    """The numbers of nested sequences as an array of that shape."""
    flat = flatten_numbers(data, len(shape))
    return np.array([number_for(v, dtype) for v in flat], dtype.numpy).reshape(shape)


def flatten_numbers(data, depth):
    """The numbers in nested sequences, in order."""
    return [data] if depth == 0 else [v for part in data for v in flatten_numbers(part, depth - 1)]


def number_for(v, dtype):
    return checked(v.item() if isinstance(v, (np.generic, Tensor)) else v, dtype, dtype.name)


def check_array(a):
    """The array itself, or torch's error when its memory cannot be a tensor's."""
    dtype_of_array(a)
    if not a.dtype.isnative:
        raise ValueError("given numpy array has byte order different from the native byte order. Conversion between byte orders is currently not "
                         "supported.")
    if any(s < 0 for s in a.strides):
        raise ValueError("At least one stride in the given numpy array is negative, and tensors with negative strides are not currently supported. "
                         "(You can probably work around this by making a copy of your array  with array.copy().) ")
    return a


@composite("tensor(any data, *, ScalarType? dtype=None, Device? device=None, bool requires_grad=False, bool pin_memory=False) -> Tensor")
def tensor(data, dtype, device, pin_memory):
    """A tensor with a copy of the data: numbers, nested sequences, arrays."""
    check_factory(None, device, pin_memory)
    if isinstance(data, Tensor):
        warnings.warn("To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
                      "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).", UserWarning, stacklevel=2)
    return from_array(array_from(data, dtype))
