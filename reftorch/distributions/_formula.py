"""Members of distributions stated as formulas: `moment(lambda concentration, rate: concentration / rate)`.

The arguments of a formula name attributes of the distribution (`self` the distribution itself), which are handed to it;
the first argument is the value, where the member is a function of one.
"""
from functools import wraps
from operator import attrgetter

from .constraints import dependent_property


class _Stated:
    """What the class body holds until the class is made; then ordinary members take its place, one for each of its names."""

    def __init__(self, formula, build):
        self.formula, self.build = formula, build

    def __set_name__(self, owner, name):
        member = self.build(self.formula)
        if isinstance(member, property):
            member.__set_name__(owner, name)
        else:
            member.__name__, member.__qualname__ = name, f"{owner.__qualname__}.{name}"
            member.__module__ = owner.__module__
        setattr(owner, name, member)


def _arguments(formula, given):
    """distribution -> the arguments that `formula` names, after `given` others."""
    code = formula.__code__
    names = code.co_varnames[given : code.co_argcount]
    return lambda self: [self if name == "self" else getattr(self, name) for name in names]


def _plain(formula):
    arguments = _arguments(formula, 0)

    def method(self):
        return formula(*arguments(self))

    return method


def _of_value(formula):
    arguments = _arguments(formula, 1)

    def method(self, value):
        return formula(value, *arguments(self))

    return method


def moment(formula):
    """A property of the distribution."""
    return _Stated(formula, lambda formula: property(_plain(formula)))


def ranging(formula, **told):
    """The set of the values, where that depends on the distribution; `told` of it is what is known beforehand."""
    return dependent_property(_plain(formula), **told)


def functional(formula):
    """A method that takes nothing, such as the entropy."""
    return _Stated(formula, _plain)


def quantile(formula):
    """A method of a value that is taken as it is: the inverse of a cdf."""
    return _Stated(formula, _of_value)


def density(formula):
    """A method of a value that is first seen to be one of the distribution's: a density, mass or cdf."""
    return _Stated(formula, lambda formula: checked(_of_value(formula)))


def checked(method):
    """A method (self, value) that sees to it that `value` is one of the distribution's."""

    @wraps(method)
    def with_check(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return method(self, value)

    return with_check


def part(path):
    """A property that is an attribute of one of the distribution's parts."""
    return property(attrgetter(path))
