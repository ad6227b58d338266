"""Continuous relaxations of the Bernoulli distribution."""
import reftorch as torch

from ._formula import density, part
from .constraints import real, unit_interval
from .distribution import Distribution
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import ProbsOrLogits, broadcast_all, clamp_probs

__all__ = ["LogitRelaxedBernoulli", "RelaxedBernoulli"]


class LogitRelaxedBernoulli(ProbsOrLogits, Distribution):
    """(logits + L) / temperature with standard logistic noise L."""

    arg_constraints = {"probs": unit_interval, "logits": real}
    support = real
    _shared = ("temperature",)

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        self.temperature = temperature
        super().__init__(self._take_either(probs, logits), validate_args=validate_args)

    def rsample(self, sample_shape=torch.Size()):
        p = clamp_probs(self.probs.expand(self._extended_shape(sample_shape)))
        u = clamp_probs(self._noise(torch.rand, sample_shape, p))
        return (u.log() - (-u).log1p() + p.log() - (-p).log1p()) / self.temperature

    @density
    def log_prob(value, logits, temperature):
        logits, value = broadcast_all(logits, value)
        shifted = logits - value * temperature
        return temperature.log() + shifted - 2 * shifted.exp().log1p()


class Relaxed(TransformedDistribution):
    """A transformed relaxation, with the parameters of its base distribution."""

    has_rsample = True
    temperature = part("base_dist.temperature")
    logits = part("base_dist.logits")
    probs = part("base_dist.probs")


class RelaxedBernoulli(Relaxed):
    """sigmoid((logits + L) / temperature) with standard logistic noise L."""

    arg_constraints = {"probs": unit_interval, "logits": real}
    support = unit_interval

    def __init__(self, temperature, probs=None, logits=None, validate_args=None):
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(), validate_args)
