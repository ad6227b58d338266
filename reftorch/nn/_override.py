"""How functions written in Python take part in `__torch_function__`."""
import functools

from .. import overrides
from ..core import Tensor

_modes = overrides._modes


@functools.cache
def _overrides(kind):
    if kind is Tensor:
        return False
    found = getattr(kind, "__torch_function__", None)
    return found is not None and found is not overrides._disabled_torch_function_impl


def overridable(fn):
    """`fn`, handing calls over to modes and to arguments that override."""
    @functools.wraps(fn)
    def call(*args, **kwargs):
        for a in args:
            if type(a) is not Tensor and _overrides(type(a)):
                break
        else:
            for a in kwargs.values():
                if _overrides(type(a)):
                    break
            else:
                if not _modes:
                    return fn(*args, **kwargs)
        relevant = (*args, *kwargs.values())
        if overrides.has_torch_function(relevant):
            return overrides.handle_torch_function(call, relevant, *args, **kwargs)
        return fn(*args, **kwargs)
    return call
