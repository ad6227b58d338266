"""Checkpointing: what a function saves for backward is thrown away and computed again when backward asks for it."""
import sys
import warnings
from contextlib import contextmanager, nullcontext, suppress

from .. import autograd, random
from ..accelerator import get_device_module
from ..autograd.graph import saved_tensors_hooks
from ..core import Tensor
from ..overrides import TorchFunctionMode, resolve_name

_PACKAGE = __name__.partition(".")[0] + "."

_early_stop = _debug = None              # what the contexts below decide for all calls


def noop_context_fn():
    """Two contexts that do nothing: for the first run and for the second."""
    return nullcontext(), nullcontext()


@contextmanager
def _same_stream(state):
    """The random stream as it was at `state`, for a while; None leaves it alone."""
    if state is None:
        yield
        return
    now = random.get_rng_state()
    random.set_rng_state(state)
    try:
        yield
    finally:
        random.set_rng_state(now)


def _detached(args):
    """The arguments cut off from their history, as leaves that need what they needed."""
    return tuple([v.detach().requires_grad_(v.requires_grad) if isinstance(v, Tensor) else v for v in args])


class CheckpointFunction(autograd.Function):
    """The reentrant way: backward runs the function with a graph and goes backward through that."""

    @staticmethod
    def forward(ctx, function, state, *args):
        """The function's result, without a graph."""
        ctx.function, ctx.state, ctx.args = function, state, args
        with autograd.no_grad():
            return function(*args)

    @staticmethod
    def backward(ctx, *grads):
        """Gradients of the arguments, from a second run."""
        args = _detached(ctx.args)
        with autograd.enable_grad(), _same_stream(ctx.state):
            outputs = ctx.function(*args)
        outputs = outputs if isinstance(outputs, tuple) else (outputs,)
        pairs = [(o, g) for o, g in zip(outputs, grads, strict=True) if isinstance(o, Tensor) and o.requires_grad]
        if not pairs:
            raise RuntimeError("none of output has requires_grad=True, this checkpoint() is not necessary")
        autograd.backward(*map(list, zip(*pairs, strict=True)))
        return (None, None, *[v.grad if isinstance(v, Tensor) else None for v in args])


@contextmanager
def set_checkpoint_debug_enabled(enabled):
    """Decides whether errors tell which functions ran each time, whatever the calls of `checkpoint` within say; None leaves it to them."""
    global _debug
    before, _debug = _debug, enabled
    try:
        yield
    finally:
        _debug = before


class _Log(TorchFunctionMode):
    """The functions of the API that are called within, with the lines that call them."""

    def __init__(self):
        self.lines = []

    def __torch_function__(self, func, types, args=(), kwargs=None):
        caller = sys._getframe(1)
        while caller.f_globals.get("__name__", "").startswith(_PACKAGE):
            caller = caller.f_back
        self.lines.append(f"{resolve_name(func)}  {caller.f_code.co_filename}:{caller.f_lineno}")
        return func(*args, **(kwargs or {}))

    def __str__(self):
        return "\n".join(self.lines)


def _facts(tensor):
    return {"shape": tensor.shape, "dtype": tensor.dtype, "device": tensor.device}


class _Enough(Exception):
    """All tensors are there: the rest of the function need not run."""


@contextmanager
def set_checkpoint_early_stop(enable):
    """Decides whether the second run stops when it has saved the last tensor, whatever the calls of `checkpoint` within say."""
    global _early_stop
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


class GraphExecGroup:
    """Context of several backward passes that share the second runs; here they do in any case."""

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        return None


class DefaultDeviceType:
    """The device whose random streams `checkpoint` keeps when no argument tells."""

    _default_device_type = "cpu"

    @staticmethod
    def set_device_type(device="cuda"):
        """Set it, by its name."""
        DefaultDeviceType._default_device_type = device

    @staticmethod
    def get_device_type():
        """Its name."""
        return DefaultDeviceType._default_device_type


def set_device_states(devices, states, *, device_type=None):
    """Put the random streams of devices back as they were."""
    module = get_device_module(device_type or DefaultDeviceType.get_device_type())
    for device, state in zip(devices, states, strict=False):
        with module.device(device):
            module.set_rng_state(state)


class _Again:
    """What a run of the function saved: numbers at first, the tensors of a second run once one is asked for."""

    def __init__(self, run, state, context, early_stop, check, log):
        self.run, self.state, self.context, self.early_stop, self.check, self.log = run, state, context, early_stop, check, log
        self.packed, self.tensors = [], None

    def pack(self, tensor):
        """A number in the tensor's place."""
        self.packed.append(_facts(tensor))
        return len(self.packed) - 1

    def unpack(self, number):
        """The tensor of that number."""
        if self.tensors is None:
            saved, log, count = [], self.log and _Log(), len(self.packed)

            def save(tensor):
                saved.append(tensor.detach())
                if self.early_stop and len(saved) == count:
                    raise _Enough

            hooks = saved_tensors_hooks(save, lambda _: None)
            with suppress(_Enough), _same_stream(self.state), self.context, autograd.enable_grad(), hooks, log or nullcontext():
                self.run()
            if len(saved) != count:
                raise self.error(log, "torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
                                      f"Number of tensors saved during forward: {count}\nNumber of tensors saved during recomputation: {len(saved)}.")
            differ = [i for i, tensor in enumerate(saved) if _facts(tensor) != self.packed[i]]
            if differ and self.check:
                raise self.error(log, "torch.utils.checkpoint: Recomputed values for the following tensors have different metadata than during the forward "
                                 "pass.\n" + "".join(f"tensor at position {i}:\nsaved metadata: {self.packed[i]}\nrecomputed metadata: {_facts(saved[i])}\n"
                                                     for i in differ))
            self.tensors = saved
        return self.tensors[number]


    def error(self, log, text):
        """The error, with what ran each time if that was asked for."""
        if log is not None:
            text += f"\n\nRan at first:\n{self.log}\n\nRan the second time:\n{log}"
        return CheckpointError(text)


class CheckpointError(RuntimeError):
    """The second run did not do what the first did."""


def checkpoint(function, *args, use_reentrant=None, context_fn=noop_context_fn, determinism_check="default", debug=False, early_stop=True,
               **kwargs):
    """`function(*args, **kwargs)`, which runs again in backward instead of keeping what it saved."""
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling checkpoint "
                      "without use_reentrant will raise an exception. use_reentrant=False is recommended, but if you need to preserve the current "
                      "default behavior, you can pass use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
                      UserWarning, stacklevel=2)
        use_reentrant = True
    state = random.get_rng_state() if kwargs.pop("preserve_rng_state", True) else None
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, state, *args)
    first, second = context_fn()
    log = _Log() if (debug if _debug is None else _debug) else None
    again = _Again(lambda: function(*args, **kwargs), state, second, early_stop if _early_stop is None else _early_stop, determinism_check != "none", log)
    with saved_tensors_hooks(again.pack, again.unpack), first, log or nullcontext():
        return function(*args, **kwargs)


def checkpoint_sequential(functions, segments, input, use_reentrant=None, **kwargs):
    """A chain of functions, cut into `segments` of which all but the last are checkpointed."""
    functions = list(functions.children()) if hasattr(functions, "children") else list(functions)
    size, start = len(functions) // segments, 0

    def part(start, end):
        def run(x):
            for fn in functions[start:end]:
                x = fn(x)
            return x
        return run

    for start in range(0, size * (segments - 1), size):
        input = checkpoint(part(start, start + size), input, use_reentrant=use_reentrant, **kwargs)
    return part(size * (segments - 1), len(functions))(input)
