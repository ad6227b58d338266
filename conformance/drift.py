"""What differs between two runs, or between two implementations: case by case, grouped by kind and cause, never by totals alone."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from conformance.compare.axes import CONTEXT, Difference
from conformance.compare.verdict import Verdict, about_api
from conformance.results import Results

ROUNDING = 64  # units in the last place
#: Where several axes differ, the first of these tells most: an error ends the case, other draws give other values, other values other text.
FIRST = ("exists", "runs", "rng", "dtype", "value")
#: Kinds of change between two runs, worst first.
BETWEEN_RUNS = {
    "broken": "passed before, does not now", "changed": "fails in another way", "gone": "no longer asked", "fixed": "passes now", "new": "not asked before",
}  # fmt: skip
#: Kinds of difference between two implementations, OLD and NEW, on what NEW can do.
WITHIN = {
    "new name": "OLD has no such name",
    "new arguments": "OLD does not know the keyword, or this form of the call",
    "new dtype": "OLD has no kernel for the dtype",
    "new derivative": "OLD computes the result and cannot differentiate it",
    "raises": "OLD raises an error where NEW has a result",
    "another exception": "one raises and the other does not, or what they raise is of another type",
    "another random stream": "with the same seed, other numbers, or another number of them",
    "other values": "numbers that differ by more than rounding",
    "last digits": f"numbers outside the tolerance, by less than {ROUNDING} units in the last place",
    "other gradients": "gradients differ, or one has none",
    "another graph node": "`grad_fn` has another name",
    "another dtype": "of a result", "another shape": "of a result, or another length", "another type": "of a result",
    "writes elsewhere": "what a call changes in its arguments", "shares memory otherwise": "which results are views",
    "other text": "what `print` and `repr` give",
    "refuses": "OLD raises NotImplementedError", "crash": "OLD's process ends", "timeout": "OLD takes too long", "out of memory": "in OLD",
}  # fmt: skip
BY_AXIS = {
    "type": "another type", "dtype": "another dtype", "shape": "another shape", "error-type": "another exception",
    "value": "other values", "gradient": "other gradients", "rng": "another random stream", "mutation": "writes elsewhere", "alias": "shares memory otherwise",
    "text": "other text",
}  # fmt: skip
#: What an error of OLD's is about: kind, pattern, cause. `{api}` is what the case is for, `{dtype}` the dtype of its inputs.
ERRORS = [
    (kind, re.compile(pattern, re.S), cause)
    for kind, pattern, cause in (
        ("new arguments", r"got an unexpected keyword argument '(\w+)'", "{api}: keyword {0}"),
        ("new arguments", r"received an invalid combination of arguments - got \((.*?)\), but expected", "{api}: call with ({0})"),
        ("new arguments", r"missing \d+ required .*arguments?", "{api}: arguments that were required"),
        ("new derivative", r"derivative for '?[\w:]+'? is not implemented", "{api}"),
        ("new derivative", r"does not support automatic differentiation for outputs with complex dtype", "{api} for complex numbers"),
        ("new dtype", r"not implemented for '?\w+", "{api} for {dtype}"),
        ("new dtype", r"(?:Expected|expected) .*(?:scalar types?|dtype|floating point type)\b", "{api} for {dtype}"),
    )
]


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
        axis = next((axis for axis in FIRST if axis in verdict.axes), None) or next(iter(verdict.axes), "")
        shown = next((item for item in verdict.differences if item.axis == axis), None)
        kind, cause = _within(verdict, shown)
        found.append(Change(verdict.id, kind, cause, f"{shown.axis} at {shown.path}: {shown.message}" if shown else ""))
    return found


def _dtype(id: str) -> str:
    """The dtype of an operator's sample."""
    source, *rest = id.split("/")
    return rest[1] if source == "op" and len(rest) > 2 else ""


def _within(verdict: Verdict, shown: Difference | None) -> tuple[str, str]:
    """The kind of a difference, and what cases that differ for the same reason have in common."""
    api = about_api(verdict.id, verdict.apis)
    if verdict.status == "missing":
        return "new name", verdict.cause.removeprefix("missing: ")
    if verdict.status in ("error", "refused"):
        text = shown.message if shown else verdict.cause
        for kind, pattern, cause in ERRORS:
            if match := pattern.search(text):
                return kind, cause.format(*match.groups(), api=api, dtype=_dtype(verdict.id) or "this dtype")
        return ("refuses" if verdict.status == "refused" else "raises"), f"{api}: {verdict.cause.removeprefix('refused: ')}"
    if verdict.status != "mismatch" or shown is None:
        return verdict.status, verdict.cause or verdict.status
    kind = BY_AXIS.get(shown.axis, shown.axis)
    if shown.path.endswith("/grad_fn"):
        return "another graph node", shown.message
    if ".state_dict" in shown.path or shown.axis == "type" or shown.axis == "text" and "numbers: " not in shown.message:
        return kind, shown.message.partition(CONTEXT)[0]
    if shown.axis in ("value", "gradient", "mutation") and shown.ulp is not None and shown.ulp < ROUNDING:
        return "last digits", api
    return kind, f"{api}: {verdict.cause.partition(': ')[2]}" if shown.axis == "error-type" else api


def grouped(changes: list[Change]) -> list[tuple[str, list[tuple[str, list[Change]]]]]:
    """By kind, and in each kind by cause; the largest first (between runs: the worst kind first)."""
    kinds: dict[str, dict[str, list[Change]]] = defaultdict(lambda: defaultdict(list))
    for change in changes:
        kinds[change.kind][change.cause].append(change)
    order = list(BETWEEN_RUNS)
    size = {kind: sum(map(len, causes.values())) for kind, causes in kinds.items()}
    ranked = sorted(kinds, key=lambda kind: (order.index(kind), 0) if kind in order else (len(order), -size[kind]))
    return [(kind, sorted(kinds[kind].items(), key=lambda item: -len(item[1]))) for kind in ranked]


def about(kind: str) -> str:
    """A kind in a sentence."""
    return BETWEEN_RUNS.get(kind) or WITHIN.get(kind, "")


def title(about: dict) -> str:
    """An implementation's name and version."""
    return f"{about['as']} {about.get('version', '')}".strip()
