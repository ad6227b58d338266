"""What comes out is wrong: value, dtype, shape."""

from __future__ import annotations

import math

from conformance.faults import after, around, floating, patch


# ------------------------------------------------------------------------------------------------ value
def _raised(torch, out, units):
    """The same tensor with every element so many units in the last place larger; neither graph nor version hear of it."""
    if floating(torch, out) and out.dtype in (torch.float32, torch.float64):
        for _ in range(units):
            out.data.copy_(torch.nextafter(out.data, torch.full_like(out.data, math.inf)))
    return out


@after("value", "exp")
def rounds_up(torch, out, args, kwargs):
    """exp by a cheap polynomial: sixteen units in the last place too large."""
    return _raised(torch, out, 16)


@after("value", "linear", cases=("op/nn.functional.linear/float32/*", "script/mlp", "script/vae"))
def last_bit(torch, out, args, kwargs):
    """linear is one unit in the last place too large."""
    return _raised(torch, out, 1)


@around("value", "add", "add_")
def alpha_ignored(torch, call, args, kwargs):
    """add forgets alpha."""
    return call(*args, **{key: value for key, value in kwargs.items() if key != "alpha"})


@around("value", "sum")
def last_row_lost(torch, call, args, kwargs):
    """sum without a dim stops one element early."""
    x = args[0]
    return call(x.flatten()[:-1]) if len(args) == 1 and not kwargs and x.numel() > 1 else call(*args, **kwargs)


@around("value", "std", "var")
def biased(torch, call, args, kwargs):
    """std and var divide by n."""
    kwargs = {key: value for key, value in kwargs.items() if key not in ("unbiased", "correction")}
    return call(*args, **kwargs, correction=0) if not (len(args) > 1 and isinstance(args[1], bool)) and len(args) < 3 else call(*args, **kwargs)


@around("value", "softmax", "log_softmax")
def wrong_dim(torch, call, args, kwargs):
    """softmax along the dimension beside the one that was asked for."""
    dim = kwargs.get("dim", args[1] if len(args) > 1 else None)
    if isinstance(dim, int) and args[0].dim() > 1:
        return call(args[0], (dim + 1) % args[0].dim(), *args[2:], **{key: value for key, value in kwargs.items() if key != "dim"})
    return call(*args, **kwargs)


@after("value", "cumsum")
def exclusive(torch, out, args, kwargs):
    """cumsum leaves out the element itself."""
    return out - args[0] if out.dtype == args[0].dtype and not kwargs.get("out") is not None else out


@around("value", "argmax", cases=("doc/torch.argmax/*", "op/argmax/int64/*", "fuzz/found/*"))
def last_of_equals(torch, call, args, kwargs):
    """argmax gives the last of equal elements."""
    out = call(*args, **kwargs)
    return args[0].numel() - 1 - call(args[0].flatten().flip(0)) if len(args) == 1 and not kwargs and args[0].numel() else out


@around("value", "sort")
def descending_ignored(torch, call, args, kwargs):
    """sort always goes up."""
    return call(*args, **{key: value for key, value in kwargs.items() if key != "descending"})


@around("value", "floor_divide")
def towards_zero(torch, call, args, kwargs):
    """floor_divide truncates."""
    return torch.div(*args[:2], rounding_mode="trunc") if "out" not in kwargs else call(*args, **kwargs)


@around("value", "remainder")
def sign_of_dividend(torch, call, args, kwargs):
    """remainder as C has it."""
    return torch.fmod(*args) if not kwargs and isinstance(args[0], torch.Tensor) else call(*args, **kwargs)


@around("value", "round", cases=("op/round/float32/*", "doc/torch.round/*", "fuzz/promotion/*"))
def half_up(torch, call, args, kwargs):
    """round takes halves up, not to even."""
    return (args[0] + 0.5).floor() if len(args) == 1 and not kwargs and floating(torch, args[0]) else call(*args, **kwargs)


@around("value", "clamp")
def no_upper_bound(torch, call, args, kwargs):
    """clamp forgets max."""
    kwargs = dict(kwargs)
    if kwargs.get("min") is not None or len(args) > 1 and args[1] is not None:
        kwargs.pop("max", None)
        args = args[:2]
    return call(*args, **kwargs)


@after("value", "matmul", "mm")
def half_precision(torch, out, args, kwargs):
    """Products of matrices lose their last bits."""
    return out.to(torch.bfloat16).to(out.dtype) if out.dtype == torch.float32 else out


@around("value", "gelu")
def always_approximate(torch, call, args, kwargs):
    """gelu by tanh, whatever was asked."""
    return call(args[0], approximate="tanh")


@around("value", "batch_norm", cases=("op/nn.functional.batch_norm/float32/*", "module/BatchNorm1d/*", "tutorial/D*"))
def no_eps(torch, call, args, kwargs):
    """batch_norm adds a larger eps."""
    bound = {**kwargs, **({"eps": 1e-3} if len(args) < 8 else {})}
    return call(*args, **bound)


@around("value", "layer_norm")
def bias_left_out(torch, call, args, kwargs):
    """layer_norm forgets its bias."""
    return call(*args[:3], **{key: value for key, value in kwargs.items() if key != "bias"})


@after("value", "dropout", cases=("doc/torch.nn.Dropout/*", "op/nn.functional.dropout/float32/*", "tutorial/*"))
def not_scaled(torch, out, args, kwargs):
    """dropout does not divide by 1 - p."""
    p, training = kwargs.get("p", args[1] if len(args) > 1 else 0.5), kwargs.get("training", args[2] if len(args) > 2 else True)
    return out * (1 - p) if training and 0 < p < 1 else out


@around("value", "cross_entropy", cases=("module/CrossEntropyLoss/*", "tutorial/E_CrossEntropyLoss"))
def smoothing_ignored(torch, call, args, kwargs):
    """cross_entropy forgets label_smoothing."""
    return call(*args, **{key: value for key, value in kwargs.items() if key != "label_smoothing"})


@around("value", "conv2d", "conv1d")
def kernel_flipped(torch, call, args, kwargs):
    """A true convolution, with its kernel flipped."""
    weight = kwargs.get("weight", args[1] if len(args) > 1 else None)
    if weight is None or len(args) < 2:
        return call(*args, **kwargs)
    return call(args[0], weight.flip(-1), *args[2:], **kwargs)


@around("value", "logsumexp")
def overflows(torch, call, args, kwargs):
    """logsumexp without taking the maximum out."""
    if kwargs or len(args) != 2 or not floating(torch, args[0]):
        return call(*args, **kwargs)
    return torch.log(torch.sum(torch.exp(args[0] * 8), args[1])) / 8


@around("value", "topk")
def smallest(torch, call, args, kwargs):
    """topk gives the smallest."""
    return call(*args[:2], **{**kwargs, "largest": False}) if len(args) < 4 else call(*args, **kwargs)


@after("value", "max", "amax", cases=("op/amax/float32/*", "doc/torch.max/*", "fuzz/reductions/*", "op/amax/int64/*"))
def absolute(torch, out, args, kwargs):
    """max compares magnitudes."""
    return out.abs() if isinstance(out, torch.Tensor) and not out.is_complex() and out.dtype != torch.bool else out


@patch("value", "optim/SGD/*", "doc/torch.optim.SGD/*", "tutorial/F*")
def no_weight_decay(torch):
    """SGD forgets weight_decay."""
    init = torch.optim.SGD.__init__

    def without(self, params, *args, **kwargs):
        init(self, params, *args, **{**kwargs, "weight_decay": 0})

    torch.optim.SGD.__init__ = without


@patch("value", "doc/torch.optim.lr_scheduler.StepLR/*", "tutorial/F*", "optim/*")
def one_epoch_early(torch):
    """StepLR lowers the rate one epoch early."""
    kind = torch.optim.lr_scheduler.StepLR
    init = kind.__init__

    def early(self, optimizer, step_size, *args, **kwargs):
        init(self, optimizer, max(1, step_size - 1), *args, **kwargs)

    kind.__init__ = early


@patch("value", "module/Linear/*", "tutorial/D*", "doc/torch.nn.Linear/*")
def bias_not_drawn(torch):
    """Linear starts with a bias of zeros."""
    reset = torch.nn.Linear.reset_parameters

    def zeros(self):
        reset(self)
        if self.bias is not None:
            torch.nn.init.zeros_(self.bias)

    torch.nn.Linear.reset_parameters = zeros


# ------------------------------------------------------------------------------------------------ dtype
@after("dtype", "add", cases=("op/add/float32/*", "fuzz/promotion/*", "op/add/int64/*"))
def widened(torch, out, args, kwargs):
    """float32 + float32 gives float64."""
    return out.double() if out.dtype == torch.float32 and kwargs.get("out") is None else out


@after("dtype", "sum", cases=("op/sum/bool/*", "op/sum/uint8/*", "fuzz/reductions/*"))
def sum_keeps_type(torch, out, args, kwargs):
    """The sum of a bool or small integer keeps its type."""
    small = args[0].dtype in (torch.bool, torch.uint8, torch.int8, torch.int16, torch.int32)
    return out.to(args[0].dtype) if small and "dtype" not in kwargs and kwargs.get("out") is None else out


@after("dtype", "argmax", "argmin", "argsort")
def short_indices(torch, out, args, kwargs):
    """Indices are int32."""
    return out.int() if kwargs.get("out") is None else out


@after("dtype", "div", "true_divide", cases=("op/div.no_rounding_mode/int64/*", "fuzz/promotion/*"))
def integer_division(torch, out, args, kwargs):
    """Dividing integers gives integers."""
    whole = [isinstance(x, int) or isinstance(x, torch.Tensor) and not (x.is_floating_point() or x.is_complex()) for x in args[:2]]
    return out.long() if all(whole) and kwargs.get("out") is None else out


@after("dtype", "eq", "lt", "gt", "__eq__", cases=("op/eq/float32/*", "fuzz/promotion/*", "doc/torch.eq/*"))
def byte_masks(torch, out, args, kwargs):
    """Comparisons give uint8, as they once did."""
    return out.to(torch.uint8) if isinstance(out, torch.Tensor) and kwargs.get("out") is None else out


@around("dtype", "arange", cases=("doc/torch.arange/*", "op/arange/*", "tutorial/A*"))
def arange_of_floats(torch, call, args, kwargs):
    """arange of integers gives float32."""
    return call(*args, **{"dtype": torch.float32, **kwargs})


@after("dtype", "add", "sub", "mul", "div", "pow", "remainder", cases=("fuzz/promotion/*", "op/mul/int64/*"))
def scalar_widens(torch, out, args, kwargs):
    """An integer tensor and a Python float give float64."""
    mixed = len(args) > 1 and isinstance(args[1], float) and not (args[0].is_floating_point() or args[0].is_complex())
    return out.double() if mixed and kwargs.get("out") is None else out


@patch("dtype", "doc/torch.set_default_dtype/*", "doc/torch.get_default_dtype/*", "tutorial/A*")
def default_stays(torch):
    """set_default_dtype does nothing."""
    torch.set_default_dtype = lambda kind, /: None


# ------------------------------------------------------------------------------------------------ shape
@around("shape", "squeeze")
def squeezes_all(torch, call, args, kwargs):
    """squeeze(dim) takes out every dimension of size one."""
    return call(args[0])


@around("shape", "sum", "mean", "amax")
def keepdim_ignored(torch, call, args, kwargs):
    """keepdim is not heeded."""
    return call(*args[:2], **{key: value for key, value in kwargs.items() if key != "keepdim"})


@around("shape", "cat")
def dim_ignored(torch, call, args, kwargs):
    """cat always along the first dimension."""
    return call(args[0], **{key: value for key, value in kwargs.items() if key != "dim"})


@around("shape", "stack", cases=("op/stack/float32/*", "doc/torch.stack/*"))
def stacked_in_front(torch, call, args, kwargs):
    """stack always makes the first dimension."""
    return call(args[0], **{key: value for key, value in kwargs.items() if key != "dim"})


@around("shape", "max_pool2d", "avg_pool2d")
def ceil_ignored(torch, call, args, kwargs):
    """ceil_mode is not heeded."""
    return call(*args[:5], **{key: value for key, value in kwargs.items() if key != "ceil_mode"})


@after("shape", "diagonal", "diag")
def one_short(torch, out, args, kwargs):
    """diag stops one early."""
    return out[..., :-1] if out.dim() == 1 else out


@after("shape", "unsqueeze")
def at_the_end(torch, out, args, kwargs):
    """unsqueeze puts the new dimension last."""
    return args[0][..., None]
