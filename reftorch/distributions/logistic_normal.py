"""The logistic-normal distribution."""
from ._formula import part
from .constraints import positive, real, simplex
from .normal import Normal
from .transformed_distribution import TransformedDistribution
from .transforms import StickBreakingTransform

__all__ = ["LogisticNormal"]


class LogisticNormal(TransformedDistribution):
    """Normal variables (*, n) taken to the simplex (*, n + 1) by stick-breaking."""

    arg_constraints = {"loc": real, "scale": positive}
    support = simplex
    has_rsample = True

    def __init__(self, loc, scale, validate_args=None):
        normal = Normal(loc, scale, validate_args)
        if normal.batch_shape == ():
            normal = normal.expand((1,))
        super().__init__(normal, StickBreakingTransform(), validate_args)

    loc = part("base_dist.base_dist.loc")
    scale = part("base_dist.base_dist.scale")
