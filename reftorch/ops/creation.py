"""Tensors by shape: empty, zeros, full and their like; ranges."""
import math
import warnings

import numpy as np

from ..core import DTYPES, T, composite, primitive
from ..core._core import MEMORY_FORMATS, dtype_of_array, empty_permuted_like, get_default_dtype, restride, result_code
from ..kernels import memory
from ._common import check_factory, number_array
from ._geometry import contiguous_strides, extent, memory_strides

CONTIGUOUS = MEMORY_FORMATS["contiguous_format"]
PRESERVE = MEMORY_FORMATS["preserve_format"]
OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
FORMAT = "MemoryFormat? memory_format=None"
_SHOWN = "dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False"


# ------------------------------------------------------------------ by size
def _addressable(size, dtype):
    """The NumPy dtype to make an array of that size in; RuntimeError when its bytes are beyond counting."""
    dtype = (dtype or get_default_dtype()).numpy
    if math.prod(size) * dtype.itemsize >= 1 << 63:
        raise RuntimeError(f"Storage size calculation overflowed with sizes={list(size)}")
    return dtype


def allocate(size, dtype=None, memory_format=None):
    """An uninitialised array."""
    for n in size:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
    a = memory.empty(tuple(size), _addressable(size, dtype))
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


@primitive(f"empty_strided(SymInt[] size, SymInt[] stride, *, {OPTIONS}) -> Tensor", shown=f"size, stride, *, {_SHOWN}", nograd=True, shares=True)
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
    return np.zeros(size, _addressable(size, dtype))


@primitive(f"ones(SymInt[] size, *, {OPTIONS}) -> Tensor", make="out", nograd=True)
def ones(size, dtype, layout, device, pin_memory):
    """Ones."""
    check_factory(layout, device, pin_memory)
    return filled(allocate(size, dtype), 1)


@primitive(f"full(SymInt[] size, Scalar fill_value, *, {OPTIONS}) -> Tensor", make="out", nograd=True)
def full(size, fill_value, dtype, layout, device, pin_memory):
    """One number everywhere; its kind gives the dtype."""
    check_factory(layout, device, pin_memory)
    dtype = dtype or result_code(fill_value)
    return filled(allocate(size, dtype), number_array(fill_value, dtype))


@primitive(f"scalar_tensor(Scalar s, *, {OPTIONS}) -> Tensor", nograd=True)
def scalar_tensor(s, dtype, layout, device, pin_memory):
    """A 0-dim tensor; torch: of the default dtype whatever the number is."""
    check_factory(layout, device, pin_memory)
    return number_array(s, dtype or get_default_dtype())


@primitive(f"empty_permuted(SymInt[] size, int[] physical_layout, *, {OPTIONS}) -> Tensor", shown=f"size, physical_layout, *, {_SHOWN}", nograd=True)
def empty_permuted(size, physical_layout, dtype, layout, device, pin_memory):
    """Uninitialised memory whose dims lie in the given order, outermost first."""
    check_factory(layout, device, pin_memory)
    if len(physical_layout) != len(size):
        raise RuntimeError("Number of dimensions in size does not match the length of the physical_layout; i.e. len(size) = "
                           f"{len(size)} is not equal to len(physical_layout) = {len(physical_layout)}")
    for i, d in enumerate(physical_layout):
        if not 0 <= d < len(size):
            raise RuntimeError(f"Dimension out of range (expected to be between 0 and {len(size) - 1}, but got {d} at index {i}).  NB: negative dims not "
                               "currently supported; file an issue if you want it.")
    if len(set(physical_layout)) < len(size):
        raise RuntimeError("Duplicate dim not allowed")
    strides = [0] * len(size)
    for d, step in zip(physical_layout, contiguous_strides([size[d] for d in physical_layout]), strict=True):
        strides[d] = step
    return restride(allocate(size, dtype), size, strides)


@primitive(f"eye(SymInt n, *, {OPTIONS}) -> Tensor", f"eye.m(SymInt n, SymInt m, *, {OPTIONS}) -> Tensor", make="out", nograd=True)
def eye(n, dtype, layout, device, pin_memory, m=None):
    """Ones on the diagonal of an n by m matrix, zeros elsewhere."""
    check_factory(layout, device, pin_memory)
    for label, size in (("n", n), ("m", n if m is None else m)):
        if size < 0:
            raise RuntimeError(f"{label} must be greater or equal to 0, got {size}")
    return np.eye(n, m, dtype=(dtype or get_default_dtype()).numpy)


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
    return filled(allocate_like(self, dtype, memory_format), number_array(fill_value, dtype or dtype_of_array(self)))


@composite(f"new_empty(Tensor self, SymInt[] size, *, {OPTIONS}) -> Tensor", make="method", ns=None)
def new_empty(self, size, dtype, layout, device, pin_memory):
    """Uninitialised memory of the tensor's dtype."""
    return T.empty(size, dtype=dtype or self.dtype, layout=layout, device=device, pin_memory=pin_memory)


@composite(f"new_empty_strided(Tensor self, SymInt[] size, SymInt[] stride, *, {OPTIONS}) -> Tensor",
           shown="| size, stride, dtype=None, device=None, requires_grad=False, layout=torch.strided, pin_memory=False", make="method", ns=None)
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
def _fill(self, value):
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise RuntimeError(f"fill_ only supports 0-dimension value tensor but got tensor with {value.ndim} dimensions.")
        np.copyto(self, value, casting="unsafe")
    else:
        self[...] = number_array(value, dtype_of_array(self))
    return self


def _filled_copy(self, value):
    return _fill(self.copy(order="K"), value)


_FILL_RULES = dict(self=lambda grad: T.zeros_like(grad), value=lambda grad: grad.sum())
for _i, _kind in ((1, "Tensor"), (0, "Scalar")):          # torch's order, and its numbers
    primitive(f"fill_.{_kind}(Tensor(a!) self, {_kind} value) -> Tensor(a!)", make="method", half=False, node=f"FillBackward{_i + 2}", **_FILL_RULES)(_fill)
    primitive(f"fill.{_kind}(Tensor self, {_kind} value) -> Tensor", half=False, node=f"FillBackward{_i}", **_FILL_RULES)(_filled_copy)


@primitive("zero_(Tensor(a!) self) -> Tensor(a!)", make="method", half=False, self=lambda grad: T.zeros_like(grad))
def zero_(self):
    """Set every element to zero."""
    self[...] = 0
    return self


T.fill_.expanded = T.zero_.expanded = ""


# ------------------------------------------------------------------ ranges
def real_number(value):
    """A Scalar as the double that ranges are reckoned in."""
    if isinstance(value, complex):
        if value.imag:
            raise RuntimeError("value cannot be converted to type double without overflow")
        return value.real
    return value


def check_range(start, end, step):
    """torch's conditions on the ends of a range."""
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start:g} -> {end:g}")
    if (end < start) if step > 0 else (end > start):
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")


def steps_from(start, step, n, dtype):
    """start + i * step for i < n, rounded as torch's vector loops do.

    These work on vectors of 32 bytes, two at a time: the first element of a vector is rounded before the others are counted from it.
    """
    kind = dtype.numpy
    i = np.arange(n)
    if not dtype.is_floating_point:
        return (int(start) + i * int(step)).astype(kind)
    wide = np.longdouble if dtype.itemsize == 8 else np.float64 if dtype.itemsize == 4 else np.float32
    start, step = wide(start), wide(step)
    lanes = 32 // dtype.itemsize
    first = i - i % lanes
    vectors = (start + step * first.astype(wide)).astype(kind).astype(wide) + (i - first).astype(wide) * step
    return np.where(i < n // (2 * lanes) * (2 * lanes), vectors, start + step * i.astype(wide)).astype(kind)


def count(end, dtype, layout, device, pin_memory, start=0, step=1):
    """The array of `arange`."""
    check_factory(layout, device, pin_memory)
    if dtype is None:
        whole = all(isinstance(v, int) for v in (start, end, step))
        dtype = DTYPES["int64"] if whole else get_default_dtype()
    if dtype.is_complex or dtype.name == "bool":
        raise NotImplementedError(f"\"arange_cpu\" not implemented for '{dtype.type_name}'")
    start, end, step = map(real_number, (start, end, step))
    check_range(start, end, step)
    if dtype.name == "int64":
        start, end, step = int(start), int(end), int(step)
        if step == 0:
            raise ValueError("step must be nonzero")
        n = max(-((start - end) // step), 0)
    else:
        n = math.ceil((end - start) / step)
    return steps_from(start, step, n, dtype)


@primitive(f"arange(Scalar end, *, {OPTIONS}) -> Tensor", f"arange.start_step(Scalar start, Scalar end, Scalar step=1, *, {OPTIONS}) -> Tensor",
           make="out", nograd=True)
def arange(end, dtype, layout, device, pin_memory, start=0, step=1):
    """start, start + step, ... before `end`; integers throughout give int64."""
    return count(end, dtype, layout, device, pin_memory, start, step)


@primitive(f"arange.start(Scalar start, Scalar end, *, {OPTIONS}) -> Tensor", nograd=True)
def arange_from(start, end, dtype, layout, device, pin_memory):
    return count(end, dtype, layout, device, pin_memory, start)


@primitive(f"range.step(Scalar start, Scalar end, Scalar step=1, *, {OPTIONS}) -> Tensor", make="out", nograd=True)
def range_(start, end, step, dtype, layout, device, pin_memory):
    """start, start + step, ... up to and including `end`."""
    check_factory(layout, device, pin_memory)
    warnings.warn("torch.range is deprecated and will be removed in a future release because its behavior is inconsistent with Python's range builtin. "
                  "Instead, use torch.arange, which produces values in [start, end).", UserWarning, stacklevel=2)
    start, end, step = map(real_number, (start, end, step))
    check_range(start, end, step)
    return steps_from(start, step, int((end - start) / step) + 1, dtype or get_default_dtype())


def check_steps(name, start, end, steps, dtype):
    """The dtype of linspace and logspace, or torch's error."""
    if isinstance(start, complex) or isinstance(end, complex):
        inferred = get_default_dtype().to_complex()
        if dtype is not None and not dtype.is_complex:
            raise RuntimeError(f"torch.{name}(): inferred dtype c10::complex<{'float' if inferred.itemsize == 8 else 'double'}> can't be safely cast to "
                               f"passed dtype {dtype.type_name}")
        dtype = dtype or inferred
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    return dtype or get_default_dtype()


def even_steps(start, end, steps, dtype):
    """`steps` numbers at even distance, in the type that torch reckons them in, from which they are then rounded to `dtype`.

    They are counted from both ends to the middle, and each operation is rounded as in torch's loop.
    """
    kind = dtype.numpy
    if dtype.is_complex:
        narrow = wide = kind.type
    elif dtype.is_floating_point:
        # torch: float32 is computed in double from a float32 step, double with fused multiply-add, halves step by step
        narrow, wide = kind.type, {2: kind.type, 4: np.float64, 8: np.longdouble}[dtype.itemsize]
    else:
        narrow = wide = np.float64
        start, end = int(start), int(end)
    if steps == 1:
        return np.array([wide(start)])
    first, last = narrow(start), narrow(end)
    step = wide((last - first) / narrow(steps - 1))
    i = np.arange(steps)
    half = steps // 2
    low = wide(first) + step * i[:half].astype(wide)
    high = wide(last) - step * (steps - 1 - i[half:]).astype(wide)
    return np.concatenate([low, high])


def _define_steps(name, extra, body):
    """`linspace` and `logspace`, whose ends are numbers or 0-dim tensors."""
    primitive(f"{name}(Scalar start, Scalar end, int steps, {extra}*, {OPTIONS}) -> Tensor", make="out", nograd=True)(body)

    def of_tensors(start, end, steps, dtype, layout, device, pin_memory, base=None):
        for x, label in ((start, "start"), (end, "end")):
            if hasattr(x, "dim") and x.dim():
                raise RuntimeError(f"{name} only supports 0-dimensional start and end tensors, but got {label} with {x.dim()} dimension(s).")
        start, end = (x.item() if hasattr(x, "item") else x for x in (start, end))
        given = (start, end, steps) if base is None else (start, end, steps, base)
        return getattr(T, name)(*given, dtype=dtype, layout=layout, device=device, pin_memory=pin_memory)
    for label, a, b in (("Tensor_Tensor", "Tensor", "Tensor"), ("Tensor_Scalar", "Tensor", "Scalar"), ("Scalar_Tensor", "Scalar", "Tensor")):
        composite(f"{name}.{label}({a} start, {b} end, int steps, {extra}*, {OPTIONS}) -> Tensor", make="out")(of_tensors)


def _linspace(start, end, steps, dtype, layout, device, pin_memory):
    """`steps` numbers from `start` to `end`, both included, at even distance."""
    check_factory(layout, device, pin_memory)
    dtype = check_steps("linspace", start, end, steps, dtype)
    return even_steps(start, end, steps, dtype).astype(dtype.numpy) if steps else np.empty(0, dtype.numpy)


def _logspace(start, end, steps, base, dtype, layout, device, pin_memory):
    """`base` to the powers that `linspace` gives."""
    check_factory(layout, device, pin_memory)
    dtype = check_steps("logspace", start, end, steps, dtype)
    if steps == 0:
        return np.empty(0, dtype.numpy)
    wide = np.complex128 if dtype.is_complex else np.float64
    exact = dtype
    if dtype.is_floating_point and dtype.itemsize == 2 and steps > 1:
        # torch: for half types the ends are rounded, what lies between is reckoned in float32; a single number is not rounded first
        start, end, exact = float(number_array(start, dtype)), float(number_array(end, dtype)), DTYPES["float32"]
    exponents = even_steps(start, end, steps, exact) if steps > 1 else np.array([start])
    return np.power(wide(base), exponents.astype(wide)).astype(dtype.numpy)


_define_steps("linspace", "", _linspace)
_define_steps("logspace", "float base=10.0, ", _logspace)
