"""Decompositions of matrices: Cholesky, QR, eigenvalues, singular values; least squares."""
import numpy as np

from ..core import T, _core, composite, primitive
from ..core.errors import _LinAlgError
from ._common import refuse, type_name
from ._linalg import (
    NOT_POSITIVE,
    check_float,
    check_info,
    check_matrix,
    check_square,
    cholesky_of,
    columns,
    conj_t,
    eig_of,
    eigh_of,
    halved_diagonal,
    lapack,
    over_batch,
    pinv_grad,
    plus,
    qr_of,
    solve_triangular,
    svd_of,
    triangular_solve,
    with_diagonal,
)


# ------------------------------------------------------------------ Cholesky
def _cholesky_body(self, upper):
    """Factor and info; the triangle that is not asked for is not read."""
    a = conj_t(self) if upper else self
    factor, info = cholesky_of(a)
    return columns(conj_t(factor) if upper else factor), info


def _cholesky_grad(grad, upper, L):
    """L^-H phi(L^H G) L^-1, phi: the lower triangle, made Hermitian."""
    if upper:
        grad, L = grad.mH, L.mH
    low = T.matmul(L.mH, grad).tril()
    g = (low + low.tril(-1).mH) * 0.5
    return solve_triangular(L, solve_triangular(L.mH, g, upper=True), upper=False, left=False)


def _check_cholesky(name, self):
    check_square(name, self)
    check_float(name, self, low_precision=False)


@primitive("linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)", make="out", ns="linalg", half=False,
           self=lambda grad, upper, L: _cholesky_grad(grad, upper, L))
def linalg_cholesky_ex(self, upper, check_errors):
    """L of A = L L^H (or U of A = U^H U), and 0 or the order of the minor that is not positive."""
    _check_cholesky("linalg.cholesky", self)
    factor, info = _cholesky_body(self, upper)
    if check_errors:
        check_info(info, "linalg.cholesky_ex", NOT_POSITIVE)
    return [factor, info]


@composite("linalg_cholesky(Tensor self, *, bool upper=False) -> Tensor", make="out", ns="linalg")
def linalg_cholesky(self, upper):
    """L of A = L L^H (or U of A = U^H U); LinAlgError when A is not positive-definite."""
    factor, info = T.linalg_cholesky_ex(self, upper=upper)
    check_info(info._array, "linalg.cholesky", NOT_POSITIVE)
    return factor


@primitive("cholesky(Tensor self, bool upper=False) -> Tensor", make="method out casts", half=False,
           self=lambda grad, upper, result: _cholesky_grad(grad, upper, result))
def cholesky(self, upper):
    """L of A = L L^H (or U of A = U^H U), the older name."""
    _check_cholesky("cholesky", self)
    factor, info = _cholesky_body(self, upper)
    check_info(info, "cholesky", NOT_POSITIVE)
    return factor


def _cholesky_inverse_grad(grad, self, upper, result):
    common = T.matmul(result, T.matmul(grad + grad.mH, result))
    return -T.matmul(self, common) if upper else -T.matmul(common, self)


@primitive("cholesky_inverse(Tensor self, bool upper=False) -> Tensor",
           shown="L, upper=False, *, out=None", make="method out casts", half=False, self=_cholesky_inverse_grad)
def cholesky_inverse(self, upper):
    """Inverse of A from its Cholesky factor."""
    check_square("cholesky_inverse", self)
    check_float("cholesky_inverse", self, low_precision=False)
    eye = np.broadcast_to(np.eye(self.shape[-1], dtype=self.dtype), self.shape)
    half = triangular_solve(self, eye, upper)
    # A^-1 = U^-1 U^-H = L^-H L^-1
    return columns(np.matmul(half, conj_t(half)) if upper else np.matmul(conj_t(half), half))


def _cholesky_solve_grad(grad, input2, result, upper, mask):
    g = T.cholesky_solve(grad, input2, upper)
    if not mask[1]:
        return g, None
    common = T.matmul(g, result.mH)
    common = common + common.mH
    factor = -T.matmul(input2, common) if upper else -T.matmul(common, input2)
    return (g if mask[0] else None), factor


@primitive("cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor",
           shown="B, L, upper=False, *, out=None | input2, upper=False", make="method out casts", half=False,
           self__and__input2=_cholesky_solve_grad)
def cholesky_solve(self, input2, upper):
    """X of AX = B from the Cholesky factor of A."""
    for label, x in (("b", self), ("u", input2)):
        if x.ndim < 2:
            raise RuntimeError(f"{label} should have at least 2 dimensions, but has {x.ndim} dimensions instead")
    if self.dtype != input2.dtype:
        raise RuntimeError(f"Expected b and A to have the same dtype, but found b of type {type_name(self)} and A of type {type_name(input2)} instead.")
    if input2.shape[-1] != input2.shape[-2]:
        raise RuntimeError(f"A must be batches of square matrices, but they are {input2.shape[-2]} by {input2.shape[-1]} matrices")
    if self.shape[-2] != input2.shape[-1]:
        raise RuntimeError(f"Incompatible matrix sizes for cholesky_solve: each A matrix is {input2.shape[-2]} by {input2.shape[-1]} but each b matrix "
                           f"is {self.shape[-2]} by {self.shape[-1]}")
    first = triangular_solve(input2, self, upper, trans=2 if upper else 0)
    return columns(triangular_solve(input2, first, upper, trans=0 if upper else 2))


# ------------------------------------------------------------------ QR
def _upper_hermitian(x):
    """X + X^H with the diagonal counted once."""
    return halved_diagonal(x + x.mH)


def _qr_tall_grad(g_q, g_r, q, r):
    """[gQ + Q syminv(triu(gR R^H - Q^H gQ))] R^-H for as many rows as columns, or more."""
    inner = plus(None if g_r is None else T.matmul(g_r, r.mH), None if g_q is None else -T.matmul(q.mH, g_q))
    total = plus(g_q, T.matmul(q, _upper_hermitian(inner.triu())))
    return solve_triangular(r.mH, total, upper=False, left=False)


def _qr_grad(grads, Q, R, mode):
    g_q, g_r = grads
    if mode == "r":
        raise RuntimeError("The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if "
                           "you are going to require gradients on it.")
    m, n = Q.shape[-2], R.shape[-1]
    if mode == "complete" and m > n:
        raise RuntimeError("The QR decomposition is not differentiable when mode='complete' and nrows > ncols.")
    if m >= n:
        return _qr_tall_grad(g_q, g_r, Q, R)
    # wide: A = [A1 A2] with A1 = Q R1 and R2 = Q^H A2
    r1, r2 = R.narrow(-1, 0, m), R.narrow(-1, m, n - m)
    g_r1 = g_a2 = None
    if g_r is not None:
        g_r1, g_r2 = g_r.narrow(-1, 0, m), g_r.narrow(-1, m, n - m)
        g_a2 = T.matmul(Q, g_r2)
        g_q = plus(g_q, T.matmul(T.matmul(Q, r2), g_r2.mH))
    g_a1 = _qr_tall_grad(g_q, g_r1, Q, r1)
    return T.cat([g_a1, T.zeros_like(r2) if g_a2 is None else g_a2], -1)


@primitive("linalg_qr(Tensor A, str mode='reduced') -> (Tensor Q, Tensor R)", make="out", ns="linalg", half=False, A=_qr_grad)
def linalg_qr(A, mode):
    """A = QR with orthonormal columns in Q and R upper triangular; mode: reduced, complete or r."""
    check_matrix("linalg.qr", A)
    check_float("linalg.qr", A, low_precision=False)
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'")
    q, r = qr_of(A, mode)
    return [np.zeros(0, A.dtype) if q is None else columns(q), columns(r)]


@composite("qr(Tensor self, bool some=True) -> (Tensor Q, Tensor R)", make="method out")
def qr(self, some):
    """A = QR, the older name."""
    return tuple(T.linalg_qr(self, "reduced" if some else "complete"))


# ------------------------------------------------------------------ eigenvalues
def _differences(values):
    """L_j - L_i, with ones on the diagonal."""
    return with_diagonal(values.unsqueeze(-2) - values.unsqueeze(-1), T.ones_like(values))


def _check_phase(name, kind, turn):
    """torch's refusal of losses that depend on the free phase of complex vectors."""
    if not np.allclose(turn._array, 0, rtol=1e-2, atol=1e-2):
        raise RuntimeError(f"{name}: The {kind} in the complex case are specified up to multiplication by e^{{i phi}}. The specified loss function "
                           "depends on this quantity, so it is ill-defined.")


def _eigh_grad(grads, eigenvalues, eigenvectors):
    g_l, g_v, v = grads[0], grads[1], eigenvectors
    if g_v is None:
        return T.matmul(v * g_l.unsqueeze(-2), v.mH)
    inner = T.matmul(v.mH, g_v)
    if v.is_complex():
        _check_phase("linalg_eigh_backward", "eigenvectors", T.imag(inner.diagonal(0, -2, -1)))
    inner = _skew(inner) * 0.5 / _differences(eigenvalues)
    inner = with_diagonal(inner, T.zeros_like(eigenvalues) if g_l is None else g_l)
    return T.matmul(v, T.matmul(inner, v.mH))


def _check_uplo(UPLO):
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")


@primitive("_linalg_eigh(Tensor A, str UPLO='L', bool compute_v=True) -> (Tensor eigenvalues, Tensor eigenvectors)", ns=None, half=False, A=_eigh_grad)
def _linalg_eigh(A, UPLO, compute_v):
    """Eigenvalues and, on request, eigenvectors of Hermitian matrices, of which one triangle is read."""
    if A.dtype.kind not in "fc":
        refuse("linalg_eigh_cpu", A)
    if not np.isfinite(A).all():
        # LAPACK may not end on these; torch gives nan
        values = np.full(A.shape[:-1], np.nan, A.real.dtype)
        return [values, np.full_like(A, np.nan) if compute_v else np.zeros(0, A.dtype)]
    values, vectors = eigh_of(A, UPLO.upper() == "L", compute_v)
    return [values, np.zeros(0, A.dtype) if vectors is None else columns(vectors)]


def _checked_eigh(name, self, UPLO, vectors):
    check_square(name, self)
    _check_uplo(UPLO)
    return T._linalg_eigh(self, UPLO, vectors)


@composite("linalg_eigh(Tensor self, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)", make="out", ns="linalg")
def linalg_eigh(self, UPLO):
    """Eigenvalues, rising, and eigenvectors of Hermitian matrices."""
    return tuple(_checked_eigh("linalg.eigh", self, UPLO, True))


@composite("linalg_eigvalsh(Tensor self, str UPLO='L') -> Tensor", make="out", ns="linalg")
def linalg_eigvalsh(self, UPLO):
    """Eigenvalues of Hermitian matrices, rising."""
    return _checked_eigh("linalg.eigh", self, UPLO, self.requires_grad or _core.in_forward_mode())[0]


def _eig_grad(grads, self_dtype, eigenvalues, eigenvectors):
    g_l, g_v, v = grads[0], grads[1], eigenvectors
    if g_v is None:
        inner = T.diag_embed(g_l)
    else:
        inner = T.matmul(v.mH, g_v)
        diagonal = inner.diagonal(0, -2, -1)
        if self_dtype.is_complex:
            _check_phase("linalg_eig_backward", "eigenvectors", T.imag(diagonal))
        inner = inner - T.matmul(v.mH, v * T.real(diagonal).unsqueeze(-2))
        inner = inner / _differences(eigenvalues).conj()
        inner = with_diagonal(inner, T.zeros_like(eigenvalues) if g_l is None else g_l)
    g = T.linalg_solve(v.mH, T.matmul(inner, v.mH))
    return g if self_dtype.is_complex else T.real(g)


def _check_eig(name, self):
    check_square(name, self)
    if self.dtype.kind not in "fc":
        raise RuntimeError(f"Unknown Complex ScalarType for {type_name(self)}")
    if not np.isfinite(self).all():
        raise RuntimeError(f"torch.{name}: input tensor should not contain infs or NaNs.")


@primitive("linalg_eig(Tensor self) -> (Tensor eigenvalues, Tensor eigenvectors)", make="out", ns="linalg", half=False, self=_eig_grad)
def linalg_eig(self):
    """Eigenvalues and eigenvectors of square matrices, always complex."""
    _check_eig("linalg.eig", self)
    values, vectors = eig_of(self, True)
    return [values, columns(vectors)]


@primitive("_linalg_eigvals(Tensor self) -> Tensor", ns=None, half=False, nograd=True)
def _linalg_eigvals(self):
    """Eigenvalues alone."""
    _check_eig("linalg.eigvals", self)
    return eig_of(self, False)[0]


@composite("linalg_eigvals(Tensor self) -> Tensor", make="out", ns="linalg")
def linalg_eigvals(self):
    """Eigenvalues of square matrices, always complex."""
    return T.linalg_eig(self)[0] if self.requires_grad or _core.in_forward_mode() else T._linalg_eigvals(self)


# ------------------------------------------------------------------ singular values
def _skew(x):
    return x - x.mH


def _svd_grad(grads, A_shape, U, S, Vh):
    g_u, g_s, g_vh = grads
    if U.numel() == 0 and S.numel() and g_s is not None:
        raise RuntimeError("svd_backward: Setting compute_uv to false in torch.svd doesn't compute singular matrices, and, as such, we cannot compute "
                           "backward. Please use torch.svd(compute_uv=True)")
    m, n, k = A_shape[-2], A_shape[-1], S.shape[-1]
    U, Vh = U.narrow(-1, 0, k), Vh.narrow(-2, 0, k)
    if g_u is None and g_vh is None:
        return T.matmul(U * g_s.unsqueeze(-2), Vh) if m >= n else T.matmul(U, g_s.unsqueeze(-1) * Vh)
    g_u = None if g_u is None else g_u.narrow(-1, 0, k)
    g_vh = None if g_vh is None else g_vh.narrow(-2, 0, k)
    u_part = None if g_u is None else _skew(T.matmul(U.mH, g_u))
    v_part = None if g_vh is None else _skew(T.matmul(Vh, g_vh.mH))
    if U.is_complex():
        turns = [T.imag(x.diagonal(0, -2, -1)) for x in (u_part, v_part) if x is not None]
        _check_phase("svd_backward", "singular vectors", turns[0] + turns[1] if len(turns) == 2 else turns[0])
    gaps = _differences(S * S)
    inner = plus(None if u_part is None else u_part / gaps * S.unsqueeze(-2), None if v_part is None else S.unsqueeze(-1) * (v_part / gaps),
                 None if g_s is None else T.diag_embed(g_s))
    if U.is_complex() and u_part is not None and v_part is not None:
        inner = inner + T.diag_embed(u_part.diagonal(0, -2, -1) / (2.0 * S))
    left, right = T.matmul(U, inner), inner
    if m > k and g_u is not None:
        # what leaves the span of U
        scaled = g_u / S.unsqueeze(-2)
        return T.matmul(left + scaled - T.matmul(U, T.matmul(U.mH, scaled)), Vh)
    right = T.matmul(inner, Vh)
    if n > k and g_vh is not None:
        scaled = g_vh / S.unsqueeze(-1)
        right = right + scaled - T.matmul(T.matmul(scaled, Vh.mH), Vh)
    return T.matmul(U, right)


@primitive("_linalg_svd(Tensor A, bool full_matrices=False, bool compute_uv=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)", ns=None,
           half=False, A=_svd_grad)
def _linalg_svd(A, full_matrices, compute_uv, driver):
    """A = U diag(S) Vh; without vectors when not asked for."""
    check_matrix("linalg.svd", A)
    check_float("linalg.svd", A, low_precision=False)
    if driver is not None:
        raise RuntimeError("torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend.")
    if not np.isfinite(A).all():
        _svd_failed(A)
    u, s, vh = svd_of(A, full_matrices, compute_uv)
    if not compute_uv:
        return [np.zeros(0, A.dtype), s, np.zeros(0, A.dtype)]
    return [columns(u), s, columns(vh)]


def _svd_failed(A):
    bad = np.flatnonzero(~np.isfinite(A).reshape(-1, A.shape[-2] * A.shape[-1]).all(-1))[0]
    batch = f"(Batch element {bad}): " if A.ndim > 2 else ""
    raise _LinAlgError(f"linalg.svd: {batch}The algorithm failed to converge because the input matrix contained non-finite values.")


@composite("linalg_svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)", make="out", ns="linalg")
def linalg_svd(A, full_matrices, driver):
    """Singular values, falling, and both sets of singular vectors: A = U diag(S) Vh."""
    return tuple(T._linalg_svd(A, full_matrices, True, driver=driver))


@composite("linalg_svdvals(Tensor A, *, str? driver=None) -> Tensor", make="out", ns="linalg")
def linalg_svdvals(A, driver):
    """Singular values, falling."""
    return T._linalg_svd(A, False, A.requires_grad or _core.in_forward_mode(), driver=driver)[1]


@composite("svd(Tensor self, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor V)", make="method out")
def svd(self, some, compute_uv):
    """A = U diag(S) V^H, the older name."""
    if compute_uv:
        u, s, vh = T._linalg_svd(self, not some)
        return u, s, vh.mH
    s = T._linalg_svd(self, False, False)[1]
    batch, (m, n) = tuple(self.shape[:-2]), self.shape[-2:]
    # torch: zeros in place of the vectors
    return T.zeros(batch + (m, m), dtype=self.dtype), s, T.zeros(batch + (n, n), dtype=self.dtype)


# ------------------------------------------------------------------ least squares
def _lstsq_grad(grads, self, b, solution, mask):
    g_x, g_res = grads[0], grads[1]
    vector = b.dim() == 1 or (self.dim() - 1 == b.dim() and tuple(b.shape) == tuple(self.shape[:-1]))
    x, rhs = (solution.unsqueeze(-1), b.unsqueeze(-1)) if vector else (solution, b)
    g_a = g_b = None
    if g_x is not None:
        g_x = g_x.unsqueeze(-1) if vector else g_x
        inverse = T.linalg_pinv(self)
        if mask[0]:
            g_a = pinv_grad(T.matmul(g_x, rhs.mH), inverse, self)
        if mask[1]:
            g_b = T.matmul(inverse.mH, g_x)
    if g_res is not None and g_res.numel():
        off = 2 * g_res.unsqueeze(-2) * (T.matmul(self, x) - rhs)
        g_a = plus(g_a, T.matmul(off, x.mH)) if mask[0] else None
        g_b = plus(g_b, -off) if mask[1] else None
    return g_a, g_b.squeeze(-1) if vector and g_b is not None else g_b


def _lstsq_one(driver, a, rcond):
    """How to solve one system: (solution of all rows, rank, singular values, info)."""
    n = a.shape[-1]
    if driver == "gels":
        gels = lapack("gels", a)

        def one(x, y):
            _, full, info = gels(x, y)
            return full, 0, np.zeros(0), np.int32(info)
        return one
    from scipy.linalg import lstsq as solve

    def one(x, y):
        found, _, rank, s = solve(x, y[:x.shape[0]], cond=rcond, lapack_driver=driver, check_finite=False)
        full = np.zeros_like(y)
        full[:n] = found
        return full, rank, np.zeros(0, a.real.dtype) if s is None else s, np.int32(0)
    return one


def _check_lstsq(name, self, b, driver):
    if self.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if b.ndim < 1:
        raise RuntimeError(f"{name}: other must have at least 1 dimension.")
    if self.ndim - b.ndim not in (0, 1):
        raise RuntimeError(f"{name}: input.dim() must be greater or equal to other.dim() and (input.dim() - other.dim()) <= 1")
    if self.dtype.kind not in "fc":
        raise RuntimeError("This function doesn't handle types other than float and double")
    if driver not in ("gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"{name}: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)")
    if self.dtype != b.dtype:
        raise RuntimeError(f"{name}: Expected input and other to have the same dtype, but got input's dtype {type_name(self)} and other's dtype "
                           f"{type_name(b)}")


@primitive("_linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) -> "
           "(Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)", ns=None, half=False, node="LinalgLstsqBackward0",
           self__and__b=_lstsq_grad)
def _linalg_lstsq(self, b, rcond, driver):
    name = "torch.linalg.lstsq"
    driver = "gelsy" if driver is None else driver
    _check_lstsq(name, self, b, driver)
    vector = b.ndim == 1 or (self.ndim - 1 == b.ndim and b.shape == self.shape[:-1])
    rhs = b[..., None] if vector else b
    (m, n), k = self.shape[-2:], rhs.shape[-1]
    if rhs.shape[-2] != m:
        raise RuntimeError(f"{name}: input.size(-2) should match other.size({'-1' if vector else '-2'})")
    real = self.real.dtype
    rcond = float(np.finfo(real).eps) * max(m, n) if rcond is None else rcond
    batch = np.broadcast_shapes(self.shape[:-2], rhs.shape[:-2])
    wide = np.zeros(rhs.shape[:-2] + (max(m, n), k), self.dtype)
    wide[..., :m, :] = rhs
    if m == 0 or n == 0 or k == 0:
        full, rank, s = np.zeros(batch + wide.shape[-2:], self.dtype), np.zeros(batch, np.int64), np.zeros(batch + (0,), real)
    else:
        full, rank, s, info = over_batch(_lstsq_one(driver, self, rcond), (2, 2), self, wide)
        check_info(info, name, "The least squares solution could not be computed because the input matrix does not have full rank (error code: {info}).")
    x = full[..., :n, :]
    residuals = np.zeros(0, real)
    if m > n and (driver == "gels" or (rank == n).all()) and driver != "gelsy":          # torch: gelsy leaves the residuals empty
        off = np.matmul(self, x) - rhs
        residuals = np.add.reduce(off.real**2 + off.imag**2, -2).astype(real, copy=False)
    rank = np.zeros(0, np.int64) if driver == "gels" else np.asarray(rank, np.int64)
    s = s.astype(real, copy=False) if driver in ("gelsd", "gelss") else np.zeros(0, real)
    # torch: the residuals of a vector keep its dim of size 1
    return [x[..., 0] if vector else columns(x), residuals, rank, s]


@composite("linalg_lstsq(Tensor self, Tensor b, float? rcond=None, *, str? driver=None) -> "
           "(Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)",
           shown="A, B, rcond=None, *, driver=None", make="out", ns="linalg")
def linalg_lstsq(self, b, rcond, driver):
    """X that makes |AX - B| least, with residuals, rank and singular values where the driver gives them."""
    x, residuals, rank, s = T._linalg_lstsq(self, b, rcond, driver=driver)
    return x, residuals, rank, s.detach()
