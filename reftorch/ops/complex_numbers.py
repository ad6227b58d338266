"""Complex tensors: their parts, conjugates, and how they are made."""
import numpy as np

from ..core import T, composite, op, primitive, view
from ..core._core import dtype_of_array
from ..kernels import pointwise as kernels
from ._common import broadcast_shapes
from ._views import view_and_copy


def _same(name):
    made = composite(f"{name}(Tensor self) -> Tensor", make="method")(lambda self: self)
    made.real_is_self = True
    return made


# Conjugation is done at once: `is_conj` is never true, `resolve_conj` has nothing to do.
conj = op("conj(Tensor self) -> Tensor", loop="numpy:conjugate", make="method", jvp="linear", self=lambda grad: grad.conj())
conj_physical = op("conj_physical(Tensor self) -> Tensor", loop="numpy:conjugate", make="method inplace function_ out", jvp="linear",
                   self=lambda grad: grad.conj_physical()).written(self=lambda grad: grad.conj_physical())
conj.real_is_self = conj_physical.real_is_self = True
resolve_conj = _same("resolve_conj")
resolve_neg = _same("resolve_neg")


@composite("is_conj(Tensor self) -> bool", make="method")
def is_conj(self):
    """Never: conjugates are computed at once."""
    return False


@composite("is_neg(Tensor self) -> bool", make="method")
def is_neg(self):
    """Never: negatives are computed at once."""
    return False


@view("real(Tensor self) -> Tensor", make="", node="SelectBackward0", self=lambda grad, self_dtype: grad.to(self_dtype))
def real(self):
    """The real parts; a real tensor itself."""
    return self.real


real.real_is_self = True


@view("imag(Tensor self) -> Tensor", make="", node="SelectBackward0", self=lambda grad: grad * 1j)
def imag(self):
    """The imaginary parts."""
    if self.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return self.imag


@view_and_copy("view_as_real(Tensor self) -> Tensor", make="", self=lambda grad: T.view_as_complex(grad.contiguous()))
def view_as_real(self):
    """Complex numbers as pairs: (...) -> (..., 2)."""
    if self.dtype.kind != "c":
        raise RuntimeError("view_as_real is only supported for complex tensors")
    step = self.dtype.itemsize // 2
    return np.lib.stride_tricks.as_strided(self.real, (*self.shape, 2), (*self.strides, step))


@view_and_copy("view_as_complex(Tensor self) -> Tensor", make="", self=lambda grad: T.view_as_real(grad.contiguous()))
def view_as_complex(self):
    """Pairs as complex numbers: (..., 2) -> (...)."""
    if self.dtype.kind != "f" or self.dtype.itemsize == 2:
        raise RuntimeError("view_as_complex is only supported for half, float and double tensors, but got a tensor of scalar type: "
                           f"{dtype_of_array(self).type_name}")
    if not self.ndim:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if self.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    if self.strides[-1] != self.itemsize:
        raise RuntimeError("Tensor must have a last dimension with stride 1")
    if any(s % (2 * self.itemsize) for s in self.strides[:-1]):
        raise RuntimeError("Tensor must have a stride divisible by 2 for all but last dimension")
    return self.view(np.result_type(self.dtype, np.complex64))[..., 0]


@primitive("angle(Tensor self) -> Tensor", promote="float", make="method out",
           self=lambda grad, self: T.where(self == 0.0, 0.0, grad * 1j * self / (self.abs() * self.abs())) if self.is_complex() else
           T.zeros_like(grad))
def angle(self):
    """The argument of complex numbers; 0 or pi for real ones."""
    if self.dtype.kind == "c":
        return kernels.arctan2(self.imag, self.real)
    return np.where(np.isnan(self), self, np.where(self < 0, self.dtype.type(np.pi), self.dtype.type(0)))


def _pair(first, second):
    """Check the two real halves of complex numbers; give their broadcast shape and the complex dtype."""
    names = [dtype_of_array(a).type_name for a in (first, second)]
    if not set(names) <= {"Half", "Float", "Double"}:
        raise RuntimeError(f"Expected both inputs to be Half, Float or Double tensors but got {names[0]} and {names[1]}")
    if names[0] != names[1]:
        raise RuntimeError(f"Expected object of scalar type {names[0]} but got scalar type {names[1]} for second argument")
    return np.empty(broadcast_shapes(first.shape, second.shape), dtype_of_array(first).to_complex().numpy)


@primitive("complex(Tensor real, Tensor imag) -> Tensor", make="out", half=False,
           real=lambda grad: T.real(grad), imag=lambda grad: T.imag(grad))
def complex_(real, imag):
    """real + 1j * imag."""
    made = _pair(real, imag)
    made.real, made.imag = real, imag
    return made


def _polar_backward(grad, result, mask):
    turned = grad.conj() * 1j * result
    return T.real(grad.conj() * T.sgn(result)) if mask[0] else None, T.real(turned) if mask[1] else None


@primitive("polar(Tensor abs, Tensor angle) -> Tensor", make="out", half=False, abs__and__angle=_polar_backward)
def polar(abs, angle):
    """abs * exp(1j * angle)."""
    made = _pair(abs, angle)
    made.real, made.imag = abs * kernels.cos(angle), abs * kernels.sin(angle)
    return made


complex_.wrong_out = polar.wrong_out = "Expected object of scalar type {want} but got scalar type {got} for argument 'out'"
