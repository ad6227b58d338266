# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Small and middling products of matrices, see native/gemm.h; None where NumPy's BLAS does better or must do (other dtypes)."""
cimport numpy as cnp

from .runtime cimport THREADS

cnp.import_array()

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


def matmul(cnp.ndarray a not None, cnp.ndarray b not None, cnp.ndarray start=None):
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
        cnp.PyArray_CopyInto(c, start)
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
