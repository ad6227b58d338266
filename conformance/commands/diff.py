"""`diff`: what changed between two runs, or between two versions."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from conformance import drift
from conformance.commands.options import choice, console, session, sources_of
from conformance.report import drift as report
from conformance.results import Results
from conformance.runner.pool import Implementation
from conformance.session import measure
from conformance.sources import SOURCES


@click.command("diff")
@click.argument("old")
@click.argument("new")
@choice
@click.option("--source", "sources", multiple=True, type=click.Choice(list(SOURCES)), help="repeatable; default: doc, op, tutorial")
@click.option("-j", "workers", default=2, show_default=True, help="workers for each side")
@click.option("--profile", default="drop-in", show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(".conformance/diff"), show_default=True)
@click.option("--top", default=25, show_default=True, help="how many causes of a kind to show")
def command(old, new, patterns, dtypes, sources, workers, profile, out, top) -> None:
    """Compare OLD with NEW, case by case, grouped by cause.

    Two results.json files: which cases broke, which were fixed. Two connect strings, such as
    `torch@/usr/bin/python3 torch`: where OLD does not behave as NEW, on the cases of NEW.
    """
    try:
        heading, changes, compared = _of_files(old, new) if old.endswith(".json") else _of_versions(old, new, patterns, dtypes, sources, workers, profile, out)
    except (ValueError, OSError, KeyError) as problem:
        raise click.ClickException(str(problem)) from problem
    out.mkdir(parents=True, exist_ok=True)
    (out / "drift.md").write_text(report.markdown(heading, changes, compared), "utf-8")
    (out / "drift.html").write_text(report.html(heading, changes, compared), "utf-8")
    report.summary(heading, changes, compared, Console(), top)
    console.print(f"written: {out / 'drift.md'}, {out / 'drift.html'}")
    sys.exit(1 if any(change.kind == "broken" for change in changes) else 0)


def _of_files(old: str, new: str) -> tuple[str, list[drift.Change], int]:
    before, after = Results.read(Path(old)), Results.read(Path(new))
    sides = [f"{drift.title(run.meta['subject'])}, {run.meta['when']}" for run in (before, after)]
    ids = {verdict.id for run in (before, after) for verdict in run.verdicts}
    return " → ".join(sides), drift.between(before, after), len(ids)


def _of_versions(old, new, patterns, dtypes, sources, workers, profile, out) -> tuple[str, list[drift.Change], int]:
    with session(Implementation.parse(old), measure(new, Path.cwd()), workers) as bench:
        asked = sources or (sources_of(bench, patterns) if patterns else [name for name in ("doc", "op", "tutorial") if name in bench.oracle.folders])
        results = bench.run(bench.choose(asked, patterns, dtypes), profile)
    for problem in results.problems:
        console.print(f"[red]{escape(problem)}")
    out.mkdir(parents=True, exist_ok=True)
    results.write(out / "results.json")
    heading = f"{drift.title(results.meta['subject'])} → {drift.title(results.meta['oracle'])}"
    return heading, drift.within(results), len(results.verdicts)
