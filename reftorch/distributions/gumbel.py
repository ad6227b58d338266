"""The Gumbel distribution."""
import math
from numbers import Real

import reftorch as torch

from ._formula import density, functional, moment
from .constraints import positive, real
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform
from .uniform import Uniform
from .utils import euler_constant

__all__ = ["Gumbel"]


class Gumbel(TransformedDistribution):
    """P(X <= x) = exp(-exp(-z)) with z = (x - loc) / scale: X = loc - scale log(-log U)."""

    arg_constraints = {"loc": real, "scale": positive}
    support = real

    def __init__(self, loc, scale, validate_args=None):
        self._take(loc=loc, scale=scale)
        facts = torch.finfo(self.loc.dtype)
        ends = facts.tiny, 1 - facts.eps
        if not (isinstance(loc, Real) and isinstance(scale, Real)):
            ends = [torch.full_like(self.loc, end) for end in ends]
        log, flip = ExpTransform().inv, AffineTransform(0, -torch.ones_like(self.scale))
        chain = [log, flip, ExpTransform().inv, AffineTransform(loc, -self.scale)]
        super().__init__(Uniform(*ends, validate_args=validate_args), chain, validate_args)

    mean = moment(lambda loc, scale: loc + scale * euler_constant)
    mode = moment(lambda loc: loc)
    stddev = moment(lambda scale: math.pi / math.sqrt(6) * scale)
    variance = moment(lambda stddev: stddev.pow(2))
    entropy = functional(lambda scale: scale.log() + (1 + euler_constant))

    @density
    def log_prob(x, loc, scale):
        z = (loc - x) / scale
        return z - z.exp() - scale.log()
