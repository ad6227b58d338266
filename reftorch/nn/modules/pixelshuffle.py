"""Channels as places, and back."""
from .. import functional as F
from .module import Module


class PixelShuffle(Module):
    """r^2 channels as blocks of r x r pixels, r = upscale_factor; x (*, C r^2, H, W) -> y (*, C, H r, W r); source: Shi et al. 2016."""

    __constants__ = ["upscale_factor"]

    def __init__(self, upscale_factor):
        super().__init__()
        self.upscale_factor = upscale_factor

    def forward(self, input):
        return F.pixel_shuffle(input, self.upscale_factor)

    def extra_repr(self):
        return f"upscale_factor={self.upscale_factor}"


class PixelUnshuffle(Module):
    """Blocks of r x r pixels as r^2 channels, r = downscale_factor; x (*, C, H r, W r) -> y (*, C r^2, H, W)."""

    __constants__ = ["downscale_factor"]

    def __init__(self, downscale_factor):
        super().__init__()
        self.downscale_factor = downscale_factor

    def forward(self, input):
        return F.pixel_unshuffle(input, self.downscale_factor)

    def extra_repr(self):
        return f"downscale_factor={self.downscale_factor}"
