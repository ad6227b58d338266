"""torch.accelerator where there is none."""
import importlib

from .core import device as _device


class AcceleratorError(RuntimeError):
    """Raised by an accelerator; never here."""


def get_device_module(device=None):
    """The module of a device's kind: `torch.cpu`, `torch.cuda`."""
    if not isinstance(device, (_device, str, type(None))):
        raise RuntimeError(f"Invalid value of device '{device}', expect torch.device, str, or None")
    kind = "cpu" if device is None else _device(device).type
    try:
        return importlib.import_module(f".{kind}", __package__)
    except ModuleNotFoundError:
        raise RuntimeError(f"Device '{kind}' does not have a corresponding module registered as 'torch.{kind}'.") from None


def is_available():
    """Never."""
    return False


def device_count():
    """None there: 0."""
    return 0


def current_accelerator(check_available=False):
    """None: this build runs on the CPU."""
    return None


def _refuse(*args, **kwargs):
    """Needs an accelerator."""
    raise RuntimeError("Cannot access accelerator device when none is available.")


(synchronize, current_device_index, current_device_idx, set_device_index, set_device_idx, current_stream, set_stream, empty_cache, memory_allocated,
 max_memory_allocated, memory_reserved) = (_refuse,) * 11
