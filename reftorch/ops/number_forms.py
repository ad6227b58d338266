"""A tensor and a number, as PyTorch's own composites call arithmetic: their nodes end in 1 (`MulBackward1`)."""
from ..core import op
from ._common import conj_of

op("_add_number(Tensor self, Scalar other) -> Tensor", loop="numpy:add", ns=None, node="AddBackward1", jvp="linear",
   self=lambda grad: grad)

op("_mul_number(Tensor self, Scalar other) -> Tensor", loop="kernels:multiply", ns=None, node="MulBackward1", jvp="linear",
   self=lambda grad, other: grad * conj_of(other))

op("_div_number(Tensor self, Scalar other) -> Tensor", loop="numpy:true_divide", promote="float", ns=None, node="DivBackward1", jvp="linear",
   self=lambda grad, other: grad / conj_of(other))
