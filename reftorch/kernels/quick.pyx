# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, nonecheck=False
"""Quick functions for views, joining, sums, softmax and a loss: ordinary arguments alone; anything else, errors too, is left to the op's body."""
cimport numpy as cnp
from cython cimport floating
from libc.string cimport memcpy, memset

from .runtime cimport THREADS
from .memory cimport array_of
from .quick cimport NO_NUMBER, capsule, quick_call
from .reduce cimport sum_middle
from .rows cimport copy_bytes, softmax_backward_rows, softmax_rows

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
    int PyArray_SAMESHAPE(cnp.ndarray, cnp.ndarray)
    cnp.ndarray PyArray_GETCONTIGUOUS(cnp.ndarray)

DEF MOST_DIMS = 16
DEF SMALL = 16384                    # elements up to which one thread does
DEF LEAST_RUN = 64                   # bytes that lie together
DEF LONG = 1 << 20                   # bytes whose copying is worth letting other Python threads run


# ------------------------------------------------------------------ views
cdef inline bint plain(cnp.ndarray a):
    """NumPy leaves the strides of empty arrays to chance."""
    return cnp.PyArray_SIZE(a) > 0 and cnp.PyArray_NDIM(a) < MOST_DIMS


cdef inline int place(cnp.npy_intp dim, int nd):
    """`dim` counted from the front, or -1."""
    if dim < 0:
        dim += nd
    return <int>dim if 0 <= dim < nd else -1


cdef inline bint is_dense(cnp.ndarray a):
    """Whether an array that is not empty is row-major by its strides, those of dims of size 1, which views keep, as well."""
    cdef cnp.npy_intp run = cnp.PyArray_ITEMSIZE(a)
    cdef int i
    for i in range(cnp.PyArray_NDIM(a) - 1, -1, -1):
        if cnp.PyArray_STRIDE(a, i) != run:
            return False
        run *= cnp.PyArray_DIM(a, i)
    return True


cdef object reshaped(quick_call *q):
    """The elements of a row-major array in another shape, of which one size may be -1."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    cdef cnp.npy_intp size = cnp.PyArray_SIZE(a), known = 1
    cdef cnp.npy_intp strides[MOST_DIMS]
    cdef int i, open_ = -1, nd = q.numbers
    if not plain(a) or nd >= MOST_DIMS or not is_dense(a):
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


# ------------------------------------------------------------------ copying and joining
cdef int by_runs(cnp.ndarray to, cnp.ndarray a, cnp.npy_intp *dims, cnp.npy_intp *far, cnp.npy_intp *near) noexcept:
    """The dims from the outermost in `to` to the innermost, with the strides of both; what goes on in both is one dim. Gives their number."""
    cdef int nd = 0, k, at
    cdef cnp.npy_intp n, step, other
    for k in range(cnp.PyArray_NDIM(to)):
        n, step, other = cnp.PyArray_DIM(to, k), cnp.PyArray_STRIDE(to, k), cnp.PyArray_STRIDE(a, k)
        if n == 1:
            continue
        at = nd
        while at > 0 and far[at - 1] < step:
            dims[at], far[at], near[at] = dims[at - 1], far[at - 1], near[at - 1]
            at -= 1
        dims[at], far[at], near[at] = n, step, other
        nd += 1
    k = 0
    for at in range(1, nd):
        if far[k] == far[at] * dims[at] and near[k] == near[at] * dims[at]:
            dims[k] *= dims[at]
        else:
            k += 1
            dims[k] = dims[at]
        far[k], near[k] = far[at], near[at]
    return min(nd, k + 1)


cdef void move_runs(char *to, const char *a, int nd, cnp.npy_intp *dims, cnp.npy_intp *far, cnp.npy_intp *near, Py_ssize_t run) noexcept nogil:
    cdef cnp.npy_intp i
    for i in range(dims[0] if nd else 1):
        if nd > 1:
            move_runs(to + i * far[0], a + i * near[0], nd - 1, dims + 1, far + 1, near + 1, run)
        else:
            memcpy(to + (i * far[0] if nd else 0), a + (i * near[0] if nd else 0), run)


def move(cnp.ndarray to not None, cnp.ndarray a not None):
    """to[...] = a, of one shape and dtype and without common memory: by runs of what lies together in both."""
    cdef cnp.npy_intp dims[MOST_DIMS]
    cdef cnp.npy_intp far[MOST_DIMS]
    cdef cnp.npy_intp near[MOST_DIMS]
    cdef Py_ssize_t item = cnp.PyArray_ITEMSIZE(a), run = item
    cdef int nd = by_runs(to, a, dims, far, near) if plain(a) else 0
    if nd and far[nd - 1] == item and near[nd - 1] == item:
        nd -= 1
        run = dims[nd] * item
    if run < LEAST_RUN:                      # NumPy goes through these faster
        cnp.PyArray_CopyInto(to, a)
    elif cnp.PyArray_NBYTES(a) <= LONG:
        move_runs(cnp.PyArray_BYTES(to), cnp.PyArray_BYTES(a), nd, dims, far, near, run)
    else:
        with nogil:
            move_runs(cnp.PyArray_BYTES(to), cnp.PyArray_BYTES(a), nd, dims, far, near, run)


cdef object clone(quick_call *q):
    """An array once more in row-major order, which it has or a number asks for."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], out
    cdef Py_ssize_t bytes = cnp.PyArray_NBYTES(a)
    cdef bint row_major = PyArray_IS_C_CONTIGUOUS(a)
    if not plain(a) or not (row_major or q.numbers):
        return None
    out = like(a)
    if not row_major:
        move(out, a)
    elif bytes <= LONG:
        copy_bytes(bytes, cnp.PyArray_DATA(a), cnp.PyArray_DATA(out))
    else:
        with nogil:
            copy_bytes(bytes, cnp.PyArray_DATA(a), cnp.PyArray_DATA(out))
    return out


cdef object select_backward(quick_call *q):
    """Zeros of a shape with a row-major array in the place that `select` took it from; the last numbers are dim and index."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], out
    cdef int nd = q.numbers - 2, i, dim = place(q.number[nd], nd) if nd > 0 else -1
    cdef cnp.npy_intp outer = 1, run = cnp.PyArray_ITEMSIZE(a), n, index, k
    cdef char *to
    if dim < 0 or nd != cnp.PyArray_NDIM(a) + 1 or not plain(a) or not PyArray_IS_C_CONTIGUOUS(a):
        return None
    for i in range(nd):
        if i != dim and q.number[i] != cnp.PyArray_DIM(a, i - (i > dim)):
            return None
        outer *= q.number[i] if i < dim else 1
        run *= q.number[i] if i > dim else 1
    n, index = q.number[dim], q.number[nd + 1]
    index += n if index < 0 else 0
    if index < 0 or index >= n:
        return None
    out = array_of(nd, q.number, cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a))
    to = cnp.PyArray_BYTES(out)
    for k in range(outer):
        memset(to, 0, index * run)
        memcpy(to + index * run, cnp.PyArray_BYTES(a) + k * run, run)
        memset(to + (index + 1) * run, 0, (n - index - 1) * run)
        to += n * run
    return out


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
    out = array_of(nd, dims, cnp.PyArray_TYPE(first), cnp.PyArray_ITEMSIZE(first))
    row = cnp.PyArray_NBYTES(out) // outer
    to = cnp.PyArray_BYTES(out)
    for k in range(q.tensors):
        a = <cnp.ndarray>q.tensor[k]
        run = cnp.PyArray_NBYTES(a) // outer
        for i in range(outer):
            memcpy(to + i * row, cnp.PyArray_BYTES(a) + i * run, run)
        to += run
    return out


# ------------------------------------------------------------------ numbers
cdef inline bint floats(cnp.ndarray a):
    """An array of float32 or float64 that is not empty."""
    cdef int kind = cnp.PyArray_TYPE(a)
    return (kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_FLOAT64) and cnp.PyArray_SIZE(a) > 0


cdef inline bint small_floats(cnp.ndarray a):
    """A small one."""
    return floats(a) and cnp.PyArray_SIZE(a) <= SMALL


cdef inline bint single(cnp.ndarray a):
    """One that a thread does alone, and before others could take Python's lock."""
    return floats(a) and (cnp.PyArray_SIZE(a) <= SMALL or (THREADS == 1 and cnp.PyArray_NBYTES(a) <= LONG))


cdef inline cnp.ndarray like(cnp.ndarray a):
    return array_of(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a))


cdef inline Py_ssize_t row_of(cnp.ndarray a, cnp.npy_intp dim):
    """The length of the last dim, if that is `dim` and the array is one of a few row-major floats; else 0."""
    cdef int nd = cnp.PyArray_NDIM(a)
    if nd == 0 or place(dim, nd) != nd - 1 or not small_floats(a) or cnp.PyArray_SIZE(a) > 256 or not PyArray_IS_C_CONTIGUOUS(a):
        return 0
    return cnp.PyArray_DIM(a, nd - 1)


cdef object softmax_of(quick_call *q, bint log):
    """Along the last dim of a small row-major array."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], out
    cdef Py_ssize_t n = row_of(a, q.number[0])
    if not n:
        return None
    out = like(a)
    softmax_rows(cnp.PyArray_TYPE(a), log, cnp.PyArray_SIZE(a) // n, n, cnp.PyArray_DATA(a), cnp.PyArray_DATA(out))
    return out


cdef object softmax(quick_call *q):
    return softmax_of(q, False)


cdef object log_softmax(quick_call *q):
    return softmax_of(q, True)


cdef object softmax_gradient(quick_call *q, bint log):
    """By the argument, from the gradient by the result and the result."""
    cdef cnp.ndarray grad = <cnp.ndarray>q.tensor[0], y = <cnp.ndarray>q.tensor[1], out
    cdef Py_ssize_t n = row_of(y, q.number[0])
    if not n or not PyArray_SAMESHAPE(grad, y):
        return None
    grad, out = PyArray_GETCONTIGUOUS(grad), like(y)
    softmax_backward_rows(cnp.PyArray_TYPE(y), log, cnp.PyArray_SIZE(y) // n, n, cnp.PyArray_DATA(grad), cnp.PyArray_DATA(y), cnp.PyArray_DATA(out))
    return out


cdef object softmax_backward(quick_call *q):
    return softmax_gradient(q, False)


cdef object log_softmax_backward(quick_call *q):
    return softmax_gradient(q, True)


# ------------------------------------------------------------------ sums
cdef bint repeated(cnp.ndarray a):
    """Whether all elements are one number in memory, as in the gradient of a sum."""
    cdef int d
    for d in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_STRIDE(a, d):
            return False
    return True


cdef cnp.ndarray dense(cnp.ndarray a):
    """A row-major array of one `repeated` number."""
    cdef cnp.ndarray out = like(a)
    cdef cnp.npy_intp i
    for i in range(cnp.PyArray_SIZE(a)):
        memcpy(cnp.PyArray_BYTES(out) + i * cnp.PyArray_ITEMSIZE(a), cnp.PyArray_DATA(a), cnp.PyArray_ITEMSIZE(a))
    return out


cdef object sum_dims(quick_call *q):
    """Over one dim, or several side by side, of an array that one thread does; the last number says whether they are kept."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], out
    cdef bint chosen[MOST_DIMS]
    cdef cnp.npy_intp dims[MOST_DIMS]
    cdef cnp.npy_intp size[3]                    # before, in and after the sum
    cdef int d, kept = 0, at = 0, nd = cnp.PyArray_NDIM(a)
    if q.numbers < 2 or nd == 0 or nd >= MOST_DIMS or not (single(a) and PyArray_IS_C_CONTIGUOUS(a) or small_floats(a) and repeated(a)):
        return None
    for d in range(nd):
        chosen[d] = False
    for i in range(q.numbers - 1):
        d = place(q.number[i], nd)
        if d < 0 or chosen[d]:
            return None
        chosen[d] = True
    size[0] = size[1] = size[2] = 1
    for d in range(nd):
        if chosen[d] != (at == 1):
            if at == 2:
                return None                  # a sum over dims that lie apart
            at += 1
        size[at] *= cnp.PyArray_DIM(a, d)
        if not chosen[d] or q.number[q.numbers - 1]:
            dims[kept] = 1 if chosen[d] else cnp.PyArray_DIM(a, d)
            kept += 1
    out = array_of(kept, dims, cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a))
    if not PyArray_IS_C_CONTIGUOUS(a):
        a = dense(a)
    sum_middle(cnp.PyArray_TYPE(a), size[0], size[1], size[2], cnp.PyArray_DATA(a), cnp.PyArray_DATA(out))
    return out


cdef cnp.ndarray total(cnp.ndarray a, bint mean):
    """The sum or the mean of all elements of a row-major array."""
    cdef cnp.npy_intp n = cnp.PyArray_SIZE(a)
    cdef cnp.ndarray out = array_of(0, NULL, cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a))
    sum_middle(cnp.PyArray_TYPE(a), 1, n, 1, cnp.PyArray_DATA(a), cnp.PyArray_DATA(out))
    if mean and cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
        (<float *>cnp.PyArray_DATA(out))[0] /= <float>n
    elif mean:
        (<double *>cnp.PyArray_DATA(out))[0] /= <double>n
    return out


cdef object mean(quick_call *q):
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0]
    return total(a, True) if small_floats(a) and PyArray_IS_C_CONTIGUOUS(a) else None


# ------------------------------------------------------------------ losses
cdef void square_distances(floating *a, floating *b, floating *out, cnp.npy_intp n) noexcept:
    cdef cnp.npy_intp i
    for i in range(n):
        out[i] = (a[i] - b[i]) * (a[i] - b[i])


cdef object mse_loss(quick_call *q):
    """(a - b)^2 of two arrays of one shape that one thread does, as they are, their mean or their sum."""
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], b = <cnp.ndarray>q.tensor[1], out
    if not single(a) or not PyArray_SAMESHAPE(a, b) or not PyArray_IS_C_CONTIGUOUS(a) or not PyArray_IS_C_CONTIGUOUS(b):
        return None
    if q.number[0] < 0 or q.number[0] > 2:
        return None
    out = like(a)
    if cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT32:
        square_distances(<float *>cnp.PyArray_DATA(a), <float *>cnp.PyArray_DATA(b), <float *>cnp.PyArray_DATA(out), cnp.PyArray_SIZE(a))
    else:
        square_distances(<double *>cnp.PyArray_DATA(a), <double *>cnp.PyArray_DATA(b), <double *>cnp.PyArray_DATA(out), cnp.PyArray_SIZE(a))
    return out if q.number[0] == 0 else total(out, q.number[0] == 1)


QUICK = {"reshaped": capsule(reshaped), "transposed": capsule(transposed), "transpose": capsule(transpose), "select": capsule(select),
         "slice": capsule(slice_), "unsqueeze": capsule(unsqueeze), "squeeze": capsule(squeeze), "expand": capsule(expand),
         "cat": capsule(cat), "clone": capsule(clone), "select_backward": capsule(select_backward),
         "sum_dims": capsule(sum_dims), "mean": capsule(mean), "mse_loss": capsule(mse_loss), "softmax": capsule(softmax),
         "log_softmax": capsule(log_softmax), "softmax_backward": capsule(softmax_backward), "log_softmax_backward": capsule(log_softmax_backward)}
