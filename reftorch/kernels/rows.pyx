# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, wraparound=False
"""Softmax, losses of classes, running sums and tables of rows, see native/rows.h; None where NumPy must do."""
cimport numpy as cnp
from libc.stdint cimport int64_t
from libc.string cimport memcpy

import numpy as np

from .runtime cimport THREADS

cnp.import_array()

ctypedef void (*row_function)(int threads, int flag, Py_ssize_t rows, Py_ssize_t n, const void *x, void *y) noexcept nogil

cdef extern from "native/rows.h":
    ctypedef struct row_functions:
        void softmax(int threads, int log, Py_ssize_t rows, Py_ssize_t n, const void *x, void *y) noexcept nogil
        void softmax_backward(int threads, int log, Py_ssize_t rows, Py_ssize_t n, const void *dy, const void *y, void *dx) noexcept nogil
        Py_ssize_t nll(int mean, Py_ssize_t rows, Py_ssize_t n, const void *x, const int64_t *target, const void *weight, int64_t ignored,
                       void *losses, void *loss, void *total) noexcept nogil
        void nll_backward(Py_ssize_t rows, Py_ssize_t n, const void *loss, Py_ssize_t step, const int64_t *target, const void *weight,
                          int64_t ignored, void *dx) noexcept nogil
        void running_sum(int threads, int from_back, Py_ssize_t rows, Py_ssize_t n, const void *x, void *y) noexcept nogil
        void add_rows(int threads, Py_ssize_t count, Py_ssize_t n, const void *x, const int64_t *source, const int64_t *to, const void *factors,
                      void *total) noexcept nogil
    ctypedef struct row_kernels:
        row_functions f32, f64
    const row_kernels *PICK(row_kernels)
    row_kernels row_table

cdef const row_kernels *kernels = PICK(row_table)


cdef inline const row_functions *functions_for(cnp.ndarray x):
    cdef int kind = cnp.PyArray_TYPE(x)
    return &kernels.f32 if kind == cnp.NPY_FLOAT32 else &kernels.f64 if kind == cnp.NPY_FLOAT64 else NULL


cdef void softmax_rows(int kind, bint log, Py_ssize_t rows, Py_ssize_t n, const void *x, void *y) noexcept nogil:
    """Of a small matrix, without threads."""
    (&kernels.f32 if kind == cnp.NPY_FLOAT32 else &kernels.f64).softmax(1, log, rows, n, x, y)


cdef void softmax_backward_rows(int kind, bint log, Py_ssize_t rows, Py_ssize_t n, const void *dy, const void *y, void *dx) noexcept nogil:
    """Of a small matrix, without threads."""
    (&kernels.f32 if kind == cnp.NPY_FLOAT32 else &kernels.f64).softmax_backward(1, log, rows, n, dy, y, dx)


cdef inline cnp.ndarray contiguous(cnp.ndarray x):
    return None if x is None else <cnp.ndarray>cnp.PyArray_GETCONTIGUOUS(x)


cdef inline void *data(cnp.ndarray x):
    return NULL if x is None else cnp.PyArray_DATA(x)


cdef inline cnp.ndarray like(cnp.ndarray x):
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)


cdef inline Py_ssize_t last(cnp.ndarray x, int dim) noexcept:
    """Elements of a row, if `dim` is the last one and there are some; else 0."""
    cdef int nd = cnp.PyArray_NDIM(x)
    return cnp.PyArray_DIM(x, nd - 1) if nd and dim == nd - 1 and cnp.PyArray_SIZE(x) else 0


cdef along(row_function f, cnp.ndarray x, int dim, bint flag):
    """`f` of every row of the last dim, or None."""
    cdef Py_ssize_t n = last(x, dim)
    cdef int threads = THREADS
    if not n:
        return None
    x = contiguous(x)
    cdef cnp.ndarray y = like(x)
    with nogil:
        f(threads, flag, cnp.PyArray_SIZE(x) // n, n, cnp.PyArray_DATA(x), cnp.PyArray_DATA(y))
    return y


def softmax(cnp.ndarray x not None, int dim, bint log):
    """softmax or its logarithm along the last dim, or None."""
    cdef const row_functions *functions = functions_for(x)
    return None if functions == NULL else along(functions.softmax, x, dim, log)


def softmax_backward(cnp.ndarray grad not None, cnp.ndarray y not None, int dim, bint log):
    """The gradient by x of `softmax`, from that of its result y; or None."""
    cdef const row_functions *functions = functions_for(y)
    cdef Py_ssize_t n = last(y, dim)
    cdef int threads = THREADS
    if functions == NULL or not n or cnp.PyArray_TYPE(grad) != cnp.PyArray_TYPE(y) or cnp.PyArray_SIZE(grad) != cnp.PyArray_SIZE(y):
        return None
    grad, y = contiguous(grad), contiguous(y)
    cdef cnp.ndarray dx = like(y)
    with nogil:
        functions.softmax_backward(threads, log, cnp.PyArray_SIZE(y) // n, n, cnp.PyArray_DATA(grad), cnp.PyArray_DATA(y), cnp.PyArray_DATA(dx))
    return dx


cdef bint plain_classes(cnp.ndarray x, cnp.ndarray target, cnp.ndarray weight):
    return (cnp.PyArray_NDIM(x) == 2 and cnp.PyArray_TYPE(target) == cnp.NPY_INT64
            and (weight is None or cnp.PyArray_TYPE(weight) == cnp.PyArray_TYPE(x)))


def nll(cnp.ndarray x not None, cnp.ndarray target not None, cnp.ndarray weight, int64_t ignored, bint each, bint mean):
    """[the losses of [N, C] if `each`, else their mean or sum; the sum of the weights, 0 if `each`]; the first bad target as an int; or None."""
    cdef const row_functions *functions = functions_for(x)
    cdef Py_ssize_t rows, bad
    if functions == NULL or not plain_classes(x, target, weight):
        return None
    x, target, weight = contiguous(x), contiguous(target), contiguous(weight)
    rows = cnp.PyArray_DIM(x, 0)
    cdef cnp.ndarray losses = cnp.PyArray_EMPTY(1, cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0) if each else None
    cdef cnp.ndarray loss = cnp.PyArray_EMPTY(0, NULL, cnp.PyArray_TYPE(x), 0), total = cnp.PyArray_ZEROS(0, NULL, cnp.PyArray_TYPE(x), 0)
    bad = functions.nll(mean, rows, cnp.PyArray_DIM(x, 1), cnp.PyArray_DATA(x), <int64_t *>cnp.PyArray_DATA(target), data(weight), ignored, data(losses),
                        cnp.PyArray_DATA(loss), cnp.PyArray_DATA(loss if each else total))
    if bad >= 0:
        return (<int64_t *>cnp.PyArray_DATA(target))[bad]
    return [losses if each else loss, total]


def nll_backward(cnp.ndarray loss not None, cnp.ndarray target not None, cnp.ndarray weight, tuple shape not None, int64_t ignored):
    """The adjoint of `nll`'s losses, from one loss or one a row, for targets that were checked; or None."""
    cdef const row_functions *functions = functions_for(loss)
    cdef cnp.npy_intp dims[2]
    cdef Py_ssize_t step = 1
    if functions == NULL or len(shape) != 2:
        return None
    dims[0], dims[1] = shape
    cdef cnp.ndarray dx = cnp.PyArray_EMPTY(2, dims, cnp.PyArray_TYPE(loss), 0)
    if not plain_classes(dx, target, weight):
        return None
    if cnp.PyArray_NDIM(loss) == 1 and cnp.PyArray_STRIDE(loss, 0) == 0:
        step = 0
    else:
        loss = contiguous(loss)
    target, weight = contiguous(target), contiguous(weight)
    functions.nll_backward(dims[0], dims[1], cnp.PyArray_DATA(loss), step, <int64_t *>cnp.PyArray_DATA(target), data(weight), ignored,
                           cnp.PyArray_DATA(dx))
    return dx


def running_sum(cnp.ndarray x not None, int dim, bint from_back=False):
    """Sums of the elements so far along the last dim, or None."""
    cdef const row_functions *functions = functions_for(x)
    return None if functions == NULL else along(functions.running_sum, x, dim, from_back)


def pick(cnp.ndarray table not None, cnp.ndarray at not None):
    """table[at] of a contiguous table [V, D] and int64 indices, -1 when one is out of range, or None."""
    cdef Py_ssize_t i, count = cnp.PyArray_SIZE(at), rows = cnp.PyArray_DIM(table, 0), bytes = cnp.PyArray_DIM(table, 1) * cnp.PyArray_ITEMSIZE(table)
    cdef bint bad = False
    if not cnp.PyArray_IS_C_CONTIGUOUS(table) or cnp.PyArray_TYPE(at) != cnp.NPY_INT64:
        return None
    at = contiguous(at)
    cdef cnp.ndarray made = np.empty((<object>at).shape + (<object>table).shape[1:], table.dtype)
    cdef const int64_t *where = <const int64_t *>cnp.PyArray_DATA(at)
    cdef char *source = cnp.PyArray_BYTES(table)
    cdef char *to = cnp.PyArray_BYTES(made)
    with nogil:
        for i in range(count):
            if where[i] < 0 or where[i] >= rows:
                bad = True
                break
            memcpy(to + i * bytes, source + where[i] * bytes, bytes)
    return -1 if bad else made


cdef bint within(cnp.ndarray indices, Py_ssize_t size):
    """Whether all indices are in range; a missing list is."""
    cdef Py_ssize_t i
    cdef const int64_t *at = <const int64_t *>data(indices)
    if indices is not None:
        for i in range(cnp.PyArray_SIZE(indices)):
            if at[i] < 0 or at[i] >= size:
                return False
    return True


def add_rows(cnp.ndarray total not None, cnp.ndarray x not None, cnp.ndarray source, cnp.ndarray to, cnp.ndarray factors=None):
    """total[to[i]] += factors[i] * x[source[i]] for every i, in order; False when NumPy must do. A missing list of indices counts up."""
    cdef const row_functions *functions = functions_for(total)
    cdef int threads = THREADS
    cdef Py_ssize_t count
    if functions == NULL or cnp.PyArray_NDIM(total) == 0 or cnp.PyArray_TYPE(x) != cnp.PyArray_TYPE(total) or not cnp.PyArray_IS_C_CONTIGUOUS(total):
        return False
    if factors is not None and cnp.PyArray_TYPE(factors) != cnp.PyArray_TYPE(total):
        return False
    for indices in (source, to):
        if indices is not None and cnp.PyArray_TYPE(indices) != cnp.NPY_INT64:
            return False
    x, source, to, factors = contiguous(x), contiguous(source), contiguous(to), contiguous(factors)
    count = cnp.PyArray_DIM(x, 0) if source is None else cnp.PyArray_SIZE(source)
    cdef Py_ssize_t n = cnp.PyArray_SIZE(total) // cnp.PyArray_DIM(total, 0) if cnp.PyArray_DIM(total, 0) else 0
    cdef int64_t *first = <int64_t *>data(source)
    cdef int64_t *second = <int64_t *>data(to)
    cdef void *times = data(factors)
    if not (within(source, cnp.PyArray_DIM(x, 0)) and within(to, cnp.PyArray_DIM(total, 0))):
        raise IndexError("index out of range in self")
    if n:
        with nogil:
            functions.add_rows(threads, count, n, cnp.PyArray_DATA(x), first, second, times, cnp.PyArray_DATA(total))
    return True
