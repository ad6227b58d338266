"""The TypeErrors that PyTorch's argument parser raises, word for word, from the schemas.

The compiled parser calls `argument_error` when no overload takes a call's arguments.  Here the call is tried again, slowly:
a function with one signature (or with one that can hold that many arguments) names the first argument at fault, any other
lists all its signatures.  `order` is PyTorch's order of the overloads, which both the parser and the listing follow.
"""
import operator
import os
import re
from functools import cache
from typing import NamedTuple

import numpy as np

from .schema import REQUIRED, Param

#: Other names by which an argument may be given as a keyword.
KEYWORD_ALIASES = {"dim": ("axis",), "keepdim": ("keepdims",), "input": ("x", "a", "x1"), "other": ("x2",)}

#: Functions whose Tensor arguments take a Python number as well (in-place forms included).
NUMBERS_AS_TENSORS = frozenset(
    ["add", "sub", "mul", "div", "subtract", "multiply", "divide", "true_divide", "floor_divide", "to", "copy"])

_TYPE_TEXT = {"Tensor": "Tensor", "Scalar": "Number", "int": "int", "float": "float", "bool": "bool", "str": "str",
              "ScalarType": "torch.dtype", "Layout": "torch.layout", "Device": "torch.device",
              "MemoryFormat": "torch.memory_format", "Generator": "torch.Generator", "any": "object"}
_LIST_TEXT = {"Tensor": "tuple of Tensors", "int": "tuple of ints", "float": "tuple of floats", "Scalar": "tuple of Scalars"}
_CONSTANT_TEXT = {"Mean": "at::Reduction::Mean", "contiguous_format": "c10::MemoryFormat::Contiguous", "long": "at::kLong"}

# PyTorch sorts the overloads by the text of its C++ signatures, so those type names decide the order.
_CPP_TYPE = {"int": "int64_t", "float": "double", "str": "c10::string_view", "any": "PyObject*"}
_CPP_LIST = {"Tensor": "TensorList", "int": "IntArrayRef", "Scalar": "ScalarList", "float": "ArrayRef<double>"}

# The keywords of a tensor factory, always printed last, in this order and with these defaults.
_FACTORY = tuple(Param(name, kind, optional=True, default=default, kwonly=True) for name, kind, default in (
    ("dtype", "ScalarType", None), ("layout", "Layout", None), ("device", "Device", None),
    ("pin_memory", "bool", False), ("requires_grad", "bool", False)))
_FACTORY_NAMES = {p.name for p in _FACTORY[:4]}

# How C prints the types that PyTorch writes in C and this package may write in Python.
_C_TYPES = {name: f"torch.{name}" for name in ("dtype", "device", "layout", "memory_format", "Size", "finfo", "iinfo")}
_C_TYPES["Generator"] = "torch._C.Generator"
_OWN_PACKAGES = ("torch", __name__.partition(".")[0])
_HEAP_TYPE = 1 << 9

_tensor_type = ()

#: A TypeError in all but identity: the operators catch it, and answer NotImplemented.
ArgumentError = type("TypeError", (TypeError,), {"__module__": "builtins"})


def set_tensor_type(cls):
    """Make `cls` the class whose instances are Tensors."""
    global _tensor_type
    _tensor_type = cls


# ---- signatures --------------------------------------------------------------------------------------------------------

class _Signature(NamedTuple):
    params: tuple
    text: str
    symbolic: frozenset   # names of the arguments declared SymInt: the order of overloads tells them from ints
    deprecated: bool

    @property
    def min_args(self):
        return sum(p.required for p in self.params)

    @property
    def max_positional(self):
        return sum(not p.kwonly for p in self.params)

    @property
    def takes_varargs(self):
        """A lone list of ints may be given as separate arguments: `x.permute(1, 0)`."""
        return self.max_positional == 1 and self.params[0].type == "int" and self.params[0].size is not None


def _python_params(schema, has_out, method):
    """The arguments as Python sees them: `self` renamed or left out, then `out`, then a factory's keywords."""
    params = [p._replace(name="input") if p.name == "self" and p.type == "Tensor" and p.size is None and not p.optional else p
              for p in schema.params if not (method and p.name == "self")]
    factory = _FACTORY_NAMES <= {p.name for p in params}
    if factory:
        params = [p for p in params if p.name not in {f.name for f in _FACTORY}]
    outputs = [kind for kind, _ in schema.returns if kind.startswith("Tensor")]
    if has_out and not method:
        size = len(outputs) if len(outputs) > 1 else {"Tensor[]": 0}.get(outputs[0])
        params.append(Param("out", "Tensor", size=size, optional=True, default=None, kwonly=True))
    if factory:
        params += _FACTORY
    return tuple(params)


def _default_text(p, value):
    if isinstance(value, tuple):
        return "{" + ",".join(_default_text(p, v) for v in value) + "}" if value else "None"
    if p.type == "str" and isinstance(value, str):
        return f'"{value}"'
    return _CONSTANT_TEXT.get(value, str(value))


def _param_text(p):
    text = f"{_TYPE_TEXT[p.type] if p.size is None else _LIST_TEXT[p.type]} {p.name}"
    return text if p.default is REQUIRED else f"{text} = {_default_text(p, p.default)}"


def _joined(params, texts):
    """Texts of the arguments in brackets, with the star before the first keyword."""
    texts = list(texts)
    for i, p in enumerate(params):
        if p.kwonly:
            texts.insert(i, "*")
            break
    return f"({', '.join(texts)})"


@cache
def _signature(schema, has_out, method):
    params = _python_params(schema, has_out, method)
    symbolic = frozenset(re.findall(r"\bSymInt\S* (\w+)", schema.text))
    return _Signature(params, _joined(params, map(_param_text, params)), symbolic, schema.overload.startswith("deprecated"))


def signature_text(schema, has_out=False, method=False):
    """One signature as PyTorch prints it, without the name: `(Tensor input, int dim, *, Tensor out = None)`."""
    return _signature(schema, has_out, method).text


# ---- the order of overloads --------------------------------------------------------------------------------------------

def _type(p, symbolic):
    kind = "SymInt" if p.name in symbolic else p.type
    if p.size is None:
        return kind + "?" * p.optional
    return f"{kind}{'?' * p.elem_optional}[{p.size or ''}]{'?' * p.optional}"


def _cpp_text(signature):
    def text(p):
        symint = p.name in signature.symbolic
        if p.size is None:
            kind = "SymInt" if symint else _CPP_TYPE.get(p.type, p.type)
        else:
            kind = "Sym" * symint + _CPP_LIST[p.type] + (f"[{p.size}]" if p.size else "")
        default = "" if p.default is REQUIRED else f"={_default_text(p, p.default)}"
        return f"{kind}{'?' * (p.optional and p.name != 'out')} {p.name}{default}"
    return _joined(signature.params, map(text, signature.params)) + "|deprecated" * signature.deprecated


def _tried_later(a, b):
    """True where an argument of type `a` is tried after one of type `b`: the Tensor before the number, and so on."""
    return ((a, b) in {("Scalar", "Tensor"), ("Scalar?", "Tensor?"), ("int", "Tensor"), ("SymInt", "Tensor"), ("int[]", "int"),
                       ("int[]", "int?"), ("SymInt[]", "int[]")}
            or a == "Tensor[]" and "[]" in b)


def order(overloads, method=False):
    """Sort `(Schema, has_out)` pairs the way PyTorch tries and prints them."""
    overloads = sorted(overloads, key=lambda o: _cpp_text(_signature(*o, method)))
    signatures = [_signature(*o, method) for o in overloads]
    types = [[_type(p, s.symbolic) for p in s.params if p.name != "out"] for s in signatures]

    def later(a, b):
        return len(a) == len(b) and a != b and all(x == y or _tried_later(x, y) for x, y in zip(a, b, strict=True))

    # Those that wait for nothing come first; each one placed then frees, in turn, those that waited for it alone.
    waits = {i: {j for j, b in enumerate(types) if later(a, b)} for i, a in enumerate(types)}
    placed = [i for i in waits if not waits[i]]
    waits = {i: js for i, js in waits.items() if js}
    for i in placed:
        for j in sorted(waits):
            waits[j].discard(i)
            if not waits[j]:
                del waits[j]
                placed.append(j)
    return [overloads[i] for i in sorted(placed, key=lambda i: signatures[i].deprecated)]


# ---- does a value fit an argument --------------------------------------------------------------------------------------

class _WrongElement(Exception):
    """A list of Tensors holds something else: PyTorch gives up at once, whatever overloads remain."""


def type_name(value):
    """The name that C gives the type of a Python value: `int`, `numpy.ndarray`, `torch.dtype`, `Tensor`, `Parameter`."""
    cls = type(value)
    if cls is _tensor_type:
        return "Tensor"
    if cls.__module__.partition(".")[0] in _OWN_PACKAGES and cls.__name__ in _C_TYPES:
        return _C_TYPES[cls.__name__]
    if cls.__flags__ & _HEAP_TYPE or cls.__module__ == "builtins":
        return cls.__name__
    return f"{cls.__module__}.{cls.__name__}"


def _is_integral(tensor):
    return not (tensor.dtype.is_floating_point or tensor.dtype.is_complex)


def _is_plain_int(value):
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _is_int(value):
    if isinstance(value, _tensor_type):
        return value.ndim == 0 and not value.requires_grad and _is_integral(value) and str(value.dtype) != "torch.bool"
    return _is_plain_int(value)


def _is_index(value):
    """What may stand in a list of ints: more than `_is_int` takes alone."""
    if isinstance(value, _tensor_type):
        return value.numel() == 1 and _is_integral(value)
    if isinstance(value, bool):
        return False
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def _is_number(value):
    return isinstance(value, (int, float, np.number, np.bool_))


def _is_float(value):
    if isinstance(value, _tensor_type):
        return value.ndim == 0 and not value.requires_grad
    return _is_number(value)


def _is_dtype(value):
    return type_name(value) == "torch.dtype" or any(value is t for t in (float, int, bool, complex))


_FITS = {
    "Tensor": lambda value: isinstance(value, _tensor_type),
    "Scalar": lambda value: isinstance(value, complex) or _is_float(value),
    "int": _is_int,
    "float": _is_float,
    "bool": lambda value: isinstance(value, bool),
    "str": lambda value: isinstance(value, str),
    "ScalarType": _is_dtype,
    "Layout": lambda value: type_name(value) == "torch.layout",
    "Device": lambda value: type_name(value) == "torch.device" or isinstance(value, str) or _is_plain_int(value),
    "MemoryFormat": lambda value: type_name(value) == "torch.memory_format",
    "Generator": lambda value: type_name(value) == "torch._C.Generator",
    "any": lambda value: True,
}


def _list_fits(p, value, position):
    """`value` for a list argument; only the first of some ints or floats is looked at, as in PyTorch."""
    if not isinstance(value, (tuple, list)):
        return p.type == "int" and p.size > 0 and _is_index(value)
    if p.type == "Tensor":
        for i, v in enumerate(value):
            if not (isinstance(v, _tensor_type) or (v is None and p.elem_optional)):
                raise _WrongElement(f"expected Tensor as element {i} in argument {position}, but got {type_name(v)}")
        return True
    if p.type == "Scalar":
        return all(map(_FITS["Scalar"], value))
    return not value or (_is_index if p.type == "int" else _is_number)(value[0])


def _fits(p, value, position, numbers):
    if p.size is not None:
        return _list_fits(p, value, position)
    return _FITS[p.type](value) or (numbers and p.type == "Tensor" and (_is_number(value) or isinstance(value, complex)))


# ---- one signature -----------------------------------------------------------------------------------------------------

def _count_error(name, signature, given):
    low, high = signature.min_args, signature.max_positional
    if low != high:
        return f"{name}() takes from {low} to {high} positional arguments but {given} were given"
    return f"{name}() takes {high} positional argument{'s' * (high != 1)} but {given} {'was' if given == 1 else 'were'} given"


def too_many_positional(name, schema, has_out, method, given):
    """The error for `given` positional values where `schema` takes fewer."""
    return ArgumentError(_count_error(name, _signature(schema, has_out, method), given))


def _missing_error(name, params):
    missing = [f'"{p.name}"' for p in params if p.required]
    # torch: one missing value is "1 required positional arguments", two are "2 required positional argument".
    return f"{name}() missing {len(missing)} required positional argument{'s' * (len(missing) == 1)}: {', '.join(missing)}"


def _keyword_error(name, signature, kwargs, given):
    names = [p.name for p in signature.params]
    for key in kwargs:
        if key not in names:
            return f"{name}() got an unexpected keyword argument '{key}'"
        if names.index(key) < given:
            return f"{name}() got multiple values for argument '{key}'"
    return "invalid keyword arguments"


def _value_error(name, p, value, position):
    """`value` is of no use for `p`; `position` counts from 1, and is None for a keyword."""
    where = f"{name}(): argument '{p.name}'" + ("" if position is None else f" (position {position})")
    kind = _TYPE_TEXT[p.type] if p.size is None else _LIST_TEXT[p.type]
    if position is not None and p.type == "int" and p.size is not None and isinstance(value, (tuple, list)):
        return f"{where} must be {kind}, but found element of type {type_name(value[0])} at pos 0"
    return f"{where} must be {kind}, not {type_name(value)}"


def _keyword_value(p, kwargs):
    for key in (p.name, *KEYWORD_ALIASES.get(p.name, ())):
        if key in kwargs:
            return kwargs[key]
    return REQUIRED


def _bind(name, signature, args, kwargs):
    """Fit a call to a signature: `(error text or None, [(param, value), ...])`."""
    varargs = signature.takes_varargs and bool(args) and _is_index(args[0])
    if len(args) > signature.max_positional and not varargs:
        return _count_error(name, signature, len(args)), []
    numbers = name.removesuffix("_") in NUMBERS_AS_TENSORS
    bound, used, keywords = [], 0, len(kwargs)
    for i, p in enumerate(signature.params):
        keyword = used >= len(args)
        if not keyword and p.kwonly:
            return _count_error(name, signature, len(args)), []
        value = _keyword_value(p, kwargs) if keyword else args[used]
        if value is REQUIRED:
            if p.required:
                return _missing_error(name, signature.params[i:]), []
            continue
        if value is None and (p.optional or p.default in (None, ())):
            pass
        elif not keyword and i == 0 and varargs:
            value, used = args, len(args) - 1
        elif not _fits(p, value, i, numbers):
            return _value_error(name, p, value, None if keyword else used + 1), []
        bound.append((p, value))
        if keyword:
            keywords -= 1
        else:
            used += 1
    if keywords:
        return _keyword_error(name, signature, kwargs, len(args)), []
    return None, bound


def _unpack_error(name, bound):
    """A list whose first element passed may still hold something else further on."""
    for p, value in bound:
        if p.type not in ("int", "float") or p.size is None or not isinstance(value, (tuple, list)):
            continue
        for i, v in enumerate(value):
            if p.type == "float" and not _is_number(v):
                return (f"{name}(): argument '{p.name}' must be tuple of floats, "
                        f"but found element of type {type_name(v)} at pos {i + 1}")
            if p.type == "int" and not (_is_index(v) or isinstance(v, bool)):  # torch: (True, 1) is refused, (1, True) is not
                return (f"{name}(): argument '{p.name}' failed to unpack the object at pos {i + 1} with error "
                        f'"type must be tuple of ints,but got {type_name(v)}"')
    return None


# ---- several signatures ------------------------------------------------------------------------------------------------

def _colour(text, good):
    # torch: on a terminal the values at fault are red and the others green.
    if os.isatty(1) and os.isatty(2):
        return f"\33[{32 if good else 31};1m{text}\33[0m"
    return text if good else f"!{text}!"


def _hash_order(kwargs):
    """Keywords in the order of the C++ hash map that PyTorch keeps them in: new buckets first, 13 to start with."""
    buckets = {}
    chain = []
    for key in kwargs:
        bucket = _murmur(key.encode()) % 13
        chain.insert(chain.index(buckets[bucket]) if bucket in buckets else 0, key)
        buckets[bucket] = key
    return chain


def _murmur(data, mask=(1 << 64) - 1, mul=0xC6A4A7935BD1E995):
    """MurmurHash64A, as the standard C++ library hashes strings."""
    state = 0xC70F6907 ^ (len(data) * mul & mask)
    whole = len(data) & ~7
    for i in range(0, whole, 8):
        word = int.from_bytes(data[i:i + 8], "little") * mul & mask
        state = (state ^ ((word ^ word >> 47) * mul & mask)) * mul & mask
    if len(data) > whole:
        state = (state ^ int.from_bytes(data[whole:], "little")) * mul & mask
    state = (state ^ state >> 47) * mul & mask
    return state ^ state >> 47


def _contents(value):
    """A value's type, and for a tuple or list the types inside."""
    if not isinstance(value, (tuple, list)):
        return type_name(value)
    inside = ", ".join(map(type_name, value))
    if isinstance(value, list):
        return f"{type_name(value)} of [{inside}]"
    return f"{type_name(value)} of ({inside}{',' * (len(value) == 1)})"


def _entries(text):
    """A printed signature as `(type, name)` pairs."""
    # torch: the text is split at its commas, so the star is an argument, and of `int dim = 1` the name is `1`.
    entries = [entry.rpartition(" ") for entry in text[1:-1].split(", ")]
    return [(kind or name, name) for kind, _, name in entries]


def _strange_keywords(entries, kwargs):
    tail = [name for _, name in entries[max(len(entries) - len(kwargs), 0):]]
    return ", ".join(key for key in _hash_order(kwargs) if key not in tail)


def _marked(entries, args, kwargs):
    """The values of a call that has as many as `entries`, those of a wrong type marked."""
    described = []
    for i, (kind, name) in enumerate(entries):
        value = args[i] if i < len(args) else kwargs[name]
        # torch: types are compared by name, so that a bool is no int, a Parameter no Tensor, and nothing is a Number.
        good = type_name(value) in {"float": ("float", "int")}.get(kind, (kind,))
        described.append(_colour(("" if i < len(args) else f"{name}=") + _contents(value), good))
    return _bracketed(described, args)


def _bracketed(texts, args):
    # torch: the comma after the last keyword stays where no argument is positional.
    return f"({', '.join(texts)}{', ' * bool(texts and not args)})"


def _why_not(entries, args, kwargs):
    """The line below a listed signature, or nothing where the number of values differs from its arguments."""
    if len(args) + len(kwargs) != len(entries):
        return ""
    strange = _strange_keywords(entries, kwargs)
    if strange:
        return f"      didn't match because some of the keywords were incorrect: {strange}\n"
    return f"      didn't match because some of the arguments have invalid types: {_marked(entries, args, kwargs)}\n"


def _listing(name, signatures, args, kwargs):
    """All signatures that are not deprecated."""
    head = f"{name}() received an invalid combination of arguments - got "
    got = _bracketed([type_name(v) for v in args] + [f"{k}={type_name(kwargs[k])}" for k in _hash_order(kwargs)], args)
    texts = [s.text for s in signatures if not s.deprecated]
    if len(texts) > 1:
        return f"{head}{got}, but expected one of:\n" + "".join(
            f" * {text}\n{_why_not(_entries(text), args, kwargs)}" for text in texts)
    entries = _entries(texts[0])
    strange = _strange_keywords(entries, kwargs)
    if strange:
        return f"{head}unrecognized keyword arguments: {strange}"
    if len(args) + len(kwargs) == len(entries):
        got = _marked(entries, args, kwargs)
    return f"{head}{got}, but expected {texts[0]}"


# ---- the entry ---------------------------------------------------------------------------------------------------------

def is_method(schema):
    """Whether an overload takes a Tensor as `self`, which makes it a method as well as a function."""
    names = [p.name for p in schema.params if p.type == "Tensor" and p.size is None]
    return "self" in names and not any(p.name == "out_dtype" for p in schema.params)  # torch: mm(..., out_dtype) is no method


def argument_error(name, overloads, args, kwargs, method):
    """The TypeError for a call that fits none of `overloads`, a list of `(Schema, has_out)` in PyTorch's order.

    A method's receiver is not among `args`.
    """
    signatures = [_signature(schema, has_out, method) for schema, has_out in overloads if not method or is_method(schema)]
    return ArgumentError(_message(name, signatures, args, kwargs, method))


def _message(name, signatures, args, kwargs, method):
    if method and len(signatures) == 1 and not signatures[0].params:
        # torch: written by Python itself, which says TensorBase for `x.exp(1)` and Tensor for `f = x.exp; f(1)`.
        if kwargs:
            return f"TensorBase.{name}() takes no keyword arguments"
        return f"TensorBase.{name}() takes no arguments ({len(args)} given)"
    given = len(args) + len(kwargs)
    errors, plausible = [], []
    for signature in signatures:
        try:
            error, bound = _bind(name, signature, args, kwargs)
        except _WrongElement as wrong:
            return str(wrong)
        if error is None:
            return _unpack_error(name, bound) or _listing(name, signatures, args, kwargs)
        errors.append(error)
        if signature.min_args <= given <= len(signature.params) and not signature.deprecated:
            plausible.append(error)
    if len(errors) == 1:
        return errors[0]
    return plausible[0] if len(plausible) == 1 else _listing(name, signatures, args, kwargs)


def deprecated_warning(name, schema, has_out, overloads, method):
    """The text of the warning that a call of the deprecated `schema`, one of `overloads`, gives."""
    text = f"This overload of {name} is deprecated:\n\t{name}{signature_text(schema, has_out, method)}"
    rest = [signature_text(s, out, method) for s, out in overloads
            if not s.overload.startswith("deprecated") and (is_method(s) or not method)]
    return text + "\nConsider using one of the following signatures instead:" + "".join(f"\n\t{name}{t}" for t in rest)
