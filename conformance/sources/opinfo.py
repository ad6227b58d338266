"""The `op` source: PyTorch's own table of operators and samples, written as programs with stored inputs.

`torch.testing._internal` is read in a process of the oracle's; the cases carry the inputs as bytes, so a subject
needs no PyTorch. A sample becomes `op/NAME/DTYPE/N`: the call and, where an input requires it, the gradient for a
stored cotangent. Kinds of their own: `/method`, `/inplace` and `/out` for float32, `/gradgrad` for float64.

Every program is executed once here: its output decides the cotangents. What does not run on the oracle, or gives
something other than dense tensors, is no case but stands in `excluded` with its cause.
"""

from __future__ import annotations

import functools
import math
import re
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch.testing._internal.common_device_type import precisionOverride, toleranceOverride
from torch.testing._internal.common_methods_invocations import op_db
from torch.testing._internal.opinfo.core import DecorateInfo

from ..case import ArrayRef, Case
from . import opforms
from .opforms import Call
from .written import Inputs, Unsupported, reference, tensors

in_oracle = True

DTYPES = ("float32", "float64", "int64", "bool", "complex64", "bfloat16")
# `out=` and second gradients repeat the forward case: the first samples show what they add.
OUT_SAMPLES = 4
GRADGRAD_SAMPLES = 2
LARGE = 1 << 20  # bytes of inputs; a few samples of `grid_sampler_3d` are two thirds of all that is stored

SUPPLIED = {"torch": torch, "np": np, "math": math}


def cases(wanted: Callable[[str], bool] = lambda group: True, excluded: list | None = None) -> Iterator[Case]:
    """Every case of the wanted groups (`op/add/float32`); what cannot be one goes to `excluded` as (id, kind, cause)."""
    excluded = [] if excluded is None else excluded
    for op in op_db:
        for dtype in DTYPES:
            group = f"op/{opforms.full_name(op)}/{dtype}"
            if getattr(torch, dtype) in op.dtypes and wanted(group):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    batch = list(Entry(op, dtype, group, excluded).cases())
                yield from batch


class Entry:
    """One operator at one dtype: makes the cases of its samples."""

    def __init__(self, op, dtype: str, group: str, excluded: list):
        self.op, self.dtype, self.group, self.excluded = op, dtype, group, excluded
        self.tags = opforms.tags_of(op.name)
        self.tolerance = tolerance(op, getattr(torch, dtype))
        self.outs = self.gradgrads = 0

    def cases(self) -> Iterator[Case]:
        form = opforms.form_of(self.op)
        if isinstance(form, str):
            self.excluded.append((f"{self.group}/*", "beyond", form))
            return
        dtype = getattr(torch, self.dtype)
        grad = self.op.supports_autograd and dtype in self.op.backward_dtypes and (dtype.is_floating_point or dtype.is_complex)
        calls = []  # all inputs are stored before any program runs: samples may share a tensor that a program changes
        for index, sample in enumerate(self.op.sample_inputs("cpu", dtype, requires_grad=grad)):
            id = f"{self.group}/{index}"
            try:
                inputs = Inputs()
                call = inputs.call(self.op.name, sample)
                if self.dtype != "float32" and inputs.size > LARGE:
                    raise Unsupported(f"inputs of {inputs.size >> 20} MB: stored for float32 only", "large")
                calls.append((id, sample, inputs, call))
            except Unsupported as error:
                self.excluded.append((id, error.kind, str(error)))
        for id, sample, inputs, call in calls:
            yield from self.sample(id, sample, inputs, call, form)

    def sample(self, id: str, sample, inputs: Inputs, call: Call, form) -> Iterator[Case]:
        lines, target = statements(form(call)), "out"
        unique = opforms.UNIQUE.get(sample.output_process_fn_grad.__qualname__, lambda name: None)(self.op.name)
        if unique is not None:
            lines, target = [*lines, f"unique = {unique}"], "unique"
        program = Program(lines, inputs, target)
        yield from self.case(id, program)
        if program.error:
            return
        if self.dtype == "float32":
            if id.endswith("/0"):
                yield from self.aliases(id, inputs, call)
            if isinstance(sample.input, torch.Tensor):
                yield from self.variants(id, inputs, call, lines)
            if self.op.supports_out and self.outs < OUT_SAMPLES:
                yield from self.out_variant(id, inputs.detached(), call, form, program.result)
        if self.dtype == "float64" and self.op.supports_gradgrad and self.gradgrads < GRADGRAD_SAMPLES and program.cotangents:
            second = Program(lines, inputs, target, twice=True)
            if second.twice:
                self.gradgrads += 1
                yield from self.case(id, second, "gradgrad")

    def aliases(self, id: str, inputs: Inputs, call: Call) -> Iterator[Case]:
        """The other names under which PyTorch has the same function."""
        for name in (alias.name.removeprefix("torch.") for alias in self.op.aliases):
            if callable(opforms.find(name)):
                yield from self.case(id, Program([f"out = {call.function(name)}"], inputs), f"alias.{name}")

    def variants(self, id: str, inputs: Inputs, call: Call, lines: list[str]) -> Iterator[Case]:
        """The method and in-place forms of a sample, where the table knows any and it is not the plain form already."""
        method = f"out = {call.method()}"
        in_place = any(line.startswith("y = ") or f".{call.name}_(" in line for line in lines)
        plain = any(line.startswith(method) for line in lines)
        if self.op.method_variant is not None and not plain and not in_place:
            unique = [line for line in lines if line.startswith("unique = ")]
            yield from self.case(id, Program([method, *unique], inputs, "unique" if unique else "out"), "method")
        if self.op.inplace_variant is not None and not in_place:
            if call.name.startswith("nn."):
                text = Call(call.name, "y", call.args, call.kwargs | {"inplace": "True"}).function()
            else:
                text = call.method(call.name + "_", x="y")
            yield from self.case(id, Program(opforms.on_clone(call, text), inputs), "inplace")

    def out_variant(self, id: str, inputs: Inputs, call: Call, form, result) -> Iterator[Case]:
        """The call with `out=` a buffer of the right shape and, once an operator, an empty one that has to grow."""
        outputs = list(tensors(result, "out"))
        names = [f"buf{index}" for index in range(len(outputs))]
        text = names[0] if isinstance(result, torch.Tensor) else f"({', '.join(names)})"
        line = form(Call(call.name, call.x, call.args, call.kwargs | {"out": text}))
        if not outputs or f"out={text}" not in line:
            return
        check = f"out is {text}" if isinstance(result, torch.Tensor) else f"out and [a is b for a, b in zip(out, {text})]"
        for kind in ("out", "out_empty")[: 2 if self.outs == 0 else 1]:
            shapes = [tuple(tensor.shape) if kind == "out" else (0,) for _, tensor in outputs]
            dtypes = [tensor.dtype for _, tensor in outputs]
            made = zip(names, shapes, dtypes, strict=True)
            buffers = [f"{name} = torch.zeros({shape}, dtype={dtype})" for name, shape, dtype in made]
            yield from self.case(id, Program([*buffers, f"out = {line}", check], inputs), kind)
        self.outs += 1

    def case(self, id: str, program: Program, kind: str = "") -> Iterator[Case]:
        """The case of a program, unless the oracle cannot run it."""
        id = f"{id}/{kind}" if kind else id
        refused = program.error is not None and kind == "inplace"  # the result does not fit: the refusal is compared
        if program.error and not refused:
            self.excluded.append((id, "oracle-error", program.error))
            return
        yield Case(
            id=id, program=tuple(program.lines), inputs=program.refs, apis=program.apis(),
            origin=f"{opforms.full_name(self.op)}, sample {id.split('/')[3]} of the operator table for {self.dtype}",
            tags=(kind or ("gradient" if program.cotangents else "forward"), *(("error",) if refused else ()), *self.tags),
            group=self.group, tolerance=self.tolerance,
        )  # fmt: skip


class Program:
    """Statements that have run once on the oracle, and the gradient statement that their result allows."""

    def __init__(self, lines: list[str], inputs: Inputs, target: str = "out", twice: bool = False):
        self.lines, self.refs, self.error = list(lines), dict(inputs.refs), None
        self.names = SUPPLIED | inputs.values
        self.cotangents: list[str] = []
        self.twice = False
        try:
            exec(compile("\n".join(lines), "<case>", "exec"), self.names)
            self.result = self.names["out"]
            if any(tensor.layout != torch.strided for _, tensor in tensors(self.result, "out")):
                raise Unsupported("sparse result")
            if inputs.leaves:
                self.cotangents = self.gradient("grads", target, inputs.leaves, "g", twice)
            if twice and self.cotangents:
                self.twice = bool(self.gradient("second", "grads", inputs.leaves + self.cotangents, "h", False))
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"[:300]
        finally:
            self.names = {}

    def gradient(self, result: str, target: str, sources: list[str], prefix: str, graph: bool) -> list[str]:
        """Add the statement that pulls stored cotangents back from `target`; returns the names of the cotangents."""
        outputs = [(text, tensor) for text, tensor in tensors(self.names[target], target) if tensor.requires_grad]
        names = [f"{prefix}{index}" for index in range(len(outputs))]
        if not outputs:
            return names
        for index, (name, (_, tensor)) in enumerate(zip(names, outputs, strict=True)):
            self.refs[name], value = cotangent(tensor.dtype, tensor.shape, index, graph)
            self.names[name] = value
        texts = (several([text for text, _ in outputs]), several(sources), several(names))
        line = f"{result} = torch.autograd.grad({', '.join(texts)}, {'create_graph=True, ' if graph else ''}allow_unused=True)"
        exec(line, self.names)
        if any(tensor.layout != torch.strided for _, tensor in tensors(self.names[result], result)):
            raise Unsupported("sparse gradient")
        self.lines.append(line)
        return names

    def apis(self) -> tuple[str, ...]:
        """The public names that the statements call, in their order."""
        found = {}
        for line in self.lines:
            right = line.split(" = ", 1)[-1]
            name = re.match(r"torch(\.\w+)+(?=\()", right)
            method = re.match(r"\w+\.(\w+)", right)
            if name or method:
                found[name[0] if name else f"torch.Tensor.{method[1]}"] = None
        return tuple(found)


def statements(text: str | list[str]) -> list[str]:
    return [f"out = {text}"] if isinstance(text, str) else text


def several(texts: list[str]) -> str:
    return texts[0] if len(texts) == 1 else f"({', '.join(texts)})"


_WAVE = np.random.default_rng(2013).uniform(0.5, 1.5, 5003) * np.where(np.arange(5003) % 3, 1, -1)


@functools.lru_cache(4096)
def cotangent(dtype: torch.dtype, shape: tuple[int, ...], index: int, grad: bool) -> tuple[ArrayRef, torch.Tensor]:
    """A fixed array of numbers between 0.5 and 1.5 with changing signs; those of one case differ by `index`."""
    count = math.prod(shape)
    values = np.resize(np.roll(_WAVE, index), count)
    if dtype.is_complex:
        values = values + 1j * np.resize(np.roll(_WAVE, index + 7), count)
    tensor = torch.from_numpy(values).to(dtype).reshape(shape).requires_grad_(grad)
    return reference(tensor), tensor


def tolerance(op, dtype: torch.dtype) -> dict[str, float] | None:
    """What the table allows this operator on the CPU beyond the dtype's default, for whatever test."""
    found = {}
    for outer in op.decorators:
        if isinstance(outer, DecorateInfo):
            general = outer.test_name is None and outer.cls_name in (None, "TestCommon") and outer.device_type in (None, "cpu")
            inner = outer.decorators if general and (outer.dtypes is None or dtype in outer.dtypes) else ()
        else:
            inner = (outer,)
        for override in inner:
            if isinstance(override, toleranceOverride) and dtype in override.d:
                found |= {"atol": override.d[dtype].atol, "rtol": override.d[dtype].rtol}
            elif isinstance(override, precisionOverride) and dtype in override.d:
                found["atol"] = override.d[dtype]
    return found or None
