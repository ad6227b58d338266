"""Windows as columns, and their sum back."""
from ._layer import layer
from .module import Module


@layer("kernel_size, dilation=1, padding=0, stride=1", "F.unfold(input; kernel_size, dilation, padding, stride)",
       shows="kernel_size dilation padding stride")
class Unfold(Module):
    """The windows of an image as columns; x (N, C, H, W) -> y (N, C kh kw, number of windows)."""


@layer("output_size, kernel_size, dilation=1, padding=0, stride=1", "F.fold(input; output_size, kernel_size, dilation, padding, stride)",
       shows="output_size kernel_size dilation padding stride")
class Fold(Module):
    """The sum of columns at their places in an image; x (N, C kh kw, number of windows) -> y (N, C, *output_size)."""
