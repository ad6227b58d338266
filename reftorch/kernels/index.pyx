# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Gather and scatter on arrays: one walk over an index array, see index.h."""
cimport numpy as cnp

cnp.import_array()

cdef extern from "index.h":
    ctypedef struct index_row:
        char *a
        char *b
        const char *ix
        cnp.npy_intp n, step_a, step_b, step_ix, stride, limit, bad
    ctypedef int (*index_loop)(index_row *) noexcept nogil
    index_loop index_loop_for(int op, int type, int size)
    int index_run(index_loop, index_row *, int nd, const cnp.npy_intp *shape, const cnp.npy_intp *sa, const cnp.npy_intp *sb, const cnp.npy_intp *si,
                  int inner) nogil

OPS = {"gather": 0, "put": 1, "add": 2, "mul": 3, "min": 4, "max": 5}


def walk(str op, cnp.ndarray a, cnp.ndarray index, cnp.ndarray b, int dim):
    """`b = a[.., index, ..]` ("gather") or `a[.., index, ..] op= b` along `dim`; `index` (int64) and `b` have one shape, `a` at least that.

    Gives None, or the first index out of range.
    """
    cdef cnp.npy_intp sa[64]
    cdef int d, nd = index.ndim
    for d in range(nd):
        sa[d] = 0 if d == dim else a.strides[d]
    return _walk(op, a, index, b, sa, a.strides[dim] if nd else 0, a.shape[dim] if nd else 1)


def walk_offsets(str op, cnp.ndarray a, cnp.ndarray offsets, cnp.ndarray b, tuple steps):
    """The same where `offsets` are byte distances from the first element of `a`, moved by `steps` bytes along each dim of `b`."""
    cdef cnp.npy_intp sa[64]
    cdef int d
    for d in range(len(steps)):
        sa[d] = steps[d]
    return _walk(op, a, offsets, b, sa, 1, (<size_t>-1) >> 1)


cdef object _walk(str op, cnp.ndarray a, cnp.ndarray index, cnp.ndarray b, cnp.npy_intp *sa, cnp.npy_intp stride, cnp.npy_intp limit):
    cdef index_loop loop = index_loop_for(OPS[op], cnp.PyArray_TYPE(a), a.itemsize)
    cdef index_row row
    cdef int nd = index.ndim, d, inner = nd - 1, failed
    if loop == NULL:
        raise NotImplementedError(f"{op} on {a.dtype}")
    # the dim along which `b` is contiguous is walked innermost
    for d in range(nd):
        if b.strides[d] == b.itemsize and b.shape[d] > 1:
            inner = d
    row.a, row.b, row.ix = cnp.PyArray_BYTES(a), cnp.PyArray_BYTES(b), cnp.PyArray_BYTES(index)
    row.stride, row.limit = stride, limit
    row.step_a = row.step_b = row.step_ix = 0
    with nogil:
        failed = index_run(loop, &row, nd, <cnp.npy_intp *>index.shape, sa, <cnp.npy_intp *>b.strides, <cnp.npy_intp *>index.strides, inner)
    return row.bad if failed else None
