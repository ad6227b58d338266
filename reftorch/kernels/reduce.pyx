# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Sums of floating-point and complex numbers in PyTorch's order of addition, see native/cascade.h."""
cimport numpy as cnp

import numpy as np

from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/reduce_kernels.h":
    ctypedef struct reduce_kernels:
        void sum_f32(int threads, int parts, const float *x, ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, float *to) noexcept nogil
        void sum_f64(int threads, int parts, const double *x, ptrdiff_t outer, ptrdiff_t n, ptrdiff_t inner, double *to) noexcept nogil
    const reduce_kernels *PICK(reduce_kernels)
    reduce_kernels reduce_table

cdef const reduce_kernels *kernels = PICK(reduce_table)


cdef void sum_middle(int kind, Py_ssize_t outer, Py_ssize_t n, Py_ssize_t inner, const void *x, void *y) noexcept nogil:
    """The sum over the middle one of three dims, without threads."""
    if kind == cnp.NPY_FLOAT32:
        kernels.sum_f32(1, 1, <const float *>x, outer, n, inner, <float *>y)
    else:
        kernels.sum_f64(1, 1, <const double *>x, outer, n, inner, <double *>y)


cdef cnp.npy_intp inner_size(cnp.ndarray a, int dim):
    """How many numbers there are for each index of the dims up to `dim`."""
    cdef cnp.npy_intp n = 1
    cdef int d
    for d in range(dim + 1, cnp.PyArray_NDIM(a)):
        n *= cnp.PyArray_DIM(a, d)
    return n


cdef sum_apart(cnp.ndarray a, axes, int gap, bint keepdim):
    """torch: rows are added up over the last dims first, and the sums one after the other."""
    rows = sum(a, [d for d in axes if d > gap], True)
    made = np.add.reduce(rows, tuple([d for d in axes if d < gap]), None, None, True)
    return made if keepdim else made.squeeze(tuple(axes))


def sum(cnp.ndarray a not None, axes, bint keepdim):
    """The sum of a row-major array of real or complex numbers of 4 or 8 bytes over `axes`, or all of them.

    None for other arrays, and for axes that lie apart unless the last dim is among them."""
    cdef int kind = cnp.PyArray_TYPE(a), nd = cnp.PyArray_NDIM(a), d, first = nd, last = -1, kept = 0, gap = -1
    cdef bint chosen[64]
    cdef cnp.npy_intp shape[64]
    cdef cnp.npy_intp outer = 1, n = 1, inner = 1
    cdef int parts = 2 if kind == cnp.NPY_COMPLEX64 or kind == cnp.NPY_COMPLEX128 else 1
    if parts == 1 and kind != cnp.NPY_FLOAT32 and kind != cnp.NPY_FLOAT64:
        return None
    if not cnp.PyArray_IS_C_CONTIGUOUS(a) or not cnp.PyArray_ISALIGNED(a):
        return None
    for d in range(nd):
        chosen[d] = axes is None
    if axes is not None:
        for d in axes:
            chosen[d] = True
    for d in range(nd):
        if chosen[d] and cnp.PyArray_DIM(a, d) != 1:
            first, last = min(first, d), d
    for d in range(nd):
        if chosen[d]:
            n *= cnp.PyArray_DIM(a, d)
            if keepdim:
                shape[kept] = 1
                kept += 1
            continue
        if first < d < last and cnp.PyArray_DIM(a, d) != 1:
            gap = d
        if d < first:
            outer *= cnp.PyArray_DIM(a, d)
        else:
            inner *= cnp.PyArray_DIM(a, d)
        shape[kept] = cnp.PyArray_DIM(a, d)
        kept += 1
    if gap >= 0:
        return sum_apart(a, axes, gap, keepdim) if inner_size(a, last) == 1 else None
    cdef cnp.ndarray r = cnp.PyArray_EMPTY(kept, shape, kind, 0)
    cdef void *x = cnp.PyArray_DATA(a)
    cdef void *to = cnp.PyArray_DATA(r)
    cdef int threads = THREADS
    with nogil:
        if kind == cnp.NPY_FLOAT32 or kind == cnp.NPY_COMPLEX64:
            kernels.sum_f32(threads, parts, <const float *>x, outer, n, inner, <float *>to)
        else:
            kernels.sum_f64(threads, parts, <const double *>x, outer, n, inner, <double *>to)
    return r
