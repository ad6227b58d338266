"""Small helpers that several op files share."""
import numpy as np

from ..core._core import Tensor, conj_of, dtype_of_array, from_array, normalize_dim, result_code  # noqa: F401  (conj_of is passed on)


def is_half(np_dtype):
    """Whether a NumPy dtype is float16 or bfloat16, which torch accumulates in float32."""
    return np_dtype.itemsize == 2 and np_dtype.kind in "fV"


def type_name(a):
    """The dtype of an array as torch's errors call it: "Float"."""
    return dtype_of_array(a).type_name


def refuse(name, a):
    """Raise what torch raises when a kernel has no such dtype."""
    raise NotImplementedError(f"\"{name}\" not implemented for '{type_name(a)}'")


def unique_dims(dims, ndim):
    """`dims` counted from the front; RuntimeError with torch's text when one is named twice."""
    found = tuple([normalize_dim(d, ndim) for d in dims])
    if len(set(found)) < len(found):
        twice = next(d for i, d in enumerate(found) if d in found[:i])
        raise RuntimeError(f"dim {twice} appears multiple times in the list of dims")
    return found


def numpy_axes(dim, ndim):
    """NumPy's `axis` for torch's dims of a reduction: None and () stand for all."""
    if not dim:
        return None
    dim = unique_dims(dim, ndim)
    return dim if ndim else None


def unreduce(grad, shape, dim, keepdim):
    """What a reduction of `shape` over `dim` (None or empty: over all) gave, viewed so that it broadcasts against `shape`."""
    if keepdim or not shape or not dim:
        return grad
    for d in sorted(unique_dims(dim, len(shape))):
        grad = grad.unsqueeze(d)
    return grad


def check_factory(layout, device, pin_memory):
    """Refuse the options of a factory that this build cannot meet, as a CPU build of PyTorch does."""
    if layout is not None and str(layout) != "torch.strided":
        raise NotImplementedError(f"reftorch has dense tensors alone, not layout {layout}")
    if device is not None and device.type != "cpu":
        if device.type == "cuda":
            raise AssertionError("Torch not compiled with CUDA enabled")
        raise NotImplementedError(f"reftorch runs on the CPU alone, not on {device}")
    if pin_memory:
        raise RuntimeError("pin_memory=True requires a CUDA or other accelerator backend; no pinned memory allocator is available on this system.")


_C_NAMES = {"float32": "float", "float64": "double", "float16": "c10::Half", "bfloat16": "c10::BFloat16", "int64": "int64_t", "int32": "int",
            "int16": "int16_t", "int8": "int8_t", "uint8": "uint8_t"}


def number_array(value, dtype, loose_half=False):
    """A Python number as a 0-dim array of a torch dtype; RuntimeError with torch's text when it does not fit.

    loose_half: what is too large for float16 becomes infinite instead, as where torch goes through a float32.
    """
    if not dtype.is_complex and isinstance(value, complex):
        if value.imag != 0 and dtype.name != "bool":
            raise RuntimeError(f"value cannot be converted to type {_C_NAMES[dtype.name]} without overflow")
        value = value != 0 if dtype.name == "bool" else value.real
    if dtype.is_floating_point:
        limit = float(_limits(dtype).max)
        if not (loose_half and dtype.itemsize == 2) and isinstance(value, float) and limit < abs(value) < float("inf"):
            raise RuntimeError(f"value cannot be converted to type {_C_NAMES[dtype.name]} without overflow")
    elif not dtype.is_complex and dtype.name != "bool":
        info = np.iinfo(dtype.numpy)
        # torch: small negative ints wrap around in unsigned types, negative floats do not
        low = -info.max if info.min == 0 and isinstance(value, int) else info.min
        if not low <= value <= info.max:
            raise RuntimeError(f"value cannot be converted to type {_C_NAMES.get(dtype.name, dtype.name + '_t')} without overflow")
        value = int(value) % (info.max + 1) if info.min == 0 else int(value)
    return np.array(value, dtype.numpy)


def _limits(dtype):
    if dtype.name in ("float16", "float32", "float64"):
        return np.finfo(dtype.numpy)
    import ml_dtypes
    return ml_dtypes.finfo(dtype.numpy)


# ------------------------------------------------------------------ checks of a pointwise op: fn(dtype, *operands)
def kind(dtype):
    """A letter for the kind of a dtype: b(ool), i(nteger), f(loat), c(omplex)."""
    return "c" if dtype.is_complex else "f" if dtype.is_floating_point else "b" if dtype.name == "bool" else "i"


def only(kinds, label):
    """A check that refuses all but these kinds, as a kernel called `label` that has no such dtype."""
    def check(dtype, *operands):
        if kind(dtype) not in kinds:
            _common_shape(*operands)             # the shapes are looked at first
            raise NotImplementedError(f"\"{label}\" not implemented for '{dtype.type_name}'")
    return check


def refused(kinds, text, error=RuntimeError):
    """A check that refuses these kinds with a text of its own."""
    def check(dtype, *operands):
        if kind(dtype) in kinds:
            raise error(text)
    return check


def _common_shape(*operands):
    """The shape to which tensors among the operands broadcast."""
    return broadcast_shapes((), *[v.shape for v in operands if isinstance(v, Tensor)])


def checks(*several):
    """The first complaint of several checks."""
    def check(dtype, *operands):
        for one in several:
            one(dtype, *operands)
    return check


def nonzero_divisor(dtype, self, other):
    """A check that refuses to divide integers by zero."""
    if kind(dtype) == "i" and not (np.all(other._array) if isinstance(other, Tensor) else other):
        if 0 not in _common_shape(self, other):
            raise RuntimeError("ZeroDivisionError")


# ------------------------------------------------------------------ rules
def not_implemented(name):
    """The rule of an op for which torch has none: the result has a history, backward refuses."""
    def rule(grad):
        raise RuntimeError(f"derivative for {name} is not implemented")
    return rule


def underived(what):
    """The rule of an input for which torch states none."""
    def rule(grad):
        raise NotImplementedError(f"the derivative for '{what}' is not implemented.")
    return rule


def broadcast_shapes(*shapes):
    """The shape to which all broadcast; RuntimeError with torch's text when there is none."""
    result = list(max(shapes, key=len))
    for shape in shapes:
        for i, n in enumerate(reversed(shape), 1):
            if result[-i] == 1:
                result[-i] = n
            elif n not in (1, result[-i]):
                raise RuntimeError(f"The size of tensor a ({result[-i]}) must match the size of tensor b ({n}) at non-singleton dimension "
                                   f"{len(result) - i}")
    return tuple(result)


def promoted(*operands):
    """Arrays and Python numbers as arrays of their common dtype, halves as they are; refuses shapes that do not broadcast."""
    first = operands[0]
    if all(isinstance(v, np.ndarray) and v.dtype == first.dtype and v.shape == first.shape for v in operands):
        return operands
    broadcast_shapes(*[np.shape(v) for v in operands])
    dtype = result_code(*[from_array(v) if isinstance(v, np.ndarray) else v for v in operands]).numpy
    return [np.asarray(v).astype(dtype, copy=False) for v in operands]
