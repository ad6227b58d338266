"""Padding, and the shuffles between channels and space."""
import numpy as np

from ..core import T, composite, primitive
from ..core._core import dtype_of_array
from ._common import number_array, refuse
from ._views import sliced


# ------------------------------------------------------------------ constant
@primitive("constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor", half=False, jvp="linear",
           self=lambda grad, pad: T.constant_pad_nd(grad, [-p for p in pad], 0))
def constant_pad_nd(self, pad, value):
    """The tensor with a border of `value`: pad = (left, right) of the last dim, then of the one before; negative cuts."""
    if len(pad) % 2:
        raise RuntimeError(f"Length of pad must be even but instead it equals {len(pad)}")
    if len(pad) > 2 * self.ndim:
        # torch: the blanks are missing there too
        raise RuntimeError(f"Length of pad should be no more than twice the number of dimensions of the input. Pad length is {len(pad)}while the input has "
                           f"{self.ndim}dimensions.")
    shape, into = list(self.shape), [slice(None)] * self.ndim
    for i in range(0, len(pad), 2):
        d, (left, right) = self.ndim - 1 - i // 2, pad[i:i + 2]
        n = shape[d]
        if min(left, 0) + min(right, 0) + n < 0:
            raise RuntimeError("narrow(): length must be non-negative." if max(left, right) <= 0 else
                               f"The input size {n}, plus negative padding {left} and {right} resulted in a negative output size, which is invalid. "
                               f"Check dimension {d} of your input.")
        self = sliced(self, d, max(-left, 0), n - max(-right, 0))
        shape[d] = n + left + right
        into[d] = slice(max(left, 0), shape[d] - max(right, 0))
    out = np.empty(shape, self.dtype)
    out[...] = number_array(value, dtype_of_array(self))
    out[tuple(into)] = self
    return out


# ------------------------------------------------------------------ reflection and replication
def check_padding(self, padding, dims, reflect):
    """torch's conditions on the input of an n-dim padding."""
    if len(padding) != 2 * dims:
        raise RuntimeError(f"padding size is expected to be {2 * dims}" + (f", but got: {len(padding)}" if reflect else ""))
    if self.ndim not in (dims + 1, dims + 2) or 0 in self.shape[-dims - 1:] or (self.ndim == dims + 1 and 0 in self.shape):
        raise RuntimeError(f"Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with possibly 0 batch size and other non-zero dimensions for input, but "
                           f"got: {list(self.shape)}")
    for k in range(dims):
        left, right, d = padding[2 * k], padding[2 * k + 1], self.ndim - 1 - k
        n = self.shape[d]
        if reflect and (left >= n or right >= n):
            raise RuntimeError(f"Argument #{4 + 2 * k}: Padding size should be less than the corresponding input dimension, but got: padding ({left}, "
                               f"{right}) at dimension {d} of input {list(self.shape)}")
        if n + left + right < 1:
            raise RuntimeError(f"input ({'WHD'[k]}: {n}) is too small. Calculated output {'WHD'[k]}: {n + left + right}")


def border_index(n, left, right, reflect):
    """Which element of a dim of length `n` each place of the padded dim shows."""
    at = np.arange(-left, n + right)
    return (n - 1) - np.abs((n - 1) - np.abs(at)) if reflect else np.clip(at, 0, n - 1)


def padded(self, padding, dims, reflect):
    """The array with borders mirrored at, or repeated from, its last elements."""
    name = f"{'reflection' if reflect else 'replication'}_pad{dims}d"
    check_padding(self, padding, dims, reflect)
    if self.dtype == bool:
        refuse(name, self)
    for k in range(dims):
        d = self.ndim - 1 - k
        self = np.take(self, border_index(self.shape[d], padding[2 * k], padding[2 * k + 1], reflect), d)
    return np.ascontiguousarray(self)


def folded(grad, shape, padding, dims, reflect):
    """The gradient of `padded`: what the borders got is added to the elements that they showed."""
    for k in range(dims):
        d = grad.ndim - 1 - k
        n, left, right = shape[d], padding[2 * k], padding[2 * k + 1]
        source = np.moveaxis(grad, d, 0)
        out = np.zeros((n, *source.shape[1:]), grad.dtype)
        index = border_index(n, left, right, reflect)
        first, last = max(left, 0), len(index) - max(right, 0)
        out[index[first:last]] = source[first:last]
        for i in (*range(first), *range(last, len(index))):
            out[index[i]] += source[i]
        grad = np.moveaxis(out, 0, d)
    return np.ascontiguousarray(grad)


def _define_border(dims, reflect):
    stem = f"{'reflection' if reflect else 'replication'}_pad{dims}d"
    node = f"{'Reflection' if reflect else 'Replication'}Pad{dims}D"

    def backward(grad, self, padding):
        return getattr(T, stem + "_backward")(grad, self, padding)

    @primitive(f"{stem}(Tensor self, SymInt[{2 * dims}] padding) -> Tensor", ns=None, half=False, jvp="linear", node=node + "Backward0", self=backward)
    def forward(self, padding):
        """Borders mirrored at the last elements, or repeating them."""
        return padded(self, padding, dims, reflect)

    @primitive(f"{stem}_backward(Tensor grad_output, Tensor self, SymInt[{2 * dims}] padding) -> Tensor", ns=None, jvp="linear",
               node=node + "BackwardBackward0", grad_output=lambda grad, padding: getattr(T, stem)(grad, padding),
               self=lambda grad, self: T.zeros_like(self))
    def fold(grad_output, self, padding):
        """The gradient of the padding."""
        return folded(grad_output, self.shape, padding, dims, reflect)


for _dims in (1, 2, 3):
    for _reflect in (True, False):
        _define_border(_dims, _reflect)


# ------------------------------------------------------------------ circular, and the face of all
@composite("_pad_circular(Tensor self, SymInt[] pad) -> Tensor", ns=None)
def _pad_circular(self, pad):
    """Borders that show the other end."""
    shape, dims = list(self.shape), len(pad) // 2
    if len(shape) not in (dims + 1, dims + 2):
        raise RuntimeError("Invalid padding size, expected 2 times the number of spatial dimensions")
    into, source = None, self
    for k in range(dims):
        left, right, d = pad[2 * k], pad[2 * k + 1], len(shape) - 1 - k
        n = self.shape[d]
        if left > n or right > n:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        if left + right + n < 0:
            raise RuntimeError("Negative padding value is resulting in an empty dimension")
        shape[d] = n + left + right
    out = self.new_empty(shape)
    into = out
    for k in range(dims):
        left, right, d = pad[2 * k], pad[2 * k + 1], len(shape) - 1 - k
        into = T.slice(into, d, max(left, 0), shape[d] - max(right, 0))
        source = T.slice(source, d, max(-left, 0), self.shape[d] - max(-right, 0))
    into.copy_(source)
    for k in range(dims):
        left, right, d = pad[2 * k], pad[2 * k + 1], len(shape) - 1 - k
        if left > 0:
            end = shape[d] - max(right, 0)
            T.slice(out, d, 0, left).copy_(T.slice(out, d, end - left, end))
        if right > 0:
            start = max(left, 0)
            T.slice(out, d, shape[d] - right).copy_(T.slice(out, d, start, start + right))
    return out


@composite("pad(Tensor self, SymInt[] pad, str mode=\"constant\", float? value=None) -> Tensor", ns="nn.functional")
def pad_face(self, pad, mode, value):
    """The tensor with borders: "constant", "reflect", "replicate" or "circular"."""
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) // 2 > self.dim():
        raise RuntimeError("Padding length should be less than or equal to two times the input dimension but got padding length "
                           f"{len(pad)} and input of dimension {self.dim()}")
    if mode == "constant":
        return T.constant_pad_nd(self, pad, 0.0 if value is None else value)
    if value is not None and value != 0:
        raise RuntimeError(f"Padding mode \"{mode}\" doesn't take in value argument")
    dims = len(pad) // 2
    if dims in (1, 2, 3) and self.dim() in (dims + 1, dims + 2):
        if mode == "reflect":
            return getattr(T, f"reflection_pad{dims}d")(self, pad)
        if mode == "replicate":
            return getattr(T, f"replication_pad{dims}d")(self, pad)
        if mode == "circular":
            return T._pad_circular(self, pad)
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    raise NotImplementedError(f"Padding size {len(pad)} is not supported for {self.dim()}D input tensor.\nSupported combinations for non-constant padding:\n"
                              "  - 2D or 3D input: padding size = 2 (pads last dimension)\n  - 3D or 4D input: padding size = 4 (pads last 2 dimensions)\n"
                              "  - 4D or 5D input: padding size = 6 (pads last 3 dimensions)")


# ------------------------------------------------------------------ shuffles
def check_shuffle(self, name, factor_name, factor):
    """torch's conditions on the input of a pixel shuffle."""
    if self.ndim < 3:
        raise RuntimeError(f"{name} expects input to have at least 3 dimensions, but got input with {self.ndim} dimension(s)")
    if factor <= 0:
        raise RuntimeError(f"{name} expects a positive {factor_name}, but got {factor}")


@primitive("pixel_shuffle(Tensor self, int upscale_factor) -> Tensor", ns="torch nn.functional", half=False, jvp="linear",
           self=lambda grad, upscale_factor: T.pixel_unshuffle(grad, upscale_factor))
def pixel_shuffle(self, upscale_factor):
    """(*, C r^2, H, W) -> (*, C, H r, W r)."""
    r = upscale_factor
    check_shuffle(self, "pixel_shuffle", "upscale_factor", r)
    *lead, c, h, w = self.shape
    if c % (r * r):
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
                           f"input.size(-3)={c} is not divisible by {r * r}")
    a = self.reshape(*lead, c // (r * r), r, r, h, w)
    n = len(lead)
    return np.ascontiguousarray(a.transpose(*range(n), n, n + 3, n + 1, n + 4, n + 2)).reshape(*lead, c // (r * r), h * r, w * r)


@primitive("pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor", ns="torch nn.functional", half=False, jvp="linear",
           self=lambda grad, downscale_factor: T.pixel_shuffle(grad, downscale_factor))
def pixel_unshuffle(self, downscale_factor):
    """(*, C, H r, W r) -> (*, C r^2, H, W)."""
    r = downscale_factor
    check_shuffle(self, "pixel_unshuffle", "downscale_factor", r)
    *lead, c, h, w = self.shape
    for label, size, d in (("height", h, -2), ("width", w, -1)):
        if size % r:
            raise RuntimeError(f"pixel_unshuffle expects {label} to be divisible by downscale_factor, but input.size({d})={size} is not divisible by {r}")
    a = self.reshape(*lead, c, h // r, r, w // r, r)
    n = len(lead)
    return np.ascontiguousarray(a.transpose(*range(n), n, n + 2, n + 4, n + 1, n + 3)).reshape(*lead, c * r * r, h // r, w // r)


def _shuffled(self, groups):
    """(N, g c, *) -> the same with channel i c + j at j g + i."""
    if self.ndim <= 2:
        raise RuntimeError(f"channel_shuffle expects input with > 2 dims, but got input with sizes {list(self.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of groups:{groups}")
    n, c, *rest = self.shape
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and {groups} groups.")
    return np.ascontiguousarray(self.reshape(n, groups, c // groups, *rest).swapaxes(1, 2)).reshape(self.shape)


for _name, _ns in (("channel_shuffle", "torch nn.functional"), ("native_channel_shuffle", "torch")):
    primitive(f"{_name}(Tensor self, SymInt groups) -> Tensor", ns=_ns, half=False, jvp="linear", self=lambda grad, self_shape, groups:
              T.channel_shuffle(grad, self_shape[1] // groups))(_shuffled)
