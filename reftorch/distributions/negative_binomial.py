"""The negative binomial distribution."""
import reftorch as torch
from reftorch.nn.functional import logsigmoid

from ._formula import density, moment
from .constraints import greater_than_eq, half_open_interval, nonnegative_integer, real
from .distribution import Distribution
from .gamma import Gamma
from .utils import ProbsOrLogits, lazy_property

__all__ = ["NegativeBinomial"]


class NegativeBinomial(ProbsOrLogits, Distribution):
    """The number of successes, of probability probs = sigmoid(logits) each, before total_count failures."""

    arg_constraints = {"total_count": greater_than_eq(0), "probs": half_open_interval(0.0, 1.0), "logits": real}
    support = nonnegative_integer

    def __init__(self, total_count, probs=None, logits=None, validate_args=None):
        super().__init__(self._take_either(probs, logits, total_count), validate_args=validate_args)

    mean = moment(lambda total_count, logits: total_count * logits.exp())
    mode = moment(lambda total_count, logits: torch.floor((total_count - 1) * logits.exp()).clamp(min=0.0))
    variance = moment(lambda mean, logits: mean / (-logits).sigmoid())

    @lazy_property
    def _gamma(self):
        return Gamma(self.total_count, (-self.logits).exp(), validate_args=False)

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        return torch.poisson(self._gamma.sample(sample_shape))

    @density
    def log_prob(k, total_count, logits):
        n = total_count
        unnormalized = n * logsigmoid(-logits) + k * logsigmoid(logits)
        coefficient = -(n + k).lgamma() + torch.lgamma(1.0 + k) + n.lgamma()
        return unnormalized - coefficient.masked_fill(n + k == 0.0, 0.0)
