"""Causal masks that are not written out until they are needed."""
import warnings
from enum import IntEnum, auto

import reftorch as torch

from ...core import T, Tensor, _core


class CausalVariant(IntEnum):
    """Where the diagonal of a mask that is not square starts: at the upper left corner, or ends at the lower right one."""

    UPPER_LEFT = auto()
    LOWER_RIGHT = auto()


class CausalBias(Tensor):
    """A causal mask (seq_len_q, seq_len_kv) for scaled_dot_product_attention."""

    def __new__(cls, variant, seq_len_q, seq_len_kv):
        # torch: the variant is the first of three sizes
        return _core.make_subclass(cls, torch.empty(int(variant), seq_len_q, seq_len_kv), False)

    def __init__(self, variant, seq_len_q, seq_len_kv):
        if not isinstance(variant, CausalVariant):
            raise AssertionError(f"variant must be a CausalVariant, got {type(variant).__name__}")
        self.variant, self.seq_len_q, self.seq_len_kv = variant, seq_len_q, seq_len_kv
        if seq_len_q > seq_len_kv and variant == CausalVariant.LOWER_RIGHT:
            warnings.warn("Lower right causal bias will produce NaNs in the output when seq_len_q > seq_len_kv!", stacklevel=2)

    def _materialize(self, device=None):
        """The mask as a boolean tensor."""
        corner = 0 if self.variant == CausalVariant.UPPER_LEFT else self.seq_len_kv - self.seq_len_q
        return torch.ones(self.seq_len_q, self.seq_len_kv, device=device, dtype=torch.bool).tril(corner)

    @staticmethod
    def _dispatch(query, key, value, attn_mask, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
        if is_causal:
            raise ValueError("CausalBias should not be used with causal=True")
        # the op masks from the upper left by itself; both are one when the mask is square
        plain = attn_mask.seq_len_q == attn_mask.seq_len_kv or attn_mask.variant == CausalVariant.UPPER_LEFT
        mask = None if plain else attn_mask._materialize(query.device)
        return torch.nn.functional.scaled_dot_product_attention(query, key, value, mask, dropout_p, plain, scale=scale, enable_gqa=enable_gqa)

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func is not T.scaled_dot_product_attention:
            return super().__torch_function__(func, types, args, kwargs or {})
        return cls._dispatch(*args, **(kwargs or {}))

    def __repr__(self):
        return repr(self._materialize())


def _made(name, variant, size):
    if len(size) != 2:
        raise AssertionError(f"{name} only supports 2D tensors")
    return CausalBias(variant, *size)


def causal_upper_left(*size):
    """The causal mask of that size whose diagonal starts at the upper left corner."""
    return _made("causal_upper_left", CausalVariant.UPPER_LEFT, size)


def causal_lower_right(*size):
    """The causal mask of that size whose diagonal ends at the lower right corner."""
    return _made("causal_lower_right", CausalVariant.LOWER_RIGHT, size)
