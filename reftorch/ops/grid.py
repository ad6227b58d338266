"""Sampling at arbitrary points (grid_sample), and the grids of affine maps; source: Jaderberg et al. 2015.

A coordinate c in [-1, 1] is a place x = ((c + 1) S - 1) / 2, or (c + 1) (S - 1) / 2 when -1 and 1 are the centers of the corner elements.  Along a
dim each sample has taps: an index, and the weight with its derivatives by c; a sample in n dims is the sum over the products of taps.
"""
import itertools
import math

import numpy as np

from ..core import T, composite, primitive
from ..core._core import from_array, is_grad_enabled, run_backward

BILINEAR, NEAREST, BICUBIC = 0, 1, 2
ZEROS, BORDER, REFLECTION = 0, 1, 2


def _padded(x, size, padding, align_corners):
    """Places moved into the input, and the derivative of that."""
    slope = np.ones_like(x)
    if padding == REFLECTION:
        low, span = (0.0, size - 1.0) if align_corners else (-0.5, float(size))
        if span == 0:
            return np.zeros_like(x), np.zeros_like(x)
        d = x - x.dtype.type(low)
        slope = np.where(d < 0, -slope, slope)
        d = np.abs(d)
        odd = np.floor(d / span) % 2 == 1
        rest = np.fmod(d, x.dtype.type(span))
        x = np.where(odd, span - rest, rest).astype(x.dtype) + x.dtype.type(low)
        slope = np.where(odd, -slope, slope)
    if padding in (BORDER, REFLECTION):
        # torch: nothing flows through a clipped coordinate, nor one exactly at the border
        slope = np.where((x > 0) & (x < size - 1), slope, 0)
        x = np.clip(x, 0, size - 1)
    return x, slope


def _cubic_weights(t):
    """Keys' kernel with a = -3/4 at distances t + 1, t, 1 - t, 2 - t, each with its derivatives by t."""
    a = t.dtype.type(-0.75)
    near, far = (a + 2, -(a + 3), 0, 1), (a, -5 * a, 8 * a, -4 * a)

    def at(x, c, sign):
        return (((c[0] * x + c[1]) * x + c[2]) * x + c[3], sign * ((3 * c[0] * x + 2 * c[1]) * x + c[2]), 6 * c[0] * x + 2 * c[1],
                sign * 6 * c[0] * np.ones_like(x))
    return [at(t + 1, far, 1), at(t, near, 1), at(1 - t, near, -1), at(2 - t, far, -1)]


def _taps(c, size, mode, padding, align_corners):
    """(index, [weight, its derivatives by c]) of each tap along one dim."""
    stretch = c.dtype.type((size - 1) / 2 if align_corners else size / 2)
    x = (c + 1) * stretch if align_corners else ((c + 1) * size - 1) / 2
    if mode == BICUBIC:
        low = np.floor(x)
        return [(_padded(low + k - 1, size, padding, align_corners)[0], [w * stretch ** order for order, w in enumerate(weights)])
                for k, weights in enumerate(_cubic_weights(x - low))]
    x, slope = _padded(x, size, padding, align_corners)
    if mode == NEAREST:
        return [(np.rint(x), [np.ones_like(x), np.zeros_like(x)])]
    low = np.floor(x)
    slope = slope * stretch
    return [(low, [low + 1 - x, -slope]), (low + 1, [x - low, slope])]


def _combined(taps, size):
    """For each combination of taps: flat index, whether inside, and for each dim the weight with its derivatives; arrays [N, points]."""
    for combination in itertools.product(*taps):
        index, inside = 0, True
        for (at, _), s in zip(combination, size, strict=True):
            inside = inside & (at >= 0) & (at <= s - 1)
            index = index * s + np.where(inside, at, 0).astype(np.int64)
        yield np.where(inside, index, 0), inside, [weights for _, weights in combination]


def _all_taps(x, grid, mode, padding, align_corners):
    n = grid.shape[-1]
    points = grid.reshape(len(grid), math.prod(grid.shape[1:-1]), n)
    # the last coordinate belongs to the first spatial dim
    return [_taps(points[..., n - 1 - d], x.shape[2 + d], mode, padding, align_corners) for d in range(n)]


def _sample(input, grid, interpolation_mode, padding_mode, align_corners):
    flat = input.reshape(*input.shape[:2], math.prod(input.shape[2:]))
    out = 0
    for index, inside, weights in _combined(_all_taps(input, grid, interpolation_mode, padding_mode, align_corners), input.shape[2:]):
        picked = np.take_along_axis(flat, index[:, None], 2)
        out = out + np.where(inside[:, None], picked * math.prod(w[0] for w in weights)[:, None], 0)
    return out.astype(input.dtype, copy=False).reshape(*input.shape[:2], *grid.shape[1:-1])


def _differentiable(input, grid, interpolation_mode, padding_mode, align_corners):
    """The same as `_sample` in differentiable ops: weights as Taylor polynomials in d = grid - grid, whose value is 0 and derivative 1."""
    n, p = grid.shape[-1], math.prod(grid.shape[1:-1])
    d = (grid - grid.detach()).reshape(grid.shape[0], p, n)
    flat = input.reshape(*input.shape[:2], math.prod(input.shape[2:]))
    out = 0
    for index, inside, weights in _combined(_all_taps(input._array, grid._array, interpolation_mode, padding_mode, align_corners), input.shape[2:]):
        weight = from_array(inside.astype(input._array.dtype))
        for k, w in enumerate(weights):
            weight = weight * sum(from_array(np.ascontiguousarray(v / math.factorial(order))) * d[..., n - 1 - k] ** order for order, v in enumerate(w))
        at = from_array(index).unsqueeze(1).expand(*flat.shape[:2], p)
        out = out + flat.gather(2, at) * weight.unsqueeze(1)
    return out.reshape(*input.shape[:2], *grid.shape[1:-1])


def _gradients(grad, input, grid, *how):
    if not is_grad_enabled():
        return tuple(T._grid_sampler_backward(grad, input, grid, *how))
    wanted = [t for t in (input, grid) if t.requires_grad]
    found = iter(run_backward([_differentiable(input, grid, *how)], [grad], True, True, wanted, True, False))
    return tuple(next(found) if t.requires_grad else None for t in (input, grid))


@primitive("grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor",
           node="GridSampler2DBackward0", input__and__grid=lambda grad, input, grid, interpolation_mode, padding_mode, align_corners:
               _gradients(grad, input, grid, interpolation_mode, padding_mode, align_corners))
def grid_sampler_2d(input, grid, interpolation_mode, padding_mode, align_corners):
    """Values of [N, C, H, W] at points [N, h, w, 2]."""
    return _sample(input, grid, interpolation_mode, padding_mode, align_corners)


@primitive("grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor",
           node="GridSampler3DBackward0", input__and__grid=lambda grad, input, grid, interpolation_mode, padding_mode, align_corners:
               _gradients(grad, input, grid, interpolation_mode, padding_mode, align_corners))
def grid_sampler_3d(input, grid, interpolation_mode, padding_mode, align_corners):
    """Values of [N, C, D, H, W] at points [N, d, h, w, 3]."""
    return _sample(input, grid, interpolation_mode, padding_mode, align_corners)


@primitive("_grid_sampler_backward(Tensor grad_output, Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> "
           "(Tensor, Tensor)", ns=None, nograd=True)
def _grid_sampler_backward(grad_output, input, grid, interpolation_mode, padding_mode, align_corners):
    """Gradients by the input and by the grid."""
    n, c = input.shape[:2]
    size = input.shape[2:]
    flat = input.reshape(n, c, math.prod(size))
    g = grad_output.reshape(n, c, math.prod(grid.shape[1:-1]))
    total = np.zeros_like(flat)
    rows = np.arange(n)[:, None, None], np.arange(c)[None, :, None]
    by_place = [np.zeros(g.shape[::2], g.dtype) for _ in size]
    for index, inside, weights in _combined(_all_taps(input, grid, interpolation_mode, padding_mode, align_corners), size):
        weight = math.prod(w[0] for w in weights)
        np.add.at(total, (*rows, index[:, None]), np.where(inside[:, None], g * weight[:, None], 0))
        value = np.where(inside, (np.take_along_axis(flat, index[:, None], 2) * g).sum(1), 0)
        for k in range(len(size)):
            by_place[k] += value * math.prod(w[i == k] for i, w in enumerate(weights))
    return [total.reshape(input.shape), np.stack(by_place[::-1], -1).reshape(grid.shape).astype(grid.dtype, copy=False)]


@composite("grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor")
def grid_sampler(input, grid, interpolation_mode, padding_mode, align_corners):
    """Values of [N, C, *size] at points [N, *, n]."""
    n = input.dim() - 2
    sizes = f"but got input with sizes {list(input.shape)} and grid with sizes {list(grid.shape)}"
    if input.dtype is not grid.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.type_name} but found {grid.dtype.type_name}")
    if input.shape[0] != grid.shape[0]:
        raise RuntimeError(f"grid_sampler(): expected grid and input to have same batch size, {sizes}")
    if grid.shape[-1] != n:
        raise RuntimeError(f"grid_sampler(): expected grid to have size {n} in last dimension, but got grid with sizes {list(grid.shape)}")
    for d in range(2, input.dim()):
        if input.shape[d] == 0:
            raise RuntimeError(f"grid_sampler(): expected input to have non-empty spatial dimensions, but input has sizes {list(input.shape)} with dimension "
                               f"{d} being empty")
    if n not in (2, 3) or input.dim() != grid.dim():
        raise RuntimeError(f"grid_sampler(): expected 4D or 5D input and grid with same number of dimensions, {sizes}")
    if n == 3 and interpolation_mode == BICUBIC:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")
    return (T.grid_sampler_2d if n == 2 else T.grid_sampler_3d)(input, grid, interpolation_mode, padding_mode, align_corners)


# ---- affine maps
def _base_grid(size, align_corners, dtype):
    """The points (x, y, 1) of the identity [prod(size), n + 1]."""
    axes = []
    for s in reversed(size):
        line = np.linspace(-1, 1, s, dtype=dtype) if s > 1 else np.zeros(1, dtype)
        axes.append(line if align_corners else line * dtype.type((s - 1) / s))
    n = len(size)
    planes = [np.broadcast_to(line.reshape(-1, *(1,) * k), size) for k, line in enumerate(axes)]
    return np.stack([*planes, np.ones(size, dtype)], -1).reshape(math.prod(size), n + 1)


@primitive("affine_grid_generator(Tensor theta, int[] size, bool align_corners) -> Tensor", jvp="linear",
           theta=lambda grad, size, align_corners: T.affine_grid_generator_backward(grad, size, align_corners))
def affine_grid_generator(theta, size, align_corners):
    """theta [N, n, n + 1] applied to the points of [N, C, *size], as [N, *size, n]."""
    base = _base_grid(tuple(size[2:]), align_corners, theta.dtype)
    return (base @ theta.swapaxes(1, 2)).reshape(size[0], *size[2:], theta.shape[1])


@primitive("affine_grid_generator_backward(Tensor grad_output, int[] size, bool align_corners) -> Tensor", ns=None, jvp="linear",
           grad_output=lambda grad, size, align_corners: T.affine_grid_generator(grad, size, align_corners))
def affine_grid_generator_backward(grad_output, size, align_corners):
    """The gradient by theta."""
    base = _base_grid(tuple(size[2:]), align_corners, grad_output.dtype)
    return grad_output.reshape(size[0], len(base), grad_output.shape[-1]).swapaxes(1, 2) @ base
