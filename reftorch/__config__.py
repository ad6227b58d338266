"""torch.__config__: what the build is made of."""
import platform

import numpy as np

from .core._core import get_num_threads


def show():
    """A few lines about the build."""
    return f"reftorch built with:\n  - NumPy {np.__version__}\n  - {platform.python_compiler()}\n  - no accelerator\n"


def parallel_info():
    """A few lines about threads."""
    return f"ATen/Parallel:\n\tat::get_num_threads() : {get_num_threads()}\n"
