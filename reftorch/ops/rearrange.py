"""Joining, repeating, turning round: new tensors with the elements of others."""
import functools

import numpy as np

from ..core import DTYPES, T, composite, primitive
from ..core._core import MEMORY_FORMATS, dtype_of_array, normalize_dim, promote_types, restride
from ._common import broadcast_shapes, check_factory, type_name, unique_dims
from ._geometry import channels_last_strides, element_strides
from ._views import diagonal_of, ordered

CONTIGUOUS = MEMORY_FORMATS["contiguous_format"]


# ------------------------------------------------------------------ joining
def common_dtype(arrays):
    """The NumPy dtype that holds the elements of all arrays."""
    first = arrays[0].dtype
    if all(a.dtype == first for a in arrays):
        return first
    return functools.reduce(promote_types, map(dtype_of_array, arrays)).numpy


def skipped(shape):
    """torch: cat leaves out tensors of shape (0,) whatever the shape of the others."""
    return tuple(shape) == (0,)


def _cat_rule(grad, tensors_shape, dim):
    full = [s for s in tensors_shape if not skipped(s)]
    out, at = [], 0
    dim = normalize_dim(dim, len(full[0]) if full else 1)
    for shape in tensors_shape:
        if skipped(shape):
            out.append(grad.new_zeros((0,)))
            continue
        out.append(T.slice(grad, dim, at, at + shape[dim], 1))
        at += shape[dim]
    return out


def check_cat(arrays, dim):
    """The arrays to be joined and their axis, or torch's error."""
    if not arrays:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, a in enumerate(arrays):
        if a.ndim == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    full = [(i, a) for i, a in enumerate(arrays) if not skipped(a.shape)]
    if not full:
        return arrays, 0
    first = full[0][1]
    dim = normalize_dim(dim, first.ndim)
    for i, a in full[1:]:
        if a.ndim != first.ndim:
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.ndim} and {a.ndim}")
        for d in range(a.ndim):
            if d != dim and a.shape[d] != first.shape[d]:
                raise RuntimeError(f"Sizes of tensors must match except in dimension {dim}. Expected size {first.shape[d]} but got size {a.shape[d]} for "
                                   f"tensor number {i} in the list.")
    return [a for _, a in full], dim


def channels_last(a):
    """The name of the channels-last format that an array of images is in, None when it is row-major or neither."""
    name = {4: "channels_last", 5: "channels_last_3d"}.get(a.ndim)
    if name is None or a.flags.c_contiguous:
        return None
    return name if element_strides(a) == channels_last_strides(a.shape, name) else None


@primitive("cat(Tensor[] tensors, int dim=0) -> Tensor", make="out casts", half=False, jvp="linear", quick="quick:cat", tensors=_cat_rule)
def cat(tensors, dim):
    """Tensors side by side along a dim, in their common dtype."""
    dtype = common_dtype(tensors) if tensors else None
    arrays, dim = check_cat(tensors, dim)
    formats = {channels_last(a) for a in arrays}
    out = None
    if formats != {None} and len(formats) == 1:
        shape = list(arrays[0].shape)
        shape[dim] = sum(a.shape[dim] for a in arrays)
        out = np.empty(shape, dtype)
        out = restride(out, shape, channels_last_strides(shape, formats.pop()))
        return np.concatenate(arrays, dim, out=out, casting="unsafe")
    return np.ascontiguousarray(np.concatenate(arrays, dim, dtype=dtype, casting="unsafe"))


cat.apart = True


for _name, _shown in (("concat", None), ("concatenate", "tensors, axis=0, out=None")):
    composite(f"{_name}(Tensor[] tensors, int dim=0) -> Tensor", shown=_shown, make="out")(lambda tensors, dim: T.cat(tensors, dim))


@primitive("stack(Tensor[] tensors, int dim=0) -> Tensor", make="out casts", half=False, jvp="linear", tensors=lambda grad, dim: grad.unbind(dim))
def stack(tensors, dim):
    """Tensors of one shape side by side along a new dim."""
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    first = tensors[0]
    dim = normalize_dim(dim, first.ndim + 1)
    for i, a in enumerate(tensors):
        if a.shape != first.shape:
            raise RuntimeError(f"stack expects each tensor to be equal size, but got {list(first.shape)} at entry 0 and {list(a.shape)} at entry {i}")
    return np.ascontiguousarray(np.stack(tensors, dim, dtype=common_dtype(tensors), casting="unsafe"))


def _nonempty(tensors, name):
    if not tensors:
        raise RuntimeError(f"{name} expects a non-empty TensorList")


@composite("hstack(Tensor[] tensors) -> Tensor", make="out")
def hstack(tensors):
    """Tensors side by side along dim 1; 1-dim tensors along dim 0."""
    _nonempty(tensors, "hstack")
    tensors = T.atleast_1d(tensors)
    return T.cat(tensors, 0 if tensors[0].dim() == 1 else 1)


def _vstack(tensors):
    """Tensors on top of each other; 1-dim tensors count as rows."""
    _nonempty(tensors, "vstack")
    return T.cat(T.atleast_2d(tensors), 0)


for _name in ("vstack", "row_stack"):
    composite(f"{_name}(Tensor[] tensors) -> Tensor", make="out")(_vstack)


@composite("dstack(Tensor[] tensors) -> Tensor", make="out")
def dstack(tensors):
    """Tensors side by side along dim 2."""
    _nonempty(tensors, "dstack")
    return T.cat(T.atleast_3d(tensors), 2)


@composite("column_stack(Tensor[] tensors) -> Tensor", make="out")
def column_stack(tensors):
    """Tensors side by side along dim 1; those of one dim or none count as columns."""
    _nonempty(tensors, "column_stack")
    return T.cat([x if x.dim() > 1 else x.reshape(x.numel(), 1) for x in tensors], 1)


def _widen(x, least):
    """The tensor with dims of size 1 added as NumPy's atleast_nd does."""
    if x.dim() >= least:
        return x
    if x.dim() == 0:
        return x.reshape((1,) * least)
    if least == 2:
        return x.unsqueeze(0)
    return x.unsqueeze(0).unsqueeze(-1) if x.dim() == 1 else x.unsqueeze(-1)


def _define_atleast(least):
    @composite(f"atleast_{least}d(Tensor self) -> Tensor", ns=None)
    def one(self):
        """At least so many dims, new ones of size 1."""
        return _widen(self, least)

    @composite(f"atleast_{least}d.Sequence(Tensor[] tensors) -> Tensor[]", ns=None)
    def several(tensors):
        return tuple(_widen(x, least) for x in tensors)


for _n in (1, 2, 3):
    _define_atleast(_n)


def _block_diag_rule(grad, tensors_shape):
    out, row, column = [], 0, 0
    for shape in tensors_shape:
        rows, columns = ((1, 1), (1, *shape), tuple(shape))[len(shape)]
        out.append(T.slice(T.slice(grad, 0, row, row + rows), 1, column, column + columns).reshape(shape))
        row, column = row + rows, column + columns
    return out


@primitive("block_diag(Tensor[] tensors) -> Tensor", ns=None, half=False, jvp="linear", tensors=_block_diag_rule)
def block_diag(tensors):
    """Matrices along the diagonal of one."""
    for i, a in enumerate(tensors):
        if a.ndim > 2:
            raise RuntimeError(f"torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {a.ndim} dimensions")
    if not tensors:
        return np.empty((1, 0), np.float32)
    blocks = [np.atleast_2d(a) for a in tensors]
    out = np.zeros((sum(b.shape[0] for b in blocks), sum(b.shape[1] for b in blocks)), common_dtype(tensors))
    row = column = 0
    for b in blocks:
        out[row:row + b.shape[0], column:column + b.shape[1]] = b
        row, column = row + b.shape[0], column + b.shape[1]
    return out


# ------------------------------------------------------------------ grids
@composite("broadcast_tensors(Tensor[] tensors) -> Tensor[]", ns=None)
def broadcast_tensors(tensors):
    """Views of the tensors in their common shape."""
    shape = functools.reduce(broadcast_shapes, [tuple(x.shape) for x in tensors], ())
    return tuple(x if tuple(x.shape) == shape else x.expand(shape) for x in tensors)


@composite("meshgrid.indexing(Tensor[] tensors, *, str indexing) -> Tensor[]", ns=None)
def meshgrid(tensors, indexing):
    """Coordinates of a grid: a tensor for each 1-dim input, constant along the dims of the others."""
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing not in ("xy", "ij"):
        raise RuntimeError(f"torch.meshgrid: indexing must be one of \"xy\" or \"ij\", but received: {indexing}")
    swap = indexing == "xy" and len(tensors) >= 2
    order = [tensors[1], tensors[0], *tensors[2:]] if swap else list(tensors)
    if any(x.dtype is not order[0].dtype for x in order):
        raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    for x in order:
        if x.dim() > 1:
            raise RuntimeError(f"torch.meshgrid: Expected 0D or 1D tensor in the tensor list but got: {x}")
    shape = [x.numel() for x in order]
    grids = [x.view([-1 if d == i else 1 for d in range(len(shape))]).expand(shape) for i, x in enumerate(order)]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


@composite("cartesian_prod(Tensor[] tensors) -> Tensor", ns=None)
def cartesian_prod(tensors):
    """Every choice of one element from each tensor, a row each."""
    for x in tensors:
        if x.dim() != 1:
            raise RuntimeError(f"Expect a 1D vector, but got shape {list(x.shape)}")
    if len(tensors) == 1:
        return tensors[0]
    return T.stack([g.flatten() for g in T.meshgrid(tensors, indexing="ij")], 1)


@composite("combinations(Tensor self, int r=2, bool with_replacement=False) -> Tensor")
def combinations(self, r, with_replacement):
    """Every choice of `r` elements, in order, a row each."""
    if self.dim() != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(self.shape)}")
    if r < 0:
        raise RuntimeError(f"Expect a non-negative number, but got {r}")
    if r == 0:
        return self.new_empty((0,))
    n = self.numel()
    places = np.indices((n,) * r)
    ordered = places[:-1] <= places[1:] if with_replacement else places[:-1] < places[1:]
    mask = T.from_numpy(np.ascontiguousarray(ordered.all(0)) if r > 1 else np.ones((n,), bool))
    return T.stack([g.masked_select(mask) for g in T.meshgrid([self] * r, indexing="ij")], 1)


@composite("vander(Tensor x, int? N=None, bool increasing=False) -> Tensor")
def vander(x, N, increasing):
    """Powers of a vector: `out[i, j] = x[i] ** (N - 1 - j)`, or `x[i] ** j`."""
    if x.dim() != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    columns = x.numel() if N is None else N
    if columns < 0:
        raise RuntimeError("N must be non-negative.")
    whole = not (x.dtype.is_floating_point or x.dtype.is_complex)
    out = x.new_empty((x.numel(), columns), dtype=DTYPES["int64"] if whole else x.dtype)
    if columns > 0:
        out.select(1, 0).fill_(1)
    if columns > 1:
        T.slice(out, 1, 1).copy_(x.unsqueeze(1))
        T.slice(out, 1, 1).copy_(T.cumprod(T.slice(out, 1, 1), 1))
    return out if increasing else out.flip(1)


# ------------------------------------------------------------------ repeating
def _repeat_rule(grad, repeats, self_shape):
    lead = len(repeats) - len(self_shape)
    if 0 in repeats:
        return grad.new_zeros(self_shape)
    grad = grad.sum(tuple(range(lead))) if lead else grad
    shape, dims = [], []
    for r, n in zip(repeats[lead:], self_shape, strict=True):
        if r != 1:
            dims.append(len(shape))
            shape.append(r)
        shape.append(n)
    return grad.reshape(shape).sum(dims) if dims else grad


@primitive("repeat(Tensor self, SymInt[] repeats) -> Tensor", shown="| *repeats", make="method", ns=None, half=False, jvp="linear", self=_repeat_rule)
def repeat(self, repeats):
    """The tensor over and over: `repeats[d]` times along dim d."""
    if len(repeats) < self.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    shape = (1,) * (len(repeats) - self.ndim) + self.shape
    if any(r < 0 for r in repeats):
        size = [r * n for r, n in zip(repeats, shape, strict=True)]
        raise RuntimeError(f"Trying to create tensor with negative dimension {next(n for n in size if n < 0)}: {size}")
    return np.tile(self, repeats)


@composite("tile(Tensor self, SymInt[] dims) -> Tensor", make="method")
def tile(self, dims):
    """`repeat`, with missing leading numbers taken as 1."""
    return self.repeat((1,) * (self.dim() - len(dims)) + tuple(dims))


@primitive("repeat_interleave.Tensor(Tensor repeats, *, SymInt? output_size=None) -> Tensor",
           shown="| repeats, dim=None, *, output_size=None", make="method", nograd=True)
def repeat_interleave(repeats, output_size):
    """Each element, or slice along `dim`, several times; alone, the index that many times."""
    if repeats.ndim != 1:
        raise RuntimeError("repeat_interleave only accept 1D vector as repeat")
    if repeats.dtype not in (np.int64, np.int32):
        raise NotImplementedError(f"\"repeat_interleave_cpu\" not implemented for '{type_name(repeats)}'")
    if (repeats < 0).any():
        raise RuntimeError("repeats can not be negative")
    if output_size is not None and output_size != repeats.sum():
        raise RuntimeError("allocated size does not match required size")
    return np.repeat(np.arange(len(repeats), dtype=repeats.dtype), repeats)


def _flat(self, dim):
    return (self.flatten(), 0) if dim is None or self.dim() == 0 else (self, normalize_dim(dim, self.dim()))


@composite("repeat_interleave.self_Tensor(Tensor self, Tensor repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor", make="method")
def repeat_interleave_tensor(self, repeats, dim, output_size):
    given = dim
    self, dim = _flat(self, dim)
    if repeats.dim() == 0 or (repeats.dim() == 1 and repeats.numel() == 1):
        repeats = repeats.reshape(1).expand(self.size(dim))
    elif repeats.dim() == 1:
        if repeats.numel() != self.size(dim):
            raise RuntimeError("repeats must have the same size as input along dim, but got repeats.size(0) = "
                               f"{repeats.numel()} and input.size({0 if given is None else dim}) = {self.size(dim)}")
    else:
        raise RuntimeError("repeats must be 0-dim or 1-dim tensor")
    return self.index_select(dim, T.repeat_interleave(repeats, output_size=output_size))


@composite("repeat_interleave.self_int(Tensor self, SymInt repeats, int? dim=None, *, SymInt? output_size=None) -> Tensor", make="method")
def repeat_interleave_int(self, repeats, dim, output_size):
    self, dim = _flat(self, dim)
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    shape = list(self.shape)
    wide = self.unsqueeze(dim + 1).expand(*shape[:dim + 1], repeats, *shape[dim + 1:])
    return wide.clone(memory_format=CONTIGUOUS).flatten(dim, dim + 1)


# ------------------------------------------------------------------ turning round
@primitive("flip(Tensor self, int[] dims) -> Tensor", make="method", half=False, jvp="linear", self=lambda grad, dims: grad.flip(dims))
def flip(self, dims):
    """The elements in reverse order along the dims."""
    dims = unique_dims(dims, self.ndim)
    return np.flip(self, dims if self.ndim else ()).copy(order="K")


@composite("fliplr(Tensor self) -> Tensor", make="method")
def fliplr(self):
    """Columns in reverse order."""
    if self.dim() < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return self.flip(1)


@composite("flipud(Tensor self) -> Tensor", make="method")
def flipud(self):
    """Rows in reverse order."""
    if self.dim() < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return self.flip(0)


@primitive("rot90(Tensor self, int k=1, int[] dims=[0,1]) -> Tensor", shown="| k, dims", make="method", half=False, jvp="linear",
           self=lambda grad, k, dims: grad.rot90(-k, dims))
def rot90(self, k, dims):
    """Turned by 90 degrees, `k` times, from the first towards the second of two dims."""
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if self.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {self.ndim}")
    a, b = (normalize_dim(d, self.ndim) for d in dims)
    if a == b:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    k %= 4
    if k == 0:
        return self.copy()
    turned = np.flip(self, ((), b, (a, b), a)[k]).copy(order="K")
    order = list(range(self.ndim))
    order[a], order[b] = b, a
    return turned if k == 2 else ordered(turned, order)


@primitive("roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor", shown="| shifts, dims", make="method", half=False, jvp="linear",
           self=lambda grad, shifts, dims: grad.roll([-s for s in reversed(shifts)], tuple(reversed(dims))))
def roll(self, shifts, dims):
    """Elements moved along dims, those that leave at one end come in at the other; without dims as if flat."""
    if not shifts:
        raise RuntimeError("`shifts` required")
    if dims and len(shifts) != len(dims) or not dims and len(shifts) != 1:
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    if not dims:
        return np.roll(np.ascontiguousarray(self), shifts[0]).reshape(self.shape)
    if not self.ndim:
        raise IndexError(f"Dimension specified as {dims[0]} but tensor has no dimensions")
    dims = [normalize_dim(d, self.ndim) for d in dims]
    return np.ascontiguousarray(np.roll(self, shifts, dims))


# ------------------------------------------------------------------ triangles and diagonals
def _check_matrix(self, name):
    if self.ndim < 2:
        raise RuntimeError(f"{name}: input tensor must have at least 2 dimensions")


@primitive("tril(Tensor self, SymInt diagonal=0) -> Tensor", make="method inplace out", half=False, jvp="linear",
           self=lambda grad, diagonal: grad.tril(diagonal))
def tril(self, diagonal):
    """The lower triangles of matrices, zeros above."""
    _check_matrix(self, "tril")
    return np.tril(self, diagonal)


@primitive("triu(Tensor self, SymInt diagonal=0) -> Tensor", make="method inplace out", half=False, jvp="linear",
           self=lambda grad, diagonal: grad.triu(diagonal))
def triu(self, diagonal):
    """The upper triangles of matrices, zeros below."""
    _check_matrix(self, "triu")
    return np.triu(self, diagonal)


tril.expanded = triu.expanded = ""


def _triangle(name, row, col, offset, dtype, pick):
    for label, n in (("row", row), ("col", col)):
        if n < 0:
            raise RuntimeError(f"{label} must be non-negative, got{n}")
    if dtype.name not in ("int64", "int32"):
        raise NotImplementedError(f"\"{name}\" not implemented for '{dtype.type_name}'")
    return np.stack(pick(row, offset, col)).astype(dtype.numpy)


_INDEX_OPTIONS = "ScalarType? dtype=long, Layout? layout=None, Device? device=None, bool? pin_memory=None"
_INDEX_SHOWN = "row, col, offset=0, *, dtype=torch.long, device='cpu', layout=torch.strided"


@primitive(f"tril_indices(int row, int col, int offset=0, *, {_INDEX_OPTIONS}) -> Tensor", shown=_INDEX_SHOWN, nograd=True)
def tril_indices(row, col, offset, dtype, layout, device, pin_memory):
    """Rows and columns of the elements of a lower triangle."""
    check_factory(layout, device, pin_memory)
    return _triangle("tril_indices", row, col, offset, dtype, np.tril_indices)


@primitive(f"triu_indices(int row, int col, int offset=0, *, {_INDEX_OPTIONS}) -> Tensor", shown=_INDEX_SHOWN, nograd=True)
def triu_indices(row, col, offset, dtype, layout, device, pin_memory):
    """Rows and columns of the elements of an upper triangle."""
    check_factory(layout, device, pin_memory)
    return _triangle("triu_indices", row, col, offset, dtype, np.triu_indices)


@primitive("diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", make="method", half=False, jvp="linear",
           self=lambda grad, offset, dim1, dim2: grad.diagonal(offset, dim1, dim2))
def diag_embed(self, offset, dim1, dim2):
    """Matrices in two new dims with the last dim of `self` on their diagonals."""
    ndim = self.ndim + 1
    d1, d2 = normalize_dim(dim1, ndim), normalize_dim(dim2, ndim)
    if d1 == d2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = self.shape[-1] + abs(offset)
    shape = list(self.shape[:-1])
    for d in sorted((d1, d2)):
        shape.insert(d, n)
    out = np.zeros(shape, self.dtype)
    diagonal_of(out, offset, d1, d2)[...] = self
    return out


@composite("diag(Tensor self, int diagonal=0) -> Tensor", make="method out")
def diag(self, diagonal):
    """A vector as the diagonal of a matrix, or the diagonal of a matrix as a vector."""
    if self.dim() not in (1, 2):
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {self.dim()}D")
    return T.diag_embed(self, diagonal) if self.dim() == 1 else T.diagonal_copy(self, diagonal)


@composite("diagflat(Tensor self, int offset=0) -> Tensor", make="method")
def diagflat(self, offset):
    """All elements as the diagonal of a matrix."""
    return self.contiguous().view(-1).diag(offset)
