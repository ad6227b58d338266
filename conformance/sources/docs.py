"""Every documented example of the installed PyTorch as a case, harvested from its docstrings at run time.

A block is all prompt lines of one docstring, in order, or one code block without prompts that parses as Python.
PyTorch writes continuation lines with `>>>` too, so prompts are stripped and the rest is left to `ast`; the marks that
tell doctest to skip an example are comments, and stay without effect. Names that an example leaves undefined are
supplied in its setup: from its own namespace, from earlier blocks of its docstring, by a usual import, or by a fixture.
"""

from __future__ import annotations

import ast
import builtins
import dis
import importlib
import inspect
import re
import textwrap
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType

from conformance.case import Case

NAMESPACES = """
torch.Tensor torch torch.nn torch.nn.functional torch.nn.init torch.nn.modules torch.nn.parameter torch.nn.utils torch.nn.utils.rnn
torch.nn.utils.prune torch.nn.utils.parametrize torch.nn.utils.parametrizations torch.nn.utils.stateless torch.nn.utils.fusion
torch.nn.attention torch.nn.attention.bias torch.nn.parallel torch.linalg torch.fft torch.special torch.signal torch.signal.windows
torch.optim torch.optim.lr_scheduler torch.optim.swa_utils torch.optim.optimizer torch.utils torch.utils.data
torch.utils.data.datapipes.iter torch.utils.data.datapipes.map torch.utils.data.datapipes.datapipe torch.utils.data.distributed
torch.utils.data.dataloader torch.utils.data.dataset torch.utils.data.graph torch.utils.checkpoint torch.utils.dlpack torch.utils.hooks
torch.autograd torch.autograd.functional torch.autograd.forward_ad torch.autograd.graph torch.autograd.profiler
torch.autograd.function torch.autograd.gradcheck torch.autograd.grad_mode torch.autograd.anomaly_mode torch.func
torch.distributions torch.distributions.transforms torch.distributions.constraints torch.distributions.kl
torch.distributions.constraint_registry torch.distributions.utils
torch.random torch.serialization torch.overrides torch.testing torch.types torch.storage torch.functional torch.amp torch.hub
torch.backends torch.futures torch.library torch.masked torch.monitor torch.package torch.profiler torch.sparse torch.nested
torch.quasirandom torch.return_types torch.utils.backend_registration torch.utils.benchmark
torch.utils.deterministic torch.utils.module_tracker torch.utils.tensorboard torch.utils.weak torch.utils.flop_counter
""".split()

# Examples of other domains than dense tensors on the CPU, run eagerly, are listed with this cause and not scored.
DOMAINS = {
    "sparse": r"sparse_|to_sparse|_sparse|\.sparse\.|layout=torch\.sparse",
    "quantized": r"quantiz|\bqint|quint",
    "nested": r"nested",
    "masked": r"masked_tensor|torch\.masked|MaskedTensor",
    "autocast": r"autocast|GradScaler",
    "meta": r"""['"]meta['"]""",
    "accelerator": r"\.cuda\b|\bcuda\b|\bxpu\b|\bmps\b|Stream\(|\bhpu\b",
    "compile": r"torch\.compile|torch\.jit|torch\.export|make_fx|torch\.fx|torch\.library|\bonnx\b|functionalize|torch\.package",
    "distributed": r"torch\.distributed|\bdist\.|DistributedDataParallel|init_process_group|rpc\.",
}


@dataclass(frozen=True)
class Doc:
    """One docstring, the public name it was found under and the module that name lives in."""

    name: str
    namespace: ModuleType
    text: str


def docstrings() -> Iterator[Doc]:
    """Each docstring of the public names once, by text."""
    seen = set()

    def fresh(name, namespace, text):
        if isinstance(text, str) and text.strip() and text not in seen:
            seen.add(text)
            yield Doc(name, namespace, text)

    for path in NAMESPACES:
        space, module = _resolve(path)
        if space is None:
            continue
        yield from fresh(path, module, getattr(space, "__doc__", None))
        for name in sorted(dir(space)):
            value = _ours(space, name)
            if name.startswith("_") or value is None or isinstance(value, ModuleType):
                continue
            yield from fresh(f"{path}.{name}", module, getattr(value, "__doc__", None))
            if inspect.isclass(value):
                for member in sorted(vars(value)):
                    if not member.startswith("_"):
                        text = getattr(inspect.getattr_static(value, member), "__doc__", None)
                        yield from fresh(f"{path}.{name}.{member}", module, text)


def _resolve(path: str) -> tuple[object, ModuleType | None]:
    """The object of a namespace path and the module it is, or lives in."""
    try:
        module = importlib.import_module(path)
        return module, module
    except ImportError:
        parent, _, name = path.rpartition(".")
        module = _resolve(parent)[1] if parent else None  # an older PyTorch may lack the parent as well
        return getattr(module, name, None), module


def _ours(space, name):
    """An attribute, unless it is foreign (imported from the standard library) or cannot be read."""
    try:
        value = inspect.getattr_static(space, name) if inspect.isclass(space) else getattr(space, name)
    except Exception:  # some attributes raise on purpose
        return None
    home = getattr(value, "__module__", None)
    return None if isinstance(home, str) and not home.startswith("torch") and home != "builtins" else value


# -- code in a docstring ---------------------------------------------------------------------------------------------


def blocks(text: str) -> Iterator[tuple[str, ...]]:
    """The code blocks of a docstring, each a tuple of statements; the prompted one first."""
    lines = textwrap.dedent(text.expandtabs()).splitlines()
    if any(line.lstrip().startswith(">>>") for line in lines):
        program = _prompted(lines)
        if program:
            yield program
    for code in _literals(lines):
        program = _statements(code)
        if program and ">>>" not in code:
            yield program


def _statements(code: str) -> tuple[str, ...] | None:
    """The top-level statements of a piece of code, or None where it is not Python."""
    try:
        body = ast.parse(code).body
    except (SyntaxError, ValueError):
        return None
    lines = code.splitlines()
    starts = [min([node.lineno, *(item.lineno for item in getattr(node, "decorator_list", ()))]) for node in body]
    if any(later.lineno <= node.end_lineno for node, later in zip(body, body[1:], strict=False)):  # a; b
        return tuple(ast.unparse(node) for node in body)
    return tuple("\n".join(lines[start - 1 : node.end_lineno]) for start, node in zip(starts, body, strict=True))


def _prompted(lines: list[str]) -> tuple[str, ...]:
    """The statements of all prompt lines. Where they do not parse as one, they are split at prompts that parse alone."""
    prompted = [code for line in lines if (code := _strip(line)) is not None]
    whole = _statements("\n".join(prompted))
    if whole is not None:
        return whole
    found: list[str] = []
    chunk: list[str] = []
    for line in [*lines, ">>> pass"]:
        code = _strip(line)
        if code is None:
            if chunk and _statements("\n".join(chunk)) is None and line.strip():
                column = len(chunk[0]) - len(chunk[0].lstrip())
                chunk.append(line.strip() if column == 0 and _statements("\n".join([*chunk, line])) is None else line)
            continue
        body = _statements(textwrap.dedent("\n".join(chunk)))
        starts_anew = not code[:1].isspace() and not re.match(r"(else|elif|except|finally)\b|[)\]}]", code)
        if chunk and starts_anew and (body is not None or line.lstrip().startswith(">>>")):
            if body is None and _statements("\n".join([*chunk, code])) is None and not _closed(chunk):
                chunk.append(code)
                continue
            found += body if body is not None else ["\n".join(chunk)]
            chunk = []
        chunk.append(code)
    return tuple(found)


def _closed(chunk: list[str]) -> bool:
    """Whether no bracket is left open: more lines cannot help."""
    text = "\n".join(chunk)
    return all(text.count(a) <= text.count(b) for a, b in ("()", "[]", "{}"))


def _strip(line: str) -> str | None:
    """The code of a prompt line, None for any other."""
    match = re.match(r"\s*(?:>>>|\.\.\.)(?: (.*)|)$", line)
    return None if match is None else match[1] or ""


def _literals(lines: list[str]) -> Iterator[str]:
    """Code blocks without prompts: after `::`, after a code directive, or between fences."""
    index = 0
    while index < len(lines):
        line = lines[index]
        index += 1
        text = line.strip()
        if text.startswith("```"):
            end = next((i for i in range(index, len(lines)) if lines[i].strip().startswith("```")), len(lines))
            yield textwrap.dedent("\n".join(lines[index:end]))
            index = end + 1
        elif text.endswith("::") and not re.match(r"\.\. (?!code|sourcecode|testcode)", text) or re.match(r"\.\. code", text):
            indent = len(line) - len(line.lstrip())
            body = []
            while index < len(lines) and (not lines[index].strip() or len(lines[index]) - len(lines[index].lstrip()) > indent):
                if body or not re.match(r"\s*(:\w[\w-]*:.*)?$", lines[index]):
                    body.append(lines[index])
                index += 1
            yield textwrap.dedent("\n".join(body))


# -- names that an example leaves undefined --------------------------------------------------------------------------

FIXTURES = tomllib.loads(Path(__file__).with_name("fixtures.toml").read_text("utf-8"))
SUPPLIED = {"torch", "nn", "F", "optim", "np", "math", "__name__", "__file__", "_"}


def undefined(program: tuple[str, ...]) -> list[str]:
    """Global names that are read before the program binds them, in order."""
    try:
        code = compile("\n".join(program), "<block>", "exec")
    except (SyntaxError, ValueError):
        return []
    bound, free = set(), {}
    inner: list[str] = []
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            bound.add(step.argval)
        elif step.opname == "LOAD_NAME" and step.argval not in bound:
            free.setdefault(step.argval)
        elif isinstance(step.argval, CodeType):
            inner += _globals_of(step.argval)
    for name in inner:
        if name not in bound:
            free.setdefault(name)
    return [name for name in free if name not in SUPPLIED and (name in FIXTURES["fixtures"] or not hasattr(builtins, name))]


def _globals_of(code: CodeType) -> Iterator[str]:
    """Names an inner scope takes from outside."""
    own = set()
    for step in dis.get_instructions(code):
        if step.opname == "STORE_NAME":
            own.add(step.argval)
        elif step.opname == "LOAD_GLOBAL" or step.opname == "LOAD_NAME" and step.argval not in own:
            yield step.argval
        elif isinstance(step.argval, CodeType):
            yield from _globals_of(step.argval)


def supply(names: list[str], doc: Doc, earlier: list[tuple[str, ...]], lookup: Callable = hasattr) -> tuple[str, ...]:
    """Setup statements that bind these names as far as anybody knows how."""
    setup: list[str] = []
    for name in names:
        if any(_binds(statement, name) for statement in setup):
            continue
        if lookup(doc.namespace, name):
            setup.append(f"from {doc.namespace.__name__} import {name}")
        elif source := next((block for block in reversed(earlier) if any(_binds(item, name) for item in block)), None):
            setup = [*supply(undefined(source), doc, [], lookup), *source, *setup]
        elif name in FIXTURES["imports"]:
            setup.append(FIXTURES["imports"][name])
        elif name in FIXTURES["fixtures"]:
            text = FIXTURES["fixtures"][name]
            setup = [*supply(undefined((text,)), doc, [], lookup), *setup, text]
    return tuple(dict.fromkeys(setup))


def _binds(statement: str, name: str) -> bool:
    try:
        code = compile(statement, "<setup>", "exec")
    except (SyntaxError, ValueError):
        return False
    return any(step.opname == "STORE_NAME" and step.argval == name for step in dis.get_instructions(code))


# -- cases -----------------------------------------------------------------------------------------------------------


def apis_of(program: tuple[str, ...]) -> tuple[str, ...]:
    """Dotted public names that stand in the text of a program."""
    found = dict.fromkeys(re.findall(r"\b(?:torch|nn|F|optim)(?:\.[A-Za-z]\w*)+", "\n".join(program)))
    full = {"nn": "torch.nn", "F": "torch.nn.functional", "optim": "torch.optim", "torch": "torch"}
    return tuple(full[name.split(".")[0]] + name[name.index(".") :] for name in found)


def cases(wanted: Callable[[str], bool] = lambda group: True) -> Iterator[Case]:
    """One case a block."""
    for doc in docstrings():
        earlier: list[tuple[str, ...]] = []
        for number, program in enumerate(blocks(doc.text), 1):
            text = "\n".join(program) + doc.name
            shims = [shim for module, shim in FIXTURES["modules"].items() if f"from {module}" in text or f"import {module}" in text]
            setup = (*shims, *supply(undefined(program), doc, earlier))
            tags = tuple(f"domain:{name}" for name, pattern in DOMAINS.items() if re.search(pattern, text))
            yield Case(
                id=f"doc/{doc.name}/{number}", program=program, setup=setup, tags=tags,
                apis=tuple(dict.fromkeys((doc.name, *apis_of(program)))), origin=f"docstring of {doc.name}",
            )  # fmt: skip
            earlier.append(program)
