"""Losses over elements and pairs.  `reduction` is 0 (none), 1 (mean) or 2 (sum)."""
import math

import numpy as np

from ..core import T, composite, primitive
from ..kernels import reduce as sums
from ..kernels import rows as kernel
from ._common import refuse, type_name

NONE, MEAN, SUM = 0, 1, 2


def _reduce(a, reduction):
    """The loss of each element, or their mean or sum."""
    if reduction == NONE:
        return a
    a = np.asarray(a)
    total = sums.sum(a, None, False)
    if total is None:
        total = a.sum(dtype=a.dtype)
    return np.asarray(total / a.size if reduction == MEAN else total)


def _reduced(t, reduction):
    """The same on Tensors."""
    return t if reduction == NONE else t.mean() if reduction == MEAN else t.sum()


def _share(grad, numel, reduction):
    """The gradient that reaches each element."""
    return grad / numel if reduction == MEAN else grad


def _only_floating(name):
    def check(dtype, *operands):
        if not dtype.is_floating_point:
            raise NotImplementedError(f"\"{name}\" not implemented for '{dtype.type_name}'")
    return check


# ---- regression
def _mse_gradient(grad, a, b, reduction):
    d = a - b
    return d * _share(grad * 2, d.numel(), reduction)


@primitive("mse_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor", ns=None, promote="default", check=_only_floating("mse_cpu"),
           quick="quick:mse_loss",
           self=lambda grad, self, target, reduction: _mse_gradient(grad, self, target, reduction),
           target=lambda grad, self, target, reduction: _mse_gradient(grad, target, self, reduction))
def mse_loss(self, target, reduction):
    """(x - y)^2."""
    return _reduce(np.square(self - target), reduction)


@composite("l1_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor", ns=None)
def l1_loss(self, target, reduction):
    """|x - y|."""
    return _reduced((self - target).abs(), reduction)


def _smooth_l1_gradient(grad, a, b, reduction, beta):
    d = a - b
    return (d / beta).clamp(-1, 1) * _share(grad, d.numel(), reduction)


@primitive("smooth_l1_loss(Tensor self, Tensor target, int reduction=Mean, float beta=1.0) -> Tensor", ns=None, promote="default",
           check=_only_floating("smooth_l1_cpu"), node="SmoothL1LossBackward0",
           self=lambda grad, self, target, reduction, beta: _smooth_l1_gradient(grad, self, target, reduction, beta),
           target=lambda grad, self, target, reduction, beta: _smooth_l1_gradient(grad, target, self, reduction, beta))
def smooth_l1_loss(self, target, reduction, beta):
    """d^2 / (2 beta) where d = |x - y| < beta, else d - beta / 2."""
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    d = np.abs(self - target)
    return _reduce(np.where(d < beta, d * d * (0.5 / beta), d - 0.5 * beta).astype(d.dtype), reduction)


def _huber_gradient(grad, a, b, reduction, delta):
    d = a - b
    return d.clamp(-delta, delta) * _share(grad, d.numel(), reduction)


@primitive("huber_loss(Tensor self, Tensor target, int reduction=Mean, float delta=1.0) -> Tensor", ns=None, promote="default",
           check=_only_floating("huber_cpu"),
           self=lambda grad, self, target, reduction, delta: _huber_gradient(grad, self, target, reduction, delta),
           target=lambda grad, self, target, reduction, delta: _huber_gradient(grad, target, self, reduction, delta))
def huber_loss(self, target, reduction, delta):
    """d^2 / 2 where d = |x - y| <= delta, else delta (d - delta / 2)."""
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    d = np.abs(self - target)
    return _reduce(np.where(d <= delta, d * d * 0.5, delta * (d - 0.5 * delta)).astype(d.dtype), reduction)


@composite("poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, float eps, int reduction) -> Tensor")
def poisson_nll_loss(input, target, log_input, full, eps, reduction):
    """exp(x) - y x, or x - y log(x + eps) for rates x; `full` adds Stirling's log(y!)."""
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return _reduced(loss, reduction)


@composite("kl_div(Tensor self, Tensor target, int reduction=Mean, *, bool log_target=False) -> Tensor")
def kl_div(self, target, reduction, log_target):
    """y (log y - x) for log-probabilities x; source: Kullback and Leibler 1951."""
    if not (self.dtype.is_floating_point or self.dtype.is_complex):
        raise RuntimeError("kl_div: Integral inputs not supported.")
    loss = target.exp() * (target - self) if log_target else T.xlogy(target, target) - target * self
    return _reduced(loss, reduction)


# ---- two classes
def _check_unit(name, a):
    if a.size and not (a.min() >= 0 and a.max() <= 1):
        raise RuntimeError(f"all elements of {name} should be between 0 and 1")


def _weighted(t, weight):
    return t if weight is None else t * weight


@primitive("binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int reduction=Mean) -> Tensor", ns=None,
           self=lambda grad, self, target, weight, reduction:
               _weighted((self - target) / ((1 - self) * self).clamp_min(1e-12) * _share(grad, self.numel(), reduction), weight),
           target=lambda grad, self, target, weight, reduction:
               _weighted(((1 - self).log() - self.log()) * _share(grad, self.numel(), reduction), weight))
def binary_cross_entropy(self, target, weight, reduction):
    """-w (y log x + (1 - y) log(1 - x)) for probabilities x, logs at least -100."""
    if target.dtype != self.dtype:
        raise RuntimeError(f"Found dtype {type_name(target)} but expected {type_name(self)}")
    if self.dtype.kind != "f":
        refuse("binary_cross_entropy", self)
    _check_unit("input", self)
    _check_unit("target", target)
    loss = (target - 1) * np.maximum(np.log1p(-self), -100) - target * np.maximum(np.log(self), -100)
    return _reduce(_weighted(loss, weight), reduction)


def _logits_gradient(grad, x, target, weight, pos_weight, reduction):
    grad = _weighted(_share(grad, x.numel(), reduction), weight)
    if pos_weight is None:
        return (x.sigmoid() - target) * grad
    t = pos_weight * target
    return ((t + 1 - target) * x.sigmoid() - t) * grad


def _logits_target_gradient(grad, x, weight, pos_weight, reduction):
    grad = _weighted(_share(grad, x.numel(), reduction), weight)
    return grad * (-x if pos_weight is None else T.log_sigmoid(-x) - pos_weight * T.log_sigmoid(x))


@primitive("binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? weight=None, Tensor? pos_weight=None, int reduction=Mean) -> Tensor",
           self=lambda grad, self, target, weight, pos_weight, reduction: _logits_gradient(grad, self, target, weight, pos_weight, reduction),
           target=lambda grad, self, weight, pos_weight, reduction: _logits_target_gradient(grad, self, weight, pos_weight, reduction))
def binary_cross_entropy_with_logits(self, target, weight, pos_weight, reduction):
    """w ((1 - y) x + (1 + (pos_weight - 1) y) log(1 + exp(-x)))."""
    softplus = np.maximum(-self, 0) + np.log1p(np.exp(-np.abs(self)))
    if pos_weight is not None:
        softplus = softplus * ((pos_weight - 1) * target + 1)
    return _reduce(_weighted((1 - target) * self + softplus, weight), reduction)


def _check_soft_margin(dtype, x, target):
    if not x.dtype.is_floating_point:
        raise RuntimeError(f"result type Float can't be cast to the desired output type {x.dtype.type_name}")


@primitive("soft_margin_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor", ns=None, promote="default", check=_check_soft_margin,
           self=lambda grad, self, target, reduction: -target * (-target * self).sigmoid() * _share(grad, self.numel(), reduction))
def soft_margin_loss(self, target, reduction):
    """log(1 + exp(-y x))."""
    return _reduce(np.log1p(np.exp(-target * self)), reduction)


# ---- classes
def _class_axis(x):
    return 1 if x.ndim > 1 else 0


def _picked_weight(target, weight, classes, ignore_index):
    """For each target its index (0 if ignored) and weight (0 if ignored)."""
    kept = target != ignore_index
    bad = target[kept & ((target < 0) | (target >= classes))]
    if bad.size:
        raise IndexError(f"Target {bad.flat[0]} is out of bounds.")
    index = np.where(kept, target, 0).astype(np.int64)
    return index, kept if weight is None else np.where(kept, weight[index] if weight.size else 0, 0)


def _nll(x, target, weight, reduction, ignore_index):
    """Losses, and the sum of the weights."""
    axis = _class_axis(x)
    if target.dtype not in (np.int64, np.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {type_name(target)}")
    if weight is not None and weight.size != x.shape[axis]:
        raise RuntimeError(f"weight tensor should be defined either for all {x.shape[axis]} classes or no classes but got weight tensor of shape: "
                           f"{list(weight.shape)}")
    if x.dtype.kind != "f":
        refuse("nll_loss_out_frame", x)
    made = kernel.nll(x, target, weight, ignore_index, reduction == NONE, reduction == MEAN)
    if isinstance(made, int):
        raise IndexError(f"Target {made} is out of bounds.")
    if made is not None:
        return made
    index, w = _picked_weight(target, weight, x.shape[axis], ignore_index)
    if x.ndim == 1:
        index, w = index.reshape(()), w.reshape(())
    w = w.astype(x.dtype)
    picked = np.take_along_axis(x, np.expand_dims(index, axis), axis).squeeze(axis)
    loss = np.where(w != 0, -picked * w, np.zeros((), x.dtype))
    total = np.asarray(w.sum(dtype=x.dtype))
    if reduction == NONE:
        return [loss, np.zeros((), x.dtype)]
    loss = np.asarray(loss.sum(dtype=x.dtype))
    return [loss / total if reduction == MEAN else loss, total]


def _nll_gradient(grad, shape, target, weight, reduction, ignore_index, total):
    if reduction == MEAN:
        grad = grad / total.detach()
    where = shape[:1] + shape[2:] if len(shape) > 1 else ()
    return T._nll_spread(grad if reduction == NONE else grad.expand(where), target, weight, shape, ignore_index)


@primitive("_nll_spread(Tensor loss, Tensor target, Tensor? weight, int[] shape, int ignore_index) -> Tensor", ns=None,
           loss=lambda grad, target, weight, ignore_index:
               (T.nll_loss2d_forward if grad.dim() > 2 else T.nll_loss_forward)(grad, target, weight, NONE, ignore_index)[0])
def _nll_spread(loss, target, weight, shape, ignore_index):
    """The adjoint of the unreduced nll loss: -w loss at the target, zeros elsewhere."""
    made = kernel.nll_backward(loss, target, weight, tuple(shape), ignore_index)
    if made is not None:
        return made
    axis = min(len(shape) - 1, 1)
    index, w = _picked_weight(target.reshape(loss.shape), weight, shape[axis], ignore_index)
    out = np.zeros(shape, loss.dtype)
    np.put_along_axis(out, np.expand_dims(index, axis), np.expand_dims(np.where(w != 0, -loss * w.astype(loss.dtype), 0), axis), axis)
    return out


@primitive("nll_loss_forward(Tensor self, Tensor target, Tensor? weight=None, int reduction=Mean, int ignore_index=-100) -> "
           "(Tensor output, Tensor total_weight)", ns=None, node="NllLossBackward0", quick="rows:nll_loss",
           self=lambda grad, self_shape, target, weight, reduction, ignore_index, result1:
               _nll_gradient(grad, self_shape, target, weight, reduction, ignore_index, result1))
def nll_loss_forward(self, target, weight, reduction, ignore_index):
    """-w[y] x[n, y] for x [N, C] or [C]; the mean is over the weights of the targets."""
    if self.ndim not in (1, 2):
        raise RuntimeError("input tensor should be 1D or 2D")
    if target.ndim > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if self.ndim == 2 and target.shape != self.shape[:1]:
        raise RuntimeError(f"size mismatch (got input: {list(self.shape)}, target: {list(target.shape)})")
    return _nll(self, target, weight, reduction, ignore_index)


@primitive("nll_loss2d_forward(Tensor self, Tensor target, Tensor? weight, int reduction, int ignore_index) -> (Tensor output, Tensor total_weight)",
           ns=None, node="NllLoss2DBackward0",
           self=lambda grad, self_shape, target, weight, reduction, ignore_index, result1:
               _nll_gradient(grad, self_shape, target, weight, reduction, ignore_index, result1))
def nll_loss2d_forward(self, target, weight, reduction, ignore_index):
    """-w[y] x[n, y, i, j] for x [N, C, H, W]."""
    if target.ndim != 3:
        raise RuntimeError(f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {target.ndim}")
    if self.ndim != 4:
        raise RuntimeError(f"only batches of spatial inputs supported (4D tensors), but got input of dimension: {self.ndim}")
    if self.shape[:1] + self.shape[2:] != target.shape:
        # torch: without the closing parenthesis
        raise RuntimeError(f"size mismatch (got input: {list(self.shape)} , target: {list(target.shape)}")
    return _nll(self, target, weight, reduction, ignore_index)


@composite("nll_loss_nd(Tensor self, Tensor target, Tensor? weight=None, int reduction=Mean, int ignore_index=-100) -> Tensor", ns=None,
           quick="nll_loss_forward(self, target, weight, reduction, ignore_index)")
def nll_loss_nd(self, target, weight, reduction, ignore_index):
    """Negative log likelihood of classes `target` under log-probabilities [N, C, *] or [C]."""
    dim = self.dim()
    if dim < 1:
        raise ValueError(f"Expected 1 or more dimensions (got {dim})")
    if dim != 1 and (target.dim() == 0 or self.shape[0] != target.shape[0]):
        raise ValueError(f"Expected input batch_size ({self.shape[0]}) to match target batch_size ({target.shape[0] if target.dim() else 1}).")
    if weight is not None and weight.dtype is not self.dtype:
        raise RuntimeError(f"expected scalar type {self.dtype.type_name} but found {weight.dtype.type_name}")
    if dim <= 2:
        return T.nll_loss_forward(self, target, weight, reduction, ignore_index)[0]
    if dim == 4:
        return T.nll_loss2d_forward(self, target, weight, reduction, ignore_index)[0]
    n, c = self.shape[:2]
    shape = (n, *self.shape[2:])
    if tuple(target.shape) != shape:
        raise RuntimeError(f"Expected target size {list(shape)}, got {list(target.shape)}")
    rows = math.prod(self.shape[2:])
    flat, labels = self.contiguous().view(n, c, 1, rows), target.contiguous().view(n, 1, rows)
    out = T.nll_loss2d_forward(flat, labels, weight, reduction, ignore_index)[0]
    return out.view(shape) if reduction == NONE else out


def _probability_loss(x, target, weight, reduction, axis, smoothing):
    if not target.dtype.is_floating_point:
        raise RuntimeError(f"Expected floating point type for target with class probabilities, got {target.dtype.type_name}")
    classes = x.shape[axis]
    if smoothing > 0:
        target = target * (1 - smoothing) + smoothing / classes
    loss = x.log_softmax(axis) * target
    if weight is not None:
        loss = loss * weight.reshape(-1, *(1,) * (x.dim() - axis - 1))
    if reduction == NONE:
        return -loss.sum(axis)
    loss = -loss.sum()
    return loss if reduction == SUM else T._div_number(loss, x.numel() / classes)


def _smoothed_loss(x, target, weight, reduction, ignore_index, axis, smoothing):
    x = x.log_softmax(axis)
    hard = T.nll_loss_nd(x, target, weight, reduction, ignore_index)
    soft = -(x if weight is None else x * weight.reshape(-1, *(1,) * (x.dim() - axis - 1))).sum(axis)
    ignored = target == ignore_index
    soft = soft.masked_fill(ignored, 0)
    if reduction == MEAN:
        if weight is None:
            count = (~ignored).sum()
        else:
            count = weight[target.masked_fill(ignored, 0)].masked_fill(ignored, 0).sum()
        soft = soft.sum() / count
    elif reduction == SUM:
        soft = soft.sum()
    return hard * (1 - smoothing) + soft * (smoothing / x.shape[axis])


@composite("cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=Mean, int ignore_index=-100, float label_smoothing=0.0) "
           "-> Tensor", ns=None)
def cross_entropy_loss(self, target, weight, reduction, ignore_index, label_smoothing):
    """-log softmax(x)[y] for classes y, or -sum_c y_c log softmax(x)_c for probabilities y, of logits [N, C, *] or [C]."""
    axis = 0 if self.dim() == 1 else 1
    if not 0 <= label_smoothing <= 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    if weight is not None and (weight.dim() != 1 or (self.dim() > 0 and weight.numel() != self.shape[axis])):
        raise RuntimeError("weight tensor should be defined either for all "
                           f"{self.shape[axis]} classes or no classes but got weight tensor of shape: {list(weight.shape)}")
    if self.shape == target.shape:
        if target.dtype.is_floating_point and ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        return _probability_loss(self, target, weight, reduction, axis, label_smoothing)
    if label_smoothing > 0:
        return _smoothed_loss(self, target, weight, reduction, ignore_index, axis, label_smoothing)
    return T.nll_loss_nd(self.log_softmax(axis), target, weight, reduction, ignore_index)


# ---- margins
def _rows(x):
    """[N, C] of [N, C], [C] or []."""
    return x if x.ndim == 2 else x.reshape(1, x.size)


def _multi_margin(x, target, p, margin):
    """Rows [N, C], z = margin - x[y] + x, and where it counts."""
    rows = _rows(x)
    if x.ndim > 2 or rows.shape[1] == 0:
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(x.shape)}")
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    if target.ndim > 1 or target.size != len(rows):
        raise RuntimeError("multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). Expected target "
                           f"size [{len(rows)}], but got {list(target.shape)}. Input has shape {list(x.shape)}.")
    if target.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {type_name(target)}")
    target = target.reshape(-1, 1)
    if ((target < 0) | (target >= rows.shape[1])).any():
        raise RuntimeError("target out of range")
    z = margin - np.take_along_axis(rows, target, 1) + rows
    counts = z > 0
    np.put_along_axis(counts, target, False, 1)
    return z, counts, target


@primitive("multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None, int reduction=Mean) -> Tensor", ns=None,
           self=lambda grad, self, target, p, margin, weight, reduction:
               T.multi_margin_loss_backward(grad, self, target, p, margin, weight, reduction))
def multi_margin_loss(self, target, p, margin, weight, reduction):
    """sum_{c != y} w[y] max(0, margin - x[y] + x[c])^p / C."""
    classes = self.shape[-1] if self.ndim else 1
    if weight is not None and weight.size != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight.shape)}")
    if self.dtype.kind != "f":
        refuse("multi_margin_loss_cpu_kernel", self)
    z, counts, target = _multi_margin(self, target, p, margin)
    loss = np.where(counts, z if p == 1 else z * z, 0).sum(1, dtype=self.dtype) / self.dtype.type(classes)
    if weight is not None:
        loss = loss * weight[target[:, 0]]
    return _reduce(loss.reshape(self.shape[:-1]), reduction)


@primitive("multi_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, Scalar p, Scalar margin, Tensor? weight, int reduction) -> Tensor",
           ns=None, nograd=True)
def multi_margin_loss_backward(grad_output, self, target, p, margin, weight, reduction):
    """The gradient of `multi_margin_loss` by its input."""
    z, counts, target = _multi_margin(self, target, p, margin)
    g = np.where(counts, 1 if p == 1 else 2 * z, 0).astype(self.dtype) / self.dtype.type(z.shape[1])
    np.put_along_axis(g, target, -g.sum(1, keepdims=True), 1)
    if weight is not None:
        g *= weight[target]
    grad = grad_output / self.dtype.type(len(z)) if reduction == MEAN else grad_output
    return (g * (grad.reshape(-1, 1) if reduction == NONE else grad)).reshape(self.shape)


def _multilabel(x, target):
    """Labels [N, C] before the first -1 (else 0), which of them are valid, which classes are labels, and z = 1 - x[label] + x > 0 pairs."""
    if x.dtype.kind != "f":
        refuse("multilabel_margin_loss_forward_out_frame", x)
    if x.ndim > 2 or (x.ndim and x.shape[-1] == 0):
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {list(x.shape)}")
    if target.shape != x.shape:
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: {list(x.shape)}")
    rows = _rows(x)
    target = target.reshape(rows.shape)
    if target.size and (target.min() < -1 or target.max() >= rows.shape[1]):
        raise RuntimeError("argument #2 'target' is out of range")
    valid = np.cumsum(target < 0, 1) == 0
    labels = np.where(valid, target, 0)
    is_target = np.zeros(rows.shape, bool)
    for k in range(rows.shape[1]):
        is_target[np.flatnonzero(valid[:, k]), labels[valid[:, k], k]] = True
    z = 1 - np.take_along_axis(rows, labels, 1)[:, :, None] + rows[:, None, :]
    return labels, is_target, z, valid[:, :, None] & ~is_target[:, None, :] & (z > 0)


@primitive("multilabel_margin_loss_forward(Tensor self, Tensor target, int reduction) -> (Tensor output, Tensor is_target)", ns=None,
           node="MultilabelMarginLossBackward0",
           self=lambda grad, self, target, reduction: T.multilabel_margin_loss_backward(grad, self, target, reduction))
def multilabel_margin_loss_forward(self, target, reduction):
    """sum_{labels y, other classes c} max(0, 1 - x[y] + x[c]) / C; labels end at the first -1."""
    _, is_target, z, counts = _multilabel(self, target)
    loss = np.where(counts, z, 0).sum((1, 2), dtype=self.dtype) / self.dtype.type(max(z.shape[1], 1))
    return [_reduce(loss.reshape(self.shape[:-1]), reduction), is_target.reshape(self.shape).astype(self.dtype)]


@primitive("multilabel_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, int reduction) -> Tensor", ns=None, nograd=True)
def multilabel_margin_loss_backward(grad_output, self, target, reduction):
    """The gradient of `multilabel_margin_loss` by its input."""
    labels, _, z, counts = _multilabel(self, target)
    g = counts.sum(1).astype(self.dtype)
    np.subtract.at(g, (np.arange(len(g))[:, None], labels), counts.sum(2).astype(self.dtype))
    grad = grad_output / self.dtype.type(len(g)) if reduction == MEAN else grad_output
    return (g / self.dtype.type(max(g.shape[1], 1)) * (grad.reshape(-1, 1) if reduction == NONE else grad)).reshape(self.shape)


@composite("multilabel_margin_loss(Tensor self, Tensor target, int reduction=Mean) -> Tensor", ns=None)
def multilabel_margin_loss(self, target, reduction):
    """Hinge loss between each label and each other class."""
    return T.multilabel_margin_loss_forward(self, target, reduction)[0]


@composite("hinge_embedding_loss(Tensor self, Tensor target, float margin=1.0, int reduction=Mean) -> Tensor")
def hinge_embedding_loss(self, target, margin, reduction):
    """x where y = 1, max(0, margin - x) where y = -1."""
    apart = (margin - self).clamp_min(0).masked_fill(target == 1, 0)
    return _reduced(apart + self.masked_fill(target == -1, 0), reduction)


@composite("cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=Mean) -> Tensor")
def cosine_embedding_loss(input1, input2, target, margin, reduction):
    """1 - cos(a, b) where y = 1, max(0, cos(a, b) - margin) where y = -1."""
    sizes = f"{list(input1.shape)} and {list(input2.shape)}"
    if target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if target.dim() == 1 and (input1.dim() != 2 or input2.dim() != 2):
        raise RuntimeError(f"1D target tensor expects 2D input tensors, but found inputs with sizes {sizes}.")
    if target.dim() == 0 and (input1.dim() != 1 or input2.dim() != 1):
        raise RuntimeError(f"0D target tensor expects 1D input tensors, but found inputs with sizes {sizes}.")
    dim = target.dim()
    norm = ((input1.square().sum(dim) + 1e-12) * (input2.square().sum(dim) + 1e-12)).sqrt()
    cosine = (input1 * input2).sum(dim) / norm
    near = (1 - cosine).masked_fill(target != 1, 0)
    apart = (cosine - margin).clamp_min(0).masked_fill(target != -1, 0)
    return _reduced(near + apart, reduction)


@composite("margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float margin=0.0, int reduction=Mean) -> Tensor")
def margin_ranking_loss(input1, input2, target, margin, reduction):
    """max(0, margin - y (a - b))."""
    return _reduced((-target * (input1 - input2) + margin).clamp_min(0), reduction)


@composite("triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float margin=1.0, float p=2, float eps=1e-06, bool swap=False, "
           "int reduction=Mean) -> Tensor")
def triplet_margin_loss(anchor, positive, negative, margin, p, eps, swap, reduction):
    """max(0, margin + |a - p| - |a - n|); `swap`: |p - n| instead, if smaller; source: Balntas et al. 2016."""
    if not anchor.dim() == positive.dim() == negative.dim():
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: anchor "
                           f"{anchor.dim()}D, positive {positive.dim()}D, and negative {negative.dim()}D inputs")
    if margin <= 0:
        raise RuntimeError(f"margin must be greater than 0, got {margin:g}")
    near, apart = T.pairwise_distance(anchor, positive, p, eps), T.pairwise_distance(anchor, negative, p, eps)
    if swap:
        apart = T.minimum(apart, T.pairwise_distance(positive, negative, p, eps))
    return _reduced((margin + near - apart).clamp_min(0), reduction)
