"""torch.backends.mps: no such device."""
from ._switches import absent as is_available  # noqa: F401
from ._switches import absent as is_built  # noqa: F401
