"""Anomaly detection: NaN gradients raise, and the forward call that made a failing node is shown."""
import warnings

from ..core import _core


class detect_anomaly:
    """Context manager that looks for NaN gradients and remembers where each node was made."""

    def __init__(self, check_nan=True):
        self.check_nan = check_nan
        warnings.warn("Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging.",
                      UserWarning, stacklevel=2)

    def __enter__(self):
        self.prev = _core.set_anomaly(True, self.check_nan)

    def __exit__(self, *exc):
        _core.set_anomaly(*self.prev)


class set_detect_anomaly:
    """Switch anomaly detection: at once when called, undone when used as a context manager."""

    def __init__(self, mode, check_nan=True):
        self.prev = _core.set_anomaly(mode, check_nan)

    def __enter__(self):
        pass

    def __exit__(self, *exc):
        _core.set_anomaly(*self.prev)
