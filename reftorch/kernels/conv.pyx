# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False, wraparound=False
"""Convolutions of float32 and float64 in one to three dimensions, see native/conv_kernels.h; None where NumPy must do."""
cimport numpy as cnp
import numpy as np

from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/conv_kernels.h":
    ctypedef struct conv_shape:
        ptrdiff_t batch, groups, channels, filters
        ptrdiff_t[3] out, kernel, stride, dilation, pad, spacing
        ptrdiff_t[3] size "in"
        ptrdiff_t x_strides[5]
    ctypedef struct conv_functions:
        int forward(int threads, int winograd, const conv_shape *s, const void *x, const void *w, const void *bias, void *out) noexcept nogil
        int input_gradient(int threads, int winograd, const conv_shape *s, const void *grad, const void *w, const void *bias, void *made) noexcept nogil
        int weight_gradient(int threads, int winograd, const conv_shape *s, const void *x, const void *grad, void *dw) noexcept nogil
        int channel_sums(int threads, ptrdiff_t batch, ptrdiff_t channels, ptrdiff_t pixels, const void *grad, void *sums) noexcept nogil
    ctypedef struct conv_kernels:
        conv_functions f32, f64
    const conv_kernels *PICK(conv_kernels)
    const conv_kernels *PICK_WIDE(conv_kernels)
    conv_kernels conv_table
    enum:
        WINOGRAD_OFF, WINOGRAD_EXACT, WINOGRAD_FAST

cdef const conv_kernels *kernels = PICK(conv_table)
cdef const conv_kernels *wide = PICK_WIDE(conv_table)
LEVELS = ("off", "exact", "fast")
cdef int level = WINOGRAD_EXACT         # as it was set; a fast one rounds 4 times as much as PyTorch's sums
cdef bint careful_now = False
cdef int winograd = WINOGRAD_EXACT      # what the two allow


def set_winograd(str asked=None, *, careful=None):
    """Which convolutions with fewer multiplications may be used, one of LEVELS: none, those as exact as a plain sum, or all; `careful`: not the last."""
    global level, careful_now, winograd
    level = level if asked is None else LEVELS.index(asked)
    careful_now = careful_now if careful is None else careful
    winograd = min(level, WINOGRAD_EXACT) if careful_now else level


def get_winograd():
    """The level that was set."""
    return LEVELS[level]


cdef const conv_functions *functions_for(cnp.ndarray x, cnp.ndarray w):
    """The kernels of this dtype, if there are any."""
    cdef int kind = cnp.PyArray_TYPE(x)
    if cnp.PyArray_TYPE(w) != kind:
        return NULL
    return &wide.f32 if kind == cnp.NPY_FLOAT32 else &kernels.f64 if kind == cnp.NPY_FLOAT64 else NULL


cdef cnp.ndarray readable(cnp.ndarray x):
    """`x` where it lies, or a copy where its strides are no whole numbers of elements."""
    cdef int d, size = cnp.PyArray_ITEMSIZE(x)
    cdef bint odd = not cnp.PyArray_ISALIGNED(x)
    for d in range(cnp.PyArray_NDIM(x)):
        odd = odd or cnp.PyArray_STRIDE(x, d) % size != 0
    return np.ascontiguousarray(x) if odd else x


cdef inline cnp.ndarray contiguous(cnp.ndarray x):
    return <cnp.ndarray>cnp.PyArray_GETCONTIGUOUS(x)


cdef void describe(conv_shape *s, tuple weight_shape, tuple stride, tuple padding, tuple dilation, int groups) except *:
    """What the forward convolution does, sizes aside. `weight_shape` is [filters, channels, *kernel]."""
    cdef int n = len(stride), d, i
    s.groups = groups
    s.filters, s.channels = <Py_ssize_t>weight_shape[0] // groups, weight_shape[1]
    for d in range(3):
        i = d - (3 - n)
        s.kernel[d] = weight_shape[2 + i] if i >= 0 else 1
        s.stride[d] = stride[i] if i >= 0 else 1
        s.dilation[d] = dilation[i] if i >= 0 else 1
        s.pad[d] = padding[i] if i >= 0 else 0
        s.spacing[d] = s.size[d] = s.out[d] = 1


cdef bint lay(conv_shape *s, cnp.ndarray x):
    """How `x` lies in memory. False when an image is too large for the kernels' offsets."""
    cdef int d, n = cnp.PyArray_NDIM(x) - 2, size = cnp.PyArray_ITEMSIZE(x)
    cdef double cells = max(s.channels, s.filters)
    s.batch = cnp.PyArray_DIM(x, 0)
    s.x_strides[0], s.x_strides[1] = cnp.PyArray_STRIDE(x, 0) // size, cnp.PyArray_STRIDE(x, 1) // size
    for d in range(3):
        s.x_strides[2 + d] = cnp.PyArray_STRIDE(x, 2 + d - (3 - n)) // size if d >= 3 - n else 0
        cells *= max(s.size[d], s.out[d] * s.stride[d]) + 2 * s.pad[d] + s.kernel[d] * s.dilation[d] + s.stride[d]
    return cells < 1 << 31


cdef inline bint empty(cnp.ndarray x, cnp.ndarray w):
    return cnp.PyArray_SIZE(x) == 0 or cnp.PyArray_SIZE(w) == 0


def forward(cnp.ndarray x not None, cnp.ndarray w not None, cnp.ndarray bias, tuple stride, tuple padding, tuple dilation, int groups):
    """bias + x [N, C, *size] convolved with w [O, C / groups, *kernel], or None."""
    cdef const conv_functions *functions = functions_for(x, w)
    cdef conv_shape s
    cdef int n = len(stride), d, failed, threads = THREADS
    cdef cnp.npy_intp shape[5]
    if functions == NULL or n > 3 or empty(x, w):
        return None
    x, w = readable(x), contiguous(w)
    describe(&s, (<object>w).shape, stride, padding, dilation, groups)
    shape[0], shape[1] = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(w, 0)
    for d in range(3 - n, 3):
        s.size[d] = cnp.PyArray_DIM(x, 2 + d - (3 - n))
        s.out[d] = (s.size[d] + 2 * s.pad[d] - s.dilation[d] * (s.kernel[d] - 1) - 1) // s.stride[d] + 1
        shape[2 + d - (3 - n)] = s.out[d]
    if not lay(&s, x):
        return None
    cdef cnp.ndarray out = cnp.PyArray_EMPTY(2 + n, shape, cnp.PyArray_TYPE(x), 0)
    cdef void *start = NULL
    if bias is not None:
        bias = contiguous(bias)
        start = cnp.PyArray_DATA(bias)
    with nogil:
        failed = functions.forward(threads, winograd, &s, cnp.PyArray_DATA(x), cnp.PyArray_DATA(w), start, cnp.PyArray_DATA(out))
    if failed:
        raise MemoryError
    return out


def transposed(cnp.ndarray x not None, cnp.ndarray w not None, cnp.ndarray bias, tuple stride, tuple padding, tuple dilation, tuple size, int groups):
    """bias + the transposed convolution of x [N, C, *] with w [C, O / groups, *kernel], of the given size [N, O, *size], or None."""
    cdef const conv_functions *functions = functions_for(x, w)
    cdef conv_shape s
    cdef int n = len(stride), d, failed, threads = THREADS
    cdef cnp.npy_intp shape[5]
    if functions == NULL or n > 3 or empty(x, w) or 0 in size:
        return None
    x, w = readable(x), contiguous(w)
    describe(&s, (<object>w).shape, stride, padding, dilation, groups)
    shape[0], shape[1] = cnp.PyArray_DIM(x, 0), cnp.PyArray_DIM(w, 1) * groups
    for d in range(3 - n, 3):
        s.out[d] = cnp.PyArray_DIM(x, 2 + d - (3 - n))
        s.size[d] = shape[2 + d - (3 - n)] = size[d - (3 - n)]
    if not lay(&s, x):
        return None
    cdef cnp.ndarray made = cnp.PyArray_EMPTY(2 + n, shape, cnp.PyArray_TYPE(x), 0)
    cdef void *start = NULL
    if bias is not None:
        bias = contiguous(bias)
        start = cnp.PyArray_DATA(bias)
    with nogil:
        failed = functions.input_gradient(threads, winograd, &s, cnp.PyArray_DATA(x), cnp.PyArray_DATA(w), start, cnp.PyArray_DATA(made))
    if failed:
        raise MemoryError
    return made


def weight_gradient(cnp.ndarray x not None, cnp.ndarray grad not None, tuple weight_shape, tuple stride, tuple padding, tuple dilation, int groups):
    """The gradient by w [O, C / groups, *kernel] of `forward`, from that of its result, or None."""
    cdef const conv_functions *functions = functions_for(x, grad)
    cdef conv_shape s
    cdef int n = len(stride), d, failed, threads = THREADS
    cdef cnp.npy_intp shape[5]
    if functions == NULL or n > 3 or empty(x, grad) or 0 in weight_shape:
        return None
    x, grad = readable(x), contiguous(grad)
    describe(&s, weight_shape, stride, padding, dilation, groups)
    shape[0], shape[1] = weight_shape[0], weight_shape[1]
    for d in range(3 - n, 3):
        s.size[d], s.out[d] = cnp.PyArray_DIM(x, 2 + d - (3 - n)), cnp.PyArray_DIM(grad, 2 + d - (3 - n))
        shape[2 + d - (3 - n)] = s.kernel[d]
    if not lay(&s, x):
        return None
    cdef cnp.ndarray dw = cnp.PyArray_EMPTY(2 + n, shape, cnp.PyArray_TYPE(x), 0)
    with nogil:
        failed = functions.weight_gradient(threads, winograd, &s, cnp.PyArray_DATA(x), cnp.PyArray_DATA(grad), cnp.PyArray_DATA(dw))
    if failed:
        raise MemoryError
    return dw


def channel_sums(cnp.ndarray grad not None):
    """The sums of [N, C, *] by channel, or None."""
    cdef const conv_functions *functions = functions_for(grad, grad)
    cdef cnp.npy_intp channels = cnp.PyArray_DIM(grad, 1)
    cdef int threads = THREADS
    if functions == NULL or cnp.PyArray_SIZE(grad) == 0:
        return None
    grad = contiguous(grad)
    cdef cnp.ndarray sums = cnp.PyArray_EMPTY(1, &channels, cnp.PyArray_TYPE(grad), 0)
    with nogil:
        functions.channel_sums(threads, cnp.PyArray_DIM(grad, 0), channels, cnp.PyArray_SIZE(grad) // (cnp.PyArray_DIM(grad, 0) * channels),
                               cnp.PyArray_DATA(grad), cnp.PyArray_DATA(sums))
    return sums
