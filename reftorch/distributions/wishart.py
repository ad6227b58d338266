"""The Wishart distribution."""
import math
import warnings
from numbers import Number

import reftorch as torch

from ._formula import density, functional, moment
from ._matrices import Scaled, half_log_det
from .chi2 import Chi2
from .constraints import greater_than, lower_cholesky, positive_definite
from .exp_family import ExponentialFamily
from .utils import lazy_property, put

__all__ = ["Wishart"]

_LOG_2 = math.log(2)


def _mvdigamma(x, p):
    """The derivative of mvlgamma(x, p): sum_(i<p) digamma(x - i / 2)."""
    if not (x > (p - 1) / 2).all():
        raise AssertionError("Wrong domain for multivariate digamma function.")
    halves = torch.arange(p, dtype=x.dtype, device=x.device) / 2
    return (x.unsqueeze(-1) - halves).digamma().sum(-1)


class Wishart(Scaled, ExponentialFamily):
    """X X^T for X of df columns drawn from N(0, covariance_matrix)."""

    support = positive_definite
    has_rsample = True

    @property
    def arg_constraints(self):
        matrices = {"covariance_matrix": positive_definite, "precision_matrix": positive_definite, "scale_tril": lower_cholesky}
        return matrices | {"df": greater_than(self._p - 1)}

    def __init__(self, df, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args=None):
        name, matrix = self._only_one(
            AssertionError, covariance_matrix=covariance_matrix, precision_matrix=precision_matrix, scale_tril=scale_tril
        )
        if matrix.dim() < 2:
            # torch: says scale_tril whichever was given
            raise ValueError("scale_tril must be at least two-dimensional, with optional leading batch dimensions")
        *batch, _, p = matrix.shape
        if isinstance(df, Number):
            batch = torch.Size(batch)
            self.df = torch.tensor(df, dtype=matrix.dtype, device=matrix.device)
        else:
            batch = torch.broadcast_shapes(torch.Size(batch), df.shape)
            self.df = df.expand(batch)
        if (self.df <= p - 1).any():
            raise ValueError(f"Value of df={df} expected to be greater than ndim - 1 = {p - 1}.")
        if (self.df < p).any():
            warnings.warn(
                "Low df values detected. Singular samples are highly likely to occur for ndim - 1 < df < ndim.",
                stacklevel=2,
            )
        setattr(self, name, matrix.expand(*batch, -1, -1))
        super().__init__(batch, matrix.shape[-2:], validate_args)
        self._factorize(name, matrix)

    def expand(self, batch_shape, _instance=None):
        tril = self._unbroadcasted_scale_tril.expand(*batch_shape, self._p, self._p)
        new = super().expand(batch_shape, _instance)
        new._unbroadcasted_scale_tril = tril
        return new

    _p = moment(lambda event_shape: event_shape[-1])

    def _times(self, numbers, matrices):
        return numbers.view(self._batch_shape + (1, 1)) * matrices

    mean = moment(lambda self, df, covariance_matrix: self._times(df, covariance_matrix))

    @moment
    def mode(self, df, covariance_matrix, _p):
        n = df - _p - 1
        return self._times(put(n, n <= 0, math.nan), covariance_matrix)

    @moment
    def variance(self, df, covariance_matrix):
        scales = covariance_matrix.diagonal(dim1=-2, dim2=-1)
        products = torch.einsum("...i,...j->...ij", scales, scales)
        return self._times(df, covariance_matrix.pow(2) + products)

    # ------------------------------------------------------------------ draws

    @lazy_property
    def _squared_diagonal(self):
        """The distributions (*, p) of the squared diagonal of Bartlett's factor."""
        L = self._unbroadcasted_scale_tril
        df = self.df.expand(self._batch_shape)  # a number is kept as it is given
        return Chi2(df.unsqueeze(-1) - torch.arange(self._p, dtype=L.dtype, device=L.device))

    def _bartlett_sampling(self, sample_shape=torch.Size()):
        """(L A) (L A)^T with A lower triangular, of chi variables on the diagonal and standard normals below."""
        chi = self._squared_diagonal.rsample(sample_shape).sqrt()
        A = chi.clamp(min=torch.finfo(chi.dtype).eps).diag_embed()
        rows, columns = torch.tril_indices(self._p, self._p, offset=-1)
        below = torch.Size(sample_shape) + self._batch_shape + (len(rows),)
        A[..., rows, columns] = torch.randn(below, dtype=A.dtype, device=A.device)
        LA = self._unbroadcasted_scale_tril @ A
        return LA @ LA.mT

    def _any_of_batch(self, flags):
        n = len(self._batch_shape)
        return flags.amax(tuple(range(-n, 0))) if n else flags

    def rsample(self, sample_shape=torch.Size(), max_try_correction=None):
        draws = self._bartlett_sampling(sample_shape)
        # torch: the first check has its sign wrong, so that good samples are drawn a second time, under a warning
        redraw = self._any_of_batch(self.support.check(draws))
        if not redraw.any():
            return draws
        warnings.warn("Singular sample detected.", stacklevel=2)
        for _ in range(10 if max_try_correction is None else max_try_correction):
            again = self._bartlett_sampling(redraw[redraw].shape)
            draws[redraw] = again
            redraw[redraw.clone()] = self._any_of_batch(~self.support.check(again))
            if not redraw.any():
                break
        return draws

    # ------------------------------------------------------------------ density

    @moment
    def _half_log_det(self, _p, _unbroadcasted_scale_tril):
        """Half of log det(2 covariance)."""
        return _p * _LOG_2 / 2 + half_log_det(_unbroadcasted_scale_tril)

    @density
    def log_prob(x, self, df, _p):
        solved = torch.cholesky_solve(x, self._unbroadcasted_scale_tril)
        log_norm = -df * self._half_log_det - torch.mvlgamma(df / 2, _p)
        power = (df - _p - 1) / 2 * torch.linalg.slogdet(x).logabsdet
        return log_norm + power - solved.diagonal(dim1=-2, dim2=-1).sum(-1) / 2

    @functional
    def entropy(self, df, _p):
        log_norm = (_p + 1) * self._half_log_det + torch.mvlgamma(df / 2, _p)
        return log_norm - (df - _p - 1) / 2 * _mvdigamma(df / 2, _p) + df * _p / 2

    _mean_carrier_measure = 0
    _natural_params = moment(lambda precision_matrix, df, _p: (-precision_matrix / 2, (df - _p - 1) / 2))

    def _log_normalizer(self, minus_half_precision, power):
        p = self._p
        a = power + (p + 1) / 2
        return a * (-torch.linalg.slogdet(-2 * minus_half_precision).logabsdet + _LOG_2 * p) + torch.mvlgamma(a, p)
