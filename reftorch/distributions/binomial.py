"""The binomial distribution."""
import reftorch as torch

from ._formula import density, moment, ranging
from .constraints import integer_interval, nonnegative_integer, real, unit_interval
from .distribution import Distribution
from .utils import ProbsOrLogits

__all__ = ["Binomial"]


def _positive_part(x):
    """max(x, 0), with derivative 1/2 at 0."""
    twice = x.clamp(min=0) + x
    return (twice - x.clamp(max=0)) / 2


class Binomial(ProbsOrLogits, Distribution):
    """The number of successes in total_count tries that succeed with probability probs = sigmoid(logits)."""

    arg_constraints = {"total_count": nonnegative_integer, "probs": unit_interval, "logits": real}
    support = ranging(lambda total_count: integer_interval(0, total_count), is_discrete=True, event_dim=0)
    has_enumerate_support = True

    def __init__(self, total_count=1, probs=None, logits=None, validate_args=None):
        super().__init__(self._take_either(probs, logits, total_count), validate_args=validate_args)

    mean = moment(lambda total_count, probs: total_count * probs)
    mode = moment(lambda total_count, probs: torch.floor((total_count + 1) * probs).clamp(max=total_count))
    variance = moment(lambda mean, probs: mean * (1 - probs))

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        shape = self._extended_shape(sample_shape)
        return torch.binomial(*(parameter.expand(shape) for parameter in (self.total_count, self.probs)))

    @density
    def log_prob(k, logits, total_count):
        n = total_count
        # n log(1 + exp(logits)) without overflow, and the part of the binomial coefficient that k has no share in
        rest = n * _positive_part(logits) + n * (-logits.abs()).exp().log1p() - (n + 1).lgamma()
        return k * logits - torch.lgamma(k + 1) - torch.lgamma(n - k + 1) - rest

    def _homogeneous_count(self, user):
        most = int(self.total_count.max())
        if most != self.total_count.min():
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{user}`.")
        return most

    def entropy(self):
        self._homogeneous_count("entropy")
        log_p = self.log_prob(self.enumerate_support(expand=False))
        return -(log_p.exp() * log_p).sum(0)

    def enumerate_support(self, expand=True):
        return self._enumerate(self._count_up(self._homogeneous_count("enumerate_support") + 1), expand)
