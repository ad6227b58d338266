"""Normalisation over layers, groups and neighbouring channels."""
import numbers

import reftorch as torch

from .. import init
from ..parameter import Parameter
from . import _functions
from ._layer import layer, shown
from .module import Module


def _shape(size):
    return (size,) if isinstance(size, numbers.Integral) else tuple(size)


class _Scaled(Module):
    """A norm with scale and shift: `weight` and `bias`, each None where it is not learnt."""

    def _make_scale(self, shape, device, dtype, **learnt):
        for name, wanted in learnt.items():
            self.register_parameter(name, Parameter(torch.empty(shape, device=device, dtype=dtype)) if wanted else None)

    def reset_parameters(self):
        """Scale 1, shift 0."""
        for name, start in (("weight", init.ones_), ("bias", init.zeros_)):
            value = getattr(self, name, None)
            if value is not None:
                start(value)


@layer("size, alpha=1e-4, beta=0.75, k=1.0", "F.local_response_norm(input; size, alpha, beta, k)")
class LocalResponseNorm(Module):
    """y = x / (k + alpha mean of x^2 over `size` neighbouring channels)^beta; x (N, C, *); source: Krizhevsky et al. 2012."""

    def extra_repr(self):
        return f"{self.size}, {shown(self, 'alpha', 'beta', 'k')}"


class CrossMapLRN2d(Module):
    """y = x / (k + alpha / size * sum of x^2 over neighbouring channels)^beta; x (N, C, H, W)."""

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1):
        super().__init__()
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, input):
        return _functions.CrossMapLRN2d.apply(input, self.size, self.alpha, self.beta, self.k)

    extra_repr = LocalResponseNorm.extra_repr


@layer(call="F.layer_norm(input; normalized_shape, weight, bias, eps)", constants="normalized_shape eps elementwise_affine")
class LayerNorm(_Scaled):
    """y = w (x - m) / sqrt(v + eps) + b, m and v over the last dims; x (*, *normalized_shape) -> y of the same shape; source: Ba et al. 2016."""

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _shape(normalized_shape), eps, elementwise_affine
        self._make_scale(self.normalized_shape, device, dtype, weight=elementwise_affine, bias=elementwise_affine and bias)
        self.reset_parameters()

    def extra_repr(self):
        return f"{self.normalized_shape}, {shown(self, 'eps', 'elementwise_affine')}, bias={self.bias is not None}"


@layer(call="F.group_norm(input; num_groups, weight, bias, eps)", constants="num_groups num_channels eps affine")
class GroupNorm(_Scaled):
    """y = w (x - m) / sqrt(v + eps) + b, m and v over each of `num_groups` groups of channels; x (N, C, *); source: Wu and He 2018."""

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self._make_scale(num_channels, device, dtype, weight=affine, bias=affine and bias)
        self.reset_parameters()

    def extra_repr(self):
        return f"{self.num_groups}, {self.num_channels}, {shown(self, 'eps', 'affine')}, bias={self.bias is not None}"


@layer(call="F.rms_norm(x; normalized_shape, weight, eps)", constants="normalized_shape eps elementwise_affine")
class RMSNorm(_Scaled):
    """y = w x / sqrt(mean(x^2) + eps) over the last dims; x (*, *normalized_shape) -> y of the same shape; source: Zhang and Sennrich 2019."""

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape, self.eps, self.elementwise_affine = _shape(normalized_shape), eps, elementwise_affine
        self._make_scale(self.normalized_shape, device, dtype, weight=elementwise_affine)
        self.reset_parameters()

    def extra_repr(self):
        return f"{self.normalized_shape}, {shown(self, 'eps', 'elementwise_affine')}"
