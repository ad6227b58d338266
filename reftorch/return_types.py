"""The named tuples that ops with several results give: `torch.return_types.max`."""
from .core._core import find_result_type


def __getattr__(name):
    try:
        return find_result_type(name)
    except KeyError:
        raise AttributeError(f"module 'torch.return_types' has no attribute {name!r}") from None
