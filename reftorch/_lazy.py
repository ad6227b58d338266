"""Submodules and names that are imported when first asked for, which keeps `import reftorch` short."""
import sys
from importlib import import_module


def lazy(package, modules=(), names=()):
    """`__getattr__` and `__dir__` of `package`: submodules, and `names` as {public name: module that has it}."""
    space, names = sys.modules[package].__dict__, dict(names)

    def __getattr__(name):
        if name in modules:
            return import_module(f"{package}.{name}")
        if name in names:
            space[name] = value = getattr(import_module(names[name], package), name)
            return value
        raise AttributeError(f"module '{package.replace('reftorch', 'torch', 1)}' has no attribute {name!r}")

    def __dir__():
        return sorted({*space, *modules, *names})

    return __getattr__, __dir__
