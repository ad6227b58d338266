"""The legacy tensor types: torch.FloatTensor and its like, classes of which every tensor of that dtype is an instance."""
import warnings

from .core import DTYPES, Tensor, _core
from .core._core import set_type_attribute
from .ops.from_data import legacy_tensor


class tensortype(type):
    """The class of legacy tensor types."""
    __module__ = "torch"

    def __instancecheck__(cls, value):
        return isinstance(value, Tensor) and value.dtype is cls.dtype

    def __call__(cls, *args, device=None):
        return legacy_tensor(*args, dtype=cls.dtype, device=device)

    def __repr__(cls):
        return f"<class 'torch.{cls.__name__}'>"


def _make(kind):
    return tensortype(kind.type_name + "Tensor", (), {"dtype": kind, "is_cuda": False, "is_sparse": False, "__module__": "torch",
                                                      "layout": _core.LAYOUTS["strided"]})


TYPES = {kind.type_name + "Tensor": _make(kind) for kind in DTYPES.values()
         if kind.name in ("uint8", "int8", "int16", "int32", "int64", "float16", "float32", "float64", "bool", "bfloat16")}
globals().update(TYPES)


def _dtype_of(name):
    """The dtype of a legacy type, by object or by its name with the module; None for anything else."""
    if isinstance(name, tensortype):
        return name.dtype
    if name is Tensor or name == "torch.Tensor":
        return _core.get_default_dtype()
    found = TYPES.get(name.removeprefix("torch.")) if isinstance(name, str) and name.startswith("torch.") else None
    return found and found.dtype


def _type(self, dtype=None, non_blocking=False):
    """The name of the tensor's legacy type, or the tensor in the dtype given by object, class or name."""
    if dtype is None:
        return f"torch.{self.dtype.type_name}Tensor"
    if isinstance(dtype, _core.dtype):
        return self.to(dtype)
    if not isinstance(dtype, (str, type)):
        raise TypeError("dtype must be a type, str, or dtype object")
    found = _dtype_of(dtype)
    if found is None:
        raise ValueError(f"invalid type: '{dtype if isinstance(dtype, str) else dtype.__name__}'")
    return self.to(found)


_type.__name__ = "type"
set_type_attribute(Tensor, "type", _type)


def _new(self, *args, device=None):
    """The legacy constructor in the tensor's dtype."""
    return legacy_tensor(*args, dtype=self.dtype, device=device)


set_type_attribute(Tensor, "new", _new)


def set_default_tensor_type(t, /):
    """Set the dtype that Python floats become, by its legacy type."""
    found = _dtype_of(t)
    if found is None:
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    warnings.warn("torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and torch.set_default_device() "
                  "as alternatives.", UserWarning, stacklevel=2)
    _core.set_default_dtype(found)
