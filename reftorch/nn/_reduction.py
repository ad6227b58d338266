"""The `reduction` argument of losses, and the two flags that came before it."""
import warnings

_ENUM = {"none": 0, "mean": 1, "elementwise_mean": 1, "sum": 2}


def get_enum(reduction):
    """0 (none), 1 (mean) or 2 (sum)."""
    if reduction not in _ENUM:
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if reduction == "elementwise_mean":
        warnings.warn("reduction='elementwise_mean' is deprecated. Please use reduction='mean' instead.", stacklevel=2)
    return _ENUM[reduction]


def legacy_get_string(size_average, reduce, emit_warning=True):
    """`reduction` for the old flags."""
    size_average, reduce = (True if flag is None else flag for flag in (size_average, reduce))
    name = "mean" if size_average and reduce else "sum" if reduce else "none"
    if emit_warning:
        warnings.warn(f"size_average and reduce args will be deprecated, please use reduction='{name}' instead.", stacklevel=2)
    return name


def legacy_get_enum(size_average, reduce, emit_warning=True):
    """0, 1 or 2 for the old flags."""
    return get_enum(legacy_get_string(size_average, reduce, emit_warning))
