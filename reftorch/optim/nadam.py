"""NAdam."""
import reftorch as torch

from ._per_parameter import PerParameter, decayed, require, require_betas, require_lr, scalar

__all__ = ["NAdam"]


class NAdam(PerParameter):
    """Adam with Nesterov momentum.

    mu_t = beta1 * (1 - 0.96**(t * momentum_decay) / 2);  d = sqrt(v / (1 - beta2**t)) + eps
    p = p - lr * (1 - mu_t) / (1 - prod mu_1..t) * g / d - lr * mu_{t+1} / (1 - prod mu_1..t+1) * m / d
    """

    _absent = {**PerParameter._absent, "decoupled_weight_decay": False}
    _scalars = ("step", "mu_product")
    _capturable_names = "params, mu_products and state_steps"

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3, decoupled_weight_decay=False, *,
                 foreach=None, maximize=False, capturable=False, differentiable=False):
        require_lr(lr)
        require(0.0 <= eps, f"Invalid epsilon value: {eps}")
        require_betas(betas)
        require(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        require(0.0 <= momentum_decay, f"Invalid momentum_decay value: {momentum_decay}")
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
                                      decoupled_weight_decay=decoupled_weight_decay, maximize=maximize, foreach=foreach,
                                      capturable=capturable, differentiable=differentiable))

    def _init_state(self, state, p, group):
        state["step"] = scalar(0)
        state["mu_product"] = scalar(1)
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

        mu, mu_next = (beta1 * (1.0 - 0.5 * 0.96 ** (t * group["momentum_decay"])) for t in (step, step + 1))
        product = state["mu_product"].mul_(mu)
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denominator = square.div(1 - beta2**step).sqrt()
        if group["differentiable"]:
            denominator = denominator.add(group["eps"])
            p.addcdiv_(grad * (-lr * (1.0 - mu) / (1.0 - product)), denominator)
            p.addcdiv_(mean * (-lr * mu_next / (1.0 - product * mu_next)), denominator)
        else:
            product = product.item()
            denominator.add_(group["eps"])
            p.addcdiv_(grad, denominator, value=-lr * (1.0 - mu) / (1.0 - product))
            p.addcdiv_(mean, denominator, value=-lr * mu_next / (1.0 - product * mu_next))
