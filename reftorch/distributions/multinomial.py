"""The multinomial distribution."""
import math

import reftorch as torch

from . import constraints
from ._formula import density, moment, ranging
from .binomial import Binomial
from .categorical import Categorical, OfCategorical
from .utils import broadcast_all, copied, put

__all__ = ["Multinomial"]


class Multinomial(OfCategorical):
    """How often each of k outcomes occurs in total_count draws from Categorical(probs)."""

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        outcome = Categorical(probs, logits)
        # torch: an expanded Multinomial has none, so that its entropy() fails there
        self._binomial = Binomial(total_count, outcome.probs)
        super().__init__(outcome, validate_args)

    support = ranging(lambda total_count: constraints.multinomial(total_count), is_discrete=True, event_dim=1)
    mean = moment(lambda probs, total_count: probs * total_count)
    variance = moment(lambda probs, total_count: total_count * probs * (1 - probs))

    def sample(self, sample_shape=torch.Size()):
        outcomes = self._categorical.sample((self.total_count, *sample_shape)).movedim(0, -1)  # (*, total_count)
        counts = outcomes.new_zeros(self._extended_shape(sample_shape))
        return counts.scatter_add_(-1, outcomes, torch.ones_like(outcomes)).type_as(self.probs)

    def entropy(self):
        known = self.total_count * self._categorical.entropy() - torch.tensor(self.total_count + 1).lgamma()
        counts = self._binomial.enumerate_support(expand=False)[1:]
        p = self._binomial.log_prob(counts).exp()
        return known + (p * (counts + 1).lgamma()).sum((0, -1))

    @density
    def log_prob(counts, logits):
        logits, counts = broadcast_all(logits, counts)
        logits = put(copied(logits), (counts == 0) & (logits == -math.inf), 0)  # 0 * log(0) counts as 0
        return (counts.sum(-1) + 1).lgamma() - (counts + 1).lgamma().sum(-1) + (logits * counts).sum(-1)
