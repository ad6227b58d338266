"""What one case did, written down: runs inside a forked child of `worker.py`. Python 3.8 and its standard library only.

A record holds, statement by statement, what was printed, the value of an expression and its `repr`, the values bound,
the warnings and the exception; then the state at the end of whatever changed since it was last written down (mutated
inputs, `.grad` of leaves), which tensors share storage, and a digest of the generator's state.
"""

import ast
import builtins
import hashlib
import io
import os
import random
import re
import struct
import sys
import time
import traceback
import types
import warnings

torch = Tensor = numpy = None
NAMES = {}
ROOT = "torch"
SEED = None  # seeds the implementation's generator
OWN = re.compile(r"\btorch\b")
LIMIT = 4 << 20  # larger tensors are recorded by an even sample of about this many bytes
ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")
ABSENT = re.compile(r"(?:(?:module|type object) '([\w.]+)'|'(\w+)' object) has no attribute '(\w+)'|name '(\w+)' is not defined")
INTERNAL = re.compile(r"\s*\(Triggered internally at .*\)", re.S)
PACK = {"float32": "f", "float64": "d", "int8": "b", "uint8": "B", "int16": "h", "int32": "i", "int64": "q", "bool": "?",
        "float16": "e", "complex64": "f", "complex128": "d"}  # fmt: skip
BITS = {1: "int8", 2: "int16", 4: "int32", 8: "int64"}
PLAIN = (type(None), bool, int, str)


def bind(module, name, names):
    """Say which implementation is observed."""
    global torch, Tensor, numpy, ROOT, OWN, SEED
    torch, ROOT = module, name
    Tensor = getattr(module, "Tensor", ())
    numpy = names.get("np")
    NAMES.update(names)
    OWN = re.compile(rf"\b{re.escape(name)}\b")
    quietly(lambda: torch.set_num_threads(1))
    warm()
    SEED = seeder()


def warm():
    """Have the implementation and NumPy import what they import late: once here, not again in every child."""
    quietly(lambda: torch.optim.SGD([torch.zeros(1)], 0.1))
    quietly(lambda: repr(torch.zeros(1) + 1))
    quietly(lambda: numpy.random.seed(0))


def seeder():
    """What seeds the CPU's generator: `torch.manual_seed`, or the generator itself where that leads to the same state in less time."""
    if quietly(lambda: same_seed(torch.default_generator.manual_seed)):
        return torch.default_generator.manual_seed
    return getattr(torch, "manual_seed", None)


def same_seed(direct):
    """Whether `direct` seeds as `torch.manual_seed` does."""
    torch.manual_seed(2013)
    state = raw(torch.get_rng_state())
    torch.rand(3)
    direct(2013)
    return raw(torch.get_rng_state()) == state


def quietly(call):
    """Call it; None where an unfinished implementation cannot."""
    try:
        return call()
    except Exception:
        return None


def prepare(threads):
    """Once in each child, before its first case."""
    if threads != 1:
        quietly(lambda: torch.set_num_threads(threads))
    sys.setrecursionlimit(3000)


def clean(text):
    """Text with addresses, the implementation's own name and Python's version made comparable."""
    text = ADDRESS.sub("0x...", text)
    if sys.version_info >= (3, 12):
        text = ordered(text)
    return OWN.sub("torch", text) if ROOT != "torch" else text


def ordered(text):
    """Every `OrderedDict({key: value})` as Python wrote it before 3.12: `OrderedDict([(key, value)])`."""
    head, at = "OrderedDict({", len(text)
    while True:
        at = text.rfind(head, 0, at)  # the inner ones first
        if at < 0:
            return text
        parts, end = display(text, at + len(head))
        if len(parts) % 2 == 0 and text.startswith("})", end):
            items = iter(parts)
            pairs = ", ".join(f"({key}, {next(items)})" for key in items)
            text = f"{text[:at]}OrderedDict([{pairs}]){text[end + 2:]}"


def display(text, at):
    """The keys and values of a dict's display from `at` on, and where it ends."""
    parts, begin, depth, quote = [], at, 0, ""
    while at < len(text):
        sign = text[at]
        if quote:
            at += sign == "\\"
            quote = "" if sign == quote else quote
        elif sign in "'\"":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif depth and sign in ")]}":
            depth -= 1
        elif not depth and sign in ",:}":
            parts.append(text[begin:at].lstrip(" "))
            begin = at + 1
            if sign == "}":
                break
        at += 1
    return parts, at


class Sink:
    """Raw bytes of the records, each stored once."""

    def __init__(self, start):
        self.start, self.parts, self.seen = start, [], {}

    def add(self, data):
        key = hashlib.blake2b(data, digest_size=16).digest()
        at = self.seen.get(key)
        if at is None:
            at = self.seen[key] = [self.start, len(data)]
            self.parts.append(data)
            self.start += len(data)
        return at

    def take(self):
        data, self.parts = b"".join(self.parts), []
        return data


# -- inputs ----------------------------------------------------------------------------------------------------------


class Builder:
    """Makes the values of an encoded input tree."""

    def __init__(self, data):
        self.data, self.storages = data, {}

    def build(self, tree):
        if isinstance(tree, list):
            return [self.build(item) for item in tree]
        if not isinstance(tree, dict):
            return tree
        return getattr(self, "build_" + tree["$"])(tree)

    def build_float(self, tree):
        return float.fromhex(tree["v"])

    def build_complex(self, tree):
        return complex(*map(float.fromhex, tree["v"]))

    def build_tuple(self, tree):
        return tuple(self.build(tree["v"]))

    def build_dict(self, tree):
        return {self.build(key): self.build(value) for key, value in tree["v"]}

    def build_set(self, tree):
        return set(self.build(tree["v"]))

    def build_slice(self, tree):
        return slice(*self.build(tree["v"]))

    def build_range(self, tree):
        return range(*tree["v"])

    def build_ellipsis(self, tree):
        return ...

    def build_bytes(self, tree):
        start, size = tree["at"]
        return self.data[start : start + size]

    def build_name(self, tree):
        value = torch
        for part in tree["v"].split(".")[1:]:
            value = getattr(value, part)
        return value

    def build_make(self, tree):
        return self.build_name(tree)(*self.build(tree["args"]), **self.build(tree["kwargs"]))

    def build_array(self, tree):
        key = (*tree["at"], tree["dtype"])
        base = self.storages.get(key) if tree["at"][1] else None
        dtype, shape, strides = getattr(torch, tree["dtype"]), tuple(tree["shape"]), tuple(tree["strides"])
        if base is None:
            base = self.storages[key] = flat(self.build_bytes(tree), tree["dtype"], dtype)
            whole = tree["offset"] == 0 and strides == dense(shape) and base.numel() == count(shape)
        else:
            whole = False  # the storage is shared: every further reference is a view on it
        if whole:
            tensor = self.storages[key] = base.reshape(shape).clone() if shape != tuple(base.shape) else base
        else:
            tensor = base.as_strided(shape, strides, tree["offset"])
        if tree["conj"]:
            tensor = tensor.conj()
        if tree["neg"]:
            tensor = tensor._neg_view()
        if tree["requires_grad"]:
            tensor = tensor.detach() if not tensor.is_leaf else tensor
            tensor.requires_grad_(True)
        return tensor


def count(shape):
    total = 1
    for size in shape:
        total *= size
    return total


def dense(shape):
    """Strides of a contiguous tensor, in elements."""
    strides, step = [], 1
    for size in reversed(shape):
        strides.append(step)
        step *= max(size, 1)
    return tuple(reversed(strides))


def flat(data, name, dtype):
    """A one-dimensional tensor from raw bytes, by the shortest public road the implementation has."""
    if not data:
        return torch.empty((0,), dtype=dtype)
    if hasattr(torch, "frombuffer"):
        return torch.frombuffer(bytearray(data), dtype=dtype).clone()
    code = PACK.get(name)
    if code is None:  # bfloat16 and the like travel as bits
        bits = {"bfloat16": "int16"}.get(name, "uint8")
        return flat(data, bits, getattr(torch, bits)).view(dtype)
    values = [item[0] for item in struct.iter_unpack("<" + code, data)]
    if name.startswith("complex"):
        parts = iter(values)
        values = [complex(real, next(parts)) for real in parts]
    return torch.tensor(values, dtype=dtype)


# -- values ----------------------------------------------------------------------------------------------------------


def type_name(value):
    return clean(type(value).__qualname__)


def short(dtype):
    return str(dtype).rsplit(".", 1)[-1]


def raw(tensor):
    """The elements in row-major order as bytes."""
    if type(tensor) is not Tensor:
        tensor = tensor.as_subclass(Tensor)
    tensor = tensor.detach()
    if tensor.is_complex():
        tensor = tensor.resolve_conj()
    if hasattr(tensor, "resolve_neg"):
        tensor = tensor.resolve_neg()
    tensor = tensor.contiguous().clone()  # torch: `numpy` makes a storage that can never be resized
    name = short(tensor.dtype)
    if name not in PACK:
        name = BITS[tensor.element_size()]
        tensor = tensor.reshape(-1).view(getattr(torch, name))
    if numpy is not None and hasattr(tensor, "numpy"):
        return tensor.numpy().tobytes()
    values = tensor.reshape(-1).tolist()
    if name.startswith("complex"):
        values = [part for value in values for part in (value.real, value.imag)]
    return struct.pack(f"<{len(values)}{PACK[name]}", *values)


class Snapshot:
    """Values as JSON, tensors' bytes in a sink."""

    def __init__(self, sink):
        self.sink = sink

    def of(self, value, depth=0):
        kind = type(value)
        if kind in PLAIN:
            return {"k": kind.__name__, "v": value if kind is not str else clean(value)}
        if kind is float:
            return {"k": "float", "v": value}
        if kind is complex:
            return {"k": "complex", "v": [value.real, value.imag]}
        if depth > 6:
            return {"k": "deep"}
        try:
            return self.compound(value, depth)
        except Exception as error:
            return {"k": "unreadable", "type": type_name(value), "error": clean(f"{type(error).__name__}: {error}")[:300]}

    def compound(self, value, depth):
        if Tensor and isinstance(value, Tensor):
            return self.tensor(value, depth)
        if isinstance(value, (list, tuple)):
            items = [self.of(item, depth + 1) for item in list(value)[:1000]]
            return {"k": "list", "type": type_name(value), "n": len(value), "items": items}
        if isinstance(value, (set, frozenset)):
            items = sorted((self.of(item, depth + 1) for item in value), key=repr)
            return {"k": "list", "type": type_name(value), "n": len(value), "items": items}
        if isinstance(value, dict):
            items = [[self.of(key, depth + 1), self.of(item, depth + 1)] for key, item in list(value.items())[:1000]]
            return {"k": "dict", "type": type_name(value), "n": len(value), "items": items}
        if numpy is not None and isinstance(value, numpy.ndarray) and value.dtype.kind in "biufc":
            data = self.sink.add(numpy.ascontiguousarray(value).tobytes())
            return {"k": "array", "type": type_name(value), "dtype": value.dtype.name, "shape": list(value.shape), "at": data}
        if isinstance(value, type) or callable(value) and isinstance(
            value, (types.FunctionType, types.BuiltinFunctionType, types.MethodType)
        ):
            return {"k": "callable", "v": getattr(value, "__name__", "?")}
        if isinstance(value, types.ModuleType):
            return {"k": "namespace", "v": clean(value.__name__)}
        if hasattr(value, "named_parameters") and hasattr(value, "named_buffers"):
            state = [[name, self.of(item, depth + 1)] for name, item in value.named_parameters()]
            state += [[name, self.of(item, depth + 1)] for name, item in value.named_buffers()]
            return {"k": "object", "type": type_name(value), "training": bool(value.training), "text": clean(repr(value)), "state": state}
        shown = {"k": "object", "type": type_name(value)}
        text = clean(repr(value))
        if not re.fullmatch(r"<[\w.]+ object at 0x\.\.\.>", text):     # what object's own repr says is in "type"
            shown["text"] = text
        if callable(getattr(value, "state_dict", None)):
            shown["state"] = [["state_dict", self.of(value.state_dict(), depth + 1)]]
        return shown

    def tensor(self, value, depth):
        shot = {"k": "tensor", "type": type_name(value), "dtype": short(value.dtype), "shape": list(value.shape)}
        layout = short(getattr(value, "layout", "strided"))
        if layout != "strided" or getattr(value, "is_quantized", False) or value.device.type != "cpu":
            return {**shot, "layout": layout, "device": str(value.device), "text": clean(repr(value))}
        shot["strides"] = list(value.stride())
        if value.requires_grad:
            shot["requires_grad"] = True
            if value.grad_fn is not None:
                shot["grad_fn"] = type(value.grad_fn).__name__
            elif value.grad is not None and depth <= 6:
                shot["grad"] = self.of(value.grad, depth + 1)
        size = value.numel() * value.element_size()
        if size > LIMIT:
            shot["step"] = step = -(-size // LIMIT)
            value = value.detach().reshape(-1)[::step]
        shot["at"] = self.sink.add(raw(value))
        return shot


# -- programs --------------------------------------------------------------------------------------------------------


class Bound(ast.NodeVisitor):
    """The names a statement binds in the program itself, in order."""

    def __init__(self, node):
        self.names = []
        self.visit(node)

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Store) and node.id not in self.names:
            self.names.append(node.id)

    def skip(self, node):
        """Inner scopes bind nothing here; imports, functions and classes are no values."""

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = visit_Lambda = skip
    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = skip


COMPILED = {}


def compiled(text):
    """(code to execute, code to evaluate and echo or None, names bound) of one statement."""
    if text not in COMPILED:
        tree = ast.parse(text)
        names, last = Bound(tree).names, None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = compile(ast.Expression(tree.body.pop().value), "<case>", "eval", dont_inherit=True)
        body = compile(tree, "<case>", "exec", dont_inherit=True) if tree.body else None
        COMPILED[text] = body, last, names
    return COMPILED[text]


def where(error):
    """The innermost frame of the implementation or the program, to find the fault by; never compared."""
    place = ""
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename != __file__:
            place = f"{os.sep.join(frame.f_code.co_filename.split(os.sep)[-3:])}:{line} in {frame.f_code.co_name}"
    return place


def describe_error(error):
    text = clean(str(error))
    shown = {"type": type(error).__name__, "text": text[:4000], "where": where(error)}
    shown["bases"] = [base.__name__ for base in type(error).__mro__[1:-2]]
    if isinstance(error, MemoryError) or "can't allocate memory" in text:
        shown["memory"] = True
    if isinstance(error, (AttributeError, NameError, ImportError)):
        name = missing(error, text)
        if name:
            shown["name"] = name
    return shown


def missing(error, text):
    """The name that was not found, with its owner where that is known."""
    if getattr(error, "name", None):
        owner = getattr(error, "obj", None)
        prefix = clean(owner.__name__) if isinstance(owner, (types.ModuleType, type)) else type_name(owner) if owner is not None else ""
        return f"{prefix}.{error.name}".lstrip(".")
    found = ABSENT.match(text)  # before Python 3.10 errors do not carry the name
    return ".".join(part for part in found.groups() if part) if found else None


def reset(seed):
    """The state that one program of a group could leave to the next."""
    random.seed(seed)
    if numpy is not None:
        numpy.random.seed(seed)
    quietly(lambda: torch.set_grad_enabled(True))
    quietly(lambda: torch.set_default_dtype(torch.float32))
    quietly(lambda: SEED(seed))


def run(case, data, seed, sink):
    """The record of one case."""
    began = time.perf_counter()
    shot, out = Snapshot(sink), io.StringIO()
    program = types.ModuleType("__main__")
    space = program.__dict__
    space.update(NAMES)
    space["__builtins__"] = builtins
    sys.modules["__main__"] = program
    record = {"id": case["id"], "status": "ok", "steps": []}
    stdout, sys.stdout = sys.stdout, out
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            last = start(case, data, case["seed"] + seed, space, shot, record)
            caught.clear()
            for text in case["program"] if last is not None else ():
                step = {}
                record["steps"].append(step)
                out.seek(0)
                out.truncate()
                if not perform(text, space, shot, step, last, out):
                    record["status"] = "raised"
                if caught:
                    step["warnings"] = [[item.category.__name__, INTERNAL.sub("", clean(str(item.message)))] for item in caught]
                    caught.clear()
                if record["status"] == "raised":
                    break
            if last is not None:
                finish(space, shot, last, record)
    finally:
        sys.stdout = stdout
    record["ms"] = round((time.perf_counter() - began) * 1e3, 2)
    return record


def start(case, data, seed, space, shot, record):
    """Bind the inputs and run the setup; returns the last known snapshots by name, or None if that failed."""
    try:
        reset(seed)
        builder = Builder(data)
        for name, tree in case["inputs"].items():
            space[name] = builder.build(tree)
        reset(seed)
        for text in case["setup"]:
            body, value, _ = compiled(text)
            exec(body if body is not None else value, space)
    except (Exception, SystemExit) as error:
        record["status"], record["setup_error"] = "raised", describe_error(error)
        return None
    known = {name: (id(space[name]), shot.of(space[name])) for name in case["inputs"]}
    if known and any(tag.startswith("nonunique") for tag in case["tags"]):
        record["given"] = {name: given for name, (_, given) in known.items()}
    return known


def perform(text, space, shot, step, last, out):
    """Run one statement and write down what it did; whether it ended without an exception."""
    try:
        body, value, names = compiled(text)
        if body is not None:
            exec(body, space)
        if value is not None:
            result = eval(value, space)
            if result is not None:
                step["text"] = clean(repr(result))
                step["echo"] = shot.of(result)
                space["_"] = result
    except (Exception, SystemExit) as error:
        step["error"] = describe_error(error)
        names = ()
    printed = out.getvalue()
    if printed:
        step["out"] = clean(printed)
    for name in names:
        if name in space:
            step.setdefault("bound", {})[name] = known = shot.of(space[name])
            last[name] = id(space[name]), known
    return "error" not in step


def storage_of(tensor):
    return tensor.untyped_storage() if hasattr(tensor, "untyped_storage") else tensor.storage()  # the second before PyTorch 2.0


def finish(space, shot, last, record):
    """What changed since it was last seen, who shares storage with whom, and the generator's state."""
    for name, (identity, known) in last.items():
        if name in space and id(space[name]) == identity:
            now = shot.of(space[name])
            if now != known:
                record.setdefault("final", {})[name] = now
    shared = {}
    for name in last:
        value = space.get(name)
        if Tensor and isinstance(value, Tensor):
            place = quietly(lambda: (storage_of(value).data_ptr(), value.storage_offset()))  # noqa: B023
            if place and place[0]:
                shared.setdefault(place[0], []).append([name, place[1]])
    groups = [group for group in shared.values() if len(group) > 1]
    if groups:
        record["alias"] = groups
    state = quietly(lambda: raw(torch.get_rng_state()))
    record["rng"] = hashlib.blake2b(state, digest_size=8).hexdigest() if state else None
