"""Every op of the library, a file a section of PyTorch's documentation.

`reftorch/core/define.py` describes the notation.  Importing this package defines all ops.
"""
import os
from importlib import import_module

for _name in sorted({name.partition(".")[0] for name in os.listdir(__path__[0]) if name.endswith(".py") and not name.startswith("_")}):
    import_module(f"{__name__}.{_name}")
