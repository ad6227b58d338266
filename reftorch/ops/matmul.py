"""Products of vectors and matrices, and what is made of them."""
import numpy as np

from ..core import T, composite, primitive
from ._common import refuse, type_name

_C_NAMES = {"Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "ComplexFloat": "c10::complex<float>",
            "ComplexDouble": "c10::complex<double>", "Bool": "bool", "Byte": "unsigned char", "Char": "signed char", "Short": "short", "Int": "int",
            "Long": "long"}


# ------------------------------------------------------------------ pieces of rules
def _conj(x):
    return x.conj() if x.is_complex() else x


def _scaled(x, factor):
    return x if type(factor) is int and factor == 1 else x * factor


def _conj_number(x):
    return x.conjugate() if isinstance(x, complex) else x


def _column_major(shape, strides):
    return strides[0] == 1 and strides[1] == shape[0]


def _left_grad(grad, right, shape, strides, alpha=1):
    """Gradient of L in alpha * L @ R (L: n x k, `right`: k x m), laid out in memory as L is."""
    if _column_major(shape, strides):
        return _scaled(T.mm(_conj(right), grad.t()).t(), _conj_number(alpha))
    return _scaled(T.mm(grad, _conj(right.t())), _conj_number(alpha))


def _right_grad(grad, left, shape, strides, alpha=1):
    """Gradient of R in alpha * L @ R, laid out in memory as R is."""
    if _column_major(shape, strides):
        return _scaled(T.mm(grad.t(), _conj(left)).t(), _conj_number(alpha))
    return _scaled(T.mm(_conj(left.t()), grad), _conj_number(alpha))


def _affine(self, product, beta, alpha):
    """beta * self + alpha * product; in integer types the factors lose their fraction, and beta = 0 ignores even nan in `self`."""
    if product.dtype.kind in "iu":
        alpha, beta = int(alpha), int(beta)
    if alpha != 1:
        product = product * product.dtype.type(alpha)
    if beta == 0:
        return product
    if beta != 1:
        self = self * product.dtype.type(beta)
    return np.add(product, self, out=product)


def _check_expand(self, shape):
    """torch's error when `self` does not broadcast to the shape of the product."""
    if self.ndim > len(shape):
        raise RuntimeError(f"expand(torch.{type_name(self)}Tensor{{{list(self.shape)}}}, size={list(shape)}): the number of sizes provided "
                           f"({len(shape)}) must be greater or equal to the number of dimensions in the tensor ({self.ndim})")
    for d in range(1, self.ndim + 1):
        if self.shape[-d] != shape[-d] and self.shape[-d] != 1:
            raise RuntimeError(f"The expanded size of the tensor ({shape[-d]}) must match the existing size ({self.shape[-d]}) at non-singleton "
                               f"dimension {len(shape) - d}.  Target sizes: {list(shape)}.  Tensor sizes: {list(self.shape)}")


def _check_mm(mat1, mat2):
    if mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({mat1.shape[0]}x{mat1.shape[1]} and {mat2.shape[0]}x{mat2.shape[1]})")


# ------------------------------------------------------------------ matrix @ matrix
@primitive("mm(Tensor self, Tensor mat2) -> Tensor", make="method out", jvp="product",
           self=lambda grad, mat2, self_shape, self_strides: _left_grad(grad, mat2, self_shape, self_strides),
           mat2=lambda grad, self, mat2_shape, mat2_strides: _right_grad(grad, self, mat2_shape, mat2_strides))
def mm(self, mat2):
    """Matrix product: (n, k) @ (k, m) -> (n, m)."""
    if self.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    if self.shape[1] != mat2.shape[0]:
        _check_mm(self, mat2)
    if self.dtype is not mat2.dtype and self.dtype != mat2.dtype:
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {_C_NAMES[type_name(self)]} != {_C_NAMES[type_name(mat2)]}")
    if self.dtype.kind == "b":
        refuse("addmm_impl_cpu_", self)
    return self.dot(mat2)


@primitive("addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", make="method inplace out",
           self=lambda grad, beta: _scaled(grad, _conj_number(beta)),
           mat1=lambda grad, mat2, mat1_shape, mat1_strides, alpha: _left_grad(grad, mat2, mat1_shape, mat1_strides, alpha),
           mat2=lambda grad, mat1, mat2_shape, mat2_strides, alpha: _right_grad(grad, mat1, mat2_shape, mat2_strides, alpha))
def addmm(self, mat1, mat2, beta, alpha):
    """beta * self + alpha * mat1 @ mat2."""
    if mat1.ndim != 2:
        raise RuntimeError(f"mat1 must be a matrix, got {mat1.ndim}-D tensor")
    if mat2.ndim != 2:
        raise RuntimeError(f"mat2 must be a matrix, got {mat2.ndim}-D tensor")
    _check_mm(mat1, mat2)
    if mat1.dtype != mat2.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {type_name(mat1)} and {type_name(mat2)}")
    if self.dtype != mat2.dtype:
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {type_name(self)} and {type_name(mat2)}")
    if self.dtype.kind == "b":
        refuse("addmm_impl_cpu_", self)
    _check_expand(self, (mat1.shape[0], mat2.shape[1]))
    return _affine(self, mat1.dot(mat2), beta, alpha)


@primitive("bmm(Tensor self, Tensor mat2) -> Tensor", make="method out", jvp="product",
           self=lambda grad, mat2: T.bmm(grad, _conj(mat2.transpose(1, 2))),
           mat2=lambda grad, self: T.bmm(_conj(self.transpose(1, 2)), grad))
def bmm(self, mat2):
    """Matrix products of a batch: (b, n, k) @ (b, k, m) -> (b, n, m)."""
    _check_bmm(self, mat2)
    if self.dtype.kind == "b":
        refuse("bmm", self)
    return np.matmul(self, mat2)


def _check_bmm(batch1, batch2):
    for name, batch in (("batch1", batch1), ("batch2", batch2)):
        if batch.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    want, got = [batch1.shape[0], batch1.shape[2]], list(batch2.shape[:2])
    if want != got:
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: {want} but got: {got}.")
    if batch1.dtype != batch2.dtype:
        raise RuntimeError(f"expected scalar type {type_name(batch1)} but found {type_name(batch2)}")


# ------------------------------------------------------------------ matrix @ vector, vector @ vector
@primitive("mv(Tensor self, Tensor vec) -> Tensor", make="method out", jvp="product",
           self=lambda grad, vec: T.outer(grad, _conj(vec)),
           vec=lambda grad, self: T.mv(_conj(self.t()), grad))
def mv(self, vec):
    """Matrix @ vector: (n, k) @ (k) -> (n)."""
    if self.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {self.ndim}, {vec.ndim}")
    if self.shape[1] != vec.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({self.shape[0]}), mat ({self.shape[0]}x{self.shape[1]}), vec ({vec.shape[0]})")
    if self.dtype != vec.dtype:
        raise RuntimeError("addmv input tensors must have the same dtype, but got "
                           f"{type_name(vec)}, {type_name(self)}, and {type_name(vec)}")
    if self.dtype.kind == "b":
        refuse("addmv_impl_cpu", self)
    return self.dot(vec)


def _check_dot(a, b):
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors")
    if a.dtype != b.dtype:
        raise RuntimeError(f"dot : expected both vectors to have same dtype, but found {type_name(a)} and {type_name(b)}")
    if a.shape != b.shape:
        raise RuntimeError(f"inconsistent tensor size, expected tensor [{len(a)}] and src [{len(b)}] to have the same number of elements, but got "
                           f"{len(a)} and {len(b)} elements respectively")
    if a.dtype.kind == "b":
        refuse("dot", a)


@primitive("dot(Tensor self, Tensor tensor) -> Tensor", make="method out", jvp="product",
           self=lambda grad, tensor: grad * _conj(tensor),
           tensor=lambda grad, self: grad * _conj(self))
def dot(self, tensor):
    """Sum of products of two vectors."""
    _check_dot(self, tensor)
    return self.dot(tensor)


@primitive("vdot(Tensor self, Tensor other) -> Tensor", make="method out",
           self=lambda grad, other: _conj(grad) * other,
           other=lambda grad, self: grad * self)
def vdot(self, other):
    """Sum of products of two vectors, the first conjugated."""
    _check_dot(self, other)
    return self.conj().dot(other)


# ------------------------------------------------------------------ matmul and linear
def _can_fold(t1, t2, larger_first):
    """Whether a stack of matrices times one matrix is one product of matrices without a copy that is not worth it."""
    big, small = (t1, t2) if larger_first else (t2.mT, t1)
    if big.dim() < 3 or small.dim() > 2:
        return False
    if small.requires_grad:
        return True                          # the gradient of an expanded operand would be large
    if t1.dim() == 2:
        return False
    if big.numel() == 0:
        return True
    shape, stride = big.shape, big.stride()
    return all([stride[d] == stride[d + 1] * shape[d + 1] for d in range(len(shape) - 2)])


@composite("matmul(Tensor self, Tensor other) -> Tensor", make="method out")
def matmul(self, other):
    """Product of vectors, matrices or stacks of matrices whose leading dims broadcast: (..., n, k) @ (..., k, m) -> (..., n, m)."""
    d1, d2 = self.dim(), other.dim()
    if d1 == 2 and d2 == 2:
        return T.mm(self, other)
    if d1 == 0 or d2 == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {d1}D and {d2}D")
    if d1 == 1 and d2 == 1:
        return T.dot(self, other)
    if d1 == 2 and d2 == 1:
        return T.mv(self, other)
    if d1 == 1 and d2 == 2:
        return T.mm(self.unsqueeze(0), other).squeeze_(0)
    if _can_fold(self, other, d1 >= d2):
        return _folded(self, other)
    return _batched(self, other)


def _folded(self, other):
    """A stack of matrices times a matrix or vector: one product of matrices."""
    flipped = other.dim() > self.dim()
    stack, single = (other.mT, self.t() if self.dim() == 2 else self) if flipped else (self, other)
    shape = tuple(stack.shape[:-1])
    rows = 1
    for n in shape:
        rows *= n
    flat = stack.reshape(rows, stack.shape[-1])
    if single.dim() == 1:
        return T._unsafe_view(T.mv(flat, single), shape)
    out = T._unsafe_view(T.mm(flat, single), shape + (single.shape[1],))
    return out.mT.contiguous() if flipped else out


def _batched(self, other):
    """Leading dims broadcast: one `bmm` of the expanded stacks."""
    d1, d2 = self.dim(), other.dim()
    if d1 == 3 and d2 == 3 and self.shape[0] != other.shape[0]:
        if self.shape[0] == 1 and self.requires_grad:
            return matmul(self.squeeze(0), other)
        if other.shape[0] == 1 and other.requires_grad:
            return matmul(self, other.squeeze(0))
    n, k1 = (self.shape[-2] if d1 > 1 else 1), self.shape[-1]
    k2 = other.shape[-2] if d2 > 1 else other.shape[0]
    batch = _broadcast(tuple(self.shape[:-2]), tuple(other.shape[:-2]))
    count = 1
    for size in batch:
        count *= size
    left = self.expand(batch + (n, k1)).reshape(count, n, k1)
    if d2 == 1:
        right = other.expand(batch + (k2,)).reshape(count, k2).unsqueeze(2)
        return T._unsafe_view(T.bmm(left, right).squeeze(-1), batch + (n,))
    m = other.shape[-1]
    right = other.expand(batch + (k2, m)).reshape(count, k2, m)
    return T._unsafe_view(T.bmm(left, right), batch + ((n, m) if d1 > 1 else (m,)))


def _broadcast(a, b):
    """The common shape of two; RuntimeError with torch's text when there is none."""
    nd = max(len(a), len(b))
    a, b = (1,) * (nd - len(a)) + a, (1,) * (nd - len(b)) + b
    for d in range(nd - 1, -1, -1):
        if a[d] != b[d] and a[d] != 1 and b[d] != 1:
            raise RuntimeError(f"The size of tensor a ({a[d]}) must match the size of tensor b ({b[d]}) at non-singleton dimension {d}")
    return tuple([y if x == 1 else x for x, y in zip(a, b)])


@composite("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", ns="nn.functional")
def linear(input, weight, bias):
    """input @ weight.T + bias: (..., k), (m, k), (m) -> (..., m)."""
    if input.dim() == 0 or weight.dim() == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {input.dim()}D and {weight.dim()}D")
    if bias is None:
        return matmul(input, weight.t())
    if input.dim() == 2:
        return T.addmm(bias, input, weight.t())
    if input.is_contiguous():
        flat = input.reshape(-1 if input.shape[-1] else input.numel(), input.shape[-1])
        out = T.addmm(bias, flat, weight.t())
        return out.view(tuple(input.shape[:-1]) + (out.shape[1],))
    return matmul(input, weight.t()).add_(bias)
