"""Products, powers and exponentials of matrices."""
import numpy as np

from ..core import T, composite, primitive
from ._linalg import check_float, check_square, over_batch


# ------------------------------------------------------------------ powers and exponentials
def _power(name, self, n):
    check_square(name, self)
    if n == 0:
        return self.clone().copy_(T.eye(self.shape[-1], dtype=self.dtype))
    if n == -1:
        return T.linalg_inv(self)
    if n < 0:
        self, n = T.linalg_inv(self), -n
    if n == 1:
        return self.clone()
    if n == 3:
        return T.matmul(T.matmul(self, self), self)
    square, result = None, None
    while n:
        square = self if square is None else T.matmul(square, square)
        if n & 1:
            result = square if result is None else T.matmul(result, square)
        n >>= 1
    return result


@composite("linalg_matrix_power(Tensor self, int n) -> Tensor", make="out", ns="linalg")
def linalg_matrix_power(self, n):
    """The n-th power of square matrices; negative powers are those of the inverse."""
    return _power("linalg.matrix_power", self, n)


@composite("matrix_power(Tensor self, int n) -> Tensor", make="method out")
def matrix_power(self, n):
    """The n-th power of square matrices; negative powers are those of the inverse."""
    return _power("linalg.matrix_power", self, n)


def _exp_grad(grad, self):
    """The upper right block of exp([[A^H, G], [0, A^H]])."""
    n = self.shape[-1]
    a = self.mH
    top, bottom = T.cat([a, grad], -1), T.cat([T.zeros_like(grad), a], -1)
    return T.linalg_matrix_exp(T.cat([top, bottom], -2)).narrow(-2, 0, n).narrow(-1, n, n)


@primitive("linalg_matrix_exp(Tensor self) -> Tensor", ns="linalg", self=_exp_grad)
def linalg_matrix_exp(self):
    """Exponential of square matrices: the sum of A^k / k!."""
    check_square("linalg.matrix_exp", self)
    check_float("linalg.matrix_exp", self)
    if self.size == 0:
        return self.copy()
    if not np.isfinite(self).all():
        return over_batch(lambda x: (_exp_of(x),), (2,), self)[0]
    return _exp_of(self)


def _exp_of(a):
    """exp of finite matrices; nan for others."""
    from scipy.linalg import expm
    if not np.isfinite(a).all():
        return np.full_like(a, np.nan)
    return expm(a.astype(np.complex128 if a.dtype.kind == "c" else np.float64, copy=False)).astype(a.dtype, copy=False)


@composite("matrix_exp(Tensor self) -> Tensor", shown="A", make="method")
def matrix_exp(self):
    """Exponential of square matrices."""
    return T.linalg_matrix_exp(self)


# ------------------------------------------------------------------ products
@composite("linalg_matmul(Tensor self, Tensor other) -> Tensor", shown="input, other, *, out=None", make="out", ns="linalg")
def linalg_matmul(self, other):
    """Another name of `matmul`."""
    return T.matmul(self, other)


@composite("linalg_vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor", make="out", ns="linalg")
def linalg_vecdot(x, y, dim):
    """sum(conj(x) * y) along `dim`."""
    check_float("linalg.vecdot", x._array)
    if x.dtype != y.dtype:
        raise RuntimeError(f"linalg.vecdot: Expected x and y to have the same dtype, but found x of type {x.dtype.type_name} and y of type "
                           f"{y.dtype.type_name} instead")
    if x.dim() == 1 and y.dim() == 1:
        return T.vdot(x, y)
    return ((x.conj() if x.is_complex() else x) * y).sum(dim)


@composite("linalg_diagonal(Tensor(a) A, *, int offset=0, int dim1=-2, int dim2=-1) -> Tensor(a)", ns="linalg")
def linalg_diagonal(A, offset, dim1, dim2):
    """The diagonals of the matrices in two dims, as a view."""
    return T.diagonal(A, offset, dim1, dim2)


def _chain_order(sizes):
    """Where to split every run of a product of matrices so that the multiplications cost least."""
    n = len(sizes) - 1
    cost, split = {(i, i): 0 for i in range(n)}, {}
    for length in range(1, n):
        for i in range(n - length):
            j = i + length
            options = [(cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1], k) for k in range(i, j)]
            # torch: of equal costs the last split, so that the product runs from the left
            cost[i, j] = min(options)[0]
            split[i, j] = max([k for c, k in options if c == cost[i, j]])
    return split


def _chain(matrices, split, i, j):
    if i == j:
        return matrices[i]
    k = split[i, j]
    return T.mm(_chain(matrices, split, i, k), _chain(matrices, split, k + 1, j))


def _check_chain(tensors):
    if len(tensors) < 2:
        raise RuntimeError(f"multi_dot(): expected at least 2 tensors but got {len(tensors)}")
    for i, x in enumerate(tensors):
        end = i in (0, len(tensors) - 1)
        if x.dim() != 2 and not (end and x.dim() == 1):
            where = "the first tensor" if i == 0 else "the last tensor" if end else f"tensor {i}"
            raise RuntimeError(f"multi_dot(): {where} must be {'1D or 2D' if end else '2D'} but got {x.dim()}D")
        if x.dtype != tensors[0].dtype:
            raise RuntimeError(f"multi_dot(): all tensors must have be the same dtype but tensor 0 is {tensors[0].dtype.type_name.lower()} and tensor {i} "
                               f"{x.dtype.type_name.lower()}")


@composite("linalg_multi_dot(Tensor[] tensors) -> Tensor", make="out", ns="linalg")
def linalg_multi_dot(tensors):
    """Product of several matrices in the order that costs least; the ends may be vectors."""
    _check_chain(tensors)
    shape = list(tensors[0].shape[:-1]) + (list(tensors[-1].shape[1:]))
    matrices = list(tensors)
    if matrices[0].dim() == 1:
        matrices[0] = matrices[0].unsqueeze(0)
    if matrices[-1].dim() == 1:
        matrices[-1] = matrices[-1].unsqueeze(-1)
    for i in range(len(matrices) - 1):
        if matrices[i].shape[1] != matrices[i + 1].shape[0]:
            raise RuntimeError(f"multi_dot(): tensors {i} and {i + 1} with shapes {list(tensors[i].shape)} and {list(tensors[i + 1].shape)} cannot be "
                               "multiplied")
    split = _chain_order([m.shape[0] for m in matrices] + [matrices[-1].shape[1]])
    return _chain(matrices, split, 0, len(matrices) - 1).view(shape)


# ------------------------------------------------------------------ Vandermonde matrices
@composite("linalg_vander(Tensor x, *, int? N=None) -> Tensor", shown="x, N=None", ns="linalg")
def linalg_vander(x, N):
    """Powers 0 to N - 1 of every element, in a new last dim."""
    if x.dtype.name == "bool":
        raise RuntimeError("linalg.vander supports floating point, complex, and integer tensors, but got Bool")
    n = N if N is not None else x.shape[-1] if x.dim() else 1
    if n <= 1:
        raise RuntimeError("N must be greater than 1.")
    # torch: a number gives a matrix of one row
    shape = tuple(x.shape) or (1,)
    powers = x.unsqueeze(-1).expand(shape + (n - 1,)).cumprod(-1)
    return T.cat([T.ones(shape + (1,), dtype=powers.dtype), powers], -1)
