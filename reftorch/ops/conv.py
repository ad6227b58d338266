"""Convolutions in one to three dimensions, and the patches they are made of (im2col, col2im).

All are the same three sums over windows, with y = position of an output, k = tap of the kernel:
    convolution     out[n, o, y]               = sum_ck  x[n, c, y s + k d - p] w[o, c, k]
    transposed      out[n, o, y s + k d - p]  += sum_c   x[n, c, y] w[c, o, k]
    weight          w[o, c, k]                 = sum_ny  out[n, o, y] x[n, c, y s + k d - p]
Each is the derivative of the other two, so derivatives of any order are convolutions again.
"""
import functools
import itertools
import math
import warnings

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..core import T, composite, primitive
from ..core._core import normalize_dim
from ..core.errors import C_NAMES
from ..kernels import conv as kernels

#: How many bytes the columns of a convolution may take at once.
_ROOM = 1 << 28


# ---- windows
def _windows(x, kernel, stride, padding, dilation):
    """The windows of `x` [N, C, *size], zero-padded, as a view [N, C, *kernel, *out]."""
    n = len(kernel)
    if any(padding):
        x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    out = [(size - d * (k - 1) - 1) // s + 1 for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation, strict=True)]
    steps = x.strides[2:]
    strides = x.strides[:2] + tuple(steps[i] * dilation[i] for i in range(n)) + tuple(steps[i] * stride[i] for i in range(n))
    return as_strided(x, x.shape[:2] + tuple(kernel) + tuple(out), strides, writeable=False)


def _add_windows(cols, size, stride, padding, dilation):
    """The sum of windows [N, C, *kernel, *out] laid back at their places in [N, C, *size]."""
    n = len(size)
    kernel, out = cols.shape[2:2 + n], cols.shape[2 + n:]
    padded = np.zeros(cols.shape[:2] + tuple(s + 2 * p for s, p in zip(size, padding, strict=True)), cols.dtype)
    for taps in itertools.product(*map(range, kernel)):
        place = tuple(slice(k * d, k * d + s * (o - 1) + 1, s) if o else slice(0, 0) for k, d, s, o in zip(taps, dilation, stride, out, strict=True))
        padded[(..., *place)] += cols[(slice(None), slice(None), *taps)]
    return np.ascontiguousarray(padded[(..., *(slice(p, p + s) for p, s in zip(padding, size, strict=True)))])


def _grouped(x, groups):
    """[N, C, *size] as [N, groups, C/groups, prod(size)]."""
    return x.reshape(x.shape[0], groups, x.shape[1] // groups, math.prod(x.shape[2:]))


def _by_samples(convolve, x, columns):
    """`convolve(x)`, a few samples at a time where the columns of all, `columns` numbers a sample, would take too much memory."""
    step = max(1, _ROOM // max(columns * x.itemsize, 1))
    return convolve(x) if step >= len(x) else np.concatenate([convolve(x[i:i + step]) for i in range(0, len(x), step)])


def _correlate(x, weight, stride, padding, dilation, groups):
    windows = _windows(x, weight.shape[2:], stride, padding, dilation)
    out = windows.shape[weight.ndim:]
    w = weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))
    cols = windows.reshape(x.shape[0], groups, w.shape[2], math.prod(out))
    return (w @ cols).reshape(x.shape[0], weight.shape[0], *out)


def _correlate_transposed(x, weight, stride, padding, dilation, output_padding, groups):
    kernel = weight.shape[2:]
    w = weight.reshape(groups, weight.shape[0] // groups, math.prod(weight.shape[1:]))
    cols = w.swapaxes(1, 2) @ _grouped(x, groups)
    cols = cols.reshape(x.shape[0], weight.shape[1] * groups, *kernel, *x.shape[2:])
    size = _transposed_size(x.shape[2:], kernel, stride, padding, dilation, output_padding)
    # output padding may reach past the last window
    need = [(i - 1) * s + d * (k - 1) + 1 for i, s, d, k in zip(x.shape[2:], stride, dilation, kernel, strict=True)]
    full = _add_windows(cols, need, stride, (0,) * len(size), dilation)
    out = np.zeros(full.shape[:2] + tuple(size), full.dtype)
    whole = (..., *(slice(p, min(p + s, n)) for p, s, n in zip(padding, size, need, strict=True)))
    part = full[whole]
    out[(..., *(slice(0, s) for s in part.shape[2:]))] = part
    return out


def _transposed_size(size, kernel, stride, padding, dilation, output_padding):
    return [(i - 1) * s - 2 * p + d * (k - 1) + o + 1 for i, k, s, p, d, o in zip(size, kernel, stride, padding, dilation, output_padding, strict=True)]


# ---- the two primitives
def _input_gradient(grad, weight, input_shape, stride, padding, dilation, transposed, groups):
    """The gradient of a convolution by its input: the convolution of the other kind."""
    n = len(stride)
    weight = weight.conj()
    if transposed:
        made = T._convolution_input(grad, weight, stride, padding, dilation, False, (0,) * n, groups)
        for d in range(n):                   # a large output padding makes room for one window more
            if made.shape[2 + d] != input_shape[2 + d]:
                made = made.narrow(2 + d, 0, input_shape[2 + d]).contiguous()
        return made
    least = _transposed_size(grad.shape[2:], weight.shape[2:], stride, padding, dilation, (0,) * n)
    rest = tuple(have - low for have, low in zip(input_shape[2:], least, strict=True))
    return T._convolution_input(grad, weight, stride, padding, dilation, True, rest, groups)


def _weight_gradient(grad, x, weight_shape, stride, padding, dilation, transposed, groups):
    if transposed:
        return T._convolution_weight(grad, x.conj(), weight_shape, stride, padding, dilation, groups)
    return T._convolution_weight(x.conj(), grad, weight_shape, stride, padding, dilation, groups)


def _by_channel(x, shape):
    """One number a channel, spread over [N, C, *size]."""
    return x.reshape(-1, *(1,) * (len(shape) - 2)).expand(tuple(shape))


@primitive("_channel_sums(Tensor self) -> Tensor", ns=None, node="ConvolutionBackwardBackward0",
           self=lambda grad, self_shape: _by_channel(grad, self_shape))
def _channel_sums(self):
    """The sums of [N, C, *size] by channel: the gradient of a convolution by its bias."""
    sums = kernels.channel_sums(self)
    return self.sum((0, *range(2, self.ndim))) if sums is None else sums


@primitive("convolution(Tensor input, Tensor weight, Tensor? bias, int[] stride, int[] padding, int[] dilation, bool transposed, "
           "int[] output_padding, int groups) -> Tensor",
           input=lambda grad, weight, input_shape, stride, padding, dilation, transposed, groups:
               _input_gradient(grad, weight, input_shape, stride, padding, dilation, transposed, groups),
           weight=lambda grad, input, weight_shape, stride, padding, dilation, transposed, groups:
               _weight_gradient(grad, input, weight_shape, stride, padding, dilation, transposed, groups),
           bias=lambda grad: T._channel_sums(grad))
def convolution(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """out = bias + convolution of input [N, C, *size] with weight [O, C/groups, *kernel]; transposed: weight [C, O/groups, *kernel]."""
    return _convolve(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups)


@primitive("_convolution_input(Tensor input, Tensor weight, int[] stride, int[] padding, int[] dilation, bool transposed, int[] output_padding, "
           "int groups) -> Tensor", ns=None, node="ConvolutionBackwardBackward0",
           input=lambda grad, weight, input_shape, stride, padding, dilation, transposed, groups:
               _input_gradient(grad, weight, input_shape, stride, padding, dilation, transposed, groups),
           weight=lambda grad, input, weight_shape, stride, padding, dilation, transposed, groups:
               _weight_gradient(grad, input, weight_shape, stride, padding, dilation, transposed, groups))
def _convolution_input(input, weight, stride, padding, dilation, transposed, output_padding, groups):
    """`convolution` without bias, as the gradient of another by its input: its node bears another name."""
    return _convolve(input, weight, None, stride, padding, dilation, transposed, output_padding, groups)


def _convolve(input, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    """By the kernel; where there is none for the dtype, as products of matrices."""
    if transposed:
        size = tuple(_transposed_size(input.shape[2:], weight.shape[2:], stride, padding, dilation, output_padding))
        out = kernels.transposed(input, weight, bias, stride, padding, dilation, size, groups)
    else:
        out = kernels.forward(input, weight, bias, stride, padding, dilation, groups)
    if out is not None:
        return out
    taps = groups * math.prod(weight.shape[1:])
    if transposed:
        out = _by_samples(lambda x: _correlate_transposed(x, weight, stride, padding, dilation, output_padding, groups), input,
                          taps * math.prod(input.shape[2:]))
    else:
        windows = [(size + 2 * p) // s for size, p, s in zip(input.shape[2:], padding, stride, strict=True)]      # or a little fewer
        out = _by_samples(lambda x: _correlate(x, weight, stride, padding, dilation, groups), input, taps * math.prod(windows))
    if bias is not None:
        out += bias.reshape(-1, *(1,) * len(stride))
    return out


def _windows_like(delta, input, weight, stride, padding, dilation, groups):
    """Convolve, and drop windows that `delta` has not: a transposed convolution may pad its output by more than a stride."""
    made = T.convolution(input, weight, None, stride, padding, dilation, False, (0,) * len(stride), groups)
    for d in range(2, made.dim()):
        if made.shape[d] != delta[d]:
            made = made.narrow(d, 0, delta[d])
    return made


@primitive("_convolution_weight(Tensor input, Tensor delta, int[] weight_shape, int[] stride, int[] padding, int[] dilation, int groups) -> Tensor",
           ns=None, node="ConvolutionBackwardBackward0",
           input=lambda grad, delta, input_shape, stride, padding, dilation, groups:
               _input_gradient(delta.conj(), grad.conj(), input_shape, stride, padding, dilation, False, groups),
           delta=lambda grad, input, delta_shape, stride, padding, dilation, groups:
               _windows_like(delta_shape, input.conj(), grad, stride, padding, dilation, groups))
def _convolution_weight(input, delta, weight_shape, stride, padding, dilation, groups):
    """The gradient of a convolution by its weight, from the input and the gradient `delta` of the output."""
    made = kernels.weight_gradient(input, delta, tuple(weight_shape), stride, padding, dilation, groups)
    if made is not None:
        return made
    kernel, out = tuple(weight_shape[2:]), delta.shape[2:]
    w = _windows(input, kernel, stride, padding, dilation)[(..., *map(slice, out))]
    cols = w.reshape(input.shape[0], groups, input.shape[1] // groups * math.prod(kernel), math.prod(out))
    return (_grouped(delta, groups) @ cols.swapaxes(2, 3)).sum(0).reshape(weight_shape)


# ---- checks
def _expand(values, n, name):
    if len(values) == 1:
        return tuple(values) * n
    if len(values) != n:
        raise RuntimeError(f"expected {name} to be a single integer value or a list of {n} values to match the convolution dimensions, but got "
                           f"{name}={list(values)}")
    return tuple(values)


_NAMES = {2: ("height", "width"), 3: ("depth", "height", "width")}


@functools.lru_cache(256)
def _geometry(input, weight, bias, dtype, weight_dtype, stride, padding, dilation, groups, transposed, output_padding):
    """What `convolution` takes after its tensors. Of these shapes: torch's errors, in its order, found once for every kind of call."""
    n = len(weight) - 2
    stride, dilation, output_padding = _expand(stride, n, "stride"), _expand(dilation, n, "dilation"), _expand(output_padding, n, "output_padding")
    padding = _expand(padding, n, "padding")
    if any(p < 0 for p in padding):
        raise RuntimeError("negative padding is not supported")
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if any(d < 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if any(o < 0 for o in output_padding):
        raise RuntimeError("negative output_padding is not supported")
    shape = list(weight)
    if len(weight) != len(input):
        raise RuntimeError(f"Expected {len(weight)}-dimensional input for {len(weight)}-dimensional weight {shape}, but got {len(input)}-dimensional "
                           f"input of size {list(input)} instead")
    if shape[0] < groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {shape} instead")
    if shape[0] % groups:
        raise RuntimeError(f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size [{shape}] "
                           "instead")
    channels = shape[0] if transposed else shape[1] * groups
    if input[1] != channels:
        what = f"transposed={int(transposed)}" if transposed else f"groups={groups}"
        raise RuntimeError(f"Given {what}, weight of size {shape}, expected input{list(input)} to have {channels} channels, but got {input[1]} "
                           "channels instead")
    filters = shape[1] * groups if transposed else shape[0]
    if bias is not None and bias != (filters,):
        head = "Given transposed=1, weight of size" if transposed else "Given weight of size"
        raise RuntimeError(f"{head} {shape}, expected bias to be 1-dimensional with {filters} elements, but got bias of size {list(bias)} instead")
    kernel, size = weight[2:], input[2:]
    if transposed:
        if any(o >= s and o >= d for o, s, d in zip(output_padding, stride, dilation, strict=True)):
            names = _NAMES[max(n, 2)]
            parts = [f"{what}_{side}: {v}" for what, values in (("output_padding", output_padding), ("stride", stride), ("dilation", dilation))
                     for side, v in zip(names, (*(0 if what == "output_padding" else 1,) * (len(names) - n), *values), strict=True)]
            raise RuntimeError(f"output padding must be smaller than either stride or dilation, but got {' '.join(parts)}")
        out = _transposed_size(size, kernel, stride, padding, dilation, output_padding)
        if any(o < 1 for o in out):
            raise RuntimeError(f"Given input size per channel: ({_by(size)}). Calculated output size per channel: ({_by(out)}). Output size is too small")
    else:
        padded = [i + 2 * p for i, p in zip(size, padding, strict=True)]
        extent = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
        if any(a < b for a, b in zip(padded, extent, strict=True)):
            raise RuntimeError(f"Calculated padded input size per channel: ({_by(padded)}). Kernel size: ({_by(extent)}). Kernel size can't be greater "
                               "than actual input size")
    _check_kernel(dilation, transposed)
    _check_dtypes(dtype, weight_dtype)
    return stride, padding, dilation, transposed, output_padding, groups


def _by(sizes):
    return " x ".join(map(str, sizes))


def _check_kernel(dilation, transposed):
    """What torch's kernels refuse, after the checks of shapes."""
    if 0 in dilation:
        sides = ", ".join(f"dilation_{side}: {d}" for side, d in zip(_NAMES[max(len(dilation), 2)], dilation, strict=True))
        raise RuntimeError(f"dilation should be greater than zero, but got {sides if transposed else list(dilation)}")


def _check_dtypes(dtype, weight_dtype):
    if dtype is not weight_dtype:
        if dtype.name == "bfloat16":
            raise RuntimeError("Input type (CPUBFloat16Type) and weight type (torch.FloatTensor) should be the same or input should be a MKLDNN tensor and "
                               "weight is a dense tensor")
        raise RuntimeError(f"expected scalar type {dtype.type_name} but found {weight_dtype.type_name}")
    if dtype.name == "bool":
        raise NotImplementedError("\"slow_conv2d_cpu\" not implemented for 'Bool'")


def _batched(x, n, name):
    """The input with a batch dim, and whether it had one."""
    if x.dim() not in (n + 1, n + 2):
        raise RuntimeError(f"Expected {n + 1}D (unbatched) or {n + 2}D (batched) input to {name}, but got input of size: {list(x.shape)}")
    return (x, True) if x.dim() == n + 2 else (x.unsqueeze(0), False)


def _run(n, name, x, weight, bias, stride, padding, dilation, groups, transposed=False, output_padding=(0,)):
    x, batched = _batched(x, n, name)
    if bias is not None and x.dtype is not bias.dtype and not transposed and not isinstance(padding, str):
        raise RuntimeError(f"Input type ({C_NAMES[x.dtype.name]}) and bias type ({C_NAMES[bias.dtype.name]}) should be the same")
    if weight.dim() < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if isinstance(padding, str):
        x, padding = _named_padding(x, weight, padding, stride, dilation)
    geometry = _geometry(x.shape, weight.shape, None if bias is None else bias.shape, x.dtype, weight.dtype, stride, padding, dilation, groups, transposed,
                         output_padding)
    out = (_complex if x.dtype.is_complex else T.convolution)(x, weight, bias, *geometry)
    return out if batched else out.squeeze(0)


def _complex(x, weight, bias, *geometry):
    """Three real convolutions (Gauss): (a - b) + i (c - a - b)."""
    bias_real, bias_sum = (None, None) if bias is None else (bias.real, bias.real + bias.imag)
    a = T.convolution(x.real, weight.real, bias_real, *geometry)
    b = T.convolution(x.imag, weight.imag, None, *geometry)
    c = T.convolution(x.real + x.imag, weight.real + weight.imag, bias_sum, *geometry)
    return a - b + 1j * (c - a - b)


@functools.cache
def _warn_of_copy():
    """torch: once in a process."""
    warnings.warn("Using padding='same' with even kernel lengths and odd dilation may require a zero-padded copy of the input be created", UserWarning,
                  stacklevel=5)


def _named_padding(x, weight, padding, stride, dilation):
    """`same` and `valid` as numbers; an odd total of `same` pads the input by one on the right first."""
    if weight.dim() != x.dim():
        # torch: without the space that the same text has elsewhere
        raise RuntimeError(f"Expected {weight.dim()}-dimensional input for {weight.dim()}-dimensional weight{list(weight.shape)}, but got "
                           f"{x.dim()}-dimensional input of size {list(x.shape)} instead")
    stride, dilation = _expand(stride, weight.dim() - 2, "stride"), _expand(dilation, weight.dim() - 2, "dilation")
    if padding == "valid":
        return x, (0,) * len(stride)
    if padding != "same":
        raise RuntimeError(f"Invalid padding string: '{padding}'")
    if any(s != 1 for s in stride):
        raise RuntimeError("padding='same' is not supported for strided convolutions")
    total = [d * (k - 1) for k, d in zip(weight.shape[2:], dilation, strict=True)]
    if any(t % 2 for t in total):
        _warn_of_copy()
        x = T.constant_pad_nd(x, [v for t in reversed(total) for v in (0, t % 2)], 0)
    return x, tuple(t // 2 for t in total)


# ---- the public functions
@composite("conv1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, int[1] padding=0, int[1] dilation=1, int groups=1) -> Tensor",
           "conv1d.padding(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, str padding=\"valid\", int[1] dilation=1, "
           "int groups=1) -> Tensor")
def conv1d(input, weight, bias, stride, padding, dilation, groups):
    """Convolution of input [N, C, L] or [C, L] with weight [O, C/groups, k]; source: LeCun et al. 1989."""
    return _run(1, "conv1d", input, weight, bias, stride, padding, dilation, groups)


@composite("conv2d(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] dilation=1, int groups=1) -> Tensor",
           "conv2d.padding(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, str padding=\"valid\", int[2] dilation=1, "
           "int groups=1) -> Tensor")
def conv2d(input, weight, bias, stride, padding, dilation, groups):
    """Convolution of input [N, C, H, W] or [C, H, W] with weight [O, C/groups, kh, kw]; source: LeCun et al. 1989."""
    return _run(2, "conv2d", input, weight, bias, stride, padding, dilation, groups)


@composite("conv3d(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, int[3] padding=0, int[3] dilation=1, int groups=1) -> Tensor",
           "conv3d.padding(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, str padding=\"valid\", int[3] dilation=1, "
           "int groups=1) -> Tensor")
def conv3d(input, weight, bias, stride, padding, dilation, groups):
    """Convolution of input [N, C, D, H, W] or [C, D, H, W] with weight [O, C/groups, kd, kh, kw]; source: LeCun et al. 1989."""
    return _run(3, "conv3d", input, weight, bias, stride, padding, dilation, groups)


@composite("conv_transpose1d(Tensor input, Tensor weight, Tensor? bias=None, int[1] stride=1, int[1] padding=0, int[1] output_padding=0, int groups=1, "
           "int[1] dilation=1) -> Tensor")
def conv_transpose1d(input, weight, bias, stride, padding, output_padding, groups, dilation):
    """The gradient of conv1d as a function of its own: input [N, C, L], weight [C, O/groups, k]."""
    return _run(1, "conv_transpose1d", input, weight, bias, stride, padding, dilation, groups, True, output_padding)


@composite("conv_transpose2d.input(Tensor input, Tensor weight, Tensor? bias=None, int[2] stride=1, int[2] padding=0, int[2] output_padding=0, "
           "int groups=1, int[2] dilation=1) -> Tensor")
def conv_transpose2d(input, weight, bias, stride, padding, output_padding, groups, dilation):
    """The gradient of conv2d as a function of its own: input [N, C, H, W], weight [C, O/groups, kh, kw]."""
    return _run(2, "conv_transpose2d", input, weight, bias, stride, padding, dilation, groups, True, output_padding)


@composite("conv_transpose3d.input(Tensor input, Tensor weight, Tensor? bias=None, int[3] stride=1, int[3] padding=0, int[3] output_padding=0, "
           "int groups=1, int[3] dilation=1) -> Tensor")
def conv_transpose3d(input, weight, bias, stride, padding, output_padding, groups, dilation):
    """The gradient of conv3d as a function of its own: input [N, C, D, H, W], weight [C, O/groups, kd, kh, kw]."""
    return _run(3, "conv_transpose3d", input, weight, bias, stride, padding, dilation, groups, True, output_padding)


def _tbc(x, weight, pad):
    """conv_tbc's input and weight in the order that `convolution` takes."""
    return x.permute(1, 2, 0), weight.permute(2, 1, 0), ((1,), (pad,), (1,))


def _tbc_input(grad, weight, self_shape, pad):
    steps, _, b = self_shape[0], self_shape[2], grad.permute(1, 2, 0)
    made = _input_gradient(b, weight.permute(2, 1, 0), (self_shape[1], self_shape[2], steps), (1,), (pad,), (1,), False, 1)
    return made.permute(2, 0, 1)


def _tbc_weight(grad, x, weight_shape, pad):
    shape = (weight_shape[2], weight_shape[1], weight_shape[0])
    made = T._convolution_weight(x.permute(1, 2, 0), grad.permute(1, 2, 0), shape, (1,), (pad,), (1,), 1)
    return made.permute(2, 1, 0)


@primitive("conv_tbc(Tensor self, Tensor weight, Tensor bias, int pad=0) -> Tensor",
           self=lambda grad, weight, self_shape, pad: _tbc_input(grad, weight, self_shape, pad),
           weight=lambda grad, self, weight_shape, pad: _tbc_weight(grad, self, weight_shape, pad),
           bias=lambda grad: grad.sum([0, 1]))
def conv_tbc(self, weight, bias, pad):
    """Convolution over time of input [T, B, C] with weight [k, C, O] and bias [O]."""
    if self.ndim != 3:
        raise RuntimeError("Input must have 3 dims: time, batch, in_channel")
    if weight.ndim != 3:
        raise RuntimeError("Weight tensor must have 3 dims: kernel_width, in_channels, out_channels.")
    if bias.ndim != 1:
        raise RuntimeError("Bias must be 1-D")
    if self.shape[2] != weight.shape[1]:
        raise RuntimeError("Input dim 2 (input channels) is not == dim 1 in the weight tensor")
    if bias.shape[0] != weight.shape[2]:
        raise RuntimeError("Bias size must equal dim 2 in the weight tensor (output channels).")
    out = _correlate(self.transpose(1, 2, 0), weight.transpose(2, 1, 0), (1,), (pad,), (1,), 1)
    return np.ascontiguousarray(out.transpose(2, 0, 1)) + bias


# ---- patches
def _pairs(**values):
    """Each as two ints."""
    for name, v in values.items():
        if len(v) not in (1, 2):
            raise RuntimeError(f"It is expected {name} equals to 2, but got size {len(v)}")
    return [tuple(v) * 2 if len(v) == 1 else tuple(v) for v in values.values()]


def _paren(values):
    return "(" + ", ".join(map(str, values)) + ")"


def _blocks(size, kernel, stride, padding, dilation):
    return [(s + 2 * p - d * (k - 1) - 1) // t + 1 for s, k, t, p, d in zip(size, kernel, stride, padding, dilation, strict=True)]


def _check_patches(kernel, dilation, padding, stride):
    for name, values in (("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if min(values) <= 0:
            raise RuntimeError(f"{name}{' size' if name == 'kernel' else ''} should be greater than zero, but got {name}_height: {values[0]} "
                               f"{name}_width: {values[1]}")
    if min(padding) < 0:
        raise RuntimeError(f"padding should be non-negative, but got pad_height: {padding[0]} pad_width: {padding[1]}")


@primitive("im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor", ns=None, half=False,
           node="Im2ColBackward0", jvp="linear",
           self=lambda grad, self_shape, kernel_size, dilation, padding, stride:
               T.col2im(grad, tuple(self_shape[-2:]), kernel_size, dilation, padding, stride))
def im2col(self, kernel_size, dilation, padding, stride):
    """The windows of [N, C, H, W] as columns [N, C kh kw, number of windows]."""
    kernel, dilation, padding, stride = _pairs(kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)
    _check_patches(kernel, dilation, padding, stride)
    if self.ndim < 3:
        normalize_dim(2, self.ndim)          # torch: an IndexError comes first
    if self.ndim not in (3, 4) or 0 in self.shape[-3:]:
        raise RuntimeError("Expected 3D or 4D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but got: "
                           f"{list(self.shape)}")
    x = self if self.ndim == 4 else self[None]
    blocks = _blocks(x.shape[2:], kernel, stride, padding, dilation)
    if min(blocks) < 1:
        raise RuntimeError(f"Given input with spatial size {_paren(x.shape[2:])}, kernel_size={_paren(kernel)}, dilation={_paren(dilation)}, "
                           f"padding={_paren(padding)}, calculated shape of the array of sliding blocks as {_paren(blocks)}, but its components must "
                           "be at least one.")
    w = _windows(x, kernel, stride, padding, dilation)
    out = w.reshape(x.shape[0], x.shape[1] * math.prod(kernel), math.prod(blocks))
    return out if self.ndim == 4 else out[0]


@primitive("col2im(Tensor self, int[2] output_size, int[2] kernel_size, int[2] dilation, int[2] padding, int[2] stride) -> Tensor", ns=None,
           node="Col2ImBackward0", jvp="linear",
           self=lambda grad, kernel_size, dilation, padding, stride: T.im2col(grad, kernel_size, dilation, padding, stride))
def col2im(self, output_size, kernel_size, dilation, padding, stride):
    """The sum of columns [N, C kh kw, number of windows] at their places in [N, C, H, W]."""
    size, kernel, dilation, padding, stride = _pairs(output_size=output_size, kernel_size=kernel_size, dilation=dilation, padding=padding,
                                                      stride=stride)
    _check_patches(kernel, dilation, padding, stride)
    if self.ndim not in (2, 3) or 0 in self.shape[-2:]:
        raise RuntimeError("Expected 2D or 3D (batch mode) tensor for input with possibly 0 batch size and non-zero dimensions for input, but got: "
                           f"{list(self.shape)}")
    x = self if self.ndim == 3 else self[None]
    area = math.prod(kernel)
    if x.shape[1] % area:
        raise RuntimeError(f"Expected size of input's dimension 1 to be divisible by the product of kernel_size, but got input.size(1)={x.shape[1]} "
                           f"and kernel_size={_paren(kernel)}.")
    blocks = _blocks(size, kernel, stride, padding, dilation)
    given = f"Given output_size={_paren(size)}, kernel_size={_paren(kernel)}, dilation={_paren(dilation)}, padding={_paren(padding)}, "
    if x.shape[2] != math.prod(blocks):
        raise RuntimeError(f"{given}stride={_paren(stride)}, expected size of input's dimension 2 to match the calculated number of sliding blocks "
                           f"{blocks[0]} * {blocks[1]} = {math.prod(blocks)}, but got input.size(2)={x.shape[2]}.")
    if min(blocks) < 1:
        raise RuntimeError(f"{given}stride={_paren(stride)}, calculated shape of the array of sliding blocks as {_paren(blocks)}, which is too small "
                           "(non-positive)")
    out = _add_windows(x.reshape(x.shape[0], x.shape[1] // area, *kernel, *blocks), size, stride, padding, dilation)
    return out if self.ndim == 3 else out[0]
