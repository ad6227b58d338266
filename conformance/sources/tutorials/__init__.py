"""The `tutorial` source: scenarios from beginner's notes, one ordinary PyTorch program a file, compared statement by statement.

A file `KEY.params` next to `KEY.py` is a checkpoint that PyTorch wrote; the program finds its bytes as `checkpoint`.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

from ...case import Case

HERE = Path(__file__).parent


def cases(wanted: Callable[[str], bool] = lambda group: True) -> Iterator[Case]:
    """One case a program, in the order of their keys."""
    for path in sorted(HERE.glob("[A-Z]*.py"), key=order):
        group = f"tutorial/{path.stem}"
        if wanted(group):
            checkpoint = path.with_suffix(".params")
            yield Case(
                id=group, program=statements(path.read_text(encoding="utf-8")), group=group, origin=f"tutorials/{path.name}",
                inputs={"checkpoint": checkpoint.read_bytes()} if checkpoint.exists() else {},
            )  # fmt: skip


def order(path: Path) -> tuple[str, int, str]:
    """A2 before A10."""
    number = path.stem[1:].split("_")[0]
    return path.stem[0], int(number) if number.isdigit() else 0, path.stem


def statements(text: str) -> tuple[str, ...]:
    """The statements of a program without its docstring, each with its own text."""
    body = ast.parse(text).body
    if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        body = body[1:]
    lines = text.splitlines()
    return tuple("\n".join(lines[first_line(node) - 1 : node.end_lineno]) for node in body)


def first_line(node: ast.stmt) -> int:
    """Decorators stand before the statement they belong to."""
    return min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", ()))])
