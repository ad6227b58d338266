"""The Gamma distribution."""
import reftorch as torch

from ._formula import checked, density, functional, moment
from .constraints import nonnegative, positive
from .exp_family import ExponentialFamily

__all__ = ["Gamma"]


class Gamma(ExponentialFamily):
    """p(x) = rate^a x^(a - 1) exp(-rate x) / Gamma(a) with a = concentration."""

    arg_constraints = {"concentration": positive, "rate": positive}
    support = nonnegative
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        super().__init__(self._take(concentration=concentration, rate=rate), validate_args=validate_args)

    mean = moment(lambda concentration, rate: concentration / rate)
    mode = moment(lambda concentration, rate: ((concentration - 1) / rate).clamp(min=0))
    variance = moment(lambda concentration, rate: concentration / rate.pow(2))

    @functional
    def entropy(rate, concentration):
        a = concentration
        return a - rate.log() + a.lgamma() + (1.0 - a) * a.digamma()

    def log_prob(self, value):
        # numbers are taken, too
        return self._log_density(torch.as_tensor(value, dtype=self.rate.dtype, device=self.rate.device))

    @checked
    def _log_density(self, x):
        a, rate = self.concentration, self.rate
        return torch.xlogy(a, rate) + torch.xlogy(a - 1, x) - rate * x - a.lgamma()

    cdf = density(lambda x, concentration, rate: torch.special.gammainc(concentration, rate * x))

    def rsample(self, sample_shape=torch.Size()):
        shape = self._extended_shape(sample_shape)
        draws = torch._standard_gamma(self.concentration.expand(shape)) / self.rate.expand(shape)
        draws.detach().clamp_(min=torch.finfo(draws.dtype).tiny)  # unseen by autograd: underflow keeps its gradient
        return draws

    _mean_carrier_measure = 0
    _natural_params = moment(lambda concentration, rate: (concentration - 1, -rate))
    _log_normalizer = staticmethod(lambda a, b: (a + 1).lgamma() + (a + 1) * torch.log(-b.reciprocal()))
