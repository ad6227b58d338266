"""A pickle machine for checkpoints: it knows the opcodes that tensors need and calls nothing that is not on its list."""
import codecs
import functools
import struct
import warnings
from collections import Counter, OrderedDict
from pickle import UnpicklingError
from pickletools import opcodes as _described

import reftorch as torch

from . import _utils
from .core import DTYPES, Size, Tensor, device
from .storage import STORAGES, TypedStorage, UntypedStorage

_BLOCKED = ("sys", "os", "posix", "nt")
_CODES = {op.name: op.code.encode("latin1") for op in _described}
_MARK = object()
_PROTOCOL = 2
_DAMAGE = (KeyError, IndexError, TypeError, ValueError, AttributeError, EOFError, OverflowError, MemoryError, ArithmeticError, struct.error)

user_globals = []                # what add_safe_globals was given: callables, or pairs (callable, name)


@functools.cache
def _default_globals():
    """Name in PyTorch -> what every file may use."""
    known = {"collections.OrderedDict": OrderedDict, "collections.Counter": Counter, "builtins.set": set, "builtins.bytearray": bytearray,
             "builtins.complex": complex, "_codecs.encode": codecs.encode, "torch.Size": Size, "torch.Tensor": Tensor, "torch.device": device,
             "torch.nn.parameter.Parameter": torch.nn.Parameter, "torch.serialization._get_layout": _utils._get_layout,
             "torch.storage.UntypedStorage": UntypedStorage, "torch.storage.TypedStorage": TypedStorage,
             "torch._tensor._rebuild_from_type_v2": _utils._rebuild_from_type_v2}
    for name in ("tensor", "tensor_v2", "tensor_v3", "parameter", "parameter_with_state"):
        known[f"torch._utils._rebuild_{name}"] = getattr(_utils, f"_rebuild_{name}")
    for table in (DTYPES, STORAGES, torch.tensor_types.TYPES):
        known.update((f"torch.{name}", value) for name, value in table.items())
    return known


def full_name(obj):
    """The name under which an object stands in a file."""
    module, name = _utils.torch_name(obj) or (obj.__module__, obj.__qualname__)
    return f"{module}.{name}"


def _allowed():
    """Name -> object for all that may be used now."""
    chosen = [pair if isinstance(pair, tuple) else (pair, full_name(pair)) for pair in user_globals]
    return _default_globals() | {name: obj for obj, name in chosen}


def _global_name(module, name):
    """The name of a global with Python 2's module names replaced."""
    import _compat_pickle
    module, name = _compat_pickle.NAME_MAPPING.get((module, name), (_compat_pickle.IMPORT_MAPPING.get(module, module), name))
    return module, f"{module}.{name}"


def unsafe_globals(data):
    """Names of the globals in a pickle that loading with weights_only would refuse, in their order."""
    import pickletools
    allowed, found = _allowed(), {}
    for op, arg, _ in pickletools.genops(data):
        if op.name == "GLOBAL":
            found.setdefault(_global_name(*arg.split(" ", 1))[1])
        elif op.name == "STACK_GLOBAL":
            raise UnpicklingError("Unsupported operand 147: only checkpoints of pickle protocol 2 can be searched")
    return [name for name in found if name not in allowed]


class Unpickler:
    """Reads one pickle after the other from a file, as pickle.Unpickler does."""

    persistent_load = None

    def __init__(self, file, *, encoding="bytes"):
        self.file, self.encoding = file, encoding
        self.allowed = _allowed()
        self.calls = {id(value) for value in self.allowed.values() if callable(value)}

    def load(self):
        """The object; UnpicklingError when the pickle asks for more than weights, or is damaged."""
        self.stack, self.memo, self.asking = [], {}, False
        try:
            while (code := self._read(1)) != _CODES["STOP"]:
                step = _STEPS.get(code)
                if step is None:
                    raise UnpicklingError(f"Unsupported operand {code[0]}")
                step(self)
            return self._pop()
        except _DAMAGE as e:
            if self.asking:             # the fault is not the pickle's
                raise
            raise UnpicklingError(f"the pickle is damaged or not a checkpoint: {type(e).__name__}: {e}") from e

    def _read(self, count):
        data = self.file.read(count)
        if not isinstance(data, bytes):
            raise TypeError(f"expected bytes, got {type(data).__name__}")
        if len(data) < count:
            raise EOFError("the data ends too early")
        return data

    def _number(self, form):
        return struct.unpack(form, self._read(struct.calcsize(form)))[0]

    def _line(self):
        line = self.file.readline()
        if not line.endswith(b"\n"):
            raise EOFError("the data ends too early")
        return line[:-1].decode()

    def _pop(self):
        top = self.stack.pop()
        if top is _MARK:
            raise ValueError("a mark stands where a value should")
        return top

    def _top(self):
        if self.stack[-1] is _MARK:
            raise ValueError("a mark stands where a value should")
        return self.stack[-1]

    def _pop_to_mark(self):
        place = len(self.stack) - 1
        while self.stack[place] is not _MARK:
            place -= 1
            if place < 0:
                raise ValueError("no mark on the stack")
        items = self.stack[place + 1:]
        del self.stack[place:]
        return items

    def _pop_tuple(self, count):
        items = tuple(self._pop() for _ in range(count))[::-1]
        self.stack.append(items)

    def _protocol(self, number):
        if number != _PROTOCOL:
            warnings.warn(f"Detected pickle protocol {number} in the checkpoint, which was not the default pickle protocol used by `torch.load` "
                          f"({_PROTOCOL}). The weights_only Unpickler might not support all instructions implemented by this protocol, please file an "
                          "issue for adding support if you encounter this.", stacklevel=2)

    # ---- globals and calls
    def _global(self):
        module, name = self._line(), self._line()
        module, full = _global_name(module, name)
        if full not in self.allowed:
            if module in _BLOCKED:
                raise UnpicklingError(f"Trying to load unsupported GLOBAL {full} whose module {module} is blocked.")
            shown = full.removeprefix("builtins.")
            raise UnpicklingError(f"Unsupported global: GLOBAL {shown} was not an allowed global by default. Please use "
                                  f"`torch.serialization.add_safe_globals([{shown}])` or the `torch.serialization.safe_globals([{shown}])` "
                                  "context manager to allowlist this global if you trust this class/function.")
        self.stack.append(self.allowed[full])

    def _reduce(self):
        args, func = self._pop(), self._pop()
        if id(func) not in self.calls:
            raise UnpicklingError(f"Trying to call reduce for unrecognized function {func}")
        if func is codecs.encode and args[1:] != ("latin1",):
            raise UnpicklingError(f"bytes are encoded as latin1 alone, not as {args[1:]}")
        self.stack.append(func(*args))

    def _newobj(self):
        args, cls = self._pop(), self._pop()
        if not isinstance(cls, type) or id(cls) not in self.calls:
            raise UnpicklingError(f"Trying to create new object for unsupported class {cls}")
        make = cls if issubclass(cls, (Tensor, TypedStorage, UntypedStorage)) else functools.partial(cls.__new__, cls)
        self.stack.append(make(*args))          # bare tensors and storages have no memory

    def _build(self):
        state, target = self._pop(), self._top()
        kind = type(target)
        if kind is OrderedDict:
            target.__dict__.update(state)
        elif kind is torch.nn.Parameter or id(kind) in self.calls:
            if hasattr(target, "__setstate__") and kind is not torch.nn.Parameter:
                target.__setstate__(state)
            else:
                _utils._set_state(target, state)
        else:
            raise UnpicklingError("Can only build Tensor, Parameter, OrderedDict or types allowlisted "
                                  f"via `add_safe_globals`, but got {kind}")

    def _persid(self):
        pid = self._pop()
        if not isinstance(pid, (tuple, int)):
            raise UnpicklingError(f"persistent_load id must be tuple or int, but got {type(pid)}")
        if isinstance(pid, tuple) and (len(pid) == 0 or pid[0] != "storage"):
            raise UnpicklingError(f"Only persistent_load of storage is allowed, but got {type(pid[0]) if pid else pid}")
        self.asking = True
        self.stack.append(self.persistent_load(pid))
        self.asking = False

    # ---- filling containers
    def _append(self):
        item, target = self._pop(), self._top()
        if type(target) is not list:
            raise UnpicklingError(f"Can only append to lists, but got {type(target)}")
        target.append(item)

    def _appends(self):
        items, target = self._pop_to_mark(), self._top()
        if type(target) is not list:
            raise UnpicklingError(f"Can only extend lists, but got {type(target)}")
        target.extend(items)

    def _fill(self, items, code):
        target = self._top()
        if type(target) not in (dict, OrderedDict, Counter):
            raise UnpicklingError(f"Can only {code} for dict, collections.OrderedDict, collections.Counter, but got {type(target)}")
        for i in range(0, len(items), 2):
            target[items[i]] = items[i + 1]

    def _setitem(self):
        value, key = self._pop(), self._pop()
        self._fill([key, value], "SETITEM")

    def _text(self, count):
        data = self._read(count)
        self.stack.append(data if self.encoding == "bytes" else data.decode(self.encoding))

    def _remember(self, place):
        self.memo[place] = self._top()


def _push(make):
    return lambda self: self.stack.append(make(self))


_STEPS = {_CODES[name]: step for name, step in {
    "PROTO": lambda self: self._protocol(self._number("<B")),
    "NONE": _push(lambda self: None), "NEWTRUE": _push(lambda self: True), "NEWFALSE": _push(lambda self: False),
    "MARK": _push(lambda self: _MARK), "EMPTY_TUPLE": _push(lambda self: ()), "EMPTY_LIST": _push(lambda self: []),
    "EMPTY_DICT": _push(lambda self: {}), "EMPTY_SET": _push(lambda self: set()),
    "BININT": _push(lambda self: self._number("<i")), "BININT1": _push(lambda self: self._number("<B")),
    "BININT2": _push(lambda self: self._number("<H")), "BINFLOAT": _push(lambda self: self._number(">d")),
    "LONG1": _push(lambda self: int.from_bytes(self._read(self._number("<B")), "little", signed=True)),
    "BINUNICODE": _push(lambda self: self._read(self._number("<I")).decode("utf-8", "surrogatepass")),
    "SHORT_BINSTRING": lambda self: self._text(self._number("<B")),
    "TUPLE": _push(lambda self: tuple(self._pop_to_mark())),
    "TUPLE1": lambda self: self._pop_tuple(1), "TUPLE2": lambda self: self._pop_tuple(2), "TUPLE3": lambda self: self._pop_tuple(3),
    "APPEND": Unpickler._append, "APPENDS": Unpickler._appends,
    "SETITEM": Unpickler._setitem, "SETITEMS": lambda self: self._fill(self._pop_to_mark(), "SETITEMS"),
    "BINGET": _push(lambda self: self.memo[self._number("<B")]), "LONG_BINGET": _push(lambda self: self.memo[self._number("<I")]),
    "BINPUT": lambda self: self._remember(self._number("<B")), "LONG_BINPUT": lambda self: self._remember(self._number("<I")),
    "GLOBAL": Unpickler._global, "REDUCE": Unpickler._reduce, "NEWOBJ": Unpickler._newobj, "BUILD": Unpickler._build,
    "BINPERSID": Unpickler._persid,
}.items()}
