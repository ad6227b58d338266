"""Copies and conversions: clone, copy_, contiguous, to and its kin; storages; facts about dtypes."""
import numpy as np

from ..core import DTYPES, T, Tensor, composite, memory_format, primitive, view
from ..core._core import (
    MEMORY_FORMATS,
    adopt,
    empty_permuted_like,
    replace_memory,
    restride,
    result_code,
    set_array,
    set_type_attribute,
    strided_view,
)
from ..core._core import can_cast as castable
from ..kernels.quick import move
from ._common import check_factory, not_implemented
from ._geometry import contiguous_strides, element_strides, extent, is_contiguous, memory_strides

CONTIGUOUS = MEMORY_FORMATS["contiguous_format"]
PRESERVE = MEMORY_FORMATS["preserve_format"]


def empty_in_format(like, dtype=None, memory_format=None):
    """An uninitialised array shaped as `like`, laid out as the memory format says; by default as `like` itself."""
    if memory_format is None or memory_format is PRESERVE:
        return empty_permuted_like(like, dtype)
    made = np.empty(like.shape, like.dtype if dtype is None else dtype.numpy)
    return made if memory_format is CONTIGUOUS else restride(made, made.shape, memory_strides(made.shape, memory_format))


@primitive("clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor",
           shown="| *, memory_format=torch.preserve_format", make="method", half=False, jvp="linear", quick="quick:clone", self=lambda grad: grad)
def clone(self, memory_format):
    """A copy, in the layout of the original unless `memory_format` says otherwise."""
    out = empty_in_format(self, None, memory_format)
    move(out, self)
    return out


@composite("contiguous(Tensor(a) self, *, MemoryFormat memory_format=contiguous_format) -> Tensor(a)", make="method", ns=None)
def contiguous(self, memory_format):
    """The tensor itself when it lies in memory in that order, else a copy that does."""
    array = self._array
    if memory_format is CONTIGUOUS:
        if array.flags.c_contiguous:
            return self
    elif memory_format is PRESERVE or is_in_format(array.shape, element_strides(array), memory_format):
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


@primitive("copy_(Tensor(a!) self, Tensor other, bool non_blocking=False) -> Tensor(a!)",
           shown="| src, non_blocking=False", make="method", ns=None, half=False, numbers=True,
           node="CopyBackwards", self=lambda grad: T.zeros_like(grad), other=lambda grad: grad)
def copy_(self, other):
    """Write `other`, broadcast and converted, to `self`."""
    src = np.asarray(other)
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


@composite("to.other(Tensor self, Tensor tensor, bool non_blocking=False, bool copy=False, *, MemoryFormat? memory_format=None) -> Tensor", make="method",
           ns=None)
def to_other(self, tensor, copy, memory_format):
    return convert(self, tensor.dtype, copy, memory_format)


@composite("type_as(Tensor self, Tensor other) -> Tensor", shown="| tensor", make="method", ns=None)
def type_as(self, other):
    """The tensor in the dtype of another."""
    return convert(self, other.dtype)


def _define_cast(name, dtype):
    @composite(f"{name}(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor", make="method", ns=None)
    def cast(self, memory_format):
        """The tensor in the dtype of that name."""
        return convert(self, dtype, False, memory_format)


for _dtype in DTYPES.values():
    for _name in (_dtype.alias, {"uint8": "byte", "int8": "char", "bool": "bool", "bfloat16": "bfloat16"}.get(_dtype.name)):
        if _name:
            _define_cast(_name, _dtype)


# ------------------------------------------------------------------ memory
def storage_array(t, dtype):
    """The whole storage of `t` as a flat array of a NumPy dtype."""
    count = t._storage.nbytes // t.itemsize
    return strided_view(t, (count,), (1,), 0).view(np.uint8)[:count * t.itemsize // dtype.itemsize * dtype.itemsize].view(dtype)


def show(t, size, strides, offset):
    """Let `t` show its storage with another geometry; the storage grows when that reaches beyond its end."""
    flat = storage_array(t, t.dtype.numpy)
    need = extent(size, strides, offset)
    if need > flat.size:
        grown = np.empty(need, flat.dtype)
        grown[:flat.size] = flat
        replace_memory(t, grown)
        flat = grown
    set_array(t, restride(flat, size, strides, offset))


@composite("resize_(Tensor(a!) self, SymInt[] size, *, MemoryFormat? memory_format=None) -> Tensor(a!)",
           shown="| *sizes, memory_format=torch.contiguous_format", make="method", ns=None)
def resize_(self, size, memory_format):
    """Another shape in place: keeps the elements in memory, adds uninitialised ones when it must."""
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    if any(n < 0 for n in size):
        raise RuntimeError("numel: integer multiplication overflow")
    if tuple(self.shape) != tuple(size) or memory_format is not None:
        show(self, size, memory_strides(size, memory_format), self.storage_offset())
        self._bump()
    return self


@composite("resize_as_(Tensor(a!) self, Tensor the_template, *, MemoryFormat? memory_format=None) -> Tensor(a!)",
           shown="| tensor, memory_format=torch.contiguous_format", make="method")
def resize_as_(self, the_template, memory_format):
    """`resize_` to the shape of another tensor."""
    return T.resize_(self, the_template.shape, memory_format=memory_format)


def set_memory(self, source=None, storage_offset=0, size=None, stride=()):
    """Take over the memory of a tensor or storage, as it lies or with the geometry given."""
    if source is None:
        source, size = T.empty((0,), dtype=self.dtype), (0,)
    if isinstance(source, Tensor):
        if source.dtype is not self.dtype:
            raise RuntimeError(f"Could not set tensor of type {_c_name(source.dtype)} to a tensor of type {_c_name(self.dtype)}")
        if size is None:
            size, stride, storage_offset = source.shape, source.stride(), source.storage_offset()
        holder = source
    else:
        holder = source._holder
        size = (source.nbytes() // self.itemsize,) if size is None else size
    dtype = self.dtype.numpy
    adopt(self, holder)
    set_array(self, storage_array(holder, dtype))
    show(self, size, stride or contiguous_strides(size), storage_offset)
    return self._array


def _define_set(*schemas, **rules):
    view(*schemas, shown="| source=None, storage_offset=0, size=None, stride=None", ns=None, node="NotImplemented", jvp=None, tensors=True,
         self=not_implemented("set_"), **rules)(set_memory)


_define_set("set_(Tensor(a!) self) -> Tensor(a!)")
_define_set("set_.source_Tensor(Tensor(a!) self, Tensor source) -> Tensor(a!)",
            "set_.source_Tensor_storage_offset(Tensor(a!) self, Tensor source, SymInt storage_offset, SymInt[] size, SymInt[] stride=[]) -> Tensor(a!)",
            "set_.source_Storage(Tensor(a!) self, any source) -> Tensor(a!)",
            "set_.source_Storage_storage_offset(Tensor(a!) self, any source, SymInt storage_offset, SymInt[] size, SymInt[] stride=[]) -> Tensor(a!)",
            source=not_implemented("set_"))


def _c_name(dtype):
    return {"float32": "float", "float64": "double", "int32": "int", "int64": "long int", "uint8": "unsigned char", "bool": "bool",
            "int16": "short int", "int8": "signed char"}.get(dtype.name, dtype.name)


# ------------------------------------------------------------------ facts
def is_contiguous_in(self, *, memory_format=CONTIGUOUS):
    """Whether the elements lie in memory in the order of the format."""
    if memory_format is CONTIGUOUS or memory_format is PRESERVE:
        return is_contiguous(self.shape, self.stride())
    return is_in_format(self.shape, self.stride(), memory_format)


def dim_order(self, *, ambiguity_check=False):
    """The dims from the outermost in memory to the innermost; RuntimeError on request when dims of size 1 or equal strides leave it open.

    A list of memory formats as `ambiguity_check` settles it when just one of them fits.
    """
    strides, formats = self.stride(), ambiguity_check
    if not isinstance(formats, bool) and not (isinstance(formats, list) and all(isinstance(f, memory_format) for f in formats)):
        raise TypeError("The ambiguity_check argument must be a bool or a list of memory formats.")
    if formats and (1 in self.shape or any(a == b for a, b in zip(strides, strides[1:], strict=False))):
        if formats is True or sum([self.is_contiguous(memory_format=f) for f in formats]) != 1:
            raise RuntimeError("The tensor does not have unique dim order, or cannot map to exact one of the given memory formats.")
    return tuple(sorted(range(self.dim()), key=lambda d: (-strides[d], d)))


is_contiguous_in.__name__ = "is_contiguous"
for _fact in (is_contiguous_in, dim_order):
    set_type_attribute(Tensor, _fact.__name__, _fact)


def _define_fact(name, get):
    composite(f"{name}(Tensor self) -> bool", make="" if hasattr(Tensor, name) else "method")(get)


for _name, _get in {"is_floating_point": lambda self: self.dtype.is_floating_point, "is_complex": lambda self: self.dtype.is_complex,
                    "is_signed": lambda self: self.dtype.is_signed, "is_inference": lambda self: self._is_inference,
                    "is_distributed": lambda self: False, "numel": lambda self: self.numel()}.items():
    _define_fact(_name, _get)


@composite("is_same_size(Tensor self, Tensor other) -> bool", make="method")
def is_same_size(self, other):
    """Whether two tensors have one shape."""
    return self.shape == other.shape


@composite("result_type.Tensor(Tensor tensor, Tensor other) -> ScalarType", "result_type.Scalar_Tensor(Scalar scalar, Tensor tensor) -> ScalarType",
           "result_type.Scalar(Tensor tensor, Scalar other) -> ScalarType", "result_type.Scalar_Scalar(Scalar scalar1, Scalar scalar2) -> ScalarType",
           shown="tensor1, tensor2")
def result_type(tensor=None, other=None, scalar=None, scalar1=None, scalar2=None):
    """The dtype that an op on the two would compute in."""
    return result_code(*[v for v in (tensor, other, scalar, scalar1, scalar2) if v is not None])


@composite("can_cast(ScalarType from_, ScalarType to) -> bool")
def can_cast(from_, to):
    """Whether PyTorch's casting rules allow a conversion."""
    return castable(from_, to)


@composite("to_dense(Tensor self, ScalarType? dtype=None) -> Tensor", shown="| dtype=None, *, masked_grad=True", make="method", ns=None)
def to_dense(self, dtype):
    """The tensor itself: all are dense."""
    return convert(self, dtype)


# ------------------------------------------------------------------ element by element
@composite("fill_diagonal_(Tensor(a!) self, Scalar fill_value, bool wrap=False) -> Tensor(a!)", make="method", ns=None)
def fill_diagonal_(self, fill_value, wrap):
    """Set the main diagonal; `wrap` goes on below it in tall matrices."""
    if self.dim() < 2:
        raise RuntimeError("dimensions must larger than 1")
    rows, columns = self.shape[0], self.shape[1]
    if self.dim() > 2 and any(n != rows for n in self.shape):
        raise RuntimeError("all dimensions of input must be of equal length")
    step = sum(self.stride())
    self.as_strided((min(self.shape),), (step,), self.storage_offset()).fill_(fill_value)
    if wrap and self.dim() == 2 and rows > columns + 1:
        # torch: a row is left free between two diagonals
        count = -(-rows * columns // (columns + 1)) - columns
        start = self.storage_offset() + self.stride(0) * (columns + 1)
        self.as_strided((count,), (step,), start).fill_(fill_value)
    return self


@composite("apply_(Tensor(a!) self, any callable) -> Tensor(a!)", make="method", ns=None)
def apply_(self, callable):
    """Replace every element by what a Python function gives for it."""
    if self.requires_grad:
        raise RuntimeError("Can't call apply_() on Variable that requires grad. Use var.detach().apply_() instead.")
    flat = self.detach().reshape(-1).tolist()
    cast_into(self._array, np.array([callable(v) for v in flat], self.dtype.numpy).reshape(self._array.shape))
    return self


@composite("map_(Tensor(a!) self, Tensor tensor, any callable) -> Tensor(a!)", make="method", ns=None)
def map_(self, tensor, callable):
    """Replace every element by what a Python function gives for it and that of another tensor."""
    pairs = zip(self.reshape(-1).tolist(), tensor.expand_as(self).reshape(-1).tolist(), strict=True)
    cast_into(self._array, np.array([callable(a, b) for a, b in pairs], self.dtype.numpy).reshape(self._array.shape))
    return self
