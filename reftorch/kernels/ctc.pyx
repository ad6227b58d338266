# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False
"""The two recursions of connectionist temporal classification, see ops/ctc.py: log_probs [T, N, C], states l' [N, S], alpha [N, T, S].

Sums of probabilities are log(exp(a - m) + exp(b - m) + exp(c - m)) + m with m the largest of them, in this order and in the type of
log_probs: PyTorch's, so the last bit is PyTorch's too. `reads` and `ends` (int64) are, for each of N, the times to read and the last state.
All arrays are C-contiguous.
"""
cimport numpy as cnp
from libc.math cimport INFINITY, exp, log

import numpy as np

cnp.import_array()

cdef extern from "<math.h>" nogil:
    float expf(float)
    float logf(float)

ctypedef Py_ssize_t size
ctypedef fused real:
    float
    double


cdef inline real exp_of(real x) noexcept nogil:
    return expf(x) if real is float else exp(x)


cdef inline real log_of(real x) noexcept nogil:
    return logf(x) if real is float else log(x)


cdef inline real log_sum(real a, real b, real c) noexcept nogil:
    """log(e^a + e^b + e^c)."""
    cdef real m = max(a, b, c)
    if m == -INFINITY:
        return m
    return log_of[real](exp_of[real](a - m) + exp_of[real](b - m) + exp_of[real](c - m)) + m


cdef inline real reached(const real *row, const cnp.int64_t *states, size s, size step, size end) noexcept nogil:
    """The sum over the neighbours from which, going by `step`, state s of 0..end is reached."""
    cdef size near = s - step, far = s - 2 * step
    cdef real a = row[near] if 0 <= near <= end else <real>-INFINITY
    cdef real b = row[far] if 0 <= far <= end and states[s] != states[far] else <real>-INFINITY
    return log_sum[real](row[s], a, b)


cdef real alphas(const real *p, size stride, const cnp.int64_t *states, size width, size reads, size end, real *alpha) noexcept nogil:
    """Fill alpha [reads, width] of one target; `p` walks its log-probabilities, `stride` a time. Returns the loss."""
    cdef size t, s
    if reads == 0:  # no time to read anything: certain for an empty target, impossible for another
        return INFINITY if end else 0
    for s in range(min(end + 1, 2)):
        alpha[s] = p[states[s]]
    for t in range(1, reads):
        p += stride
        alpha += width
        for s in range(end + 1):
            alpha[s] = reached[real](alpha - width, states, s, 1, end) + p[states[s]]
    return -log_sum[real](alpha[end], alpha[end - 1] if end else <real>-INFINITY, <real>-INFINITY)


cdef void gradients(const real *p, size stride, size classes, const real *alpha, real nll, const cnp.int64_t *states, size width, size reads,
                    size end, real *beta, real *out) noexcept nogil:
    """exp(p) - exp(sum over s with l'_s = c of alpha + beta, + nll - p) into `out`, laid out as `p`; beta [2, width] is room to work in."""
    cdef size t, s, c
    cdef real through
    cdef real *now = beta
    cdef real *later = beta + width
    for t in range(reads - 1, -1, -1):
        now, later = later, now
        for c in range(classes):
            out[t * stride + c] = -INFINITY
        for s in range(end, -1, -1):
            c = t * stride + states[s]
            if t < reads - 1:
                now[s] = reached[real](later, states, s, -1, end) + p[c]
            else:
                now[s] = p[c] if s >= end - 1 else <real>-INFINITY
            through = alpha[t * width + s] + now[s]
            out[c] = through if out[c] == -INFINITY else log_sum[real](out[c], through, <real>-INFINITY)
        for c in range(t * stride, t * stride + classes):
            out[c] = exp_of[real](p[c]) - exp_of[real](out[c] + nll - p[c])


def forward(cnp.ndarray log_probs, cnp.ndarray states, cnp.ndarray reads, cnp.ndarray ends):
    """The negative log-probabilities [N], and alpha, which is -inf where no way leads."""
    cdef size n, batch = log_probs.shape[1], classes = log_probs.shape[2], width = states.shape[1], room = log_probs.shape[0] * width
    cdef cnp.ndarray alpha = np.full((batch, log_probs.shape[0], width), -np.inf, log_probs.dtype)
    cdef cnp.ndarray out = np.empty(batch, log_probs.dtype)
    cdef void *p = cnp.PyArray_DATA(log_probs)
    cdef void *a = cnp.PyArray_DATA(alpha)
    cdef void *o = cnp.PyArray_DATA(out)
    cdef cnp.int64_t *l = <cnp.int64_t *>cnp.PyArray_DATA(states)
    cdef cnp.int64_t *times = <cnp.int64_t *>cnp.PyArray_DATA(reads)
    cdef cnp.int64_t *last = <cnp.int64_t *>cnp.PyArray_DATA(ends)
    cdef bint single = cnp.PyArray_TYPE(log_probs) == cnp.NPY_FLOAT32
    with nogil:
        for n in range(batch):
            if single:
                (<float *>o)[n] = alphas(<float *>p + n * classes, batch * classes, l + n * width, width, times[n], last[n], <float *>a + n * room)
            else:
                (<double *>o)[n] = alphas(<double *>p + n * classes, batch * classes, l + n * width, width, times[n], last[n], <double *>a + n * room)
    return out, alpha


def backward(cnp.ndarray log_probs, cnp.ndarray alpha, cnp.ndarray nll, cnp.ndarray states, cnp.ndarray reads, cnp.ndarray ends):
    """The derivative of each loss, for log_probs that came out of log_softmax; 0 at times that are not read."""
    cdef size n, batch = log_probs.shape[1], classes = log_probs.shape[2], width = states.shape[1], room = log_probs.shape[0] * width
    cdef cnp.ndarray out = np.zeros_like(log_probs)
    cdef cnp.ndarray beta = np.empty((2, width), log_probs.dtype)
    cdef void *p = cnp.PyArray_DATA(log_probs)
    cdef void *a = cnp.PyArray_DATA(alpha)
    cdef void *b = cnp.PyArray_DATA(beta)
    cdef void *o = cnp.PyArray_DATA(out)
    cdef void *loss = cnp.PyArray_DATA(nll)
    cdef cnp.int64_t *l = <cnp.int64_t *>cnp.PyArray_DATA(states)
    cdef cnp.int64_t *times = <cnp.int64_t *>cnp.PyArray_DATA(reads)
    cdef cnp.int64_t *last = <cnp.int64_t *>cnp.PyArray_DATA(ends)
    cdef bint single = cnp.PyArray_TYPE(log_probs) == cnp.NPY_FLOAT32
    with nogil:
        for n in range(batch):
            if single:
                gradients(<float *>p + n * classes, batch * classes, classes, <float *>a + n * room, (<float *>loss)[n], l + n * width, width,
                          times[n], last[n], <float *>b, <float *>o + n * classes)
            else:
                gradients(<double *>p + n * classes, batch * classes, classes, <double *>a + n * room, (<double *>loss)[n], l + n * width, width,
                          times[n], last[n], <double *>b, <double *>o + n * classes)
    return out
