"""Masked reductions: where the mask is False an element becomes the value that the reduction does not notice.

A mask broadcasts to its input; None keeps every element. Counts (`mean`, `var`, `std`) are those of the elements kept.
"""
import math

from ..core import DTYPES, T
from ..type_info import iinfo


def _float_like(t):
    return t.dtype.is_floating_point or t.dtype.is_complex


def _lowest(t):
    """What no maximum notices."""
    return -math.inf if _float_like(t) else iinfo(t.dtype).min


def _highest(t):
    """What no minimum notices."""
    return math.inf if _float_like(t) else iinfo(t.dtype).max


def _real_only(fn, op):
    """An identity that complex numbers and bool do not have."""
    def identity(t):
        if t.dtype.is_complex or str(t.dtype) == "torch.bool":
            raise NotImplementedError(f"identity of {op} on {t.dtype} input")
        return fn(t)
    return identity


_amax, _amin, _argmax, _argmin, _logaddexp = [_real_only(fn, op) for fn, op in (
    (_lowest, "amax"), (_highest, "amin"), (_lowest, "argmax"), (_highest, "argmin"), (_lowest, "logaddexp"))]


def _whole_mask(input, mask):
    """The mask as bools in the shape of `input`."""
    if mask.shape != input.shape:
        if mask.dim() > input.dim():
            raise IndexError("_input_mask expected broadcastable mask (got mask dimensionality higher than of the input)")
        mask = T.broadcast_to(mask, input.shape)
    return mask.bool()


def _filled(input, mask, identity):
    """`input` with its masked-out elements replaced by `identity(input)`."""
    if mask is None:
        return input
    return T.where(_whole_mask(input, mask), input, T.full((), identity(input), dtype=input.dtype))


def _dims(dim, ndim):
    """Sorted dims counted from the front; all for None and ()."""
    if dim is None or dim == ():
        return tuple(range(ndim))
    ndim, found = max(ndim, 1), []
    for d in (dim,) if isinstance(dim, int) else dim:
        if d in found:
            raise RuntimeError(f"dim={d} appears multiple times in the list of dims")
        if not -ndim <= d < ndim:
            # torch: the bracket closes after the number that was given
            raise IndexError(f"Dimension out of range (expected to be in range of [{-ndim}, {ndim - 1}], but got {d})")
        found.append(d % ndim)
    return tuple(sorted(found))


def _wide(dtype, input):
    """The dtype of sums and products: integers become int64."""
    if dtype is None:
        return input.dtype if _float_like(input) else DTYPES["int64"]
    return dtype


def sum(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Sum over dims of the elements kept."""
    return T.sum(_filled(input, mask, lambda t: 0), _dims(dim, input.dim()), bool(keepdim), dtype=_wide(dtype, input))


def prod(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Product over dims of the elements kept."""
    dtype, result = _wide(dtype, input), _filled(input, mask, lambda t: 1)
    for d in reversed(_dims(dim, input.dim())):
        result = result.prod(d, bool(keepdim))
    return result.to(dtype=dtype)


def cumsum(input, dim, *, dtype=None, mask=None):
    """Running sum along a dim of the elements kept."""
    dtype = dtype or input.dtype
    return T.cumsum(_filled(input, mask, lambda t: 0), _dims(dim, input.dim())[0], dtype=dtype).to(dtype=dtype)


def cumprod(input, dim, *, dtype=None, mask=None):
    """Running product along a dim of the elements kept."""
    dtype = dtype or input.dtype
    return T.cumprod(_filled(input, mask, lambda t: 1), _dims(dim, input.dim())[0], dtype=dtype).to(dtype=dtype)


def amax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Maximum over dims of the elements kept."""
    return T.amax(_filled(input, mask, _amax), _dims(dim, input.dim()), bool(keepdim)).to(dtype=dtype or input.dtype)


def amin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Minimum over dims of the elements kept."""
    return T.amin(_filled(input, mask, _amin), _dims(dim, input.dim()), bool(keepdim)).to(dtype=dtype or input.dtype)


def argmax(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the maximum of the elements kept is, in the dtype of the input."""
    return T.argmax(_filled(input, mask, _argmax), dim, bool(keepdim)).to(dtype=dtype or input.dtype)


def argmin(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Where the minimum of the elements kept is, in the dtype of the input."""
    return T.argmin(_filled(input, mask, _argmin), dim, bool(keepdim)).to(dtype=dtype or input.dtype)


def _count(input, mask, dim, keepdim):
    """How many elements are kept in each group."""
    if mask is None:
        mask = T.ones(input.shape, dtype=DTYPES["int64"])
    return T.sum(mask, _dims(dim, input.dim()), keepdim)


def mean(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Mean over dims of the elements kept; nan where none is."""
    asked = dtype or input.dtype
    if not (asked.is_floating_point or asked.is_complex):
        raise ValueError(f"mean(): Could not infer output dtype. {'Optional' if dtype else 'Input'} dtype must be either a floating point or complex "
                         f"dtype. Got: {asked}")
    mask = None if mask is None else _whole_mask(input, mask)
    return sum(input, dim, keepdim=keepdim, dtype=asked, mask=mask) / _count(input, mask, dim, bool(keepdim))


def median(input, dim=-1, *, keepdim=False, dtype=None, mask=None):
    """Lower median along a dim of the elements kept; nan where none is, which integers refuse."""
    values = input if input.dtype.is_floating_point else input.float()
    result = T.nanmedian(_filled(values, mask, lambda t: math.nan), _dims(dim, input.dim())[0], keepdim).values
    if values is input:
        return result
    if T.isnan(result).any():
        raise ValueError("masked median expects no fully masked out rows if dtype is not floating point")
    return result.to(dtype=dtype or input.dtype)


def logsumexp(input, dim=None, *, keepdim=False, dtype=None, mask=None):
    """log(sum(exp)) over dims of the elements kept."""
    return T.logsumexp(_filled(input, mask, _lowest), _dims(dim, input.dim()), keepdim).to(dtype=dtype or input.dtype)


def logaddexp(input, other, *, dtype=None, input_mask=None, other_mask=None):
    """log(exp(input) + exp(other)), each with a mask of its own."""
    return T.logaddexp(_filled(input, input_mask, _logaddexp), _filled(other, other_mask, _logaddexp)).to(dtype=dtype or input.dtype)


def norm(input, ord=2.0, dim=None, *, keepdim=False, dtype=None, mask=None):
    """Vector norm over dims of the elements kept."""
    filled = _filled(input, mask, lambda t: math.inf if ord == -math.inf else 0)
    return T.linalg_vector_norm(filled, ord, _dims(dim, input.dim()), bool(keepdim), dtype=dtype or input.dtype)


def _variance(input, dim, unbiased, correction, keepdim, dtype, mask):
    """Variance over dims of the elements kept: sum |x - mean|^2 / max(n - correction, 0)."""
    if unbiased is not None and correction is not None:
        raise AssertionError("Only one of unbiased and correction may be given")
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    dtype = dtype or (input.dtype if _float_like(input) else DTYPES["float32"])
    work = dtype if dtype.is_floating_point or dtype.is_complex else DTYPES["float32"]
    mask = None if mask is None else _whole_mask(input, mask)
    count = _count(input, mask, dim, True)
    x = input - sum(input, dim, keepdim=True, dtype=dtype, mask=mask) / count
    total = sum(x * x.conj(), dim, keepdim=keepdim, dtype=work, mask=mask)
    count = count.reshape(total.shape)
    if correction != 0:
        count = T.clamp_min(count.to(work.to_real() if work.is_complex else work) - float(correction), 0)
    return T.div(total, count).to(dtype=dtype)


def var(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """Variance over dims of the elements kept; nan where none is."""
    return _variance(input, dim, unbiased, correction, keepdim, dtype, mask)


def std(input, dim=None, unbiased=None, *, correction=None, keepdim=False, dtype=None, mask=None):
    """Standard deviation over dims of the elements kept; nan where none is."""
    return T.sqrt(_variance(input, dim, unbiased, correction, keepdim, dtype, mask))


def softmax(input, dim, *, dtype=None, mask=None):
    """softmax along a dim; masked-out elements get no share."""
    return T.softmax(_filled(input, mask, _amax), _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def log_softmax(input, dim, *, dtype=None, mask=None):
    """log(softmax) along a dim; -inf for masked-out elements."""
    return T.log_softmax(_filled(input, mask, _amax), _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def softmin(input, dim, *, dtype=None, mask=None):
    """softmax of the negative along a dim; masked-out elements get no share."""
    return T.softmax(-_filled(input, mask, _amin), _dims(dim, input.dim())[0], dtype=dtype or input.dtype)


def normalize(input, ord, dim, *, eps=1e-12, dtype=None, mask=None):
    """The elements kept over their norm along a dim, or over `eps` where that is larger."""
    length = norm(input, ord, dim, keepdim=True, dtype=dtype, mask=mask)
    return _filled(input, mask, lambda t: 0) / T.maximum(length, T.full((), eps, dtype=length.dtype))
