"""The outcome of a run: verdicts, what was left out, and the sums that every report shows."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from pathlib import Path

from conformance.compare.axes import Difference
from conformance.compare.verdict import Excluded, Verdict
from conformance.files import whole


@dataclass
class Results:
    """Everything a run found out. `problems` says why it has no score, if it has none."""

    meta: dict
    verdicts: list[Verdict] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    details: dict[str, dict] = field(default_factory=dict)  # program and both outcomes of cases that fail
    problems: list[str] = field(default_factory=list)
    beside: dict = field(default_factory=dict)  # what reports show too and the file does not hold: history, kill rate

    def add(self, part: Results) -> None:
        """Take in what another run, or one pack of this run, found out."""
        self.verdicts += part.verdicts
        self.excluded += part.excluded
        self.details |= part.details
        self.problems += part.problems

    def sort(self) -> None:
        """The order of every report: by id, numbers as numbers."""
        self.verdicts.sort(key=lambda verdict: _order(verdict.id))

    def as_json(self) -> dict:
        cases, excluded = [verdict.as_json() for verdict in self.verdicts], [asdict(item) for item in self.excluded]
        return {"meta": self.meta, "problems": self.problems, "cases": cases, "excluded": excluded, "details": self.details}

    @classmethod
    def of_json(cls, data: dict) -> Results:
        verdicts = []
        for case in data["cases"]:
            differences = [Difference.of_json(item) for item in case.pop("differences", ())]
            lists = {name: tuple(case.pop(name, ())) for name in ("axes", "checked", "beside", "apis")}
            verdicts.append(Verdict(**case, **lists, differences=differences))
        return cls(data["meta"], verdicts, [Excluded(**item) for item in data["excluded"]], data["details"], data["problems"])

    def write(self, path: Path) -> None:
        with whole(path) as part:
            part.write_text(json.dumps(self.as_json()), "utf-8")

    @classmethod
    def read(cls, path: Path) -> Results:
        return cls.of_json(json.loads(path.read_text("utf-8")))


def cost(meta: dict) -> str:
    """Time and memory of a run, as far as they are known."""
    seconds, peak = meta.get("seconds"), meta.get("peak_mb")
    parts = [] if seconds is None else [f"{seconds // 60:.0f} min {seconds % 60:.0f} s" if seconds >= 60 else f"{seconds:.1f} s"]
    parts += [f"{peak / 1024:.1f} GB of memory" if peak >= 1024 else f"{peak} MB of memory"] if peak else []
    return ", ".join(parts)


def _order(id: str) -> tuple:
    return tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in id.split("/"))


OP_SPACES = ("common", "nn.functional", "linalg", "fft", "special", "signal.windows", "masked")


def area(id: str) -> str:
    """The part of the API a case belongs to: its source and the namespace of its name."""
    source, name, *_ = [*id.split("/"), ""]
    if source == "tutorial":
        return f"tutorial/{name[:1]}"
    if source == "surface":
        return f"surface/{name}"
    if source in ("op", "error"):
        return f"{source}/{next((space for space in OP_SPACES if name.startswith(space)), 'torch')}"
    parts = name.split(".")
    if parts[:2] == ["torch", "Tensor"]:
        return f"{source}/torch.Tensor"
    space = [part for part in parts[:-1] if part[:1].islower()] or parts[:1]
    return "/".join([source, ".".join(space)]).rstrip("/")


@dataclass
class Sum:
    """Passed and counted cases of one area or axis."""

    passed: int = 0
    total: int = 0

    @property
    def percent(self) -> float:
        """To a tenth, downwards: 100.0 is all of them."""
        return math.floor(1000 * self.passed / self.total) / 10 if self.total else 0.0

    def add(self, passed: bool) -> None:
        self.passed += passed
        self.total += 1


def by_area(verdicts: list[Verdict]) -> dict[str, Sum]:
    sums: dict[str, Sum] = defaultdict(Sum)
    for verdict in verdicts:
        sums[area(verdict.id)].add(verdict.passed)
    return dict(sorted(sums.items()))


def by_source(verdicts: list[Verdict]) -> dict[str, Sum]:
    sums: dict[str, Sum] = defaultdict(Sum)
    for verdict in verdicts:
        sums[verdict.id.split("/")[0]].add(verdict.passed)
    return dict(sums)


def whole_names(verdicts: list[Verdict]) -> dict[str, Sum]:
    """By source: the operators, modules or other names of which every case passes, of all that have cases."""
    names: dict[tuple[str, str], Sum] = defaultdict(Sum)
    for verdict in verdicts:
        source, name, *_ = [*verdict.id.split("/"), ""]
        names[source, name].add(verdict.passed)
    sums: dict[str, Sum] = defaultdict(Sum)
    for (source, _), total in names.items():
        sums[source].add(total.passed == total.total)
    return dict(sums)


def by_axis(verdicts: list[Verdict]) -> dict[str, Sum]:
    """Cases in which the axis held, of those in which it was compared."""
    sums: dict[str, Sum] = defaultdict(Sum)
    for verdict in verdicts:
        failed = {*verdict.axes, *verdict.beside}
        for axis in {*verdict.checked, *failed}:
            sums[axis].add(axis not in failed)
    return dict(sorted(sums.items()))


def by_status(verdicts: list[Verdict]) -> Counter[str]:
    return Counter(verdict.status for verdict in verdicts)


def by_cause(verdicts: list[Verdict]) -> list[tuple[str, list[Verdict]]]:
    """Failing cases grouped by root cause, the largest group first."""
    groups: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if not verdict.passed:
            groups[verdict.cause or verdict.status].append(verdict)
    return sorted(groups.items(), key=lambda item: -len(item[1]))
