"""Where strict comparison fails, the oracle computes once more, and both sides are measured against that.

A subject whose error is within three times the oracle's own passes, counted apart. Cases whose inputs travel with them
are computed in float64. A program that draws its own numbers would draw others there: it runs again as it is, as on a
processor without the vector instructions of this one, where the oracle adds in other orders and rounds otherwise.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from conformance.case import read_data
from conformance.compare.axes import LITERAL, Comparison, Difference, digits, last_digit, literals
from conformance.compare.verdict import Verdict
from conformance.runner.ask import Asked
from conformance.runner.pool import Implementation
from conformance.transcript import Transcript, Transcripts, numpy_dtype

WIDER = {"float32": "float64", "float16": "float64", "bfloat16": "float64", "complex64": "complex128"}
NUMERIC = {"value", "gradient", "mutation"}
ALLOWED = 3.0  # times the oracle's own error
SAYS = {"wide": "float64 says", "elsewhere": "the oracle on another processor says"}
PROGRAMS = {"tutorial", "script"}  # sources whose cases draw their own numbers and compute with them at length
ELSEWHERE = {"ATEN_CPU_CAPABILITY": "default", "MKL_CBWR": "COMPATIBLE", "ONEDNN_MAX_CPU_ISA": "SSE41"}

#: Asks an oracle once more: of a pack, the cases given.
Wide = Callable[[Path, Sequence[dict]], Transcripts]


def judge(wide: Wide, pack: Path, failed: Iterable[tuple[Verdict, dict]], oracle: Transcripts, subject: Transcripts) -> None:
    """Give the verdicts that deserve it the status `pass (referee)`."""
    asked = [(verdict, case) for verdict, case in failed if verdict.status == "mismatch" and judged_axes(case).intersection(verdict.axes)]
    if not asked:
        return
    references = wide(pack, [case for _, case in asked])
    for verdict, case in asked:
        reference = references.get(verdict.id)
        if not reference or reference.status != "ok":
            continue
        sides = [Numbers(case, side) for side in (oracle[verdict.id], subject[verdict.id], reference)]
        if set(verdict.axes) <= judged_axes(case) and within(case, *sides):
            verdict.status, verdict.axes, verdict.cause = "pass (referee)", (), ""
        verdict.differences = [_with_reference(item, case, sides) for item in verdict.differences]


def opinion(case: dict) -> str:
    """How the oracle can compute a case once more: "wide", "elsewhere", or not at all."""
    if case["id"].split("/")[0] in PROGRAMS:
        return "elsewhere"
    return "wide" if any(name in json.dumps(case["inputs"]) for name in WIDER) else ""


def judged_axes(case: dict) -> set[str]:
    """The axes on which the referee has a word: a widened program prints other dtypes."""
    return {"wide": NUMERIC, "elsewhere": NUMERIC | {"text"}, "": set()}[opinion(case)]


@contextmanager
def live(oracle: Implementation, root: Path) -> Iterator[Wide]:
    """A live oracle; a worker starts with the first question for it."""
    with Asked(oracle, root) as here, Asked(oracle, root, **ELSEWHERE) as elsewhere, tempfile.TemporaryDirectory(prefix="referee-") as home:

        def ask(pack: Path, cases: Sequence[dict]) -> Transcripts:
            (how,) = {opinion(case) for case in cases}  # all cases of a pack are of one source
            ids = [case["id"] for case in cases]
            if how == "elsewhere":
                return elsewhere.ask(pack, ids)
            return here.ask(_widened(Path(home, "wide.zip"), cases, read_data(pack)), ids)

        yield ask


class Numbers(Comparison):
    """Finds the numbers of a transcript by the paths that comparison gives them."""

    def __init__(self, case: dict, transcript: Transcript):
        super().__init__(case, transcript, transcript)
        self.found: dict[str, np.ndarray | str] = {}
        self.whole: dict[str, tuple] = {}  # shape and sampling: large tensors are sampled by their bytes
        self.run()

    def _number(self, path, a, b, axis):
        self.found[path + "/value"] = np.asarray(a["v"], float)

    def _numbers(self, path, a, b, axis):
        self.found[path + "/value"] = self.oracle.array(a)
        self.whole[path + "/value"] = a.get("shape"), a.get("step")

    def text(self, path, a, b):
        self.found[path] = a


def within(case: dict, theirs: Numbers, ours: Numbers, right: Numbers) -> bool:
    """Whether every differing value is about as near to the reference as the oracle's is."""
    unstable = {tuple(item) for item in theirs.oracle.record.get("unstable", ())}
    for difference in Comparison(case, theirs.oracle, ours.oracle).run():  # all of them: a verdict keeps some
        path = difference.path
        if difference.axis not in judged_axes(case) or (difference.axis, path) in unstable:
            continue
        if any(path not in side.found for side in (theirs, ours, right)) or theirs.whole.get(path) != right.whole.get(path):
            return False
        near = _texts_near if isinstance(theirs.found[path], str) else _arrays_near
        if not near(theirs.found[path], ours.found[path], right.found[path]):
            return False
    return True


def _with_reference(item: Difference, case: dict, sides: Sequence[Numbers]) -> Difference:
    """A difference in the worst element or in printed digits, with what the reference has there."""
    found = [side.found.get(item.path) for side in sides]
    if item.axis not in judged_axes(case) or any(part is None for part in found):
        return item
    if item.axis == "text":
        return replace(item, message=digits(*found) or item.message)
    if item.spot is not None and sides[0].whole.get(item.path) == sides[2].whole.get(item.path):
        return replace(item, reference=f"{SAYS[opinion(case)]} {found[2][item.spot]}")
    return item


def _arrays_near(x: np.ndarray, y: np.ndarray, exact: np.ndarray) -> bool:
    with np.errstate(all="ignore"):
        if x.dtype.kind in "biu" or not np.array_equal(np.isfinite(x.astype(exact.dtype)), np.isfinite(y.astype(exact.dtype))):
            return False
        finite = np.isfinite(x.astype(exact.dtype)) & np.isfinite(exact)
        own, other = (np.max(np.abs(side.astype(exact.dtype) - exact)[finite], initial=0.0) for side in (x, y))
        same = (x == y) | (x != x) & (y != y)
    return other <= ALLOWED * own and bool((same | finite).all())


def _texts_near(a: str, b: str, reference: str) -> bool:
    """Number by number, with one unit of the last digit for the rounding of what is shown."""
    ours, right = literals(a, b), LITERAL.split(reference)[2::3]
    if ours is None or len(ours) != len(right):
        return False
    return all(
        abs(float(y) - float(exact)) <= ALLOWED * abs(float(x) - float(exact)) + last_digit(x)
        for (_, x, y), exact in zip(ours, right, strict=True)
    )


def _widened(path: Path, cases: Sequence[dict], data: bytes) -> Path:
    """A pack of the same cases with every narrow float in double precision."""
    parts: list[bytes] = []
    size = 0

    def widen(tree):
        nonlocal size
        if isinstance(tree, list):
            return [widen(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        if tree.get("$") == "name":
            return tree | {"v": _names(tree["v"])}
        if "at" not in tree:
            return {key: widen(value) for key, value in tree.items()}
        start, length = tree["at"]
        raw, dtype = data[start : start + length], tree.get("dtype", "")
        if dtype in WIDER:
            raw = np.frombuffer(raw, numpy_dtype(dtype)).astype(WIDER[dtype]).tobytes()
        at = [size, len(raw)]
        parts.append(raw)
        size += len(raw)
        return tree | {"at": at} | ({"dtype": WIDER[dtype]} if dtype in WIDER else {})

    lines = []
    for case in cases:
        program = [_names(statement) for statement in case["program"]]
        inputs = {name: widen(tree) for name, tree in case["inputs"].items()}
        lines.append(json.dumps({**case, "program": program, "inputs": inputs}))
    return write(path, lines, parts)


def write(path: Path, lines: Iterable[str], parts: Iterable[bytes]) -> Path:
    """A pack of cases made of others: their records, and the bytes these refer to."""
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("cases.jsonl", "\n".join(lines))
        pack.writestr("cases.bin", b"".join(parts))
    return path


def _names(text: str) -> str:
    return re.sub(r"\btorch\.(float32|float16|bfloat16|complex64)\b", lambda match: f"torch.{WIDER[match[1]]}", text)
