"""Modules without first values."""
import inspect

import reftorch as torch


def skip_init(module_cls, *args, **kwargs):
    """A module whose parameters hold anything: no draws are taken from the generator."""
    if not issubclass(module_cls, torch.nn.Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    taken = inspect.signature(module_cls).parameters
    if "device" not in taken:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    state = torch.get_rng_state()
    try:
        return module_cls(*args, **kwargs)
    finally:
        torch.set_rng_state(state)
