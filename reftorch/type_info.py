"""Facts about types: finfo, iinfo, defaults, names."""
import numpy as np

from .core import DTYPES, Tensor, _core, device, dtype


def _numpy_info(kind):
    if kind.name in ("float16", "float32", "float64"):
        return np.finfo(kind.numpy)
    import ml_dtypes
    return ml_dtypes.finfo(kind.numpy)


class _Info:
    """What finfo and iinfo share: the attributes that their text lists."""
    _shown = ()

    def _check(self, type):
        if not isinstance(type, dtype):
            name = self.__class__.__name__
            raise TypeError(f"{name}(): argument 'type' (position 1) must be torch.dtype, not {type.__class__.__name__}")

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n):g}' for n in self._shown)}, dtype={self.dtype})"

    def __eq__(self, other):
        return type(self) is type(other) and self.dtype == other.dtype

    __hash__ = None


class finfo(_Info):
    """Limits of a floating-point dtype; of a complex one, those of its parts."""
    _shown = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")

    def __init__(self, type=None):
        type = _core.get_default_dtype() if type is None else type
        self._check(type)
        if not (type.is_floating_point or type.is_complex):
            # torch: the message names the class, not the argument
            raise TypeError("torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'")
        type = type.to_real()
        info = _numpy_info(type)
        self.bits, self.dtype = type.itemsize * 8, type.name
        self.eps, self.max, self.min = float(info.eps), float(info.max), float(info.min)
        self.smallest_normal = self.tiny = float(info.smallest_normal)
        self.resolution = 10.0 ** -int(-np.log10(self.eps))


class iinfo(_Info):
    """Limits of an integer dtype."""
    _shown = ("min", "max")

    def __init__(self, type):
        self._check(type)
        if type.is_floating_point or type.is_complex:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        if type is DTYPES["bool"]:
            raise TypeError("torch.bool is not supported by torch.iinfo")
        info = np.iinfo(type.numpy)
        self.bits, self.dtype, self.min, self.max = info.bits, type.name, int(info.min), int(info.max)


def set_default_dtype(d):
    """Set the dtype that Python floats become."""
    if not isinstance(d, dtype):
        raise TypeError("invalid dtype object: only floating-point types are supported as the default type")
    _core.set_default_dtype(d)


def get_default_device():
    """Where new tensors live: always the CPU."""
    return device("cpu")


def set_default_device(device):
    """Accepts the CPU, and None for it."""
    if device is not None and _core.device(device).type != "cpu":
        raise NotImplementedError(f"reftorch runs on the CPU alone, not on {device}")


def is_tensor(obj, /):
    """Whether an object is a Tensor."""
    return isinstance(obj, Tensor)


def typename(obj, /):
    """The name of a tensor's legacy type, or of an object's class, with its module."""
    if isinstance(obj, Tensor):
        return obj.type()
    module = getattr(obj, "__module__", "") or ""
    name = getattr(obj, "__qualname__", "") if hasattr(obj, "__qualname__") else ""
    if not name:
        name, module = type(obj).__qualname__, type(obj).__module__ or ""
    return name if module in ("", "builtins") else f"{module}.{name}"
