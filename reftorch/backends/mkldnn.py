"""torch.backends.mkldnn: not linked."""
from ._switches import absent as is_available  # noqa: F401
from ._switches import flags_of

enabled = True
deterministic = False

flags = flags_of(globals())
