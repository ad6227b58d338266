"""`run`: the subject against the oracle."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.markup import escape

from conformance import expect
from conformance.commands.options import choice, console, implementation, session, sides, sources_of, write
from conformance.compare.axes import PROFILES
from conformance.runner.cluster import runner


def _shard(context, parameter, value: str | None) -> tuple[int, int] | None:
    if value is None:
        return None
    index, _, count = value.partition("/")
    if not (index.isdigit() and count.isdigit() and 1 <= int(index) <= int(count)):
        raise click.BadParameter(f"{value!r} is not I/N with 1 <= I <= N")
    return int(index), int(count)


@click.command("run")
@sides
@choice
@click.option("--profile", default="drop-in", type=click.Choice(list(PROFILES)), show_default=True)
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(".conformance/report"), show_default=True)
@click.option("--expect", "expected", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="expected failures")
@click.option("--update", is_flag=True, help="rewrite the file of expected failures instead of holding the run to it")
@click.option("--resume", is_flag=True, help="take up an interrupted run of the same cases")
@click.option("--shard", callback=_shard, metavar="I/N", help="only the I-th of N parts; `merge` puts them together")
@click.option("--cluster", metavar="tcp://HOST:PORT", help="run the subject on the workers of a Dask scheduler")
@click.option("--skew", callback=implementation, metavar="MODULE@PYTHON", help="another version: what fails and behaves as it does is `version skew`")
@click.option("--top", default=25, show_default=True, help="how many causes to show")
def command(subject, oracle, sources, workers, patterns, dtypes, profile, out, expected, update, resume, shard, cluster, skew, top) -> None:
    """Run cases on the subject and compare with the oracle. Exits 0 when the run is complete, whatever the score."""
    with session(subject, oracle, workers, skew) as bench:
        chosen = bench.choose(sources or sources_of(bench, patterns), patterns, dtypes)
        if shard:
            chosen = chosen[shard[0] - 1 :: shard[1]]
        results = bench.run(chosen, profile, runner(cluster), resume)
    complete = not results.problems
    if shard:
        results.meta["shard"] = shard
        results.problems.append(f"shard {shard[0]} of {shard[1]}: `merge` all of them")
    write(results, out, top)
    if expected and update:
        console.print(f"{expected}: {expect.update(expected, results)} entries")
    elif expected:
        broken = expect.violations(expect.read(expected), results)
        for line in broken:
            console.print(f"[red]{escape(line)}")
        sys.exit(3 if broken else 0 if complete else 1)
    sys.exit(0 if complete else 1)
