"""`scan`: will a project run on the subject?"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from conformance.drift import title
from conformance.evidence import NO_GO, by_name, of_usage
from conformance.results import Results
from conformance.runner.pool import Implementation
from conformance.usage import Usage, of_folder


@click.command("scan")
@click.argument("folder", type=click.Path(exists=True, path_type=Path))
@click.option("--results", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=Path(".conformance/report/results.json"),
              show_default=True, help="the run whose cases are the evidence")  # fmt: skip
@click.option("--run", "program", metavar="'SCRIPT ARGS'", help="also run this program of the folder on PyTorch and note what it calls")
@click.option("--python", default="torch", show_default=True, help="the PyTorch that runs it, as a connect string")
@click.option("--top", default=30, show_default=True, help="how many names to show")
def command(folder, results, program, python, top) -> None:
    """Map what the Python files of FOLDER use of the API to the evidence of a run: go or no-go, the riskiest names first.

    Exits 0 for go, 1 for no-go.
    """
    found, usage = Results.read(results), of_folder(folder)
    if program:
        _trace(usage, folder, program, Implementation.parse(python))
    rows = of_usage(usage, by_name(found))
    counts = Counter(item.standing for item, _, _ in rows)
    table = Table("name", "standing", "cases", "uses", "first seen", "failing, for example")
    for item, count, place in rows[:top]:
        cases = f"{item.passed}/{item.total}" if item.total else ""
        table.add_row(escape(item.name), item.standing, cases, str(count), escape(place), escape(item.failing[0] if item.failing else ""))
    console = Console()
    console.print(table)
    for line in usage.unread:
        console.print(f"[yellow]not read: {escape(line)}")
    stop, unseen = sum(counts[standing] for standing in NO_GO), counts["unknown"]
    console.print(f"{usage.files} files, {len(rows)} names: " + ", ".join(f"{standing} {number}" for standing, number in counts.items()))
    console.print(f"[bold]{'no-go' if stop else 'go'}[/] for {title(found.meta['subject'])}"
                  + (f": {stop} names are missing or mostly fail" if stop else "")
                  + (f"; that run has no case of {unseen} names, one of more sources may have" if unseen else ""))  # fmt: skip
    sys.exit(1 if stop else 0)


def _trace(usage: Usage, folder: Path, program: str, on: Implementation) -> None:
    home = Path(__file__).parents[2]
    with tempfile.TemporaryDirectory(prefix="conformance-") as place:
        out = Path(place, "heard.json")
        script, *args = shlex.split(program)
        command = [on.python, "-m", "conformance.trace", str(out), str(Path(folder, script).resolve()), *args]
        done = subprocess.run(command, cwd=folder if folder.is_dir() else folder.parent, env=on.environment(PYTHONPATH=str(home)), check=False)
        if not out.exists():
            raise click.ClickException(f"{script} could not be run on {on}")
        if done.returncode:
            click.echo(f"{script} ended with code {done.returncode}; what it called until then counts", err=True)
        for name, count in json.loads(out.read_text("utf-8")).items():
            usage.note(usage.names, name, f"while {script} ran")
            usage.names[name] += count - 1
