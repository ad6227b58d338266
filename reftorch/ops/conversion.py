"""Copies and conversions: clone, copy_, contiguous, to and its kin; storages; facts about dtypes."""
import numpy as np

from ..core import T, composite, primitive
from ..core._core import MEMORY_FORMATS, empty_permuted_like, restride
from ._common import check_factory
from ._geometry import element_strides, is_contiguous, memory_strides

CONTIGUOUS = MEMORY_FORMATS["contiguous_format"]
PRESERVE = MEMORY_FORMATS["preserve_format"]


def empty_in_format(like, dtype=None, memory_format=None):
    """An uninitialised array shaped as `like`, laid out as the memory format says; by default as `like` itself."""
    if memory_format is None or memory_format is PRESERVE:
        return empty_permuted_like(like, dtype)
    made = np.empty(like.shape, like.dtype if dtype is None else dtype.numpy)
    return made if memory_format is CONTIGUOUS else restride(made, made.shape, memory_strides(made.shape, memory_format))


@primitive("clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor", make="method", half=False, jvp="linear", self=lambda grad: grad)
def clone(self, memory_format):
    """A copy, in the layout of the original unless `memory_format` says otherwise."""
    out = empty_in_format(self, None, memory_format)
    np.copyto(out, self)
    return out


@composite("contiguous(Tensor(a) self, *, MemoryFormat memory_format=contiguous_format) -> Tensor(a)", make="method", ns=None)
def contiguous(self, memory_format):
    """The tensor itself when it lies in memory in that order, else a copy that does."""
    array = self._array
    if memory_format is CONTIGUOUS:
        if array.flags.c_contiguous:
            return self
    elif memory_format is PRESERVE:
        raise RuntimeError("preserve memory format is unsupported by the contiguous operator")
    elif is_in_format(array.shape, element_strides(array), memory_format):
        return self
    return self.clone(memory_format=memory_format)


def is_in_format(shape, strides, memory_format):
    """Whether that geometry is in the memory format."""
    if memory_format is CONTIGUOUS:
        return is_contiguous(shape, strides)
    ndim = 4 if memory_format.name == "channels_last" else 5
    if len(shape) != ndim:
        return False
    order = [0, *range(2, ndim), 1]
    return is_contiguous([shape[d] for d in order], [strides[d] for d in order])


def cast_into(dest, source):
    """Write `source` to `dest`, converting as C does and broadcasting."""
    if source.dtype.kind == "c" and dest.dtype.kind not in "cb":
        source = source.real
    np.copyto(dest, source, casting="unsafe")


@primitive("copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)", make="method", ns=None, half=False, node="CopyBackwards",
           self=lambda grad: T.zeros_like(grad), src=lambda grad: grad)
def copy_(self, src):
    """Write `src`, broadcast and converted, to `self`."""
    if src.ndim > self.ndim or any(m not in (1, n) for n, m in zip(reversed(self.shape), reversed(src.shape), strict=False)):
        raise_no_copy(self, src)
    cast_into(self, src)
    return self


def raise_no_copy(self, src):
    """torch's error for shapes that do not fit."""
    if src.ndim > self.ndim:
        shape = tuple(max(n, m) for n, m in zip((1,) * (src.ndim - self.ndim) + self.shape, src.shape, strict=True))
        raise RuntimeError(f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(shape)}")
    lead = self.ndim - src.ndim
    for i in range(self.ndim - 1, lead - 1, -1):
        n, m = self.shape[i], src.shape[i - lead]
        if m not in (1, n):
            raise RuntimeError(f"The size of tensor a ({n}) must match the size of tensor b ({m}) at non-singleton dimension {i}")


@primitive("_to_copy(Tensor self, *, ScalarType? dtype=None, MemoryFormat? memory_format=None) -> Tensor", ns=None, half=False, node="ToCopyBackward0",
           jvp="linear", self=lambda grad, self_dtype: grad.to(self_dtype))
def _to_copy(self, dtype, memory_format):
    """A copy in another dtype."""
    out = empty_in_format(self, dtype, memory_format)
    cast_into(out, self)
    return out


def convert(self, dtype=None, copy=False, memory_format=None):
    """The tensor in another dtype: itself when nothing changes, unless `copy`."""
    if (dtype is None or dtype is self.dtype) and not copy and (memory_format is None or memory_format is PRESERVE
                                                                 or is_in_format(self.shape, self.stride(), memory_format)):
        return self
    return T._to_copy(self, dtype=dtype, memory_format=memory_format)


@composite("to(Tensor self, Device? device=None, ScalarType? dtype=None, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None)"
           " -> Tensor", make="method", ns=None)
def to(self, device, dtype, copy, memory_format):
    """The tensor in another dtype: itself when nothing changes, unless `copy`."""
    check_factory(None, device, None)
    return convert(self, dtype, copy, memory_format)


@composite("to.dtype(Tensor self, ScalarType dtype, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None) -> Tensor",
           make="method", ns=None)
def to_dtype(self, dtype, copy, memory_format):
    return convert(self, dtype, copy, memory_format)


@composite("to.other(Tensor self, Tensor other, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None) -> Tensor", make="method",
           ns=None)
def to_other(self, other, copy, memory_format):
    return convert(self, other.dtype, copy, memory_format)
