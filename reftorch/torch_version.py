"""The version as text that compares by its numbers."""
import operator
import re

_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?:\.?(a|b|rc|dev)\d*)?(?:\.?post\d+)?(?:\+(.+))?")


def _key(version):
    """What versions are ordered by: numbers, then whether it is the release itself, then what follows a plus; None if it is no version."""
    match = _VERSION.fullmatch(version if isinstance(version, str) else ".".join(map(str, version)))
    if match is None:
        return None
    numbers = [int(word) for word in match[1].split(".")]
    while numbers and not numbers[-1]:
        numbers.pop()
    return numbers, match[2] is None, match[3] or ""


def _compare(how, version, other):
    if not isinstance(other, (str, tuple, list)):
        return NotImplemented
    theirs = _key(other)
    return how(str(version), str(other)) if theirs is None else how(_key(version), theirs)


class TorchVersion(str):
    """A version that compares by its numbers with text and tuples: `torch.__version__ >= "2.9"`, `torch.__version__ >= (2, 9)`."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other):
        return _compare(operator.eq, self, other)

    def __ne__(self, other):
        return _compare(operator.ne, self, other)

    def __lt__(self, other):
        return _compare(operator.lt, self, other)

    def __le__(self, other):
        return _compare(operator.le, self, other)

    def __gt__(self, other):
        return _compare(operator.gt, self, other)

    def __ge__(self, other):
        return _compare(operator.ge, self, other)
