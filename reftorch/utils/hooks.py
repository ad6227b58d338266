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
