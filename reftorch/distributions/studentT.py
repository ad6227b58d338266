"""Student's t distribution."""
import math

import reftorch as torch

from ._formula import density, functional, moment
from .chi2 import Chi2
from .constraints import positive, real
from .distribution import Distribution
from .utils import _standard_normal, copied, put

__all__ = ["StudentT"]


class StudentT(Distribution):
    """loc + scale X / sqrt(Z / df) with X standard normal and Z ~ Chi2(df)."""

    arg_constraints = {"df": positive, "loc": real, "scale": positive}
    support = real
    has_rsample = True

    def __init__(self, df, loc=0.0, scale=1.0, validate_args=None):
        shape = self._take(df=df, loc=loc, scale=scale)
        self._chi2 = Chi2(self.df)
        super().__init__(shape, validate_args=validate_args)

    mean = moment(lambda df, loc: put(copied(loc), df <= 1, math.nan))
    mode = moment(lambda loc: loc)

    @moment
    def variance(df, scale):
        finite = df > 2
        n = df[finite]
        variance = put(copied(df), finite, scale[finite].pow(2) * n / (n - 2))
        put(variance, ~finite & (df > 1), math.inf)
        return put(variance, df <= 1, math.nan)

    @functional
    def entropy(df, scale):
        log_beta = torch.lgamma(0.5 * df) + math.lgamma(0.5) - torch.lgamma(0.5 * (df + 1))
        slopes = torch.digamma(0.5 * (df + 1)) - torch.digamma(0.5 * df)
        return scale.log() + 0.5 * (df + 1) * slopes + 0.5 * df.log() + log_beta

    @density
    def log_prob(x, df, loc, scale):
        z = (x - loc) / scale
        root = scale.log() + 0.5 * df.log() + 0.5 * math.log(math.pi)  # log of scale sqrt(pi df)
        log_norm = root + torch.lgamma(0.5 * df) - torch.lgamma(0.5 * (df + 1.0))
        return -0.5 * (df + 1.0) * (z**2.0 / df).log1p() - log_norm

    def rsample(self, sample_shape=torch.Size()):
        x = self._noise(_standard_normal, sample_shape, self.df)
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * (x * (z / self.df).rsqrt())
