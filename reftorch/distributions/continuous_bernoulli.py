"""The continuous Bernoulli distribution."""
import math

import reftorch as torch
from reftorch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ._formula import density, functional, moment, quantile
from .constraints import real, unit_interval
from .exp_family import ExponentialFamily
from .utils import ProbsOrLogits, broadcast_all, clamp_probs, lazy_property, logits_to_probs

__all__ = ["ContinuousBernoulli"]


def _log_odds(p):
    """log((1 - p) / p)."""
    return (-p).log1p() - p.log()


class ContinuousBernoulli(ProbsOrLogits, ExponentialFamily):
    """p(x) = C probs^x (1 - probs)^(1 - x) on [0, 1]; for probs within `lims`, Taylor series around 1/2 replace 0/0."""

    arg_constraints = {"probs": unit_interval, "logits": real}
    support = unit_interval
    has_rsample = True

    def __init__(self, probs=None, logits=None, lims=(0.499, 0.501), validate_args=None):
        shape = self._take_either(probs, logits)
        self._lims = lims
        if self._given == "probs":
            # torch: checked for validate_args=False as well; clamping would hide a bad value from the usual check
            if validate_args is not None and not unit_interval.check(self.probs).all():
                raise ValueError("The parameter probs has invalid values")
            self.probs = clamp_probs(self.probs)
        super().__init__(shape, validate_args=validate_args)

    @lazy_property
    def probs(self):
        return clamp_probs(logits_to_probs(self.logits, is_binary=self._binary))

    def _outside(self):
        """Where the closed forms are stable."""
        low, high = self._lims
        return torch.max(self.probs.le(low), self.probs.gt(high))

    def _where_stable(self, closed_form, otherwise):
        """closed_form(p) where that is stable; there p is probs, and elsewhere some stable value."""
        outside = self._outside()
        p = torch.where(outside, self.probs, torch.ones_like(self.probs) * self._lims[0])
        return torch.where(outside, closed_form(p), otherwise)

    def _log_norm(self):
        """log C."""

        def closed(p):
            low = p <= 0.5
            below, above = torch.where(low, p, 0.0), torch.where(p >= 0.5, p, 1.0)
            norm = _log_odds(p).abs().log()
            return norm - torch.where(low, torch.log1p(-2.0 * below), torch.log(2.0 * above - 1.0))

        square = (self.probs - 0.5).pow(2)
        return self._where_stable(closed, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * square) * square)

    @moment
    def mean(self, probs):
        d = probs - 0.5
        series = 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * d.pow(2)) * d
        return self._where_stable(lambda p: p / (2.0 * p - 1.0) + 1.0 / _log_odds(p), series)

    @moment
    def variance(self, probs):
        square = (probs - 0.5).pow(2)
        return self._where_stable(
            lambda p: p * (p - 1.0) / (1.0 - 2.0 * p).pow(2) + 1.0 / _log_odds(p).pow(2),
            1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * square) * square,
        )

    @functional
    def entropy(self, probs):
        log_q, log_p = (-probs).log1p(), probs.log()
        return self.mean * (log_q - log_p) - self._log_norm() - log_q

    @density
    def log_prob(value, self, logits):
        logits, value = broadcast_all(logits, value)
        return -cross_entropy(logits, value, reduction="none") + self._log_norm()

    @density
    def cdf(x, self):
        powers = lambda p: (torch.pow(p, x) * torch.pow(1.0 - p, 1.0 - x) + p - 1.0) / (2.0 * p - 1.0)
        inside = self._where_stable(powers, x)
        inside = torch.where(torch.ge(x, 1.0), torch.ones_like(x), inside)
        return torch.where(torch.le(x, 0.0), torch.zeros_like(x), inside)

    @quantile
    def icdf(u, self):
        above = lambda p: torch.log1p(-p + u * (2.0 * p - 1.0)) - (-p).log1p()
        return self._where_stable(lambda p: above(p) / (p.log() - (-p).log1p()), u)

    def rsample(self, sample_shape=torch.Size()):
        return self.icdf(self._noise(torch.rand, sample_shape, self.probs))

    _mean_carrier_measure = 0
    _natural_params = moment(lambda logits: (logits,))

    def _log_normalizer(self, x):
        """log((exp(x) - 1) / x)."""
        low, high = (limit - 0.5 for limit in self._lims)  # torch: the limits are those of probs, though x are logits
        stable = torch.max(x.le(low), x.gt(high))
        safe = torch.where(stable, x, low * torch.ones_like(x))
        series = 0.5 * x + x.pow(2) / 24.0 - x.pow(4) / 2880.0
        return torch.where(stable, safe.expm1().abs().log() - safe.abs().log(), series)
