"""Switches of the whole library: most are kept and told alone, for there is one way in which things are computed."""
import warnings

from .core import DTYPES
from .kernels import conv

_PRECISIONS = ("highest", "high", "medium")
_MODES = ("default", "warn", "error")
_state = {"precision": "highest", "debug": 0, "warn_always": False, "interop": 1}


def set_float32_matmul_precision(precision):
    """How float32 matrix products may be shortened; here they never are."""
    if precision not in _PRECISIONS:
        # torch: an unknown word warns and changes nothing
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium'; the current setMatMulPrecision call has no effect.", UserWarning,
                      stacklevel=2)
        return
    _state["precision"] = precision


def get_float32_matmul_precision():
    """The word that was set."""
    return _state["precision"]


def use_deterministic_algorithms(mode, *, warn_only=False):
    """Ask for results that repeat, which all here do; convolutions then take no algorithm that rounds more than a plain sum."""
    set_deterministic_debug_mode(0 if not mode else 1 if warn_only else 2)


def set_deterministic_debug_mode(debug_mode):
    """0 "default", 1 "warn" or 2 "error"."""
    if not isinstance(debug_mode, (int, str)):
        raise TypeError(f"debug_mode must be str or int, but got {type(debug_mode)}")
    if isinstance(debug_mode, str):
        if debug_mode not in _MODES:
            raise RuntimeError(f"invalid value of debug_mode, expected one of `default`, `warn`, `error`, but got {debug_mode}")
        debug_mode = _MODES.index(debug_mode)
    if debug_mode not in (0, 1, 2):
        raise RuntimeError(f"invalid value of debug_mode, expected 0, 1, or 2, but got {debug_mode}")
    _state["debug"] = debug_mode
    conv.set_winograd(careful=debug_mode > 0)


def get_deterministic_debug_mode():
    """0, 1 or 2 as set."""
    return _state["debug"]


def are_deterministic_algorithms_enabled():
    """Whether they were asked for."""
    return _state["debug"] > 0


def is_deterministic_algorithms_warn_only_enabled():
    """Whether others would only cause a warning."""
    return _state["debug"] == 1


def set_warn_always(b):
    """Whether warnings repeat."""
    _state["warn_always"] = b


def is_warn_always_enabled():
    """Whether warnings repeat."""
    return _state["warn_always"]


def set_num_interop_threads(n):
    """How many ops may run beside each other; here one does."""
    if n <= 0:
        raise RuntimeError("set_num_interop_threads expects a positive integer")
    _state["interop"] = n


def get_num_interop_threads():
    """As set, 1 before."""
    return _state["interop"]


def set_flush_denormal(mode):
    """False: numbers below the normal range are kept, which cannot be changed here."""
    return False


def is_autocast_enabled(device_type=None):
    """Never: there is no autocast."""
    return False


is_autocast_cpu_enabled = is_vulkan_available = is_autocast_enabled


def is_autocast_cache_enabled():
    """Kept on."""
    return True


def get_autocast_dtype(device_type):
    """The dtype that autocast would use."""
    return DTYPES["bfloat16" if device_type == "cpu" else "float16"]


def _assert(condition, message):
    """An assert statement as a function."""
    assert condition, message


def compiled_with_cxx11_abi():
    """As every PyTorch now."""
    return True
