"""Adam."""
import reftorch as torch

from ..core import Tensor
from ..kernels import optim as kernels
from ._per_parameter import PerParameter, decayed, require, require_betas, require_lr, scalar, to_scalar

__all__ = ["Adam"]


class Adam(PerParameter):
    """Adam: steps scaled by running averages of the gradient and of its square.

    m = beta1 * m + (1 - beta1) * g;  v = beta2 * v + (1 - beta2) * g**2
    p = p - lr * m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps); amsgrad divides by the largest v so far
    """

    _absent = {"amsgrad": False, "maximize": False, "foreach": None, "capturable": False, "differentiable": False,
               "decoupled_weight_decay": False, "fused": None}
    _compiled = staticmethod(kernels.adam)

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None, maximize=False,
                 capturable=False, differentiable=False, fused=None, decoupled_weight_decay=False):
        plain_foreach = foreach and not capturable
        require(not (isinstance(lr, Tensor) and plain_foreach), "lr as a Tensor is not supported for capturable=False and foreach=True")
        require_lr(lr)
        require(0.0 <= eps, f"Invalid epsilon value: {eps}")
        require_betas(betas)
        require(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        require(all(isinstance(b, float) for b in betas[:2]) or all(isinstance(b, Tensor) for b in betas[:2]),
                "betas must be either both floats or both Tensors")
        for i, beta in enumerate(betas[:2]):
            if isinstance(beta, Tensor):
                require(not plain_foreach, f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
                require(beta.numel() == 1, f"Tensor betas[{i}] must be 1-element")
        super().__init__(params, dict(lr=lr, betas=tuple(to_scalar(b) for b in betas), eps=eps, weight_decay=weight_decay, amsgrad=amsgrad,
                                      maximize=maximize, foreach=foreach, capturable=capturable, differentiable=differentiable, fused=fused,
                                      decoupled_weight_decay=decoupled_weight_decay))
        self._require_fused(fused, foreach, differentiable)

    def _init_state(self, state, p, group):
        state["step"] = scalar(0, group["fused"])
        state["exp_avg"] = torch.zeros_like(p)
        state["exp_avg_sq"] = torch.zeros_like(p)
        if group["amsgrad"]:
            state["max_exp_avg_sq"] = torch.zeros_like(p)

    def _check_group(self, group, work):
        if group["differentiable"] and any(state["step"].requires_grad for _, _, state in work):
            raise RuntimeError("`requires_grad` is not supported for `step` in differentiable mode")
        if group["foreach"] and isinstance(group["lr"], Tensor) and not group["capturable"]:
            raise RuntimeError("lr as a Tensor is not supported for capturable=False and foreach=True")
        super()._check_group(group, work)

    def _decayed(self, p, grad, group):
        return grad if group["decoupled_weight_decay"] else decayed(grad, p, group["weight_decay"])

    def _update(self, p, grad, state, lr, group):
        beta1, beta2 = group["betas"]
        differentiable = group["differentiable"]
        step, mean, square = state["step"].add_(1), state["exp_avg"], state["exp_avg_sq"]
        if group["decoupled_weight_decay"] and group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])

        mean.lerp_(grad, 1 - (beta1.to(p.dtype) if isinstance(beta1, Tensor) else beta1))
        if differentiable and isinstance(beta2, Tensor) and beta2.requires_grad:
            square.lerp_(torch.square(grad), 1 - beta2)
        else:
            square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)

        count = step.clone() if differentiable else step.item()
        step_size = lr / (1 - beta1**count)
        root_correction = (1 - beta2**count) ** 0.5
        if group["amsgrad"]:
            largest = state["max_exp_avg_sq"]
            largest.copy_(torch.maximum(largest.clone() if differentiable else largest, square))
            square = largest
        if differentiable:
            # the step size goes into the denominator: autograd needs it as a tensor, and `value` takes numbers
            denominator = (square.sqrt() / (root_correction * -step_size)).add_(group["eps"] / -step_size)
            p.addcdiv_(mean.clone(), denominator)
        else:
            denominator = (square.sqrt() / root_correction).add_(group["eps"])
            p.addcdiv_(mean, denominator, value=-step_size)
