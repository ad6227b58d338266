"""Pieces of arrays on the same memory, and the definition of a view op with its copying twin."""
import functools

from ..core import primitive, view
from ..core._core import normalize_dim, restride
from ._geometry import element_strides


def view_and_copy(schema, node=None, **options):
    """Define a view op, and beside it `<name>_copy`, which gives a new tensor."""
    head, _, tail = schema.partition("(")
    stem, dot, overload = head.partition(".")
    node = node or "".join(w.capitalize() for w in stem.split("_")) + "Backward0"
    rules = {k: v for k, v in options.items() if k not in ("make", "ns", "quick")}

    def made(body):
        @functools.wraps(body)
        def copied(*args):
            got = body(*args)
            return [a.copy() for a in got] if isinstance(got, list) else got.copy()
        primitive(f"{stem}_copy{dot}{overload}({tail}", make="out", half=False, node=node + "_copy", jvp="linear", **rules)(copied)
        return view(schema, node=node, **options)(body)
    return made


def ordered(self, dims):
    """The array with its dims in another order."""
    shape, strides = self.shape, element_strides(self)
    return restride(self, [shape[d] for d in dims], [strides[d] for d in dims])


def sliced(self, dim, start, end, step=1):
    """The array `self[start:end:step]` along `dim`."""
    if self.ndim == 0:
        raise RuntimeError("slice() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, self.ndim)
    if step <= 0:
        raise RuntimeError("slice step must be positive")
    n = self.shape[dim]
    start = 0 if start is None else min(max(start + n if start < 0 else start, 0), n)
    end = n if end is None else end + n if end < 0 else end
    end = min(max(end, start), n)
    shape, strides = list(self.shape), list(element_strides(self))
    offset = start * strides[dim]
    shape[dim] = (end - start + step - 1) // step
    strides[dim] *= step
    return restride(self, shape, strides, offset)


def selected(self, dim, index):
    """The array `self[index]` along `dim`."""
    if self.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = normalize_dim(dim, self.ndim)
    n = self.shape[dim]
    if not -n <= index < n:
        raise IndexError(f"select(): index {index} out of range for tensor of size {list(self.shape)} at dimension {dim}")
    shape, strides = list(self.shape), element_strides(self)
    del shape[dim]
    return restride(self, shape, strides, (index % n) * strides.pop(dim))


def diagonal_of(self, offset, dim1, dim2):
    """The array of the diagonals of the matrices in dims `dim1` and `dim2`, as a new last dim."""
    if self.ndim < 2:
        normalize_dim(dim1, self.ndim)
        normalize_dim(dim2, self.ndim)
    d1, d2 = normalize_dim(dim1, self.ndim), normalize_dim(dim2, self.ndim)
    if d1 == d2:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    shape, strides = list(self.shape), element_strides(self)
    rows, columns = shape[d1], shape[d2]
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    start = 0 if length == 0 else offset * strides[d2] if offset >= 0 else -offset * strides[d1]
    step = strides[d1] + strides[d2]
    for d in sorted((d1, d2), reverse=True):
        del shape[d], strides[d]
    return restride(self, [*shape, length], [*strides, step], start)


def windows(self, dimension, size, step):
    """The array of windows of `size` elements, `step` apart, as a new last dim."""
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    dim = normalize_dim(dimension, self.ndim)
    n = self.shape[dim] if self.ndim else 1
    if size > n:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {n} but size is {size}")
    shape, strides = [*self.shape, size], element_strides(self)
    strides.append(strides[dim] if self.ndim else 1)
    if self.ndim:
        shape[dim] = (n - size) // step + 1
        strides[dim] *= step
    return restride(self, shape, strides)
