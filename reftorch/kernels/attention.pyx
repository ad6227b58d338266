# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, wraparound=False
"""Scaled dot-product attention head by head, see native/attention.h. Arrays are [B, H, L, ...] with any strides, float32 or float64, one dtype a call."""
cimport numpy as cnp
import numpy as np

from .gemm cimport product_of
from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/attention.h":
    ctypedef int (*gemm_fn)(const void *) noexcept nogil
    ctypedef struct attention_part:
        void *at
        ptrdiff_t batch, head, row
    ctypedef struct attention_problem:
        ptrdiff_t batch, heads, queries, keys, width
        int causal, threads
        double scale
        attention_part q, k, v, mask, out, log_total, grad, dq, dk, dv
        gemm_fn small, large
    ctypedef int (*attention_fn)(const attention_problem *) noexcept nogil
    ctypedef struct attention_functions:
        attention_fn forward, backward
    ctypedef struct attention_kernels:
        attention_functions f32, f64
    const attention_kernels *PICK(attention_kernels)
    attention_kernels attention_table

cdef const attention_kernels *kernels = PICK(attention_table)


cdef object readable(cnp.ndarray x):
    """`x` where its numbers are aligned and those of a row lie side by side, else a copy."""
    cdef int nd = cnp.PyArray_NDIM(x)
    if cnp.PyArray_ISALIGNED(x) and cnp.PyArray_STRIDE(x, nd - 1) == cnp.PyArray_ITEMSIZE(x):
        return x
    return np.ascontiguousarray(x)


cdef attention_part part_of(cnp.ndarray x) noexcept:
    cdef attention_part p
    cdef int size = cnp.PyArray_ITEMSIZE(x)
    p.at = cnp.PyArray_DATA(x)
    p.batch, p.head, p.row = cnp.PyArray_STRIDE(x, 0) // size, cnp.PyArray_STRIDE(x, 1) // size, cnp.PyArray_STRIDE(x, 2) // size
    return p


cdef object by_position(cnp.ndarray like, bint numbers=False):
    """An empty array [B, H, L, ...] that lies in memory as [B, L, H, ...], for rows like those of `like`, or for one number of each row."""
    cdef cnp.npy_intp dims[4]
    dims[0], dims[1], dims[2] = cnp.PyArray_DIM(like, 0), cnp.PyArray_DIM(like, 2), cnp.PyArray_DIM(like, 1)
    dims[3] = cnp.PyArray_DIM(like, 3)
    return cnp.PyArray_EMPTY(3 if numbers else 4, dims, cnp.PyArray_TYPE(like), 0).swapaxes(1, 2)


cdef int solve(attention_problem *p, cnp.ndarray q, cnp.ndarray k, cnp.ndarray v, mask, bint is_causal, double scale, bint back) except -1:
    """Run `p`, whose other parts are there."""
    cdef bint doubles = cnp.PyArray_TYPE(q) == cnp.NPY_FLOAT64
    cdef const attention_functions *functions = &kernels.f64 if doubles else &kernels.f32
    cdef int failed, d
    for d in (0, 1, 3):
        if cnp.PyArray_DIM(k, d) != cnp.PyArray_DIM(q, d) or cnp.PyArray_DIM(v, d) != cnp.PyArray_DIM(q, d):
            raise ValueError("query, key and value differ in batch, heads or width")
    if cnp.PyArray_DIM(v, 2) != cnp.PyArray_DIM(k, 2):
        raise ValueError("there are not as many values as keys")
    p.batch, p.heads, p.queries, p.width = cnp.PyArray_DIM(q, 0), cnp.PyArray_DIM(q, 1), cnp.PyArray_DIM(q, 2), cnp.PyArray_DIM(q, 3)
    p.keys, p.causal, p.scale, p.threads = cnp.PyArray_DIM(k, 2), is_causal, scale, THREADS
    p.q, p.k, p.v, p.mask.at = part_of(q), part_of(k), part_of(v), NULL
    if mask is not None:
        p.mask = part_of(mask)
    p.small, p.large = <gemm_fn>product_of(doubles, True), <gemm_fn>product_of(doubles, False)
    with nogil:
        failed = functions.backward(p) if back else functions.forward(p)
    if failed:
        raise MemoryError
    return 0


def forward(cnp.ndarray q not None, cnp.ndarray k not None, cnp.ndarray v not None, cnp.ndarray mask, bint is_causal, double scale):
    """[softmax(q k^T scale + mask) v, which lies in memory as q does; the log of each row's sum]."""
    cdef attention_problem p
    cdef cnp.ndarray out = np.empty_like(q), log_total = by_position(q, True)
    cdef cnp.ndarray made = readable(out)
    q, k, v = readable(q), readable(k), readable(v)
    p.out, p.log_total = part_of(made), part_of(log_total)
    solve(&p, q, k, v, mask, is_causal, scale, False)
    if made is not out:
        out[...] = made
    return [out, log_total]


def backward(cnp.ndarray grad not None, cnp.ndarray q not None, cnp.ndarray k not None, cnp.ndarray v not None, cnp.ndarray out not None,
             cnp.ndarray log_total not None, cnp.ndarray mask, bint is_causal, double scale):
    """[the gradients by q, k and v] of `forward`, from weights that are made once more."""
    cdef attention_problem p
    cdef cnp.ndarray dq = by_position(q), dk = by_position(k), dv = by_position(v)
    q, k, v, grad, out = readable(q), readable(k), readable(v), readable(grad), readable(out)
    p.out, p.log_total, p.grad, p.dq, p.dk, p.dv = part_of(out), part_of(log_total), part_of(grad), part_of(dq), part_of(dk), part_of(dv)
    solve(&p, q, k, v, mask, is_causal, scale, True)
    return [dq, dk, dv]
