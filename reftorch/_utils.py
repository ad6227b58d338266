"""What pickles of PyTorch name: functions that rebuild tensors, and the two ways between PyTorch's global names and ours."""
import importlib
import operator
from collections import OrderedDict

import reftorch as torch

from .core import T, Tensor, _core
from .ops.conversion import storage_array
from .storage import STORAGES, TypedStorage, UntypedStorage
from .utils.hooks import HookDict


# ------------------------------------------------------------------ rebuilding
def _typed_holder(storage, dtype):
    """A flat tensor of `dtype` on the memory of a storage."""
    if storage._holder.dtype is dtype:
        return storage._holder
    holder = _core.alias(storage._holder)
    _core.set_array(holder, storage_array(storage._holder, dtype.numpy))
    return holder


def _rebuild_tensor(storage, storage_offset, size, stride, dtype=None):
    dtype = dtype or storage.dtype
    size, stride = tuple(map(operator.index, size)), tuple(map(operator.index, stride))
    if len(size) != len(stride) or min(size, default=0) < 0 or min(stride, default=0) < 0:
        raise RuntimeError(f"a tensor of sizes {list(size)} cannot have strides {list(stride)}")
    holder, offset = _typed_holder(storage, dtype), operator.index(storage_offset)
    reach = offset + 1 + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) if 0 not in size else 0
    if offset < 0 or reach > holder.numel():         # in Python's integers, which do not overflow
        raise RuntimeError("Trying to resize storage that is not resizable")
    return _core.view_of_storage(holder, size, stride, offset)


def _rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks, metadata=None):
    return _rebuild_tensor_v3(storage, storage_offset, size, stride, requires_grad, backward_hooks, None, metadata)


def _rebuild_tensor_v3(storage, storage_offset, size, stride, requires_grad, backward_hooks, dtype, metadata=None):
    tensor = _rebuild_tensor(storage, storage_offset, size, stride, dtype)
    tensor.requires_grad = bool(requires_grad)
    metadata = metadata or {}
    if metadata.get("conj"):            # PyTorch marks lazy conjugates and negations; here they are computed
        tensor = T.conj_physical(tensor)
    return T.neg(tensor) if metadata.get("neg") else tensor


def _rebuild_parameter(data, requires_grad, backward_hooks):
    return torch.nn.Parameter(data, bool(requires_grad))


def _rebuild_parameter_with_state(data, requires_grad, backward_hooks, state):
    return _set_state(_rebuild_parameter(data, requires_grad, backward_hooks), state)


def _rebuild_from_type_v2(func, new_type, args, state):
    made = func(*args)
    if type(made) is not new_type:
        made = _core.make_subclass(new_type, made, made.requires_grad)
    if new_type.__setstate__ is not Tensor.__setstate__:
        made.__setstate__(state)
        return made
    return _set_state(made, state)


def _set_state(obj, state):
    """Set attributes from what an object's `__getstate__` gave: None, a dict, or a pair (dict, dict of slots)."""
    if state is None:
        return obj
    state, slots = state if isinstance(state, tuple) and len(state) == 2 else (state, None)
    for name, value in [*(state or {}).items(), *(slots or {}).items()]:
        setattr(obj, name, value)
    return obj


def _get_layout(name):
    """The layout that a pickle names with its text."""
    return _core.LAYOUTS[name.removeprefix("torch.")]


# ------------------------------------------------------------------ taking apart
def storage_class(dtype):
    """The storage class that PyTorch writes for a dtype; UntypedStorage for dtypes without one."""
    return STORAGES.get(dtype.type_name + "Storage", UntypedStorage)


def _reduce_plain_tensor(t):
    """The function and arguments that rebuild the tensor of class Tensor that `t` shows."""
    cls = storage_class(t.dtype)
    storage = UntypedStorage._of(t)
    place = (t.storage_offset(), tuple(t.shape), t.stride(), t.requires_grad, OrderedDict())
    if cls is UntypedStorage:
        return _rebuild_tensor_v3, (storage, *place, t.dtype)
    return _rebuild_tensor_v2, (cls(wrap_storage=storage, _internal=True), *place)


def reduce_tensor(t):
    """What PyTorch's pickler is told of a tensor, parameter or object of a subclass."""
    if type(t) is torch.nn.Parameter:
        args = (t.data, t.requires_grad, OrderedDict())
        return (_rebuild_parameter_with_state, (*args, dict(t.__dict__))) if t.__dict__ else (_rebuild_parameter, args)
    func, args = _reduce_plain_tensor(t)
    if type(t) is Tensor and not t.__dict__:
        return func, args
    return _rebuild_from_type_v2, (func, type(t), args, t.__getstate__())


def reduce_known(obj):
    """How PyTorch pickles objects that pickle otherwise here; NotImplemented for all others."""
    if isinstance(obj, Tensor):
        plain = type(obj).__reduce_ex__ in (Tensor.__reduce_ex__, torch.nn.Parameter.__reduce_ex__)
        return reduce_tensor(obj) if plain else NotImplemented
    if type(obj) is HookDict:
        return OrderedDict, (), None, None, iter(obj.items())
    if isinstance(obj, _core.layout):
        return _get_layout, (str(obj),)
    if isinstance(obj, _core.Op):
        return obj.name if obj.ns in _OP_PLACES else (getattr, (_Functions, obj.name))
    if isinstance(obj, _core.Method):
        return getattr, (_TensorBase, obj.__name__)
    if isinstance(obj, tuple) and type(obj).__module__ == "reftorch.return_types":
        return type(obj), (tuple(obj), {})
    return NotImplemented


# ------------------------------------------------------------------ names
class _Named:
    """A global that exists under a name of PyTorch's alone."""

    def __init__(self, module, name):
        self.place = module, name

    def __reduce_ex__(self, protocol):
        return self.place[1]


class _WrappedHook:
    """A hook for loading a state dict, as PyTorch's modules keep them: with the module it is called with, if it asks for one."""

    def __call__(self, *args, **kwargs):
        return self.hook(self.module, *args, **kwargs) if self.with_module else self.hook(*args, **kwargs)


_Functions = _Named("torch._C", "_VariableFunctionsClass")
_TensorBase = _Named("torch._C", "TensorBase")
_OP_PLACES = {"nn.functional": "torch._C._nn", "fft": "torch._C._fft", "linalg": "torch._C._linalg", "special": "torch._C._special"}


def _places():
    """(module, name) in PyTorch -> object here, where the one does not follow from the other."""
    return {("torch._C", "Generator"): torch.Generator, ("torch._C", "_VariableFunctionsClass"): T, ("torch._C", "TensorBase"): Tensor,
            ("torch._C", "_TensorBase"): Tensor, ("torch.nn.modules.module", "_WrappedHook"): _WrappedHook,
            ("torch._tensor", "_rebuild_from_type_v2"): _rebuild_from_type_v2, ("torch.serialization", "_get_layout"): _get_layout}


def torch_name(obj, name=None):
    """(module, name) of a global of reftorch in PyTorch; None for objects that are not reftorch's."""
    if isinstance(obj, _Named):
        return obj.place
    if isinstance(obj, _core.Op):
        return _OP_PLACES[obj.ns], obj.name
    for place, known in _places().items():
        if obj is known and obj is not Tensor:
            return place
    if isinstance(obj, (_core.dtype, _core.memory_format)):
        return "torch", str(obj).removeprefix("torch.")
    module = getattr(obj, "__module__", None) or ""
    name = name or getattr(obj, "__qualname__", None)
    if name is None or module.partition(".")[0] not in ("reftorch", "torch"):
        return None
    return "torch" + module[module.find("torch") + 5:], name


def find_torch_name(module, name):
    """The object of reftorch that PyTorch knows as `module.name`; ImportError or AttributeError when there is none."""
    found = _places().get((module, name))
    if found is not None:
        return found
    if module in _OP_PLACES.values():
        return getattr(T, name)
    if module == "torch.return_types":
        return lambda values, state: _core._find_results(name, values)
    found = importlib.import_module("reftorch" + module.removeprefix("torch"))
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise AttributeError(f"Can't get attribute {name!r} on {module!r}") from None
    return found


def is_storage_class(obj):
    """Whether a class is a storage class."""
    return isinstance(obj, type) and issubclass(obj, (TypedStorage, UntypedStorage))
