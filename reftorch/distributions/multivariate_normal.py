"""The multivariate normal distribution."""
import math

import reftorch as torch

from . import constraints
from .distribution import Distribution
from .utils import _standard_normal, lazy_property

__all__ = ["MultivariateNormal"]


def _batch_mv(matrix, vector):
    """(*, n, n) times (*, n), with broadcasting."""
    return torch.matmul(matrix, vector.unsqueeze(-1)).squeeze(-1)


def _batch_mahalanobis(tril, x):
    """x^T (L L^T)^-1 x for L (*, n, n) and x (..., *, n), with L broadcast but factors never repeated.

    Extra dimensions of x, and those over which L is broadcast, become columns of one solve per matrix.
    """
    n = x.size(-1)
    batch = x.shape[:-1]
    outer = len(batch) - (tril.dim() - 2)
    # each dimension of x's batch as (copies, matrices)
    split = list(batch[:outer])
    for size, own in zip(batch[outer:], tril.shape[:-2], strict=True):
        split += [size // own, own]
    copies = [*range(outer), *range(outer, len(split), 2)]
    matrices = list(range(outer + 1, len(split), 2))
    x = x.reshape(*split, n).permute(*copies, *matrices, len(split))
    flat_tril = tril.reshape(-1, n, n)  # b, n, n
    columns = x.reshape(-1, flat_tril.size(0), n).permute(1, 2, 0)  # b, n, c
    m = torch.linalg.solve_triangular(flat_tril, columns, upper=False).pow(2).sum(-2)  # b, c
    m = m.t().reshape(x.shape[:-1])
    back = [0] * len(split)
    for position, dim in enumerate(copies + matrices):
        back[dim] = position
    return m.permute(back).reshape(batch)


def _precision_to_scale_tril(precision):
    """The lower Cholesky factor of the inverse of `precision`, from the factor of the flipped matrix."""
    flipped = torch.linalg.cholesky(torch.flip(precision, (-2, -1)))
    inverse = torch.transpose(torch.flip(flipped, (-2, -1)), -2, -1)
    identity = torch.eye(precision.shape[-1], dtype=precision.dtype, device=precision.device)
    return torch.linalg.solve_triangular(inverse, identity, upper=False)


class _Scaled(Distribution):
    """Distributions of a matrix given as covariance, as precision, or as the covariance's Cholesky factor."""

    @staticmethod
    def _only_one(covariance_matrix, precision_matrix, scale_tril, error):
        """The name and the value of the one that was given."""
        given = {"scale_tril": scale_tril, "covariance_matrix": covariance_matrix, "precision_matrix": precision_matrix}
        given = {name: value for name, value in given.items() if value is not None}
        if len(given) != 1:
            raise error("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        return given.popitem()

    def _set_factor(self, name, value):
        if name == "scale_tril":
            self._unbroadcasted_scale_tril = value
        elif name == "covariance_matrix":
            self._unbroadcasted_scale_tril = torch.linalg.cholesky(value)
        else:
            self._unbroadcasted_scale_tril = _precision_to_scale_tril(value)

    def _matrix_shape(self):
        n = self._event_shape[-1]
        return self._batch_shape + (n, n)

    @lazy_property
    def scale_tril(self):
        return self._unbroadcasted_scale_tril.expand(self._matrix_shape())

    @lazy_property
    def covariance_matrix(self):
        tril = self._unbroadcasted_scale_tril
        return torch.matmul(tril, tril.mT).expand(self._matrix_shape())

    @lazy_property
    def precision_matrix(self):
        return torch.cholesky_inverse(self._unbroadcasted_scale_tril).expand(self._matrix_shape())


class MultivariateNormal(_Scaled):
    """loc + L z with z standard normal and L = scale_tril, where L L^T = covariance_matrix = precision_matrix^-1."""

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    _batched = {"loc": 1, "covariance_matrix": 2, "precision_matrix": 2, "scale_tril": 2}

    def __init__(self, loc, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, value = self._only_one(covariance_matrix, precision_matrix, scale_tril, ValueError)
        if value.dim() < 2:
            what = "scale_tril matrix" if name == "scale_tril" else name
            raise ValueError(f"{what} must be at least two-dimensional, with optional leading batch dimensions")
        batch_shape = torch.broadcast_shapes(value.shape[:-2], loc.shape[:-1])
        setattr(self, name, value.expand(batch_shape + (-1, -1)))
        self.loc = loc.expand(batch_shape + (-1,))
        super().__init__(batch_shape, self.loc.shape[-1:], validate_args=validate_args)
        self._set_factor(name, value)

    def expand(self, batch_shape, _instance=None):
        new = super().expand(batch_shape, _instance)
        new._unbroadcasted_scale_tril = self._unbroadcasted_scale_tril
        return new

    @property
    def mean(self):
        return self.loc

    @property
    def mode(self):
        return self.loc

    @property
    def variance(self):
        return self._unbroadcasted_scale_tril.pow(2).sum(-1).expand(self._batch_shape + self._event_shape)

    def rsample(self, sample_shape=torch.Size()):
        eps = _standard_normal(self._extended_shape(sample_shape), dtype=self.loc.dtype, device=self.loc.device)
        return self.loc + _batch_mv(self._unbroadcasted_scale_tril, eps)

    def _half_log_det(self):
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        m = _batch_mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        return -0.5 * (self._event_shape[0] * math.log(2 * math.pi) + m) - self._half_log_det()

    def entropy(self):
        h = 0.5 * self._event_shape[0] * (1.0 + math.log(2 * math.pi)) + self._half_log_det()
        return h if len(self._batch_shape) == 0 else h.expand(self._batch_shape)
