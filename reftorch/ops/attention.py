"""Scaled dot-product attention; source: Vaswani et al. 2017."""
import math

import numpy as np

from ..core import DTYPES, T, composite, primitive
from ..core._core import is_grad_enabled
from ..kernels import attention as kernels
from ._common import normalize_dim, refuse, type_name


def _softmax(scores):
    """Softmax over the last dim; rows that are masked throughout give zeros."""
    top = scores.max(-1, keepdims=True, initial=-np.inf)
    e = np.exp(scores - np.where(np.isinf(top), 0, top))
    total = e.sum(-1, keepdims=True)
    return e / np.where(total == 0, 1, total), top + np.log(total)


def _masked(scores, mask, is_causal):
    """Scores [.., L, S] plus the mask; with `is_causal`, a query sees keys up to its own position."""
    if mask is not None:
        scores = np.where(mask, scores, -np.inf) if mask.dtype == bool else scores + mask
    if is_causal:
        scores = np.where(np.tri(*scores.shape[-2:], dtype=bool), scores, -np.inf)
    return scores


def _probabilities(query, key, mask, is_causal, scale):
    """The attention weights as a differentiable function."""
    scores = T.matmul(query, key.transpose(-2, -1)) * scale
    hidden = None
    if is_causal:
        hidden = T.ones(query.shape[-2], key.shape[-2], dtype=None).triu(1) > 0
    if mask is not None:
        if mask.dtype.name == "bool":
            hidden = ~mask if hidden is None else hidden | ~mask
        else:
            scores = scores + mask
    if hidden is not None:
        scores = scores.masked_fill(hidden, -math.inf)
    weights = scores.softmax(-1)
    return weights if mask is None else weights.masked_fill((scores == -math.inf).all(-1, keepdim=True), 0)


def _scale(query, scale):
    return scale if scale is not None else 1 / math.sqrt(query.shape[-1]) if query.shape[-1] else math.inf


def _fit(name, query, key, value):
    """The kernel reads all three by the sizes of the query."""
    if query.ndim != 4 or key.ndim != 4 or value.ndim != 4:
        raise RuntimeError(f"{name}: Accept only 4 dims inputs shape of {{B, H, T, K}}")
    if not query.shape[3] == key.shape[3] == value.shape[3]:
        raise RuntimeError(f"{name}: Q/K/V should have the same head size")
    # torch: takes what lies within the larger one, or reads beyond the end of the smaller
    if not query.shape[:2] == key.shape[:2] == value.shape[:2] or key.shape[2] != value.shape[2]:
        raise RuntimeError(f"{name}: Q/K/V should have the same batch and heads, K/V the same length")


def _same_types(query, *others):
    for x in others:
        if x.dtype != query.dtype:
            raise RuntimeError(f"expected scalar type {type_name(query)} but found {type_name(x)}")


def _fit_mask(mask, query, key):
    """The mask broadcasts against the scores [B, H, L, S]."""
    if mask.ndim not in (2, 4):
        raise RuntimeError("scaled_dot_product_attention_flash_attention: Attention mask dim in {2, 4}")
    scores = (*query.shape[:3], key.shape[2])
    sizes = (1,) * (4 - mask.ndim) + mask.shape
    for d in (3, 2, 1, 0):
        if sizes[d] not in (1, scores[d]):
            target = [n if m > 1 else 1 for n, m in zip(scores[:2], sizes, strict=False)] + [*scores[2:]]
            if d < 2:
                raise RuntimeError(f"shape '{[1 if n == d else m for n, m in enumerate(target)]}' is invalid for input of size {mask.size}")
            raise RuntimeError(f"The expanded size of the tensor ({scores[d]}) must match the existing size ({sizes[d]}) at non-singleton dimension {d}.  "
                               f"Target sizes: {target}.  Tensor sizes: {[*sizes]}")


def _added(mask, query, key):
    """What is added to the scores [B, H, L, S], the numbers of a row side by side; or None."""
    if mask is None:
        return None
    _fit_mask(mask, query, key)
    added = (np.where(mask, 0, -np.inf) if mask.dtype == bool else mask).astype(query.dtype, copy=False)
    rows = np.ascontiguousarray(np.broadcast_to(added, (*added.shape[:-1], key.shape[2])))
    return np.broadcast_to(rows, (*query.shape[:3], key.shape[2]))


def _flash_gradient(grad, query, key, value, output, logsumexp, is_causal, attn_mask, scale):
    if not is_grad_enabled() and query.dtype.itemsize > 2:
        return T._scaled_dot_product_flash_attention_for_cpu_backward(grad, query, key, value, output, logsumexp, 0.0, is_causal, attn_mask=attn_mask,
                                                                      scale=scale)
    # torch: has no second derivative
    if scale is None:
        scale = 1 / math.sqrt(query.shape[-1])
    p = _probabilities(query, key, attn_mask, is_causal, scale)
    dp = T.matmul(grad, value.transpose(-2, -1))
    ds = p * (dp - (dp * p).sum(-1, True)) * scale
    found = T.matmul(ds, key), T.matmul(ds.transpose(-2, -1), query), T.matmul(p.transpose(-2, -1), grad)
    # torch: these gradients lie in memory as [B, L, H, E]
    return tuple(g.transpose(1, 2).contiguous().transpose(1, 2) for g in found)


@primitive("_scaled_dot_product_flash_attention_for_cpu(Tensor query, Tensor key, Tensor value, float dropout_p=0.0, bool is_causal=False, *, "
           "Tensor? attn_mask=None, float? scale=None) -> (Tensor output, Tensor logsumexp)", node="ScaledDotProductFlashAttentionForCpuBackward0",
           query__and__key__and__value=lambda grad, query, key, value, output, logsumexp, is_causal, attn_mask, scale:
               _flash_gradient(grad, query, key, value, output, logsumexp, is_causal, attn_mask, scale))
def _scaled_dot_product_flash_attention_for_cpu(query, key, value, is_causal, attn_mask, scale):
    """softmax(q k^T scale + mask) v for [B, H, L, E], [B, H, S, E] and [B, H, S, E]; also the log of each row's sum."""
    name = "scaled_dot_product_attention_flash_attention"
    normalize_dim(2, query.ndim)
    if query.dtype.kind not in "fV":
        raise RuntimeError(f"{name}: Expected data type in FP32, FP64, BF16, FP16, but got {type_name(query)} instead.")
    _fit(name, query, key, value)
    _same_types(query, key, value)
    scale = query.dtype.type(_scale(query, scale))
    if query.dtype.itemsize > 2:
        return kernels.forward(query, key, value, _added(attn_mask, query, key), is_causal, scale)
    scores = _masked(query @ key.swapaxes(-1, -2) * scale, attn_mask, is_causal)
    weights, logsumexp = _softmax(scores)
    out = weights.astype(query.dtype, copy=False) @ value
    return [out, logsumexp[..., 0].astype(np.float64 if query.dtype == np.float64 else np.float32)]


@primitive("_scaled_dot_product_flash_attention_for_cpu_backward(Tensor grad_out, Tensor query, Tensor key, Tensor value, Tensor out, Tensor logsumexp, "
           "float dropout_p, bool is_causal, *, Tensor? attn_mask=None, float? scale=None) -> (Tensor grad_query, Tensor grad_key, Tensor grad_value)",
           nograd=True)
def _scaled_dot_product_flash_attention_for_cpu_backward(grad_out, query, key, value, out, logsumexp, is_causal, attn_mask, scale):
    """The gradients of `_scaled_dot_product_flash_attention_for_cpu` by q, k and v."""
    for x in (query, key, value):
        normalize_dim(3 if x.ndim else 1, x.ndim)
    normalize_dim(2 if logsumexp.ndim > 1 else 1, logsumexp.ndim)
    name = "scaled_dot_product_attention_flash_attention_backward"
    _fit(name, query, key, value)
    if query.dtype.kind not in "fV":
        refuse("flash_attention_backward", query)
    _same_types(query, grad_out, key, value, out, logsumexp)
    # torch: reads beyond the end
    if grad_out.shape != query.shape or out.shape != query.shape or logsumexp.shape != query.shape[:3]:
        raise RuntimeError(f"{name}: the gradient, the output and logsumexp should fit the query")
    scale = query.dtype.type(_scale(query, scale))
    return kernels.backward(grad_out, query, key, value, out, logsumexp, _added(attn_mask, query, key), is_causal, scale)


def _check(query, key, value, attn_mask):
    if min(query.dim(), key.dim(), value.dim()) < 2:
        raise RuntimeError("Expected query, key, and value to all be  at least 2 dimensional, but got query.dim: "
                           f"{query.dim()} key.dim: {key.dim()} and value.dim: {value.dim()} instead.")
    if not query.dtype is key.dtype is value.dtype:
        names = [_c_name(t.dtype) for t in (query, key, value)]
        raise RuntimeError(f"Expected query, key, and value to have the same dtype, but got query.dtype: {names[0]} key.dtype: {names[1]} and value.dtype: "
                           f"{names[2]} instead.")
    if attn_mask is not None and attn_mask.dtype.name not in ("bool", "float32") and attn_mask.dtype is not query.dtype:
        raise RuntimeError(f"Expected attn_mask dtype to be bool or float or to match query dtype, but got attn_mask.dtype: {_c_name(attn_mask.dtype)} and  "
                           f"query.dtype: {_c_name(query.dtype)} instead.")
    if not query.dtype.is_floating_point and not query.dtype.is_complex:
        raise RuntimeError(f"expected scalar type Float but found {query.dtype.type_name}")


def _check_mask(query, key, mask):
    """The mask broadcasts against the scores."""
    scores = (*query.shape[:-1], key.shape[-2])
    for d in range(1, min(mask.dim(), len(scores)) + 1):
        if mask.shape[-d] not in (1, scores[-d]) and scores[-d] != 1:
            raise RuntimeError(f"The size of tensor a ({scores[-d]}) must match the size of tensor b ({mask.shape[-d]}) at non-singleton dimension "
                               f"{len(scores) - d}")


def _c_name(dtype):
    return {"float32": "float", "float64": "double", "int64": "long int", "int32": "int", "bool": "bool", "float16": "c10::Half",
            "bfloat16": "c10::BFloat16"}.get(dtype.name, dtype.name)


def _repeated(query, key, value, enable_gqa):
    """Keys and values once for each query head that shares them."""
    if not enable_gqa or query.dim() < 3:
        return key, value
    heads = query.shape[-3]
    if heads % key.shape[-3] or heads % value.shape[-3]:
        # torch: the sentence ends there
        raise RuntimeError("Number of heads in key and value must divide the number of heads in ")
    return tuple(t if t.shape[-3] == heads else t.repeat_interleave(heads // t.shape[-3], -3) for t in (key, value))


#: The kernels that may be used; on the CPU there are "math" and "flash" (torch.nn.attention.sdpa_kernel and torch.backends.cuda set them).
KERNELS = dict.fromkeys(("flash", "mem_efficient", "math", "cudnn", "overrideable"), True)


def _is_fused(query, key, value, attn_mask, dropout_p):
    """Whether PyTorch takes its fused kernel: it decides the name of the backward node."""
    if not KERNELS["flash"] or dropout_p != 0 or not all(t.dim() == 4 and t.dtype.is_floating_point for t in (query, key, value)):
        return False
    if attn_mask is not None and (attn_mask.requires_grad or attn_mask.dim() not in (2, 4)):
        return False
    same_heads = query.shape[:2] == key.shape[:2] == value.shape[:2]
    return same_heads and query.shape[3] == key.shape[3] == value.shape[3] and 0 not in (*query.shape, *key.shape) and key.shape[2] == value.shape[2]


@composite("scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, "
           "float? scale=None, bool enable_gqa=False) -> Tensor", ns="nn.functional")
def scaled_dot_product_attention(query, key, value, attn_mask, dropout_p, is_causal, scale, enable_gqa):
    """dropout(softmax(q k^T scale + mask)) v for q [*, L, E], k [*, S, E], v [*, S, V]; scale is 1 / sqrt(E) unless given."""
    _check(query, key, value, attn_mask)
    if attn_mask is not None:
        _check_mask(query, key, attn_mask)
    if not KERNELS["math"] and not KERNELS["flash"]:
        raise RuntimeError("No viable backend for scaled_dot_product_attention was found. This is likely due to turning off both the math kernel and the "
                           "fused kernels.")
    key, value = _repeated(query, key, value, enable_gqa)
    if _is_fused(query, key, value, attn_mask, dropout_p):
        return T._scaled_dot_product_flash_attention_for_cpu(query, key, value, dropout_p, is_causal, attn_mask=attn_mask, scale=scale)[0]
    if query.dtype.itemsize == 2:            # torch: half types are computed in float32 throughout
        wide = [t.to(DTYPES["float32"]) for t in (query, key, value)]
        mask = attn_mask if attn_mask is None or attn_mask.dtype.name == "bool" else attn_mask.to(DTYPES["float32"])
        return T.scaled_dot_product_attention(*wide, mask, dropout_p, is_causal, scale=scale).to(query.dtype)
    if is_causal and attn_mask is not None:
        raise RuntimeError("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True")
    root = math.sqrt(1 / math.sqrt(query.shape[-1]) if scale is None else abs(scale))
    # half the scale on each side, as PyTorch does for the sake of half types
    left = query * (root if scale is None or scale > 0 else -root)
    weights = _probabilities(left, key * root, attn_mask, is_causal, 1)
    if dropout_p > 0:
        weights = T.dropout(weights, dropout_p, True)
    return T.matmul(weights, value)
