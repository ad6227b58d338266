"""The summary on the terminal."""

from __future__ import annotations

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from conformance.report.show import outcomes
from conformance.results import Results, Sum, by_area, by_axis, by_cause, by_source, by_status, cost, whole_names
from conformance.transcript import Transcript


def summary(results: Results, console: Console, top: int = 25) -> None:
    """Score per source, area and axis, and what to do next."""
    subject, oracle = results.meta["subject"], results.meta["oracle"]
    console.print(f"{subject['as']} {subject.get('version', '')} against {oracle['as']} {oracle['version']}, {results.meta['profile']}")
    for problem in results.problems:
        console.print(f"[red]no score: {escape(problem)}")
    if not results.verdicts:
        return
    console.print(_table("source", by_source(results.verdicts)))
    areas = by_area(results.verdicts)
    if len(areas) > 1:  # of one area there is no more to say
        console.print(_table("names without a failing case", whole_names(results.verdicts)))
        console.print(_table("area", areas))
    console.print(_table("axis", by_axis(results.verdicts)))
    console.print("  ".join(f"{status} {number}" for status, number in by_status(results.verdicts).most_common()))
    left_out = Counter(item.kind for item in results.excluded)
    console.print("outside the denominator: " + (", ".join(f"{kind} {number}" for kind, number in left_out.most_common()) or "none"))
    causes = by_cause(results.verdicts)
    if causes:
        table = Table("cases", "cause", "for example", title=f"top causes ({min(top, len(causes))} of {len(causes)})", title_justify="left")
        for cause, verdicts in causes[:top]:
            table.add_row(str(len(verdicts)), escape(cause), escape(verdicts[0].id))
        console.print(table)
    console.print(cost(results.meta))


def explain(case: dict, oracle: Transcript | None, subject: Transcript | None, results: Results, console: Console) -> None:
    """One case, statement by statement, both sides next to each other."""
    console.print(f"[bold]{escape(case['id'])}[/]  {escape(case['origin'])}")
    for statement in case["setup"]:
        console.print(f"[dim]{escape(statement)}")
    table = Table("program", "oracle", "subject", show_lines=True, expand=True)
    theirs, ours = outcomes(oracle), outcomes(subject)
    for index in range(max(len(case["program"]), len(theirs), len(ours))):
        code = case["program"][index] if index < len(case["program"]) else "at the end"
        a, b = (side[index] if index < len(side) else "" for side in (theirs, ours))
        table.add_row(Text(code), marked(a, b), marked(b, a))
    console.print(table)
    for verdict in results.verdicts:
        console.print(f"{verdict.status}  {escape(verdict.cause)}")
        for item in verdict.differences:
            console.print(f"  {escape(item.line)}")
    for item in results.excluded:
        console.print(f"outside the denominator: {item.kind}: {escape(item.cause)}")


def marked(text: str, other: str) -> Text:
    """Text with the part between the common start and the common end marked."""
    if text == other:
        return Text(text, style="dim")
    shortest = min(len(text), len(other))
    start = next((i for i in range(shortest) if text[i] != other[i]), shortest)
    end = next((i for i in range(shortest - start) if text[-1 - i] != other[-1 - i]), shortest - start)
    shown = Text(text)
    shown.stylize("bold red", start, len(text) - end)
    return shown


def _table(title: str, sums: dict[str, Sum]) -> Table:
    table = Table(title, "pass", "of", "%")
    for name, total in sums.items():
        table.add_row(name, str(total.passed), str(total.total), f"{total.percent:.1f}")
    return table
