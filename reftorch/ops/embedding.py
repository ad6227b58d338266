"""Rows of a table picked by index, alone (embedding) or combined over bags (embedding_bag); one-hot vectors."""
import numpy as np

from ..core import DTYPES, T, composite, primitive
from ..core._core import from_array
from ..kernels import rows as kernel
from ._common import type_name
from ._windows import add_rows

SUM, MEAN, MAX = 0, 1, 2


def _check_indices(indices, rows, name="indices", op="embedding"):
    if indices.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"Expected tensor for argument #1 '{name}' to have one of the following scalar types: Long, Int; but got "
                           f"torch.{type_name(indices)}Tensor instead (while checking arguments for {op})")
    if indices.size and (indices.min() < 0 or indices.max() >= rows):
        raise IndexError("index out of range in self")


@primitive("embedding(Tensor weight, Tensor indices, int padding_idx=-1, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor", half=False,
           jvp="linear", quick="rows:embedding",
           weight=lambda grad, weight_shape, indices, padding_idx, scale_grad_by_freq:
               T.embedding_dense_backward(grad, indices, weight_shape[0], padding_idx, scale_grad_by_freq))
def embedding(weight, indices):
    """weight[indices]: rows of [V, D] at [*], as [*, D]."""
    if weight.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    made = kernel.pick(weight, indices)
    if made is None:
        _check_indices(indices, len(weight))
        return weight[indices]
    return made


def _row_scale(indices, num_weights, padding_idx, scale_grad_by_freq, dtype):
    """What the gradient of each picked row is multiplied by; None for 1."""
    if padding_idx < 0 and not scale_grad_by_freq:
        return None
    scale = (indices != padding_idx).astype(dtype)
    if scale_grad_by_freq:
        scale /= np.maximum(np.bincount(indices[indices != padding_idx], minlength=num_weights), 1)[indices]
    return scale


@primitive("embedding_dense_backward(Tensor grad_output, Tensor indices, int num_weights, int padding_idx, bool scale_grad_by_freq) -> Tensor", jvp="linear",
           grad_output=lambda grad, indices, num_weights, padding_idx, scale_grad_by_freq:
               T._embedding_rows(grad, indices, padding_idx, scale_grad_by_freq))
def embedding_dense_backward(grad_output, indices, num_weights, padding_idx, scale_grad_by_freq):
    """The gradients of picked rows added up in [V, D]; none for `padding_idx`."""
    indices = indices.ravel()
    grad = grad_output.reshape(indices.size, grad_output.shape[-1])
    total = np.zeros((num_weights, grad.shape[1]), grad.dtype)
    scale = _row_scale(indices, num_weights, padding_idx, scale_grad_by_freq, grad.dtype)
    if not kernel.add_rows(total, grad, None, indices, scale):
        add_rows(total, indices, grad if scale is None else grad * scale[:, None])
    return total


@primitive("_embedding_rows(Tensor self, Tensor indices, int padding_idx, bool scale_grad_by_freq) -> Tensor", ns=None, jvp="linear",
           self=lambda grad, self_shape, indices, padding_idx, scale_grad_by_freq:
               T.embedding_dense_backward(grad, indices, self_shape[0], padding_idx, scale_grad_by_freq))
def _embedding_rows(self, indices, padding_idx, scale_grad_by_freq):
    """The adjoint of `embedding_dense_backward`."""
    scale = _row_scale(indices.ravel(), len(self), padding_idx, scale_grad_by_freq, self.dtype)
    return self[indices] if scale is None else self[indices] * scale.reshape(*indices.shape, 1)


@primitive("embedding_renorm_(Tensor(a!) self, Tensor indices, float max_norm, float norm_type) -> Tensor(a!)", nograd=True)
def embedding_renorm_(self, indices, max_norm, norm_type):
    """Scale the picked rows whose p-norm is above `max_norm` down to it, in place."""
    _check_indices(indices, len(self))
    rows = np.unique(indices)
    norm = np.linalg.norm(self[rows], norm_type, axis=1, keepdims=True)
    # torch: a little less than max_norm, 1e-7 guards the division
    self[rows] = np.where(norm > max_norm, self[rows] * (max_norm / (norm + 1e-7)).astype(self.dtype), self[rows])
    return self


# ---- bags
def _bags(indices, offsets, include_last_offset):
    """For each index its bag, and the number of bags."""
    count = len(offsets) - include_last_offset
    start = offsets[:count]
    length = np.diff(start, append=indices.size)
    if count and length.min() >= 0:
        return np.repeat(np.arange(count), length), count
    return np.searchsorted(start, np.arange(indices.size), side="right") - 1, count


def _check_bags(weight, indices, offsets):
    if indices.size and (indices.min() < 0 or indices.max() >= len(weight)):
        raise RuntimeError("Expected i < index_size to be true, but got false.  (Could this error message be improved?  If so, please report an "
                           "enhancement request to PyTorch.)")
    if offsets.size and offsets[0] != 0:
        raise RuntimeError(f"offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {offsets[0]}"
                           "\n[ torch.LongTensor{} ]")
    if offsets.size and offsets[-1] > indices.size:
        raise RuntimeError(f"offsets[-1] can not be greater than input's length {indices.size} but got offsets[-1] of {offsets[-1]}")


@primitive("_embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, bool sparse=False, "
           "Tensor? per_sample_weights=None, bool include_last_offset=False, int padding_idx=-1) -> (Tensor, Tensor, Tensor, Tensor)",
           quick="rows:bag_sums",
           weight=lambda grad, weight_shape, indices, offsets, result1, result2, result3, scale_grad_by_freq, mode, per_sample_weights, padding_idx:
               T._embedding_bag_dense_backward(grad, indices, offsets, result1, result2, result3, weight_shape[0], scale_grad_by_freq, mode,
                                               per_sample_weights, padding_idx),
           per_sample_weights=lambda grad, weight, indices, offsets, result1, padding_idx:
               T._embedding_bag_per_sample_weights_backward(grad, weight, indices, offsets, result1, padding_idx))
def _embedding_bag(weight, indices, offsets, mode, per_sample_weights, include_last_offset, padding_idx):
    """The sum, mean or maximum of the rows of each bag; also each index's bag, bag sizes without padding, and where maxima came from."""
    if mode != MAX and padding_idx < 0:
        made = kernel.bag_sums(weight, indices, offsets, per_sample_weights, mode == MEAN, include_last_offset)
        if made is not None:
            return made
    indices, offsets = indices.astype(np.int64, copy=False), offsets.astype(np.int64, copy=False)
    _check_bags(weight, indices, offsets)
    bag, count = _bags(indices, offsets, include_last_offset)
    kept = indices != padding_idx
    size = np.bincount(bag[kept], minlength=count)
    out = np.zeros((count, weight.shape[1]), weight.dtype)
    if mode == MAX:
        best = np.zeros((count, weight.shape[1]), np.int64)
        seen = np.zeros(count, bool)
        rows = weight[indices]
        for i in np.flatnonzero(kept):
            b = bag[i]
            m = (rows[i] > out[b]) | ~seen[b]
            out[b], best[b], seen[b] = np.where(m, rows[i], out[b]), np.where(m, indices[i], best[b]), True
        return [out, bag, size, best]
    factors = None if per_sample_weights is None else per_sample_weights[kept]
    if not kernel.add_rows(out, weight, indices[kept], bag[kept], factors):
        rows = weight[indices[kept]]
        add_rows(out, bag[kept], rows if factors is None else rows * factors[:, None])
    if mode == MEAN:
        out /= np.maximum(size, 1)[:, None].astype(out.dtype)
        return [out, bag, size, size]
    return [out, bag, np.zeros(len(offsets), np.int64), np.zeros(len(offsets), np.int64)]       # torch: sums tell no sizes


def _bag_gradients(grad, indices, offsets, offset2bag):
    """The gradients of the bags, with zeros for what lies behind the last one, and the bag of each index."""
    if offset2bag.size or not indices.size:
        return grad, offset2bag
    bag = _bags(indices, offsets.astype(np.int64), False)[0]
    return grad if bag[-1] < len(grad) else np.append(grad, np.zeros_like(grad[:1]), 0), bag


@primitive("_embedding_bag_dense_backward(Tensor grad, Tensor indices, Tensor offsets, Tensor offset2bag, Tensor bag_size, Tensor maximum_indices, "
           "int num_weights, bool scale_grad_by_freq, int mode, Tensor? per_sample_weights, int padding_idx=-1) -> Tensor", ns=None, nograd=True)
def _embedding_bag_dense_backward(grad, indices, offsets, offset2bag, bag_size, maximum_indices, num_weights, scale_grad_by_freq, mode,
                                  per_sample_weights, padding_idx):
    """The gradient of `_embedding_bag` by its weight."""
    total = np.zeros((num_weights, grad.shape[1]), grad.dtype)
    if mode == MAX:
        bag = np.flatnonzero(bag_size)
        np.add.at(total, (maximum_indices[bag], np.arange(grad.shape[1])), grad[bag])
        return total
    scale = _row_scale(indices, num_weights, padding_idx, scale_grad_by_freq, grad.dtype)
    grad, bag = _bag_gradients(grad, indices, offsets, offset2bag)
    if mode == MEAN:
        scale = (1 if scale is None else scale) / np.maximum(bag_size, 1)[bag].astype(grad.dtype)
    if per_sample_weights is not None:
        scale = per_sample_weights if scale is None else scale * per_sample_weights
    if not kernel.add_rows(total, grad, bag, indices, scale):
        add_rows(total, indices, grad[bag] if scale is None else grad[bag] * scale[:, None])
    return total


@primitive("_embedding_bag_per_sample_weights_backward(Tensor grad, Tensor weight, Tensor indices, Tensor offsets, Tensor offset2bag, "
           "int padding_idx=-1) -> Tensor", ns=None, nograd=True)
def _embedding_bag_per_sample_weights_backward(grad, weight, indices, offsets, offset2bag, padding_idx):
    """The gradient of `_embedding_bag` by its sample weights: rows times gradients."""
    grad, bag = _bag_gradients(grad, indices, offsets, offset2bag)
    return np.where(indices != padding_idx, (weight[indices] * grad[bag]).sum(1), 0).astype(grad.dtype)


@composite("embedding_bag(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq=False, int mode=0, bool sparse=False, "
           "Tensor? per_sample_weights=None, bool include_last_offset=False) -> (Tensor, Tensor, Tensor, Tensor)",
           "embedding_bag.padding_idx(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, int mode, bool sparse, "
           "Tensor? per_sample_weights, bool include_last_offset, int? padding_idx) -> (Tensor, Tensor, Tensor, Tensor)")
def embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset, padding_idx=None):
    """Sums, means or maxima of the rows of each bag of indices."""
    if padding_idx is None:
        padding_idx = -1
    else:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise RuntimeError(f"padding_idx must be within the number of embeddings, {-weight.shape[0]} through {weight.shape[0] - 1}, but got "
                               f"{padding_idx}")
        padding_idx %= weight.shape[0]
    return tuple(T._embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset, padding_idx))


@composite("_bag_values(Tensor weight, Tensor indices, Tensor offsets, bool scale_grad_by_freq, int mode, bool sparse, Tensor? per_sample_weights=None, "
           "bool include_last_offset=False, int? padding_idx=None) -> Tensor", ns=None,
           quick="_embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset)")
def _bag_values(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset, padding_idx):
    """The first result of `embedding_bag`."""
    return T.embedding_bag(weight, indices, offsets, scale_grad_by_freq, mode, sparse, per_sample_weights, include_last_offset, padding_idx)[0]


@primitive("_row_starts(Tensor self) -> Tensor", ns=None, nograd=True, quick="rows:row_starts")
def _row_starts(self):
    """Where the rows of a matrix start, counted in its elements, in its dtype."""
    if self.shape[1] == 0:
        raise RuntimeError("step must be nonzero")
    return np.arange(0, self.size, self.shape[1], dtype=self.dtype)


@composite("one_hot(Tensor self, int num_classes=-1) -> Tensor", shown="tensor, num_classes=-1", ns="nn.functional")
def one_hot(self, num_classes):
    """1 at the class, 0 elsewhere: [*] to [*, classes]."""
    if self.dtype is not DTYPES["int64"]:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    labels = self._array
    if labels.size == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
        return from_array(np.zeros((*labels.shape, num_classes), np.int64))
    if labels.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(labels.max()) + 1
    elif num_classes < 1:
        raise RuntimeError("num_classes should be positive")
    elif labels.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return from_array((labels[..., None] == np.arange(num_classes)).astype(np.int64))
