"""Adafactor."""
import reftorch as torch

from ..core import Tensor
from ._per_parameter import PerParameter, require, scalar

__all__ = ["Adafactor"]


class Adafactor(PerParameter):
    """Adam in little memory: the squares of a matrix are kept as the means of its rows and columns.

    rho = min(lr, 1/sqrt(t));  a = max(eps2, rms(p)) * rho;  b = t**beta2_decay
    R = lerp(R, mean of g**2 along rows, b);  C = lerp(C, mean along columns, b);  V = R @ C / max(mean(R), eps1)
    U = g / sqrt(max(V, eps1**2));  p = p * (1 - lr * weight_decay) - a * U / max(1, rms(U) / d)
    """

    _absent = {"foreach": None}

    def __init__(self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, foreach=None, maximize=False):
        require(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")
        require(0.0 <= lr, f"Learning rate should be >= 0 but is: {lr}")
        require(0.0 >= beta2_decay, f"beta2_decay should be <= 0 but is: {beta2_decay}")
        require(eps[0] is None or 0.0 <= eps[0], f"epsilon1 should be >= 0 but is: {eps[0]}")
        require(0.0 <= eps[1], f"epsilon2 should be >= 0 but is: {eps[1]}")
        require(1.0 <= d, f"Clipping threshold d should be >= 1 but is: {d}")
        require(0.0 <= weight_decay, f"weight_decay should be >= 0 but is: {weight_decay}")
        super().__init__(params, dict(lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, foreach=foreach,
                                      maximize=maximize))

    def _state_of(self, p, group):
        if torch.is_complex(p):
            raise RuntimeError("Adafactor does not support complex parameters")
        return super()._state_of(p, group)

    def _init_state(self, state, p, group):
        state["step"] = scalar(0)
        if p.grad.dim() > 1:
            *outer, rows, columns = p.grad.shape
            state["row_var"] = p.grad.new_zeros([*outer, rows, 1])
            state["col_var"] = p.grad.new_zeros([*outer, 1, columns])
        else:
            state["variance"] = torch.zeros_like(p.grad)

    def _update(self, p, grad, state, lr, group):
        eps1, eps2 = group["eps"]
        eps1 = torch.finfo(p.dtype).eps if eps1 is None else eps1
        step = state["step"].add_(1).item()
        weight = step ** group["beta2_decay"]
        alpha = max(eps2, p.norm(2).item() / p.numel() ** 0.5) * min(lr, 1 / step**0.5)
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        if grad.dim() > 1:
            for name, dim in (("row_var", -1), ("col_var", -2)):
                mean = torch.norm(grad, dim=dim, keepdim=True).square_().div_(grad.size(dim))
                state[name].lerp_(mean, weight)
            estimate = state["row_var"] @ state["col_var"]
            estimate.div_(state["row_var"].mean(dim=-2, keepdim=True).clamp_(min=eps1))
        else:
            estimate = state["variance"].lerp_(grad * grad, weight).clone()
        update = estimate.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        rms = update.norm(2).item() / (update.numel() ** 0.5 * group["d"])
        p.add_(update, alpha=-alpha / max(1.0, rms))
