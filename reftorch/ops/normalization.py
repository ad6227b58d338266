"""Normalization: subtract a mean, divide by a deviation, scale and shift; batch, layer, group, instance and rms.

With x^ = (x - m) r, r = 1 / sqrt(v + eps), y = w x^ + b, and g = w dy, all means over the normalized dims:
    dx = r (g - mean(g) - x^ mean(g x^))     dw = sum dy x^     db = sum dy
"""
import math

import numpy as np

from ..core import DTYPES, T, composite, primitive
from ..core._core import from_array, is_grad_enabled
from ..kernels import norms as kernel
from ._common import refuse


def _moments(x, axes, eps):
    """Mean, variance and 1/sqrt(variance + eps), dims kept, and x - mean."""
    mean = x.mean(axes, keepdims=True)
    centered = x - mean
    var = np.square(centered).mean(axes, keepdims=True)
    return mean, var, 1 / np.sqrt(var + x.dtype.type(eps)), centered


def _gradient(grad, x, weight, mean, invstd, dims, eps, outer, mask, fixed=False):
    """Gradients by x, weight and bias.

    dims: those normalized over; outer: those that weight and bias are repeated over; mean, invstd: saved, with dims kept; weight: shaped
    to broadcast; fixed: mean and invstd do not depend on x.  When the result will itself be differentiated, mean and invstd are
    computed again, as functions of x.
    """
    if is_grad_enabled() and not fixed:
        mean = x.mean(dims, True)
        invstd = ((x - mean).square().mean(dims, True) + eps).rsqrt()
    scaled = (x - mean) * invstd
    dx = dw = db = None
    if mask[0]:
        g = grad if weight is None else grad * weight
        dx = g * invstd if fixed else (g - g.mean(dims, True) - scaled * (g * scaled).mean(dims, True)) * invstd
    if mask[1]:
        dw = (grad * scaled).sum(outer) if outer else grad * scaled
    if mask[2]:
        db = grad.sum(outer) if outer else grad
    return dx, dw, db


def _compiled(found):
    """Gradients that a kernel found, as Tensors; None if there is no such kernel."""
    return None if found is None else [None if a is None else from_array(a) for a in found]


def _arrays(*tensors):
    return [None if t is None else t._array for t in tensors]


# ---- batch
def _by_channel(t, ndim):
    return None if t is None else t.reshape(1, -1, *(1,) * (ndim - 2))


def _batch_norm_gradient(grad, x, weight, running_mean, running_var, training, eps, mean, invstd, mask):
    if not is_grad_enabled():
        statistics = (mean, invstd) if training else (running_mean, running_var)
        made = _compiled(kernel.batch_backward(*_arrays(grad, x, weight, *statistics), mask, not training, eps))
        if made is not None:
            return made
    dims = [d for d in range(x.dim()) if d != 1]
    n = x.dim()
    if not training:
        mean, invstd = running_mean, (running_var + eps).rsqrt()
    dtype = mean.dtype
    dx, dw, db = _gradient(grad.to(dtype), x.to(dtype), _by_channel(weight, n), _by_channel(mean, n), _by_channel(invstd, n), dims, eps, dims, mask,
                           fixed=not training)
    return dx, dw, db


@primitive("_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float eps) -> "
           "(Tensor, Tensor, Tensor, Tensor)", ns=None, node="NativeBatchNormBackward0",
           input__and__weight__and__bias=lambda grad, input, weight, running_mean, running_var, training, eps, result1, result2, mask:
               _batch_norm_gradient(grad, input, weight, running_mean, running_var, training, eps, result1, result2, mask))
def _batch_norm(input, weight, bias, running_mean, running_var, training, eps):
    """The normalized input; in training also mean and 1/deviation of the batch and variance of the sample, else empties."""
    if training:
        made = kernel.batch_forward(input, weight, bias, eps)
        if made is not None:
            return made
        axes = tuple(d for d in range(input.ndim) if d != 1)
        mean, var, invstd, centered = _moments(input, axes, eps)
        count = input.size // max(input.shape[1], 1)
        var = (var * np.divide(count, count - 1)).ravel().astype(input.dtype)
    else:
        made = kernel.batch_apply(input, weight, bias, running_mean, running_var, eps)
        if made is not None:
            return [made, *[np.empty(0, input.dtype) for _ in range(3)]]
        shape = (1, -1) + (1,) * (input.ndim - 2)
        mean, invstd = running_mean.reshape(shape), (1 / np.sqrt(running_var + running_var.dtype.type(eps))).reshape(shape)
        centered = input - mean
    out = _affine(centered, invstd, _by_channel(weight, input.ndim), _by_channel(bias, input.ndim))
    out = out.astype(input.dtype, copy=False)
    if not training:
        return [out, *[np.empty(0, input.dtype) for _ in range(3)]]
    return [out, mean.ravel(), invstd.ravel(), var]


def _affine(centered, invstd, weight, bias):
    """w (x - m) r + b; x - m is given, and overwritten."""
    if weight is not None and weight.shape == invstd.shape:
        invstd, weight = invstd * weight, None
    centered *= invstd
    if weight is not None:
        centered *= weight
    if bias is not None:
        centered += bias
    return centered


def _check_mixed(x, *params):
    """Parameters have the input's dtype, or all are float32 beside a half input; the first that is there says which of the two."""
    dtypes = [t.dtype for t in params if t is not None]
    if dtypes and dtypes[0] == x.dtype:
        for dtype in dtypes:
            if dtype != x.dtype:
                raise RuntimeError(f"expected scalar type {DTYPES[x.dtype.name].type_name} but found {DTYPES[dtype.name].type_name}")
    elif dtypes:
        if any(dtype.name != "float32" for dtype in dtypes):
            raise RuntimeError("mixed dtype (CPU): expect parameter to have scalar type of Float")
        if x.dtype.itemsize != 2:
            raise RuntimeError("mixed dtype (CPU): all inputs must share same datatype.")


def _check_batch_norm(x, weight, bias, running_mean, running_var, training):
    if x.dim() < 2:
        raise IndexError(f"Dimension out of range (expected to be in range of [{-max(x.dim(), 1)}, {max(x.dim(), 1) - 1}], but got 1)")
    channels = x.shape[1]
    for name, t in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if t is not None and t.numel() != channels:
            raise RuntimeError(f"{name} should contain {channels} elements not {t.numel()}")
        if t is None and not training and name.startswith("running"):
            raise RuntimeError(f"{name} must be defined in evaluation mode")
    if not x.dtype.is_floating_point:
        raise NotImplementedError(f"\"batch_norm\" not implemented for '{x.dtype.type_name}'")
    if (running_mean is None) != (running_var is None):
        raise ValueError("running_mean and running_var must either both be None or neither be None")
    _check_mixed(x, weight, bias, running_mean, running_var)


def _update(running, batch, momentum):
    """running = momentum batch + (1 - momentum) running, outside of any graph."""
    if kernel.blend(running._array, batch._array, momentum):
        running._bump()
    else:
        running.detach().copy_(momentum * batch.detach().to(running.dtype) + (1 - momentum) * running.detach())


def _normalized(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """The results of `native_batch_norm`, in the graph."""
    _check_batch_norm(input, weight, bias, running_mean, running_var, training)
    if not training:
        return T._batch_norm(input, weight, bias, running_mean, running_var, False, eps)[:3]
    # the running statistics change, so they must not be among what is saved
    out, mean, invstd, var = T._batch_norm(input, weight, bias, None, None, True, eps)
    if running_mean is not None:
        _update(running_mean, mean, momentum)
        _update(running_var, var, momentum)
    return out, mean, invstd


@composite("native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, "
           "float eps) -> (Tensor, Tensor, Tensor)", make="out")
def native_batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """y = w (x - m) r + b per channel of [N, C, *], with saved m and r; in training updates the running statistics."""
    out, mean, invstd = _normalized(input, weight, bias, running_mean, running_var, training, momentum, eps)
    return out, mean.detach(), invstd.detach()


@composite("batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool training, float momentum, float eps, "
           "bool cudnn_enabled) -> Tensor")
def batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps):
    """Batch normalization of [N, C, *]; source: Ioffe and Szegedy 2015."""
    if input.numel() == 0:
        # torch: an empty input is only scaled and shifted
        out = input.clone() if weight is None else input * weight[0]
        return out if bias is None else out + bias[0]
    return _normalized(input, weight, bias, running_mean, running_var, training, momentum, eps)[0]


@composite("instance_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? running_var, bool use_input_stats, float momentum, "
           "float eps, bool cudnn_enabled) -> Tensor")
def instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps):
    """Batch normalization of each sample on its own; source: Ulyanov et al. 2016."""
    if not use_input_stats and (running_mean is None or running_var is None):
        raise RuntimeError("Expected running_mean and running_var to be defined when use_input_stats is false")
    n, c = input.shape[:2]
    weight, bias, mean, var = [None if t is None else t.repeat(n) for t in (weight, bias, running_mean, running_var)]
    # torch: the running statistics may have any dtype here
    mean, var = [None if t is None else t.to((input if weight is None else weight).dtype) for t in (mean, var)]
    rows = input.contiguous().view(1, n * c, *input.shape[2:])
    out = T.batch_norm(rows, weight, bias, mean, var, use_input_stats, momentum, eps, False)
    if use_input_stats:
        for running, rep in ((running_mean, mean), (running_var, var)):
            if running is not None:
                running.copy_(rep.view(n, c).mean(0))
    return out.view(input.shape)


# ---- layer
def _check_layer_norm(x, shape, weight, bias):
    shape = list(shape)
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and list(t.shape) != shape:
            raise RuntimeError(f"Expected {name} to be of same shape as normalized_shape, but got {name} of shape {list(t.shape)} and "
                               f"normalized_shape = {shape}")
    if list(x.shape[x.ndim - len(shape):]) != shape or x.ndim < len(shape):
        raise RuntimeError(f"Given normalized_shape={shape}, expected input with shape [*, {', '.join(map(str, shape))}], but got input of "
                           f"size{list(x.shape)}")


def _layer_norm_gradient(grad, x, normalized_shape, weight, eps, mean, rstd, mask):
    n = len(normalized_shape)
    dims, outer = list(range(-n, 0)), list(range(x.dim() - n))
    dtype = mean.dtype
    if not is_grad_enabled():
        made = _compiled(kernel.rows_backward(*_arrays(grad, x, weight, mean, rstd), mask, n))
        if made is not None:
            return made
    return _gradient(grad.to(dtype), x.to(dtype), weight, mean, rstd, dims, eps, outer, mask)


@primitive("_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)", ns=None,
           node="NativeLayerNormBackward0",
           input__and__weight__and__bias=lambda grad, input, normalized_shape, weight, eps, result1, result2, mask:
               _layer_norm_gradient(grad, input, normalized_shape, weight, eps, result1, result2, mask))
def _layer_norm(input, normalized_shape, weight, bias, eps):
    """y = w (x - m) r + b, m and r over the last dims, whose shape is `normalized_shape`; also m and r."""
    _check_layer_norm(input, normalized_shape, weight, bias)
    if input.dtype.kind != "f":
        refuse("LayerNormKernelImpl", input)
    _check_mixed(input, weight, bias)
    made = kernel.rows_forward(input, len(normalized_shape), weight, bias, eps)
    if made is not None:
        return made
    mean, _, rstd, centered = _moments(np.ascontiguousarray(input), tuple(range(-len(normalized_shape), 0)), eps)
    return [_affine(centered, rstd, weight, bias), mean, rstd]


@composite("native_layer_norm(Tensor input, int[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> (Tensor, Tensor, Tensor)")
def native_layer_norm(input, normalized_shape, weight, bias, eps):
    """Layer normalization with the mean and 1/deviation, which are not differentiated."""
    out, mean, rstd = T._layer_norm(input, normalized_shape, weight, bias, eps)
    return out, mean.detach(), rstd.detach()


@composite("layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enable=True) -> Tensor")
def layer_norm(input, normalized_shape, weight, bias, eps):
    """Normalization over the last dims; source: Ba et al. 2016."""
    return T._layer_norm(input, normalized_shape, weight, bias, eps)[0]


# ---- group
def _group_norm_gradient(grads, x, weight, n, c, group, eps, mean, rstd, mask):
    """In the shape [N, groups, C/groups, rest]; mean and rstd are results, and may have gradients of their own."""
    if not is_grad_enabled() and grads[0] is not None and grads[1] is None and grads[2] is None:
        made = _compiled(kernel.groups_backward(*_arrays(grads[0], x, weight, mean, rstd), mask, group))
        if made is not None:
            return made
    grad = x.new_zeros(x.shape) if grads[0] is None else grads[0]
    shape = (n, group, c // group, math.prod(x.shape[2:]))
    dtype = mean.dtype
    w = None if weight is None else weight.reshape(1, group, c // group, 1)
    mean, rstd = mean.reshape(n, group, 1, 1), rstd.reshape(n, group, 1, 1)
    dx, dw, db = _gradient(grad.to(dtype).reshape(shape), x.to(dtype).reshape(shape), w, mean, rstd, [2, 3], eps, [0, 3], mask)
    if dx is not None and (grads[1] is not None or grads[2] is not None):
        wide, size = x.to(dtype).reshape(shape), x.numel() // max(n * group, 1)
        by_mean, by_rstd = [None if g is None else g.reshape(n, group, 1, 1) / size for g in grads[1:]]
        if by_mean is not None:
            dx = dx + by_mean
        if by_rstd is not None:
            dx = dx - by_rstd * rstd ** 3 * (wide - mean)
    return None if dx is None else dx.reshape(x.shape), dw if dw is None else dw.reshape(c), db if db is None else db.reshape(c)


@primitive("native_group_norm(Tensor input, Tensor? weight, Tensor? bias, int N, int C, int HxW, int group, float eps) -> (Tensor, Tensor, Tensor)",
           input__and__weight__and__bias=lambda grads, input, weight, N, C, group, eps, result1, result2, mask:
               _group_norm_gradient(grads, input, weight, N, C, group, eps, result1, result2, mask))
def native_group_norm(input, weight, bias, N, C, HxW, group, eps):
    """y = w (x - m) r + b, m and r over each group of channels of [N, C, *]; also m and r [N, group]."""
    if input.dtype.kind != "f":
        refuse("GroupNormKernelImpl", input)
    _check_mixed(input, weight, bias)
    made = kernel.groups_forward(input, weight, bias, eps, group) if input.ndim > 1 and input.shape[:2] == (N, C) else None
    if made is not None:
        return made
    x = input.reshape(N, group, C // group, HxW)
    mean, _, rstd, centered = _moments(x, (2, 3), eps)
    w, b = [None if t is None else t.reshape(1, group, C // group, 1) for t in (weight, bias)]
    return [_affine(centered, rstd, w, b).reshape(input.shape), mean.reshape(N, group), rstd.reshape(N, group)]


@composite("group_norm(Tensor input, int num_groups, Tensor? weight=None, Tensor? bias=None, float eps=1e-05, bool cudnn_enabled=True) -> Tensor")
def group_norm(input, num_groups, weight, bias, eps):
    """Normalization over groups of channels of [N, C, *]; source: Wu and He 2018."""
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    n, c = input.shape[:2]
    if num_groups <= 0:
        raise RuntimeError(f"Expected num groups to be greater than 0, got {num_groups}")
    if c % num_groups:
        raise RuntimeError(f"Expected number of channels in input to be divisible by num_groups, but got input of shape {list(input.shape)} and "
                           f"num_groups={num_groups}")
    for name, t in (("weight", weight), ("bias", bias)):
        if t is not None and (t.dim() != 1 or t.shape[0] != c):
            # torch: the message about the bias shows the shape of the (absent) weight
            shape = list(t.shape) if name == "weight" else [0] if weight is None else list(weight.shape)
            raise RuntimeError(f"Expected {name} to be a vector of size equal to the number of channels in input, but got {name} of shape {shape} and "
                               f"input of shape {list(input.shape)}")
    return T.native_group_norm(input, weight, bias, n, c, math.prod(input.shape[2:]), num_groups, eps)[0]


# ---- root mean square
@composite("rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor")
def rms_norm(input, normalized_shape, weight, eps):
    """y = w x / sqrt(mean(x^2) + eps) over the last dims; source: Zhang and Sennrich 2019."""
    shape = list(normalized_shape)
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got normalized_shape = []")
    if weight is not None and list(weight.shape) != shape:
        raise RuntimeError(f"Expected weight to be of same shape as normalized_shape, but got weight of shape {list(weight.shape)} and normalized_shape = "
                           f"{shape}")
    if list(input.shape[max(input.dim() - len(shape), 0):]) != shape:
        raise RuntimeError(f"Given normalized_shape={shape}, expected input with shape [*{', '.join(map(str, shape))}], but got input of "
                           f"size{list(input.shape)}")
    if not input.dtype.is_floating_point and not input.dtype.is_complex:
        raise NotImplementedError(f"\"rms_norm\" not implemented for '{input.dtype.type_name}'")
    # torch: half types are normalized in float32, and without eps that is float32's
    wide = input.to(DTYPES["float32"]) if input.dtype.itemsize == 2 else input
    if eps is None:
        eps = float(np.finfo(wide._array.dtype).eps)
    out = wide * (wide.square().mean(list(range(-len(shape), 0)), True) + eps).rsqrt()
    if weight is not None:
        out = out * weight
    return out.to(input.dtype)
