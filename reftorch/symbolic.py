"""Symbolic numbers of PyTorch's compiler: the classes, for `isinstance`, and the functions, which plain numbers go through as well."""

import numpy as np

_NUMBERS = (np.integer, np.floating, int, float)


class SymInt:
    """An integer that a compiler traces; never made here."""

    def __init__(self, node):
        self.node = node


class SymFloat:
    """A float that a compiler traces; never made here."""

    def __init__(self, node):
        self.node = node


class SymBool:
    """A truth value that a compiler traces; never made here."""

    def __init__(self, node):
        self.node = node


def sym_int(a):
    """Rounded towards zero."""
    return int(a)


def sym_float(a):
    """As a float."""
    return float(a)


def sym_not(a):
    """Whether it is false."""
    return not a


def sym_ite(b, t, f):
    """`t` if `b`, else `f`, both of one type."""
    if not isinstance(b, bool):
        raise AssertionError(f"expected SymBool or bool, got {type(b)}")
    if type(t) is not type(f):
        raise AssertionError(f"type mismatch: {type(t)} vs {type(f)}")
    return t if b else f


def _extreme(pick, a, b):
    for value in (a, b):
        if not isinstance(value, _NUMBERS):
            raise AssertionError(f"expected {_NUMBERS}, got {type(value)}")
    kind = float if any(isinstance(value, (float, np.floating)) for value in (a, b)) else int
    return kind(pick(a, b))


def sym_max(a, b):
    """The larger; a float if either is."""
    return _extreme(max, a, b)


def sym_min(a, b):
    """The smaller; a float if either is."""
    return _extreme(min, a, b)


def sym_sum(*args):
    """The sum of numbers, given one by one or as a sequence."""
    return sum(args[0] if len(args) == 1 and isinstance(args[0], (list, tuple)) else args)
