"""The commands: `python -m conformance COMMAND`. Each is a file here of its name, with a click command called `command`."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

import click

SHARED = {"options"}  # no commands


class Commands(click.Group):
    """Commands found by file name, imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(module.name for module in iter_modules(__path__) if module.name not in SHARED)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        return import_module(f"{__name__}.{name}").command if name in self.list_commands(ctx) else None


@click.command(cls=Commands)
def main() -> None:
    """Where does this implementation of the PyTorch API behave like that PyTorch, and where not?"""
