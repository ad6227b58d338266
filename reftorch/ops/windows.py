"""The window functions of torch itself: `torch.signal.windows` has more, built from other ops.

Each is computed in place, rounding to its dtype at every step as PyTorch does.  A periodic window of n points is the symmetric one
of n + 1 without its last.
"""
import math

from ..core import DTYPES, T, composite
from ..core._core import get_default_dtype
from ..core.errors import C_NAMES
from ._common import check_factory

_OPTIONS = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
_SHOWN = "dtype=None, layout=torch.strided, device=None, requires_grad=False"


def _scale(points, factor):
    """Multiply in place, by the factor as the dtype holds it."""  # torch: unlike `points.mul_(factor)` of float16 in Python
    return T.mul_(points, T.full((), factor, dtype=points.dtype))


def _window(name, length, periodic, options, shape):
    """`shape(n, points)` turns the points 0 ... n-1 into the window; lengths 0 and 1 are the same for all."""
    dtype, layout, device, pin_memory = options
    check_factory(layout, device, pin_memory)
    dtype = dtype or get_default_dtype()
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name} expects floating point dtypes, got: TensorOptions(dtype={C_NAMES[dtype.name]}, device=cpu, layout=Strided (default), "
                           "requires_grad=false (default), pinned_memory=false, memory_format=(nullopt))")
    if length < 0:
        raise RuntimeError(f"{name} requires non-negative window_length, got window_length={length}")
    if length < 2:
        return T.ones((length,), dtype=dtype)
    window = shape(length + periodic, T.arange(length + periodic, dtype=dtype))
    return T.clone(window.narrow(0, 0, length)) if periodic else window


@composite(f"bartlett_window(int window_length, *, {_OPTIONS}) -> Tensor",
           f"bartlett_window.periodic(int window_length, bool periodic, *, {_OPTIONS}) -> Tensor",
           shown=f"window_length, periodic=True, *, {_SHOWN}")
def bartlett_window(window_length, dtype, layout, device, pin_memory, periodic=True):
    """w[k] = 1 - |2k/(n - 1) - 1|"""
    def shape(n, points):
        _scale(points, 2.0 / (n - 1))
        rising = (n - 1) // 2 + 1
        points.narrow(0, rising, n - rising).mul_(-1).add_(2)
        return points

    return _window("bartlett_window", window_length, periodic, (dtype, layout, device, pin_memory), shape)


@composite(f"blackman_window(int window_length, *, {_OPTIONS}) -> Tensor",
           f"blackman_window.periodic(int window_length, bool periodic, *, {_OPTIONS}) -> Tensor",
           shown=f"window_length, periodic=True, *, {_SHOWN}")
def blackman_window(window_length, dtype, layout, device, pin_memory, periodic=True):
    """w[k] = 0.42 - 0.5 cos(2 pi k/(n - 1)) + 0.08 cos(4 pi k/(n - 1))"""
    def shape(n, points):
        _scale(points, math.pi / (n - 1))
        return _scale(points.mul(4).cos_(), 0.08) - points.mul(2).cos_().mul_(0.5) + 0.42

    return _window("blackman_window", window_length, periodic, (dtype, layout, device, pin_memory), shape)


def _hamming(name, length, periodic, options, alpha, beta):
    def shape(n, points):
        return _scale(_scale(points, math.pi * 2.0 / (n - 1)).cos_(), -beta).add_(alpha)

    return _window(name, length, periodic, options, shape)


@composite(f"hann_window(int window_length, *, {_OPTIONS}) -> Tensor",
           f"hann_window.periodic(int window_length, bool periodic, *, {_OPTIONS}) -> Tensor",
           shown=f"window_length, periodic=True, *, {_SHOWN}")
def hann_window(window_length, dtype, layout, device, pin_memory, periodic=True):
    """w[k] = (1 - cos(2 pi k/(n - 1))) / 2"""
    return _hamming("hann_window", window_length, periodic, (dtype, layout, device, pin_memory), 0.5, 0.5)


@composite(f"hamming_window(int window_length, *, {_OPTIONS}) -> Tensor",
           f"hamming_window.periodic(int window_length, bool periodic, *, {_OPTIONS}) -> Tensor",
           f"hamming_window.periodic_alpha(int window_length, bool periodic, float alpha, *, {_OPTIONS}) -> Tensor",
           f"hamming_window.periodic_alpha_beta(int window_length, bool periodic, float alpha, float beta, *, {_OPTIONS}) -> Tensor",
           shown="window_length, *, dtype=None, layout=None, device=None, pin_memory=False, requires_grad=False")
def hamming_window(window_length, dtype, layout, device, pin_memory, periodic=True, alpha=0.54, beta=0.46):
    """w[k] = alpha - beta cos(2 pi k/(n - 1))"""
    return _hamming("hamming_window", window_length, periodic, (dtype, layout, device, pin_memory), alpha, beta)


@composite(f"kaiser_window(int window_length, *, {_OPTIONS}) -> Tensor",
           f"kaiser_window.periodic(int window_length, bool periodic, *, {_OPTIONS}) -> Tensor",
           f"kaiser_window.beta(int window_length, bool periodic, float beta, *, {_OPTIONS}) -> Tensor",
           shown=f"window_length, periodic=True, beta=12.0, *, {_SHOWN}")
def kaiser_window(window_length, dtype, layout, device, pin_memory, periodic=True, beta=12.0):
    """w[k] = I0(beta sqrt(1 - (2k/(n - 1) - 1)^2)) / I0(beta)"""
    def shape(n, points):
        half = (n - 1) / 2.0
        wide = points.to(DTYPES["float32"]) if points.dtype.itemsize == 2 else points
        radius = (1 - ((wide - half) / half) ** 2).sqrt() * beta
        return (T.i0(radius) / T.i0(T.full((), beta, dtype=wide.dtype))).to(points.dtype)

    return _window("kaiser_window", window_length, periodic, (dtype, layout, device, pin_memory), shape)
