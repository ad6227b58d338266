"""torch.accelerator where there is none."""


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
