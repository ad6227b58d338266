"""Mixtures of distributions of one family."""
import reftorch as torch

from ._formula import moment, ranging
from .categorical import Categorical
from .constraints import MixtureSameFamilyConstraint
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """p(x) = sum_k P(k) p_k(x): k from `mixture_distribution`, p_k from the last batch dimension of the components."""

    arg_constraints = {}
    support = ranging(lambda _component_distribution: MixtureSameFamilyConstraint(_component_distribution.support))
    has_rsample = False

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        which, what = mixture_distribution, component_distribution
        if not isinstance(which, Categorical):
            raise ValueError(" The Mixture distribution needs to be an  instance of torch.distributions.Categorical")
        if not isinstance(what, Distribution):
            raise ValueError("The Component distribution needs to be an instance of torch.distributions.Distribution")
        batch = what.batch_shape[:-1]
        if any(n != m and 1 not in (n, m) for n, m in zip(which.batch_shape[::-1], batch[::-1], strict=False)):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({which.batch_shape}) is not "
                f"compatible with `component_distribution.batch_shape`({batch})"
            )
        count, size = which.logits.shape[-1], what.batch_shape[-1]  # torch: asks for logits, which are shown from then on
        if count != size:
            raise ValueError(
                f"`mixture_distribution component` ({count}) does not"
                f" equal `component_distribution.batch_shape[-1]` ({size})"
            )
        self._mixture_distribution, self._component_distribution = which, what
        super().__init__(batch, what.event_shape, validate_args)

    mixture_distribution = moment(lambda _mixture_distribution: _mixture_distribution)
    component_distribution = moment(lambda _component_distribution: _component_distribution)

    _dim = moment(lambda event_shape: -1 - len(event_shape))  # where the components go

    @moment
    def _weights(self, _mixture_distribution):
        """The mixture's probabilities as (*, k, 1, ...), to go with values of the components."""
        probs = _mixture_distribution.probs
        *outer, k = probs.shape
        filling = [1] * (len(self.batch_shape) - len(outer)) if outer else []
        return probs.reshape(*outer, *filling, k, *[1] * len(self.event_shape))

    mean = moment(lambda _weights, _component_distribution, _dim: (_weights * _component_distribution.mean).sum(_dim))

    @moment
    def variance(_weights, _component_distribution, _dim, self):
        """E[Var(X | k)] + Var(E[X | k])."""
        within = (_weights * _component_distribution.variance).sum(_dim)
        off = _component_distribution.mean - self.mean.unsqueeze(_dim)
        return within + (_weights * off.pow(2.0)).sum(_dim)

    def cdf(self, x):
        of_components = self._component_distribution.cdf(x.unsqueeze(self._dim))
        return (of_components * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, x):
        if self._validate_args:
            self._validate_sample(x)
        of_components = self._component_distribution.log_prob(x.unsqueeze(self._dim))
        return (of_components + self._mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        chosen, drawn = (d.sample(sample_shape) for d in (self._mixture_distribution, self._component_distribution))
        dim = len(sample_shape) + len(self.batch_shape)
        index = chosen.reshape(*chosen.shape, *[1] * -self._dim)
        index = index.repeat(*[1] * (chosen.dim() + 1), *self.event_shape)
        return drawn.gather(dim, index).squeeze(dim)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self._mixture_distribution},\n  {self._component_distribution})"
