"""Linear maps."""
import math

import reftorch as torch

from .. import functional as F
from .. import init
from ..parameter import Parameter
from .lazy import _Sized
from .module import Module


class Identity(Module):
    """Gives its input back; any arguments are accepted and unused."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class Linear(Module):
    r"""y = x A^T + b; x (*, in_features) -> y (*, out_features). A and b start as U(-1/sqrt(in), 1/sqrt(in))."""

    __constants__ = ["in_features", "out_features"]

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(torch.empty((out_features, in_features), device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(torch.empty(out_features, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        columns = self.weight.size(1)
        if self.bias is not None:
            limit = 1 / math.sqrt(columns) if columns else 0
            init.uniform_(self.bias, -limit, limit)

    def forward(self, input):
        held = self._parameters              # the quick way to what `self.weight` finds, unless a parametrization took it over
        if "weight" in held and "bias" in held:
            return F.linear(input, held["weight"], held["bias"])
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """The Linear inside MultiheadAttention."""


class Bilinear(Module):
    r"""y = x1^T A x2 + b; x1 (*, in1), x2 (*, in2) -> y (*, out)."""

    __constants__ = ["in1_features", "in2_features", "out_features"]

    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got {in1_features}")
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(torch.empty((out_features, in1_features, in2_features), device=device, dtype=dtype))
        self.register_parameter("bias", Parameter(torch.empty(out_features, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw weight and bias anew."""
        limit = 1 / math.sqrt(self.weight.size(1))
        for drawn in (self.weight, self.bias):
            if drawn is not None:
                init.uniform_(drawn, -limit, limit)

    def forward(self, input1, input2):
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        return (f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
                f"bias={self.bias is not None}")


class LazyLinear(_Sized, Linear):
    """A Linear that takes `in_features` from its first input."""

    cls_to_become = Linear
    _sized_by = "in_features"

    def __init__(self, out_features, bias=True, device=None, dtype=None):
        super().__init__(0, 0, False)
        self._make_lazy(("weight", "bias") if bias else ("weight",), device, dtype)
        self.out_features = out_features

    def initialize_parameters(self, input):
        """Take the shape from the input."""
        columns = input.shape[-1]
        if self.has_uninitialized_params():
            self.in_features = columns
            self._materialize(weight=(self.out_features, columns), bias=(self.out_features,))
            self.reset_parameters()
        if self.in_features == 0:            # the shape came from a state_dict
            if columns != self.weight.shape[-1]:
                raise AssertionError(f"The in_features inferred from input: {columns} is not equal to in_features from self.weight: "
                                     f"{self.weight.shape[-1]}")
            self.in_features = columns
