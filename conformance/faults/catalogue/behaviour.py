"""What is said, raised, drawn or there at all is wrong."""

from __future__ import annotations

import warnings

from conformance.faults import after, around, patch


# ------------------------------------------------------------------------------------------------ text
@patch("text", "doc/torch.rand/*", "doc/torch.exp/*", "doc/torch.linspace/*", "tutorial/A*")
def five_digits(torch):
    """Tensors show five digits."""
    torch.set_printoptions(precision=5)


@patch("text", "doc/torch.nn.Module*/*", "module/Linear/*", "tutorial/D*", "fuzz/modules/*")
def bias_not_shown(torch):
    """A Linear layer does not say whether it has a bias."""
    torch.nn.Linear.extra_repr = lambda self: f"in_features={self.in_features}, out_features={self.out_features}"


@patch("text", "doc/torch.nn.parameter.Parameter/*", "doc/torch.nn.Module*/*", "tutorial/B*", "tutorial/D*")
def parameter_not_named(torch):
    """repr of a Parameter does not say that it is one."""
    torch.nn.Parameter.__repr__ = lambda self: repr(self.detach().requires_grad_(self.requires_grad))


# ------------------------------------------------------------------------------------------------ warning
@around("warning", "mse_loss", "l1_loss", "smooth_l1_loss", cases=("error/common/loss/*", "doc/torch.nn.MSELoss/*", "module/MSELoss/*"))
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


@patch("warning", "doc/torch.optim.lr_scheduler.*/*", "tutorial/F3")
def order_not_told(torch):
    """A scheduler that steps before its optimizer says nothing."""
    plain = torch.optim.lr_scheduler.LRScheduler.step

    def step(self, *args, **kwargs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return plain(self, *args, **kwargs)

    torch.optim.lr_scheduler.LRScheduler.step = step


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


@around("error-type", "matmul", "mm", "bmm", cases=("error/matmul/*", "error/mm/*", "error/bmm/*", "fuzz/autograd/*"))
def shape_error_of_numpy(torch, call, args, kwargs):
    """Shapes that do not multiply are a ValueError."""
    return _raising(RuntimeError, ValueError)(torch, call, args, kwargs)


@around("error-text", "cat", "stack")
def other_words(torch, call, args, kwargs):
    """cat says in other words what is wrong."""
    return _raising(RuntimeError, RuntimeError, "all input arrays must have the same shape")(torch, call, args, kwargs)


@around("error-text", "__getitem__", "select", "index_select", "gather", cases=("fuzz/indexing/*", "error/common/*", "error/gather/*"))
def no_figures(torch, call, args, kwargs):
    """An index out of range does not say which and how many there are."""
    return _raising(IndexError, IndexError, "index out of range")(torch, call, args, kwargs)


@around("error-text", "view", "reshape", cases=("fuzz/views/*", "error/reshape/*", "error/common/*"))
def no_sizes(torch, call, args, kwargs):
    """A view that does not fit says so without the sizes."""
    return _raising(RuntimeError, RuntimeError, "cannot reshape array")(torch, call, args, kwargs)


@around("error-type", "add", cases=("error/add/*", "fuzz/broadcasting/*", "fuzz/autograd/*"))
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


@around("rng", "dropout", cases=("op/nn.functional.dropout/float32/*", "doc/torch.nn.Dropout/*", "fuzz/modules/*", "tutorial/D*"))
def mask_drawn_twice(torch, call, args, kwargs):
    """dropout draws its mask twice."""
    call(*args, **kwargs)
    return call(*args, **kwargs)


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


@around("runs", "matmul", "mm", "sum", cases=("op/matmul/float32/*", "op/sum/float32/*", "fuzz/reductions/*"))
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


def _forget(module, name):
    """Take a name out of a module, lazy or not."""
    vars(module).pop(name, None)
    lazily = vars(module).get("__getattr__")

    def __getattr__(wanted):
        if wanted == name or not lazily:
            raise AttributeError(f"module {module.__name__!r} has no attribute {wanted!r}")
        return lazily(wanted)

    module.__getattr__ = __getattr__


@patch("exists", "op/cumprod/float32/*", "doc/torch.cumprod/*", "surface/torch/*")
def name_forgotten(torch):
    """cumprod is not exported."""
    _forget(torch, "cumprod")


@patch("exists", "module/Softshrink/*", "doc/torch.nn.Softshrink/*", "surface/torch.nn/*")
def class_forgotten(torch):
    """nn.Softshrink is not exported."""
    _forget(torch.nn, "Softshrink")


@patch("exists", "surface/torch.nn.functional/*", "op/nn.functional.softsign/float32/*")
def function_forgotten(torch):
    """nn.functional.softsign is not exported."""
    _forget(torch.nn.functional, "softsign")


@after("type", "sort", "topk", "max", "min")
def plain_tuples(torch, out, args, kwargs):
    """Results with names are plain tuples."""
    return tuple(out) if isinstance(out, tuple) else out


@after("type", "split", "chunk", "unbind", cases=("op/split/float32/*", "op/chunk/float32/*", "fuzz/views/*"))
def pieces_in_a_list(torch, out, args, kwargs):
    """The pieces of a split come in a list."""
    return list(out)


@patch("text", "surface/torch.nn.functional/*")
def default_changed(torch):
    """A default of a public function is another."""
    plain = torch.nn.functional.relu6

    def relu6(input, inplace=True):
        return plain(input, inplace)

    torch.nn.functional.relu6 = relu6
