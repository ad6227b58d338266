"""Continuous relaxations of the categorical distribution."""
import reftorch as torch

from ._formula import density
from .categorical import Categorical, OfCategorical
from .constraints import real_vector, simplex
from .relaxed_bernoulli import Relaxed
from .transforms import ExpTransform
from .utils import broadcast_all, clamp_probs

__all__ = ["ExpRelaxedCategorical", "RelaxedOneHotCategorical"]


def _log_normalized(scores):
    return scores - torch.logsumexp(scores, -1, keepdim=True)


class ExpRelaxedCategorical(OfCategorical):
    """log_softmax((logits + G) / temperature) with standard Gumbel noise G."""

    support = real_vector  # torch: though the values are logs of points of the simplex
    has_rsample = True
    _shared = ("temperature",)

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        super().__init__(Categorical(probs, logits), validate_args)

    def rsample(self, sample_shape=torch.Size()):
        u = clamp_probs(self._noise(torch.rand, sample_shape, self.logits))
        return _log_normalized((self.logits - (-u.log()).log()) / self.temperature)

    @density
    def log_prob(value, logits, temperature):
        k = logits.shape[-1]
        logits, value = broadcast_all(logits, value)
        log_norm = torch.full_like(temperature, float(k)).lgamma() - temperature.log() * -(k - 1)
        return _log_normalized(logits - value * temperature).sum(-1) + log_norm


class RelaxedOneHotCategorical(Relaxed):
    """softmax((logits + G) / temperature) with standard Gumbel noise G."""

    arg_constraints = {"probs": simplex, "logits": real_vector}
    support = simplex

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args)
        super().__init__(base, ExpTransform(), validate_args)
