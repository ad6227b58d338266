"""Drift as terminal tables, Markdown and one self-contained page."""

from __future__ import annotations

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.drift import Change, about, grouped
from conformance.report.markdown import cell

SHOWN = 200  # cases of one cause that the page lists


def summary(heading: str, changes: list[Change], compared: int, console: Console, top: int = 25) -> None:
    """Counts by kind and the most frequent causes."""
    console.print(f"[bold]{escape(heading)}[/]: {len(changes)} of {compared} cases differ")
    for kind, causes in grouped(changes):
        title = f"{kind}: {sum(len(cases) for _, cases in causes)}  ({about(kind)})"
        table = Table("cases", "cause", "for example", title=title, title_justify="left")
        for cause, cases in causes[:top]:
            table.add_row(str(len(cases)), escape(cause), escape(cases[0].id))
        console.print(table)


def markdown(heading: str, changes: list[Change], compared: int, top: int = 50) -> str:
    """The same for a pull request or a wiki; every cause with its first cases."""
    lines = [f"# {heading}", "", f"{len(changes)} of {compared} cases differ.", "", "| kind | | cases | causes |", "|---|---|---:|---:|"]
    groups = grouped(changes)
    lines += [f"| {kind} | {about(kind)} | {sum(len(cases) for _, cases in causes)} | {len(causes)} |" for kind, causes in groups]
    for kind, causes in groups:
        lines += ["", f"## {kind}", "", "| cases | cause | for example |", "|---:|---|---|"]
        lines += [f"| {len(cases)} | {cell(cause)} | {', '.join(f'`{case.id}`' for case in cases[:3])} |" for cause, cases in causes[:top]]
        if len(causes) > top:
            lines.append(f"| | and {len(causes) - top} causes more | |")
    return "\n".join(lines) + "\n"


def html(heading: str, changes: list[Change], compared: int) -> str:
    """The page: kinds, causes, and under each its cases."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(default=True))
    page = templates.get_template("drift.html.j2")
    return page.render(heading=heading, groups=grouped(changes), about=about, total=len(changes), compared=compared, shown=SHOWN)
