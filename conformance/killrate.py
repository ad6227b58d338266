"""How many seeded faults the suite catches: each is laid over the subject, and cases that passed without it must not all pass."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from conformance.compare.axes import PROFILES
from conformance.faults import SITE, Fault
from conformance.results import Sum
from conformance.runner.pool import run_packs
from conformance.session import Chosen, Session

HOME = Path(__file__).parents[1]
FILE = "killrate.json"
PACKS = 40  # of a fault's patterns, at most so many are tried


@dataclass
class Outcome:
    """What became of one fault. `case` is the first that failed with it and not without it."""

    name: str
    axis: str
    about: str
    case: str = ""
    axes: tuple[str, ...] = ()
    tried: int = 0

    @property
    def caught(self) -> bool:
        return bool(self.case)

    def line(self) -> str:
        return f"{self.name}: " + (f"caught by {self.case} ({', '.join(self.axes)})" if self.caught else f"not caught by {self.tried} cases")


def measure(bench: Session, faults: Iterable[Fault], heard: Callable[[Outcome], None] = lambda outcome: None) -> list[Outcome]:
    """Lay each fault over the bench's subject and run its cases until one catches it. All axes count."""
    sound: dict[str, dict[str, bool]] = {}  # by pack: which cases pass without a fault
    found = []
    for fault in faults:
        outcome = Outcome(fault.name, fault.axis, fault.about)
        sources = list(dict.fromkeys(pattern.split("/")[0] for pattern in fault.cases))
        for item in bench.choose(sources, fault.cases)[:PACKS]:
            if item.name not in sound:
                sound[item.name] = {id: passed for id, (passed, _) in _verdicts(bench, item).items()}
            faulty = _verdicts(bench, item, fault.name)
            outcome.tried += len(faulty)
            failed = [(id, axes) for id, (passed, axes) in faulty.items() if not passed and sound[item.name].get(id)]
            if failed:
                outcome.case, outcome.axes = failed[0]
                break
        heard(outcome)
        found.append(outcome)
    return found


def _verdicts(bench: Session, item: Chosen, fault: str = "") -> dict[str, tuple[bool, tuple[str, ...]]]:
    """Whether each case of a pack passes, and the axes on which it does not."""
    laid = {}
    if fault:
        path = os.pathsep.join(filter(None, [str(SITE), str(HOME), os.environ.get("PYTHONPATH", "")]))
        laid = {"CONFORMANCE_FAULT": fault, "CONFORMANCE_FAULTY": bench.subject.module, "PYTHONPATH": path}
    bench.record([item])
    ids = [case["id"] for case in item.cases]
    with tempfile.TemporaryDirectory(prefix="conformance-") as home, bench.oracle.wide() as wide:
        ((_, out, error),) = run_packs(bench.subject, bench.root, [(item.pack, Path(home, "out"), item.options | {"only": ids})], **laid)
        if error:  # it does not even start
            return dict.fromkeys(ids, (False, ("runs",)))
        part = bench.compare(item, out, PROFILES["bitwise"], wide)
    return {verdict.id: (verdict.passed, (*verdict.axes, *([] if verdict.axes else [verdict.status]))) for verdict in part.verdicts}


def write(outcomes: Iterable[Outcome], folder: Path) -> Path:
    """Keep what was measured where reports find it."""
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / FILE, folder / f"{FILE}.part"
    part.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1), "utf-8")
    part.replace(path)
    return path


def read(folder: Path) -> list[Outcome]:
    """What was measured last; nothing if nothing was."""
    path = folder / FILE
    return [Outcome(**item | {"axes": tuple(item["axes"])}) for item in json.loads(path.read_text("utf-8"))] if path.exists() else []


def by_axis(outcomes: Iterable[Outcome]) -> dict[str, Sum]:
    """Caught of all, by the axis on which the fault lies."""
    sums: dict[str, Sum] = {}
    for outcome in outcomes:
        sums.setdefault(outcome.axis, Sum()).add(outcome.caught)
    return sums
