"""The half-normal distribution, and what both distributions of absolute values share."""
import math

import reftorch as torch

from ._formula import density, functional, moment, part
from .constraints import nonnegative, positive
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import AbsTransform

__all__ = ["HalfNormal"]


class Half(TransformedDistribution):
    """|X| for X of a distribution that is symmetric about 0."""

    arg_constraints = {"scale": positive}
    support = nonnegative
    has_rsample = True

    def __init__(self, whole, validate_args):
        super().__init__(whole, AbsTransform(), validate_args)

    scale = part("base_dist.scale")
    mode = moment(lambda scale: torch.zeros_like(scale))
    entropy = functional(lambda base_dist: base_dist.entropy() - math.log(2))
    cdf = density(lambda x, base_dist: 2 * base_dist.cdf(x) - 1)

    def _folded(self, x):
        """The log density, twice that of X."""
        return torch.where(x >= 0, self.base_dist.log_prob(x) + math.log(2), -math.inf)

    def _unfolded(self, p):
        """The quantile of X above which lie half as many values."""
        return self.base_dist.icdf((p + 1) / 2)


class HalfNormal(Half):
    """|X| for X ~ Normal(0, scale)."""

    def __init__(self, scale, validate_args=None):
        super().__init__(Normal(0, scale, validate_args=False), validate_args)

    mean = moment(lambda scale: scale * math.sqrt(2 / math.pi))
    variance = moment(lambda scale: scale.pow(2) * (1 - 2 / math.pi))
    log_prob = density(lambda x, self: self._folded(x))

    def icdf(self, prob):
        return self._unfolded(prob)
