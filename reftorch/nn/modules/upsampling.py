"""Resizing."""
from ._layer import layer
from .module import Module


@layer("size=None, scale_factor=None, mode='nearest', align_corners=None, recompute_scale_factor=None",
       "F.interpolate(input; size, scale_factor, mode, align_corners, recompute_scale_factor=)",
       constants="size scale_factor mode align_corners name recompute_scale_factor")
class Upsample(Module):
    """Resizes to `size` or by `scale_factor`, between the input's values as `mode` says; x (N, C, L), (N, C, H, W) or (N, C, D, H, W)."""

    def _post_init(self):
        self.name = type(self).__name__
        factor = self.scale_factor
        self.scale_factor = tuple(map(float, factor)) if isinstance(factor, tuple) else float(factor) if factor else None

    def __setstate__(self, state):
        state.setdefault("recompute_scale_factor", True)         # the rule of before 1.6
        super().__setstate__(state)

    def extra_repr(self):
        amount = f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={self.scale_factor!r}"
        return f"{amount}, mode={self.mode!r}"


class UpsamplingNearest2d(Upsample):
    """Upsample of images to the nearest value; x (N, C, H, W) -> y (N, C, H', W')."""

    def __init__(self, size=None, scale_factor=None):
        super().__init__(mode="nearest", size=size, scale_factor=scale_factor)


class UpsamplingBilinear2d(Upsample):
    """Upsample of images, linear in both directions with corners aligned; x (N, C, H, W) -> y (N, C, H', W')."""

    def __init__(self, size=None, scale_factor=None):
        super().__init__(mode="bilinear", align_corners=True, size=size, scale_factor=scale_factor)
