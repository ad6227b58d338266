"""The compiled core and the notation for ops. It knows no op."""
from ._core import OPS, DTYPES, Size, T, Tensor, device, dtype, layout, memory_format
from .define import composite, op, primitive, view
