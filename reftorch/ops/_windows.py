"""Reductions over windows, dim by dim, for the pooling ops.

A dim is described by its taps: pairs (windows, elements) of indices such that every window meets each of its elements in one tap.
"""
import math

import numpy as np

from ..kernels import rows as kernel


def regular_taps(size, out, kernel, stride, padding, dilation):
    """Taps of equal windows `stride` apart: one a kernel element, leaving out what lies in the padding."""
    taps = []
    for k in range(kernel):
        shift = k * dilation - padding
        low = max(0, -(shift // stride))
        high = min(out, (size - 1 - shift) // stride + 1)
        if low < high:
            start = low * stride + shift
            taps.append((slice(low, high), slice(start, start + (high - low - 1) * stride + 1, stride)))
    return taps


def _at(axis, where):
    """An index for `axis`, counted from the back."""
    return (..., where, *(slice(None),) * (-axis - 1))


def _resized(shape, axis, out):
    return shape[:axis % len(shape)] + (out,) + shape[axis % len(shape) + 1:]


def sum_along(x, axis, taps, out):
    """Sums over windows of `axis`, counted from the back."""
    total = np.zeros(_resized(x.shape, axis, out), x.dtype)
    for windows, elements in taps:
        total[_at(axis, windows)] += x[_at(axis, elements)]
    return total


def _max_along(x, index, axis, taps, out):
    """Maxima over windows of `axis`, with the indices that came along; the last nan wins."""
    best = np.full(_resized(x.shape, axis, out), -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min, x.dtype)
    chosen = np.zeros(best.shape, np.int64)
    unset = np.ones((out,) + (1,) * (-axis - 1), bool)
    index = np.broadcast_to(index, x.shape)
    for windows, elements in taps:
        at, values = _at(axis, windows), x[_at(axis, elements)]
        larger = (values > best[at]) | (values != values) | unset[windows]
        best[at] = np.where(larger, values, best[at])
        chosen[at] = np.where(larger, index[_at(axis, elements)], chosen[at])
        unset[windows] = False
    return best, chosen


def max_along_all(x, taps, outs):
    """Maxima over the last len(outs) dims and their flat indices there; `taps(i)` describes the i-th of these dims."""
    n = len(outs)
    size = x.shape[x.ndim - n:]
    index = np.arange(math.prod(size), dtype=np.int64).reshape(size)
    for i in reversed(range(n)):
        x, index = _max_along(x, index, i - n, taps(i), outs[i])
    return x, index


def add_rows(total, rows, values):
    """total[rows[i]] += values[i] along the first dim; rows may repeat."""
    if kernel.add_rows(total, values, None, rows):
        return
    if values[:1].size < 32:
        np.add.at(total, rows, values)
        return
    for i, v in zip(rows.tolist(), values, strict=True):  # for long rows faster than NumPy's unbuffered add
        total[i] += v


def flat(a, n):
    """The last `n` dims as one."""
    return a.reshape(*a.shape[:a.ndim - n], math.prod(a.shape[a.ndim - n:]))
