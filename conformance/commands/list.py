"""`list`: the ids of cases."""

from __future__ import annotations

import click

from conformance.commands.options import choice, session, sides, sources_of


@click.command("list")
@sides
@choice
def command(subject, oracle, sources, workers, patterns, dtypes) -> None:
    """Print the ids of cases."""
    with session(subject, oracle, workers) as bench:
        chosen = bench.choose(sources or sources_of(bench, patterns), patterns, dtypes)
    for item in chosen:
        for case in item.cases:
            click.echo(case["id"])
