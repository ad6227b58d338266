# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Small and middling products of matrices, see native/gemm.h; None where NumPy's BLAS does better or must do (other dtypes)."""
cimport numpy as cnp

from libc.string cimport memcpy

from .memory cimport array_of
from .quick cimport capsule, quick_call
from .runtime cimport THREADS

cnp.import_array()

cdef extern from "numpy/arrayobject.h":
    int PyArray_IS_C_CONTIGUOUS(cnp.ndarray)

cdef extern from "native/gemm_kernels.h":
    ctypedef struct matrix_strides:
        ptrdiff_t batch, row, col
    ctypedef struct gemm_problem:
        ptrdiff_t batch, rows, columns, depth
        const void *a
        const void *b
        void *c
        matrix_strides sa, sb
        int accumulate, in_order, of_batch, threads
    ctypedef int (*gemm_fn)(const gemm_problem *) noexcept nogil
    enum: GEMM_F32, GEMM_F64, GEMM_C64, GEMM_C128
    enum: SMALL_ROWS, SMALL_COLUMNS
    ctypedef struct gemm_kernels:
        gemm_fn *product
        gemm_fn *vector
        gemm_fn *dot
    const gemm_kernels *PICK(gemm_kernels)
    const gemm_kernels *PICK_WIDE(gemm_kernels)
    gemm_kernels gemm_table

cdef enum:
    BRIEF = 8192            # multiplications that one thread does without giving Python's lock away
    IN_ORDER = 400          # products of a matrix of a batch, below which PyTorch adds them one by one

cdef const gemm_kernels *kernels = PICK(gemm_table)
cdef const gemm_kernels *wide = PICK_WIDE(gemm_table)


cdef inline matrix_strides strides_of(cnp.ndarray m) noexcept:
    cdef matrix_strides s
    cdef int nd = cnp.PyArray_NDIM(m), size = cnp.PyArray_ITEMSIZE(m)
    s.batch = cnp.PyArray_STRIDE(m, 0) // size if nd == 3 else 0
    s.row = cnp.PyArray_STRIDE(m, nd - 2 if nd > 1 else 0) // size
    s.col = cnp.PyArray_STRIDE(m, nd - 1) // size
    return s


cdef inline int kind_of(cnp.ndarray m) noexcept:
    """Which of the kernels' kinds of number; -1: another."""
    cdef int number = cnp.PyArray_TYPE(m)
    if not cnp.PyArray_ISALIGNED(m):
        return -1
    return (GEMM_F32 if number == cnp.NPY_FLOAT32 else GEMM_F64 if number == cnp.NPY_FLOAT64 else GEMM_C64 if number == cnp.NPY_COMPLEX64
            else GEMM_C128 if number == cnp.NPY_COMPLEX128 else -1)


cdef inline bint fits(int kind, gemm_problem *p) noexcept:
    """Whether the product is ours: every one of float32 and complex64, which then has PyTorch's last bit too, and of float64 where we are faster than BLAS."""
    return (kind != GEMM_F64 or p.rows < SMALL_ROWS or p.columns < SMALL_COLUMNS or <double>p.rows * p.columns * p.depth <= 1 << 25
            or min(p.rows, p.columns, p.depth) < 256)


cdef int fill(cnp.ndarray c, cnp.ndarray start) except -1:
    """c = start, which broadcasts; most often a row for every row of a matrix."""
    cdef cnp.npy_intp i, row = cnp.PyArray_NBYTES(start)
    if (cnp.PyArray_NDIM(start) == 1 and cnp.PyArray_NDIM(c) == 2 and cnp.PyArray_TYPE(start) == cnp.PyArray_TYPE(c)
            and cnp.PyArray_DIM(start, 0) == cnp.PyArray_DIM(c, 1) and PyArray_IS_C_CONTIGUOUS(start)):
        for i in range(cnp.PyArray_DIM(c, 0)):
            memcpy(cnp.PyArray_BYTES(c) + i * row, cnp.PyArray_DATA(start), row)
        return 0
    return cnp.PyArray_CopyInto(c, start)


cdef object solve(gemm_problem *p, gemm_fn run, cnp.ndarray c):
    """`run` into c."""
    cdef int failed
    p.c, p.threads = cnp.PyArray_DATA(c), THREADS
    if <double>p.depth * cnp.PyArray_SIZE(c) <= BRIEF:      # over before other threads could take Python's lock
        failed = run(p)
    else:
        with nogil:
            failed = run(p)
    if failed:
        raise MemoryError
    return c


cdef void *product_of(bint doubles, bint small) noexcept:
    return <void *>(kernels if small else wide).product[GEMM_F64 if doubles else GEMM_F32]


cpdef matmul(cnp.ndarray a, cnp.ndarray b, cnp.ndarray start=None, bint small_in_order=True):
    """a @ b (+ start, which broadcasts) of two matrices or two equal batches of matrices of float32 or float64, a @ b of complex64, or None."""
    cdef int kind = kind_of(a), nd = cnp.PyArray_NDIM(a)
    cdef cnp.npy_intp shape[3]
    cdef cnp.npy_intp *end = &shape[nd - 2]
    cdef gemm_problem p
    if kind < 0 or not cnp.PyArray_ISALIGNED(b) or kind == GEMM_C128 or (kind == GEMM_C64 and (nd == 3 or start is not None)):
        return None
    p.batch = shape[0] = cnp.PyArray_DIM(a, 0) if nd == 3 else 1
    p.rows = end[0] = cnp.PyArray_DIM(a, nd - 2)
    p.columns = end[1] = cnp.PyArray_DIM(b, nd - 1)
    p.depth = cnp.PyArray_DIM(a, nd - 1)
    if not fits(kind, &p):
        return None
    cdef cnp.ndarray c = array_of(nd, shape, cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a))
    p.of_batch, p.accumulate = p.batch > 1, start is not None
    if p.accumulate:
        fill(c, start)
    p.in_order = small_in_order and nd == 3 and <double>p.rows * p.columns * p.depth < IN_ORDER
    p.sa, p.sb, p.a, p.b = strides_of(a), strides_of(b), cnp.PyArray_DATA(a), cnp.PyArray_DATA(b)
    cdef bint small = p.in_order or p.rows < SMALL_ROWS or p.columns < SMALL_COLUMNS
    return solve(&p, kernels.product[kind] if small or kind >= GEMM_C64 else wide.product[kind], c)


def factor_joins(cnp.ndarray a, cnp.ndarray b):
    """Where PyTorch's BLAS multiplies by the alpha of alpha * a @ b: "left", "right" or the "result"."""
    cdef gemm_problem p
    p.sa, p.sb, p.rows, p.columns = strides_of(a), strides_of(b), cnp.PyArray_DIM(a, cnp.PyArray_NDIM(a) - 2), cnp.PyArray_DIM(b, cnp.PyArray_NDIM(b) - 1)
    if p.rows >= SMALL_ROWS and p.columns >= SMALL_COLUMNS:
        return "right"
    if p.columns == 1 and p.rows > 1:
        return "right" if p.sa.row == 1 else "result"
    return "left" if p.sb.col == 1 else "result"


cpdef matvec(cnp.ndarray a, cnp.ndarray x, cnp.ndarray start=None):
    """a @ x (+ start, which broadcasts) of a matrix and a vector of real or (without start) complex floating point numbers, or None."""
    cdef int kind = kind_of(a)
    cdef gemm_problem p
    p.accumulate = start is not None
    if kind < 0 or not cnp.PyArray_ISALIGNED(x) or (kind >= GEMM_C64 and p.accumulate):
        return None
    cdef cnp.npy_intp rows = cnp.PyArray_DIM(a, 0)
    cdef cnp.ndarray c = array_of(1, &rows, cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a))
    if p.accumulate:
        cnp.PyArray_CopyInto(c, start)
    p.rows, p.depth = rows, cnp.PyArray_DIM(a, 1)
    p.sa, p.sb, p.a, p.b = strides_of(a), strides_of(x), cnp.PyArray_DATA(a), cnp.PyArray_DATA(x)
    return solve(&p, kernels.vector[kind], c)


cpdef dot(cnp.ndarray a, cnp.ndarray b):
    """Sum of products of two vectors of float32 or float64, or None."""
    cdef int kind = kind_of(a)
    cdef gemm_problem p
    if (kind != GEMM_F32 and kind != GEMM_F64) or not cnp.PyArray_ISALIGNED(b):
        return None
    p.depth = cnp.PyArray_DIM(a, 0)
    p.sa, p.sb, p.a, p.b = strides_of(a), strides_of(b), cnp.PyArray_DATA(a), cnp.PyArray_DATA(b)
    return solve(&p, kernels.dot[kind], array_of(0, NULL, cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a)))


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
