"""The Pareto distribution."""
from ._formula import functional, moment, ranging
from .constraints import greater_than_eq, positive
from .exponential import Exponential
from .transformed_distribution import TransformedDistribution
from .transforms import AffineTransform, ExpTransform

__all__ = ["Pareto"]


class Pareto(TransformedDistribution):
    """P(X > x) = (scale / x)^alpha for x >= scale: scale exp(E) with E ~ Exponential(alpha)."""

    arg_constraints = {"alpha": positive, "scale": positive}
    support = ranging(lambda scale: greater_than_eq(scale), is_discrete=False, event_dim=0)

    def __init__(self, scale, alpha, validate_args=None):
        self._take(scale=scale, alpha=alpha)
        chain = [ExpTransform(), AffineTransform(0, self.scale)]
        super().__init__(Exponential(self.alpha, validate_args), chain, validate_args)

    mode = moment(lambda scale: scale)
    entropy = functional(lambda scale, alpha: (scale / alpha).log() + (1 + alpha.reciprocal()))

    @moment
    def mean(scale, alpha):
        a = alpha.clamp(min=1)  # infinite up to there
        return a * scale / (a - 1)

    @moment
    def variance(scale, alpha):
        a = alpha.clamp(min=2)  # infinite up to there
        return scale.pow(2) * a / ((a - 1).pow(2) * (a - 2))
