"""What differs between two runs, or between two implementations: case by case, grouped by kind and cause, never by totals alone."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from conformance.compare.verdict import Verdict
from conformance.results import Results

#: Kinds of change between two runs, worst first.
BETWEEN_RUNS = {
    "broken": "passed before, does not now", "changed": "fails in another way", "gone": "no longer asked", "fixed": "passes now", "new": "not asked before",
}  # fmt: skip
#: Kinds of difference between two implementations, by status or by the axis that was first found to differ.
BY_FIRST = {
    "missing": "name missing", "error": "raises", "refused": "refuses", "error-type": "another exception",
    "type": "another type", "dtype": "another dtype", "shape": "another shape",
    "value": "other values", "gradient": "other gradients", "rng": "another random stream", "mutation": "writes elsewhere", "alias": "shares memory otherwise",
    "text": "other text",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """One case that is not as it was."""

    id: str
    kind: str
    cause: str
    detail: str = ""


def between(old: Results, new: Results) -> list[Change]:
    """Changes from one run to another, by case id."""
    before, after = ({verdict.id: verdict for verdict in run.verdicts} for run in (old, new))
    found = []
    for id in {**before, **after}:
        a, b = before.get(id), after.get(id)
        kind = _kind(a, b)
        if kind:
            shown = b or a
            cause = (a if kind == "fixed" else shown).cause or shown.status
            found.append(Change(id, kind, cause, f"{a.status if a else 'not asked'} → {b.status if b else 'not asked'}"))
    return found


def _kind(a: Verdict | None, b: Verdict | None) -> str | None:
    if a is None or b is None:
        return "new" if a is None else "gone"
    if a.passed != b.passed:
        return "fixed" if b.passed else "broken"
    return "changed" if not a.passed and (a.status, a.axes, a.cause) != (b.status, b.axes, b.cause) else None


def within(results: Results) -> list[Change]:
    """Where the subject of one run does not behave as its oracle."""
    found = []
    for verdict in results.verdicts:
        if verdict.passed:
            continue
        first = verdict.axes[0] if verdict.status == "mismatch" else verdict.status
        kind = BY_FIRST.get(first, first)
        shown = next((item for item in verdict.differences if item.axis in verdict.axes), None)
        found.append(Change(verdict.id, kind, verdict.cause or verdict.status, f"{shown.axis} at {shown.path}: {shown.message}" if shown else ""))
    return found


def grouped(changes: list[Change]) -> list[tuple[str, list[tuple[str, list[Change]]]]]:
    """By kind, and in each kind by cause; the largest first (between runs: the worst kind first)."""
    kinds: dict[str, dict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for change in changes:
        kinds[change.kind][change.cause].append(change)
    order = list(BETWEEN_RUNS)
    size = {kind: sum(map(len, causes.values())) for kind, causes in kinds.items()}
    ranked = sorted(kinds, key=lambda kind: (order.index(kind), 0) if kind in order else (len(order), -size[kind]))
    return [(kind, sorted(kinds[kind].items(), key=lambda item: -len(item[1]))) for kind in ranked]


def title(about: dict) -> str:
    """An implementation's name and version."""
    return f"{about['as']} {about.get('version', '')}".strip()
