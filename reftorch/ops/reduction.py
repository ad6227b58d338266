"""Sums, means, extremes, and what else reads many elements to give one."""
import warnings

import numpy as np

from ..core import DTYPES, T, composite, primitive
from ..core._core import expand_gradient, normalize_dim
from ..kernels import pointwise
from ..kernels import reduce as kernels
from ._common import is_half, numpy_axes, refuse, type_name, unique_dims, unreduce


def _types(a, dtype):
    """What torch adds up in and gives: integers become int64, half types add up in float32."""
    result = dtype.numpy if dtype is not None else a.dtype if a.dtype.kind in "fVc" else np.dtype(np.int64)
    return (np.dtype(np.float32) if is_half(result) else result), result


def _add_up(a, axis, keepdim, wide):
    """The sum in the type `wide`; of float32 and float64 in torch's order of addition."""
    made = kernels.sum(a, axis, keepdim) if a.dtype == wide else None
    return np.add.reduce(a, axis, wide, None, keepdim) if made is None else made


def _accumulate(ufunc, a, axis, keepdim, dtype):
    """`ufunc.reduce` in torch's types."""
    wide, result = _types(a, dtype)
    if a.dtype.kind == "c" and wide.kind != "c":
        a = a.real
    made = _add_up(a, axis, keepdim, wide) if ufunc is np.add else ufunc.reduce(a, axis, wide, None, keepdim)
    return made.astype(result, copy=False)


# ------------------------------------------------------------------ sums and means
@primitive("sum(Tensor self, *, ScalarType? dtype=None) -> Tensor",
           shown="| dim=None, keepdim=False, dtype=None", make="method", half=False, node="SumBackward0", jvp="linear",
           reduce="kernels:sum", self=lambda grad, self_shape: expand_gradient(grad, self_shape))
def sum(self, dtype):
    """Sum of all elements; integers and bools add up in int64."""
    made = kernels.sum(self, None, False) if dtype is None else None
    return made if made is not None else _accumulate(np.add, self, None, False, dtype)


@primitive("sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", make="method out casts", half=False,
           quick="quick:sum_dims", node="SumBackward1", jvp="linear",
           self=lambda grad, self_shape, dim, keepdim: unreduce(grad, self_shape, dim, keepdim).expand(self_shape))
def sum_dim(self, dim, keepdim, dtype):
    """Sum over the dims given."""
    return _accumulate(np.add, self, numpy_axes(dim, self.ndim), keepdim, dtype)


def _mean(self, dim, keepdim, dtype):
    if (self.dtype if dtype is None else dtype.numpy).kind not in "fVc":
        raise RuntimeError(f"mean(): could not infer output dtype. {'Input' if dtype is None else 'Optional'} dtype must be either a floating point "
                           f"or complex dtype. Got: {type_name(self) if dtype is None else dtype.type_name}")
    axis = numpy_axes(dim, self.ndim)
    wide, result = _types(self, dtype)
    total = _add_up(self, axis, keepdim, wide)
    mean = total / _count(self.shape, axis)
    return mean if result is wide else mean.astype(result)


def _count(shape, axis):
    """How many elements go into one of a reduction over `axis`."""
    n = 1
    for d in range(len(shape)) if axis is None else axis:
        n *= shape[d]
    return n


def _count_dims(shape, dim):
    return _count(shape, numpy_axes(dim, len(shape)))


@primitive("mean(Tensor self, *, ScalarType? dtype=None) -> Tensor", make="method out casts", half=False, jvp="linear", quick="quick:mean",
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


def _put_back(grad, self_shape, indices, dim, keepdim):
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
    reduce, find = (np.maximum.reduce, np.argmax) if name == "max" else (np.minimum.reduce, np.argmin)
    return [reduce(self, dim, None, None, keepdim), find(self, dim, keepdims=keepdim)]


@primitive("max(Tensor self) -> Tensor", make="method out", half=False, node="MaxBackward1", self=_spread)
def max(self):
    """The largest element; nan when there is one."""
    return _extreme("max", self)


@composite("max.other(Tensor self, Tensor other) -> Tensor", make="method out")
def max_other(self, other):
    """The larger of two, elementwise."""
    return T.maximum(self, other)


@primitive("max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", make="method out", half=False, node="MaxBackward0",
           self=_put_back)
def max_dim(self, dim, keepdim):
    """The largest elements along `dim`, and where the first of each is."""
    return _extreme_dim("max", self, dim, keepdim)


@primitive("min(Tensor self) -> Tensor", make="method out", half=False, node="MinBackward1", self=_spread)
def min(self):
    """The smallest element; nan when there is one."""
    return _extreme("min", self)


@primitive("min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", make="method out", half=False, node="MinBackward0",
           self=_put_back)
def min_dim(self, dim, keepdim):
    """The smallest elements along `dim`, and where the first of each is."""
    return _extreme_dim("min", self, dim, keepdim)


@composite("min.other(Tensor self, Tensor other) -> Tensor", make="method out")
def min_other(self, other):
    """The smaller of two, elementwise."""
    return T.minimum(self, other)


# torch: amax and amin of complex numbers name the kernel; max and min along a dim have a sentence of their own
def _extreme_dims(name, self, dim, keepdim):
    axis = numpy_axes(dim, self.ndim)
    if self.size == 0:
        if axis is None:
            raise RuntimeError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' "
                               "argument.")
        for d in dim:
            # torch: these two name the dim as it was passed
            if self.shape[d] == 0:
                raise IndexError(f"{name}(): Expected reduction dim {d} to have non-zero size.")
    if self.dtype.kind == "c":
        refuse(f"{name[1:]}_values_cpu", self)
    return (np.maximum if name == "amax" else np.minimum).reduce(self, axis, None, None, keepdim)


@primitive("amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", make="method out", half=False, self=_spread_dims)
def amax(self, dim, keepdim):
    """The largest elements over the dims given; gradients are shared among equal ones."""
    return _extreme_dims("amax", self, dim, keepdim)


@primitive("amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", make="method out", half=False, self=_spread_dims)
def amin(self, dim, keepdim):
    """The smallest elements over the dims given; gradients are shared among equal ones."""
    return _extreme_dims("amin", self, dim, keepdim)


amax.wrong_out = amin.wrong_out = "Expected the dtype for input and out to match, but got {want} for input's dtype and {got} for out's dtype."


def _aminmax_grad(grads, self, dim, keepdim, min, max):
    dims = () if dim is None else (dim,)
    parts = [_spread_dims(g, self, value, dims, keepdim) for g, value in zip(grads, (min, max), strict=True) if g is not None]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


@primitive("aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)", make="method out", half=False, self=_aminmax_grad)
def aminmax(self, dim, keepdim):
    """Smallest and largest elements, of all or along one dim."""
    if dim is None and self.size == 0:
        raise RuntimeError("aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.")
    if dim is not None:
        dim = normalize_dim(dim, self.ndim)
        if self.ndim and self.shape[dim] == 0:
            raise IndexError(f"aminmax: Expected reduction dim {dim} to have non-zero size.")
    if self.dtype.kind == "c":
        refuse("aminmax_cpu", self)
    axis = dim if self.ndim else None
    return [np.minimum.reduce(self, axis, None, None, keepdim), np.maximum.reduce(self, axis, None, None, keepdim)]


def _arg_extreme(name, self, dim, keepdim):
    for kind, word in (("c", "complex"), ("b", "bool")):
        if self.dtype.kind == kind:
            raise RuntimeError(f"{name}(): does not support {word} input")
    if dim is None:
        if self.size == 0:
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
    else:
        dim = _check_not_empty(name, self.shape, dim) if self.ndim else normalize_dim(dim, 0)
    find = np.argmax if name == "argmax" else np.argmin
    return find(self, dim if self.ndim else None, keepdims=keepdim)


@primitive("argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", make="method out", half=False, nograd=True)
def argmax(self, dim, keepdim):
    """Where the first largest element is: in the flattened tensor, or along `dim`."""
    return _arg_extreme("argmax", self, dim, keepdim)


@primitive("argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor",
           shown="input, dim=None, keepdim=False", make="method out", half=False, nograd=True)
def argmin(self, dim, keepdim):
    """Where the first smallest element is: in the flattened tensor, or along `dim`."""
    return _arg_extreme("argmin", self, dim, keepdim)


# ------------------------------------------------------------------ all, any, count_nonzero
def _logical(ufunc, self, axis, keepdim):
    # torch: uint8 gives uint8, from the days when it was the boolean type
    result = np.uint8 if self.dtype == np.uint8 else np.bool_
    return ufunc.reduce(self.astype(np.bool_, copy=False), axis, None, None, keepdim).astype(result)


def _logical_axes(dim, ndim):
    """None stands for all dims, () for none."""
    return None if dim is None or not ndim else unique_dims(dim, ndim)


@primitive("all(Tensor self) -> Tensor", make="method out", half=False, nograd=True)
def all(self):
    """Whether every element is non-zero; uint8 for uint8, else bool."""
    return _logical(np.logical_and, self, None, False)


@primitive("all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", make="method out", half=False, nograd=True)
def all_dims(self, dim, keepdim):
    """Whether every element over the dims given is non-zero."""
    return _logical(np.logical_and, self, _logical_axes(dim, self.ndim), keepdim)


@primitive("all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", make="method out", half=False, nograd=True)
def all_dim(self, dim, keepdim):
    """Whether every element along `dim` is non-zero."""
    return _logical(np.logical_and, self, _logical_axes((dim,), self.ndim), keepdim)


@primitive("any(Tensor self) -> Tensor", make="method out", half=False, nograd=True)
def any(self):
    """Whether some element is non-zero; uint8 for uint8, else bool."""
    return _logical(np.logical_or, self, None, False)


@primitive("any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", make="method out", half=False, nograd=True)
def any_dims(self, dim, keepdim):
    """Whether some element over the dims given is non-zero."""
    return _logical(np.logical_or, self, _logical_axes(dim, self.ndim), keepdim)


@primitive("any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", make="method out", half=False, nograd=True)
def any_dim(self, dim, keepdim):
    """Whether some element along `dim` is non-zero."""
    return _logical(np.logical_or, self, _logical_axes((dim,), self.ndim), keepdim)


@primitive("count_nonzero(Tensor self, int? dim=None) -> Tensor", make="method", half=False, nograd=True)
def count_nonzero(self, dim):
    """How many elements are not zero, in all or along `dim`."""
    axis = None if dim is None else numpy_axes((dim,), self.ndim)
    return np.add.reduce(self.astype(np.bool_, copy=False), axis, np.int64)


@primitive("count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor", make="method", half=False, nograd=True)
def count_nonzero_dims(self, dim):
    """How many elements are not zero, over the dims given."""
    return np.add.reduce(self.astype(np.bool_, copy=False), numpy_axes(dim, self.ndim), np.int64)


# ------------------------------------------------------------------ sums without nan, products, logsumexp, trace
def _without_nan(self):
    if self.dtype.kind == "c":
        raise RuntimeError("nansum on CPU does not support complex inputs")
    return np.where(np.isnan(self), self.dtype.type(0), self) if self.dtype.kind in "fV" else self


@primitive("nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
           shown="| dim=None, keepdim=False, dtype=None", make="method out casts", half=False,
           self=lambda grad, self, dim, keepdim: unreduce(grad, self.shape, dim, keepdim).to(self.dtype).expand(self.shape) * ~T.isnan(self))
def nansum(self, dim, keepdim, dtype):
    """Sum that counts nan as zero."""
    return _accumulate(np.add, _without_nan(self), numpy_axes(dim, self.ndim), keepdim, dtype)


@composite("nanmean(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", make="method out")
def nanmean(self, dim, keepdim, dtype):
    """Mean of the elements that are not nan."""
    if not (self.is_floating_point() or self.is_complex()):
        raise RuntimeError(f"nanmean(): expected input to have floating point or complex dtype but got {self.dtype.type_name}")
    return T.nansum(self, dim, keepdim, dtype=dtype) / (~T.isnan(self.detach())).sum(dim, keepdim)


def _others_product(x, dim):
    """For every element the product of all others along `dim`: what is before times what is behind."""
    n = x.shape[dim]
    one = T.ones_like(x.narrow(dim, 0, 1))
    before = T.cat([one, x.narrow(dim, 0, n - 1)], dim).cumprod(dim)
    behind = T.cat([x.narrow(dim, 1, n - 1), one], dim).flip(dim).cumprod(dim).flip(dim)
    return before * behind


def _prod_grad(grad, self, result):
    if self.dim() == 0:
        return grad
    if bool((self.detach() == 0).any()):
        return grad * _others_product(self.reshape(-1), 0).reshape(self.shape).conj()
    return grad * (result / self).conj()


def _prod_dim_grad(grad, self, result, dim, keepdim):
    if self.dim() == 0:
        return grad
    grad, result = unreduce(grad, self.shape, (dim,), keepdim), unreduce(result, self.shape, (dim,), keepdim)
    if bool((self.detach() == 0).any()):
        return grad * _others_product(self, dim).conj()
    return grad * (result / self).conj()


@primitive("prod(Tensor self, *, ScalarType? dtype=None) -> Tensor",
           shown="| dim=None, keepdim=False, dtype=None", make="method", half=False, self=_prod_grad)
def prod(self, dtype):
    """Product of all elements; integers and bools multiply in int64."""
    return _accumulate(np.multiply, self, None, False, dtype)


@primitive("prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", make="method out casts", half=False,
           self=_prod_dim_grad)
def prod_dim(self, dim, keepdim, dtype):
    """Product along `dim`."""
    return _accumulate(np.multiply, self, numpy_axes((dim,), self.ndim), keepdim, dtype)


@primitive("logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", make="method out", promote="float",
           self=lambda grad, self, result, dim, keepdim: unreduce(grad, self.shape, dim, keepdim)
           * (self - unreduce(result, self.shape, dim, keepdim)).exp().conj())
def logsumexp(self, dim, keepdim):
    """log(sum(exp(x))) over the dims given, without overflow."""
    if not dim and not keepdim and self.size and self.ndim:
        # torch: no dim stands for all, but is forgotten where the largest elements are brought into shape
        raise RuntimeError(f"output with shape [] doesn't match the broadcast shape {[1] * self.ndim}")
    axis = numpy_axes(dim, self.ndim)
    if self.size == 0:
        return np.log(np.add.reduce(np.exp(self), axis, None, None, keepdim))
    top = np.maximum.reduce(self.real, axis, None, None, True)
    top = np.where(np.isinf(top), top.dtype.type(0), top)
    total = pointwise.log(_add_up(np.asarray(pointwise.exp(self - top)), axis, True, self.dtype)) + top
    return total if keepdim else total.squeeze(axis)


@primitive("trace(Tensor self) -> Tensor", make="method", half=False,
           self=lambda grad, self_shape: T.where(T.eye(*self_shape, dtype=DTYPES["bool"]), grad, 0))
def trace(self):
    """Sum of the diagonal of a matrix."""
    if self.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {self.ndim}")
    if self.dtype.kind == "b":
        refuse("trace", self)
    return _accumulate(np.add, self.diagonal(), None, False, None)


# ------------------------------------------------------------------ variance
def _moments(name, self, dim, correction, keepdim):
    """Variance and mean over `dim`, added up in float64 as torch does."""
    if self.dtype.kind not in "fVc":
        name = "std and var" if "_" not in name else name
        raise RuntimeError(f"{name} only support floating point and complex dtypes")
    axis = numpy_axes(dim, self.ndim)
    x = self.astype(np.complex128 if self.dtype.kind == "c" else np.float64, copy=False)
    n = _count(self.shape, axis)
    freedom = n - (1 if correction is None else correction)
    if freedom <= 0:
        warnings.warn(f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel divided by "
                      "output numel).", UserWarning, stacklevel=2)
    center = np.add.reduce(x, axis, None, None, True) / np.float64(n)
    off = x - center
    square = off.real**2 + off.imag**2 if self.dtype.kind == "c" else off * off
    variance = np.add.reduce(square, axis, None, None, keepdim) / np.float64(freedom if freedom > 0 else 0)
    return variance, center if keepdim else center.squeeze(axis)


def _real_of(a):
    """The dtype of the variance of `a`."""
    return a.real.dtype if a.dtype.kind == "c" else a.dtype


def _var_grad(grad, self, dim, correction, keepdim):
    """d var = 2 / (n - correction) * (x - mean)."""
    freedom = _count_dims(self.shape, dim) - (1 if correction is None else correction)
    grad = unreduce(grad, self.shape, dim, keepdim)
    if freedom <= 0:
        # torch: no degree of freedom gives nan at the mean and inf elsewhere
        return grad * T.where(self == self.mean(dim, True), float("nan"), float("inf"))
    return (2.0 / freedom) * grad * (self - self.mean(dim, True))


def _std_grad(grad, self, result, dim, correction, keepdim):
    return _var_grad((grad / (result * 2)).masked_fill(result == 0, 0), self, dim, correction, keepdim)


def _mean_grad(grad, self, dim, keepdim):
    return unreduce(grad, self.shape, dim, keepdim).expand(self.shape) / _count_dims(self.shape, dim)


def _add_some(*parts):
    found = [p for p in parts if p is not None]
    return found[0] if len(found) == 1 else found[0] + found[1]


_DIM = "(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False)"
_CORRECTION = "(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False)"


@composite(f"var.dim{_DIM} -> Tensor", make="method out")
def var_dim(self, dim, unbiased, keepdim):
    """Variance over the dims given, divided by n - 1 (unbiased) or n."""
    return T.var(self, dim, correction=int(unbiased), keepdim=keepdim)


@primitive(f"var.correction{_CORRECTION} -> Tensor", make="method out casts", half=False, node="VarBackward0", self=_var_grad)
def var(self, dim, correction, keepdim):
    """Variance over the dims given: sum |x - mean|^2 / (n - correction)."""
    return _moments("var", self, dim, correction, keepdim)[0].astype(_real_of(self))


@composite("var(Tensor self, bool unbiased=True) -> Tensor", shown="input, dim=None, *, correction=1, keepdim=False, out=None", make="method")
def var_all(self, unbiased):
    """Variance of all elements."""
    return T.var(self, None, correction=int(unbiased))


@composite(f"std.dim{_DIM} -> Tensor", make="method out")
def std_dim(self, dim, unbiased, keepdim):
    """Standard deviation over the dims given, with n - 1 (unbiased) or n."""
    return T.std(self, dim, correction=int(unbiased), keepdim=keepdim)


@primitive(f"std.correction{_CORRECTION} -> Tensor", make="method out casts", half=False, node="StdBackward0", self=_std_grad)
def std(self, dim, correction, keepdim):
    """Standard deviation over the dims given: the root of the variance."""
    return np.sqrt(_moments("std", self, dim, correction, keepdim)[0]).astype(_real_of(self))


@composite("std(Tensor self, bool unbiased=True) -> Tensor", shown="input, dim=None, *, correction=1, keepdim=False, out=None", make="method")
def std_all(self, unbiased):
    """Standard deviation of all elements."""
    return T.std(self, None, correction=int(unbiased))


@composite(f"var_mean.dim{_DIM} -> (Tensor, Tensor)")
def var_mean_dim(self, dim, unbiased, keepdim):
    """Variance and mean over the dims given."""
    return T.var_mean(self, dim, correction=int(unbiased), keepdim=keepdim)


@primitive(f"var_mean.correction{_CORRECTION} -> (Tensor, Tensor)", half=False, node="VarMeanBackward0",
           self=lambda grads, self, dim, correction, keepdim: _add_some(
               None if grads[0] is None else _var_grad(grads[0], self, dim, correction, keepdim),
               None if grads[1] is None else _mean_grad(grads[1], self, dim, keepdim)))
def var_mean(self, dim, correction, keepdim):
    """Variance and mean over the dims given."""
    variance, center = _moments("var_mean", self, dim, correction, keepdim)
    return [variance.astype(_real_of(self)), center.astype(self.dtype)]


@composite("var_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)", shown="input, dim=None, *, correction=1, keepdim=False, out=None")
def var_mean_all(self, unbiased):
    """Variance and mean of all elements."""
    return T.var_mean(self, None, correction=int(unbiased))


@composite(f"std_mean.dim{_DIM} -> (Tensor, Tensor)")
def std_mean_dim(self, dim, unbiased, keepdim):
    """Standard deviation and mean over the dims given."""
    return T.std_mean(self, dim, correction=int(unbiased), keepdim=keepdim)


@primitive(f"std_mean.correction{_CORRECTION} -> (Tensor, Tensor)", half=False, node="StdMeanBackward0",
           self=lambda grads, self, result0, dim, correction, keepdim: _add_some(
               None if grads[0] is None else _std_grad(grads[0], self, result0, dim, correction, keepdim),
               None if grads[1] is None else _mean_grad(grads[1], self, dim, keepdim)))
def std_mean(self, dim, correction, keepdim):
    """Standard deviation and mean over the dims given."""
    variance, center = _moments("std_mean", self, dim, correction, keepdim)
    return [np.sqrt(variance).astype(_real_of(self)), center.astype(self.dtype)]


@composite("std_mean(Tensor self, bool unbiased=True) -> (Tensor, Tensor)", shown="input, dim=None, *, correction=1, keepdim=False, out=None")
def std_mean_all(self, unbiased):
    """Standard deviation and mean of all elements."""
    return T.std_mean(self, None, correction=int(unbiased))
