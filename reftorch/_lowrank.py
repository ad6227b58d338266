"""Singular values and principal components of a few directions, by random projection (Halko et al., 2009)."""
from .core import T
from .overrides import handle_torch_function, has_torch_function


def _basis(A, q, niter, M):
    """Orthonormal columns that nearly span A - M: powers of it applied to random vectors."""
    def product(left, shift, right):
        return left @ right if shift is None else left @ right - shift @ right
    Q = T.linalg_qr(product(A, M, T.randn(A.shape[-1], q, dtype=A.dtype))).Q
    for _ in range(niter):
        Q = T.linalg_qr(product(A.mH, None if M is None else M.mH, Q)).Q
        Q = T.linalg_qr(product(A, M, Q)).Q
    return Q


def svd_lowrank(A, q=6, niter=2, M=None):
    """(U, S, V) with A - M nearly U diag(S) V^H, for A [*, m, n] and q directions."""
    tensors = (A,) if M is None else (A, M)
    if has_torch_function(tensors):
        return handle_torch_function(svd_lowrank, tensors, A, q=q, niter=niter, M=M)
    q = 6 if q is None else q
    M = None if M is None else M.broadcast_to(A.shape)
    wide = A.shape[-2] < A.shape[-1]
    if wide:
        A, M = A.mH, None if M is None else M.mH
    Q = _basis(A, q, niter, M)
    B = Q.mH @ A if M is None else Q.mH @ (A - M)
    U, S, Vh = T.linalg_svd(B, full_matrices=False)
    U, V = Q @ U, Vh.mH
    return (V, S, U) if wide else (U, S, V)


def pca_lowrank(A, q=None, center=True, niter=2):
    """(U, S, V): V has the main directions of the rows of A [*, m, n], from which their mean is taken first."""
    if has_torch_function((A,)):
        return handle_torch_function(pca_lowrank, (A,), A, q=q, center=center, niter=niter)
    m, n = A.shape[-2:]
    q = min(6, m, n) if q is None else q
    if not 0 <= q <= min(m, n):
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={min(m, n)}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(-2, keepdim=True) if center else A, q, niter)
