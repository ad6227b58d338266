"""What commands share: connect strings, the choice of cases, progress on the terminal."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from glob import escape as escape_glob
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from conformance import history, killrate
from conformance.golden import Golden
from conformance.report import badge, html, junit, markdown, terminal
from conformance.results import Results
from conformance.runner.memory import Watch
from conformance.runner.pool import Implementation, WorkerError
from conformance.session import Chosen, Session, measure
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
            self.stages[stage] = self.bars.add_task(stage, total=None)
        self.bars.update(self.stages[stage], completed=done, total=total or None)


def implementation(context, parameter, value: str | None) -> Implementation | None:
    try:
        return Implementation.parse(value) if value is not None else None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _measure(context, parameter, value: str) -> Implementation | Golden:
    try:
        return measure(value, Path.cwd())
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def sides(command):
    """The options that say who is compared with whom, on cases of which sources."""
    options = (
        click.option("--subject", default="reftorch", callback=implementation, help="MODULE, or PYTHON:MODULE for another interpreter"),
        click.option("--oracle", default="torch", callback=_measure, help="the measure, in the same form, or a golden pack's path"),
        click.option("--source", "sources", multiple=True, type=click.Choice(list(SOURCES)), help="repeatable; default: all"),
        click.option("-j", "workers", default=2, show_default=True, help="workers for each side"),
    )
    return _with(options, command)


def choice(command):
    """The options that say which cases."""
    options = (
        click.option("--filter", "patterns", multiple=True, metavar="GLOB", help="case ids, such as 'doc/torch.cumsum/*'; repeatable"),
        click.option("--dtype", "dtypes", multiple=True, help="op cases of this dtype only; repeatable"),
    )
    return _with(options, command)


def _with(options, command):
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def session(subject: Implementation, oracle: Implementation | Golden, workers: int, skew: Implementation | None = None):
    """A session with its progress on the terminal; trouble outside any case ends the program with code 2."""
    try:
        with _Progress() as progress, Watch() as watch:
            made = Session(subject, oracle, Path.cwd(), workers, skew)
            made.heard, made.watch = progress.heard, watch
            yield made
    except WorkerError as error:
        console.print(f"[red]{escape(str(error))}")
        sys.exit(2)


def one(session: Session, id: str) -> Chosen:
    """The one case of this id."""
    source = id.split("/")[0]
    chosen = session.choose([source] if source in SOURCES else [], [escape_glob(id)])
    if len(chosen) != 1 or len(chosen[0].cases) != 1:
        raise click.ClickException(f"there is no case {id}")
    return chosen[0]


def sources_of(session: Session, patterns) -> list[str]:
    """The sources the patterns name; all that the oracle has where they name none."""
    named = [pattern.split("/")[0] for pattern in patterns]
    known = list(session.oracle.folders)
    return [source for source in known if source in named] or known


REPORTS = {"index.html": html.render, "summary.md": markdown.render, "junit.xml": junit.render, "badge.svg": badge.render}


def write(results: Results, out: Path, top: int) -> None:
    """All reports of a run: files in `out`, and the summary on the terminal."""
    out.mkdir(parents=True, exist_ok=True)
    results.write(out / "results.json")
    results.beside = {"history": history.note(results, out), "killrate": killrate.read(Path(".conformance"))}
    for name, render in REPORTS.items():
        (out / name).write_text(render(results), "utf-8")
    terminal.summary(results, Console(), top)
    console.print(f"written: {', '.join(str(out / name) for name in ('results.json', *REPORTS))}")
