"""`record`: a golden pack, with which others check where no oracle is installed."""

from __future__ import annotations

from pathlib import Path

import click

from conformance import golden
from conformance.case import read_cases
from conformance.commands.options import choice, console, session, sides, sources_of


@click.command("record")
@sides
@choice
@click.option("--sample", type=click.IntRange(min=1), metavar="COUNT", help="of larger tensors, keep so many elements")
@click.argument("path", type=click.Path(dir_okay=False, path_type=Path))
def command(subject, oracle, sources, workers, patterns, dtypes, sample, path) -> None:
    """Write what the oracle does with these cases to the golden pack PATH; `run --oracle PATH` then needs no oracle."""
    if isinstance(oracle, golden.Golden):
        raise click.BadParameter("a golden pack is recorded from a live oracle", param_hint="--oracle")
    with session(subject, oracle, workers) as bench:
        chosen = bench.choose(sources or sources_of(bench, patterns), patterns, dtypes)
        bench.record(chosen)
        golden.write(path, bench.oracle, [item.pack for item in chosen], bench.left_out(), sample)
    count = sum(1 for item in chosen for _ in read_cases(item.pack))  # packs are recorded whole
    console.print(f"written: {path}, {count} cases, {path.stat().st_size / 1e6:.2f} MB")
