"""The generalized Pareto distribution."""
import math

import reftorch as torch

from . import constraints
from ._formula import checked, density, functional, moment, quantile, ranging
from .distribution import Distribution

__all__ = ["GeneralizedPareto"]


def _without_zeros(c):
    """Whether c is 0, and c with ones in place of zeros."""
    # torch: compares with a default-dtype 0 in log_prob and log_survival_function, which fails for other dtypes
    zero = torch.isclose(c, torch.zeros_like(c))
    return zero, torch.where(zero, torch.ones_like(c), c)


def _defined_below(limit, c, formula):
    """formula(c) where c < limit, nan elsewhere, without a trace of the latter in gradients."""
    below = c < limit
    return torch.where(below, formula(torch.where(below, c, limit / 2)), math.nan)


def _values(loc, scale, concentration):
    upper = torch.where(concentration < 0, loc - scale / concentration, math.inf)
    return constraints.interval(loc, upper)


class GeneralizedPareto(Distribution):
    """P(X > x) = (1 + c z)^(-1 / c), or exp(-z) at c = 0, with z = (x - loc) / scale and c = concentration."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive, "concentration": constraints.real}
    support = ranging(_values, is_discrete=False, event_dim=0)
    has_rsample = True

    def __init__(self, loc, scale, concentration, validate_args=None):
        super().__init__(self._take(loc=loc, scale=scale, concentration=concentration), validate_args=validate_args)

    mode = moment(lambda loc: loc)
    mean = moment(lambda loc, scale, concentration: _defined_below(1, concentration, lambda c: loc + scale / (1 - c)))

    @moment
    def variance(scale, concentration):
        return _defined_below(0.5, concentration, lambda c: scale**2 / ((1 - c) ** 2 * (1 - 2 * c)))

    @functional
    def entropy(scale, concentration, batch_shape):
        return torch.broadcast_to(scale.log() + concentration + 1, batch_shape)

    @density
    def log_prob(x, loc, scale, concentration):
        z = (x - loc) / scale
        zero, c = _without_zeros(concentration)
        power = 1 / c + torch.ones_like(z)
        return -scale.log() - torch.where(zero, z, torch.where(power == 0, power, power * (c * z).log1p()))

    @checked
    def log_survival_function(self, value):
        """log P(X > value)."""
        z = (value - self.loc) / self.scale
        zero, c = _without_zeros(self.concentration)
        return torch.where(zero, -z, -(c * z).log1p() / c)

    def log_cdf(self, value):
        """log P(X <= value)."""
        return (-self.log_survival_function(value).exp()).log1p()

    def cdf(self, value):
        return self.log_cdf(value).exp()

    @quantile
    def icdf(p, loc, scale, concentration):
        zero, c = _without_zeros(concentration)
        log_survival = torch.log1p(-p)
        return torch.where(zero, loc - scale * log_survival, loc + scale / c * (-c * log_survival).expm1())

    def rsample(self, sample_shape=torch.Size()):
        return self.icdf(self._noise(torch.rand, sample_shape, self.loc))
