"""Reductions over stretches of one axis that have lengths of their own."""
import numpy as np

from ..core import T, primitive
from ._common import not_implemented, refuse

#: loop, value of an empty stretch; a mean of nothing is nan
_KINDS = {"sum": (np.add, 0), "mean": (np.add, 0), "max": (np.maximum, -np.inf), "amax": (np.maximum, -np.inf), "min": (np.minimum, np.inf),
          "amin": (np.minimum, np.inf), "prod": (np.multiply, 1)}


def _counts(data, lengths, offsets, axis, unsafe):
    """How many elements each stretch has, [*outer, stretches]."""
    if lengths is None and offsets is None:
        raise RuntimeError("segment_reduce(): Either lengths or offsets must be defined.")
    given, name = (lengths, "lengths") if lengths is not None else (offsets, "offsets")
    if axis != given.ndim - 1:
        raise RuntimeError(f"segment_reduce(): Expected axis to be the last dimension of {name} but got {axis}.")
    counts = given if lengths is not None else np.diff(given, axis=-1)
    if not unsafe and lengths is not None:
        if counts.min(initial=0) < 0:
            raise RuntimeError("lengths contains negative value!")
        if (counts.sum(-1) != data.shape[axis]).any():
            raise RuntimeError("segment_reduce(): Expected all rows of lengths along axis to sum to data.size(lengths.dim()-1) when !unsafe.")
    return counts


def _places(data, counts, offsets, axis):
    """(rows, stretch of each row): which rows of [outer * n, *inner] count, and for which of all stretches."""
    n, per_row = data.shape[axis], counts.reshape(-1, counts.shape[-1])
    stretch = np.repeat(np.arange(per_row.size), per_row.ravel())
    first = np.cumsum(per_row, -1) - per_row + (0 if offsets is None else offsets.reshape(len(per_row), -1)[:, :1])
    start = (first + np.arange(len(per_row))[:, None] * n).ravel()
    within = np.arange(stretch.size) - np.repeat(np.cumsum(per_row.ravel()) - per_row.ravel(), per_row.ravel())
    return start[stretch] + within, stretch


def _by_row(a, axis):
    """[*outer, n, *inner] as [outer * n, *inner]."""
    return a.reshape(-1, *a.shape[axis + 1:])


def _column(counts, a):
    """Counts shaped so that they broadcast against [stretches, *inner]."""
    return counts.reshape(-1, *(1,) * (a.ndim - 1))


@primitive("segment_reduce(Tensor data, str reduce, *, Tensor? lengths=None, Tensor? indices=None, Tensor? offsets=None, int axis=0, "
           "bool unsafe=False, Scalar? initial=None) -> Tensor", half=False,
           data=lambda grad, result, data, reduce, lengths, offsets, axis, initial: T._segment_reduce_backward(
               grad, result, data, reduce, lengths=lengths, offsets=offsets, axis=axis, initial=initial))
def segment_reduce(data, reduce, lengths, indices, offsets, axis, unsafe, initial):
    """Sum, mean, max, min or prod of each stretch: data [*outer, n, *inner], lengths [*outer, s] -> [*outer, s, *inner]."""
    if reduce not in _KINDS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    if indices is not None:
        raise RuntimeError("segment_reduce(): indices based reduction is not supported yet.")
    counts = _counts(data, lengths, offsets, axis, unsafe)
    if data.dtype.kind not in "fV":
        refuse("_segment_reduce_cpu", data)
    loop, empty = _KINDS[reduce]
    rows, stretch = _places(data, counts, offsets, axis)
    result = np.full((counts.size, *data.shape[axis + 1:]), empty if initial is None else initial, data.dtype)
    loop.at(result, stretch, _by_row(data, axis)[rows])
    if reduce == "mean":
        n = _column(counts, result)
        result = np.where((n == 0) & (initial is not None), result, (result / n).astype(data.dtype))
    return result.reshape(*counts.shape, *data.shape[axis + 1:])


@primitive("_segment_reduce_backward(Tensor grad, Tensor output, Tensor data, str reduce, *, Tensor? lengths=None, Tensor? offsets=None, int axis=0, "
           "Scalar? initial=None) -> Tensor", ns=None, half=False, grad=not_implemented("aten::_segment_reduce_backward"))
def _segment_reduce_backward(grad, output, data, reduce, lengths, offsets, axis, initial):
    """Each stretch's gradient to its elements; equal extremes share it."""
    counts = _counts(data, lengths, offsets, axis, True)
    rows, stretch = _places(data, counts, offsets, axis)
    values = _by_row(data, axis)
    grad, output = grad.reshape(counts.size, *values.shape[1:]), output.reshape(counts.size, *values.shape[1:])
    mine, upstream = values[rows], grad[stretch]
    if reduce == "mean":
        upstream = upstream / _column(counts, grad)[stretch].astype(grad.dtype)
    elif reduce == "prod":
        upstream = upstream * _product_of_others(mine, stretch, output, 1 if initial is None else initial)
    elif reduce != "sum":
        chosen = (mine == output[stretch]) | np.isnan(mine)
        share = np.zeros_like(grad)
        np.add.at(share, stretch, chosen.astype(grad.dtype))
        upstream = np.where(chosen, upstream / share[stretch], 0)
    made = np.zeros_like(values)
    made[rows] = upstream
    return made.reshape(data.shape)


def _product_of_others(mine, stretch, output, initial):
    """The product of a stretch without one of its elements, which may be zero or nan."""
    got = output[stretch] / mine
    for i in zip(*np.nonzero((mine == 0) | np.isnan(mine)), strict=True):
        others = stretch == stretch[i[0]]
        others[i[0]] = False
        got[i] = np.multiply.reduce(mine[(others, *i[1:])], initial=initial)
    return got
