"""reftorch.backends.kernels: how the package's own kernels compute. PyTorch has no such module.

`winograd` says which convolutions of float32 may use Winograd's algorithms, which need fewer multiplications:
    "exact"   the default: F(2x4, 3x3) and F(2x2, 5x5), whose results are at most twice as far from the true ones as PyTorch's
    "fast"    all: F(4x4, 3x3) is up to a tenth faster and rounds twice as coarsely again (relative to the largest result, 2e-6 at most on common
              layers); under `use_deterministic_algorithms` it is not used
    "off"     none

Numbers of very different size that are neighbours in an image share their rounding. Images with Inf or NaN are always summed plainly,
and so is everything on x86 processors without AVX2.

`empty_cache()` gives the memory that is kept for further large arrays back to the system.
"""
import sys
from types import ModuleType

from ..kernels import conv
from ..kernels.memory import empty_cache  # noqa: F401


class _Switches(ModuleType):
    """A module whose attribute is a property."""

    @property
    def winograd(self):
        """The level that was set."""
        return conv.get_winograd()

    @winograd.setter
    def winograd(self, level):
        if level not in conv.LEVELS:
            raise ValueError(f"winograd is one of {', '.join(conv.LEVELS)}, not {level!r}")
        conv.set_winograd(level)


sys.modules[__name__].__class__ = _Switches
