"""RAdam."""
import reftorch as torch

from ._per_parameter import PerParameter, decayed, require, require_betas, require_lr, scalar

__all__ = ["RAdam"]


class RAdam(PerParameter):
    """Adam that does without its second average as long as that rests on too few steps.

    rho_inf = 2 / (1 - beta2) - 1;  rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t);  m' = m / (1 - beta1**t)
    rho > 5: p = p - lr * m' * r * sqrt(1 - beta2**t) / (sqrt(v) + eps), else p = p - lr * m'
    r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
    """

    _absent = {**PerParameter._absent, "decoupled_weight_decay": False}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False):
        require_lr(lr)
        require(0.0 <= eps, f"Invalid epsilon value: {eps}")
        require_betas(betas)
        require(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize, foreach=foreach,
                                      capturable=capturable, decoupled_weight_decay=decoupled_weight_decay, differentiable=differentiable))

    def _init_state(self, state, p, group):
        state["step"] = scalar(0)
        state["exp_avg"] = torch.zeros_like(p)
        state["exp_avg_sq"] = torch.zeros_like(p)

    def _update(self, p, grad, state, lr, group):
        beta1, beta2 = group["betas"]
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        step = state["step"].add_(1).item()
        if not group["decoupled_weight_decay"]:
            grad = decayed(grad, p, group["weight_decay"])
        elif group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)

        correction = 1 - beta2**step
        update = mean / (1 - beta1**step) * lr
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * step * (beta2**step) / correction
        if rho > 5.0:
            update = update * (correction**0.5 / square.sqrt().add(group["eps"]))
            update = update * ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
        p.add_(update, alpha=-1.0)
