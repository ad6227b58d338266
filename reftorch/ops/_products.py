"""Products of arrays with PyTorch's last bit, for the ops that are made of them: `kernels/gemm.pyx` where it can, else NumPy's BLAS."""
import numpy as np

from ..kernels import gemm
from ._common import is_half


def matrix_product(left, right, small_in_order=True):
    """left @ right, of matrices or of equal batches of matrices, by the faster of the two who can."""
    out = gemm.matmul(left, right, None, small_in_order)
    return out if out is not None else left.dot(right) if left.ndim == 2 else np.matmul(left, right)


def by_vector(mat, vec):
    """mat @ vec."""
    out = gemm.matvec(mat, vec)
    return out if out is not None else mat.dot(vec)


def inner(a, b):
    """Sum of a * b of two vectors."""
    out = gemm.dot(a, b)
    return out if out is not None else a.dot(b)


def is_one(factor):
    return type(factor) is int and factor == 1


def by_factor(a, factor):
    """a * factor in the dtype of `a`."""
    return a if is_one(factor) else np.asarray(a * np.asarray(factor).astype(a.dtype))


def affine(self, made, beta, alpha):
    """beta * self + alpha * made; in integer types the factors lose their fraction, and beta = 0 ignores even nan in `self`."""
    made = by_factor(made, alpha)
    if beta == 0:
        return made
    return np.add(made, by_factor(self, beta), out=made)


def sum_product(self, left, right, beta, alpha, small_in_order=True):
    """beta * self + alpha * left @ right, each factor where PyTorch's BLAS puts it; `small_in_order`: small matrices of a batch add term by term."""
    if is_half(left.dtype):
        dtype, self, left, right = left.dtype, *(a.astype(np.float32) for a in (self, left, right))
        total = by_factor(matrix_product(left, right), alpha)
        if beta != 0:                        # torch: rounded to float32 once, by fma
            total = (np.float64(np.float32(beta)) * self + total).astype(np.float32)
        return total.astype(dtype)
    if left.dtype.kind == "f":
        if not is_one(alpha):
            joins = gemm.factor_joins(left, right)
            if joins == "left":
                left, alpha = by_factor(left, alpha), 1
            elif joins == "right":
                right, alpha = by_factor(right, alpha), 1
        if is_one(alpha):
            out = gemm.matmul(left, right, by_factor(self, beta) if beta != 0 else None, small_in_order)
            if out is not None:
                return out
    return affine(self, matrix_product(left, right, small_in_order), beta, alpha)
