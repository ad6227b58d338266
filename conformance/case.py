"""The neutral record of one conformance case, and the packs in which cases travel.

A case says what to run and knows nothing of who runs it. Its inputs are a tree of plain Python values in which
three things stand for what only the implementation under test can make: `ArrayRef` (a tensor, as raw bytes),
`Name` (an object it finds under a public name, such as `torch.float32`) and `Make` (the result of a public call).

A pack is one zip file: `cases.jsonl` and `cases.bin`, and once an implementation has run it, `record.jsonl` and
`record.bin`. JSON and raw bytes only; a tree refers to its bytes as `[start, length]`.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from conformance.files import whole


@dataclass(frozen=True)
class ArrayRef:
    """A tensor: bytes of its storage and the geometry of one view on it.

    Two references whose `data` is the same object (`is`) share one storage within a case.
    """

    dtype: str  # "float32", "bfloat16", "complex64", ...
    shape: tuple[int, ...]
    strides: tuple[int, ...]  # in elements
    offset: int  # in elements
    data: bytes
    requires_grad: bool = False
    conj: bool = False
    neg: bool = False


@dataclass(frozen=True)
class Name:
    """A public object of the implementation, by its name: `Name("torch.channels_last")`."""

    name: str


@dataclass(frozen=True)
class Make:
    """The result of calling a public function: `Make("torch.device", ("cpu",))`."""

    name: str
    args: tuple = ()
    kwargs: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """One program, its inputs and where it comes from. Names supplied to it: torch, nn, F, optim, np, math."""

    id: str  # "doc/torch.cumsum/1", "op/nn.functional.conv2d/float32/17", "error/add/3"
    program: tuple[str, ...]  # statements of ordinary Python
    setup: tuple[str, ...] = ()  # statements run before, not compared
    inputs: Mapping[str, object] = field(default_factory=dict)  # names bound before the program
    seed: int = 0
    apis: tuple[str, ...] = ()  # public names touched
    origin: str = ""
    tags: tuple[str, ...] = ()
    group: str = ""  # cases of one group share a forked child
    tolerance: Mapping | None = None  # {"rtol": .., "atol": ..} when the source says so

    @property
    def source(self) -> str:
        return self.id.split("/", 1)[0]

    @property
    def digest(self) -> str:
        """A hash of everything that decides what the case does."""
        blob = Blob()
        text = json.dumps([self.program, self.setup, encode(self.inputs, blob), self.seed])
        return hashlib.sha256(text.encode() + b"".join(blob.parts)).hexdigest()[:16]


class Blob:
    """Bytes laid end to end; the same object is stored once."""

    def __init__(self):
        self.parts: list[bytes] = []
        self.size = 0
        self._seen: dict[int, tuple[bytes, list[int]]] = {}

    def add(self, data: bytes) -> list[int]:
        known = self._seen.get(id(data))
        if known is None or len(data) < 2:  # CPython keeps one object for each of the shortest strings: no sign of sharing
            at = [self.size, len(data)]
            self.parts.append(data)
            self.size += len(data)
            self._seen[id(data)] = known = (data, at)  # the reference keeps the id from being reused
        return known[1]


def encode(value, blob: Blob):
    """A tree of values as JSON. What JSON has no form for is an object with the key `$`."""
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return {"$": "float", "v": value.hex()}
    if isinstance(value, list):
        return [encode(item, blob) for item in value]
    if isinstance(value, tuple):
        return {"$": "tuple", "v": [encode(item, blob) for item in value]}
    if isinstance(value, Mapping):
        return {"$": "dict", "v": [[encode(key, blob), encode(item, blob)] for key, item in value.items()]}
    if isinstance(value, ArrayRef):
        return {
            "$": "array", "dtype": value.dtype, "shape": list(value.shape), "strides": list(value.strides),
            "offset": value.offset, "at": blob.add(value.data), "requires_grad": value.requires_grad,
            "conj": value.conj, "neg": value.neg,
        }  # fmt: skip
    if isinstance(value, Name):
        return {"$": "name", "v": value.name}
    if isinstance(value, Make):
        return {"$": "make", "v": value.name, "args": encode(list(value.args), blob), "kwargs": encode(value.kwargs, blob)}
    if isinstance(value, complex):
        return {"$": "complex", "v": [value.real.hex(), value.imag.hex()]}
    if isinstance(value, slice):
        return {"$": "slice", "v": [encode(part, blob) for part in (value.start, value.stop, value.step)]}
    if isinstance(value, range):
        return {"$": "range", "v": [value.start, value.stop, value.step]}
    if isinstance(value, (set, frozenset)):
        return {"$": "set", "v": [encode(item, blob) for item in sorted(value, key=repr)]}
    if isinstance(value, bytes):
        return {"$": "bytes", "at": blob.add(value)}
    if value is Ellipsis:
        return {"$": "ellipsis"}
    raise TypeError(f"a case cannot carry a {type(value).__name__}: {value!r}"[:200])


_TUPLES = ("program", "setup", "apis", "tags")


def write_pack(path: Path, cases: Iterable[Case], group: str = "") -> int:
    """Write the cases of a group (or some without one) to a new pack; returns how many."""
    blob, lines = Blob(), []
    for case in cases:
        record = {name: list(getattr(case, name)) for name in _TUPLES}
        record |= {"id": case.id, "seed": case.seed, "origin": case.origin, "group": case.group}
        record["tolerance"] = dict(case.tolerance) if case.tolerance else None
        record["inputs"] = {name: encode(value, blob) for name, value in case.inputs.items()}
        lines.append(json.dumps(record))
    with whole(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as pack:
        pack.comment = group.encode()
        pack.writestr("cases.jsonl", "\n".join(lines))
        pack.writestr("cases.bin", b"".join(blob.parts))
    return len(lines)


def group_of(path: Path) -> str:
    """The group a pack was written for."""
    with zipfile.ZipFile(path) as pack:
        return pack.comment.decode()


def read_cases(path: Path) -> Iterator[dict]:
    """The case records of a pack, inputs still encoded (only a worker can build them)."""
    with zipfile.ZipFile(path) as pack:
        for line in pack.read("cases.jsonl").decode().splitlines():
            yield json.loads(line)


def read_data(path: Path) -> bytes:
    """The bytes that the inputs of a pack refer to."""
    with zipfile.ZipFile(path) as pack:
        return pack.read("cases.bin")
