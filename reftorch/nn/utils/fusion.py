"""Batch norm folded into the layer before it, for evaluation: y = w (x A^T + b - m) / sqrt(v + eps) + c is a layer itself."""
import copy

import reftorch as torch

from ..parameter import Parameter


def _check_eval(*modules):
    if any(m.training for m in modules):
        raise AssertionError("Fusion only for eval!")


def _fuse(weight, bias, mean, var, eps, bn_weight, bn_bias, shape):
    """The fused weight and bias; `shape` broadcasts one number a channel against the weight."""
    scale = torch.rsqrt(var + eps)
    bias = torch.zeros_like(mean) if bias is None else bias
    scale = scale if bn_weight is None else bn_weight * scale
    shift = 0 if bn_bias is None else bn_bias
    fused = weight * scale.reshape(shape).to(weight.dtype), ((bias - mean) * scale + shift).to(weight.dtype)
    return tuple(Parameter(t, weight.requires_grad) for t in fused)


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """Weight and bias of a convolution followed by a batch norm."""
    channel = 1 if transpose else 0
    shape = [-1 if d == channel else 1 for d in range(conv_w.dim())]
    return _fuse(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape)


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """Weight and bias of a linear layer followed by a batch norm."""
    return _fuse(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A copy of the convolution that does what both do, in evaluation."""
    _check_eval(conv, bn)
    fused = copy.deepcopy(conv)
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    fused.weight, fused.bias = fuse_conv_bn_weights(fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose)
    return fused


def fuse_linear_bn_eval(linear, bn):
    """A copy of the linear layer that does what both do, in evaluation."""
    _check_eval(linear, bn)
    fused = copy.deepcopy(linear)
    if bn.num_features not in (1, linear.out_features):
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
                             f"linear.out_features={linear.out_features} and bn.num_features={bn.num_features}")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    return fused
