"""`run`: the subject against the oracle."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from conformance import expect
from conformance.commands.options import choice, console, session, sides, sources_of
from conformance.compare.axes import PROFILES
from conformance.report import html, junit, markdown, terminal

REPORTS = {"index.html": html.render, "summary.md": markdown.render, "junit.xml": junit.render}


@click.command("run")
@sides
@choice
@click.option("--profile", default="drop-in", type=click.Choice(list(PROFILES)), show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(".conformance/report"), show_default=True)
@click.option("--expect", "expected", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="expected failures")
@click.option("--update", is_flag=True, help="rewrite the file of expected failures instead of holding the run to it")
@click.option("--top", default=25, show_default=True, help="how many causes to show")
def command(subject, oracle, sources, workers, patterns, dtypes, profile, out, expected, update, top) -> None:
    """Run cases on the subject and compare with the oracle. Exits 0 when the run is complete, whatever the score."""
    with session(subject, oracle, workers) as bench:
        results = bench.run(bench.choose(sources or sources_of(bench, patterns), patterns, dtypes), profile)
    out.mkdir(parents=True, exist_ok=True)
    results.write(out / "results.json")
    for name, render in REPORTS.items():
        (out / name).write_text(render(results), "utf-8")
    terminal.summary(results, Console(), top)
    console.print(f"written: {', '.join(str(out / name) for name in ('results.json', *REPORTS))}")
    if expected and update:
        console.print(f"{expected}: {expect.update(expected, results)} entries")
    elif expected:
        broken = expect.violations(expect.read(expected), results)
        for line in broken:
            console.print(f"[red]{escape(line)}")
        sys.exit(3 if broken else 1 if results.problems else 0)
    sys.exit(1 if results.problems else 0)
