"""torch.fft: discrete Fourier transforms, bound from the ops that state this namespace."""
from .core import Tensor  # noqa: F401
from .core.bind import bind as _bind

_bind("fft", globals())
