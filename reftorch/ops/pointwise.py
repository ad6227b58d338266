"""Pointwise arithmetic and elementary functions."""
from ..core import T, op

def _with_alpha(vals):
    """Fold `alpha` into `other`: the loop adds plain operands."""
    alpha = vals[2]
    if type(alpha) is int and alpha == 1:
        return vals
    return [vals[0], T.mul(vals[1], alpha), 1, vals[3]]


add = op("add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor", loop="numpy:add", numbers=True, prepare=_with_alpha,
         make="method inplace out", jvp="linear",
         self=lambda grad: grad,
         other=lambda grad: grad)

mul = op("mul.Tensor(Tensor self, Tensor other) -> Tensor", loop="numpy:multiply", numbers=True, make="method inplace out", jvp="product",
         self=lambda grad, other: grad * other.conj(),
         other=lambda grad, self: grad * self.conj())

neg = op("neg(Tensor self) -> Tensor", loop="numpy:negative", make="method inplace out", jvp="linear",
         self=lambda grad: -grad)

exp = op("exp(Tensor self) -> Tensor", loop="numpy:exp", promote="float", make="method inplace out", jvp="elementwise",
         self=lambda grad, result: grad * result.conj())
