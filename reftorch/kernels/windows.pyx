# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, wraparound=False
"""Pooling and resampling of float32 and float64, see native/windows.h; None where NumPy must do."""
cimport numpy as cnp
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc

from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/windows.h":
    ctypedef struct window_dim:
        Py_ssize_t size, out, step
        const Py_ssize_t *first
        const Py_ssize_t *end
    ctypedef struct window_grid:
        Py_ssize_t planes
        window_dim dim[3]
        const double *divisors[3]
        int in_turn
    ctypedef struct window_functions:
        int max(int threads, const window_grid *g, const void *x, void *values, int64_t *at) noexcept nogil
        void mean(int threads, const window_grid *g, const void *x, void *means) noexcept nogil
        void mean_adjoint(int threads, const window_grid *g, const void *grad, void *made) noexcept nogil
        void gather(int threads, Py_ssize_t planes, Py_ssize_t count, Py_ssize_t size, const void *x, const int64_t *at, void *picked) noexcept nogil
        void scatter(int threads, Py_ssize_t planes, Py_ssize_t count, Py_ssize_t size, const void *values, const int64_t *at,
                     void *made) noexcept nogil
        void resample(int threads, Py_ssize_t outer, Py_ssize_t size, Py_ssize_t out, Py_ssize_t inner, Py_ssize_t taps, const void *x,
                      const int64_t *at, const void *weights, void *made) noexcept nogil
        void resample_adjoint(int threads, Py_ssize_t outer, Py_ssize_t size, Py_ssize_t out, Py_ssize_t inner, Py_ssize_t taps, const void *grad,
                              const int64_t *at, const void *weights, void *made) noexcept nogil
    ctypedef struct window_kernels:
        window_functions f32, f64
    const window_kernels *PICK(window_kernels)
    window_kernels window_table

ctypedef void (*mean_function)(int threads, const window_grid *g, const void *x, void *made) noexcept nogil

cdef const window_kernels *kernels = PICK(window_table)


cdef const window_functions *functions_for(cnp.ndarray x):
    cdef int kind = cnp.PyArray_TYPE(x)
    return &kernels.f32 if kind == cnp.NPY_FLOAT32 else &kernels.f64 if kind == cnp.NPY_FLOAT64 else NULL


cdef inline cnp.ndarray contiguous(cnp.ndarray x):
    return <cnp.ndarray>cnp.PyArray_GETCONTIGUOUS(x)


cdef class Grid:
    """Windows over the last n dims of planes: `regular` ones, or `adaptive` ones that follow from the wanted output."""
    cdef window_grid g
    cdef int n
    cdef void *block                # of all `first`, `end` and divisors

    def __dealloc__(self):
        free(self.block)

    cdef Py_ssize_t start(self, tuple size, tuple out) except -1:
        """Sizes of the dims, missing ones in front as 1, and room for the windows' bounds."""
        cdef Py_ssize_t d, i, total = 0
        cdef char *at
        self.n = len(size)
        for d in range(3):
            i = d - (3 - self.n)
            self.g.dim[d].size, self.g.dim[d].out, self.g.dim[d].step = size[i] if i >= 0 else 1, out[i] if i >= 0 else 1, 1
            total += self.g.dim[d].out
        at = <char *>malloc(total * (2 * sizeof(Py_ssize_t) + sizeof(double)) + 1)
        if at == NULL:
            raise MemoryError
        self.block = at
        for d in range(3):
            self.g.dim[d].first = <Py_ssize_t *>at
            self.g.dim[d].end = <Py_ssize_t *>at + self.g.dim[d].out
            self.g.divisors[d] = <double *>at + 2 * self.g.dim[d].out
            at += self.g.dim[d].out * (2 * sizeof(Py_ssize_t) + sizeof(double))
        return 0

    cdef cnp.ndarray result(self, cnp.ndarray x, int kind, bint input_sized):
        """An empty array shaped as `x`, but for the last dims."""
        cdef cnp.npy_intp shape[32]
        cdef int nd = cnp.PyArray_NDIM(x), d
        self.g.planes = 1
        for d in range(nd):
            shape[d] = cnp.PyArray_DIM(x, d)
            if d < nd - self.n:
                self.g.planes *= shape[d]
            elif input_sized:
                shape[d] = self.g.dim[d - nd + 3].size
            else:
                shape[d] = self.g.dim[d - nd + 3].out
        return cnp.PyArray_EMPTY(nd, shape, kind, 0)


def regular(tuple size, tuple out, tuple kernel, tuple stride, tuple padding, tuple dilation, bint count_padding=True, divisor=None):
    """Equal windows `stride` apart. Their means are divided by `divisor`, or else the number of elements, in the padding too if that counts."""
    cdef Grid made = Grid.__new__(Grid)
    cdef Py_ssize_t d, i, o, k, s, p, step, first, end, inside
    cdef window_dim *dim
    made.start(size, out)
    for d in range(3):
        dim, i = &made.g.dim[d], d - (3 - made.n)
        k, s, p, step = (kernel[i], stride[i], padding[i], dilation[i]) if i >= 0 else (1, 1, 0, 1)
        dim.step = step
        for o in range(dim.out):
            first = o * s - p
            end = first + (k - 1) * step + 1
            inside = min(end, dim.size + p) - first
            if first < 0:
                first += (-first + step - 1) // step * step
            end = min(end, dim.size)
            (<Py_ssize_t *>dim.first)[o], (<Py_ssize_t *>dim.end)[o] = first, end
            if divisor is not None:
                (<double *>made.g.divisors[d])[o] = divisor if d == 2 else 1
            else:
                (<double *>made.g.divisors[d])[o] = inside if count_padding else end - first
    return made


def adaptive(tuple size, tuple out):
    """`out` windows that cover each dim evenly, overlapping if they must."""
    cdef Grid made = Grid.__new__(Grid)
    cdef Py_ssize_t d, o, first, end
    cdef window_dim *dim
    made.start(size, out)
    made.g.in_turn = True
    for d in range(3):
        dim = &made.g.dim[d]
        for o in range(dim.out):
            first, end = o * dim.size // dim.out, ((o + 1) * dim.size + dim.out - 1) // dim.out
            (<Py_ssize_t *>dim.first)[o], (<Py_ssize_t *>dim.end)[o] = first, end
            (<double *>made.g.divisors[d])[o] = end - first
    return made


def max_pool(cnp.ndarray x not None, Grid grid not None):
    """Maxima and their flat indices in the plane, or None."""
    cdef const window_functions *functions = functions_for(x)
    cdef int threads = THREADS, failed
    if functions == NULL or grid.g.dim[0].size * grid.g.dim[1].size * grid.g.dim[2].size >= 1 << 31:
        return None
    x = contiguous(x)
    cdef cnp.ndarray values = grid.result(x, cnp.PyArray_TYPE(x), False), at = grid.result(x, cnp.NPY_INT64, False)
    with nogil:
        failed = functions.max(threads, &grid.g, cnp.PyArray_DATA(x), cnp.PyArray_DATA(values), <int64_t *>cnp.PyArray_DATA(at))
    if failed:
        raise MemoryError
    return [values, at]


cdef means(mean_function f, cnp.ndarray x, Grid grid, bint adjoint):
    cdef int threads = THREADS
    x = contiguous(x)
    cdef cnp.ndarray made = grid.result(x, cnp.PyArray_TYPE(x), adjoint)
    with nogil:
        f(threads, &grid.g, cnp.PyArray_DATA(x), cnp.PyArray_DATA(made))
    return made


def mean_pool(cnp.ndarray x not None, Grid grid not None):
    """Means of windows, or None."""
    cdef const window_functions *functions = functions_for(x)
    return None if functions == NULL else means(functions.mean, x, grid, False)


def mean_adjoint(cnp.ndarray grad not None, Grid grid not None):
    """The adjoint of `mean_pool`, or None."""
    cdef const window_functions *functions = functions_for(grad)
    return None if functions == NULL else means(functions.mean_adjoint, grad, grid, True)


cdef cnp.npy_intp product(cnp.ndarray x, int start, int end):
    cdef cnp.npy_intp total = 1
    cdef int d
    for d in range(start, end):
        total *= cnp.PyArray_DIM(x, d)
    return total


def gather(cnp.ndarray x not None, cnp.ndarray at not None, int n):
    """Elements of the last n dims, taken as one, at flat indices `at` (which are not checked), or None."""
    cdef const window_functions *functions = functions_for(x)
    cdef int threads = THREADS, nd = cnp.PyArray_NDIM(x)
    if functions == NULL:
        return None
    x, at = contiguous(x), contiguous(at)
    cdef cnp.ndarray picked = cnp.PyArray_EMPTY(nd, cnp.PyArray_DIMS(at), cnp.PyArray_TYPE(x), 0)
    cdef cnp.npy_intp planes = product(x, 0, nd - n), count = product(at, nd - n, nd), size = product(x, nd - n, nd)
    with nogil:
        functions.gather(threads, planes, count, size, cnp.PyArray_DATA(x), <int64_t *>cnp.PyArray_DATA(at), cnp.PyArray_DATA(picked))
    return picked


def scatter(cnp.ndarray values not None, cnp.ndarray at not None, tuple shape not None, int n):
    """Values added up at flat indices `at` of the last n dims of zeros of `shape`, or None."""
    cdef const window_functions *functions = functions_for(values)
    cdef int threads = THREADS, nd = cnp.PyArray_NDIM(values), d
    cdef cnp.npy_intp dims[32]
    if functions == NULL:
        return None
    values, at = contiguous(values), contiguous(at)
    for d in range(nd):
        dims[d] = shape[d]
    cdef cnp.ndarray made = cnp.PyArray_EMPTY(nd, dims, cnp.PyArray_TYPE(values), 0)
    cdef cnp.npy_intp planes = product(made, 0, nd - n), count = product(values, nd - n, nd), size = product(made, nd - n, nd)
    with nogil:
        functions.scatter(threads, planes, count, size, cnp.PyArray_DATA(values), <int64_t *>cnp.PyArray_DATA(at), cnp.PyArray_DATA(made))
    return made


def resample(cnp.ndarray x not None, int axis, cnp.ndarray at not None, cnp.ndarray weights, Py_ssize_t size, bint adjoint=False):
    """Along `axis` element o is the sum of weights[o, k] x[at[o, k]], or x[at[o, 0]] without weights; or the adjoint, to `size` elements; or None."""
    cdef const window_functions *functions = functions_for(x)
    cdef int threads = THREADS, nd = cnp.PyArray_NDIM(x), d
    cdef cnp.npy_intp dims[32]
    cdef void *w = NULL
    if functions == NULL or (weights is not None and cnp.PyArray_TYPE(weights) != cnp.PyArray_TYPE(x)):
        return None
    x, at = contiguous(x), contiguous(at)
    if weights is not None:
        weights = contiguous(weights)
        w = cnp.PyArray_DATA(weights)
    cdef cnp.npy_intp out = cnp.PyArray_DIM(at, 0), taps = cnp.PyArray_DIM(at, 1), outer = product(x, 0, axis), inner = product(x, axis + 1, nd)
    for d in range(nd):
        dims[d] = cnp.PyArray_DIM(x, d)
    dims[axis] = size if adjoint else out
    if not adjoint:
        size = cnp.PyArray_DIM(x, axis)
    cdef cnp.ndarray made = cnp.PyArray_EMPTY(nd, dims, cnp.PyArray_TYPE(x), 0)
    cdef int64_t *where = <int64_t *>cnp.PyArray_DATA(at)
    with nogil:
        if adjoint:
            functions.resample_adjoint(threads, outer, size, out, inner, taps, cnp.PyArray_DATA(x), where, w, cnp.PyArray_DATA(made))
        else:
            functions.resample(threads, outer, size, out, inner, taps, cnp.PyArray_DATA(x), where, w, cnp.PyArray_DATA(made))
    return made
