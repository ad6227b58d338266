"""Looking at the backward graph, and steering what it saves."""
import contextlib
import threading
from collections import namedtuple

from ..core import Tensor, _core
from ..utils.hooks import RemovableHandle

Node = _core.Node
GradientEdge = namedtuple("GradientEdge", ("node", "output_nr", "ownership_token"), defaults=(None,))
GradientEdge.__doc__ = "Where a gradient goes: a node and the number of its output."


def get_gradient_edge(tensor):
    """The edge along which the gradient of `tensor` flows."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    return GradientEdge(*_core.gradient_edge(tensor))


def increment_version(tensor):
    """Count a write to one tensor or several that autograd could not see."""
    for t in (tensor,) if isinstance(tensor, Tensor) else tensor:
        t._bump()


class saved_tensors_hooks:
    """Context manager: tensors saved for backward pass through `pack_hook` now and `unpack_hook` at backward."""

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self):
        if _disabled:
            raise RuntimeError(_disabled[-1])
        _core.push_saved_hooks(self.pack_hook, self.unpack_hook)

    def __exit__(self, *args):
        _core.pop_saved_hooks()


class save_on_cpu(saved_tensors_hooks):
    """Keep saved tensors on the CPU, where they are already: copies."""

    def __init__(self, pin_memory=False, device_type="cuda"):
        super().__init__(lambda t: t.clone(), lambda t: t)


_disabled = []


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message):
    """Within, entering saved_tensors_hooks raises RuntimeError(error_message)."""
    _disabled.append(error_message)
    try:
        yield
    finally:
        _disabled.pop()


class _MultiHandle(RemovableHandle):
    def __init__(self, handles):
        self.handles = handles

    def remove(self):
        for h in self.handles:
            h.remove()

    def __getstate__(self):
        return self.handles

    def __setstate__(self, state):
        self.handles = state


def register_multi_grad_hook(tensors, fn, *, mode="all"):
    """Call `fn(grads)` once all gradients of `tensors` are there ("all"), or `fn(grad)` at the first ("any")."""
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    lock = threading.Lock()
    if mode == "any":
        seen = set()

        def any_hook(grad):
            task = _core.current_backward()
            with lock:
                if task in seen:
                    return
                seen.add(task)
            fn(grad)
        return _MultiHandle([t.register_hook(any_hook) for t in tensors if t.requires_grad])
    buffers = {}
    wanted = list(tensors)

    def make(i):
        def hook(grad):
            task = _core.current_backward()
            with lock:
                got = buffers.setdefault(task, [None] * len(wanted))
                got[i] = grad
                done = sum(g is not None for g in got) == _core.reachable_count([t for t in wanted if t.requires_grad])
                if done:
                    buffers.pop(task)
            if done:
                fn(got)
        return hook
    return _MultiHandle([t.register_hook(make(i)) for i, t in enumerate(wanted) if t.requires_grad])


@contextlib.contextmanager
def set_warn_on_accumulate_grad_stream_mismatch(enabled):
    """Accepted; there are no streams on the CPU."""
    yield


@contextlib.contextmanager
def allow_mutation_on_saved_tensors():
    """Within, a tensor saved for backward may be written to: backward sees the value it had."""
    context = _MutationContext()
    with saved_tensors_hooks(context.pack, context.unpack):
        yield context


class _MutationContext:
    """Copies taken at save time; the simplest way to make later writes harmless."""

    def pack(self, t):
        return t if t.is_leaf and t.requires_grad else t.clone() if not t.requires_grad else (t, t.detach().clone(), t._version)

    def unpack(self, packed):
        if isinstance(packed, tuple):
            t, copy, version = packed
            return t if t._version == version else copy
        return packed

    def clear(self):
        """Nothing is held here; copies live as long as the graph."""
