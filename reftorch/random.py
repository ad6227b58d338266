"""Generators, and the default one: PyTorch's `torch.random`.

Ops draw from here, so this module stands below them: it knows the core and the kernels alone.
"""

import contextlib
import os

import numpy as np

from .core import _core
from .kernels import random as kernel

__all__ = [
    "set_rng_state", "get_rng_state", "manual_seed", "seed", "initial_seed", "fork_rng", "thread_safe_generator",
]  # fmt: skip


class Generator(kernel.Generator):
    """A stream of random numbers (MT19937), equal to PyTorch's of the same seed."""

    __slots__ = ()
    __module__ = "reftorch"

    def __init__(self, device=None):
        device = _core.device("cpu" if device is None else device)
        if device.type != "cpu":
            raise RuntimeError(f"reftorch has no generator for device type {device.type!r}: it runs on the CPU alone")

    @property
    def device(self):
        """Where the generator lives: the CPU."""
        return _core.device("cpu")

    def manual_seed(self, seed, /):
        """Start the stream of `seed` (-2^63 ... 2^64 - 1); gives the generator."""
        if isinstance(seed, np.integer):
            raise TypeError("an integer is required")  # torch: NumPy's integers pass the check and fail the conversion
        if not isinstance(seed, int) or isinstance(seed, bool):
            raise RuntimeError(f"manual_seed expected a long, but got {type(seed).__name__}")
        if not -(1 << 63) <= seed < 1 << 64:
            raise ValueError("Overflow when unpacking long long")
        self.reseed(seed & 0xFFFFFFFFFFFFFFFF)
        return self

    def seed(self):
        """Start a stream that cannot be foreseen; gives its seed."""
        seed = int.from_bytes(os.urandom(8), "little") >> 11  # torch: 53 bits
        self.reseed(seed)
        return seed

    def get_state(self):
        """The state of the stream as a uint8 tensor of 5056 elements."""
        return _core.from_array(self.state_bytes())

    def set_state(self, new_state, /):
        """Take over a state that `get_state` gave, here or in PyTorch; gives the generator."""
        if not isinstance(new_state, _core.Tensor):
            raise TypeError(f"expected a torch.ByteTensor, but got {type(new_state).__name__}")
        state = new_state.numpy()
        if state.dtype != np.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        if not state.flags.c_contiguous:
            raise RuntimeError("RNG state must be contiguous")
        if state.size != kernel.STATE_SIZE:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size {kernel.STATE_SIZE} but found the input RNG state size to be {state.size}"
            )
        if not self.set_state_bytes(state.ravel()):
            raise RuntimeError("Invalid mt19937 state")
        return self

    def clone_state(self):
        """Another generator at the same place of the same stream."""
        clone = Generator()
        clone.set_state_bytes(self.state_bytes())
        return clone

    def get_offset(self):
        """Refused, as in PyTorch: only GPU streams have an offset."""
        raise RuntimeError("CPU Generator does not use offset")

    def set_offset(self, offset, /):
        """Refused, as in PyTorch: only GPU streams have an offset."""
        raise RuntimeError("CPU Generator does not use offset")

    def __repr__(self):
        return f"<torch._C.Generator object at {hex(id(self))}>"

    def __reduce__(self):
        return Generator, (self.device,), (self.initial_seed(), None, self.get_state())

    def __setstate__(self, state):
        self.set_state(state[2])


_core.install(generator_type=Generator)
default_generator = Generator()
default_generator.seed()


def manual_seed(seed):
    """Start the default generator's stream of `seed`; gives that generator."""
    return default_generator.manual_seed(int(seed))


def seed():
    """Start an unforeseeable stream of the default generator; gives its seed."""
    return default_generator.seed()


def initial_seed():
    """The seed the default generator was started with."""
    return default_generator.initial_seed()


def get_rng_state():
    """The state of the default generator, a uint8 tensor."""
    return default_generator.get_state()


def set_rng_state(new_state):
    """Put the default generator into a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices=None, enabled=True, _caller="fork_rng", _devices_kw="devices", device_type=None):
    """Within the block, draws leave no trace: the default generator's state is put back at its end."""
    if device_type is not None:
        _core.device(device_type)  # its error for a type that does not exist
    if not enabled or device_type == "meta":
        yield
        return
    if devices:
        raise AssertionError("Torch not compiled with CUDA enabled")
    state = default_generator.state_bytes()
    try:
        yield
    finally:
        default_generator.set_state_bytes(state)


def thread_safe_generator():
    """The generator of the data loader's worker thread that runs this; None (the default generator) elsewhere."""
    from .utils.data import get_worker_info

    info = get_worker_info()
    if getattr(info, "worker_method", None) == "thread" and info.rng is not None:
        return info.rng.torch_generator
    return None
