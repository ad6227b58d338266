"""Datapipes: datasets that are chained like functions."""
from . import iter, map  # noqa: A004, F401
