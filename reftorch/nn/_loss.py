"""The losses of nn.functional: argument handling; the arithmetic is in ops/loss.py."""
import math
import warnings

import numpy as np

from ..autograd import Function, enable_grad
from ..autograd import grad as _grad
from ..core import T, Tensor
from . import _reduction


def _reduction_of(size_average, reduce, reduction):
    """0, 1 or 2; the old flags win when given."""
    if size_average is not None or reduce is not None:
        return _reduction.legacy_get_enum(size_average, reduce)
    return _reduction.get_enum(reduction)


def _reduction_name(size_average, reduce, reduction):
    if size_average is not None or reduce is not None:
        return _reduction.legacy_get_string(size_average, reduce)
    return reduction


def _broadcast(input, target):
    """Both in one shape; a warning when that changes anything."""
    if target.shape == input.shape:
        return input, target
    warnings.warn(f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely lead to incorrect "
                  "results due to broadcasting. Please ensure they have the same size.", stacklevel=4)
    return T.broadcast_tensors([input, target])


def _weighted(loss, input, weight, reduction, by_weight):
    """The weighted loss; its mean is over the sum of the weights (`by_weight`) or over elements."""
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    loss = loss * weight
    if reduction == "none":
        return loss
    if reduction == "sum":
        return loss.sum()
    if reduction == "mean":
        return loss.sum() / weight.sum() if by_weight else loss.mean()
    raise ValueError(f"Invalid reduction mode: {reduction}. Expected one of 'none', 'mean', 'sum'.")


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(x - y)^2, reduced."""
    reduction = _reduction_name(size_average, reduce, reduction)
    a, b = _broadcast(input, target)
    if weight is not None:
        return _weighted((a - b).square(), input, weight, reduction, True)
    return T.mse_loss(a, b, _reduction.get_enum(reduction))


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """|x - y|, reduced."""
    reduction = _reduction_name(size_average, reduce, reduction)
    a, b = _broadcast(input, target)
    if weight is not None:
        return _weighted((a - b).abs(), input, weight, reduction, True)
    return T.l1_loss(a, b, _reduction.get_enum(reduction))


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """d^2 / (2 beta) where d = |x - y| < beta, else d - beta / 2, reduced."""
    which = _reduction_of(size_average, reduce, reduction)
    a, b = _broadcast(input, target)
    if beta == 0.0:
        return T.l1_loss(a, b, which)
    return T.smooth_l1_loss(a, b, which, beta)


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None):
    """d^2 / 2 where d = |x - y| <= delta, else delta (d - delta / 2), reduced."""
    a, b = _broadcast(input, target)
    if weight is not None:
        return _weighted(T.huber_loss(a, b, 0, delta), input, weight, reduction, False)
    return T.huber_loss(a, b, _reduction.get_enum(reduction), delta)


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """log(1 + exp(-y x)), reduced."""
    return T.soft_margin_loss(input, target, _reduction_of(size_average, reduce, reduction))


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
    """-w[y] x[y] for log-probabilities x."""
    return T.nll_loss_nd(input, target, weight, _reduction_of(size_average, reduce, reduction), ignore_index)


def cross_entropy(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0):
    """-log softmax(x)[y], for classes or class probabilities y."""
    return T.cross_entropy_loss(input, target, weight, _reduction_of(size_average, reduce, reduction), ignore_index, label_smoothing)


def _check_linear(input, weight, target, bias, ignore_index):
    if input.dim() not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.dim()}")
    if weight.dim() < 2:
        raise RuntimeError(f"expected linear_weight with dimensionality at least 2, got {weight.dim()}")
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(f"expected equal input and linear_weight last dimensions (in_features), got {input.shape[-1]} and {weight.shape[-1]}, respectively")
    if weight.dim() > 2 and input.dim() == 1:
        raise RuntimeError(f"K-dimensional loss defined by linear_weight shape {tuple(weight.shape)} requires batched input, (N, {input.shape[-1]}), got "
                           f"unbatched input with shape {tuple(input.shape)}")
    if bias is not None and bias.shape != weight.shape[:-1]:
        raise RuntimeError(f"expected linear_bias shape {tuple(weight.shape[:-1])}, got {tuple(bias.shape)}")
    if ignore_index is not None and target.is_floating_point():
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")


def linear_cross_entropy(input, linear_weight, target, *, linear_bias=None, weight=None, reduction="mean", ignore_index=None, label_smoothing=0.0,
                         options=None):
    """The cross entropy of linear logits: input [N, F] or [F], weight [C, *, F], target [N, *]; `options` (how to split the work) change no value."""
    _check_linear(input, linear_weight, target, linear_bias, ignore_index)
    features = tuple(linear_weight.shape[1:-1])
    ignored = -100 if ignore_index is None else ignore_index
    if options is not None:
        if reduction in ("mean", "sum", "none") and label_smoothing == 0 and target.dtype.name == "int64" and features == ():
            rows = (input, target) if input.dim() == 2 else (input.unsqueeze(0), target.unsqueeze(0))    # torch: the split way wants a batch
            function = _SplitRows if reduction == "none" else _Split
            loss = function.apply(rows[0], linear_weight, rows[1], linear_bias, weight, reduction, ignored, options.allow_retain_graph)
            return loss if input.dim() == 2 else loss.squeeze(0)
        warnings.warn("linear_cross_entropy: ``options`` ignored; chunked path needs reduction in {'mean','sum','none'}, label_smoothing == 0, "
                      f"target.dtype == int64, out_features == (). Got reduction={reduction!r}, label_smoothing={label_smoothing}, "
                      f"target.dtype={target.dtype}, out_features={features}, tracing=False, "
                      f"linear_bias.shape={None if linear_bias is None else tuple(linear_bias.shape)}.", stacklevel=3)
    return _linear_cross_entropy(input, linear_weight, target, linear_bias, weight, reduction, ignored, label_smoothing)


def _linear_cross_entropy(input, linear_weight, target, bias, weight, reduction, ignore_index, label_smoothing=0.0):
    logits = T.linear(input, linear_weight.flatten(0, -2), None if bias is None else bias.flatten())
    logits = logits.unflatten(-1, linear_weight.shape[:-1]) if linear_weight.dim() > 2 else logits
    return cross_entropy(logits, target, weight=weight, reduction=reduction, ignore_index=ignore_index, label_smoothing=label_smoothing)


def _loss_and_leaves(ctx, input, linear_weight, target, bias, *rest):
    """The loss with a graph of its own, and those of its inputs (None elsewhere) that need a gradient."""
    wanted = (ctx.needs_input_grad[0], ctx.needs_input_grad[1], False, ctx.needs_input_grad[3])
    given = [x.detach().requires_grad_(need) if need else x for x, need in zip((input, linear_weight, target, bias), wanted, strict=True)]
    with enable_grad():
        loss = _linear_cross_entropy(*given, *rest)
    return loss, [x if need else None for x, need in zip(given, wanted, strict=True)]


def _pull(loss, leaves, grad=None):
    """Gradients for the inputs of the two functions below, None where none is wanted."""
    found = iter(_grad([loss], [x for x in leaves if x is not None], [grad]))
    return [None if x is None else next(found) for x in leaves] + [None] * 4


class _Split(Function):
    """torch: the way that splits the batch finds its gradients in the forward pass and scales them, once, in the backward one."""

    @staticmethod
    def forward(ctx, input, linear_weight, target, bias, weight, reduction, ignore_index, reusable):
        loss, leaves = _loss_and_leaves(ctx, input, linear_weight, target, bias, weight, reduction, ignore_index)
        ctx.grads = _pull(loss, leaves) if any(ctx.needs_input_grad) else []
        ctx.reusable = reusable
        return loss.detach()

    @staticmethod
    def backward(ctx, grad):
        if ctx.grads is None:
            raise RuntimeError("linear_cross_entropy chunked backward called twice; retain_graph=True / double backward are not supported.")
        grads, ctx.grads = ctx.grads, ctx.grads if ctx.reusable else None
        return tuple(None if g is None else g * grad for g in grads)


class _SplitRows(Function):
    """The same with a loss for each row, whose gradients wait for those of the rows."""

    @staticmethod
    def forward(ctx, input, linear_weight, target, bias, weight, reduction, ignore_index, reusable):
        ctx.save_for_backward(input, linear_weight, target, bias, weight)
        ctx.rest = (reduction, ignore_index)
        return _linear_cross_entropy(input, linear_weight, target, bias, weight, *ctx.rest)

    @staticmethod
    def backward(ctx, grad):
        return tuple(_pull(*_loss_and_leaves(ctx, *ctx.saved_tensors, *ctx.rest), grad.detach()))


for _function, _name in ((_Split, ""), (_SplitRows, "_no_reduction")):
    _node = _function._backward_cls
    _node.__name__ = _node.__qualname__ = f"GeneratedBackwardFor_torch_nn__linear_cross_entropy_batch_chunked{_name}_defaultBackward"


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """-w (y log x + (1 - y) log(1 - x)) for probabilities x."""
    which = _reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. Please ensure they "
                         "have the same size.")
    if weight is not None:
        weight = weight.expand(np.broadcast_shapes(weight.shape, target.shape))
    return T.binary_cross_entropy(input, target, weight, which)


def binary_cross_entropy_with_logits(input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
    """binary_cross_entropy(sigmoid(x), y), computed stably; `pos_weight` scales the positive part."""
    which = _reduction_of(size_average, reduce, reduction)
    if target.shape != input.shape:
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    return T.binary_cross_entropy_with_logits(input, target, weight, pos_weight, which)


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False):
    """y (log y - x) for log-probabilities x."""
    if size_average is not None or reduce is not None:
        which = _reduction.legacy_get_enum(size_average, reduce)
    else:
        if reduction == "mean":
            warnings.warn("reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by the batch "
                          "size, and aligns with the KL div math definition.'mean' will be changed to behave the same as 'batchmean' in the next major "
                          "release.", stacklevel=3)
        which = _reduction.get_enum("sum" if reduction == "batchmean" else reduction)
    loss = T.kl_div(input, target, which, log_target=log_target)
    return loss / input.shape[0] if reduction == "batchmean" and input.dim() != 0 else loss


def poisson_nll_loss(input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"):
    """exp(x) - y x, or x - y log(x + eps) when x is the rate itself."""
    reduction = _reduction_name(size_average, reduce, reduction)
    if reduction not in ("none", "mean", "sum"):
        # torch: the value is computed before the refusal; only the text matters
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return T.poisson_nll_loss(input, target, log_input, full, eps, _reduction.get_enum(reduction))


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean"):
    """(log max(var, eps) + (x - y)^2 / max(var, eps)) / 2; `full` adds log(2 pi) / 2."""
    if not isinstance(var, (float, Tensor)):
        raise TypeError(f"var must be a float or Tensor, got {type(var).__name__}")
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = var * T.ones_like(input)
    elif (var < 0).any():
        raise ValueError("var has negative entry/entries")
    if var.shape != input.shape:
        if input.shape[:-1] == var.shape:
            var = var.unsqueeze(-1)
        elif not (input.shape[:-1] == var.shape[:-1] and var.shape[-1] == 1) and not _one_differs(input, var):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    floor = (eps - var.detach()).clamp_min(0)        # the clamp is not differentiated: var + floor = max(var, eps)
    var = var + floor
    loss = 0.5 * (var.log() + (input - target) ** 2 / var)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def _one_differs(input, var):
    """Whether `var` has input's shape but for dims of size 1."""
    return input.dim() == var.dim() and sum(b != 1 and a != b for a, b in zip(input.shape, var.shape, strict=True)) == 0


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean"):
    """x where y = 1, max(0, margin - x) where y = -1."""
    return T.hinge_embedding_loss(input, target, margin, _reduction_of(size_average, reduce, reduction))


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean"):
    """Hinge loss between each label and each other class; labels end at the first -1."""
    return T.multilabel_margin_loss(input, target, _reduction_of(size_average, reduce, reduction))


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean"):
    """The mean over classes of -(y log sigmoid(x) + (1 - y) log sigmoid(-x))."""
    reduction = _reduction_name(size_average, reduce, reduction)
    loss = -(target * T.log_sigmoid(input) + (1 - target) * T.log_sigmoid(-input))
    if weight is not None:
        loss = loss * weight
    loss = loss.sum(input.dim() - 1) / input.shape[-1]
    if reduction == "none":
        return loss
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    raise ValueError(f"{reduction} is not valid")


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """1 - cos(a, b) where y = 1, max(0, cos(a, b) - margin) where y = -1."""
    return T.cosine_embedding_loss(input1, input2, target, margin, _reduction_of(size_average, reduce, reduction))


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean"):
    """max(0, margin - y (a - b))."""
    which = _reduction_of(size_average, reduce, reduction)
    if not input1.dim() == input2.dim() == target.dim():
        raise RuntimeError(f"margin_ranking_loss : All input tensors should have same dimension but got sizes: input1: {input1.shape}, input2: "
                           f"{input2.shape}, target: {target.shape} ")
    return T.margin_ranking_loss(input1, input2, target, margin, which)


def multi_margin_loss(input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"):
    """sum_{c != y} w[y] max(0, margin - x[y] + x[c])^p / C."""
    which = _reduction_of(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if weight is not None and weight.dim() != 1:
        raise ValueError("weight must be one-dimensional")
    return T.multi_margin_loss(input, target, p, margin, weight, which)


def triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"):
    """max(0, margin + |a - p| - |a - n|)."""
    which = _reduction_of(size_average, reduce, reduction)
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    return T.triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, which)


def triplet_margin_with_distance_loss(anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"):
    """The triplet loss under any distance."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor "
                           f"{anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs")
    distance = distance_function or T.pairwise_distance
    near, apart = distance(anchor, positive), distance(anchor, negative)
    if swap:
        apart = T.minimum(apart, distance(positive, negative))
    loss = (margin + near - apart).clamp_min(0)
    return loss.mean() if reduction == "mean" else loss.sum() if reduction == "sum" else loss


def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank=0, reduction="mean", zero_infinity=False):
    """-log of the probability that log_probs [T, N, C] read as `targets`."""
    return T.ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, _reduction.get_enum(reduction), zero_infinity)
