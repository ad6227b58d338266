"""Random tensors for tests."""
import math
import warnings
from collections.abc import Sequence

from ..core import T
from ..type_info import finfo, iinfo


def _bounds(dtype, low, high):
    """[low, high) as asked for or -9 to 9, cut to what `dtype` holds; integers get whole numbers."""
    real = dtype.is_floating_point or dtype.is_complex
    if real:
        least, end = finfo(dtype).min, finfo(dtype).max
    elif str(dtype) == "torch.bool":
        least, end = 0, 2
    else:
        least, end = iinfo(dtype).min, iinfo(dtype).max + (str(dtype) != "torch.int64")
    defaults = (0, 2) if str(dtype) == "torch.bool" else (-9, 9 if real else 10)
    low, high = [default if v is None else v for v, default in zip((low, high), defaults, strict=True)]
    if any(isinstance(v, float) and math.isnan(v) for v in (low, high)):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low == high and real:
        warnings.warn("Passing `low==high` to `torch.testing.make_tensor` for floating or complex types is deprecated since 2.1 and will be removed "
                      "in 2.3. Use `torch.full(...)` instead.", FutureWarning, stacklevel=4)
    elif low >= high:
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    elif high < least or low >= end:
        raise ValueError(f"The value interval specified by `low` and `high` is [{low}, {high}), but {dtype} only supports [{least}, {end})")
    low, high = [min(max(v, least), end) for v in (low, high)]
    return (low, high) if real else (math.ceil(low), math.ceil(high))


def make_tensor(*shape, dtype, device, low=None, high=None, requires_grad=False, noncontiguous=False, exclude_zero=False, memory_format=None):
    """Uniform random numbers from [low, high) in any dtype; `noncontiguous` takes every second one of the last dim."""
    shape = tuple(shape[0]) if len(shape) == 1 and isinstance(shape[0], Sequence) else tuple(shape)
    real = dtype.is_floating_point or dtype.is_complex
    if noncontiguous and memory_format is not None:
        raise ValueError(f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got {noncontiguous=} and {memory_format=}")
    if requires_grad and not real:
        raise ValueError(f"`requires_grad=True` is not supported for boolean and integral dtypes, but got {dtype=}")
    noncontiguous = noncontiguous and math.prod(shape) > 1
    if noncontiguous:
        shape = (*shape[:-1], 2 * shape[-1])
    low, high = _bounds(dtype, low, high)
    if real:
        result = T.empty(shape, dtype=dtype, device=device)
        parts = T.view_as_real(result) if dtype.is_complex else result
        scale = 2 if high - low >= finfo(dtype).max else 1          # the width itself must be finite
        parts.uniform_(low / scale, high / scale)
        if scale > 1:
            parts.mul_(scale)
    else:
        result = T.randint(low, high, shape, dtype=dtype, device=device)
    if noncontiguous:
        result = result[..., 1::2]
    elif memory_format is not None:
        result = result.clone(memory_format=memory_format)
    if exclude_zero:
        result[result == 0] = finfo(dtype).tiny if real else 1
    return result.requires_grad_() if requires_grad else result
