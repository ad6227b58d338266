# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, nonecheck=False
"""Quick functions for views, joining and softmax: ordinary arguments alone; anything else, errors too, is left to the op's body."""
cimport numpy as cnp
from libc.string cimport memcpy

from .quick cimport NO_NUMBER, capsule, quick_call
from .reduce cimport sum_columns
from .rows cimport softmax_rows

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    """
    static PyObject *array_on(PyArrayObject *a, int nd, npy_intp *dims, npy_intp *strides, npy_intp offset) {
        PyArray_Descr *d = PyArray_DESCR(a);
        Py_INCREF(d);
        PyObject *r = PyArray_NewFromDescr(&PyArray_Type, d, nd, dims, strides, PyArray_BYTES(a) + offset, PyArray_FLAGS(a) & NPY_ARRAY_WRITEABLE, NULL);
        if (r == NULL) return NULL;
        Py_INCREF(a);
        if (PyArray_SetBaseObject((PyArrayObject *)r, (PyObject *)a) < 0) { Py_DECREF(r); return NULL; }
        return r;
    }
    """
    object array_on(cnp.ndarray a, int nd, cnp.npy_intp *dims, cnp.npy_intp *strides, cnp.npy_intp offset)
    int PyArray_IS_C_CONTIGUOUS(cnp.ndarray)

DEF MOST_DIMS = 16
DEF SMALL = 16384                    # elements up to which one thread does


# ------------------------------------------------------------------ views
cdef inline bint plain(cnp.ndarray a):
    """NumPy leaves the strides of empty arrays to chance."""
    return cnp.PyArray_SIZE(a) > 0 and cnp.PyArray_NDIM(a) < MOST_DIMS


cdef inline int place(cnp.npy_intp dim, int nd):
    """`dim` counted from the front, or -1."""
    if dim < 0:
        dim += nd
    return <int>dim if 0 <= dim < nd else -1


cdef object reshaped(quick_call *q):
    """The elements of a row-major array in another shape, of which one size may be -1."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    cdef cnp.npy_intp size = cnp.PyArray_SIZE(a), known = 1
    cdef cnp.npy_intp strides[MOST_DIMS]
    cdef int i, open_ = -1, nd = q.numbers
    if not plain(a) or nd >= MOST_DIMS or not PyArray_IS_C_CONTIGUOUS(a):
        return None
    for i in range(nd):
        if q.number[i] == -1 and open_ < 0:
            open_ = i
        elif q.number[i] <= 0 or q.number[i] > size:
            return None
        else:
            known *= q.number[i]
            if known > size:
                return None
    if open_ >= 0:
        q.number[open_] = size // known
        known *= q.number[open_]
    if known != size:
        return None
    known = cnp.PyArray_ITEMSIZE(a)
    for i in range(nd - 1, -1, -1):
        strides[i] = known
        known *= q.number[i]
    return array_on(a, nd, q.number, strides, 0)


cdef object swapped(cnp.ndarray a, int first, int second):
    cdef cnp.npy_intp dims[MOST_DIMS]
    cdef cnp.npy_intp strides[MOST_DIMS]
    cdef int i, nd = cnp.PyArray_NDIM(a)
    for i in range(nd):
        dims[i], strides[i] = cnp.PyArray_DIMS(a)[i], cnp.PyArray_STRIDES(a)[i]
    dims[first], dims[second] = dims[second], dims[first]
    strides[first], strides[second] = strides[second], strides[first]
    return array_on(a, nd, dims, strides, 0)


cdef object transposed(quick_call *q):
    """`t`: a matrix turned over."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    return swapped(a, 0, 1) if cnp.PyArray_NDIM(a) == 2 and plain(a) else None


cdef object transpose(quick_call *q):
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    cdef int first = place(q.number[0], cnp.PyArray_NDIM(a)), second = place(q.number[1], cnp.PyArray_NDIM(a))
    return swapped(a, first, second) if first >= 0 and second >= 0 and plain(a) else None


cdef object select(quick_call *q):
    """`a[..., index, ...]` at a dim."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    cdef cnp.npy_intp dims[MOST_DIMS]
    cdef cnp.npy_intp strides[MOST_DIMS]
    cdef int i, nd = cnp.PyArray_NDIM(a), dim = place(q.number[0], nd), at
    if dim < 0 or not plain(a):
        return None
    at = place(q.number[1], cnp.PyArray_DIMS(a)[dim])
    if at < 0:
        return None
    for i in range(nd - 1):
        dims[i], strides[i] = cnp.PyArray_DIMS(a)[i + (i >= dim)], cnp.PyArray_STRIDES(a)[i + (i >= dim)]
    return array_on(a, nd - 1, dims, strides, at * cnp.PyArray_STRIDES(a)[dim])


cdef object slice_(quick_call *q):
    """`a[..., start:end:step, ...]` at a dim."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    cdef cnp.npy_intp dims[MOST_DIMS]
    cdef cnp.npy_intp strides[MOST_DIMS]
    cdef cnp.npy_intp n, start = q.number[1], end = q.number[2], step = q.number[3]
    cdef int i, nd = cnp.PyArray_NDIM(a), dim = place(q.number[0], nd)
    if dim < 0 or step <= 0 or not plain(a):
        return None
    n = cnp.PyArray_DIMS(a)[dim]
    start = 0 if start == NO_NUMBER else start + n if start < 0 else start
    end = n if end == NO_NUMBER else end + n if end < 0 else end
    end = n if end > n else end
    if start < 0 or start >= end:
        return None                          # empty, or cut to the bounds
    for i in range(nd):
        dims[i], strides[i] = cnp.PyArray_DIMS(a)[i], cnp.PyArray_STRIDES(a)[i]
    dims[dim] = (end - start - 1) // step + 1
    strides[dim] *= step
    return array_on(a, nd, dims, strides, start * cnp.PyArray_STRIDES(a)[dim])


cdef object unsqueeze(quick_call *q):
    """A new dim of size 1."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    cdef cnp.npy_intp dims[MOST_DIMS + 1]
    cdef cnp.npy_intp strides[MOST_DIMS + 1]
    cdef int i, nd = cnp.PyArray_NDIM(a), dim = place(q.number[0], nd + 1)
    if dim < 0 or not plain(a):
        return None
    for i in range(nd):
        dims[i + (i >= dim)], strides[i + (i >= dim)] = cnp.PyArray_DIMS(a)[i], cnp.PyArray_STRIDES(a)[i]
    dims[dim] = 1
    strides[dim] = cnp.PyArray_ITEMSIZE(a) if dim == nd else dims[dim + 1] * strides[dim + 1]
    return array_on(a, nd + 1, dims, strides, 0)


cdef object squeeze(quick_call *q):
    """Without dims of size 1: all, or the one given."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    cdef cnp.npy_intp dims[MOST_DIMS]
    cdef cnp.npy_intp strides[MOST_DIMS]
    cdef int i, nd = cnp.PyArray_NDIM(a), kept = 0, dim = -1
    if q.numbers:
        dim = place(q.number[0], nd)
    if not plain(a) or (q.numbers and dim < 0):
        return None
    for i in range(nd):
        if cnp.PyArray_DIMS(a)[i] != 1 or (q.numbers and i != dim):
            dims[kept], strides[kept] = cnp.PyArray_DIMS(a)[i], cnp.PyArray_STRIDES(a)[i]
            kept += 1
    return array_on(a, kept, dims, strides, 0)


cdef object expand(quick_call *q):
    """Dims of size 1, and new leading ones, repeated; -1 keeps a size."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    cdef cnp.npy_intp strides[MOST_DIMS]
    cdef cnp.npy_intp own
    cdef int i, nd = q.numbers, new = nd - cnp.PyArray_NDIM(a)
    if new < 0 or nd > MOST_DIMS or not plain(a):
        return None
    for i in range(nd):
        own = cnp.PyArray_DIMS(a)[i - new] if i >= new else 1
        if q.number[i] == -1 and i >= new:
            q.number[i] = own
        if q.number[i] <= 0 or (own != 1 and own != q.number[i]):
            return None
        strides[i] = cnp.PyArray_STRIDES(a)[i - new] if i >= new and own == q.number[i] else 0
    return array_on(a, nd, q.number, strides, 0)


# ------------------------------------------------------------------ joining
cdef object cat(quick_call *q):
    """Row-major arrays of one dtype and number of dims side by side along a dim."""
    cdef cnp.ndarray a, first = <cnp.ndarray>q.tensor[0], out
    cdef cnp.npy_intp dims[MOST_DIMS]
    cdef cnp.npy_intp outer = 1, total = 0, run, row
    cdef int i, k, nd = cnp.PyArray_NDIM(first), dim = place(q.number[0], nd)
    cdef char *to
    if dim < 0 or nd > MOST_DIMS:
        return None
    for k in range(q.tensors):
        a = <cnp.ndarray>q.tensor[k]
        if cnp.PyArray_NDIM(a) != nd or cnp.PyArray_SIZE(a) == 0 or cnp.PyArray_SIZE(a) > SMALL or not PyArray_IS_C_CONTIGUOUS(a):
            return None
        for i in range(nd):
            if i != dim and cnp.PyArray_DIMS(a)[i] != cnp.PyArray_DIMS(first)[i]:
                return None
        total += cnp.PyArray_DIMS(a)[dim]
    for i in range(nd):
        dims[i] = cnp.PyArray_DIMS(first)[i]
        if i < dim:
            outer *= dims[i]
    dims[dim] = total
    out = cnp.PyArray_EMPTY(nd, dims, cnp.PyArray_TYPE(first), 0)
    row = cnp.PyArray_NBYTES(out) // outer
    to = cnp.PyArray_BYTES(out)
    for k in range(q.tensors):
        a = <cnp.ndarray>q.tensor[k]
        run = cnp.PyArray_NBYTES(a) // outer
        for i in range(outer):
            memcpy(to + i * row, cnp.PyArray_BYTES(a) + i * run, run)
        to += run
    return out


# ------------------------------------------------------------------ softmax
cdef object softmax(quick_call *q):
    """Along the last dim of a small row-major array."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], out
    cdef int nd = cnp.PyArray_NDIM(a), kind = cnp.PyArray_TYPE(a)
    cdef cnp.npy_intp size = cnp.PyArray_SIZE(a), n
    if nd == 0 or place(q.number[0], nd) != nd - 1 or size == 0 or size > 256 or not PyArray_IS_C_CONTIGUOUS(a):
        return None
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return None
    n = cnp.PyArray_DIMS(a)[nd - 1]
    out = cnp.PyArray_EMPTY(nd, cnp.PyArray_DIMS(a), kind, 0)
    softmax_rows(kind, size // n, n, cnp.PyArray_DATA(a), cnp.PyArray_DATA(out))
    return out


# ------------------------------------------------------------------ sums
cdef object sum_first(quick_call *q):
    """Over the first dim of a small matrix: what broadcasting a bias comes to in the backward pass."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], out
    cdef int kind = cnp.PyArray_TYPE(a)
    cdef cnp.npy_intp size = cnp.PyArray_SIZE(a)
    cdef cnp.npy_intp dims[2]
    if q.numbers != 2 or cnp.PyArray_NDIM(a) != 2 or q.number[0] != 0 or size == 0 or size > SMALL or not PyArray_IS_C_CONTIGUOUS(a):
        return None
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return None
    dims[0], dims[1] = 1, cnp.PyArray_DIM(a, 1)
    out = cnp.PyArray_EMPTY(2, dims, kind, 0) if q.number[1] else cnp.PyArray_EMPTY(1, &dims[1], kind, 0)
    sum_columns(kind, cnp.PyArray_DIM(a, 0), dims[1], cnp.PyArray_DATA(a), cnp.PyArray_DATA(out))
    return out


QUICK = {"reshaped": capsule(reshaped), "transposed": capsule(transposed), "transpose": capsule(transpose), "select": capsule(select),
         "slice": capsule(slice_), "unsqueeze": capsule(unsqueeze), "squeeze": capsule(squeeze),
         "expand": capsule(expand), "cat": capsule(cat), "sum_first": capsule(sum_first),
         "softmax": capsule(softmax)}
