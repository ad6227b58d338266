# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, wraparound=False
"""Rows of scores of scaled dot-product attention, see native/attention.h. All arrays are contiguous, float32 or float64, one dtype a call."""
cimport numpy as cnp

from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/attention.h":
    ctypedef struct attention_functions:
        void weigh(int threads, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t height, Py_ssize_t seen, double scale, void *scores, const void *mask, void *most,
                   void *total, void *fade) noexcept nogil
        void finish(int threads, Py_ssize_t rows, Py_ssize_t columns, const void *most, const void *total, void *sums,
                    void *log_total) noexcept nogil
        void weigh_again(int threads, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t height, Py_ssize_t seen, void *scores, const void *mask,
                         const void *log_total) noexcept nogil
        void change(int threads, Py_ssize_t rows, Py_ssize_t n, Py_ssize_t columns, const void *weights, const void *a, const void *b,
                    void *changes) noexcept nogil
    ctypedef struct attention_kernels:
        attention_functions f32, f64
    const attention_kernels *PICK(attention_kernels)
    attention_kernels attention_table

cdef const attention_kernels *kernels = PICK(attention_table)


cdef inline const attention_functions *functions_for(cnp.ndarray x):
    return &kernels.f32 if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32 else &kernels.f64


cdef inline void *data(cnp.ndarray x) noexcept nogil:
    return NULL if x is None else cnp.PyArray_DATA(x)


def weigh(cnp.ndarray scores not None, double scale, cnp.ndarray mask, cnp.ndarray most not None, cnp.ndarray total not None, Py_ssize_t seen):
    """Scores [B, L, S] become e^(scale scores + mask - most), with most and total [B, L] brought up to date; gives what earlier sums are worth now, [B, L]."""
    cdef const attention_functions *functions = functions_for(scores)
    cdef cnp.ndarray fade = cnp.PyArray_EMPTY(2, cnp.PyArray_DIMS(most), cnp.PyArray_TYPE(most), 0)
    cdef Py_ssize_t rows = cnp.PyArray_SIZE(most)
    cdef int threads = THREADS
    with nogil:
        functions.weigh(threads, rows, cnp.PyArray_DIM(scores, 2), cnp.PyArray_DIM(scores, 1), seen, scale, cnp.PyArray_DATA(scores), data(mask),
                        cnp.PyArray_DATA(most), cnp.PyArray_DATA(total), cnp.PyArray_DATA(fade))
    return fade


def finish(cnp.ndarray sums not None, cnp.ndarray most not None, cnp.ndarray total not None):
    """sums [B, L, E] are divided by total [B, L]; gives most + log(total)."""
    cdef cnp.ndarray log_total = cnp.PyArray_EMPTY(2, cnp.PyArray_DIMS(most), cnp.PyArray_TYPE(most), 0)
    cdef const attention_functions *functions = functions_for(sums)
    cdef Py_ssize_t rows = cnp.PyArray_SIZE(most)
    cdef int threads = THREADS
    with nogil:
        functions.finish(threads, rows, cnp.PyArray_DIM(sums, 2), cnp.PyArray_DATA(most), cnp.PyArray_DATA(total), cnp.PyArray_DATA(sums),
                         cnp.PyArray_DATA(log_total))
    return log_total


def weigh_again(cnp.ndarray scores not None, cnp.ndarray mask, cnp.ndarray log_total not None, Py_ssize_t seen):
    """Scores [B, L, S] become e^(scores + mask - log_total), log_total [B, L]."""
    cdef const attention_functions *functions = functions_for(scores)
    cdef Py_ssize_t rows = cnp.PyArray_SIZE(log_total)
    cdef int threads = THREADS
    with nogil:
        functions.weigh_again(threads, rows, cnp.PyArray_DIM(scores, 2), cnp.PyArray_DIM(scores, 1), seen, cnp.PyArray_DATA(scores), data(mask),
                              cnp.PyArray_DATA(log_total))


def change(cnp.ndarray weights not None, cnp.ndarray a not None, cnp.ndarray b not None, cnp.ndarray changes not None):
    """changes [B, L, S] = weights (changes - sum(a b)), a and b [B, L, E]."""
    cdef const attention_functions *functions = functions_for(weights)
    cdef Py_ssize_t rows = cnp.PyArray_DIM(a, 0) * cnp.PyArray_DIM(a, 1)
    cdef int threads = THREADS
    with nogil:
        functions.change(threads, rows, cnp.PyArray_DIM(weights, 2), cnp.PyArray_DIM(a, 2), cnp.PyArray_DATA(weights), cnp.PyArray_DATA(a),
                         cnp.PyArray_DATA(b), cnp.PyArray_DATA(changes))
