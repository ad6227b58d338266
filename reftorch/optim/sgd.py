"""Stochastic gradient descent."""
from ..core import Tensor
from ..kernels import optim as kernels
from ._per_parameter import PerParameter, _check_fused, decayed, require

__all__ = ["SGD"]


class SGD(PerParameter):
    """Stochastic gradient descent, with momentum if asked for.

    g = grad + weight_decay * p;  b = momentum * b + (1 - dampening) * g, at first b = g
    p = p - lr * b, or with nesterov p - lr * (g + momentum * b)
    """

    _absent = {"nesterov": False, "maximize": False, "foreach": None, "differentiable": False, "fused": False}
    _scalars = ()
    _complex_as_real = False
    _compiled = staticmethod(kernels.sgd)

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False, foreach=None,
                 differentiable=False, fused=None):
        require(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")
        require(not lr < 0.0, f"Invalid learning rate: {lr}")
        require(not momentum < 0.0, f"Invalid momentum value: {momentum}")
        require(not weight_decay < 0.0, f"Invalid weight_decay value: {weight_decay}")
        require(not nesterov or (momentum > 0 and dampening == 0), "Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, dict(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov,
                                      maximize=maximize, foreach=foreach, differentiable=differentiable, fused=fused))
        self._require_fused(fused, foreach, differentiable)

    def _state_of(self, p, group):
        if group["fused"]:
            _check_fused(p)
        return self.state[p] if group["momentum"] != 0 else None

    def _check_group(self, group, work):
        """Nothing: torch's foreach SGD lets autograd through."""

    def _update(self, p, grad, state, lr, group):
        momentum = group["momentum"]
        grad = decayed(grad, p, group["weight_decay"])
        if momentum != 0:
            buffer = state.get("momentum_buffer")
            if buffer is None:
                buffer = state["momentum_buffer"] = grad.detach().clone()
            else:
                buffer.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
        if isinstance(lr, Tensor) and lr.requires_grad:
            p.addcmul_(grad, lr, value=-1)
        else:
            p.add_(grad, alpha=-lr)
