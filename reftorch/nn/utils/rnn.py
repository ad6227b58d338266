"""Sequences of different lengths: packed one after another, or padded to the longest."""
from collections.abc import Iterable
from typing import NamedTuple

import reftorch as torch

from ...core import T


class PackedSequence_(NamedTuple):
    """The fields of PackedSequence."""
    data: object
    batch_sizes: object
    sorted_indices: object
    unsorted_indices: object


def _maybe(fn, tensor):
    return None if tensor is None else fn(tensor)


class PackedSequence(PackedSequence_):
    """The steps of sequences of falling length: step t is the next batch_sizes[t] rows of `data`.

    sorted_indices: the order in which the sequences were put; unsorted_indices: the way back.
    """

    def __new__(cls, data, batch_sizes=None, sorted_indices=None, unsorted_indices=None):
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:                  # called with a pair
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def pin_memory(self):
        """Pin the data; the batch sizes stay."""
        return type(self)(self.data.pin_memory(), self.batch_sizes, _maybe(lambda t: t.pin_memory(), self.sorted_indices),
                          _maybe(lambda t: t.pin_memory(), self.unsorted_indices))

    def to(self, *args, **kwargs):
        """The same sequences with `data` converted."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def cuda(self, *args, **kwargs):
        """Refuses: this is a CPU build."""
        return self.to(*args, device="cuda", **kwargs)

    def cpu(self, *args, **kwargs):
        """Move to the CPU, where it is."""
        return self.to(*args, **kwargs) if args or kwargs else self

    def double(self):
        """`data` as float64."""
        return self.to(dtype=torch.double)

    def float(self):
        """`data` as float32."""
        return self.to(dtype=torch.float)

    def half(self):
        """`data` as float16."""
        return self.to(dtype=torch.half)

    def long(self):
        """`data` as int64."""
        return self.to(dtype=torch.long)

    def int(self):
        """`data` as int32."""
        return self.to(dtype=torch.int)

    def short(self):
        """`data` as int16."""
        return self.to(dtype=torch.short)

    def char(self):
        """`data` as int8."""
        return self.to(dtype=torch.int8)

    def byte(self):
        """`data` as uint8."""
        return self.to(dtype=torch.uint8)

    @property
    def is_cuda(self):
        """Whether `data` is on a GPU."""
        return self.data.is_cuda

    def is_pinned(self):
        """Whether `data` lies in pinned memory."""
        return self.data.is_pinned()


def invert_permutation(permutation):
    """The permutation that undoes this one; None for None."""
    if permutation is None:
        return None
    places = torch.arange(permutation.numel(), device=permutation.device)
    return torch.empty_like(permutation).scatter_(0, permutation, places)


def pack_padded_sequence(input, lengths, batch_first=False, enforce_sorted=True):
    """Pack padded sequences (T, N, *) of these lengths; they must fall unless `enforce_sorted` is False."""
    lengths = lengths.to(dtype=torch.int64) if isinstance(lengths, torch.Tensor) else torch.as_tensor(lengths, dtype=torch.int64)
    order = None
    if not enforce_sorted:
        lengths, order = torch.sort(lengths, descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    data, batch_sizes = torch._pack_padded_sequence(input, lengths, batch_first)
    return PackedSequence(data, batch_sizes, order, None)


def pad_packed_sequence(sequence, batch_first=False, padding_value=0.0, total_length=None):
    """(padded sequences (T, N, *), lengths), in the order before packing."""
    steps = sequence.batch_sizes.size(0)
    if total_length is not None:
        if total_length < steps:
            raise ValueError("Expected total_length to be at least the length of the longest sequence in input, but got "
                             f"total_length={total_length} and max sequence length being {steps}")
        steps = total_length
    padded, lengths = torch._pad_packed_sequence(sequence.data, sequence.batch_sizes, batch_first, padding_value, steps)
    back = sequence.unsorted_indices
    return (padded, lengths) if back is None else (padded.index_select(0 if batch_first else 1, back), lengths[back])


def pad_sequence(sequences, batch_first=False, padding_value=0.0, padding_side="right"):
    """Sequences (L, *) stacked to (T, N, *), or (N, T, *) if `batch_first`, with `padding_value` where they are shorter than T."""
    if not isinstance(sequences, Iterable):
        raise RuntimeError(f"pad_sequence: Expected iterable for input sequences, but got arg of type: {type(sequences)}")
    return T.pad_sequence(tuple(sequences), batch_first, padding_value, padding_side)


def unpad_sequence(padded_sequences, lengths, batch_first=False):
    """The sequences (L, *) of a padded batch."""
    if not batch_first:
        padded_sequences.transpose_(0, 1)        # torch: in place
    steps = torch.arange(padded_sequences.shape[1], device=lengths.device)
    return [sequence[steps < length] for sequence, length in zip(padded_sequences, lengths, strict=True)]


def pack_sequence(sequences, enforce_sorted=True):
    """Pack a list of sequences (L, *)."""
    lengths = torch.as_tensor([v.size(0) for v in sequences])
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences):
    """The list of sequences (L, *) that were packed."""
    return unpad_sequence(*pad_packed_sequence(packed_sequences, batch_first=True), batch_first=True)
