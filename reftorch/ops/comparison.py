"""Comparisons, tests of elements, logic, and choosing between tensors."""
import numpy as np

from ..core import T, _core, composite, op, primitive
from ._common import broadcast_shapes, only, promoted, refused

MATH = "method inplace out"


# ------------------------------------------------------------------ order
def _compare(name, loop, kinds):
    """A comparison. Its rules serve the in-place form alone, whose result is no bool."""
    return op(f"{name}.Tensor(Tensor self, Tensor other) -> Tensor", f"{name}.Scalar(Tensor self, Scalar other) -> Tensor", loop=loop, make=MATH,
              check=None if "c" in kinds else only(kinds, f"{name}_cpu"), node=f"{name.capitalize()}Backward0",
              self=lambda grad: T.zeros_like(grad), other=lambda grad: T.zeros_like(grad))


eq, ne = _compare("eq", "numpy:equal", "bifc"), _compare("ne", "numpy:not_equal", "bifc")
lt, le = _compare("lt", "numpy:less", "bif"), _compare("le", "numpy:less_equal", "bif")
gt, ge = _compare("gt", "numpy:greater", "bif"), _compare("ge", "numpy:greater_equal", "bif")
not_equal, less, less_equal = ne.alias("not_equal"), lt.alias("less"), le.alias("less_equal")
greater, greater_equal = gt.alias("greater"), ge.alias("greater_equal")


def _extreme(name, first_wins):
    """The larger or smaller of two; NaN wins. The gradient is shared between equal ones."""
    def rule(grad, mine, theirs):
        return T.where(mine == theirs, grad / 2, T.where(first_wins(mine, theirs), grad, 0.0))
    return op(f"{name}(Tensor self, Tensor other) -> Tensor", loop=f"numpy:{name}", make="method out",
              check=refused("c", f"{name} not implemented for complex tensors."),
              self=lambda grad, self, other: rule(grad, self, other),
              other=lambda grad, self, other: rule(grad, other, self))


# torch: a NaN on either side leaves the gradient with both
maximum = _extreme("maximum", lambda mine, theirs: (mine < theirs).logical_not())
minimum = _extreme("minimum", lambda mine, theirs: (mine > theirs).logical_not())


def _extreme_number(name, wins):
    """The larger or smaller of two; a number wins over NaN. Ties are the first's."""
    def first(self, other):
        return T.logical_or(wins(self, other), other.isnan())
    return op(f"{name}(Tensor self, Tensor other) -> Tensor", loop=f"numpy:{name}", make="method out",
              check=refused("c", f"{name} not implemented for complex tensors."),
              self=lambda grad, self, other: T.where(first(self, other), grad, 0.0),
              other=lambda grad, self, other: T.where(first(self, other), 0.0, grad))


fmax = _extreme_number("fmax", lambda self, other: self >= other)
fmin = _extreme_number("fmin", lambda self, other: self <= other)


# ------------------------------------------------------------------ kinds of numbers
def _test(name, loop, check=None, make="method"):
    return op(f"{name}(Tensor self) -> Tensor", loop=loop, make=make, nograd=True, check=check)


isnan, isinf, isfinite = _test("isnan", "numpy:isnan"), _test("isinf", "numpy:isinf"), _test("isfinite", "numpy:isfinite")


@primitive("isposinf(Tensor self) -> Tensor", make="method out", nograd=True)
def isposinf(self):
    """Whether elements are +inf."""
    if self.dtype.kind == "c":
        raise RuntimeError("isposinf does not support complex inputs.")
    return self == np.inf if self.dtype.kind == "f" else np.zeros(self.shape, bool)


@primitive("isneginf(Tensor self) -> Tensor", make="method out", nograd=True)
def isneginf(self):
    """Whether elements are -inf."""
    if self.dtype.kind == "c":
        raise RuntimeError("isneginf does not support complex inputs.")
    return self == -np.inf if self.dtype.kind == "f" else np.zeros(self.shape, bool)


@primitive("isreal(Tensor self) -> Tensor", make="method", nograd=True)
def isreal(self):
    """Whether the imaginary part is 0."""
    return self.imag == 0 if self.dtype.kind == "c" else np.ones(self.shape, bool)


# ------------------------------------------------------------------ nearness
@composite("isclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> Tensor", make="method")
def isclose(self, other, rtol, atol, equal_nan):
    """|self - other| <= atol + rtol * |other|, an element each."""
    if self.dtype is not other.dtype:
        raise RuntimeError(f"{self.dtype.type_name} did not match {other.dtype.type_name}")
    for name, v in (("rtol", rtol), ("atol", atol)):
        if v < 0:
            raise RuntimeError(f"{name} must be greater than or equal to zero, but got {v:g}")
    self, other = self.detach(), other.detach()
    close = T.eq(self, other)
    if equal_nan and (self.is_floating_point() or self.is_complex()):
        close = T.logical_or(close, T.logical_and(self.isnan(), other.isnan()))
    if rtol == 0 and atol == 0:
        return close
    if not (self.is_floating_point() or self.is_complex()):
        self, other = self.to(_core.get_default_dtype()), other.to(_core.get_default_dtype())
    error = (self - other).abs()
    return T.logical_or(close, T.logical_and(error.isfinite(), error <= atol + (rtol * other).abs()))


@composite("allclose(Tensor self, Tensor other, float rtol=1e-05, float atol=1e-08, bool equal_nan=False) -> bool", make="method")
def allclose(self, other, rtol, atol, equal_nan):
    """Whether all elements are close."""
    return bool(T.isclose(self, other, rtol, atol, equal_nan)._array.all())


@composite("equal(Tensor self, Tensor other) -> bool", make="method")
def equal(self, other):
    """Whether shapes and elements are the same."""
    return self.shape == other.shape and bool(T.eq(self.detach(), other.detach())._array.all())


@composite("is_nonzero(Tensor self) -> bool", make="method")
def is_nonzero(self):
    """Whether the only element is not 0."""
    return bool(self)


# ------------------------------------------------------------------ logic; torch: in place it leaves the history as it was
def _logical(name):
    return op(f"{name}(Tensor self, Tensor other) -> Tensor", loop=f"numpy:{name}", make=MATH, nograd=True)


logical_and, logical_or, logical_xor = _logical("logical_and"), _logical("logical_or"), _logical("logical_xor")
logical_not = op("logical_not(Tensor self) -> Tensor", loop="numpy:logical_not", make=MATH, nograd=True)


# ------------------------------------------------------------------ choice
def _check_condition(condition):
    if condition.dtype == np.uint8:
        import warnings
        warnings.warn("where received a uint8 condition tensor. This behavior is deprecated and will be removed in a future version of PyTorch. Use a "
                      "boolean condition instead.", UserWarning, stacklevel=3)
    elif condition.dtype != bool:
        raise RuntimeError(f"where expected condition to be a boolean tensor, but got a tensor with dtype {_core.dtype_of_array(condition).type_name}")


def _where_self(grad, condition):
    return T.where(condition, grad, 0.0)


def _where_other(grad, condition):
    return T.where(condition, 0.0, grad)


def _where(condition, self, other):
    """`self` where the condition holds, `other` elsewhere; shapes broadcast."""
    _check_condition(condition)
    self, other = promoted(self, other)
    broadcast_shapes(condition.shape, np.broadcast_shapes(self.shape, other.shape))
    return np.where(condition != 0, self, other)


where = primitive("where.self(Tensor condition, Tensor self, Tensor other) -> Tensor",
           make="method out", half=False, node="WhereBackward0", self=_where_self, other=_where_other)(_where)
primitive("where.ScalarSelf(Tensor condition, Scalar self, Tensor other) -> Tensor",
          "where.ScalarOther(Tensor condition, Tensor self, Scalar other) -> Tensor",
          "where.Scalar(Tensor condition, Scalar self, Scalar other) -> Tensor", half=False, node="WhereBackward0", self=_where_self,
          other=_where_other)(_where)


@composite("where(Tensor condition) -> Tensor[]", shown="| condition, y", make="method")
def where_nonzero(condition):
    """The indices of the elements that are not 0, one tensor a dim."""
    return T.nonzero(condition, as_tuple=True) if condition.dim() else T.nonzero(condition.reshape(1), as_tuple=True)
