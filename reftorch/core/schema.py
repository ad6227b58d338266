"""Schema strings: the one place where an op's arguments are written down.

`add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor` names the op, the overload, the arguments with
types and defaults, and the results.  The grammar is that of PyTorch's own table, with alias marks (`Tensor(a!)`) allowed
and ignored, and `SymInt` read as `int`.
"""
import re
from typing import NamedTuple

REQUIRED = type("Required", (), {"__repr__": lambda self: "REQUIRED"})()

#: Argument types, in the order of the codes that `core/args.pyx` switches on.
TYPES = ("Tensor", "Scalar", "int", "float", "bool", "str", "ScalarType", "Layout", "Device", "MemoryFormat",
         "Generator", "any")

#: A schema with these makes a tensor from nothing; PyTorch's Python face then also takes `requires_grad`.
FACTORY = {"dtype", "layout", "device", "pin_memory"}

_PARAM = re.compile(r"(?P<type>\w+)(\([^)]*\))?(?P<elem_opt>\?)?(?P<list>\[(?P<size>\d*)\])?(?P<opt>\?)?\s+(?P<name>\w+)(=(?P<default>.+))?$")
_CONSTANTS = {"None": None, "True": True, "False": False}


class Param(NamedTuple):
    """One argument. `size` is None for a plain value, 0 for `T[]`, n for `T[n]` (which also takes a single T)."""
    name: str
    type: str
    size: int | None = None
    optional: bool = False
    elem_optional: bool = False
    default: object = REQUIRED
    kwonly: bool = False

    @property
    def code(self):
        return TYPES.index(self.type)

    @property
    def required(self):
        return self.default is REQUIRED


class Schema(NamedTuple):
    """A parsed schema string. `returns` holds (type, name or None) pairs."""
    name: str
    overload: str
    params: tuple
    returns: tuple
    text: str

    def position(self, name):
        """Position of the argument called `name`."""
        for i, p in enumerate(self.params):
            if p.name == name:
                return i
        raise KeyError(f"{self.text}: no argument {name!r}")


def split(text):
    """Split at commas that stand outside brackets."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        if c in "([":
            depth += 1
        elif c in ")]":
            depth -= 1
        elif c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    last = text[start:].strip()
    return parts + [last] if last else parts


def _default(text):
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text.startswith("["):
        return tuple(_default(t) for t in split(text[1:-1]))
    if text[0] in "\"'":
        return text[1:-1]
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text                      # a symbolic constant: Mean, contiguous_format, long ...


def _param(text, kwonly):
    m = _PARAM.match(text)
    if not m:
        raise ValueError(f"cannot read argument {text!r}")
    kind = {"SymInt": "int"}.get(m["type"], m["type"])
    if kind not in TYPES:
        raise ValueError(f"unknown type {kind!r} in {text!r}")
    size = None if m["list"] is None else int(m["size"] or 0)
    # `Tensor?` has its mark before an absent list; `Tensor?[]` marks the elements, `int[]?` the whole.
    elem_optional = bool(m["elem_opt"]) and size is not None
    optional = bool(m["opt"]) or (bool(m["elem_opt"]) and size is None)
    default = REQUIRED if m["default"] is None else _default(m["default"])
    return Param(m["name"], kind, size, optional, elem_optional, default, kwonly)


def parse(text):
    """Read one schema string into a `Schema`."""
    head, _, result = text.rpartition("->")
    if not head:
        raise ValueError(f"no '->' in schema {text!r}")
    open_at = head.index("(")
    full = head[:open_at].strip()
    name, _, overload = full.partition(".")
    params, kwonly = [], False
    for part in split(head[open_at + 1:head.rindex(")")]):
        if part == "*":
            kwonly = True
        else:
            params.append(_param(part, kwonly))
    if FACTORY <= {p.name for p in params}:
        params.append(Param("requires_grad", "bool", default=False, kwonly=True))
    result = result.strip()
    returns = []
    for part in split(result[1:-1]) if result.startswith("(") else [result]:
        part = re.sub(r"\([^)]*\)", "", part)
        kind, _, label = part.partition(" ")
        returns.append((kind, label.strip() or None))
    return Schema(name, overload, tuple(params), tuple(returns), text)
