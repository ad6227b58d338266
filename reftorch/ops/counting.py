"""Which values there are and how many: unique, histograms, bincount, searchsorted, isin."""
import numpy as np

from ..core import T, composite, primitive
from ..core._core import from_array, normalize_dim, result_code
from ..core.errors import C_NAMES
from ..kernels import index as gather_kernel
from ..kernels import sort as kernel
from ._common import not_implemented, numpy_axes, refuse, type_name, underived

_NONE = np.empty(0, np.int64)


# ------------------------------------------------------------------ unique
def _runs(differs, order, n, inverse, counts):
    """(positions, inverse, counts) from where a run begins; `order` maps positions in the run to those of the input."""
    starts = np.flatnonzero(differs)
    which = np.cumsum(differs) - 1
    back = _NONE
    if inverse:
        back = np.empty(n, np.int64)
        back[order] = which
    return starts, back, np.diff(starts, append=n) if counts else _NONE


def _begins(a):
    """Where an element differs from the one before; NaN differs from itself."""
    differs = np.ones(a.size, np.bool_)
    differs[1:] = a[1:] != a[:-1]
    return differs


@primitive("_unique2(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)",
           self=underived("_unique2"))
def _unique2(self, return_inverse, return_counts):
    """The distinct elements in ascending order, the place of each element among them, how often each occurs."""
    if self.dtype.kind == "c":
        refuse("unique", self)
    flat = self.reshape(-1)
    order = np.argsort(flat, kind="stable") if return_inverse else None
    ordered = np.sort(flat) if order is None else flat[order]
    starts, inverse, counts = _runs(_begins(ordered), order, flat.size, return_inverse, return_counts)
    return ordered[starts], inverse.reshape(self.shape if return_inverse else -1), counts


def _slices(self, dim):
    """The slices along `dim` as rows; RuntimeError when they are empty but there are some."""
    dim = normalize_dim(dim, self.ndim)
    moved = np.moveaxis(self, dim, 0) if self.ndim else self.reshape(1)
    if self.size == 0 and sum(n == 0 for n in self.shape) and self.shape[dim] != 0:
        raise RuntimeError("There are 0 sized dimensions, and they aren't selected, so unique cannot be applied")
    return dim, moved, np.ascontiguousarray(moved).reshape(moved.shape[0], -1 if moved.size else 0)


def _unique_rows(self, dim, sort, return_inverse, return_counts):
    dim, moved, rows = _slices(self, dim)
    n = rows.shape[0]
    if n == 0:
        return np.empty(self.shape, self.dtype), _NONE, _NONE
    order = np.lexsort(rows.T[::-1]) if sort else np.arange(n)
    ordered = rows[order]
    differs = np.ones(n, np.bool_)
    differs[1:] = (ordered[1:] != ordered[:-1]).any(1)
    starts, inverse, counts = _runs(differs, order, n, return_inverse, return_counts)
    found = ordered[starts].reshape((-1,) + moved.shape[1:])
    return np.moveaxis(found, 0, dim) if self.ndim else found, inverse, counts


@primitive("unique_dim(Tensor self, int dim, bool sorted=True, bool return_inverse=False, bool return_counts=False) -> (Tensor, Tensor, Tensor)",
           ns=None, self=underived("unique_dim"))
def unique_dim(self, dim, return_inverse, return_counts):
    """The distinct slices along `dim` in lexicographic order."""
    return _unique_rows(self, dim, True, return_inverse, return_counts)


@primitive("_unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? dim=None) -> (Tensor, Tensor, Tensor)", ns=None,
           node="UniqueConsecutiveBackward0", self=underived("unique_consecutive"))
def _unique_consecutive(self, return_inverse, return_counts, dim):
    """The elements, or slices along `dim`, without immediate repetitions."""
    if dim is not None:
        return _unique_rows(self, dim, False, return_inverse, return_counts)
    if self.dtype.kind == "c":
        refuse("unique", self)
    flat = self.reshape(-1)
    starts, inverse, counts = _runs(_begins(flat), np.arange(flat.size), flat.size, return_inverse, return_counts)
    return flat[starts], inverse.reshape(self.shape if return_inverse else -1), counts


def _asked(found, return_inverse, return_counts):
    kept = found[:1] + found[1:2] * return_inverse + found[2:] * return_counts
    return kept if len(kept) > 1 else kept[0]


@composite("unique(Tensor self, bool sorted=True, bool return_inverse=False, bool return_counts=False, int? dim=None) -> (Tensor, Tensor, Tensor)",
           make="method")
def unique(self, sorted, return_inverse, return_counts, dim):
    """The distinct elements, or slices along `dim`, with inverse and counts where asked for."""
    found = (T._unique2(self, sorted, return_inverse, return_counts) if dim is None else
             T.unique_dim(self, dim, sorted, return_inverse, return_counts))
    return _asked(found, return_inverse, return_counts)


@composite("unique_consecutive(Tensor self, bool return_inverse=False, bool return_counts=False, int? dim=None) -> (Tensor, Tensor, Tensor)",
           make="method")
def unique_consecutive(self, return_inverse, return_counts, dim):
    """The elements, or slices along `dim`, without immediate repetitions, with inverse and counts where asked for."""
    return _asked(T._unique_consecutive(self, return_inverse, return_counts, dim), return_inverse, return_counts)


# ------------------------------------------------------------------ histograms
def _check_range(low, high, text):
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(text.format(f"[{_g(low)}, {_g(high)}]"))


def _g(v):
    return ("-nan" if np.signbit(v) else "nan") if np.isnan(v) else f"{v:g}"


@primitive("histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor", make="method out", half=False, nograd=True)
def histc(self, bins, min, max):
    """How many elements fall into each of `bins` equal parts of [min, max]; of the data's own range when both are 0."""
    if self.dtype.kind not in "fV":
        refuse("histogram_cpu", self)
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension 0")
    x = self.reshape(-1)
    kind = x.dtype.type
    low, high = kind(min), kind(max)
    if low == high and x.size:
        low, high = x.min(), x.max()
    if low == high:
        low, high = kind(low - kind(1)), kind(high + kind(1))
    _check_range(low, high, "torch.histc: range of {} is not finite")
    if not low < high:
        raise RuntimeError("torch.histc: max must be larger than min")
    x = x[(x >= low) & (x <= high)]
    at = ((x - low) * kind(bins) / kind(high - low)).astype(np.int64)
    at[at == bins] -= 1
    return np.bincount(at, minlength=bins).astype(self.dtype)


def _edges(x, bins, range, d, nd):
    """Evenly spaced edges over `range`, or over the data."""
    if bins <= 0:
        raise RuntimeError(f"torch.histogram(): bins must be > 0, but got {bins} for dimension {d}")
    if range is not None:
        low, high = range[2 * d], range[2 * d + 1]
    elif x.size:
        low, high = x.min(), x.max()
    else:
        low, high = 0.0, 1.0
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"torch.histogramdd: dimension {d}'s range [{_g(low)}, {_g(high)}] is not finite")
    if low > high:
        raise RuntimeError(f"torch.histogramdd: min should not exceed max, but got min {_g(low)} max {_g(high)} for dimension {d}")
    if low == high:
        low, high = low - 0.5, high + 0.5
    return T.linspace(float(low), float(high), bins + 1, dtype=from_array(x).dtype)._array


def _histogram(self, bins, range, weight, density):
    """Counts of the rows of `self`, (m, nd), in the boxes between edges; `bins`: a number or an array of edges for each column."""
    nd = self.shape[-1]
    if len(bins) != nd:
        raise RuntimeError("histogramdd: The size of bins must be equal to the innermost dimension of the input.")
    if weight is not None and weight.shape != self.shape[:-1]:
        raise RuntimeError("torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its innermost "
                           f"dimension, but got input with shape {list(self.shape)} and weight with shape {list(weight.shape)}")
    if weight is not None and weight.dtype != self.dtype:
        raise RuntimeError("torch.histogramdd: if weight tensor is provided, input tensor and weight tensor should have the same dtype, but got "
                           f"input({C_NAMES[self.dtype.name]}), and weight({C_NAMES[weight.dtype.name]})")
    for d, b in enumerate(bins):
        if isinstance(b, np.ndarray):
            if b.dtype != self.dtype:
                raise RuntimeError("torch.histogramdd: input tensor and bins tensors should have the same dtype, but got input with dtype "
                                   f"{C_NAMES[self.dtype.name]} and bins for dimension {d} with dtype {C_NAMES[b.dtype.name]}")
            if b.ndim != 1:
                raise RuntimeError(f"torch.histogramdd: bins tensor should have one dimension, but got {b.ndim} dimensions in the bins tensor for "
                                   f"dimension {d}")
            if b.size == 0:
                raise RuntimeError("torch.histogramdd: bins tensor should have at least 1 element, but got 0 elements in the bins tensor for "
                                   f"dimension {d}")
            if b.size == 1:
                raise RuntimeError(f"torch.histogram(): bins must be > 0, but got 0 for dimension {d}")
    if range is not None and len(range) != 2 * nd:
        raise RuntimeError(f"torch.histogramdd: for a {nd}-dimensional histogram range should have {2 * nd} elements, but got {len(range)}")
    if self.dtype.name not in ("float32", "float64"):
        refuse("histogramdd", self)
    rows = self.reshape(-1, nd)
    edges = [b if isinstance(b, np.ndarray) else _edges(rows[:, d], b, range, d, nd) for d, b in enumerate(bins)]
    keep, at = np.ones(len(rows), np.bool_), np.zeros(len(rows), np.int64)
    for d, e in enumerate(edges):
        x = rows[:, d]
        keep &= (x >= e[0]) & (x <= e[-1])
        place = np.searchsorted(e, x, "right") - 1
        at = at * (len(e) - 1) + np.minimum(place, len(e) - 2)       # the last box has both its edges
    shape = [len(e) - 1 for e in edges]
    hist = np.zeros(int(np.prod(shape)), self.dtype)
    added = np.ones(int(keep.sum()), self.dtype) if weight is None else np.ascontiguousarray(weight.reshape(-1)[keep])
    gather_kernel.walk("add", hist, at[keep], added, 0)
    hist = hist.reshape(shape)
    if density:
        hist /= hist.sum()
        for d, e in enumerate(edges):
            hist /= np.diff(e).reshape([-1 if i == d else 1 for i in np.arange(nd)])
    return hist, edges


@primitive("histogram.bins_tensor(Tensor self, Tensor bins, *, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor bin_edges)",
           "histogram.bin_ct(Tensor self, int bins=100, *, float[]? range=None, Tensor? weight=None, bool density=False) -> "
           "(Tensor hist, Tensor bin_edges)",
           shown="input, bins, *, range=None, weight=None, density=False, out=None",
           make="method out", half=False, node="NotImplemented", self=not_implemented("aten::histogram"))
def histogram(self, bins, weight, density, range=None):
    """Counts between the edges `bins`, or in `bins` equal parts of `range`, and the edges."""
    hist, edges = _histogram(self.reshape(-1, 1), [bins], range, None if weight is None else weight.reshape(-1) if weight.shape == self.shape else weight,
                             density)
    return hist, edges[0]


@composite("histogramdd(Tensor self, int[] bins, float[]? range=None, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor[] bin_edges)",
           "histogramdd.int_bins(Tensor self, int bins, float[]? range=None, Tensor? weight=None, bool density=False) -> "
           "(Tensor hist, Tensor[] bin_edges)",
           "histogramdd.TensorList_bins(Tensor self, Tensor[] bins, float[]? range=None, Tensor? weight=None, bool density=False) -> "
           "(Tensor hist, Tensor[] bin_edges)", shown="input, bins, *, range=None, weight=None, density=False, out=None")
def histogramdd(self, bins, range, weight, density):
    """Counts of points (..., n) in the boxes of a grid with `bins` parts, or edges, along each of n dims."""
    if self.dim() < 2:
        raise RuntimeError("torch.histogramdd: input tensor should have at least 2 dimensions")
    bins = [bins] * self.size(-1) if isinstance(bins, int) else [b if isinstance(b, int) else b._array for b in bins]
    hist, edges = _histogram(self._array, bins, range, None if weight is None else weight._array, density)
    return from_array(hist), tuple([from_array(e) for e in edges])


@primitive("bincount(Tensor self, Tensor? weights=None, SymInt minlength=0) -> Tensor",
           shown="input, weights=None, minlength=0", make="method out", half=False, node="NotImplemented",
           weights=not_implemented("aten::bincount"))
def bincount(self, weights, minlength):
    """How often each number occurs, or the sum of its weights."""
    if self.dtype.kind not in "iu":
        refuse("bincount_cpu", self)
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if self.ndim == 1 and self.size == 0:
        return np.zeros(minlength, np.int64)
    if self.ndim != 1 or self.min() < 0:
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if weights is not None and weights.shape != self.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    if weights is None:
        return np.bincount(self, minlength=minlength)
    dtype = np.float32 if weights.dtype == np.float32 else np.float64
    out = np.zeros(max(minlength, int(self.max()) + 1), dtype)
    gather_kernel.walk("add", out, self.astype(np.int64, copy=False), weights.astype(dtype, copy=False), 0)
    return out


# ------------------------------------------------------------------ search
def _common(a, b, integral=np.int64):
    """Two arrays as keys of one type that the kernel compares."""
    dtype = np.float64 if "f" in (a.dtype.kind, b.dtype.kind) or "V" in (a.dtype.kind, b.dtype.kind) else integral
    return np.ascontiguousarray(a, dtype), np.ascontiguousarray(b, dtype)


def _search(name, edges, x, out_int32, right, side=None, sorter=None):
    scalar = not isinstance(x, np.ndarray)
    if scalar:
        x = np.asarray(x)
    if side not in (None, "left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError("torch.searchsorted(): side and right can't be set to opposites, got side of left while right was True")
    if edges.ndim == 0:
        raise RuntimeError("torch.searchsorted(): boundaries tensor should have positive dimension, but got 0 dimension")
    if edges.ndim != 1:
        if x.ndim == 0:
            raise RuntimeError("torch.searchsorted(): input value can be a scalar only when boundaries tensor dimension is 1, but we got boundaries "
                               f"tensor dim({edges.ndim}) and input value's dim({x.ndim}) numel({x.size})")
        if edges.shape[:-1] != x.shape[:-1]:
            raise RuntimeError("torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and input "
                               f"value tensor must match, but we got boundaries tensor {list(edges.shape)} and input value tensor {list(x.shape)}")
    if sorter is not None:
        if sorter.shape != edges.shape:
            raise RuntimeError(f"torch.searchsorted(): boundary and sorter must have the same size, but got boundary tensor {list(edges.shape)}and got "
                               f"sorter tensor {list(sorter.shape)}")
        if sorter.dtype != np.int64:
            raise RuntimeError(f"torch.searchsorted(): sorter must be a tensor of long dtype but got dtype {type_name(sorter)}")
        if sorter.size and (sorter.min() < 0 or sorter.max() >= edges.shape[-1]):
            raise RuntimeError("torch.searchsorted(): sorter index out of range")
        sorter = np.ascontiguousarray(sorter)
    if edges.dtype.kind in "cb":
        refuse("searchsorted_out_cpu", edges)
    if not scalar and edges.dtype != x.dtype:
        # torch: of different dtypes, the values' 0-dim or not decides the common one
        dtype = result_code(from_array(edges), from_array(x)).numpy
        edges, x = edges.astype(dtype), x.astype(dtype)
    elif scalar:
        dtype = result_code(from_array(edges), x.item()).numpy
        edges, x = edges.astype(dtype, copy=False), x.astype(dtype)
    keys, values = _common(edges, x)
    if x.size == 0:
        return np.empty(x.shape, np.int32 if out_int32 else np.int64)
    if edges.ndim == 1:
        values = values.reshape(1, -1)
    else:
        values = values.reshape(-1, x.shape[-1])
        keys = keys.reshape(len(values), -1)
    found = kernel.search(keys, sorter, values, right or side == "right").reshape(x.shape)
    return found.astype(np.int32) if out_int32 else found


@primitive("searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> "
           "Tensor",
           "searchsorted.Scalar(Tensor sorted_sequence, Scalar self, *, bool out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> "
           "Tensor", shown="sorted_sequence, values, *, out_int32=False, right=False, side=None, out=None, sorter=None", make="out", nograd=True)
def searchsorted(sorted_sequence, self, out_int32, right, side, sorter):
    """Where each value would be inserted in the innermost dim of a sorted sequence: before equal elements, or after them."""
    return _search("searchsorted", sorted_sequence, self, out_int32, right, side, sorter)


@primitive("bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor",
           "bucketize.Scalar(Scalar self, Tensor boundaries, *, bool out_int32=False, bool right=False) -> Tensor", make="out", nograd=True)
def bucketize(self, boundaries, out_int32, right):
    """The number of the bucket between `boundaries` that each value falls into."""
    if boundaries.ndim != 1:
        raise RuntimeError(f"boundaries tensor must be 1 dimension, but got dim({boundaries.ndim})")
    return _search("bucketize", boundaries, self, out_int32, right)


@primitive("isin.Tensor_Tensor(Tensor elements, Tensor test_elements, *, bool assume_unique=False, bool invert=False) -> Tensor",
           "isin.Tensor_Scalar(Tensor elements, Scalar test_element, *, bool assume_unique=False, bool invert=False) -> Tensor",
           "isin.Scalar_Tensor(Scalar element, Tensor test_elements, *, bool assume_unique=False, bool invert=False) -> Tensor",
           shown="elements, test_elements, *, assume_unique=False, invert=False", make="out", nograd=True)
def isin(invert, elements=None, test_elements=None, element=None, test_element=None):
    """Whether each element is among the test elements."""
    elements = element if elements is None else elements
    test_elements = test_element if test_elements is None else test_elements
    for a in (elements, test_elements):
        if isinstance(a, np.ndarray) and a.dtype.kind in "cb":
            raise RuntimeError(f"Unsupported input type encountered for isin(): {type_name(a)}")
    return np.asarray(np.isin(elements, test_elements, invert=invert))


# ------------------------------------------------------------------ a number for all of them
@primitive("hash_tensor(Tensor self, int[1] dim=[], *, bool keepdim=False, int mode=0) -> Tensor", make="method out", half=False, nograd=True)
def hash_tensor(self, dim, keepdim, mode):
    """The bits of the elements, widened to 64, joined by exclusive or."""
    if mode != 0:
        raise RuntimeError(f"Unknown hash_tensor mode: {mode}")
    if self.dtype.kind == "c":
        refuse("xor_sum_cpu", self)
    axis = numpy_axes(dim, self.ndim)
    if self.size == 0:
        if axis is None:
            raise RuntimeError("hash_tensor: Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.")
        for d in axis:
            if self.shape[d] == 0:
                raise IndexError(f"hash_tensor: Expected reduction dim {d} to have non-zero size.")
    wide = self.astype(np.float64).view(np.uint64) if self.dtype.kind in "fV" else self.astype(np.int64).view(np.uint64)
    return np.asarray(np.bitwise_xor.reduce(wide, axis, keepdims=keepdim))
