"""AdamW."""
from .adam import Adam

__all__ = ["AdamW"]


class AdamW(Adam):
    """Adam whose weight decay shrinks the parameter itself: p = p * (1 - lr * weight_decay), then Adam's step."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False, foreach=None,
                 capturable=False, differentiable=False, fused=None):
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, decoupled_weight_decay=True, fused=fused, differentiable=differentiable,
                         capturable=capturable, maximize=maximize, foreach=foreach)

    def __setstate__(self, state):
        super().__setstate__(state)
        decoupled = {"decoupled_weight_decay": True}
        for group in self.param_groups:
            group.update(decoupled)
