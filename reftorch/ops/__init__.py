"""Every op of the library, a file a section of PyTorch's documentation.

`reftorch/core/define.py` describes the notation.  Importing this package defines all ops.
"""
import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
