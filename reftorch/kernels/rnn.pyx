# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""Recurrent layers, see native/rnn.h: the arrays of PyTorch in, checked, and arrays out.

`arrays` is the input, (steps, N, in), or (rows, in) with `batch_sizes` for packed sequences, or (N, in) for one step of a cell; then as many first
states as `states` says, none for zeros; then the weights of one direction or two, `stride` each: w_ih, w_hh and, as that counts them, b_ih, b_hh
(4 or 5) and w_hr (3 or 5).  States are (directions, N, size), those of a cell (N, size).  What else there is to say comes as a tuple:
(states, batch_sizes or None, kind, stride, whether it is a cell).
"""
cimport numpy as cnp
from libc.string cimport memset

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
    const rnn_kernels *PICK_WIDE(rnn_kernels)
    rnn_kernels rnn_table

cdef extern from "numpy/arrayobject.h":
    cnp.ndarray PyArray_GETCONTIGUOUS(cnp.ndarray)
    int PyArray_IS_C_CONTIGUOUS(cnp.ndarray)

cdef const rnn_kernels *kernels = PICK_WIDE(rnn_table)
cdef const rnn_kernels *narrow = PICK(rnn_table)        # for layers that would leave wide vectors half empty

cdef enum:
    NARROW = 8

KINDS = {"lstm": 0, "gru": 1, "rnn_tanh": 2, "rnn_relu": 3}
cdef int[4] GATES = [4, 3, 1, 1]


cdef struct call:
    rnn_layer c
    const rnn_functions *run
    int type, item, stride, directions, states, cell


cdef inline cnp.ndarray array_at(list arrays, Py_ssize_t i):
    return <cnp.ndarray>arrays[i]


cdef inline void *data_at(list arrays, Py_ssize_t i) noexcept:
    return cnp.PyArray_DATA(<cnp.ndarray>arrays[i])


cdef void *part(cnp.ndarray a, call *p, int direction) noexcept:
    """What belongs to a direction of an array (directions, N, size)."""
    return NULL if a is None else cnp.PyArray_BYTES(a) + direction * (cnp.PyArray_NBYTES(a) // p.directions)


cdef cnp.ndarray empty(call *p, ptrdiff_t rows, ptrdiff_t columns, ptrdiff_t lead=0):
    """A new matrix, or with `lead` a stack of as many."""
    cdef cnp.npy_intp shape[3]
    shape[0], shape[1], shape[2] = lead, rows, columns
    return array_of(3 if lead else 2, &shape[0 if lead else 1], p.type, p.item)


cdef bint fits(list arrays, Py_ssize_t i, int type, int nd, ptrdiff_t a, ptrdiff_t b=0, ptrdiff_t c=0) except -1:
    """Whether arrays[i] is of that type and shape; if so it is contiguous from then on."""
    cdef cnp.ndarray array = <cnp.ndarray?>arrays[i]
    cdef cnp.npy_intp *dims = cnp.PyArray_DIMS(array)
    if cnp.PyArray_TYPE(array) != type or cnp.PyArray_NDIM(array) != nd or dims[0] != a or (nd > 1 and dims[1] != b) or (nd > 2 and dims[2] != c):
        return False
    if not PyArray_IS_C_CONTIGUOUS(array):
        arrays[i] = PyArray_GETCONTIGUOUS(array)
    return True


cdef bint state_fits(list arrays, Py_ssize_t i, call *p, ptrdiff_t size) except -1:
    if p.cell:
        return fits(arrays, i, p.type, 2, p.c.batch, size)
    return fits(arrays, i, p.type, 3, p.directions, p.c.batch, size)


cdef bint read_sizes(call *p, cnp.ndarray batch_sizes, int nd) except -1:
    """Have the sizes of a packed sequence, int64, in `p`; False if they do not describe the rows."""
    cdef rnn_layer *c = &p.c
    cdef ptrdiff_t total = 0, i
    if (cnp.PyArray_TYPE(batch_sizes) != cnp.NPY_INT64 or cnp.PyArray_NDIM(batch_sizes) != 1 or cnp.PyArray_SIZE(batch_sizes) == 0
            or not PyArray_IS_C_CONTIGUOUS(batch_sizes)):
        return False
    c.sizes = <const cnp.int64_t *>cnp.PyArray_DATA(batch_sizes)
    c.steps, c.batch = cnp.PyArray_DIM(batch_sizes, 0), c.sizes[0]
    for i in range(c.steps):
        total += c.sizes[i]
        if c.sizes[i] < 1 or (i and c.sizes[i] > c.sizes[i - 1]):
            return False
    return total == c.rows and nd == 2


cdef bint read(call *p, list arrays, tuple args) except -1:
    """Describe the call for its first direction; False for what the kernels do not take: another dtype, a size of zero, shapes that do not go
    together. `p` points into the arrays, which are contiguous from then on."""
    cdef rnn_layer *c = &p.c
    cdef int kind = args[2], stride = args[3], nd, first, i, direction
    cdef cnp.ndarray x = <cnp.ndarray?>arrays[0], w
    cdef ptrdiff_t gates
    cdef const rnn_kernels *table
    p.states, p.stride, p.cell, p.type, p.item = args[0], stride, args[4], cnp.PyArray_TYPE(x), cnp.PyArray_ITEMSIZE(x)
    first, nd = 1 + p.states, cnp.PyArray_NDIM(x)
    p.directions = (len(arrays) - first) // stride
    if ((p.type != cnp.NPY_FLOAT32 and p.type != cnp.NPY_FLOAT64) or cnp.PyArray_SIZE(x) == 0
            or p.directions == 0 or first + p.directions * stride != len(arrays) or nd != 3 - (p.cell or args[1] is not None)
            or (p.states and p.states != 1 + (kind == RNN_LSTM))):
        return False
    if not PyArray_IS_C_CONTIGUOUS(x):
        arrays[0] = x = PyArray_GETCONTIGUOUS(x)
    memset(c, 0, sizeof(rnn_layer))
    c.kind, c.threads, c.x, c.input = kind, THREADS, cnp.PyArray_DATA(x), cnp.PyArray_DIM(x, nd - 1)
    c.rows = cnp.PyArray_SIZE(x) // c.input
    c.steps, c.batch = (1 if p.cell else cnp.PyArray_DIM(x, 0)), cnp.PyArray_DIM(x, nd - 2)
    if args[1] is not None and not read_sizes(p, <cnp.ndarray?>args[1], nd):
        return False
    w = <cnp.ndarray?>arrays[first + 1]
    if cnp.PyArray_NDIM(w) != 2:
        return False
    gates, c.output = cnp.PyArray_DIM(w, 0), cnp.PyArray_DIM(w, 1)
    c.hidden = gates // GATES[kind]
    if c.output == 0 or gates != c.hidden * GATES[kind] or (c.hidden != c.output if not stride & 1 else c.hidden < c.output):
        return False
    table = narrow if c.hidden <= NARROW else kernels
    p.run = &table.f32 if p.type == cnp.NPY_FLOAT32 else &table.f64
    for direction in range(p.directions):                # Cython makes a Python range of one with a step that it does not know
        i = first + direction * stride
        if not fits(arrays, i, p.type, 2, gates, c.input) or not fits(arrays, i + 1, p.type, 2, gates, c.output):
            return False
        if stride >= 4 and not (fits(arrays, i + 2, p.type, 1, gates) and fits(arrays, i + 3, p.type, 1, gates)):
            return False
        if stride & 1 and not fits(arrays, i + stride - 1, p.type, 2, c.output, c.hidden):
            return False
    if p.states and not state_fits(arrays, 1, p, c.output) or p.states > 1 and not state_fits(arrays, 2, p, c.hidden):
        return False
    c.y_row = p.directions * c.output
    turn(p, arrays, 0)
    return True


cdef int turn(call *p, list arrays, int direction) except -1:
    """Let `p` describe that direction."""
    cdef int at = 1 + p.states + direction * p.stride
    cdef rnn_layer *c = &p.c
    c.reverse = direction
    c.w_ih, c.w_hh = data_at(arrays, at), data_at(arrays, at + 1)
    if p.stride >= 4:
        c.b_ih, c.b_hh = data_at(arrays, at + 2), data_at(arrays, at + 3)
    if p.stride & 1:
        c.w_hr = data_at(arrays, at + p.stride - 1)
    if p.states:
        c.h0 = part(array_at(arrays, 1), p, direction)
    if p.states > 1:
        c.c0 = part(array_at(arrays, 2), p, direction)
    return 0


cdef inline bint tiny(const rnn_layer *c) noexcept:
    """Whether the work takes no longer than to let other threads in."""
    return c.rows * c.hidden * (c.input + c.output) < 4096


def forward(list arrays not None, bint keep, tuple args not None):
    """(what backward needs, [output; h_n, unless it is a cell; c_n of LSTM]), or None for arrays that are not taken."""
    cdef call p
    cdef rnn_layer *c = &p.c
    cdef int i, failed
    cdef cnp.ndarray hn = None, cn = None, saved = None, y
    cdef list found
    if not read(&p, arrays, args):
        return None
    y = empty(&p, c.rows, c.y_row) if p.cell or c.sizes != NULL else empty(&p, c.batch, c.y_row, c.steps)
    found = [y]
    if keep:
        saved = empty(&p, p.directions, c.rows * p.run.saved_row(c))
    if not p.cell:
        hn = empty(&p, c.batch, c.output, p.directions)
        found.append(hn)
    if c.kind == RNN_LSTM:
        cn = empty(&p, c.batch, c.hidden, 0 if p.cell else p.directions)
        found.append(cn)
    for i in range(p.directions):
        if i:
            turn(&p, arrays, i)
        c.saved, c.hn, c.cn = part(saved, &p, i), part(hn, &p, i), part(cn, &p, i)
        c.y = cnp.PyArray_BYTES(y) + i * c.output * p.item
        if tiny(c):
            failed = p.run.forward(c)
        else:
            with nogil:
                failed = p.run.forward(c)
        if failed:
            raise MemoryError
    return saved, found


cdef cnp.ndarray contiguous(cnp.ndarray a):
    return None if a is None else PyArray_GETCONTIGUOUS(a)


cdef cnp.ndarray like(cnp.ndarray a):
    return array_of(cnp.PyArray_NDIM(a), cnp.PyArray_DIMS(a), cnp.PyArray_TYPE(a), cnp.PyArray_ITEMSIZE(a))


def backward(list arrays not None, long wanted, cnp.ndarray saved not None, list grads not None, tuple args not None):
    """The gradients of all `arrays`, from those of the results; None for what has no bit in `wanted`, as far as it comes apart."""
    cdef call p
    cdef rnn_layer *c = &p.c
    cdef rnn_gradients d
    cdef int i, k, at, failed
    cdef bint want_states, want_weights
    cdef cnp.ndarray w, dx = None, dh0 = None, dc0 = None, dy, dhn = None, dcn = None
    cdef list found = []
    cdef void *dw[5]
    if not read(&p, arrays, args):
        raise ValueError("arrays that `forward` does not take")
    dy = contiguous(grads[0])
    if not p.cell:
        dhn = contiguous(grads[1])
    if c.kind == RNN_LSTM:
        dcn = contiguous(grads[2 - p.cell])
    want_weights, want_states = wanted >> (1 + p.states) != 0, (wanted >> 1 & ((1 << p.states) - 1)) != 0
    if wanted & 1:
        dx = like(array_at(arrays, 0))
    found.append(dx)
    if p.states:
        dh0 = like(array_at(arrays, 1)) if want_states else None
        found.append(dh0)
    if p.states > 1:
        dc0 = like(array_at(arrays, 2)) if want_states else None
        found.append(dc0)
    for i in range(p.directions):
        if i:
            turn(&p, arrays, i)
        at = 1 + p.states + i * p.stride
        for k in range(5):
            dw[k] = NULL
        for k in range(p.stride):
            w = None
            if want_weights:
                w = like(array_at(arrays, at + k))
                dw[k] = cnp.PyArray_DATA(w)
            found.append(w)
        d.dw_ih, d.dw_hh, d.db_ih, d.db_hh, d.dw_hr = dw[0], dw[1], NULL, NULL, NULL
        if p.stride >= 4:
            d.db_ih, d.db_hh = dw[2], dw[3]
        if p.stride & 1:
            d.dw_hr = dw[p.stride - 1]
        d.dx, d.add_dx = (NULL if dx is None else cnp.PyArray_DATA(dx)), i
        d.dh0, d.dc0 = part(dh0, &p, i), part(dc0, &p, i)
        d.dy = NULL if dy is None else cnp.PyArray_BYTES(dy) + i * c.output * p.item
        d.dhn, d.dcn = part(dhn, &p, i), part(dcn, &p, i)
        c.saved = part(saved, &p, i)
        if tiny(c):
            failed = p.run.backward(c, &d)
        else:
            with nogil:
                failed = p.run.backward(c, &d)
        if failed:
            raise MemoryError
    return found
