"""Adadelta."""
import reftorch as torch

from ._per_parameter import PerParameter, decayed, require, require_lr, scalar

__all__ = ["Adadelta"]


class Adadelta(PerParameter):
    """Steps scaled by the ratio of the running sizes of past steps and of gradients.

    v = rho * v + (1 - rho) * g**2;  d = sqrt(u + eps) / sqrt(v + eps) * g;  u = rho * u + (1 - rho) * d**2;  p = p - lr * d
    """

    _complex_as_real = False                                        # torch: the parameter itself is moved as complex numbers
    _capturable_devices = PerParameter._capturable_devices[:-1]     # torch: all but XLA

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False, maximize=False,
                 differentiable=False):
        require_lr(lr)
        require(0.0 <= rho <= 1.0, f"Invalid rho value: {rho}")
        require(0.0 <= eps, f"Invalid epsilon value: {eps}")
        require(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, capturable=capturable,
                                      foreach=foreach, differentiable=differentiable))

    def _init_state(self, state, p, group):
        state["step"] = scalar(0)
        state["square_avg"] = torch.zeros_like(p)
        state["acc_delta"] = torch.zeros_like(p)

    def _update(self, p, grad, state, lr, group):
        rho, eps = group["rho"], group["eps"]
        square, moved = state["square_avg"], state["acc_delta"]
        state["step"].add_(1)
        grad = decayed(grad, p, group["weight_decay"])
        if torch.is_complex(p):
            square, moved, grad = torch.view_as_real(square), torch.view_as_real(moved), torch.view_as_real(grad)
        square.mul_(rho).addcmul_(grad, grad, value=1 - rho)
        delta = moved.add(eps).sqrt().div(square.add(eps).sqrt()).mul(grad)
        moved.mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(torch.view_as_complex(delta) if torch.is_complex(p) else delta, alpha=-lr)
