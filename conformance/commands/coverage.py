"""`coverage`: public names without a case."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.evidence import namespaces
from conformance.results import Results


@click.command("coverage")
@click.argument("results", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=Path(".conformance/report/results.json"))
@click.option("--names", is_flag=True, help="list the names, not only their number")
def command(results, names) -> None:
    """Public names that no case of a results.json calls, by namespace. The run must hold the surface source and the others."""
    spaces = namespaces(Results.read(results))
    if not spaces:
        raise click.ClickException(f"{results} holds no case of the source surface, which knows the public names")
    table = Table("namespace", "public names", "with a case", "without")
    for space, (every, bare) in spaces.items():
        table.add_row(escape(space), str(len(every)), str(len(every) - len(bare)), str(len(bare)))
    total, without = (sum(len(pair[k]) for pair in spaces.values()) for k in (0, 1))
    console = Console()
    console.print(table)
    console.print(f"{total - without} of {total} public names are called by a case ({100 * (total - without) / total:.1f} %)")
    if names:
        for space, (_, bare) in spaces.items():
            if bare:
                console.print(f"[bold]{escape(space)}[/]: {', '.join(name.rsplit('.', 1)[-1] for name in bare)}", soft_wrap=True)
