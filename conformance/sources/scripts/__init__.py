"""The `script` source: whole training programs as a user writes them, with data from seeds, a checkpoint and printed losses.

A program is one statement of its case. What it prints is compared to the digit; what it leaves behind (parameters, states of
optimizers, losses) like everything else, and where only digits differ, the referee says whether PyTorch itself prints
others on another processor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ...case import Case

HERE = Path(__file__).parent


def cases(wanted: Callable[[str], bool] = lambda group: True) -> Iterator[Case]:
    """One case a program."""
    for path in programs():
        group = f"script/{path.stem}"
        if wanted(group):
            text = path.read_text(encoding="utf-8")
            yield Case(id=group, program=(text,), group=group, origin=f"scripts/{path.name}", tags=("exact-text",))


def programs() -> list[Path]:
    """The files of the programs."""
    return sorted(path for path in HERE.glob("*.py") if not path.name.startswith("_"))
