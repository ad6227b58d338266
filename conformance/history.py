"""What earlier runs scored: a line for each complete run, kept beside its reports."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from conformance.drift import title
from conformance.results import Results, by_source

FILE = "history.jsonl"
KEPT = 200


@dataclass(frozen=True)
class Entry:
    """One run: when, whom, and (passed, total) by source."""

    when: str
    subject: str
    oracle: str
    profile: str
    sources: dict[str, tuple[int, int]]


def entry(results: Results) -> Entry:
    sums = {name: (total.passed, total.total) for name, total in by_source(results.verdicts).items()}
    meta = results.meta
    return Entry(meta["when"], title(meta["subject"]), title(meta["oracle"]), meta["profile"], sums)


def read(folder: Path) -> list[Entry]:
    """The runs noted in a folder, the oldest first; a line that was cut short is left out."""
    path, found = folder / FILE, []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        try:
            data = json.loads(line)
        except ValueError:
            continue
        found.append(Entry(**data | {"sources": {name: tuple(pair) for name, pair in data["sources"].items()}}))
    return found[-KEPT:]


def note(results: Results, folder: Path) -> list[Entry]:
    """Add a run to the history of its folder, unless it has no score; returns the history of runs like it."""
    if not results.problems:
        with open(folder / FILE, "a", encoding="utf-8") as file:
            file.write(json.dumps(vars(entry(results))) + "\n")
    if "when" not in results.meta or "subject" not in results.meta:
        return []
    alike = (title(results.meta["oracle"]), results.meta["profile"], results.meta["subject"].get("module"))
    return [run for run in read(folder) if (run.oracle, run.profile) == alike[:2] and run.subject.split()[0].split("@")[0] == alike[2]]


def lines(runs: list[Entry], width: int = 640, height: int = 140) -> tuple[float, dict[str, str]]:
    """A polyline of the share that passed for each source, as points of an SVG, and the share at the foot of the chart; its top is 1."""
    shares = {}
    for index, run in enumerate(runs):
        for name, (passed, total) in run.sources.items():
            if total:
                shares.setdefault(name, []).append((index, passed / total))
    low = min((share for points in shares.values() for _, share in points), default=0.0)
    low = min(int(low * 20) / 20, 0.95)
    x = lambda index: round(index / max(len(runs) - 1, 1) * width, 1)  # noqa: E731
    y = lambda share: round((1 - share) / (1 - low) * height, 1)  # noqa: E731
    return low, {name: " ".join(f"{x(index)},{y(share)}" for index, share in points) for name, points in shares.items()}
