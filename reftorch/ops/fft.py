"""torch.fft: discrete Fourier transforms over NumPy's pocketfft.

Three primitives do the work, as in PyTorch: complex to complex, real to complex, complex to real; the rest are composites
that pad, choose dims and scale.  Scaling modes: 0 none, 1 by sqrt(n), 2 by n.
"""
import numpy as np

from ..core import T, composite, primitive
from ..core._core import get_default_dtype, normalize_dim

_NUMPY_FORWARD = ("backward", "ortho", "forward")      # a forward transform is scaled in mode "forward" ...
_NUMPY_INVERSE = ("forward", "ortho", "backward")      # ... an inverse one in mode "backward"


@primitive("_fft_c2c(Tensor self, SymInt[] dim, int normalization, bool forward) -> Tensor", ns=None, node="FftC2CBackward0", jvp="linear",
           self=lambda grad, dim, normalization, forward: T._fft_c2c(grad, dim, normalization, not forward))
def _fft_c2c(self, dim, normalization, forward):
    """Complex transform over `dim`: X[k] = sum_n x[n] exp(-+ 2 pi i k n / N)."""
    if not dim:
        return self.copy()
    if forward:
        return np.fft.fftn(self, axes=dim, norm=_NUMPY_FORWARD[normalization])
    return np.fft.ifftn(self, axes=dim, norm=_NUMPY_INVERSE[normalization])


def _real_backward(grad, self_shape, dim, normalization, onesided):
    last = dim[-1]
    if onesided:
        half = grad.size(last)
        shape = list(grad.shape)
        shape[last] = self_shape[last] - half
        grad = T.cat([grad, grad.new_zeros(shape)], last)
    return T.real(T._fft_c2c(grad, dim, normalization, False))


@primitive("_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor", ns=None, node="FftR2CBackward0", jvp="linear",
           self=_real_backward)
def _fft_r2c(self, dim, normalization, onesided):
    """Transform of a real array; onesided keeps the first N // 2 + 1 values of the last dim."""
    if onesided:
        return np.fft.rfftn(self, axes=dim, norm=_NUMPY_FORWARD[normalization])
    return np.fft.fftn(self, axes=dim, norm=_NUMPY_FORWARD[normalization])


def _to_real_backward(grad, self_shape, dim, normalization):
    out = T._fft_r2c(grad, dim, normalization, True)
    last = dim[-1]
    doubled = grad.size(last) - out.size(last)
    if doubled > 0:                                     # the values that stand for their conjugates as well
        weight = out.new_ones(out.size(last), dtype=grad.dtype)
        weight[1:1 + doubled] = 2
        out = out * weight.view([-1 if d == last % out.dim() else 1 for d in range(out.dim())])
    return out


@primitive("_fft_c2r(Tensor self, int[] dim, int normalization, SymInt last_dim_size) -> Tensor", ns=None, node="FftC2RBackward0", jvp="linear",
           self=_to_real_backward)
def _fft_c2r(self, dim, normalization, last_dim_size):
    """Inverse transform of the half spectrum of a real array of length `last_dim_size`."""
    sizes = [self.shape[d] for d in dim[:-1]] + [last_dim_size]
    return np.fft.irfftn(self, s=sizes, axes=dim, norm=_NUMPY_INVERSE[normalization])


# ------------------------------------------------------------------ arguments
def _mode(norm, forward):
    if norm is None or norm == "backward":
        return 0 if forward else 2
    if norm == "forward":
        return 2 if forward else 0
    if norm == "ortho":
        return 1
    raise RuntimeError(f'Invalid normalization mode: "{norm}"')


def _promoted(x, complex_needed=False):
    """Integers become the default float; where asked, reals become complex. Halves are refused, as on any CPU build."""
    if not (x.is_floating_point() or x.is_complex()):
        x = x.to(get_default_dtype())
    if x.dtype.name in ("float16", "bfloat16"):
        raise RuntimeError(f"Unsupported dtype {x.dtype.type_name}")
    return x.to(x.dtype.to_complex()) if complex_needed and not x.is_complex() else x


def _one_dim(x, dim):
    if x.dim() == 0:
        raise IndexError(f"Dimension specified as {dim} but tensor has no dimensions")
    return normalize_dim(dim, x.dim())


def _positive(n):
    if n < 1:
        raise RuntimeError(f"Invalid number of data points ({n}) specified")
    return n


def _resized(x, dims, sizes):
    """`x` cut or padded with zeros at the end to `sizes` along `dims`; -1 leaves a dim alone."""
    pad = [0] * (2 * x.dim())
    needs_pad = False
    for d, n in zip(dims, sizes, strict=False):
        if n == -1:
            continue
        _positive(n)
        if x.size(d) < n:
            pad[2 * (x.dim() - 1 - d) + 1] = n - x.size(d)
            needs_pad = True
        elif x.size(d) > n:
            x = x.narrow(d, 0, n)
    return T.constant_pad_nd(x, pad) if needs_pad else x


def _many_dims(x, s, dim):
    """(dims, sizes) of an n-dimensional transform."""
    nd = x.dim()
    if dim is not None:
        dims = []
        for d in dim:
            dims.append(_one_dim(x, d))
        if len(set(dims)) != len(dims):
            raise RuntimeError("FFT dims must be unique")
    if s is not None:
        if dim is not None and len(dim) != len(s):
            raise RuntimeError("When given, dim and shape arguments must have the same length")
        if len(s) > nd:
            raise RuntimeError(f"Got shape with {len(s)} values but input tensor only has {nd} dimensions.")
        if dim is None:
            dims = list(range(nd - len(s), nd))
        sizes = [x.size(d) if n == -1 else n for d, n in zip(dims, s, strict=False)]
    else:
        if dim is None:
            dims = list(range(nd))
        sizes = [x.size(d) for d in dims]
    for n in sizes:
        _positive(n)
    return dims, sizes


# ------------------------------------------------------------------ one dim
def _complex_1d(self, n, dim, norm, forward):
    x = _promoted(self)
    d = _one_dim(x, dim)
    x = _resized(x, [d], [_positive(x.size(d) if n is None else n)])
    mode = _mode(norm, forward)
    if x.is_complex():
        return T._fft_c2c(x, [d], mode, forward)
    out = T._fft_r2c(x, [d], mode, False)
    return out if forward else out.conj()


@composite("fft_fft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_fft(self, n, dim, norm):
    """One-dimensional transform of length `n` along `dim`; complex result."""
    return _complex_1d(self, n, dim, norm, True)


@composite("fft_ifft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_ifft(self, n, dim, norm):
    """Inverse of `fft`."""
    return _complex_1d(self, n, dim, norm, False)


def _real_to_half(name, self, n, dim, norm, forward):
    if self.is_complex():
        raise RuntimeError(f"{name} expects a real input tensor, but got {self.dtype.type_name}")
    x = _promoted(self)
    d = _one_dim(x, dim)
    x = _resized(x, [d], [_positive(x.size(d) if n is None else n)])
    out = T._fft_r2c(x, [d], _mode(norm, forward), True)
    return out if forward else out.conj()


def _half_to_real(self, n, dim, norm, forward):
    x = _promoted(self, complex_needed=True)
    d = _one_dim(x, dim)
    size = _positive(2 * (x.size(d) - 1) if n is None else n)
    x = _resized(x, [d], [size // 2 + 1])
    return T._fft_c2r(x.conj() if forward else x, [d], _mode(norm, forward), size)


@composite("fft_rfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_rfft(self, n, dim, norm):
    """Transform of a real tensor; the first n // 2 + 1 values."""
    return _real_to_half("rfft", self, n, dim, norm, True)


@composite("fft_irfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_irfft(self, n, dim, norm):
    """Inverse of `rfft`: a real tensor of length `n`."""
    return _half_to_real(self, n, dim, norm, False)


@composite("fft_hfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_hfft(self, n, dim, norm):
    """Transform of a Hermitian-symmetric signal given by its first half: real."""
    return _half_to_real(self, n, dim, norm, True)


@composite("fft_ihfft(Tensor self, SymInt? n=None, int dim=-1, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_ihfft(self, n, dim, norm):
    """Inverse of `hfft`."""
    return _real_to_half("ihfft", self, n, dim, norm, False)


# ------------------------------------------------------------------ several dims
def _complex_nd(self, s, dim, norm, forward):
    dims, sizes = _many_dims(self, s, dim)
    x = _resized(_promoted(self, complex_needed=True), dims, sizes)
    return T._fft_c2c(x, dims, _mode(norm, forward), forward)


def _real_nd(self, s, dim, norm):
    if self.is_complex():
        raise RuntimeError(f"rfftn expects a real-valued input tensor, but got {self.dtype.type_name}")
    dims, sizes = _many_dims(self, s, dim)
    if not dims:
        raise RuntimeError("rfftn must transform at least one axis")
    return T._fft_r2c(_resized(_promoted(self), dims, sizes), dims, _mode(norm, True), True)


def _last_size(x, s, dim):
    """Dims, sizes and the length of the real result along the last dim."""
    dims, sizes = _many_dims(x, s, dim)
    if not dims:
        return dims, sizes, 0
    given = s is not None and len(s) and s[-1] != -1
    last = s[-1] if given else 2 * (sizes[-1] - 1)
    _positive(last)
    sizes[-1] = last // 2 + 1
    return dims, sizes, last


def _inverse_real_nd(self, s, dim, norm):
    dims, sizes, last = _last_size(self, s, dim)
    if not dims:
        raise RuntimeError("irfftn must transform at least one axis")
    x = _resized(_promoted(self, complex_needed=True), dims, sizes)
    return T._fft_c2r(x, dims, _mode(norm, False), last)


def _hermitian_nd(self, s, dim, norm):
    dims, sizes, last = _last_size(self, s, dim)
    if not dims:
        raise RuntimeError("hfftn must transform at least one axis")
    x = _resized(_promoted(self, complex_needed=True), dims, sizes)
    mode = _mode(norm, True)
    if len(dims) > 1:
        x = T._fft_c2c(x, dims[:-1], mode, True)
    return T._fft_c2r(x.conj(), dims[-1:], mode, last)


def _inverse_hermitian_nd(self, s, dim, norm):
    if self.is_complex():
        raise RuntimeError(f"Only supports floating-point dtypes, but found: {self.dtype.type_name}")
    dims, sizes = _many_dims(self, s, dim)
    if not dims:
        raise RuntimeError("ihfftn must transform at least one axis")
    mode = _mode(norm, False)
    out = T._fft_r2c(_resized(_promoted(self), dims, sizes), dims[-1:], mode, True).conj()
    return T._fft_c2c(out, dims[:-1], mode, False) if len(dims) > 1 else out


@composite("fft_fftn(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_fftn(self, s, dim, norm):
    """Transform over several dims, all by default."""
    return _complex_nd(self, s, dim, norm, True)


@composite("fft_ifftn(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_ifftn(self, s, dim, norm):
    """Inverse of `fftn`."""
    return _complex_nd(self, s, dim, norm, False)


@composite("fft_rfftn(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_rfftn(self, s, dim, norm):
    """Transform of a real tensor over several dims; half of the last dim is kept."""
    return _real_nd(self, s, dim, norm)


@composite("fft_irfftn(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_irfftn(self, s, dim, norm):
    """Inverse of `rfftn`."""
    return _inverse_real_nd(self, s, dim, norm)


@composite("fft_hfftn(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_hfftn(self, s, dim, norm):
    """Transform of a Hermitian-symmetric tensor over several dims: real."""
    return _hermitian_nd(self, s, dim, norm)


@composite("fft_ihfftn(Tensor self, SymInt[1]? s=None, int[1]? dim=None, str? norm=None) -> Tensor", make="out", ns="fft")
def fft_ihfftn(self, s, dim, norm):
    """Inverse of `hfftn`."""
    return _inverse_hermitian_nd(self, s, dim, norm)


@composite("fft_fft2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2,-1], str? norm=None) -> Tensor", make="out", ns="fft")
def fft_fft2(self, s, dim, norm):
    """Two-dimensional `fftn`."""
    return _complex_nd(self, s, dim, norm, True)


@composite("fft_ifft2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2,-1], str? norm=None) -> Tensor", make="out", ns="fft")
def fft_ifft2(self, s, dim, norm):
    """Two-dimensional `ifftn`."""
    return _complex_nd(self, s, dim, norm, False)


@composite("fft_rfft2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2,-1], str? norm=None) -> Tensor", make="out", ns="fft")
def fft_rfft2(self, s, dim, norm):
    """Two-dimensional `rfftn`."""
    return _real_nd(self, s, dim, norm)


@composite("fft_irfft2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2,-1], str? norm=None) -> Tensor", make="out", ns="fft")
def fft_irfft2(self, s, dim, norm):
    """Two-dimensional `irfftn`."""
    return _inverse_real_nd(self, s, dim, norm)


@composite("fft_hfft2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2,-1], str? norm=None) -> Tensor", make="out", ns="fft")
def fft_hfft2(self, s, dim, norm):
    """Two-dimensional `hfftn`."""
    return _hermitian_nd(self, s, dim, norm)


@composite("fft_ihfft2(Tensor self, SymInt[1]? s=None, int[1] dim=[-2,-1], str? norm=None) -> Tensor", make="out", ns="fft")
def fft_ihfft2(self, s, dim, norm):
    """Two-dimensional `ihfftn`."""
    return _inverse_hermitian_nd(self, s, dim, norm)


# ------------------------------------------------------------------ helpers
@composite("fft_fftfreq(int n, float d=1.0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None)"
           " -> Tensor", make="out", ns="fft")
def fft_fftfreq(n, d, dtype):
    """Sample frequencies of `fft`: [0, 1, ..., (n-1)//2, -(n//2), ..., -1] / (d n)."""
    out = T.arange(n, dtype=dtype or get_default_dtype())
    out[(n + 1) // 2:] -= n
    return out * (1.0 / (n * d))


@composite("fft_rfftfreq(int n, float d=1.0, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None)"
           " -> Tensor", make="out", ns="fft")
def fft_rfftfreq(n, d, dtype):
    """Sample frequencies of `rfft`: [0, 1, ..., n//2] / (d n)."""
    return T.arange(n // 2 + 1, dtype=dtype or get_default_dtype()) * (1.0 / (n * d))


def _shift(self, dim, amount):
    dims = list(range(self.dim())) if dim is None else [normalize_dim(d, self.dim()) for d in dim]
    return self.roll([amount(self.size(d)) for d in dims], dims)


@composite("fft_fftshift(Tensor self, int[1]? dim=None) -> Tensor", ns="fft")
def fft_fftshift(self, dim):
    """Move the zero frequency to the middle."""
    return _shift(self, dim, lambda n: n // 2)


@composite("fft_ifftshift(Tensor self, int[1]? dim=None) -> Tensor", ns="fft")
def fft_ifftshift(self, dim):
    """Inverse of `fftshift`."""
    return _shift(self, dim, lambda n: (n + 1) // 2)
