"""Adagrad."""
import reftorch as torch

from ._per_parameter import PerParameter, decayed, require, require_lr, scalar

__all__ = ["Adagrad"]


class Adagrad(PerParameter):
    """Steps divided by the root of the sum of all squared gradients.

    s = s + g**2;  p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)
    """

    _absent = {"foreach": None, "maximize": False, "differentiable": False, "fused": None}

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, foreach=None, *, maximize=False,
                 differentiable=False, fused=None):
        require_lr(lr)
        require(0.0 <= lr_decay, f"Invalid lr_decay value: {lr_decay}")
        require(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        require(0.0 <= initial_accumulator_value, f"Invalid initial_accumulator_value value: {initial_accumulator_value}")
        require(0.0 <= eps, f"Invalid epsilon value: {eps}")
        super().__init__(params, dict(lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay,
                                      initial_accumulator_value=initial_accumulator_value, foreach=foreach, maximize=maximize,
                                      differentiable=differentiable, fused=fused))
        self._require_fused(fused, foreach, differentiable)
        for group in self.param_groups:             # torch: at once, and also for parameters that never see a gradient
            for p in group["params"]:
                self._init_state(self.state[p], p, group)

    def _init_state(self, state, p, group):
        first = self.defaults["initial_accumulator_value"]
        state["step"] = scalar(0, group["fused"])
        state["sum"] = torch.full_like(p, complex(first, first) if torch.is_complex(p) else first)

    def share_memory(self):
        """Move the sums to shared memory."""
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p]["sum"].share_memory_()

    def _decayed(self, p, grad, group):
        return decayed(grad, p, group["weight_decay"])

    def _update(self, p, grad, state, lr, group):
        step, total = state["step"].add_(1).item(), state["sum"]
        total.addcmul_(grad, grad, value=1)
        p.addcdiv_(grad, total.sqrt().add(group["eps"]), value=-(lr / (1 + (step - 1) * group["lr_decay"])))
