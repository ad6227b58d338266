"""Layers declared as data: what they take and which function they call, from which their methods follow."""
import inspect
import linecache
import re

import reftorch as torch

from .. import functional as F
from .module import Module


def shown(module, *names, **unless):
    """`name=value` for extra_repr: of `names` ("name?" only where true), then of those whose value is not the one in `unless`."""
    texts = []
    for name in names:
        value = getattr(module, name.rstrip("?"))
        if not name.endswith("?"):
            texts.append(f"{name}={value}")
        elif value:
            texts.append(f"{name[:-1]}=True")
    for name, usual in unless.items():
        value = getattr(module, name)
        if not (value is usual if isinstance(usual, bool) else value == usual):
            texts.append(f"{name}={value}")
    return ", ".join(texts)


def layer(takes="", call=None, shows=None, constants=None):
    """A decorator that gives a module class the methods which are the same in all layers but for names.

    takes: the arguments of `__init__`. Those that the base class takes too go to it, the others become attributes (and `__constants__`,
    unless `constants` says otherwise); then `_post_init` is called, if the class has one.
    call: what `forward` returns, as "F.function(inputs; attributes)", "name=" for an attribute that is passed by keyword.
    shows: the attributes in `extra_repr`, as `shown` takes them.
    """
    def decorate(cls):
        code = []
        if takes:
            names = list(inspect.signature(eval(f"lambda {takes}: 0")).parameters)
            base = _accepted(super(cls, cls).__init__, names)
            kept = [n for n in names if n not in base]
            code += [f"def __init__(self, {takes}):",
                     f"    super(cls, self).__init__({', '.join(f'{n}={n}' for n in base)})",
                     *(f"    self.{n} = {n}" for n in kept)]
            if "_post_init" in vars(cls):
                code.append("    cls._post_init(self)")
            if kept:
                cls.__constants__ = kept
        if constants is not None:
            cls.__constants__ = constants.split()
        if call is not None:
            function, inputs, attributes = re.fullmatch(r"([\w.]+)\(([^;]*)(?:; (.*))?\)", call).groups()
            passed = [a + f"self.{a[:-1]}" if a.endswith("=") else f"self.{a}" for a in (attributes or "").split(", ") if a]
            code += [f"def forward(self, {inputs}):", f"    return {function}({', '.join([inputs, *passed])})"]
        if shows is not None:
            code += ["def extra_repr(self):", f"    return shown(self, *{tuple(shows.split())})"]
        _define(cls, code)
        return cls
    return decorate


def _accepted(init, names):
    """Those of the names that `init` takes; Module takes anything and uses nothing."""
    parameters = inspect.signature(init).parameters
    takes_any = init is not Module.__init__ and any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    return names if takes_any else [n for n in names if n in parameters]


def _define(cls, code):
    """Give the class the methods in `code`, which tracebacks can show."""
    name = f"<layer {cls.__module__}.{cls.__qualname__}>"
    methods = {}
    names = {"__name__": cls.__module__, "F": F, "torch": torch, "cls": cls, "shown": shown}
    exec(compile("\n".join(code), name, "exec"), names, methods)
    linecache.cache[name] = (0, None, [line + "\n" for line in code], name)
    for method in methods.values():
        method.__qualname__ = f"{cls.__qualname__}.{method.__name__}"
        setattr(cls, method.__name__, method)
