# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Recurrent layers, see native/rnn.h: the arrays of PyTorch in, checked, and arrays out.

`arrays` is the input, (steps, N, in), or (rows, in) with `batch_sizes` for packed sequences, or (N, in) for one step of a cell; then as many first
states as `states` says, none for zeros; then the weights of one direction or two, `stride` each: w_ih, w_hh and, as that counts them, b_ih, b_hh
(4 or 5) and w_hr (3 or 5).  States are (directions, N, size), those of a cell (N, size).
"""
cimport cython
cimport numpy as cnp

from .memory cimport array_of
from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/rnn.h":
    enum:
        RNN_LSTM
    ctypedef struct rnn_layer:
        int kind, reverse, threads
        ptrdiff_t steps, rows, batch, input, hidden, output
        const cnp.int64_t *sizes
        const void *x
        const void *w_ih
        const void *w_hh
        const void *b_ih
        const void *b_hh
        const void *w_hr
        const void *h0
        const void *c0
        void *y
        void *hn
        void *cn
        ptrdiff_t y_row
        void *saved
    ctypedef struct rnn_gradients:
        const void *dy
        const void *dhn
        const void *dcn
        void *dx
        void *dw_ih
        void *dw_hh
        void *db_ih
        void *db_hh
        void *dw_hr
        void *dh0
        void *dc0
        int add_dx
    ctypedef struct rnn_functions:
        ptrdiff_t saved_row(const rnn_layer *) noexcept nogil
        int forward(const rnn_layer *) noexcept nogil
        int backward(const rnn_layer *, const rnn_gradients *) noexcept nogil
    ctypedef struct rnn_kernels:
        rnn_functions f32, f64
    const rnn_kernels *PICK(rnn_kernels)
    rnn_kernels rnn_table

cdef extern from "numpy/arrayobject.h":
    cnp.ndarray PyArray_GETCONTIGUOUS(cnp.ndarray)

cdef const rnn_kernels *kernels = PICK(rnn_table)

KINDS = {"lstm": 0, "gru": 1, "rnn_tanh": 2, "rnn_relu": 3}
cdef int[4] GATES = [4, 3, 1, 1]


class Unfit(ValueError):
    """Arguments that are not what the kernels take: another dtype, a size of zero, or shapes that do not go together."""


@cython.final
@cython.freelist(8)
cdef class Layer:
    """One layer in all its directions: the sizes, and contiguous arrays."""
    cdef rnn_layer c
    cdef const rnn_functions *run
    cdef cnp.ndarray x, h0, c0, sizes
    cdef list weights
    cdef int type, stride, directions
    cdef bint cell

    cdef const void *data(self, cnp.ndarray a, int direction) noexcept:
        """What belongs to a direction of an array (directions, N, size)."""
        return NULL if a is None else cnp.PyArray_BYTES(a) + direction * (cnp.PyArray_NBYTES(a) // self.directions)

    cdef cnp.ndarray empty(self, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t lead=0):
        """A new matrix, or with `lead` a stack of as many."""
        cdef cnp.npy_intp shape[3]
        shape[0], shape[1], shape[2] = lead, rows, columns
        return array_of(3 if lead else 2, &shape[0 if lead else 1], self.type, cnp.PyArray_ITEMSIZE(self.x))

    cdef int turn(self, int direction) except -1:
        """Let `c` describe that direction."""
        cdef int at = direction * self.stride
        cdef list w = self.weights
        cdef rnn_layer *c = &self.c
        c.reverse = direction
        c.w_ih, c.w_hh = cnp.PyArray_DATA(<cnp.ndarray>w[at]), cnp.PyArray_DATA(<cnp.ndarray>w[at + 1])
        if self.stride >= 4:
            c.b_ih, c.b_hh = cnp.PyArray_DATA(<cnp.ndarray>w[at + 2]), cnp.PyArray_DATA(<cnp.ndarray>w[at + 3])
        if self.stride & 1:
            c.w_hr = cnp.PyArray_DATA(<cnp.ndarray>w[at + self.stride - 1])
        c.h0, c.c0 = self.data(self.h0, direction), self.data(self.c0, direction)
        return 0


cdef cnp.ndarray fitting(object given, int type, int nd, ptrdiff_t a, ptrdiff_t b=0, ptrdiff_t c=0):
    """`given`, contiguous, if it is an array of that type and shape."""
    cdef cnp.ndarray array = <cnp.ndarray>given
    if (cnp.PyArray_TYPE(array) != type or cnp.PyArray_NDIM(array) != nd or cnp.PyArray_DIM(array, 0) != a
            or (nd > 1 and cnp.PyArray_DIM(array, 1) != b) or (nd > 2 and cnp.PyArray_DIM(array, 2) != c)):
        raise Unfit
    return PyArray_GETCONTIGUOUS(array)


cdef Layer read(list arrays, int states, cnp.ndarray batch_sizes, int kind, int stride):
    cdef Layer p = Layer.__new__(Layer)
    cdef rnn_layer *c = &p.c
    cdef cnp.ndarray w, x = <cnp.ndarray?>arrays[0]
    cdef ptrdiff_t gates, total = 0, i
    cdef int nd = cnp.PyArray_NDIM(x), lead, first = 1 + states
    p.type, p.stride, p.directions = cnp.PyArray_TYPE(x), stride, (len(arrays) - first) // stride
    p.cell = nd == 2 and batch_sizes is None
    if (p.type != cnp.NPY_FLOAT32 and p.type != cnp.NPY_FLOAT64) or nd < 2 or nd > 3 or cnp.PyArray_SIZE(x) == 0 or p.directions == 0:
        raise Unfit
    p.run = &kernels.f32 if p.type == cnp.NPY_FLOAT32 else &kernels.f64
    p.x = PyArray_GETCONTIGUOUS(x)
    c.kind, c.threads, c.x, c.input = kind, THREADS, cnp.PyArray_DATA(p.x), cnp.PyArray_DIM(x, nd - 1)
    c.rows = cnp.PyArray_SIZE(x) // c.input
    c.steps, c.batch = (1 if p.cell else cnp.PyArray_DIM(x, 0)), cnp.PyArray_DIM(x, nd - 2)
    if batch_sizes is not None:
        if cnp.PyArray_NDIM(batch_sizes) != 1 or cnp.PyArray_SIZE(batch_sizes) == 0:
            raise Unfit
        p.sizes = fitting(batch_sizes, cnp.NPY_INT64, 1, cnp.PyArray_DIM(batch_sizes, 0))
        c.sizes = <const cnp.int64_t *>cnp.PyArray_DATA(p.sizes)
        c.steps, c.batch = cnp.PyArray_DIM(p.sizes, 0), c.sizes[0]
        for i in range(c.steps):
            total += c.sizes[i]
            if c.sizes[i] < 1 or (i and c.sizes[i] > c.sizes[i - 1]):
                raise Unfit
        if total != c.rows or nd != 2:
            raise Unfit
    w = <cnp.ndarray?>arrays[first + 1]
    if cnp.PyArray_NDIM(w) != 2:
        raise Unfit
    gates, c.output = cnp.PyArray_DIM(w, 0), cnp.PyArray_DIM(w, 1)
    c.hidden = gates // GATES[kind]
    if c.output == 0 or (c.hidden != c.output if not stride & 1 else c.hidden < c.output):
        raise Unfit
    p.weights = []
    for i in range(first, first + p.directions * stride, stride):
        p.weights.append(fitting(arrays[i], p.type, 2, gates, c.input))
        p.weights.append(fitting(arrays[i + 1], p.type, 2, GATES[kind] * c.hidden, c.output))
        if stride >= 4:
            p.weights.append(fitting(arrays[i + 2], p.type, 1, gates))
            p.weights.append(fitting(arrays[i + 3], p.type, 1, gates))
        if stride & 1:
            p.weights.append(fitting(arrays[i + stride - 1], p.type, 2, c.output, c.hidden))
    lead = 0 if p.cell else p.directions
    if states:
        p.h0 = state(arrays[1], p, lead, c.output)
    if states > 1:
        p.c0 = state(arrays[2], p, lead, c.hidden)
    c.y_row = p.directions * c.output
    p.turn(0)
    return p


cdef cnp.ndarray state(object given, Layer p, int lead, ptrdiff_t size):
    return fitting(given, p.type, 3, lead, p.c.batch, size) if lead else fitting(given, p.type, 2, p.c.batch, size)


cdef int settle(int failed) except -1:
    if failed:
        raise MemoryError
    return 0


def forward(list arrays not None, bint keep, int states, cnp.ndarray batch_sizes, int kind, int stride):
    """(what backward needs, [output; h_n, unless it is a cell; c_n of LSTM])."""
    cdef Layer p = read(arrays, states, batch_sizes, kind, stride)
    cdef rnn_layer *c = &p.c
    cdef int i, failed, lead = 0 if p.cell else p.directions
    cdef ptrdiff_t item = cnp.PyArray_ITEMSIZE(p.x)
    cdef cnp.ndarray hn = None, cn = None, saved = None, y
    if cnp.PyArray_NDIM(p.x) == 3:
        y = p.empty(c.batch, c.y_row, c.steps)
    else:
        y = p.empty(c.rows, c.y_row)
    cdef list found = [y]
    if keep:
        saved = p.empty(p.directions, c.rows * p.run.saved_row(c))
    if not p.cell:
        hn = p.empty(c.batch, c.output, lead)
        found.append(hn)
    if kind == RNN_LSTM:
        cn = p.empty(c.batch, c.hidden, lead)
        found.append(cn)
    for i in range(p.directions):
        if i:
            p.turn(i)
        c.saved, c.hn, c.cn = <void *>p.data(saved, i), <void *>p.data(hn, i), <void *>p.data(cn, i)
        c.y = cnp.PyArray_BYTES(y) + i * c.output * item
        with nogil:
            failed = p.run.forward(c)
        settle(failed)
    return saved, found


cdef cnp.ndarray contiguous(cnp.ndarray a):
    return None if a is None else PyArray_GETCONTIGUOUS(a)


cdef cnp.ndarray like(cnp.ndarray a, bint wanted):
    return array_of(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a)) if wanted and a is not None else None


def backward(list arrays not None, int states, cnp.ndarray batch_sizes, int kind, int stride, cnp.ndarray saved not None, list grads not None,
             bint want_input, bint want_states, bint want_weights):
    """The gradients of all `arrays`, from those of the results; None for what is not wanted, or zero."""
    cdef Layer p = read(arrays, states, batch_sizes, kind, stride)
    cdef rnn_layer *c = &p.c
    cdef rnn_gradients d
    cdef int i, k, failed
    cdef ptrdiff_t item = cnp.PyArray_ITEMSIZE(p.x)
    cdef cnp.ndarray w, dx = like(p.x, want_input), dh0 = like(p.h0, want_states), dc0 = like(p.c0, want_states)
    cdef cnp.ndarray dy = contiguous(grads[0]), dhn = None if p.cell else contiguous(grads[1])
    cdef cnp.ndarray dcn = contiguous(grads[2 - p.cell]) if kind == RNN_LSTM else None
    cdef list found = [dx]
    cdef void *dw[5]
    if states:
        found.append(dh0)
    if states > 1:
        found.append(dc0)
    for i in range(p.directions):
        p.turn(i)
        for k in range(5):
            dw[k] = NULL
        for k in range(stride):
            w = like(<cnp.ndarray>p.weights[i * stride + k], want_weights)
            if want_weights:
                dw[k] = cnp.PyArray_DATA(w)
            found.append(w)
        d.dw_ih, d.dw_hh, d.db_ih, d.db_hh, d.dw_hr = dw[0], dw[1], NULL, NULL, NULL
        if stride >= 4:
            d.db_ih, d.db_hh = dw[2], dw[3]
        if stride & 1:
            d.dw_hr = dw[stride - 1]
        d.dx, d.add_dx = (NULL if dx is None else cnp.PyArray_DATA(dx)), i
        d.dh0, d.dc0 = <void *>p.data(dh0, i), <void *>p.data(dc0, i)
        d.dy = NULL if dy is None else cnp.PyArray_BYTES(dy) + i * c.output * item
        d.dhn, d.dcn = p.data(dhn, i), p.data(dcn, i)
        c.saved = <void *>p.data(saved, i)
        with nogil:
            failed = p.run.backward(c, &d)
        settle(failed)
    return found
