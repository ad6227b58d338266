"""Live arguments of the oracle as program text and stored inputs: tensors get names, everything else is spelled out."""

from __future__ import annotations

import ctypes
import dataclasses
import math
from collections.abc import Iterator

import torch

from ..case import ArrayRef
from .opforms import Call

TAKEN = {"torch", "nn", "F", "optim", "np", "math", "out", "unique", "grads", "second", "y", "x"}


class Unsupported(Exception):
    """The value has no form in a case; `kind` says why not, as `verdict.KINDS` has it."""

    def __init__(self, cause: str, kind: str = "beyond"):
        super().__init__(cause)
        self.kind = kind


class Inputs:
    """The tensors of one sample: their names, their stored form and themselves."""

    def __init__(self):
        self.refs: dict[str, ArrayRef] = {}
        self.values: dict[str, torch.Tensor] = {}
        self._names: dict[int, str] = {}
        self._storages: dict[int, bytes] = {}

    @property
    def leaves(self) -> list[str]:
        return [name for name, ref in self.refs.items() if ref.requires_grad]

    @property
    def size(self) -> int:
        return sum(len(ref.data) for ref in self.refs.values())

    def call(self, name: str, sample) -> Call:
        """The texts of a sample's arguments; its tensors become inputs."""
        x = self.text(sample.input, "x")
        args = [self.text(value, f"a{index}") for index, value in enumerate(sample.args, 1)]
        kwargs = {key: self.text(value, key + "_" if key in TAKEN else key) for key, value in sample.kwargs.items()}
        return Call(name, x, args, kwargs)

    def text(self, value, hint: str) -> str:
        if isinstance(value, torch.Tensor):
            return self.name(value, hint)
        if isinstance(value, (list, tuple)):
            return self.sequence(value, hint)
        if isinstance(value, dict):
            return "{" + ", ".join(f"{key!r}: {self.text(item, f'{hint}_{key}')}" for key, item in value.items()) + "}"
        if isinstance(value, float):
            special = {math.inf: "math.inf", -math.inf: "-math.inf"}
            return repr(float(value)) if math.isfinite(value) else special.get(value, "math.nan")
        if isinstance(value, complex):
            return f"complex({self.text(value.real, hint)}, {self.text(value.imag, hint)})"
        if value is None or isinstance(value, (bool, int, str, torch.dtype, torch.layout, torch.memory_format)):
            return repr(value)
        if value is Ellipsis:
            return "..."
        if isinstance(value, slice):
            return f"slice({', '.join(self.text(part, hint) for part in (value.start, value.stop, value.step))})"
        if isinstance(value, torch.device):
            return f"torch.{value!r}"
        if isinstance(value, torch.nn.PairwiseDistance):
            return f"torch.nn.PairwiseDistance({value.norm!r}, {value.eps!r}, {value.keepdim!r})"
        if dataclasses.is_dataclass(value) and hasattr(torch.nn, type(value).__name__):
            words = (f"{field.name}={getattr(value, field.name)!r}" for field in dataclasses.fields(value))
            return f"torch.nn.{type(value).__name__}({', '.join(words)})"
        raise Unsupported(f"no public text for a {type(value).__name__}")

    def sequence(self, value, hint: str) -> str:
        parts = [self.text(item, f"{hint}_{index}" if hint != "x" else f"x{index}") for index, item in enumerate(value)]
        if isinstance(value, torch.Size):
            return f"torch.Size([{', '.join(parts)}])"
        if isinstance(value, list):
            return f"[{', '.join(parts)}]"
        return f"({', '.join(parts)}{',' if len(parts) == 1 else ''})"

    def name(self, tensor: torch.Tensor, hint: str) -> str:
        """The name under which the program finds this tensor; the same object keeps its name."""
        known = self._names.get(id(tensor))
        if known is None:
            while hint in self.refs:
                hint += "_"
            self.refs[hint] = reference(tensor, self._storages)
            self.values[hint] = tensor
            known = self._names[id(tensor)] = hint
        return known

    def detached(self) -> Inputs:
        """The same inputs without a gradient."""
        twin = Inputs()
        twin.refs = {name: dataclasses.replace(ref, requires_grad=False) for name, ref in self.refs.items()}
        twin.values = {name: tensor.detach() for name, tensor in self.values.items()}
        return twin


def reference(tensor: torch.Tensor, storages: dict[int, bytes] | None = None) -> ArrayRef:
    """A tensor as stored bytes; tensors on one storage share them through `storages`."""
    if tensor.layout != torch.strided:
        raise Unsupported("sparse tensors")
    if tensor.device.type != "cpu" or type(tensor) not in (torch.Tensor, torch.nn.Parameter):
        raise Unsupported(f"a {type(tensor).__name__} on {tensor.device}")
    storage = tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()._storage  # the second before PyTorch 2.0
    key = storage.data_ptr()
    data = storages.get(key) if storages is not None else None
    if data is None:
        data = ctypes.string_at(key, storage.nbytes()) if storage.nbytes() else b""
        if storages is not None:
            storages[key] = data
    return ArrayRef(
        str(tensor.dtype).removeprefix("torch."), tuple(tensor.shape), tensor.stride(), tensor.storage_offset(), data,
        tensor.requires_grad, tensor.is_conj(), tensor.is_neg(),
    )  # fmt: skip


def tensors(value, path: str) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors of a result, each with the expression that reaches it."""
    if isinstance(value, torch.Tensor):
        yield path, value
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from tensors(item, f"{path}[{index}]")
