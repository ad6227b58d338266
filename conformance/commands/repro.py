"""`repro`: one case as a script that stands alone."""

from __future__ import annotations

import subprocess

import click
from rich.markup import escape

from conformance.case import read_data
from conformance.commands.options import console, one, session, sides
from conformance.report.repro import script


@click.command("repro")
@sides
@click.argument("id")
def command(subject, oracle, sources, workers, id) -> None:
    """Print a script of one case that stands alone, after replaying it in a fresh interpreter of the subject's."""
    with session(subject, oracle, workers) as bench:
        chosen = one(bench, id)
    text = script(chosen.cases[0], read_data(chosen.pack), subject.module)
    try:
        played = subprocess.run([subject.python, "-W", "ignore", "-c", text], capture_output=True, text=True, timeout=120, check=False)
        last = played.stderr.strip().splitlines()[-1:]
        outcome = " ".join([f"ends with code {played.returncode}", *last])
    except subprocess.TimeoutExpired:
        outcome = "did not end within 120 s"
    click.echo(text)
    console.print(f"[dim]replayed on {subject}: {escape(outcome)}")
