"""Where cases come from: a name for each source, the module that yields its cases and the files that decide them.

A source is a module with a function `cases(wanted)` that yields `Case` records. `wanted(group)` says whether the
cases of that group (`"op/add/float32"`) are needed; asking first saves the cost of making them, and is optional.
Where `cases` also takes a list `excluded`, it appends (id, cause) of what the oracle's tables hold but no case can.
A source may import `torch`: it is run in a process of the oracle's.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType


@dataclass(frozen=True)
class Source:
    module: str
    files: tuple[str, ...]  # globs beside this file; the cases are made anew when one of them changes

    def paths(self) -> list[Path]:
        return [path for pattern in self.files for path in Path(__file__).parent.glob(pattern) if path.is_file()]


SOURCES = {
    "doc": Source("conformance.sources.docs", ("docs.py", "fixtures.toml")),
    "tutorial": Source("conformance.sources.tutorials", ("tutorials/*",)),
    "script": Source("conformance.sources.scripts", ("scripts/*",)),
    "op": Source("conformance.sources.opinfo", ("opinfo.py", "opforms.py", "written.py")),
    "error": Source("conformance.sources.errors", ("errors.py", "mistakes.py", "opinfo.py", "opforms.py", "written.py")),
    "module": Source("conformance.sources.modules", ("modules.py", "opinfo.py", "opforms.py", "written.py")),
    "optim": Source("conformance.sources.optimizers", ("optimizers.py", "written.py")),
    "fuzz": Source("conformance.sources.fuzz", ("fuzz/*",)),
    "surface": Source("conformance.sources.surface", ("surface.py",)),
}


def file_name(group: str) -> str:
    """The name of a group's pack."""
    return re.sub(r"[^\w.-]+", "+", group) + ".zip"


def load(name: str) -> ModuleType:
    """The module of a source."""
    if name not in SOURCES:
        raise KeyError(f"no source {name!r}; there are {', '.join(sorted(SOURCES))}")
    return importlib.import_module(SOURCES[name].module)
