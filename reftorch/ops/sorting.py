"""Order along a dim: sort, topk, kthvalue, median, mode, quantile, running extremes."""
import math

import numpy as np

from ..core import T, Tensor, composite, primitive
from ..core._core import from_array, normalize_dim
from ..kernels import sort as kernel
from ._common import refuse, type_name
from ._geometry import element_strides, is_dense
from ._indexing import lay_out


@primitive("value_selecting_reduction_backward(Tensor grad, int dim, Tensor indices, SymInt[] sizes, bool keepdim) -> Tensor", half=False, ns=None,
           grad=lambda grad, dim, indices, keepdim: grad.gather(dim, indices) if keepdim or not grad.dim() else
           grad.gather(dim, indices.unsqueeze(dim)).squeeze(dim))
def value_selecting_reduction_backward(grad, dim, indices, sizes, keepdim):
    """Zeros of `sizes` with each gradient where its value was taken from."""
    out = np.zeros(sizes, grad.dtype)
    if not keepdim and sizes:
        grad, indices = np.expand_dims(grad, dim), np.expand_dims(indices, dim)
    if sizes:
        np.put_along_axis(out, indices, grad, normalize_dim(dim, len(sizes)))
    else:
        out[...] = grad
    return out


def _back(keepdim=True):
    """The rule of an op that selects values along `dim`."""
    if keepdim:
        return lambda grad, self_shape, dim, indices: T.value_selecting_reduction_backward(grad, dim, indices, self_shape, True)
    return lambda grad, self_shape, dim, indices, keepdim: T.value_selecting_reduction_backward(grad, dim, indices, self_shape, keepdim)


def _keys(a):
    """An array as the keys that the kernels compare."""
    return a.astype(a.dtype if a.dtype.char in "fd" else np.float32 if a.dtype.kind in "fV" else np.int64, copy=False)


def _rows(a, dim):
    """Keys with `dim` last, as contiguous rows."""
    moved = np.moveaxis(np.atleast_1d(a), dim, -1)
    return np.ascontiguousarray(_keys(moved)).reshape(math.prod(moved.shape[:-1]), moved.shape[-1])


def _unrowed(rows, a, dim):
    """What _rows made of `a`, or something as many rows, in the places of `a`."""
    shape = a.shape[:dim] + a.shape[dim + 1:] + rows.shape[-1:]
    return np.ascontiguousarray(np.moveaxis(rows.reshape(shape), -1, dim))


# ------------------------------------------------------------------ sort
def _stable_argsort(a, dim, descending):
    if not descending:
        return np.argsort(a, dim, kind="stable")
    back = np.flip(np.argsort(np.flip(a, dim), dim, kind="stable"), dim)
    return np.subtract(a.shape[dim] - 1, back)


def _sort(self, dim, descending, stable):
    """Values and indices; NaN is greater than all. torch: unless `stable`, equals come in the order in which its C++ library's sort leaves them."""
    dim = normalize_dim(dim, self.ndim)
    if self.dtype.kind == "c":
        raise RuntimeError(" Sort does not support complex dtypes on CPU")
    if self.ndim == 0:
        return self.copy(), np.zeros((), np.int64)
    if stable:
        indices = _stable_argsort(self, dim, descending)
        values = np.take_along_axis(self, indices, dim)
    else:
        values, indices = [_unrowed(a, self, dim) for a in kernel.sort(_rows(self, dim), descending)]
        values = values.astype(self.dtype, copy=False)
    if self.flags.c_contiguous or not is_dense(self.shape, element_strides(self)):
        return np.ascontiguousarray(values), np.ascontiguousarray(indices)
    order = sorted(range(self.ndim), key=lambda d: -self.strides[d])      # results lie in memory as the input does
    return lay_out(values, order), lay_out(indices, order)


@primitive("sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)",
           shown="| dim=-1, descending=False", make="method out", node="SortBackward0", self=_back())
def sort(self, dim, descending):
    """Elements in order along `dim`, and where they were; NaN is greatest."""
    return _sort(self, dim, descending, False)


@primitive("sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)", make="method out",
           node="SortBackward1", self=_back())
def sort_stable(self, stable, dim, descending):
    """`sort`; equal elements keep their order if `stable`."""
    return _sort(self, dim, descending, stable)


@primitive("argsort(Tensor self, int dim=-1, bool descending=False) -> Tensor",
           "argsort.stable(Tensor self, *, bool stable, int dim=-1, bool descending=False) -> Tensor",
           shown="input, dim=-1, descending=False, *, stable=False | dim=-1, descending=False", make="method out", nograd=True)
def argsort(self, dim, descending, stable=False):
    """The indices that `sort` gives."""
    return _sort(self, dim, descending, stable)[1]


@composite("msort(Tensor self) -> Tensor", make="method out")
def msort(self):
    """`self` sorted along the first dim."""
    return self.sort(0)[0]


# ------------------------------------------------------------------ selection
@primitive("topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor indices)",
           shown="input, k, dim=None, largest=True, sorted=True, *, out=None", make="method out",
           half=False, self=_back())
def topk(self, k, dim, largest, sorted):
    """The `k` largest or smallest elements along `dim`, and where they were."""
    dim = normalize_dim(dim, self.ndim)
    if not 0 <= k <= (self.shape[dim] if self.ndim else 1):
        raise RuntimeError("selected index k out of range")
    if self.dtype.kind == "c":
        raise RuntimeError(" topk does not support complex dtypes on CPU")
    if self.dtype.kind == "b":
        raise RuntimeError("topk does not support bool dtypes on CPU")
    if self.dtype.kind == "u" and self.itemsize > 1:
        refuse("topk_cpu", self)
    if self.ndim == 0:
        return self.copy(), np.zeros((), np.int64)
    values, indices = [_unrowed(a, self, dim) for a in kernel.topk(_rows(self, dim), k, largest, sorted)]
    return values.astype(self.dtype, copy=False), indices


def _select(name, what, self, dim, keepdim, k=0):
    """(values, indices) of one element along `dim`, chosen by the kernel `what`."""
    dim = normalize_dim(dim, self.ndim)
    if self.ndim and self.shape[dim] == 0:
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")
    if what == "kth" and not 0 <= k < (self.shape[dim] if self.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {dim}")
    if self.ndim == 0 and name == "mode":
        return self.copy(), np.zeros((), np.int64)
    if self.dtype.kind == "c" or self.dtype.kind == "b" and name != "mode":
        refuse(f"{'median' if 'median' in name else name}_cpu", self)
    if self.ndim == 0:
        return self.copy(), np.zeros((), np.int64)
    shape = self.shape[:dim] + (1,) + self.shape[dim + 1:]
    indices = kernel.select(what, _rows(self, dim), k).reshape(shape)
    values = np.take_along_axis(self, indices, dim)
    return (values, indices) if keepdim else (values.squeeze(dim), indices.squeeze(dim))


@primitive("kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
           shown="input, k, dim=None, keepdim=False, *, out=None", make="method out", half=False,
           self=_back(False))
def kthvalue(self, k, dim, keepdim):
    """The k-th smallest element along `dim` (from 1), and where it was."""
    return _select("kthvalue", "kth", self, dim, keepdim, k - 1)


kthvalue.apart = True


@primitive("mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
           shown="| dim=None, keepdim=False", make="method out", half=False, self=_back(False))
def mode(self, dim, keepdim):
    """The most frequent element along `dim`, the smallest such, and where one of it was."""
    return _select("mode", "mode", self, dim, keepdim)


def _shared(grad, self, result):
    """The gradient of one value, shared by the elements that are equal to it."""
    hit = (self == result) | (self.isnan() & result.isnan()) if result.dtype.is_floating_point else self == result
    return hit * (grad / hit.sum())


def _whole_median(name, self):
    if self.size == 0:
        # torch: the median of nothing is NaN, and what NaN converts to in an integer type
        with np.errstate(invalid="ignore"):
            return np.array(np.nan).astype(self.dtype)
    return _select(name, name, self.reshape(-1), 0, False)[0]


@primitive("median(Tensor self) -> Tensor", make="method out", half=False, node="MedianBackward0", self=_shared)
def median(self):
    """The lower median of all elements; NaN if there is one."""
    return _whole_median("median", self)


@primitive("median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", make="method out", half=False,
           node="MedianBackward1", self=_back(False))
def median_dim(self, dim, keepdim):
    """The lower median along `dim`, and where it was."""
    return _select("median", "median", self, dim, keepdim)


@primitive("nanmedian(Tensor self) -> Tensor", make="method out", half=False, node="NanmedianBackward0", self=_shared)
def nanmedian(self):
    """The lower median of the elements that are not NaN."""
    return _whole_median("nanmedian", self)


@primitive("nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", make="method out", half=False,
           node="NanmedianBackward1", self=_back(False))
def nanmedian_dim(self, dim, keepdim):
    """The lower median along `dim` of the elements that are not NaN, and where it was."""
    return _select("nanmedian", "nanmedian", self, dim, keepdim)


# ------------------------------------------------------------------ quantiles
_INTERPOLATIONS = ("linear", "lower", "higher", "midpoint", "nearest")


def _quantile_shape(name, self, q, dim, keepdim, interpolation):
    """torch's checks, then the shape of the result without the dim of `q`."""
    nd = self.dim()
    at = 0 if dim is None else normalize_dim(dim, nd)
    if self.numel() == 0:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if q.dim() > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if self.dtype.name not in ("float32", "float64"):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if self.dtype is not q.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if interpolation not in _INTERPOLATIONS:
        raise RuntimeError(f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}")
    if not (T.ge(q, 0) & T.le(q, 1)).all().item():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")
    if dim is None:
        return at, [1] * nd if keepdim else []
    shape = list(self.shape)
    if nd:
        shape[at:at + 1] = [1] if keepdim else []
    return at, shape


def _quantile(name, self, q, dim, keepdim, interpolation, skip_nan):
    """Sort, then interpolate between the elements of the two ranks around q * (n - 1)."""
    if not isinstance(q, Tensor):
        if not 0 <= q <= 1:
            raise RuntimeError(f"{name}() q must be in the range [0, 1] but got {q:g}")
        q = from_array(np.array(q, self.dtype.numpy))
    at, shape = _quantile_shape(name, self, q, dim, keepdim, interpolation)
    if dim is None:
        ordered = self.flatten().sort()[0]
    elif at == self.dim() - 1:
        ordered = self.sort()[0]
    else:
        ordered = self.unsqueeze(-1).transpose(at, -1).sort()[0]
    n = ordered.size(-1)
    ordered = ordered.view([*shape, n])
    if skip_nan:
        ranks = q * ((~ordered.isnan()).sum(-1, True) - 1)
        ranks = ranks.masked_fill(ranks < 0, 0)
    else:
        has_nan = ordered.isnan().any(-1, True)
        last = q * (n - 1)
        ranks = T.masked_fill(last.expand(np.broadcast_shapes(tuple(last.shape), tuple(has_nan.shape))), has_nan, n - 1)
    if interpolation in ("lower", "higher", "nearest"):
        ranks = {"lower": T.floor, "higher": T.ceil, "nearest": T.round}[interpolation](ranks)
    below = ranks.long()
    found = ordered.gather(-1, below)
    if interpolation in ("linear", "midpoint"):
        weight = T.full_like(ranks, 0.5) if interpolation == "midpoint" else ranks - below
        found.lerp_(ordered.gather(-1, ranks.ceil().long()), weight)
    if q.dim() == 0:
        return found.squeeze_(-1)
    return found.unsqueeze_(0).transpose_(0, -1).squeeze_(-1)


@composite("quantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor",
           "quantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor", make="method out")
def quantile(self, q, dim, keepdim, interpolation):
    """The value below which a fraction `q` of the elements lies, along `dim`; NaN where there is a NaN."""
    return _quantile("quantile", self, q, dim, keepdim, interpolation, False)


@composite("nanquantile(Tensor self, Tensor q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor",
           "nanquantile.scalar(Tensor self, float q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor", make="method out")
def nanquantile(self, q, dim, keepdim, interpolation):
    """`quantile` of the elements that are not NaN."""
    # torch: its errors, too, say quantile()
    return _quantile("quantile", self, q, dim, keepdim, interpolation, True)


# ------------------------------------------------------------------ running extremes
def _running(name, ufunc, self, dim):
    if self.dtype.kind == "c":
        raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{type_name(self)}'")
    if self.ndim == 0:
        if dim not in (-1, 0):
            raise IndexError(f"{name}(): Expected reduction dim -1 or 0 for scalar but got {dim}")
        return self.copy(), np.zeros((), np.int64)
    dim = normalize_dim(dim, self.ndim)
    if self.size == 0:
        return np.empty(self.shape, self.dtype), np.empty(self.shape, np.int64)
    values = np.ascontiguousarray(ufunc.accumulate(self, dim))
    steps = np.arange(self.shape[dim]).reshape([-1 if d == dim else 1 for d in range(self.ndim)])
    new = (self == values) | (self != self)              # the last of equals wins; a NaN is always news
    return values, np.ascontiguousarray(np.maximum.accumulate(np.where(new, steps, 0), dim))


_running_rule = lambda grad, self_shape, indices, dim: grad.new_zeros(self_shape).scatter_add(dim, indices, grad)  # noqa: E731


@primitive("cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)", make="method out", self=_running_rule)
def cummax(self, dim):
    """The largest element so far along `dim`, and where it was."""
    return _running("cummax", np.maximum, self, dim)


@primitive("cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)", make="method out", self=_running_rule)
def cummin(self, dim):
    """The smallest element so far along `dim`, and where it was."""
    return _running("cummin", np.minimum, self, dim)
