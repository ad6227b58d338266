"""Dropout in its variants, and rrelu: noise that training multiplies in."""
import math

import numpy as np

from ..core import T, composite, primitive
from ..core._core import MEMORY_FORMATS, empty_permuted_like, from_array
from ..kernels import random as kernel
from ..random import default_generator
from ._common import refuse, type_name

_CONTIGUOUS = MEMORY_FORMATS["contiguous_format"]


def _check_p(p):
    if not 0 <= p <= 1:
        raise RuntimeError(f"dropout probability has to be between 0 and 1, but got {p:g}")


def _check_dtype(a, draw=lambda: None):
    """Noise of integers can be drawn (and is, by `draw`), but not scaled; that of complex numbers cannot be drawn."""
    if a.dtype.kind == "c" or a.dtype.name in ("uint16", "uint32", "uint64"):
        refuse("bernoulli_scalar_cpu_", a)
    if a.dtype.kind in "biu":
        draw()
        raise RuntimeError(f"result type Float can't be cast to the desired output type {type_name(a)}")


def _feature_like(x):
    """An array with one element a channel: (N, C, 1, ...)."""
    if x.dim() < 2:
        raise RuntimeError("Feature dropout requires at least 2 dimensions in the input")
    return np.empty((*x.shape[:2], *[1] * (x.dim() - 2)), x.dtype.numpy)


def _noise(x, p, feature, one=1.0):
    """`one` with probability 1 - p, else 0; drawn in the memory order of x."""
    noise = _feature_like(x) if feature else empty_permuted_like(x._array)
    kernel.bernoulli(default_generator, noise, 1 - p, one)
    return from_array(noise)


def _drop(x, p, train, feature=False, alpha=False, inplace=False):
    _check_p(p)
    if p == 0 or not train or x.numel() == 0:
        return x
    times = T.mul_ if inplace else T.mul
    if p == 1:
        return times(x, T.zeros((), dtype=x.dtype))
    _check_dtype(x._array, lambda: _noise(x, p, feature))
    if not alpha:
        work = np.float64 if x.dtype.name == "float64" else np.float32
        return times(x, _noise(x, p, feature, float(work(1) / work(1 - p))))
    slope = 1.7580993408473766  # -alpha' of "Self-Normalizing Neural Networks": what a dropped unit is set to
    scale = 1 / math.sqrt((slope * slope * p + 1) * (1 - p))
    noise = _noise(x, p, feature)
    shift = T.add_(T.mul_(T.add(noise, -1), slope * scale), slope * scale * p)
    return T.add_(times(x, T.mul_(noise, scale)), shift)


@composite("dropout(Tensor input, float p, bool train) -> Tensor")
def dropout(input, p, train):
    """Zero each element with probability p, scale the others by 1/(1 - p)."""
    return _drop(input, p, train)


@composite("dropout_(Tensor self, float p, bool train) -> Tensor")
def dropout_(self, p, train):
    """`dropout` in place."""
    return _drop(self, p, train, inplace=True)


@composite("feature_dropout(Tensor input, float p, bool train) -> Tensor")
def feature_dropout(input, p, train):
    """`dropout` of whole channels."""
    return _drop(input, p, train, feature=True)


@composite("feature_dropout_(Tensor self, float p, bool train) -> Tensor")
def feature_dropout_(self, p, train):
    """`feature_dropout` in place."""
    return _drop(self, p, train, feature=True, inplace=True)


@composite("alpha_dropout(Tensor input, float p, bool train) -> Tensor")
def alpha_dropout(input, p, train):
    """Dropout that keeps mean 0 and variance 1, for networks of SELUs."""
    return _drop(input, p, train, alpha=True)


@composite("alpha_dropout_(Tensor self, float p, bool train) -> Tensor")
def alpha_dropout_(self, p, train):
    """`alpha_dropout` in place."""
    return _drop(self, p, train, alpha=True, inplace=True)


@composite("feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor")
def feature_alpha_dropout(input, p, train):
    """`alpha_dropout` of whole channels."""
    return _drop(input, p, train, feature=True, alpha=True)


@composite("feature_alpha_dropout_(Tensor self, float p, bool train) -> Tensor")
def feature_alpha_dropout_(self, p, train):
    """`feature_alpha_dropout` in place."""
    return _drop(self, p, train, feature=True, alpha=True, inplace=True)


def _keep_scale(p, train):
    return 1.0 if train is False else 0.0 if p == 1 else 1 / (1 - p)


@primitive("native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)", half=False,
           input=lambda grad, result1, p, train: T.native_dropout_backward(grad, result1, _keep_scale(p, train)))
def native_dropout(input, p, train):
    """(dropout of the input, mask of what was kept); `train=None` means training."""
    if input.size == 0:
        return input, np.empty_like(input)
    if train is False:
        return input, np.ones_like(input, np.bool_)
    mask = T.bernoulli_(from_array(np.empty_like(input, np.bool_)), 1 - p)
    if input.dtype.kind != "c":  # torch: complex numbers are refused by `dropout` alone
        _check_dtype(input)
    return T.mul_(T.mul(from_array(input), mask), _keep_scale(p, train))._array, mask._array


@composite("native_dropout_backward(Tensor grad_output, Tensor mask, float scale) -> Tensor", ns=None)
def native_dropout_backward(grad_output, mask, scale):
    """The gradient of `native_dropout`: grad_output where kept, scaled."""
    return grad_output * (mask.to(grad_output.dtype) * scale)


# ------------------------------------------------------------------------------------------------------------ rrelu
def _slope(lower, upper):
    return (float(lower) + float(upper)) / 2


def _rrelu_grad(grad, x, noise, lower, upper, training):
    """`x` may be the result as well as the input: they agree in sign."""
    return grad * noise if training and upper - lower > 1e-6 else T.where(x > 0, grad, grad * _slope(lower, upper))


def _rrelu(self, noise, lower, upper, training, generator):
    """x where positive, else x times a slope uniform on [lower, upper) (written to `noise`), or the mean slope outside training."""
    if lower > upper:
        raise RuntimeError("Lower bound should be less than or equal to the upper bound")
    if not training:
        return T.leaky_relu(from_array(self), _slope(lower, upper))._array
    if self.dtype.name not in ("float64", "float32", "bfloat16"):
        refuse("rrelu_with_noise_out_cpu", self)
    low, high = (float(np.asarray(bound, self.dtype)) for bound in (lower, upper))
    noise[...] = kernel.rrelu_noise(default_generator if generator is None else generator, self, low, high)
    return np.multiply(self, noise, order="C")


_RRELU = ("(Tensor self, Tensor noise, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, Generator? generator=None)"
          " -> Tensor")
primitive("rrelu_with_noise" + _RRELU, ns=None, half=False, jvp="elementwise",
          self=lambda grad, self, noise, lower, upper, training: _rrelu_grad(grad, self, noise, lower, upper, training))(_rrelu)
primitive("rrelu_with_noise_" + _RRELU, ns=None, half=False, node="RreluWithNoiseBackward1",
          self=lambda grad, result, noise, lower, upper, training: _rrelu_grad(grad, result, noise, lower, upper, training))(_rrelu)


@composite("rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, Generator? generator=None) -> Tensor")
def rrelu(self, lower, upper, training, generator):
    """Leaky ReLU with random slopes in training."""
    return T.rrelu_with_noise(self, T.empty_like(self, memory_format=_CONTIGUOUS), lower, upper, training, generator)


@composite("rrelu_(Tensor self, Scalar lower=0.125, Scalar upper=0.3333333333333333, bool training=False, Generator? generator=None) -> Tensor",
           shown="input, lower=1.0 / 8, upper=1.0 / 3, training=False")
def rrelu_(self, lower, upper, training, generator):
    """`rrelu` in place."""
    return T.rrelu_with_noise_(self, T.empty_like(self, memory_format=_CONTIGUOUS), lower, upper, training, generator)
