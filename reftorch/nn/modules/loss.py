"""Losses: l is the loss of an element or sample, reduced to its mean, its sum, or not at all."""
import math
import warnings

from .. import functional as F
from .._reduction import legacy_get_string
from ._layer import layer
from .distance import PairwiseDistance
from .linear import Linear
from .module import Module

# the arguments of most losses, and of those with a weight a class
_ARGUMENTS = "size_average=None, reduce=None, reduction='mean'"
_WEIGHTED = f"weight=None, {_ARGUMENTS}"
_INDEXED = "weight=None, size_average=None, ignore_index=-100, reduce=None, reduction='mean'"


class _Loss(Module):
    def __init__(self, size_average=None, reduce=None, reduction="mean"):
        super().__init__()
        legacy = size_average is not None or reduce is not None
        self.reduction = legacy_get_string(size_average, reduce) if legacy else reduction


class _WeightedLoss(_Loss):
    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean"):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)


@layer(call="F.l1_loss(input, target; reduction=)", constants="reduction")
class L1Loss(_Loss):
    """l = |x - y|; x, y (*)."""


@layer(call="F.mse_loss(input, target; reduction=)", constants="reduction")
class MSELoss(_Loss):
    """l = (x - y)^2; x, y (*)."""


@layer(f"{_ARGUMENTS}, beta=1.0", "F.smooth_l1_loss(input, target; reduction=, beta=)", constants="reduction")
class SmoothL1Loss(_Loss):
    """l = d^2 / (2 beta) where d = |x - y| < beta, else d - beta / 2; x, y (*); source: Girshick 2015."""


@layer("reduction='mean', delta=1.0", "F.huber_loss(input, target; reduction=, delta=)", constants="reduction delta")
class HuberLoss(_Loss):
    """l = d^2 / 2 where d = |x - y| < delta, else delta (d - delta / 2); x, y (*); source: Huber 1964."""

    def _post_init(self):
        if not isinstance(self.delta, (float, int)):
            raise TypeError(f"delta must be a float or int, got: {type(self.delta)}")


@layer(_INDEXED, "F.nll_loss(input, target; weight=, ignore_index=, reduction=)", constants="ignore_index reduction")
class NLLLoss(_WeightedLoss):
    """l = -w[y] x[y] for log-probabilities x, its mean over the sum of w[y]; x (N, C, *), y (N, *)."""


class NLLLoss2d(NLLLoss):
    """The former name of NLLLoss for images."""

    __deprecated__ = ("`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in replacement and see "
                      "https://pytorch.org/docs/main/nn.html#torch.nn.NLLLoss for more details.")

    def __init__(self, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean"):
        warnings.warn(self.__deprecated__, FutureWarning, stacklevel=2)
        super().__init__(weight, size_average, ignore_index, reduce, reduction)


@layer(f"{_INDEXED}, label_smoothing=0.0", "F.cross_entropy(input, target; weight=, ignore_index=, reduction=, label_smoothing=)",
       constants="ignore_index reduction label_smoothing")
class CrossEntropyLoss(_WeightedLoss):
    """l = -w[y] log softmax(x)[y], or its mean over classes by the probabilities y; x (N, C, *), y (N, *) or (N, C, *)."""


class LinearCrossEntropyLoss(_WeightedLoss):
    """CrossEntropyLoss of the logits W x + b; x (N, in_features), y (N, *out_features), W (num_classes prod(out_features), in_features)."""

    __constants__ = ["num_classes", "out_features", "reduction", "ignore_index", "label_smoothing"]

    def __init__(self, in_features, num_classes, *, out_features=(), bias=False, device=None, dtype=None, reduction="mean", weight=None,
                 ignore_index=None, label_smoothing=0.0, options=None):
        if weight is not None and weight.shape != (num_classes,):
            raise RuntimeError(f"expected weight shape to be {(num_classes,)}, got {tuple(weight.shape)}")
        if not 0 <= label_smoothing <= 1:
            raise RuntimeError(f"expected label_smoothing to be in range [0, 1], got {label_smoothing}")
        super().__init__(weight, reduction=reduction)
        self.num_classes, self.out_features = num_classes, out_features
        self.ignore_index, self.label_smoothing, self.options = ignore_index, label_smoothing, options
        self.linear = Linear(in_features, num_classes * math.prod(out_features), bias=bias, device=device, dtype=dtype)

    def forward(self, input, target):
        shape = (self.num_classes, *self.out_features)
        bias = self.linear.bias
        return F.linear_cross_entropy(input, self.linear.weight.view(*shape, -1), target, linear_bias=None if bias is None else bias.view(shape),
                                      weight=self.weight, reduction=self.reduction, ignore_index=self.ignore_index,
                                      label_smoothing=self.label_smoothing, options=self.options)

    def extra_repr(self):
        return (f"in_features={self.linear.in_features}, num_classes={self.num_classes}, out_features={self.out_features}, "
                f"bias={self.linear.bias is not None}, reduction={self.reduction}, ignore_index={self.ignore_index}, "
                f"label_smoothing={self.label_smoothing}, options={self.options}")


@layer("log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction='mean'",
       "F.poisson_nll_loss(log_input, target; log_input=, full=, eps=, reduction=)", constants="log_input full eps reduction")
class PoissonNLLLoss(_Loss):
    """l = exp(x) - y x (x - y log(x + eps) unless log_input), plus Stirling's y log y - y + log(2 pi y) / 2 where `full` and y > 1; x, y (*)."""


@layer("*, full=False, eps=1e-6, reduction='mean'", "F.gaussian_nll_loss(input, target, var; full=, eps=, reduction=)",
       constants="full eps reduction")
class GaussianNLLLoss(_Loss):
    """l = (log max(v, eps) + (x - y)^2 / max(v, eps)) / 2, plus log(2 pi) / 2 where `full`; x, y (N, *), v (N, *) or (N, 1)."""


@layer(f"{_ARGUMENTS}, log_target=False", "F.kl_div(input, target; reduction=, log_target=)", constants="reduction")
class KLDivLoss(_Loss):
    """l = y (log y - x) for log-probabilities x, exp(y) (y - x) with log_target; x, y (*)."""


@layer(call="F.binary_cross_entropy(input, target; weight=, reduction=)", constants="reduction")
class BCELoss(_WeightedLoss):
    """l = -w (y log x + (1 - y) log(1 - x)) for probabilities x; x, y (*)."""


@layer(call="F.binary_cross_entropy_with_logits(input, target; weight, pos_weight=, reduction=)")
class BCEWithLogitsLoss(_Loss):
    """l = -w (p y log s(x) + (1 - y) log(1 - s(x))) with the sigmoid s and pos_weight p; x, y (*)."""

    def __init__(self, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None):
        super().__init__(size_average, reduce, reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)


@layer(f"margin=1.0, {_ARGUMENTS}", "F.hinge_embedding_loss(input, target; margin=, reduction=)", constants="margin reduction")
class HingeEmbeddingLoss(_Loss):
    """l = x where y = 1, max(0, margin - x) where y = -1; x, y (*)."""


@layer(call="F.multilabel_margin_loss(input, target; reduction=)", constants="reduction")
class MultiLabelMarginLoss(_Loss):
    """l = sum over labels j and others i of max(0, 1 - x[j] + x[i]) / C; x, y (N, C), the labels of y up to its first -1."""


@layer(call="F.multilabel_soft_margin_loss(input, target; weight=, reduction=)", constants="reduction")
class MultiLabelSoftMarginLoss(_WeightedLoss):
    """l = -mean over classes of w (y log s(x) + (1 - y) log s(-x)) with the sigmoid s; x, y (N, C)."""


@layer(call="F.soft_margin_loss(input, target; reduction=)", constants="reduction")
class SoftMarginLoss(_Loss):
    """l = log(1 + exp(-y x)); x, y (*), y of 1 and -1."""


@layer(f"margin=0.0, {_ARGUMENTS}", "F.cosine_embedding_loss(input1, input2, target; margin=, reduction=)", constants="margin reduction")
class CosineEmbeddingLoss(_Loss):
    """l = 1 - cos(a, b) where y = 1, max(0, cos(a, b) - margin) where y = -1; a, b (N, D), y (N)."""


@layer(f"margin=0.0, {_ARGUMENTS}", "F.margin_ranking_loss(input1, input2, target; margin=, reduction=)", constants="margin reduction")
class MarginRankingLoss(_Loss):
    """l = max(0, -y (a - b) + margin); a, b, y (N)."""


@layer(f"p=1, margin=1.0, {_WEIGHTED}", "F.multi_margin_loss(input, target; p=, margin=, weight=, reduction=)", constants="p margin reduction")
class MultiMarginLoss(_WeightedLoss):
    """l = sum over i != y of w[y] max(0, margin - x[y] + x[i])^p / C; x (N, C), y (N)."""

    def _post_init(self):
        if self.p not in (1, 2):
            raise ValueError("only p == 1 and p == 2 supported")
        if self.weight is not None and self.weight.dim() != 1:
            raise ValueError(f"MultiMarginLoss: expected weight to be None or 1D tensor, got {self.weight.dim()}D instead")


@layer(f"margin=1.0, p=2.0, eps=1e-6, swap=False, {_ARGUMENTS}",
       "F.triplet_margin_loss(anchor, positive, negative; margin=, p=, eps=, swap=, reduction=)", constants="margin p eps swap reduction")
class TripletMarginLoss(_Loss):
    """l = max(0, |a - p| - |a - n| + margin), |p - n| in place of a shorter |a - n| with `swap`; a, p, n (N, D); source: Balntas et al. 2016."""

    def _post_init(self):
        if self.margin <= 0:
            raise ValueError(f"TripletMarginLoss: expected margin to be greater than 0, got {self.margin} instead")


@layer("*, distance_function=None, margin=1.0, swap=False, reduction='mean'",
       "F.triplet_margin_with_distance_loss(anchor, positive, negative; distance_function=, margin=, swap=, reduction=)",
       constants="margin swap reduction")
class TripletMarginWithDistanceLoss(_Loss):
    """l = max(0, d(a, p) - d(a, n) + margin) for any distance d, PairwiseDistance when None; a, p, n (N, *)."""

    def _post_init(self):
        if self.margin <= 0:
            raise ValueError(f"TripletMarginWithDistanceLoss: expected margin to be greater than 0, got {self.margin} instead")
        if self.distance_function is None:
            self.distance_function = PairwiseDistance()


@layer("blank=0, reduction='mean', zero_infinity=False",
       "F.ctc_loss(log_probs, targets, input_lengths, target_lengths; blank, reduction, zero_infinity)", constants="blank reduction")
class CTCLoss(_Loss):
    """l = -log of the sum of the probabilities of all alignments of the labels y to x; x (T, N, C), y (N, S) or (sum of lengths); source: Graves 2006."""
