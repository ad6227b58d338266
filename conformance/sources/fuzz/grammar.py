"""Small programs, drawn: a few leaves, then statements of one topic on whatever is there, and what can be seen of it at the end.

`pick(choices)` decides; where it comes from a seed the program is a frozen case, where it comes from Hypothesis it can be shrunk.
Numbers are small integers, so that every result is exact and any difference is one.  What PyTorch leaves to chance is not drawn: memory
that `resize_` adds is uninitialised, an assignment that stops at an index out of range is half done, and some texts hold a C++ backtrace.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

Pick = Callable[[Sequence], object]

SHAPES = ("(2, 3)", "(3, 2)", "(3,)", "(2, 2, 3)", "(6,)", "(4, 3)", "(3, 1)", "(1, 3)", "()", "(0, 3)", "(2, 1, 3)")
EXACT = ("float64", "float32")
DTYPES = ("float64", "float32", "float16", "bfloat16", "int64", "int32", "uint8", "bool", "complex64")
VIEWS = (
    "{a}[0]", "{a}[-1]", "{a}[:, 1]", "{a}[..., :2]", "{a}[1:]", "{a}[::2]", "{a}.t()", "{a}.transpose(0, -1)", "{a}.view(-1)", "{a}.reshape(-1)",
    "{a}.reshape(2, -1)", "{a}.unsqueeze(0)", "{a}.squeeze()", "{a}.flatten()", "{a}.expand(2, *{a}.shape)", "{a}.permute(1, 0)", "{a}.narrow(0, 0, 1)",
    "{a}.diagonal()", "{a}.unbind(0)[0]", "{a}.split(1)[0]", "{a}.detach()", "{a}.chunk(2)[0]", "{a}.select(0, 1)", "{a}.movedim(0, -1)",
    "{a}.unfold(0, 2, 1)", "{a}.mT", "{a}[None]", "{a}.contiguous()", "{a}.clone()", "{a}.view_as({b})", "{a}.swapaxes(0, -1)",
    "{a}[None].unflatten(0, (1, -1))",
    "torch.atleast_2d({a})", "{a}.as_strided((2, 2), (1, 1))", "{a}.data", "{a}.view({a}.dtype)", "{a}.expand_as({b})", "{a}.tensor_split(2)[-1]",
    "{a}.flatten(start_dim=1)", "torch.broadcast_to({a}, (2, *{a}.shape))", "{a}.ravel()", "{a}.hsplit(1)[0]", "{a}.squeeze(0)", "{a}.real",
)  # fmt: skip
RESULTS = (
    "{a} * {b}", "{a} + {b}", "{a} - {b}", "{a} * 2", "3 - {a}", "-{a}", "{a}.abs()", "{a} ** 2", "torch.cat([{a}, {b}])", "torch.stack([{a}, {a}])",
    "{a}.flip(0)", "torch.where({a} > 1, {a}, {b})", "{a}.relu()", "{a} @ {b}", "{a}.clamp(1, 3)", "{a}.repeat(2, 1)", "{a}.masked_fill({a} > 2, 0)",
    "{a}.tril()", "{a}.roll(1, 0)", "torch.maximum({a}, {b})", "{a}.sign()", "{a}.square()", "{a}.neg()", "torch.zeros_like({a})", "{a}.triu(1)",
    "torch.outer({a}.flatten(), {b}.flatten())", "{a}.lerp({b}, 2.0)", "torch.addcmul({a}, {a}, {b}, value=2)", "{a}.new_ones(2)", "{a}.kron({b})",
    "torch.einsum('...i,...i->...', {a}, {b})", "{a}.tile(2)", "{a}.diff()", "{a}.rot90()", "{a}.remainder(3)", "{a}.fmod(3)", "{a}.floor_divide(2)",
)  # fmt: skip
WRITES = (
    "{a}.mul_(2)", "{a}.add_({b})", "{a}.zero_()", "{a}[0] = 1", "{a} += 1", "{a} *= {b}", "{a}.copy_({b})", "{a}.fill_(3)", "{a}.sub_(1)",
    "{a}[..., 0] = {b}[..., 0]", "{a}.t_()", "{a}.unsqueeze_(0)", "{a}.detach_()", "{a}.neg_()", "{a}.relu_()", "{a}[{a} > 1] = 0",
    "{a}.masked_fill_({a} > 2, 1)", "{a}.requires_grad_()", "{a}.index_add_(0, torch.tensor([0]), torch.ones_like({a}[:1]))", "{a}.squeeze_()",
    "{a}.clamp_(0, 2)", "{a}.addcmul_({a}, {b})", "{a}[1:] = {a}[:-1].clone()", "{a}.index_fill_(0, torch.tensor([0]), 2)", "{a}.transpose_(0, -1)",
    "{a}.swapaxes_(0, -1)", "torch.add({a}, {b}, out={a})", "{a}.abs_()", "{a}.square_()", "{a}.tril_()", "{a}.resize_({a}.shape[:1])", "{a}.set_({b})",
    "{a}.index_copy_(0, torch.tensor([0]), {b}[:1])", "{a}.scatter_(0, torch.zeros_like({a}, dtype=torch.int64), {b})", "{a}.floor_()", "{a}.cumsum_(0)",
)  # fmt: skip
#: Without gradients: PyTorch refuses the gradient of a leaf that was used and then changed its shape, though it would fit.
QUIET = tuple("{a}.neg_()" if write.endswith(("t_()", "squeeze_()", "squeeze_(0)", "_(0, -1)")) else write for write in WRITES)
INDICES = (
    "0", "-1", "5", "..., 0", "None, 1", ":, None", "::2", "1:, 0", "torch.tensor([0, 1])", "torch.tensor([[0, 1], [1, 0]])", "[0, 1]", "[0, 1], [1, 0]",
    ":, torch.tensor([0, 0])", "torch.tensor([0, 1]), None, torch.tensor([1, 0])", "{a} > 1", "{a}[..., 0] > 0", "True", "False", "..., [0]", "torch.tensor(1)",
    "(slice(None), 1)", "slice(1, None)", "torch.tensor([True, False])", "-1, ..., None", "torch.tensor([], dtype=torch.int64)", "torch.tensor([-1, 0])",
    "1.5", "'a'", "0, 0, 0, 0", "torch.tensor([9])", "::-1", "torch.tensor([1], dtype=torch.uint8)", "[], 0", "torch.tensor([0, 1])[:, None], [0, 1]",
)  # fmt: skip
REDUCTIONS = (
    "sum", "mean", "prod", "amax", "amin", "max", "min", "argmax", "argmin", "any", "all", "cumsum", "cumprod", "logsumexp", "var", "std", "norm",
    "median", "mode", "sort", "argsort", "nansum", "count_nonzero", "softmax", "cummax", "nanmean", "unique_consecutive", "aminmax",
)  # fmt: skip
DIMS = ("", "0", "-1", "1", "dim=0, keepdim=True", "(0, -1)", "dim=-1, keepdim=True", "dim=()", "3", "dim=0, dtype=torch.float64")
BINARY = ("+", "-", "*", "/", "//", "%", "**", "==", "<", ">=", "&", "|", "^", "<<", "@")
NUMBERS = ("2", "2.0", "True", "-1", "1j", "0", "torch.tensor(2)", "torch.tensor(2.0)", "torch.tensor([2])", "300", "0.5", "None", "'2'")
MODULES = (
    "nn.Linear(3, 2)", "nn.ReLU()", "nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))", "nn.Dropout(0.5)", "nn.BatchNorm1d(3)", "nn.LayerNorm(3)",
    "nn.Flatten()", "nn.Identity()", "nn.Hardtanh()", "nn.Linear(3, 2, bias=False)", "nn.Unflatten(-1, (3, 1))", "nn.LeakyReLU(0.5)", "nn.MaxPool1d(2)",
    "nn.AvgPool1d(2)", "nn.Conv1d(2, 2, 1)", "nn.ZeroPad1d(1)", "nn.Embedding(5, 2)", "nn.PReLU()", "nn.Threshold(1.0, 0.0)", "nn.ConstantPad1d(1, 2.0)",
    "nn.ModuleList([nn.Linear(3, 3), nn.ReLU()])", "nn.ModuleDict({{'a': nn.Linear(3, 3)}})", "nn.Bilinear(3, 3, 2)", "nn.RNN(3, 2)", "nn.PixelShuffle(1)",
)  # fmt: skip
ON_MODULES = (
    "{m}.eval()", "{m}.train()", "{m}.zero_grad()", "s = list({m}.state_dict())", "{m}.double()", "{m}.requires_grad_(False)", "r = repr({m})",
    "p = [n for n, _ in {m}.named_parameters()]", "q = len(list({m}.modules()))", "{m}.weight = None", "h = {m}.register_forward_hook(lambda m, x, y: y * 2)",
    "{m}.to(torch.float64)", "{m}.apply(lambda m: nn.init.ones_(m.weight) if isinstance(m, nn.Linear) else None)", "{m}.load_state_dict({m}.state_dict())",
    "{m}.load_state_dict({{}})", "{m}.extra = nn.Parameter(torch.ones(2))", "{m}.register_buffer('b', torch.zeros(1))", "z = {m}.missing",
    "c = nn.utils.parameters_to_vector({m}.parameters())", "{m}.add_module('child', nn.ReLU())", "d = [tuple(x.shape) for x in {m}.buffers()]",
)  # fmt: skip
TOGETHER = (
    "a {op} b", "b {op} a", "torch.where(a > b, a, b)", "torch.broadcast_tensors(a, b)", "a.expand_as(b) {op} b", "torch.add(a, b, alpha=2)",
    "a.addcmul(a, b)", "torch.lerp(a, b, 0.5)", "a.clone().add_(b)", "torch.cdist(a, b, 1.0)",
)  # fmt: skip
MIXED = (
    "a {op} {other}", "{other} {op} a", "a.clone().add_({other})", "torch.result_type(a, {other})", "torch.cat([a, b])", "torch.where(a > 0, a, {other})",
    "a.to(b.dtype)", "a.sum()", "torch.stack([a, b])", "a.mean()", "torch.div(a, {other}, rounding_mode='floor')", "a.clone().mul_({other})",
    "torch.pow(a, {other})", "torch.full_like(a, {other})", "a.cumsum(0)", "torch.tensor([{other}, 1])", "a.type_as(b)", "torch.maximum(a, b)", "a.prod()",
)  # fmt: skip
INDEXED = (
    "y = a[{i}]", "y = a[{i}]", "a.clone()[{i}] = 7", "with torch.no_grad(): y = a.clone(); y[{i}] = 7",
    "b = a * 2; b[{i}] = 1; y = b", "b = a * 2; b[{i}] += 1; y = b",
    "y = a.clone(); y[{i}] = y[{i}]", "y = a.T[{i}]",
)  # fmt: skip
CALLS = (
    "y = m(a)", "y = m(a)", "y = m(a, a)", "y = m[0](a)", "y = m(a.long())",
    "y = torch.func.functional_call(m, dict(m.named_parameters()), (a,))",
)  # fmt: skip
LOSSES = (
    "y.sum().backward()", "y.square().sum().backward()", "(y * y).mean().backward()", "y.backward(torch.ones_like(y))",
    "g = torch.autograd.grad(y.sum(), a)",
)  # fmt: skip


def leaf(pick: Pick, name: str, dtypes: Sequence[str] = EXACT, grad: bool = True) -> str:
    """A tensor of small integers, counted up."""
    shape, dtype = pick(SHAPES), pick(dtypes)
    needs = ".requires_grad_()" if grad and dtype in ("float64", "float32") and pick((True, False)) else ""
    return f"{name} = torch.arange(torch.Size({shape}).numel()).remainder(5).reshape({shape}).to(torch.{dtype}){needs}"


def statements(pick: Pick, kinds: dict[str, Sequence[str]], order: Sequence[str], names: list[str], most: int) -> list[str]:
    """Up to `most` statements of the kinds in `order`; results get names that later ones may use."""
    lines = []
    for index in range(pick(range(1, most + 1))):
        kind = pick(order)
        line = pick(kinds[kind]).format(a=pick(names), b=pick(names))
        if kind == "write":
            lines.append(line)
        elif kind == "quiet":
            lines.append(f"with torch.no_grad(): {line}")
        else:
            lines.append(f"v{index} = {line}")
            names.append(f"v{index}")
    return lines


def seen(names: Sequence[str]) -> str:
    """What else a program can see of its tensors."""
    return f"state = [(t._version, t.is_leaf, t.storage_offset(), t.is_contiguous()) for t in ({', '.join(names)},) if isinstance(t, torch.Tensor)]"


def of_tensors(kinds: Sequence[str], most: int, backward: bool = False) -> Callable[[Pick], list[str]]:
    """Programs of statements of these kinds on one or two leaves, perhaps with a backward pass."""
    texts = {"view": VIEWS, "result": RESULTS, "write": WRITES, "quiet": QUIET}

    def program(pick: Pick) -> list[str]:
        names = ["a", "b"][: pick((1, 2, 2))]
        lines = [leaf(pick, name) for name in names]
        lines += statements(pick, texts, kinds, names, most)
        if backward or pick((True, False)):
            lines.append(f"{pick(names)}.sum().backward()")
        return [*lines, seen(names)]

    return program


def broadcasting(pick: Pick) -> list[str]:
    lines = [leaf(pick, "a"), leaf(pick, "b")]
    lines.append("y = " + pick(TOGETHER).format(op=pick(BINARY[:6])))
    return [*lines, "y.sum().backward()"] if pick((True, False)) else lines


def promotion(pick: Pick) -> list[str]:
    lines = [leaf(pick, "a", DTYPES, grad=False), leaf(pick, "b", DTYPES, grad=False)]
    other = pick(("b", "b[..., :1]", *NUMBERS))
    return [*lines, "y = " + pick(MIXED).format(op=pick(BINARY), other=other)]


def indexing(pick: Pick) -> list[str]:
    lines = [leaf(pick, "a")]
    index = pick(INDICES).format(a="a")
    lines.append(pick(INDEXED).format(i=index))
    return [*lines, "y.sum().backward()", seen(["a", "y"])] if pick((True, False)) else [*lines, seen(["a"])]


def reductions(pick: Pick) -> list[str]:
    lines = [leaf(pick, "a", (*EXACT, *DTYPES)), f"y = a{pick(('', '', '.T', '[..., :2]', '[::2]'))}.{pick(REDUCTIONS)}({pick(DIMS)})"]
    return [*lines, "y.sum().backward()"] if pick((True, False)) else lines


def modules(pick: Pick) -> list[str]:
    module = pick(MODULES).format()
    lines = ["torch.manual_seed(0)", f"m = {module}", f"a = torch.arange(12.0).remainder(4).reshape({pick(('4, 3', '2, 2, 3', '12, 1', '1, 4, 3'))})"]
    lines += [pick(ON_MODULES).format(m="m") for _ in range(pick(range(0, 3)))]
    lines.append(pick(CALLS))
    if pick((True, False)):
        lines += [pick(LOSSES), "grads = [p.grad for p in m.parameters()]"]
    return lines


TOPICS: dict[str, Callable[[Pick], list[str]]] = {
    "views": of_tensors(("view", "view", "result"), 4),
    "writes": of_tensors(("view", "write", "write", "quiet"), 5),
    "autograd": of_tensors(("view", "result", "result", "write", "quiet"), 5, backward=True),
    "broadcasting": broadcasting,
    "promotion": promotion,
    "indexing": indexing,
    "reductions": reductions,
    "modules": modules,
}
