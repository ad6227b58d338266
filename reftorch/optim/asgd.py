"""Averaged stochastic gradient descent."""
import reftorch as torch

from ._per_parameter import PerParameter, decayed, require, require_lr, scalar, to_scalar

__all__ = ["ASGD"]


class ASGD(PerParameter):
    """Stochastic gradient descent that also keeps the average `ax` of the parameters from step t0 on.

    p = p * (1 - lambd * eta) - eta * g;  ax = ax + mu * (p - ax)
    eta = lr / (1 + lambd * lr * t)**alpha;  mu = 1 / max(1, t - t0)
    """

    _scalars = ("step", "eta", "mu")
    _capturable_names = "params, mus, etas, and state_steps"

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, foreach=None, maximize=False, differentiable=False,
                 capturable=False):
        require_lr(lr)
        require(0.0 <= weight_decay, f"Invalid weight_decay value: {weight_decay}")
        super().__init__(params, dict(lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, foreach=foreach, maximize=maximize,
                                      differentiable=differentiable, capturable=capturable))

    def _init_state(self, state, p, group):
        state["step"] = scalar(0)
        state["eta"] = scalar(to_scalar(group["lr"]))
        state["mu"] = scalar(1)
        state["ax"] = torch.zeros_like(p)

    def _update(self, p, grad, state, lr, group):
        lambd, eta, mu, average = group["lambd"], state["eta"], state["mu"], state["ax"]
        step = state["step"].add_(1).item()
        grad = decayed(grad, p, group["weight_decay"])
        rate = eta.item()
        p.mul_(1 - lambd * rate)
        p.add_(grad, alpha=-rate)
        if mu.item() == 1:
            average.copy_(p)
        else:
            average.add_(p.sub(average).mul_(mu))
        eta.copy_(torch.as_tensor(lr / (1 + lambd * lr * step) ** group["alpha"]))
        mu.fill_(1 / max(1, step - group["t0"]))
