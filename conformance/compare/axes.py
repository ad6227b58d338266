"""Where two transcripts of one case differ: the axes, and how each is judged.

Values are compared within the tolerance of their dtype (`tolerances.toml`), NaN equal to NaN. A Python number has the
tolerance of the least precise floating dtype that occurs in the oracle's transcript, and float64's where none occurs.

Text (`repr` of an echoed value, and everything printed) is cut into floating-point literals and the rest. The rest
(words, commas, line breaks, integers, names) must be the same, character for character. Each literal, together with the
blanks before it, must be as wide as the oracle's, and its number must lie within the tolerance or one unit of the last
digit shown: so columns, precision and notation are exact, and only the digits may follow the values behind them.
A case tagged `exact-text` has no such room: every digit that differs is named.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache, cached_property
from os.path import commonprefix
from pathlib import Path

import numpy as np

from conformance.compare import properties
from conformance.matching import matches
from conformance.transcript import Transcript, numpy_dtype

AXES = (
    "exists", "runs", "type", "shape", "dtype", "stride", "value", "alias", "mutation", "gradient", "text", "warning",
    "error-type", "error-text", "rng",
)  # fmt: skip
_LOOSE = {"stride", "warning", "error-text"}
PROFILES = {
    "inference": set(AXES) - _LOOSE - {"gradient", "alias", "rng"},
    "training": set(AXES) - _LOOSE - {"text"},
    "drop-in": set(AXES) - _LOOSE,
    "bitwise": set(AXES),
}
LITERAL = re.compile(r"( *)([-+]?(?:\d+\.\d*|\.\d+|\d+(?=[eE][-+]?\d))(?:[eE][-+]?\d+)?)")
WORDS = re.compile(r"\w+|\s+|[^\w\s]")
ALIGNED = 500  # words that are matched one by one
CONTEXT = " after "  # between what differs in a text and what stands before it
TRIGGERED = re.compile(r" \(Triggered internally at [^()]*:\d+\.\)$")
_TABLE = tomllib.loads(Path(__file__).with_name("tolerances.toml").read_text("utf-8"))
_PRECISION = ["float64", "complex128", "float32", "complex64", "float16", "complex32", "bfloat16"]


@dataclass(frozen=True)
class Tolerance:
    rtol: float = 0.0
    atol: float = 0.0

    def allows(self, distance, reference):
        return distance <= self.atol + self.rtol * np.abs(reference)


@dataclass(frozen=True)
class Difference:
    """One way in which the subject is not like the oracle."""

    axis: str
    path: str  # "2/y/value": statement, name, part
    message: str
    ulp: float | None = None
    spot: tuple[int, ...] | None = None  # the worst element of what differs in value
    reference: str = ""  # what the referee has there
    origin: str = ""  # the numbers it comes from

    @classmethod
    def of_json(cls, data: dict) -> Difference:
        return cls(**data | ({"spot": tuple(data["spot"])} if data.get("spot") is not None else {}))

    @property
    def line(self) -> str:
        """All of it for people."""
        distance = f" ({self.ulp:.3g} ulp)" if self.ulp else ""
        return ", ".join(filter(None, [f"{self.axis} at {self.path}: {self.message}{distance}", self.reference, self.origin]))


@dataclass
class Comparison:
    """Everything found out about one case."""

    case: dict
    oracle: Transcript
    subject: Transcript
    exact: bool = False
    differences: list[Difference] = field(default_factory=list)
    axes: set[str] = field(default_factory=set)  # the axes on which there was anything to compare

    def add(self, axis: str, path: str, message: str, ulp: float | None = None, spot: tuple[int, ...] | None = None) -> None:
        self.differences.append(Difference(axis, path, message, ulp, spot))

    def tolerance(self, dtype: str) -> Tolerance:
        return Tolerance() if self.exact else tolerance(self.case["id"], dtype, self.case.get("tolerance"))

    @cached_property
    def loosest(self) -> str:
        """The least precise floating dtype in the oracle's transcript."""
        seen = set(re.findall(r'"dtype": "(\w+)"', repr(self.oracle.record).replace("'", '"')))
        return max(seen.intersection(_PRECISION), key=_PRECISION.index, default="float64")

    def inputs(self) -> list[dict]:
        """Snapshots of what the program was given and bound, in order."""
        steps = self.oracle.record.get("steps", ())
        bound = [shot for step in steps for shot in step.get("bound", {}).values()]
        return [*self.oracle.record.get("given", {}).values(), *bound]

    # -- statement by statement ------------------------------------------------------------------------------------

    def run(self) -> list[Difference]:
        """Compare everything both transcripts have."""
        ours, theirs = self.subject.record, self.oracle.record
        if "setup_error" in ours and "setup_error" not in theirs:
            self._raised("setup", ours["setup_error"])
            return self.differences
        self.axes |= {"exists", "runs"}
        for index, (a, b) in enumerate(zip(theirs.get("steps", ()), ours.get("steps", ()), strict=False)):
            self._step(str(index), a, b)
            if ("error" in a) != ("error" in b):
                return self.differences
        self._final(theirs.get("final", {}), ours.get("final", {}))
        self._alias(theirs.get("alias", []), ours.get("alias", []))
        if theirs.get("rng"):
            self.axes.add("rng")
            if theirs["rng"] != ours.get("rng"):
                self.add("rng", "end/rng", "the generator is in another state")
        return self.differences

    def _step(self, path: str, a: dict, b: dict) -> None:
        if ("error" in a) != ("error" in b):  # one side did nothing else that could be compared
            if "error" in a:
                self._same_error(path, a["error"], None)
            else:
                self._raised(path, b["error"])
            return
        if "out" in a or "out" in b:
            self.text(path + "/printed", a.get("out", ""), b.get("out", ""))
        if "text" in a or "text" in b:
            self.text(path + "/shown", a.get("text", "None"), b.get("text", "None"))
        none = {"k": "NoneType", "v": None}
        if "echo" in a or "echo" in b:
            self.tree(path + "/echo", a.get("echo", none), b.get("echo", none))
        theirs, ours = a.get("bound", {}), b.get("bound", {})
        judged = properties.unpacked(self, path, theirs, ours)
        for name, shot in theirs.items():
            if name in ours and name not in judged:
                self.tree(f"{path}/{name}", shot, ours[name])
            elif name not in ours:
                self.add("value", f"{path}/{name}", "not bound")
        if "warnings" in a or "warnings" in b:
            self.axes.add("warning")
            if _plain(a) != _plain(b):
                self.add("warning", path + "/warning", f"{_warnings(b)} instead of {_warnings(a)}")
        if "error" in a:
            self._same_error(path, a["error"], b["error"])

    def _same_error(self, path: str, a: dict, b: dict | None) -> None:
        self.axes |= {"error-type", "error-text"}
        if b is None:
            self.add("error-type", path + "/error", f"no exception instead of {a['type']}: {a['text'][:200]}")
            return
        if a["type"] != b["type"]:
            self.add("error-type", path + "/error", f"{b['type']}: {b['text'][:200]} instead of {a['type']}: {a['text'][:200]}")
        if a["text"] != b["text"]:
            self.add("error-text", path + "/error", f"{b['text'][:300]!r} instead of {a['text'][:300]!r}")

    def _raised(self, path: str, error: dict) -> None:
        axis = "exists" if missing(error) else "runs"
        self.axes = self.axes - {"exists", "runs"} | {axis}  # what never got as far as running says nothing about that
        self.add(axis, path + "/error", f"{error['type']}: {error['text'][:300]}")

    def _final(self, theirs: dict, ours: dict) -> None:
        """State that changed after it was last written down: mutated inputs, gradients."""
        for name in theirs.keys() | ours.keys():
            path = f"end/{name}"
            axis = "gradient" if "grad" in theirs.get(name, {}) or "grad" in ours.get(name, {}) else "mutation"
            self.axes.add(axis)
            if name in theirs and name in ours:
                self.tree(path, theirs[name], ours[name], axis="mutation")
            elif self._restrided(name, theirs.get(name) or ours[name]):
                self.add("stride", path, "strides change on one side only")
            else:
                self.add(axis, path, "changes only here" if name in ours else "does not change")

    def _restrided(self, name: str, shot: dict) -> bool:
        """Whether nothing about an empty tensor changed after it was last written down, but strides that lead nowhere."""
        steps = [step.get("bound", {}) for step in self.oracle.record.get("steps", ())]
        before = next((bound[name] for bound in reversed(steps) if name in bound), self.oracle.record.get("given", {}).get(name))
        parts = ("k", "dtype", "shape", "requires_grad", "grad_fn", "grad")
        return bool(before) and 0 in shot.get("shape", ()) and all(before.get(part) == shot.get(part) for part in parts)

    def _alias(self, theirs: list, ours: list) -> None:
        relative = lambda group: tuple(sorted((name, at - min(x[1] for x in group)) for name, at in group))  # noqa: E731
        a, b = ({relative(group) for group in side} for side in (theirs, ours))
        if a or b:
            self.axes.add("alias")
        if a != b:
            self.add("alias", "end/alias", f"shared storage: {_groups(b)} instead of {_groups(a)}")

    # -- values ----------------------------------------------------------------------------------------------------

    def tree(self, path: str, a: dict, b: dict, axis: str = "value") -> None:
        """Compare two snapshots; differences of value are filed under `axis`."""
        self.axes.add("type")
        if a["k"] != b["k"]:
            self.add("type", path, f"{_brief(b)} instead of {_brief(a)}")
            return
        if a.get("type") != b.get("type"):
            self.add("type", path + "/type", f"{b.get('type')} instead of {a.get('type')}")
        kind = a["k"]
        if kind == "tensor":
            self._tensor(path, a, b, axis)
        elif kind == "array":
            self._numbers(path, a, b, axis)
        elif kind in ("float", "complex"):
            self.axes.add(axis)
            self._number(path, a, b, axis)
        elif kind in ("list", "dict"):
            self._container(path, a, b, axis)
        elif kind == "object":
            if a.get("text") != b.get("text"):
                self.text(path + "/shown", a.get("text", ""), b.get("text", ""))
            if a.get("training") != b.get("training"):
                self.add(axis, path + "/training", f"{b.get('training')} instead of {a.get('training')}")
            self._state(path, a.get("state", []), b.get("state", []), axis)
        elif kind != "unreadable" and a.get("v") != b.get("v"):
            self.axes.add(axis)
            self.add(axis, path + "/value", f"{b.get('v')!r} instead of {a.get('v')!r}"[:300])

    def _container(self, path: str, a: dict, b: dict, axis: str) -> None:
        if a["n"] != b["n"]:
            self.add("shape", path + "/len", f"{b['n']} items instead of {a['n']}")
            return
        if properties.judge(self, path, a, b):
            return
        for index, (x, y) in enumerate(zip(a["items"], b["items"], strict=False)):
            if a["k"] == "dict":
                self.tree(f"{path}/key{index}", x[0], y[0], axis)
                x, y = x[1], y[1]
            self.tree(f"{path}/{index}", x, y, axis)

    def _state(self, path: str, a: list, b: list, axis: str) -> None:
        if (theirs := [name for name, _ in a]) != (ours := [name for name, _ in b]):
            self.add(axis, path + "/state", f"{ours} instead of {theirs}"[:300])
            return
        for (name, x), (_, y) in zip(a, b, strict=True):
            self.tree(f"{path}.{name}", x, y, axis)

    def _tensor(self, path: str, a: dict, b: dict, axis: str) -> None:
        forced = axis == "gradient"
        self.axes |= {"shape", "dtype", "stride"}
        if a.get("strides") != b.get("strides") and a["shape"] == b["shape"] and _apparent(a) != _apparent(b):
            self.add("stride", path + "/stride", f"{b.get('strides')} instead of {a.get('strides')}")
        for part in ("requires_grad", "grad_fn"):
            if a.get(part) != b.get(part):
                self.axes.add("gradient")
                self.add("gradient", f"{path}/{part}", f"{b.get(part)} instead of {a.get(part)}")
        if "grad" in a or "grad" in b:
            self.axes.add("gradient")
            if "grad" in a and "grad" in b:
                self.tree(path + "/grad", a["grad"], b["grad"], "gradient")
            else:
                self.add("gradient", path + "/grad", "is None" if "grad" in a else "is not None")
        if "text" in a or "text" in b:  # not a dense tensor on the CPU: only its text is known
            self.text(path + "/shown", a.get("text", ""), b.get("text", ""))
            return
        self._numbers(path, a, b, "gradient" if forced else axis)

    def _number(self, path: str, a: dict, b: dict, axis: str) -> None:
        x, y = (np.asarray(v["v"], float) for v in (a, b))
        if not _close(x, y, self.tolerance(self.loosest)).all():
            self.add(axis, path + "/value", f"{b['v']} instead of {a['v']}", spot=() if a["k"] == "float" else None)

    def _numbers(self, path: str, a: dict, b: dict, axis: str) -> None:
        self.axes |= {"shape", "dtype", axis}
        if a["dtype"] != b["dtype"]:
            self.add("dtype", path + "/dtype", f"{b['dtype']} instead of {a['dtype']}")
        if a["shape"] != b["shape"]:
            self.add("shape", path + "/shape", f"{b['shape']} instead of {a['shape']}")
        if a["dtype"] == b["dtype"] and a["shape"] == b["shape"] and self.oracle.bytes(a) != self.subject.bytes(b):
            found = value_difference(self.oracle.array(a), self.subject.array(b), a["dtype"], self.tolerance(a["dtype"]))
            if found:
                self.add(axis, path + "/value", *found)

    # -- text ------------------------------------------------------------------------------------------------------

    def text(self, path: str, a: str, b: str) -> None:
        self.axes.add("text")
        if a == b or not (self.exact or "exact-text" in self.case.get("tags", ())) and same_text(a, b, self.tolerance(self.loosest)):
            return
        self.add("text", path, digits(a, b) or replaced(a, b))


def replaced(a: str, b: str) -> str:
    """The first words of `b` that stand in the place of words of `a`, and what stands before them in their line."""
    left, right = (WORDS.findall(text) for text in (a, b))
    shortest = min(len(left), len(right))
    start = next((i for i in range(shortest) if left[i] != right[i]), shortest)
    end = next((i for i in range(shortest - start) if left[-1 - i] != right[-1 - i]), shortest - start)
    old, new = left[start : len(left) - end], right[start : len(right) - end]
    if max(len(old), len(new)) <= ALIGNED:
        _, i, j, k, m = next(step for step in SequenceMatcher(None, old, new, autojunk=False).get_opcodes() if step[0] != "equal")
        start, old, new = start + i, old[i:j], new[k:m]
    line = "".join(left[:start]).rpartition("\n")[2]
    found = f"{''.join(new)[:200]!r} instead of {''.join(old)[:200]!r}"
    return found + f"{CONTEXT}{line[-60:]!r}" if line else found


def literals(a: str, b: str) -> list[tuple[int, str, str]] | None:
    """The numbers of two texts, (line, one, other); None where the texts differ in anything but the digits of their numbers."""
    left, right = LITERAL.split(a), LITERAL.split(b)
    if len(left) != len(right) or left[::3] != right[::3]:
        return None
    found, line = [], 1
    for rest, blank, x, other, y in zip(left[::3], left[1::3], left[2::3], right[1::3], right[2::3], strict=False):
        if len(blank) + len(x) != len(other) + len(y):
            return None
        line += rest.count("\n")
        found.append((line, x, y))
    return found


def same_text(a: str, b: str, tolerance: Tolerance) -> bool:
    """Whether two texts are the same but for digits that follow values within the tolerance."""
    pairs = literals(a, b)
    return pairs is not None and all(x == y or tolerance.allows(abs(float(x) - float(y)) - last_digit(x), float(x)) for _, x, y in pairs)


def last_digit(literal: str) -> float:
    """The size of one unit of the last digit shown, a hair more to allow for its own rounding."""
    mantissa, _, exponent = literal.lower().partition("e")
    return 1.0001 * 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))


def digits(a: str, b: str, elsewhere: str = "") -> str:
    """For texts that differ in digits only: each number that does, the first significant digit in which it does, and what is `elsewhere`."""
    pairs, others = literals(a, b) or [], LITERAL.split(elsewhere)[2::3]
    found = []
    for index, (line, x, y) in enumerate(pairs):
        if x != y:
            same = re.sub(r"\D", "", commonprefix([x, y])).lstrip("0")
            also = f" (the oracle on another processor: {others[index]})" if len(others) == len(pairs) else ""
            found.append(f"line {line}: {y} instead of {x}, digit {len(same) + 1}{also}")
    return f"{len(found)} of {len(pairs)} numbers: {'; '.join(found)}" if found else ""


def _close(a: np.ndarray, b: np.ndarray, tolerance: Tolerance) -> np.ndarray:
    with np.errstate(all="ignore"):
        same = (a == b) | ((a != a) & (b != b))
        return same | np.isfinite(a) & tolerance.allows(np.abs(b - a), a)


@np.errstate(all="ignore")
def value_difference(a: np.ndarray, b: np.ndarray, dtype: str, tolerance: Tolerance) -> tuple[str, float | None, tuple[int, ...]] | None:
    """What is wrong with array `b`, by how many units in the last place, and where most; None if nothing is."""
    if a.dtype.kind in "biu":
        bad = a != b
        wide = lambda x: x.astype(object) if x.dtype.itemsize == 8 else x.astype(np.int64)  # noqa: E731
    else:
        wide = lambda x: x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)  # noqa: E731
        bad = ~_close(wide(a), wide(b), tolerance)
    if not bad.any():
        return None
    which, ulp, spot = "first", None, np.argwhere(bad)[0]
    if a.dtype.kind not in "biu":
        units = np.where(bad, np.abs(wide(b) - wide(a)) / spacing(np.abs(wide(a)), dtype), 0)
        ulp = float(np.where(np.isnan(units), 0, units).max(initial=0.0))
        # a NaN for a number, or the other way round, is farther off than any number
        which, spot = "worst", np.unravel_index(np.where(np.isnan(units), np.inf, units).argmax(), units.shape)
    spot = tuple(int(i) for i in spot)
    return f"{int(bad.sum())} of {bad.size} elements differ, {which} {list(spot)}: {wide(b)[spot]} instead of {wide(a)[spot]}", ulp, spot


def spacing(magnitude: np.ndarray, dtype: str) -> np.ndarray:
    """The distance from each number to the next one of its dtype."""
    kind = numpy_dtype({"complex64": "float32", "complex128": "float64", "complex32": "float16"}.get(dtype, dtype))
    if kind.name in ("float16", "float32", "float64"):
        return np.spacing(magnitude.astype(kind)).astype(np.float64)
    bits = {"bfloat16": 7}.get(dtype, 2)
    return np.exp2(np.floor(np.log2(np.maximum(magnitude, 1e-38))) - bits)


@cache
def _wider() -> tuple[dict, ...]:
    return tuple(_TABLE.get("wider", ()))


def tolerance(id: str, dtype: str, own: dict | None) -> Tolerance:
    """The tolerance of a dtype in a case: the source's own, a named op's wider one, or the dtype's."""
    if dtype not in _TABLE["dtype"]:
        return Tolerance()
    found = _TABLE["dtype"][dtype]
    for entry in _wider():
        if matches(id, [entry["cases"]]):
            found = entry
    rtol, atol = found["rtol"], found["atol"]
    if own:
        rtol, atol = max(rtol, own.get("rtol") or 0.0), max(atol, own.get("atol") or 0.0)
    return Tolerance(rtol, atol)


def missing(error: dict) -> str:
    """The public name that the subject lacks, if that is what the exception is about."""
    if error["type"] in ("AttributeError", "NameError", "ImportError", "ModuleNotFoundError"):
        if match := re.search(r"No module named '([\w.]+)'", error["text"]):
            return match[1]
        if match := re.search(r"cannot import name '(\w+)' from '([\w.]+)'", error["text"]):
            return f"{match[2]}.{match[1]}"
        if match := re.search(r"(?:module|object) '?([\w.]+)'? has no attribute '(\w+)'", error["text"]):
            return f"{match[1]}.{match[2]}"
        if match := re.search(r"'([\w.]+)' object has no attribute '(\w+)'", error["text"]):
            return f"{match[1]}.{match[2]}"
        return error.get("name", "")
    return ""


def _apparent(shot: dict) -> list:
    """Strides without those of dimensions that are never stepped along."""
    return [step for step, size in zip(shot.get("strides", ()), shot["shape"], strict=False) if size > 1]


def _plain(step: dict) -> list:
    """Warnings without the place in PyTorch's own C++ source that some name: it is an address, not a statement."""
    return [[kind, TRIGGERED.sub("", text)] for kind, text in step.get("warnings", [])]


def _warnings(step: dict) -> str:
    return "; ".join(f"{kind}: {text[:120]}" for kind, text in step.get("warnings", [])) or "no warning"


def _groups(groups) -> str:
    return " and ".join("{" + ", ".join(name for name, _ in group) + "}" for group in sorted(groups)) or "none"


def _brief(shot: dict) -> str:
    return str(shot.get("type") or shot.get("error") or (shot["k"] if "v" not in shot else f"{shot['k']} {shot['v']!r}"))[:200]
