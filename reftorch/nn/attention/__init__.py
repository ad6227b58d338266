"""Choosing how scaled dot-product attention is computed."""
import contextlib
from enum import Enum

from ...ops.attention import KERNELS
from . import bias  # noqa: F401

WARN_FOR_UNFUSED_KERNELS = False


class SDPBackend(Enum):
    """The kernels of PyTorch; on the CPU there are MATH and FLASH_ATTENTION."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4

    def __int__(self):
        return self.value

    def __repr__(self):
        return f"<SDPBackend.{self.name}: {self.value}>"


_SWITCHES = {SDPBackend.CUDNN_ATTENTION: "cudnn", SDPBackend.FLASH_ATTENTION: "flash", SDPBackend.EFFICIENT_ATTENTION: "mem_efficient",
             SDPBackend.MATH: "math", SDPBackend.OVERRIDEABLE: "overrideable"}
_priority = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH, SDPBackend.CUDNN_ATTENTION, SDPBackend.OVERRIDEABLE]


def _cur_sdpa_kernel_backends(with_priority=False):
    """The kernels that may be used now."""
    return [backend for backend in (_priority if with_priority else _SWITCHES) if KERNELS[_SWITCHES[backend]]]


@contextlib.contextmanager
def sdpa_kernel(backends, set_priority=False):
    """Within the block only these kernels may be used; with `set_priority` in the order given."""
    global _priority
    if not isinstance(backends, (list, SDPBackend)):
        raise AssertionError(f"Backend must be an instance of SDPBackend or a list of SDPBackend instances, got {type(backends).__name__}")
    wanted = list(dict.fromkeys([backends] if isinstance(backends, SDPBackend) else backends))
    before, order = dict(KERNELS), _priority
    KERNELS.update({name: backend in wanted for backend, name in _SWITCHES.items()})
    if set_priority:
        _priority = wanted + [b for b in order if b not in wanted]
    try:
        yield {}
    finally:
        KERNELS.update(before)
        _priority = order
