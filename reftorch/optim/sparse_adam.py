"""SparseAdam."""
from ..core import Tensor
from ._per_parameter import PerParameter, require, require_betas

__all__ = ["SparseAdam"]


class SparseAdam(PerParameter):
    """Adam for sparse gradients. There are none here, so that a step refuses, as PyTorch's does for dense ones."""

    _absent = {}
    _scalars = ()

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        require(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")
        require(0.0 < lr, f"Invalid learning rate: {lr}")
        require(0.0 < eps, f"Invalid epsilon value: {eps}")
        require_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, maximize=maximize))
        places = [[i, j] for i, group in enumerate(self.param_groups) for j, p in enumerate(group["params"]) if p.is_complex()]
        require(not places, f"Complex params at indices {places}: SparseAdam does not support complex parameters")

    def _state_of(self, p, group):
        raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
