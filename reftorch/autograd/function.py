"""Functions with a derivative of the user's own."""
import functools
import warnings

from ..core import Tensor, _core
from . import forward_ad
from .grad_mode import no_grad

_FREED = _core.FREED


class FunctionCtx:
    """What forward leaves for backward."""

    def save_for_backward(self, *tensors):
        """Keep tensors for `backward`; call at most once, in `forward` or `setup_context`."""
        self.to_save = tensors

    def save_for_forward(self, *tensors):
        """Keep tensors for `jvp`."""
        for t in tensors:
            if not (isinstance(t, Tensor) or t is None):
                raise AssertionError("save_for_forward expects all arguments to be tensors; you should save non-tensors as attributes on ctx.")
        self.saved_for_forward = tensors

    def mark_dirty(self, *args):
        """State which inputs `forward` writes to."""
        self.dirty_tensors = args

    def mark_non_differentiable(self, *args):
        """State which outputs have no gradient."""
        self.non_differentiable = args

    def set_materialize_grads(self, value):
        """Whether missing gradients arrive as zeros (the default) or as None."""
        self.materialize_grads = value


class BackwardCFunction(_core.PyNode, FunctionCtx):
    """The node of a custom function: it is `ctx`, and its backward is the user's."""

    materialize_grads = True
    to_save = ()
    dirty_tensors = ()
    non_differentiable = ()
    saved_for_forward = None
    _saved = None
    _accessed = False
    _released = False

    @property
    def saved_tensors(self):
        """What `save_for_backward` was given; RuntimeError after the graph was freed or a tensor was written to."""
        if self._released:
            raise RuntimeError(_FREED)
        if self.saved_for_forward is not None:           # until `apply` returns
            return self.saved_for_forward
        if self._saved is None:
            return tuple(self.to_save)
        if self._forward_cls.clear_saved_tensors_on_access:
            if self._accessed:
                raise RuntimeError("saved_tensors can only be accessed once when clear_saved_tensors_on_access=True is set on the autograd.Function. "
                                   "Either access saved_tensors only once, or set clear_saved_tensors_on_access=False.")
            self._accessed, saved, self._saved = True, self._saved, ()
            return tuple(None if s is None else s() for s in saved)
        return tuple(None if s is None else s() for s in self._saved)

    @property
    def saved_variables(self):
        warnings.warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning, stacklevel=2)
        return self.saved_tensors

    @property
    def needs_input_grad(self):
        return self._needs_input_grad

    __repr__ = object.__repr__           # torch: these nodes print with their module, those of ops without

    def name(self):
        return type(self).__name__


def _run_backward(node, *grads):
    cls = node._forward_cls
    if cls.backward is not Function.backward and cls.vjp is not Function.vjp:
        raise RuntimeError("Implementing both 'backward' and 'vjp' for a custom Function is not allowed. You should only implement one of them.")
    fn = cls.vjp if cls.vjp is not Function.vjp else cls.backward
    if node.materialize_grads:
        grads = tuple(_zeros(*meta) if g is None and meta is not None else g for g, meta in zip(grads, node._output_meta, strict=False))
    got = fn(node, list(grads)) if cls.boxed_grads_call else fn(node, *grads)
    if not isinstance(got, tuple):
        got = (got,)
    given, wanted = len(got), len(node._is_tensor)
    if given > wanted:
        if any(g is not None for g in got[wanted:]):
            raise RuntimeError(f"function {node.name()} returned an incorrect number of gradients (expected {wanted}, got {given})")
        got = got[:wanted]
    if given < wanted:
        raise RuntimeError(f"function {node.name()} returned an incorrect number of gradients (expected {wanted}, got {given})")
    out = []
    for i, (g, is_tensor) in enumerate(zip(got, node._is_tensor, strict=False)):
        if not is_tensor:
            if g is not None:
                raise RuntimeError(f"function {node.name()} returned a gradient different from None at position {i + 1}, but the corresponding "
                                   "forward input was not a Variable")
            continue
        out.append(g)
    return out


def _zeros(shape, dtype):
    return _core.T.zeros(shape, dtype=dtype)


def _saver(t, node, outputs):
    """How one saved tensor comes back: outputs as results of the node, inputs as they are; checked for writes."""
    if t is None:
        return None
    if not isinstance(t, Tensor):
        raise TypeError(f"save_for_backward can only save variables, but argument {node.to_save.index(t)} is of type {type(t).__name__}")
    position = next((i for i, o in enumerate(outputs) if o is t), None)
    hooks = _core.current_saved_hooks()
    if hooks is not None:
        pack, unpack = hooks
        packed = pack(_core.saved_alias(t) if position is not None else t)
        return lambda: unpack(packed) if position is None else _core.saved_alias(unpack(packed), node, position)
    version = t._version
    kept = t if position is None else _core.saved_alias(t)

    def unpacked():
        if kept._version != version:
            _core.raise_if_modified(node, kept, version)
        return kept if position is None else _core.saved_alias(kept, node, position)
    return unpacked


class FunctionMeta(type):
    """Gives each Function its node class, `<Name>Backward`."""

    def __init__(cls, name, bases, attrs):
        cls._backward_cls = type(name + "Backward", (BackwardCFunction,), {"_forward_cls": cls})
        super().__init__(name, bases, attrs)


class Function(FunctionCtx, metaclass=FunctionMeta):
    """Base of custom differentiable functions: static `forward(ctx, ...)` and `backward(ctx, *grads)`, called by `apply`."""

    generate_vmap_rule = False
    boxed_grads_call = False                 # backward gets one list, which it may empty
    clear_saved_tensors_on_access = False    # saved tensors can be had once, and are then let go

    def __init__(self, *args, **kwargs):
        warnings.warn(f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke them on the class "
                      "itself. Instantiating an autograd function will raise an error in a future version of PyTorch.", DeprecationWarning, stacklevel=2)

    def __call__(self, *args, **kwargs):
        raise RuntimeError("Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function with static "
                           "forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)")

    @staticmethod
    def forward(*args, **kwargs):
        """Compute the result; `ctx` first unless `setup_context` is overridden."""
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        """Fill `ctx` after a `forward` that does not take it."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        """The gradient of every input, given that of every output."""
        raise NotImplementedError("You must implement either the backward or vjp method for your custom autograd.Function to use it with backward "
                                  "mode AD.")

    vjp = backward

    @staticmethod
    def jvp(ctx, *grad_inputs):
        """The tangent of every output, given that of every input."""
        raise NotImplementedError("You must implement the jvp function for custom autograd.Function to use it with forward mode AD.")

    @staticmethod
    def vmap(info, in_dims, *args):
        """The function on batched inputs."""
        raise NotImplementedError("To use autograd.Function with vmap, you must either override the vmap staticmethod or set generate_vmap_rule=True.")

    @classmethod
    def apply(cls, *args, **kwargs):
        """Run the function and record it."""
        separate = cls.setup_context is not Function.setup_context
        if separate and kwargs:
            raise RuntimeError("keyword arguments are not supported with setup_context")
        is_tensor = [isinstance(a, Tensor) for a in args]
        node = cls._backward_cls()
        needs = tuple(t and a.requires_grad for a, t in zip(args, is_tensor, strict=False))
        node._needs_input_grad = needs
        node._is_tensor = is_tensor
        recorded = _core.is_grad_enabled() and any(needs)
        # edges as they are before forward writes to anything
        tensors = [a for a, t in zip(args, is_tensor, strict=False) if t]
        _core.init_node(node, tensors if recorded else [], _run_backward)
        with no_grad(), forward_ad.outside(0):
            output = cls.forward(*args) if separate else cls.forward(node, *args, **kwargs)
            if separate:
                cls.setup_context(node, args, output)
        return _wrap_outputs(cls, node, args, tensors, output, recorded)


def _pass_tangents(cls, node, args, outputs):
    """Forward mode: give `outputs` the tangents that the user's `jvp` makes of those of `args`, at every level in force."""
    for at, level in enumerate(forward_ad.active_levels()):
        with forward_ad.outside(at):
            given = [forward_ad.tangent_of(a, level) if isinstance(a, Tensor) else None for a in args]
            if all(t is None for t in given):
                continue
            if node.materialize_grads:
                given = [_core.T.zeros_like(a) if t is None and isinstance(a, Tensor) else t for a, t in zip(args, given, strict=False)]
            got = cls.jvp(node, *given)
            if not isinstance(got, tuple):
                got = (got,)
            if len(got) != len(outputs):
                raise RuntimeError(f"Function's jvp returned an invalid number of forward gradients (expected {len(outputs)} but got {len(got)})")
            for o, t in zip(outputs, got, strict=False):
                if isinstance(o, Tensor) and t is not None:
                    forward_ad.check_size(o, t)
                    forward_ad.set_tangent(o, level, t)


def _wrap_outputs(cls, node, args, inputs, output, recorded):
    single = not isinstance(output, tuple)
    outputs = [output] if single else list(output)
    dirty, fixed = set(map(id, node.dirty_tensors)), set(map(id, node.non_differentiable))
    input_ids = set(map(id, inputs))
    for t in node.dirty_tensors:
        if id(t) not in input_ids and id(t) not in set(map(id, outputs)):
            raise RuntimeError("mark_dirty only accepts input tensors, but argument is of type " + type(t).__name__)
        t._bump()
        if recorded and t.requires_grad and t.is_leaf:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")
    shown = []
    for o in outputs:
        if not isinstance(o, Tensor):
            shown.append(o)
            continue
        if id(o) in input_ids and id(o) not in dirty:
            o = _core.T.view_as(o, o) if not recorded else _core.saved_alias(o)     # an input given back as it is
        elif recorded and id(o) not in dirty and o._is_view() and id(o._base) in input_ids:
            o = _core.saved_alias(o)
        elif recorded and id(o) not in dirty and o.requires_grad:
            o = _core.saved_alias(o)
        shown.append(o)
    _pass_tangents(cls, node, args, shown)
    node.saved_for_forward = None
    node._output_meta = [(o.shape, o.dtype) if isinstance(o, Tensor) else None for o in shown]
    if recorded:
        results = [o if isinstance(o, Tensor) and id(raw) not in fixed and (o.is_floating_point() or o.is_complex()) else None
                   for o, raw in zip(shown, outputs, strict=False)]
        if not any(r is not None for r in results):
            return output
        node._saved = None
        saved = [_saver(next((s for s, raw in zip(shown, outputs, strict=False) if raw is t), t), node, shown) for t in node.to_save]
        _core.set_history(node, results)
        node._saved = saved
        node.to_save = ()

        def release():
            node._released, node._saved = bool(saved), []
        if saved:
            node.on_release = release
    return shown[0] if single else tuple(shown)


def once_differentiable(fn):
    """Decorator of `backward`: its result cannot be differentiated again, and says so."""

    @functools.wraps(fn)
    def wrapper(ctx, *args):
        with no_grad():
            outputs = fn(ctx, *args)
        if not _core.is_grad_enabled():
            return outputs
        if not any(isinstance(a, Tensor) and a.requires_grad for a in args):
            return outputs
        single = not isinstance(outputs, tuple)
        made = [(outputs,) if single else outputs][0]
        tracked = []
        for o in made:
            if o is not None:
                node = _core.PyNode()
                _core.init_node(node, [a for a in args if isinstance(a, Tensor)], _refuse)
                o = o.detach()
                _core.set_history(node, [o])
            tracked.append(o)
        return tracked[0] if single else tuple(tracked)
    return wrapper


def _refuse(node, *grads):
    raise RuntimeError("trying to differentiate twice a function that was marked with @once_differentiable")


class InplaceFunction(Function):
    """Kept for old programs; see Function."""

    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace


class NestedIOFunction(Function):
    """Kept for old programs; see Function."""
