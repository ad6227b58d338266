"""How many seeded faults the suite catches: each is laid over the subject, and cases that passed without it must not all pass."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from conformance.compare.axes import PROFILES
from conformance.compare.referee import Wide
from conformance.compare.verdict import Verdict
from conformance.faults import SITE, Fault
from conformance.files import whole
from conformance.matching import matches, may_match
from conformance.results import Sum
from conformance.runner.ask import Asked
from conformance.runner.pool import WorkerError
from conformance.session import Chosen, Session

HOME = Path(__file__).parents[1]
FILE = "killrate.json"
NEUTRAL = "none"  # the fault that is none
OWN = ("fuzz/*", "tutorial/*")  # where a fault is looked for that its own patterns do not catch


@dataclass
class Outcome:
    """What became of one fault. `case` is the first that failed with it and not without it; `trouble` says why it proves nothing."""

    name: str
    axis: str
    about: str
    case: str = ""
    axes: tuple[str, ...] = ()
    tried: int = 0
    trouble: str = ""

    @property
    def caught(self) -> bool:
        return bool(self.case)

    def line(self) -> str:
        end = f"caught by {self.case} ({', '.join(self.axes)})" if self.caught else self.trouble or f"not caught by {self.tried} cases"
        return f"{self.name}: {end}"


def measure(bench: Session, faults: Iterable[Fault], heard: Callable[[Outcome], None] = lambda outcome: None) -> list[Outcome]:
    """Lay each fault over the bench's subject and run its cases until one catches it. All axes count.

    The measure of a fault is the subject with the wrapping alone; that of the wrapping is the subject as it is.
    """
    faults = list(faults)
    patterns = list(dict.fromkeys(pattern for fault in faults for pattern in (*fault.cases, *OWN)))
    chosen = bench.choose(list(dict.fromkeys(pattern.split("/")[0] for pattern in patterns)), patterns)
    bench.record(chosen)
    found = []
    with bench.oracle.wide() as wide, _Runner(bench, wide) as plain, _Runner(bench, wide, NEUTRAL) as neutral:
        for fault in faults:
            outcome = Outcome(fault.name, fault.axis, fault.about)
            try:
                sound = plain if fault.name == NEUTRAL else neutral
                with _Runner(bench, wide, fault.name) as faulty:
                    _hunt(outcome, _of((*fault.cases, *OWN), chosen), sound, faulty)
            except WorkerError as error:
                outcome.trouble = f"cannot be laid: {str(error).strip().splitlines()[-1]}"
            heard(outcome)
            found.append(outcome)
    return found


def _of(patterns: Sequence[str], chosen: Sequence[Chosen]) -> Iterator[Chosen]:
    """The cases of the patterns, each once, in the order of the patterns."""
    seen: set[str] = set()
    for pattern in patterns:
        for item in chosen:
            if may_match(item.cases[0]["group"] or pattern, [pattern]):
                cases = [case for case in item.cases if case["id"] not in seen and matches(case["id"], [pattern])]
                seen.update(case["id"] for case in cases)
                if cases:
                    yield Chosen(item.pack, cases)


def _hunt(outcome: Outcome, items: Iterable[Chosen], sound: _Runner, faulty: _Runner) -> None:
    for item in items:
        passing = {verdict.id for verdict in sound.run(item) if verdict.passed}
        outcome.tried += len(passing)
        for verdict in faulty.run(Chosen(item.pack, [case for case in item.cases if case["id"] in passing])):
            if not verdict.passed:
                outcome.case, outcome.axes = verdict.id, verdict.axes or (verdict.status,)
                return
    if not outcome.tried:
        outcome.trouble = "no case to be asked passes without it"


class _Runner:
    """A worker of the subject's, with a fault or without, and the verdicts on what it ran; a context."""

    def __init__(self, bench: Session, wide: Wide, fault: str = ""):
        self.bench, self.wide = bench, wide
        path = os.pathsep.join(filter(None, [str(SITE), str(HOME), os.environ.get("PYTHONPATH", "")]))
        laid = {"CONFORMANCE_FAULT": fault, "CONFORMANCE_FAULTY": bench.subject.module, "PYTHONPATH": path} if fault else {}
        self.asked = Asked(bench.subject, bench.root, bench.sample, **laid)
        self.known: dict[str, Verdict] = {}

    def run(self, item: Chosen) -> list[Verdict]:
        """The verdicts on these cases; none on a case that the oracle cannot run."""
        new = [case for case in item.cases if case["id"] not in self.known]
        if new:
            subject = self.asked.ask(item.pack, [case["id"] for case in new])
            part = self.bench.compare(Chosen(item.pack, new), subject, PROFILES["bitwise"], self.wide)
            self.known |= {verdict.id: verdict for verdict in part.verdicts}
        return [self.known[case["id"]] for case in item.cases if case["id"] in self.known]

    def __enter__(self) -> _Runner:
        return self

    def __exit__(self, *_) -> None:
        self.asked.close()


def write(outcomes: Iterable[Outcome], folder: Path) -> Path:
    """Keep what was measured where reports find it."""
    path = folder / FILE
    with whole(path) as part:
        part.write_text(json.dumps([asdict(outcome) for outcome in outcomes], indent=1), "utf-8")
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
