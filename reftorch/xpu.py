"""torch.xpu where there is no such device."""


def is_available():
    """Never."""
    return False


def device_count():
    """None there: 0."""
    return 0


def manual_seed(seed):
    """Accepted: there is no device to seed."""
