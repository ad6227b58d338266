"""How linear_cross_entropy may split its work."""
from dataclasses import dataclass

from ...core import DTYPES, dtype

_CHUNKING = (None, "auto")
_ACCURACY = ("accurate", "balanced", "compact", "auto")
_DTYPES = tuple(DTYPES[name] for name in ("float16", "bfloat16", "float32", "float64"))


@dataclass(frozen=True)
class LinearCrossEntropyOptions:
    """Options of linear_cross_entropy; here the work is never split, and they change no value."""

    allow_retain_graph: bool = False
    batch_chunk_size: int | None = None
    chunking_method: str | None = "auto"
    acc_policy: str = "auto"
    acc_dtype: dtype | None = None

    def __post_init__(self):
        size = self.batch_chunk_size
        if size is not None and not (isinstance(size, int) and size > 0):
            raise ValueError(f"batch_chunk_size must be positive int or None, got {size}")
        if self.chunking_method not in _CHUNKING:
            raise ValueError(f"invalid chunking_method: {self.chunking_method!r}")
        if self.acc_policy not in _ACCURACY:
            raise ValueError(f"invalid acc_policy: {self.acc_policy!r}")
        if self.acc_dtype is not None and self.acc_dtype not in _DTYPES:
            allowed = ", ".join(map(str, (None, *_DTYPES)))
            raise ValueError(f"acc_dtype must be one of {{{allowed}}}, got {self.acc_dtype}. Pass acc_dtype=None to let the op pick automatically.")
