"""Channels as places, and back."""
from ._layer import layer
from .module import Module


@layer("upscale_factor", "F.pixel_shuffle(input; upscale_factor)", shows="upscale_factor")
class PixelShuffle(Module):
    """r^2 channels as blocks of r x r pixels, r = upscale_factor; x (*, C r^2, H, W) -> y (*, C, H r, W r); source: Shi et al. 2016."""


@layer("downscale_factor", "F.pixel_unshuffle(input; downscale_factor)", shows="downscale_factor")
class PixelUnshuffle(Module):
    """Blocks of r x r pixels as r^2 channels, r = downscale_factor; x (*, C, H r, W r) -> y (*, C r^2, H, W)."""
