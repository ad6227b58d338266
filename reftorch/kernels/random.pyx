# cython: language_level=3, boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, nonecheck=False
"""The random streams over ndarrays: one Generator, and fills that write into the array they are given.

The fills of one distribution visit their array in memory order, as PyTorch's serial iterator does; those of one
parameter an element work on C-contiguous arrays, in logical order. The C code, and the reasons, are in rng.h and sampling.h.
The interpreter lock is held throughout: it is what keeps two threads from drawing from one generator at once.
"""
cimport numpy as cnp
from libc.stdint cimport int64_t, uint8_t, uint64_t
from libc.string cimport memcpy

import numpy as np

cnp.import_array()

cdef extern from "rng.h" nogil:
    ctypedef struct rng_t:
        uint64_t seed
    ctypedef struct rng_blob:
        pass
    ctypedef enum rng_dtype:
        RNG_BOOL, RNG_U8, RNG_I8, RNG_I16, RNG_U16, RNG_I32, RNG_U32, RNG_I64, RNG_U64, RNG_F16, RNG_BF16, RNG_F32, RNG_F64
    ctypedef enum rng_kind:
        RNG_SERIAL_NORMAL, RNG_LOG_NORMAL, RNG_EXPONENTIAL, RNG_GEOMETRIC, RNG_CAUCHY, RNG_UNIFORM, RNG_BERNOULLI, RNG_NORMAL
    void rng_seed(rng_t *, uint64_t)
    void rng_get(const rng_t *, rng_blob *)
    bint rng_set(rng_t *, const rng_blob *)
    uint64_t rng_u64(rng_t *)
    double rng_u53(rng_t *)
    void rng_fill(rng_t *, rng_kind, rng_dtype, char *, long, double, double)
    void rng_fill_integers(rng_t *, rng_dtype, char *, long, int64_t, uint64_t, bint)
    void rng_permutation(rng_t *, int64_t *, int64_t)

cdef extern from "sampling.h" nogil:
    long rng_bernoulli_f64(rng_t *, uint8_t *, const double *, long)
    long rng_bernoulli_f32(rng_t *, uint8_t *, const float *, long)
    int64_t rng_poisson(rng_t *, double)
    double rng_row_sum(const double *, long)
    double gamma_f64(rng_t *, double)
    double gamma_f32(rng_t *, float)
    double binomial_f64(rng_t *, double, double)
    float binomial_f32(rng_t *, float, float)
    const char *multinomial_f64(rng_t *, const double *, double *, long, int64_t *, long)
    const char *multinomial_f32(rng_t *, const float *, float *, long, int64_t *, long)

cdef extern from "samplegrad.h" nogil:
    double gamma_grad_f64(double, double)
    float gamma_grad_f32(float, float)
    double dirichlet_grad_f64(double, double, double)
    float dirichlet_grad_f32(float, float, float)

STATE_SIZE = sizeof(rng_blob)


cdef class Generator:
    """The engine: an MT19937 with PyTorch's bookkeeping, its state readable as PyTorch's 5056 bytes."""
    cdef rng_t rng

    def __cinit__(self, *args, **kwargs):
        rng_seed(&self.rng, 67280421310721)

    cpdef reseed(self, uint64_t seed):
        rng_seed(&self.rng, seed)

    cpdef uint64_t initial_seed(self):
        """The seed of the last `manual_seed`, as an unsigned 64-bit number."""
        return self.rng.seed

    def state_bytes(self):
        """The state as uint8[5056]."""
        cdef cnp.ndarray out = np.empty(STATE_SIZE, np.uint8)
        rng_get(&self.rng, <rng_blob *>cnp.PyArray_DATA(out))
        return out

    def set_state_bytes(self, const uint8_t[::1] state):
        """Take over a state of `state_bytes`; False if it is none."""
        cdef rng_blob blob
        if state.shape[0] != sizeof(rng_blob):
            return False
        memcpy(&blob, &state[0], sizeof(rng_blob))
        return rng_set(&self.rng, &blob)

    def random64(self):
        """The next 64 bits of the stream."""
        return rng_u64(&self.rng)


cdef rng_dtype dtype_code(cnp.ndarray a) except *:
    cdef Py_ssize_t size = cnp.PyArray_ITEMSIZE(a)
    cdef cnp.dtype descr = a.dtype
    cdef char kind = descr.kind
    if kind == b"f":
        return RNG_F32 if size == 4 else RNG_F64 if size == 8 else RNG_F16
    if kind == b"i":
        return RNG_I64 if size == 8 else RNG_I32 if size == 4 else RNG_I16 if size == 2 else RNG_I8
    if kind == b"u":
        return RNG_U64 if size == 8 else RNG_U32 if size == 4 else RNG_U16 if size == 2 else RNG_U8
    if kind == b"b":
        return RNG_BOOL
    if a.dtype.name == "bfloat16":
        return RNG_BF16
    raise TypeError(f"no random numbers of dtype {a.dtype}")


def memory_axes(cnp.ndarray a):
    """The dimensions of `a` by descending stride: the order in which PyTorch's iterator walks it."""
    strides = (<object>a).strides
    return sorted(range(a.ndim), key=lambda d: -strides[d])


cdef cnp.ndarray memory_order(cnp.ndarray a):
    return a if cnp.PyArray_IS_C_CONTIGUOUS(a) else a.transpose(memory_axes(a))


cdef cnp.ndarray dense_twin(cnp.ndarray a):
    """`a` itself if it is dense, else scratch space of its shape."""
    return a if cnp.PyArray_IS_C_CONTIGUOUS(a) else np.empty_like(a, order="C")


cdef fill(Generator gen, cnp.ndarray a, rng_kind kind, double x, double y):
    cdef rng_dtype code = dtype_code(a)
    cdef cnp.ndarray ordered = memory_order(a), dense = dense_twin(ordered)
    rng_fill(&gen.rng, kind, code, <char *>cnp.PyArray_DATA(dense), cnp.PyArray_SIZE(dense), x, y)
    if dense is not ordered:
        ordered[...] = dense


def uniform(Generator gen, cnp.ndarray out, double low, double high):
    """low + (high - low) U"""
    fill(gen, out, RNG_UNIFORM, low, high)


def normal(Generator gen, cnp.ndarray out, double mean, double std):
    """mean + std Z; sixteen or more contiguous values are drawn in blocks, which is a different stream."""
    blocks = cnp.PyArray_SIZE(out) >= 16 and cnp.PyArray_IS_C_CONTIGUOUS(out)
    fill(gen, out, RNG_NORMAL if blocks else RNG_SERIAL_NORMAL, mean, std)


def bernoulli(Generator gen, cnp.ndarray out, double p, double one=1.0):
    """`one` with probability p, else 0"""
    fill(gen, out, RNG_BERNOULLI, p, one)


def exponential(Generator gen, cnp.ndarray out, double rate):
    """-log(1 - U) / rate"""
    fill(gen, out, RNG_EXPONENTIAL, rate, 0)


def geometric(Generator gen, cnp.ndarray out, double p):
    """The number of the first success."""
    fill(gen, out, RNG_GEOMETRIC, p, 0)


def cauchy(Generator gen, cnp.ndarray out, double median, double sigma):
    """median + sigma tan(pi (U - 1/2))"""
    fill(gen, out, RNG_CAUCHY, median, sigma)


def log_normal(Generator gen, cnp.ndarray out, double mean, double std):
    """exp(mean + std Z)"""
    fill(gen, out, RNG_LOG_NORMAL, mean, std)


def integers(Generator gen, cnp.ndarray out, base, span, wide=None):
    """base + (draw mod span) for a span of 1 ... 2^64; `wide` draws 64 bits, the default from a span of 2^28 on."""
    cdef rng_dtype code = dtype_code(out)
    cdef cnp.ndarray ordered = memory_order(out), dense = dense_twin(ordered)
    cdef bint is_wide = span >= 1 << 28 if wide is None else wide
    rng_fill_integers(&gen.rng, code, <char *>cnp.PyArray_DATA(dense), cnp.PyArray_SIZE(dense),
                      base, span & 0xFFFFFFFFFFFFFFFF, is_wide)
    if dense is not ordered:
        ordered[...] = dense


def permutation(Generator gen, Py_ssize_t n):
    """A permutation of 0 ... n-1 as int64."""
    cdef cnp.ndarray out = np.empty(n, np.int64)
    rng_permutation(&gen.rng, <int64_t *>cnp.PyArray_DATA(out), n)
    return out


cdef cnp.ndarray dense_as(object a, int typenum):
    return cnp.PyArray_FROM_OTF(a, typenum, cnp.NPY_ARRAY_CARRAY_RO)


cdef double *doubles(cnp.ndarray a) noexcept:
    return <double *>cnp.PyArray_DATA(a)


cdef float *floats(cnp.ndarray a) noexcept:
    return <float *>cnp.PyArray_DATA(a)


cdef bint is_f64(cnp.ndarray a) noexcept:
    return cnp.PyArray_TYPE(a) == cnp.NPY_FLOAT64


def bernoulli_each(Generator gen, cnp.ndarray p):
    """A 0 or 1 (bool) for each probability; float64 ones are compared with 53 bits, all others with 24."""
    cdef cnp.ndarray dense = dense_as(p, cnp.NPY_FLOAT64 if is_f64(p) else cnp.NPY_FLOAT32)
    cdef cnp.ndarray out = np.empty_like(p, np.bool_, "C")
    cdef uint8_t *hit = <uint8_t *>cnp.PyArray_DATA(out)
    cdef Py_ssize_t drawn, n = cnp.PyArray_SIZE(p)
    if is_f64(p):
        drawn = rng_bernoulli_f64(&gen.rng, hit, doubles(dense), n)
    else:
        drawn = rng_bernoulli_f32(&gen.rng, hit, floats(dense), n)
    if drawn < n:
        raise RuntimeError("Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  "
                           "If so, please report an enhancement request to PyTorch.)")
    return out


def poisson(Generator gen, cnp.ndarray rate):
    """A Poisson count (float64) for each rate."""
    cdef cnp.ndarray dense = dense_as(rate, cnp.NPY_FLOAT64), out = np.empty_like(rate, np.float64, "C")
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(rate)):
        if not doubles(dense)[i] >= 0:
            raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
        doubles(out)[i] = <double>rng_poisson(&gen.rng, doubles(dense)[i])
    return out


def standard_gamma(Generator gen, cnp.ndarray alpha):
    """A Gamma(alpha, 1) variate in float64 for each alpha; what is float64 or float32 is computed as such."""
    cdef cnp.ndarray dense = dense_as(alpha, cnp.PyArray_TYPE(alpha)), out = np.empty_like(alpha, np.float64, "C")
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(alpha)):
        doubles(out)[i] = (gamma_f64(&gen.rng, doubles(dense)[i]) if is_f64(alpha)
                           else gamma_f32(&gen.rng, floats(dense)[i]))
    return out


def dirichlet(Generator gen, cnp.ndarray alpha):
    """A sample of the Dirichlet distribution for each row of a float64 array of concentrations."""
    cdef cnp.ndarray gammas = np.maximum(standard_gamma(gen, alpha), np.finfo(np.float64).tiny)
    cdef Py_ssize_t row, n = cnp.PyArray_DIM(alpha, alpha.ndim - 1)
    cdef cnp.ndarray sums = np.empty((*(<object>alpha).shape[:-1], 1))
    for row in range(cnp.PyArray_SIZE(sums)):
        doubles(sums)[row] = rng_row_sum(doubles(gammas) + row * n, n)
    return gammas / sums


def binomial(Generator gen, cnp.ndarray count, cnp.ndarray p):
    """A Binomial(count, p) variate for each pair of equal-shaped float64 or float32 arrays."""
    cdef cnp.ndarray n = dense_as(count, cnp.PyArray_TYPE(p)), prob = dense_as(p, cnp.PyArray_TYPE(p))
    cdef cnp.ndarray out = np.empty_like(p, order="C")
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(p)):
        if is_f64(p):
            doubles(out)[i] = binomial_f64(&gen.rng, doubles(n)[i], doubles(prob)[i])
        else:
            floats(out)[i] = binomial_f32(&gen.rng, floats(n)[i], floats(prob)[i])
    return out


def multinomial(Generator gen, cnp.ndarray weights, Py_ssize_t k):
    """int64[rows, k]: k draws with replacement from each row of float64 or float32 weights[rows, categories]."""
    cdef cnp.ndarray dense = dense_as(weights, cnp.PyArray_TYPE(weights))
    cdef Py_ssize_t row, rows = cnp.PyArray_DIM(weights, 0), n = cnp.PyArray_DIM(weights, 1)
    cdef cnp.ndarray out = np.empty((rows, k), np.int64), sums = np.empty(n, weights.dtype)
    cdef int64_t *index = <int64_t *>cnp.PyArray_DATA(out)
    cdef const char *complaint
    for row in range(rows):
        if is_f64(weights):
            complaint = multinomial_f64(&gen.rng, doubles(dense) + row * n, doubles(sums), n, index + row * k, k)
        else:
            complaint = multinomial_f32(&gen.rng, floats(dense) + row * n, floats(sums), n, index + row * k, k)
        if complaint != NULL:
            raise RuntimeError(f"invalid multinomial distribution ({complaint.decode()})")
    return out


def rrelu_noise(Generator gen, cnp.ndarray x, double lower, double upper):
    """For each x <= 0, in logical order, a slope uniform on [lower, upper) in float64; 1 elsewhere."""
    cdef cnp.ndarray negative = np.ascontiguousarray(x <= 0), out = np.ones_like(negative, np.float64)
    cdef uint8_t *below = <uint8_t *>cnp.PyArray_DATA(negative)
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(x)):
        if below[i]:
            doubles(out)[i] = rng_u53(&gen.rng) * (upper - lower) + lower
    return out


def standard_gamma_grad(cnp.ndarray alpha, cnp.ndarray x):
    """d x / d alpha of Gamma(alpha, 1) samples x; float64 or float32 arrays of one shape."""
    cdef cnp.ndarray a = dense_as(alpha, cnp.PyArray_TYPE(x)), b = dense_as(x, cnp.PyArray_TYPE(x))
    cdef cnp.ndarray out = np.empty_like(b, order="C")
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(x)):
        if is_f64(x):
            doubles(out)[i] = gamma_grad_f64(doubles(a)[i], doubles(b)[i])
        else:
            floats(out)[i] = gamma_grad_f32(floats(a)[i], floats(b)[i])
    return out


def dirichlet_grad(cnp.ndarray x, cnp.ndarray alpha, cnp.ndarray total):
    """d x / d alpha / (1 - x) of Beta(alpha, total - alpha) samples x; float64 or float32 arrays of one shape."""
    cdef cnp.ndarray a = dense_as(x, cnp.PyArray_TYPE(x)), b = dense_as(alpha, cnp.PyArray_TYPE(x))
    cdef cnp.ndarray c = dense_as(total, cnp.PyArray_TYPE(x)), out = np.empty_like(a, order="C")
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(x)):
        if is_f64(x):
            doubles(out)[i] = dirichlet_grad_f64(doubles(a)[i], doubles(b)[i], doubles(c)[i])
        else:
            floats(out)[i] = dirichlet_grad_f32(floats(a)[i], floats(b)[i], floats(c)[i])
    return out
