"""torch.cuda on a machine without CUDA: programs ask whether it is there, seed it and go on; what needs it raises."""
from . import amp  # noqa: F401

default_generators = ()


def is_available():
    """Never."""
    return False


is_initialized = is_bf16_supported = is_available


def _nothing(*args, **kwargs):
    """Accepted: there is no device on which to do it."""


seed = seed_all = empty_cache = set_rng_state_all = _nothing


def manual_seed(seed):
    """Accepted: there is no device's generator to seed."""
    int(seed)


manual_seed_all = manual_seed


def _zero(device=None):
    """No device: 0."""
    return 0


device_count = memory_allocated = max_memory_allocated = memory_reserved = max_memory_reserved = _zero


def _none_listed():
    """No device: an empty list."""
    return []


get_arch_list = get_rng_state_all = _none_listed


def _refuse(*args, **kwargs):
    """Needs CUDA, which this build has not."""
    raise AssertionError("Torch not compiled with CUDA enabled")


def synchronize(device=None):
    """Needs CUDA, which this build has not."""
    _refuse(device)


(current_device, get_device_name, get_device_properties, get_device_capability, set_device, mem_get_info, current_stream, default_stream,
 initial_seed, get_rng_state, set_rng_state, ipc_collect, init, can_device_access_peer, reset_peak_memory_stats, memory_summary) = (_refuse,) * 16


class OutOfMemoryError(RuntimeError):
    """Raised by an accelerator out of memory; never here."""


class device:
    """A context that would choose a device; without CUDA it does nothing."""

    def __init__(self, device):
        self.idx = device

    def __enter__(self):
        pass

    def __exit__(self, *_):
        return False


class Stream:
    """A queue of work on a device, which needs CUDA."""

    def __init__(self, *args, **kwargs):
        raise RuntimeError(f"torch.cuda.{type(self).__name__} requires CUDA support")


class Event:
    """A mark in a queue of work, which needs CUDA."""

    def __init__(self, *args, **kwargs):
        raise RuntimeError("Tried to instantiate dummy base class Event")


class stream:
    """A context that would choose a stream; without CUDA it does nothing."""

    def __init__(self, stream):
        self.stream = stream

    __enter__, __exit__ = device.__enter__, device.__exit__
