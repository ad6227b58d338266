"""The exponential distribution."""
import reftorch as torch

from ._formula import density, functional, moment, quantile
from .constraints import nonnegative, positive
from .exp_family import ExponentialFamily

__all__ = ["Exponential"]


class Exponential(ExponentialFamily):
    """p(x) = rate exp(-rate x)."""

    arg_constraints = {"rate": positive}
    support = nonnegative
    has_rsample = True

    def __init__(self, rate, validate_args=None):
        super().__init__(self._take(rate=rate), validate_args=validate_args)

    mean = stddev = moment(lambda rate: rate.reciprocal())
    mode = moment(lambda rate: torch.zeros_like(rate))
    variance = moment(lambda rate: rate.pow(-2))
    entropy = functional(lambda rate: 1.0 - rate.log())

    log_prob = density(lambda x, rate: rate.log() - rate * x)
    cdf = density(lambda x, rate: 1 - (-rate * x).exp())
    icdf = quantile(lambda p, rate: -torch.log1p(-p) / rate)

    def rsample(self, sample_shape=torch.Size()):
        return self.rate.new_empty(self._extended_shape(sample_shape)).exponential_() / self.rate

    _mean_carrier_measure = 0
    _natural_params = moment(lambda rate: (-rate,))
    _log_normalizer = staticmethod(lambda slope: -(-slope).log())
