"""Sums, means, extremes, and what else reads many elements to give one."""
import numpy as np

from ..core import T, composite, primitive
from ..core._core import normalize_dim
from ._common import is_half, refuse, type_name, unique_dims, unreduce


def _axes(dim, ndim):
    """NumPy's `axis` for torch's `dim`: None and () stand for all."""
    if not dim:
        return None
    dim = unique_dims(dim, ndim)
    return dim if ndim else None


def _types(a, dtype):
    """What torch adds up in and gives: integers become int64, half types add up in float32."""
    result = dtype.numpy if dtype is not None else a.dtype if a.dtype.kind in "fVc" else np.dtype(np.int64)
    return (np.dtype(np.float32) if is_half(result) else result), result


def _accumulate(ufunc, a, axis, keepdim, dtype):
    """`ufunc.reduce` in torch's types."""
    wide, result = _types(a, dtype)
    if a.dtype.kind == "c" and wide.kind != "c":
        a = a.real
    return ufunc.reduce(a, axis, wide, None, keepdim).astype(result, copy=False)


# ------------------------------------------------------------------ sums and means
@primitive("sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", make="method", half=False, node="SumBackward0", jvp="linear",
           self=lambda grad, self_shape: grad.expand(self_shape))
def sum(self, dtype):
    """Sum of all elements; integers and bools add up in int64."""
    if dtype is None and self.dtype.kind == "f" and self.itemsize > 2:
        return np.add.reduce(self, None)
    return _accumulate(np.add, self, None, False, dtype)


@primitive("sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", make="method out", half=False,
           node="SumBackward1", jvp="linear",
           self=lambda grad, self_shape, dim, keepdim: unreduce(grad, self_shape, dim, keepdim).expand(self_shape))
def sum_dim(self, dim, keepdim, dtype):
    """Sum over the dims given."""
    return _accumulate(np.add, self, _axes(dim, self.ndim), keepdim, dtype)


def _mean(self, dim, keepdim, dtype):
    if (self.dtype if dtype is None else dtype.numpy).kind not in "fVc":
        raise RuntimeError(f"mean(): could not infer output dtype. {'Input' if dtype is None else 'Optional'} dtype must be either a floating point "
                           f"or complex dtype. Got: {type_name(self) if dtype is None else dtype.type_name}")
    axis = _axes(dim, self.ndim)
    wide, result = _types(self, dtype)
    total = np.add.reduce(self, axis, wide, None, keepdim)
    return (total / wide.type(_count(self.shape, axis))).astype(result, copy=False)


def _count(shape, axis):
    """How many elements go into one of a reduction over `axis`."""
    n = 1
    for d in range(len(shape)) if axis is None else axis:
        n *= shape[d]
    return n


def _count_dims(shape, dim):
    return _count(shape, _axes(dim, len(shape)))


@primitive("mean(Tensor self, *, ScalarType? dtype=None) -> Tensor", make="method out", half=False, jvp="linear",
           self=lambda grad, self_shape: grad.expand(self_shape) / _count(self_shape, None))
def mean(self, dtype):
    """Mean of all elements."""
    return _mean(self, None, False, dtype)


@primitive("mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", make="method out", half=False, jvp="linear",
           self=lambda grad, self_shape, dim, keepdim: unreduce(grad, self_shape, dim, keepdim).expand(self_shape) / _count_dims(self_shape, dim))
def mean_dim(self, dim, keepdim, dtype):
    """Mean over the dims given."""
    return _mean(self, dim, keepdim, dtype)


# ------------------------------------------------------------------ extremes
def _spread(grad, self, result):
    """The gradient of an extreme of all elements, shared among those that equal it."""
    mask = T.logical_or(self == result, T.logical_and(T.isnan(self), T.isnan(result)))
    return mask * (grad / mask.sum())


def _spread_dims(grad, self, result, dim, keepdim):
    """The gradient of extremes over `dim`, shared among the elements that equal them."""
    grad, result = unreduce(grad, self.shape, dim, keepdim), unreduce(result, self.shape, dim, keepdim)
    mask = result == self
    return grad * mask / mask.sum(dim or (), True)


def _select(grad, self_shape, dim, keepdim, indices):
    """The gradient of values chosen along `dim`, put back at `indices`."""
    if not keepdim and self_shape:
        grad, indices = grad.unsqueeze(dim), indices.unsqueeze(dim)
    return T.zeros(self_shape, dtype=grad.dtype).scatter(dim, indices, grad)


def _check_not_empty(name, shape, dim):
    """torch's error for an extreme over a dim of size 0; gives the dim counted from the front."""
    dim = normalize_dim(dim, len(shape))
    if shape and shape[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    return dim


def _extreme(name, self):
    if self.size == 0:
        raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
    if self.dtype.kind == "c":
        refuse(f"{name}_all", self)
    return (np.maximum if name == "max" else np.minimum).reduce(self, None)


def _extreme_dim(name, self, dim, keepdim):
    dim = _check_not_empty(name, self.shape, dim)
    if self.dtype.kind == "c":
        raise RuntimeError(f"{name}(): does not support complex input")
    if self.ndim == 0:
        return [self, np.zeros((), np.int64)]
    index = (np.argmax if name == "max" else np.argmin)(self, dim, keepdims=True)
    value = np.take_along_axis(self, index, dim)
    return [value, index] if keepdim else [value.squeeze(dim), index.squeeze(dim)]


@primitive("max(Tensor self) -> Tensor", make="method out", half=False, node="MaxBackward1", self=_spread)
def max(self):
    """The largest element; nan when there is one."""
    return _extreme("max", self)


@composite("max.other(Tensor self, Tensor other) -> Tensor", make="method out")
def max_other(self, other):
    """The larger of two, elementwise."""
    return T.maximum(self, other)


@primitive("max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", make="method out", half=False, node="MaxBackward0",
           self=_select)
def max_dim(self, dim, keepdim):
    """The largest elements along `dim`, and where the first of each is."""
    return _extreme_dim("max", self, dim, keepdim)


@primitive("min(Tensor self) -> Tensor", make="method out", half=False, node="MinBackward1", self=_spread)
def min(self):
    """The smallest element; nan when there is one."""
    return _extreme("min", self)


@primitive("min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", make="method out", half=False, node="MinBackward0",
           self=_select)
def min_dim(self, dim, keepdim):
    """The smallest elements along `dim`, and where the first of each is."""
    return _extreme_dim("min", self, dim, keepdim)


@composite("min.other(Tensor self, Tensor other) -> Tensor", make="method out")
def min_other(self, other):
    """The smaller of two, elementwise."""
    return T.minimum(self, other)
