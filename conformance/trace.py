"""Runs a program on PyTorch and notes which of its functions and modules are called: `python -m conformance.trace OUT SCRIPT ARGS...`.

Needs a PyTorch with `torch.overrides.TorchFunctionMode`.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections import Counter
from pathlib import Path


def main(out: str, script: str, *args: str) -> None:
    import torch
    from torch.overrides import TorchFunctionMode, resolve_name

    heard: Counter[str] = Counter()

    class Ear(TorchFunctionMode):
        def __torch_function__(self, function, types, given=(), named=None):
            name = resolve_name(function)
            if name and not name.rsplit(".", 1)[-1].startswith("_"):
                heard[name.removesuffix(".__get__")] += 1
            return function(*given, **(named or {}))

    plain = torch.nn.Module.__init__

    def init(self, *given, **named):
        for kind in type(self).__mro__:
            if kind.__module__.startswith("torch.nn.modules.") and kind is not torch.nn.Module:
                heard[f"torch.nn.{kind.__name__}"] += 1
                break
        plain(self, *given, **named)

    torch.nn.Module.__init__ = init
    sys.argv = [script, *args]
    sys.path[0] = str(Path(script).resolve().parent)
    try:
        with Ear():
            runpy.run_path(script, run_name="__main__")
    finally:
        Path(out).write_text(json.dumps(heard), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
