"""The commands: `python -m conformance run | list | explain | repro`."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from glob import escape as escape_glob
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conformance import expect
from conformance.case import read_data
from conformance.compare.axes import PROFILES
from conformance.report import html, junit, markdown, terminal
from conformance.report.repro import script
from conformance.runner.pool import Implementation, WorkerError
from conformance.session import Chosen, Session
from conformance.sources import SOURCES

console = Console(stderr=True)


class _Progress:
    """Stages of a run as bars on the terminal; plain lines where there is none."""

    def __init__(self):
        columns = TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self.bars = Progress(*columns, console=console)
        self.stages: dict[str, int] = {}

    def __enter__(self):
        self.bars.start()
        return self

    def __exit__(self, *_):
        self.bars.stop()

    def heard(self, stage: str, done: int, total: int) -> None:
        if stage not in self.stages:
            self.stages[stage] = self.bars.add_task(stage)
        self.bars.update(self.stages[stage], completed=done, total=total or None)


def _implementation(context, parameter, value: str) -> Implementation:
    try:
        return Implementation.parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _common(command):
    """The options that say who is compared with whom, on which cases."""
    options = (
        click.option("--subject", default="reftorch", callback=_implementation, help="MODULE or MODULE@PATH/TO/python"),
        click.option("--oracle", default="torch", callback=_implementation, help="the measure, in the same form"),
        click.option("--source", "sources", multiple=True, type=click.Choice(list(SOURCES)), help="repeatable; default: all"),
        click.option("-j", "workers", default=2, show_default=True, help="workers for each side"),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.group()
def main() -> None:
    """Where does this implementation of the PyTorch API behave like that PyTorch, and where not?"""


@main.command()
@_common
@click.option("--filter", "patterns", multiple=True, metavar="GLOB", help="case ids, such as 'doc/torch.cumsum/*'; repeatable")
@click.option("--dtype", "dtypes", multiple=True, help="op cases of this dtype only; repeatable")
@click.option("--profile", default="drop-in", type=click.Choice(list(PROFILES)), show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(".conformance/report"), show_default=True)
@click.option("--expect", "expected", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="expected failures")
@click.option("--update", is_flag=True, help="rewrite the file of expected failures instead of holding the run to it")
@click.option("--top", default=25, show_default=True, help="how many causes to show")
def run(subject, oracle, sources, workers, patterns, dtypes, profile, out, expected, update, top) -> None:
    """Run cases on the subject and compare with the oracle. Exits 0 when the run is complete, whatever the score."""
    with _session(subject, oracle, workers) as session:
        results = session.run(session.choose(sources or _sources_of(patterns), patterns, dtypes), profile)
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


@main.command("list")
@_common
@click.option("--filter", "patterns", multiple=True, metavar="GLOB")
@click.option("--dtype", "dtypes", multiple=True)
def list_(subject, oracle, sources, workers, patterns, dtypes) -> None:
    """Print the ids of cases."""
    with _session(subject, oracle, workers) as session:
        chosen = session.choose(sources or _sources_of(patterns), patterns, dtypes)
    for item in chosen:
        for case in item.cases:
            click.echo(case["id"])


@main.command()
@_common
@click.argument("id")
def explain(subject, oracle, sources, workers, id) -> None:
    """Show what the oracle and the subject did with one case, side by side."""
    with _session(subject, oracle, workers) as session:
        chosen = _one(session, id)
        theirs, ours = session.sides(chosen)
        results = session.run([chosen], "bitwise")
    terminal.explain(chosen.cases[0], theirs, ours, results, Console())


@main.command()
@_common
@click.argument("id")
def repro(subject, oracle, sources, workers, id) -> None:
    """Print a script of one case that stands alone, after replaying it in a fresh interpreter of the subject's."""
    with _session(subject, oracle, workers) as session:
        chosen = _one(session, id)
    text = script(chosen.cases[0], read_data(chosen.pack), subject.module)
    try:
        played = subprocess.run([subject.python, "-W", "ignore", "-c", text], capture_output=True, text=True, timeout=120, check=False)
        last = played.stderr.strip().splitlines()[-1:]
        outcome = " ".join([f"ends with code {played.returncode}", *last])
    except subprocess.TimeoutExpired:
        outcome = "did not end within 120 s"
    click.echo(text)
    console.print(f"[dim]replayed on {subject}: {escape(outcome)}")


REPORTS = {"index.html": html.render, "summary.md": markdown.render, "junit.xml": junit.render}


@contextmanager
def _session(subject: Implementation, oracle: Implementation, workers: int):
    """A session with its progress on the terminal; trouble outside any case ends the program with code 2."""
    try:
        with _Progress() as progress:
            session = Session(subject, oracle, Path.cwd(), workers)
            session.heard = progress.heard
            yield session
    except WorkerError as error:
        console.print(f"[red]{escape(str(error))}")
        sys.exit(2)


def _one(session: Session, id: str) -> Chosen:
    """The one case of this id."""
    source = id.split("/")[0]
    chosen = session.choose([source] if source in SOURCES else [], [escape_glob(id)])
    if len(chosen) != 1 or len(chosen[0].cases) != 1:
        raise click.ClickException(f"there is no case {id}")
    return chosen[0]


def _sources_of(patterns) -> list[str]:
    """The sources the patterns name; all of them where they name none."""
    named = [pattern.split("/")[0] for pattern in patterns]
    return [source for source in SOURCES if source in named] or list(SOURCES)
