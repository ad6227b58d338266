"""Linear algebra: norms, determinants, inverses, systems of equations."""
import math

import numpy as np

from ..core import T, composite, primitive
from ..core._core import normalize_dim
from ._common import broadcast_shapes, is_half, refuse, type_name
from ._linalg import (
    SINGULAR_INVERSE,
    check_equation,
    check_float,
    check_info,
    check_matrix,
    check_norm_dtype,
    check_square,
    columns,
    conj_t,
    eigh_of,
    lu_of,
    pinv_grad,
    solve_by_lu,
    svd_of,
    triangular_solve,
)

_INF = math.inf


# ------------------------------------------------------------------ norms
def _to_back(x, d0, d1):
    """The order of dims that puts d0, d1 last."""
    return [d for d in range(x.dim()) if d not in (d0, d1)] + [d0, d1]


def _largest_or_zero(x, dim, keepdim):
    # torch: the largest of none is 0 here, the smallest an error
    return T.amax(x, dim, keepdim) if x.shape[dim] else x.sum(dim, keepdim)


def _check_matrix_norm(self, dim, dtype):
    if not (self.is_floating_point() or self.is_complex()):
        raise RuntimeError(f"linalg.matrix_norm: Expected a floating point or complex tensor as input. Got {self.dtype.type_name}")
    if dtype is not None:
        check_norm_dtype("linalg.matrix_norm", self.dtype, dtype)
    if len(dim) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must be a 2-tuple. Got {' '.join(map(str, dim))}")


def _spectral(self, dim, keepdim, dtype, reduce):
    """A reduction of the singular values of the matrices in two dims."""
    d0, d1 = dim
    order = _to_back(self, d0, d1)
    x = self if dtype is None else self.to(dtype)
    result = reduce(T.linalg_svdvals(x.permute(order)))
    if keepdim:
        result = result.unsqueeze(-1).permute([order.index(d) for d in range(self.dim())])
    return result


@composite("linalg_matrix_norm(Tensor self, Scalar ord, int[] dim=[-2,-1], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", make="out",
           ns="linalg")
def linalg_matrix_norm(self, ord, dim, keepdim, dtype):
    """Norm of the matrices in two dims: 2, -2 (singular values), 1, -1 (columns), inf, -inf (rows)."""
    if self.dim() < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    _check_matrix_norm(self, dim, dtype)
    if isinstance(ord, complex) or abs(ord) not in (1, 2, _INF):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord:g} not supported.")
    dim = [normalize_dim(d, self.dim()) for d in dim]
    if dim[0] == dim[1]:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if abs(ord) == 2:
        return _spectral(self, dim, keepdim, dtype, lambda s: _largest_or_zero(s, -1, keepdim) if ord > 0 else T.amin(s, -1, keepdim))
    d0, d1 = dim if abs(ord) == 1 else dim[::-1]
    if not keepdim and d1 > d0:
        d1 -= 1
    sums = T.linalg_vector_norm(self, 1.0, (d0,), keepdim, dtype=dtype)
    return _largest_or_zero(sums, d1, keepdim) if ord > 0 else T.amin(sums, d1, keepdim)


@composite("linalg_matrix_norm.str_ord(Tensor self, str ord='fro', int[] dim=[-2,-1], bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
           make="out", ns="linalg")
def linalg_matrix_norm_str(self, ord, dim, keepdim, dtype):
    """Frobenius ("fro") or nuclear ("nuc") norm of the matrices in two dims."""
    if ord not in ("fro", "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if self.dim() < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    _check_matrix_norm(self, dim, dtype)
    dim = [normalize_dim(d, self.dim()) for d in dim]
    if dim[0] == dim[1]:
        raise RuntimeError(f"linalg.matrix_norm: dims must be different. Got ({dim[0]}, {dim[1]})")
    if ord == "fro":
        return T.linalg_vector_norm(self, 2, dim, keepdim, dtype=dtype)
    return _spectral(self, dim, keepdim, dtype, lambda s: s.sum(-1, keepdim))


def _check_norm_dims(self, dim, ord):
    if dim is not None:
        if len(dim) not in (1, 2):
            raise RuntimeError(f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}")
    elif ord is not None and self.dim() not in (1, 2):
        raise RuntimeError(f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got {self.dim()}D.")


@composite("linalg_norm(Tensor self, Scalar? ord=None, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
           shown="input, ord=None, dim=None, keepdim=False, *, out=None, dtype=None", make="out",
           ns="linalg")
def linalg_norm(self, ord, dim, keepdim, dtype):
    """Vector norm over one dim (or, without `ord`, over all), matrix norm over two."""
    if ord is not None:
        _check_norm_dims(self, dim, ord)
        if (len(dim) if dim is not None else self.dim()) == 2:
            return T.linalg_matrix_norm(self, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)
    return T.linalg_vector_norm(self, 2.0 if ord is None else ord, dim, keepdim, dtype=dtype)


@composite("linalg_norm.ord_str(Tensor self, str ord, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor", make="out",
           ns="linalg")
def linalg_norm_str(self, ord, dim, keepdim, dtype):
    """Matrix norm "fro" or "nuc" over two dims."""
    _check_norm_dims(self, dim, ord)
    return T.linalg_matrix_norm(self, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)


def _check_cond(self, p):
    if self.dim() < 2:
        raise RuntimeError("linalg.cond: The input tensor must have at least 2 dimensions.")
    if p is not None and (p not in ("fro", "nuc", 1, -1, 2, -2, _INF, -_INF)):
        raise RuntimeError(f"linalg.cond got an invalid norm type: {p if isinstance(p, str) else format(p, 'g')}")


def _cond_by_inverse(self, p):
    name = f"linalg.cond(ord={p if isinstance(p, str) else format(p, 'g')})"
    check_square(name, self)
    if self.numel() == 0:
        return T.zeros(tuple(self.shape[:-2]), dtype=self.dtype.to_real())
    if p == "nuc":
        # torch: the singular values do without the inverse
        s = T.linalg_svdvals(self)
        return s.sum(-1) * s.reciprocal().sum(-1)
    inverse, info = T.linalg_inv_ex(self)
    inverse = inverse.masked_fill((info > 0).unsqueeze(-1).unsqueeze(-1), _INF)
    return (T.linalg_matrix_norm(self, p) * T.linalg_matrix_norm(inverse, p)).nan_to_num(_INF, _INF, -_INF)


@composite("linalg_cond(Tensor self, Scalar? p=None) -> Tensor", make="out", ns="linalg")
def linalg_cond(self, p):
    """Condition number: the norm of A times that of its inverse; of singular values for 2 and -2."""
    _check_cond(self, p)
    if p is not None and p not in (2, -2):
        return _cond_by_inverse(self, p)
    s = T.linalg_svdvals(self)
    if self.numel() == 0:
        return T.zeros(tuple(self.shape[:-2]), dtype=s.dtype)
    high, low = s.narrow(-1, 0, 1), s.narrow(-1, s.shape[-1] - 1, 1)
    return (low / high if p == -2 else high / low).squeeze(-1)


@composite("linalg_cond.p_str(Tensor self, str p) -> Tensor", make="out", ns="linalg")
def linalg_cond_str(self, p):
    """Condition number in the Frobenius or nuclear norm."""
    _check_cond(self, p)
    return _cond_by_inverse(self, p)


# ------------------------------------------------------------------ determinants
def _parity(pivots):
    """-1 for an odd number of row swaps, else 1."""
    swaps = np.count_nonzero(pivots != np.arange(1, pivots.shape[-1] + 1), axis=-1)
    return np.where(swaps % 2, np.int8(-1), np.int8(1))


def _eye_like(a):
    return T.eye(a.shape[-1], dtype=a.dtype)


def _det_grad(grad, A, result):
    if A.numel() == 0:
        return T.zeros_like(A)
    scaled = (grad * result.conj()).unsqueeze(-1).unsqueeze(-1)
    if not bool((result.detach() == 0).any()):
        return T.linalg_solve(A.mH, scaled * _eye_like(A))
    # at a singular matrix: the cofactors, from the products of all singular values but one
    u, s, vh = T.linalg_svd(A)
    n = s.shape[-1]
    kept = T.where(_eye_like(A).to(T.isnan(s).dtype), T.ones_like(s).unsqueeze(-2), s.unsqueeze(-2))
    cofactors = kept.prod(-1) if n else s
    sign = (T.linalg_det(u) * T.linalg_det(vh)).conj()
    return (grad * sign).unsqueeze(-1).unsqueeze(-1) * T.matmul(u * cofactors.unsqueeze(-2), vh)


@primitive("linalg_det(Tensor A) -> Tensor", make="out", ns="linalg", half=False, A=_det_grad)
def linalg_det(A):
    """Determinant of square matrices."""
    check_square("linalg.det", A)
    check_float("linalg.det", A)
    if is_half(A.dtype):
        refuse("lu_cpu", A)
    if A.size == 0:
        return np.linalg.det(A)
    lu, pivots, _ = lu_of(A)
    return _parity(pivots) * np.multiply.reduce(np.diagonal(lu, 0, -2, -1), -1)


@composite("det(Tensor self) -> Tensor", make="method")
def det(self):
    """Determinant of square matrices."""
    return T.linalg_det(self)


def _slogdet_grad(grads, A, sign):
    """d log det = tr(A^-1 dA): its real part is d logabsdet, its imaginary part turns the sign."""
    g = grads[1]
    if A.is_complex():
        turn = None if grads[0] is None else -T.imag(grads[0].conj() * sign)
        real = T.zeros_like(turn) if g is None else g
        g = T.complex(real, T.zeros_like(real) if turn is None else turn)
    if g is None:
        return T.zeros_like(A)
    return T.linalg_solve(A.mH, g.unsqueeze(-1).unsqueeze(-1) * _eye_like(A))


@primitive("linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet)", make="out", ns="linalg", half=False, A=_slogdet_grad)
def linalg_slogdet(A):
    """Sign and logarithm of the absolute value of the determinant."""
    check_square("linalg.slogdet", A)
    check_float("linalg.slogdet", A, low_precision=False)
    if A.size == 0:
        return list(np.linalg.slogdet(A))
    lu, pivots, _ = lu_of(A)
    diagonal = np.diagonal(lu, 0, -2, -1)
    sign = np.multiply.reduce(np.sign(diagonal), -1) * _parity(pivots)
    return [sign, np.add.reduce(np.log(np.abs(diagonal)), -1)]


@composite("slogdet(Tensor self) -> (Tensor sign, Tensor logabsdet)", shown="input", make="method out")
def slogdet(self):
    """Sign and logarithm of the absolute value of the determinant."""
    return tuple(T.linalg_slogdet(self))


@composite("logdet(Tensor self) -> Tensor", make="method")
def logdet(self):
    """Logarithm of the determinant; nan where that is negative."""
    check_square("logdet", self)
    sign, log = T.linalg_slogdet(self)
    if self.is_complex():
        return sign.log() + log
    return T.where(sign == -1, float("nan"), log)


# ------------------------------------------------------------------ inverses
def _inverse(A):
    """Inverse and LAPACK's info, one for a matrix."""
    check_square("linalg.inv", A)
    check_float("linalg.inv", A, low_precision=False)
    lu, pivots, info = lu_of(A)
    return columns(solve_by_lu(lu, pivots, np.eye(A.shape[-1], dtype=A.dtype))), info


@primitive("linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)", make="out", ns="linalg", half=False,
           A=lambda grad, inverse: -T.matmul(inverse.mH, T.matmul(grad, inverse.mH)))
def linalg_inv_ex(A, check_errors):
    """Inverse, and for every matrix 0 or the number of the zero pivot that prevents it."""
    inverse, info = _inverse(A)
    if check_errors:
        check_info(info, "linalg.inv_ex", SINGULAR_INVERSE)
    return [inverse, info]


def _checked_inverse(name, A):
    inverse, info = T.linalg_inv_ex(A)
    check_info(info._array, name, SINGULAR_INVERSE)
    return inverse


@composite("linalg_inv(Tensor A) -> Tensor", make="out", ns="linalg")
def linalg_inv(A):
    """Inverse of square matrices; LinAlgError when one is singular."""
    return _checked_inverse("linalg.inv", A)


@composite("inverse(Tensor self) -> Tensor", make="method out")
def inverse(self):
    """Inverse of square matrices; LinAlgError when one is singular."""
    return _checked_inverse("linalg.inv", self)


@composite("linalg_tensorinv(Tensor self, int ind=2) -> Tensor", make="out", ns="linalg")
def linalg_tensorinv(self, ind):
    """Inverse of the map from the dims behind `ind` to those before it."""
    if ind <= 0:
        raise RuntimeError(f"Expected a strictly positive integer for 'ind', but got {ind}")
    front, back = tuple(self.shape[:ind]), tuple(self.shape[ind:])
    if math.prod(back) != math.prod(front):
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got "
                           f"{math.prod(back)} != {math.prod(front)}")
    # torch: the name in the error has no module here
    return _checked_inverse("inv", self.reshape(math.prod(front), math.prod(back))).reshape(back + front)


# ------------------------------------------------------------------ pseudo-inverse and rank
def _tolerance(shape, dtype, largest, atol, rtol):
    """max(atol, rtol * largest); rtol is eps * max(shape) unless a positive atol or an rtol was given."""
    eps = np.finfo(dtype).eps
    if rtol is None:
        rtol = np.where(np.asarray(0.0 if atol is None else atol) > 0, 0.0, eps * max(shape[-2:]))
    atol = 0.0 if atol is None else atol
    return np.maximum(np.asarray(atol), np.asarray(rtol) * largest)


def _pinv_body(self, atol, rtol, hermitian):
    if self.ndim < 2 or self.dtype.kind not in "fc":
        raise RuntimeError(f"linalg.pinv({type_name(self)}{{{list(self.shape)}}}): expected a tensor with 2 or more dimensions of float, double, "
                           "cfloat or cdouble types")
    if self.size == 0:
        return np.zeros(self.shape[:-2] + (self.shape[-1], self.shape[-2]), self.dtype)
    if hermitian:
        check_square("linalg.eigh", self)
        values, v = eigh_of(self, True, True)
        size = np.abs(values)
        limit = _tolerance(self.shape, size.dtype, size.max(-1), atol, rtol)[..., None]
        inverse = np.where(size > limit, 1 / values, 0).astype(values.dtype)
        return np.matmul(v * inverse[..., None, :], conj_t(v))
    u, s, vh = svd_of(self, False, True)
    limit = _tolerance(self.shape, s.dtype, s.max(-1), atol, rtol)[..., None]
    inverse = np.where(s > limit, 1 / s, 0).astype(s.dtype)
    return np.matmul(conj_t(vh) * inverse[..., None, :], conj_t(u))


_PINV = dict(make="out casts", ns="linalg", half=False, node="LinalgPinvBackward0", self=pinv_grad)


@primitive("linalg_pinv.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? rtol=None, bool hermitian=False) -> Tensor",
           "linalg_pinv.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool hermitian=False) -> Tensor",
           shown="A, *, atol=None, rtol=None, hermitian=False, out=None", **_PINV)
def linalg_pinv(self, atol, rtol, hermitian):
    """Pseudo-inverse: singular values up to max(atol, rtol * the largest) count as zero."""
    return _pinv_body(self, atol, rtol, hermitian)


@primitive("linalg_pinv(Tensor self, float rcond, bool hermitian=False) -> Tensor",
           "linalg_pinv.rcond_tensor(Tensor self, Tensor rcond, bool hermitian=False) -> Tensor", **_PINV)
def linalg_pinv_rcond(self, rcond, hermitian):
    """Pseudo-inverse with the older name of rtol."""
    return _pinv_body(self, 0.0, rcond, hermitian)


@composite("pinverse(Tensor self, float rcond=1e-15) -> Tensor", make="method")
def pinverse(self, rcond):
    """Pseudo-inverse."""
    return T.linalg_pinv(self, rcond)


def _rank(self, atol, rtol, hermitian):
    check_matrix("torch.linalg.matrix_rank", self, "input")
    if self.dtype.kind not in "fc":
        raise RuntimeError("This function doesn't handle types other than float and double")
    if self.size == 0:
        return np.zeros(self.shape[:-2], np.int64)
    if hermitian:
        check_square("linalg.eigh", self)
        s = np.abs(eigh_of(self, True, False)[0])
    else:
        s = svd_of(self, False, False)[1]
    limit = _tolerance(self.shape, s.dtype, s.max(-1), atol, rtol)
    return np.count_nonzero(s > limit[..., None], axis=-1)


_RANK = dict(make="out casts", ns="linalg", half=False, nograd=True)


@primitive("linalg_matrix_rank.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? rtol=None, bool hermitian=False) -> Tensor",
           "linalg_matrix_rank.atol_rtol_float(Tensor self, *, float? atol=None, float? rtol=None, bool hermitian=False) -> Tensor",
           shown="A, *, atol=None, rtol=None, hermitian=False, out=None", **_RANK)
def linalg_matrix_rank(self, atol, rtol, hermitian):
    """How many singular values exceed max(atol, rtol * the largest)."""
    return _rank(self, atol, rtol, hermitian)


@primitive("linalg_matrix_rank(Tensor self, float tol, bool hermitian=False) -> Tensor",
           "linalg_matrix_rank.tol_tensor(Tensor self, Tensor tol, bool hermitian=False) -> Tensor", **_RANK)
def linalg_matrix_rank_tol(self, tol, hermitian):
    """How many singular values exceed `tol`."""
    return _rank(self, tol, 0.0, hermitian)


# ------------------------------------------------------------------ systems of equations
def is_vector_rhs(a_shape, b_shape):
    """Whether B holds vectors: one dim, or one less than A with the same batch."""
    return len(b_shape) == 1 or (len(a_shape) - 1 == len(b_shape) and tuple(b_shape) == tuple(a_shape[:-1]))


def _solve_grad(grad, A, B_shape, result, left, mask):
    vector = is_vector_rhs(A.shape, B_shape)
    g = T.linalg_solve(A.mH, grad, left=left)
    if not mask[0]:
        return None, g
    if vector:
        outer = g.unsqueeze(-1) * result.unsqueeze(-2).conj()
    elif left:
        outer = T.matmul(g, result.mH)
    else:
        outer = T.matmul(result.mH, g)
    return -outer, (g if mask[1] else None)


@primitive("linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, Tensor info)", make="out", ns="linalg",
           half=False, A__and__B=_solve_grad)
def linalg_solve_ex(A, B, left, check_errors):
    """X of AX = B (or XA = B), and for every matrix 0 or the number of the zero pivot."""
    name = "linalg.solve"
    check_square(name, A)
    check_float(name, A, low_precision=False)
    if A.dtype != B.dtype:
        raise RuntimeError(f"{name}: Expected A and B to have the same dtype, but found A of type {type_name(A)} and B of type {type_name(B)} instead")
    vector = is_vector_rhs(A.shape, B.shape)
    b = B[..., None] if vector else B
    check_equation(name, A, b, left)
    broadcast_shapes(A.shape[:-2], b.shape[:-2])
    a, rhs = (A, b) if left else (np.swapaxes(A, -1, -2), np.swapaxes(b, -1, -2))
    lu, pivots, info = lu_of(a)
    x = columns(solve_by_lu(lu, pivots, rhs))
    if check_errors:
        check_info(info, "torch.linalg.solve_ex", _SINGULAR_SOLVE)
    x = x if left else np.swapaxes(x, -1, -2)
    return [x[..., 0] if vector else x, info]


_SINGULAR_SOLVE = "The solver failed because the input matrix is singular."


@composite("linalg_solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", make="out", ns="linalg")
def linalg_solve(A, B, left):
    """X of AX = B (or XA = B); LinAlgError when A is singular."""
    result, info = T.linalg_solve_ex(A, B, left=left)
    check_info(info._array, "torch.linalg.solve", _SINGULAR_SOLVE)
    return result


@composite("linalg_tensorsolve(Tensor self, Tensor other, int[]? dims=None) -> Tensor", shown="A, B, dims=None, *, out=None", make="out", ns="linalg")
def linalg_tensorsolve(self, other, dims):
    """X of tensordot(A, X, X.ndim) = B, with `dims` of A moved to the end first."""
    if dims is not None:
        at = range(self.dim() - len(dims), self.dim())
        self = self.movedim([normalize_dim(d, self.dim()) for d in dims], list(at))
    front, back = math.prod(self.shape[:other.dim()]), tuple(self.shape[other.dim():])
    if math.prod(back) != front:
        raise RuntimeError("Expected self to satisfy the requirement prod(self.shape[other.ndim:]) == prod(self.shape[:other.ndim]), but got "
                           f"{math.prod(back)} != {front}")
    return T.linalg_solve(self.reshape(front, math.prod(back)), other.reshape(-1)).reshape(back)


def _triangular_grad(grad, self, result, upper, left, unitriangular, mask):
    g = T.linalg_solve_triangular(self.mH, grad, upper=not upper, left=left, unitriangular=unitriangular)
    if not mask[0]:
        return None, g
    a = -(T.matmul(g, result.mH) if left else T.matmul(result.mH, g))
    shift = int(unitriangular)
    return (a.triu(shift) if upper else a.tril(-shift)), (g if mask[1] else None)


@primitive("linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) -> Tensor", make="out", ns="linalg",
           half=False, self__and__B=_triangular_grad)
def linalg_solve_triangular(self, B, upper, left, unitriangular):
    """X of AX = B (or XA = B) for triangular A; a zero on the diagonal gives infinities."""
    name = "linalg.solve_triangular"
    check_square(name, self)
    check_matrix(name, B, "B")
    check_equation(name, self, B, left)
    broadcast_shapes(self.shape[:-2], B.shape[:-2])
    if self.dtype.kind not in "fc":
        refuse("triangular_solve_cpu", self)
    return columns(triangular_solve(self, B.astype(self.dtype, copy=False), upper, left, unit=unitriangular))


def _old_triangular_grad(grads, self, A, solution, upper, transpose, unitriangular, mask):
    g_b = g_a = None
    if grads[0] is not None:
        a = A if not transpose else A.mT
        side = upper != transpose
        g_b = T.linalg_solve_triangular(a.mH, grads[0], upper=not side, unitriangular=unitriangular)
        if mask[1]:
            g_a = -T.matmul(g_b, solution.mH)
            g_a = g_a.mT if transpose else g_a
            shift = int(unitriangular)
            g_a = g_a.triu(shift) if upper else g_a.tril(-shift)
    if grads[1] is not None and mask[1]:
        g_a = grads[1] if g_a is None else g_a + grads[1]
    return g_b, g_a


@primitive("triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool unitriangular=False) -> "
           "(Tensor solution, Tensor cloned_coefficient)",
           shown="b, A, upper=True, transpose=False, unitriangular=False, *, out=None",
           make="method out", half=False, self__and__A=_old_triangular_grad)
def triangular_solve_old(self, A, upper, transpose, unitriangular):
    """X of AX = b for triangular A, and a copy of A."""
    for label, x in (("b", self), ("A", A)):
        if x.ndim < 2:
            raise RuntimeError(f"torch.triangular_solve: Expected {label} to have at least 2 dimensions, but it has {x.ndim} dimensions instead")
    if A.shape[-1] != A.shape[-2]:
        raise RuntimeError(f"A must be batches of square matrices, but they are {A.shape[-2]} by {A.shape[-1]} matrices")
    if A.shape[-1] != self.shape[-2]:
        raise RuntimeError(f"Incompatible matrix sizes for triangular_solve: each A matrix is {A.shape[-2]} by {A.shape[-1]} but each b matrix is "
                           f"{self.shape[-2]} by {self.shape[-1]}")
    x = triangular_solve(A, self, upper, trans=int(transpose), unit=unitriangular)
    return [columns(x), columns(np.broadcast_to(A, x.shape[:-2] + A.shape[-2:]))]
