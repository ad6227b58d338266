"""Keyword arguments with which modules make their parameters."""

_KEYS = ("device", "dtype", "memory_format")


def factory_kwargs(kwargs):
    """`device`, `dtype` and `memory_format` out of a constructor's keywords, given plainly or as a dict `factory_kwargs`."""
    if kwargs is None:
        return {}
    unexpected = kwargs.keys() - {*_KEYS, "factory_kwargs"}
    if unexpected:
        raise TypeError(f"unexpected kwargs {unexpected}")
    found = dict(kwargs.get("factory_kwargs", {}))
    for key in _KEYS:
        if key in kwargs:
            if key in found:
                raise TypeError(f"{key} specified twice, in **kwargs and in factory_kwargs")
            found[key] = kwargs[key]
    return found
