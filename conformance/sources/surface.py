"""The `surface` source: every public, documented name: that it is there, what it is, and what arguments it takes.

`surface/NAMESPACE/NAME` asks for the kind of the thing; `surface/NAMESPACE/NAME/signature` for names and defaults of its
arguments, where PyTorch has exactly one signature to show: by `inspect`, or in the first line of the docstring.
Keyword-only arguments have no order, and the positional ones of special methods (`__add__`) no names: none can tell.

Names that have no meaning for dense tensors on a CPU are no cases but stand in `excluded`, with the reason (`BEYOND`).
"""

from __future__ import annotations

import importlib
import inspect
import re
import types
import warnings
from collections.abc import Callable, Iterator

import torch

from ..case import Case

MODULES = (
    "torch", "torch.nn", "torch.nn.functional", "torch.nn.init", "torch.nn.utils", "torch.nn.utils.rnn",
    "torch.nn.utils.parametrize", "torch.nn.utils.parametrizations", "torch.nn.utils.prune", "torch.nn.utils.stateless",
    "torch.nn.attention", "torch.nn.parameter",
    "torch.optim", "torch.optim.lr_scheduler", "torch.optim.swa_utils", "torch.linalg", "torch.fft", "torch.special",
    "torch.signal.windows", "torch.distributions", "torch.distributions.transforms", "torch.distributions.constraints",
    "torch.distributions.kl", "torch.autograd", "torch.autograd.functional", "torch.autograd.forward_ad", "torch.autograd.graph",
    "torch.autograd.grad_mode", "torch.func", "torch.utils.data", "torch.utils.checkpoint", "torch.serialization", "torch.random",
    "torch.testing", "torch.overrides", "torch.masked", "torch.amp", "torch.utils.hooks", "torch.utils.dlpack",
)  # fmt: skip
CLASSES = ("torch.Tensor", "torch.nn.Module", "torch.optim.Optimizer", "torch.distributions.Distribution", "torch.Generator",
           "torch.autograd.Function", "torch.nn.utils.rnn.PackedSequence")  # fmt: skip
# Undocumented, but ordinary programs import or call them, on a machine without a graphics card too.
USUAL = {
    "torch.cuda": ("is_available", "device_count", "manual_seed", "manual_seed_all", "synchronize", "empty_cache"),
    "torch.backends": ("cudnn", "mkl", "openmp"),
    "torch.backends.cudnn": ("benchmark", "deterministic", "enabled", "is_available"),
    "torch.distributed": ("is_available",),
    "torch.nn.parallel": ("DistributedDataParallel", "DataParallel"),
    "torch.autograd": ("Variable",),
    "torch": ("FloatTensor", "LongTensor", "DoubleTensor", "IntTensor", "ByteTensor", "BoolTensor", "HalfTensor",
              "compile", "hub", "accelerator", "_assert", "version", "__version__", "newaxis", "inf", "nan", "pi", "e"),
    "torch.jit": ("Final", "script", "ignore", "unused", "is_scripting", "is_tracing"),
    "torch.utils": ("_pytree", "data", "checkpoint"),
    "torch.accelerator": ("is_available", "current_accelerator", "device_count"),
}  # fmt: skip
# Reason: a pattern of the names it holds for.
BEYOND = {
    "sparse and opaque layouts": r"torch\.(Tensor\.)?((to_)?sparse_.*|to_sparse|hspmm|smm|sspaddmm|(is_)?coalesced?|(c?col|c?row)_indices(_copy)?"
                      r"|indices(_copy)?|values(_copy)?|dense_dim|to_mkldnn)",
    "quantized tensors": r"torch\.(Tensor\.)?(quantize_per_.*|quantized_.*|quint.*|qint.*|qscheme|q_.*|int_repr|dequantize)",
    "nested tensors": r"torch\.Tensor\.to_padded_tensor",
    "dtypes that no operator takes": r"torch\.(bit|bits\w+|u?int[1-7]|float4_\w+)",
    "a device other than the CPU": r"torch\.((Tensor|nn\.Module)\.mtia|Tensor\.(__cuda_array_interface__|record_stream)"
                                   r"|Generator\.graphsafe_\w+|autograd\.graph\.set_override_stale_capture_stream"
                                   r"|nn\.attention\.\w+_flash_attention_impls?"
                                   r"|nn\.functional\.(scaled_mm|scaled_grouped_mm|ScalingType|SwizzleType))",
    # selective checkpoints are told by operators of `torch.ops` what to keep
    "the compiler, TorchScript or the dispatcher": r"torch\.(parse_ir|parse_schema|ScriptClass|ScriptFunction|fork|cond|DispatchKey|Tag"
                                                   r"|AggregationType|nn\.functional\.boolean_dispatch|Tensor\.__torch_dispatch__"
                                                   r"|autograd\.graph\.region_activation_memory_budget|utils\.checkpoint\.CheckpointPolicy"
                                                   r"|utils\.checkpoint\.(SelectiveCheckpointContext|create_selective_checkpoint_contexts))",
    "PyTorch's own machinery": r"torch\.(init_num_threads|thread_safe_generator|Tensor\.__dlpack_c_exchange_api__)",
}  # fmt: skip


def kind(thing):
    """What sort of thing a name stands for, the same for compiled and for interpreted code."""
    import inspect

    if inspect.ismodule(thing):
        return "module"
    if inspect.isclass(thing):
        return "exception" if issubclass(thing, BaseException) else "class"
    if callable(thing):
        return "function"
    if isinstance(thing, property) or inspect.isdatadescriptor(thing):
        return "attribute"
    name = type(thing).__name__
    plain = ("bool", "int", "float", "NoneType", "dtype", "layout", "memory_format", "qscheme")
    return f"{name} {thing!r}" if name in plain else name


def signature(thing):
    """Names and defaults of the arguments, by inspection or else by the docstring's first line; None if neither shows any."""
    import ast
    import inspect

    try:
        found = inspect.signature(thing).parameters.values()
        named = [(p.name, p.kind, p.default is not p.empty, p.default) for p in found]
        spell = lambda value: getattr(value, "__name__", None) or repr(value)  # noqa: E731
    except (TypeError, ValueError):
        first = str(getattr(thing, "__doc__", None)).strip().split("\n")[0]
        try:
            args = ast.parse(f"def f({first.split('(', 1)[-1].split(' -> ')[0]}: pass").body[0].args
        except SyntaxError:
            return None
        kinds = inspect.Parameter
        plain = args.posonlyargs + args.args
        defaults = [None] * (len(plain) - len(args.defaults)) + args.defaults
        named = [(arg.arg, kinds.POSITIONAL_OR_KEYWORD, value is not None, value) for arg, value in zip(plain, defaults, strict=True)]
        named += [(args.vararg.arg, kinds.VAR_POSITIONAL, False, None)] if args.vararg else []
        # a keyword of the documentation is optional, said or not
        keywords = zip(args.kwonlyargs, args.kw_defaults, strict=True)
        named += [(arg.arg, kinds.KEYWORD_ONLY, True, value or ast.Constant(None)) for arg, value in keywords]
        named += [(args.kwarg.arg, kinds.VAR_KEYWORD, False, None)] if args.kwarg else []
        spell = ast.unparse
    if getattr(thing, "__name__", "").endswith("__"):
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        named = [("_" if kind in positional and name != "self" else name, kind, *rest) for name, kind, *rest in named]
    words = []
    # keywords have no order; where they stand among themselves is style
    for name, kind, has_default, default in sorted(named, key=lambda p: (p[1], p[0] if p[1] == inspect.Parameter.KEYWORD_ONLY else "")):
        if kind == inspect.Parameter.KEYWORD_ONLY and not any(word.startswith("*") for word in words):
            words.append("*")
        stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}.get(kind, "")
        words.append(f"{stars}{name}={spell(default)}" if has_default else f"{stars}{name}")
    return ", ".join(words[1:] if words[:1] == ["self"] else words)


SETUP = (inspect.getsource(kind), inspect.getsource(signature))
HIDDEN = {"__module__", "__doc__", "__dict__", "__weakref__", "__annotations__", "__slots__", "__abstractmethods__"}


def cases(wanted: Callable[[str], bool] = lambda group: True, excluded: list | None = None) -> Iterator[Case]:
    """One case a name for what it is, another for its signature; a namespace is a group. What is beyond goes to `excluded`."""
    excluded = [] if excluded is None else excluded
    for space in dict.fromkeys((*MODULES, *CLASSES, *USUAL)):
        group = f"surface/{space}"
        if wanted(group):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    names = dict(sorted(public(space).items()))
            except ModuleNotFoundError as error:
                excluded.append((f"{group}/*", "oracle-error", f"the oracle has no such module: {error}"))
                continue
            for name, thing in names.items():
                path = f"{space}.{name}"
                reason = next((reason for reason, pattern in BEYOND.items() if re.fullmatch(pattern, path)), None)
                if reason is not None:
                    excluded.append((f"{group}/{name}", "beyond", reason))
                    continue
                common = {"setup": SETUP, "apis": (path,), "group": group}
                head = () if space in CLASSES or space == "torch" else (f"import {space}",)
                yield Case(id=f"{group}/{name}", program=(*head, f"kind({path})"), origin=f"public name {path}", **common)
                if shown(thing, name):
                    id, origin = f"{group}/{name}/signature", f"signature of {path}"
                    yield Case(id=id, program=(*head, f"signature({path})"), origin=origin, **common)


def public(space: str) -> dict[str, object]:
    """The documented names of a module or class, and those that programs use all the same."""
    found = {}
    if space in CLASSES:
        owner = attribute(space)
        for name in dir(owner):
            thing = inspect.getattr_static(owner, name)
            own = name not in HIDDEN and thing is not inspect.getattr_static(object, name, None)
            if own and (name.startswith("__") or not name.startswith("_") and getattr(thing, "__doc__", None)):
                found[name] = getattr(owner, name)
    elif space in MODULES:
        module = importlib.import_module(space)
        for name in getattr(module, "__all__", None) or dir(module):
            thing = getattr(module, name, None)
            if not name.startswith("_") and documented(thing):
                found[name] = thing
    for name in USUAL.get(space, ()):
        if hasattr(importlib.import_module(space), name):  # an older PyTorch may lack it
            found[name] = getattr(importlib.import_module(space), name)
    return found


def documented(thing) -> bool:
    """A thing of PyTorch's with a docstring of its own, or one of its values that need none."""
    if isinstance(thing, (torch.dtype, torch.layout, torch.memory_format)):
        return True
    if isinstance(thing, types.ModuleType) or not callable(thing):
        return False
    text = (vars(thing).get("__doc__") if inspect.isclass(thing) else getattr(thing, "__doc__", None)) or ""
    of_torch = (getattr(thing, "__module__", None) or "torch").split(".")[0] == "torch"
    return of_torch and bool(text) and "arg0" not in str(text)  # that much the binding generator writes of itself


def attribute(path: str):
    """`torch.nn.Module` from its name."""
    space, name = path.rsplit(".", 1)
    module = torch if space == "torch" else importlib.import_module(space)
    return getattr(module, name)


def shown(thing, name: str) -> bool:
    """Whether PyTorch shows one signature that is worth comparing."""
    text = signature(thing) if callable(thing) else None
    if text is None or text in ("", "*args, **kwargs", "*args, **kwds"):
        return False
    rest = str(thing.__doc__).strip().split("\n")[1:]
    overloads = any(re.match(rf"(\.\. function:: )?{re.escape(name)}\(.*\)( ->.*)?$", line.strip()) for line in rest)
    return not (overloads and isinstance(thing, (types.BuiltinFunctionType, types.MethodDescriptorType)))
