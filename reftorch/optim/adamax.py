"""Adamax."""
import reftorch as torch

from ._per_parameter import PerParameter, decayed, require, require_betas, require_lr, scalar

__all__ = ["Adamax"]


class Adamax(PerParameter):
    """Adam on the infinity norm.

    m = beta1 * m + (1 - beta1) * g;  u = max(beta2 * u, |g| + eps);  p = p - lr / (1 - beta1**t) * m / u
    """

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False, differentiable=False,
                 capturable=False):
        require_lr(lr)
        require(0.0 <= eps, f"Invalid epsilon value: {eps}")
        require_betas(betas)
        require(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
                                      differentiable=differentiable, capturable=capturable))

    def _init_state(self, state, p, group):
        state["step"] = scalar(0)
        state["exp_avg"] = torch.zeros_like(p)
        state["exp_inf"] = torch.zeros_like(p)

    def _decayed(self, p, grad, group):
        return decayed(grad, p, group["weight_decay"])

    def _update(self, p, grad, state, lr, group):
        beta1, beta2 = group["betas"]
        step, mean, norm = state["step"].add_(1), state["exp_avg"], state["exp_inf"]
        mean.lerp_(grad, 1 - beta1)
        norm.copy_(torch.maximum(norm.mul_(beta2), grad.abs().add_(group["eps"])))
        p.addcdiv_(mean, norm, value=-(lr / (1 - beta1 ** step.item())))
