"""The multivariate normal distribution with a low-rank covariance."""
import math

import reftorch as torch

from ._formula import density, functional, moment
from ._matrices import apply, half_log_det, mahalanobis, solve_lower, squared_norm
from .constraints import independent, positive, real, real_vector
from .distribution import Distribution
from .utils import _standard_normal, lazy_property

__all__ = ["LowRankMultivariateNormal"]


def _plus_identity_factor(matrix):
    """The Cholesky factor of I + A."""
    matrix = matrix.contiguous()
    matrix.diagonal(dim1=-2, dim2=-1).add_(1)
    return torch.linalg.cholesky(matrix)


class LowRankMultivariateNormal(Distribution):
    """Normal with covariance W W^T + diag(D): W = cov_factor (*, n, m), D = cov_diag (*, n).

    Its inverse and determinant are those of the capacitance C C^T = I + W^T D^-1 W (*, m, m), by the Woodbury identity.
    """

    arg_constraints = {"loc": real_vector, "cov_factor": independent(real, 2), "cov_diag": independent(positive, 1)}
    support = real_vector
    has_rsample = True

    def __init__(self, loc, cov_factor, cov_diag, validate_args=None):
        if loc.dim() == 0:
            raise ValueError("loc must be at least one-dimensional.")
        if cov_factor.dim() < 2:
            raise ValueError("cov_factor must be at least two-dimensional, with optional leading batch dimensions")
        event = loc.shape[-1:]
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {event}")
        try:
            columns = torch.broadcast_tensors(loc.unsqueeze(-1), cov_factor, cov_diag.unsqueeze(-1))
        except RuntimeError as e:
            shapes = f"loc {loc.shape}, cov_factor {cov_factor.shape}, cov_diag {cov_diag.shape}"
            raise ValueError(f"Incompatible batch shapes: {shapes}") from e
        self.loc, _, self.cov_diag = (c[..., 0] for c in columns)
        batch = self.loc.shape[:-1]
        self.cov_factor = cov_factor.expand(batch + cov_factor.shape[-2:])
        self._unbroadcasted_cov_factor, self._unbroadcasted_cov_diag = cov_factor, cov_diag
        self._capacitance_tril = _plus_identity_factor(self._W_over_D @ cov_factor)
        super().__init__(batch, event, validate_args)

    _W = moment(lambda _unbroadcasted_cov_factor: _unbroadcasted_cov_factor)
    _D = moment(lambda _unbroadcasted_cov_diag: _unbroadcasted_cov_diag)
    _W_over_D = moment(lambda _W, _D: _W.mT / _D.unsqueeze(-2))  # W^T D^-1
    mean = mode = moment(lambda loc: loc)

    @lazy_property
    def variance(self):
        return (self._W.pow(2).sum(-1) + self._D).expand(self.loc.shape)

    @lazy_property
    def scale_tril(self):
        """D^1/2 chol(I + D^-1/2 W W^T D^-1/2), which is better conditioned than the covariance."""
        root = self._D.sqrt().unsqueeze(-1)
        scaled = self._W / root
        return self._square(root * _plus_identity_factor(scaled @ scaled.mT))

    @lazy_property
    def covariance_matrix(self):
        return self._square(self._W @ self._W.mT + self._D.diag_embed())

    @lazy_property
    def precision_matrix(self):
        """D^-1 - A^T A with A = C^-1 W^T D^-1."""
        A = solve_lower(self._capacitance_tril, self._W_over_D)
        return self._square(self._D.reciprocal().diag_embed() - A.mT @ A)

    def _square(self, matrix):
        return matrix.expand(self._batch_shape + self._event_shape + self._event_shape)

    _factors = functional(lambda _W, _D: [_W, _D.sqrt().diag_embed()])

    def _log_det(self):
        """log det(C C^T) + log det D."""
        return 2 * half_log_det(self._capacitance_tril) + self._D.log().sum(-1)

    def _trace(self, X):
        """tr((W W^T + D)^-1 X X^T)."""
        A = solve_lower(self._capacitance_tril, self._W_over_D)
        return squared_norm(X * self._D.rsqrt().unsqueeze(-1)) - squared_norm(A @ X)

    def _mahalanobis(self, x):
        """x^T (W W^T + D)^-1 x."""
        return (x.pow(2) / self._D).sum(-1) - mahalanobis(self._capacitance_tril, apply(self._W_over_D, x))

    def entropy(self):
        h = 0.5 * (self.event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._log_det())
        return h.expand(self.batch_shape) if self.batch_shape else h

    @density
    def log_prob(x, self, loc):
        distance = self._mahalanobis(x - loc)
        return -0.5 * (loc.shape[-1] * math.log(2 * math.pi) + self._log_det() + distance)

    def rsample(self, sample_shape=torch.Size()):
        *outer, _ = shape = self._extended_shape(sample_shape)
        kind = {"dtype": self.loc.dtype, "device": self.loc.device}
        common = _standard_normal(torch.Size((*outer, self.cov_factor.shape[-1])), **kind)
        own = _standard_normal(shape, **kind)
        return self.loc + apply(self._W, common) + self._D.sqrt() * own
