"""What of the API a project uses: read from its source, and heard while a program of it runs."""

from __future__ import annotations

import ast
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", "build", "dist", ".tox"}


@dataclass
class Usage:
    """Names and where they stand: `torch.nn.Linear` at `model.py:12`; methods of unknown objects as `.cumsum`."""

    names: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    places: dict[str, str] = field(default_factory=dict)
    files: int = 0
    unread: list[str] = field(default_factory=list)  # files that are no Python of this version

    def note(self, counter: Counter[str], name: str, place: str) -> None:
        counter[name] += 1
        self.places.setdefault(name, place)


def of_folder(folder: Path) -> Usage:
    """The static use of every Python file below `folder`, or of one file."""
    usage = Usage()
    files = [folder] if folder.is_file() else sorted(folder.rglob("*.py"))
    for file in files:
        shown = file.name if folder.is_file() else str(file.relative_to(folder))
        if SKIPPED.isdisjoint(Path(shown).parts):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    tree = ast.parse(file.read_bytes())
            except (SyntaxError, ValueError) as problem:
                usage.unread.append(f"{shown}: {problem}")
                continue
            usage.files += 1
            _Reader(usage, shown).visit(tree)
    return usage


class _Reader(ast.NodeVisitor):
    """Follows imports of torch through one module."""

    def __init__(self, usage: Usage, file: str):
        self.usage, self.file = usage, file
        self.known: dict[str, str] = {}  # local name -> public name

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            if alias.name.split(".")[0] == "torch":
                self.known[alias.asname or "torch"] = alias.name if alias.asname else "torch"
                if alias.name != "torch":
                    self._note(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if node.level == 0 and node.module and node.module.split(".")[0] == "torch":
            for alias in node.names:
                full = node.module if alias.name == "*" else f"{node.module}.{alias.name}"
                self.known[alias.asname or alias.name] = full
                self._note(full, node)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        full = self._resolve(node)
        if full:
            self._note(full, node)
        else:
            self.usage.note(self.usage.methods, f".{node.attr}", f"{self.file}:{node.lineno}")
            self.visit(node.value)

    def visit_Name(self, node: ast.Name) -> None:
        full = self.known.get(node.id)
        if full and full != "torch" and isinstance(node.ctx, ast.Load):
            self._note(full, node)

    def _resolve(self, node: ast.AST) -> str | None:
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if isinstance(node, ast.Attribute):
            base = self._resolve(node.value)
            return f"{base}.{node.attr}" if base else None
        return None

    def _note(self, name: str, node: ast.AST) -> None:
        self.usage.note(self.usage.names, name, f"{self.file}:{node.lineno}")
