"""Views: other shapes, orders and pieces of the same memory."""
import warnings

import numpy as np

from ..core import DTYPES, T, Tensor, _core, composite, primitive, view
from ..core._core import MEMORY_FORMATS, normalize_dim, restride, set_type_attribute, strided_view
from ._common import type_name, unique_dims
from ._geometry import element_strides, extent, infer_size, normalize_dims, numel, overlaps, view_strides
from ._views import diagonal_of, ordered, selected, sliced, view_and_copy, windows

CONTIGUOUS = MEMORY_FORMATS["contiguous_format"]


def reverse_permutation(dims, ndim):
    """The order of dims that undoes `dims`."""
    back = [0] * len(dims)
    for i, d in enumerate(normalize_dims(dims, ndim)):
        back[d] = i
    return back


# ------------------------------------------------------------------ shapes
@view_and_copy("view(Tensor(a) self, SymInt[] size) -> Tensor(a)", shown="| *shape", ns=None, quick="quick:reshaped",
      self=lambda grad, self_shape: grad.reshape(self_shape))
def view_(self, size):
    """The same elements in another shape that needs no copy."""
    size = infer_size(size, self.size)
    if self.flags.c_contiguous and self.size:
        return self.reshape(size)
    strides = view_strides(self.shape, element_strides(self), size)
    if strides is None:
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
                           "subspaces). Use .reshape(...) instead.")
    return restride(self, size, strides)


@composite("view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)", make="method", ns=None)
def view_dtype(self, dtype):
    """The same bytes as elements of another dtype; the last dim changes with the element size."""
    # torch: without history, even where the dtype stays
    seen = _core.alias(self)
    _core.set_array(seen, reinterpret(self._array, dtype, self.storage_offset(), self.stride()))
    return seen


def reinterpret(self, dtype, offset, strides):
    """The bytes of an array at `offset` of its storage as elements of another dtype."""
    new, old = dtype.itemsize, self.itemsize
    if new == old:
        return self.view(dtype.numpy)
    what = f"to view {type_name(self)} as {dtype.type_name} (different element sizes)"
    if self.ndim == 0:
        raise RuntimeError(f"self.dim() cannot be 0 {what}")
    if strides[-1] != 1:
        raise RuntimeError(f"self.stride(-1) must be 1 {what}, but got {strides[-1]}")
    ratio = new // old
    if ratio and self.shape[-1] % ratio:
        raise RuntimeError(f"self.size(-1) must be divisible by {ratio} {what}, but got {self.shape[-1]}")
    if ratio and offset % ratio:
        raise RuntimeError(f"self.storage_offset() must be divisible by {ratio} {what}, but got {offset}")
    for d, s in enumerate(strides[:-1]):
        if ratio and s % ratio:
            raise RuntimeError(f"self.stride({d}) must be divisible by {ratio} {what}, but got {s}")
    return self.view(dtype.numpy)


@primitive("_unsafe_view(Tensor self, SymInt[] size) -> Tensor", half=False, shares=True, node="UnsafeViewBackward0", jvp="linear",
           quick="quick:reshaped",
           self=lambda grad, self_shape: grad.reshape(self_shape))
def _unsafe_view(self, size):
    """The elements of a tensor that nobody else sees, in another shape."""
    return self.reshape(infer_size(size, self.size))


@composite("reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)", shown="| *shape", make="method", quick="view(self, shape)")
def reshape(self, shape):
    """The elements in row-major order as `shape`: a view where strides allow it, else a copy."""
    array = self._array
    if array.flags.c_contiguous:
        return self.view(shape)
    shape = infer_size(shape, array.size)
    strides = view_strides(array.shape, element_strides(array), shape)
    if strides is None:
        return T._unsafe_view(self.clone(memory_format=CONTIGUOUS), shape)
    return T._reshape_alias(self, shape, strides)


@view("_reshape_alias(Tensor(a) self, SymInt[] size, SymInt[] stride) -> Tensor(a)", ns=None, make="",
      self=lambda grad, self_shape: grad.reshape(self_shape))
def _reshape_alias(self, size, stride):
    """The view that `reshape` found."""
    return restride(self, size, stride)


@view_and_copy("expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)", shown="| *size", ns=None, quick="quick:expand",
               self=lambda grad: grad)
def expand(self, size):
    """Repeat dims of size 1, and new leading ones, by stride 0; -1 keeps a size."""
    new = len(size) - self.ndim
    if new < 0:
        raise RuntimeError(f"expand(torch.{type_name(self)}Tensor{{{list(self.shape)}}}, size={list(size)}): the number of sizes provided "
                           f"({len(size)}) must be greater or equal to the number of dimensions in the tensor ({self.ndim})")
    shape, strides = list(size), [0] * new + list(element_strides(self))
    for i, n in enumerate(size):
        if i < new:
            if n < 0:
                raise RuntimeError(f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}")
            continue
        own = self.shape[i - new]
        if n == -1:
            shape[i] = own
        elif n != own:
            if own != 1:
                raise RuntimeError(f"The expanded size of the tensor ({n}) must match the existing size ({own}) at non-singleton dimension {i}.  "
                                   f"Target sizes: {list(size)}.  Tensor sizes: {list(self.shape)}")
            if n < 0:
                raise RuntimeError("numel: integer multiplication overflow")
            strides[i] = 0
    return restride(self, shape, strides)


@composite("sum_to_size(Tensor self, SymInt[] size) -> Tensor", shown="| *size", make="method", ns=None)
def sum_to_size(self, size):
    """Sum over the dims along which `size` would be broadcast to `self`'s shape."""
    shape = self.shape
    lead = len(shape) - len(size)
    if lead < 0 or any(n != 1 and n != m for n, m in zip(size, shape[lead:], strict=True)):
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    if not size:
        return T.sum(self)                   # torch: even when there is nothing to sum
    dims = [*range(lead), *(i for i in range(lead, len(shape)) if size[i - lead] == 1 != shape[i])]
    if dims:
        self = T.sum(self, dims, True)
    return self.view(size) if lead else self


# ------------------------------------------------------------------ order of dims
@view_and_copy("permute(Tensor(a) self, int[] dims) -> Tensor(a)", shown="| *dims",
      self=lambda grad, dims: grad.permute(reverse_permutation(dims, len(dims))))
def permute(self, dims):
    """Dims in another order: `out.shape[i] = shape[dims[i]]`."""
    if len(dims) != self.ndim:
        raise RuntimeError(f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of "
                           f"dimensions i.e. input.dim() = {self.ndim} is not equal to len(dims) = {len(dims)}")
    dims = normalize_dims(dims, self.ndim)
    if len(set(dims)) != len(dims):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return ordered(self, dims)


def _swap(self, dim0, dim1):
    a, b = normalize_dim(dim0, self.ndim), normalize_dim(dim1, self.ndim)
    if self.ndim == 0:
        return self
    dims = list(range(self.ndim))
    dims[a], dims[b] = b, a
    return ordered(self, dims)


@view_and_copy("transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", quick="quick:transpose",
      self=lambda grad, dim0, dim1: grad.transpose(dim0, dim1))
def transpose(self, dim0, dim1):
    """Two dims exchanged."""
    return _swap(self, dim0, dim1)


@view("transpose_(Tensor(a!) self, int dim0, int dim1) -> Tensor(a!)", ns=None, node="TransposeBackward1",
      self=lambda grad, dim0, dim1: grad.transpose(dim0, dim1))
def transpose_(self, dim0, dim1):
    """`transpose` in place."""
    return _swap(self, dim0, dim1)


def _t(self):
    if self.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {self.ndim}D")
    return ordered(self, range(self.ndim - 1, -1, -1))


@view_and_copy("t(Tensor(a) self) -> Tensor(a)", quick="quick:transposed", self=lambda grad: grad.t())
def t(self):
    """Rows and columns exchanged; tensors of fewer dims as they are."""
    return _t(self)


@view("t_(Tensor(a!) self) -> Tensor(a!)", ns=None, node="TBackward1", self=lambda grad: grad.t())
def t_(self):
    """`t` in place."""
    return _t(self)


# ------------------------------------------------------------------ pieces
@view_and_copy("slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)", make="", ns=None,
               quick="quick:slice",
      self=lambda grad, self_shape, dim, start, end, step: T.slice_backward(grad, self_shape, dim, 0 if start is None else start,
                                                                            self_shape[dim] if end is None else end, step))
def slice_(self, dim, start, end, step):
    """Elements start, start + step, ... before `end` along `dim`."""
    return sliced(self, dim, start, end, step)


@primitive("slice_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt start, SymInt end, SymInt step) -> Tensor", half=False, ns=None,
           jvp="linear", grad_output=lambda grad, dim, start, end, step: T.slice(grad, dim, start, end, step))
def slice_backward(grad_output, input_sizes, dim, start, end, step):
    """Zeros with `grad_output` in the slice."""
    out = np.zeros(input_sizes, grad_output.dtype)
    sliced(out, dim, start, end, step)[...] = grad_output
    return out


@view_and_copy("select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)", quick="quick:select",
      self=lambda grad, self_shape, dim, index: T.select_backward(grad, self_shape, dim, index))
def select(self, dim, index):
    """The slice at `index` along `dim`, without that dim."""
    return selected(self, dim, index)


@primitive("select_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt index) -> Tensor", half=False, ns=None, jvp="linear",
           quick="quick:select_backward",
           grad_output=lambda grad, dim, index: grad.select(dim, index))
def select_backward(grad_output, input_sizes, dim, index):
    """Zeros with `grad_output` in the selected slice."""
    out = np.zeros(input_sizes, grad_output.dtype)
    selected(out, dim, index)[...] = grad_output
    return out


@composite("narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)",
           "narrow.Tensor(Tensor(a) self, int dim, Tensor start, SymInt length) -> Tensor(a)", shown="| dimension, start, length", make="method")
def narrow(self, dim, start, length):
    """`length` elements from `start` along `dim`."""
    if isinstance(start, Tensor):
        if start.dim() or start.dtype.is_floating_point or start.dtype.is_complex or start.dtype == DTYPES["bool"]:
            raise RuntimeError("start must be an 0-dim integral Tensor.")
        start = start.item()
    start = narrow_start(self.shape, dim, start, length)
    return T.slice(self, dim, start, start + length, 1)


@primitive("narrow_copy(Tensor self, int dim, SymInt start, SymInt length) -> Tensor",
           shown="| dimension, start, length", make="method out", half=False, jvp="linear",
           self=lambda grad, self_shape, dim, start, length: T.slice_backward(
               grad, self_shape, dim, narrow_start(self_shape, dim, start, length), narrow_start(self_shape, dim, start, length) + length, 1))
def narrow_copy(self, dim, start, length):
    """`narrow` as a new tensor."""
    if dim >= self.ndim > 0:
        raise RuntimeError("Expected dim < static_cast<int64_t>(self_sizes.size()) to be true, but got false.  (Could this error message be improved?  If so, "
                           "please report an enhancement request to PyTorch.)")
    if length < 0 < self.ndim and 0 <= start <= self.shape[dim]:     # torch: `narrow` has other words for it
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({self.shape[dim]}).")
    start = narrow_start(self.shape, dim, start, length)
    return sliced(self, dim, start, start + length).copy()


def narrow_start(shape, dim, start, length):
    """`start` counted from the front, or torch's error for what does not lie within the dim."""
    if not shape:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    n = shape[normalize_dim(dim, len(shape))]
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    if start < 0:
        start += n
    if start > n - length:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return start


# ------------------------------------------------------------------ dims of size 1
def _unsqueeze(self, dim):
    dim = normalize_dim(dim, self.ndim + 1)
    shape, strides = list(self.shape), element_strides(self)
    strides.insert(dim, shape[dim] * strides[dim] if dim < self.ndim else 1)
    shape.insert(dim, 1)
    return restride(self, shape, strides)


@view_and_copy("unsqueeze(Tensor(a) self, int dim) -> Tensor(a)", quick="quick:unsqueeze",
      self=lambda grad, self_shape, dim: grad.squeeze(normalize_dim(dim, len(self_shape) + 1)))
def unsqueeze(self, dim):
    """A new dim of size 1 before `dim`."""
    return _unsqueeze(self, dim)


@view("unsqueeze_(Tensor(a!) self, int dim) -> Tensor(a!)", ns=None, node="UnsqueezeBackward1",
      self=lambda grad, self_shape, dim: grad.squeeze(normalize_dim(dim, len(self_shape) + 1)))
def unsqueeze_(self, dim):
    """`unsqueeze` in place."""
    return _unsqueeze(self, dim)


def _squeeze(self, dims):
    kept = [i for i in range(self.ndim) if i not in dims or self.shape[i] != 1]
    strides = element_strides(self)
    return restride(self, [self.shape[i] for i in kept], [strides[i] for i in kept])


def _define_squeeze(name, first):
    """`squeeze` and `squeeze_`: over all dims, one, several."""
    undo = {"self": lambda grad, self_shape: grad.reshape(self_shape)}
    quick = "quick:squeeze" if name == "squeeze" else None
    ns, define = ("torch", view_and_copy) if name == "squeeze" else (None, view)

    @define(f"{name}(Tensor(a) self) -> Tensor(a)", shown="input, dim | dim=None", ns=ns, node=f"SqueezeBackward{first}", quick=quick, **undo)
    def squeeze_all(self):
        """Without dims of size 1: all of them, or those given."""
        return _squeeze(self, range(self.ndim))

    @define(f"{name}.dim(Tensor(a) self, int dim) -> Tensor(a)", ns=ns, node=f"SqueezeBackward{first + 1}", quick=quick, **undo)
    def squeeze_dim(self, dim):
        return _squeeze(self, [normalize_dim(dim, self.ndim)])

    @define(f"{name}.dims(Tensor(a) self, int[] dim) -> Tensor(a)", ns=ns, node=f"SqueezeBackward{first + 2}", **undo)
    def squeeze_dims(self, dim):
        return _squeeze(self, unique_dims(dim, self.ndim))


_define_squeeze("squeeze", 0)
_define_squeeze("squeeze_", 3)


# ------------------------------------------------------------------ diagonals and windows
@view_and_copy("diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)",
               self=lambda grad, self_shape, offset, dim1, dim2: T.diagonal_backward(grad, self_shape, offset, dim1, dim2))
def diagonal(self, offset, dim1, dim2):
    """The diagonals of the matrices in dims `dim1` and `dim2`, as a new last dim."""
    return diagonal_of(self, offset, dim1, dim2)


@primitive("diagonal_backward(Tensor grad_output, SymInt[] input_sizes, int offset, int dim1, int dim2) -> Tensor", half=False, ns=None, jvp="linear",
           grad_output=lambda grad, offset, dim1, dim2: grad.diagonal(offset, dim1, dim2))
def diagonal_backward(grad_output, input_sizes, offset, dim1, dim2):
    """Zeros with `grad_output` on the diagonals."""
    out = np.zeros(input_sizes, grad_output.dtype)
    diagonal_of(out, offset, dim1, dim2)[...] = grad_output
    return out


@view_and_copy("unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)", ns=None,
               self=lambda grad, self_shape, dimension, size, step: T.unfold_backward(grad, self_shape, dimension, size, step))
def unfold(self, dimension, size, step):
    """Windows of `size` elements along a dim, `step` apart, as a new last dim."""
    return windows(self, dimension, size, step)


@primitive("unfold_backward(Tensor grad_in, SymInt[] input_sizes, int dim, int size, int step) -> Tensor", half=False, ns=None, jvp="linear",
           grad_in=lambda grad, dim, size, step: grad.unfold(dim, size, step))
def unfold_backward(grad_in, input_sizes, dim, size, step):
    """Every window's gradient added where the window lay."""
    out = np.zeros(input_sizes, grad_in.dtype)
    into = windows(out, dim, size, step)
    for i in range(size):                    # elements at one place of all windows are distinct
        into[..., i] += grad_in[..., i]
    return out


# ------------------------------------------------------------------ any geometry
def _as_strided_rule(grad, self_shape, self_strides, self_offset, size, stride, storage_offset):
    return as_strided_backward(grad, self_shape, self_strides, self_offset, size, stride, self_offset if storage_offset is None else storage_offset)


@view("as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)", tensors=True, self=_as_strided_rule)
def as_strided(self, size, stride, storage_offset):
    """The storage through any sizes and strides."""
    return strided_view(self, size, stride, storage_offset)


@view("as_strided_(Tensor(a!) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a!)", tensors=True,
      node="AsStridedBackward1", self=_as_strided_rule)
def as_strided_(self, size, stride, storage_offset):
    """`as_strided` in place."""
    return strided_view(self, size, stride, storage_offset)


@primitive("as_strided_copy(Tensor self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor", make="out", half=False,
           node="AsStridedBackward0_copy", prepare=lambda vals: [vals[0].detach().as_strided(*vals[1:4]), *vals[1:]], self=_as_strided_rule)
def as_strided_copy(self):
    """`as_strided` as a new tensor."""
    return self.copy()


@composite("detach_copy(Tensor self) -> Tensor", make="out")
def detach_copy(self):
    """A copy without history."""
    return self.detach().clone(memory_format=CONTIGUOUS)


def as_strided_backward(grad, shape, strides, offset, size, stride, storage_offset):
    """Gradient of `as_strided`: scatter into the storage, read it as the input lay there.

    Where the input's own elements overlap, they share what arrives evenly.
    """
    start = min(offset, storage_offset)
    offset, storage_offset = offset - start, storage_offset - start
    length = max(extent(shape, strides, offset), extent(size, stride, storage_offset))
    if overlaps(size, stride):
        places = T.arange(length).as_strided(size, stride, storage_offset).flatten()
        storage = grad.new_zeros((length,)).index_add(0, places, grad.reshape(-1))
    else:
        storage = T.as_strided_scatter(grad.new_zeros((length,)), grad, size, stride, storage_offset)
    if overlaps(shape, strides):
        places = T.arange(length).as_strided(shape, strides, offset).flatten()
        storage = storage / storage.new_zeros((length,)).index_add(0, places, storage.new_ones(places.shape))
    return storage.as_strided(shape, strides, offset)


# ------------------------------------------------------------------ by way of other views
@view_and_copy("alias(Tensor(a) self) -> Tensor(a)", ns=None, make="", self=lambda grad: grad)
def alias(self):
    """The same tensor once more."""
    return self.view()


@composite("view_as(Tensor(a) self, Tensor other) -> Tensor(a)", make="method", ns=None)
def view_as(self, other):
    """`view` in the shape of another tensor."""
    return self.view(other.shape)


@composite("reshape_as(Tensor(a) self, Tensor other) -> Tensor(a)", make="method", ns=None)
def reshape_as(self, other):
    """`reshape` to the shape of another tensor."""
    return self.reshape(other.shape)


@composite("expand_as(Tensor(a) self, Tensor other) -> Tensor(a)", make="method", ns=None)
def expand_as(self, other):
    """`expand` to the shape of another tensor."""
    return self.expand(other.shape)


@composite("broadcast_to(Tensor(a) self, SymInt[] size) -> Tensor(a)", shown="input, shape", make="method")
def broadcast_to(self, size):
    """The tensor repeated, by stride 0, to a shape that it broadcasts to."""
    return self.expand(size)


@composite("ravel(Tensor(a) self) -> Tensor(a)", make="method")
def ravel(self):
    """One dim, in row-major order."""
    return self.contiguous().view(-1)


def merge_dims(self, start_dim, end_dim):
    """The tensor with dims `start_dim` to `end_dim` in one."""
    first, last = normalize_dim(start_dim, self.dim()), normalize_dim(end_dim, self.dim())
    if first > last:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = tuple(self.shape)
    if not shape:
        return self.reshape(1)
    return self if first == last else self.reshape(*shape[:first], numel(shape[first:last + 1]), *shape[last + 1:])


@composite("flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)", make="method")
def flatten(self, start_dim, end_dim):
    """Dims `start_dim` to `end_dim` as one."""
    return merge_dims(self, start_dim, end_dim)


@composite("unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)", make="method")
def unflatten(self, dim, sizes):
    """One dim as several."""
    dim, shape = normalize_dim(dim, self.dim()), tuple(self.shape)
    if not sizes:
        raise RuntimeError("unflatten: sizes must be non-empty")
    if not shape:
        raise RuntimeError(f"unflatten got an unexpected error:\nDimension specified as {dim} but tensor has no dimensions")
    try:
        sizes = infer_size(sizes, shape[dim])
    except RuntimeError as e:
        if "shape '" not in str(e):
            raise
        raise RuntimeError(f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]}) in the input "
                           "tensor") from None
    return self.view(*shape[:dim], *sizes, *shape[dim + 1:])


def _swap_axes(self, axis0, axis1):
    """Two dims exchanged."""
    return self.transpose(axis0, axis1)


def _swap_dims(self, dim0, dim1):
    """Two dims exchanged."""
    return self.transpose(dim0, dim1)


composite("swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)", make="method")(_swap_axes)
composite("swapdims(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", make="method")(_swap_dims)


@composite("swapaxes_(Tensor(a!) self, int axis0, int axis1) -> Tensor(a!)", make="method", ns=None)
def swapaxes_(self, axis0, axis1):
    """`swapaxes` in place."""
    return self.transpose_(axis0, axis1)


@composite("swapdims_(Tensor(a!) self, int dim0, int dim1) -> Tensor(a!)", make="method", ns=None)
def swapdims_(self, dim0, dim1):
    """`swapdims` in place."""
    return self.transpose_(dim0, dim1)


def _move(self, source, destination):
    """Dims at `source` moved to `destination`, the others in their order."""
    ndim = self.dim()
    if len(source) != len(destination):
        raise RuntimeError(f"movedim: Invalid source or destination dims: source ({list(source)} dims) should contain the same number of dims as "
                           f"destination ({list(destination)} dims)")
    src, dst = normalize_dims(source, ndim), normalize_dims(destination, ndim)
    for label, dims, given in (("source", src, source), ("destination", dst, destination)):
        if len(set(dims)) < len(dims):
            raise RuntimeError(f"movedim: repeated dim in `{label}` ({list(given)})")
    if ndim == 0:
        return T.alias(self)
    order = [d for d in range(ndim) if d not in src]
    for to, d in sorted(zip(dst, src, strict=True)):
        order.insert(to, d)
    return self.permute(order)


def _move_one(self, source, destination):
    return _move(self, (source,), (destination,))


for _name in ("movedim", "moveaxis"):
    composite(f"{_name}.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)", make="method")(_move)
    composite(f"{_name}.int(Tensor(a) self, int source, int destination) -> Tensor(a)", make="method")(_move_one)


@composite("adjoint(Tensor(a) self) -> Tensor(a)", make="method")
def adjoint(self):
    """The conjugate of the matrices in the last two dims, transposed."""
    if self.dim() == 0:
        warnings.warn("adjoint() is deprecated on 0-D tensors. Consider using x.conj().", UserWarning, stacklevel=2)
    return conj_transposed(self, "tensor.adjoint()")


def transposed(x, what):
    """The last two dims exchanged, or torch's error in the name of `what`."""
    if x.dim() == 1:
        raise RuntimeError(f"{what} is only supported on matrices or batches of matrices. Got 1-D tensor.")
    return x.transpose(-2, -1) if x.dim() else x


def conj_transposed(x, what):
    """The conjugate with the last two dims exchanged."""
    x = transposed(x, what)
    return x.conj() if x.dtype.is_complex else x


def reversed_dims(x):
    """`x.T`: all dims reversed."""
    if x.dim() not in (0, 2):
        warnings.warn("The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in a future "
                      "release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the "
                      "dimensions of a tensor.", UserWarning, stacklevel=2)
    return x.permute(tuple(range(x.dim() - 1, -1, -1)))


def matrix_transpose(x):
    """`x.mT`."""
    if x.dim() == 0:
        warnings.warn("Tensor.mT is deprecated on 0-D tensors. This function is the identity in these cases.", UserWarning, stacklevel=2)
    return transposed(x, "tensor.mT")


def matrix_adjoint(x):
    """`x.mH`."""
    if x.dim() == 0:
        warnings.warn("Tensor.mH is deprecated on 0-D tensors. Consider using x.conj().", UserWarning, stacklevel=2)
    return conj_transposed(x, "tensor.mH")


def hermitian(x):
    """`x.H`."""
    if x.dim() not in (0, 2):
        raise RuntimeError(f"tensor.H is only supported on matrices (2-D tensors). Got {x.dim()}-D tensor."
                           + (" For batches of matrices, consider using tensor.mH" if x.dim() > 2 else ""))
    if x.dim() == 0:
        warnings.warn("Tensor.H is deprecated on 0-D tensors. Consider using x.conj().", UserWarning, stacklevel=2)
    return conj_transposed(x, "tensor.H")


for _name, _get in (("T", reversed_dims), ("mT", matrix_transpose), ("mH", matrix_adjoint), ("H", hermitian)):
    set_type_attribute(Tensor, _name, property(_get))
