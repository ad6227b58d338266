"""torch.jit: scripted and traced code runs as the Python that it is; nothing is compiled, saved or loaded."""
import builtins
from typing import Final  # noqa: F401


def script(obj, optimize=None, _frames_up=0, _rcb=None, example_inputs=None):
    """The function or module itself."""
    return obj


def trace(func, *args, **kwargs):
    """The function or module itself, whose control flow stays."""
    return func


def ignore(drop=False, **kwargs):
    """A mark for the compiler, with or without arguments."""
    return drop if callable(drop) else lambda fn: fn


def _marked(fn):
    """A mark for the compiler."""
    return fn


export = unused = script_method = interface = optimize_for_inference = freeze = _marked


def is_scripting():
    """Never."""
    return False


is_tracing = is_scripting


def annotate(the_type, the_value):
    """The value; the type is for the compiler."""
    return the_value


def isinstance(obj, target_type):
    """Whether `obj` is of a type or one of several."""
    return builtins.isinstance(obj, target_type)


class ScriptModule:
    """Never made here; for `isinstance`."""


ScriptFunction = ScriptModule


def _refuse(*args, **kwargs):
    """Needs TorchScript."""
    raise NotImplementedError("reftorch has no TorchScript: keep the model's class and save its state_dict instead")


save = load = _refuse
