"""The half-Cauchy distribution."""
import math

import reftorch as torch

from ._formula import density, moment, part
from .cauchy import Cauchy
from .half_normal import Half

__all__ = ["HalfCauchy"]


class HalfCauchy(Half):
    """|X| for X ~ Cauchy(0, scale)."""

    def __init__(self, scale, validate_args=None):
        super().__init__(Cauchy(0, scale, validate_args=False), validate_args)

    mean = moment(lambda self, scale: self._constant(math.inf, scale))
    variance = part("base_dist.variance")

    def icdf(self, prob):
        return self._unfolded(prob)

    @density
    def log_prob(x, self, scale):
        return self._folded(torch.as_tensor(x, dtype=scale.dtype, device=scale.device))
