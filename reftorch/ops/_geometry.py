"""Shapes and strides, in elements, as torch reckons them."""
import math

from ..core._core import normalize_dim


def element_strides(a):
    """Strides of an array in elements; NumPy gives new empty arrays strides of 0 alone, torch has none such."""
    item = a.itemsize
    return [s // item for s in a.strides] if a.size or any(a.strides) else contiguous_strides(a.shape)


def contiguous_strides(shape):
    """Strides of a row-major tensor; a dim of size 0 counts as 1."""
    strides, step = [0] * len(shape), 1
    for i in range(len(shape) - 1, -1, -1):
        strides[i] = step
        step *= max(shape[i], 1)
    return strides


def is_contiguous(shape, strides):
    """Whether elements follow each other in row-major order; dims of size 1 do not matter, and without elements none does."""
    if 0 in shape:
        return True
    step = 1
    for n, s in zip(reversed(shape), reversed(strides), strict=True):
        if n != 1:
            if s != step:
                return False
            step *= n
    return True


def is_dense(shape, strides):
    """Whether the elements fill a stretch of memory without gaps or overlap, in any order of dims."""
    step = 1
    for s, n in sorted((s, n) for n, s in zip(shape, strides, strict=True) if n != 1):
        if s != step:
            return False
        step *= n
    return True


def overlaps(shape, strides):
    """Whether two elements may share memory (torch's sufficient test: dims sorted by stride do not nest)."""
    reach = 0
    for s, n in sorted((s, n) for n, s in zip(shape, strides, strict=True) if n != 1):
        if s <= reach:
            return True
        reach += s * (n - 1)
    return False


def infer_size(size, numel):
    """`size` with its -1 filled in, for `numel` elements."""
    known, hole = 1, None
    for i, n in enumerate(size):
        if n == -1:
            if hole is not None:
                raise RuntimeError("only one dimension can be inferred")
            hole = i
        elif n < 0:
            raise RuntimeError(f"invalid shape dimension {n} at index {i} of shape {list(size)}")
        else:
            known *= n
    if hole is None:
        if known != numel:
            raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
        return size
    if known == numel == 0:
        raise RuntimeError(f"cannot reshape tensor of 0 elements into shape {list(size)} because the unspecified dimension size -1 can be any value "
                           "and is ambiguous")
    if known == 0 or numel % known:
        raise RuntimeError(f"shape '{list(size)}' is invalid for input of size {numel}")
    return (*size[:hole], numel // known, *size[hole + 1:])


def view_strides(shape, strides, new):
    """Strides that show a tensor of that geometry in the shape `new`, None where only a copy could."""
    if tuple(shape) == tuple(new):
        return strides
    if 0 in shape:
        return contiguous_strides(new)
    out, at = [0] * len(new), len(new) - 1
    chunk = old = 1                          # elements of the memory run under way: seen of `shape`, given to `new`
    step = strides[-1] if shape else 1
    for i in range(len(shape) - 1, -1, -1):
        chunk *= shape[i]
        if i == 0 or (shape[i - 1] != 1 and strides[i - 1] != chunk * step):
            while at >= 0 and (old < chunk or new[at] == 1):
                out[at] = old * step
                old *= new[at]
                at -= 1
            if old != chunk:
                return None
            if i:
                step, chunk, old = strides[i - 1], 1, 1
    while at >= 0:                           # a 0-dim tensor has no runs
        out[at] = 1
        at -= 1
    return out


def normalize_dims(dims, ndim):
    """Every one of `dims` counted from the front."""
    return [normalize_dim(d, ndim) for d in dims]


def numel(shape):
    """Number of elements of a tensor of that shape."""
    return math.prod(shape)


def extent(shape, strides, offset=0):
    """Length of the shortest storage that holds that geometry."""
    if 0 in shape:
        return offset
    return offset + 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))


def channels_last_strides(shape, name):
    """Strides with the channels (dim 1) closest together."""
    ndim = 4 if name == "channels_last" else 5
    if len(shape) != ndim:
        raise RuntimeError(f"required rank {ndim} tensor to use {name} format")
    strides, step = [0] * ndim, 1
    for d in (1, *range(ndim - 1, 1, -1), 0):
        strides[d] = step
        step *= max(shape[d], 1)
    return strides


def memory_strides(shape, memory_format):
    """Strides of a tensor of that shape in a memory format (not preserve_format)."""
    if memory_format is None or memory_format.name == "contiguous_format":
        return contiguous_strides(shape)
    return channels_last_strides(shape, memory_format.name)
