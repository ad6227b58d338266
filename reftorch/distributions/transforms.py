"""Invertible maps with the log-determinant of their Jacobian."""
import math
from numbers import Number, Real

import reftorch as torch
from reftorch.nn.functional import logsigmoid, pad, softplus

from . import constraints
from ._transform import (
    CatTransform,
    ComposeTransform,
    IndependentTransform,
    StackTransform,
    Transform,
    _InverseTransform,
    identity_transform,
    require_dims,
)
from .utils import broadcast_all, tril_matrix_to_vec, vec_to_tril_matrix

__all__ = [
    "Transform", "ComposeTransform", "IndependentTransform", "CatTransform", "StackTransform", "identity_transform",
    "ExpTransform", "SigmoidTransform", "SoftplusTransform", "TanhTransform", "AbsTransform",
    "AffineTransform", "PowerTransform", "CumulativeDistributionTransform", "ReshapeTransform",
    "SoftmaxTransform", "StickBreakingTransform",
    "LowerCholeskyTransform", "PositiveDefiniteTransform", "CorrCholeskyTransform",
]  # fmt: skip

for _cls in (Transform, _InverseTransform, ComposeTransform, IndependentTransform, CatTransform, StackTransform):
    _cls.__module__ = __name__  # as it is known to users


class _Plain(Transform):
    """Transforms without parameters: those of one class are equal."""

    def __eq__(self, other):
        return isinstance(other, type(self))


# ------------------------------------------------------------------ entry by entry


class _Mapped(Transform):
    """Bijections given by three functions: x -> y, y -> x, and (x, y) -> log |dy/dx|."""

    bijective, sign = True, +1
    _maps = ()

    def _call(self, x):
        return self._maps[0](x)

    def _inverse(self, y):
        return self._maps[1](y)

    def log_abs_det_jacobian(self, x, y):
        return self._maps[2](x, y)


class _Elementwise(_Mapped, _Plain):
    """Increasing functions of a real number, without parameters."""

    domain = constraints.real


class ExpTransform(_Elementwise):
    """y = exp(x)."""

    codomain = constraints.positive
    _maps = lambda x: x.exp(), lambda y: y.log(), lambda x, y: x


class SoftplusTransform(_Elementwise):
    """y = log(1 + exp(x))."""

    codomain = constraints.positive
    _maps = softplus, lambda y: (-y).expm1().neg().log() + y, lambda x, y: -softplus(-x)


class TanhTransform(_Elementwise):
    """y = tanh(x), where log(1 - y^2) is computed from x, without cancellation."""

    codomain = constraints.interval(-1.0, 1.0)
    _maps = lambda x: x.tanh(), torch.atanh, lambda x, y: 2.0 * (math.log(2.0) - x - softplus(-2.0 * x))


def _within(y):
    """y kept inside (0, 1)."""
    facts = torch.finfo(y.dtype)
    return y.clamp(facts.tiny, 1.0 - facts.eps)


def _logit(y):
    y = _within(y)
    return y.log() - (-y).log1p()


def _sigmoid(x):
    return _within(x.sigmoid())


class SigmoidTransform(_Elementwise):
    """y = 1 / (1 + exp(-x)), kept inside (0, 1)."""

    codomain = constraints.unit_interval
    _maps = _sigmoid, _logit, lambda x, y: -softplus(-x) - softplus(x)


class AbsTransform(_Plain):
    """y = |x|, with y itself as the inverse."""

    domain = constraints.real
    codomain = constraints.positive

    def _call(self, x):
        return x.abs()

    def _inverse(self, y):
        return y


def _broadcast_with(*names):
    """The shape method of maps whose parameters `names` broadcast with values."""

    def shape_of_value(self, shape):
        return torch.broadcast_shapes(shape, *(getattr(getattr(self, name), "shape", ()) for name in names))

    return shape_of_value


class AffineTransform(Transform):
    """y = loc + scale * x."""

    bijective = True
    event_dim = property(lambda self: self._event_dim)
    forward_shape = inverse_shape = _broadcast_with("loc", "scale")

    def __init__(self, loc, scale, event_dim=0, cache_size=0):
        super().__init__(cache_size)
        self.scale = scale
        self.loc = loc
        self._event_dim = event_dim

    def _recached(self, cache_size):
        return AffineTransform(self.loc, self.scale, self._event_dim, cache_size)

    def _numbers(self):
        return constraints.independent(constraints.real, self._event_dim) if self._event_dim else constraints.real

    domain = codomain = constraints.dependent_property(_numbers, is_discrete=False)

    def __eq__(self, other):
        if not isinstance(other, AffineTransform):
            return False
        pairs = (self.loc, other.loc), (self.scale, other.scale)
        return all(a == b if isinstance(a, Number) and isinstance(b, Number) else (a == b).all().item() for a, b in pairs)

    @property
    def sign(self):
        return (self.scale > 0) - (self.scale < 0) if isinstance(self.scale, Real) else self.scale.sign()

    def _call(self, x):
        return self.loc + self.scale * x

    def _inverse(self, y):
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x, y):
        scale, n = self.scale, self._event_dim
        slopes = torch.full_like(x, math.log(abs(scale))) if isinstance(scale, Real) else scale.abs().log()
        if n == 0:
            return slopes.expand(x.shape)
        return slopes.view(*slopes.shape[:-n], -1).sum(-1).expand(x.shape[:-n])


class PowerTransform(_Mapped):
    """y = x ** exponent."""

    domain = codomain = constraints.positive
    sign = property(lambda self: self.exponent.sign())
    forward_shape = inverse_shape = _broadcast_with("exponent")

    def __init__(self, exponent, cache_size=0):
        super().__init__(cache_size)
        (self.exponent,) = broadcast_all(exponent)

    def _recached(self, cache_size):
        return PowerTransform(self.exponent, cache_size)

    def __eq__(self, other):
        return isinstance(other, PowerTransform) and (self.exponent == other.exponent).all().item()

    @property
    def _maps(self):
        a = self.exponent
        return lambda x: x.pow(a), lambda y: y.pow(1 / a), lambda x, y: (a * y / x).abs().log()


class CumulativeDistributionTransform(_Mapped):
    """y = F(x) with the cdf F of a distribution."""

    domain = property(lambda self: self.distribution.support)
    codomain = constraints.unit_interval

    def __init__(self, distribution, cache_size=0):
        super().__init__(cache_size)
        self.distribution = distribution

    def _recached(self, cache_size):
        return CumulativeDistributionTransform(self.distribution, cache_size)

    @property
    def _maps(self):
        F = self.distribution
        return F.cdf, F.icdf, lambda x, y: F.log_prob(x)


# ------------------------------------------------------------------ of vectors and matrices


class ReshapeTransform(Transform):
    """(*, *in_shape) -> (*, *out_shape)."""

    bijective = True

    def __init__(self, in_shape, out_shape, cache_size=0):
        super().__init__(cache_size)
        self.in_shape, self.out_shape = map(torch.Size, (in_shape, out_shape))
        if self.out_shape.numel() != self.in_shape.numel():
            raise ValueError("in_shape, out_shape have different numbers of elements")

    def _recached(self, cache_size):
        return ReshapeTransform(self.in_shape, self.out_shape, cache_size)

    domain = constraints.dependent_property(lambda self: constraints.independent(constraints.real, len(self.in_shape)))
    codomain = constraints.dependent_property(lambda self: constraints.independent(constraints.real, len(self.out_shape)))

    def _call(self, x):
        return x.reshape(self._outside(x.shape, self.in_shape) + self.out_shape)

    def _inverse(self, y):
        return y.reshape(self._outside(y.shape, self.out_shape) + self.in_shape)

    def log_abs_det_jacobian(self, x, y):
        return x.new_zeros(self._outside(x.shape, self.in_shape))

    def forward_shape(self, shape):
        return self._outside(shape, self.in_shape, strictly=True) + self.out_shape

    def inverse_shape(self, shape):
        return self._outside(shape, self.out_shape, strictly=True) + self.in_shape

    @staticmethod
    def _outside(shape, event, strictly=False):
        """The dimensions in front of the event's."""
        cut = len(shape) - len(event)
        if strictly:
            require_dims(shape, len(event))
            if shape[cut:] != event:
                raise ValueError(f"Shape mismatch: expected {shape[cut:]} but got {event}")
        return shape[:cut]


class SoftmaxTransform(_Plain):
    """y = softmax(x) over the last dimension; the inverse is log(y), one of many."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x):
        weights = (x - x.max(-1, keepdim=True).values).exp()
        return weights / weights.sum(-1, keepdim=True)

    def _inverse(self, y):
        return y.log()

    def forward_shape(self, shape):
        require_dims(shape, 1)
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(_Plain):
    """(*, n) -> (*, n + 1), a stick of length 1 of which the sigmoid of each x, shifted by log(n - i), breaks off a part."""

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _log_left(x):
        """log n, log(n - 1), ..., log 1 for x of shape (*, n)."""
        n = x.shape[-1]
        return (n + 1 - x.new_ones(n).cumsum(-1)).log()

    def _call(self, x):
        z = _sigmoid(x - self._log_left(x))
        return pad(z, [0, 1], value=1) * pad((1 - z).cumprod(-1), [1, 0], value=1)

    def _inverse(self, y):
        broken = y[..., :-1]
        rest = (1 - broken.cumsum(-1)).clamp(min=torch.finfo(y.dtype).tiny)
        return broken.log() - rest.log() + self._log_left(broken)

    def log_abs_det_jacobian(self, x, y):
        t = x - self._log_left(x)
        return (-t + logsigmoid(t) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape):
        return self._longer(shape, 1)

    def inverse_shape(self, shape):
        return self._longer(shape, -1)

    @staticmethod
    def _longer(shape, by):
        require_dims(shape, 1)
        return shape[:-1] + (shape[-1] + by,)


class LowerCholeskyTransform(_Plain):
    """The lower triangle of a square matrix, with exp of the diagonal."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    @staticmethod
    def _on_diagonal(f, x):
        return x.tril(-1) + f(x.diagonal(dim1=-2, dim2=-1)).diag_embed()

    def _call(self, x):
        return self._on_diagonal(torch.exp, x)

    def _inverse(self, y):
        return self._on_diagonal(torch.log, y)


class PositiveDefiniteTransform(_Plain):
    """y = L L^T with L = LowerCholeskyTransform()(x)."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite
    _factor = LowerCholeskyTransform()

    def _call(self, x):
        L = self._factor(x)
        return L @ L.mT

    def _inverse(self, y):
        return self._factor.inv(torch.linalg.cholesky(y))


class CorrCholeskyTransform(Transform):
    """A vector (*, n (n - 1) / 2) to the Cholesky factor (*, n, n) of a correlation matrix, row by row by stick-breaking.

    With z = tanh(x) as the strictly lower triangle, y_ij = z_ij prod_(k<j) sqrt(1 - z_ik^2); the diagonal has z_ii = 1.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x):
        flat = x.tanh()
        most = 1 - torch.finfo(flat.dtype).eps
        z = vec_to_tril_matrix(flat.clamp(-most, most), diag=-1)
        left = (1 - z**2).sqrt().cumprod(-1)
        unit = torch.eye(z.shape[-1], dtype=z.dtype, device=z.device)
        return (z + unit) * pad(left[..., :-1], [1, 0], value=1)

    def _inverse(self, y):
        left = pad(1 - torch.cumsum(y * y, -1)[..., :-1], [1, 0], value=1)
        entries, left = tril_matrix_to_vec(y, -1), tril_matrix_to_vec(left, -1)
        z = entries / left.sqrt()
        return (z.log1p() - (-z).log1p()) / 2  # atanh

    def log_abs_det_jacobian(self, x, y, intermediates=None):
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), -2)
        tanh = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)
        return 0.5 * left.log().sum(-1) + tanh

    def forward_shape(self, shape):
        require_dims(shape, 1)
        m = shape[-1]
        n = round(0.5 + (0.25 + 2 * m) ** 0.5)
        if m != n * (n - 1) // 2:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return shape[:-1] + (n, n)

    def inverse_shape(self, shape):
        require_dims(shape, 2)
        *batch, m, n = shape
        if m != n:
            raise ValueError("Input is not square")
        return torch.Size((*batch, n * (n - 1) // 2))
