"""Connectionist temporal classification; source: Graves et al. 2006.

A target l of length L is read as l' = blank l1 blank l2 ... blank, of length 2L + 1.  With p(t, s) the log-probability of l'_s at time t,
    alpha(t, s) = p(t, s) + log sum of exp alpha(t-1, s), alpha(t-1, s-1) and, if l'_s differs from l'_{s-2}, alpha(t-1, s-2)
is the log-probability of all ways to be at s at time t; beta is the same from the end.
"""
import numpy as np

from ..core import T, composite, primitive
from ..core._core import from_array
from ..kernels import ctc as kernel

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


def _states(log_probs, targets, input_lengths, target_lengths, blank):
    """l' [N, S], the times to read and the last state of each target, as the kernel takes them."""
    labels = _padded(targets, target_lengths)
    states = np.full((len(labels), 2 * labels.shape[1] + 1), blank, np.int64)
    states[:, 1::2] = labels
    ends = 2 * np.array(target_lengths, np.int64)
    used = states[np.arange(states.shape[1]) <= ends[:, None]]
    if used.size and not 0 <= used.min() <= used.max() < log_probs.shape[2]:
        raise IndexError("ctc_loss: a target is no class")    # torch: reads beyond log_probs
    return states, np.array(input_lengths, np.int64), ends


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
    return list(kernel.forward(np.ascontiguousarray(log_probs), *_states(log_probs, targets, input_lengths, target_lengths, blank)))


@primitive("_ctc_loss_backward(Tensor grad, Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, Tensor neg_log_likelihood, "
           "Tensor log_alpha, int blank, bool zero_infinity=False) -> Tensor", ns=None, nograd=True)
def _ctc_loss_backward(grad, log_probs, targets, input_lengths, target_lengths, neg_log_likelihood, log_alpha, blank, zero_infinity):
    """exp(log_probs) - sum over s with l'_s = c of exp(alpha + beta + nll - log_probs), as for log_probs that came out of log_softmax."""
    states, reads, ends = _states(log_probs, targets, input_lengths, target_lengths, blank)
    arrays = [np.ascontiguousarray(a) for a in (log_probs, log_alpha, neg_log_likelihood)]
    out = kernel.backward(*arrays, states, reads, ends)
    out *= grad[:, None]
    out[np.arange(len(out))[:, None] >= reads] = 0
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
