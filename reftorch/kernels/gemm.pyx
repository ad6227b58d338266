# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Small and middling products of matrices, see native/gemm.h; None where NumPy's BLAS does better or must do (other dtypes)."""
cimport numpy as cnp

from libc.string cimport memcpy

from .quick cimport capsule, quick_call
from .runtime cimport THREADS

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    int PyArray_IS_C_CONTIGUOUS(cnp.ndarray)

cdef extern from "native/gemm_kernels.h":
    ctypedef struct matrix_strides:
        ptrdiff_t batch, row, col
    ctypedef struct gemm_kernels:
        int f32(int threads, ptrdiff_t batch, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const float *a, matrix_strides sa,
                const float *b, matrix_strides sb, float *c, int accumulate) noexcept nogil
        int f64(int threads, ptrdiff_t batch, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth, const double *a, matrix_strides sa,
                const double *b, matrix_strides sb, double *c, int accumulate) noexcept nogil
    const gemm_kernels *PICK(gemm_kernels)
    gemm_kernels gemm_table

cdef const gemm_kernels *kernels = PICK(gemm_table)


cdef inline matrix_strides strides_of(cnp.ndarray m) noexcept:
    cdef matrix_strides s
    cdef int nd = cnp.PyArray_NDIM(m), size = cnp.PyArray_ITEMSIZE(m)
    s.batch = cnp.PyArray_STRIDE(m, 0) // size if nd == 3 else 0
    s.row = cnp.PyArray_STRIDE(m, nd - 2) // size
    s.col = cnp.PyArray_STRIDE(m, nd - 1) // size
    return s


cdef inline bint fits(ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t depth) noexcept:
    """Whether our product is the faster one: BLAS has better ones of a few vectors and of large matrices, and a dearer call."""
    cdef double count = <double>rows * columns * depth
    return count <= 1 << 12 or (rows > 4 and columns > 4 and (count <= 1 << 25 or min(rows, columns, depth) < 256))


cdef int fill(cnp.ndarray c, cnp.ndarray start) except -1:
    """c = start, which broadcasts; most often a row for every row of a matrix."""
    cdef cnp.npy_intp i, row = cnp.PyArray_NBYTES(start)
    if (cnp.PyArray_NDIM(start) == 1 and cnp.PyArray_NDIM(c) == 2 and cnp.PyArray_TYPE(start) == cnp.PyArray_TYPE(c)
            and cnp.PyArray_DIM(start, 0) == cnp.PyArray_DIM(c, 1) and PyArray_IS_C_CONTIGUOUS(start)):
        for i in range(cnp.PyArray_DIM(c, 0)):
            memcpy(cnp.PyArray_BYTES(c) + i * row, cnp.PyArray_DATA(start), row)
        return 0
    return cnp.PyArray_CopyInto(c, start)


cpdef matmul(cnp.ndarray a, cnp.ndarray b, cnp.ndarray start=None):
    """a @ b (+ start, which broadcasts) of two matrices or two equal batches of matrices of float32 or float64, or None."""
    cdef int kind = cnp.PyArray_TYPE(a), nd = cnp.PyArray_NDIM(a), failed
    cdef cnp.npy_intp shape[3]
    cdef cnp.npy_intp *end = &shape[nd - 2]
    cdef cnp.npy_intp depth = cnp.PyArray_DIM(a, nd - 1), batch = cnp.PyArray_DIM(a, 0) if nd == 3 else 1
    cdef matrix_strides sa, sb
    if kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return None
    shape[0] = batch
    end[0], end[1] = cnp.PyArray_DIM(a, nd - 2), cnp.PyArray_DIM(b, nd - 1)
    if not fits(end[0], end[1], depth) or not cnp.PyArray_ISALIGNED(a) or not cnp.PyArray_ISALIGNED(b):
        return None
    cdef cnp.ndarray c = cnp.PyArray_EMPTY(nd, shape, kind, 0)
    cdef bint accumulate = start is not None
    if accumulate:
        fill(c, start)
    sa, sb = strides_of(a), strides_of(b)
    cdef int threads = THREADS
    cdef void *pa = cnp.PyArray_DATA(a)
    cdef void *pb = cnp.PyArray_DATA(b)
    cdef void *pc = cnp.PyArray_DATA(c)
    with nogil:
        if kind == cnp.NPY_FLOAT32:
            failed = kernels.f32(threads, batch, end[0], end[1], depth, <float *>pa, sa, <float *>pb, sb, <float *>pc, accumulate)
        else:
            failed = kernels.f64(threads, batch, end[0], end[1], depth, <double *>pa, sa, <double *>pb, sb, <double *>pc, accumulate)
    if failed:
        raise MemoryError
    return c


# ------------------------------------------------------------------ quick functions
cdef inline bint multiply(cnp.ndarray a, cnp.ndarray b, int nd):
    """Whether these are matrices (nd 3: equal batches of them) that can be multiplied."""
    return (cnp.PyArray_NDIM(a) == nd and cnp.PyArray_NDIM(b) == nd and cnp.PyArray_DIM(a, nd - 1) == cnp.PyArray_DIM(b, nd - 2)
            and (nd == 2 or cnp.PyArray_DIM(a, 0) == cnp.PyArray_DIM(b, 0)))


cdef object quick_mm(quick_call *q):
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], b = <cnp.ndarray>q.tensor[1]
    return matmul(a, b) if multiply(a, b, 2) else None


cdef object quick_bmm(quick_call *q):
    cdef cnp.ndarray a = <cnp.ndarray>q.tensor[0], b = <cnp.ndarray>q.tensor[1]
    return matmul(a, b) if multiply(a, b, 3) else None


cdef object quick_addmm(quick_call *q):
    cdef cnp.ndarray start = <cnp.ndarray>q.tensor[0], a = <cnp.ndarray>q.tensor[1], b = <cnp.ndarray>q.tensor[2]
    if not multiply(a, b, 2) or cnp.PyArray_NDIM(start) != 1 or cnp.PyArray_DIM(start, 0) != cnp.PyArray_DIM(b, 1):
        return None
    return matmul(a, b, start)


QUICK = {"mm": capsule(quick_mm), "bmm": capsule(quick_bmm), "addmm": capsule(quick_addmm)}
