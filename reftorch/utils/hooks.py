"""Handles for hooks."""
import weakref
from collections import OrderedDict

from ..core import _core


class RemovableHandle:
    """Removes a hook from the dict that holds it; also a context manager that does so at its end."""

    next_id = 0

    def __init__(self, hooks_dict, *, extra_dict=None):
        self.hooks_dict_ref = weakref.ref(hooks_dict)
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extra = extra_dict if isinstance(extra_dict, list) else [] if extra_dict is None else [extra_dict]
        self.extra_dict_ref = tuple(weakref.ref(d) for d in extra)

    def remove(self):
        """Take the hook out; calling it twice does no harm."""
        for ref in (self.hooks_dict_ref, *self.extra_dict_ref):
            hooks = ref()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __getstate__(self):
        return self.hooks_dict_ref(), self.id, tuple(ref() for ref in self.extra_dict_ref)

    def __setstate__(self, state):
        # a dead dict becomes an empty one: there is nothing left to remove
        self.hooks_dict_ref = weakref.ref(OrderedDict() if state[0] is None else state[0])
        self.id = state[1]
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)
        self.extra_dict_ref = tuple(weakref.ref(OrderedDict() if d is None else d) for d in (state[2] if len(state) > 2 else ()))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.remove()


class HookDict(OrderedDict):
    """Hooks by id; a plain OrderedDict that can be weakly referenced."""


def add_hook(hooks, hook):
    """Append `hook`; gives its handle."""
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


_core.install(hook_dict=HookDict, hook_handle=add_hook)


class BackwardHook:
    """Runs a module's full backward hooks: identity nodes around its inputs and outputs see the gradients pass."""

    def __init__(self, module, user_hooks, user_pre_hooks):
        self.module, self.user_hooks, self.user_pre_hooks = module, user_hooks, user_pre_hooks
        self.grad_outputs = None
        self.input_count = self.input_places = None

    def _through_identity(self, values):
        """The values with their tensors passed through one identity node; that node; the tensors' places."""
        from ..autograd.function import Function
        global _identity
        if _identity is None:
            class BackwardHookFunction(Function):
                @staticmethod
                def forward(ctx, *args):
                    ctx.mark_non_differentiable(*[a for a in args if not a.requires_grad])
                    return args

                @staticmethod
                def backward(ctx, *args):
                    return args
            _identity = BackwardHookFunction
        places = [i for i, v in enumerate(values) if isinstance(v, _core.Tensor)]
        if not places or not any(values[i].requires_grad for i in places) or not _core.is_grad_enabled():
            return values, None, places
        made = _identity.apply(*[values[i] for i in places])
        nodes = [t.grad_fn for t in made if t.grad_fn is not None]
        out = list(values)
        for place, t in zip(places, made, strict=False):
            out[place] = t
        return tuple(out), nodes[0] if nodes else None, places

    @staticmethod
    def _spread(grads, places, count):
        full = [None] * count
        for place, g in zip(places, grads, strict=False):
            full[place] = g
        return tuple(full)

    def _apply_user_hooks(self, grad_input):
        changed = None
        for hook in self.user_hooks:
            got = hook(self.module, grad_input, self.grad_outputs)
            if got is None:
                continue
            got = got if isinstance(got, tuple) else (got,)
            if len(got) != len(grad_input):
                raise RuntimeError(f"Backward hook returned an invalid number of grad_input, got {len(got)}, but expected {len(grad_input)}")
            grad_input = changed = got
        self.grad_outputs = None
        return changed

    def setup_input_hook(self, args):
        """The arguments, watched: after their gradients are known the user's hooks run."""
        args, node, places = self._through_identity(args)
        self.input_count, self.input_places = len(args), places
        if node is not None:
            def hook(grad_input, grad_output):
                if self.grad_outputs is None:
                    return None                  # the outputs took no part in this backward
                changed = self._apply_user_hooks(self._spread(grad_input, places, self.input_count))
                return None if changed is None else tuple(changed[i] for i in places)
            node.register_hook(hook)
        self.input_node = node
        return args

    def setup_output_hook(self, output):
        """The output, watched: pre-hooks see its gradient first."""
        single = not isinstance(output, tuple)
        values, node, places = self._through_identity((output,) if single else output)
        if node is not None:
            def hook(grad_output):
                grads = self._spread(grad_output, places, len(values))
                for pre in self.user_pre_hooks:
                    got = pre(self.module, grads)
                    if got is None:
                        continue
                    got = got if isinstance(got, tuple) else (got,)
                    if len(got) != len(grads):
                        raise RuntimeError(f"Backward pre hook returned an invalid number of grad_output, got {len(got)}, but expected {len(grads)}")
                    grads = got
                self.grad_outputs = grads
                if self.input_node is None and self.user_hooks:
                    self._apply_user_hooks((None,) * (self.input_count or 0))
                return tuple(grads[i] for i in places)
            node.register_prehook(hook)
        return values[0] if single else values


_identity = None


def unserializable_hook(f):
    """Mark a hook that need not be saved with its tensor."""
    f.__torch_unserializable__ = True
    return f
