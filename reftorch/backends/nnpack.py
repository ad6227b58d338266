"""torch.backends.nnpack: not linked."""
from ._switches import absent as is_available  # noqa: F401
