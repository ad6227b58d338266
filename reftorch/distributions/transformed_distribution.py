"""Distributions of transformed variables."""
import reftorch as torch

from . import constraints
from ._formula import part
from .distribution import Distribution
from .independent import Independent
from .transforms import ComposeTransform, Transform
from .utils import _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """Y = f(X) for X from `base_distribution`: log p(y) = log p(x) - log |dy/dx|."""

    arg_constraints = {}
    has_rsample = part("base_dist.has_rsample")

    def __init__(self, base_distribution, transforms, validate_args=None):
        chain = [transforms] if isinstance(transforms, Transform) else transforms
        if not isinstance(chain, list):
            raise ValueError(f"transforms must be a Transform or list, but was {chain}")
        if not all(isinstance(f, Transform) for f in chain):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        self.transforms = chain
        whole = ComposeTransform(chain)
        taken, given = whole.domain.event_dim, whole.codomain.event_dim
        shape, own = base_distribution.batch_shape + base_distribution.event_shape, len(base_distribution.event_shape)
        if taken > len(shape):
            raise ValueError(f"base_distribution needs to have shape with size at least {taken}, but got {shape}.")
        values = whole.forward_shape(shape)
        needed = whole.inverse_shape(values)
        if needed != shape:
            base_distribution = base_distribution.expand(needed[: len(needed) - own])
        self.base_dist = Independent(base_distribution, taken - own) if taken > own else base_distribution
        event_dim = given + max(own - taken, 0)
        if event_dim > len(values):
            raise AssertionError(f"forward_shape length {len(values)} must be >= event_dim {event_dim}")
        batch_dim = len(values) - event_dim
        super().__init__(values[:batch_dim], values[batch_dim:], validate_args=validate_args)

    def _expand_inner(self, inner, batch_shape):
        shape = batch_shape + self.event_shape
        for f in reversed(self.transforms):
            shape = f.inverse_shape(shape)
        return inner.expand(shape[: len(shape) - len(inner.event_shape)])

    @constraints.dependent_property(is_discrete=False)
    def support(self):
        if not self.transforms:
            return self.base_dist.support
        last = self.transforms[-1].codomain
        missing = len(self.event_shape) - last.event_dim
        return last if missing <= 0 else constraints.independent(last, missing)

    def _push(self, x):
        for f in self.transforms:
            x = f(x)
        return x

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        return self._push(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape=torch.Size()):
        return self._push(self.base_dist.rsample(sample_shape))

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        total, dims = 0.0, len(self.event_shape)
        for f in reversed(self.transforms):
            y, value = value, f.inv(value)
            dims -= f.codomain.event_dim - f.domain.event_dim
            total = total - _sum_rightmost(f.log_abs_det_jacobian(value, y), dims - f.domain.event_dim)
        return total + _sum_rightmost(self.base_dist.log_prob(value), dims - len(self.base_dist.event_shape))

    def _monotonize_cdf(self, p):
        """A probability p, or 1 - p where the transforms decrease."""
        sign = 1
        for f in self.transforms:
            sign = sign * f.sign
        return p if isinstance(sign, int) and sign == 1 else sign * (p - 0.5) + 0.5

    def cdf(self, value):
        for f in reversed(self.transforms):
            value = f.inv(value)
        base = self.base_dist
        if self._validate_args:
            base._validate_sample(value)
        return self._monotonize_cdf(base.cdf(value))

    def icdf(self, value):
        return self._push(self.base_dist.icdf(self._monotonize_cdf(value)))
