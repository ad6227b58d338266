"""Convolutions, transposed ones, and their lazy forms; the classes for 1, 2 and 3 dims differ in `_dims` alone."""
import math

import reftorch as torch

from .. import functional as F
from .. import init
from ..parameter import Parameter
from ._layer import layer, shown
from .lazy import _Sized
from .module import Module
from .utils import _ntuple, _reverse_repeat_tuple

_PADDING_STRINGS = {"same", "valid"}
_PADDING_MODES = {"zeros", "reflect", "replicate", "circular"}

# the arguments of the lazy forms; the others take `in_channels` before them
_LAZY = "out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros', device=None, dtype=None"
_LAZY_TRANSPOSED = ("out_channels, kernel_size, stride=1, padding=0, output_padding=0, groups=1, bias=True, dilation=1, padding_mode='zeros', "
                    "device=None, dtype=None")
_CONV = f"in_channels, {_LAZY}"
_TRANSPOSED = f"in_channels, {_LAZY_TRANSPOSED}"


@layer(constants="stride padding dilation groups padding_mode output_padding in_channels out_channels kernel_size")
class _ConvNd(Module):
    """What all convolutions hold; kernel_size, stride, padding (or its name), dilation and output_padding are tuples here."""

    def __init__(self, in_channels, out_channels, kernel_size, stride, padding, dilation, transposed, output_padding, groups, bias, padding_mode,
                 device=None, dtype=None):
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str):
            if padding not in _PADDING_STRINGS:
                raise ValueError(f"Invalid padding string {padding!r}, should be one of {_PADDING_STRINGS}")
            if padding == "same" and any(s != 1 for s in stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {_PADDING_MODES}, but got padding_mode='{padding_mode}'")
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation
        self.transposed, self.output_padding, self.groups, self.padding_mode = transposed, output_padding, groups, padding_mode
        self._reversed_padding_repeated_twice = self._sides()
        self.weight = Parameter(torch.empty(self._weight_shape(), device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(torch.empty(out_channels, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def _sides(self):
        """The padding as F.pad takes it: two numbers a dim, last dim first."""
        if not isinstance(self.padding, str):
            return _reverse_repeat_tuple(self.padding, 2)
        sides = []
        for d, k in zip(reversed(self.dilation), reversed(self.kernel_size), strict=True):
            total = d * (k - 1) if self.padding == "same" else 0
            sides += [total // 2, total - total // 2]
        return sides

    def _weight_shape(self):
        if self.transposed:
            return self.in_channels, self.out_channels // self.groups, *self.kernel_size
        return self.out_channels, self.in_channels // self.groups, *self.kernel_size

    def _conv_forward(self, input, weight, bias):
        raise NotImplementedError

    def reset_parameters(self):
        """Draw weight and bias anew, both from U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        fan_in = math.prod(self.weight.shape[1:])
        if self.bias is not None and fan_in:
            limit = 1 / math.sqrt(fan_in)
            init.uniform_(self.bias, -limit, limit)

    def extra_repr(self):
        usual = {"padding": 0, "dilation": 1, "output_padding": 0}
        texts = (f"{self.in_channels}, {self.out_channels}",
                 shown(self, "kernel_size", "stride", **{name: (value,) * len(getattr(self, name)) for name, value in usual.items()}, groups=1),
                 "bias=False" if self.bias is None else "",
                 shown(self, padding_mode="zeros"))
        return ", ".join(filter(None, texts))

    def __setstate__(self, state):
        super().__setstate__(state)
        self.__dict__.setdefault("padding_mode", "zeros")      # checkpoints of before 1.1


class _Tuples(_ConvNd):
    """Makes the numbers given for all dims tuples."""

    def __init__(self, kernel_size, stride, padding, dilation, transposed=False, output_padding=0, **others):
        many = _ntuple(self._dims)
        super().__init__(kernel_size=many(kernel_size), stride=many(stride), padding=padding if isinstance(padding, str) else many(padding),
                         dilation=many(dilation), transposed=transposed, output_padding=many(output_padding), **others)


class _Conv(_Tuples):
    def _conv_forward(self, input, weight, bias):
        padding = self.padding
        if self.padding_mode != "zeros":
            input = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
            padding = (0,) * self._dims
        return getattr(F, f"conv{self._dims}d")(input, weight, bias, self.stride, padding, self.dilation, self.groups)

    def forward(self, input):
        return self._conv_forward(input, self.weight, self.bias)


@layer(_CONV)
class Conv1d(_Conv):
    """y[o] = b[o] + sum_i W[o, i] * x[i], * being cross-correlation; x (N, in, L), W (out, in/groups, k) -> y (N, out, L')."""

    _dims = 1


@layer(_CONV)
class Conv2d(_Conv):
    """y[o] = b[o] + sum_i W[o, i] * x[i], * being cross-correlation; x (N, in, H, W), W (out, in/groups, kh, kw) -> y (N, out, H', W')."""

    _dims = 2


@layer(_CONV)
class Conv3d(_Conv):
    """y[o] = b[o] + sum_i W[o, i] * x[i], * being cross-correlation; x (N, in, D, H, W), W (out, in/groups, kd, kh, kw) -> y (N, out, D', H', W')."""

    _dims = 3


class _ConvTransposeNd(_Tuples):
    def __init__(self, padding_mode, padding, **others):
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(padding=_ntuple(self._dims)(padding), padding_mode=padding_mode, transposed=True, **others)

    def _output_padding(self, input, output_size, stride, padding, kernel_size, num_spatial_dims, dilation=None):
        """What is to be added at the end of each dim so that the output has `output_size`."""
        if output_size is None:
            return list(_ntuple(num_spatial_dims)(self.output_padding))
        others = 2 if input.dim() == num_spatial_dims + 2 else 1
        if len(output_size) == others + num_spatial_dims:
            output_size = output_size[others:]
        if len(output_size) != num_spatial_dims:
            raise ValueError(f"ConvTranspose{num_spatial_dims}D: for {input.dim()}D input, output_size must have {num_spatial_dims} or "
                             f"{others + num_spatial_dims} elements (got {len(output_size)})")
        dilation = (1,) * num_spatial_dims if dilation is None else dilation
        smallest = [(input.size(others + d) - 1) * stride[d] - 2 * padding[d] + dilation[d] * (kernel_size[d] - 1) + 1 for d in range(num_spatial_dims)]
        largest = [low + s - 1 for low, s in zip(smallest, stride, strict=True)]
        if any(not low <= size <= high for size, low, high in zip(output_size, smallest, largest, strict=True)):
            raise ValueError(f"requested an output size of {output_size}, but valid sizes range from {smallest} to {largest} (for an input of "
                             f"{input.size()[2:]})")
        return [size - low for size, low in zip(output_size, smallest, strict=True)]

    def forward(self, input, output_size=None):
        n = self._dims
        if self.padding_mode != "zeros":
            raise ValueError(f"Only `zeros` padding mode is supported for ConvTranspose{n}d")
        if not isinstance(self.padding, tuple):
            raise AssertionError("self.padding must be a tuple")
        extra = self._output_padding(input, output_size, self.stride, self.padding, self.kernel_size, n, self.dilation)
        return getattr(F, f"conv_transpose{n}d")(input, self.weight, self.bias, self.stride, self.padding, extra, self.groups, self.dilation)


@layer(_TRANSPOSED)
class ConvTranspose1d(_ConvTransposeNd):
    """The gradient of Conv1d with respect to its input, as a map; x (N, in, L), W (in, out/groups, k) -> y (N, out, L')."""

    _dims = 1


@layer(_TRANSPOSED)
class ConvTranspose2d(_ConvTransposeNd):
    """The gradient of Conv2d with respect to its input, as a map; x (N, in, H, W), W (in, out/groups, kh, kw) -> y (N, out, H', W')."""

    _dims = 2


@layer(_TRANSPOSED)
class ConvTranspose3d(_ConvTransposeNd):
    """The gradient of Conv3d with respect to its input, as a map; x (N, in, D, H, W), W (in, out/groups, kd, kh, kw) -> y (N, out, D', H', W')."""

    _dims = 3


class _LazyConvXdMixin(_Sized):
    """Takes `in_channels` from the first input."""

    _sized_by = "in_channels"

    def __init__(self, out_channels, bias, device, dtype, **others):
        super().__init__(in_channels=0, out_channels=0, bias=False, device=device, dtype=dtype, **others)
        self._make_lazy(("weight", "bias") if bias else ("weight",), device, dtype)
        self.out_channels = out_channels

    def initialize_parameters(self, input, *args, **kwargs):
        """Take the shape from the input."""
        if self.has_uninitialized_params():
            self.in_channels = self._get_in_channels(input)
            if self.in_channels % self.groups:
                raise ValueError("in_channels must be divisible by groups")
            self._materialize(weight=self._weight_shape(), bias=(self.out_channels,))
            self.reset_parameters()

    def _get_in_channels(self, input):
        unbatched = self._get_num_spatial_dims() + 1
        if input.dim() not in (unbatched, unbatched + 1):
            raise RuntimeError(f"Expected {unbatched}D (unbatched) or {unbatched + 1}D (batched) input to {type(self).__name__}, but got input of size: "
                               f"{input.shape}")
        return input.shape[1] if input.dim() == unbatched + 1 else input.shape[0]

    def _get_num_spatial_dims(self):
        return self._dims


@layer(_LAZY)
class LazyConv1d(_LazyConvXdMixin, Conv1d):
    """A Conv1d that takes `in_channels` from its first input."""

    cls_to_become = Conv1d


@layer(_LAZY)
class LazyConv2d(_LazyConvXdMixin, Conv2d):
    """A Conv2d that takes `in_channels` from its first input."""

    cls_to_become = Conv2d


@layer(_LAZY)
class LazyConv3d(_LazyConvXdMixin, Conv3d):
    """A Conv3d that takes `in_channels` from its first input."""

    cls_to_become = Conv3d


@layer(_LAZY_TRANSPOSED)
class LazyConvTranspose1d(_LazyConvXdMixin, ConvTranspose1d):
    """A ConvTranspose1d that takes `in_channels` from its first input."""

    cls_to_become = ConvTranspose1d


@layer(_LAZY_TRANSPOSED)
class LazyConvTranspose2d(_LazyConvXdMixin, ConvTranspose2d):
    """A ConvTranspose2d that takes `in_channels` from its first input."""

    cls_to_become = ConvTranspose2d


@layer(_LAZY_TRANSPOSED)
class LazyConvTranspose3d(_LazyConvXdMixin, ConvTranspose3d):
    """A ConvTranspose3d that takes `in_channels` from its first input."""

    cls_to_become = ConvTranspose3d
