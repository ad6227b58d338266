"""Checkpointing: what a function saves for backward is thrown away and computed again when backward asks for it."""
import warnings
from contextlib import contextmanager, nullcontext

from .. import autograd, random
from ..autograd.graph import saved_tensors_hooks
from ..core import Tensor


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


class _Again:
    """What a run of the function saved: numbers at first, the tensors of a second run once one is asked for."""

    def __init__(self, run, state, context):
        self.run, self.state, self.context, self.count, self.tensors = run, state, context, 0, None

    def pack(self, tensor):
        """A number in the tensor's place."""
        self.count += 1
        return self.count - 1

    def unpack(self, number):
        """The tensor of that number."""
        if self.tensors is None:
            saved = []
            with _same_stream(self.state), self.context, autograd.enable_grad(), saved_tensors_hooks(lambda t: saved.append(t.detach()), lambda _: None):
                self.run()
            if len(saved) != self.count:
                raise CheckpointError("torch.utils.checkpoint: A different number of tensors was saved during the original forward and recomputation.\n"
                                      f"Number of tensors saved during forward: {self.count}\nNumber of tensors saved during recomputation: {len(saved)}.")
            self.tensors = saved
        return self.tensors[number]


class CheckpointError(RuntimeError):
    """The second run did not do what the first did."""


def checkpoint(function, *args, use_reentrant=None, context_fn=noop_context_fn, determinism_check="default", debug=False, early_stop=True,
               preserve_rng_state=True, **kwargs):
    """`function(*args, **kwargs)`, which runs again in backward instead of keeping what it saved."""
    if use_reentrant is None:
        warnings.warn("torch.utils.checkpoint: the use_reentrant parameter should be passed explicitly. Starting in PyTorch 2.9, calling checkpoint "
                      "without use_reentrant will raise an exception. use_reentrant=False is recommended, but if you need to preserve the current "
                      "default behavior, you can pass use_reentrant=True. Refer to docs for more details on the differences between the two variants.",
                      UserWarning, stacklevel=2)
        use_reentrant = True
    state = random.get_rng_state() if preserve_rng_state else None
    if use_reentrant:
        if kwargs:
            raise ValueError("Unexpected keyword arguments: " + ",".join(kwargs))
        if context_fn is not noop_context_fn or debug:
            raise ValueError("Passing `context_fn` or `debug` is only supported when use_reentrant=False.")
        return CheckpointFunction.apply(function, state, *args)
    first, second = context_fn()
    again = _Again(lambda: function(*args, **kwargs), state, second)
    with saved_tensors_hooks(again.pack, again.unpack), first:
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
