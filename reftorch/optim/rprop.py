"""Rprop."""
import reftorch as torch

from ._per_parameter import PerParameter, require, require_lr, scalar, to_scalar

__all__ = ["Rprop"]


class Rprop(PerParameter):
    """Resilient backpropagation: each element has a step size of its own, and of the gradient only the sign counts.

    same sign as before: size = min(size * eta_plus, max_size); changed sign: size = max(size * eta_minus, min_size) and g = 0
    p = p - sign(g) * size
    """

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, capturable=False, foreach=None, maximize=False,
                 differentiable=False):
        require_lr(lr)
        require(0.0 < etas[0] < 1.0 < etas[1], f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, dict(lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach, maximize=maximize,
                                      differentiable=differentiable, capturable=capturable))

    def _init_state(self, state, p, group):
        lr = to_scalar(group["lr"])
        state["step"] = scalar(0)
        state["prev"] = torch.zeros_like(p)
        state["step_size"] = torch.full_like(p.grad, complex(lr, lr) if torch.is_complex(p) else lr)

    def _update(self, p, grad, state, lr, group):
        shrink, grow = group["etas"]
        before, size = state["prev"], state["step_size"]
        state["step"].add_(1)
        sign = grad.mul(before.clone()).sign()
        turned = sign < 0
        size.mul_(torch.where(turned, shrink, torch.where(sign > 0, grow, torch.ones_like(size)))).clamp_(*group["step_sizes"])
        grad = grad.masked_fill(turned, 0)
        p.addcmul_(grad.sign(), size, value=-1)
        before.copy_(grad)
