"""The first line of an op's `__doc__`, as PyTorch shows it: `add(input, other, *, alpha=1, out=None) -> Tensor`.

It follows from the schemas.  Where PyTorch's documentation names something in another way than its table of ops, the op states
`shown="arguments of the function | arguments of the method"`; what is left empty there is derived all the same.
"""
from .schema import FACTORY, REQUIRED, split

_RETURNS = {"Tensor[]": "List of Tensors", "ScalarType": "dtype"}


def document(op, method=False, writes=False):
    """The `__doc__` of an op or of its method: the line, and the sentence that describes it."""
    stated, _, of_method = (text.strip() for text in (op.shown or "").partition("|"))
    if method:
        args = of_method or (_without_first(stated) if stated else _derive(op, method=True))
    else:
        args = stated or _derive(op, has_out="out" in op.make and not writes)
    line = f"{op.inplace.__name__ if writes else _short(op)}({args}) -> {_returns(op)}"
    return f"{line}\n\n{op.doc}" if op.doc else line


def _without_first(args):
    """The arguments of the method, from those of the function."""
    rest = [word for word in split(args)[1:] if word != "out=None"]
    return ", ".join(rest[:-1] if rest[-1:] == ["*"] else rest)


def _short(op):
    """The name of an op in its namespace."""
    for space in (op.ns or "").split():
        prefix = space.rpartition(".")[2] + "_"
        if op.name.startswith(prefix):
            return op.name.replace("_", ".", 1) if space == "linalg" else op.name.removeprefix(prefix)
    return op.name


def _returns(op):
    words = [_RETURNS.get(kind, kind) + (f" {name}" if name else "") for kind, name in op.overloads[0].schema.returns]
    return words[0] if len(words) == 1 else f"({', '.join(words)})" if words else "None"


def _derive(op, method=False, has_out=False):
    """The arguments, from the schemas of all overloads."""
    schemas = [overload.schema for overload in op.overloads]
    positional = _positional(schemas)
    keywords = _keywords(schemas, positional)
    if has_out:
        keywords["out"] = "None"
    if keywords.keys() >= FACTORY:
        _factory(keywords, method)
    if method:
        positional.pop("self" if "self" in positional else next(iter(positional)))
        if keywords.keys() == {"memory_format"}:            # torch: shown as if it could be given by position
            positional, keywords = positional | keywords, {}
    words = [_public(name, op.ns) + ("" if value is None else f"={value}") for name, value in positional.items()]
    words += ["*"] * bool(keywords) + [name if value is None else f"{name}={value}" for name, value in keywords.items()]
    return ", ".join(words)


def _positional(schemas):
    """Names and defaults of the overload that has most of them; what another one does without is optional."""
    lists = [[p for p in s.params if not p.kwonly] for s in schemas]
    found = {}
    for i, p in enumerate(max(lists, key=len)):
        default = next((_spell(other[i]) for other in lists if i < len(other) and not other[i].required), None)
        found[p.name] = "None" if default is None and any(i >= len(other) for other in lists) else default
    return found


def _keywords(schemas, positional):
    """Names and defaults of all keyword-only arguments; what some overload does without is optional."""
    found = {}
    for p in (p for s in schemas for p in s.params if p.kwonly and p.name not in positional):
        everywhere = all(p.name in (q.name for q in s.params) for s in schemas)
        found[p.name] = found.get(p.name) or _spell(p) or (None if everywhere else "False" if p.type == "bool" else "None")
    return found


def _public(name, ns):
    """What a tensor that the table calls `self` is called in the documentation of a namespace."""
    if name == "self":
        return "A" if ns == "linalg" else "input"
    return "input" if name == "x" and ns == "special" else name


def _factory(keywords, method):
    """The keywords of a tensor factory as they are documented: `pin_memory` for the methods (`new_zeros`) alone."""
    if method:
        keywords["pin_memory"] = "False"
    else:
        del keywords["pin_memory"]
    if "memory_format" not in keywords:                     # else the layout is that of another tensor
        keywords["layout"] = "torch.strided"


def _spell(p):
    """The default of an argument as the documentation writes it; None for an argument without one."""
    if p.default is REQUIRED:
        return None
    if p.type == "MemoryFormat" and p.default is None:
        return "torch.preserve_format"
    if p.type in ("ScalarType", "MemoryFormat", "Layout") and p.default is not None:
        return f"torch.{p.default}"
    return "None" if p.default == () else repr(p.default)
