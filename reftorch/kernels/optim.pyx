# cython: language_level=3, boundscheck=False, cdivision=True, initializedcheck=False
"""The steps of SGD, Adam and RMSprop in one pass over each parameter, see native/optim.h; what is not plain is left to the optimizer's own way.

A `Step` is made from the options of a group; iterating over `step.rest(work)` does the plain part of the work and gives what is left, in its order.
"""
cimport numpy as cnp
from cython.parallel cimport prange
from libc.math cimport pow

from .runtime cimport THREADS

cnp.import_array()

cdef extern from "native/optim.h":
    ctypedef struct step_options:
        double sign, weight_decay, shrink, rate, momentum, gain, weight, decay, share, root, eps
        int nesterov, left_over
    ctypedef void (*step_range)(const step_options *o, void *p, const void *grad, void *const *state, ptrdiff_t start, ptrdiff_t end) noexcept nogil
    ctypedef struct step_kernel:
        step_range f32, f64
    ctypedef struct optim_kernels:
        step_kernel sgd, adam, rmsprop
    const optim_kernels *PICK(optim_kernels)
    optim_kernels optim_table

cdef extern from "numpy/ndarrayobject.h":
    bint PyArray_SAMESHAPE(cnp.ndarray a, cnp.ndarray b)
    bint PyArray_ISCARRAY(cnp.ndarray a)

cdef const optim_kernels *kernels = PICK(optim_table)

DEF MAX_STATE = 3
DEF REGISTER = 32                            # bytes that PyTorch's fused kernels take at a time
DEF GRAIN = 32768                            # elements below which one thread does it all


cdef class Step:
    """The options of one group, as numbers."""
    cdef step_options o
    cdef step_kernel kernel
    cdef tuple plain                         # types of tensors that have no behaviour of their own
    cdef list wanted                         # of the state: (its place among the kernel's, name, how often the sequence of operations writes it)
    cdef int p_writes
    cdef bint fused                          # torch: the fused kernels count no writes but those of "step"
    cdef bint counts                         # the state has a "step"
    cdef bint corrects                       # Adam's corrections, which follow from it
    cdef double lr, beta1, beta2, corrected  # `corrected`: the count that o.rate and o.root are for

    def rest(self, list work):
        """Update the parameters of the (p, grad, state) that are plain; yield the others when it is their turn."""
        for item in work:
            p, grad, state = item
            if not self.apply(p, grad, state):
                yield item

    cdef bint apply(self, p, grad, state) except -1:
        """Update `p` and its state in place; False, and nothing done, when one of the tensors is not plain, dense, of one type and apart."""
        cdef cnp.ndarray array = self.dense(p), other = self.dense(grad), count
        cdef void *data[MAX_STATE]
        cdef char *start[MAX_STATE + 2]
        cdef int used = 2, place, writes, i
        cdef Py_ssize_t size, n
        cdef step_range step_of
        if array is None or other is None or not alike(array, other) or p._is_inference:
            return False
        start[0], start[1] = cnp.PyArray_BYTES(array), cnp.PyArray_BYTES(other)
        data[0] = data[1] = data[2] = NULL
        tensors = []
        for place, name, _ in self.wanted:
            tensor = state.get(name)
            other = self.dense(tensor)
            if other is None or not alike(array, other):
                return False
            data[place] = start[used] = cnp.PyArray_BYTES(other)
            used += 1
            tensors.append(tensor)
        size = cnp.PyArray_NBYTES(array)
        for place in range(1, used):
            for i in range(place):
                if start[place] < start[i] + size and start[i] < start[place] + size:
                    return False
        if cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT32:
            step_of = self.kernel.f32
        elif cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT64:
            step_of = self.kernel.f64
        else:
            return False
        if self.counts:
            tensor = state.get("step")
            count = self.dense(tensor)
            if count is None or cnp.PyArray_NDIM(count) or cnp.PyArray_TYPE(count) not in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64):
                return False
            self.correct(add_one(count))
            tensor._bump()
        n = cnp.PyArray_SIZE(array)
        if self.fused:
            size = n & -(REGISTER // cnp.PyArray_ITEMSIZE(array))
            run(step_of, &self.o, start[0], start[1], data, size)
            self.o.left_over = True
            step_of(&self.o, start[0], start[1], data, size, n)
            self.o.left_over = False
            return True
        run(step_of, &self.o, start[0], start[1], data, n)
        for i in range(self.p_writes):       # no-cython-lint
            p._bump()
        for (place, name, writes), tensor in zip(self.wanted, tensors):
            for i in range(writes):          # no-cython-lint
                tensor._bump()
        return True

    cdef cnp.ndarray dense(self, t):
        """The array of a plain tensor, when it is contiguous; else None."""
        if type(t) not in self.plain:
            return None
        cdef cnp.ndarray a = t._array
        return a if PyArray_ISCARRAY(a) else None

    cdef void correct(self, double count):
        if self.corrects and count != self.corrected:
            self.o.rate = -(self.lr / (1 - pow(self.beta1, count)))
            self.o.root = pow(1 - pow(self.beta2, count), 0.5)
            self.corrected = count


cdef inline bint alike(cnp.ndarray a, cnp.ndarray b):
    return cnp.PyArray_TYPE(a) == cnp.PyArray_TYPE(b) and PyArray_SAMESHAPE(a, b)


cdef double add_one(cnp.ndarray count):
    """Count a step in a 0-dim array, in its precision."""
    if cnp.PyArray_TYPE(count) == cnp.NPY_FLOAT32:
        (<float *>cnp.PyArray_DATA(count))[0] += 1
        return (<float *>cnp.PyArray_DATA(count))[0]
    (<double *>cnp.PyArray_DATA(count))[0] += 1
    return (<double *>cnp.PyArray_DATA(count))[0]


cdef void run(step_range f, const step_options *o, char *p, char *grad, void **state, Py_ssize_t n) noexcept:
    cdef int threads = THREADS, k
    cdef Py_ssize_t chunk
    if n <= GRAIN or threads == 1:
        f(o, p, grad, state, 0, n)
        return
    chunk = (n // threads + 16) & ~<Py_ssize_t>15
    for k in prange(threads, nogil=True, num_threads=threads, schedule="static"):
        f(o, p, grad, state, min(k * chunk, n), min((k + 1) * chunk, n))


cdef bint numbers(dict group, tuple names):
    """Whether these options are numbers of Python's own."""
    for name in names:
        x = group[name]
        if type(x) is not float and type(x) is not int:
            return False
    return True


cdef Step begun(dict group, lr, tuple plain, tuple names):
    """A step with the options that all optimizers share; None when an option wants the optimizer's own way."""
    if (type(lr) is not float and type(lr) is not int) or group["differentiable"] or not numbers(group, names):
        return None
    cdef Step made = Step.__new__(Step)
    made.plain, made.p_writes, made.lr, made.fused = plain, 1, lr, bool(group.get("fused"))
    made.o.sign = -1 if group["maximize"] else 1
    made.o.weight_decay, made.o.shrink, made.o.rate = group["weight_decay"], 1, -made.lr
    return made


def sgd(dict group, lr, tuple plain):
    """The `Step` of SGD for these options, or None."""
    cdef Step made = begun(group, lr, plain, ("momentum", "dampening", "weight_decay"))
    if made is None:
        return None
    made.kernel = kernels.sgd
    made.o.momentum, made.o.gain, made.o.nesterov = group["momentum"], 1 - <double>group["dampening"], bool(group["nesterov"])
    made.wanted = [(0, "momentum_buffer", 2)] if made.o.momentum != 0 else []
    return made


def adam(dict group, lr, tuple plain):
    """The `Step` of Adam or AdamW for these options, or None."""
    cdef Step made = begun(group, lr, plain, ("eps", "weight_decay"))
    beta1, beta2 = group["betas"]
    if made is None or type(beta1) is not float or type(beta2) is not float:
        return None
    made.kernel, made.counts, made.corrects = kernels.adam, True, True
    made.beta1, made.beta2, made.o.eps = beta1, beta2, group["eps"]
    made.o.weight, made.o.decay, made.o.share = 1 - made.beta1, made.beta2, 1 - made.beta2
    if group["decoupled_weight_decay"] and made.o.weight_decay != 0:
        made.o.shrink, made.o.weight_decay, made.p_writes = 1 - made.lr * made.o.weight_decay, 0, 2
    made.wanted = [(0, "exp_avg", 1), (1, "exp_avg_sq", 2)]
    if group["amsgrad"]:
        made.wanted.append((2, "max_exp_avg_sq", 1))
    return made


def rmsprop(dict group, lr, tuple plain):
    """The `Step` of RMSprop for these options, or None."""
    cdef Step made = begun(group, lr, plain, ("momentum", "alpha", "eps", "weight_decay"))
    if made is None:
        return None
    made.kernel, made.counts = kernels.rmsprop, True
    made.o.momentum, made.o.eps, made.o.decay = group["momentum"], group["eps"], group["alpha"]
    made.o.weight = made.o.share = 1 - made.o.decay
    made.wanted = [(0, "square_avg", 2)]
    if made.o.momentum > 0:
        made.wanted.append((1, "momentum_buffer", 2))
    if group["centered"]:
        made.wanted.append((2, "grad_avg", 1))
    return made
