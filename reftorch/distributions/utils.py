"""Helpers of the distributions: broadcasting parameters, and going between probabilities and logits."""
import numbers
from functools import update_wrapper

import reftorch as torch
from reftorch.nn.functional import softmax
from reftorch.overrides import is_tensor_like

__all__ = [
    "broadcast_all", "logits_to_probs", "clamp_probs", "probs_to_logits", "lazy_property", "tril_matrix_to_vec",
    "vec_to_tril_matrix",
]  # fmt: skip

euler_constant = 0.57721566490153286060


def broadcast_all(*values):
    """Numbers and tensors, as tensors of one shape; numbers take dtype and device from the first tensor."""
    tensors = [v for v in values if is_tensor_like(v)]
    if len(tensors) + sum(isinstance(v, numbers.Number) for v in values) < len(values):
        raise ValueError(
            "Input arguments must all be instances of Number, torch.Tensor or objects implementing __torch_function__."
        )
    like = next(filter(torch.is_tensor, tensors), None)
    kind = {"dtype": torch.get_default_dtype()} if like is None else {"dtype": like.dtype, "device": like.device}
    return torch.broadcast_tensors(*(v if is_tensor_like(v) else torch.tensor(v, **kind) for v in values))


def _standard_normal(shape, dtype, device):
    """Draws from N(0, 1), by the function of which the draws of `Normal` come."""
    return torch.normal(*(fill(shape, dtype=dtype, device=device) for fill in (torch.zeros, torch.ones)))


def _sum_rightmost(value, dim):
    """The sum over the last `dim` dimensions."""
    return value.reshape(*value.shape[:-dim], -1).sum(-1) if dim else value


def put(tensor, where, value):
    """`tensor` itself, with `value` written where the mask says so."""
    tensor[where] = value
    return tensor


def copied(tensor):
    """A copy to write into, whatever the memory of `tensor` looks like."""
    return tensor.clone(memory_format=torch.contiguous_format)


def logits_to_probs(logits, is_binary=False):
    """Sigmoid of binary logits, softmax of the last dimension of others."""
    return logits.sigmoid() if is_binary else softmax(logits, dim=-1)


def clamp_probs(probs):
    """Probabilities kept away from 0 and 1 by the dtype's eps."""
    margin = torch.finfo(probs.dtype).eps
    return torch.clamp(probs, margin, 1 - margin)


def probs_to_logits(probs, is_binary=False):
    """log(p / (1 - p)) for binary probabilities, log(p) for others, both of clamped p."""
    p = clamp_probs(probs)
    return p.log() - (-p).log1p() if is_binary else p.log()


class lazy_property:
    """An attribute computed at its first use, with gradients recorded whatever the mode, and kept from then on."""

    def __init__(self, wrapped):
        update_wrapper(self, wrapped)
        self.wrapped = wrapped

    def __get__(self, instance, owner=None):
        if instance is None:
            return self
        with torch.enable_grad():
            return vars(instance).setdefault(self.__name__, self.wrapped(instance))


class ProbsOrLogits:
    """Parameters `probs` and `logits` of which one is given and the other follows from it."""

    _binary = True

    @lazy_property
    def logits(self):
        return probs_to_logits(self.probs, is_binary=self._binary)

    @lazy_property
    def probs(self):
        return logits_to_probs(self.logits, is_binary=self._binary)

    def _choose(self, probs, logits):
        """Which of the two is given, and its value."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        self._given = "probs" if logits is None else "logits"
        return logits if probs is None else probs

    def _take_either(self, probs, logits, total_count=None):
        """Keep what is given, broadcast, and the total count in its dtype; their shape."""
        value = self._choose(probs, logits)
        if total_count is None:
            (value,) = broadcast_all(value)
        else:
            total_count, value = broadcast_all(total_count, value)
            self.total_count = total_count.type_as(value)
        setattr(self, self._given, value)
        return value.shape

    @property
    def _param(self):
        return vars(self)[self._given]

    @property
    def param_shape(self):
        return self._param.size()

    def _new(self, *args, **kwargs):
        return self._param.new(*args, **kwargs)

    def _count_up(self, n):
        """0 ... n - 1 in the dtype of the parameter."""
        return torch.arange(n, dtype=self._param.dtype, device=self._param.device)


def _lower(n, diag, device):
    """The mask (n, n) of the entries on and below diagonal `diag`."""
    i = torch.arange(n, device=device)
    return i < i.view(n, 1) + (diag + 1)


def tril_matrix_to_vec(mat, diag=0):
    """The lower triangle of (*, n, n), up to diagonal `diag`, row by row as a vector (*, m)."""
    n = mat.shape[-1]
    if diag not in range(-n, n):
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    return mat[..., _lower(n, diag, mat.device)]


def vec_to_tril_matrix(vec, diag=0):
    """The inverse of tril_matrix_to_vec: (*, m) -> (*, n, n) with zeros above `diag`."""
    m, b = vec.shape[-1], 1 + 2 * diag
    # the root of n (n + 1) / 2 + n diag - sign(diag) diag (diag + 1) / 2 = m
    root = (-b + (b**2 + 8 * m + 4 * abs(diag) * (diag + 1)) ** 0.5) / 2
    n = round(root)
    if not n - root < torch.finfo(vec.dtype).eps:
        raise ValueError(
            f"The size of last dimension is {m} which cannot be expressed as "
            "the lower triangular part of a square D x D matrix."
        )
    return put(vec.new_zeros(*vec.shape[:-1], n, n), (..., _lower(n, diag, vec.device)), vec)
