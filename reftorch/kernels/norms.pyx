# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, wraparound=False
"""Normalization of float32 and float64 and its gradients, see native/norms.h; None where NumPy must do."""
cimport numpy as cnp

from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/norms.h":
    ctypedef struct norm_shape:
        Py_ssize_t batch, channels, rest, groups
    ctypedef struct norm_functions:
        void batch_forward(int threads, const norm_shape *s, double eps, const void *x, const void *weight, const void *bias, void *y, void *mean,
                           void *rstd, void *var) noexcept nogil
        void batch_apply(int threads, const norm_shape *s, const void *x, const void *weight, const void *bias, void *y, const void *mean,
                         const void *rstd) noexcept nogil
        void batch_backward(int threads, const norm_shape *s, int known, const void *dy, const void *x, const void *weight, const void *mean,
                            const void *rstd, void *dx, void *dw, void *db) noexcept nogil
        void inverse_roots(Py_ssize_t n, int wide, double eps, const void *var, void *rstd) noexcept nogil
        void blend(Py_ssize_t n, double momentum, const void *batch, void *running) noexcept nogil
        void groups_forward(int threads, const norm_shape *s, double eps, const void *x, const void *weight, const void *bias, void *y, void *mean,
                            void *rstd) noexcept nogil
        int groups_backward(int threads, const norm_shape *s, const void *dy, const void *x, const void *weight, const void *mean,
                            const void *rstd, void *dx, void *dw, void *db) noexcept nogil
        void rows_forward(int threads, Py_ssize_t rows, Py_ssize_t n, double eps, const void *x, const void *weight, const void *bias, void *y,
                          void *mean, void *rstd) noexcept nogil
        void rows_backward(int threads, Py_ssize_t rows, Py_ssize_t n, const void *dy, const void *x, const void *weight, const void *mean,
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


def batch_forward(cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray bias, double eps):
    """[y, mean, 1/deviation, variance of the sample] of [N, C, *], normalized over all but the channels; or None."""
    cdef const norm_functions *functions = functions_for(x, weight, bias)
    cdef int threads = THREADS
    cdef norm_shape s
    if functions == NULL:
        return None
    x, weight, bias = contiguous(x), contiguous(weight), contiguous(bias)
    s = shape_of(x, 0)
    cdef cnp.ndarray y = like(x), mean = vector(x, s.channels), rstd = vector(x, s.channels), var = vector(x, s.channels)
    cdef void *w = data(weight)
    cdef void *b = data(bias)
    with nogil:
        functions.batch_forward(threads, &s, eps, cnp.PyArray_DATA(x), w, b, cnp.PyArray_DATA(y), cnp.PyArray_DATA(mean), cnp.PyArray_DATA(rstd),
                                cnp.PyArray_DATA(var))
    return [y, mean, rstd, var]


cdef bint alike(cnp.ndarray x, cnp.ndarray mean, cnp.ndarray other):
    return cnp.PyArray_TYPE(mean) == cnp.PyArray_TYPE(x) and cnp.PyArray_TYPE(other) == cnp.PyArray_TYPE(x)


cdef cnp.ndarray inverse_roots(const norm_functions *functions, cnp.ndarray var, double eps, bint wide):
    cdef cnp.ndarray rstd = like(var)
    functions.inverse_roots(cnp.PyArray_SIZE(var), wide, eps, cnp.PyArray_DATA(var), cnp.PyArray_DATA(rstd))
    return rstd


def batch_apply(cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray bias, cnp.ndarray mean not None, cnp.ndarray var not None, double eps):
    """[N, C, *] normalized with the mean and variance given for each channel, or None."""
    cdef const norm_functions *functions = functions_for(x, weight, bias)
    cdef int threads = THREADS
    cdef norm_shape s
    if functions == NULL or not alike(x, mean, var):
        return None
    x, weight, bias, mean, var = contiguous(x), contiguous(weight), contiguous(bias), contiguous(mean), contiguous(var)
    s = shape_of(x, 0)
    cdef cnp.ndarray y = like(x), rstd = inverse_roots(functions, var, eps, False)
    cdef void *w = data(weight)
    cdef void *b = data(bias)
    with nogil:
        functions.batch_apply(threads, &s, cnp.PyArray_DATA(x), w, b, cnp.PyArray_DATA(y), cnp.PyArray_DATA(mean), cnp.PyArray_DATA(rstd))
    return y


def batch_backward(cnp.ndarray grad not None, cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray mean not None, cnp.ndarray spread not None, mask,
                   bint known, double eps):
    """The gradients by x, weight and bias, None for those that `mask` leaves out, or None: of `batch_forward`, with 1/deviation as `spread`,
    or of `batch_apply` (`known`), with the variance."""
    cdef const norm_functions *functions = functions_for(x, weight, grad)
    cdef int threads = THREADS
    cdef norm_shape s
    if functions == NULL or not alike(x, mean, spread):
        return None
    grad, x, weight, mean, spread = contiguous(grad), contiguous(x), contiguous(weight), contiguous(mean), contiguous(spread)
    s = shape_of(x, 0)
    if known:
        spread = inverse_roots(functions, spread, eps, True)
    cdef cnp.ndarray dx = like(x) if mask[0] else None
    cdef cnp.ndarray dw = vector(x, s.channels) if mask[1] else None
    cdef cnp.ndarray db = vector(x, s.channels) if mask[2] else None
    cdef void *w = data(weight)
    cdef void *to[3]
    to[0], to[1], to[2] = data(dx), data(dw), data(db)
    with nogil:
        functions.batch_backward(threads, &s, known, cnp.PyArray_DATA(grad), cnp.PyArray_DATA(x), w, cnp.PyArray_DATA(mean),
                                 cnp.PyArray_DATA(spread), to[0], to[1], to[2])
    return dx, dw, db


def blend(cnp.ndarray running not None, cnp.ndarray batch not None, double momentum):
    """running = momentum * batch + (1 - momentum) * running, in place; False when NumPy must do."""
    cdef const norm_functions *functions = functions_for(running, batch, None)
    if functions == NULL or not cnp.PyArray_ISCARRAY(running) or not cnp.PyArray_ISCARRAY(batch) or cnp.PyArray_SIZE(running) != cnp.PyArray_SIZE(batch):
        return False
    functions.blend(cnp.PyArray_SIZE(running), momentum, cnp.PyArray_DATA(batch), cnp.PyArray_DATA(running))
    return True


def groups_forward(cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray bias, double eps, Py_ssize_t groups):
    """[y, mean, 1/deviation] of [N, C, *], normalized over groups of channels, of which the last two are [N, groups]; or None."""
    cdef const norm_functions *functions = functions_for(x, weight, bias)
    cdef int threads = THREADS
    cdef norm_shape s
    cdef cnp.npy_intp sets[2]
    if functions == NULL:
        return None
    x, weight, bias = contiguous(x), contiguous(weight), contiguous(bias)
    s = shape_of(x, groups)
    sets[0], sets[1] = s.batch, groups
    cdef cnp.ndarray y = like(x), mean = cnp.PyArray_EMPTY(2, sets, cnp.PyArray_TYPE(x), 0), rstd = like(mean)
    cdef void *w = data(weight)
    cdef void *b = data(bias)
    with nogil:
        functions.groups_forward(threads, &s, eps, cnp.PyArray_DATA(x), w, b, cnp.PyArray_DATA(y), cnp.PyArray_DATA(mean), cnp.PyArray_DATA(rstd))
    return [y, mean, rstd]


def groups_backward(cnp.ndarray grad not None, cnp.ndarray x not None, cnp.ndarray weight, cnp.ndarray mean not None, cnp.ndarray rstd not None, mask,
                    Py_ssize_t groups):
    """The gradients by x, weight and bias of `groups_forward`, None for those that `mask` leaves out; or None."""
    cdef const norm_functions *functions = functions_for(x, weight, grad)
    cdef int threads = THREADS, failed
    cdef norm_shape s
    if functions == NULL or not alike(x, mean, rstd):
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
        failed = functions.groups_backward(threads, &s, cnp.PyArray_DATA(grad), cnp.PyArray_DATA(x), w, cnp.PyArray_DATA(mean),
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
    cdef int threads = THREADS, nd = cnp.PyArray_NDIM(x)
    cdef cnp.npy_intp rows = cnp.PyArray_SIZE(mean)
    cdef cnp.npy_intp *inner = cnp.PyArray_DIMS(x) + (nd - n)
    if functions == NULL or not alike(x, mean, rstd):
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
        functions.rows_backward(threads, rows, cnp.PyArray_SIZE(x) // rows, cnp.PyArray_DATA(grad), cnp.PyArray_DATA(x), w,
                                cnp.PyArray_DATA(mean), cnp.PyArray_DATA(rstd), to[0], to[1], to[2])
    return dx, dw, db
