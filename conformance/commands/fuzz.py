"""`fuzz`: look for programs on which the two sides differ."""

from __future__ import annotations

from pathlib import Path

import click
from rich.markup import escape

from conformance.commands.options import console, sides
from conformance.fuzzing import Pair, differing
from conformance.golden import Golden
from conformance.runner.pool import WorkerError
from conformance.sources.fuzz import FOUND, file_found
from conformance.sources.fuzz.grammar import TOPICS


@click.command("fuzz")
@sides
@click.option("--minutes", default=1.0, show_default=True, help="how long to look")
@click.option("--topic", "topics", multiple=True, type=click.Choice(list(TOPICS)), help="repeatable; default: all")
@click.option("--seed", default=0, show_default=True)
@click.option("--file/--no-file", "filing", default=True, help=f"file what is found as cases, in {FOUND.name} of the source")
def command(subject, oracle, sources, workers, minutes, topics, seed, filing) -> None:
    """Draw programs, shrink those on which subject and oracle differ, replay them in fresh interpreters, and file them as cases."""
    if isinstance(oracle, Golden):
        raise click.BadParameter("drawn programs need a live oracle", param_hint="--oracle")
    try:
        pair = Pair(subject, oracle, Path.cwd())
        found = list(differing(pair, list(topics) or list(TOPICS), minutes, seed, set()))
        pair.close()
        fresh = Pair(subject, oracle, Path.cwd())
        for program, first in found:
            again = fresh.verdict(program)
            if again != first and getattr(again, "passed", True):
                console.print(f"[yellow]did not happen again in a fresh interpreter: {escape(first.cause)}")
                continue
            id = file_found(program, first.cause) if filing else first.id
            click.echo("\n".join([f"# {id}: {first.status}: {first.cause}", *program, ""]))
        fresh.close()
    except WorkerError as error:
        raise click.ClickException(str(error)) from error
    console.print(f"{pair.asked} programs, {len(found)} causes")
