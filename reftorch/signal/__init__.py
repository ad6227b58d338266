"""Signal processing: its window functions."""

from . import windows

__all__ = ["windows"]
