"""Sums, means, extremes, and what else reads many elements to give one."""
import numpy as np
from ..core import T, primitive

@primitive("sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", make="method", node="SumBackward0", self=lambda grad, self_shape: grad.expand(self_shape))
def sum(self, dtype):
    """Sum of all elements."""
    return np.sum(self, dtype=dtype and dtype.numpy)

