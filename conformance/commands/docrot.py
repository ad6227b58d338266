"""`docrot`: which examples of PyTorch's documentation no longer run, or print something else than shown."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from conformance.commands.options import console
from conformance.docrot import KINDS, ROT, markdown, read
from conformance.runner.pool import Implementation

HOME = Path(__file__).parents[2]


@click.command("docrot")
@click.option("--oracle", default="torch", show_default=True, help="the PyTorch whose documentation is read, as a connect string")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), default=Path(".conformance/docrot.md"), show_default=True)
def command(oracle, out) -> None:
    """Run the prompted examples of PyTorch's docstrings on PyTorch itself and list, with docstring and line, what is not as shown."""
    on = Implementation.parse(oracle)
    asked = [on.python, "-c", "import torch; print(torch.__version__)"]
    version = subprocess.run(asked, capture_output=True, text=True, check=False, env=on.environment()).stdout.strip()
    done = subprocess.run([on.python, "-W", "ignore", "-m", "conformance.docrot"], cwd=HOME, capture_output=True, text=True, check=False,
                          env=on.environment(PYTHONPATH=str(HOME)))  # fmt: skip
    if done.returncode:
        raise click.ClickException(f"{oracle} could not be asked:\n{done.stderr[-2000:]}")
    found, left_out = read(done.stdout.splitlines())
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(markdown(found, left_out, version), "utf-8")
    counts = Counter(item.kind for item in found)
    table = Table("standing", "examples", "meaning", title=f"documented examples of PyTorch {version}", title_justify="left")
    for name, about in KINDS.items():
        table.add_row(name, str(counts[name]), about)
    Console().print(table)
    Console().print(f"{sum(counts[name] for name in ROT)} of {len(found)} examples are not as shown; docstrings left out: "
                    + ", ".join(f"{cause} {number}" for cause, number in left_out.most_common()))  # fmt: skip
    console.print(f"written: {out}")
