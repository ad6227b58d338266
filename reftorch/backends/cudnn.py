"""torch.backends.cudnn: switches that programs set."""
from ._switches import absent as is_available  # noqa: F401
from ._switches import flags_of
from ._switches import no_version as version  # noqa: F401

enabled = allow_tf32 = True
benchmark = deterministic = False
benchmark_limit = None

flags = flags_of(globals())
