"""Activation functions: what stands between the layers of a network."""
import math

import numpy as np

from ..core import T, composite, op, primitive
from ..core._core import dtype_of_array, normalize_dim
from ..kernels import pointwise as kernels
from ..kernels import rows
from ._common import checks, is_half, only, refused

NN = "nn.functional"


def _as_self(vals):
    """Numbers take the dtype of the tensor: in torch they never promote it here."""
    if not vals[0].is_floating_point():
        vals[1:-1] = [int(v) for v in vals[1:-1]]
    return vals


def _of_self(check):
    """A check of the tensor's own dtype."""
    return lambda dtype, self, *numbers: check(self.dtype)


def _activation(schema, loop, rule, check, make="inplace out", ns=NN, **options):
    """A pointwise activation of tensors; `check` may be the name of the kernel that has floating point alone."""
    check = only("f", check) if isinstance(check, str) else check
    return op(schema, loop=loop, make=make, ns=ns, prepare=_as_self, check=_of_self(check), jvp="elementwise", self=rule, **options)


# ------------------------------------------------------------------ piecewise linear
_check_relu = checks(refused("b", "Boolean inputs not supported for relu"),
                     refused("c", "clamp is not supported for complex types", NotImplementedError))
relu = op("relu(Tensor self) -> Tensor", loop="kernels:relu", make="method inplace function_ out", jvp="elementwise", check=_check_relu,
          self=lambda grad, result: T.threshold_backward(grad, result, 0))
threshold = _activation("threshold(Tensor self, Scalar threshold, Scalar value) -> Tensor", "kernels:threshold",
                        lambda grad, self, threshold: T.threshold_backward(grad, self, threshold), only("if", "threshold_cpu"),
                        make="inplace function_ out", ns="torch nn.functional").written(
    self=lambda grad, self, threshold: T.threshold_backward(grad, self, threshold))
threshold_backward = op("threshold_backward(Tensor grad_output, Tensor self, Scalar threshold) -> Tensor", loop="kernels:threshold_backward", ns=None,
                        grad_output=lambda grad, self, threshold: T.threshold_backward(grad, self, threshold),
                        self=lambda grad: T.zeros_like(grad))


# The gradients of piecewise linear functions are ops: torch gives a second derivative by the input, of zeros.
@primitive("hardtanh_backward(Tensor grad_output, Tensor self, Scalar min_val, Scalar max_val) -> Tensor", ns=None,
           grad_output=lambda grad, self, min_val, max_val: T.hardtanh_backward(grad, self, min_val, max_val), self=lambda grad: T.zeros_like(grad))
def hardtanh_backward(grad_output, self, min_val, max_val):
    """The gradient where the input lies between the bounds."""
    return np.where((self > min_val) & (self < max_val), grad_output, grad_output.dtype.type(0))


@primitive("leaky_relu_backward(Tensor grad_output, Tensor self, Scalar negative_slope) -> Tensor", ns=None,
           grad_output=lambda grad, self, negative_slope: T.leaky_relu_backward(grad, self, negative_slope), self=lambda grad: T.zeros_like(grad))
def leaky_relu_backward(grad_output, self, negative_slope):
    """The gradient, times the slope where the input is not positive."""
    return np.where(self > 0, grad_output, grad_output * grad_output.dtype.type(negative_slope))


def _outside_backward(name):
    """The gradient where the input lies outside [-lambd, lambd]."""
    return primitive(f"{name}_backward(Tensor grad_output, Tensor self, Scalar lambd) -> Tensor", ns=None,
                     grad_output=lambda grad, self, lambd: getattr(T, f"{name}_backward")(grad, self, lambd), self=lambda grad: T.zeros_like(grad))(
        lambda grad_output, self, lambd: np.where((self >= -lambd) & (self <= lambd), grad_output.dtype.type(0), grad_output))


hardshrink_backward, softshrink_backward = _outside_backward("hardshrink"), _outside_backward("softshrink")
hardtanh = _activation("hardtanh(Tensor self, Scalar min_val=-1, Scalar max_val=1) -> Tensor", "kernels:hardtanh",
                       lambda grad, self, min_val, max_val: T.hardtanh_backward(grad, self, min_val, max_val),
                       checks(refused("b", "Bool inputs not supported for hardtanh"),
                              refused("c", "clamp is not supported for complex types", NotImplementedError)),
                       shown="input, min_val=-1.0, max_val=1.0")


@composite("relu6(Tensor self) -> Tensor", ns=NN)
def relu6(self):
    """min(max(x, 0), 6)."""
    return T.hardtanh(self, 0, 6)


@composite("relu6_(Tensor self) -> Tensor", ns=None)
def relu6_(self):
    """min(max(x, 0), 6), in place."""
    return T.hardtanh_(self, 0, 6)


def _leaky_relu_backward_of_result(grad, result, negative_slope):
    if negative_slope < 0:
        raise RuntimeError("In-place leakyReLu backward calculation is triggered with a negative slope which is not supported. This is caused by calling "
                           "in-place forward function with a negative slope, please call out-of-place version instead. File an issue at "
                           "https://github.com/pytorch/pytorch if you do require supporting in-place leakRelu backward calculation with negative slope")
    return T.leaky_relu_backward(grad, result, negative_slope)


leaky_relu = _activation("leaky_relu(Tensor self, Scalar negative_slope=0.01) -> Tensor", "kernels:leaky_relu",
                         lambda grad, self, negative_slope: T.leaky_relu_backward(grad, self, negative_slope),
                         "leaky_relu_cpu").written(self=_leaky_relu_backward_of_result)
hardshrink = _activation("hardshrink(Tensor self, Scalar lambd=0.5) -> Tensor", "kernels:hardshrink",
                         lambda grad, self, lambd: T.hardshrink_backward(grad, self, lambd), "hardshrink_cpu",
                         shown="input, lambd=0.5",
                         make="method out", ns="torch nn.functional")


def _check_softshrink(dtype, self, lambd):
    only("f", "softshrink_check")(self.dtype)
    if lambd < 0:
        limit = np.finfo(self.dtype.numpy).max if self.dtype.itemsize > 2 or self.dtype.name == "float16" else 3.38953e38
        raise RuntimeError(f"lambda must be in range [0, {limit:g}] for input dtype {self.dtype.type_name}, but found {lambd:g}")


softshrink = op("softshrink(Tensor self, Scalar lambd=0.5) -> Tensor",
                shown="input, lambd=0.5", loop="kernels:softshrink", make="out", ns=NN, prepare=_as_self,
                check=_check_softshrink, jvp="elementwise",
                self=lambda grad, self, lambd: T.softshrink_backward(grad, self, lambd))
hardsigmoid = _activation("hardsigmoid(Tensor self) -> Tensor", "kernels:hardsigmoid",
                          lambda grad, self: T.where(T.logical_and(self > -3, self < 3), grad / 6, 0.0), "hardsigmoid_cpu")
hardswish = _activation("hardswish(Tensor self) -> Tensor", "kernels:hardswish",
                        lambda grad, self: T.where(self <= -3, 0.0, T.where(self < 3, grad * (self / 3 + 0.5), grad)), "hardswish_cpu")


def _prelu_backward(grad, self, weight, mask):
    positive = self > 0
    return T.where(positive, grad, grad * weight) if mask[0] else None, T.where(positive, 0.0, grad * self) if mask[1] else None


prelu_kernel = op("_prelu_kernel(Tensor self, Tensor weight) -> Tensor", loop="kernels:leaky_relu", node="PreluKernelBackward0", ns=None,
                  check=only("f", "prelu_cpu"), self__and__weight=_prelu_backward)


@composite("prelu(Tensor self, Tensor weight) -> Tensor", make="method", ns="torch nn.functional")
def prelu(self, weight):
    """max(x, 0) + weight * min(x, 0), with one weight or one a channel (dim 1)."""
    if self.dtype is not weight.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {self.dtype.type_name} and {weight.dtype.type_name}")
    if weight.dim() > 1:
        raise RuntimeError(f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight.dim()}")
    if weight.numel() != 1:
        if not self.dim():
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = self.shape[1] if self.dim() > 1 else 1
        if channels != weight.numel():
            raise RuntimeError(f"Mismatch of parameter numbers and input channel size. Found parameter numbers = {weight.numel()} and channel size = "
                               f"{channels}.")
        weight = weight.view(-1, *[1] * max(self.dim() - 2, 0))
    elif weight.dim():
        weight = weight.reshape([1] * self.dim())
    return T._prelu_kernel(self, weight)


# ------------------------------------------------------------------ exponential
def _elu_backward(grad, self, alpha, scale, input_scale):
    return T.where(self <= 0, grad * (self * input_scale).exp() * (alpha * scale * input_scale), grad * scale)


def _elu_backward_of_result(grad, result, alpha, scale, input_scale):
    if alpha < 0:
        raise RuntimeError("In-place elu backward calculation is triggered with a negative slope which is not supported. This is caused by calling "
                           "in-place forward function with a negative slope, please call out-of-place version instead.")
    return T.where(result <= 0, grad * (result + alpha * scale) * input_scale, grad * scale)


elu = _activation("elu(Tensor self, Scalar alpha=1, Scalar scale=1, Scalar input_scale=1) -> Tensor", "kernels:elu", _elu_backward, "elu_cpu",
                  shown="input, alpha=1.0").written(self=_elu_backward_of_result)
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


@composite("selu(Tensor self) -> Tensor", ns="torch nn.functional")
def selu(self):
    """scale * elu(x, alpha), with the constants that keep mean 0 and variance 1."""
    return T.elu(self, SELU_ALPHA, SELU_SCALE)


@composite("selu_(Tensor self) -> Tensor")
def selu_(self):
    """selu, in place."""
    return T.elu_(self, SELU_ALPHA, SELU_SCALE)


@primitive("celu(Tensor self, Scalar alpha=1.0) -> Tensor", make="inplace function_", ns="torch nn.functional", jvp="elementwise",
           self=lambda grad, self, alpha: _elu_backward(grad, self, alpha, 1, 1 / alpha))
def celu(self, alpha):
    """max(x, 0) + min(0, alpha * (exp(x / alpha) - 1))."""
    if self.dtype.kind != "f":
        only("f", "elu_cpu")(dtype_of_array(self))
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return np.where(self > 0, self, np.expm1(self / self.dtype.type(alpha)) * self.dtype.type(alpha))


celu.written(self=lambda grad, result, alpha: _elu_backward_of_result(grad, result, alpha, 1, 1 / alpha))


softplus = _activation("softplus(Tensor self, Scalar beta=1, Scalar threshold=20) -> Tensor", "kernels:softplus",
                       lambda grad, self, beta, threshold: T.where(self * beta > threshold, grad, grad * (self * beta).sigmoid()), "softplus_cpu",
                       shown="input, beta=1, threshold=20",
                       make="out")
silu = op("silu(Tensor self) -> Tensor", loop="kernels:silu", make="inplace out", ns=NN, check=only("fc", "silu_cpu"), jvp="elementwise",
          self=lambda grad, self: T.silu_backward(grad, self))


silu_backward = op("silu_backward(Tensor grad_output, Tensor self) -> Tensor", loop="kernels:silu_backward", ns=None,
                   grad_output=lambda grad, self: T.silu_backward(grad, self.conj()),
                   self=lambda grad, grad_output, self: grad * (grad_output * _silu_second(self)).conj())


def _silu_second(x):
    s = x.sigmoid()
    return s * (1 - s) * (2 + x * (1 - 2 * s))


def _mish_backward(grad, self):
    slope, t = self.sigmoid(), T.softplus(self).tanh()
    return grad * (t + self * slope * (1 - t * t))


mish = _activation("mish(Tensor self) -> Tensor", "kernels:mish", _mish_backward, "mish_cpu")


# ------------------------------------------------------------------ gelu
def _gelu_slope(x, approximate):
    """Derivative of gelu, of tensors."""
    if approximate == "none":
        return 0.5 * (1 + T.erf(x * math.sqrt(0.5))) + x * (-0.5 * x * x).exp() * (1 / math.sqrt(2 * math.pi))
    beta = math.sqrt(2 / math.pi)
    t = (beta * (x + 0.044715 * x * x * x)).tanh()
    return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * beta * (1 + 3 * 0.044715 * x * x)


@primitive("gelu(Tensor self, *, str approximate='none') -> Tensor", shown="input, approximate='none'", make="inplace out", ns=NN, jvp="elementwise",
           self=lambda grad, self, approximate: T.gelu_backward(grad, self, approximate=approximate))
def gelu(self, approximate):
    """x * P(X <= x) for normal X, or its tanh approximation."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    if self.dtype.kind != "f":
        only("f", "GeluKernelImpl")(dtype_of_array(self))
    return kernels.gelu(self) if approximate == "none" else kernels.gelu_tanh(self)


@primitive("gelu_backward(Tensor grad_output, Tensor self, *, str approximate='none') -> Tensor", promote="default", ns=None,
           grad_output=lambda grad, self, approximate: T.gelu_backward(grad, self, approximate=approximate),
           self=lambda grad, grad_output, self, approximate: grad * grad_output * _gelu_curvature(self, approximate))
def gelu_backward(grad_output, self, approximate):
    """grad times the derivative of gelu."""
    return (kernels.gelu_backward if approximate == "none" else kernels.gelu_tanh_backward)(grad_output, self)


def _gelu_curvature(x, approximate):
    """Second derivative of gelu."""
    if approximate == "none":
        return (2 - x * x) * (-0.5 * x * x).exp() * (1 / math.sqrt(2 * math.pi))
    beta = math.sqrt(2 / math.pi)
    t = (beta * (x + 0.044715 * x * x * x)).tanh()
    inner, curve = beta * (1 + 3 * 0.044715 * x * x), beta * 6 * 0.044715 * x
    return (1 - t * t) * (inner + 0.5 * x * (curve - 2 * t * inner * inner))


# ------------------------------------------------------------------ of sigmoids
log_sigmoid = _activation("log_sigmoid(Tensor self) -> Tensor", "kernels:log_sigmoid", lambda grad, self: grad * (-self).sigmoid(),
                          "log_sigmoid_cpu", shown="input", make="out", node="LogSigmoidBackward0")
logsigmoid = log_sigmoid.alias("logsigmoid")


def _glu_backward(grad, self, dim):
    half = self.shape[dim] // 2
    first, gate = self.narrow(dim, 0, half), self.narrow(dim, half, half).sigmoid()
    return T.cat([grad * gate, grad * first * gate * (1 - gate)], dim)


@primitive("glu(Tensor self, int dim=-1) -> Tensor", make="out", ns=NN, self=_glu_backward)
def glu(self, dim):
    """a * sigmoid(b), where a and b are the halves of the input along `dim`."""
    if not self.ndim:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    dim = normalize_dim(dim, self.ndim)
    if self.shape[dim] % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {self.shape[dim]}")
    if self.dtype.kind != "f":
        only("f", "glu_cpu")(dtype_of_array(self))
    first, second = np.split(self, 2, dim)
    return first / (1 + np.exp(-second))


@composite("tanhshrink(Tensor self) -> Tensor", ns=NN)
def tanhshrink(self):
    """x - tanh(x)."""
    return self - self.tanh()


@composite("softsign(Tensor self) -> Tensor", ns=NN)
def softsign(self):
    """x / (1 + |x|)."""
    return self / (self.abs() + 1)


# ------------------------------------------------------------------ softmax
def _exponentials(a, dim, label):
    """`a` less its maximum along dim, and the exponentials of that."""
    if a.dtype.kind != "f":
        only("f", label)(dtype_of_array(a))
    a = a.reshape(1) if not a.ndim else a
    shifted = a - (a.max(dim, keepdims=True, initial=-np.inf))
    return shifted, np.exp(shifted)


@primitive("_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", ns=None, node="SoftmaxBackward0", make="out", quick="quick:softmax",
           self=lambda grad, result, dim: T._softmax_backward_data(grad, result, dim))
def softmax_kernel(self, dim):
    """exp(x) / sum(exp(x)) along `dim`."""
    dim = normalize_dim(dim, self.ndim)
    made = rows.softmax(self, dim, False)
    if made is not None:
        return made
    _, e = _exponentials(self, dim, "softmax_lastdim_kernel_impl" if dim == max(self.ndim - 1, 0) else "softmax_kernel_impl")
    e /= e.sum(dim, keepdims=True)
    return e.reshape(self.shape)


@primitive("_softmax_backward_data(Tensor grad_output, Tensor output, int dim) -> Tensor", promote="default", ns=None, node="SoftmaxBackwardDataBackward0",
           quick="quick:softmax_backward",
           grad_output=lambda grad, output, dim: T._softmax_backward_data(grad, output, dim),
           output=lambda grad, grad_output, output, dim: grad * (grad_output - (grad_output * output).sum(dim, True)) -
           grad_output * (grad * output).sum(dim, True))
def softmax_backward(grad_output, output, dim):
    """y * (g - sum(g * y))."""
    made = rows.softmax_backward(grad_output, output, dim % max(output.ndim, 1), False)
    if made is not None:
        return made
    weighted = grad_output * output
    if not weighted.ndim:
        return weighted - output * weighted
    weighted -= output * weighted.sum(dim, keepdims=True)
    return weighted


@primitive("_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", ns=None, node="LogSoftmaxBackward0", make="out", half=False,
           quick="quick:log_softmax",
           self=lambda grad, result, dim: T._log_softmax_backward_data(grad, result, dim))
def log_softmax_kernel(self, dim):
    """x - log(sum(exp(x))) along `dim`."""
    dim = normalize_dim(dim, self.ndim)
    made = rows.softmax(self, dim, True)
    if made is not None:
        return made
    last, half = dim == max(self.ndim - 1, 0), is_half(self.dtype)
    shifted, e = _exponentials(self.astype(np.float32) if half else self, dim, "log_softmax_lastdim_kernel_impl" if last else "log_softmax_kernel_impl")
    total = e.sum(dim, keepdims=True)
    if half and last:
        # torch: along the last dim the sum and its logarithm are kept in the half type
        total = np.log(total.astype(self.dtype)).astype(np.float32)
    else:
        total = np.log(total)
    shifted -= total
    return shifted.reshape(self.shape).astype(self.dtype, copy=False)


@primitive("_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim) -> Tensor", promote="default", ns=None,
           node="LogSoftmaxBackwardDataBackward0", quick="quick:log_softmax_backward",
           grad_output=lambda grad, output, dim: grad - (grad * output.exp()).sum(dim, True),
           output=lambda grad, grad_output, output, dim: -grad_output.sum(dim, True) * grad * output.exp())
def log_softmax_backward(grad_output, output, dim):
    """g - exp(y) * sum(g)."""
    made = rows.softmax_backward(grad_output, output, dim % max(output.ndim, 1), True)
    if made is not None:
        return made
    total = grad_output if not grad_output.ndim else grad_output.sum(dim, keepdims=True)
    return grad_output - np.exp(output) * total


@composite("softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", shown="input, dim, *, dtype=None | dim", make="method out",
           quick="_softmax(self, dim, False)")
def softmax(self, dim, dtype):
    """exp(x) / sum(exp(x)) along `dim`."""
    return T._softmax(self if dtype is None else self.to(dtype), dim, False)


@composite("log_softmax.int(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", make="method out", quick="_log_softmax(self, dim, False)")
def log_softmax(self, dim, dtype):
    """x - log(sum(exp(x))) along `dim`."""
    return T._log_softmax(self if dtype is None else self.to(dtype), dim, False)


@composite("special_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", shown="input, dim, *, dtype=None", ns="special")
def special_softmax(self, dim, dtype):
    """exp(x) / sum(exp(x)) along `dim`."""
    return T.softmax(self, dim, dtype)


@composite("special_log_softmax(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", ns="special")
def special_log_softmax(self, dim, dtype):
    """x - log(sum(exp(x))) along `dim`."""
    return T.log_softmax(self, dim, dtype)
