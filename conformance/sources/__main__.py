"""Makes the cases of a source, in a process of the oracle's: `python -m conformance.sources NAME MODULE DIR [PATTERN]`.

Writes one pack a group (cases without a group: one pack for every 32) and, when the source was exhausted, `complete`.
"""

from __future__ import annotations

import inspect
import json
import sys
import traceback
import unittest
from importlib.util import find_spec
from itertools import count, groupby
from pathlib import Path
from types import SimpleNamespace

from conformance.case import write_pack
from conformance.matching import may_match
from conformance.runner.worker import connect
from conformance.sources import file_name, load

ALONE = 32  # cases without a group that share a pack


def main() -> None:
    name, module, folder, *patterns = sys.argv[1:]
    folder = Path(folder)
    connect(module)
    inspect.stack = traceback.format_stack = nowhere
    if not find_spec("expecttest"):  # torch.testing._internal derives a class from its only one; an oracle need not have it installed
        sys.modules["expecttest"] = SimpleNamespace(TestCase=unittest.TestCase, ACCEPT=True)
    try:
        source = load(name)
    except ImportError as error:
        if not (error.name or "").startswith("torch."):
            raise
        _finish(folder, [(f"{name}/*", "oracle-error", f"the oracle has no table of this kind: {error}")])
        return

    refused = []

    def wanted(group: str) -> bool:
        if not may_match(group, patterns):
            refused.append(group)
        return may_match(group, patterns) and not (folder / file_name(group)).exists()

    numbers = count()

    def pack_of(case):
        return (file_name(case.group), case.group) if case.group else (f"{name}-{next(numbers) // ALONE:04d}.zip", name)

    excluded: list[tuple[str, str, str]] = []
    extra = {"excluded": excluded} if "excluded" in inspect.signature(source.cases).parameters else {}
    written = set()
    for (pack, group), cases in groupby(source.cases(wanted, **extra), pack_of):
        if pack in written:
            raise ValueError(f"{name}: cases of {pack} are not consecutive")
        written.add(pack)
        print(pack, write_pack(folder / pack, cases, group), flush=True)
    _finish(folder, excluded, whole=not refused)


def nowhere(*_, **__) -> list:
    """A stack of no frames. The oracle's tables look at it for each sample, to name a test in their errors: most of their time."""
    return []


def _finish(folder: Path, excluded: list[tuple[str, str, str]], whole: bool = True) -> None:
    with open(folder / "excluded.jsonl", "a", encoding="utf-8") as file:
        file.writelines(json.dumps(item) + "\n" for item in excluded)
    if whole:
        (folder / "complete").touch()


if __name__ == "__main__":
    main()
