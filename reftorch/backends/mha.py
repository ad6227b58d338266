"""torch.backends.mha: the fused inference path of attention, of which there is none."""
_enabled = True


def get_fastpath_enabled():
    """The switch as it was set."""
    return _enabled


def set_fastpath_enabled(value):
    """Keep the switch."""
    global _enabled
    _enabled = value
