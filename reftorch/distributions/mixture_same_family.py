"""Mixtures of distributions of one family."""
import reftorch as torch

from . import constraints
from .categorical import Categorical
from .distribution import Distribution

__all__ = ["MixtureSameFamily"]


class MixtureSameFamily(Distribution):
    """p(x) = sum_k P(k) p_k(x): k from `mixture_distribution`, p_k from the last batch dimension of the components."""

    arg_constraints = {}
    has_rsample = False
    _batched = {}

    def __init__(self, mixture_distribution, component_distribution, validate_args=None):
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an  instance of torch.distributions.Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution needs to be an instance of torch.distributions.Distribution"
            )
        mixture_shape = mixture_distribution.batch_shape
        component_shape = component_distribution.batch_shape[:-1]
        for a, b in zip(reversed(mixture_shape), reversed(component_shape), strict=False):
            if a != 1 and b != 1 and a != b:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture_shape}) is not "
                    f"compatible with `component_distribution.batch_shape`({component_shape})"
                )
        in_mixture, in_components = mixture_distribution.logits.shape[-1], component_distribution.batch_shape[-1]
        if in_mixture != in_components:
            raise ValueError(
                f"`mixture_distribution component` ({in_mixture}) does not"
                f" equal `component_distribution.batch_shape[-1]` ({in_components})"
            )
        self._mixture_distribution, self._component_distribution = mixture_distribution, component_distribution
        self._num_component = in_mixture
        event_shape = component_distribution.event_shape
        self._event_ndims = len(event_shape)
        super().__init__(component_shape, event_shape, validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        batch_shape = torch.Size(batch_shape)
        new = self._start_expand(batch_shape, _instance)
        new._mixture_distribution = self._mixture_distribution.expand(batch_shape)
        new._component_distribution = self._component_distribution.expand(batch_shape + (self._num_component,))
        new._num_component, new._event_ndims = self._num_component, self._event_ndims
        return self._finish_expand(new, batch_shape)

    @constraints.dependent_property
    def support(self):
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    @property
    def mixture_distribution(self):
        return self._mixture_distribution

    @property
    def component_distribution(self):
        return self._component_distribution

    def _weights(self):
        return self._pad_mixture_dimensions(self.mixture_distribution.probs)

    @property
    def mean(self):
        return torch.sum(self._weights() * self.component_distribution.mean, dim=-1 - self._event_ndims)

    @property
    def variance(self):
        """E[Var(X | k)] + Var(E[X | k])."""
        dim, weights = -1 - self._event_ndims, self._weights()
        within = torch.sum(weights * self.component_distribution.variance, dim=dim)
        deviation = self.component_distribution.mean - self._pad(self.mean)
        return within + torch.sum(weights * deviation.pow(2.0), dim=dim)

    def cdf(self, x):
        component_cdf = self.component_distribution.cdf(self._pad(x))
        return torch.sum(component_cdf * self.mixture_distribution.probs, dim=-1)

    def log_prob(self, x):
        if self._validate_args:
            self._validate_sample(x)
        log_component = self.component_distribution.log_prob(self._pad(x))
        return torch.logsumexp(log_component + torch.log_softmax(self.mixture_distribution.logits, dim=-1), dim=-1)

    def sample(self, sample_shape=torch.Size()):
        with torch.no_grad():
            dim = len(sample_shape) + len(self.batch_shape)
            chosen = self.mixture_distribution.sample(sample_shape)
            samples = self.component_distribution.sample(sample_shape)
            index = chosen.reshape(chosen.shape + (1,) * (self._event_ndims + 1))
            index = index.repeat((1,) * (len(chosen.shape) + 1) + tuple(self.event_shape))
            return torch.gather(samples, dim, index).squeeze(dim)

    def _pad(self, x):
        return x.unsqueeze(-1 - self._event_ndims)

    def _pad_mixture_dimensions(self, x):
        """The mixture's (*, k) as (*, k, 1, ...), broadcastable with the components' values."""
        padding = len(self.batch_shape) - len(self.mixture_distribution.batch_shape)
        if not self.mixture_distribution.batch_shape:
            padding = 0
        shape = x.shape
        return x.reshape(shape[:-1] + (1,) * padding + shape[-1:] + (1,) * self._event_ndims)

    def __repr__(self):
        return f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
