"""The multivariate normal distribution."""
import math

import reftorch as torch

from ._formula import density, functional, moment
from ._matrices import Scaled, apply, half_log_det, mahalanobis, solve_lower, squared_norm
from .constraints import lower_cholesky, positive_definite, real_vector
from .utils import _standard_normal

__all__ = ["MultivariateNormal"]


class MultivariateNormal(Scaled):
    """loc + L z with z standard normal and L = scale_tril, where L L^T = covariance_matrix = precision_matrix^-1."""

    arg_constraints = {
        "loc": real_vector,
        "covariance_matrix": positive_definite,
        "precision_matrix": positive_definite,
        "scale_tril": lower_cholesky,
    }
    support = real_vector
    has_rsample = True

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() == 0:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = self._only_one(
            ValueError, covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        if matrix.dim() < 2:
            what = {"scale_tril": "scale_tril matrix"}.get(name, name)
            raise ValueError(f"{what} must be at least two-dimensional, with optional leading batch dimensions")
        batch = torch.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.loc = loc.expand(*batch, -1)
        setattr(self, name, matrix.expand(*batch, -1, -1))
        super().__init__(batch, self.loc.shape[-1:], validate_args)
        self._factorize(name, matrix)

    mean = mode = moment(lambda loc: loc)
    _L = moment(lambda _unbroadcasted_scale_tril: _unbroadcasted_scale_tril)

    variance = moment(lambda _L, loc: _L.pow(2).sum(-1).expand(loc.shape))

    def entropy(self):
        h = 0.5 * self.event_shape[0] * (1.0 + math.log(2 * math.pi)) + half_log_det(self._L)
        return h.expand(self.batch_shape) if self.batch_shape else h

    @density
    def log_prob(x, loc, _L):
        distance = mahalanobis(_L, x - loc)
        return -0.5 * (loc.shape[-1] * math.log(2 * math.pi) + distance) - half_log_det(_L)

    def rsample(self, sample_shape=torch.Size()):
        z = self._noise(_standard_normal, sample_shape, self.loc)
        return self.loc + apply(self._L, z)

    # What divergences ask of both multivariate normals: the log-determinant of the covariance C, matrices X of which the
    # X X^T sum to it, tr(C^-1 X X^T), and x^T C^-1 x.
    _log_det = functional(lambda _L: 2 * half_log_det(_L))
    _factors = functional(lambda _L: [_L])

    def _trace(self, X):
        return squared_norm(solve_lower(self._L, X))

    def _mahalanobis(self, x):
        return mahalanobis(self._L, x)
