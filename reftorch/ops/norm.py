"""Norms and distances."""
import math

import numpy as np

from ..core import T, composite, primitive
from ..core._core import dtype_of_array, from_array, normalize_dim, promote_types, result_code
from ..kernels import pointwise
from ._common import broadcast_shapes, is_half, numpy_axes, refuse, type_name, unreduce
from ._linalg import check_norm_dtype

_INF = math.inf


def _norm(a, p, axis, keepdim):
    """(sum |a|^p)^(1/p) of an array, with torch's limits at p = 0 and infinity."""
    if p == 2:
        square = a.real * a.real + a.imag * a.imag if a.dtype.kind == "c" else a * a
        return np.sqrt(np.add.reduce(square, axis, None, None, keepdim))
    size = pointwise.absolute(a)
    if p == 1:
        return np.add.reduce(size, axis, None, None, keepdim)
    if p == 0:
        return np.add.reduce(size != 0, axis, size.dtype, None, keepdim)
    if math.isinf(p):
        return (np.maximum if p > 0 else np.minimum).reduce(size, axis, None, None, keepdim)
    return np.add.reduce(size ** size.dtype.type(p), axis, None, None, keepdim) ** size.dtype.type(1 / p)


def norm_grad(grad, self, p, norm, dims=None):
    """Gradient of the p-norm over `dims`; `grad` and `norm` broadcast against `self`."""
    if p == 0:
        return T.zeros_like(self)
    if p == 2:
        return self * (grad / norm).masked_fill(norm == 0, 0)
    if p == 1:
        return self.sgn() * grad
    if math.isinf(p):
        size = self.abs()
        mask = T.logical_or(size == norm, T.isnan(size))
        count = mask.sum(dims or tuple(range(self.dim())), True)
        return self.sgn() * (grad / count * mask)
    size = self.abs()
    if p < 2:
        scaled = (self.sgn() * size ** (p - 1)).masked_fill(self == 0, 0) if p < 1 else self.sgn() * size ** (p - 1)
        return scaled * (grad * norm ** (1 - p)).masked_fill(norm == 0, 0)
    return self * size ** (p - 2) * (grad / norm ** (p - 1)).masked_fill(norm == 0, 0)


def _check_order(p):
    if isinstance(p, complex):
        raise RuntimeError("linalg.vector_norm: Expected a non-complex scalar as the order of norm.")
    return float(p)


def _check_no_identity(p, shape, dim):
    """Norms below 0 and at infinity have no value for nothing."""
    if p >= 0 and p != _INF:
        return
    text = f"linalg.vector_norm cannot compute the {p:g} norm on "
    if not dim:
        raise RuntimeError(text + "an empty tensor because the operation does not have an identity")
    for d in dim:
        if shape[d] == 0:
            # torch: no space after the number
            raise RuntimeError(text + f"the dimension {d}because this dimension is empty and the operation does not have an identity")


def _vector_norm_grad(grad, self, ord, dim, keepdim, result):
    if ord == 0:
        return None
    shape = self.shape
    return norm_grad(unreduce(grad, shape, dim, keepdim), self, float(ord), unreduce(result, shape, dim, keepdim), dim)


@primitive("linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
           shown="x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None", make="out",
           ns="linalg", half=False, self=_vector_norm_grad)
def linalg_vector_norm(self, ord, dim, keepdim, dtype):
    """(sum |x|^ord)^(1/ord) over the dims given, or over all elements."""
    if self.dtype.kind not in "fVc":
        raise RuntimeError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {type_name(self)}")
    ord = _check_order(ord)
    if dtype is not None:
        check_norm_dtype("linalg.vector_norm", dtype_of_array(self), dtype)
        self = self.astype(dtype.numpy, copy=False)
    axis = numpy_axes(dim, self.ndim)
    if self.size == 0:
        _check_no_identity(ord, self.shape, dim)
    if is_half(self.dtype):
        return _norm(self.astype(np.float32), ord, axis, keepdim).astype(self.dtype)
    return _norm(self, ord, axis, keepdim)


@primitive("_norm_dim(Tensor self, Scalar p, int[1] dim, bool keepdim) -> Tensor", ns=None, node="NormBackward1",
           self=lambda grad, self, p, dim, keepdim, result: _vector_norm_grad(grad, self, p, dim, keepdim, result))
def _norm_dim(self, p, dim, keepdim):
    """The p-norm along dims, as the older functions have it."""
    return _norm(self, float(p), numpy_axes(dim, self.ndim), keepdim)


@composite("norm(Tensor self, any p='fro', any dim=None, bool keepdim=False, any out=None, ScalarType? dtype=None) -> Tensor")
def norm(self, p, dim, keepdim, out, dtype):
    """The older face of vector and matrix norms: p is a number, "fro" or "nuc"."""
    if isinstance(dim, int):
        dim = (dim,)
    extra = {"dtype": dtype} if out is None else {"dtype": dtype, "out": out}
    if isinstance(p, str):
        if p == "fro" and (dim is None or len(dim) <= 2):
            return T.linalg_vector_norm(self, 2, dim, keepdim, **extra)
        return T.linalg_matrix_norm(self, p, tuple(range(self.dim())) if dim is None else dim, keepdim, **extra)
    return T.linalg_vector_norm(self, 2.0 if p is None else p, dim, keepdim, **extra)


@primitive("dist(Tensor self, Tensor other, Scalar p=2) -> Tensor", make="method", half=False,
           self=lambda grad, self, other, p, result: norm_grad(grad, self - other, float(p), result),
           other=lambda grad, self, other, p, result: -norm_grad(grad, self - other, float(p), result))
def dist(self, other, p):
    """The p-norm of the difference."""
    broadcast_shapes(self.shape, other.shape)
    common = promote_types(dtype_of_array(self), dtype_of_array(other)).numpy
    wide = np.dtype(np.float32) if is_half(common) else common
    off = self.astype(wide, copy=False) - other.astype(wide, copy=False)
    if off.dtype.kind not in "fc":
        raise RuntimeError(f"norm(): input dtype should be either floating point or complex. Got {type_name(off)} instead.")
    return _norm(off, float(p), None, False).astype(common if is_half(common) else off.real.dtype, copy=False)


# ------------------------------------------------------------------ renorm
def _renorm_grad(grad, self, p, dim, maxnorm):
    dims = tuple([d for d in range(self.dim()) if d != normalize_dim(dim, self.dim())])
    norm = T.linalg_vector_norm(self, p, dims, True)
    inner = (self.conj() * grad).sum(dims, True)
    if self.is_complex():
        inner = T.real(inner)
    inverse = 1 / (norm + 1e-7)
    shrunk = maxnorm * inverse * (grad - inverse * norm_grad(inner, self, float(p), norm, dims))
    return T.where(norm > maxnorm, shrunk, grad)


@primitive("renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor", make="method inplace out", half=False, self=_renorm_grad)
def renorm(self, p, dim, maxnorm):
    """Slices along `dim` whose p-norm exceeds `maxnorm`, scaled down to it."""
    # torch: for complex numbers and p = inf the gradient is NaN, as its two sizes of a number differ in the last bit
    if isinstance(p, complex):
        raise RuntimeError("renorm: p must be real-valued")
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if isinstance(maxnorm, complex):
        raise RuntimeError("renorm: maxnorm must be real-valued")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm:g}")
    if self.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {self.ndim} dimensions")
    dim = normalize_dim(dim, self.ndim)
    if self.dtype.kind not in "fVc":
        raise RuntimeError(f"linalg.vector_norm: Expected a floating point or complex tensor as input. Got {type_name(self)}")
    wide = self.astype(np.float32) if is_half(self.dtype) else self
    norm = _norm(wide, float(p), tuple([d for d in range(self.ndim) if d != dim]), True)
    factor = np.where(norm > maxnorm, norm.dtype.type(maxnorm) / (norm + norm.dtype.type(1e-7)), norm.dtype.type(1))
    return (wide * factor).astype(self.dtype, copy=False)


# ------------------------------------------------------------------ distances between rows
def _cdist_grad(grad, diff, p, result, dim):
    """Gradient for the side of `diff` whose index survives the sum over `dim`."""
    return norm_grad(grad.unsqueeze(-1), diff, p, result.unsqueeze(-1), (-1,)).sum(dim)


@primitive("_cdist_forward(Tensor x1, Tensor x2, float p) -> Tensor", ns=None, half=False, node="CdistBackward0",
           x1=lambda grad, x1, x2, p, result: _cdist_grad(grad, x1.unsqueeze(-2) - x2.unsqueeze(-3), p, result, -2),
           x2=lambda grad, x1, x2, p, result: _cdist_grad(grad, x2.unsqueeze(-3) - x1.unsqueeze(-2), p, result, -3))
def _cdist_forward(x1, x2, p):
    """The p-norm between every row of x1 and every row of x2."""
    off = x1[..., :, None, :] - x2[..., None, :, :]
    if off.size == 0:
        return np.zeros(off.shape[:-1], x1.dtype)
    if x1.dtype != x2.dtype:
        raise RuntimeError(f"expected scalar type {type_name(x1)} but found {type_name(x2)}")
    if is_half(x1.dtype):
        refuse("cdist", x1)
    return _norm(off, p, -1, False)


@primitive("_euclidean_dist(Tensor x1, Tensor x2) -> Tensor", ns=None,
           x1=lambda grad, x1, x2, result: _euclidean_grad(grad, x1, x2, result),
           x2=lambda grad, x1, x2, result: _euclidean_grad(grad.mT, x2, x1, result.mT))
def _euclidean_dist(x1, x2):
    """sqrt(|a|^2 - 2 a.b + |b|^2) as one product of matrices."""
    def side(x, scale, first):
        square = np.add.reduce(x * x, -1, None, None, True)
        one = np.ones_like(square)
        return np.concatenate([x * x.dtype.type(scale), square if first else one, one if first else square], -1)
    square = np.matmul(side(x1, -2, True), side(x2, 1, False).swapaxes(-1, -2))
    return np.sqrt(np.maximum(square, 0))


def _euclidean_grad(grad, x1, x2, result):
    ratio = (grad / result).masked_fill(result == 0, 0)
    return x1 * ratio.sum(-1, True) - T.matmul(ratio, x2)


_COMPUTE_MODES = ("use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist")


@composite(f"cdist(Tensor x1, Tensor x2, float p=2.0, str compute_mode='{_COMPUTE_MODES[0]}') -> Tensor")
def cdist(x1, x2, p, compute_mode):
    """The p-norm between every row of x1 and every row of x2: (..., n, k), (..., m, k) -> (..., n, m)."""
    if compute_mode not in _COMPUTE_MODES:
        raise ValueError(f"{compute_mode} is not a valid value for compute_mode")
    for i, x in enumerate((x1, x2), 1):
        if x.dim() < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, X{i} got: {x.dim()}D")
    if x1.shape[-1] != x2.shape[-1]:
        raise RuntimeError(f"X1 and X2 must have the same number of columns. X1: {x1.shape[-1]} X2: {x2.shape[-1]}")
    for i, x in enumerate((x1, x2), 1):
        if not x.is_floating_point():
            raise RuntimeError(f"cdist only supports floating-point dtypes, X{i} got: {x.dtype.type_name}")
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    (n, k), m = x1.shape[-2:], x2.shape[-2]
    batch = broadcast_shapes(x1.shape[:-2], x2.shape[:-2])
    large = n > 25 or m > 25
    if p == 2 and k and n and m and 0 not in batch and (compute_mode == _COMPUTE_MODES[1] or (large and compute_mode == _COMPUTE_MODES[0])):
        count = math.prod(batch)
        a, b = [x if tuple(x.shape[:-2]) == batch else x.expand(batch + tuple(x.shape[-2:])) for x in (x1, x2)]
        if len(batch) > 1:
            a, b = a.reshape(count, n, k), b.reshape(count, m, k)
        return T._euclidean_dist(a, b).view(batch + (n, m))
    return T._cdist_forward(x1, x2, p)


def _pdist_grad(grad, self, p, result):
    rows, columns = [from_array(i) for i in np.triu_indices(self.shape[0], 1)]
    part = norm_grad(grad.unsqueeze(-1), self.index_select(0, rows) - self.index_select(0, columns), p, result.unsqueeze(-1), (-1,))
    return T.zeros_like(self).index_add(0, rows, part).index_add(0, columns, -part)


@primitive("pdist(Tensor self, float p=2) -> Tensor", ns="torch nn.functional", half=False, self=_pdist_grad)
def pdist(self, p):
    """The p-norm between every two rows: (n, k) -> (n (n - 1) / 2)."""
    if self.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {self.ndim}D")
    if self.dtype.kind not in "fV":
        raise RuntimeError("pdist only supports floating-point dtypes")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if is_half(self.dtype):
        refuse("pdist", self)
    rows, columns = np.triu_indices(len(self), 1)
    off = self[rows] - self[columns]
    return _norm(off, p, -1, False) if off.shape[-1] else np.zeros(len(off), off.dtype)


@composite("pairwise_distance(Tensor x1, Tensor x2, float p=2, float eps=1e-06, bool keepdim=False) -> Tensor",
           shown="x1, x2, p=2.0, eps=1e-06, keepdim=False", ns="torch nn.functional")
def pairwise_distance(x1, x2, p, eps, keepdim):
    """The p-norm of x1 - x2 + eps over the last dim."""
    off = T._add_number(x1 - x2, eps)
    return T._norm_dim(off, p, (max(x1.dim(), x2.dim()) - 1,), keepdim)


@composite("cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor", ns="torch nn.functional")
def cosine_similarity(x1, x2, dim, eps):
    """sum(x1 * x2) / (max(|x1|, eps) * max(|x2|, eps)) along `dim`."""
    common = result_code(x1, x2)
    if not common.is_floating_point:
        raise RuntimeError(f"expected common dtype to be floating point, yet common dtype is {common.type_name}")
    shape = broadcast_shapes(x1.shape, x2.shape)
    parts = []
    for x in (x1, x2):
        x = x.to(common)
        if tuple(x.shape) != shape:
            x = x.expand(shape)
        norm = T.linalg_vector_norm(x, 2, (dim,), True).clone()
        # torch: the lower bound is put in without a history
        norm.data.clamp_min_(eps)
        parts.append(x / norm)
    return (parts[0] * parts[1]).sum(dim)
