"""Where cases come from: a name for each source, the module that yields its cases and the files that decide them.

A source is a module with a function `cases(wanted)` that yields `Case` records. `wanted(group)` says whether the
cases of that group (`"op/add/float32"`) are needed; asking first saves the cost of making them, and is optional.
Where `cases` also takes a list `excluded`, it appends (id, kind, cause) of what the oracle's tables hold but no case can.
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
    about: str  # its cases, in a few words

    def paths(self) -> list[Path]:
        return [path for pattern in self.files for path in Path(__file__).parent.glob(pattern) if path.is_file()]


SOURCES = {
    "doc": Source("conformance.sources.docs", ("docs.py", "fixtures.toml"), "documented examples that PyTorch itself can run"),
    "tutorial": Source("conformance.sources.tutorials", ("tutorials/*",), "programs as a course teaches them"),
    "script": Source("conformance.sources.scripts", ("scripts/*",), "training runs, every printed digit"),
    "op": Source("conformance.sources.opinfo", ("opinfo.py", "opforms.py", "written.py"), "operator samples: gradients, method, in-place and out= forms"),
    "error": Source("conformance.sources.errors", ("errors.py", "mistakes.py", "opinfo.py", "opforms.py", "written.py"), "wrong calls: the same exception"),
    "module": Source("conformance.sources.modules", ("modules.py", "opinfo.py", "opforms.py", "written.py"), "PyTorch's module samples"),
    "optim": Source("conformance.sources.optimizers", ("optimizers.py", "written.py"), "optimizers, five steps and state"),
    "fuzz": Source("conformance.sources.fuzz", ("fuzz/*",), "drawn programs"),
    "surface": Source("conformance.sources.surface", ("surface.py",), "public names and signatures"),
}


def file_name(group: str) -> str:
    """The name of a group's pack."""
    return re.sub(r"[^\w.-]+", "+", group) + ".zip"


def load(name: str) -> ModuleType:
    """The module of a source."""
    if name not in SOURCES:
        raise KeyError(f"no source {name!r}; there are {', '.join(sorted(SOURCES))}")
    return importlib.import_module(SOURCES[name].module)
