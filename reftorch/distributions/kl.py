"""Kullback-Leibler divergences KL(p || q) = E_p[log p(x) - log q(x)]."""
import math
import warnings

import reftorch as torch
from reftorch.nn.functional import softplus

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .continuous_bernoulli import ContinuousBernoulli
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exp_family import ExponentialFamily
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .lowrank_multivariate_normal import LowRankMultivariateNormal
from .multivariate_normal import MultivariateNormal
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .pareto import Pareto
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import _sum_rightmost, euler_constant, put

__all__ = ["register_kl", "kl_divergence"]

_KL_REGISTRY = {}  # (class of p, class of q): the function for them
_KL_MEMOIZE = {}  # the same for the classes that were asked for


def register_kl(type_p, type_q):
    """A decorator of functions (p, q) -> KL(p || q) for distributions of these classes and their subclasses."""
    for cls in (type_p, type_q):
        issubclass(cls, Distribution)  # torch: what is no class fails here; a class of another kind is let through

    def keep(function):
        _KL_REGISTRY[type_p, type_q] = function
        _KL_MEMOIZE.clear()
        return function

    return keep


def _dispatch_kl(type_p, type_q):
    """The function registered for the most specific classes; p's class counts first."""
    fitting = [pair for pair in _KL_REGISTRY if issubclass(type_p, pair[0]) and issubclass(type_q, pair[1])]
    if not fitting:
        return None
    ranks = {pair: (type_p.__mro__.index(pair[0]), type_q.__mro__.index(pair[1])) for pair in fitting}
    by_p, by_q = min(fitting, key=ranks.get), min(fitting, key=lambda pair: ranks[pair][::-1])
    if _KL_REGISTRY[by_p] is not _KL_REGISTRY[by_q]:
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). "
            f"Please register_kl({by_p[0].__name__}, {by_q[1].__name__})",
            RuntimeWarning,
            stacklevel=2,
        )
    return _KL_REGISTRY[by_p]


def kl_divergence(p, q):
    """KL(p || q) of shape batch_shape, by the function registered for their classes."""
    pair = type(p), type(q)
    if pair not in _KL_MEMOIZE:
        _KL_MEMOIZE[pair] = _dispatch_kl(*pair)
    function = _KL_MEMOIZE[pair]
    if function is None:
        names = "No KL(p || q) is implemented for p type {} and q type {}"
        raise NotImplementedError(names.format(*(cls.__name__ for cls in pair)))
    return function(p, q)


# ------------------------------------------------------------------ infinite: p has values that q cannot have

_POSITIVE_OR_LESS = (Beta, ContinuousBernoulli, Exponential, Gamma, Pareto, Uniform)
for _cls, _parameter, _others in (
    (Beta, "concentration1", (Pareto,)),
    (ContinuousBernoulli, "probs", (Pareto,)),
    (Exponential, "rate", (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gamma, "concentration", (Beta, ContinuousBernoulli, Pareto, Uniform)),
    (Gumbel, "loc", _POSITIVE_OR_LESS),
    (Laplace, "loc", _POSITIVE_OR_LESS),
    (Normal, "loc", _POSITIVE_OR_LESS),
    (Pareto, "alpha", (Beta, ContinuousBernoulli, Uniform)),
    (Poisson, "rate", (Bernoulli, Binomial)),
):
    for _other in _others:
        register_kl(_cls, _other)(lambda p, q, name=_parameter: torch.full_like(getattr(p, name), math.inf))

# ------------------------------------------------------------------ terms of the formulas


def _gamma_norm(q):
    """log of Gamma(a) / rate^a, by which a Gamma density is divided."""
    return q.concentration.lgamma() - q.concentration * q.rate.log()


def _rise(a, b):
    """b log b - a log a."""
    return torch.special.xlogy(b, b) - torch.special.xlogy(a, a)


def _log_integral(a, b):
    """The integral of log x from a to b."""
    return _rise(a, b) - (b - a)


def _from_exponential(p, q):
    """E_p[-log q], less p's entropy, for q an Exponential."""
    return -p.entropy() - q.rate.log() + q.rate * p.mean


def _from_continuous_bernoulli(p, q):
    """The same for q a ContinuousBernoulli."""
    return -p.entropy() - p.mean * q.logits - (-q.probs).log1p() - q._log_norm()


def _outside(q, low, high):
    """Where [low, high] is not inside the interval of q."""
    return (q.low > low) | (q.high < high)


# ------------------------------------------------------------------ formulas of one expression

_FORMULAS = {
    (Bernoulli, Poisson): lambda p, q: -p.entropy() - (p.probs * q.rate.log() - q.rate),
    (Beta, ContinuousBernoulli): _from_continuous_bernoulli,
    (Beta, Exponential): _from_exponential,
    (Beta, Uniform): lambda p, q: put(-p.entropy() + (q.high - q.low).log(), _outside(q, 0.0, 1.0), math.inf),
    (Cauchy, Cauchy): lambda p, q: torch.log((p.scale + q.scale).pow(2) + (p.loc - q.loc).pow(2)) - (4 * p.scale * q.scale).log(),
    (ContinuousBernoulli, Exponential): _from_exponential,
    (ContinuousBernoulli, ContinuousBernoulli): lambda p, q: (
        p.mean * (p.logits - q.logits) + (p._log_norm() + (-p.probs).log1p()) + (-q._log_norm() - (-q.probs).log1p())
    ),
    (Exponential, Exponential): lambda p, q: -(r := q.rate / p.rate).log() + r - 1,
    (Gamma, Exponential): lambda p, q: -p.entropy() - q.rate.log() + q.rate * p.concentration / p.rate,
    (Geometric, Geometric): lambda p, q: -p.entropy() - (-q.probs).log1p() / p.probs - q.logits,
    (HalfNormal, HalfNormal): lambda p, q: kl_divergence(p.base_dist, q.base_dist),
    (Normal, Normal): lambda p, q: (
        0.5 * ((r := (p.scale / q.scale).square()) + ((p.loc - q.loc) / q.scale).square() - 1 - r.log())
    ),
    (OneHotCategorical, OneHotCategorical): lambda p, q: kl_divergence(p._categorical, q._categorical),
    (Poisson, Poisson): lambda p, q: p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate),
    (Uniform, Exponential): lambda p, q: put(
        q.rate * (p.high + p.low) / 2 - ((p.high - p.low) * q.rate).log(), p.low < 0, math.inf
    ),
    (Uniform, Uniform): lambda p, q: put(((q.high - q.low) / (p.high - p.low)).log(), _outside(q, p.low, p.high), math.inf),
}
for _pair, _formula in _FORMULAS.items():
    register_kl(*_pair)(_formula)

# ------------------------------------------------------------------ of one class


@register_kl(Bernoulli, Bernoulli)
def _(p, q):
    ones = put(put(p.probs * (softplus(-q.logits) - softplus(-p.logits)), q.probs == 0, math.inf), p.probs == 0, 0)
    zeros = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return ones + put(put(zeros, q.probs == 1, math.inf), p.probs == 1, 0)


@register_kl(Categorical, Categorical)
def _(p, q):
    terms = p.probs * (p.logits - q.logits)
    for d, value in ((q, math.inf), (p, 0)):
        put(terms, (d.probs == 0).expand_as(terms), value)
    return terms.sum(-1)


@register_kl(Binomial, Binomial)
def _(p, q):
    n, m = p.total_count, q.total_count
    if (n < m).any():
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not implemented")
    per_try = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return put(n * per_try, n > m, math.inf)


@register_kl(Beta, Beta)
def _(p, q):
    (a, b), (c, d) = p._natural_params, q._natural_params
    mine, other = a + b, c + d
    log_norms = (c.lgamma() + d.lgamma() + mine.lgamma()) - (a.lgamma() + b.lgamma() + other.lgamma())
    return log_norms + (a - c) * a.digamma() + (b - d) * b.digamma() + (other - mine) * mine.digamma()


@register_kl(Dirichlet, Dirichlet)
def _(p, q):
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    log_norms = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return log_norms + torch.sum((a - b) * (a.digamma() - total.digamma()[..., None]), -1)


@register_kl(Gamma, Gamma)
def _(p, q):
    a, b = p.concentration, q.concentration
    log_norms = b * (p.rate / q.rate).log() + (b.lgamma() - a.lgamma())
    return log_norms + (a - b) * a.digamma() + (q.rate - p.rate) * (a / p.rate)


@register_kl(Gumbel, Gumbel)
def _(p, q):
    r, here, there = p.scale / q.scale, p.loc / q.scale, q.loc / q.scale
    logs = -r.log() - there + here
    return logs + r * euler_constant + (there + (1 + r).lgamma() - here).exp() - (1 + euler_constant)


@register_kl(Laplace, Laplace)
def _(p, q):
    r, apart = p.scale / q.scale, (p.loc - q.loc).abs()
    return -r.log() + apart / q.scale + r * (-apart / p.scale).exp() - 1


@register_kl(Pareto, Pareto)
def _(p, q):
    r = q.alpha / p.alpha
    result = q.alpha * (p.scale / q.scale).log() - r.log() + r - 1
    return put(result, p.scale < q.scale, math.inf)


# ------------------------------------------------------------------ of families


@register_kl(ExponentialFamily, ExponentialFamily)
def _(p, q):
    """The Bregman divergence of the log normalizer F: F(q) - F(p) - <q - p, grad F(p)>."""
    if type(p) is not type(q):
        raise NotImplementedError(
            "The cross KL-divergence between different exponential families cannot "
            "                            be computed using Bregman divergences"
        )
    mine, F, slopes = p._differentiated()
    other = q._natural_params
    result = q._log_normalizer(*other) - F
    for a, b, slope in zip(mine, other, slopes, strict=True):
        result -= _sum_rightmost((b - a) * slope, len(q.event_shape))
    return result


@register_kl(TransformedDistribution, TransformedDistribution)
def _(p, q):
    if (p.transforms, p.event_shape) != (q.transforms, q.event_shape):
        raise NotImplementedError
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Independent, Independent)
def _(p, q):
    n = p.reinterpreted_batch_ndims
    if n != q.reinterpreted_batch_ndims:
        raise NotImplementedError
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), n)


# ------------------------------------------------------------------ multivariate normals of full or low rank


for _pair, _what in {
    (MultivariateNormal, MultivariateNormal): "Multivariate Normals",
    (LowRankMultivariateNormal, LowRankMultivariateNormal): "Low Rank Multivariate Normals",
    (MultivariateNormal, LowRankMultivariateNormal): "(Low Rank) Multivariate Normals",
    (LowRankMultivariateNormal, MultivariateNormal): "(Low Rank) Multivariate Normals",
}.items():

    @register_kl(*_pair)
    def _(p, q, what=_what):
        """(log det Q - log det P + tr(Q^-1 P) + (q - p)^T Q^-1 (q - p) - n) / 2."""
        if p.event_shape != q.event_shape:
            gap = " " * 25
            raise ValueError(f"KL-divergence between two {what} with{gap} different event shapes cannot be computed")
        trace = sum(q._trace(X) for X in p._factors())
        return 0.5 * (q._log_det() - p._log_det() + trace + q._mahalanobis(q.loc - p.loc) - p.event_shape[0])


# ------------------------------------------------------------------ of different classes


@register_kl(Beta, Gamma)
def _(p, q):
    a, c = p.concentration1, q.concentration
    n = a + p.concentration0
    log_norm = _gamma_norm(q)
    log_moment = (c - 1) * (a.digamma() - n.digamma())
    return -p.entropy() + log_norm - log_moment + q.rate * a / n


@register_kl(Beta, Normal)
def _(p, q):
    m, square = p.mean, q.scale.square()
    spread = m * (1 - m) / (p.concentration1 + p.concentration0 + 1)
    off = (spread + m.square()) * 0.5 - q.loc * m + q.loc.square() * 0.5
    return -p.entropy() + 0.5 * (square * 2 * math.pi).log() + off / square


@register_kl(ContinuousBernoulli, Normal)
def _(p, q):
    log_norm = 0.5 * (math.log(2.0 * math.pi) + (q.loc / q.scale).square()) + q.scale.log()
    moments = p.variance + p.mean.square() - 2.0 * q.loc * p.mean
    return -p.entropy() + log_norm + moments / (2.0 * q.scale.square())


@register_kl(ContinuousBernoulli, Uniform)
def _(p, q):
    covered = (q.low >= 0.0) | (q.high <= 1.0)  # torch: infinite where q covers the interval
    result = -p.entropy() + (q.high - q.low).log()
    return torch.where(covered, torch.ones_like(result) * math.inf, result)


@register_kl(Exponential, Gamma)
def _(p, q):
    r, a = q.rate / p.rate, q.concentration
    return -a * r.log() + r + a.lgamma() + a * euler_constant - (1 + euler_constant)


@register_kl(Exponential, Gumbel)
def _(p, q):
    r, there = p.rate * q.scale, q.loc / q.scale
    return r.log() - 1 - there + r.reciprocal() + there.exp() * r / (r + 1)


@register_kl(Exponential, Normal)
def _(p, q):
    square, rate = q.scale.square(), p.rate.square()
    off = rate.reciprocal() - q.loc / p.rate + 0.5 * q.loc.square()
    return 0.5 * (rate * square * 2 * math.pi).log() - 1 + off / square


@register_kl(Gamma, Gumbel)
def _(p, q):
    a, r, there = p.concentration, p.rate * q.scale, q.loc / q.scale
    mine = (a - 1) * a.digamma() - a.lgamma() - a
    return mine + (r.log() + a / r) + (there.exp() * (1 + r.reciprocal()) ** -a - there)


@register_kl(Gamma, Normal)
def _(p, q):
    a, square, rate = p.concentration, q.scale.square(), p.rate.square()
    off = 0.5 * (a.square() + a) / rate - q.loc * a / p.rate + 0.5 * q.loc.square()
    return 0.5 * (rate * square * 2 * math.pi).log() - a - a.lgamma() + (a - 1) * a.digamma() + off / square


@register_kl(Gumbel, Normal)
def _(p, q):
    r, mean = p.scale / q.scale, p.loc + p.scale * euler_constant
    spread, off = (math.pi * r * 0.5).square() / 3, ((mean - q.loc) / q.scale).square() * 0.5
    return -(r / math.sqrt(2 * math.pi)).log() + spread + off - (euler_constant + 1)


@register_kl(Laplace, Normal)
def _(p, q):
    square = q.scale.square()
    r, off = p.scale.square() / square, 0.5 * p.loc.square() - p.loc * q.loc + 0.5 * q.loc.square()
    return -0.5 * (2 * r / math.pi).log() + r + off / square - 1


@register_kl(Normal, Gumbel)
def _(p, q):
    here, r, there = p.loc / q.scale, (p.scale / q.scale).square(), q.loc / q.scale
    tail = (-here + 0.5 * r + there).exp()
    return -r.log() * 0.5 + (here - there) + tail - 0.5 * (1 + math.log(2 * math.pi))


@register_kl(Normal, Laplace)
def _(p, q):
    off = p.loc - q.loc
    z = off / p.scale
    folded = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z.square()).exp() + off * torch.erf(math.sqrt(0.5) * z)
    return -(p.scale / q.scale).log() + folded / q.scale - 0.5 * (1 + math.log(0.5 * math.pi))


@register_kl(Pareto, Exponential)
def _(p, q):
    a, r = p.alpha, p.scale * q.rate
    return put((a / r).log() - a.reciprocal() + a * r / (a - 1) - 1, a <= 1, math.inf)


@register_kl(Pareto, Gamma)
def _(p, q):
    a, mean_log = p.alpha, p.scale.log() + p.alpha.reciprocal()
    powers = (1 - q.concentration) * mean_log
    result = a.log() - mean_log + _gamma_norm(q) + powers + q.rate * a * p.scale / (a - 1) - 1
    return put(result, a <= 1, math.inf)


@register_kl(Pareto, Normal)
def _(p, q):
    a, c = p.alpha, p.scale / (p.alpha - 1)
    off = a * c.square() / (a - 2) + (a * c - q.loc).square()
    log_norm = (math.sqrt(2 * math.pi) * q.scale * a / p.scale).log()
    return put(log_norm - a.reciprocal() + off / (2 * q.scale.square()) - 1, a <= 2, math.inf)


@register_kl(Uniform, Beta)
def _(p, q):
    (a, b), low, high = q._natural_params, p.low, p.high
    width = high - low
    logs = (a - 1) * _log_integral(low, high) / width
    logs1m = (b - 1) * (_rise(1 - low, 1 - high) + width) / width
    return put(logs1m + q._log_normalizer(a, b) - width.log() - logs, (high > 1.0) | (low < 0.0), math.inf)


@register_kl(Uniform, ContinuousBernoulli)
def _(p, q):
    result = _from_continuous_bernoulli(p, q)
    outside = (p.high >= 1.0) | (p.low <= 0.0)  # torch: infinite at the ends of the interval, too
    return torch.where(outside, torch.ones_like(result) * math.inf, result)


@register_kl(Uniform, Gamma)
def _(p, q):
    width, rest = p.high - p.low, q.rate * (p.high + p.low) / 2
    logs = (1 - q.concentration) * _log_integral(p.low, p.high) / width
    return put(-width.log() + _gamma_norm(q) + logs + rest, p.low < 0, math.inf)


@register_kl(Uniform, Gumbel)
def _(p, q):
    density, low, high = (q.scale / (p.high - p.low)), (p.low - q.loc) / q.scale, (p.high - q.loc) / q.scale
    return density.log() + 0.5 * (high + low) - density * ((-high).exp() - (-low).exp())


@register_kl(Uniform, Normal)
def _(p, q):
    width = p.high - p.low
    off = width.square() / 12 + ((p.high + p.low - 2 * q.loc) / 2).square()
    return (math.sqrt(2 * math.pi) * q.scale / width).log() + 0.5 * off / q.scale.square()


@register_kl(Uniform, Pareto)
def _(p, q):
    width = p.high - p.low
    logs = _log_integral(p.low, p.high) / width * (q.alpha + 1)
    return put(logs - (q.alpha * q.scale**q.alpha * width).log(), p.low < q.scale, math.inf)
