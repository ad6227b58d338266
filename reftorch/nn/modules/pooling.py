"""Pooling: maxima, means and norms of windows, of a given size or a given number."""
from .. import functional as F
from ._layer import layer
from .module import Module
from .utils import _ntuple, _own_init, _single, _triple

# what the calls of a family share
_MAX = "(input; kernel_size, stride, padding, dilation, ceil_mode=, return_indices=)"
_AVERAGE = "(input; kernel_size, stride, padding, ceil_mode, count_include_pad"
_FRACTIONAL = "(input; kernel_size, output_size, output_ratio, return_indices, _random_samples=)"


def _stride(pool):
    """Windows side by side, unless a stride is given."""
    if pool.stride is None:
        pool.stride = pool.kernel_size


@layer("kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False",
       shows="kernel_size stride padding dilation ceil_mode", constants="kernel_size stride padding dilation return_indices ceil_mode")
class _MaxPoolNd(Module):
    _post_init = _stride


@layer(call="F.max_pool1d" + _MAX)
class MaxPool1d(_MaxPoolNd):
    """y[l] = max of x over window l; x (N, C, L) or (C, L) -> y (N, C, L')."""


@layer(call="F.max_pool2d" + _MAX)
class MaxPool2d(_MaxPoolNd):
    """y[h, w] = max of x over window (h, w); x (N, C, H, W) or (C, H, W) -> y (N, C, H', W')."""


@layer(call="F.max_pool3d" + _MAX)
class MaxPool3d(_MaxPoolNd):
    """y[d, h, w] = max of x over window (d, h, w); x (N, C, D, H, W) or (C, D, H, W) -> y (N, C, D', H', W')."""


@layer(shows="kernel_size stride padding")
class _MaxUnpoolNd(Module):
    def __init__(self, kernel_size, stride=None, padding=0):
        super().__init__()
        many = _ntuple(self._dims)
        self.kernel_size = many(kernel_size)
        self.stride = many(kernel_size if stride is None else stride)
        self.padding = many(padding)

    def forward(self, input, indices, output_size=None):
        unpool = getattr(F, f"max_unpool{self._dims}d")
        return unpool(input, indices, self.kernel_size, self.stride, self.padding, output_size)


@_own_init
class MaxUnpool1d(_MaxUnpoolNd):
    """The values of MaxPool1d at the places its indices tell, zeros elsewhere; x (N, C, L') -> y (N, C, L)."""

    _dims = 1


@_own_init
class MaxUnpool2d(_MaxUnpoolNd):
    """The values of MaxPool2d at the places its indices tell, zeros elsewhere; x (N, C, H', W') -> y (N, C, H, W)."""

    _dims = 2


@_own_init
class MaxUnpool3d(_MaxUnpoolNd):
    """The values of MaxPool3d at the places its indices tell, zeros elsewhere; x (N, C, D', H', W') -> y (N, C, D, H, W)."""

    _dims = 3


@layer(shows="kernel_size stride padding")
class _AvgPoolNd(Module):
    pass


@layer("kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True", "F.avg_pool1d" + _AVERAGE + ")")
class AvgPool1d(_AvgPoolNd):
    """y[l] = mean of x over window l; x (N, C, L) or (C, L) -> y (N, C, L')."""

    def _post_init(self):
        _stride(self)
        self.kernel_size, self.stride, self.padding = map(_single, (self.kernel_size, self.stride, self.padding))


_DIVIDED = "kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None"


@layer(_DIVIDED, "F.avg_pool2d" + _AVERAGE + ", divisor_override)")
class AvgPool2d(_AvgPoolNd):
    """y[h, w] = mean of x over window (h, w); x (N, C, H, W) or (C, H, W) -> y (N, C, H', W')."""

    _post_init = _stride


@layer(_DIVIDED, "F.avg_pool3d" + _AVERAGE + ", divisor_override)")
class AvgPool3d(_AvgPoolNd):
    """y[d, h, w] = mean of x over window (d, h, w); x (N, C, D, H, W) or (C, D, H, W) -> y (N, C, D', H', W')."""

    _post_init = _stride

    def __setstate__(self, state):
        super().__setstate__(state)
        for name, value in (("padding", 0), ("ceil_mode", False), ("count_include_pad", True)):
            self.__dict__.setdefault(name, value)


class _FractionalMaxPoolNd(Module):
    __constants__ = ["kernel_size", "return_indices", "output_size", "output_ratio"]

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        super().__init__()
        many = _ntuple(self._dims)
        self.kernel_size, self.return_indices = many(kernel_size), return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size, self.output_ratio = (None if given is None else many(given) for given in (output_size, output_ratio))
        if output_size is None and output_ratio is None:
            raise ValueError(f"FractionalMaxPool{self._dims}d requires specifying either an output size, or a pooling ratio")
        if output_size is not None and output_ratio is not None:
            raise ValueError("only one of output_size and output_ratio may be specified")
        if output_ratio is not None and not all(0 < r < 1 for r in self.output_ratio):
            raise ValueError(f"output_ratio must be between 0 and 1 (got {output_ratio})")


@_own_init
@layer(call="F.fractional_max_pool2d" + _FRACTIONAL)
class FractionalMaxPool2d(_FractionalMaxPoolNd):
    """Maxima over windows at random places, as many as `output_size`; x (N, C, H, W) -> y (N, C, H', W'); source: Graham 2014."""

    _dims = 2


@layer(call="F.fractional_max_pool3d" + _FRACTIONAL)
class FractionalMaxPool3d(_FractionalMaxPoolNd):
    """Maxima over windows at random places, as many as `output_size`; x (N, C, D, H, W) -> y (N, C, D', H', W'); source: Graham 2014."""

    _dims = 3

    def __init__(self, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
        if any(k <= 0 for k in _triple(kernel_size)):
            raise ValueError(f"kernel_size must be greater than 0, but got {kernel_size}")
        super().__init__(kernel_size, output_size, output_ratio, return_indices, _random_samples)


@layer("norm_type, kernel_size, stride=None, ceil_mode=False", shows="norm_type kernel_size stride ceil_mode")
class _LPPoolNd(Module):
    def _pool(self, pool, input):
        return pool(input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode)


class LPPool1d(_LPPoolNd):
    """y[l] = (sum of x^p over window l)^(1/p); x (N, C, L) or (C, L) -> y (N, C, L')."""

    def forward(self, input):
        return self._pool(F.lp_pool1d, input)


class LPPool2d(_LPPoolNd):
    """y[h, w] = (sum of x^p over window (h, w))^(1/p); x (N, C, H, W) or (C, H, W) -> y (N, C, H', W')."""

    def forward(self, input):
        return self._pool(F.lp_pool2d, input)


class LPPool3d(_LPPoolNd):
    """y[d, h, w] = (sum of x^p over window (d, h, w))^(1/p); x (N, C, D, H, W) or (C, D, H, W) -> y (N, C, D', H', W')."""

    def forward(self, input):
        return self._pool(F.lp_pool3d, input)


@layer("output_size", shows="output_size")
class _AdaptiveAvgPoolNd(Module):
    pass


@layer("output_size, return_indices=False", shows="output_size")
class _AdaptiveMaxPoolNd(Module):
    pass


@layer(call="F.adaptive_max_pool1d(input; output_size, return_indices)")
class AdaptiveMaxPool1d(_AdaptiveMaxPoolNd):
    """Maxima over `output_size` windows; x (N, C, L) or (C, L) -> y (N, C, output_size)."""


@layer(call="F.adaptive_max_pool2d(input; output_size, return_indices)")
class AdaptiveMaxPool2d(_AdaptiveMaxPoolNd):
    """Maxima over `output_size` windows; x (N, C, H, W) or (C, H, W) -> y (N, C, *output_size)."""


@layer(call="F.adaptive_max_pool3d(input; output_size, return_indices)")
class AdaptiveMaxPool3d(_AdaptiveMaxPoolNd):
    """Maxima over `output_size` windows; x (N, C, D, H, W) or (C, D, H, W) -> y (N, C, *output_size)."""


@layer(call="F.adaptive_avg_pool1d(input; output_size)")
class AdaptiveAvgPool1d(_AdaptiveAvgPoolNd):
    """Means over `output_size` windows; x (N, C, L) or (C, L) -> y (N, C, output_size)."""


@layer(call="F.adaptive_avg_pool2d(input; output_size)")
class AdaptiveAvgPool2d(_AdaptiveAvgPoolNd):
    """Means over `output_size` windows; x (N, C, H, W) or (C, H, W) -> y (N, C, *output_size)."""


@layer(call="F.adaptive_avg_pool3d(input; output_size)")
class AdaptiveAvgPool3d(_AdaptiveAvgPoolNd):
    """Means over `output_size` windows; x (N, C, D, H, W) or (C, D, H, W) -> y (N, C, *output_size)."""
