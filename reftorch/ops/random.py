"""Random numbers: tensors of them, fills in place, samples of distributions.

The numbers come from `kernels/random.pyx`, PyTorch's streams bit for bit; here are arguments, checks, dtypes and gradients.
"""
import math
import warnings

import numpy as np

from ..core import DTYPES, T, Tensor, composite, primitive
from ..core._core import empty_permuted_like, from_array, get_default_dtype
from ..core.errors import C_NAMES
from ..kernels import memory
from ..kernels import random as kernel
from ..random import default_generator
from ._common import check_factory, not_implemented, refuse, type_name, underived

_LONG = DTYPES["int64"]
# The floating dtypes, by NumPy's character (E: bfloat16): digits of the mantissa, and the largest number.
_DIGITS = {"d": 53, "f": 24, "e": 11, "E": 8}
_LARGEST = {"d": float.fromhex("0x1.fffffffffffffp1023"), "f": float.fromhex("0x1.fffffep127"), "e": 65504.0, "E": float.fromhex("0x1.fep127")}


def _stream(generator):
    return default_generator if generator is None else generator


def _is_float(a):
    return a.dtype.char in _DIGITS


def _is_integer(a):
    return a.dtype.kind == "i" or a.dtype.char == "B"  # torch: of the unsigned types uint8 alone is dispatched to


def _integer_range(dtype):
    """The smallest and the largest of an integer dtype (or bool)."""
    if dtype.kind == "b":
        return 0, 1
    bits = 8 * dtype.itemsize
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if dtype.kind == "i" else (0, (1 << bits) - 1)


def _as_real(a):
    """The (re, im) pairs of a complex array as its last dimension, on the same memory."""
    return a[..., None].view(a.real.dtype)


def _nothing(grad):
    return T.zeros_like(grad)


# ------------------------------------------------------------------------------------------------------ fills in place
def _fill(schema, **options):
    """An op that fills its receiver. The body is given back: it fills the arrays of the factories, too."""
    def made(body):
        primitive(schema + " -> Tensor", make="method", ns=None, half=False, self=_nothing, **options)(body)
        return body
    return made


@_fill("uniform_(Tensor self, float from=0, float to=1, *, Generator? generator=None)")
def uniform_(self, from_, to, generator):
    """Fill with numbers uniform on [from, to)."""
    a = _as_real(self) if self.dtype.kind == "c" else self
    if not _is_float(a):
        refuse("check_uniform_bounds", a)
    largest = _LARGEST[a.dtype.char]
    for name, bound in (("from", from_), ("to", to)):
        if not -largest <= bound <= largest:
            raise RuntimeError(f"{name} is out of bounds for {C_NAMES[a.dtype.name]}")
    if from_ > to:
        raise RuntimeError(f"uniform_ expects to return a [from, to) range, but found from={from_:g} > to={to:g}")
    if to - from_ > largest:
        raise RuntimeError(f"uniform_ expects to-from <= std::numeric_limits<{type_name(a)}>::max(), but found to={to:g} and from={from_:g} "
                           "which result in to-from to exceed the limit")
    kernel.uniform(_stream(generator), a, from_, to)
    return self


@_fill("normal_(Tensor self, float mean=0, float std=1, *, Generator? generator=None)")
def normal_(self, mean, std, generator):
    """Fill with normal numbers; complex ones have variance std^2, half of it in each part."""
    if not std >= 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std:g}")
    if self.dtype.kind == "c":
        kernel.normal(_stream(generator), _as_real(self), 0.0, std / math.sqrt(2))
        self += self.dtype.type(mean)
        return self
    if not _is_float(self):
        refuse("normal_kernel_cpu", self)
    kernel.normal(_stream(generator), self, mean, std)
    return self


@primitive("bernoulli_.Tensor(Tensor self, Tensor p, *, Generator? generator=None) -> Tensor", make="method", ns=None, half=False, node="BernoulliBackward1",
           self=_nothing, p=lambda p: T.zeros_like(p))
def bernoulli_(self, p, generator):
    """Fill with 1 or 0, each with a probability of its own."""
    if not (_is_float(self) or _is_integer(self) or self.dtype.kind == "b"):
        refuse("bernoulli_tensor_cpu_self_", self)
    if not _is_float(p):
        refuse("bernoulli_tensor_cpu_p_", p)
    axes = kernel.memory_axes(self)
    p = from_array(p).expand(self.shape)._array.transpose(axes)
    self.transpose(axes)[...] = kernel.bernoulli_each(_stream(generator), p)
    return self


@_fill("bernoulli_.float(Tensor self, float p=0.5, *, Generator? generator=None)", node="BernoulliBackward2")
def bernoulli_float_(self, p, generator):
    """Fill with 1 with probability p, else 0."""
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}")
    if not (_is_float(self) or _is_integer(self) or self.dtype.kind == "b"):
        refuse("bernoulli_scalar_cpu_", self)
    kernel.bernoulli(_stream(generator), self, p)
    return self


@_fill("exponential_(Tensor self, float lambd=1, *, Generator? generator=None)")
def exponential_(self, lambd, generator):
    """Fill with exponential numbers of rate lambd."""
    if not lambd > 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}")
    if not _is_float(self):
        raise RuntimeError("Exponential distribution is a continuous probability distribution. dtype must be a floating point but you specified "
                           + type_name(self))
    kernel.exponential(_stream(generator), self, lambd)
    return self


@_fill("geometric_(Tensor self, float p, *, Generator? generator=None)")
def geometric_(self, p, generator):
    """Fill with the number of the first success in trials of probability p."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p:g}")
    if not (_is_float(self) or _is_integer(self)):
        refuse("geometric_cpu", self)
    kernel.geometric(_stream(generator), self, p)
    return self


@_fill("cauchy_(Tensor self, float median=0, float sigma=1, *, Generator? generator=None)")
def cauchy_(self, median, sigma, generator):
    """Fill with Cauchy numbers."""
    if not sigma > 0:
        raise RuntimeError(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}")
    if not _is_float(self):
        raise RuntimeError("Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you specified "
                           + C_NAMES[self.dtype.name])
    kernel.cauchy(_stream(generator), self, median, sigma)
    return self


@_fill("log_normal_(Tensor self, float mean=1, float std=2, *, Generator? generator=None)")
def log_normal_(self, mean, std, generator):
    """Fill with exp(mean + std Z), Z normal."""
    if not std > 0:
        raise RuntimeError(f"log_normal_ expects std > 0.0, but found std={std:g}")
    if not _is_float(self):
        refuse("log_normal_cpu", self)
    kernel.log_normal(_stream(generator), self, mean, std)
    return self


def _represented(value, dtype):
    """An integer after a stay in the floating dtype; what no longer fits becomes -2^63, as on x86."""
    rounded = float(value if dtype.itemsize == 8 else np.float32(value).astype(dtype))
    return int(rounded) if -(2.0**63) <= rounded < 2.0**63 else -(2**63)


def _raised(low, dtype):
    """`low`, or the next number of the dtype where rounding would fall below it."""
    above = _represented(low + 1, dtype)
    return low if above >= low else above + (1 << (abs(low + 1).bit_length() - _DIGITS[dtype.char]))


def _lowered(high, dtype):
    """`high`, or the number of the dtype before it where rounding would reach it."""
    below = _represented(high - 1, dtype)
    return high if below < high else below - (1 << (abs(high - 1).bit_length() - _DIGITS[dtype.char]))


def _check_range(a, low, top):
    """torch's complaints about a range [low, top] that the dtype cannot hold, or not exactly."""
    char = a.dtype.char
    if char in _DIGITS:
        smallest, largest = -_LARGEST[char], _LARGEST[char]
    elif a.dtype.kind in "biu":
        smallest, largest = _integer_range(a.dtype)
    else:
        raise RuntimeError("check_random_bounds handles only integral, floating-point and boolean types")
    for text, value in (("from", low), ("to - 1", top)):
        if not smallest <= value <= largest:
            raise RuntimeError(f"{text} is out of bounds for {C_NAMES[a.dtype.name]}")
    for text, value in (("from", low), ("to - 1", top)):
        digits = _DIGITS.get(char, 64)
        if abs(value) > 1 << digits:
            warnings.warn(f"{text} is out of bounds [-(2^{digits}), 2^{digits}]. Due to precision limitations {C_NAMES[a.dtype.name]} can support discrete "
                          "uniform distribution only within this range. This warning will become an error in version 1.7 release, please fix the "
                          "code in advance", stacklevel=3)


def _draw_range(a, low, high, generator):
    """Into `a`: integers uniform on [low, high)."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if a.dtype.kind == "V" and not _is_float(a):
        refuse("random_update_from_to", a)
    if _is_float(a):
        low, high = _raised(low, a.dtype), _lowered(high, a.dtype)
        if low >= high:
            raise RuntimeError(f"random_ expects 'from' casted to dtype to be less than 'to' casted to dtype, but got from={low} >= to={high}")
    _check_range(a, low, high - 1)
    kernel.integers(_stream(generator), a, low, high - low)
    return a


@_fill("random_.from(Tensor self, int from, int? to, *, Generator? generator=None)")
def random_(self, from_, to, generator):
    """Fill with integers uniform on [from, to), or up to the largest one if `to` is None."""
    if to is not None:
        return _draw_range(self, from_, to, generator)
    char = self.dtype.char
    if from_ == -(2**63):
        if _is_integer(self) and self.dtype.itemsize < 8:
            raise RuntimeError("random_full_64_bits_range_kernel_cpu handles only int64, double, float and bfloat16")
        if not (_is_integer(self) or char in "dfE"):
            refuse("random_full_64_bits_range_kernel_cpu", self)
        kernel.integers(_stream(generator), self, 0, 1 << 64)
        return self
    if char in _DIGITS:
        top, from_ = 1 << _DIGITS[char], _raised(from_, self.dtype)
        if from_ >= top:
            raise RuntimeError("random_ expects 'from' casted to dtype to be less than or equal to 'to_inc' casted to dtype, but got "
                               f"from={from_} > to_inc={top}")
    elif self.dtype.kind in "biu":
        top = _integer_range(self.dtype)[1]
    elif self.dtype.kind == "V":
        refuse("random_from_to_range_calc", self)
    else:
        raise RuntimeError("random_from_to_impl handles only integral, floating-point and boolean types")
    if top == 2**64 - 1:
        raise RuntimeError("to - 1 is out of bounds for long unsigned int")  # torch: its largest does not fit the int64 of the bounds
    _check_range(self, from_, top)
    kernel.integers(_stream(generator), self, from_, top - from_ + 1)
    return self


@_fill("random_.to(Tensor self, int to, *, Generator? generator=None)")
def random_to_(self, to, generator):
    """Fill with integers uniform on [0, to)."""
    return _draw_range(self, 0, to, generator)


@_fill("random_(Tensor self, *, Generator? generator=None)")
def random_all_(self, generator):
    """Fill with integers uniform on all that the dtype holds from 0 on; floats stop at the last one before gaps."""
    if not (_is_float(self) or _is_integer(self) or self.dtype.kind == "b"):
        refuse("random_kernel_cpu", self)
    top = 1 << _DIGITS[self.dtype.char] if _is_float(self) else _integer_range(self.dtype)[1]
    kernel.integers(_stream(generator), self, 0, top + 1, self.dtype.itemsize == 8)
    return self


# ---------------------------------------------------------------------------------------------------------- factories
_OPTIONS = "Tensor? out=None, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
_LIKE = "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None, MemoryFormat? memory_format=None"


def _check(size, out, dtype, layout, device, pin_memory):
    check_factory(layout, device, pin_memory)
    for n in size:
        if n < 0:
            raise RuntimeError(f"Trying to create tensor with negative dimension {n}: {list(size)}")
    if out is not None and dtype is not None and dtype is not out.dtype:
        raise RuntimeError(f"dtype {dtype.type_name} does not match dtype of out parameter ({out.dtype.type_name})")


def _made(fill, parameters, generator, size, out=None, dtype=None, layout=None, device=None, pin_memory=None, default=None):
    """A new tensor, or `out` resized, with a fill run on it; `default` is the dtype when none is asked for."""
    _check(size, out, dtype, layout, device, pin_memory)
    if out is None:
        return from_array(fill(memory.empty(tuple(size), (dtype or default or get_default_dtype()).numpy), *parameters, generator))
    return getattr(T, fill.__name__)(T.resize_(out, size), *parameters, generator=generator)


def _made_like(fill, parameters, generator, self, dtype, layout, device, pin_memory, memory_format):
    """A new tensor of the shape of `self`, with a fill run on it in the order of its memory."""
    check_factory(layout, device, pin_memory)
    if memory_format is None:
        a = empty_permuted_like(self._array, dtype)
    else:
        a = T.empty_like(self, dtype=dtype, memory_format=memory_format)._array
    return from_array(fill(a, *parameters, generator))


@composite(f"rand(int[] size, *, {_OPTIONS}) -> Tensor",
           f"rand.generator(int[] size, *, Generator? generator, {_OPTIONS}) -> Tensor")
def rand(size, out, dtype, layout, device, pin_memory, generator=None):
    """Numbers uniform on [0, 1)."""
    return _made(uniform_, (0.0, 1.0), generator, size, out, dtype, layout, device, pin_memory)


@composite(f"randn(int[] size, *, {_OPTIONS}) -> Tensor",
           f"randn.generator(int[] size, *, Generator? generator, {_OPTIONS}) -> Tensor")
def randn(size, out, dtype, layout, device, pin_memory, generator=None):
    """Standard normal numbers."""
    return _made(normal_, (0.0, 1.0), generator, size, out, dtype, layout, device, pin_memory)


@composite(f"randint(int high, int[] size, *, {_OPTIONS}) -> Tensor",
           f"randint.generator(int high, int[] size, *, Generator? generator, {_OPTIONS}) -> Tensor",
           f"randint.low(int low, int high, int[] size, *, {_OPTIONS}) -> Tensor",
           f"randint.low_generator(int low, int high, int[] size, *, Generator? generator, {_OPTIONS}) -> Tensor")
def randint(high, size, out, dtype, layout, device, pin_memory, low=0, generator=None):
    """Integers uniform on [low, high)."""
    return _made(random_, (low, high), generator, size, out, dtype, layout, device, pin_memory, _LONG)


@composite(f"randperm(int n, *, {_OPTIONS}) -> Tensor", f"randperm.generator(int n, *, Generator? generator, {_OPTIONS}) -> Tensor",
           shown="n, *, generator=None, out=None, dtype=torch.int64, layout=torch.strided, device=None, requires_grad=False, pin_memory=False")
def randperm(n, out, dtype, layout, device, pin_memory, generator=None):
    """A permutation of 0 ... n-1."""
    _check((n,), out, dtype, layout, device, pin_memory)
    dtype = out.dtype if out is not None else dtype or _LONG
    like = np.empty(0, dtype.numpy)
    if not (_is_float(like) or _is_integer(like)):
        refuse("randperm", like)
    if like.dtype.char in "dfe" and n > (1 << _DIGITS[like.dtype.char]) + 1:
        raise RuntimeError(f"n cannot be greater than {(1 << _DIGITS[like.dtype.char]) + 1} for {dtype.type_name} type.")
    if _is_integer(like) and n - 1 > _integer_range(like.dtype)[1]:
        raise RuntimeError(f"value cannot be converted to type {dtype.name}_t without overflow")
    permutation = from_array(kernel.permutation(_stream(generator), n).astype(like.dtype, copy=False))
    return permutation if out is None else T.copy_(T.resize_(out, (n,)), permutation)


@composite(f"rand_like(Tensor self, *, {_LIKE}) -> Tensor", f"rand_like.generator(Tensor self, *, Generator? generator, {_LIKE}) -> Tensor")
def rand_like(self, dtype, layout, device, pin_memory, memory_format, generator=None):
    """Numbers uniform on [0, 1), in the shape of a tensor and drawn in the order of its memory."""
    return _made_like(uniform_, (0.0, 1.0), generator, self, dtype, layout, device, pin_memory, memory_format)


@composite(f"randn_like(Tensor self, *, {_LIKE}) -> Tensor", f"randn_like.generator(Tensor self, *, Generator? generator, {_LIKE}) -> Tensor")
def randn_like(self, dtype, layout, device, pin_memory, memory_format, generator=None):
    """Standard normal numbers, in the shape of a tensor and drawn in the order of its memory."""
    return _made_like(normal_, (0.0, 1.0), generator, self, dtype, layout, device, pin_memory, memory_format)


@composite(f"randint_like.Tensor(Tensor self, Tensor high, *, {_LIKE}) -> Tensor",
           f"randint_like.Tensor_generator(Tensor self, Tensor high, *, Generator? generator, {_LIKE}) -> Tensor",
           f"randint_like(Tensor self, int high, *, {_LIKE}) -> Tensor",
           f"randint_like.generator(Tensor self, int high, *, Generator? generator, {_LIKE}) -> Tensor",
           f"randint_like.low_dtype(Tensor self, int low, int high, *, {_LIKE}) -> Tensor",
           f"randint_like.low_generator_dtype(Tensor self, int low, int high, *, Generator? generator, {_LIKE}) -> Tensor")
def randint_like(self, high, dtype, layout, device, pin_memory, memory_format, low=0, generator=None):
    """Integers uniform on [low, high), in the shape of a tensor and drawn in the order of its memory."""
    if not isinstance(high, int):
        if high.dim():
            raise RuntimeError("high must be a scalar tensor and on CPU")
        high = int(high.item())
    return _made_like(random_, (low, high), generator, self, dtype, layout, device, pin_memory, memory_format)


# -------------------------------------------------------------------------------------------------- torch.normal
def _check_std(std):
    if std.dtype.is_complex:
        raise RuntimeError("normal expects standard deviation to be non-complex")
    if std.numel() and not bool((std._array >= 0).all()):
        raise RuntimeError("normal expects all elements of std >= 0.0")


def _normal(shape, out, dtype, generator, mean, std):
    """mean + std Z: Z, its multiplication and its addition each rounded; a number for `std` is part of Z."""
    if not isinstance(std, Tensor):
        return T.add_(_made(normal_, (0.0, std), generator, shape, out, default=dtype), mean)
    _check_std(std)
    return T.add_(T.mul_(_made(normal_, (0.0, 1.0), generator, shape, out, default=dtype), std), mean)


def _zeros_of(grad, shape):
    return T.zeros(shape, dtype=grad.dtype)


@primitive("_normal.Tensor_float(Tensor mean, float std, Generator? generator) -> Tensor", ns=None, half=False, node="NormalBackward1",
           mean=lambda grad, mean_shape: _zeros_of(grad, mean_shape))
def _normal_tensor_float(mean, std, generator):
    return _normal(mean.shape, None, from_array(mean).dtype, generator, from_array(mean), std)._array


@primitive("_normal.float_Tensor(float mean, Tensor std, Generator? generator) -> Tensor", half=False, node="NormalBackward2",
           std=lambda grad, std_shape: _zeros_of(grad, std_shape))
def _normal_float_tensor(mean, std, generator):
    return _normal(std.shape, None, from_array(std).dtype, generator, mean, from_array(std))._array


@primitive("_normal.Tensor_Tensor(Tensor mean, Tensor std, Generator? generator) -> Tensor", half=False, node="NormalBackward3",
           mean=lambda grad, mean_shape: _zeros_of(grad, mean_shape), std=lambda grad, std_shape: _zeros_of(grad, std_shape))
def _normal_tensor_tensor(mean, std, generator):
    mean, std = from_array(mean), from_array(std)
    return _normal(T.broadcast_tensors([mean, std])[0].shape, None, mean.dtype, generator, mean, std)._array


@composite("normal.Tensor_Tensor(Tensor mean, Tensor std, *, Generator? generator=None, Tensor? out=None) -> Tensor",
           "normal.Tensor_float(Tensor mean, float std=1, *, Generator? generator=None, Tensor? out=None) -> Tensor",
           "normal.float_Tensor(float mean, Tensor std, *, Generator? generator=None, Tensor? out=None) -> Tensor")
def normal(mean, std, generator, out):
    """A normal number for each mean and standard deviation."""
    if out is None:
        return T._normal(mean, std, generator)
    parameters = T.broadcast_tensors([t for t in (mean, std) if isinstance(t, Tensor)])
    return _normal(parameters[0].shape, out, None, generator, mean, std)


@composite(f"normal.float_float(float mean, float std, int[] size, *, Generator? generator=None, {_OPTIONS}) -> Tensor")
def normal_of_numbers(mean, std, size, generator, out, dtype, layout, device, pin_memory):
    """Normal numbers of one mean and standard deviation."""
    return _made(normal_, (mean, std), generator, size, out, dtype, layout, device, pin_memory)


# ---------------------------------------------------------------------------------------- samples, one parameter an element
@primitive("bernoulli(Tensor self, *, Generator? generator=None) -> Tensor",
           shown="input, *, generator=None, out=None", make="method out casts", half=False, self=_nothing)
def bernoulli(self, generator):
    """1 with the probability that stands in the element, else 0."""
    if not _is_float(self):
        refuse("bernoulli_tensor_cpu_p_", self)
    return kernel.bernoulli_each(_stream(generator), self).astype(self.dtype)


@primitive("bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor", half=False, node="NotImplemented",
           self=not_implemented("aten::bernoulli"))
def bernoulli_p(self, p, generator):
    """1 with probability p, else 0, in the shape of a tensor."""
    return bernoulli_float_(np.empty(self.shape, self.dtype), p, generator)


@primitive("poisson(Tensor self, Generator? generator=None) -> Tensor", half=False, self=lambda self: T.zeros_like(self))
def poisson(self, generator):
    """A Poisson count for each rate."""
    if not _is_float(self):
        refuse("poisson_cpu", self)
    return kernel.poisson(_stream(generator), self).astype(self.dtype)


@primitive("_standard_gamma(Tensor self, Generator? generator=None) -> Tensor", half=False,
           self=lambda grad, self, result: grad * T._standard_gamma_grad(self, result))
def _standard_gamma(self, generator):
    """A sample of Gamma(alpha, 1) for each alpha."""
    if self.dtype.char not in "fd":
        refuse("gamma_cpu", self)
    return np.maximum(kernel.standard_gamma(_stream(generator), self).astype(self.dtype), np.finfo(self.dtype).tiny)


@primitive("_standard_gamma_grad(Tensor self, Tensor output) -> Tensor", half=False,
           self=underived("_standard_gamma_grad"))
def _standard_gamma_grad(self, output):
    """How samples of Gamma(alpha, 1) move with alpha."""
    if self.dtype.char not in "fd":
        refuse("_standard_gamma_grad_cpu", self)
    return kernel.standard_gamma_grad(*np.broadcast_arrays(self, output))


@primitive("_sample_dirichlet(Tensor self, Generator? generator=None) -> Tensor", half=False, node="NotImplemented",
           self=not_implemented("aten::_sample_dirichlet"))
def _sample_dirichlet(self, generator):
    """A sample of the Dirichlet distribution for each row of concentrations."""
    if self.dtype.char not in "fd":
        refuse("dirichlet", self)
    shares = kernel.dirichlet(_stream(generator), np.atleast_1d(self).astype(np.float64)).reshape(self.shape).astype(self.dtype)
    return np.clip(shares, np.finfo(self.dtype).tiny, np.nextafter(self.dtype.type(1), self.dtype.type(0)))


@primitive("_dirichlet_grad(Tensor x, Tensor alpha, Tensor total) -> Tensor", half=False, node="NotImplemented",
           x__and__alpha__and__total=not_implemented("aten::_dirichlet_grad"))
def _dirichlet_grad(x, alpha, total):
    """How the shares x of a Dirichlet sample move with alpha, over 1 - x."""
    if x.dtype.char not in "fd":
        refuse("_dirichlet_grad_cpu", x)
    return kernel.dirichlet_grad(*np.broadcast_arrays(x, alpha, total))


@primitive("binomial(Tensor count, Tensor prob, Generator? generator=None) -> Tensor", half=False, node="NotImplemented",
           count__and__prob=not_implemented("aten::binomial"))
def binomial(count, prob, generator):
    """The number of successes in `count` trials of probability `prob`."""
    for name, a in (("count", count), ("prob", prob)):
        if not _is_float(a):
            raise ValueError(f"binomial only supports floating-point dtypes for {name}, got: {type_name(a)}")
    if count.dtype != prob.dtype:
        raise RuntimeError(f"Found dtype {type_name(prob)} but expected {type_name(count)}")
    if count.dtype.itemsize == 2:
        refuse("binomial_cpu", count)
    n, p = (t._array for t in T.broadcast_tensors([from_array(count), from_array(prob)]))
    if n.shape != count.shape and count.size:
        warnings.warn(f"An output with one or more elements was resized since it had shape {list(count.shape)}, which does not match the required output "
                      f"shape {list(n.shape)}. This behavior is deprecated, and in a future PyTorch release outputs will not be resized unless they "
                      "have zero elements. You can explicitly reuse an out tensor t by resizing it, inplace, to zero elements with t.resize_(0).",
                      stacklevel=2)
    return kernel.binomial(_stream(generator), n, p)


def _race(weights, k, generator):
    """Draws without replacement: exponential times over weights, the k first to arrive."""
    if not (np.all(weights >= 0) and np.all(weights < np.inf)):
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if np.any(weights.astype(np.float64).sum(-1) == 0):
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")
    times = np.empty_like(weights)
    kernel.exponential(_stream(generator), times, 1.0)
    with np.errstate(all="ignore"):
        speed = from_array(weights / times)
    return T.argmax(speed, -1, True) if k == 1 else T.topk(speed, k)[1]


@composite("multinomial(Tensor self, int num_samples, bool replacement=False, *, Generator? generator=None, Tensor? out=None) -> Tensor",
           shown="| num_samples, replacement=False, *, generator=None", make="method")
def multinomial(self, num_samples, replacement, generator, out):
    """Indices of columns, num_samples from each row, drawn with the probabilities in the row."""
    if out is not None and out.dtype.name != "int64":
        raise RuntimeError(f"multinomial expects Long tensor out, got: {out.dtype.type_name}")
    if self.dim() not in (1, 2):
        raise RuntimeError("prob_dist must be 1 or 2 dim")
    if not self.dtype.is_floating_point:
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {self.dtype.type_name}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > self.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    weights = self._array
    if weights.size == 0:
        drawn = T.empty((*self.shape[:-1], num_samples), dtype=_LONG)
    elif not replacement or num_samples == 1:
        drawn = _race(weights, num_samples, generator)
    else:
        rows = np.atleast_2d(weights if weights.dtype.itemsize > 2 else weights.astype(np.float32))
        drawn = from_array(kernel.multinomial(_stream(generator), rows, num_samples).reshape(*weights.shape[:-1], num_samples))
    return drawn if out is None else T.copy_(T.resize_(out, drawn.shape), drawn)
