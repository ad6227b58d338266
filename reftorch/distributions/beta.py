"""The Beta distribution."""
from numbers import Real

import reftorch as torch

from ._formula import checked, moment
from .constraints import positive, unit_interval
from .dirichlet import Dirichlet
from .exp_family import ExponentialFamily
from .utils import broadcast_all

__all__ = ["Beta"]


class Beta(ExponentialFamily):
    """p(x) ~ x^(a - 1) (1 - x)^(b - 1) with a, b = concentration1, concentration0: a Dirichlet of two parts."""

    arg_constraints = {"concentration1": positive, "concentration0": positive}
    support = unit_interval
    has_rsample = True

    def __init__(self, concentration1, concentration0, validate_args=None):
        both = concentration1, concentration0
        if all(isinstance(c, Real) for c in both):
            joined = torch.tensor([float(c) for c in both])
        else:
            joined = torch.stack(broadcast_all(*both), -1)
        self._dirichlet = Dirichlet(joined, validate_args=validate_args)
        super().__init__(self._dirichlet.batch_shape, validate_args=validate_args)

    concentration1 = moment(lambda _dirichlet: _dirichlet.concentration[..., 0])
    concentration0 = moment(lambda _dirichlet: _dirichlet.concentration[..., 1])
    _natural_params = moment(lambda concentration1, concentration0: (concentration1, concentration0))
    _log_normalizer = staticmethod(lambda a, b: a.lgamma() + b.lgamma() - (a + b).lgamma())

    mean = moment(lambda concentration1, concentration0: concentration1 / (concentration1 + concentration0))
    mode = moment(lambda _dirichlet: _dirichlet.mode[..., 0])

    @moment
    def variance(concentration1, concentration0):
        n = concentration1 + concentration0
        return concentration1 * concentration0 / (n.pow(2) * (n + 1))

    def entropy(self):
        return self._dirichlet.entropy()

    @checked
    def log_prob(self, value):
        return self._dirichlet.log_prob(torch.stack((value, 1.0 - value), dim=-1))

    def rsample(self, sample_shape=()):
        return self._dirichlet.rsample(sample_shape)[..., 0]
