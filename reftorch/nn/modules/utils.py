"""Numbers for one dim made into tuples for all dims."""
from collections.abc import Iterable
from types import FunctionType


def _ntuple(n, name="parse"):
    def parse(x):
        return tuple(x) if isinstance(x, Iterable) else (x,) * n
    parse.__name__ = name
    return parse


_single, _pair, _triple, _quadruple = map(_ntuple, range(1, 5), ("_single", "_pair", "_triple", "_quadruple"))


def _own_init(cls):
    """Decorates a class that inherits `__init__`: with a copy of its own, Python's errors about arguments name the class."""
    init = cls.__init__
    own = FunctionType(init.__code__, init.__globals__, init.__name__, init.__defaults__, init.__closure__)
    own.__kwdefaults__, own.__qualname__ = init.__kwdefaults__, f"{cls.__name__}.__init__"
    cls.__init__ = own
    return cls


def _reverse_repeat_tuple(t, n):
    """(a, b) as (b, b, a, a) for n = 2: the order of F.pad."""
    return tuple(x for x in reversed(t) for _ in range(n))


def _list_with_default(out_size, defaults):
    """`out_size` with None replaced by the trailing `defaults`."""
    if isinstance(out_size, int):
        return out_size
    if len(defaults) <= len(out_size):
        raise ValueError(f"Input dimension should be at least {len(out_size) + 1}")
    return [d if v is None else v for v, d in zip(out_size, defaults[-len(out_size):], strict=True)]
