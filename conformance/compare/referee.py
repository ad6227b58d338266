"""Where strict comparison fails, the oracle computes again in float64, and both sides are measured against that.

A subject whose error is within three times the oracle's own passes, counted apart. Only cases whose inputs travel with
them can be widened: a program that draws its own numbers would draw others.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from conformance.case import read_data
from conformance.compare.axes import Comparison
from conformance.compare.verdict import Verdict
from conformance.runner.pool import Implementation, Worker, seconds
from conformance.transcript import Transcript, Transcripts, numpy_dtype

WIDER = {"float32": "float64", "float16": "float64", "bfloat16": "float64", "complex64": "complex128"}
NUMERIC = {"value", "gradient", "mutation"}
ALLOWED = 3.0  # times the oracle's own error


#: Asks an oracle in double precision: of a pack, the cases given, as `widens` allows.
Wide = Callable[[Path, Sequence[dict]], Transcripts]


def judge(wide: Wide, pack: Path, failed: Iterable[tuple[Verdict, dict]], oracle: Transcripts, subject: Transcripts) -> None:
    """Give the verdicts that deserve it the status `pass (referee)`."""
    asked = [(verdict, case) for verdict, case in failed if verdict.status == "mismatch" and set(verdict.axes) <= NUMERIC and widens(case)]
    if not asked:
        return
    references = wide(pack, [case for _, case in asked])
    for verdict, case in asked:
        reference = references.get(verdict.id)
        if reference and reference.status == "ok" and within(verdict, case, oracle[verdict.id], subject[verdict.id], reference):
            verdict.status, verdict.axes, verdict.cause = "pass (referee)", (), ""


@contextmanager
def live(oracle: Implementation, root: Path) -> Iterator[Wide]:
    """A live oracle in double precision; its worker starts with the first question."""
    worker: Worker | None = None

    def ask(pack: Path, cases: Sequence[dict]) -> Transcripts:
        nonlocal worker
        worker = worker or Worker(oracle, root)
        _write(home / "wide.zip", cases, read_data(pack))
        worker.run(home / "wide.zip", home / "out", seconds=seconds("op"))
        return Transcripts.of_files(home / "out")

    home = Path(tempfile.mkdtemp(prefix="referee-"))
    try:
        yield ask
    finally:
        if worker:
            worker.close()
        shutil.rmtree(home, ignore_errors=True)


class _Numbers(Comparison):
    """Finds the numeric snapshots of a transcript by the paths that comparison gives them."""

    def __init__(self, case: dict, transcript: Transcript):
        super().__init__(case, transcript, transcript)
        self.shots: dict[str, dict] = {}
        self.run()

    def _numbers(self, path, a, b, axis):
        self.shots[path + "/value"] = a


def within(verdict: Verdict, case: dict, oracle: Transcript, subject: Transcript, reference: Transcript) -> bool:
    """Whether every differing value is about as near to the reference as the oracle's is."""
    theirs, ours, right = (_Numbers(case, side).shots for side in (oracle, subject, reference))
    for difference in verdict.differences:
        if difference.axis not in NUMERIC:
            continue
        path = difference.path
        if path not in theirs or path not in ours or path not in right:
            return False
        if any(theirs[path].get(part) != right[path].get(part) for part in ("shape", "step")):  # large ones are sampled by their bytes
            return False
        x, y, exact = oracle.array(theirs[path]), subject.array(ours[path]), reference.array(right[path])
        with np.errstate(all="ignore"):
            if x.dtype.kind in "biu" or not np.array_equal(np.isfinite(x.astype(exact.dtype)), np.isfinite(y.astype(exact.dtype))):
                return False
            finite = np.isfinite(x.astype(exact.dtype)) & np.isfinite(exact)
            own, other = (np.max(np.abs(side.astype(exact.dtype) - exact)[finite], initial=0.0) for side in (x, y))
            same = (x == y) | (x != x) & (y != y)
        if other > ALLOWED * own or not (same | finite).all():
            return False
    return True


def widens(case: dict) -> bool:
    """Whether the case has inputs that can be made wider."""
    return any(name in json.dumps(case["inputs"]) for name in WIDER)


def _write(path: Path, cases: Sequence[dict], data: bytes) -> None:
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
    with zipfile.ZipFile(path, "w") as pack:
        pack.writestr("cases.jsonl", "\n".join(lines))
        pack.writestr("cases.bin", b"".join(parts))


def _names(text: str) -> str:
    return re.sub(r"\btorch\.(float32|float16|bfloat16|complex64)\b", lambda match: f"torch.{WIDER[match[1]]}", text)
