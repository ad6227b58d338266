"""torch.cpu: the one device, seen as if it were an accelerator."""
from contextlib import nullcontext as stream  # noqa: F401


class Stream:
    """Stands for the one queue of work."""


_STREAM = Stream()


def is_available():
    """Always."""
    return True


is_initialized = is_available


def device_count():
    """One."""
    return 1


def current_device():
    """The name of the device."""
    return "cpu"


def current_stream(device=None):
    """The one queue of work."""
    return _STREAM


def synchronize(device=None):
    """Nothing runs behind the program's back."""


def set_device(device):
    """There is no other."""
