"""Seeded faults: mistakes laid over an implementation's public names from outside, to measure how many of them the suite catches.

A fault is a function in catalogue/. `after` changes what some functions return, `around` replaces their call (both through a
`TorchFunctionMode`, so functions, methods and operators alike), `patch` rewrites a public object. Nothing of it is in the product.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SITE = Path(__file__).with_name("site")


@dataclass(frozen=True)
class Fault:
    """One mistake: its name, the axis on which it should show, where to look first, and how it is laid."""

    name: str
    axis: str
    about: str
    cases: tuple[str, ...]
    lay: Callable[[object], None]


FAULTS: dict[str, Fault] = {}


def floating(torch, out) -> bool:
    """Whether this is a tensor of real floating-point numbers."""
    return isinstance(out, torch.Tensor) and out.is_floating_point()


def _register(function, axis: str, cases: tuple[str, ...], lay: Callable[[object], None]) -> None:
    FAULTS[function.__name__] = Fault(function.__name__, axis, (function.__doc__ or "").strip(), cases, lay)


def _usual_cases(names: tuple[str, ...]) -> tuple[str, ...]:
    forms = ("op/{}/float32/*", "op/nn.functional.{}/float32/*", "doc/torch.{}/*", "error/{}/*")
    return tuple(form.format(name) for name in names for form in forms)


def around(axis: str, *names: str, cases: tuple[str, ...] = ()):
    """A fault `f(torch, call, args, kwargs)` in the place of every call of the functions of these names."""

    def register(function):
        def lay(torch):
            class Over(torch.overrides.TorchFunctionMode):
                def __torch_function__(self, func, types, args=(), kwargs=None):
                    if getattr(func, "__name__", "") in names:
                        return function(torch, func, args, kwargs or {})
                    return func(*args, **(kwargs or {}))

            Over().__enter__()

        _register(function, axis, cases or _usual_cases(names), lay)
        return function

    return register


def after(axis: str, *names: str, cases: tuple[str, ...] = ()):
    """A fault `f(torch, out, args, kwargs)` that changes what the functions of these names return."""

    def register(function):
        def call_then_change(torch, call, args, kwargs):
            return function(torch, call(*args, **kwargs), args, kwargs)

        call_then_change.__name__, call_then_change.__doc__ = function.__name__, function.__doc__
        around(axis, *names, cases=cases)(call_then_change)
        return function

    return register


def patch(axis: str, *cases: str):
    """A fault `f(torch)` that rewrites public objects."""

    def register(function):
        _register(function, axis, cases, function)
        return function

    return register


def lay(name: str) -> None:
    """Import the implementation that the environment names and put the fault over it; `none` puts a mode that changes nothing."""
    torch = importlib.import_module(os.environ.get("CONFORMANCE_FAULTY", "reftorch"))
    importlib.import_module(f"{torch.__name__}.overrides")
    importlib.import_module("conformance.faults.catalogue")
    FAULTS[name].lay(torch)
