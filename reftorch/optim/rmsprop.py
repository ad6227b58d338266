"""RMSprop."""
import reftorch as torch

from ..kernels import optim as kernels
from ._per_parameter import PerParameter, decayed, require, require_lr, scalar

__all__ = ["RMSprop"]


class RMSprop(PerParameter):
    """Steps divided by the root of a running average of squared gradients.

    v = alpha * v + (1 - alpha) * g**2;  s = sqrt(v) + eps, centered: sqrt(v - avg(g)**2) + eps
    b = momentum * b + g / s;  p = p - lr * b
    """

    _absent = {**PerParameter._absent, "momentum": 0, "centered": False}
    _compiled = staticmethod(kernels.rmsprop)

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, capturable=False, foreach=None,
                 maximize=False, differentiable=False):
        require_lr(lr)
        require(0.0 <= eps, f"Invalid epsilon value: {eps}")
        require(0.0 <= momentum, f"Invalid momentum value: {momentum}")
        require(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        require(0.0 <= alpha, f"Invalid alpha value: {alpha}")
        super().__init__(params, dict(lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay,
                                      capturable=capturable, foreach=foreach, maximize=maximize, differentiable=differentiable))

    def _init_state(self, state, p, group):
        state["step"] = scalar(0)
        state["square_avg"] = torch.zeros_like(p)
        if group["momentum"] > 0:
            state["momentum_buffer"] = torch.zeros_like(p)
        if group["centered"]:
            state["grad_avg"] = torch.zeros_like(p)

    def _decayed(self, p, grad, group):
        return decayed(grad, p, group["weight_decay"])

    def _update(self, p, grad, state, lr, group):
        alpha, square = group["alpha"], state["square_avg"]
        state["step"].add_(1)
        square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            mean = state["grad_avg"].lerp_(grad, 1 - alpha)
            size = square.addcmul(mean, mean, value=-1).sqrt()
        else:
            size = square.sqrt()
        size = size.add(group["eps"])
        if group["momentum"] > 0:
            buffer = state["momentum_buffer"].mul_(group["momentum"]).addcdiv_(grad, size)
            p.add_(buffer, alpha=-lr)
        else:
            p.addcdiv_(grad, size, value=-lr)
