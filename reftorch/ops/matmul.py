"""Products of vectors and matrices, and what is made of them."""
from math import prod

import numpy as np

from ..core import T, composite, primitive
from ..core._core import dtype_of_array, normalize_dim, promote_types
from ..kernels import gemm
from ._common import broadcast_shapes, refuse, type_name
from ._products import affine, by_factor, by_vector, inner, is_one, matrix_product, sum_product

_C_NAMES = {"Float": "float", "Double": "double", "Half": "c10::Half", "BFloat16": "c10::BFloat16", "ComplexFloat": "c10::complex<float>",
            "ComplexDouble": "c10::complex<double>", "Bool": "bool", "Byte": "unsigned char", "Char": "signed char", "Short": "short", "Int": "int",
            "Long": "long"}


# ------------------------------------------------------------------ pieces of rules
def _conj(x):
    return x.conj() if x.is_complex() else x


def _scaled(x, factor):
    return x if type(factor) is int and factor == 1 else T._mul_number(x, factor)


def _conj_number(x):
    return x.conjugate() if isinstance(x, complex) else x


def _left_grad(grad, right, turned, alpha=1):
    """Gradient of L in alpha * L @ R (L: n x k, `right`: k x m), laid out in memory as L is: by columns when `turned`."""
    product = T.mm(right.conj(), grad.t()).t() if turned else T.mm(grad, right.t().conj())
    return _scaled(product, _conj_number(alpha))


def _right_grad(grad, left, turned, alpha=1):
    """Gradient of R in alpha * L @ R, laid out in memory as R is."""
    product = T.mm(grad.t(), left.conj()).t() if turned else T.mm(left.t().conj(), grad)
    return _scaled(product, _conj_number(alpha))


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


def _check_addmm_types(self, mat1, mat2):
    if mat1.dtype != mat2.dtype:
        raise RuntimeError(f"mat1 and mat2 must have the same dtype, but got {type_name(mat1)} and {type_name(mat2)}")
    if self.dtype != mat2.dtype:
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {type_name(self)} and {type_name(mat2)}")
    if self.dtype.kind == "b":
        refuse("addmm_impl_cpu_", self)


# ------------------------------------------------------------------ matrix @ matrix
@primitive("mm(Tensor self, Tensor mat2) -> Tensor", make="method out", jvp="product", quick="gemm:mm", half="alone",
           self=lambda grad, mat2, self_turned: _left_grad(grad, mat2, self_turned),
           mat2=lambda grad, self, mat2_turned: _right_grad(grad, self, mat2_turned))
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
    return matrix_product(self, mat2)


@primitive("addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", make="method inplace out", quick="gemm:addmm",
           half=False,
           self=lambda grad, beta: _scaled(grad, _conj_number(beta)),
           mat1=lambda grad, mat2, mat1_turned, alpha: _left_grad(grad, mat2, mat1_turned, alpha),
           mat2=lambda grad, mat1, mat2_turned, alpha: _right_grad(grad, mat1, mat2_turned, alpha))
def addmm(self, mat1, mat2, beta, alpha):
    """beta * self + alpha * mat1 @ mat2."""
    if mat1.ndim != 2:
        raise RuntimeError(f"mat1 must be a matrix, got {mat1.ndim}-D tensor")
    if mat2.ndim != 2:
        raise RuntimeError(f"mat2 must be a matrix, got {mat2.ndim}-D tensor")
    _check_mm(mat1, mat2)
    _check_addmm_types(self, mat1, mat2)
    _check_expand(self, (mat1.shape[0], mat2.shape[1]))
    return sum_product(self, mat1, mat2, beta, alpha)


@primitive("bmm(Tensor self, Tensor mat2) -> Tensor", shown="| batch2", make="method out", jvp="product", quick="gemm:bmm", half="alone",
           self=lambda grad, mat2: T.bmm(grad, _conj(mat2.transpose(1, 2))),
           mat2=lambda grad, self: T.bmm(_conj(self.transpose(1, 2)), grad))
def bmm(self, mat2):
    """Matrix products of a batch: (b, n, k) @ (b, k, m) -> (b, n, m)."""
    _check_bmm(self, mat2)
    if mat2.dtype.kind == "b":
        refuse("bmm", mat2)
    return matrix_product(self.astype(mat2.dtype, copy=False), mat2)


def _check_bmm(batch1, batch2):
    for name, batch in (("batch1", batch1), ("batch2", batch2)):
        if batch.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    want, got = [batch1.shape[0], batch1.shape[2]], list(batch2.shape[:2])
    if want != got:
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: {want} but got: {got}.")
    # torch: where nothing is multiplied no dtype is compared, and the result has the second's
    if batch1.dtype != batch2.dtype and batch1.size and batch2.size:
        raise RuntimeError(f"expected scalar type {type_name(batch1)} but found {type_name(batch2)}")


# ------------------------------------------------------------------ matrix @ vector, vector @ vector

def _check_mv(name, shape, mat, vec):
    if mat.ndim != 2 or vec.ndim != 1 or len(shape) > 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {len(shape)}, {mat.ndim}, {vec.ndim}")
    n = 1 if not shape else shape[0]
    if mat.shape[1] != len(vec) or (mat.shape[0] != n and n != 1):
        raise RuntimeError(f"size mismatch, got input ({n}), mat ({mat.shape[0]}x{mat.shape[1]}), vec ({len(vec)})")
    own = vec if name is None else name
    if not own.dtype == mat.dtype == vec.dtype:
        raise RuntimeError(f"addmv input tensors must have the same dtype, but got {type_name(own)}, {type_name(mat)}, and {type_name(vec)}")
    if mat.dtype.kind == "b":
        refuse("addmv_impl_cpu", mat)


@primitive("mv(Tensor self, Tensor vec) -> Tensor", make="method out", jvp="product", half="alone",
           self=lambda grad, vec: T.outer(grad, _conj(vec)),
           vec=lambda grad, self: T.mv(_conj(self.t()), grad))
def mv(self, vec):
    """Matrix @ vector: (n, k) @ (k) -> (n)."""
    _check_mv(None, self.shape[:1], self, vec)
    return by_vector(self, vec)


@primitive("addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor", make="method inplace out",
           half="alone",
           self=lambda grad, beta: _scaled(grad, _conj_number(beta)),
           mat=lambda grad, vec, alpha: _scaled(T.outer(grad, _conj(vec)), _conj_number(alpha)),
           vec=lambda grad, mat, alpha: _scaled(T.mv(_conj(mat.t()), grad), _conj_number(alpha)))
def addmv(self, mat, vec, beta, alpha):
    """beta * self + alpha * mat @ vec."""
    _check_mv(self, self.shape, mat, vec)
    if is_one(beta) and is_one(alpha):
        out = gemm.matvec(mat, vec, self)
        if out is not None:
            return out
    return affine(self, by_vector(mat, vec), beta, alpha)


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


@primitive("dot(Tensor self, Tensor tensor) -> Tensor", shown="| other", make="method out", jvp="product", half="alone",
           self=lambda grad, tensor: grad * _conj(tensor),
           tensor=lambda grad, self: grad * _conj(self))
def dot(self, tensor):
    """Sum of products of two vectors."""
    _check_dot(self, tensor)
    return inner(self, tensor)


@primitive("vdot(Tensor self, Tensor other) -> Tensor", make="method out", half="alone",
           self=lambda grad, other: _conj(grad) * other,
           other=lambda grad, self: grad * self)
def vdot(self, other):
    """Sum of products of two vectors, the first conjugated."""
    _check_dot(self, other)
    return inner(self.conj(), other)


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


@composite("matmul(Tensor self, Tensor other) -> Tensor", shown="| tensor2", make="method out", quick="mm(self, other)")
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
    flat = stack.reshape(prod(shape), stack.shape[-1])
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
    batch = broadcast_shapes(self.shape[:-2], other.shape[:-2])
    count = prod(batch)
    left = _stack(self, batch + (n, k1), (count, n, k1))
    if d2 == 1:
        right = other.expand(batch + (k2,)).reshape(count, k2).unsqueeze(2)
        return T._unsafe_view(T.bmm(left, right).squeeze(-1), batch + (n,))
    m = other.shape[-1]
    right = _stack(other, batch + (k2, m), (count, k2, m))
    out, shape = T.bmm(left, right), batch + ((n, m) if d1 > 1 else (m,))
    return out if out.grad_fn is None and tuple(out.shape) == shape else T._unsafe_view(out, shape)


def _stack(x, expanded, shape):
    """`x` as a batch of matrices; views that change nothing are left out where no history would show them."""
    if tuple(x.shape) == shape and not x.requires_grad:
        return x
    return x.expand(expanded).reshape(shape)


@composite("linear(Tensor input, Tensor weight, Tensor? bias=None) -> Tensor", shown="input, weight, bias=None", make="out", ns="nn.functional",
           quick="mm(input, t(weight)) | addmm(bias, input, t(weight))")
def linear(input, weight, bias):
    """input @ weight.T + bias: (..., k), (m, k), (m) -> (..., m)."""
    if input.dim() == 0 or weight.dim() == 0:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are {input.dim()}D and {weight.dim()}D")
    if bias is None:
        return matmul(input, weight.t())
    if input.dim() == 2:
        return T.addmm(bias, input, weight.t())
    if input.is_contiguous() and (input.dim() > 1 or weight.dim() == 2):
        flat = input.reshape(prod(input.shape[:-1]), input.shape[-1])
        out = T.addmm(bias, flat, weight.t())
        return out.view(tuple(input.shape[:-1]) + (out.shape[1],))
    return matmul(input, weight.t()).add_(bias)


# ------------------------------------------------------------------ sums of products of a batch
def _batch_left(grad, right, alpha):
    return _scaled(T.bmm(grad, _conj(right.transpose(1, 2))), _conj_number(alpha))


def _batch_right(grad, left, alpha):
    return _scaled(T.bmm(_conj(left.transpose(1, 2)), grad), _conj_number(alpha))


def _each(grad, batch):
    """`grad` of a sum over a batch, for every member of it."""
    return grad.unsqueeze(0).expand((batch.shape[0],) + tuple(grad.shape))


@primitive("baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", make="method inplace out",
           half="alone",
           self=lambda grad, beta: _scaled(grad, _conj_number(beta)),
           batch1=lambda grad, batch2, alpha: _batch_left(grad, batch2, alpha),
           batch2=lambda grad, batch1, alpha: _batch_right(grad, batch1, alpha))
def baddbmm(self, batch1, batch2, beta, alpha):
    """beta * self + alpha * batch1 @ batch2, matrix by matrix."""
    if batch1.ndim == 3 and batch2.ndim == 3 and not self.dtype == batch1.dtype == batch2.dtype:
        names = [_C_NAMES[type_name(a)] for a in (self, batch1, batch2)]
        raise RuntimeError(f"Input dtypes must be the same, got: input {names[0]}, batch1: {names[1]}, batch2: {names[2]}")
    _check_bmm(batch1, batch2)
    _check_expand(self, (batch1.shape[0], batch1.shape[1], batch2.shape[2]))
    if self.dtype.kind == "b":
        refuse("baddbmm", self)
    return sum_product(self, batch1, batch2, beta, alpha)


@primitive("addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", make="method inplace out",
           half="alone",
           self=lambda grad, beta: _scaled(grad, _conj_number(beta)),
           batch1=lambda grad, batch1, batch2, alpha: _batch_left(_each(grad, batch1), batch2, alpha),
           batch2=lambda grad, batch1, alpha: _batch_right(_each(grad, batch1), batch1, alpha))
def addbmm(self, batch1, batch2, beta, alpha):
    """beta * self + alpha * the sum of batch1[i] @ batch2[i]."""
    for name, batch in (("batch1", batch1), ("batch2", batch2)):
        if batch.ndim != 3:
            raise RuntimeError(f"{name} must be a 3D tensor")
    (count, n, k), (count2, k2, m) = batch1.shape, batch2.shape
    if count != count2:
        raise RuntimeError(f"batch1 and batch2 must have same number of batches, got {count} and {count2}")
    if k != k2:
        raise RuntimeError(f"Incompatible matrix sizes for bmm ({n}x{k} and {k2}x{m})")
    _check_expand(self, (n, m))
    _check_addmm_types(self, batch1, batch2)
    return affine(self, batch1.transpose(1, 0, 2).reshape(n, count * k).dot(batch2.reshape(count * k, m)), beta, alpha)


addbmm.grows = True                          # torch: alone among its kind


# ------------------------------------------------------------------ outer products
def _vector(name, label, a):
    if a.ndim != 1:
        raise RuntimeError(f"{name}: Expected 1-D argument {label}, but got {a.ndim}-D")


@composite("outer(Tensor self, Tensor vec2) -> Tensor", make="method out")
def outer(self, vec2):
    """Every product of an element of one vector and one of the other: (n), (m) -> (n, m)."""
    _vector("outer", "self", self)
    _vector("outer", "vec2", vec2)
    return self.reshape(self.shape[0], 1) * vec2


@composite("ger(Tensor self, Tensor vec2) -> Tensor", make="method out")
def ger(self, vec2):
    """Another name of `outer`."""
    return T.outer(self, vec2)


def _check_addr_factor(name, factor, dtype):
    if dtype.kind == "b":
        return
    if isinstance(factor, bool):
        raise RuntimeError(f"Boolean {name} only supported for Boolean results.")
    if dtype.kind in "iu" and isinstance(factor, (float, complex)):
        raise RuntimeError(f"For integral input tensors, argument {name} must not be a floating point number.")
    if dtype.kind not in "c" and isinstance(factor, complex):
        raise RuntimeError(f"For non-complex input tensors, argument {name} must not be a complex number.")


@primitive("addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor", make="method inplace out casts", half=False,
           self=lambda grad, beta: _scaled(grad, _conj_number(beta)),
           vec1=lambda grad, vec2, alpha: _scaled(T.mv(grad, _conj(vec2)), _conj_number(alpha)),
           vec2=lambda grad, vec1, alpha: _scaled(T.mv(grad.t(), _conj(vec1)), _conj_number(alpha)))
def addr(self, vec1, vec2, beta, alpha):
    """beta * self + alpha * outer(vec1, vec2), in the common type."""
    _vector("addr", "vec1", vec1)
    _vector("addr", "vec2", vec2)
    _check_expand(self, (len(vec1), len(vec2)))
    result = dtype_of_array(self)
    for a in (vec1, vec2):
        result = promote_types(result, dtype_of_array(a))
    result = result.numpy
    _check_addr_factor("beta", beta, result)
    _check_addr_factor("alpha", alpha, result)
    self, vec1, vec2 = [a.astype(result, copy=False) for a in (self, vec1, vec2)]
    # torch: half types round after every multiplication, alpha first
    return affine(self, np.multiply.outer(by_factor(vec1, alpha), vec2), beta, 1)


@composite("kron(Tensor self, Tensor other) -> Tensor", make="method out")
def kron(self, other):
    """Kronecker product: blocks self[i, j] * other."""
    nd = max(self.dim(), other.dim())
    a = (1,) * (nd - self.dim()) + tuple(self.shape)
    b = (1,) * (nd - other.dim()) + tuple(other.shape)
    left = T._unsafe_view(self, tuple([n for size in a for n in (size, 1)]))
    right = T._unsafe_view(other, tuple([n for size in b for n in (1, size)]))
    return T._unsafe_view(left * right, tuple([x * y for x, y in zip(a, b, strict=True)]))


# ------------------------------------------------------------------ bilinear and cross products
@primitive("_trilinear(Tensor i1, Tensor i2, Tensor i3) -> Tensor", ns=None,
           i1=lambda grad, i2, i3: T.einsum("bo,oij,bj->bi", [grad, _conj(i2), _conj(i3)]),
           i2=lambda grad, i1, i3: T.einsum("bo,bi,bj->oij", [grad, _conj(i1), _conj(i3)]),
           i3=lambda grad, i1, i2: T.einsum("bo,bi,oij->bj", [grad, _conj(i1), _conj(i2)]))
def _trilinear(i1, i2, i3):
    """out[b, o] = sum of i1[b, i] * i2[o, i, j] * i3[b, j]."""
    return np.einsum("boj,bj->bo", np.tensordot(i1, i2, ([1], [1])), i3)


@composite("bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor", ns="torch nn.functional")
def bilinear(input1, input2, weight, bias):
    """out[..., o] = input1[..., i] * weight[o, i, j] * input2[..., j] + bias[o]."""
    if input1.dim() != input2.dim():
        raise RuntimeError(f"bilinear(): input dimensions do not match: got {input1.dim()} and {input2.dim()}")
    for d in range(input1.dim() - 1):
        if input1.shape[d] != input2.shape[d]:
            raise RuntimeError(f"bilinear(): input batch dimensions do not match at dim {d}: got {input1.shape[d]} and {input2.shape[d]}")
    for i, x in enumerate((input1, input2), 1):
        if x.shape[-1] != weight.shape[i]:
            raise RuntimeError(f"bilinear(): input{i} size does not match weight size: got {x.shape[-1]} but expected {weight.shape[i]}")
    if bias is not None and bias.shape[0] != weight.shape[0]:
        raise RuntimeError(f"bilinear(): bias size does not match weight size: got {bias.shape[0]} but expected {weight.shape[0]}")
    given = {"input1": input1, "input2": input2, "weight": weight} | ({} if bias is None else {"bias": bias})
    if any(t.dtype is not input1.dtype for t in given.values()):
        raise RuntimeError("All tensors must have the same dtype, got " + ", ".join(f"{k}: {_C_NAMES[t.dtype.type_name]}" for k, t in given.items()))
    shape = tuple(input1.shape[:-1])
    flat = [x.reshape(prod(shape), x.shape[-1]) for x in (input1, input2)]
    out = T._trilinear(flat[0], weight, flat[1]).reshape(shape + (weight.shape[0],))
    return out if bias is None else out + bias


@primitive("linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor",
           shown="input, other, *, dim=-1, out=None", make="out", ns="linalg", half=False,
           self=lambda grad, other, dim: T.linalg_cross(_conj(other), grad, dim=dim),
           other=lambda grad, self, dim: T.linalg_cross(grad, _conj(self), dim=dim))
def linalg_cross(self, other, dim):
    """Cross product of vectors of three elements along `dim`."""
    if self.ndim != other.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    d = normalize_dim(dim, self.ndim)
    if self.shape[d] != 3 or other.shape[d] != 3:
        raise RuntimeError(f"linalg.cross: inputs dimension {dim} must have length 3. Got {self.shape[d]} and {other.shape[d]}")
    broadcast_shapes(self.shape, other.shape)
    if self.dtype != other.dtype:
        raise RuntimeError(f"expected scalar type {type_name(self)} but found {type_name(other)}")
    if self.dtype.kind == "b":
        refuse("cross", self)
    a, b = np.moveaxis(self, d, 0), np.moveaxis(other, d, 0)
    return np.stack([a[i - 2] * b[i - 1] - a[i - 1] * b[i - 2] for i in range(3)], d)


@composite("cross(Tensor self, Tensor other, int? dim=None) -> Tensor", make="method out")
def cross(self, other, dim):
    """Cross product; along the first dim of size 3 when none is given."""
    if dim is None:
        if 3 not in self.shape:
            raise RuntimeError("no dimension of size 3 in input")
        dim = list(self.shape).index(3)
    return T.linalg_cross(self, other, dim=dim)
