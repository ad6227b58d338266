"""The functional interface: thin Python over the ops; the losses, resampling and attention are in modules of their own."""
import math
import warnings
from itertools import repeat
from types import FunctionType

from ..core import OPS, T
from ..core.bind import bind
from ..overrides import handle_torch_function, has_torch_function, has_torch_function_unary, has_torch_function_variadic  # noqa: F401
from ._attention import (  # noqa: F401
    _canonical_mask,
    _in_projection,
    _in_projection_packed,
    _mha_shape_check,
    _none_or_dtype,
    multi_head_attention_forward,
)
from ._loss import (  # noqa: F401
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_embedding_loss,
    cross_entropy,
    ctc_loss,
    gaussian_nll_loss,
    hinge_embedding_loss,
    huber_loss,
    kl_div,
    l1_loss,
    linear_cross_entropy,
    margin_ranking_loss,
    mse_loss,
    multi_margin_loss,
    multilabel_margin_loss,
    multilabel_soft_margin_loss,
    nll_loss,
    poisson_nll_loss,
    smooth_l1_loss,
    soft_margin_loss,
    triplet_margin_loss,
    triplet_margin_with_distance_loss,
)
from ._override import overridable
from ._resample import affine_grid, grid_sample, interpolate, upsample, upsample_bilinear, upsample_nearest  # noqa: F401

#: Functions that are ops as they stand.
_SAME = ("conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d conv_tbc avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d "
         "threshold_ relu_ hardtanh_ elu_ selu_ celu_ leaky_relu_ prelu rrelu_ gelu hardshrink softplus softshrink linear bilinear pixel_shuffle "
         "pixel_unshuffle channel_shuffle native_channel_shuffle pairwise_distance pdist cosine_similarity one_hot scaled_dot_product_attention")

bind("nn.functional", globals())
for _name in _SAME.split():
    if _name.removesuffix("_") in OPS or _name in OPS:
        globals()[_name] = getattr(T, _name)
if "log_sigmoid" in OPS:
    logsigmoid = T.log_sigmoid


def _times(value, n):
    """An int as a tuple of n."""
    return tuple(value) if isinstance(value, (tuple, list)) else tuple(repeat(value, n))


# ---- pooling
def _by_indices(with_indices, plain, name):
    """A pooling function that gives (values, indices) when `return_indices` is true."""
    position = with_indices.__code__.co_varnames.index("return_indices")

    def chosen(*args, **kwargs):
        wanted = kwargs["return_indices"] if "return_indices" in kwargs else len(args) > position and args[position]
        return (with_indices if wanted else plain)(*args, **kwargs)
    chosen.__name__ = chosen.__qualname__ = name
    chosen.__doc__ = plain.__doc__
    return chosen


def max_pool1d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Maxima over windows of [N, C, L], and their indices."""
    return T.max_pool1d_with_indices(input, kernel_size, () if stride is None else stride, padding, dilation, ceil_mode)


def _max_pool1d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Maxima over windows of [N, C, L] or [C, L]."""
    return T.max_pool1d(input, kernel_size, () if stride is None else stride, padding, dilation, ceil_mode)


def max_pool2d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Maxima over windows of [N, C, H, W], and their flat indices."""
    return T.max_pool2d_with_indices(input, kernel_size, () if stride is None else stride, padding, dilation, ceil_mode)


def _max_pool2d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Maxima over windows of [N, C, H, W] or [C, H, W]."""
    return T.max_pool2d(input, kernel_size, () if stride is None else stride, padding, dilation, ceil_mode)


def max_pool3d_with_indices(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Maxima over windows of [N, C, D, H, W], and their flat indices."""
    return T.max_pool3d_with_indices(input, kernel_size, () if stride is None else stride, padding, dilation, ceil_mode)


def _max_pool3d(input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False):
    """Maxima over windows of [N, C, D, H, W] or [C, D, H, W]."""
    return T.max_pool3d(input, kernel_size, () if stride is None else stride, padding, dilation, ceil_mode)


def adaptive_max_pool1d_with_indices(input, output_size, return_indices=False):
    """Maxima over `output_size` windows of [N, C, L], and their indices."""
    return T.adaptive_max_pool1d(input, output_size)


def _adaptive_max_pool1d(input, output_size, return_indices=False):
    """Maxima over `output_size` windows of [N, C, L] or [C, L]."""
    return T.adaptive_max_pool1d(input, output_size)[0]


def _output_size(output_size, input, n):
    """None stands for the input's size."""
    if not isinstance(output_size, (tuple, list)):
        return output_size
    if input.dim() <= len(output_size):
        raise ValueError(f"Input dimension should be at least {len(output_size) + 1}")
    return tuple(have if want is None else want for want, have in zip(output_size, input.shape[-len(output_size):], strict=False))


def adaptive_max_pool2d_with_indices(input, output_size, return_indices=False):
    """Maxima over `output_size` windows of [N, C, H, W], and their flat indices."""
    return T.adaptive_max_pool2d(input, _output_size(output_size, input, 2))


def _adaptive_max_pool2d(input, output_size, return_indices=False):
    """Maxima over `output_size` windows of [N, C, H, W] or [C, H, W]."""
    return adaptive_max_pool2d_with_indices(input, output_size)[0]


def adaptive_max_pool3d_with_indices(input, output_size, return_indices=False):
    """Maxima over `output_size` windows of [N, C, D, H, W], and their flat indices."""
    return T.adaptive_max_pool3d(input, _output_size(output_size, input, 3))


def _adaptive_max_pool3d(input, output_size, return_indices=False):
    """Maxima over `output_size` windows of [N, C, D, H, W] or [C, D, H, W]."""
    return adaptive_max_pool3d_with_indices(input, output_size)[0]


def adaptive_avg_pool2d(input, output_size):
    """Means over `output_size` windows of [N, C, H, W] or [C, H, W]."""
    return T.adaptive_avg_pool2d(input, _output_size(output_size, input, 2))


def adaptive_avg_pool3d(input, output_size):
    """Means over `output_size` windows of [N, C, D, H, W] or [C, D, H, W]."""
    return T.adaptive_avg_pool3d(input, _output_size(output_size, input, 3))


def _fractional(input, kernel_size, output_size, output_ratio, _random_samples, n):
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if output_size is None:
        if len(output_ratio) > n:
            raise ValueError(f"{name} requires output_ratio to either be a single Int or tuple of Ints.")
        output_size = [int(s * r) for s, r in zip(input.shape[-n:], _times(output_ratio, n), strict=True)]
    if _random_samples is None:
        batch = 1 if input.dim() == n + 1 else input.shape[0]
        _random_samples = T.rand(batch, input.shape[-n - 1], n, dtype=input.dtype)
    return (T.fractional_max_pool2d if n == 2 else T.fractional_max_pool3d)(input, kernel_size, output_size, _random_samples)


def fractional_max_pool2d_with_indices(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """Maxima over windows at random places of [N, C, H, W], and their flat indices; source: Graham 2014."""
    return _fractional(input, kernel_size, output_size, output_ratio, _random_samples, 2)


def _fractional_max_pool2d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """Maxima over windows at random places of [N, C, H, W]; source: Graham 2014."""
    return _fractional(input, kernel_size, output_size, output_ratio, _random_samples, 2)[0]


def fractional_max_pool3d_with_indices(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """Maxima over windows at random places of [N, C, D, H, W], and their flat indices; source: Graham 2014."""
    return _fractional(input, kernel_size, output_size, output_ratio, _random_samples, 3)


def _fractional_max_pool3d(input, kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples=None):
    """Maxima over windows at random places of [N, C, D, H, W]; source: Graham 2014."""
    return _fractional(input, kernel_size, output_size, output_ratio, _random_samples, 3)[0]


max_pool1d = _by_indices(max_pool1d_with_indices, _max_pool1d, "max_pool1d")
max_pool2d = _by_indices(max_pool2d_with_indices, _max_pool2d, "max_pool2d")
max_pool3d = _by_indices(max_pool3d_with_indices, _max_pool3d, "max_pool3d")
adaptive_max_pool1d = _by_indices(adaptive_max_pool1d_with_indices, _adaptive_max_pool1d, "adaptive_max_pool1d")
adaptive_max_pool2d = _by_indices(adaptive_max_pool2d_with_indices, _adaptive_max_pool2d, "adaptive_max_pool2d")
adaptive_max_pool3d = _by_indices(adaptive_max_pool3d_with_indices, _adaptive_max_pool3d, "adaptive_max_pool3d")
fractional_max_pool2d = _by_indices(fractional_max_pool2d_with_indices, _fractional_max_pool2d, "fractional_max_pool2d")
fractional_max_pool3d = _by_indices(fractional_max_pool3d_with_indices, _fractional_max_pool3d, "fractional_max_pool3d")


def _unpool_geometry(input, kernel_size, stride, padding, output_size, n):
    """stride, padding and output size of max_unpool as tuples."""
    kernel, padding = _times(kernel_size, n), _times(padding, n)
    stride = kernel if stride is None else _times(stride, n)
    default = [(size - 1) * s + k - 2 * p for size, s, k, p in zip(input.shape[-n:], stride, kernel, padding, strict=True)]
    if output_size is None:
        return stride, padding, default
    if len(output_size) == n + 2:
        output_size = output_size[2:]
    if len(output_size) != n:
        raise ValueError(f"output_size should be a sequence containing {n} or {n + 2} elements, but it has a length of '{len(output_size)}'")
    for d in range(n):
        low, high = default[d] - stride[d], default[d] + stride[d]
        if not low < output_size[d] < high:
            raise ValueError(f'invalid output_size "{output_size}" (dim {d} must be between {low} and {high})')
    return stride, padding, output_size


def max_unpool1d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The maxima of max_pool1d back at their places, among zeros."""
    _, _, size = _unpool_geometry(input, kernel_size, stride, padding, output_size, 1)
    return T.max_unpool2d(input.unsqueeze(-1), indices.unsqueeze(-1), [*size, 1]).squeeze(-1)


def max_unpool2d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The maxima of max_pool2d back at their places, among zeros."""
    _, _, size = _unpool_geometry(input, kernel_size, stride, padding, output_size, 2)
    return T.max_unpool2d(input, indices, size)


def max_unpool3d(input, indices, kernel_size, stride=None, padding=0, output_size=None):
    """The maxima of max_pool3d back at their places, among zeros."""
    stride, padding, size = _unpool_geometry(input, kernel_size, stride, padding, output_size, 3)
    return T.max_unpool3d(input, indices, size, stride, padding)


def _power_mean_pool(pooled, norm_type, count):
    """(count * mean of p-th powers)^(1/p), where the powers' mean is `pooled`."""
    return (pooled.sign() * pooled.abs().relu() * count) ** (1.0 / norm_type)


def lp_pool1d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of each window of [N, C, L]."""
    pooled = T.avg_pool1d(input ** norm_type, kernel_size, () if stride is None else stride, 0, ceil_mode)
    return ((pooled.sign() * pooled.abs().relu()) * kernel_size) ** (1.0 / norm_type)


def lp_pool2d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of each window of [N, C, H, W]."""
    pooled = T.avg_pool2d(input ** norm_type, kernel_size, () if stride is None else stride, 0, ceil_mode)
    return _power_mean_pool(pooled, norm_type, math.prod(_times(kernel_size, 2)))


def lp_pool3d(input, norm_type, kernel_size, stride=None, ceil_mode=False):
    """The p-norm of each window of [N, C, D, H, W]."""
    pooled = T.avg_pool3d(input ** norm_type, kernel_size, () if stride is None else stride, 0, ceil_mode)
    return _power_mean_pool(pooled, norm_type, math.prod(_times(kernel_size, 3)))


# ---- dropout
def _check_p(p):
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input, p=0.5, training=True, inplace=False):
    """Zeros with probability p, the rest over 1 - p; source: Hinton et al. 2012."""
    _check_p(p)
    return (T.dropout_ if inplace else T.dropout)(input, p, training)


def alpha_dropout(input, p=0.5, training=False, inplace=False):
    """Dropout that keeps mean and variance of selu's outputs; source: Klambauer et al. 2017."""
    _check_p(p)
    return (T.alpha_dropout_ if inplace else T.alpha_dropout)(input, p, training)


def feature_alpha_dropout(input, p=0.5, training=False, inplace=False):
    """alpha_dropout of whole channels."""
    _check_p(p)
    return (T.feature_alpha_dropout_ if inplace else T.feature_alpha_dropout)(input, p, training)


def dropout1d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of [N, C, L] or [C, L]."""
    _check_p(p)
    if input.dim() not in (2, 3):
        raise RuntimeError(f"dropout1d: Expected 2D or 3D input, but received a {input.dim()}D input. Note that dropout1d exists to provide channel-wise "
                           "dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs).")
    batched = input.dim() == 3
    if not batched:
        input = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    out = (T.feature_dropout_ if inplace else T.feature_dropout)(input, p, training)
    return out if batched else out.squeeze_(0) if inplace else out.squeeze(0)


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of [N, C, H, W]."""
    _check_p(p)
    if input.dim() not in (3, 4):
        warnings.warn(f"dropout2d: Received a {input.dim()}-D input to dropout2d, which is deprecated and will result in an error in a future release. To "
                      "retain the behavior and silence this warning, please use dropout instead. Note that dropout2d exists to provide channel-wise "
                      "dropout on inputs with 2 spatial dimensions, a channel dimension, and an optional batch dimension (i.e. 3D or 4D inputs).",
                      stacklevel=3)
    if input.dim() == 3:
        warnings.warn("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise 1D dropout behavior is desired - input is interpreted as "
                      "shape (N, C, L), where C is the channel dim. This behavior will change in a future release to interpret the input as one without a "
                      "batch dimension, i.e. shape (C, H, W). To maintain the 1D channel-wise dropout behavior, please switch to using dropout1d instead.",
                      stacklevel=3)
    return (T.feature_dropout_ if inplace else T.feature_dropout)(input, p, training)


def dropout3d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels of [N, C, D, H, W] or [C, D, H, W]."""
    _check_p(p)
    if input.dim() not in (4, 5):
        warnings.warn(f"dropout3d: Received a {input.dim()}-D input to dropout3d, which is deprecated and will result in an error in a future release. To "
                      "retain the behavior and silence this warning, please use dropout instead. Note that dropout3d exists to provide channel-wise "
                      "dropout on inputs with 3 spatial dimensions, a channel dimension, and an optional batch dimension (i.e. 4D or 5D inputs).",
                      stacklevel=3)
    batched = input.dim() == 5
    if not batched:
        input = input.unsqueeze_(0) if inplace else input.unsqueeze(0)
    out = (T.feature_dropout_ if inplace else T.feature_dropout)(input, p, training)
    return out if batched else out.squeeze_(0) if inplace else out.squeeze(0)


# ---- activations
def threshold(input, threshold, value, inplace=False):
    """x where x > threshold, else value."""
    return (T.threshold_ if inplace else T.threshold)(input, threshold, value)


_threshold = threshold


def relu(input, inplace=False):
    """max(0, x)."""
    return (T.relu_ if inplace else T.relu)(input)


def glu(input, dim=-1):
    """a sigmoid(b) for the halves a, b of x along `dim`; source: Dauphin et al. 2016."""
    if input.dim() == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    return T.glu(input, dim)


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False):
    """x clipped to [min_val, max_val]."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return (T.hardtanh_ if inplace else T.hardtanh)(input, min_val, max_val)


def relu6(input, inplace=False):
    """min(max(0, x), 6)."""
    return (T.relu6_ if inplace else T.relu6)(input)


def elu(input, alpha=1.0, inplace=False):
    """x where x > 0, else alpha (exp(x) - 1); source: Clevert et al. 2015."""
    return (T.elu_ if inplace else T.elu)(input, alpha)


def selu(input, inplace=False):
    """elu scaled to keep mean 0 and variance 1; source: Klambauer et al. 2017."""
    return (T.selu_ if inplace else T.selu)(input)


def celu(input, alpha=1.0, inplace=False):
    """max(0, x) + min(0, alpha (exp(x / alpha) - 1)); source: Barron 2017."""
    return (T.celu_ if inplace else T.celu)(input, alpha)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """x where x > 0, else negative_slope x; source: Maas et al. 2013."""
    return (T.leaky_relu_ if inplace else T.leaky_relu)(input, negative_slope)


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False):
    """leaky_relu with a random slope in training; source: Xu et al. 2015."""
    return (T.rrelu_ if inplace else T.rrelu)(input, lower, upper, training)


def tanhshrink(input):
    """x - tanh(x)."""
    return input - input.tanh()


def softsign(input):
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


def tanh(input):
    """tanh(x)."""
    return input.tanh()


def sigmoid(input):
    """1 / (1 + exp(-x))."""
    return input.sigmoid()


def hardsigmoid(input, inplace=False):
    """relu6(x + 3) / 6."""
    return (T.hardsigmoid_ if inplace else T.hardsigmoid)(input)


def silu(input, inplace=False):
    """x sigmoid(x); source: Hendrycks and Gimpel 2016."""
    return (T.silu_ if inplace else T.silu)(input)


def mish(input, inplace=False):
    """x tanh(softplus(x)); source: Misra 2019."""
    return (T.mish_ if inplace else T.mish)(input)


def hardswish(input, inplace=False):
    """x relu6(x + 3) / 6; source: Howard et al. 2019."""
    return (T.hardswish_ if inplace else T.hardswish)(input)


def _get_softmax_dim(name, ndim, stacklevel):
    """The dim that softmax took before it had to be said."""
    warnings.warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.", stacklevel=stacklevel + 1)
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input, dim=None, _stacklevel=3, dtype=None):
    """exp(x) / sum exp(x) along `dim`."""
    if dim is None:
        dim = _get_softmax_dim("softmax", input.dim(), _stacklevel)
    return input.softmax(dim) if dtype is None else input.softmax(dim, dtype=dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None):
    """softmax(-x)."""
    if dim is None:
        dim = _get_softmax_dim("softmin", input.dim(), _stacklevel)
    return (-input).softmax(dim) if dtype is None else (-input).softmax(dim, dtype=dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None):
    """x - log sum exp(x) along `dim`."""
    if dim is None:
        dim = _get_softmax_dim("log_softmax", input.dim(), _stacklevel)
    return input.log_softmax(dim) if dtype is None else input.log_softmax(dim, dtype=dtype)


def gumbel_softmax(logits, tau=1, hard=False, eps=1e-10, dim=-1):
    """softmax((logits + g) / tau) with g drawn from Gumbel(0, 1); `hard`: one-hot, with the soft gradient; source: Jang et al. 2016."""
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", stacklevel=3)
    gumbels = -T.empty_like(logits, memory_format=None).exponential_().log()
    soft = ((logits + gumbels) / tau).softmax(dim)
    if not hard:
        return soft
    index = soft.max(dim, keepdim=True)[1]
    return T.zeros_like(logits).scatter_(dim, index, 1.0) - soft.detach() + soft


# ---- embedding
def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """Rows of `weight` [V, D] at `input` [*], as [*, D]; `max_norm` first scales the picked rows down, in place."""
    if padding_idx is None:
        padding_idx = -1
    elif padding_idx > 0:
        if padding_idx >= weight.shape[0]:
            raise AssertionError("Padding_idx must be within num_embeddings")
    elif padding_idx < 0:
        if padding_idx < -weight.shape[0]:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx += weight.shape[0]
    if max_norm is not None:
        input = input.contiguous()
        _no_grad_embedding_renorm_(weight, input, max_norm, norm_type)
    return T.embedding(weight, input, padding_idx, scale_grad_by_freq, sparse)


def _no_grad_embedding_renorm_(weight, input, max_norm, norm_type):
    T.embedding_renorm_(weight.detach(), input, max_norm, norm_type)


_BAG_MODES = {"sum": 0, "mean": 1, "max": 2}


def embedding_bag(input, weight, offsets=None, max_norm=None, norm_type=2, scale_grad_by_freq=False, mode="mean", sparse=False,
                  per_sample_weights=None, include_last_offset=False, padding_idx=None):
    """Sums, means or maxima of the rows of each bag: a row of a 2-dim input, or what lies between `offsets` of a 1-dim one."""
    if per_sample_weights is not None and input.shape != per_sample_weights.shape:
        raise ValueError(f"embedding_bag: If per_sample_weights ({per_sample_weights.shape}) is not None, then it must have the same shape as the input "
                         f"({input.shape})")
    if not weight.dim() == 2:
        raise ValueError(f"weight has to be a 2D Tensor, but got Tensor of dimension {weight.dim()}")
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. However, found "
                             f"offsets of type {type(offsets)}")
        offsets = T._row_starts(input)
        input = input.reshape(-1)
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
    elif input.dim() != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    elif offsets is None or offsets.dim() != 1:
        raise ValueError("offsets has to be a 1D Tensor but got None" if offsets is None else "offsets has to be a 1D Tensor")
    if mode not in _BAG_MODES:
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max":
        if scale_grad_by_freq:
            raise ValueError("max mode does not support scaling the gradient by the frequency")
        if sparse:
            raise ValueError("max mode does not support sparse weights")
    if max_norm is not None:
        _no_grad_embedding_renorm_(weight, input, max_norm, norm_type)
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError(f"embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode='{mode}'). "
                                  "Please open a feature request on GitHub.")
    return T._bag_values(weight, input, offsets, scale_grad_by_freq, _BAG_MODES[mode], sparse, per_sample_weights, include_last_offset, padding_idx)


# ---- normalization
def _verify_batch_size(size):
    count = math.prod(size[2:]) * size[0]
    if count == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def _verify_spatial_size(size):
    if math.prod(size[2:]) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {size}")


def batch_norm(input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    """y = w (x - m) / sqrt(v + eps) + b per channel of [N, C, *]; source: Ioffe and Szegedy 2015."""
    if training:
        _verify_batch_size(input.shape)
    if eps <= 0.0 if training else eps < 0.0:
        raise ValueError(f"batch_norm eps must be {'positive during training' if training else 'non-negative'}, but got {eps}")
    return T.batch_norm(input, weight, bias, running_mean, running_var, training, momentum, eps, True)


def instance_norm(input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    """batch_norm of each sample on its own; source: Ulyanov et al. 2016."""
    if use_input_stats:
        _verify_spatial_size(input.shape)
    return T.instance_norm(input, weight, bias, running_mean, running_var, use_input_stats, momentum, eps, True)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """y = w (x - m) / sqrt(v + eps) + b over the last dims; source: Ba et al. 2016."""
    return T.layer_norm(input, normalized_shape, weight, bias, eps, True)


def rms_norm(input, normalized_shape, weight=None, eps=None):
    """y = w x / sqrt(mean(x^2) + eps) over the last dims; source: Zhang and Sennrich 2019."""
    return T.rms_norm(input, normalized_shape, weight, eps)


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """y = w (x - m) / sqrt(v + eps) + b over groups of channels; source: Wu and He 2018."""
    if input.dim() < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {input.dim()}")
    if math.prod((input.shape[0] * input.shape[1] // num_groups, num_groups, *input.shape[2:])) == num_groups:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {list(input.shape)}")
    return T.group_norm(input, num_groups, weight, bias, eps, True)


def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0):
    """x / (k + alpha mean of x^2 over `size` neighbouring channels)^beta; source: Krizhevsky et al. 2012."""
    dim = input.dim()
    if dim < 3:
        # torch: the gap is in its text
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {dim} dimensions)")
    if input.numel() == 0:
        return input
    squares = input.square().unsqueeze(1)
    if dim == 3:
        squares = pad(squares, (0, 0, size // 2, (size - 1) // 2))
        mean = T.avg_pool2d(squares, (size, 1), stride=1).squeeze(1)
    else:
        sizes = input.shape
        squares = squares.view(sizes[0], 1, sizes[1], sizes[2], -1)
        squares = pad(squares, (0, 0, 0, 0, size // 2, (size - 1) // 2))
        mean = T.avg_pool3d(squares, (size, 1, 1), stride=1).squeeze(1).view(sizes)
    return input / (mean * alpha + k) ** beta


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None):
    """x / max(|x|_p, eps) along `dim`."""
    norm = input.norm(p, dim, keepdim=True).clamp_min(eps).expand_as(input)
    return input / norm if out is None else T.div(input, norm, out=out)


# ---- shape
def pad(input, pad, mode="constant", value=None):
    """Values around the last dims, last dim first: (left, right, top, bottom, ...)."""
    return T.pad(input, pad, mode, value)


def assert_int_or_pair(arg, arg_name, message):
    """AssertionError unless `arg` is an int or a pair."""
    if not (isinstance(arg, int) or len(arg) == 2):
        raise AssertionError(message.format(arg_name))


def unfold(input, kernel_size, dilation=1, padding=0, stride=1):
    """The windows of [N, C, H, W] as columns [N, C kh kw, number of windows]."""
    return T.im2col(input, _times(kernel_size, 2), _times(dilation, 2), _times(padding, 2), _times(stride, 2))


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1):
    """The sum of columns [N, C kh kw, number of windows] at their places in [N, C, *output_size]."""
    return T.col2im(input, *[_times(v, 2) for v in (output_size, kernel_size, dilation, padding, stride)])


for _name, _value in list(globals().items()):
    if isinstance(_value, FunctionType) and not _name.startswith("_") and "torch_function" not in _name and _value not in (bind, overridable):
        globals()[_name] = overridable(_value)
