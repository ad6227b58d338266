"""The faults, by the axis on which they should show. Each is a mistake that people who write such a library make."""

from __future__ import annotations

import math
import warnings

from conformance.faults import after, around, patch


@around("value", "nothing at all", cases=("op/exp/float32/*", "op/add/float32/*", "doc/torch.sort/*", "tutorial/A*", "fuzz/views/*"))
def none(torch, call, args, kwargs):
    """No fault: the wrapping itself must not be caught."""


# ------------------------------------------------------------------------------------------------ value
def _floating(torch, out):
    return isinstance(out, torch.Tensor) and out.is_floating_point()


@after("value", "exp")
def rounds_up(torch, out, args, kwargs):
    """exp is one unit in the last place too large... times four: a cheap polynomial."""
    for _ in range(4):
        out = torch.nextafter(out.detach(), torch.full_like(out, math.inf)) if _floating(torch, out) else out
    return out


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


@around("value", "argmax", cases=("doc/torch.argmax/*", "fuzz/reductions/*", "op/argmax/int64/*"))
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
    return (args[0] + 0.5).floor() if len(args) == 1 and not kwargs and _floating(torch, args[0]) else call(*args, **kwargs)


@around("value", "clamp")
def no_upper_bound(torch, call, args, kwargs):
    """clamp forgets max."""
    kwargs = dict(kwargs)
    if kwargs.get("min") is not None or len(args) > 1 and args[1] is not None:
        kwargs.pop("max", None)
        args = args[:2]
    return call(*args, **kwargs)


@after("value", "matmul", "mm", "__matmul__")
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


@around("value", "cross_entropy")
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
    if kwargs or len(args) != 2 or not _floating(torch, args[0]):
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
@after("dtype", "add", "__add__", "__radd__", cases=("op/add/float32/*", "fuzz/promotion/*", "op/add/int64/*"))
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


@after("dtype", "div", "true_divide", "__truediv__", cases=("op/div.no_rounding_mode/int64/*", "fuzz/promotion/*"))
def integer_division(torch, out, args, kwargs):
    """Dividing integers gives integers."""
    whole = [isinstance(x, int) or isinstance(x, torch.Tensor) and not (x.is_floating_point() or x.is_complex()) for x in args[:2]]
    return out.long() if all(whole) and kwargs.get("out") is None else out


@after("dtype", "eq", "lt", "gt", "__eq__", "__lt__", "__gt__", cases=("op/eq/float32/*", "fuzz/promotion/*", "doc/torch.eq/*"))
def byte_masks(torch, out, args, kwargs):
    """Comparisons give uint8, as they once did."""
    return out.to(torch.uint8) if isinstance(out, torch.Tensor) and kwargs.get("out") is None else out


@around("dtype", "arange", cases=("doc/torch.arange/*", "op/arange/*", "tutorial/A*"))
def arange_of_floats(torch, call, args, kwargs):
    """arange of integers gives float32."""
    return call(*args, **{"dtype": torch.float32, **kwargs})


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


# ------------------------------------------------------------------------------------------------ stride and alias
@after("stride", "clone")
def clone_packs(torch, out, args, kwargs):
    """clone forgets the order of dimensions in memory."""
    return out.contiguous()


@after("alias", "t", "transpose", "permute", cases=("op/transpose/float32/*", "op/t/float32/*", "fuzz/views/*"))
def transpose_copies(torch, out, args, kwargs):
    """transpose gives a copy."""
    return out.clone()


@after("alias", "view")
def view_copies(torch, out, args, kwargs):
    """view gives a copy."""
    return out.clone()


@after("alias", "detach", cases=("doc/torch.Tensor.detach/*", "fuzz/views/*", "fuzz/writes/*"))
def detach_copies(torch, out, args, kwargs):
    """detach gives a copy."""
    return out.clone()


@after("alias", "__getitem__", cases=("op/__getitem__/float32/*", "fuzz/views/*", "tutorial/A*"))
def slices_copy(torch, out, args, kwargs):
    """A slice is a copy."""
    return out.clone() if isinstance(out, torch.Tensor) else out


@after("alias", "contiguous", cases=("op/contiguous/float32/*", "fuzz/views/*"))
def contiguous_copies(torch, out, args, kwargs):
    """contiguous copies what is contiguous already."""
    return out.clone()


@after("alias", "expand")
def expand_copies(torch, out, args, kwargs):
    """expand writes the repeated elements out."""
    return out.clone(memory_format=torch.contiguous_format)


@after("alias", "clone", cases=("op/clone/float32/*", "fuzz/views/*"))
def clone_shares(torch, out, args, kwargs):
    """clone gives the tensor itself."""
    return args[0]


# ------------------------------------------------------------------------------------------------ mutation
@around("mutation", "add_", "mul_", cases=("op/add/float32/*", "op/mul/float32/*", "fuzz/writes/*"))
def not_in_place(torch, call, args, kwargs):
    """add_ and mul_ give a new tensor."""
    return call(args[0].clone(), *args[1:], **kwargs)


@around("mutation", "sort", "topk")
def sorts_the_input(torch, call, args, kwargs):
    """sort leaves its input sorted."""
    out = call(*args, **kwargs)
    if not kwargs and out[0].shape == args[0].shape and not args[0].requires_grad:
        args[0].copy_(out[0])
    return out


@around("mutation", "relu", "relu_", "leaky_relu")
def inplace_ignored(torch, call, args, kwargs):
    """relu writes over its input."""
    out = call(*args, **kwargs)
    if isinstance(args[0], torch.Tensor) and not args[0].requires_grad and args[0].shape == out.shape:
        args[0].copy_(out)
    return out


@around("error-type", "add_", "mul_", "zero_", "copy_", cases=("fuzz/autograd/*", "fuzz/writes/*"))
def no_version_bump(torch, call, args, kwargs):
    """Writes in place do not count the version up, so a stale backward pass goes unnoticed."""
    x = args[0]
    if isinstance(x, torch.Tensor) and not x.requires_grad:
        call(x.data, *args[1:], **kwargs)
        return x
    return call(*args, **kwargs)


@patch("mutation", "tutorial/*", "doc/torch.optim.Optimizer.zero_grad/*", "fuzz/modules/*", "optim/*")
def gradients_stay(torch):
    """zero_grad of a module does nothing."""
    torch.nn.Module.zero_grad = lambda self, set_to_none=True: None
    torch.optim.Optimizer.zero_grad = lambda self, set_to_none=True: None


# ------------------------------------------------------------------------------------------------ gradient
def straight_through(out, x):
    return x + (out - x).detach()


@after("gradient", "tanh", "sigmoid")
def slope_of_one(torch, out, args, kwargs):
    """The derivative of tanh and sigmoid is left out."""
    x = args[0]
    return straight_through(out, x) if _floating(torch, out) and out.dtype == x.dtype and x.requires_grad else out


@after("gradient", "abs", cases=("fuzz/autograd/*", "op/abs/float32/*"))
def slope_at_zero(torch, out, args, kwargs):
    """abs has slope one at zero."""
    x = args[0]
    return torch.where(x.detach() >= 0, x, -x) if _floating(torch, x) and x.requires_grad else out


@around("gradient", "mul", "__mul__", "__rmul__", cases=("op/mul/float32/*", "fuzz/autograd/*"))
def product_rule_halved(torch, call, args, kwargs):
    """The second factor of a product gets no gradient."""
    other = args[1] if len(args) > 1 else None
    return call(args[0], other.detach(), *args[2:], **kwargs) if isinstance(other, torch.Tensor) else call(*args, **kwargs)


@after("gradient", "mean")
def slope_not_divided(torch, out, args, kwargs):
    """The gradient of mean is that of sum."""
    if len(args) == 1 and not kwargs and _floating(torch, out) and out.requires_grad:
        total = args[0].sum()
        return total + (out - total).detach()
    return out


@after("gradient", "clone", cases=("op/clone/float32/*", "fuzz/autograd/*"))
def graph_cut(torch, out, args, kwargs):
    """clone cuts the graph."""
    return out.detach()


@around("gradient", "backward", cases=("fuzz/autograd/*", "tutorial/B*", "doc/torch.autograd.backward/*"))
def gradients_replaced(torch, call, args, kwargs):
    """backward replaces the gradients that are there... of the tensor it starts from."""
    x = args[0]
    if isinstance(x, torch.Tensor) and not kwargs and len(args) == 1 and x.dim() == 0:
        return call(x * 2)
    return call(*args, **kwargs)


# ------------------------------------------------------------------------------------------------ text
@patch("text", "doc/torch.rand/*", "doc/torch.exp/*", "doc/torch.linspace/*", "tutorial/A*")
def five_digits(torch):
    """Tensors show five digits."""
    torch.set_printoptions(precision=5)


@patch("text", "doc/torch.nn.Module*/*", "module/Linear/*", "tutorial/D*", "fuzz/modules/*")
def bias_not_shown(torch):
    """A Linear layer does not say whether it has a bias."""
    torch.nn.Linear.extra_repr = lambda self: f"in_features={self.in_features}, out_features={self.out_features}"


@patch("text", "doc/torch.autograd*/*", "tutorial/B*")
def graph_not_shown(torch):
    """repr of a tensor leaves its grad_fn out."""
    plain = torch.Tensor.__repr__
    try:
        torch.Tensor.__repr__ = lambda self, **more: plain(self.detach(), **more)
    except TypeError:                            # a compiled class: the mode hears of it
        around("text", "__repr__")(lambda t, call, args, kwargs: call(args[0].detach()))


# ------------------------------------------------------------------------------------------------ warning
@around("warning", "mse_loss", "l1_loss", "smooth_l1_loss")
def warning_swallowed(torch, call, args, kwargs):
    """A loss of sizes that do not agree says nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*args, **kwargs)


@around("warning", "softmax", "log_softmax")
def extra_warning(torch, call, args, kwargs):
    """softmax warns for no reason."""
    warnings.warn("softmax may be slow", UserWarning, stacklevel=2)
    return call(*args, **kwargs)


# ------------------------------------------------------------------------------------------------ errors
def _raising(kind, other, text=None):
    def call_and_translate(torch, call, args, kwargs):
        try:
            return call(*args, **kwargs)
        except kind as error:
            raise other(text or str(error)) from None

    return call_and_translate


@around("error-type", "__getitem__", "index_select", cases=("fuzz/indexing/*", "error/index_select/*"))
def wrong_exception(torch, call, args, kwargs):
    """An index out of range is a RuntimeError."""
    return _raising(IndexError, RuntimeError)(torch, call, args, kwargs)


@around("error-type", "matmul", "mm", "bmm", "__matmul__", cases=("error/matmul/*", "error/mm/*", "error/bmm/*", "fuzz/autograd/*"))
def shape_error_of_numpy(torch, call, args, kwargs):
    """Shapes that do not multiply are a ValueError."""
    return _raising(RuntimeError, ValueError)(torch, call, args, kwargs)


@around("error-text", "cat", "stack")
def other_words(torch, call, args, kwargs):
    """cat says in other words what is wrong."""
    return _raising(RuntimeError, RuntimeError, "all input arrays must have the same shape")(torch, call, args, kwargs)


@around("error-type", "add", "__add__", cases=("error/add/*", "fuzz/broadcasting/*", "fuzz/autograd/*"))
def silently_cut(torch, call, args, kwargs):
    """Sizes that do not broadcast are cut to the shorter."""
    try:
        return call(*args, **kwargs)
    except RuntimeError:
        a, b = args[:2]
        n = min(a.shape[-1], b.shape[-1]) if a.dim() and b.dim() else 0
        return call(a.flatten()[:n], b.flatten()[:n])


@around("error-type", "reshape", "view", cases=("error/reshape/*", "error/view/*", "fuzz/views/*"))
def any_shape(torch, call, args, kwargs):
    """reshape to a size that does not fit gives what there is."""
    try:
        return call(*args, **kwargs)
    except RuntimeError:
        return args[0].flatten()


# ------------------------------------------------------------------------------------------------ rng
@around("rng", "rand")
def draws_twice(torch, call, args, kwargs):
    """rand takes twice as many numbers from the stream."""
    call(*args, **kwargs)
    return call(*args, **kwargs)


@around("rng", "randperm")
def stream_of_its_own(torch, call, args, kwargs):
    """randperm does not move the generator."""
    state = torch.get_rng_state()
    out = call(*args, **kwargs)
    torch.set_rng_state(state)
    return out


@around("rng", "randn", "normal", cases=("doc/torch.randn/*", "doc/torch.normal/*", "op/randn/*", "op/normal/*", "tutorial/*"))
def unseeded(torch, call, args, kwargs):
    """randn draws from the system's entropy."""
    state = torch.get_rng_state()
    torch.seed()
    out = call(*args, **kwargs)
    torch.set_rng_state(state)
    return out


@patch("rng", "doc/torch.nn.init.kaiming_uniform_/*", "module/Linear/*", "module/Conv2d/*", "tutorial/D*")
def normal_instead(torch):
    """kaiming_uniform_ draws from a normal distribution."""
    torch.nn.init.kaiming_uniform_ = torch.nn.init.kaiming_normal_


# ------------------------------------------------------------------------------------------------ runs, exists, type
@around("runs", "mean", "sum", "max", cases=("op/mean/float32/*", "op/sum/float32/*", "fuzz/reductions/*"))
def no_scalars(torch, call, args, kwargs):
    """Reductions refuse tensors without dimensions."""
    if args[0].dim() == 0:
        raise RuntimeError("reduction of a 0-d tensor is not supported")
    return call(*args, **kwargs)


@around("runs", "matmul", "mm", "__matmul__", "sum", cases=("op/matmul/float32/*", "op/sum/float32/*", "fuzz/reductions/*"))
def no_empty(torch, call, args, kwargs):
    """Empty tensors are refused."""
    if any(isinstance(x, torch.Tensor) and x.numel() == 0 for x in args):
        raise RuntimeError("empty tensor")
    return call(*args, **kwargs)


@around("runs", "exp", "log", "sqrt", cases=("op/exp/float16/*", "op/exp/bfloat16/*"))
def no_half(torch, call, args, kwargs):
    """Half precision is not implemented."""
    if args and isinstance(args[0], torch.Tensor) and args[0].dtype in (torch.float16, torch.bfloat16):
        raise NotImplementedError("not implemented for 'Half'")
    return call(*args, **kwargs)


@patch("exists", "doc/torch.cumprod/*", "op/cumprod/float32/*", "surface/torch/cumprod*")
def name_forgotten(torch):
    """cumprod is not exported."""
    torch.__dict__.pop("cumprod", None)
    torch.cumprod  # noqa: B018  (a lazy name is made first)
    del torch.cumprod


@patch("exists", "doc/torch.nn.Softshrink/*", "module/Softshrink/*", "surface/torch.nn/Softshrink*")
def class_forgotten(torch):
    """nn.Softshrink is not exported."""
    del torch.nn.Softshrink


@after("type", "sort", "topk", "max", "min")
def plain_tuples(torch, out, args, kwargs):
    """Results with names are plain tuples."""
    return tuple(out) if isinstance(out, tuple) else out


@after("type", "size", cases=("doc/torch.Tensor.size/*", "fuzz/modules/*", "tutorial/A*"))
def size_is_a_list(torch, out, args, kwargs):
    """size() gives a list."""
    return list(out) if isinstance(out, tuple) else out


@patch("text", "surface/torch.nn.functional/*")
def default_changed(torch):
    """A default of a public function is another."""
    plain = torch.nn.functional.relu6

    def relu6(input, inplace=True):
        return plain(input, inplace)

    torch.nn.functional.relu6 = relu6
