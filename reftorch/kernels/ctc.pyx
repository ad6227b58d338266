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
    for t in range(1, reads):                # no-cython-lint
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


cdef class Batch:
    """The arrays of one batch, as the recursions walk them."""
    cdef size count, time, classes, width
    cdef bint single
    cdef const cnp.int64_t *states
    cdef const cnp.int64_t *reads
    cdef const cnp.int64_t *ends
    cdef void *log_probs
    cdef tuple kept                 # the arrays, as long as the pointers are used

    def __init__(self, cnp.ndarray log_probs, cnp.ndarray states, cnp.ndarray reads, cnp.ndarray ends):
        self.time, self.count, self.classes, self.width = log_probs.shape[0], log_probs.shape[1], log_probs.shape[2], states.shape[1]
        self.single = cnp.PyArray_TYPE(log_probs) == cnp.NPY_FLOAT32
        self.states, self.reads = <cnp.int64_t *>cnp.PyArray_DATA(states), <cnp.int64_t *>cnp.PyArray_DATA(reads)
        self.ends, self.log_probs = <cnp.int64_t *>cnp.PyArray_DATA(ends), cnp.PyArray_DATA(log_probs)
        self.kept = log_probs, states, reads, ends


cdef void forward_all(Batch b, real *p, real *alpha, real *losses) noexcept nogil:
    cdef size n
    for n in range(b.count):
        losses[n] = alphas(p + n * b.classes, b.count * b.classes, b.states + n * b.width, b.width, b.reads[n], b.ends[n],
                           alpha + n * b.time * b.width)


cdef void backward_all(Batch b, real *p, real *alpha, real *losses, real *beta, real *out) noexcept nogil:
    cdef size n
    for n in range(b.count):
        gradients(p + n * b.classes, b.count * b.classes, b.classes, alpha + n * b.time * b.width, losses[n], b.states + n * b.width, b.width,
                  b.reads[n], b.ends[n], beta, out + n * b.classes)


def forward(cnp.ndarray log_probs, cnp.ndarray states, cnp.ndarray reads, cnp.ndarray ends):
    """The negative log-probabilities [N], and alpha, which is -inf where no way leads."""
    cdef Batch b = Batch(log_probs, states, reads, ends)
    cdef cnp.ndarray alpha = np.full((b.count, b.time, b.width), -np.inf, log_probs.dtype), losses = np.empty(b.count, log_probs.dtype)
    cdef void *a = cnp.PyArray_DATA(alpha)
    cdef void *to = cnp.PyArray_DATA(losses)
    with nogil:
        if b.single:
            forward_all(b, <float *>b.log_probs, <float *>a, <float *>to)
        else:
            forward_all(b, <double *>b.log_probs, <double *>a, <double *>to)
    return losses, alpha


def backward(cnp.ndarray log_probs, cnp.ndarray alpha, cnp.ndarray losses, cnp.ndarray states, cnp.ndarray reads, cnp.ndarray ends):
    """The derivative of each loss, for log_probs that came out of log_softmax; 0 at times that are not read."""
    cdef Batch b = Batch(log_probs, states, reads, ends)
    cdef cnp.ndarray beta = np.empty((2, b.width), log_probs.dtype), out = np.zeros_like(log_probs)
    cdef void *a = cnp.PyArray_DATA(alpha)
    cdef void *nll = cnp.PyArray_DATA(losses)
    cdef void *room = cnp.PyArray_DATA(beta)
    cdef void *to = cnp.PyArray_DATA(out)
    with nogil:
        if b.single:
            backward_all(b, <float *>b.log_probs, <float *>a, <float *>nll, <float *>room, <float *>to)
        else:
            backward_all(b, <double *>b.log_probs, <double *>a, <double *>nll, <double *>room, <double *>to)
    return out
