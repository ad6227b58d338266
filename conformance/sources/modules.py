"""The `module` source: PyTorch's own table of modules, each built, shown, called and differentiated.

`module/NAME/DTYPE/N` builds the module with the N-th arguments of the table after a fixed seed, calls it in training mode
and pulls a stored cotangent back to its inputs and parameters; the state that it then has is compared too. `/eval` repeats
that in evaluation mode for modules that differ there. `module/NAME/error/N` are the refusals that the table lists.

What the oracle does not run, or has no public text, is no case but stands in `excluded` with its cause.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import torch
from torch import nn
from torch.nn import functional
from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

from ..case import Case
from .opinfo import SUPPLIED, cotangent
from .written import Inputs, Unsupported, tensors

in_oracle = True

DTYPES = ("float32", "float64")
SEED = 7


def cases(wanted: Callable[[str], bool] = lambda group: True, excluded: list | None = None) -> Iterator[Case]:
    """Every case of the wanted groups (`module/Linear/float32`, `module/Linear/error`); what cannot be one goes to `excluded`."""
    excluded = [] if excluded is None else excluded
    for info in module_db:
        dtypes = [dtype for dtype in DTYPES if getattr(torch, dtype) in info.supported_dtypes("cpu")]
        for part in (*dtypes, "error"):
            group = f"module/{info.module_cls.__name__}/{part}"
            if wanted(group):
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    batch = list((refusals if part == "error" else uses)(info, part, group, excluded))
                yield from batch


class Texts(Inputs):
    """Arguments as text, with the modules and functions of `torch.nn` that they name."""

    def text(self, value, hint: str) -> str:
        name = getattr(value, "__name__", None)
        if callable(value) and name and getattr(functional, name, None) is value:
            return f"F.{name}"
        if callable(value) and name and getattr(torch, name, None) is value:
            return f"torch.{name}"
        if type(value) is nn.TransformerEncoderLayer:
            return self.encoder_layer(value, hint)
        return super().text(value, hint)

    def encoder_layer(self, layer: nn.TransformerEncoderLayer, hint: str) -> str:
        """The call that builds such a layer anew: the only module among the table's arguments."""
        attention = layer.self_attn
        options = {
            "dim_feedforward": layer.linear1.out_features, "dropout": layer.dropout.p, "activation": layer.activation,
            "layer_norm_eps": layer.norm1.eps, "batch_first": attention.batch_first, "norm_first": layer.norm_first,
            "bias": layer.linear1.bias is not None,
        }  # fmt: skip
        words = [f"{key}={self.text(value, hint)}" for key, value in options.items()]
        return f"nn.TransformerEncoderLayer({', '.join([str(attention.embed_dim), str(attention.num_heads), *words])})"

    def arguments(self, given, hint: str) -> str:
        """The arguments of a call."""
        if given is None:
            return ""
        places = [self.text(value, f"{hint}{index or ''}") for index, value in enumerate(given.args)]
        words = [f"{key}={self.text(value, key if hint == 'x' else f'{hint}_{key}')}" for key, value in given.kwargs.items()]
        return ", ".join([*places, *words])


def uses(info, dtype: str, group: str, excluded: list) -> Iterator[Case]:
    """The programs of one module at one dtype."""
    for mode in ("train", "eval") if info.train_and_eval_differ else ("train",):
        torch.manual_seed(SEED)  # the table draws its inputs
        samples = info.module_inputs_func(info, "cpu", getattr(torch, dtype), True, mode == "train")
        for index, sample in enumerate(samples):
            id = f"{group}/{index}" + ("/eval" if mode == "eval" else "")
            try:
                lines, inputs = program(info, dtype, mode, sample)
            except Exception as error:  # noqa: BLE001  whatever it is, it is the oracle's answer
                excluded.append((id, getattr(error, "kind", "oracle-error"), f"{type(error).__name__}: {error}"))
                continue
            yield Case(
                id=id, program=tuple(lines), inputs=inputs.refs, apis=(f"torch.nn.{info.module_cls.__name__}",), group=group, seed=SEED,
                tags=(mode,), origin=f"{info.module_cls.__name__}, {sample.desc or f'input {index}'} of the table of modules",
            )  # fmt: skip


def program(info, dtype: str, mode: str, sample) -> tuple[list[str], Inputs]:
    """The statements of one sample, executed once on the oracle: its output decides the cotangents."""
    inputs = Texts()
    made = f"nn.{info.module_cls.__name__}({inputs.arguments(sample.constructor_input, 'c')})"
    lines = [
        f"module = {made}.to(torch.{dtype})" + (".eval()" if mode == "eval" else ""),  # the dtype is named: so the referee can widen it
        "print(module)",
        f"out = module({inputs.arguments(sample.forward_input, 'x')})",
        "state = module.state_dict()",
    ]
    names = SUPPLIED | {"nn": nn, "F": functional} | inputs.values
    torch.manual_seed(SEED)
    exec(compile("\n".join(["print = lambda *args: None", *lines]), "<case>", "exec"), names)
    outputs = [(text, tensor) for text, tensor in tensors(names["out"], "out") if tensor.requires_grad]
    if outputs:
        pulled = []
        for index, (_, tensor) in enumerate(outputs):
            inputs.refs[f"g{index}"], value = cotangent(tensor.dtype, tensor.shape, index, False)
            names[f"g{index}"] = value
            pulled.append(f"g{index}")
        texts = ", ".join(text for text, _ in outputs)
        sources = ", ".join([*inputs.leaves, "*module.parameters()"])
        lines.append(f"grads = torch.autograd.grad([{texts}], [{sources}], [{', '.join(pulled)}], allow_unused=True)")
        exec(lines[-1], names)
    return lines, inputs


def refusals(info, part: str, group: str, excluded: list) -> Iterator[Case]:
    """Constructions and calls that are refused."""
    if info.module_error_inputs_func is None:
        return
    torch.manual_seed(SEED)
    listed = info.module_error_inputs_func(info, "cpu", torch.float32, False, True)
    for index, wrong in enumerate(listed):
        sample, inputs = wrong.module_error_input, Texts()
        try:
            lines = [f"module = nn.{info.module_cls.__name__}({inputs.arguments(sample.constructor_input, 'c')})"]
            if wrong.error_on == ModuleErrorEnum.FORWARD_ERROR:
                lines.append(f"out = module({inputs.arguments(sample.forward_input, 'x')})")
        except Unsupported as error:
            excluded.append((f"{group}/{index}", error.kind, str(error)))
            continue
        yield Case(
            id=f"{group}/{index}", program=tuple(lines), inputs=inputs.refs, apis=(f"torch.nn.{info.module_cls.__name__}",), group=group,
            seed=SEED, tags=("error",), origin=f"{info.module_cls.__name__}, error input {index} of the table of modules",
        )  # fmt: skip
