# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, wraparound=False
"""Normalization of float32 and float64 and its gradients, see native/norms.h; None where NumPy must do."""
cimport numpy as cnp

from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/norms.h":
    ctypedef struct norm_shape:
        Py_ssize_t batch, channels, rest, groups
    ctypedef struct norm_functions:
        int forward(int threads, const norm_shape *s, int known, double eps, const void *x, const void *weight, const void *bias, void *y,
                    void *mean, void *rstd, void *var) noexcept nogil
        int backward(int threads, const norm_shape *s, int known, const void *dy, const void *x, const void *weight, const void *mean,
                     const void *rstd, void *dx, void *dw, void *db) noexcept nogil
        void rows_forward(int threads, Py_ssize_t rows, Py_ssize_t n, double eps, const void *x, const void *weight, const void *bias, void *y,
                          void *mean, void *rstd) noexcept nogil
        int rows_backward(int threads, Py_ssize_t rows, Py_ssize_t n, const void *dy, const void *x, const void *weight, const void *mean,
                          const void *rstd, void *dx, void *dw, void *db) noexcept nogil
    ctypedef struct norm_kernels:
        norm_functions f32, f64
    const norm_kernels *PICK(norm_kernels)
    norm_kernels norm_table

cdef const norm_kernels *kernels = PICK(norm_table)


cdef const norm_functions *functions_for(cnp.ndarray x, cnp.ndarray weight, cnp.ndarray bias):
    """The kernels for x and parameters of its dtype, if there are any."""
    cdef int kind = cnp.PyArray_TYPE(x)
    if cnp.PyArray_SIZE(x) == 0:
        return NULL
    if (weight is not None and cnp.PyArray_TYPE(weight) != kind) or (bias is not None and cnp.PyArray_TYPE(bias) != kind):
        return NULL
    return &kernels.f32 if kind == cnp.NPY_FLOAT32 else &kernels.f64 if kind == cnp.NPY_FLOAT64 else NULL


cdef inline cnp.ndarray contiguous(cnp.ndarray x):
    return None if x is None else <cnp.ndarray>cnp.PyArray_GETCONTIGUOUS(x)


cdef inline void *data(cnp.ndarray x):
    return NULL if x is None else cnp.PyArray_DATA(x)


cdef inline cnp.ndarray vector(cnp.ndarray x, cnp.npy_intp n):
    """An empty vector of x's dtype."""
    return cnp.PyArray_EMPTY(1, &n, cnp.PyArray_TYPE(x), 0)


cdef inline cnp.ndarray like(cnp.ndarray x):
    return cnp.PyArray_EMPTY(cnp.PyArray_NDIM(x), cnp.PyArray_DIMS(x), cnp.PyArray_TYPE(x), 0)


cdef norm_shape shape_of(cnp.ndarray x, Py_ssize_t groups):
    cdef norm_shape s
    s.batch, s.channels, s.groups = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(x, 1), groups
    s.rest = cnp.PyArray_SIZE(x) // (s.batch * s.channels)
    return s


def forward(cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray bias, double eps, Py_ssize_t groups=0):
    """(y, mean, 1/deviation, variance) of [N, C, *], normalized over groups of channels, or the batch and all but the channels; or None."""
    cdef const norm_functions *functions = functions_for(x, weight, bias)
    cdef int threads = THREADS, failed
    cdef norm_shape s
    if functions == NULL:
        return None
    x, weight, bias = contiguous(x), contiguous(weight), contiguous(bias)
    s = shape_of(x, groups)
    cdef cnp.npy_intp sets = s.batch * groups if groups else s.channels
    cdef cnp.ndarray y = like(x), mean = vector(x, sets), rstd = vector(x, sets), var = vector(x, sets)
    cdef void *w = data(weight)
    cdef void *b = data(bias)
    with nogil:
        failed = functions.forward(threads, &s, False, eps, cnp.PyArray_DATA(x), w, b, cnp.PyArray_DATA(y), cnp.PyArray_DATA(mean),
                                   cnp.PyArray_DATA(rstd), cnp.PyArray_DATA(var))
    if failed:
        raise MemoryError
    return y, mean, rstd, var


def apply(cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray bias, cnp.ndarray mean not None, cnp.ndarray rstd not None):
    """[N, C, *] normalized with the mean and 1/deviation given for each channel, or None."""
    cdef const norm_functions *functions = functions_for(x, weight, bias)
    cdef int threads = THREADS
    cdef norm_shape s
    if functions == NULL or cnp.PyArray_TYPE(mean) != cnp.PyArray_TYPE(x) or cnp.PyArray_TYPE(rstd) != cnp.PyArray_TYPE(x):
        return None
    x, weight, bias, mean, rstd = contiguous(x), contiguous(weight), contiguous(bias), contiguous(mean), contiguous(rstd)
    s = shape_of(x, 0)
    cdef cnp.ndarray y = like(x)
    cdef void *w = data(weight)
    cdef void *b = data(bias)
    with nogil:
        functions.forward(threads, &s, True, 0, cnp.PyArray_DATA(x), w, b, cnp.PyArray_DATA(y), cnp.PyArray_DATA(mean), cnp.PyArray_DATA(rstd), NULL)
    return y


def backward(cnp.ndarray grad not None, cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray mean not None, cnp.ndarray rstd not None, mask,
             Py_ssize_t groups=0, bint known=False):
    """The gradients by x, weight and bias of `forward` (of `apply` if `known`), None for those that `mask` leaves out; or None."""
    cdef const norm_functions *functions = functions_for(x, weight, grad)
    cdef int threads = THREADS, failed
    cdef norm_shape s
    if functions == NULL or cnp.PyArray_TYPE(mean) != cnp.PyArray_TYPE(x) or cnp.PyArray_TYPE(rstd) != cnp.PyArray_TYPE(x):
        return None
    grad, x, weight, mean, rstd = contiguous(grad), contiguous(x), contiguous(weight), contiguous(mean), contiguous(rstd)
    s = shape_of(x, groups)
    cdef cnp.ndarray dx = like(x) if mask[0] else None
    cdef cnp.ndarray dw = vector(x, s.channels) if mask[1] else None
    cdef cnp.ndarray db = vector(x, s.channels) if mask[2] else None
    cdef void *w = data(weight)
    cdef void *to[3]
    to[0], to[1], to[2] = data(dx), data(dw), data(db)
    with nogil:
        failed = functions.backward(threads, &s, known, cnp.PyArray_DATA(grad), cnp.PyArray_DATA(x), w, cnp.PyArray_DATA(mean),
                                    cnp.PyArray_DATA(rstd), to[0], to[1], to[2])
    if failed:
        raise MemoryError
    return dx, dw, db


def rows_forward(cnp.ndarray x not None, int n, cnp.ndarray weight, cnp.ndarray bias, double eps):
    """(y, mean, 1/deviation) over the last n dims, dims kept in mean and 1/deviation; or None."""
    cdef const norm_functions *functions = functions_for(x, weight, bias)
    cdef int threads = THREADS, nd = cnp.PyArray_NDIM(x), d
    cdef cnp.npy_intp dims[32]
    cdef cnp.npy_intp rows = 1
    if functions == NULL:
        return None
    x, weight, bias = contiguous(x), contiguous(weight), contiguous(bias)
    for d in range(nd):
        dims[d] = cnp.PyArray_DIM(x, d) if d < nd - n else 1
        rows *= dims[d]
    cdef cnp.ndarray y = like(x), mean = cnp.PyArray_EMPTY(nd, dims, cnp.PyArray_TYPE(x), 0), rstd = cnp.PyArray_EMPTY(nd, dims, cnp.PyArray_TYPE(x), 0)
    cdef void *w = data(weight)
    cdef void *b = data(bias)
    with nogil:
        functions.rows_forward(threads, rows, cnp.PyArray_SIZE(x) // rows, eps, cnp.PyArray_DATA(x), w, b, cnp.PyArray_DATA(y), cnp.PyArray_DATA(mean),
                               cnp.PyArray_DATA(rstd))
    return [y, mean, rstd]


def rows_backward(cnp.ndarray grad not None, cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray mean not None, cnp.ndarray rstd not None, mask,
                  int n):
    """The gradients by x, weight and bias of `rows_forward`, None for those that `mask` leaves out; or None."""
    cdef const norm_functions *functions = functions_for(x, weight, grad)
    cdef int threads = THREADS, nd = cnp.PyArray_NDIM(x), failed
    cdef cnp.npy_intp rows = cnp.PyArray_SIZE(mean)
    cdef cnp.npy_intp *inner = cnp.PyArray_DIMS(x) + (nd - n)
    if functions == NULL or cnp.PyArray_TYPE(mean) != cnp.PyArray_TYPE(x) or cnp.PyArray_TYPE(rstd) != cnp.PyArray_TYPE(x):
        return None
    grad, x, weight, mean, rstd = contiguous(grad), contiguous(x), contiguous(weight), contiguous(mean), contiguous(rstd)
    inner = cnp.PyArray_DIMS(x) + (nd - n)
    cdef cnp.ndarray dx = like(x) if mask[0] else None
    cdef cnp.ndarray dw = cnp.PyArray_EMPTY(n, inner, cnp.PyArray_TYPE(x), 0) if mask[1] else None
    cdef cnp.ndarray db = cnp.PyArray_EMPTY(n, inner, cnp.PyArray_TYPE(x), 0) if mask[2] else None
    cdef void *w = data(weight)
    cdef void *to[3]
    to[0], to[1], to[2] = data(dx), data(dw), data(db)
    with nogil:
        failed = functions.rows_backward(threads, rows, cnp.PyArray_SIZE(x) // rows, cnp.PyArray_DATA(grad), cnp.PyArray_DATA(x), w,
                                         cnp.PyArray_DATA(mean), cnp.PyArray_DATA(rstd), to[0], to[1], to[2])
    if failed:
        raise MemoryError
    return dx, dw, db
