"""Running sums and products, differences, integrals by trapezoids, gradients of samples, covariance."""
import warnings

import numpy as np

from ..core import T, composite, primitive
from ..core._core import from_array, is_grad_enabled, normalize_dim
from ..kernels import rows as kernel
from ._common import _limits, refuse, unique_dims


# ------------------------------------------------------------------ cumulative sums and products
def _cumulate(ufunc, self, dim, dtype):
    """`ufunc.accumulate`; floats in float64, as torch does, then rounded."""
    dim = normalize_dim(dim, self.ndim)
    kind = self.dtype.kind
    result = dtype.numpy if dtype is not None else self.dtype if kind in "fVc" else np.dtype(np.int64)
    wide = np.dtype(np.float64) if result.kind in "fV" else np.dtype(np.complex128) if result.kind == "c" else result
    if self.ndim == 0:
        return self.astype(result)
    if kind == "c" and wide.kind != "c":
        self = self.real
    return ufunc.accumulate(self.astype(result, copy=False), dim, wide).astype(result, copy=False)


def _behind(x, dim):
    """For every element the sum of it and all behind it."""
    made = None if is_grad_enabled() else kernel.running_sum(x._array, normalize_dim(dim, x.dim()), True)
    if made is not None:
        return from_array(made)
    return x.flip(dim).cumsum(dim).flip(dim) if x.dim() else x


@primitive("cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor",
           shown="| dim, dtype=None", make="method inplace out casts", half=False, jvp="linear",
           self=lambda grad, self_dtype, dim: _behind(grad.to(self_dtype), dim))
def cumsum(self, dim, dtype):
    """Running sum along `dim`; integers and bools add up in int64."""
    made = kernel.running_sum(self, normalize_dim(dim, self.ndim)) if dtype is None or dtype.numpy == self.dtype else None
    return _cumulate(np.add, self, dim, dtype) if made is None else made


def _cumprod_grad(grad, self, result, dim):
    if self.dim() == 0 or self.numel() == 0:
        return grad
    x, y = self.conj(), result.conj()
    if not bool((self.detach() == 0).any()):
        return _behind(y * grad, dim) / x
    # at a zero the quotient says nothing: leave element k out of the products behind it, for every k
    n, parts = self.shape[dim], []
    before = T.ones_like(x.narrow(dim, 0, 1))
    for k in range(n):
        products = T.cat([before, before * x.narrow(dim, k + 1, n - k - 1).cumprod(dim)], dim)
        parts.append((grad.narrow(dim, k, n - k) * products).sum(dim, True))
        before = before * x.narrow(dim, k, 1)
    return T.cat(parts, dim)


@primitive("cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", shown="| dim, dtype=None", make="method inplace out casts", half=False,
           self=lambda grad, self, result, dim: _cumprod_grad(grad.to(self.dtype), self.to(result.dtype), result, dim))
def cumprod(self, dim, dtype):
    """Running product along `dim`; integers and bools multiply in int64."""
    return _cumulate(np.multiply, self, dim, dtype)


def _logcumsumexp_behind(x, dim):
    return x.flip(dim).logcumsumexp(dim).flip(dim)


def _logcumsumexp_grad(grad, self, result, dim):
    if self.dim() == 0 or self.numel() == 0:
        return grad
    if self.is_complex():
        return (_logcumsumexp_behind(grad.conj().log() - result, dim) + self).exp().conj()
    # a finite stand-in for log(0), so that the rule can be differentiated once more
    parts, nothing = [], float(_limits(self.dtype).min)
    for sign in (1, -1):
        log = T.where(grad * sign > 0, (grad * sign).log(), nothing)
        parts.append((_logcumsumexp_behind(log - result, dim) + self).exp())
    return parts[0] - parts[1]


@primitive("logcumsumexp(Tensor self, int dim) -> Tensor", make="method out", half=True, self=_logcumsumexp_grad)
def logcumsumexp(self, dim):
    """Logarithm of the running sum of exponentials along `dim`."""
    dim = normalize_dim(dim, self.ndim)
    if self.dtype.kind not in "fc":
        refuse("logcumsumexp_out_cpu", self)
    if self.ndim == 0 or self.size == 0:
        return self.copy()
    if self.dtype.kind == "f":
        return np.logaddexp.accumulate(self, dim, np.float64).astype(self.dtype)
    steps = np.moveaxis(self.astype(np.complex128), dim, 0)
    out = np.empty_like(steps)
    out[0] = total = steps[0]
    for i in range(1, len(steps)):
        high, low = np.where(total.real >= steps[i].real, total, steps[i]), np.where(total.real >= steps[i].real, steps[i], total)
        total = np.where(np.isneginf(low.real), high, high + np.log1p(np.exp(low - high)))
        out[i] = total
    return np.moveaxis(out, 0, dim).astype(self.dtype)


# ------------------------------------------------------------------ differences and integrals
def _check_diff_side(self, other, dim):
    if other.dim() != self.dim():
        raise RuntimeError("diff expects prepend or append to be the same dimension as input")
    for d in range(self.dim()):
        if d != dim and other.shape[d] != self.shape[d]:
            raise RuntimeError("diff expects the shape of tensor to prepend or append to match that of input except along the differencing dimension; "
                               f"input.size({d}) = {self.shape[d]}, but got tensor.size({d}) = {other.shape[d]}")


@composite("diff(Tensor self, int n=1, int dim=-1, Tensor? prepend=None, Tensor? append=None) -> Tensor",
           shown="input, n=1, dim=-1, prepend=None, append=None", make="method out")
def diff(self, n, dim, prepend, append):
    """The n-th differences of neighbours along `dim`."""
    if self.dim() == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    dim = normalize_dim(dim, self.dim())
    sides = [x for x in (prepend, append) if x is not None]
    for x in sides:
        _check_diff_side(self, x, dim)
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if n == 0:
        # torch: nothing is joined then
        return T.zeros_like(self).copy_(self)
    if sides:
        self = T.cat([x for x in (prepend, self, append) if x is not None], dim)
    for _ in range(min(n, self.shape[dim])):
        size = self.shape[dim]
        high, low = self.narrow(dim, 1, size - 1), self.narrow(dim, 0, size - 1)
        self = T.logical_xor(high, low) if self.dtype.name == "bool" else high - low
    return self


def _halves_over(y, dim):
    """Neighbours along `dim`, left and right."""
    n = y.shape[dim]
    return T.slice(y, dim, 0, n - 1), T.slice(y, dim, 1, n)


def _check_trapezoid(name, y, dim, x=None, dx=1):
    if y.dim() == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    dim = normalize_dim(dim, y.dim())
    if x is not None and (x.dtype.name == "bool" or y.dtype.name == "bool"):
        raise RuntimeError(f"{name}: received a bool input for `x` or `y`, but bool is not supported")
    if y.dtype.name == "bool":
        raise RuntimeError(f"{name}: received a bool input for `y`, but bool is not supported")
    if isinstance(dx, (bool, complex)):
        raise RuntimeError(f"{name}: Currently, we only support dx as a real number.")
    return dim


def _steps(name, y, x, dim):
    """Differences of the sample points, shaped to multiply along `dim` of y; y extended with dims of size 1 on the left if x has more."""
    if x.dim() == 1:
        if x.shape[0] != y.shape[dim]:
            raise RuntimeError(f"{name}: There must be one `x` value for each sample point")
        x = x.view([-1 if d == dim else 1 for d in range(y.dim())])
    elif x.dim() < y.dim():
        x = x.view([1] * (y.dim() - x.dim()) + list(x.shape))
    low, high = _halves_over(x, dim)
    return high - low


@composite("trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", "trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor",
           shown="y, x=None, *, dx=None, dim=-1")
def trapezoid(y, x=None, dx=1, dim=-1):
    """Integral along `dim` by the trapezoid rule, over points x or a spacing dx."""
    at = _check_trapezoid("trapezoid", y, dim, x, dx)
    if y.shape[at] == 0:
        return T.zeros(tuple(y.shape[:at]) + tuple(y.shape[at + 1:]), dtype=y.dtype)
    if x is not None:
        low, high = _halves_over(y, at)
        return T._div_number(((low + high) * _steps("trapezoid", y, x, at)).sum(at), 2.0)
    ends = T._mul_number(y.select(at, 0) + y.select(at, -1), 0.5)
    return T._mul_number(y.sum(at) - ends, dx)


@composite("trapz.dx(Tensor y, *, float dx=1, int dim=-1) -> Tensor", "trapz.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor", shown="y, x=None, *, dim=-1")
def trapz(y, x=None, dx=1, dim=-1):
    """Another name of `trapezoid`."""
    return T.trapezoid(y, dx=dx, dim=dim) if x is None else T.trapezoid(y, x, dim=dim)


@composite("cumulative_trapezoid.x(Tensor y, Tensor x, *, int dim=-1) -> Tensor",
           "cumulative_trapezoid.dx(Tensor y, *, Scalar dx=1, int dim=-1) -> Tensor", shown="y, x=None, *, dx=None, dim=-1")
def cumulative_trapezoid(y, x=None, dx=1, dim=-1):
    """Running integral along `dim` by the trapezoid rule."""
    at = _check_trapezoid("cumulative_trapezoid", y, dim, x, dx)
    low, high = _halves_over(y, at)
    if x is None:
        return T._mul_number(low + high, dx / 2.0).cumsum(at)
    return T._div_number(((low + high) * _steps("cumulative_trapezoid", y, x, at)).cumsum(at), 2.0)


# ------------------------------------------------------------------ gradient
def _check_gradient(self, spacing, dims, edge_order):
    """How many spacings and dims there are, against torch's rules."""
    if self.dtype.name == "uint8":
        raise RuntimeError("torch.gradient does not support uint8 input.")
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    if dims is None:
        if len(spacing) != self.dim():
            raise RuntimeError("torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = "
                               f"{self.dim()}', since dim argument was not given, but got a list of length {len(spacing)}")
        dims = list(range(self.dim()))
    elif len(spacing) != len(dims):
        raise RuntimeError("torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the same length, but "
                           f"got a spacing argument of length {len(spacing)} and a dim argument of length {len(dims)}.")
    dims = unique_dims(dims, self.dim())
    for d in dims:
        if self.shape[d] < edge_order + 1:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
    return dims


def _even_gradient(self, step, dim, edge_order):
    n = self.shape[dim]
    def at(i, count=1):
        return T.slice(self, dim, i, i + count)
    inner = (at(2, n - 2) - at(0, n - 2)) / 2 / step
    if edge_order == 1:
        first, last = (at(1) - at(0)) / step, (at(n - 1) - at(n - 2)) / step
    else:
        first = (at(0) * -1.5 + at(1) * 2 - at(2) * 0.5) / step
        last = (at(n - 1) * 1.5 - at(n - 2) * 2 + at(n - 3) * 0.5) / step
    return T.cat([first, inner, last], dim)


def _uneven_gradient(self, points, dim, edge_order):
    n = self.shape[dim]
    def at(i, count=1):
        return T.slice(self, dim, i, i + count)
    def shaped(x):
        return x.view([-1 if d == dim else 1 for d in range(self.dim())])
    gaps = points[1:] - points[:-1]
    left, right = gaps[:-1], gaps[1:]
    a, b = shaped(-right / (left * (left + right))), shaped((right - left) / (left * right))
    c = shaped(left / (right * (left + right)))
    inner = a * at(0, n - 2) + b * at(1, n - 2) + c * at(2, n - 2)
    if edge_order == 1:
        first, last = (at(1) - at(0)) / gaps[0], (at(n - 1) - at(n - 2)) / gaps[-1]
    else:
        a, b = gaps[0], gaps[1]
        first = at(0) * (-(2 * a + b) / (a * (a + b))) + at(1) * ((a + b) / (a * b)) - at(2) * (a / (b * (a + b)))
        a, b = gaps[-2], gaps[-1]
        last = at(n - 3) * (b / (a * (a + b))) - at(n - 2) * ((a + b) / (a * b)) + at(n - 1) * ((2 * b + a) / (b * (a + b)))
    return T.cat([first, inner, last], dim)


def _gradient(self, spacing, dims, edge_order):
    dims = _check_gradient(self, spacing, dims, edge_order)
    out = []
    for step, d in zip(spacing, dims, strict=True):
        if isinstance(step, (int, float, complex)):
            out.append(_even_gradient(self, step, d, edge_order))
            continue
        if step.dim() != 1:
            raise RuntimeError(f"torch.gradient expected each element of spacing to have one dimension, but got an element with {step.dim()} dimensions!")
        out.append(_uneven_gradient(self, step, d, edge_order))
    return tuple(out)


@composite("gradient.array(Tensor self, *, int[] dim, int edge_order=1) -> Tensor[]",
           "gradient.scalararray(Tensor self, *, Scalar spacing, int[] dim, int edge_order=1) -> Tensor[]",
           "gradient.scalarint(Tensor self, *, Scalar? spacing=None, int? dim=None, int edge_order=1) -> Tensor[]",
           "gradient.scalarrayint(Tensor self, *, Scalar[] spacing, int? dim=None, int edge_order=1) -> Tensor[]",
           "gradient.scalarrayarray(Tensor self, *, Scalar[] spacing, int[] dim, int edge_order=1) -> Tensor[]",
           "gradient.tensorarrayint(Tensor self, *, Tensor[] spacing, int? dim=None, int edge_order=1) -> Tensor[]",
           "gradient.tensorarray(Tensor self, *, Tensor[] spacing, int[] dim, int edge_order=1) -> Tensor[]",
           shown="input, *, spacing=1, dim=None, edge_order=1")
def gradient(self, dim, edge_order, spacing=None):
    """Derivatives along dims from samples: central differences inside, one-sided of `edge_order` at the ends."""
    dims = (dim,) if isinstance(dim, int) else dim
    if spacing is None:
        spacing = 1
    if not isinstance(spacing, (tuple, list)):
        spacing = [spacing] * (self.dim() if dims is None else len(dims))
    return _gradient(self, spacing, dims, edge_order)


# ------------------------------------------------------------------ covariance
def _check_weights(name, weights, observations, integral):
    kind = "integral" if integral else "floating point"
    if weights.dim() > 1:
        raise RuntimeError(f"cov(): expected {name} to have one or fewer dimensions but got {name} with {weights.dim()} dimensions")
    real = weights.is_floating_point()
    if real == integral or weights.is_complex() or weights.dtype.name == "bool":
        raise RuntimeError(f"cov(): expected {name} to have {kind} dtype but got {name} with {weights.dtype.type_name} dtype")
    if weights.numel() != observations:
        raise RuntimeError(f"cov(): expected {name} to have the same numel as there are observations in the input but got {weights.numel()} != "
                           f"{observations}")
    if observations and bool((weights.detach() < 0).any()):
        raise RuntimeError(f"cov(): {name} cannot be negative")


@composite("cov(Tensor self, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> Tensor", make="method")
def cov(self, correction, fweights, aweights):
    """Covariance of the rows (variables) over the columns (observations), weighted."""
    if self.dim() > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input with {self.dim()} dimensions")
    if self.dtype.name == "bool":
        raise RuntimeError("cov(): bool dtype is not supported for input")
    x = self.view(1, -1) if self.dim() < 2 else self
    observations = x.shape[1]
    weights = None
    if fweights is not None:
        _check_weights("fweights", fweights, observations, True)
        weights = fweights
    if aweights is not None:
        _check_weights("aweights", aweights, observations, False)
        weights = aweights if weights is None else fweights * aweights
    scale = from_array(np.array(observations)) if weights is None else weights.sum()
    if weights is not None and observations and scale.item() == 0:
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    mean = (x if weights is None else x * weights).sum(1) / scale
    # torch: float weights lower the freedom by correction * sum(w f a) / sum(w)
    if weights is not None and aweights is not None and correction != 0:
        freedom = scale - correction * (weights * aweights).sum() / scale
    else:
        freedom = scale - correction
    if freedom.item() <= 0:
        warnings.warn("cov(): degrees of freedom is <= 0. Correction should be strictly less than the number of observations.", UserWarning,
                      stacklevel=2)
        freedom = T.zeros_like(freedom)
    x = x - mean.unsqueeze(1)
    product = T.mm(x, (x if weights is None else x * weights).t().conj())
    return (product / freedom).squeeze()


@composite("corrcoef(Tensor self) -> Tensor", make="method")
def corrcoef(self):
    """Correlation of the rows (variables) over the columns (observations)."""
    if self.dim() > 2:
        raise RuntimeError(f"corrcoef(): expected input to have two or fewer dimensions but got an input with {self.dim()} dimensions")
    c = T.cov(self)
    if c.dim() == 0:
        return c / c
    d = c.diagonal()
    spread = T.sqrt(T.real(d) if c.is_complex() else d)
    c = c / spread.view(-1, 1) / spread.view(1, -1)
    if c.is_complex():
        return T.complex(T.real(c).clamp(-1, 1), T.imag(c).clamp(-1, 1))
    return c.clamp(-1, 1)
