"""The uniform distribution."""
import reftorch as torch

from . import constraints
from ._formula import density, functional, moment, quantile, ranging
from .distribution import Distribution

__all__ = ["Uniform"]


class Uniform(Distribution):
    """p(x) = 1 / (high - low) on [low, high)."""

    support = ranging(lambda low, high: constraints.interval(low, high), is_discrete=False, event_dim=0)
    has_rsample = True
    arg_constraints = moment(lambda low, high: {"low": constraints.less_than(high), "high": constraints.greater_than(low)})

    def __init__(self, low, high, validate_args=None):
        super().__init__(self._take(low=low, high=high), validate_args=validate_args)

    mean = moment(lambda low, high: (high + low) / 2)
    mode = moment(lambda high: torch.nan * high)
    stddev = moment(lambda low, high: (high - low) / 12**0.5)
    variance = moment(lambda low, high: (high - low).pow(2) / 12)
    entropy = functional(lambda low, high: (high - low).log())

    @density
    def log_prob(x, low, high):
        inside = [side.type_as(low) for side in (low.le(x), high.gt(x))]
        return torch.mul(*inside).log() - (high - low).log()

    cdf = density(lambda x, low, high: ((x - low) / (high - low)).clamp(min=0, max=1))
    icdf = quantile(lambda p, low, high: p * (high - low) + low)

    def rsample(self, sample_shape=torch.Size()):
        return self.low + self._noise(torch.rand, sample_shape, self.low) * (self.high - self.low)
