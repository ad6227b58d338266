"""Helpers of the distributions: broadcasting parameters, and going between probabilities and logits."""
import numbers
from functools import update_wrapper

import reftorch as torch
import reftorch.nn.functional as F
from reftorch.overrides import is_tensor_like

__all__ = [
    "broadcast_all", "logits_to_probs", "clamp_probs", "probs_to_logits", "lazy_property", "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]  # fmt: skip

euler_constant = 0.57721566490153286060


def broadcast_all(*values):
    """Numbers and tensors, as tensors of one shape; numbers take dtype and device from the first tensor."""
    if not all(is_tensor_like(v) or isinstance(v, numbers.Number) for v in values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    first = next((v for v in values if torch.is_tensor(v)), None)
    dtype, device = (torch.get_default_dtype(), None) if first is None else (first.dtype, first.device)
    return torch.broadcast_tensors(
        *(v if is_tensor_like(v) else torch.tensor(v, dtype=dtype, device=device) for v in values)
    )


def _standard_normal(shape, dtype, device):
    return torch.normal(torch.zeros(shape, dtype=dtype, device=device), torch.ones(shape, dtype=dtype, device=device))


def _sum_rightmost(value, dim):
    """The sum over the last `dim` dimensions."""
    return value if dim == 0 else value.reshape(value.shape[: value.dim() - dim] + (-1,)).sum(-1)


def logits_to_probs(logits, is_binary=False):
    """Sigmoid of binary logits, softmax of the last dimension of others."""
    return torch.sigmoid(logits) if is_binary else F.softmax(logits, dim=-1)


def clamp_probs(probs):
    """Probabilities kept away from 0 and 1 by the dtype's eps."""
    eps = torch.finfo(probs.dtype).eps
    return probs.clamp(min=eps, max=1 - eps)


def probs_to_logits(probs, is_binary=False):
    """log(p / (1 - p)) for binary probabilities, log(p) for others, both of clamped p."""
    clamped = clamp_probs(probs)
    return torch.log(clamped) - torch.log1p(-clamped) if is_binary else torch.log(clamped)


class lazy_property:
    """An attribute computed at its first use, with gradients recorded whatever the mode, and kept from then on."""

    def __init__(self, wrapped):
        self.wrapped = wrapped
        update_wrapper(self, wrapped)

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        with torch.enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value


class ProbsOrLogits:
    """Parameters `probs` and `logits` of which one is given and the other follows from it."""

    _binary = True

    @lazy_property
    def logits(self):
        return probs_to_logits(self.probs, is_binary=self._binary)

    @lazy_property
    def probs(self):
        return logits_to_probs(self.logits, is_binary=self._binary)

    @property
    def param_shape(self):
        return self._param.size()

    def _new(self, *args, **kwargs):
        return self._param.new(*args, **kwargs)

    @staticmethod
    def _either(probs, logits):
        """The name and the value of the one that was given."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        return ("logits", logits) if probs is None else ("probs", probs)

    def _set_param(self, name, value):
        setattr(self, name, value)
        self._param = value


def tril_matrix_to_vec(mat, diag=0):
    """The lower triangle of (*, n, n), up to diagonal `diag`, row by row as a vector (*, m)."""
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    row = torch.arange(n, device=mat.device)
    return mat[..., row < row.view(n, 1) + (diag + 1)]


def vec_to_tril_matrix(vec, diag=0):
    """The inverse of tril_matrix_to_vec: (*, m) -> (*, n, n) with zeros above `diag`."""
    # solves n (n + 1) / 2 + n diag - sign(diag) diag (diag + 1) / 2 = m
    n = (-(1 + 2 * diag) + ((1 + 2 * diag) ** 2 + 8 * vec.shape[-1] + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    if not round(n) - n < torch.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {vec.shape[-1]} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix."
        )
    n = round(n)
    mat = vec.new_zeros(vec.shape[:-1] + (n, n))
    row = torch.arange(n, device=vec.device)
    mat[..., row < row.view(n, 1) + (diag + 1)] = vec
    return mat
