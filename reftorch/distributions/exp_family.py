"""Exponential families."""
import reftorch as torch

from .distribution import Distribution, undefined

__all__ = ["ExponentialFamily"]


class ExponentialFamily(Distribution):
    """p(x; theta) = exp(<t(x), theta> - F(theta) + k(x)), with natural parameters theta and log normalizer F."""

    _natural_params = property(undefined, doc="theta.")
    _mean_carrier_measure = property(undefined, doc="E[k(x)].")

    def _log_normalizer(self, *natural_params):
        """F(theta)."""
        raise NotImplementedError

    def _differentiated(self):
        """theta as new leaves, F(theta) and its gradient, which is E[t(x)]."""
        theta = [p.detach().requires_grad_() for p in self._natural_params]
        F = self._log_normalizer(*theta)
        return theta, F, torch.autograd.grad(F.sum(), theta, create_graph=True)

    def entropy(self):
        """F(theta) - <theta, grad F(theta)> - E[k(x)]."""
        minus_k = -self._mean_carrier_measure
        theta, F, slopes = self._differentiated()
        total = minus_k + F
        for p, slope in zip(theta, slopes, strict=True):
            total -= (p * slope).reshape(self._batch_shape + (-1,)).sum(-1)
        return total
