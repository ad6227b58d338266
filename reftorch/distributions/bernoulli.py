"""The Bernoulli distribution."""
import reftorch as torch
from reftorch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ._formula import density, functional, moment
from .constraints import boolean, real, unit_interval
from .exp_family import ExponentialFamily
from .utils import ProbsOrLogits, broadcast_all, put

__all__ = ["Bernoulli"]


class Bernoulli(ProbsOrLogits, ExponentialFamily):
    """P(1) = probs = sigmoid(logits), P(0) = 1 - probs."""

    arg_constraints = {"probs": unit_interval, "logits": real}
    support = boolean
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        super().__init__(self._take_either(probs, logits), validate_args=validate_args)

    mean = moment(lambda probs: probs)
    mode = moment(lambda probs: put((probs >= 0.5).to(probs), probs == 0.5, torch.nan))
    variance = moment(lambda probs: probs * (1 - probs))
    entropy = functional(lambda logits, probs: cross_entropy(logits, probs, reduction="none"))
    log_prob = density(lambda value, logits: -cross_entropy(*broadcast_all(logits, value), reduction="none"))

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        return self.probs.expand(self._extended_shape(sample_shape)).bernoulli()

    def enumerate_support(self, expand=True):
        return self._enumerate(self._count_up(2), expand)

    _mean_carrier_measure = 0
    _natural_params = moment(lambda probs: (probs.logit(),))
    _log_normalizer = staticmethod(lambda log_odds: (1 + log_odds.exp()).log())
