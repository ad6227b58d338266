# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Selection and search on rows, see sort.h: arrays are C-contiguous float32, float64 or int64, (rows, n)."""
cimport numpy as cnp
from libc.stdint cimport int64_t as i64

import numpy as np

cnp.import_array()

from .runtime cimport THREADS

cdef extern from "sort.h" nogil:
    int sort_rows_f32(int threads, const float *x, i64 rows, i64 n, int descending, float *values, i64 *at)
    int sort_rows_f64(int threads, const double *x, i64 rows, i64 n, int descending, double *values, i64 *at)
    int sort_rows_i64(int threads, const i64 *x, i64 rows, i64 n, int descending, i64 *values, i64 *at)
    int topk_f32(int threads, const float *x, i64 rows, i64 n, i64 k, int largest, int sorted, float *values, i64 *at)
    int topk_f64(int threads, const double *x, i64 rows, i64 n, i64 k, int largest, int sorted, double *values, i64 *at)
    int topk_i64(int threads, const i64 *x, i64 rows, i64 n, i64 k, int largest, int sorted, i64 *values, i64 *at)
    void kth_f32(const float *x, i64 rows, i64 n, i64 k, i64 *out)
    void kth_f64(const double *x, i64 rows, i64 n, i64 k, i64 *out)
    void kth_i64(const i64 *x, i64 rows, i64 n, i64 k, i64 *out)
    void median_f32(const float *x, i64 rows, i64 n, int skip_nan, i64 *out)
    void median_f64(const double *x, i64 rows, i64 n, int skip_nan, i64 *out)
    void median_i64(const i64 *x, i64 rows, i64 n, int skip_nan, i64 *out)
    void mode_f32(const float *x, i64 rows, i64 n, i64 *out)
    void mode_f64(const double *x, i64 rows, i64 n, i64 *out)
    void mode_i64(const i64 *x, i64 rows, i64 n, i64 *out)
    void search_f64(const double *edges, i64 n, i64 row_n, const i64 *sorter, const double *x, i64 rows, i64 m, int right, i64 *out)
    void search_i64(const i64 *edges, i64 n, i64 row_n, const i64 *sorter, const i64 *x, i64 rows, i64 m, int right, i64 *out)


ctypedef fused key:
    float
    double
    i64


cdef cnp.ndarray empty(cnp.ndarray x, cnp.npy_intp n, int kind):
    cdef cnp.npy_intp shape[2]
    shape[0], shape[1] = cnp.PyArray_DIM(x, 0), n
    return cnp.PyArray_EMPTY(2, shape, kind, 0)


cdef tuple ordered(cnp.ndarray x, i64 k, bint down, bint whole, bint sorted, key *kind):
    """Values and indices of whole rows in order, or of their first k."""
    cdef int threads = THREADS, failed = 0
    cdef i64 rows = cnp.PyArray_DIM(x, 0), n = cnp.PyArray_DIM(x, 1)
    cdef cnp.ndarray values = empty(x, k, cnp.PyArray_TYPE(x)), indices = empty(x, k, cnp.NPY_INT64)
    cdef key *p = <key *>cnp.PyArray_DATA(x)
    cdef key *to = <key *>cnp.PyArray_DATA(values)
    cdef i64 *at = <i64 *>cnp.PyArray_DATA(indices)
    if k:
        with nogil:
            if key is float:
                failed = sort_rows_f32(threads, p, rows, n, down, to, at) if whole else topk_f32(threads, p, rows, n, k, down, sorted, to, at)
            elif key is double:
                failed = sort_rows_f64(threads, p, rows, n, down, to, at) if whole else topk_f64(threads, p, rows, n, k, down, sorted, to, at)
            else:
                failed = sort_rows_i64(threads, p, rows, n, down, to, at) if whole else topk_i64(threads, p, rows, n, k, down, sorted, to, at)
    if failed:
        raise MemoryError
    return values, indices


cdef tuple in_order(cnp.ndarray x, i64 k, bint down, bint whole, bint sorted):
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        return ordered[float](x, k, down, whole, sorted, NULL)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64:
        return ordered[double](x, k, down, whole, sorted, NULL)
    return ordered[i64](x, k, down, whole, sorted, NULL)


def sort(cnp.ndarray x not None, bint descending):
    """Each row in order, and where its elements were; equal ones come in the order in which the GNU C++ library's sort leaves them."""
    return in_order(x, cnp.PyArray_DIM(x, 1), descending, True, True)


def topk(cnp.ndarray x not None, i64 k, bint largest, bint sorted):
    """The k largest or smallest of each row, and where they were."""
    return in_order(x, k, largest, False, sorted)


def select(str what, cnp.ndarray x not None, i64 k=0):
    """One index a row: "kth" (the element of rank k), "median", "nanmedian" or "mode"."""
    cdef cnp.ndarray out = np.empty(x.shape[0], np.int64)
    cdef i64 rows = x.shape[0], n = x.shape[1]
    cdef void *p = cnp.PyArray_DATA(x)
    cdef i64 *q = <i64 *>cnp.PyArray_DATA(out)
    cdef int kind = cnp.PyArray_TYPE(x)
    cdef bint kth = what == "kth", mode = what == "mode", skip = what == "nanmedian"
    with nogil:
        if kind == cnp.NPY_FLOAT32:
            if kth:
                kth_f32(<float *>p, rows, n, k, q)
            elif mode:
                mode_f32(<float *>p, rows, n, q)
            else:
                median_f32(<float *>p, rows, n, skip, q)
        elif kind == cnp.NPY_FLOAT64:
            if kth:
                kth_f64(<double *>p, rows, n, k, q)
            elif mode:
                mode_f64(<double *>p, rows, n, q)
            else:
                median_f64(<double *>p, rows, n, skip, q)
        elif kth:
            kth_i64(<i64 *>p, rows, n, k, q)
        elif mode:
            mode_i64(<i64 *>p, rows, n, q)
        else:
            median_i64(<i64 *>p, rows, n, skip, q)
    return out


def search(cnp.ndarray edges, cnp.ndarray sorter, cnp.ndarray x, bint right):
    """Positions (rows, m) of `x` in sorted `edges`, (n) or (rows, n)."""
    cdef cnp.ndarray out = np.empty((x.shape[0], x.shape[1]), np.int64)
    cdef i64 rows = x.shape[0], m = x.shape[1], n = edges.shape[edges.ndim - 1], row_n = n if edges.ndim == 2 else 0
    cdef void *e = cnp.PyArray_DATA(edges)
    cdef void *p = cnp.PyArray_DATA(x)
    cdef i64 *s = <i64 *>cnp.PyArray_DATA(sorter) if sorter is not None else NULL
    cdef i64 *q = <i64 *>cnp.PyArray_DATA(out)
    cdef bint floating = cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64
    with nogil:
        if floating:
            search_f64(<double *>e, n, row_n, s, <double *>p, rows, m, right, q)
        else:
            search_i64(<i64 *>e, n, row_n, s, <i64 *>p, rows, m, right, q)
    return out
