"""Pooling with windows that follow from the wanted output: adaptive and fractional; and the inverse of max pooling."""
import math

import numpy as np

from ..core import T, composite, primitive
from ..kernels import windows as kernel
from ._common import refuse
from ._windows import flat


def _scatter_rule(n):
    return lambda grad, self_shape, result1: T._plane_scatter(grad, result1, self_shape, n)


def _as_sizes(name, output_size, n):
    size = tuple(output_size) * n if len(output_size) == 1 else tuple(output_size)
    if len(size) != n:
        raise RuntimeError(f"{name}: output_size must be {n}" if "avg" in name else f"{name}(): internal error: output_size.size() must be {n}")
    return size


def _check(name, shape, n, colon):
    if len(shape) not in (n + 1, n + 2):
        raise RuntimeError(f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got{colon} {list(shape)}")
    for i in range(len(shape) - n if "avg" in name else 1, len(shape)):
        if shape[i] == 0:
            raise RuntimeError(f"{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {list(shape)} with "
                               f"dimension {i} being empty")


# ---- mean
def _average(self, output_size, n):
    if self.dtype.kind == "c":
        return _average(self.real, output_size, n) + 1j * _average(self.imag, output_size, n)
    return kernel.mean_pool(self, kernel.adaptive(self.shape[self.ndim - n:], tuple(output_size)))


def _average_backward(grad_output, shape, n):
    if grad_output.dtype.kind == "c":
        return _average_backward(grad_output.real, shape, n) + 1j * _average_backward(grad_output.imag, shape, n)
    return kernel.mean_adjoint(grad_output, kernel.adaptive(tuple(shape[len(shape) - n:]), grad_output.shape[grad_output.ndim - n:]))


@primitive("_adaptive_avg_pool2d(Tensor self, int[2] output_size) -> Tensor", node="AdaptiveAvgPool2DBackward0", jvp="linear",
           self=lambda grad, self_shape: T._adaptive_avg_pool2d_backward(grad, self_shape))
def _adaptive_avg_pool2d(self, output_size):
    """Means over a grid of windows that covers [.., H, W]."""
    return _average(self, output_size, 2)


@primitive("_adaptive_avg_pool2d_backward(Tensor grad_output, int[] shape) -> Tensor", ns=None, node="AdaptiveAvgPool2DBackwardBackward0",
           jvp="linear",
           grad_output=lambda grad, grad_output_shape: T._adaptive_avg_pool2d(grad, grad_output_shape[-2:]))
def _adaptive_avg_pool2d_backward(grad_output, shape):
    """The adjoint of `_adaptive_avg_pool2d`."""
    return _average_backward(grad_output, shape, 2)


@primitive("_adaptive_avg_pool3d(Tensor self, int[3] output_size) -> Tensor", node="AdaptiveAvgPool3DBackward0", jvp="linear",
           self=lambda grad, self_shape: T._adaptive_avg_pool3d_backward(grad, self_shape))
def _adaptive_avg_pool3d(self, output_size):
    """Means over a grid of windows that covers [.., D, H, W]."""
    return _average(self, output_size, 3)


@primitive("_adaptive_avg_pool3d_backward(Tensor grad_output, int[] shape) -> Tensor", ns=None, node="AdaptiveAvgPool3DBackwardBackward0",
           jvp="linear",
           grad_output=lambda grad, grad_output_shape: T._adaptive_avg_pool3d(grad, grad_output_shape[-3:]))
def _adaptive_avg_pool3d_backward(grad_output, shape):
    """The adjoint of `_adaptive_avg_pool3d`."""
    return _average_backward(grad_output, shape, 3)


def _listed(size):
    """torch: three dims are listed without the last space."""
    return f"{size[0]}, {size[1]}" + ("" if len(size) == 2 else f",{size[2]}")


def _adaptive_avg(self, output_size, n, op):
    name = f"adaptive_avg_pool{n}d"
    size = _as_sizes(name, output_size, n)
    if min(size) < 0:
        raise RuntimeError(f"{name}: elements of output_size must be greater than or equal to 0 but received {{{_listed(size)}}}")
    _check(name, self.shape, n, "")
    if not (self.dtype.is_floating_point or self.dtype.is_complex):
        raise NotImplementedError(f"\"adaptive_avg_pool{n}d{'' if n == 2 else '_cpu'}\" not implemented for '{self.dtype.type_name}'")
    if set(size) == {1}:
        return self.mean(list(range(-1, -n - 1, -1)), True)
    return op(self, size)


@composite("adaptive_avg_pool2d(Tensor self, int[2] output_size) -> Tensor", ns=None)
def adaptive_avg_pool2d(self, output_size):
    """Means over `output_size` windows of [N, C, H, W] or [C, H, W]."""
    return _adaptive_avg(self, output_size, 2, T._adaptive_avg_pool2d)


@composite("adaptive_avg_pool3d(Tensor self, int[3] output_size) -> Tensor", ns=None)
def adaptive_avg_pool3d(self, output_size):
    """Means over `output_size` windows of [N, C, D, H, W] or [C, D, H, W]."""
    return _adaptive_avg(self, output_size, 3, T._adaptive_avg_pool3d)


def _check_1d(x, name):
    if x.dim() not in (2, 3):
        raise RuntimeError(f"Expected 2 to 3 dimensions, but got {x.dim()}-dimensional tensor for argument #1 'self' (while checking arguments for {name})")


def _check_one(name, output_size):
    if len(output_size) != 1:
        raise RuntimeError(f"{name}() argument 'output_size' should contain one int (got {len(output_size)})")


@composite("adaptive_avg_pool1d(Tensor self, int[1] output_size) -> Tensor")
def adaptive_avg_pool1d(self, output_size):
    """Means over `output_size` windows of [N, C, L] or [C, L]."""
    _check_1d(self, "adaptive_avg_pool1d")
    _check_one("adaptive_avg_pool1d", output_size)
    return T.adaptive_avg_pool2d(self.unsqueeze(-2), (1, *output_size)).squeeze(-2)


# ---- maximum
def _adaptive_max(self, output_size, n):
    name = f"adaptive_max_pool{n}d"
    outs = _as_sizes(name, output_size, n)
    _check(name, self.shape, n, ":")
    if min(outs) < 0:
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(outs)}: {[*self.shape[:self.ndim - n], *outs]}")
    if self.dtype.kind != "f":
        refuse(name, self)
    return kernel.max_pool(self, kernel.adaptive(self.shape[self.ndim - n:], outs))


@primitive("adaptive_max_pool2d(Tensor self, int[2] output_size) -> (Tensor, Tensor)", ns=None, node="AdaptiveMaxPool2DBackward0",
           self=_scatter_rule(2))
def adaptive_max_pool2d(self, output_size):
    """Maxima over `output_size` windows of [N, C, H, W] or [C, H, W], and their flat indices."""
    return _adaptive_max(self, output_size, 2)


@primitive("adaptive_max_pool3d(Tensor self, int[3] output_size) -> (Tensor, Tensor)", ns=None, node="AdaptiveMaxPool3DBackward0",
           self=_scatter_rule(3))
def adaptive_max_pool3d(self, output_size):
    """Maxima over `output_size` windows of [N, C, D, H, W] or [C, D, H, W], and their flat indices."""
    return _adaptive_max(self, output_size, 3)


@composite("adaptive_max_pool1d(Tensor self, int[1] output_size) -> (Tensor, Tensor)")
def adaptive_max_pool1d(self, output_size):
    """Maxima over `output_size` windows of [N, C, L] or [C, L], and their indices."""
    _check_1d(self, "adaptive_max_pool1d")
    _check_one("adaptive_max_pool1d", output_size)
    values, indices = T.adaptive_max_pool2d(self.unsqueeze(-2), (1, *output_size))
    return values.squeeze(-2), indices.squeeze(-2)


# ---- fractional
def _fractional_starts(samples, size, out, kernel):
    """Where the windows of a dim begin [..., out]: steps of a real length, shifted by the sample; the last ends at the border."""
    alpha = samples.dtype.type(size - kernel) / samples.dtype.type(max(out - 1, 1))
    i = np.arange(out, dtype=samples.dtype)
    starts = ((i + samples[..., None]) * alpha).astype(np.int64) - (samples[..., None] * alpha).astype(np.int64)
    starts[..., -1:] = size - kernel
    return starts


def _check_samples(x, samples, n):
    if samples.dtype != x.dtype:
        raise RuntimeError("Expect _random_samples to have the same dtype as input")
    if samples.ndim != 3:
        raise RuntimeError(f"Expect _random_samples to have 3 dimensions, got {samples.ndim}")
    if len(samples) < len(x):
        raise RuntimeError("Expect _random_samples.size(0) no less then input batch size.")
    if samples.shape[1] != x.shape[1]:
        raise RuntimeError("Expect _random_samples.size(1) equals to input channel size.")
    if samples.shape[2] != n:
        raise RuntimeError(f"Expect _random_samples.size(2) equals to {n}; got {samples.shape[2]}.")


def _fractional(self, kernel_size, output_size, random_samples, n):
    name = f"fractional_max_pool{n}d"
    kernel = tuple(kernel_size) * n if len(kernel_size) == 1 else tuple(kernel_size)
    outs = tuple(output_size) * n if len(output_size) == 1 else tuple(output_size)
    if self.ndim not in (n + 1, n + 2) or 0 in self.shape[-n - 1:]:
        raise RuntimeError(f"{name}(): Expected {n + 1}D or {n + 2}D tensor, but got: {list(self.shape)}")
    x = self if self.ndim == n + 2 else self[None]
    size = x.shape[2:]
    _check_samples(x, random_samples, n)
    random_samples = random_samples[:len(x)]
    for what, s, o, k in zip(("time", "height", "width")[3 - n:], size, outs, kernel, strict=True):
        if o + k - 1 > s:
            raise RuntimeError(f"{name}(): pool {what} {k} too large relative to input {what} {s}" if n == 3 else
                               f"{name}: pool {what} {k} too large relative to input {what} {s}")
    # torch: in two dims the first sample is the width's
    order = (1, 0) if n == 2 else (0, 1, 2)
    at = 0
    for i in range(n):
        window = _fractional_starts(random_samples[..., order[i]], size[i], outs[i], kernel[i])[..., None] + np.arange(kernel[i])
        shape = window.shape[:2] + tuple(v for j in range(n) for v in ((outs[i],) if j == i else (1,)))
        shape += tuple(kernel[i] if j == i else 1 for j in range(n))
        at = at * size[i] + window.reshape(shape)
    at = np.broadcast_to(at, x.shape[:2] + outs + kernel)
    at = at.reshape(*x.shape[:2], *outs, math.prod(kernel))
    picked = at.reshape(*x.shape[:2], math.prod(at.shape[2:]))
    values = np.take_along_axis(flat(x, n), picked, -1).reshape(at.shape)
    best = values.argmax(-1)[..., None]
    found = [np.take_along_axis(a, best, -1)[..., 0] for a in (values, at)]
    return found if self.ndim == n + 2 else [a[0] for a in found]


@primitive("fractional_max_pool2d(Tensor self, int[2] kernel_size, int[2] output_size, Tensor random_samples) -> (Tensor, Tensor)", ns=None,
           node="FractionalMaxPool2DBackward0", self=_scatter_rule(2))
def fractional_max_pool2d(self, kernel_size, output_size, random_samples):
    """Maxima over windows at random, increasing places of [N, C, H, W]; source: Graham 2014."""
    return _fractional(self, kernel_size, output_size, random_samples, 2)


@primitive("fractional_max_pool3d(Tensor self, int[3] kernel_size, int[3] output_size, Tensor random_samples) -> (Tensor, Tensor)", ns=None,
           node="FractionalMaxPool3DBackward0", self=_scatter_rule(3))
def fractional_max_pool3d(self, kernel_size, output_size, random_samples):
    """Maxima over windows at random, increasing places of [N, C, D, H, W]; source: Graham 2014."""
    return _fractional(self, kernel_size, output_size, random_samples, 3)


# ---- unpooling
def _unpool(self, indices, output_size, n, by):
    if indices.dtype != np.int64:
        raise RuntimeError(f"elements in indices should be type int64 but got: {indices.dtype}")
    if len(output_size) != n:
        raise RuntimeError(f"There should be exactly {('two', 'three')[n - 2]} elements ({('height, width', 'depth, height, width')[n - 2]}) in "
                           f"output_size, but got {len(output_size)} elements.")
    if self.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"Input to max_unpooling{n}d should be a {n + 1}d or {n + 2}d Tensor, but got a tensor with {self.ndim} dimensions.")
    if self.shape != indices.shape:
        raise RuntimeError(f"Expected shape of indices to be same as that of the input tensor ({list(self.shape)}) but got indices tensor with shape: "
                           f"{list(indices.shape)}")
    plane = math.prod(output_size)
    bad = indices[(indices < 0) | (indices >= plane)]
    if bad.size:
        raise RuntimeError(f"Found an invalid max index: {bad[0]} (output volumes are of size {by.join(map(str, output_size))})")
    lead = self.shape[:self.ndim - n]
    out = np.zeros((*lead, plane), self.dtype)
    np.put_along_axis(out, flat(indices, n), flat(self, n), -1)
    return out.reshape(*lead, *output_size)


@primitive("max_unpool2d(Tensor self, Tensor indices, int[2] output_size) -> Tensor", ns=None, half=False, node="MaxUnpool2DBackward0", jvp="linear",
           self=lambda grad, indices: T._plane_gather(grad, indices, 2))
def max_unpool2d(self, indices, output_size):
    """Zeros [N, C, *output_size] with the values of [N, C, h, w] at flat `indices`."""
    return _unpool(self, indices, output_size, 2, "x")


@primitive("max_unpool3d(Tensor self, Tensor indices, int[3] output_size, int[3] stride, int[3] padding) -> Tensor", ns=None, half=False,
           node="MaxUnpool3DBackward0", jvp="linear", self=lambda grad, indices: T._plane_gather(grad, indices, 3))
def max_unpool3d(self, indices, output_size):
    """Zeros [N, C, *output_size] with the values of [N, C, d, h, w] at flat `indices`."""
    return _unpool(self, indices, output_size, 3, "x")
