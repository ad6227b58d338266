"""Mixed precision: `autocast` as far as a CPU without it goes, and gradient scaling."""
from .autocast_mode import autocast, custom_bwd, custom_fwd, is_autocast_available  # noqa: F401
from .grad_scaler import GradScaler  # noqa: F401
