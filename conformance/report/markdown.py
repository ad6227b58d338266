"""A summary in Markdown, for the page of a CI run."""

from __future__ import annotations

from conformance.results import Results, Sum, by_area, by_axis, by_cause, by_source, by_status


def render(results: Results, top: int = 20) -> str:
    subject, oracle = results.meta["subject"], results.meta["oracle"]
    lines = [f"# {subject['as']} {subject.get('version', '')} against {oracle['as']} {oracle['version']}", ""]
    lines += [f"**No score**: {problem.splitlines()[0]}" for problem in results.problems]
    lines += [f"Profile `{results.meta['profile']}`, {results.meta.get('seconds', 0)} s. "
              + ", ".join(f"{status} {number}" for status, number in by_status(results.verdicts).most_common()), ""]  # fmt: skip
    for title, sums in (("source", by_source(results.verdicts)), ("area", by_area(results.verdicts)), ("axis", by_axis(results.verdicts))):
        lines += _table(title, sums)
    causes = by_cause(results.verdicts)[:top]
    if causes:
        lines += ["| cases | cause | for example |", "|---:|---|---|"]
        lines += [f"| {len(cases)} | {_cell(cause)} | `{cases[0].id}` |" for cause, cases in causes]
    return "\n".join(lines) + "\n"


def _table(title: str, sums: dict[str, Sum]) -> list[str]:
    rows = [f"| {name} | {total.passed} | {total.total} | {total.percent:.1f} % |" for name, total in sums.items()]
    return [f"| {title} | pass | of | |", "|---|---:|---:|---:|", *rows, ""]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
