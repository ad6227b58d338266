"""Factored forms of matrices and what is solved with them: LU, LDL, Householder reflectors."""
import numpy as np

from ..core import T, composite, primitive
from ._common import not_implemented, refuse, type_name
from ._linalg import (
    check_equation,
    check_float,
    check_info,
    check_matrix,
    check_square,
    columns,
    conj_t,
    lapack,
    lu_of,
    over_batch,
    packed_qr_of,
    plus,
    solve_by_lu,
    solve_triangular,
)

_ZERO_PIVOT = ("U[{info},{info}] is zero and using it on lu_solve would result in a division by zero. If you still want to perform the factorization, "
               "consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)")


# ------------------------------------------------------------------ LU
def _permutation(pivots, m):
    """The matrix P of A = PLU from LAPACK's row swaps."""
    def one(swaps):
        order = np.arange(m)
        for i, j in enumerate(swaps[:m]):
            order[[i, j - 1]] = order[[j - 1, i]]
        p = np.zeros((m, m), np.int8)
        p[order, np.arange(m)] = 1
        return (p,)
    return over_batch(one, (1,), pivots)[0]


def _unpacked(lu):
    """L with ones on its diagonal, and U."""
    k = min(lu.shape[-2:])
    eye = np.eye(lu.shape[-2], k, dtype=lu.dtype)
    return np.tril(lu[..., :k], -1) + eye, np.triu(lu[..., :k, :])


def _check_pivot(pivot):
    if not pivot:
        raise RuntimeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")


def _lu_square_grad(g_l, g_u, p, L, u):
    """P L^-H [tril(L^H gL, -1) + triu(gU U^H)] U^-H."""
    inner = plus(None if g_l is None else T.matmul(L.mH, g_l).tril(-1), None if g_u is None else T.matmul(g_u, u.mH).triu())
    inner = solve_triangular(L.mH, inner, upper=True, unit=True)
    return T.matmul(p, solve_triangular(u.mH, inner, upper=False, left=False))


def _lu_grad(g_l, g_u, p, L, u):
    """Gradient of A = PLU; the part beyond the square one is a triangular solution of it."""
    m, n = L.shape[-2], u.shape[-1]
    if g_l is None and g_u is None:
        return None
    if m == n:
        return _lu_square_grad(g_l, g_u, p, L, u)
    if m < n:
        u1, u2 = u.narrow(-1, 0, m), u.narrow(-1, m, n - m)
        if g_u is None:
            a1 = _lu_square_grad(g_l, None, p, L, u1)
            return T.cat([a1, T.zeros_like(u2)], -1)
        rest = solve_triangular(L.mH, g_u.narrow(-1, m, n - m), upper=True, unit=True)
        g_l = plus(g_l, -T.matmul(rest, u2.mH))
        return T.cat([_lu_square_grad(g_l, g_u.narrow(-1, 0, m), p, L, u1), T.matmul(p, rest)], -1)
    l1, l2 = L.narrow(-2, 0, n), L.narrow(-2, n, m - n)
    g_l1 = rest = None
    if g_l is not None:
        rest = solve_triangular(u.mH, g_l.narrow(-2, n, m - n), upper=False, left=False)
        g_l1, g_u = g_l.narrow(-2, 0, n), plus(g_u, -T.matmul(l2.mH, rest))
    top = _lu_square_grad(g_l1, g_u, T.eye(n, dtype=L.dtype), l1, u)
    return T.matmul(p, T.cat([top, T.zeros_like(l2) if rest is None else rest], -2))


def _lu_factor_grad(grad, LU, pivots):
    p, L, u = T.lu_unpack(LU, pivots)
    k = min(LU.shape[-2:])
    return _lu_grad(grad.narrow(-1, 0, k).tril(-1), grad.narrow(-2, 0, k).triu(), p, L, u)


@primitive("linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, Tensor pivots, Tensor info)", make="out",
           ns="linalg", half=False, A=_lu_factor_grad)
def linalg_lu_factor_ex(A, pivot, check_errors):
    """L and U in one matrix, the row swaps from 1, and 0 or the number of the zero pivot."""
    if A.ndim < 2:
        raise RuntimeError(f"torch.lu_factor: Expected tensor with 2 or more dimensions. Got size: {list(A.shape)} instead")
    _check_pivot(pivot)
    if A.dtype.kind not in "fc":
        refuse("lu_cpu", A)
    lu, pivots, info = lu_of(A)
    if check_errors:
        check_info(info, "torch.linalg.lu_factor_ex", _ZERO_PIVOT, RuntimeError)
    return [columns(lu), pivots, info]


@composite("linalg_lu_factor(Tensor A, *, bool pivot=True) -> (Tensor LU, Tensor pivots)", make="out", ns="linalg")
def linalg_lu_factor(A, pivot):
    """L and U in one matrix, and the row swaps from 1."""
    lu, pivots, info = T.linalg_lu_factor_ex(A, pivot=pivot)
    # torch: a plain RuntimeError, for the factors exist
    check_info(info._array, "torch.linalg.lu_factor", _ZERO_PIVOT, RuntimeError)
    return lu, pivots


@composite("_lu_with_info(Tensor self, bool pivot=True, bool check_errors=True) -> (Tensor LU, Tensor pivots, Tensor info)", ns="torch")
def _lu_with_info(self, pivot):
    """L and U in one matrix, the row swaps, and LAPACK's info."""
    # torch: check_errors has no effect
    return tuple(T.linalg_lu_factor_ex(self, pivot=pivot))


def _unpack_grad(grads, LU_data_shape):
    g_l, g_u = grads[1], grads[2]
    m, n = LU_data_shape[-2:]
    k = min(m, n)
    if g_l is not None:
        g_l = g_l.tril(-1)
        g_l = T.cat([g_l, T.zeros(tuple(g_l.shape[:-1]) + (n - k,), dtype=g_l.dtype)], -1) if n > k else g_l
    if g_u is not None:
        g_u = g_u.triu()
        g_u = T.cat([g_u, T.zeros(tuple(g_u.shape[:-2]) + (m - k, n), dtype=g_u.dtype)], -2) if m > k else g_u
    return plus(g_l, g_u)


@primitive("_lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (Tensor P, Tensor L, Tensor U)", ns=None,
           half=False, LU_data=_unpack_grad)
def _lu_unpack(LU_data, LU_pivots, unpack_data, unpack_pivots):
    m, n = LU_data.shape[-2:]
    if unpack_pivots:
        if LU_pivots.dtype != np.int32:
            raise RuntimeError("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.\n"
                               "Note: this function is intended to be used with the output produced by torch.linalg.lu_factor")
        used = LU_pivots[..., :m]
        if used.size and not (used.min() >= 1 and used.max() <= m):
            # torch: no space after the full stop
            raise RuntimeError("pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive."
                               "Did you properly pass the result of lu_factor?")
    none = np.zeros(0, LU_data.dtype)
    p = _permutation(LU_pivots, m).astype(LU_data.dtype) if unpack_pivots else none
    L, u = _unpacked(LU_data) if unpack_data else (none, none.copy())
    return [p, L, u]


@composite("lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (Tensor P, Tensor L, Tensor U)", make="out")
def lu_unpack(LU_data, LU_pivots, unpack_data, unpack_pivots):
    """P, L and U from the packed form."""
    p, L, u = T._lu_unpack(LU_data, LU_pivots, unpack_data, unpack_pivots)
    return p.detach(), L, u


@primitive("_linalg_lu(Tensor A) -> (Tensor P, Tensor L, Tensor U)", ns=None, half=False,
           A=lambda grads, P, L, U: _lu_grad(None if grads[1] is None else grads[1].tril(-1), None if grads[2] is None else grads[2].triu(), P, L, U))
def _linalg_lu(A):
    check_matrix("linalg.lu", A)
    if A.dtype.kind not in "fc":
        refuse("lu_cpu", A)
    lu, pivots, _ = lu_of(A)
    L, u = _unpacked(lu)
    return [_permutation(pivots, A.shape[-2]).astype(A.dtype), L, u]


@composite("linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", make="out", ns="linalg")
def linalg_lu(A, pivot):
    """A = PLU: a permutation, a unit lower and an upper triangular matrix."""
    _check_pivot(pivot)
    p, L, u = T._linalg_lu(A)
    return p.detach(), L, u


def _lu_solve_grad(grad, LU, pivots, B, result, left, adjoint, mask):
    g_b = T.linalg_lu_solve(LU, pivots, grad, left=left, adjoint=not adjoint)
    if not mask[0]:
        return None, g_b
    # the gradient of A = PLU first: AX = B, A^H X = B, XA = B or XA^H = B
    if left:
        g_a = -(T.matmul(result, g_b.mH) if adjoint else T.matmul(g_b, result.mH))
    else:
        g_a = -(T.matmul(g_b.mH, result) if adjoint else T.matmul(result.mH, g_b))
    p, L, u = T.lu_unpack(LU, pivots)
    g_a = T.matmul(p.mT, g_a)
    return T.matmul(g_a, u.mH).tril(-1) + T.matmul(L.mH, g_a).triu(), (g_b if mask[1] else None)


@primitive("linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor", make="out", ns="linalg", half=False,
           LU__and__B=_lu_solve_grad)
def linalg_lu_solve(LU, pivots, B, left, adjoint):
    """X of AX = B (XA = B, and with A^H when `adjoint`) from the packed LU of A."""
    name = "linalg.lu_solve"
    check_square(f"torch.{name}", LU)
    check_float(name, LU, low_precision=False)
    if LU.dtype != B.dtype:
        raise RuntimeError(f"{name}: Expected LU and B to have the same dtype, but found LU of type {type_name(LU)} and B of type {type_name(B)} instead")
    if pivots.dtype != np.int32:
        raise RuntimeError(f"{name}: pivots should be a Tensor of scalar type torch.int32")
    check_matrix(name, B, "B")
    check_equation(name, LU, B, left)
    if pivots.shape[-1] != LU.shape[-1]:
        raise RuntimeError(f"{name}: Number of pivots per batch should be same as the dimension of the matrix")
    if left:
        return columns(solve_by_lu(LU, pivots, B, 2 if adjoint else 0))
    if adjoint:                              # X A^H = B: A X^H = B^H
        return np.ascontiguousarray(conj_t(solve_by_lu(LU, pivots, conj_t(B))))
    return np.ascontiguousarray(np.swapaxes(solve_by_lu(LU, pivots, np.swapaxes(B, -1, -2), 1), -1, -2))


@composite("lu_solve(Tensor self, Tensor LU_data, Tensor LU_pivots) -> Tensor", shown="b, LU_data, LU_pivots, *, out=None", make="method out")
def lu_solve(self, LU_data, LU_pivots):
    """X of AX = b from the packed LU of A."""
    return T.linalg_lu_solve(LU_data, LU_pivots, self)


# ------------------------------------------------------------------ LDL
def _ldl(self, hermitian):
    check_square("torch.linalg.ldl_factor_ex", self)
    if self.dtype.kind not in "fc":
        refuse("ldl_factor_cpu", self)
    if self.size == 0:
        return [self.copy(), np.zeros(self.shape[:-1], np.int32), np.zeros(self.shape[:-2], np.int32)]
    factor = lapack("hetrf" if hermitian and self.dtype.kind == "c" else "sytrf", self)

    def one(x):
        ld, pivots, info = factor(x, lower=1)
        return np.tril(ld), pivots.astype(np.int32), np.int32(info)
    ld, pivots, info = over_batch(one, (2,), self)
    return [columns(ld), pivots, info]


@primitive("linalg_ldl_factor_ex(Tensor self, *, bool hermitian=False, bool check_errors=False) -> (Tensor LD, Tensor pivots, Tensor info)", make="out",
           ns="linalg", half=False, node="NotImplemented", self=not_implemented("linalg_ldl_factor_ex"))
def linalg_ldl_factor_ex(self, hermitian, check_errors):
    """Packed LDL^T (or LDL^H) of symmetric matrices, LAPACK's pivots, and its info."""
    found = _ldl(self, hermitian)
    if check_errors:
        check_info(found[2], "torch.linalg.ldl_factor_ex", _LDL_ZERO)
    return found


_LDL_ZERO = "The diagonal element {info} is zero, and division by zero would occur if it were used to solve a system of equations."


@composite("linalg_ldl_factor(Tensor self, *, bool hermitian=False) -> (Tensor LD, Tensor pivots)", make="out", ns="linalg")
def linalg_ldl_factor(self, hermitian):
    """Packed LDL^T (or LDL^H) of symmetric matrices, and LAPACK's pivots."""
    ld, pivots, info = T.linalg_ldl_factor_ex(self, hermitian=hermitian)
    check_info(info._array, "torch.linalg.ldl_factor", _LDL_ZERO)
    return ld, pivots


@primitive("linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor", make="out", ns="linalg", half=False,
           node="NotImplemented", LD=not_implemented("linalg_ldl_solve"), B=not_implemented("linalg_ldl_solve"))
def linalg_ldl_solve(LD, pivots, B, hermitian):
    """X of AX = B from the packed LDL of A."""
    check_square("torch.linalg.ldl_solve", LD)
    if B.ndim < 2:
        raise IndexError("Dimension out of range (expected to be in range of [-1, 0], but got -2)")
    check_equation("torch.linalg.ldl_solve", LD, B, True)
    if LD.dtype.kind not in "fc":
        refuse("ldl_solve_cpu", LD)
    if LD.size == 0 or B.size == 0:
        return np.zeros(np.broadcast_shapes(LD.shape[:-2], B.shape[:-2]) + B.shape[-2:], B.dtype)
    solve = lapack("hetrs" if hermitian and LD.dtype.kind == "c" else "sytrs", LD)
    return columns(over_batch(lambda a, p, b: (solve(a, p.astype(np.int32), b, lower=1)[0],), (2, 1, 2), LD, pivots, B)[0])


# ------------------------------------------------------------------ Householder reflectors
def _reflected(x, v, tau):
    """(I - tau v v^H) x."""
    return x - tau * v * T.matmul(v.mH, x)


def _reflector_grads(grad, input, tau):
    """Gradients of the product of reflectors (its first columns) with respect to the vectors and the factors.

    With H = L_i H_i R_i and G_i = L_i^H G R_i^H: d tau_i = -v^H G_i v, d v_i = -(conj(tau) G_i v + tau G_i^H v).
    """
    m, k = input.shape[-2], tau.shape[-1]
    if input.numel() == 0 or tau.numel() == 0:
        return None, None
    unit = T.eye(m, input.shape[-1], dtype=input.dtype)
    vectors = input.tril(-1) + unit
    column = [vectors.narrow(-1, i, 1) for i in range(k)]
    factor = [tau.narrow(-1, i, 1).unsqueeze(-1) for i in range(k)]
    right = [T.eye(m, grad.shape[-1], dtype=grad.dtype).expand(grad.shape)]
    for i in range(k - 1, 0, -1):
        right.append(_reflected(right[-1], column[i], factor[i]))
    g_vectors, g_tau = [], []
    for i in range(k):
        r, v, t = right[k - 1 - i], column[i], factor[i]
        gv, ghv = T.matmul(grad, T.matmul(r.mH, v)), T.matmul(r, T.matmul(grad.mH, v))
        g_tau.append(-T.matmul(v.mH, gv).squeeze(-1))
        g_vectors.append(-(t.conj() * gv + t * ghv))
        grad = _reflected(grad, v, t.conj())
    g_input = T.cat(g_vectors, -1)
    rest = input.shape[-1] - k
    if rest:
        g_input = T.cat([g_input, T.zeros(tuple(g_input.shape[:-1]) + (rest,), dtype=g_input.dtype)], -1)
    return g_input.tril(-1), T.cat(g_tau, -1)


def _check_householder(name, input, tau):
    if input.ndim < 2:
        raise RuntimeError(f"{name}: input must have at least 2 dimensions.")
    if input.shape[-2] < input.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-2] must be greater than or equal to input.shape[-1]")
    if input.shape[-1] < tau.shape[-1]:
        raise RuntimeError(f"{name}: input.shape[-1] must be greater than or equal to tau.shape[-1]")
    if input.dtype != tau.dtype:
        raise RuntimeError(f"{name}: tau dtype {type_name(tau)} does not match input dtype {type_name(input)}")


@primitive("linalg_householder_product(Tensor input, Tensor tau) -> Tensor", shown="A, tau, *, out=None", make="out casts", ns="linalg", half=False,
           input__and__tau=lambda grad, input, tau: _reflector_grads(grad, input, tau))
def linalg_householder_product(input, tau):
    """The first columns of H_1 ... H_k with H_i = I - tau_i v_i v_i^H, v_i below the diagonal of `input`."""
    _check_householder("torch.linalg.householder_product", input, tau)
    if input.dtype.kind not in "fc":
        refuse("orgqr_cpu", input)
    m, n = input.shape[-2:]
    if input.size == 0 or tau.shape[-1] == 0:
        return columns(np.broadcast_to(np.eye(m, n, dtype=input.dtype), input.shape))
    orgqr = lapack("orgqr", input)
    return columns(over_batch(lambda a, t: (orgqr(a, t)[0],), (2, 1), input, tau)[0])


@composite("orgqr(Tensor self, Tensor input2) -> Tensor", shown="input, tau | input2", make="method out")
def orgqr(self, input2):
    """Another name of `linalg.householder_product`."""
    return T.linalg_householder_product(self, input2)


@primitive("geqrf(Tensor self) -> (Tensor a, Tensor tau)", make="method out casts", half=False, self=not_implemented("geqrf"))
def geqrf(self):
    """QR as LAPACK packs it: R above, reflectors below the diagonal, and their factors."""
    if self.ndim < 2:
        raise RuntimeError("torch.geqrf: input must have at least 2 dimensions.")
    if self.dtype.kind not in "fc":
        refuse("geqrf_cpu", self)
    packed, tau = packed_qr_of(self)
    return [columns(packed), tau]


def _ormqr_grad(grad, self, input2, input3, left, transpose, mask):
    g_other = T.ormqr(self, input2, grad, left, not transpose) if mask[2] else None
    if not (mask[0] or mask[1]):
        return None, None, g_other
    # QC, Q^H C, CQ or CQ^H: the gradient of the whole Q first
    if left:
        g_q = T.matmul(input3, grad.mH) if transpose else T.matmul(grad, input3.mH)
    else:
        g_q = T.matmul(grad.mH, input3) if transpose else T.matmul(input3.mH, grad)
    g_self, g_tau = _reflector_grads(g_q, self, input2)
    return g_self, g_tau, g_other


@primitive("ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False) -> Tensor",
           shown="input, tau, other, left=True, transpose=False, *, out=None | input2, input3, left=True, transpose=False",
           make="method out", half=False,
           self__and__input2__and__input3=_ormqr_grad)
def ormqr(self, input2, input3, left, transpose):
    """Q C, Q^H C, C Q or C Q^H for the whole Q of reflectors."""
    name = "torch.ormqr"
    for label, x in (("input", self), ("other", input3)):
        if x.ndim < 2:
            raise RuntimeError(f"{name}: {label} must have at least 2 dimensions.")
    side = -2 if left else -1
    if input3.shape[side] < input2.shape[-1]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be greater than or equal to tau.shape[-1]")
    if input3.shape[side] != self.shape[-2]:
        raise RuntimeError(f"{name}: other.shape[{side}] must be equal to input.shape[-2]")
    if input2.shape[-1] != min(input3.shape[side], self.shape[-1]):
        raise RuntimeError(f"{name}: tau.shape[-1] must be equal to min(other.shape[{side}], input.shape[-1])")
    if self.dtype.kind not in "fc":
        refuse("ormqr_cpu", self)
    if input3.size == 0 or input2.shape[-1] == 0:
        return columns(input3)
    routine = lapack("ormqr", self)
    trans = "N" if not transpose else "C" if self.dtype.kind == "c" else "T"
    k = input2.shape[-1]

    def one(a, t, c):
        work = routine("L" if left else "R", trans, a[:, :k], t, c, -1)[1]
        return (routine("L" if left else "R", trans, a[:, :k], t, c, int(work[0].real))[0],)
    return columns(over_batch(one, (2, 1, 2), self, input2, input3)[0])
