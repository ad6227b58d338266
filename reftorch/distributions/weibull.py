"""The Weibull distribution."""
import reftorch as torch

from ._formula import functional, moment
from .constraints import positive
from .exponential import Exponential
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, PowerTransform
from .utils import euler_constant

__all__ = ["Weibull"]


class Weibull(TransformedDistribution):
    """P(X > x) = exp(-(x / scale)^concentration)."""

    arg_constraints = {"scale": positive, "concentration": positive}
    support = positive

    def __init__(self, scale, concentration, validate_args=None):
        self._take(scale=scale, concentration=concentration)
        self.concentration_reciprocal = self.concentration.reciprocal()
        chain = [PowerTransform(self.concentration_reciprocal), AffineTransform(0, self.scale)]
        super().__init__(Exponential(torch.ones_like(self.scale), validate_args), chain, validate_args)

    mean = moment(lambda scale, concentration_reciprocal: scale * (1 + concentration_reciprocal).lgamma().exp())
    mode = moment(lambda scale, concentration: scale * ((concentration - 1) / concentration) ** concentration.reciprocal())

    @moment
    def variance(scale, concentration_reciprocal):
        r = concentration_reciprocal
        return scale.pow(2) * ((1 + 2 * r).lgamma().exp() - (2 * (1 + r).lgamma()).exp())

    @functional
    def entropy(scale, concentration_reciprocal):
        r = concentration_reciprocal
        return euler_constant * (1 - r) + (scale * r).log() + 1
