"""Index arithmetic on arrays: masks to positions, where the indexed dims go, in which order results lie in memory."""
import functools
import warnings

import numpy as np

from ..core import primitive
from ..core._core import dtype_of_array, restride
from ..kernels import index as kernel


def expanded_warning(name, form):
    """What torch says where `name` writes to elements that share memory."""
    return (f"Use of {name} on expanded tensors is deprecated. Please clone() the tensor before performing this operation. This also applies to "
            f"advanced indexing e.g. {form}")


def expand_masks(shape, indices):
    """One position array or None for each dim of `shape`; bool and uint8 masks become positions in as many dims as they have."""
    found = []
    for index in indices:
        if index is None:
            found.append(None)
        elif index.dtype == np.bool_ or index.dtype == np.uint8:
            if index.dtype == np.uint8:
                warnings.warn("indexing with dtype torch.uint8 is now deprecated, please use a dtype torch.bool instead.", UserWarning, stacklevel=3)
            first = len(found)
            if first + index.ndim > len(shape):
                raise IndexError(f"too many indices for tensor of dimension {len(shape)}")
            for d in range(index.ndim):
                if index.shape[d] != shape[first + d]:
                    raise IndexError(f"The shape of the mask {list(index.shape)} at index {d} does not match the shape of the indexed tensor "
                                     f"{list(shape)} at index {first + d}")
            found.extend(index.nonzero())
        elif index.dtype == np.int64 or index.dtype == np.int32:
            found.append(index)
        else:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if len(found) > len(shape):
        raise IndexError(f"too many indices for tensor of dimension {len(shape)} (got {len(found)})")
    return found + [None] * (len(shape) - len(found))


class Plan:
    """An advanced index, sorted out: `a` with the indexed dims in front, the positions, and the place of the new dims in the result.

    front    a view of `a`: indexed dims, then the others          where    the indexed dims of `a`
    index    int64 arrays, broadcast together                      at       where the new dims go: in place of the old when these
    shape    of the result                                                  are neighbours, else in front
    """

    def __init__(self, a, indices):
        indices = expand_masks(a.shape, indices)
        self.where = [d for d, i in enumerate(indices) if i is not None]
        if not self.where:
            raise IndexError("at least one index must be provided")
        self.index = [indices[d] for d in self.where]
        if len(self.index) > 1:
            try:
                self.index = np.broadcast_arrays(*self.index)
            except ValueError:
                raise IndexError("shape mismatch: indexing tensors could not be broadcast together with shapes "
                                 + ", ".join(str(list(i.shape)) for i in self.index)) from None
        rest = [d for d in range(a.ndim) if d not in self.where]
        adjacent = self.where[-1] - self.where[0] == len(self.where) - 1
        self.at = self.where[0] if adjacent else 0
        self.front = a if self.where[-1] == len(self.where) - 1 else a.transpose(self.where + rest)
        self.new = self.index[0].shape
        others = self.front.shape[len(self.where):]
        self.shape = others[:self.at] + self.new + others[self.at:]
        if all(self.new) and 0 in self.front.shape[:len(self.where)]:
            raise IndexError("index is out of bounds for dimension with size 0")

    def in_place(self, r):
        """Move the new dims, which stand in front, to where they belong."""
        k = len(self.new)
        order = list(range(k, k + self.at)) + list(range(k)) + list(range(k + self.at, r.ndim))
        return r.transpose(order) if self.at else r

    def in_front(self, r):
        """Move the new dims to the front."""
        k = len(self.new)
        order = list(range(self.at, self.at + k)) + list(range(self.at)) + list(range(self.at + k, r.ndim))
        return r.transpose(order) if self.at else r

    def bad_index(self):
        """The IndexError for the first position that is out of range."""
        for d, index in enumerate(self.index):
            n = self.front.shape[d]
            bad = index[(index < -n) | (index >= n)]
            if bad.size:
                return IndexError(f"index {bad.flat[0]} is out of bounds for dimension {d} with size {n}" if n else
                                  "index is out of bounds for dimension with size 0")
        return IndexError("index is out of bounds")

    def offsets(self):
        """Positions as distances in bytes from the first element, of the result's rank, with the new dims in front."""
        total = 0
        for d, index in enumerate(self.index):
            n = self.front.shape[d]
            if index.size and (index.min() < -n or index.max() >= n):
                raise self.bad_index()
            total = total + np.where(index < 0, index + n, index).astype(np.int64) * self.front.strides[d]
        return total


def iteration_order(shape, strides):
    """Dims from slowest to fastest, as torch orders them for a loop over operands with these strides; 0 says nothing about a dim."""
    perm = list(range(len(shape) - 1, -1, -1))

    def compare(a, b):
        for s in strides:
            if s[a] and s[b]:
                if s[a] != s[b]:
                    return -1 if s[a] < s[b] else 1
                if shape[a] > shape[b]:
                    return 1
        return 0

    for i in range(1, len(shape)):
        k = i
        for j in range(i - 1, -1, -1):
            c = compare(perm[j], perm[k])
            if c > 0:
                perm[j], perm[k] = perm[k], perm[j]
                k = j
            elif c < 0:
                break
    return perm[::-1]


def lay_out(r, order):
    """`r` with its dims in memory in that order, slowest first; copied when they are not."""
    if r.ndim == 0:
        return r
    moved = np.ascontiguousarray(r.transpose(order))
    strides, step = [0] * r.ndim, 1
    for d in reversed(order):                # NumPy leaves the strides of dims of size 1 to chance
        strides[d] = step
        step *= max(r.shape[d], 1)
    if moved.shape == r.shape and moved.strides == tuple([s * r.itemsize for s in strides]):
        return moved
    return restride(moved, r.shape, strides)


def put_into(a, indices, values, accumulate):
    """`a[indices] = values`, or `+=`."""
    plan = Plan(a, indices)
    if not fits(values.shape, plan.shape):
        raise RuntimeError(f"shape mismatch: value tensor of shape {list(values.shape)} cannot be broadcast to indexing result of shape "
                           f"{list(plan.shape)}")
    if values.dtype != a.dtype:
        raise RuntimeError(f"Index put requires the source and destination dtypes match, got {dtype_name(a)} for the destination and {dtype_name(values)} "
                           "for the source.")
    if 0 in plan.shape:
        return a
    source = plan.in_front(np.broadcast_to(values, plan.shape))
    if not accumulate:
        try:
            plan.front[tuple(plan.index)] = source
        except IndexError:
            raise plan.bad_index() from None
        return a
    offsets = plan.offsets()
    k, rest = len(plan.new), source.ndim - len(plan.new)
    if a.dtype.itemsize == 2 and a.dtype.kind in "fV":       # halves are rounded at each step: NumPy's own loop
        np.add.at(plan.front, tuple(plan.index), source)
        return a
    if np.may_share_memory(a, source):
        source = source.copy()
    offsets = np.broadcast_to(offsets.reshape(plan.new + (1,) * rest), source.shape)
    kernel.walk_offsets("add", a, offsets, source, (0,) * k + plan.front.strides[len(plan.where):])
    return a


def fits(shape, wider):
    """Whether `shape` broadcasts to `wider`."""
    return len(shape) <= len(wider) and all(n == m or n == 1 for n, m in zip(reversed(shape), reversed(wider), strict=False))


def dtype_name(a):
    """The dtype of an array as torch's errors call it."""
    return dtype_of_array(a).type_name


def writer(*schemas, order="C", ns="torch", inplace_ns=None, half=False, **rules):
    """An op in two faces on one body that writes into its first argument: `name` gets a copy (dims in memory as `order`), `name_` the tensor."""
    def made(body):
        @functools.wraps(body)
        def on_copy(self, *rest):
            return body(self.copy(order=order), *rest)
        name = schemas[0].partition("(")[0].partition(".")[0]
        there = primitive(*[s.replace(name, name + "_", 1) for s in schemas], make="method", half=half, ns=inplace_ns, **rules)(body)
        made = primitive(*schemas, make="method out", half=half, ns=ns, **rules)(on_copy)
        made.apart = there.apart = 2
        return made
    return made
