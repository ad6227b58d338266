"""The inverse Gamma distribution."""
import math

import reftorch as torch

from ._formula import functional, moment, part
from .constraints import positive
from .gamma import Gamma
from .transformed_distribution import TransformedDistribution
from .transforms import PowerTransform

__all__ = ["InverseGamma"]


class InverseGamma(TransformedDistribution):
    """1 / X for X ~ Gamma(concentration, rate)."""

    arg_constraints = {"concentration": positive, "rate": positive}
    support = positive
    has_rsample = True

    def __init__(self, concentration, rate, validate_args=None):
        gamma = Gamma(concentration, rate, validate_args)
        super().__init__(gamma, PowerTransform(-torch.ones((), dtype=gamma.rate.dtype)), validate_args)

    concentration = part("base_dist.concentration")
    rate = part("base_dist.rate")
    mode = moment(lambda concentration, rate: rate / (concentration + 1))

    @moment
    def mean(concentration, rate):
        return torch.where(concentration > 1, rate / (concentration - 1), math.inf)

    @moment
    def variance(concentration, rate):
        finite = rate.square() / ((concentration - 1).square() * (concentration - 2))
        return torch.where(concentration > 2, finite, math.inf)

    @functional
    def entropy(rate, concentration):
        a = concentration
        return a + rate.log() + a.lgamma() - (1 + a) * a.digamma()
