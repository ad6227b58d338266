"""One-hot categorical distributions."""
import reftorch as torch
from reftorch.nn.functional import one_hot

from . import constraints
from ._formula import density, moment, part
from .categorical import Categorical, OfCategorical

__all__ = ["OneHotCategorical", "OneHotCategoricalStraightThrough"]


class OneHotCategorical(OfCategorical):
    """Categorical(probs), with values as one-hot vectors."""

    support = constraints.one_hot
    has_enumerate_support = True

    def __init__(self, probs=None, logits=None, validate_args=None):
        super().__init__(Categorical(probs, logits), validate_args)

    _param = part("_categorical._param")
    mean = moment(lambda probs: probs)
    mode = moment(lambda probs: one_hot(probs.argmax(-1), probs.shape[-1]).to(probs))
    variance = moment(lambda probs: probs * (1 - probs))
    log_prob = density(lambda value, _categorical: _categorical.log_prob(value.max(-1).indices))

    def entropy(self):
        return self._categorical.entropy()

    def sample(self, sample_shape=torch.Size()):
        index = self._categorical.sample(sample_shape)
        return one_hot(index, self.event_shape[0]).to(self.probs)

    def enumerate_support(self, expand=True):
        corners = torch.eye(self.event_shape[0], dtype=self._param.dtype, device=self._param.device)
        return self._enumerate(corners, expand)


class OneHotCategoricalStraightThrough(OneHotCategorical):
    """OneHotCategorical whose draws pass their gradient on to probs as they are."""

    has_rsample = True

    def rsample(self, sample_shape=torch.Size()):
        return self.sample(sample_shape) + (self.probs - self.probs.detach())
