"""The log-normal distribution."""
from ._formula import functional, moment, part
from .constraints import positive, real
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import ExpTransform

__all__ = ["LogNormal"]


class LogNormal(TransformedDistribution):
    """exp(X) for X ~ Normal(loc, scale)."""

    arg_constraints = {"loc": real, "scale": positive}
    support = positive
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    loc = part("base_dist.loc")
    scale = part("base_dist.scale")
    mean = moment(lambda loc, scale: (loc + scale.pow(2) / 2).exp())
    mode = moment(lambda loc, scale: (loc - scale.square()).exp())
    entropy = functional(lambda base_dist: base_dist.entropy() + base_dist.loc)

    @moment
    def variance(loc, scale):
        square = scale.pow(2)
        return square.expm1() * (2 * loc + square).exp()
