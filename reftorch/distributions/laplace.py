"""The Laplace distribution."""
import reftorch as torch

from ._formula import density, functional, moment, quantile
from .constraints import positive, real
from .distribution import Distribution

__all__ = ["Laplace"]


class Laplace(Distribution):
    """p(x) = exp(-|x - loc| / scale) / (2 scale)."""

    arg_constraints = {"loc": real, "scale": positive}
    support = real
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(self._take(loc=loc, scale=scale), validate_args=validate_args)

    mean = mode = moment(lambda loc: loc)
    stddev = moment(lambda scale: 2**0.5 * scale)
    variance = moment(lambda scale: 2 * scale.pow(2))
    entropy = functional(lambda scale: 1 + torch.log(2 * scale))

    log_prob = density(lambda x, loc, scale: -torch.log(2 * scale) - (x - loc).abs() / scale)
    cdf = density(lambda x, loc, scale: 0.5 - 0.5 * (x - loc).sign() * (-(x - loc).abs() / scale).expm1())
    icdf = quantile(lambda p, loc, scale: loc - scale * (p - 0.5).sign() * torch.log1p(-2 * (p - 0.5).abs()))

    def rsample(self, sample_shape=torch.Size()):
        u = self.loc.new_empty(self._extended_shape(sample_shape))
        u.uniform_(torch.finfo(u.dtype).eps - 1, 1)
        return self.loc - self.scale * u.sign() * (-u.abs()).log1p()
