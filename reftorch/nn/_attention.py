"""multi_head_attention_forward: projections, masks and heads around scaled dot-product attention."""
import math
import warnings

from ..core import T


def _none_or_dtype(t):
    return None if t is None else t.dtype


def _canonical_mask(mask, mask_name, other_type, other_name, target_type, check_other=True):
    """A boolean mask as one of zeros and -inf; a floating one as it is."""
    if mask is None:
        return None
    boolean = mask.dtype.name == "bool"
    if not boolean and not mask.is_floating_point():
        raise AssertionError(f"only bool and floating types of {mask_name} are supported")
    if check_other and other_type is not None and mask.dtype is not other_type:
        warnings.warn(f"Support for mismatched {mask_name} and {other_name} is deprecated. Use same type for both instead.", stacklevel=3)
    return T.zeros_like(mask, dtype=target_type).masked_fill_(mask, float("-inf")) if boolean else mask


def _mha_shape_check(query, key, value, key_padding_mask, attn_mask, num_heads):
    """AssertionError unless the shapes fit together; gives whether there is a batch."""
    if query.dim() not in (2, 3):
        raise AssertionError(f"query should be unbatched 2D or batched 3D tensor but received {query.dim()}-D query tensor")
    batched, n = query.dim() == 3, query.dim()
    kind = "batched" if batched else "unbatched"
    if key.dim() != n or value.dim() != n:
        raise AssertionError(f"For {kind} ({n}-D) `query`, expected `key` and `value` to be {n}-D but found {key.dim()}-D and {value.dim()}-D tensors "
                             "respectively")
    if key_padding_mask is not None and key_padding_mask.dim() != n - 1:
        raise AssertionError(f"For {kind} ({n}-D) `query`, expected `key_padding_mask` to be `None` or {n - 1}-D but found {key_padding_mask.dim()}-D "
                             "tensor instead")
    if attn_mask is not None:
        if attn_mask.dim() not in (2, 3):
            raise AssertionError(f"For {kind} ({n}-D) `query`, expected `attn_mask` to be `None`, 2-D or 3-D but found {attn_mask.dim()}-D tensor instead")
        if not batched and attn_mask.dim() == 3 and tuple(attn_mask.shape) != (num_heads, query.shape[0], key.shape[0]):
            raise AssertionError(f"Expected `attn_mask` shape to be {(num_heads, query.shape[0], key.shape[0])} but got {attn_mask.shape}")
    return batched


def _parts(t, count):
    """The last dim cut into `count` parts, which come first: [*, count E] as [count, *, E]."""
    return t.unflatten(-1, (count, t.shape[-1] // count)).unsqueeze(0).transpose(0, -2).squeeze(-2).contiguous()


def _in_projection_packed(q, k, v, w, b=None):
    """q, k, v projected by the three thirds of `w` [3E, E]; one product when they are one tensor."""
    size = q.shape[-1]
    if k is v:
        if q is k:
            joint = _parts(T.linear(q, w, b), 3)
            return joint[0], joint[1], joint[2]
        w_q, w_kv = w.split([size, size * 2])
        b_q, b_kv = (None, None) if b is None else b.split([size, size * 2])
        kv = _parts(T.linear(k, w_kv, b_kv), 2)
        return T.linear(q, w_q, b_q), kv[0], kv[1]
    w_q, w_k, w_v = w.chunk(3)
    b_q, b_k, b_v = (None, None, None) if b is None else b.chunk(3)
    return T.linear(q, w_q, b_q), T.linear(k, w_k, b_k), T.linear(v, w_v, b_v)


def _in_projection(q, k, v, w_q, w_k, w_v, b_q=None, b_k=None, b_v=None):
    """q, k, v projected by a matrix each; AssertionError when one has the wrong shape."""
    eq, ek, ev = q.shape[-1], k.shape[-1], v.shape[-1]
    for name, w, shape in (("query", w_q, (eq, eq)), ("key", w_k, (eq, ek)), ("value", w_v, (eq, ev))):
        if tuple(w.shape) != shape:
            raise AssertionError(f"expecting {name} weights shape of {shape}, but got {w.shape}")
    for name, b in (("query", b_q), ("key", b_k), ("value", b_v)):
        if b is not None and tuple(b.shape) != (eq,):
            raise AssertionError(f"expecting {name} bias shape of {(eq,)}, but got {b.shape}")
    return T.linear(q, w_q, b_q), T.linear(k, w_k, b_k), T.linear(v, w_v, b_v)


def _heads(t, rows, heads, dim):
    """[L, B, heads dim] as [B heads, L, dim]."""
    return t.view(t.shape[0], rows * heads, dim).transpose(0, 1)


def multi_head_attention_forward(query, key, value, embed_dim_to_check, num_heads, in_proj_weight, in_proj_bias, bias_k, bias_v, add_zero_attn, dropout_p,
                                 out_proj_weight, out_proj_bias, training=True, key_padding_mask=None, need_weights=True, attn_mask=None,
                                 use_separate_proj_weight=False, q_proj_weight=None, k_proj_weight=None, v_proj_weight=None, static_k=None,
                                 static_v=None, average_attn_weights=True, is_causal=False):
    """Attention of query [L, B, E] over key, value [S, B, *] in `num_heads` subspaces, and its weights; source: Vaswani et al. 2017."""
    batched = _mha_shape_check(query, key, value, key_padding_mask, attn_mask, num_heads)
    if not batched:
        query, key, value = query.unsqueeze(1), key.unsqueeze(1), value.unsqueeze(1)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask.unsqueeze(0)
    length, rows, size = query.shape
    source = key.shape[0]
    key_padding_mask = _canonical_mask(key_padding_mask, "key_padding_mask", _none_or_dtype(attn_mask), "attn_mask", query.dtype)
    if is_causal and attn_mask is None:
        raise RuntimeError("Need attn_mask if specifying the is_causal hint. You may use the Transformer module method `generate_square_subsequent_mask` "
                           "to create this mask.")
    if is_causal and key_padding_mask is None and not need_weights:
        attn_mask = None                     # the attention op masks by itself
    else:
        attn_mask = _canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, False)
        is_causal = is_causal and key_padding_mask is None
    if size != embed_dim_to_check:
        raise AssertionError(f"was expecting embedding dimension of {embed_dim_to_check}, but got {size}")
    head_dim = size // num_heads
    if head_dim * num_heads != size:
        raise AssertionError(f"embed_dim {size} not divisible by num_heads {num_heads}")
    if use_separate_proj_weight:
        if key.shape[:2] != value.shape[:2]:
            raise AssertionError(f"key's sequence and batch dims {key.shape[:2]} do not match value's {value.shape[:2]}")
        weights = {"q": q_proj_weight, "k": k_proj_weight, "v": v_proj_weight}
        for name, w in weights.items():
            if w is None:
                raise AssertionError(f"use_separate_proj_weight is True but {name}_proj_weight is None")
        biases = (None,) * 3 if in_proj_bias is None else in_proj_bias.chunk(3)
        q, k, v = _in_projection(query, key, value, *weights.values(), *biases)
    else:
        if key.shape != value.shape:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")
        if in_proj_weight is None:
            raise AssertionError("use_separate_proj_weight is False but in_proj_weight is None")
        q, k, v = _in_projection_packed(query, key, value, in_proj_weight, in_proj_bias)

    if attn_mask is not None:
        dims = attn_mask.dim()
        wanted = {2: (length, source), 3: (rows * num_heads, length, source)}.get(dims)
        if wanted is None:
            raise RuntimeError(f"attn_mask's dimension {dims} is not supported")
        if tuple(attn_mask.shape) != wanted:
            raise RuntimeError(f"The shape of the {dims}D attn_mask is {attn_mask.shape}, but should be {wanted}.")
        attn_mask = attn_mask.unsqueeze(0) if dims == 2 else attn_mask

    if bias_k is not None and bias_v is not None:
        if static_k is not None or static_v is not None:
            raise AssertionError(f"bias cannot be added to static {'key' if static_k is not None else 'value'}.")
        k = T.cat([k, bias_k.repeat(1, rows, 1)])
        v = T.cat([v, bias_v.repeat(1, rows, 1)])
        attn_mask, key_padding_mask = _one_more_key(attn_mask), _one_more_key(key_padding_mask)
    elif bias_k is not None or bias_v is not None:
        raise AssertionError("bias_k and bias_v must both be given or both be None")

    q = _heads(q, rows, num_heads, head_dim)
    k = _static(static_k, rows * num_heads, head_dim, "static_k") if static_k is not None else _heads(k, rows, num_heads, head_dim)
    v = _static(static_v, rows * num_heads, head_dim, "static_v") if static_v is not None else _heads(v, rows, num_heads, head_dim)
    if add_zero_attn:
        zeros = (rows * num_heads, 1, head_dim)
        k = T.cat([k, T.zeros(zeros, dtype=k.dtype)], dim=1)
        v = T.cat([v, T.zeros(zeros, dtype=v.dtype)], dim=1)
        attn_mask, key_padding_mask = _one_more_key(attn_mask), _one_more_key(key_padding_mask)
    source = k.shape[1]

    if key_padding_mask is not None:
        if tuple(key_padding_mask.shape) != (rows, source):
            raise AssertionError(f"expecting key_padding_mask shape of {(rows, source)}, but got {key_padding_mask.shape}")
        padding = key_padding_mask.view(rows, 1, 1, source).expand(-1, num_heads, -1, -1).reshape(rows * num_heads, 1, source)
        attn_mask = padding if attn_mask is None else attn_mask + padding
    if not training:
        dropout_p = 0.0

    if need_weights:
        if is_causal and attn_mask is None:
            raise AssertionError("FIXME: is_causal not implemented for need_weights")
        scaled = q * math.sqrt(1.0 / float(head_dim))
        weights = T.bmm(scaled, k.transpose(-2, -1)) if attn_mask is None else T.baddbmm(attn_mask, scaled, k.transpose(-2, -1))
        weights = weights.softmax(-1)
        if dropout_p > 0.0:
            weights = T.dropout(weights, dropout_p, True)
        out = T.bmm(weights, v).transpose(0, 1).contiguous().view(length * rows, size)
        out = T.linear(out, out_proj_weight, out_proj_bias).view(length, rows, out_proj_weight.shape[0])
        weights = weights.view(rows, num_heads, length, source)
        if average_attn_weights:
            weights = weights.mean(1)
        return (out, weights) if batched else (out.squeeze(1), weights.squeeze(0))

    if attn_mask is not None:
        shared = attn_mask.dim() == 3 and attn_mask.shape[0] == 1
        attn_mask = attn_mask.unsqueeze(0) if shared else attn_mask.view(rows, num_heads, -1, source)
    q, k, v = q.view(rows, num_heads, length, head_dim), k.view(rows, num_heads, source, head_dim), v.view(rows, num_heads, source, head_dim)
    out = T.scaled_dot_product_attention(q, k, v, attn_mask, dropout_p, is_causal)
    out = out.permute(2, 0, 1, 3).contiguous().view(rows * length, size)
    out = T.linear(out, out_proj_weight, out_proj_bias).view(length, rows, out_proj_weight.shape[0])
    return (out, None) if batched else (out.squeeze(1), None)


def _one_more_key(mask):
    """A mask with room for a key that is never masked."""
    return None if mask is None else T.constant_pad_nd(mask, (0, 1))


def _static(t, heads, dim, name):
    if t.shape[0] != heads:
        raise AssertionError(f"expecting {name}.size(0) of {heads}, but got {t.shape[0]}")
    if t.shape[2] != dim:
        raise AssertionError(f"expecting {name}.size(2) of {dim}, but got {t.shape[2]}")
    return t
