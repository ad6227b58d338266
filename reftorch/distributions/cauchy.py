"""The Cauchy distribution."""
import math

import reftorch as torch

from ._formula import density, functional, moment, quantile
from .constraints import positive, real
from .distribution import Distribution

__all__ = ["Cauchy"]


class Cauchy(Distribution):
    """p(x) = 1 / (pi scale (1 + z^2)) with z = (x - loc) / scale."""

    arg_constraints = {"loc": real, "scale": positive}
    support = real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(self._take(loc=loc, scale=scale), validate_args=validate_args)

    mean = moment(lambda self, loc: self._constant(math.nan, loc))
    mode = moment(lambda loc: loc)
    variance = moment(lambda self, loc: self._constant(math.inf, loc))
    entropy = functional(lambda scale: math.log(4 * math.pi) + scale.log())

    log_prob = density(lambda x, loc, scale: -math.log(math.pi) - scale.log() - (((x - loc) / scale) ** 2).log1p())
    cdf = density(lambda x, loc, scale: ((x - loc) / scale).atan() / math.pi + 0.5)
    icdf = quantile(lambda p, loc, scale: torch.tan(math.pi * (p - 0.5)) * scale + loc)

    def rsample(self, sample_shape=torch.Size()):
        return self.loc + self.loc.new_empty(self._extended_shape(sample_shape)).cauchy_() * self.scale
