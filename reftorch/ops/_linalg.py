"""What the files of linear algebra share: torch's checks, and LAPACK over batches of matrices."""
import functools
from math import prod

import numpy as np

from ..core import T
from ..core.errors import _LinAlgError
from ._common import is_half, type_name


# ------------------------------------------------------------------ checks, on arrays and tensors alike
def check_matrix(name, a, label="A"):
    """At least two dims."""
    if a.ndim < 2:
        raise RuntimeError(f"{name}: The input tensor {label} must have at least 2 dimensions.")


def check_square(name, a):
    """A batch of square matrices."""
    check_matrix(name, a)
    if a.shape[-1] != a.shape[-2]:
        raise RuntimeError(f"{name}: A must be batches of square matrices, but they are {a.shape[-2]} by {a.shape[-1]} matrices")


def check_float(name, a, low_precision=True):
    """Real or complex floating-point numbers; `low_precision` lets the half types pass."""
    if a.dtype.kind not in "fVc":
        raise RuntimeError(f"{name}: Expected a floating point or complex tensor as input. Got {type_name(a)}")
    if not low_precision and is_half(a.dtype):
        raise RuntimeError(f"{name}: Low precision dtypes not supported. Got {type_name(a)}")


def check_norm_dtype(name, own, dtype):
    """torch's rules for `dtype=` of a norm: of the same kind as the input, and no narrower."""
    if not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError(f"{name}: dtype should be floating point or complex, but got {dtype.type_name}")
    if own.is_complex != dtype.is_complex:
        kind = "complex" if own.is_complex else "real"
        raise RuntimeError(f"{name}: dtype should be {kind} for {kind} inputs, but got {dtype.type_name}")
    if own.itemsize > dtype.itemsize:
        raise RuntimeError(f"{name}: the dtype of the input ({own.type_name}) should be convertible without narrowing to the specified dtype "
                           f"({dtype.type_name})")


def check_equation(name, a, b, left):
    """A and B as matrices of AX = B or XA = B."""
    if a.shape[-2] != b.shape[-2 if left else -1]:
        raise RuntimeError(f"{name}: Incompatible shapes of A and B for the equation {'AX' if left else 'XA'} = B "
                           f"({a.shape[-2]}x{a.shape[-1]} and {b.shape[-2]}x{b.shape[-1]})")


def check_info(info, name, text, error=_LinAlgError):
    """Raise for the first matrix whose LAPACK `info` is not 0; `text` may name {info}."""
    if not info.any():
        return
    at = int(np.flatnonzero(info.reshape(-1))[0])
    batch = f"(Batch element {at}): " if info.ndim else ""
    raise error(f"{name}: {batch}" + text.format(info=int(info.reshape(-1)[at])))


SINGULAR_INVERSE = "The diagonal element {info} is zero, the inversion could not be completed because the input matrix is singular."
NOT_POSITIVE = ("The factorization could not be completed because the input is not positive-definite (the leading minor of order {info} is not "
                "positive-definite).")


# ------------------------------------------------------------------ LAPACK
@functools.cache
def _lapack(name, dtype):
    from scipy.linalg import get_lapack_funcs
    return get_lapack_funcs((name,), dtype=dtype)[0]


def lapack(name, a):
    """The LAPACK routine for the dtype of `a`; SciPy is imported on first use."""
    return _lapack(name, a.dtype)


def blas(name, a):
    """The BLAS routine for the dtype of `a`."""
    from scipy.linalg import get_blas_funcs
    return get_blas_funcs((name,), (a,))[0]


def over_batch(fn, dims, *arrays):
    """`fn` for every member of stacks whose leading dims broadcast, results stacked again.

    dims: how many trailing dims of each array belong to a member.  fn gives a tuple of arrays or numbers.
    """
    batches = [a.shape[:a.ndim - d] for a, d in zip(arrays, dims, strict=True)]
    if not any(batches):
        return [np.asarray(r) for r in fn(*arrays)]
    batch = np.broadcast_shapes(*batches)
    count = prod(batch)
    stacks = []
    for a, d in zip(arrays, dims, strict=True):
        core = a.shape[a.ndim - d:]
        stacks.append(np.broadcast_to(a, batch + core).reshape((count,) + core))
    if count == 0:
        # nothing to do, but the results have the shapes that some member would give
        sample = fn(*[np.eye(*s.shape[1:], dtype=s.dtype) if s.ndim == 3 else np.zeros(s.shape[1:], s.dtype) for s in stacks])
        return [np.empty(batch + np.shape(r), np.asarray(r).dtype) for r in sample]
    rows = [fn(*members) for members in zip(*stacks, strict=True)]
    return [np.stack(column).reshape(batch + np.shape(column[0])) for column in zip(*rows, strict=True)]


# NumPy computes in double precision whatever the dtype; torch and LAPACK keep the dtype, and with it which matrices count as singular.
# NumPy serves here for matrices without elements, which LAPACK refuses.
def lu_of(a):
    """(LU, pivots from 1, info) of a batch, by partial pivoting."""
    m, n = a.shape[-2:]
    if a.size == 0:
        batch = a.shape[:-2]
        pivots = np.broadcast_to(np.arange(1, min(m, n) + 1, dtype=np.int32), batch + (min(m, n),))
        return [a.copy(), pivots.copy(), np.zeros(batch, np.int32)]
    getrf = lapack("getrf", a)

    def one(x):
        lu, pivots, info = getrf(x)
        return lu, (pivots + 1).astype(np.int32), np.int32(info)
    return over_batch(one, (2,), a)


def solve_by_lu(lu, pivots, b, trans=0):
    """X of AX = B from the factors of A (trans: 1 its transpose, 2 its conjugate transpose); a zero pivot gives infinities."""
    if lu.size == 0 or b.size == 0:
        return np.zeros(np.broadcast_shapes(lu.shape[:-2], b.shape[:-2]) + b.shape[-2:], b.dtype)
    getrs = lapack("getrs", lu)
    return over_batch(lambda x, p, y: (getrs(x, p - 1, y, trans=trans)[0],), (2, 1, 2), lu, pivots, b)[0]


def cholesky_of(a):
    """(L, info) of a batch; the lower triangle is read."""
    if a.size == 0:
        return a.copy(), np.zeros(a.shape[:-2], np.int32)
    potrf = lapack("potrf", a)

    def one(x):
        factor, info = potrf(x, lower=1, clean=1)
        return factor, np.int32(info)
    return over_batch(one, (2,), a)


def packed_qr_of(a):
    """(R above, reflectors below; their factors) of a batch."""
    if a.size == 0:
        return a.copy(), np.zeros(a.shape[:-2] + (min(a.shape[-2:]),), a.dtype)
    geqrf = lapack("geqrf", a)
    return over_batch(lambda x: geqrf(x)[:2], (2,), a)


def qr_of(a, mode):
    """(Q, R) of a batch; Q is None in mode "r"."""
    if a.size == 0:
        return np.linalg.qr(a, mode) if mode != "r" else (None, np.linalg.qr(a, mode))
    m, n = a.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    packed, tau = packed_qr_of(a)
    r = np.triu(packed[..., :k, :])
    if mode == "r":
        return None, r
    orgqr = lapack("orgqr", a)

    def one(x, t):
        wide = np.zeros((m, k), x.dtype)
        wide[:, :min(n, k)] = x[:, :k]
        return (orgqr(wide, t)[0],)
    return over_batch(one, (2, 1), packed, tau)[0], r


def eigh_of(a, lower, vectors):
    """(values, vectors or None) of a batch of Hermitian matrices."""
    if a.size == 0:
        return np.linalg.eigh(a) if vectors else (np.linalg.eigvalsh(a), None)
    heevd = lapack("heevd" if a.dtype.kind == "c" else "syevd", a)
    found = over_batch(lambda x: heevd(x, compute_v=int(vectors), lower=int(lower))[:2], (2,), a)
    return found[0], (found[1] if vectors else None)


def eig_of(a, vectors):
    """(values, vectors or None) of a batch, complex."""
    dtype = np.result_type(a.dtype, np.complex64)
    if a.size == 0:
        return (np.zeros(a.shape[:-1], dtype), np.zeros(a.shape, dtype))
    geev = lapack("geev", a)

    def one(x):
        if x.dtype.kind == "c":
            w, _, v, _ = geev(x, compute_vl=0, compute_vr=int(vectors))
            return w, v
        re, im, _, pairs, _ = geev(x, compute_vl=0, compute_vr=int(vectors))
        v = pairs.astype(dtype)
        for i in np.flatnonzero(im > 0) if vectors else ():
            v[:, i] = pairs[:, i] + 1j * pairs[:, i + 1]
            v[:, i + 1] = v[:, i].conj()
        return (re + 1j * im).astype(dtype), v
    return over_batch(one, (2,), a)


def svd_of(a, full, vectors):
    """(U, S, Vh) of a batch; the vectors are None when not asked for."""
    if a.size == 0:
        return np.linalg.svd(a, full) if vectors else (None, np.linalg.svd(a, compute_uv=False), None)
    gesdd = lapack("gesdd", a)
    m, n = a.shape[-2:]

    def one(x):
        return gesdd(x, compute_uv=int(vectors), full_matrices=int(full))[:3]

    def tall(x):
        # torch: its LAPACK takes QR first from 1.5 times as many rows as columns; the signs of the vectors follow from that
        q, r = qr_of(x, "complete" if full else "reduced")
        u, s, vh = gesdd(r[:n], compute_uv=1)[:3]
        return np.concatenate([q[:, :n] @ u, q[:, n:]], -1), s, vh
    found = over_batch(tall if vectors and m > n and m >= int(1.5 * n) else one, (2,), a)
    return found if vectors else (None, found[1], None)


def triangular_solve(a, b, upper, left=True, trans=0, unit=False):
    """X of op(A) X = B (or X op(A) = B) for triangular A; trans: 0 none, 1 transpose, 2 conjugate transpose."""
    if a.size == 0 or b.size == 0:
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        return np.zeros(batch + b.shape[-2:], b.dtype)
    trsm = blas("trsm", a)
    return over_batch(lambda x, y: (trsm(1, x, y, side=int(not left), lower=int(not upper), trans_a=trans, diag=int(unit)),), (2, 2), a, b)[0]


def columns(a):
    """The same matrices, laid out column by column in memory as LAPACK leaves its results."""
    return np.ascontiguousarray(np.swapaxes(a, -1, -2)).swapaxes(-1, -2)


def conj_t(a):
    """Conjugate transpose of the last two dims of an array."""
    return np.conj(np.swapaxes(a, -1, -2))


# ------------------------------------------------------------------ pieces of rules, on tensors
def plus(*parts):
    """Sum of the parts that exist; None when none does."""
    found = [p for p in parts if p is not None]
    if not found:
        return None
    total = found[0]
    for p in found[1:]:
        total = total + p
    return total


def with_diagonal(x, d):
    """`x` with the diagonal of its last two dims replaced by `d`."""
    off = x - T.diag_embed(x.diagonal(0, -2, -1))
    return off + T.diag_embed(d).to(x.dtype)


def halved_diagonal(x):
    """`x` with half its diagonal."""
    return x - T.diag_embed(x.diagonal(0, -2, -1)) * 0.5


def solve_triangular(a, b, upper, left=True, unit=False):
    """T.linalg_solve_triangular, short."""
    return T.linalg_solve_triangular(a, b, upper=upper, left=left, unitriangular=unit)


def pinv_grad(grad, result, self):
    """Gradient of the pseudo-inverse `result` of `self`."""
    p, ph, gh = result, result.mH, grad.mH
    if self.shape[-2] <= self.shape[-1]:
        k = T.matmul(gh, p)
        kph = T.matmul(k, ph)
        return -T.matmul(p, k).mH + kph - T.matmul(T.matmul(self, p), kph) + T.matmul(T.matmul(ph, p), gh - T.matmul(k, self))
    k = T.matmul(p, gh)
    phk = T.matmul(ph, k)
    return -T.matmul(k, p).mH + T.matmul(T.matmul(gh - T.matmul(self, k), p), ph) + phk - T.matmul(T.matmul(phk, p), self)
