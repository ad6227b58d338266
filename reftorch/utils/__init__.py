"""torch.utils."""
from .._lazy import lazy as _lazy
from . import hooks  # noqa: F401

__getattr__, __dir__ = _lazy(__name__, ("_pytree", "benchmark", "checkpoint", "data", "dlpack"))
