"""The `optim` source: PyTorch's own table of optimizers and their options, as training programs of five steps.

A case `optim/NAME/DTYPE/N` minimises a small loss with the N-th options of the table and compares the losses, the
parameters, the printed optimizer and its state, which is also loaded into a second optimizer that makes a step. Kinds of
their own: `/foreach` and `/fused` (the implementations that the optimizer has), `/groups` (an option for one parameter
only), `/differentiable` (gradients through two steps). `optim/NAME/error/N` are the refusals that the table lists.

What the oracle does not run is no case but stands in `excluded` with its cause.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn, optim
from torch.testing._internal.common_optimizers import optim_db

from ..case import Case
from .written import Inputs, Unsupported

in_oracle = True

DTYPES = ("float32", "float64", "complex64")
STEPS = 5
SHAPES = {"weight": (4, 3), "bias": (4, 1), "x": (3, 6), "y": (4, 6)}  # matrices all: Muon takes nothing else
PARAMS = ("weight", "bias")
PARTS = "[weight, bias]"
GROUPS = '[{"params": [weight]}, {"params": [bias], "lr": 0.003}]'


def cases(wanted: Callable[[str], bool] = lambda group: True, excluded: list | None = None) -> Iterator[Case]:
    """Every case of the wanted groups (`optim/SGD/float32`, `optim/SGD/error`); what cannot be one goes to `excluded` as (id, cause)."""
    excluded = [] if excluded is None else excluded
    for info in optim_db:
        for part in (*DTYPES, "error"):
            group = f"optim/{info.optim_cls.__name__}/{part}"
            if wanted(group):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    batch = list((refusals if part == "error" else trainings)(info, part, group, excluded))
                yield from batch


def trainings(info, dtype: str, group: str, excluded: list) -> Iterator[Case]:
    """The programs of one optimizer at one dtype."""
    if info.only_supports_sparse_grads:
        excluded.append((f"{group}/*", "beyond", "needs sparse gradients"))
        return
    if dtype.startswith("complex") and not info.supports_complex:
        excluded.append((f"{group}/*", "beyond", "the table knows no complex parameters for it"))
        return
    for index, sample in enumerate(info.optim_inputs_func("cpu", dtype=getattr(torch, dtype))):
        id = f"{group}/{index}"
        make = Maker(info, dtype, group, excluded, sample)
        yield from make.case(id, make.training(PARTS), "five steps")
        if "foreach" in info.supported_impls:
            yield from make.case(f"{id}/foreach", make.training(PARTS, foreach=True), "foreach")
        if "fused" in info.supported_impls and "cpu" in info.supports_fused_on:
            yield from make.case(f"{id}/fused", make.training(PARTS, fused=True), "fused")
        if "differentiable" in info.supported_impls:
            yield from make.case(f"{id}/differentiable", make.differentiable(), "differentiable")
        if info.supports_param_groups:
            yield from make.case(f"{id}/groups", make.training(GROUPS), "groups")


class Maker:
    """Writes the programs for one set of options and runs each once on the oracle."""

    def __init__(self, info, dtype: str, group: str, excluded: list, sample):
        self.info, self.dtype, self.group, self.excluded, self.sample = info, dtype, group, excluded, sample
        self.name = info.optim_cls.__name__

    def call(self, inputs: Inputs, params: str, **flags) -> str:
        """The constructor call; tensors among the options become inputs."""
        options = self.sample.kwargs | flags
        words = [f"{key}={inputs.text(value, key)}" for key, value in options.items()]
        return f"optim.{self.name}({', '.join([params, *words])})"

    def training(self, params: str, **flags) -> tuple[list[str], Inputs]:
        inputs = tensors(self.dtype, SHAPES, leaves=PARAMS)
        call = self.call(inputs, params, **flags)
        square = "error.abs().square()" if self.dtype.startswith("complex") else "error.square()"
        return [
            f"optimizer = {call}",
            "def closure():\n"
            "    optimizer.zero_grad()\n"
            "    error = weight @ x + bias - y\n"
            f"    loss = {square}.mean()\n"
            "    loss.backward()\n"
            "    return loss",
            f"losses = torch.stack([optimizer.step(closure).detach() for _ in range({STEPS})])",
            "print(optimizer)",
            "state = optimizer.state_dict()",
            f"twin = {call}",
            "twin.load_state_dict(state)",
            "last = twin.step(closure).detach()",
            "kept = twin.state_dict()",
        ], inputs  # fmt: skip

    def differentiable(self) -> tuple[list[str], Inputs]:
        shapes = {name: SHAPES[name] for name in PARAMS} | {f"{name}_grad": SHAPES[name] for name in PARAMS}
        inputs = tensors(self.dtype, shapes, leaves=tuple(shapes))
        call = self.call(inputs, "[w, b]", differentiable=True)
        return [
            "w, b = weight.clone(), bias.clone()",
            f"optimizer = {call}",
            "for _ in range(2):\n    w.grad, b.grad = weight_grad.clone(), bias_grad.clone()\n    optimizer.step()",
            "loss = w.abs().square().sum() + b.abs().square().sum()",
            f"grads = torch.autograd.grad(loss, [{', '.join(inputs.leaves)}], allow_unused=True)",
        ], inputs  # fmt: skip

    def case(self, id: str, written: tuple[list[str], Inputs], kind: str) -> Iterator[Case]:
        lines, inputs = written
        cause = failure(lines, inputs)
        refused = cause is not None and kind == "fused"  # the implementation takes no such parameters: the refusal is compared
        if cause and not refused:
            self.excluded.append((id, "oracle-error", cause))
            return
        yield Case(
            id=id, program=tuple(lines), inputs=inputs.refs, apis=(f"torch.optim.{self.name}",), group=self.group,
            tags=(kind, *(("error",) if refused else ())),
            origin=f"{self.name}, {self.sample.desc or 'options'} of the table of optimizers",
        )  # fmt: skip


def refusals(info, part: str, group: str, excluded: list) -> Iterator[Case]:
    """Constructor calls that are refused, or warned of."""
    name = info.optim_cls.__name__
    listed = info.optim_error_inputs_func("cpu", torch.float32) if info.optim_error_inputs_func else ()
    for index, wrong in enumerate(listed):
        sample = wrong.optimizer_error_input
        inputs = tensors("float32", {key: SHAPES[key] for key in PARAMS}, leaves=PARAMS)
        try:
            params = PARTS if sample.params is None else inputs.text(sample.params, "params")
            words = [f"{key}={inputs.text(value, key)}" for key, value in sample.kwargs.items()]
        except Unsupported as error:
            excluded.append((f"{group}/{index}", error.kind, str(error)))
            continue
        line = f"optimizer = optim.{name}({', '.join([params, *words])})"
        yield Case(
            id=f"{group}/{index}", program=(line,), inputs=inputs.refs, apis=(f"torch.optim.{name}",), group=group,
            tags=("error",) if failure([line], inputs) else (), origin=f"{name}, {sample.desc} of the table of optimizers",
        )  # fmt: skip


def tensors(dtype: str, shapes: dict[str, tuple[int, ...]], leaves: tuple[str, ...]) -> Inputs:
    """Named inputs with fixed values of size one or so."""
    values = np.random.default_rng(1313)
    inputs = Inputs()
    for name, shape in shapes.items():
        array = values.uniform(-1, 1, shape) + (1j * values.uniform(-1, 1, shape) if dtype.startswith("complex") else 0)
        inputs.name(torch.from_numpy(array).to(getattr(torch, dtype)).requires_grad_(name in leaves), name)
    return inputs


def failure(lines: list[str], inputs: Inputs) -> str | None:
    """How a program fails on the oracle, or None."""
    values = {name: tensor.detach().clone().requires_grad_(tensor.requires_grad) for name, tensor in inputs.values.items()}
    try:
        exec(compile("\n".join(lines), "<case>", "exec"), {"torch": torch, "nn": nn, "optim": optim} | values)
    except Exception as error:  # noqa: BLE001  whatever it is, it is the oracle's answer
        return f"{type(error).__name__}: {error}"
    return None
