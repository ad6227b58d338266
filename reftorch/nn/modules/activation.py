"""Activations, elementwise and along a dim, and attention."""
import warnings

import reftorch as torch

from .. import functional as F
from ..init import constant_, xavier_normal_, xavier_uniform_
from ..parameter import Parameter
from ._layer import layer
from .linear import NonDynamicallyQuantizableLinear
from .module import Module


@layer("threshold, value, inplace=False", "F.threshold(input; threshold, value, inplace)", shows="threshold value inplace?")
class Threshold(Module):
    """y = x where x > threshold, else value; x (*) -> y (*)."""


@layer("inplace=False", "F.relu(input; inplace=)", shows="inplace?")
class ReLU(Module):
    """y = max(0, x); x (*) -> y (*)."""


@layer("lower=1.0 / 8, upper=1.0 / 3, inplace=False", "F.rrelu(input; lower, upper, training, inplace)", shows="lower upper inplace?")
class RReLU(Module):
    """y = x where x >= 0, else a x, with a ~ U(lower, upper) in training and its mean else; source: Xu et al. 2015."""


@layer(call="F.hardtanh(input; min_val, max_val, inplace)", shows="min_val max_val inplace?", constants="min_val max_val inplace")
class Hardtanh(Module):
    """y = min(max(x, min_val), max_val); x (*) -> y (*)."""

    def __init__(self, min_val=-1.0, max_val=1.0, inplace=False, min_value=None, max_value=None):
        super().__init__()
        bounds = {"min_val": min_val, "max_val": max_val}
        for former, given in (("min_value", min_value), ("max_value", max_value)):
            if given is not None:
                name = former.removesuffix("ue")
                warnings.warn(f"keyword argument `{former}` is deprecated and renamed to `{name}`", FutureWarning, stacklevel=2)
                bounds[name] = given
        low, high = self.min_val, self.max_val = bounds.values()
        self.inplace = inplace
        if high <= low:
            raise AssertionError(f"max_val ({high}) must be greater than min_val ({low})")


@layer(shows="inplace?")
class ReLU6(Hardtanh):
    """y = min(max(0, x), 6); x (*) -> y (*)."""

    def __init__(self, inplace=False):
        super().__init__(0.0, 6.0, inplace)


@layer(call="torch.sigmoid(input)")
class Sigmoid(Module):
    """y = 1 / (1 + exp(-x)); x (*) -> y (*)."""


@layer("inplace=False", "F.hardsigmoid(input; inplace)")
class Hardsigmoid(Module):
    """y = min(max(0, x + 3), 6) / 6; x (*) -> y (*)."""


@layer(call="torch.tanh(input)")
class Tanh(Module):
    """y = tanh(x); x (*) -> y (*)."""


@layer("inplace=False", "F.silu(input; inplace=)", shows="inplace?")
class SiLU(Module):
    """y = x sigmoid(x); x (*) -> y (*); source: Hendrycks and Gimpel 2016."""


@layer("inplace=False", "F.mish(input; inplace=)", shows="inplace?")
class Mish(Module):
    """y = x tanh(softplus(x)); x (*) -> y (*); source: Misra 2019."""


@layer("inplace=False", "F.hardswish(input; inplace)")
class Hardswish(Module):
    """y = x min(max(0, x + 3), 6) / 6; x (*) -> y (*); source: Howard et al. 2019."""


@layer("alpha=1.0, inplace=False", "F.elu(input; alpha, inplace)", shows="alpha inplace?")
class ELU(Module):
    """y = x where x > 0, else alpha (exp(x) - 1); x (*) -> y (*); source: Clevert et al. 2015."""


@layer("alpha=1.0, inplace=False", "F.celu(input; alpha, inplace)", shows="alpha inplace?")
class CELU(Module):
    """y = max(0, x) + min(0, alpha (exp(x / alpha) - 1)); x (*) -> y (*); source: Barron 2017."""


@layer("inplace=False", "F.selu(input; inplace)", shows="inplace?")
class SELU(Module):
    """y = s (max(0, x) + min(0, a (exp(x) - 1))) for the s and a that keep mean 0 and variance 1; source: Klambauer et al. 2017."""


@layer("dim=-1", "F.glu(input; dim)", shows="dim")
class GLU(Module):
    """y = a sigmoid(b) for the halves a, b of x along `dim`; x (*, 2N, *) -> y (*, N, *); source: Dauphin et al. 2016."""


@layer("approximate='none'", "F.gelu(input; approximate=)")
class GELU(Module):
    """y = x P(Z < x) for Z ~ N(0, 1), or its tanh form; x (*) -> y (*); source: Hendrycks and Gimpel 2016."""

    def extra_repr(self):
        return f"approximate={self.approximate!r}"


@layer("lambd=0.5", "F.hardshrink(input; lambd)")
class Hardshrink(Module):
    """y = x where |x| > lambd, else 0; x (*) -> y (*)."""

    def extra_repr(self):
        return str(self.lambd)


@layer("negative_slope=0.01, inplace=False", "F.leaky_relu(input; negative_slope, inplace)", shows="negative_slope inplace?",
       constants="inplace negative_slope")
class LeakyReLU(Module):
    """y = x where x > 0, else negative_slope x; x (*) -> y (*); source: Maas et al. 2013."""


@layer(call="F.logsigmoid(input)")
class LogSigmoid(Module):
    """y = -log(1 + exp(-x)); x (*) -> y (*)."""


@layer("beta=1.0, threshold=20.0", "F.softplus(input; beta, threshold)", shows="beta threshold")
class Softplus(Module):
    """y = log(1 + exp(beta x)) / beta, and x where beta x > threshold; x (*) -> y (*)."""


@layer("lambd=0.5", "F.softshrink(input; lambd)")
class Softshrink(Module):
    """y = x - lambd where x > lambd, x + lambd where x < -lambd, else 0; x (*) -> y (*)."""

    def extra_repr(self):
        return str(self.lambd)


@layer(call="F.prelu(input; weight)", shows="num_parameters", constants="num_parameters")
class PReLU(Module):
    """y = max(0, x) + a min(0, x) with a learnt a, one or one a channel; x (N, C, *) -> y (N, C, *); source: He et al. 2015."""

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters, self.init = num_parameters, init
        self.weight = Parameter(torch.empty(num_parameters, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self):
        """Set the slopes to `init`."""
        constant_(self.weight, self.init)


@layer(call="F.softsign(input)")
class Softsign(Module):
    """y = x / (1 + |x|); x (*) -> y (*)."""


@layer(call="F.tanhshrink(input)")
class Tanhshrink(Module):
    """y = x - tanh(x); x (*) -> y (*)."""


@layer("dim=None", shows="dim")
class Softmax(Module):
    """y = exp(x) / sum exp(x) along `dim`; x (*) -> y (*)."""

    def __setstate__(self, state):
        super().__setstate__(state)
        self.__dict__.setdefault("dim", None)

    def forward(self, input):
        return F.softmax(input, self.dim, _stacklevel=5)


@layer("dim=None")
class Softmin(Softmax):
    """y = exp(-x) / sum exp(-x) along `dim`; x (*) -> y (*)."""

    def forward(self, input):
        return F.softmin(input, self.dim, _stacklevel=5)


@layer("dim=None")
class LogSoftmax(Softmax):
    """y = x - log sum exp(x) along `dim`; x (*) -> y (*)."""

    def forward(self, input):
        return F.log_softmax(input, self.dim, _stacklevel=5)


class Softmax2d(Module):
    """Softmax over the channels at each place; x (N, C, H, W) or (C, H, W) -> y of the same shape."""

    def forward(self, input):
        if input.dim() not in (3, 4):
            raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
        return F.softmax(input, -3, _stacklevel=5)


class MultiheadAttention(Module):
    """softmax(q k^T / sqrt(D)) v for each of `num_heads` heads of D = embed_dim / num_heads, projected in and out; source: Vaswani et al. 2017.

    query (L, N, E), key (S, N, kdim), value (S, N, vdim) -> output (L, N, E), weights (N, L, S); with batch_first the N is first.
    """

    __constants__ = ["batch_first"]
    _handed = ("embed_dim", "num_heads", "in_proj_weight", "in_proj_bias", "bias_k", "bias_v", "add_zero_attn", "dropout")

    def __init__(self, embed_dim, num_heads, dropout=0.0, bias=True, add_bias_kv=False, add_zero_attn=False, kdim=None, vdim=None, batch_first=False,
                 device=None, dtype=None):
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim and num_heads must be greater than 0, got embed_dim={embed_dim} and num_heads={num_heads} instead")
        super().__init__()
        self.embed_dim = embed_dim
        self.kdim = embed_dim if kdim is None else kdim
        self.vdim = embed_dim if vdim is None else vdim
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.num_heads, self.dropout, self.batch_first = num_heads, dropout, batch_first
        self.head_dim = embed_dim // num_heads
        if self.head_dim * num_heads != embed_dim:
            raise AssertionError("embed_dim must be divisible by num_heads")

        def empty(*size):
            return Parameter(torch.empty(size, device=device, dtype=dtype))
        packed = self._qkv_same_embed_dim
        for name, columns in (("q_proj_weight", embed_dim), ("k_proj_weight", self.kdim), ("v_proj_weight", self.vdim)):
            self.register_parameter(name, None if packed else empty(embed_dim, columns))
        self.register_parameter("in_proj_weight", empty(3 * embed_dim, embed_dim) if packed else None)
        self.register_parameter("in_proj_bias", empty(3 * embed_dim) if bias else None)
        self.out_proj = NonDynamicallyQuantizableLinear(embed_dim, embed_dim, bias=bias, device=device, dtype=dtype)
        self.bias_k, self.bias_v = (empty(1, 1, embed_dim), empty(1, 1, embed_dim)) if add_bias_kv else (None, None)
        self.add_zero_attn = add_zero_attn
        self._reset_parameters()

    def _reset_parameters(self):
        for weight in (self.in_proj_weight, self.q_proj_weight, self.k_proj_weight, self.v_proj_weight):
            if weight is not None:
                xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            for bias in (self.in_proj_bias, self.out_proj.bias):
                constant_(bias, 0.0)
        for bias in (self.bias_k, self.bias_v):
            if bias is not None:
                xavier_normal_(bias)

    def __setstate__(self, state):
        state.setdefault("_qkv_same_embed_dim", True)      # checkpoints of before 1.1
        super().__setstate__(state)

    def forward(self, query, key, value, key_padding_mask=None, need_weights=True, attn_mask=None, average_attn_weights=True, is_causal=False):
        batched = query.dim() == 3
        quick = self._is_quick(query, key, value, key_padding_mask, attn_mask)
        key_padding_mask = F._canonical_mask(key_padding_mask, "key_padding_mask", F._none_or_dtype(attn_mask), "attn_mask", query.dtype)
        attn_mask = F._canonical_mask(attn_mask, "attn_mask", None, "", query.dtype, check_other=False)
        if self.batch_first and batched:
            # one tensor given as several stays one: the projection of all three is then a single product
            swapped = {id(t): t.transpose(1, 0) for t in (query, key, value)}
            query, key, value = (swapped[id(t)] for t in (query, key, value))
        own = (getattr(self, name) for name in self._handed)
        separate = {name: getattr(self, name) for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight")}
        output, weights = F.multi_head_attention_forward(
            query, key, value, *own, self.out_proj.weight, self.out_proj.bias, training=self.training, need_weights=need_weights, is_causal=is_causal,
            attn_mask=attn_mask, key_padding_mask=key_padding_mask, average_attn_weights=average_attn_weights,
            use_separate_proj_weight=not self._qkv_same_embed_dim, **separate)
        if self.batch_first and batched:
            output = output.transpose(1, 0)
        return output.contiguous() if quick else output, weights

    def _is_quick(self, query, key, value, *masks):
        """Whether torch takes its quick way of inference, whose result is contiguous."""
        plain = (self.batch_first and query.dim() == 3 and query is key and key is value and self.num_heads % 2 == 0 and not self.training
                 and self.in_proj_weight is not None and self.in_proj_bias is not None and self.bias_k is None and not self.add_zero_attn)
        if not plain or any(m is not None and m.is_floating_point() for m in masks):
            return False
        used = (query, self.in_proj_weight, self.in_proj_bias, self.out_proj.weight, self.out_proj.bias)
        return not (torch.is_grad_enabled() and any(t.requires_grad for t in used))

    def merge_masks(self, attn_mask, key_padding_mask, query):
        """Both masks as one (N, heads, L, L), and its kind: 1 for padding alone, 2 with an attention mask, None for neither."""
        if attn_mask is None:
            return key_padding_mask, None if key_padding_mask is None else 1
        batch, length, _ = query.shape
        if attn_mask.dim() == 3:
            merged = attn_mask.view(batch, -1, length, length)
        else:
            merged = attn_mask.view(1, 1, length, length).expand(batch, self.num_heads, -1, -1)
        if key_padding_mask is not None:
            merged = merged + key_padding_mask.view(batch, 1, 1, length).expand(-1, self.num_heads, -1, -1)
        return merged, 2
