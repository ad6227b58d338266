"""Distributions that are given by a positive definite matrix, and the products and solves that they share."""
from math import prod

import reftorch as torch

from .distribution import Distribution
from .utils import lazy_property


def apply(matrix, vector):
    """(*, n, n) times (*, n), with broadcasting."""
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def half_log_det(tril):
    """log det L, half of log det(L L^T)."""
    return tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def solve_lower(tril, right):
    """L^-1 R."""
    return torch.linalg.solve_triangular(tril, right, upper=False)


def mahalanobis(tril, x):
    """x^T (L L^T)^-1 x for L (*, n, n) and x (..., *, n), with L broadcast but factors never repeated.

    Extra dimensions of x, and those over which L is broadcast, become columns of one solve per matrix.
    """
    n, batch, own = x.shape[-1], x.shape[:-1], tril.shape[:-2]
    extra = len(batch) - len(own)
    # each dimension over which L has matrices as (copies, matrices), then all copies in front of all matrices
    pairs = [(size // matrices, matrices) for size, matrices in zip(batch[extra:], own, strict=True)]
    order = [*range(extra), *range(extra, extra + 2 * len(own), 2), *range(extra + 1, extra + 2 * len(own), 2)]
    x = x.reshape(*batch[:extra], *(k for pair in pairs for k in pair), n).permute(*order, len(order))
    columns = x.reshape(-1, prod(own), n).permute(1, 2, 0)  # b, n, c
    squares = solve_lower(tril.reshape(-1, n, n), columns).pow(2).sum(-2)  # b, c
    back = sorted(range(len(order)), key=order.__getitem__)
    return squares.t().reshape(x.shape[:-1]).permute(back).reshape(batch)


def squared_norm(matrix):
    """The sum of the squares of all entries."""
    return matrix.pow(2).sum((-2, -1))


def _factor_of_inverse(precision):
    """The lower Cholesky factor of the inverse of `precision`, from the factor of the flipped matrix."""
    flip = lambda matrix: matrix.flip(-2, -1)
    upper = flip(torch.linalg.cholesky(flip(precision)))
    return solve_lower(upper.mT, torch.eye(upper.shape[-1], dtype=upper.dtype, device=upper.device))


_FACTORS = {
    "covariance_matrix": torch.linalg.cholesky,
    "precision_matrix": _factor_of_inverse,
    "scale_tril": lambda tril: tril,
}


class Scaled(Distribution):
    """Distributions of a matrix (*, n, n) given as covariance, as precision, or as the covariance's Cholesky factor."""

    @staticmethod
    def _only_one(error, **matrices):
        """The name and the value of the one that was given."""
        given = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
        if len(given) != 1:
            raise error("Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified.")
        return given[0]

    def _factorize(self, name, matrix):
        self._unbroadcasted_scale_tril = _FACTORS[name](matrix)

    def _over_batch(self, matrix):
        n = self._event_shape[-1]
        return matrix.expand(self._batch_shape + (n, n))

    @lazy_property
    def scale_tril(self):
        return self._over_batch(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self):
        L = self._unbroadcasted_scale_tril
        return self._over_batch(L @ L.mT)

    @lazy_property
    def precision_matrix(self):
        return self._over_batch(torch.cholesky_inverse(self._unbroadcasted_scale_tril))
