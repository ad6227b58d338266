"""Reading and writing along a dim by index tensors: gather, scatter and their reductions, index_select, index_add and kin, take, put."""
import numpy as np

from ..core import DTYPES, T, composite, primitive
from ..core._core import from_array, normalize_dim
from ..kernels import index as kernel
from ._common import is_half, number_array
from ._indexing import dtype_name, expanded_warning, writer

LONG = DTYPES["int64"]
_HALF_LOOPS = {"add": np.add, "mul": np.multiply, "min": np.minimum, "max": np.maximum}
_INTEGERS = (np.dtype(np.int64), np.dtype(np.int32))


def _no_rule(grad):
    raise RuntimeError("derivative for aten::scatter with reduce is not implemented")


# ------------------------------------------------------------------ gather, scatter
def _check(name, self, dim, index, src=None):
    """torch's checks of an index along a dim; gives dim and the arrays with at least one dim."""
    if index.dtype not in _INTEGERS and index.size:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if src is not None and src.dtype != self.dtype:
        raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
    dim = normalize_dim(dim, self.ndim)
    if index.size == 0:
        return dim
    what = "input" if name == "gather" else "self"
    if max(index.ndim, 1) != max(self.ndim, 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {what} tensor")
    too_wide = [d for d in range(index.ndim) if d != dim and index.shape[d] > (self.shape[d] if self.ndim else 1)]
    if src is not None and max(src.ndim, 1) != max(index.ndim, 1):
        if 0 < src.ndim < index.ndim and not too_wide and all(n <= m for n, m in zip(index.shape, src.shape, strict=False)):
            # torch: src fits so far, and is asked for the size of a dim that it has not
            raise IndexError(f"Dimension out of range (expected to be in range of [{-src.ndim}, {src.ndim - 1}], but got {src.ndim})")
        raise RuntimeError("Index tensor must have the same number of dimensions as src tensor")
    if name == "gather" and too_wide:
        raise RuntimeError(f"Size does not match at dimension {too_wide[0]} expected index {list(index.shape)} to be no larger than self "
                           f"{list(self.shape)} apart from dimension {dim}")
    if too_wide or src is not None and any(n > m for n, m in zip(index.shape, np.atleast_1d(src).shape, strict=False)):
        more = f" and to be no larger size than src {list(src.shape)}" if src is not None else ""
        raise RuntimeError(f"Expected index {list(index.shape)} to be no larger than self {list(self.shape)} apart from dimension {dim}{more}")
    return dim


def _walk(op, a, index, b, dim):
    """kernel.walk on arrays of any rank; RuntimeError for an index out of range."""
    if b.size == 0:
        return
    a, index, b = np.atleast_1d(a), np.atleast_1d(index), np.atleast_1d(b)
    if op in _HALF_LOOPS and is_half(a.dtype):           # rounded at each step, by NumPy's own loop
        bad = next(iter(index[(index < 0) | (index >= a.shape[dim])].flat), None)
        if bad is None:
            where = list(np.indices(index.shape, sparse=True))
            where[dim] = index
            _HALF_LOOPS[op].at(a, tuple(where), b)
    else:
        bad = kernel.walk(op, a, index.astype(np.int64, copy=False), b, dim)
    if bad is not None:
        raise RuntimeError(f"index {bad} is out of bounds for dimension {dim} with size {a.shape[dim]}")


def _source(src, index):
    """The part of `src` that `index` uses."""
    return src[tuple([slice(n) for n in index.shape])] if src.ndim and index.ndim else src


@primitive("gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor",
           shown="| dim, index", make="method out", half=False, jvp="linear",
           # torch: `self` is saved, so writing to it before backward is an error
           self=lambda grad, self, dim, index: grad.new_zeros(self.shape).scatter_add(dim, index, grad))
def gather(self, dim, index):
    """`out[i][j] = self[index[i][j]][j]` for dim 0; `index` may be smaller than `self` in the other dims."""
    dim = _check("gather", self, dim, index)
    out = np.empty(index.shape, self.dtype)
    _walk("gather", self, index, out, dim)
    return out


def _put(name, self, dim, index, src, op="put"):
    dim = _check(name, self, dim, index, src)
    if src is not None and np.may_share_memory(self, src):
        src = src.copy()
    if index.size:
        _walk(op, self, index, _source(src, index), dim)
    return self


def _scatter_src(self, dim, index, src):
    return _put("scatter", self, dim, index, src)


def _filled(self, dim, index, value):
    _check("scatter", self, dim, index)
    return np.broadcast_to(number_array(value, from_array(self).dtype), index.shape)


def _scatter_value(self, dim, index, value):
    return _put("scatter", self, dim, index, _filled(self, dim, index, value))


def _reducer(reduce):
    if reduce not in ("add", "multiply"):
        raise RuntimeError("reduce argument must be either add or multiply.")
    return "add" if reduce == "add" else "mul"


def _scatter_reduce(self, dim, index, src, reduce):
    return _put("scatter", self, dim, index, src, _reducer(reduce))


def _scatter_value_reduce(self, dim, index, value, reduce):
    return _put("scatter", self, dim, index, _filled(self, dim, index, value), _reducer(reduce))


_scatter_self = lambda grad, dim, index: grad.scatter(dim, index, 0)  # noqa: E731
writer("scatter.src(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", shown="input, dim, index, src",
       self=_scatter_self, src=lambda grad, dim, index: grad.gather(dim, index))(_scatter_src)
writer("scatter.value(Tensor self, int dim, Tensor index, Scalar value) -> Tensor", self=_scatter_self)(_scatter_value)
writer("scatter.reduce(Tensor self, int dim, Tensor index, Tensor src, *, str reduce) -> Tensor", half=True, node="NotImplemented",
       self__and__src=_no_rule)(_scatter_reduce)
writer("scatter.value_reduce(Tensor self, int dim, Tensor index, Scalar value, *, str reduce) -> Tensor", half=True, node="NotImplemented",
       self=_no_rule)(_scatter_value_reduce)


def _scatter_add(self, dim, index, src):
    return _put("scatter", self, dim, index, src, "add")


writer("scatter_add(Tensor self, int dim, Tensor index, Tensor src) -> Tensor", shown="input, dim, index, src", half=True,
       self=lambda grad: grad, src=lambda grad, dim, index: grad.gather(dim, index))(_scatter_add)

# ------------------------------------------------------------------ reductions by index
_REDUCERS = {"sum": "add", "mean": "add", "prod": "mul", "amax": "max", "amin": "min"}


def _neutral(op, dtype):
    if op in ("add", "mul"):
        return int(op == "mul")
    if dtype.kind == "b":
        return op == "min"
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if op == "max" else np.iinfo(dtype).max
    return float("-inf" if op == "max" else "inf")


def _reduce_into(self, dim, index, src, reduce, include_self):
    """Reduce `src` into `self` at `index`, all of one shape but for dim."""
    op = _REDUCERS[reduce]
    if not include_self:
        _walk("put", self, index, np.broadcast_to(np.array(_neutral(op, self.dtype), self.dtype), index.shape), dim)
    _walk(op, self, index, src, dim)
    if reduce == "mean":
        count = np.full(self.shape, int(include_self), self.dtype)
        _walk("add", count, index, np.broadcast_to(np.ones((), self.dtype), index.shape), dim)
        count[count == 0] = 1
        if self.dtype.kind in "iu":
            self //= count
        else:
            self /= count
    return self


def _scatter_reduce_two(self, dim, index, src, reduce, include_self):
    if reduce not in _REDUCERS:
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    dim = _check("scatter", self, dim, index, src)
    if self.dtype.kind == "c" and reduce in ("amax", "amin") or self.dtype.kind == "b" and reduce == "mean":
        raise NotImplementedError(f"\"scatter_gather_tensor_cpu_reduce_{reduce}\" not implemented for '{dtype_name(self)}'")
    if not index.size:
        return self
    if np.may_share_memory(self, src):
        src = src.copy()
    return _reduce_into(self, dim, index, _source(src, index), reduce, include_self)


def _reduce_rule(gather, add, fill, again):
    """The gradient of a reduction by index, from the ops that read, sum, overwrite and reduce along `dim` by `index`."""
    def rule(grad, self, dim, index, source, reduce, include_self, result):
        def take(t):
            return gather(t, dim, index)
        if reduce == "sum":
            to_self, to_source = grad, take(grad)
        elif reduce == "mean":
            count = grad.new_ones(grad.shape) if include_self else grad.new_zeros(grad.shape)
            count = add(count, dim, index, source.new_ones(source.shape))
            to_self = grad / count.masked_fill(count == 0, 1)
            to_source = take(to_self)
        elif reduce == "prod":
            # A lone zero among the factors of one place: its gradient is the product of the others.
            filled = self.masked_fill(self == 0, 1)
            to_self = grad * again(filled, dim, index, source, reduce, include_self=include_self) / filled
            zero = source == 0
            zeros = take(add(self.new_zeros(self.shape), dim, index, zero.to(self.dtype)))
            alone = zero & (zeros == 1)
            others = again(self, dim, index, source.masked_fill(alone, 1), reduce, include_self=include_self)
            to_source = T.where(alone, take(grad * others), take(grad * result) / source.masked_fill(zero, 1))
        else:
            # torch: an element of `self` shares in the gradient's division even when it does not count
            hit_self, hit_source = (self == result).to(grad.dtype), (source == take(result)).to(grad.dtype)
            shared = grad / add(hit_self, dim, index, hit_source)
            to_self, to_source = hit_self * shared, hit_source * take(shared)
        return to_self if include_self else fill(to_self, dim, index, 0), to_source
    return rule


_scatter_rule = _reduce_rule(lambda t, dim, index: t.gather(dim, index), lambda t, dim, index, s: t.scatter_add(dim, index, s),
                             lambda t, dim, index, v: t.scatter(dim, index, v), lambda t, *args, **kw: T.scatter_reduce(t, *args, **kw))
writer("scatter_reduce.two(Tensor self, int dim, Tensor index, Tensor src, str reduce, *, bool include_self=True) -> Tensor",
       shown="input, dim, index, src, reduce, *, include_self=True", half=True,
       self__and__src=lambda grad, self, dim, index, src, reduce, include_self, result:
       _scatter_rule(grad, self, dim, index, src, reduce, include_self, result))(_scatter_reduce_two)


# ------------------------------------------------------------------ one index vector for a whole dim
def _along(index, shape, dim):
    """An index vector as an array of `shape` that varies along `dim` alone."""
    if len(shape) == 0:
        return index.reshape(())
    return np.broadcast_to(index.reshape([-1 if d == dim else 1 for d in range(len(shape))]), shape)


@primitive("index_select(Tensor self, int dim, Tensor index) -> Tensor", make="method out", half=False, jvp="linear",
           self=lambda grad, self_shape, dim, index: grad.new_zeros(self_shape).index_add(dim, index, grad))
def index_select(self, dim, index):
    """The slices of `self` at `index` along `dim`."""
    dim = normalize_dim(dim, self.ndim)
    if index.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.dtype not in _INTEGERS:
        raise RuntimeError("index_select(): Expected dtype int32 or int64 for index")
    if self.ndim == 0:
        if index.size != 1:
            raise RuntimeError(f"index_select(): Index to scalar can have only 1 value, got {index.size} value(s)")
        if index.item() != 0:
            raise IndexError("index out of range in self")
        return self.copy()
    n = self.shape[dim]
    if index.size and self.size == 0:
        if n == 0:
            raise RuntimeError("index_select(): self indexing axis dim should be positive")
        bad = index[(index < 0) | (index >= n)]
        if bad.size:
            raise RuntimeError(f"INDICES element is out of DATA bounds, id={bad.flat[0]} axis_dim={n}")
    if index.size and index.min() < 0:
        raise IndexError("index out of range in self")
    try:
        return np.ascontiguousarray(self.take(index.reshape(-1), axis=dim) if self.flags.c_contiguous else
                                    self[(slice(None),) * dim + (index.reshape(-1),)])
    except IndexError:
        raise IndexError("index out of range in self") from None


index_select.wrong_out = "index_select(): self and result must have the same scalar type"


def _check_vector(name, self, dim, index, source):
    dim = normalize_dim(dim, self.ndim)
    if index.dtype not in _INTEGERS:
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index but got: {dtype_name(index)}")
    if index.ndim > 1:
        raise IndexError(f"{name}(): Index is supposed to be a vector, but got dim: {index.ndim} with type: {dtype_name(index)} and size: "
                         f"{list(index.shape)}")
    if self.dtype != source.dtype:
        raise RuntimeError(f"{name}(): self ({dtype_name(self)}) and source ({dtype_name(source)}) must have the same scalar type")
    here, there = list(self.shape), list(source.shape)
    if source.ndim:
        if dim >= source.ndim:
            normalize_dim(dim, source.ndim)
        n = source.shape[dim]
    else:
        n = 1
    if here[:dim] + here[dim + 1:] != there[:dim] + there[dim + 1:] or self.ndim != source.ndim:
        if index.size == n:
            raise RuntimeError("source tensor shape must match self tensor shape, excluding the specified dimension. Got "
                               f"self.shape = {here} source.shape = {there}")
    if index.size != n:
        raise RuntimeError(f"{name}(): Number of indices ({index.size}) should be equal to source.size(dim): ({n}), for dim: {dim}")
    return dim


def _index_add(self, dim, index, source, alpha):
    dim = _check_vector("index_add_", self, dim, index, source)
    # torch: the error of an index out of range depends on the way taken
    expanded = self.ndim > 1 and index.dtype == np.int64 and alpha == 1
    if alpha != 1:
        source = source * number_array(alpha, from_array(self).dtype)
    elif np.may_share_memory(self, source):
        source = source.copy()
    try:
        _walk("add", self, _along(index, source.shape, dim), source, dim)
    except RuntimeError:
        if expanded:
            raise
        raise IndexError("index out of range in self") from None
    return self


def _from_source(grad, dim, index, source_shape):
    """The gradient of what was written: read back at `index`."""
    return grad.index_select(dim, index).expand(source_shape) if source_shape else grad.index_select(dim, index.squeeze(0) if index.dim() else index)


writer("index_add(Tensor self, int dim, Tensor index, Tensor source, *, Scalar alpha=1) -> Tensor",
       self=lambda grad: grad,
       source=lambda grad, dim, index, source_shape, alpha: _from_source(grad, dim, index, source_shape) * alpha)(_index_add)


def _index_copy(self, dim, index, source):
    dim = normalize_dim(dim, self.ndim)
    if index.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index.ndim})")
    if source.ndim == 0 and index.size != 1:
        raise IndexError(f"index_copy_(): When source is scalar, index should have one element (got {index.size})")
    if source.ndim != self.ndim and source.ndim and self.ndim:
        raise IndexError("index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality "
                         f"({source.ndim}), destination dimensionality ({self.ndim})")
    if index.dtype != np.int64:
        raise RuntimeError(f"index_copy_(): Expected a long tensor for index, but got {dtype_name(index)}")
    if self.dtype != source.dtype:
        raise RuntimeError(f"index_copy_(): self and source expected to have the same dtype, but got (self) {dtype_name(self)} and (source) "
                           f"{dtype_name(source)}")
    here, there = list(self.shape), list(source.shape)
    if self.ndim:
        del here[dim]
    if source.ndim:
        del there[dim]
    if here != there:
        words = [" ".join(map(str, s)) for s in (here, there)]
        raise RuntimeError(f"index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: {words[0]} at dimension "
                           f"{dim} and source slice shape: {words[1]} at dimension 0.")
    n = source.shape[dim] if source.ndim else index.size
    if index.size != n:
        raise IndexError(f"index_copy_(): Number of indices ({index.size}) should be equal to source.size(dim) ({n})")
    if np.may_share_memory(self, source):
        source = source.copy()
    source = source.reshape(np.atleast_1d(self)[:1].shape) if source.ndim == 0 else source
    try:
        _walk("put", self, _along(index, source.shape, dim), source, dim)
    except RuntimeError as e:
        raise IndexError(f"index_copy_(): {e}") from None
    return self


writer("index_copy(Tensor self, int dim, Tensor index, Tensor source) -> Tensor", shown="| dim, index, tensor2",
       self=lambda grad, dim, index: grad.index_fill(dim, index, 0),
       source=lambda grad, dim, index, source_shape: _from_source(grad, dim, index, source_shape))(_index_copy)


def _index_fill(self, dim, index, value):
    if isinstance(value, np.ndarray):
        if value.ndim:
            raise RuntimeError(f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value.ndim} dimension(s).")
        value = value.item() if value.dtype.kind in "biufc" else float(value)
    if index.dtype != np.int64:
        raise IndexError("index_fill_(): Expected dtype int64 for index.")
    if index.ndim > 1:
        raise RuntimeError("Index has to be a vector/scalar")
    if isinstance(value, complex) and self.dtype.kind != "c":
        raise RuntimeError("index_fill_(): Converting complex Scalar to non-complex type is not supported")
    dim = normalize_dim(dim, self.ndim)
    value = number_array(value, from_array(self).dtype)
    n = self.shape[dim] if self.ndim else 1
    bad = index[(index < -n) | (index >= n)]
    if bad.size:
        raise IndexError(f"index {bad.flat[0]} is out of bounds for dimension {dim} with size {n}")
    np.atleast_1d(self)[(slice(None),) * dim + (index,)] = value
    return self


def _sum_at(grad, dim, index):
    return grad.index_select(dim, T.unique(index)).sum()


writer("index_fill.int_Tensor(Tensor self, int dim, Tensor index, Tensor value) -> Tensor", order="K", node="IndexFillBackward1",
       self=lambda grad, dim, index: grad.index_fill(dim, index, 0), value=_sum_at)(_index_fill)
writer("index_fill.int_Scalar(Tensor self, int dim, Tensor index, Scalar value) -> Tensor", order="K", node="IndexFillBackward0",
       self=lambda grad, dim, index: grad.index_fill(dim, index, 0))(_index_fill)
T.index_fill_.expanded = expanded_warning("index_fill_", "tensor[mask] = scalar")


def _index_reduce(self, dim, index, source, reduce, include_self):
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    dim = _check_vector("index_reduce_", self, dim, index, source)
    if self.dtype.kind == "b" and reduce == "mean":
        raise NotImplementedError("\"div_floor_cpu\" not implemented for 'Bool'")
    if np.may_share_memory(self, source):
        source = source.copy()
    try:
        return _reduce_into(self, dim, _along(index, source.shape, dim), source, reduce, include_self)
    except RuntimeError:
        raise IndexError("index out of range in self") from None


_index_rule = _reduce_rule(lambda t, dim, index: t.index_select(dim, index), lambda t, dim, index, s: t.index_add(dim, index, s),
                           lambda t, dim, index, v: t.index_fill(dim, index, v), lambda t, *args, **kw: T.index_reduce(t, *args, **kw))
writer("index_reduce(Tensor self, int dim, Tensor index, Tensor source, str reduce, *, bool include_self=True) -> Tensor",
       self__and__source=lambda grad, self, dim, index, source, reduce, include_self, result:
       _index_rule(grad, self, dim, index, source, reduce, include_self, result))(_index_reduce)


# ------------------------------------------------------------------ positions in the flattened tensor
def _flat_positions(name, self, index):
    """`index` counted from the front; IndexError for what lies outside."""
    if index.dtype != np.int64:
        raise RuntimeError(f"{name}(): Expected a long tensor for index, but got {dtype_name(index)}")
    n = self.size
    bad = index[(index < -n) | (index >= n)]
    if bad.size:
        raise IndexError(f"out of range: tried to access index {bad.flat[0]} on a tensor of {n} elements.")
    return np.where(index < 0, index + n, index)


@primitive("take(Tensor self, Tensor index) -> Tensor", shown="input, index | indices", make="method out", half=False, jvp="linear",
           self=lambda grad, self_shape, index: grad.new_zeros(self_shape).put(index, grad, True))
def take(self, index):
    """`self.reshape(-1)[index]`, in the shape of `index`."""
    if self.size == 0 and index.size:
        raise IndexError("take(): tried to take from an empty tensor")
    return np.asarray(self.reshape(-1)[_flat_positions("take", self, index)])


take.apart = index_select.apart = gather.apart = True
take.wrong_out = "take(): self and out expected to have the same dtype, but got self.dtype = {want} and out.dtype = {got}"


def _put_flat(self, index, source, accumulate):
    if index.dtype != np.int64:
        _flat_positions("put_", self, index)
    if self.dtype != source.dtype:
        raise RuntimeError(f"put_(): self and source expected to have the same dtype, but got self.dtype = {dtype_name(self)} and source.dtype = "
                           f"{dtype_name(source)}")
    if index.size != source.size:
        raise IndexError("put_(): Expected source and index to have the same number of elements, but got source.numel() = "
                         f"{source.size}, index.numel() = {index.size}")
    where = np.unravel_index(_flat_positions("put_", self, index).reshape(-1), self.shape) if self.ndim else ()
    source = source.reshape(-1)
    if self.ndim == 0:
        for v in source:
            self[...] = self + v if accumulate else v
    elif accumulate:
        np.add.at(self, where, source)
    else:
        self[where] = source
    return self


writer("put(Tensor self, Tensor index, Tensor source, bool accumulate=False) -> Tensor", order="K",
       self=lambda grad, index, source, accumulate: grad if accumulate else grad.put(index, source.new_zeros(source.shape)),
       source=lambda grad, index, source_shape: grad.take(index).reshape(source_shape))(_put_flat)


@composite("take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor", shown="| indices, dim", make="method out")
def take_along_dim(self, indices, dim):
    """`gather` with broadcasting; of the flattened tensors without `dim`."""
    if dim is None:
        return self.reshape(-1).gather(0, indices.reshape(-1))
    if self.dim() != indices.dim():
        raise RuntimeError(f"torch.take_along_dim(): input and indices should have the same number of dimensions, but got {self.dim()} dimensions for "
                           f"input, and {indices.dim()} dimensions for indices")
    if indices.dtype is not LONG:
        raise RuntimeError(f"torch.take_along_dim(): dtype of indices should be Long but got {indices.dtype.type_name}")
    dim = normalize_dim(dim, self.dim())
    n = self.size(dim)

    def wide(a, b, size):
        shape = list(np.broadcast_shapes(*[tuple(t.shape[:dim]) + (1,) + tuple(t.shape[dim + 1:]) for t in (a, b)]))
        shape[dim] = size
        return a.expand(shape)
    # torch: negative indices count from the end
    indices = T.where(indices < 0, indices + n, indices)
    return wide(self, indices, n).gather(dim, wide(indices, self, indices.size(dim)))


# ------------------------------------------------------------------ a view's place in a copy
def _view_scatter(view, order="K"):
    """A primitive's body: `self` with `src` written where `view` looks."""
    def made(self, src, where):
        out = self.copy(order=order)
        part = view(from_array(out), *where)._array
        if part.shape != src.shape:
            raise RuntimeError(f"expected src to have a size equal to the slice of self. src size = {list(src.shape)}, slice size = {list(part.shape)}")
        part[...] = src
        return out
    return made


_select, _slice, _diagonal, _as_strided = [_view_scatter(f) for f in (
    lambda t, *a: T.select(t, *a), lambda t, *a: T.slice(t, *a), lambda t, *a: T.diagonal(t, *a), lambda t, *a: T.as_strided(t, *a))]


@primitive("select_scatter(Tensor self, Tensor src, int dim, SymInt index) -> Tensor",
           shown="input, src, dim, index", make="method out", half=False, jvp="linear",
           self=lambda grad, src, dim, index: grad.select_scatter(src.new_zeros(src.shape), dim, index),
           src=lambda grad, dim, index: grad.select(dim, index))
def select_scatter(self, src, dim, index):
    """`self` with `src` in place of `self.select(dim, index)`."""
    return _select(self, src, (dim, index))


@primitive("slice_scatter(Tensor self, Tensor src, int dim=0, SymInt? start=None, SymInt? end=None, SymInt step=1) -> Tensor",
           shown="input, src, dim=0, start=None, end=None, step=1", make="method out",
           half=False, jvp="linear",
           self=lambda grad, src, dim, start, end, step: grad.slice_scatter(src.new_zeros(src.shape), dim, start, end, step),
           src=lambda grad, dim, start, end, step: T.slice(grad, dim, start, end, step))
def slice_scatter(self, src, dim, start, end, step):
    """`self` with `src` in place of a slice along `dim`."""
    return _slice(self, src, (dim, start, end, step))


@primitive("diagonal_scatter(Tensor self, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor",
           shown="input, src, offset=0, dim1=0, dim2=1", make="method out", half=False, jvp="linear",
           self=lambda grad, src, offset, dim1, dim2: grad.diagonal_scatter(src.new_zeros(src.shape), offset, dim1, dim2),
           src=lambda grad, offset, dim1, dim2: grad.diagonal(offset, dim1, dim2))
def diagonal_scatter(self, src, offset, dim1, dim2):
    """`self` with `src` on a diagonal."""
    return _diagonal(self, src, (offset, dim1, dim2))


@primitive("as_strided_scatter(Tensor self, Tensor src, SymInt[] size, SymInt[] stride, SymInt? storage_offset=None) -> Tensor",
           shown="input, src, size, stride, storage_offset=None", make="method out",
           half=False, jvp="linear",
           # torch: `self` gets the gradient of the elements that were overwritten
           self=lambda grad, self_shape, size, stride, storage_offset: grad.new_zeros(self_shape).as_strided_scatter(
               grad.contiguous().as_strided(size, stride, storage_offset), size, stride, storage_offset),
           src=lambda grad, size, stride, storage_offset: grad.contiguous().as_strided(size, stride, storage_offset))
def as_strided_scatter(self, src, size, stride, storage_offset):
    """`self` with `src` written to the elements that `as_strided` names."""
    return _as_strided(self, src, (size, stride, storage_offset))
