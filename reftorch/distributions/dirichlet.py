"""The Dirichlet distribution."""
import reftorch as torch
from reftorch.autograd import Function
from reftorch.nn.functional import one_hot

from ._formula import density, functional, moment
from .constraints import independent, positive, simplex
from .exp_family import ExponentialFamily
from .utils import put

__all__ = ["Dirichlet"]


class _Dirichlet(Function):
    """A draw x; its gradient is that of the quantile of each part, less the pull of the others through the sum."""

    @staticmethod
    def forward(ctx, a):
        x = torch._sample_dirichlet(a)
        ctx.save_for_backward(a, x)
        return x

    @staticmethod
    def backward(ctx, g):
        a, x = ctx.saved_tensors
        slopes = torch._dirichlet_grad(x, a, a.sum(-1, keepdim=True).expand_as(a))
        return slopes * (g - (x * g).sum(-1, keepdim=True))


class Dirichlet(ExponentialFamily):
    """p(x) ~ prod x_i^(a_i - 1) on the simplex, with a = concentration (*, k)."""

    arg_constraints = {"concentration": independent(positive, 1)}
    support = simplex
    has_rsample = True

    def __init__(self, concentration, validate_args=None):
        if concentration.dim() == 0:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        *batch, k = concentration.shape
        super().__init__(torch.Size(batch), torch.Size([k]), validate_args=validate_args)

    mean = moment(lambda concentration: concentration / concentration.sum(-1, keepdim=True))

    @moment
    def mode(concentration):
        excess = (concentration - 1).clamp(min=0.0)
        mode = excess / excess.sum(-1, keepdim=True)
        flat = (concentration < 1).all(-1)  # there the density is largest at a corner
        return put(mode, flat, one_hot(mode[flat].argmax(-1), mode.shape[-1]).to(mode))

    @moment
    def variance(concentration):
        total = concentration.sum(-1, keepdim=True)
        return concentration * (total - concentration) / (total.pow(2) * (total + 1))

    @functional
    def entropy(concentration):
        a, total, k = concentration, concentration.sum(-1), concentration.shape[-1]
        log_norm = a.lgamma().sum(-1) - total.lgamma()
        return log_norm - (k - total) * total.digamma() - ((a - 1.0) * a.digamma()).sum(-1)

    @density
    def log_prob(x, concentration):
        a = concentration
        return torch.xlogy(a - 1.0, x).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    def rsample(self, sample_shape=()):
        return _Dirichlet.apply(self.concentration.expand(self._extended_shape(sample_shape)))

    _natural_params = moment(lambda concentration: (concentration,))
    _log_normalizer = staticmethod(lambda a: a.lgamma().sum(-1) - a.sum(-1).lgamma())
