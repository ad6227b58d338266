"""Pointwise arithmetic, elementary functions, rounding, bits and complex numbers."""
import math

import numpy as np

from ..core import DTYPES, T, Tensor, _core, composite, op, primitive
from ..kernels import pointwise as kernels
from ._common import broadcast_shapes, checks, conj_of, nonzero_divisor, not_implemented, number_array, only, promoted, refused, underived

MATH = "method inplace out"
UNARY = "method inplace function_ out"


_FOUND = "Found dtype {got} but expected {want}"      # torch: ops that need no conversion do not allow one


def _pointwise(schema, loop, rule, **options):
    """An elementary function of one tensor whose integers become floats."""
    options = dict(dict(promote="float", make=UNARY, jvp="elementwise"), **options)
    return op(schema, loop=loop, self=rule, **options)


# ------------------------------------------------------------------ arithmetic
def _check_alpha(alpha, result):
    """torch's refusals of an `alpha` that the dtype of the result cannot take."""
    if type(alpha) is bool and result.name != "bool":
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, (float, complex)) and not (result.is_floating_point or result.is_complex):
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    if isinstance(alpha, complex) and not result.is_complex:
        raise RuntimeError("For non-complex input tensors, argument alpha must not be a complex number.")


def _with_alpha(vals, at, sign=1):
    """What runs when operand `at` counts `sign * alpha` times: one loop that rounds once, or the product and then the sum."""
    alpha = vals[2]
    if type(alpha) is int and alpha == 1:
        return vals
    result = _core.result_code(vals[0], vals[1])
    if sign < 0:
        _no_bool_sub(result, vals[0], vals[1])
    _check_alpha(alpha, result)
    if result.name in ("float32", "float64"):
        return add_scaled, [vals[1 - at], vals[at], sign * alpha]
    # the product is taken in the result's dtype: an operand of less precision must not round it, nor an alpha of more
    alpha = T.scalar_tensor(alpha, dtype=result)
    if result.is_floating_point and _fills_registers(*vals[:2]):
        return add_scaled, [vals[1 - at], vals[at], sign * alpha.item()]
    other = vals[at]
    vals[at] = T.mul(other.detach().to(result) if isinstance(other, Tensor) else T.scalar_tensor(other, dtype=result), alpha)
    return vals


def _fills_registers(self, other):
    """torch: contiguous half types are summed with one rounding, 32 at a time; the others (and here not those left over) with two."""
    return isinstance(self, Tensor) and isinstance(other, Tensor) and self.shape == other.shape and self.numel() >= 32 and (
        self.is_contiguous() and other.is_contiguous())


def _times(grad, alpha):
    return grad if type(alpha) is int and alpha == 1 else grad * alpha.conjugate()


BOOL = DTYPES["bool"]


def _no_bool_sub(dtype, self, other):
    bools = [v.dtype is BOOL if isinstance(v, Tensor) else type(v) is bool for v in (self, other)]
    if all(bools):
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` operator instead.")
    if any(bools):
        raise RuntimeError("Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
                           "`logical_not()` operator instead.")


add_scaled = op("_add_scaled(Tensor self, Tensor other, Scalar alpha) -> Tensor", loop="kernels:add_scaled", ns=None, nograd=True)

add = op("add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", loop="numpy:add", numbers=True, make=MATH,
         prepare=lambda vals: _with_alpha(vals, 1),
         self=lambda grad: grad,
         other=lambda grad, alpha: _times(grad, alpha))

sub = op("sub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", loop="numpy:subtract", numbers=True, make=MATH,
         prepare=lambda vals: _with_alpha(vals, 1, -1), check=_no_bool_sub,
         self=lambda grad: grad,
         other=lambda grad, alpha: _times(-grad, alpha))

rsub = op("rsub.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor",
          "rsub.Scalar(Tensor self, Scalar other, *, Scalar alpha=1) -> Tensor", loop="kernels:rsub",
          prepare=lambda vals: _with_alpha(vals, 0, -1), check=_no_bool_sub,
          self=lambda grad, alpha: _times(-grad, alpha),
          other=lambda grad: grad)

mul = op("mul.Tensor(Tensor self, Tensor other) -> Tensor", shown="| value", loop="kernels:multiply", numbers=True, make=MATH, jvp="product",
         self=lambda grad, other: grad * conj_of(other),
         other=lambda grad, self: grad * conj_of(self))

div = op("div.Tensor(Tensor self, Tensor other) -> Tensor",
         shown="| value, *, rounding_mode=None", loop="numpy:true_divide", promote="float", numbers=True, make=MATH,
         self=lambda grad, other: grad / conj_of(other),
         other=lambda grad, self, other: -grad * ((self / other) / other).conj())

true_divide = div.alias("true_divide", shown="dividend, divisor, *, out=None | value")


@primitive("div.Tensor_mode(Tensor self, Tensor other, *, str? rounding_mode) -> Tensor", half=False, numbers=True, make=MATH + " casts", node="DivBackward2",
           self=lambda grad, other, rounding_mode: grad / conj_of(other) if rounding_mode is None else T.zeros_like(grad),
           other=lambda grad, self, other, rounding_mode: -grad * ((self / other) / other).conj() if rounding_mode is None else T.zeros_like(grad))
def div_rounded(self, other, rounding_mode):
    """Quotient, rounded down ("floor") or towards zero ("trunc")."""
    self, other = promoted(self, other)
    if rounding_mode is None:
        return np.true_divide(self, other, dtype=_core.get_default_dtype().numpy if self.dtype.kind in "biu" else None)
    if rounding_mode not in ("floor", "trunc"):
        raise RuntimeError(f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'")
    only("if", f"div_{rounding_mode}_cpu")(_core.dtype_of_array(self))
    if self.dtype.kind not in "iu":
        return np.floor_divide(self, other) if rounding_mode == "floor" else np.trunc(self / other)
    if self.size and not np.all(other):
        raise RuntimeError("ZeroDivisionError")
    if rounding_mode == "floor":
        return np.floor_divide(self, other)
    return kernels.div_trunc(self, other)


divide = div.alias("divide")
multiply = mul.alias("multiply", shown="| value")
subtract = sub.alias("subtract")

floor_divide = op("floor_divide(Tensor self, Tensor other) -> Tensor",
                  shown="| value", loop="numpy:floor_divide", numbers=True, make=MATH, node="NotImplemented",
                  check=checks(only("if", "div_floor_cpu"), nonzero_divisor),
                  self=not_implemented("aten::floor_divide"), other=not_implemented("aten::floor_divide"))

# torch: `2 % x` has a result with a history that cannot be differentiated
remainder = op("remainder.Tensor(Tensor self, Tensor other) -> Tensor",
               shown="| divisor", loop="numpy:remainder", make=MATH, node="RemainderBackward1",
               check=checks(only("if", "remainder_cpu"), nonzero_divisor),
               self=lambda grad: grad,
               other=lambda grad, self, other: -grad * T.div(self, other, rounding_mode="floor"))
op("remainder.Scalar(Tensor self, Scalar other) -> Tensor", loop="numpy:remainder", make=MATH, node="RemainderBackward0",
   check=checks(only("if", "remainder_cpu"), nonzero_divisor),
   self=lambda grad: grad)
op("remainder.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", loop="numpy:remainder", node="NotImplemented",
   check=checks(only("if", "remainder_cpu"), nonzero_divisor),
   other=not_implemented("aten::remainder"))

fmod = op("fmod.Tensor(Tensor self, Tensor other) -> Tensor", shown="| divisor", loop="numpy:fmod", make=MATH, node="FmodBackward1",
          check=checks(only("if", "fmod_cpu"), nonzero_divisor),
          self=lambda grad: grad,
          other=lambda grad, self, other: -grad * T.div(self, other, rounding_mode="trunc"))
op("fmod.Scalar(Tensor self, Scalar other) -> Tensor", loop="numpy:fmod", make=MATH, node="FmodBackward0",
   check=checks(only("if", "fmod_cpu"), nonzero_divisor),
   self=lambda grad: grad)


# ------------------------------------------------------------------ powers
def _check_pow(dtype, self, exponent):
    if dtype.name == "bool":
        raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    if type(exponent) is int and exponent < 0 and not (dtype.is_floating_point or dtype.is_complex):
        raise RuntimeError("Integers to negative integer powers are not allowed.")


def _pow_self(grad, self, exponent):
    if not isinstance(exponent, Tensor):
        return T.zeros_like(grad) if exponent == 0 else grad * (exponent * self.pow(exponent - 1)).conj()
    return T.where(exponent == 0, 0.0, grad * (exponent * self.pow(exponent - 1)).conj())


def _pow_exponent(grad, self, exponent, result):
    at_zero = T.real(exponent) >= 0
    if not isinstance(self, Tensor):
        if self != 0:
            log = np.log(complex(self)) if isinstance(self, complex) or self < 0 and exponent.is_complex() else math.log(self) if self > 0 else math.nan
            return grad * (result * log).conj()
        # torch: the slope at base 0 counts as 0 where it is undefined
        return grad * T.where(at_zero, 0.0, result * -math.inf).conj()
    return grad * T.where(T.logical_and(self == 0, at_zero), 0.0, (result * self.log()).conj())


pow = op("pow.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor", loop="kernels:pow", make=MATH, node="PowBackward1", check=_check_pow,
         self=_pow_self, exponent=_pow_exponent)
op("pow.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", loop="kernels:pow_scalar", make=MATH, node="PowBackward0", check=_check_pow,
   self=_pow_self)
op("pow.Scalar(Scalar self, Tensor exponent) -> Tensor", loop="kernels:pow", make=MATH, node="PowBackward2", check=_check_pow,
   exponent=_pow_exponent)


@composite("float_power.Tensor_Tensor(Tensor self, Tensor exponent) -> Tensor",
           "float_power.Scalar(Scalar self, Tensor exponent) -> Tensor",
           "float_power.Tensor_Scalar(Tensor self, Scalar exponent) -> Tensor", make="method out")
def float_power(self, exponent):
    """`self ** exponent` in double precision."""
    dtype = _double(self, exponent)
    return T.pow(*[v.to(dtype) if isinstance(v, Tensor) else v for v in (self, exponent)])


@composite("float_power_.Tensor(Tensor self, Tensor exponent) -> Tensor", "float_power_.Scalar(Tensor self, Scalar exponent) -> Tensor", make="method",
           ns=None)
def float_power_(self, exponent):
    """`self ** exponent`, in place."""
    dtype = _double(self, exponent)
    if self.dtype is not dtype:
        raise RuntimeError(f"the base given to float_power_ has dtype {self.dtype.type_name} but the operation's result requires dtype {dtype.type_name}")
    return T.pow_(self, exponent.to(dtype) if isinstance(exponent, Tensor) else exponent)


def _double(*operands):
    """The dtype in which float_power works."""
    return DTYPES["complex128" if any(v.is_complex() if isinstance(v, Tensor) else isinstance(v, complex) for v in operands) else "float64"]


@composite("square(Tensor self) -> Tensor", make="method out")
def square(self):
    """`self ** 2`."""
    return T.pow(self, 2)


@composite("square_(Tensor self) -> Tensor", make="method")
def square_(self):
    """`self ** 2`, in place."""
    return T.pow_(self, 2)


sqrt = _pointwise("sqrt(Tensor self) -> Tensor", "numpy:sqrt", lambda grad, result: grad / (2 * result.conj()))
rsqrt = _pointwise("rsqrt(Tensor self) -> Tensor", "kernels:rsqrt", lambda grad, result: -0.5 * grad * result.pow(3).conj())
reciprocal = _pointwise("reciprocal(Tensor self) -> Tensor", "numpy:reciprocal", lambda grad, result: -grad * (result * result).conj())
hypot = op("hypot(Tensor self, Tensor other) -> Tensor", loop="numpy:hypot", make=MATH, check=only("f", "hypot_cpu"),
           self=lambda grad, self, result: grad * (self / result),
           other=lambda grad, other, result: grad * (other / result))

# ------------------------------------------------------------------ signs
neg = op("neg(Tensor self) -> Tensor", loop="numpy:negative", make=UNARY, jvp="linear",
         check=refused("b", "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
                            "`logical_not()` operator instead."),
         self=lambda grad: -grad)
neg.wrong_out = _FOUND
negative = neg.alias("negative")


@composite("positive(Tensor self) -> Tensor", make="method")
def positive(self):
    """The tensor itself."""
    if self.dtype.name == "bool":
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return self


abs = op("abs(Tensor self) -> Tensor", loop="kernels:absolute", make=UNARY, check=only("ifc", "abs_cpu"), jvp="elementwise",
         self=lambda grad, self: grad * self.sgn())
abs.wrong_out = _FOUND
absolute = abs.alias("absolute")
sign = op("sign(Tensor self) -> Tensor", loop="kernels:sign", make=MATH, jvp="elementwise",
          check=refused("c", "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.", NotImplementedError),
          self=lambda grad: T.zeros_like(grad))


def _sgn_backward(grad, self, result):
    if not self.is_complex():
        return T.zeros_like(grad)
    size = self.abs()
    part = T.real(grad * result.conj()) * result
    return T.where(size == 0.0, 0.0, (grad - part) / size)


sgn = op("sgn(Tensor self) -> Tensor", loop="kernels:sgn", make=MATH, self=_sgn_backward)
sign.wrong_out = sgn.wrong_out = _FOUND


@primitive("signbit(Tensor self) -> Tensor", make="method out", nograd=True,
           check=refused("c", "signbit is not implemented for complex tensors.", NotImplementedError), promote="default")
def signbit(self):
    """Whether the sign bit is set, also of -0.0."""
    return np.signbit(self) if self.dtype.kind == "f" else self < 0


def _copysign_self(grad, self, result):
    return T.where(self == 0, 0.0, grad * (result / self))


copysign = op("copysign.Tensor(Tensor self, Tensor other) -> Tensor", "copysign.Scalar(Tensor self, Scalar other) -> Tensor", loop="numpy:copysign",
              promote="float", make=MATH, check=only("f", "copysign_cpu"), self=_copysign_self, other=lambda grad: T.zeros_like(grad))

# ------------------------------------------------------------------ exponentials and logarithms
LN2, LN10 = math.log(2), math.log(10)
exp = _pointwise("exp(Tensor self) -> Tensor", "kernels:exp", lambda grad, result: grad * result.conj())
exp2 = _pointwise("exp2(Tensor self) -> Tensor", "kernels:exp2", lambda grad, result: grad * result.conj() * LN2)
expm1 = _pointwise("expm1(Tensor self) -> Tensor", "kernels:expm1", lambda grad, result: grad * (result.conj() + 1))
log = _pointwise("log(Tensor self) -> Tensor", "kernels:log", lambda grad, self: grad / self.conj())
log2 = _pointwise("log2(Tensor self) -> Tensor", "kernels:log2", lambda grad, self: grad / (self.conj() * LN2))
log10 = _pointwise("log10(Tensor self) -> Tensor", "kernels:log10", lambda grad, self: grad / (self.conj() * LN10))
log1p = _pointwise("log1p(Tensor self) -> Tensor", "kernels:log1p", lambda grad, self: grad / (self + 1).conj(), node="Log1PBackward0")


@primitive("logaddexp(Tensor self, Tensor other) -> Tensor", promote="default", make="method out", check=only("fc", "logaddexp_cpu"),
           self=lambda grad, self, other: grad / (1 + T.exp(other - self)).conj(),
           other=lambda grad, self, other: grad / (1 + T.exp(self - other)).conj())
def logaddexp(self, other):
    """log(exp(self) + exp(other)), without overflow."""
    if self.dtype.kind == "f":
        return np.logaddexp(self, other)
    large = np.where(self.real >= other.real, self, other)
    small = np.where(self.real >= other.real, other, self)
    return large + np.log1p(np.exp(small - large))


logaddexp2 = op("logaddexp2(Tensor self, Tensor other) -> Tensor", loop="numpy:logaddexp2", make="method out", check=only("f", "logaddexp2_cpu"),
                self=lambda grad, self, other: grad / (1 + T.pow(2, other - self)),
                other=lambda grad, self, other: grad / (1 + T.pow(2, self - other)))


@primitive("ldexp.Tensor(Tensor self, Tensor other) -> Tensor", promote="float", make=UNARY,
           self=lambda grad, other: grad * T.pow(2.0, other).conj(),
           other=lambda grad, result: grad * result.conj() * LN2)
def ldexp(self, other):
    """self * 2 ** other."""
    return self * np.exp2(other)


@primitive("frexp.Tensor(Tensor self) -> (Tensor mantissa, Tensor exponent)", make="method out",
           self=lambda grad, exponent: grad / exponent.exp2())
def frexp(self):
    """Mantissa in [0.5, 1) and exponent: self = mantissa * 2 ** exponent."""
    if self.dtype.kind != "f":
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    mantissa, exponent = np.frexp(self)
    return mantissa, exponent.astype(np.int32)


# ------------------------------------------------------------------ trigonometry
sin = _pointwise("sin(Tensor self) -> Tensor", "kernels:sin", lambda grad, self: grad * self.cos().conj())
cos = _pointwise("cos(Tensor self) -> Tensor", "kernels:cos", lambda grad, self: grad * -self.sin().conj())
tan = _pointwise("tan(Tensor self) -> Tensor", "kernels:tan", lambda grad, result: grad * (1 + result.pow(2)).conj())
asin = _pointwise("asin(Tensor self) -> Tensor", "kernels:arcsin", lambda grad, self: grad * (-self * self + 1).rsqrt().conj())
acos = _pointwise("acos(Tensor self) -> Tensor", "kernels:arccos", lambda grad, self: grad * -((-self * self + 1).rsqrt()).conj())
atan = _pointwise("atan(Tensor self) -> Tensor", "kernels:arctan", lambda grad, self: grad / (self * self + 1).conj())
sinh = _pointwise("sinh(Tensor self) -> Tensor", "kernels:sinh", lambda grad, self: grad * self.cosh().conj())
cosh = _pointwise("cosh(Tensor self) -> Tensor", "kernels:cosh", lambda grad, self: grad * self.sinh().conj())
asinh = _pointwise("asinh(Tensor self) -> Tensor", "numpy:arcsinh", lambda grad, self: grad * (self.pow(2) + 1).rsqrt().conj()).written(
    self=underived("inplace version of asinh"))
acosh = _pointwise("acosh(Tensor self) -> Tensor", "numpy:arccosh",
                   lambda grad, self: grad * ((self + 1).rsqrt() * (self - 1).rsqrt()).conj() if self.is_complex() else
                   grad * (self * self - 1).rsqrt()).written(self=underived("inplace version of acosh"))
atanh = _pointwise("atanh(Tensor self) -> Tensor", "numpy:arctanh", lambda grad, self: grad / (1 - self.pow(2)).conj()).written(
    self=underived("inplace version of atanh"))
tanh = _pointwise("tanh(Tensor self) -> Tensor", "kernels:tanh", lambda grad, result: T.tanh_backward(grad, result))
tanh_backward = op("tanh_backward(Tensor grad_output, Tensor output) -> Tensor", loop="kernels:tanh_backward", ns=None,
                   grad_output=lambda grad, output: T.tanh_backward(grad, output.conj()),
                   output=lambda grad, grad_output, output: grad * (-2 * output * grad_output).conj())
arcsin, arccos, arctan = asin.alias("arcsin"), acos.alias("arccos"), atan.alias("arctan")
arcsinh, arccosh, arctanh = asinh.alias("arcsinh"), acosh.alias("arccosh"), atanh.alias("arctanh")


def _atan2_backward(grad, self, other, mask):
    scaled = grad / (self * self + other * other)
    return scaled * other if mask[0] else None, scaled * -self if mask[1] else None


atan2 = op("atan2(Tensor self, Tensor other) -> Tensor", loop="kernels:arctan2", promote="float", make=MATH, check=only("f", "atan2_cpu"),
           self__and__other=_atan2_backward)
arctan2 = atan2.alias("arctan2")

sinc = _pointwise("sinc(Tensor self) -> Tensor", "kernels:sinc",
                  lambda grad, self: T.where(self == 0, 0.0, grad * ((math.pi * self * (math.pi * self).cos() - (math.pi * self).sin()) /
                                                                     (math.pi * self * self)).conj()))
deg2rad = _pointwise("deg2rad(Tensor self) -> Tensor", "kernels:deg2rad", lambda grad: grad * (math.pi / 180), node="Deg2RadBackward0", jvp="linear",
                     check=refused("c", "deg2rad is not supported for complex tensors."))
rad2deg = _pointwise("rad2deg(Tensor self) -> Tensor", "kernels:rad2deg", lambda grad: grad * (180 / math.pi), node="Rad2DegBackward0", jvp="linear",
                     check=refused("c", "rad2deg is not supported for complex tensors."))
sigmoid = _pointwise("sigmoid(Tensor self) -> Tensor", "kernels:sigmoid", lambda grad, result: T.sigmoid_backward(grad, result))
sigmoid_backward = op("sigmoid_backward(Tensor grad_output, Tensor output) -> Tensor", loop="kernels:sigmoid_backward", ns=None,
                      grad_output=lambda grad, output: T.sigmoid_backward(grad, output.conj()),
                      output=lambda grad, grad_output, output: grad * grad_output * (-2 * output + 1).conj())


def _logit_backward(grad, self, eps):
    slope = grad / (self * (1 - self))
    if eps is None:
        return slope                         # torch: a closed form outside [0, 1] gives NaN there
    return T.where(T.logical_and(self >= eps, self <= 1 - eps), slope, 0.0)


@primitive("logit(Tensor self, float? eps=None) -> Tensor", make=UNARY + " casts", half=False, jvp="elementwise", self=_logit_backward)
def logit(self, eps):
    """log(x / (1 - x)), with x clamped to [eps, 1 - eps] when `eps` is given."""
    self = self.astype(_core.get_default_dtype().numpy) if self.dtype.kind in "biu" else self
    only("f", "logit_cpu")(_core.dtype_of_array(self))
    one = self.dtype.type(1)
    if eps is not None:
        # torch: the lower bound wins when they cross
        eps = self.dtype.type(eps)
        self = np.where(self < eps, eps, np.where(self > one - eps, one - eps, self))
    return np.log(self / (one - self))           # torch: half types round at every step


# ------------------------------------------------------------------ rounding
def _rounding(name):
    made = op(f"{name}(Tensor self) -> Tensor", loop=f"kernels:{name}", make=UNARY, jvp="elementwise",
              check=checks(refused("" if name == "round" else "c", f"{name} is not supported for complex inputs", NotImplementedError),
                           only("if", f"{name}_vml_cpu")),
              self=lambda grad: T.zeros_like(grad))
    made.wrong_out = _FOUND
    return made


ceil, floor, trunc, round = [_rounding(name) for name in ("ceil", "floor", "trunc", "round")]
fix = trunc.alias("fix")


@primitive("round.decimals(Tensor self, *, int decimals) -> Tensor",
           shown="input, *, decimals=0, out=None | decimals=0", promote="default", make=MATH, check=only("f", "round_cpu"), node="RoundBackward1",
           self=lambda grad: T.zeros_like(grad))
def round_decimals(self, decimals):
    """Rounded half to even at that many decimals; negative ones round before the point."""
    factor = self.dtype.type(10.0 ** max(decimals, -decimals))
    return np.rint(self * factor) / factor if decimals >= 0 else np.rint(self / factor) * factor


frac = op("frac(Tensor self) -> Tensor", loop="kernels:frac", make=UNARY, check=only("f", "frac_cpu"), jvp="elementwise",
          self=lambda grad: grad)


# ------------------------------------------------------------------ bounds
def _inside(grad, self, min, max):
    inside = None if min is None else self >= min
    if max is not None:
        inside = self <= max if inside is None else T.logical_and(inside, self <= max)
    return T.where(inside, grad, 0.0)


def _at_bounds(grad, self, min, max, mask):
    if min is None or max is None:
        return (T.where(self < min, grad, 0.0), None) if max is None else (None, T.where(self > max, grad, 0.0))
    # torch: where the bounds cross, `max` is the result
    return (T.where(T.logical_and(min < max, self < min), grad, 0.0) if mask[0] else None,
            T.where(T.logical_or(self > max, max < min), grad, 0.0) if mask[1] else None)


def _clamped(self, min, max):
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if min is not None:
        self = np.maximum(min, self)             # the second of two equal numbers stays: -0.0 does
    return self if max is None else np.minimum(max, self)


_no_complex_clamp = refused("c", "clamp is not supported for complex types", NotImplementedError)


def _check_clamp(side):
    return checks(_no_complex_clamp, only("if", f"clamp_{side}_scalar_cpu"))


clamp = primitive("clamp.Tensor(Tensor self, Tensor? min=None, Tensor? max=None) -> Tensor", promote="default", make=UNARY, node="ClampBackward0",
                  check=_no_complex_clamp, self=_inside, min__and__max=_at_bounds)(_clamped)
primitive("clamp(Tensor self, Scalar? min=None, Scalar? max=None) -> Tensor", promote="default", make=UNARY, node="ClampBackward1",
          check=_check_clamp("min"), self=_inside)(_clamped)
clip = clamp.alias("clip")

clamp_min = op("clamp_min.Tensor(Tensor self, Tensor min) -> Tensor", loop="numpy:maximum", make=UNARY, node="ClampMinBackward1", check=_no_complex_clamp,
               self=lambda grad, self, min: T.where(self >= min, grad, 0.0), min=lambda grad, self, min: T.where(self < min, grad, 0.0))
op("clamp_min(Tensor self, Scalar min) -> Tensor", loop="numpy:maximum", make=UNARY, node="ClampMinBackward0", check=_check_clamp("min"),
   self=lambda grad, self, min: T.where(self >= min, grad, 0.0))
clamp_max = op("clamp_max.Tensor(Tensor self, Tensor max) -> Tensor", loop="numpy:minimum", make=UNARY, node="ClampMaxBackward1", check=_no_complex_clamp,
               self=lambda grad, self, max: T.where(self <= max, grad, 0.0), max=lambda grad, self, max: T.where(self > max, grad, 0.0))
op("clamp_max(Tensor self, Scalar max) -> Tensor", loop="numpy:minimum", make=UNARY, node="ClampMaxBackward0", check=_check_clamp("max"),
   self=lambda grad, self, max: T.where(self <= max, grad, 0.0))


@primitive("nan_to_num(Tensor self, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor",
           shown="input, nan=0.0, posinf=None, neginf=None, *, out=None", make=UNARY,
           self=lambda grad, self: grad * T.isfinite(self))
def nan_to_num(self, nan, posinf, neginf):
    """NaN becomes 0 or `nan`, the infinities the largest and smallest numbers or those given."""
    if self.dtype.kind in "biu":
        return self
    made = np.array(self, order="K")
    info = np.finfo(made.dtype)
    for part in (made.real, made.imag) if made.dtype.kind == "c" else (made,):
        np.copyto(part, 0 if nan is None else nan, where=np.isnan(part))
        np.copyto(part, info.max if posinf is None else posinf, where=part == np.inf)
        np.copyto(part, info.min if neginf is None else neginf, where=part == -np.inf)
    return made


# ------------------------------------------------------------------ several operands
def _c_name(dtype):
    return {"int64": "long int", "int16": "short int"}.get(dtype.name, dtype.alias or dtype.name)


def _computing(dtype):
    """The dtype of the numbers in an op: half types compute in float32."""
    return DTYPES["float32"] if dtype.is_floating_point and dtype.itemsize == 2 else dtype


def _check_lerp(dtype, self, end, weight):
    for name, v in (("end", end), ("weight", weight)):
        # torch: a 0-dim weight may be of any dtype
        if isinstance(v, Tensor) and v.dtype is not self.dtype and (v is end or v.dim()):
            raise RuntimeError(f"expected dtype {_c_name(self.dtype)} for `{name}` but got dtype {_c_name(v.dtype)}")
    if isinstance(weight, Tensor):
        only("fc", "lerp_kernel_tensor")(dtype)
    else:
        only("fc", "lerp_kernel_scalar")(self.dtype)
        number_array(weight, _computing(self.dtype))


lerp = op("lerp.Scalar(Tensor self, Tensor end, Scalar weight) -> Tensor", loop="kernels:lerp", make=MATH, node="LerpBackward0", check=_check_lerp,
          doc="self + weight * (end - self), from the nearer end.",
          self=lambda grad, weight: grad * (1 - weight.conjugate()),
          end=lambda grad, weight: grad * weight.conjugate())
op("lerp.Tensor(Tensor self, Tensor end, Tensor weight) -> Tensor", loop="kernels:lerp", make=MATH, node="LerpBackward1", check=_check_lerp,
   self=lambda grad, weight: grad * (1 - weight).conj(),
   end=lambda grad, weight: grad * weight.conj(),
   weight=lambda grad, self, end: grad * (end - self).conj())


def _fit_value(vals):
    """`value` in the dtype of the result, on which it has no say."""
    vals[3] = number_array(vals[3], _computing(_core.result_code(*vals[:3]))).item()
    return vals


addcmul = op("addcmul(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", loop="kernels:addcmul", make=MATH,
             prepare=_fit_value, check=only("ifc", "addcmul_cpu_out"), doc="self + value * tensor1 * tensor2.",
             self=lambda grad: grad,
             tensor1=lambda grad, tensor2, value: grad * (tensor2 * value).conj(),
             tensor2=lambda grad, tensor1, value: grad * (tensor1 * value).conj())


def _check_addcdiv(dtype, self, tensor1, tensor2, value):
    if not any(t.dtype.is_floating_point or t.dtype.is_complex for t in (tensor1, tensor2)):
        raise RuntimeError("Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true division of "
                           "tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * torch.trunc(tensor1 / tensor2))"
                           ".to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) for float inputs. The future addcdiv "
                           "behavior is just the latter implementation: (input + value * tensor1 / tensor2), for all dtypes.")


addcdiv = op("addcdiv(Tensor self, Tensor tensor1, Tensor tensor2, *, Scalar value=1) -> Tensor", loop="kernels:addcdiv", make=MATH,
             prepare=_fit_value, check=_check_addcdiv, doc="self + value * tensor1 / tensor2.",
             self=lambda grad: grad,
             tensor1=lambda grad, tensor2, value: grad * (value / tensor2).conj(),
             tensor2=lambda grad, tensor1, tensor2, value: -grad * (value * tensor1 / (tensor2 * tensor2)).conj())


@primitive("heaviside(Tensor self, Tensor values) -> Tensor", make=MATH, node="NotImplemented",
           self=not_implemented("aten::heaviside"), values=not_implemented("aten::heaviside"))
def heaviside(self, values):
    """0 below zero, 1 above, `values` at zero."""
    if self.dtype.kind == "c" or values.dtype.kind == "c":
        raise RuntimeError("heaviside is not yet implemented for complex tensors.")
    if self.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    broadcast_shapes(self.shape, values.shape)
    return np.where(self == 0, values, (self > 0).astype(self.dtype))


nextafter = op("nextafter(Tensor self, Tensor other) -> Tensor", loop="numpy:nextafter", make=MATH, check=only("f", "nextafter_cpu"),
               self=lambda grad, self, other: T.where(self != other, grad, 0.0), other=lambda grad: T.zeros_like(grad))


# ------------------------------------------------------------------ bits and integers
def _bits(name, loop, check):
    op(f"{name}.Tensor(Tensor self, Tensor other) -> Tensor", f"{name}.Scalar(Tensor self, Scalar other) -> Tensor", loop=loop, make=MATH, nograd=True,
       check=check)
    return op(f"{name}.Scalar_Tensor(Scalar self, Tensor other) -> Tensor", loop=loop, nograd=True, check=check)


bitwise_and = _bits("bitwise_and", "numpy:bitwise_and", only("bi", "bitwise_and_cpu"))
bitwise_or = _bits("bitwise_or", "numpy:bitwise_or", only("bi", "bitwise_or_cpu"))
bitwise_xor = _bits("bitwise_xor", "numpy:bitwise_xor", only("bi", "bitwise_xor_cpu"))
bitwise_left_shift = _bits("bitwise_left_shift", "kernels:lshift", only("i", "lshift_cpu"))
bitwise_right_shift = _bits("bitwise_right_shift", "kernels:rshift", only("i", "rshift_cpu"))
bitwise_not = op("bitwise_not(Tensor self) -> Tensor", loop="numpy:invert", make=MATH, nograd=True, check=only("bi", "bitwise_not_cpu"))
gcd = op("gcd(Tensor self, Tensor other) -> Tensor", loop="numpy:gcd", make=UNARY, nograd=True, check=only("i", "gcd_cpu"))
lcm = op("lcm(Tensor self, Tensor other) -> Tensor", loop="numpy:lcm", make=UNARY, nograd=True, check=only("i", "lcm_cpu"))
