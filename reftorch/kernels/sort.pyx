# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Selection and search on rows, see sort.h: arrays are C-contiguous float64 or int64, (rows, n); results are indices."""
cimport numpy as cnp
from libc.stdint cimport int64_t as i64

import numpy as np

cnp.import_array()

cdef extern from "sort.h" nogil:
    void argsort_f(const double *x, i64 rows, i64 n, int descending, i64 *out)
    void argsort_i(const i64 *x, i64 rows, i64 n, int descending, i64 *out)
    void topk_f(const double *x, i64 rows, i64 n, i64 k, int largest, int sorted, i64 *out)
    void topk_i(const i64 *x, i64 rows, i64 n, i64 k, int largest, int sorted, i64 *out)
    void kth_f(const double *x, i64 rows, i64 n, i64 k, i64 *out)
    void kth_i(const i64 *x, i64 rows, i64 n, i64 k, i64 *out)
    void median_f(const double *x, i64 rows, i64 n, int skip_nan, i64 *out)
    void median_i(const i64 *x, i64 rows, i64 n, int skip_nan, i64 *out)
    void mode_f(const double *x, i64 rows, i64 n, i64 *out)
    void mode_i(const i64 *x, i64 rows, i64 n, i64 *out)
    void search_f(const double *edges, i64 n, i64 row_n, const i64 *sorter, const double *x, i64 rows, i64 m, int right, i64 *out)
    void search_i(const i64 *edges, i64 n, i64 row_n, const i64 *sorter, const i64 *x, i64 rows, i64 m, int right, i64 *out)


cdef inline bint is_float(cnp.ndarray a):
    return cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT64


def argsort(cnp.ndarray x, bint descending):
    """Indices that sort each row; equal elements come in the order that the GNU C++ library's sort leaves them in."""
    cdef cnp.ndarray out = np.empty((x.shape[0], x.shape[1]), np.int64)
    cdef i64 rows = x.shape[0], n = x.shape[1]
    cdef void *p = cnp.PyArray_DATA(x)
    cdef i64 *q = <i64 *>cnp.PyArray_DATA(out)
    cdef bint floating = is_float(x)
    with nogil:
        if floating:
            argsort_f(<double *>p, rows, n, descending, q)
        else:
            argsort_i(<i64 *>p, rows, n, descending, q)
    return out


def topk(cnp.ndarray x, i64 k, bint largest, bint sorted):
    """Indices (rows, k) of the k largest or smallest of each row."""
    cdef cnp.ndarray out = np.empty((x.shape[0], k), np.int64)
    cdef i64 rows = x.shape[0], n = x.shape[1]
    cdef void *p = cnp.PyArray_DATA(x)
    cdef i64 *q = <i64 *>cnp.PyArray_DATA(out)
    cdef bint floating = is_float(x)
    if k:
        with nogil:
            if floating:
                topk_f(<double *>p, rows, n, k, largest, sorted, q)
            else:
                topk_i(<i64 *>p, rows, n, k, largest, sorted, q)
    return out


def select(str what, cnp.ndarray x, i64 k=0):
    """One index a row: "kth" (the element of rank k), "median", "nanmedian" or "mode"."""
    cdef cnp.ndarray out = np.empty(x.shape[0], np.int64)
    cdef i64 rows = x.shape[0], n = x.shape[1]
    cdef void *p = cnp.PyArray_DATA(x)
    cdef i64 *q = <i64 *>cnp.PyArray_DATA(out)
    cdef bint floating = is_float(x), kth = what == "kth", mode = what == "mode", skip = what == "nanmedian"
    with nogil:
        if kth:
            if floating:
                kth_f(<double *>p, rows, n, k, q)
            else:
                kth_i(<i64 *>p, rows, n, k, q)
        elif mode:
            if floating:
                mode_f(<double *>p, rows, n, q)
            else:
                mode_i(<i64 *>p, rows, n, q)
        elif floating:
            median_f(<double *>p, rows, n, skip, q)
        else:
            median_i(<i64 *>p, rows, n, skip, q)
    return out


def search(cnp.ndarray edges, cnp.ndarray sorter, cnp.ndarray x, bint right):
    """Positions (rows, m) of `x` in sorted `edges`, (n) or (rows, n)."""
    cdef cnp.ndarray out = np.empty((x.shape[0], x.shape[1]), np.int64)
    cdef i64 rows = x.shape[0], m = x.shape[1], n = edges.shape[edges.ndim - 1], row_n = n if edges.ndim == 2 else 0
    cdef void *e = cnp.PyArray_DATA(edges)
    cdef void *p = cnp.PyArray_DATA(x)
    cdef i64 *s = <i64 *>cnp.PyArray_DATA(sorter) if sorter is not None else NULL
    cdef i64 *q = <i64 *>cnp.PyArray_DATA(out)
    cdef bint floating = is_float(x)
    with nogil:
        if floating:
            search_f(<double *>e, n, row_n, s, <double *>p, rows, m, right, q)
        else:
            search_i(<i64 *>e, n, row_n, s, <i64 *>p, rows, m, right, q)
    return out
