"""The categorical distribution, and what distributions made of one share."""
import math

import reftorch as torch

from . import constraints
from ._formula import density, functional, moment, part, ranging
from .distribution import Distribution
from .utils import ProbsOrLogits

__all__ = ["Categorical"]


class Categorical(ProbsOrLogits, Distribution):
    """P(i) = probs_i for i = 0 ... k - 1; probs (*, k) are given up to a factor, or logits up to a summand."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = ranging(lambda _num_events: constraints.integer_interval(0, _num_events - 1), is_discrete=True, event_dim=0)
    has_enumerate_support = True
    _binary = False

    def __init__(self, probs=None, logits=None, validate_args=None):
        weights = self._choose(probs, logits)
        if weights.dim() == 0:
            raise ValueError(f"`{self._given}` parameter must be at least one-dimensional.")
        if self._given == "probs":
            self.probs = weights / weights.sum(-1, keepdim=True)
        else:
            self.logits = weights - torch.logsumexp(weights, -1, keepdim=True)
        super().__init__(self.param_shape[:-1], validate_args=validate_args)

    _num_events = moment(lambda param_shape: param_shape[-1])

    mean = variance = moment(lambda self, probs: self._constant(math.nan, probs))
    mode = moment(lambda probs: probs.argmax(-1))

    @functional
    def entropy(logits, probs):
        finite = logits.clamp(min=torch.finfo(logits.dtype).min)  # so that 0 * -inf is 0
        return -(finite * probs).sum(-1)

    @density
    def log_prob(index, logits):
        index, log_p = torch.broadcast_tensors(index.long().unsqueeze(-1), logits)
        return torch.gather(log_p, -1, index[..., :1]).squeeze(-1)

    def sample(self, sample_shape=torch.Size()):
        shape = self._extended_shape(sample_shape)
        rows = self.probs.reshape(-1, self._num_events)
        n = torch.Size(sample_shape).numel()
        return torch.multinomial(rows, n, replacement=True).T.reshape(shape)

    def enumerate_support(self, expand=True):
        return self._enumerate(torch.arange(self._num_events, device=self._param.device), expand)


class OfCategorical(Distribution):
    """Distributions of vectors (*, k) made of a Categorical."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(self, categorical, validate_args):
        self._categorical = categorical
        super().__init__(categorical.batch_shape, categorical.param_shape[-1:], validate_args=validate_args)

    probs = part("_categorical.probs")
    logits = part("_categorical.logits")
    param_shape = part("_categorical.param_shape")
    _new = part("_categorical._new")
