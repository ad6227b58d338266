"""Connectionist temporal classification; source: Graves et al. 2006.

A target l of length L is read as l' = blank l1 blank l2 ... blank, of length 2L + 1.  With p(t, s) the log-probability of l'_s at time t,
    alpha(t, s) = p(t, s) + log sum of exp alpha(t-1, s), alpha(t-1, s-1) and, if l'_s differs from l'_{s-2}, alpha(t-1, s-2)
is the log-probability of all ways to be at s at time t; beta is the same from the end.
"""
import numpy as np

from ..core import T, composite, primitive
from ..core._core import from_array

NONE, MEAN = 0, 1


def _padded(targets, lengths):
    """Targets [N, longest]; given either so or one after another."""
    longest = max(lengths, default=0)
    if targets.ndim == 2:
        return targets[:, :longest].astype(np.int64)
    out = np.zeros((len(lengths), longest), np.int64)
    start = 0
    for row, n in zip(out, lengths, strict=True):
        row[:n] = targets[start:start + n]
        start += n
    return out


def _states(log_probs, targets, lengths, blank):
    """l' [N, S], p [T, N, S], and where s may be reached from s - 2."""
    labels = _padded(targets, lengths)
    states = np.full((len(labels), 2 * labels.shape[1] + 1), blank, np.int64)
    states[:, 1::2] = labels
    skip = np.zeros(states.shape, bool)
    skip[:, 2:] = (states[:, 2:] != states[:, :-2]) & (states[:, 2:] != blank)
    skip[:, 3::2] = states[:, 3::2] != states[:, 1:-2:2]
    p = np.take_along_axis(log_probs, np.broadcast_to(states, (len(log_probs), *states.shape)), 2)
    beyond = np.arange(states.shape[1]) > 2 * np.asarray(lengths)[:, None]
    return states, np.where(beyond, -np.inf, p), skip


def _step(a, p, skip):
    """alpha at the next time."""
    total = a.copy()
    total[:, 1:] = np.logaddexp(total[:, 1:], a[:, :-1])
    total[:, 2:] = np.where(skip[:, 2:], np.logaddexp(total[:, 2:], a[:, :-2]), total[:, 2:])
    return total + p


def _check(log_probs, targets, input_lengths, target_lengths, blank):
    where = "(while checking arguments for ctc_loss_allocate_outputs)"
    time, batch, classes = log_probs.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    if len(input_lengths) != batch:
        raise RuntimeError("input_lengths must be of size batch_size")
    if len(target_lengths) != batch:
        raise RuntimeError("target_lengths must be of size batch_size")
    longest = max(target_lengths, default=0)
    if targets.ndim == 2 and targets.shape[1] < longest:
        raise RuntimeError(f"Expected tensor to have size at least {longest} at dimension 1, but got size {targets.shape[1]} for argument #2 'targets' "
                           f"{where}")
    if max(input_lengths, default=0) > time:
        raise RuntimeError(f"Expected input_lengths to have value at most {time}, but got value {max(input_lengths)} {where}")
    if min((*input_lengths, *target_lengths), default=0) < 0:
        raise RuntimeError("Expected lengths to be non-negative")


@primitive("_ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int blank=0, bool zero_infinity=False) -> "
           "(Tensor, Tensor)", node="CtcLossBackward0",
           log_probs=lambda grad, log_probs, targets, input_lengths, target_lengths, result0, result1, blank, zero_infinity:
               T._ctc_loss_backward(grad, log_probs, targets, input_lengths, target_lengths, result0.detach(), result1.detach(), blank, zero_infinity))
def _ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, zero_infinity):
    """The negative log-probability of each target [N], and alpha [N, T, S]; log_probs [T, N, C]."""
    _check(log_probs, targets, input_lengths, target_lengths, blank)
    _, p, skip = _states(log_probs, targets, target_lengths, blank)
    rows = np.arange(p.shape[1])
    alpha = np.full(p.shape, -np.inf, p.dtype)
    alpha[:1, :, :2] = p[:1, :, :2]
    for t in range(1, len(p)):
        alpha[t] = _step(alpha[t - 1], p[t], skip)
    last, end = np.asarray(input_lengths, np.int64), 2 * np.asarray(target_lengths, np.int64)
    if not len(p):
        return [np.where(end == 0, 0, np.inf).astype(p.dtype), alpha.swapaxes(0, 1)]
    final = alpha[last - 1, rows]
    total = np.logaddexp(final[rows, end], np.where(end > 0, final[rows, end - 1], -np.inf))
    # no time to read anything: certain for an empty target, impossible for another
    total = np.where(last == 0, np.where(end == 0, 0, -np.inf), total).astype(p.dtype)
    return [-total, alpha.swapaxes(0, 1)]


@primitive("_ctc_loss_backward(Tensor grad, Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, Tensor neg_log_likelihood, "
           "Tensor log_alpha, int blank, bool zero_infinity=False) -> Tensor", ns=None, nograd=True)
def _ctc_loss_backward(grad, log_probs, targets, input_lengths, target_lengths, neg_log_likelihood, log_alpha, blank, zero_infinity):
    """exp(log_probs) - sum over s with l'_s = c of exp(alpha + beta + nll - log_probs), as for log_probs that came out of log_softmax."""
    states, p, skip = _states(log_probs, targets, target_lengths, blank)
    rows, end = np.arange(p.shape[1]), 2 * np.asarray(target_lengths, np.int64)
    last = np.asarray(input_lengths, np.int64) - 1
    beta = np.full(p.shape, -np.inf, p.dtype)
    onward = np.zeros_like(skip)
    onward[:, :-2] = skip[:, 2:]
    start = np.full(p.shape[1:], -np.inf, p.dtype)
    start[rows, end] = 0
    start[rows[end > 0], end[end > 0] - 1] = 0
    b = start
    for t in reversed(range(len(p))):
        b = _step(b[:, ::-1], p[t][:, ::-1], onward[:, ::-1])[:, ::-1] if t < len(p) - 1 else b
        b = np.where((last == t)[:, None], start + p[t], b)
        beta[t] = np.where((last >= t)[:, None], b, -np.inf)
    both = log_alpha.swapaxes(0, 1) + beta
    summed = np.full(log_probs.shape, -np.inf, p.dtype)
    for s in range(states.shape[1]):
        at = (slice(None), rows, states[:, s])
        summed[at] = np.logaddexp(summed[at], both[:, :, s])
    out = np.exp(log_probs) - np.exp(summed + neg_log_likelihood[:, None] - log_probs)
    out *= grad[:, None]
    out[np.arange(len(p))[:, None] > last] = 0
    if zero_infinity:
        out[:, np.isinf(neg_log_likelihood)] = 0
    return out


@composite("ctc_loss.IntList(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, int blank=0, int reduction=Mean, "
           "bool zero_infinity=False) -> Tensor",
           "ctc_loss.Tensor(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, int blank=0, int reduction=Mean, "
           "bool zero_infinity=False) -> Tensor")
def ctc_loss(log_probs, targets, input_lengths, target_lengths, blank, reduction, zero_infinity):
    """-log of the probability that log_probs [T, N, C] or [T, C] read as `targets`; the mean is over losses divided by target lengths."""
    batched = log_probs.dim() == 3
    if not batched:
        log_probs = log_probs.unsqueeze(1)
    lengths = [tuple(v.reshape(-1).tolist()) if hasattr(v, "tolist") else tuple(v) for v in (input_lengths, target_lengths)]
    if not batched and targets.dim() == 1:
        targets = targets.unsqueeze(0)
    loss = T._ctc_loss(log_probs, targets, *lengths, blank, zero_infinity)[0]
    if zero_infinity:
        loss = T.where(loss == float("inf"), T.zeros_like(loss), loss)
    if reduction == MEAN:
        per_label = np.maximum(lengths[1], 1).astype(loss._array.dtype)
        return (loss / from_array(per_label)).mean()
    if reduction != NONE:
        return loss.sum()
    return loss if batched else loss.squeeze(0)
