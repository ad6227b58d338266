"""Indexing: `x[...]` and `x[...] = v`, and the ops behind them: index, index_put, masks, nonzero.

Ints, slices, None and `...` make a chain of views; tensors, masks and lists go to `index` and `index_put_` at the end of it.
"""
import operator
import warnings

import numpy as np

from ..core import DTYPES, T, Tensor, _core, composite, primitive
from ..core._core import from_array, is_grad_enabled, view_as_array
from ..core.errors import C_NAMES
from ._common import broadcast_shapes, number_array
from ._indexing import Plan, dtype_name, expanded_warning, fits, iteration_order, lay_out, put_into, writer

BOOL, BYTE = DTYPES["bool"], DTYPES["uint8"]
_BASIC = frozenset((int, slice, type(Ellipsis)))
_SEQUENCE_WARNING = ("Using a non-tuple sequence for multidimensional indexing is deprecated and will be changed in pytorch 2.9; use x[tuple(seq)] "
                     "instead of x[seq]. In pytorch 2.9 this will be interpreted as tensor index, x[torch.tensor(seq)], which will result either in "
                     "an error or a different result")


# ------------------------------------------------------------------ reading a key
def _invalid(key):
    kind = type(key)
    name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
    return IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got " + name + ")")


def _integer(key):
    """The value of anything that counts as one integer, or None."""
    if isinstance(key, (float, complex, np.bool_)) or not hasattr(type(key), "__index__"):
        return None
    return operator.index(key)


def _is_mask(t):
    return t.dtype is BOOL or t.dtype is BYTE


def _is_sequence(key):
    return isinstance(key, (list, tuple, str, bytes, range, np.ndarray)) or (hasattr(key, "__getitem__") and hasattr(key, "__len__")
                                                                             and not isinstance(key, (dict, Tensor)))


def _keys(key):
    """A key as a tuple of keys; a list that holds slices, sequences and the like counts as one (torch: with a warning)."""
    if type(key) is tuple:
        return key
    if isinstance(key, Tensor) or isinstance(key, np.ndarray) or not _is_sequence(key):
        return tuple(key) if isinstance(key, tuple) else (key,)
    if isinstance(key, tuple):
        return tuple(key)
    if len(key) < 32 and any(k is None or k is Ellipsis or isinstance(k, (slice, Tensor)) or _is_sequence(k) for k in key):
        warnings.warn(_SEQUENCE_WARNING, UserWarning, stacklevel=4)
        return tuple(key)
    return (key,)


def _sequence_index(key):
    """A list, range or array as an index tensor: bool and uint8 stay masks, numbers become int64."""
    if isinstance(key, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(key).__name__}'")
    if isinstance(key, np.ndarray):
        a = key
    else:
        a = _from_list(key)
    return from_array(a if a.dtype in (np.bool_, np.uint8) else a.astype(np.int64))


def _from_list(key):
    """Nested sequences as an array; errors are torch's."""
    def shape_of(v):
        if isinstance(v, (str, bytes)):
            raise TypeError(f"new(): invalid data type '{type(v).__name__}'")
        if isinstance(v, Tensor):
            return tuple(v.shape)
        if not _is_sequence(v):
            return ()
        return (len(v),) + (shape_of(v[0]) if len(v) else ())

    def flat(v, shape, depth=0):
        if len(shape) == depth:
            if isinstance(v, Tensor):
                v = v.item()
            if isinstance(v, (str, bytes)):
                raise TypeError(f"new(): invalid data type '{type(v).__name__}'")
            if not isinstance(v, (int, float, complex, np.number, np.bool_)):
                raise TypeError(f"new(): invalid data type '{type(v).__name__}'")
            return [v]
        if not _is_sequence(v) and not isinstance(v, Tensor):
            raise TypeError("not a sequence")
        if len(v) != shape[depth]:
            raise ValueError(f"expected sequence of length {shape[depth]} at dim {depth} (got {len(v)})")
        return [x for item in v for x in flat(item, shape, depth + 1)]

    shape = shape_of(key)
    values = flat(key, shape)
    if not values:
        return np.zeros(shape, np.int64)
    is_bool = all(isinstance(v, (bool, np.bool_)) for v in values)
    return np.array([v if is_bool else int(v) for v in values], np.bool_ if is_bool else np.int64).reshape(shape)


def _bound(v):
    """A slice bound as an int in the range of int64, or None."""
    if v is None or type(v) is int and -1 << 63 < v < 1 << 63:
        return v
    try:
        v = operator.index(v)
    except TypeError:
        if hasattr(type(v), "__index__"):
            raise
        raise TypeError("slice indices must be integers or None or have an __index__ method") from None
    return min(max(v, -(1 << 63)), (1 << 63) - 1)


def _slice(t, dim, key, whole):
    """`t` sliced along `dim`; itself when nothing is cut off, unless `whole` asks for a view even so."""
    start, stop, step = _bound(key.start) or 0, _bound(key.stop), 1 if key.step is None else _bound(key.step)
    if step == 0:
        raise ValueError("slice step cannot be zero")
    if step < 0:
        raise ValueError("step must be greater than zero")
    if t.dim() == 0:
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    n = t.size(dim)
    if start == 0 and (stop is None or stop >= n) and step == 1 and not whole:
        return t
    return T.slice(t, dim, start, n if stop is None else stop, step)


def _select(t, dim, i, real):
    """`t` at position `i` of `dim`; `real` is the number of the dim in errors (torch: that of the key)."""
    if t.dim() == 0 and i == 0:
        raise IndexError("invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a "
                         "number")
    if not -1 << 63 <= i < 1 << 63:
        raise ValueError("Overflow when unpacking long long")
    n = t.size(dim) if t.dim() else 0
    if not -n <= i < n:
        raise IndexError(f"index {i} is out of bounds for dimension {real} with size {n}")
    return T.select(t, dim, i)


def _specified(keys):
    """How many dims the keys take up."""
    count = 0
    for k in keys:
        if isinstance(k, Tensor):
            count += k.dim() if _is_mask(k) else 1
        elif not (k is None or k is Ellipsis or k is True or k is False):
            count += 1
    return count


def _apply(t, keys):
    """The views that ints, slices, None and `...` make of `t`, and the list of index tensors that remain."""
    ndim, indices, dim = t.dim(), {}, 0
    taken = _specified(keys)
    if taken > ndim:
        raise IndexError(f"too many indices for tensor of dimension {ndim}")
    keys = [_sequence_index(k) if _is_sequence(k) else k for k in keys]
    for i, k in enumerate(keys):
        kind = type(k)
        if kind is slice:
            t = _slice(t, dim, k, False)
            dim += 1
        elif k is None:
            t = T.unsqueeze(t, dim)
            dim += 1
        elif k is Ellipsis:
            dim += ndim - taken
        elif kind is bool or isinstance(k, Tensor) and k.dim() == 0 and _is_mask(k):
            t = T.unsqueeze(t, dim)
            indices[dim] = from_array(np.zeros(1 if k else 0, np.int64))
            dim += 1
        elif isinstance(k, Tensor):
            if k.dim() == 0 and not k.dtype.is_floating_point and not k.dtype.is_complex:
                t = _select(t, dim, k.item(), i)
            else:
                indices[dim] = k
                dim += k.dim() if _is_mask(k) else 1
        else:
            at = _integer(k)
            if at is None:
                raise _invalid(k)
            t = _select(t, dim, at, i)
    if not indices:
        return t, None
    found, d = [], 0
    while d <= max(indices):
        k = indices.get(d)
        found.append(k)
        d += k.dim() if k is not None and _is_mask(k) else 1
    return t, found


# ------------------------------------------------------------------ x[key], x[key] = value
def getitem(t, key):
    """`t[key]`."""
    kind = type(key)
    if not (is_grad_enabled() and t.requires_grad):
        fast = _numpy_view(t, key, kind)
        if fast is not None:
            return fast
    if kind is slice:
        return _slice(t, 0, key, True)
    if key is None:
        return T.unsqueeze(t, 0)
    if key is Ellipsis:
        return T.alias(t)
    if kind is int or isinstance(key, np.integer):
        return _select(t, 0, int(key), 0)
    made, indices = _apply(t, _keys(key))
    if indices is not None:
        return T.index(made, indices)
    return T.alias(t) if made is t else made


def _numpy_view(t, key, kind):
    """The whole chain of views in one step, when no one can see the steps: ints and slices without history."""
    if kind is tuple:
        for k in key:
            if type(k) not in _BASIC:
                return None
    elif kind is not int and kind is not slice:
        return None
    a = t._array
    try:
        view = a[(*key, ...) if kind is tuple and Ellipsis not in key else key if kind is tuple else (key, ...)]
    except (IndexError, TypeError, ValueError):
        return None                          # the long way raises torch's error
    if not view.size or min(view.strides, default=0) < 0:
        return None                          # NumPy has strides of its own for these
    return view_as_array(t, view)


def setitem(t, key, value):
    """`t[key] = value`."""
    if not isinstance(value, Tensor):
        value = _number_tensor(t, value)
    if key is False:
        return
    if key is Ellipsis:
        _copy_to(t, value)
        return
    if key is None or key is True:
        _copy_to(T.unsqueeze(t, 0), value)
        return
    if type(key) is slice and t.dim() == 0:
        _slice(t, 0, key, True)                  # raises
    if isinstance(key, (int, np.integer)):
        _copy_to(_select(t, 0, int(key), 0), value)
        return
    part, indices = _apply(t, _keys(key))
    if indices is None:
        _copy_to(part, value)
        return
    T.index_put_(part, indices, _without_leading_ones(value))


def _number_tensor(t, value):
    """The Python number that is assigned to parts of `t`, as a 0-dim tensor of its dtype."""
    if isinstance(value, (bool, int, np.integer)):
        value = int(value)
        if not -1 << 63 <= value < 1 << 63:
            raise ValueError("Overflow when unpacking long long")
    elif not isinstance(value, (float, complex)):
        kind = type(value)
        name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
        raise TypeError(f"can't assign a {name} to a torch.{t.dtype.type_name}Tensor")
    return from_array(number_array(value, t.dtype, loose_half=True))


def _without_leading_ones(value):
    shape = tuple(value.shape)
    skip = 0
    while skip < len(shape) and shape[skip] == 1:
        skip += 1
    return value.view(shape[skip:]) if skip else value


def _copy_to(part, value):
    if value.shape == part.shape:
        part.copy_(value)
    elif value.dim() == 0:
        part.fill_(value)
    else:
        part.copy_(_without_leading_ones(value).expand(part.shape))


_core.install(getitem=getitem, setitem=setitem)


# ------------------------------------------------------------------ index, index_put
def _index(self, indices):
    plan = Plan(self, indices)
    if 0 in plan.shape:
        return np.empty(plan.shape, self.dtype)
    try:
        if len(plan.index) == 1 and self.flags.c_contiguous and self.ndim:
            r = self.take(plan.index[0], axis=plan.where[0])
        else:
            r = plan.in_place(plan.front[tuple(plan.index)])
    except IndexError:
        raise plan.bad_index() from None
    if self.flags.c_contiguous and all(i.flags.c_contiguous for i in plan.index):
        return lay_out(np.asarray(r), range(len(plan.shape)))
    k = len(plan.new)
    steps = plan.front.strides[len(plan.where):]
    of_self = steps[:plan.at] + (0,) * k + steps[plan.at:]
    of_indices = [(0,) * plan.at + i.strides + (0,) * (len(steps) - plan.at) for i in plan.index]
    return lay_out(np.asarray(r), iteration_order(plan.shape, [of_self, *of_indices]))


primitive("index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", half=False, ns=None, jvp="linear",
          self=lambda grad, self_shape, indices: T.index_put(grad.new_zeros(self_shape), indices, grad, True))(_index)
primitive("_unsafe_index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", half=False, node="UnsafeIndexBackward0", jvp="linear",
          self=lambda grad, self_shape, indices: T._unsafe_index_put(grad.new_zeros(self_shape), indices, grad, True))(_index)


def _index_put(self, indices, values, accumulate):
    given = [i for i in indices if i is not None]
    if len(given) == 1 and given[0].dtype in (np.bool_, np.uint8) and values.size == 1 and not accumulate:
        # one number where a mask says
        mask, before = given[0], next(d for d, i in enumerate(indices) if i is not None)
        if mask.shape == self.shape[before:before + mask.ndim]:
            if mask.dtype == np.uint8:
                raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype unsigned char")
            after = self.ndim - before - mask.ndim
            np.copyto(self, values.astype(self.dtype).reshape(()), where=mask.reshape((1,) * before + mask.shape + (1,) * after))
            return self
    return put_into(self, indices, values, accumulate)


writer("index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor", order="K", inplace_ns="torch",
       self=lambda grad, indices, values, accumulate: grad if accumulate else T.index_put(grad, indices, values.new_zeros(values.shape)),
       values=lambda grad, indices: T.index(grad, indices))(_index_put)
T.index_put_.expanded = expanded_warning("index_put_", "tensor[indices] = tensor")
primitive("_unsafe_index_put(Tensor self, Tensor?[] indices, Tensor values, bool accumulate=False) -> Tensor", half=False, node="UnsafeIndexPutBackward0",
          self=lambda grad, indices, values, accumulate: grad if accumulate else T._unsafe_index_put(grad, indices, values.new_zeros(values.shape)),
          values=lambda grad, indices: T._unsafe_index(grad, indices))(
    lambda self, indices, values, accumulate: _index_put(self.copy(order="K"), indices, values, accumulate))


# ------------------------------------------------------------------ masks
def _masked_fill(self, mask, value):
    if mask.dtype != np.bool_:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {C_NAMES[mask.dtype.name]}")
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise RuntimeError(f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")
        value = value.item() if value.dtype.kind in "biufc" else float(value)
    if not fits(mask.shape, self.shape):
        _raise_inplace_shape(self.shape, mask.shape)
    np.copyto(self, number_array(value, from_array(self).dtype), where=mask)
    return self


def _raise_inplace_shape(shape, other):
    """torch's error when `other` does not broadcast to a receiver of `shape`."""
    wide = broadcast_shapes(shape, other)
    raise RuntimeError(f"output with shape {list(shape)} doesn't match the broadcast shape {list(wide)}")


_FILL = ("Scalar(Tensor self, Tensor mask, Scalar value) -> Tensor", "Tensor(Tensor self, Tensor mask, Tensor value) -> Tensor")
_FILL_RULES = dict(self=lambda grad, mask: grad.masked_fill(mask, 0), value=lambda grad, mask: T.where(mask, grad, 0).sum())
for _i in (1, 0):                            # Tensor before Scalar, as torch tries them
    primitive("masked_fill_." + _FILL[_i], make="method", half=False, ns=None, node=f"MaskedFillBackward{_i}",
              **({"self": _FILL_RULES["self"]} if _i == 0 else _FILL_RULES))(_masked_fill)


T.masked_fill_.expanded = expanded_warning("masked_fill_", "tensor[mask] = scalar")


def _masked_fill_copy(self, mask, value):
    # torch: the mask comes first in the error, unlike in place
    shape = broadcast_shapes(mask.shape, self.shape)
    return _masked_fill(np.array(np.broadcast_to(self, shape), order="K" if shape == self.shape and self.flags.c_contiguous else "C"), mask, value)


for _i in (1, 0):
    primitive("masked_fill." + _FILL[_i], make="method out", half=False, node=f"MaskedFillBackward{_i}",
              **({"self": _FILL_RULES["self"]} if _i == 0 else _FILL_RULES))(_masked_fill_copy)


def _as_mask(self, mask, text):
    if mask.dtype != np.bool_:
        raise RuntimeError(text)
    shape = broadcast_shapes(mask.shape, self.shape)
    return np.broadcast_to(mask, shape), shape


@primitive("masked_select(Tensor self, Tensor mask) -> Tensor", make="method out", half=False, jvp="linear",
           self=lambda grad, self_shape, mask: T.masked_select_backward(grad, self_shape, mask))
def masked_select(self, mask):
    """The elements where `mask` is true, in row-major order."""
    mask, shape = _as_mask(self, mask, "masked_select: expected BoolTensor for mask")
    return np.broadcast_to(self, shape)[mask]


masked_select.apart = True
masked_select.wrong_out = "masked_select(): self and result must have the same scalar type"


@composite("masked_select_backward(Tensor grad, SymInt[] shape, Tensor mask) -> Tensor", ns=None)
def masked_select_backward(grad, shape, mask):
    """Zeros with `grad` where `mask` is true, summed to `shape`."""
    wide = broadcast_shapes(shape, mask.shape)
    return grad.new_zeros(wide).masked_scatter(mask, grad).sum_to_size(tuple(shape))


def _masked_scatter(self, mask, source):
    if self.dtype != source.dtype:
        raise RuntimeError(f"masked_scatter: expected self and source to have same dtypes but got{dtype_name(self)} and {dtype_name(source)}")
    if mask.dtype != np.bool_:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {dtype_name(mask)}")
    mask = np.broadcast_to(mask, self.shape)
    n = np.count_nonzero(mask)
    if n > source.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    self[mask] = source.reshape(-1)[:n]
    return self


_SCATTER_RULES = dict(self=lambda grad, mask: grad.masked_fill(mask, 0),
                      source=lambda grad, mask, source_shape: T.masked_scatter_backward(grad, mask, source_shape))


@primitive("masked_scatter_(Tensor self, Tensor mask, Tensor source) -> Tensor", make="method", half=False, ns=None, **_SCATTER_RULES)
def masked_scatter_(self, mask, source):
    """`masked_scatter` in place."""
    if not fits(mask.shape, self.shape):
        from_array(mask).expand(self.shape)              # raises torch's error
    return _masked_scatter(self, mask, source)


@primitive("masked_scatter(Tensor self, Tensor mask, Tensor source) -> Tensor",
           shown="| mask, tensor", make="method out", half=False, **_SCATTER_RULES)
def masked_scatter(self, mask, source):
    """`self` with the elements where `mask` is true taken from `source`, in order."""
    return _masked_scatter(np.array(np.broadcast_to(self, broadcast_shapes(mask.shape, self.shape)), order="C"), mask, source)


@primitive("masked_scatter_backward(Tensor grad_output, Tensor mask, SymInt[] sizes) -> Tensor", half=False, ns=None,
           grad_output=lambda grad, grad_output, mask: grad_output.new_zeros(grad_output.shape).masked_scatter(mask, grad))
def masked_scatter_backward(grad_output, mask, sizes):
    """The gradients where `mask` is true, in the shape of the source; zeros for what was left over."""
    out = np.zeros(sizes, grad_output.dtype)
    picked = grad_output[np.broadcast_to(mask, grad_output.shape)]
    out.reshape(-1)[:picked.size] = picked
    return out


# ------------------------------------------------------------------ where elements are
@primitive("nonzero(Tensor self) -> Tensor", make="method out", half=False, nograd=True)
def nonzero(self):
    """Positions of the nonzero elements, (n, ndim), stored by columns."""
    if self.ndim == 0:
        return np.empty((int(self != 0), 0), np.int64)
    return np.array(self.nonzero(), np.int64).T


@composite("nonzero.numpy(Tensor self, *, bool as_tuple) -> Tensor[]", make="method out")
def nonzero_numpy(self, as_tuple):
    """`nonzero`, a tensor a dim when `as_tuple`."""
    found = T.nonzero(self if self.dim() or not as_tuple else self.unsqueeze(0))
    return found.unbind(1) if as_tuple else found


@composite("argwhere(Tensor self) -> Tensor", make="method")
def argwhere(self):
    """Positions of the nonzero elements, (n, ndim)."""
    return T.nonzero(self)


@primitive("nonzero_static(Tensor self, *, SymInt size, int fill_value=-1) -> Tensor",
           shown="input, *, size, fill_value=-1", make="method out", half=False, nograd=True)
def nonzero_static(self, size, fill_value):
    """The first `size` rows of `nonzero`, filled up with `fill_value`."""
    if size < 0:
        raise RuntimeError("nonzero_static: 'size' must be an non-negative integer")
    out = np.full((size, self.ndim), fill_value, np.int64)
    found = np.stack(self.nonzero(), 1)[:size] if self.ndim else out
    out[:len(found)] = found
    return out
