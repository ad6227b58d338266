"""Values around the last dims: (left, right), then top and bottom, then front and back."""
from .. import functional as F
from .module import Module
from .utils import _ntuple, _own_init, _pair, _quadruple

_six = _ntuple(6)


class _PadNd(Module):
    """F.pad in a fixed mode; `padding` has two numbers a dim."""

    __constants__ = ["padding"]
    _mode = "constant"

    def forward(self, input):
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self):
        return f"{self.padding}"


class _Pad1d(_PadNd):
    def __init__(self, padding):
        super().__init__()
        self.padding = _pair(padding)


class _Pad2d(_PadNd):
    def __init__(self, padding):
        super().__init__()
        self.padding = _quadruple(padding)


class _Pad3d(_PadNd):
    def __init__(self, padding):
        super().__init__()
        self.padding = _six(padding)


class _CircularPadNd(_PadNd):
    _mode = "circular"

    def _check_dims(self, input, *wanted):
        if input.dim() not in wanted:
            raise ValueError(f"expected {wanted[0]}D or {wanted[1]}D input (got {input.dim()}D input)")

    def _check_input_dim(self, input):
        raise NotImplementedError

    def forward(self, input):
        self._check_input_dim(input)
        return super().forward(input)


@_own_init
class CircularPad1d(_CircularPadNd, _Pad1d):
    """The input repeated around itself; x (N, C, L) or (C, L)."""

    def _check_input_dim(self, input):
        self._check_dims(input, 2, 3)


@_own_init
class CircularPad2d(_CircularPadNd, _Pad2d):
    """The input repeated around itself; x (N, C, H, W) or (C, H, W)."""

    def _check_input_dim(self, input):
        self._check_dims(input, 3, 4)


@_own_init
class CircularPad3d(_CircularPadNd, _Pad3d):
    """The input repeated around itself; x (N, C, D, H, W) or (C, D, H, W)."""

    def _check_input_dim(self, input):
        self._check_dims(input, 4, 5)


class _ConstantPadNd(Module):
    __constants__ = ["padding", "value"]

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self):
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPadNd):
    """`value` around the last dim."""

    def __init__(self, padding, value):
        super().__init__(value)
        self.padding = _pair(padding)


class ConstantPad2d(_ConstantPadNd):
    """`value` around the last two dims."""

    def __init__(self, padding, value):
        super().__init__(value)
        self.padding = _quadruple(padding)


class ConstantPad3d(_ConstantPadNd):
    """`value` around the last three dims."""

    def __init__(self, padding, value):
        super().__init__(value)
        self.padding = _six(padding)


class ZeroPad1d(ConstantPad1d):
    """Zeros around the last dim."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    extra_repr = _PadNd.extra_repr


class ZeroPad2d(ConstantPad2d):
    """Zeros around the last two dims."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    extra_repr = _PadNd.extra_repr


class ZeroPad3d(ConstantPad3d):
    """Zeros around the last three dims."""

    def __init__(self, padding):
        super().__init__(padding, 0.0)

    extra_repr = _PadNd.extra_repr


class _ReflectionPadNd(_PadNd):
    _mode = "reflect"


@_own_init
class ReflectionPad1d(_ReflectionPadNd, _Pad1d):
    """The input mirrored at its ends, which are not repeated; x (N, C, L) or (C, L)."""


@_own_init
class ReflectionPad2d(_ReflectionPadNd, _Pad2d):
    """The input mirrored at its edges, which are not repeated; x (N, C, H, W) or (C, H, W)."""


@_own_init
class ReflectionPad3d(_ReflectionPadNd, _Pad3d):
    """The input mirrored at its faces, which are not repeated; x (N, C, D, H, W) or (C, D, H, W)."""


class _ReplicationPadNd(_PadNd):
    _mode = "replicate"


@_own_init
class ReplicationPad1d(_ReplicationPadNd, _Pad1d):
    """The end values repeated; x (N, C, L) or (C, L)."""


@_own_init
class ReplicationPad2d(_ReplicationPadNd, _Pad2d):
    """The edge values repeated; x (N, C, H, W) or (C, H, W)."""


@_own_init
class ReplicationPad3d(_ReplicationPadNd, _Pad3d):
    """The face values repeated; x (N, C, D, H, W) or (C, D, H, W)."""
