"""Samples to batches: what can become a tensor does, containers keep their form."""
import collections.abc
import copy

import numpy as np

import reftorch as torch

default_collate_err_msg_format = "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; found {}"


def _rebuilt(like, values):
    """Values in a container of the type of `like` (a mapping or a sequence), or in a plain one when that type cannot be filled."""
    mapping = isinstance(like, collections.abc.Mapping)
    try:
        if mapping and isinstance(like, collections.abc.MutableMapping):
            clone = copy.copy(like)
            clone.update(values)
            return clone
        if not mapping and isinstance(like, collections.abc.MutableSequence):
            clone = copy.copy(like)
            clone[:] = values
            return clone
        return type(like)(values)
    except TypeError:                # the constructor takes no iterable, as range's
        return dict(values) if mapping else list(values)


def default_convert(data):
    """NumPy arrays and scalars become tensors, at any depth of mappings and sequences; the rest stays."""
    if isinstance(data, torch.Tensor):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        if isinstance(data, np.ndarray) and data.dtype.kind in "SUaO":
            return data
        return torch.as_tensor(data) if not isinstance(data, (str, bytes)) else data
    if isinstance(data, collections.abc.Mapping):
        return _rebuilt(data, {key: default_convert(data[key]) for key in data})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*(default_convert(d) for d in data))
    if isinstance(data, tuple):
        return [default_convert(d) for d in data]
    if isinstance(data, collections.abc.Sequence) and not isinstance(data, (str, bytes)):
        return _rebuilt(data, [default_convert(d) for d in data])
    return data


def collate(batch, *, collate_fn_map=None):
    """One batch of a list of samples; `collate_fn_map` has a function for each type of element, the rest are containers."""
    def inner(samples):
        return collate(samples, collate_fn_map=collate_fn_map)

    elem, table = batch[0], collate_fn_map or {}
    kind = type(elem)
    found = table.get(kind) or next((fn for types, fn in table.items() if isinstance(elem, types)), None)
    if found is not None:
        return found(batch, collate_fn_map=collate_fn_map)
    if isinstance(elem, collections.abc.Mapping):
        return _rebuilt(elem, {key: inner([d[key] for d in batch]) for key in elem})
    if isinstance(elem, tuple) and hasattr(elem, "_fields"):
        return kind(*map(inner, zip(*batch, strict=False)))
    if isinstance(elem, collections.abc.Sequence):
        if any(len(one) != len(elem) for one in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [inner(samples) for samples in zip(*batch, strict=False)]
        return columns if isinstance(elem, tuple) else _rebuilt(elem, columns)      # torch: tuples become lists
    raise TypeError(default_collate_err_msg_format.format(kind))


def collate_tensor_fn(batch, *, collate_fn_map=None):
    """Tensors of one shape, stacked."""
    return torch.stack(batch, 0)


def collate_numpy_array_fn(batch, *, collate_fn_map=None):
    """NumPy arrays of one shape, stacked to a tensor."""
    if batch[0].dtype.kind in "SUaO":
        raise TypeError(default_collate_err_msg_format.format(batch[0].dtype))
    return collate([torch.as_tensor(b) for b in batch], collate_fn_map=collate_fn_map)


def collate_numpy_scalar_fn(batch, *, collate_fn_map=None):
    """NumPy scalars as a tensor."""
    return torch.as_tensor(batch)


def collate_float_fn(batch, *, collate_fn_map=None):
    """Floats as a float64 tensor."""
    return torch.tensor(batch, dtype=torch.float64)


def collate_int_fn(batch, *, collate_fn_map=None):
    """Ints as a tensor."""
    return torch.tensor(batch)


def collate_str_fn(batch, *, collate_fn_map=None):
    """Strings stay a list."""
    return batch


default_collate_fn_map = {torch.Tensor: collate_tensor_fn, np.ndarray: collate_numpy_array_fn,
                          (np.bool_, np.number, np.object_): collate_numpy_scalar_fn, float: collate_float_fn, int: collate_int_fn,
                          str: collate_str_fn, bytes: collate_str_fn}


def default_collate(batch):
    """The loader's own `collate_fn`: tensors, arrays and numbers are stacked, containers collated member by member."""
    return collate(batch, collate_fn_map=default_collate_fn_map)
