"""A case as a script that stands alone: inputs written out, every echoed value printed."""

from __future__ import annotations

import ast
import base64
import zlib

import numpy as np

from conformance.runner.observe import compiled, dense
from conformance.transcript import numpy_dtype

HEAD = """import base64
import math
import random
import zlib

import numpy as np
import {torch}
from {module} import nn, optim
from {module}.nn import functional as F
"""
SMALL = 200  # elements written as numbers


class Writer:
    """Encoded inputs as Python source."""

    def __init__(self, data: bytes):
        self.data = data

    def of(self, tree) -> str:
        if isinstance(tree, list):
            return "[" + ", ".join(map(self.of, tree)) + "]"
        if not isinstance(tree, dict):
            return repr(tree)
        value = tree.get("v")
        match tree["$"]:
            case "float":
                return _float(float.fromhex(value))
            case "complex":
                return f"complex({', '.join(_float(float.fromhex(part)) for part in value)})"
            case "tuple":
                return "(" + "".join(self.of(item) + ", " for item in value) + ")"
            case "set":
                return f"set({self.of(value)})"
            case "dict":
                return "{" + ", ".join(f"{self.of(key)}: {self.of(item)}" for key, item in value) + "}"
            case "slice":
                return f"slice({', '.join(map(self.of, value))})"
            case "range":
                return f"range({', '.join(map(str, value))})"
            case "ellipsis":
                return "..."
            case "name":
                return value
            case "make":
                named = [f"**{self.of(tree['kwargs'])}"] if tree["kwargs"]["v"] else []
                return f"{value}({', '.join([*map(self.of, tree['args']), *named])})"
            case "bytes":
                return repr(self.bytes(tree))
            case _:
                return self.tensor(tree)

    def bytes(self, tree: dict) -> bytes:
        start, size = tree["at"]
        return self.data[start : start + size]

    def tensor(self, tree: dict) -> str:
        dtype, data = f"torch.{tree['dtype']}", self.bytes(tree)
        values = np.frombuffer(data, numpy_dtype(tree["dtype"]))
        if values.size <= SMALL and not values.dtype.names:
            text = f"torch.tensor([{', '.join(_number(value) for value in values)}], dtype={dtype})"
        else:
            packed = base64.b85encode(zlib.compress(data, 9)).decode()
            text = f"torch.frombuffer(bytearray(zlib.decompress(base64.b85decode({packed!r}))), dtype={dtype})"
        shape, strides = tuple(tree["shape"]), tuple(tree["strides"])
        if tree["offset"] or strides != dense(shape) or values.size != np.prod(shape, dtype=int):
            text += f".as_strided({shape}, {strides}, {tree['offset']})"
        elif len(shape) != 1:
            text += f".reshape({shape})"
        text += ".conj()" * tree["conj"]
        return text + ".requires_grad_(True)" * tree["requires_grad"]


def _float(value: float) -> str:
    return repr(value) if np.isfinite(value) else f"float({str(value)!r})"


def _number(value: np.generic) -> str:
    if value.dtype.kind == "c":
        return f"complex({_float(float(value.real))}, {_float(float(value.imag))})"
    return str(value.item()) if value.dtype.kind in "biu" else _float(float(value))


def script(case: dict, data: bytes, module: str = "torch") -> str:
    """The text of the script, for the implementation called `module`."""
    writer, seed = Writer(data), case["seed"]
    lines = [HEAD.format(module=module, torch="torch" if module == "torch" else f"{module} as torch")]
    if module != "torch" and any("import" in statement for statement in (*case["setup"], *case["program"])):
        lines.append('import sys\n\nsys.modules["torch"] = torch\n')
    lines += [f"{name} = {writer.of(tree)}" for name, tree in case["inputs"].items()]
    lines += [f"random.seed({seed})", f"np.random.seed({seed})", f"torch.manual_seed({seed})", *case["setup"]]
    names: dict[str, None] = {}
    for statement in case["program"]:
        names |= dict.fromkeys(compiled(statement)[2])
        body = ast.parse(statement).body
        if body and isinstance(body[-1], ast.Expr) and len(body) == 1 and not _prints(body[0].value):
            lines.append(f"print(repr({ast.unparse(body[0].value)}))")
        else:
            lines.append(statement)
    lines += [f"print({name!r}, {name})" for name in names]
    text = "\n".join(lines) + "\n"
    for name in ("base64", "zlib", "math"):
        text = text if f"{name}." in text else text.replace(f"import {name}\n", "")
    return text


def _prints(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
