"""The Kumaraswamy distribution."""
import math

import reftorch as torch

from ._formula import functional, moment
from .constraints import positive, unit_interval
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .uniform import Uniform
from .utils import euler_constant, put

__all__ = ["Kumaraswamy"]


def _moment(a, b, n):
    """E[X^n] = b B(1 + n / a, b)."""
    c = 1 + n / a
    return b * (c.lgamma() + b.lgamma() - (c + b).lgamma()).exp()


class Kumaraswamy(TransformedDistribution):
    """P(X <= x) = 1 - (1 - x^a)^b on [0, 1], with a, b = concentration1, concentration0."""

    arg_constraints = {"concentration1": positive, "concentration0": positive}
    support = unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        self._take(concentration1=concentration1, concentration0=concentration0)
        low, high = (torch.full_like(self.concentration0, end) for end in (0, 1))
        inner, outer = (PowerTransform(c.reciprocal()) for c in (self.concentration0, self.concentration1))
        chain = [inner, AffineTransform(1.0, -1.0), outer]
        super().__init__(Uniform(low, high, validate_args), chain, validate_args)

    mean = moment(lambda concentration1, concentration0: _moment(concentration1, concentration0, 1))

    @moment
    def mode(concentration1, concentration0):
        a, b = concentration1, concentration0
        log_mode = a.reciprocal() * (-a).log1p() - (-a * b).log1p()
        return put(log_mode, (a < 1) | (b < 1), math.nan).exp()

    @moment
    def variance(self, concentration1, concentration0):
        return _moment(concentration1, concentration0, 2) - self.mean.pow(2)

    @functional
    def entropy(concentration1, concentration0):
        a, b = concentration1, concentration0
        harmonic = (b + 1).digamma() + euler_constant
        return (1 - b.reciprocal()) + (1 - a.reciprocal()) * harmonic - a.log() - b.log()
