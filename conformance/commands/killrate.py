"""`killrate`: how many seeded faults the suite catches."""

from __future__ import annotations

import importlib
import sys
from fnmatch import fnmatch
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.commands.options import console, session, sides
from conformance.faults import FAULTS
from conformance.killrate import NEUTRAL, by_axis, measure, write


@click.command("killrate")
@sides
@click.option("--fault", "names", multiple=True, metavar="GLOB", help="faults of this name only; repeatable")
def command(subject, oracle, sources, workers, names) -> None:
    """Lay seeded faults over the subject, one at a time, and count how many of them some case catches that passes without."""
    importlib.import_module("conformance.faults.catalogue")
    chosen = [fault for fault in FAULTS.values() if not names or any(fnmatch(fault.name, name) for name in names)]
    with session(subject, oracle, workers) as bench:
        outcomes = measure(bench, chosen, lambda outcome: console.print(escape(outcome.line())))
    wrapping = [outcome for outcome in outcomes if outcome.name == NEUTRAL]
    faults = [outcome for outcome in outcomes if outcome.name != NEUTRAL]
    table = Table("axis", "caught", "of", "%")
    for axis, total in sorted(by_axis(faults).items()):
        table.add_row(axis, str(total.passed), str(total.total), f"{total.percent:.0f}")
    Console().print(table)
    caught = sum(outcome.caught for outcome in faults)
    Console().print(f"{caught} of {len(faults)} faults caught")
    for outcome in faults:
        if not outcome.caught:
            Console().print(f"not caught: {outcome.name}: {escape(outcome.trouble or outcome.about)}")
    if not names:
        console.print(f"written: {write(faults, Path('.conformance'))}; the next report shows it")
    mistakes = [f"{outcome.name}: {outcome.trouble}" for outcome in outcomes if outcome.trouble]
    mistakes += [f"the wrapping alone is caught by {outcome.case}" for outcome in wrapping if outcome.caught]
    for line in mistakes:
        console.print(f"[red]no rate: {escape(line)}")
    sys.exit(1 if mistakes else 0)
