"""Resampling to another size.  A dim at a time: each output element is a weighted sum of a few input elements, its taps."""

import functools

import numpy as np

from ..core import T, primitive
from ..kernels import windows as kernel
from ._common import refuse
from ._windows import add_rows


def _cubic(a):
    """Keys' kernel as a function of the distance (0 to 2)."""
    def kernel(x):
        return np.where(x <= 1, ((a + 2) * x - (a + 3)) * x * x + 1, np.where(x < 2, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a, 0))
    return kernel


def _triangle(x):
    return np.maximum(1 - x, 0)


def _lanczos(x):
    return np.where(x < 3, np.sinc(x) * np.sinc(x / 3), 0)


#: For antialiasing: the kernel and half its support.  torch: this cubic has another parameter than the plain one.
_FILTERS = {"linear": (_triangle, 1), "cubic": (_cubic(-0.5), 2), "lanczos": (_lanczos, 3)}


def _step(size, out, align_corners, scale, real):
    """Distance between samples, in input elements."""
    if align_corners:
        return real(size - 1) / real(out - 1) if out > 1 else real(0)
    return real(1 / scale) if scale is not None and scale > 0 else real(size) / real(out)


def _nearest_taps(size, out, scale, exact):
    step = _step(size, out, False, scale, np.float32)
    at = np.floor((np.arange(out, dtype=np.float32) + np.float32(0.5 if exact else 0)) * step).astype(np.int64)
    return np.minimum(at, size - 1)[:, None], None


def _smooth_taps(kind, size, out, align_corners, scale, real):
    step = _step(size, out, align_corners, scale, real)
    i = np.arange(out, dtype=real)
    at = i * step if align_corners else step * (i + real(0.5)) - real(0.5)
    if kind == "linear":
        at = np.maximum(at, 0)
        low = np.minimum(at.astype(np.int64), size - 1)
        t = np.clip(at - low, 0, 1).astype(real)
        return np.stack([low, np.minimum(low + 1, size - 1)], 1), np.stack([1 - t, t], 1)
    low = np.floor(at)
    t = (at - low).astype(real)
    kernel = _cubic(real(-0.75))
    weights = np.stack([kernel(t + 1), kernel(t), kernel(1 - t), kernel(2 - t)], 1).astype(real)
    return np.clip(low.astype(np.int64)[:, None] + np.arange(-1, 3), 0, size - 1), weights


def _antialias_taps(kind, size, out, align_corners, scale, real):
    """The kernel stretched over the step when the result is smaller; weights are normalized."""
    kernel, reach = _FILTERS[kind]
    step = float(_step(size, out, align_corners, scale, real))
    stretch = max(step, 1.0)
    # torch: half an element is added even if the corners are aligned
    center = step * (np.arange(out) + 0.5)
    first = np.maximum((center - reach * stretch + 0.5).astype(np.int64), 0)
    last = np.minimum((center + reach * stretch + 0.5).astype(np.int64), size)
    at = first[:, None] + np.arange(max(int((last - first).max()), 1))
    weights = np.where(at < last[:, None], kernel(np.abs((at - center[:, None] + 0.5) / stretch)), 0)
    total = weights.sum(1, keepdims=True)
    return np.minimum(at, size - 1), (weights / np.where(total == 0, 1, total)).astype(real)


@functools.lru_cache(64)
def _taps(mode, size, out, align_corners, scale, real):
    """Indices [out, K] and weights [out, K] (None: the elements themselves) of one dim."""
    if mode in ("nearest", "exact"):
        return _nearest_taps(size, out, scale, mode == "exact")
    kind, _, antialias = mode.partition("+")
    return (_antialias_taps if antialias else _smooth_taps)(kind, size, out, align_corners, scale, real)


def _geometry(shape, output_size, scale_factors):
    """For each resampled dim its input size, output size and scale factor (or None)."""
    size = shape[2:]
    if output_size is not None:
        return list(zip(size, output_size, [None] * len(size), strict=True))
    return [(s, int(s * f), f) for s, f in zip(size, scale_factors, strict=True)]


def _check(name, x, geometry):
    n = len(geometry)
    if min(min(s, o) for s, o, _ in geometry) <= 0:
        names = ("D", "H", "W")[3 - n:]
        sizes = [", ".join(f"{d}: {g[k]}" for d, g in zip(names, geometry, strict=True)) for k in (0, 1)]
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input ({sizes[0]}) output ({sizes[1]})")
    if 0 in x.shape[1:]:
        raise RuntimeError(f"Non-empty {n + 2}D data tensor expected but got a tensor with sizes {list(x.shape)}")
    if x.dtype.kind != "f" and x.dtype != np.uint8:
        # torch: the name of the kernel, by the memory layout
        if n == 2 and "cubic" not in name:
            refuse(f"{name.strip('_').replace('_exact', '')}_channels_last", x)
        refuse(f"compute_indices_weights_{'nearest' if 'nearest' in name else 'cubic' if 'cubic' in name else 'linear'}", x)


def _resample(x, mode, geometry, align_corners):
    real = np.float64 if x.dtype == np.float64 else np.float32
    kept = x.dtype
    n = len(geometry)
    # floats go last dim first, which leaves long rows to add up
    for d in range(n) if kept == np.uint8 else reversed(range(n)):
        size, out, scale = geometry[d]
        at, weights = _taps(mode, size, out, align_corners, scale, real)
        axis = d + 2
        made = kernel.resample(x, axis, at, weights, 0)
        if made is not None:
            x = made
            continue
        if weights is None:
            x = x.take(at[:, 0], axis)
            continue
        shape = (-1,) + (1,) * (n - 1 - d)
        x = sum(x.take(at[:, k], axis) * weights[:, k].reshape(shape) for k in range(at.shape[1]))
    if kept == np.uint8 and x.dtype != kept:
        x = np.clip(np.floor(x + 0.5), 0, 255)
    return x.astype(kept, copy=False)


@primitive("_resample_adjoint(Tensor self, int[] shape, str mode, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor", ns=None,
           jvp="linear", self=lambda grad, mode, output_size, align_corners, scale_factors:
               T._resample(grad, mode, output_size, align_corners, scale_factors))
def _resample_adjoint(self, shape, mode, output_size, align_corners, scale_factors):
    """The gradient of a resampling by its input: each element's share laid back on its taps."""
    real = np.float64 if self.dtype == np.float64 else np.float32
    for d, (size, out, scale) in enumerate(_geometry(shape, output_size, scale_factors)):
        at, weights = _taps(mode, size, out, align_corners, scale, real)
        made = kernel.resample(self, d + 2, at, weights, size, adjoint=True)
        if made is not None:
            self = made
            continue
        moved = np.ascontiguousarray(np.moveaxis(self, d + 2, 0))
        total = np.zeros((size, *moved.shape[1:]), self.dtype)
        for k in range(at.shape[1]):
            share = moved if weights is None else moved * weights[:, k].reshape(-1, *(1,) * (moved.ndim - 1))
            add_rows(total, at[:, k], share)
        self = np.moveaxis(total, 0, d + 2)
    return np.ascontiguousarray(self)


@primitive("_resample(Tensor self, str mode, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor", ns=None, jvp="linear",
           self=lambda grad, self_shape, mode, output_size, align_corners, scale_factors:
               T._resample_adjoint(grad, self_shape, mode, output_size, align_corners, scale_factors))
def _resample_again(self, mode, output_size, align_corners, scale_factors):
    """The adjoint of the adjoint: the resampling itself."""
    return _resample(self, mode, _geometry(self.shape, output_size, scale_factors), align_corners)


def _define_nearest(name, node, mode):
    @primitive(f"{name}.vec(Tensor input, int[]? output_size, float[]? scale_factors) -> Tensor", ns=None, node=node, jvp="linear",
               input=lambda grad, input_shape, output_size, scale_factors:
                   T._resample_adjoint(grad, input_shape, mode, output_size, False, scale_factors))
    def nearest(input, output_size, scale_factors):
        """The nearest element: index floor(i step), or floor((i + 1/2) step) when exact."""
        geometry = _geometry(input.shape, output_size, scale_factors)
        _check(name, input, geometry)
        return _resample(input, mode, geometry, False)


def _define_smooth(name, node, mode):
    @primitive(f"{name}.vec(Tensor input, int[]? output_size, bool align_corners, float[]? scale_factors) -> Tensor", ns=None, node=node, jvp="linear",
               input=lambda grad, input_shape, output_size, align_corners, scale_factors:
                   T._resample_adjoint(grad, input_shape, mode, output_size, align_corners, scale_factors))
    def smooth(input, output_size, align_corners, scale_factors):
        """Sums weighted by a kernel around each sample point."""
        geometry = _geometry(input.shape, output_size, scale_factors)
        _check(name, input, geometry)
        return _resample(input, mode, geometry, align_corners)


_define_nearest("upsample_nearest1d", "UpsampleNearest1DBackward0", "nearest")
_define_nearest("upsample_nearest2d", "UpsampleNearest2DBackward0", "nearest")
_define_nearest("upsample_nearest3d", "UpsampleNearest3DBackward0", "nearest")
_define_nearest("_upsample_nearest_exact1d", "UpsampleNearestExact1DBackward0", "exact")
_define_nearest("_upsample_nearest_exact2d", "UpsampleNearestExact2DBackward0", "exact")
_define_nearest("_upsample_nearest_exact3d", "UpsampleNearestExact3DBackward0", "exact")
_define_smooth("upsample_linear1d", "UpsampleLinear1DBackward0", "linear")
_define_smooth("upsample_bilinear2d", "UpsampleBilinear2DBackward0", "linear")
_define_smooth("upsample_trilinear3d", "UpsampleTrilinear3DBackward0", "linear")
_define_smooth("upsample_bicubic2d", "UpsampleBicubic2DBackward0", "cubic")
_define_smooth("_upsample_bilinear2d_aa", "UpsampleBilinear2DAaBackward0", "linear+antialias")
_define_smooth("_upsample_bicubic2d_aa", "UpsampleBicubic2DAaBackward0", "cubic+antialias")
_define_smooth("_upsample_lanczos2d_aa", "UpsampleLanczos2DAaBackward0", "lanczos+antialias")
