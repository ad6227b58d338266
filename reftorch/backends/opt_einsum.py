"""torch.backends.opt_einsum: einsum takes its operands in the order given."""
from ._switches import absent as is_available  # noqa: F401

enabled = False
strategy = None
