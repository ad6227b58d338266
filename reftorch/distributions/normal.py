"""The normal distribution."""
import math

import reftorch as torch

from ._formula import density, functional, moment, quantile
from .constraints import positive, real
from .exp_family import ExponentialFamily
from .utils import _standard_normal

__all__ = ["Normal"]


class Normal(ExponentialFamily):
    """p(x) = exp(-z^2 / 2) / (scale sqrt(2 pi)) with z = (x - loc) / scale."""

    arg_constraints = {"loc": real, "scale": positive}
    support = real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(self._take(loc=loc, scale=scale), validate_args=validate_args)

    mean = mode = moment(lambda loc: loc)
    stddev = moment(lambda scale: scale)
    variance = moment(lambda stddev: stddev.pow(2))
    entropy = functional(lambda scale: 0.5 + 0.5 * math.log(2 * math.pi) + scale.log())

    log_prob = density(
        lambda x, loc, scale: -((x - loc) ** 2) / (2 * scale**2) - scale.log() - math.log(math.sqrt(2 * math.pi))
    )
    cdf = density(lambda x, loc, scale: 0.5 * (1 + torch.erf((x - loc) * scale.reciprocal() / math.sqrt(2))))
    icdf = quantile(lambda p, loc, scale: loc + scale * torch.erfinv(2 * p - 1) * math.sqrt(2))

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        shape = self._extended_shape(sample_shape)
        return torch.normal(*(parameter.expand(shape) for parameter in (self.loc, self.scale)))

    def rsample(self, sample_shape=torch.Size()):
        return self.loc + self._noise(_standard_normal, sample_shape, self.loc) * self.scale

    _mean_carrier_measure = 0
    _natural_params = moment(lambda loc, scale: (loc / scale.pow(2), -0.5 * scale.pow(2).reciprocal()))
    _log_normalizer = staticmethod(lambda a, b: -0.25 * a.pow(2) / b + 0.5 * torch.log(-math.pi / b))
