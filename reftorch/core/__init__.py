"""The compiled core and the notation for ops. It knows no op."""
from ._core import DTYPES, OPS, Size, T, Tensor, device, dtype, layout, memory_format
from .define import composite, op, primitive, view

__all__ = ["DTYPES", "OPS", "Size", "T", "Tensor", "composite", "device", "dtype", "layout", "memory_format", "op", "primitive", "view"]
