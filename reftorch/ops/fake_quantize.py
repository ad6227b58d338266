"""Numbers rounded to a grid of few levels and back to floating point, as quantization-aware training does."""
import numpy as np

from ..core import T, primitive
from ..core._core import dtype_of_array, normalize_dim
from ._common import only

_CHECK = only("f", "fake_quantize_tensor_cachemask_kernel_type_handling")


def _check_range(low, high, zero_point):
    if low > high:
        raise RuntimeError("`quant_min` should be less than or         equal to `quant_max`.")
    if np.any(zero_point < low) or np.any(zero_point > high):
        raise RuntimeError("`zero_point` must be between `quant_min` and `quant_max`.")


def _level(x, scale, zero_point):
    """The level of x on the grid: round(x / scale) + z, not yet clamped."""
    return np.rint(x * (np.float32(1) / scale)) + zero_point


def _fake_quantize(x, scale, zero_point, low, high):
    """(clamp(round(x / scale) + z, low, high) - z) scale; not a number becomes the lowest level."""
    level = np.clip(np.nan_to_num(_level(x, scale, zero_point), nan=low), low, high)
    return ((level - zero_point).astype(np.float32) * scale).astype(x.dtype)


@primitive("_fake_quantize_inside(Tensor self, Tensor scale, Tensor zero_point, int quant_min, int quant_max) -> Tensor", ns=None, nograd=True)
def _fake_quantize_inside(self, scale, zero_point, quant_min, quant_max):
    """Whether the level of x is on the grid, where the gradient passes."""
    level = _level(self, scale, zero_point)
    return (level >= quant_min) & (level <= quant_max)


def _number_grad(grad, self, scale, zero_point, quant_min, quant_max):
    return grad * T._fake_quantize_inside(self, T.scalar_tensor(scale), T.scalar_tensor(zero_point), quant_min, quant_max)


def _tensor_grad(grad, self, scale, zero_point, quant_min, quant_max):
    return grad * T._fake_quantize_inside(self, scale, zero_point, quant_min, quant_max)


def _channels(values, dim, axis):
    """(C) -> (1, ..., C, ..., 1), to go along `axis`."""
    return values.reshape([-1 if i == axis % dim else 1 for i in range(dim)])


def _channel_grad(grad, self, scale, zero_point, axis, quant_min, quant_max):
    scale, zero_point = (_channels(values, self.dim(), axis) for values in (scale, zero_point))
    return _tensor_grad(grad, self, scale, zero_point, quant_min, quant_max)


@primitive("fake_quantize_per_tensor_affine(Tensor self, float scale, int zero_point, int quant_min, int quant_max) -> Tensor",
           node="FakeQuantizePerTensorAffineCachemaskBackward0", self=_number_grad)
def fake_quantize_per_tensor_affine(self, scale, zero_point, quant_min, quant_max):
    """(clamp(round(x / scale) + z, low, high) - z) scale"""
    _CHECK(dtype_of_array(self))
    _check_range(quant_min, quant_max, zero_point)
    return _fake_quantize(self, np.float32(scale), zero_point, quant_min, quant_max)


@primitive("fake_quantize_per_tensor_affine.tensor_qparams(Tensor self, Tensor scale, Tensor zero_point, int quant_min, int quant_max) -> Tensor",
           node="FakeQuantizePerTensorAffineCachemaskTensorQparamsBackward0", self=_tensor_grad)
def fake_quantize_by_tensors(self, scale, zero_point, quant_min, quant_max):
    _CHECK(dtype_of_array(self))
    if quant_min > quant_max:
        raise RuntimeError("`quant_min` should be less than or         equal to `quant_max`.")
    return _fake_quantize(self, scale, zero_point, quant_min, quant_max)


@primitive("fake_quantize_per_channel_affine(Tensor self, Tensor scale, Tensor zero_point, int axis, int quant_min, int quant_max) -> Tensor",
           node="FakeQuantizePerChannelAffineCachemaskBackward0", self=_channel_grad)
def fake_quantize_per_channel_affine(self, scale, zero_point, axis, quant_min, quant_max):
    """(clamp(round(x / scale[c]) + z[c], low, high) - z[c]) scale[c], c along `axis`"""
    kind = dtype_of_array(zero_point)
    if kind.name not in ("int32", "float32", "float16"):
        raise RuntimeError(f"Zero-point must be Int32, Float or Half, found {kind.type_name}")
    if scale.shape != zero_point.shape or scale.shape != (self.shape[normalize_dim(axis, self.ndim)],):
        raise RuntimeError("dimensions of scale and zero-point are not consistent with input tensor")
    if axis < 0:
        raise RuntimeError("`axis` must be between 0 and number of dimensions of input")
    _check_range(quant_min, quant_max, zero_point)
    finite = np.where(np.isinf(self), np.nan, self)      # torch: here an infinity, too, becomes the lowest level
    return _fake_quantize(finite, _channels(scale, self.ndim, axis), _channels(zero_point, self.ndim, axis), quant_min, quant_max)
