"""`merge`: the parts of a sharded run as one."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from conformance.commands.options import write
from conformance.results import Results


def merged(parts: list[Results]) -> Results:
    """One run from all its shards; ValueError where they do not belong together or one is not there."""
    whole = Results({key: value for key, value in parts[0].meta.items() if key != "shard"})
    same = lambda run: (run.meta["subject"], run.meta["oracle"], run.meta["profile"], run.meta.get("shard", [0, 1])[1])  # noqa: E731
    shards = [part.meta.get("shard", [1, 1]) for part in parts]
    if any(same(part) != same(parts[0]) for part in parts):
        raise ValueError("these are not shards of one run: subject, oracle, profile or their number differ")
    if sorted(index for index, _ in shards) != list(range(1, shards[0][1] + 1)):
        raise ValueError(f"shards {', '.join(f'{index}/{count}' for index, count in shards)} are not 1 to {shards[0][1]}, each once")
    for part in parts:
        whole.add(part)
    whole.excluded = list(dict.fromkeys(whole.excluded))  # every shard lists what the source left out
    whole.problems = [problem for problem in whole.problems if not problem.startswith("shard ")]
    whole.sort()
    whole.meta["sources"] = sorted({source for part in parts for source in part.meta["sources"]})
    whole.meta["peak_mb"] = max((part.meta.get("peak_mb") or 0 for part in parts), default=0)
    whole.meta["seconds"] = round(sum(part.meta.get("seconds", 0) for part in parts), 1)
    return whole


@click.command("merge")
@click.argument("results", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path(".conformance/report"), show_default=True)
@click.option("--top", default=25, show_default=True, help="how many causes to show")
def command(results, out, top) -> None:
    """Put the results.json files of all shards of one run together and write its reports."""
    try:
        whole = merged([Results.read(path) for path in results])
    except ValueError as problem:
        raise click.ClickException(str(problem)) from problem
    write(whole, out, top)
    sys.exit(1 if whole.problems else 0)
