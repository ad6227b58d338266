"""`explain`: one case, what both sides did."""

from __future__ import annotations

import click
from rich.console import Console

from conformance.commands.options import one, session, sides
from conformance.report import terminal


@click.command("explain")
@sides
@click.argument("id")
def command(subject, oracle, sources, workers, id) -> None:
    """Show what the oracle and the subject did with one case, side by side."""
    with session(subject, oracle, workers) as bench:
        chosen = one(bench, id)
        theirs, ours = bench.sides(chosen)
        results = bench.run([chosen], "bitwise")
    terminal.explain(chosen.cases[0], theirs, ours, results, Console())
