"""torch.version: which PyTorch is followed, and that no accelerator is built in."""
from . import __version__  # noqa: F401

debug = False
cuda = hip = xpu = rocm = None
git_version = "reftorch"
