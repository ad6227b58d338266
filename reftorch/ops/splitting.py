"""Views that cut a tensor into several."""
import itertools

from ..core import DTYPES, T, composite, primitive
from ..core._core import normalize_dim, restride
from ._geometry import element_strides
from ._views import view_and_copy


def pieces(self, sizes, dim):
    """Arrays of neighbouring slices of these lengths."""
    shape, strides, at, out = list(self.shape), element_strides(self), 0, []
    for n in sizes:
        shape[dim] = n
        out.append(restride(self, shape, strides, at * strides[dim]))
        at += n
    return out


def even_sizes(n, size):
    """Lengths of the pieces of a dim of length `n` cut every `size`."""
    if size < 0:
        raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
    if size == 0:
        if n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        return [0]
    return [min(size, n - at) for at in range(0, n, size)] or [0]


def split_even(self, split_size, dim):
    """Arrays of `split_size` slices each, the last what is left."""
    if self.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, self.ndim)
    return pieces(self, even_sizes(self.shape[dim], split_size), dim)


def split_sizes_of(self, split_sizes, dim):
    """Arrays of as many slices as each of `split_sizes` says."""
    if self.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    dim = normalize_dim(dim, self.ndim)
    for n in split_sizes:
        if n < 0:
            raise RuntimeError(f"split_with_sizes expects split_sizes have only non-negative entries, but got split_sizes={list(split_sizes)}")
    if sum(split_sizes) != self.shape[dim]:
        raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {self.shape[dim]} (input tensor's size at dimension {dim}), "
                           f"but got split_sizes={list(split_sizes)}")
    return pieces(self, split_sizes, dim)


def join_grads(grads, shape, dtype, sizes, dim):
    """The gradient of a split: the pieces' gradients side by side, zeros for those that got none."""
    dim = normalize_dim(dim, len(shape))
    parts = [T.zeros((*shape[:dim], n, *shape[dim + 1:]), dtype=dtype) if g is None else g for g, n in zip(grads, sizes, strict=True)]
    return T.cat(parts, dim)


def _split_rule(grads, self_shape, self_dtype, split_size, dim):
    return join_grads(grads, self_shape, self_dtype, even_sizes(self_shape[dim], split_size), dim)


def _split_sizes_rule(grads, self_shape, self_dtype, split_sizes, dim):
    return join_grads(grads, self_shape, self_dtype, split_sizes, dim)


@view_and_copy("split.Tensor(Tensor(a) self, SymInt split_size, int dim=0) -> Tensor(a)[]", ns=None, self=_split_rule)
def split_tensor(self, split_size, dim):
    """Pieces of `split_size` slices, the last what is left."""
    return split_even(self, split_size, dim)


@composite("split.sizes(Tensor(a) self, SymInt[] split_size, int dim=0) -> Tensor(a)[]", make="method")
def split_list(self, split_size, dim):
    return T.split_with_sizes(self, split_size, dim)


@view_and_copy("split_with_sizes(Tensor(a) self, SymInt[] split_sizes, int dim=0) -> Tensor(a)[]", self=_split_sizes_rule)
def split_with_sizes(self, split_sizes, dim):
    """Pieces of the given lengths."""
    return split_sizes_of(self, split_sizes, dim)


@primitive("unsafe_split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]",
           shown="tensor, split_size_or_sections, dim=0 | split_size, dim=0", make="method", half=False, shares=True, jvp="linear",
           self=_split_rule)
def unsafe_split(self, split_size, dim):
    """`split` without the results being known as views."""
    return split_even(self, split_size, dim)


@primitive("unsafe_split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]", make="method", half=False, shares=True, jvp="linear",
           self=_split_sizes_rule)
def unsafe_split_with_sizes(self, split_sizes, dim):
    """`split_with_sizes` without the results being known as views."""
    return split_sizes_of(self, split_sizes, dim)


def _chunk(self, chunks, dim, by_size, by_sizes):
    if self.dim() == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = self.size(dim)
    size = -(-n // chunks)
    # torch: an empty dim still gives the number of chunks asked for
    return by_sizes(self, (0,) * chunks, dim) if n == 0 else by_size(self, size, dim)


@composite("chunk(Tensor(a) self, int chunks, int dim=0) -> Tensor(a)[]", make="method")
def chunk(self, chunks, dim):
    """At most `chunks` pieces of equal length, the last what is left."""
    return _chunk(self, chunks, dim, T.split, T.split_with_sizes)


@composite("unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]", make="method")
def unsafe_chunk(self, chunks, dim):
    """`chunk` without the results being known as views."""
    return _chunk(self, chunks, dim, T.unsafe_split, T.unsafe_split_with_sizes)


def _cut(self, points, dim):
    bounds = [0, *points, None]
    return tuple(T.slice(self, dim, a, b, 1) for a, b in itertools.pairwise(bounds))


@composite("tensor_split.sections(Tensor(a) self, SymInt sections, int dim=0) -> Tensor(a)[]", shown="| indices_or_sections, dim=0", make="method")
def tensor_split(self, sections, dim):
    """`sections` pieces, the first of them longer by one; or cut at indices."""
    if self.dim() == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    dim = normalize_dim(dim, self.dim())
    if sections <= 0:
        raise RuntimeError(f"number of sections must be larger than 0, got {sections}")
    size, longer = divmod(self.size(dim), sections)
    return _cut(self, [i * size + min(i, longer) for i in range(1, sections)], dim)


@composite("tensor_split.indices(Tensor(a) self, SymInt[] indices, int dim=0) -> Tensor(a)[]", make="method")
def tensor_split_indices(self, indices, dim):
    if self.dim() == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor, but got a tensor with 0 dims")
    return _cut(self, indices, normalize_dim(dim, self.dim()))


@composite("tensor_split.tensor_indices_or_sections(Tensor(a) self, Tensor tensor_indices_or_sections, int dim=0) -> Tensor(a)[]", make="method")
def tensor_split_tensor(self, tensor_indices_or_sections, dim):
    at = tensor_indices_or_sections
    if at.dtype is not DTYPES["int64"]:
        raise RuntimeError(f"tensor_split expected tensor_indices_or_sections to have dtype of long, but got {at.dtype.type_name}")
    if at.dim() > 1:
        raise RuntimeError("tensor_split expected tensor_indices_or_sections to be a zero-dimensional or one-dimensional tensor, but got a tensor with "
                           f"{at.dim()} dims")
    return T.tensor_split(self, at.tolist(), dim)


def _define_nd_split(name, least, axis):
    """`hsplit` and its like: `tensor_split` along one axis, into equal parts when given a number."""

    def check(self):
        if self.dim() < least:
            raise RuntimeError(f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {self.dim()} dimensions!")
        return axis if self.dim() > 1 else 0

    @composite(f"{name}.int(Tensor(a) self, int sections) -> Tensor(a)[]", shown="input, indices_or_sections | split_size_or_sections", make="method")
    def into_sections(self, sections):
        """Equal parts, or cuts at indices, along the axis of NumPy's function of that name."""
        dim = check(self)
        if sections == 0 or self.size(dim) % sections:
            raise RuntimeError(f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {self.size(dim)} is not divisible "
                               f"by the split_size {sections}!")
        return T.tensor_split(self, sections, dim)

    @composite(f"{name}.array(Tensor(a) self, int[] indices) -> Tensor(a)[]", make="method")
    def at_indices(self, indices):
        return T.tensor_split(self, indices, check(self))


_define_nd_split("hsplit", 1, 1)
_define_nd_split("vsplit", 2, 0)
_define_nd_split("dsplit", 3, 2)


def _unbind_rule(grads, self_shape, self_dtype, dim):
    dim = normalize_dim(dim, len(self_shape))
    rest = (*self_shape[:dim], *self_shape[dim + 1:])
    return T.stack([T.zeros(rest, dtype=self_dtype) if g is None else g for g in grads], dim)


@view_and_copy("unbind.int(Tensor(a) self, int dim=0) -> Tensor(a)[]", self=_unbind_rule)
def unbind(self, dim):
    """The slices along a dim, without that dim."""
    if self.ndim == 0:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    dim = normalize_dim(dim, self.ndim)
    shape, strides = list(self.shape), element_strides(self)
    n, step = shape.pop(dim), strides.pop(dim)
    return [restride(self, shape, strides, i * step) for i in range(n)]
