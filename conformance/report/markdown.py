"""A summary in Markdown, for the page of a CI run."""

from __future__ import annotations

from collections import Counter

from conformance import killrate
from conformance.results import Results, Sum, by_area, by_axis, by_cause, by_source, by_status, cost, whole_names


def render(results: Results, top: int = 20) -> str:
    subject, oracle = results.meta["subject"], results.meta["oracle"]
    lines = [f"# {subject['as']} {subject.get('version', '')} against {oracle['as']} {oracle['version']}", ""]
    lines += [f"**No score**: {problem.splitlines()[0]}" for problem in results.problems]
    lines += [f"Profile `{results.meta['profile']}`. " + _counts(by_status(results.verdicts)),
              "Outside the denominator: " + (_counts(Counter(item.kind for item in results.excluded)) or "nothing."), cost(results.meta), ""]  # fmt: skip
    tables = {"source": by_source, "names without a failing case": whole_names, "area": by_area, "axis": by_axis}
    for title, sums in tables.items():
        lines += _table(title, sums(results.verdicts))
    faults = results.beside.get("killrate", [])
    if faults:
        lines += _table(f"seeded faults caught: {sum(fault.caught for fault in faults)} of {len(faults)}", killrate.by_axis(faults))
    causes = by_cause(results.verdicts)[:top]
    if causes:
        lines += ["| cases | cause | for example |", "|---:|---|---|"]
        lines += [f"| {len(cases)} | {cell(cause)} | `{cases[0].id}` |" for cause, cases in causes]
    return "\n".join(lines) + "\n"


def _counts(numbers: Counter[str]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.most_common()) + "." * bool(numbers)


def _table(title: str, sums: dict[str, Sum]) -> list[str]:
    rows = [f"| {name} | {total.passed} | {total.total} | {total.percent:.1f} % |" for name, total in sums.items()]
    return [f"| {title} | pass | of | |", "|---|---:|---:|---:|", *rows, ""]


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
