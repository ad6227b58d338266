"""The Fisher-Snedecor (F) distribution."""
import math

import reftorch as torch

from ._formula import density, moment
from .constraints import positive
from .distribution import Distribution
from .gamma import Gamma
from .utils import copied, put

__all__ = ["FisherSnedecor"]


class FisherSnedecor(Distribution):
    """The ratio of two chi-squared variables, each divided by its degrees of freedom df1, df2."""

    arg_constraints = {"df1": positive, "df2": positive}
    support = positive
    has_rsample = True

    def __init__(self, df1, df2, validate_args=None):
        shape = self._take(df1=df1, df2=df2)
        self._above, self._below = (Gamma(df * 0.5, df) for df in (self.df1, self.df2))
        super().__init__(shape, validate_args=validate_args)

    mode = moment(lambda df1, df2: put((df1 - 2) / df1 * df2 / (df2 + 2), df1 <= 2, math.nan))

    @moment
    def mean(df2):
        m = put(copied(df2), df2 <= 2, math.nan)
        return m / (m - 2)

    @moment
    def variance(df1, df2):
        m = put(copied(df2), df2 <= 4, math.nan)
        return 2 * m.pow(2) * (df1 + m - 2) / (df1 * (m - 2).pow(2) * (m - 4))

    @density
    def log_prob(x, df1, df2):
        a, b, ratio = df1 * 0.5, df2 * 0.5, df1 / df2
        coefficient = (a + b).lgamma() - a.lgamma() - b.lgamma()
        return coefficient + (a * ratio.log() + (a - 1) * torch.log(x)) - (a + b) * torch.log1p(ratio * x)

    def rsample(self, sample_shape=torch.Size(())):
        shape, tiny = self._extended_shape(sample_shape), torch.finfo(self.df2.dtype).tiny
        above, below = (gamma.rsample(sample_shape).view(shape) for gamma in (self._above, self._below))
        return (above / below.clamp_(min=tiny)).clamp_(min=tiny)
