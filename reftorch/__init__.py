"""PyTorch's API on the CPU, in a small package: public names, bound to PyTorch's namespaces; nothing else."""
from math import e, inf, nan, pi  # noqa: F401

from . import ops, printing, random, tensor_methods  # noqa: F401  (reading them defines and binds)
from ._lazy import lazy as _lazy
from .core import DTYPES, Size, Tensor, _core, device, dtype, layout, memory_format  # noqa: F401
from .core._core import (  # noqa: F401
    LAYOUTS,
    MEMORY_FORMATS,
    can_cast,
    get_default_dtype,
    get_num_threads,
    is_grad_enabled,
    is_inference_mode_enabled,
    promote_types,
    set_num_threads,
)
from .core.bind import bind as _bind
from .printing import set_printoptions  # noqa: F401
from .random import Generator, default_generator, get_rng_state, initial_seed, manual_seed, seed, set_rng_state  # noqa: F401
from .torch_version import TorchVersion

newaxis = None
__version__ = TorchVersion("2.13.0+reftorch")

for _d in DTYPES.values():
    globals()[_d.name] = _d
    if _d.alias:
        globals()[_d.alias] = _d
globals().update(LAYOUTS)
globals().update(MEMORY_FORMATS)
_core.install_operators()
_bind("torch", globals())

from . import functional, storage, tensor_types  # noqa: E402, F401
from .functional import (  # noqa: E402, F401
    atleast_1d,
    atleast_2d,
    atleast_3d,
    block_diag,
    broadcast_shapes,
    broadcast_tensors,
    cartesian_prod,
    chain_matmul,
    einsum,
    lu,
    meshgrid,
    split,
    tensordot,
)
from .storage import TypedStorage, UntypedStorage, is_storage  # noqa: E402, F401
from .tensor_types import set_default_tensor_type  # noqa: E402, F401
from .type_info import (  # noqa: E402, F401
    finfo,
    get_default_device,
    iinfo,
    is_tensor,
    set_default_device,
    set_default_dtype,
    typename,
)

globals().update(tensor_types.TYPES)
globals().update(storage.STORAGES)

from . import autograd, overrides, return_types, utils  # noqa: E402, F401  (these use the public names above)
from .autograd import enable_grad, inference_mode, no_grad, set_grad_enabled  # noqa: E402, F401

# ------------------------------------------------------------------ what ordinary programs may not need: imported when asked for
_MODULES = ("__config__", "accelerator", "amp", "backends", "compiler", "cpu", "cuda", "distributed", "distributions", "fft", "func", "futures", "hub",
            "jit", "linalg", "masked", "mps", "mtia", "nn", "optim", "profiler", "quasirandom", "serialization",
            "signal", "special", "testing", "version", "xpu")
_SETTINGS = ("_assert", "are_deterministic_algorithms_enabled", "compiled_with_cxx11_abi", "get_autocast_dtype",
             "get_deterministic_debug_mode", "get_float32_matmul_precision", "get_num_interop_threads",
             "is_autocast_cache_enabled", "is_autocast_cpu_enabled", "is_autocast_enabled",
             "is_deterministic_algorithms_warn_only_enabled", "is_vulkan_available", "is_warn_always_enabled",
             "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal", "set_num_interop_threads",
             "set_warn_always", "use_deterministic_algorithms")
_NAMES = {**dict.fromkeys(_SETTINGS, ".settings"), "GradScaler": ".amp", "OutOfMemoryError": ".cuda", "autocast": ".amp", "compile": ".compiler",
          "install_as_torch": "._alias", "load": ".serialization", "pca_lowrank": "._lowrank",
          **dict.fromkeys(("SymBool", "SymFloat", "SymInt", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min", "sym_not", "sym_sum"), ".symbolic"),
          "AcceleratorError": ".accelerator", "get_device_module": ".accelerator",
          "save": ".serialization", "svd_lowrank": "._lowrank", "unravel_index": ".functional", "vmap": ".func"}
__getattr__, __dir__ = _lazy(__name__, _MODULES, _NAMES)
