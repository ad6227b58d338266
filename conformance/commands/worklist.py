"""`worklist`: which names to make right first."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.results import Results
from conformance.worklist import gains, worklist


@click.command("worklist")
@click.argument("results", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=Path(".conformance/report/results.json"))
@click.option("--top", default=40, show_default=True, help="how many names to show")
def command(results, top) -> None:
    """Failing cases of a results.json by the name at which they fail, and how many turn green when the first n names are right."""
    found = Results.read(results)
    items = worklist(found)
    table = Table("", "name", "cases", "alone", "behind others", "how they fail", "green so far")
    for index, (item, green) in enumerate(zip(items[:top], gains(items, found), strict=False), 1):
        kinds = ", ".join(f"{kind} {number}" for kind, number in item.kinds.most_common(3))
        table.add_row(str(index), escape(item.name), str(len(item.cases)), str(item.alone), str(item.behind), kinds, str(green))
    console = Console()
    console.print(table)
    failing = sum(len(item.cases) for item in items)
    if items:
        shown = min(top, len(items))
        console.print(f"Make these {shown} names right and {gains(items, found)[shown - 1]} of {failing} failing cases turn green.")
    else:
        console.print("No case fails.")
