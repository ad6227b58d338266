"""What the backends' modules share."""
from contextlib import contextmanager


def absent():
    """Never: this build has no such library."""
    return False


def no_version():
    """None: there is no such library."""
    return None


def flags_of(switches):
    """`flags(name=value, ...)`: set switches of a module for a while."""
    @contextmanager
    def flags(**values):
        kept = {name: switches[name] for name in values}
        switches.update(values)
        try:
            yield
        finally:
            switches.update(kept)
    return flags
