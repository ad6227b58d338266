"""The geometric distribution."""
import reftorch as torch
from reftorch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from ._formula import density, functional, moment
from .constraints import nonnegative_integer, real, unit_interval
from .distribution import Distribution
from .utils import ProbsOrLogits, broadcast_all, copied, put

__all__ = ["Geometric"]


class Geometric(ProbsOrLogits, Distribution):
    """The number of failures before the first success: P(k) = (1 - probs)^k probs."""

    arg_constraints = {"probs": unit_interval, "logits": real}
    support = nonnegative_integer

    def __init__(self, probs=None, logits=None, validate_args=None):
        super().__init__(self._take_either(probs, logits), validate_args=validate_args)
        if self._validate_args and self._given == "probs" and (bad := ~(self.probs > 0)).any():
            raise ValueError(
                f"Expected parameter probs {self._describe(self.probs)} of distribution {self!r} "
                f"to be positive but found invalid values:\n{self.probs[bad]}"
            )

    mean = moment(lambda probs: 1.0 / probs - 1.0)
    mode = moment(lambda probs: torch.zeros_like(probs))
    variance = moment(lambda probs: (1.0 / probs - 1.0) / probs)
    entropy = functional(lambda logits, probs: cross_entropy(logits, probs, reduction="none") / probs)

    @density
    def log_prob(k, probs):
        k, p = broadcast_all(k, probs)
        failing = put(copied(p), (p == 1) & (k == 0), 0)  # 0 * log(0) counts as 0
        return k * (-failing).log1p() + probs.log()

    @torch.no_grad()
    def sample(self, sample_shape=torch.Size()):
        u = self.probs.new_empty(self._extended_shape(sample_shape)).uniform_(torch.finfo(self.probs.dtype).tiny, 1)
        return torch.floor(u.log() / (-self.probs).log1p())
