"""The Poisson distribution."""
import reftorch as torch

from ._formula import density, moment
from .constraints import nonnegative, nonnegative_integer
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Poisson"]


class Poisson(ExponentialFamily):
    """P(k) = rate^k exp(-rate) / k!."""

    arg_constraints = {"rate": nonnegative}
    support = nonnegative_integer

    def __init__(self, rate, validate_args=None):
        super().__init__(self._take(rate=rate), validate_args=validate_args)

    mean = variance = moment(lambda rate: rate)
    mode = moment(lambda rate: rate.floor())

    @density
    def log_prob(k, rate):
        rate, k = broadcast_all(rate, k)
        return torch.xlogy(k, rate) - rate - torch.lgamma(k + 1)

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        return torch.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    _natural_params = moment(lambda rate: (rate.log(),))
    _log_normalizer = staticmethod(torch.exp)
