"""Pooling: maxima and means over windows, fixed, adaptive or fractional, and the inverse of max pooling.

A window of several dims is reduced dim by dim, last one first; a maximum carries the flat index of the element it came from.
"""
import math

import numpy as np

from ..core import T, composite, primitive
from ..kernels import windows as kernel
from ._common import refuse
from ._windows import flat, max_along_all, regular_taps, sum_along


# ---- the mutual derivatives of everything that picks elements
@primitive("_plane_gather(Tensor self, Tensor indices, int n) -> Tensor", ns=None, half=False,
           self=lambda grad, self_shape, indices, n: T._plane_scatter(grad, indices, self_shape, n))
def _plane_gather(self, indices, n):
    """The elements of the last `n` dims, taken as one, at `indices` (same leading dims)."""
    made = kernel.gather(self, indices, n)
    return np.take_along_axis(flat(self, n), flat(indices, n), -1).reshape(indices.shape) if made is None else made


def scattered(values, indices, shape, n):
    """Values added up at `indices` of the last `n` dims, taken as one, in zeros of `shape`."""
    made = kernel.scatter(values, indices, tuple(shape), n)
    if made is not None:
        return made
    plane = math.prod(shape[len(shape) - n:])
    indices = flat(indices, n)
    rows = np.arange(math.prod(indices.shape[:-1]), dtype=np.int64).reshape(*indices.shape[:-1], 1) * plane
    total = np.zeros(math.prod(shape), values.dtype)
    np.add.at(total, (indices + rows).ravel(), values.ravel())
    return total.reshape(tuple(shape))


@primitive("_plane_scatter(Tensor self, Tensor indices, int[] shape, int n) -> Tensor", ns=None,
           self=lambda grad, indices, n: T._plane_gather(grad, indices, n))
def _plane_scatter(self, indices, shape, n):
    """The adjoint of `_plane_gather`."""
    return scattered(self, indices, shape, n)


# ---- geometry and its checks
_COUNT = {2: "two ints", 3: "three ints"}


def _must(op, name):
    """torch: no two of these texts are alike."""
    if name == "stride":
        return "must be omitted," if op == "avg_pool3d" else "must either be omitted,"
    if name == "dilation":
        return "must be either"
    return "must be" if op == "avg_pool3d" and name == "padding" else "must either be"


def _sizes(op, n, **values):
    """Each argument as n ints; an empty stride is the kernel's."""
    for name, v in values.items():
        optional = name == "stride"
        if len(v) not in ((0, 1, n) if optional else (1, n)):
            raise RuntimeError(f"{op}: {name} {_must(op, name)} a single int, or a tuple of {_COUNT[n]}")
    kernel = _times(values["kernel_size"], n)
    return kernel, *[_times(v, n) if len(v) else kernel for name, v in values.items() if name != "kernel_size"]


def _times(v, n):
    return tuple(v) * n if len(v) == 1 else tuple(v)


def _out_size(size, kernel, stride, padding, dilation, ceil_mode):
    """Windows along a dim; with `ceil_mode` also a partial one, if it starts inside the input or its left padding."""
    span = size + 2 * padding - dilation * (kernel - 1) - 1 + (stride - 1 if ceil_mode else 0)
    out = span // stride + 1
    if ceil_mode and (out - 1) * stride >= size + padding:
        out -= 1
    return out


def _check_batched(x, n, text):
    """Dims n+1 or n+2, none empty but the batch."""
    if n == 3 and x.ndim in (4, 5) and 0 in x.shape[-4:]:
        raise RuntimeError(f"max_pool3d_with_indices_out_cpu_template(): Expected input's non-batch dimensions to have positive length, but input has a shape "
                           f"of {list(x.shape)} and non-batch dimension {max(x.shape[-4:].index(0) - (x.ndim == 5), 0)} has length zero!")
    if x.ndim not in (n + 1, n + 2) or 0 in x.shape[x.ndim - n - 1:]:
        raise RuntimeError(f"{text}{list(x.shape)}" if text.endswith(("got:", "got: ")) else text)


_DIMS = {2: ("H", "W"), 3: ("T", "H", "W")}


def _check_windows(x, n, kernel, stride, dilation, outs):
    if min(kernel) <= 0:
        raise RuntimeError("kernel size should be greater than zero, but got " + " ".join(f"k{d}: {k}" for d, k in zip(_DIMS[n], kernel, strict=True)))
    if min(stride) <= 0:
        raise RuntimeError("stride should be greater than zero, but got " + " ".join(f"d{d}: {k}" for d, k in zip(_DIMS[n], stride, strict=True)))
    if min(dilation) <= 0:
        raise RuntimeError("dilation should be greater than zero, but got " + " ".join(f"dilation{d}: {k}" for d, k in zip(_DIMS[n], dilation, strict=True)))
    channels = x.shape[-n - 1]
    if min(outs) < 1:
        size = "x".join(map(str, (channels, *x.shape[x.ndim - n:])))
        out = "x".join(map(str, (channels, *outs)))
        raise RuntimeError(f"Given input size: ({size}). Calculated output size: ({out}). Output size is too small")


def _check_padding(kernel, stride, padding, dilation):
    if 0 in stride:
        raise RuntimeError("stride should not be zero")
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > ((k - 1) * d + 1) // 2:
            raise RuntimeError(f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d}")


def _geometry(x, n, kernel, stride, padding, dilation, ceil_mode):
    """Output sizes, and the taps of each dim."""
    size = x.shape[x.ndim - n:]
    _check_padding(kernel, stride, padding, dilation)
    outs = [_out_size(*v, ceil_mode) for v in zip(size, kernel, stride, padding, dilation, strict=True)]
    _check_windows(x, n, kernel, stride, dilation, outs)
    return outs, lambda i: regular_taps(size[i], outs[i], kernel[i], stride[i], padding[i], dilation[i])


# ---- maximum
def _max_pool_body(name, n):
    def max_pool(self, kernel_size, stride, padding, dilation, ceil_mode):
        """Maxima over windows and their flat indices in the pooled dims, of [N, C, *size] or [C, *size]."""
        kernel_size, stride, padding, dilation = _sizes(name, n, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation)
        if self.dtype.kind not in "iuf":
            refuse(name, self)
        if self.ndim in (n + 1, n + 2):
            _check_padding(kernel_size, stride, padding, dilation)
        _check_batched(self, n, "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:"
                       if n == 2 and self.ndim in (3, 4) else f"non-empty {n + 1}D or {n + 2}D (batch mode) tensor expected for input")
        outs, taps = _geometry(self, n, kernel_size, stride, padding, dilation, ceil_mode)
        if self.dtype.kind == "f":
            return kernel.max_pool(self, kernel.regular(self.shape[self.ndim - n:], tuple(outs), kernel_size, stride, padding, dilation))
        return list(max_along_all(self, taps, outs))
    return max_pool


primitive("max_pool2d_with_indices(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> "
          "(Tensor, Tensor)", ns="nn.functional", node="MaxPool2DWithIndicesBackward0",
          self=lambda grad, self, kernel_size, stride, padding, dilation, ceil_mode, result1: T.max_pool2d_with_indices_backward(
              grad, self, kernel_size, stride, padding, dilation, ceil_mode, result1))(_max_pool_body("max_pool2d", 2))

primitive("max_pool3d_with_indices(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, int[3] dilation=1, bool ceil_mode=False) -> "
          "(Tensor, Tensor)", ns="nn.functional", node="MaxPool3DWithIndicesBackward0",
          self=lambda grad, self, kernel_size, stride, padding, dilation, ceil_mode, result1: T.max_pool3d_with_indices_backward(
              grad, self, kernel_size, stride, padding, dilation, ceil_mode, result1))(_max_pool_body("max_pool3d", 3))


@primitive("max_pool2d_with_indices_backward(Tensor grad_output, Tensor self, int[2] kernel_size, int[2] stride, int[2] padding, int[2] dilation, "
           "bool ceil_mode, Tensor indices) -> Tensor", ns=None, node="MaxPool2DWithIndicesBackwardBackward0",
           grad_output=lambda grad, indices: T._plane_gather(grad, indices, 2), self=lambda self: T.zeros_like(self))
def max_pool2d_with_indices_backward(grad_output, self, indices):
    """The gradient put where the maxima were, [*, H, W]."""
    return scattered(grad_output, indices, self.shape, 2)


@primitive("max_pool3d_with_indices_backward(Tensor grad_output, Tensor self, int[3] kernel_size, int[3] stride, int[3] padding, int[3] dilation, "
           "bool ceil_mode, Tensor indices) -> Tensor", ns=None, node="MaxPool3DWithIndicesBackwardBackward0",
           grad_output=lambda grad, indices: T._plane_gather(grad, indices, 3), self=lambda self: T.zeros_like(self))
def max_pool3d_with_indices_backward(grad_output, self, indices):
    """The gradient put where the maxima were, [*, D, H, W]."""
    return scattered(grad_output, indices, self.shape, 3)


@composite("max_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, int[2] dilation=1, bool ceil_mode=False) -> Tensor")
def max_pool2d(self, kernel_size, stride, padding, dilation, ceil_mode):
    """Maxima over windows of [N, C, H, W] or [C, H, W]."""
    return T.max_pool2d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode)[0]


@composite("max_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, int[3] dilation=1, bool ceil_mode=False) -> Tensor")
def max_pool3d(self, kernel_size, stride, padding, dilation, ceil_mode):
    """Maxima over windows of [N, C, D, H, W] or [C, D, H, W]."""
    return T.max_pool3d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode)[0]


def _check_1d(x, name):
    if x.dim() not in (2, 3):
        raise RuntimeError(f"Expected 2 to 3 dimensions, but got {x.dim()}-dimensional tensor for argument #1 'self' (while checking arguments for {name})")


def _max_pool1d(self, kernel_size, stride, padding, dilation, ceil_mode):
    """Values and indices by way of two dims."""
    for name, v in (("kernel_size", kernel_size), ("stride", stride), ("padding", padding), ("dilation", dilation)):
        if len(v) != 1 and not (name == "stride" and not v):
            raise RuntimeError(f"max_pool1d() {name} must be an int, list of ints or tuple of ints of size 1 but got size {len(v)}")
    if self.dim() not in (2, 3) or 0 in self.shape[-2:]:
        raise RuntimeError(f"max_pool1d: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{list(self.shape)}")
    geometry = [(1, *kernel_size), (1, *(stride or kernel_size)), (0, *padding), (1, *dilation)]
    values, indices = T.max_pool2d_with_indices(self.unsqueeze(-2), *geometry, ceil_mode)
    return values.squeeze(-2), indices.squeeze(-2)


def _check_max_pool1d(size, k, s, p, d, ceil_mode):
    """What torch's kernel without indices refuses, in words of its own."""
    if k <= 0:
        raise RuntimeError(f"max_pool1d() kernel_size must be greater than zero, but got {k}")
    if s <= 0:
        raise RuntimeError(f"max_pool1d() stride must be greater than zero, but got {s}")
    if p < 0:
        raise RuntimeError(f"max_pool1d() padding must be non-negative, but got {p}")
    if p > k // 2:
        raise RuntimeError(f"max_pool1d() padding should be at most half of kernel size, but got padding={p} and kernel_size={k}")
    if d <= 0:
        raise RuntimeError(f"max_pool1d() dilation must be greater than zero, but got {d}")
    out = _out_size(size, k, s, p, d, ceil_mode)
    if out < 1:
        raise RuntimeError(f"max_pool1d() Invalid computed output size: {out}")


@composite("max_pool1d_with_indices(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, int[1] dilation=1, bool ceil_mode=False) -> "
           "(Tensor, Tensor)")
def max_pool1d_with_indices(self, kernel_size, stride, padding, dilation, ceil_mode):
    """Maxima over windows of [N, C, L] or [C, L], and where they were."""
    return _max_pool1d(self, kernel_size, stride, padding, dilation, ceil_mode)


@composite("max_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, int[1] dilation=1, bool ceil_mode=False) -> Tensor")
def max_pool1d(self, kernel_size, stride, padding, dilation, ceil_mode):
    """Maxima over windows of [N, C, L] or [C, L]."""
    if self.dim() in (2, 3) and 0 not in self.shape[-2:] and len(kernel_size) == len(padding) == len(dilation) == 1:
        _check_max_pool1d(self.shape[-1], *kernel_size, *(stride or kernel_size), *padding, *dilation, ceil_mode)
        if not self.is_floating_point():
            refuse("max_pool1d_impl", self._array)
    return _max_pool1d(self, kernel_size, stride, padding, dilation, ceil_mode)[0]


# ---- mean
def _average_divisor(size, n, outs, kernel, stride, padding, count_include_pad, divisor_override):
    """What each window's sum is divided by, broadcast over [*outs]."""
    if divisor_override is not None:
        return divisor_override
    divisor = 1
    for i in range(n):
        start = np.arange(outs[i]) * stride[i] - padding[i]
        end = np.minimum(start + kernel[i], size[i] + padding[i])
        if not count_include_pad:
            start, end = np.maximum(start, 0), np.minimum(end, size[i])
        divisor = divisor * (end - start).reshape(-1, *(1,) * (n - 1 - i))
    return divisor


def _divide(total, divisor):
    """Integers, as C divides them: towards zero."""
    return np.sign(total) * np.sign(divisor) * (np.abs(total) // np.abs(divisor))


def _avg_geometry(x, name, n, kernel_size, stride, padding, ceil_mode, divisor_override):
    kernel, stride, padding = _sizes(name, n, kernel_size=kernel_size, stride=stride, padding=padding)
    if divisor_override == 0:
        raise RuntimeError("divisor must be not zero")
    if n == 3:
        _check_padding(kernel, stride, padding, (1,) * n)
        _check_batched(x, 3, "non-empty 4D or 5D (batch mode) tensor expected for input")
        size = x.shape[-3:]
        if any(s + 2 * p < k for s, k, p in zip(size, kernel, padding, strict=True)):
            sides = [" ".join(f"{c}{d}: {v}" for d, v in zip("THW", values, strict=True)) for c, values in (("", size), ("k", kernel))]
            raise RuntimeError(f"input image ({sides[0]}) smaller than kernel size ({sides[1]})")
    return kernel, stride, padding, *_geometry(x, n, kernel, stride, padding, (1,) * n, ceil_mode)


def _avg_pool_body(name, n):
    def avg_pool(self, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
        """Means over windows of [N, C, *size] or [C, *size]; padding counts as zeros if `count_include_pad`, else not at all."""
        if n == 2 and self.ndim < 3:
            raise IndexError(f"Dimension out of range (expected to be in range of [{-self.ndim}, {self.ndim - 1}], but got -3)")
        kernel_size, stride, padding, outs, taps = _avg_geometry(self, name, n, kernel_size, stride, padding, ceil_mode, divisor_override)
        if self.dtype.kind not in "iuf":
            refuse("avg_pool2d" if n == 2 else "avg_pool3d_out_frame", self)
        size = self.shape[self.ndim - n:]
        if self.dtype.kind == "f":
            return kernel.mean_pool(self, kernel.regular(size, tuple(outs), kernel_size, stride, padding, (1,) * n, count_include_pad, divisor_override))
        divisor = _average_divisor(size, n, outs, kernel_size, stride, padding, count_include_pad, divisor_override)
        for i in reversed(range(n)):
            self = sum_along(self, i - n, taps(i), outs[i])
        return _divide(self, divisor)
    return avg_pool


def _avg_backward_body(name, n):
    def avg_pool_backward(grad_output, shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override):
        """The adjoint of average pooling: each window's share laid back on its elements."""
        x = np.broadcast_to(grad_output.dtype.type(0), tuple(shape))
        kernel_size, stride, padding, outs, _ = _avg_geometry(x, name, n, kernel_size, stride, padding, ceil_mode, divisor_override)
        size = tuple(shape[len(shape) - n:])
        return kernel.mean_adjoint(grad_output, kernel.regular(size, tuple(outs), kernel_size, stride, padding, (1,) * n, count_include_pad,
                                                               divisor_override))
    return avg_pool_backward


primitive("avg_pool2d(Tensor self, int[2] kernel_size, int[2] stride=[], int[2] padding=0, bool ceil_mode=False, bool count_include_pad=True, "
          "int? divisor_override=None) -> Tensor",
          shown="input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None",
          ns="nn.functional", make="out", node="AvgPool2DBackward0", jvp="linear",
          self=lambda grad, self_shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override:
              T.avg_pool2d_backward(grad, self_shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
          )(_avg_pool_body("avg_pool2d", 2))

primitive("avg_pool2d_backward(Tensor grad_output, int[] shape, int[2] kernel_size, int[2] stride, int[2] padding, bool ceil_mode, "
          "bool count_include_pad, int? divisor_override) -> Tensor", ns=None, node="AvgPool2DBackwardBackward0", jvp="linear",
          grad_output=lambda grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override:
              T.avg_pool2d(grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
          )(_avg_backward_body("avg_pool2d", 2))

primitive("avg_pool3d(Tensor self, int[3] kernel_size, int[3] stride=[], int[3] padding=0, bool ceil_mode=False, bool count_include_pad=True, "
          "int? divisor_override=None) -> Tensor",
          shown="input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None",
          ns="nn.functional", make="out", node="AvgPool3DBackward0", jvp="linear",
          self=lambda grad, self_shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override:
              T.avg_pool3d_backward(grad, self_shape, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
          )(_avg_pool_body("avg_pool3d", 3))

primitive("avg_pool3d_backward(Tensor grad_output, int[] shape, int[3] kernel_size, int[3] stride, int[3] padding, bool ceil_mode, "
          "bool count_include_pad, int? divisor_override) -> Tensor", ns=None, node="AvgPool3DBackwardBackward0", jvp="linear",
          grad_output=lambda grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override:
              T.avg_pool3d(grad, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)
          )(_avg_backward_body("avg_pool3d", 3))


@composite("avg_pool1d(Tensor self, int[1] kernel_size, int[1] stride=[], int[1] padding=0, bool ceil_mode=False, bool count_include_pad=True) -> Tensor")
def avg_pool1d(self, kernel_size, stride, padding, ceil_mode, count_include_pad):
    """Means over windows of [N, C, L] or [C, L]."""
    _check_1d(self, "avg_pool1d")
    for name, v in (("kernel_size", kernel_size), ("stride", stride or kernel_size), ("padding", padding)):
        if len(v) != 1:
            raise RuntimeError(f"avg_pool1d() argument '{name}' should contain one int (got {len(v)})")
    geometry = (1, *kernel_size), (1, *(stride or kernel_size)), (0, *padding)
    return T.avg_pool2d(self.unsqueeze(-2), *geometry, ceil_mode, count_include_pad).squeeze(-2)
