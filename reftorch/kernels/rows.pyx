# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, wraparound=False
"""Softmax, losses of classes, running sums and tables of rows, see native/rows.h; None where NumPy must do."""
cimport numpy as cnp
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memset

from .memory cimport array_of
from .quick cimport capsule, quick_call
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
        void bag_sums(int threads, Py_ssize_t bags, Py_ssize_t n, const void *x, const int64_t *source, const int64_t *start, Py_ssize_t end,
                      const void *factors, const int64_t *sizes, void *sums) noexcept nogil
    ctypedef struct row_kernels:
        row_functions f32, f64
        void copy(int threads, Py_ssize_t bytes, const void *x, void *y) noexcept nogil
        void pick(int threads, Py_ssize_t count, Py_ssize_t bytes, const void *x, const int64_t *source, void *y) noexcept nogil
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


cdef void copy_bytes(Py_ssize_t bytes, const void *x, void *y) noexcept nogil:
    """What memcpy does, of memory that does not overlap."""
    kernels.copy(THREADS, bytes, x, y)


cdef inline cnp.ndarray contiguous(cnp.ndarray x):
    return None if x is None else <cnp.ndarray>cnp.PyArray_GETCONTIGUOUS(x)


cdef inline void *data(cnp.ndarray x) noexcept nogil:
    return NULL if x is None else cnp.PyArray_DATA(x)


cdef inline int64_t *numbers(cnp.ndarray x) noexcept nogil:
    return <int64_t *>data(x)


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
    return losses_of(x, target, weight, ignored, each, mean)


cdef object losses_of(cnp.ndarray x, cnp.ndarray target, cnp.ndarray weight, int64_t ignored, bint each, bint mean):
    cdef const row_functions *functions = functions_for(x)
    cdef Py_ssize_t rows, bad
    if functions == NULL or not plain_classes(x, target, weight):
        return None
    x, target, weight = contiguous(x), contiguous(target), contiguous(weight)
    rows = cnp.PyArray_DIM(x, 0)
    cdef int kind = cnp.PyArray_TYPE(x), width = cnp.PyArray_ITEMSIZE(x)
    cdef cnp.ndarray losses = array_of(1, cnp.PyArray_DIMS(x), kind, width) if each else None
    cdef cnp.ndarray loss = array_of(0, NULL, kind, width), total = array_of(0, NULL, kind, width)
    memset(cnp.PyArray_DATA(total), 0, width)
    bad = functions.nll(mean, rows, cnp.PyArray_DIM(x, 1), cnp.PyArray_DATA(x), <int64_t *>cnp.PyArray_DATA(target), data(weight), ignored, data(losses),
                        cnp.PyArray_DATA(loss), cnp.PyArray_DATA(loss if each else total))
    if bad >= 0:
        return (<int64_t *>cnp.PyArray_DATA(target))[bad]
    return [losses if each else loss, total]


cdef object nll_loss(quick_call *q):
    """`nll` for targets that are all classes."""
    cdef cnp.ndarray x = <cnp.ndarray>q.tensor[0], target = <cnp.ndarray>q.tensor[1], weight = <cnp.ndarray>q.tensor[2] if q.tensors == 3 else None
    if cnp.PyArray_NDIM(x) != 2 or cnp.PyArray_NDIM(target) != 1 or cnp.PyArray_DIM(target, 0) != cnp.PyArray_DIM(x, 0):
        return None
    if weight is not None and (cnp.PyArray_NDIM(weight) != 1 or cnp.PyArray_DIM(weight, 0) != cnp.PyArray_DIM(x, 1)):
        return None
    made = losses_of(x, target, weight, q.number[1], q.number[0] == 0, q.number[0] == 1)
    return made if type(made) is list else None


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


cdef bint within(cnp.ndarray indices, Py_ssize_t size):
    """Whether all indices are in range; a missing list is."""
    cdef Py_ssize_t i
    cdef bint beyond = False
    cdef const uint64_t *at = <const uint64_t *>data(indices)       # where a negative one is a large one
    if indices is not None:
        for i in range(cnp.PyArray_SIZE(indices)):
            beyond |= at[i] >= <uint64_t>size
    return not beyond


def pick(cnp.ndarray table not None, cnp.ndarray at not None):
    """table[at] of a row-major table [V, D] and int64 indices, or None, also when one is out of range."""
    return picked(table, at)


cdef object picked(cnp.ndarray table, cnp.ndarray at):
    cdef int d, nd = cnp.PyArray_NDIM(at), threads = THREADS
    cdef cnp.npy_intp dims[64]
    cdef cnp.npy_intp bytes
    if cnp.PyArray_NDIM(table) != 2 or not cnp.PyArray_IS_C_CONTIGUOUS(table) or cnp.PyArray_TYPE(at) != cnp.NPY_INT64 or nd > 62:
        return None
    at = contiguous(at)
    if not within(at, cnp.PyArray_DIM(table, 0)):
        return None
    for d in range(nd):
        dims[d] = cnp.PyArray_DIM(at, d)
    dims[nd] = cnp.PyArray_DIM(table, 1)
    bytes = dims[nd] * cnp.PyArray_ITEMSIZE(table)
    cdef cnp.ndarray made = array_of(nd + 1, dims, cnp.PyArray_TYPE(table), cnp.PyArray_ITEMSIZE(table))
    with nogil:
        kernels.pick(threads, cnp.PyArray_SIZE(at), bytes, cnp.PyArray_DATA(table), numbers(at), cnp.PyArray_DATA(made))
    return made


cdef object embedding(quick_call *q):
    return picked(<cnp.ndarray>q.tensor[0], <cnp.ndarray>q.tensor[1])


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


cdef cnp.ndarray bag_of_each(cnp.npy_intp count, cnp.npy_intp bags, const int64_t *start):
    """The bag of each of `count` indices."""
    cdef cnp.ndarray made = cnp.PyArray_EMPTY(1, &count, cnp.NPY_INT64, 0)
    cdef cnp.npy_intp b = 0, i
    for i in range(count):
        while b + 1 < bags and start[b + 1] <= i:
            b += 1
        numbers(made)[i] = b
    return made


cdef inline cnp.ndarray longs(cnp.ndarray x):
    """Row-major int64 of an array of int64 or int32, or None."""
    cdef int kind = cnp.PyArray_TYPE(x)
    if kind != cnp.NPY_INT64 and kind != cnp.NPY_INT32:
        return None
    return <cnp.ndarray>cnp.PyArray_FROM_OTF(x, cnp.NPY_INT64, cnp.NPY_ARRAY_C_CONTIGUOUS | cnp.NPY_ARRAY_ALIGNED)


def bag_sums(cnp.ndarray x not None, cnp.ndarray indices not None, cnp.ndarray offsets not None, cnp.ndarray factors, bint mean, bint ends):
    """What `bags_of` gives."""
    return bags_of(x, indices, offsets, factors, mean, ends)


cdef list bags_of(cnp.ndarray x, cnp.ndarray indices, cnp.ndarray offsets, cnp.ndarray factors, bint mean, bint ends):
    """[sums or means of the rows of x of each bag, what `_embedding_bag` gives besides them]; None when the general way must do.

    `ends`: the last offset is where the last bag ends."""
    cdef const row_functions *functions = functions_for(x)
    cdef int threads = THREADS
    cdef int kind = cnp.PyArray_TYPE(x)
    cdef cnp.npy_intp count = cnp.PyArray_SIZE(indices), given = cnp.PyArray_SIZE(offsets), bags = given - ends, b, end = count
    cdef cnp.npy_intp dims[2]
    cdef cnp.ndarray sums, bag, sizes = None
    cdef bint fast                           # torch's fast way, which keeps no list of bags, and leaves out what lies behind the last one
    if functions == NULL or bags <= 0 or not cnp.PyArray_IS_C_CONTIGUOUS(x) or cnp.PyArray_NDIM(x) != 2:
        return None
    if factors is not None and (cnp.PyArray_TYPE(factors) != kind or cnp.PyArray_SIZE(factors) != count):
        return None
    indices, offsets, factors = longs(indices), longs(offsets), contiguous(factors)
    if indices is None or offsets is None or cnp.PyArray_NDIM(indices) != 1 or cnp.PyArray_NDIM(offsets) != 1:
        return None
    cdef const int64_t *start = numbers(offsets)
    if start[0] != 0 or start[given - 1] > count or not within(indices, cnp.PyArray_DIM(x, 0)):
        return None
    for b in range(1, given):
        if start[b] < start[b - 1]:
            return None
    dims[0], dims[1] = bags, cnp.PyArray_DIM(x, 1)
    sums = array_of(2, dims, kind, cnp.PyArray_ITEMSIZE(x))
    fast = kind == cnp.NPY_FLOAT32
    if fast and ends:
        end = start[bags]
    bag = bag_of_each(0 if fast and not mean else count, bags, start)
    if mean:
        sizes = cnp.PyArray_EMPTY(1, dims, cnp.NPY_INT64, 0)
        for b in range(bags):
            numbers(sizes)[b] = (start[b + 1] if b + 1 < bags else count) - start[b]
    with nogil:
        functions.bag_sums(threads, bags, dims[1], cnp.PyArray_DATA(x), numbers(indices), start, end, data(factors), numbers(sizes),
                           cnp.PyArray_DATA(sums))
    if mean:
        return [sums, bag, sizes, sizes]
    dims[0] = given
    return [sums, bag, cnp.PyArray_ZEROS(1, dims, cnp.NPY_INT64, 0), cnp.PyArray_ZEROS(1, dims, cnp.NPY_INT64, 0)]


cdef object bag_sums_of(quick_call *q):
    """`_embedding_bag` of sums and means without padding."""
    cdef cnp.ndarray factors = <cnp.ndarray>q.tensor[3] if q.tensors == 4 else None
    if q.number[1] > 1 or q.number[4] >= 0 or q.number[1] == 1 and factors is not None:
        return None
    return bags_of(<cnp.ndarray>q.tensor[0], <cnp.ndarray>q.tensor[1], <cnp.ndarray>q.tensor[2], factors, q.number[1] == 1, q.number[3])


cdef object row_starts(quick_call *q):
    """Where the rows of a matrix of int64 start."""
    cdef cnp.ndarray x = <cnp.ndarray>q.tensor[0], made
    cdef cnp.npy_intp i
    if cnp.PyArray_NDIM(x) != 2 or cnp.PyArray_SIZE(x) == 0 or cnp.PyArray_TYPE(x) != cnp.NPY_INT64:
        return None
    made = array_of(1, cnp.PyArray_DIMS(x), cnp.NPY_INT64, sizeof(int64_t))
    for i in range(cnp.PyArray_DIM(x, 0)):
        numbers(made)[i] = i * cnp.PyArray_DIM(x, 1)
    return made


QUICK = {"embedding": capsule(embedding, True), "nll_loss": capsule(nll_loss, True), "bag_sums": capsule(bag_sums_of, True),
         "row_starts": capsule(row_starts)}
