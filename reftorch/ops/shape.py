"""Views: other shapes, orders and pieces of the same memory."""
import numpy as np

from ..core import T, composite, primitive, view
from ..core._core import MEMORY_FORMATS, normalize_dim, restride
from ._common import type_name
from ._geometry import contiguous_strides, element_strides, infer_size, is_contiguous, normalize_dims, view_strides

CONTIGUOUS = MEMORY_FORMATS["contiguous_format"]


def reverse_permutation(dims, ndim):
    """The order of dims that undoes `dims`."""
    back = [0] * len(dims)
    for i, d in enumerate(normalize_dims(dims, ndim)):
        back[d] = i
    return back


# ------------------------------------------------------------------ shapes
@view("view(Tensor(a) self, SymInt[] size) -> Tensor(a)", ns=None,
      self=lambda grad, self_shape: grad.reshape(self_shape))
def view_(self, size):
    """The same elements in another shape that needs no copy."""
    size = infer_size(size, self.size)
    strides = view_strides(self.shape, element_strides(self), size)
    if strides is None:
        raise RuntimeError("view size is not compatible with input tensor's size and stride (at least one dimension spans across two contiguous "
                           "subspaces). Use .reshape(...) instead.")
    return restride(self, size, strides)


@primitive("_unsafe_view(Tensor self, SymInt[] size) -> Tensor", half=False, node="UnsafeViewBackward0", jvp="linear",
           self=lambda grad, self_shape: grad.reshape(self_shape))
def _unsafe_view(self, size):
    """The elements of a tensor that nobody else sees, in another shape."""
    return self.reshape(infer_size(size, self.size))


@composite("reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)", make="method")
def reshape(self, shape):
    """The elements in row-major order as `shape`: a view where strides allow it, else a copy."""
    array = self._array
    shape = infer_size(shape, array.size)
    if view_strides(array.shape, element_strides(array), shape) is None:
        return T._unsafe_view(self.clone(memory_format=CONTIGUOUS), shape)
    return self.view(shape)


@view("expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)", ns=None, self=lambda grad: grad)
def expand(self, size):
    """Repeat dims of size 1, and new leading ones, by stride 0; -1 keeps a size."""
    new = len(size) - self.ndim
    if new < 0:
        raise RuntimeError(f"expand(torch.{type_name(self)}Tensor{{{list(self.shape)}}}, size={list(size)}): the number of sizes provided ({len(size)}) must be "
                           f"greater or equal to the number of dimensions in the tensor ({self.ndim})")
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
            strides[i] = 0
    return restride(self, shape, strides)


@composite("sum_to_size(Tensor self, SymInt[] size) -> Tensor", make="method", ns=None)
def sum_to_size(self, size):
    """Sum over the dims along which `size` would be broadcast to `self`'s shape."""
    shape = self.shape
    lead = len(shape) - len(size)
    if lead < 0 or any(n != 1 and n != m for n, m in zip(size, shape[lead:])):
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    dims = [*range(lead), *(i for i in range(lead, len(shape)) if size[i - lead] == 1 != shape[i])]
    if dims:
        self = T.sum(self, dims, True)
    return self.view(size) if lead else self


# ------------------------------------------------------------------ order of dims
@view("permute(Tensor(a) self, int[] dims) -> Tensor(a)",
      self=lambda grad, dims: grad.permute(reverse_permutation(dims, len(dims))))
def permute(self, dims):
    """Dims in another order: `out.shape[i] = shape[dims[i]]`."""
    if len(dims) != self.ndim:
        raise RuntimeError(f"permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering of "
                           f"dimensions i.e. input.dim() = {self.ndim} is not equal to len(dims) = {len(dims)}")
    dims = normalize_dims(dims, self.ndim)
    if len(set(dims)) != len(dims):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return self.transpose(dims)


def _swap(self, dim0, dim1):
    a, b = normalize_dim(dim0, self.ndim), normalize_dim(dim1, self.ndim)
    return self if self.ndim == 0 else self.swapaxes(a, b)


@view("transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)",
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
    return self.transpose()


@view("t(Tensor(a) self) -> Tensor(a)", self=lambda grad: grad.t())
def t(self):
    """Rows and columns exchanged; tensors of fewer dims as they are."""
    return _t(self)


@view("t_(Tensor(a!) self) -> Tensor(a!)", ns=None, node="TBackward1", self=lambda grad: grad.t())
def t_(self):
    """`t` in place."""
    return _t(self)


# ------------------------------------------------------------------ pieces
@view("slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor(a)", make="", ns=None,
      self=lambda grad, self_shape, dim, start, end, step: T.slice_backward(grad, self_shape, dim, 0 if start is None else start,
                                                                            self_shape[dim] if end is None else end, step))
def slice_(self, dim, start, end, step):
    """Elements start, start + step, ... before `end` along `dim`."""
    if self.ndim == 0:
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, self.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    n = self.shape[dim]
    start = 0 if start is None else min(max(start + n if start < 0 else start, 0), n)
    end = n if end is None else end + n if end < 0 else end
    end = min(max(end, start), n)
    shape, strides = list(self.shape), list(element_strides(self))
    offset = start * strides[dim]
    shape[dim] = (end - start + step - 1) // step
    strides[dim] *= step
    return restride(self, shape, strides, offset)


@primitive("slice_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt start, SymInt end, SymInt step) -> Tensor", half=False, ns=None,
           jvp="linear", grad_output=lambda grad, dim, start, end, step: T.slice(grad, dim, start, end, step))
def slice_backward(grad_output, input_sizes, dim, start, end, step):
    """Zeros with `grad_output` in the slice."""
    out = np.zeros(input_sizes, grad_output.dtype)
    slice_(out, dim, start, end, step)[...] = grad_output
    return out


@view("select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)",
      self=lambda grad, self_shape, dim, index: T.select_backward(grad, self_shape, dim, index))
def select(self, dim, index):
    """The slice at `index` along `dim`, without that dim."""
    if self.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, self.ndim)
    n = self.shape[dim]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(self.shape)} at dimension {dim}")
    shape, strides = list(self.shape), element_strides(self)
    del shape[dim]
    return restride(self, shape, strides, (index % n) * strides.pop(dim))


@primitive("select_backward(Tensor grad_output, SymInt[] input_sizes, int dim, SymInt index) -> Tensor", half=False, ns=None, jvp="linear",
           grad_output=lambda grad, dim, index: grad.select(dim, index))
def select_backward(grad_output, input_sizes, dim, index):
    """Zeros with `grad_output` in the selected slice."""
    out = np.zeros(input_sizes, grad_output.dtype)
    select(out, dim, index)[...] = grad_output
    return out


@composite("narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)",
           "narrow.Tensor(Tensor(a) self, int dim, Tensor start, SymInt length) -> Tensor(a)", make="method")
def narrow(self, dim, start, length):
    """`length` elements from `start` along `dim`."""
    if self.dim() == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if isinstance(start, Tensor):
        if start.dim() or start.dtype.is_floating_point or start.dtype.is_complex or start.dtype == DTYPES["bool"]:
            raise RuntimeError("start must be an 0-dim integral Tensor.")
        start = start.item()
    n = self.size(normalize_dim(dim, self.dim()))
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    if start < 0:
        start += n
    if start > n - length:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return T.slice(self, dim, start, start + length, 1)


# ------------------------------------------------------------------ dims of size 1
def _unsqueeze(self, dim):
    dim = normalize_dim(dim, self.ndim + 1)
    shape, strides = list(self.shape), element_strides(self)
    strides.insert(dim, shape[dim] * strides[dim] if dim < self.ndim else 1)
    shape.insert(dim, 1)
    return restride(self, shape, strides)


@view("unsqueeze(Tensor(a) self, int dim) -> Tensor(a)",
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
    ns = "torch" if name == "squeeze" else None

    @view(f"{name}(Tensor(a) self) -> Tensor(a)", ns=ns, node=f"SqueezeBackward{first}", **undo)
    def squeeze_all(self):
        """Without dims of size 1: all of them, or those given."""
        return _squeeze(self, range(self.ndim))

    @view(f"{name}.dim(Tensor(a) self, int dim) -> Tensor(a)", ns=ns, node=f"SqueezeBackward{first + 1}", **undo)
    def squeeze_dim(self, dim):
        return _squeeze(self, [normalize_dim(dim, self.ndim)])

    @view(f"{name}.dims(Tensor(a) self, int[] dim) -> Tensor(a)", ns=ns, node=f"SqueezeBackward{first + 2}", **undo)
    def squeeze_dims(self, dim):
        return _squeeze(self, unique_dims(dim, self.ndim))


_define_squeeze("squeeze", 0)
_define_squeeze("squeeze_", 3)


# ------------------------------------------------------------------ any geometry
@view("as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)",
      self=lambda grad, self_shape, self_strides, self_offset, size, stride, storage_offset:
          _as_strided_backward(grad, self_shape, self_strides, self_offset, size, stride, storage_offset))
def as_strided(self, size, stride, storage_offset):
    """The storage through any sizes and strides."""
    return self


@composite("as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor(a)")
def _x(self): pass
