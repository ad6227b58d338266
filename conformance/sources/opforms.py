"""How a sample of PyTorch's operator table is written as a program: public names only.

Most entries of the table are the public function itself. The rest wrap one (to fix a seed, to reorder arguments, to
choose an output); `FORMS` says them in public terms. What only a private name can say is in `PRIVATE`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

PRIVATE = {
    "_softmax_backward_data", "_native_batch_norm_legit", "_batch_norm_with_update", "_upsample_bilinear2d_aa",
    "_unsafe_masked_index", "_unsafe_masked_index_put_accumulate", "_chunk_cat", "native_dropout_backward",
    "torch._scaled_mm", "torch._scaled_mm_v2", "torch.ops.aten._safe_softmax.default",
    "torch.ops.aten._flash_attention_forward", "torch.ops.aten._efficient_attention_forward",
}  # fmt: skip

# Only the seed that the table's wrapper sets stands between the entry and the public function.
SEEDED = {
    "nn.functional.fractional_max_pool2d", "nn.functional.fractional_max_pool3d", "nn.functional.rrelu",
    "nn.functional.scaled_dot_product_attention", "nn.functional.multi_head_attention_forward", "nn.functional.dropout",
    "nn.functional.dropout2d", "nn.functional.dropout3d", "nn.functional.alpha_dropout",
    "nn.functional.feature_alpha_dropout", "randn", "randn_like", "rand_like", "randint", "randint_like", "multinomial",
    "normal", "bernoulli", "empty_strided",
}  # fmt: skip


@dataclass
class Call:
    """The texts of one sample: its first input, the further arguments and the keywords."""

    name: str
    x: str
    args: list[str]
    kwargs: dict[str, str] = field(default_factory=dict)

    def rest(self, start: int = 0, drop: tuple[str, ...] = (), **more: str) -> str:
        """The arguments after the first input as they stand in a call."""
        words = [f"{name}={value}" for name, value in (self.kwargs | more).items() if name not in drop]
        return ", ".join(self.args[start:] + words)

    def function(self, name: str | None = None, **more: str) -> str:
        return f"torch.{name or self.name}({joined(self.x, self.rest(**more))})"

    def method(self, name: str | None = None, x: str | None = None) -> str:
        return f"{x or self.x}.{name or self.name}({self.rest()})"


def joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def on_clone(call: Call, text: str) -> list[str]:
    """In-place operations work on a copy, so that the input can take a gradient."""
    return [f"y = {call.x}.clone()", f"out = {text}"]


def _slice(call: Call) -> str:
    """`x[:, a:b:c]` for the operator that takes dim, start, end and step."""
    given = dict(zip(("dim", "start", "end", "step"), call.args, strict=False)) | call.kwargs
    start, end, step = (given.get(name, "None") for name in ("start", "end", "step"))
    return f"{call.x}[(slice(None),) * {given.get('dim', '0')} + (slice({start}, {end}, {step}),)]"


def _max_pool2d_backward(call: Call) -> list[str]:
    """The derivative of a pool at a cotangent of ones, itself differentiable."""
    return [
        f"pooled = torch.nn.functional.max_pool2d({joined(call.x, call.rest(drop=('return_indices',)))})",
        f"(out,) = torch.autograd.grad(pooled, {call.x}, torch.ones_like(pooled), create_graph=True)",
    ]


def _lowrank(call: Call) -> str:
    return f"torch.{call.name}({call.x} @ {call.args[0]}.mT, {call.rest(1)})"


def _second_first(call: Call) -> str:
    """The sample leads with the argument that takes the gradient, the function with another."""
    return f"torch.{call.name}({joined(call.args[0], call.x, call.rest(1))})"


def _attribute(call: Call) -> str:
    return f"{call.x}.{call.name}"


def _filled(call: Call) -> str:
    """What an uninitialised tensor holds is nobody's business; its shape, strides and dtype are."""
    return (call.method() if call.name.startswith("new_") else call.function()) + ".fill_(1)"


def _fill(call: Call) -> str:
    """Random fills exist in place only."""
    return call.method(call.name + "_")


FORMS = {
    "T": _attribute, "H": _attribute, "mT": _attribute, "mH": _attribute,
    "cauchy": _fill, "exponential": _fill, "geometric": _fill, "log_normal": _fill, "uniform": _fill,
    "normal.in_place": _fill,
    "empty": _filled, "empty_like": _filled, "empty_permuted": _filled, "empty_strided": _filled,
    "new_empty": _filled, "new_empty_strided": _filled,
    "slice": _slice,
    "__getitem__": lambda call: f"{call.x}[{call.args[0]}]",
    "max_pool2d_with_indices_backward": _max_pool2d_backward,
    "svd_lowrank": _lowrank, "pca_lowrank": _lowrank,
    "polygamma": _second_first, "special.polygamma": _second_first, "einsum": _second_first, "where": _second_first,
    "nn.functional.embedding": _second_first, "nn.functional.embedding_bag": _second_first,
    "normal.number_mean": _second_first,
    "resize_": lambda call: on_clone(call, call.method(x="y")),
    "resize_as_": lambda call: on_clone(call, call.method(x="y")),
    "zero_": lambda call: on_clone(call, call.method(x="y")),
    "linalg.lstsq.grad_oriented": lambda call: f"{call.function()}[:2]",
    "linalg.pinv.singular": lambda call: f"torch.linalg.pinv({call.x} @ {call.args[0]}.mT)",
    "_segment_reduce": lambda call: call.function("segment_reduce"),
}  # fmt: skip

# Outputs that are unique only after this: a decomposition may flip signs or phases of its vectors.
_K = "out[1].shape[-1]"
_VH = {"linalg.svd": f"out[2][..., :{_K}, :]", "svd": f"out[2].mH[..., :{_K}, :]"}
UNIQUE = {
    "sample_inputs_svd.<locals>.fn_U": lambda name: f"out[0][..., :{_K}].abs()",
    "sample_inputs_svd.<locals>.fn_S": lambda name: "out[1]",
    "sample_inputs_svd.<locals>.fn_Vh": lambda name: f"(out[1], {_VH[name]}.abs())",
    "sample_inputs_svd.<locals>.fn_UVh": lambda name: f"(out[0][..., :{_K}] @ {_VH[name]}, out[1])",
    "sample_inputs_svd_lowrank.<locals>.fn": lambda name: "(out[0] @ out[2].mH, out[1])",
    "sample_inputs_linalg_eig.<locals>.out_fn": lambda name: "(out[0], out[1].abs())",
    "sample_inputs_linalg_eigh.<locals>.out_fn": lambda name: "(out[0], out[1].abs())" if name == "linalg.eigh" else None,
}

TAGS = {
    "uninitialised": {"resize_", "resize_as_"},
    # from one run to the next memory contents differ as random numbers do: the oracle has to run these twice as well
    "random": {"resize_", "resize_as_"} | SEEDED - {"empty_strided"} | {
        "cauchy", "exponential", "geometric", "log_normal", "uniform", "svd_lowrank", "pca_lowrank",
    },
    "nonunique:svd": {"svd", "linalg.svd", "svd_lowrank", "pca_lowrank"},
    "nonunique:eig": {"linalg.eig"},
    "nonunique:eigh": {"linalg.eigh"},
    "nonunique:qr": {"qr", "linalg.qr", "geqrf"},
    "nonunique:ties": {"sort", "msort", "argsort", "topk", "kthvalue", "mode", "median", "nanmedian", "masked.median"},
}  # fmt: skip


def tags_of(name: str) -> tuple[str, ...]:
    return tuple(tag for tag, names in TAGS.items() if name in names)


def find(name: str):
    """The object under a public path of `torch`, or None."""
    value = torch
    for part in name.split("."):
        value = getattr(value, part, None)
    return value


def full_name(op) -> str:
    """The name of an operator with that of its variant, which older tables leave to their readers."""
    return f"{op.name}.{op.variant_test_name}" if op.variant_test_name else op.name


def form_of(op):
    """The function that writes a call of this entry, or the reason why there is none."""
    if op.name in PRIVATE:
        return "private operator: no public name says it"
    if op.name.startswith("jiterator"):
        return "needs CUDA"
    if op.name in ("sparse.sampled_addmm", "sparse.mm", "to_sparse"):
        return "sparse tensors"
    form = FORMS.get(full_name(op)) or FORMS.get(op.name)
    if form is not None:
        return form
    if op.name in SEEDED or find(op.name) is op.op:
        return Call.function
    if hasattr(torch.Tensor, op.name):
        return Call.method
    return f"the entry wraps a function in a way not known here: {op.op!r}"
