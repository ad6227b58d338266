"""The indexed datapipes."""
import bisect
import copy
import itertools
import random
import warnings

from .._decorator import functional_datapipe
from ..datapipe import DataChunk, IterDataPipe, MapDataPipe
from ..iter.combinatorics import ShuffleMixin
from ..utils.common import warn_if_unpicklable


def _same(data):
    return data


class SequenceWrapperMapDataPipe(MapDataPipe):
    """The items of a sequence or mapping, of a deep copy of it unless told otherwise."""

    def __init__(self, sequence, deepcopy=True):
        self.sequence = sequence
        if deepcopy:
            try:
                self.sequence = copy.deepcopy(sequence)
            except TypeError:
                warnings.warn("The input sequence can not be deepcopied, please be aware of in-place modification would affect source data",
                              stacklevel=2)

    def __getitem__(self, index):
        return self.sequence[index]

    def __len__(self):
        return len(self.sequence)


@functional_datapipe("map")
class MapperMapDataPipe(MapDataPipe):
    """fn(item)."""

    def __init__(self, datapipe, fn=_same):
        warn_if_unpicklable(fn)
        self.datapipe, self.fn = datapipe, fn

    def __getitem__(self, index):
        return self.fn(self.datapipe[index])

    def __len__(self):
        return len(self.datapipe)


class _Several(MapDataPipe):
    def __init__(self, *datapipes):
        if len(datapipes) == 0:
            raise ValueError("Expected at least one DataPipe, but got nothing")
        if not all(isinstance(dp, MapDataPipe) for dp in datapipes):
            raise TypeError("Expected all inputs to be `MapDataPipe`")
        if not all(hasattr(type(dp), "__len__") for dp in datapipes):
            raise TypeError("Expected all inputs to be `Sized`")
        self.datapipes = datapipes


@functional_datapipe("concat")
class ConcaterMapDataPipe(_Several):
    """The items of the first source, then those of the next."""

    def __getitem__(self, index):
        ends = list(itertools.accumulate(len(dp) for dp in self.datapipes))
        if index >= ends[-1]:
            raise IndexError(f"Index {index} is out of range.")
        which = bisect.bisect_right(ends, index)
        return self.datapipes[which][index - (ends[which - 1] if which else 0)]

    def __len__(self):
        return sum(len(dp) for dp in self.datapipes)


@functional_datapipe("zip")
class ZipperMapDataPipe(_Several):
    """Tuples of one item of each source."""

    def __getitem__(self, index):
        items = []
        for dp in self.datapipes:
            try:
                items.append(dp[index])
            except IndexError as e:
                raise IndexError(f"Index {index} is out of range for one of the input MapDataPipes {dp}.") from e
        return tuple(items)

    def __len__(self):
        return min(len(dp) for dp in self.datapipes)


@functional_datapipe("batch")
class BatcherMapDataPipe(MapDataPipe):
    """Lists of `batch_size` items; the last may be shorter, unless `drop_last`."""

    def __init__(self, datapipe, batch_size, drop_last=False, wrapper_class=DataChunk):
        if batch_size <= 0:
            raise AssertionError("Batch size is required to be larger than 0!")
        self.datapipe, self.batch_size, self.drop_last, self.wrapper_class = datapipe, batch_size, drop_last, wrapper_class

    def __getitem__(self, index):
        places = range(index * self.batch_size, (index + 1) * self.batch_size)
        if places.start >= len(self.datapipe) or (self.drop_last and places.stop > len(self.datapipe)):
            raise IndexError(f"Index {index} is out of bound.")
        return self.wrapper_class([self.datapipe[i] for i in places if i < len(self.datapipe)])

    def __len__(self):
        full, rest = divmod(len(self.datapipe), self.batch_size)
        return full + (rest > 0 and not self.drop_last)


class ShufflerIterDataPipe(ShuffleMixin, IterDataPipe):
    """The items in random order; an iterable datapipe, for an indexed one has no order."""

    def __init__(self, datapipe, *, indices=None):
        self.datapipe, self.indices = datapipe, list(range(len(datapipe))) if indices is None else indices
        self._rng, self._shuffled_indices = random.Random(), self.indices

    def reset(self):
        """Draw the order of the next iterator."""
        if self._enabled:
            self._start()
            self._shuffled_indices = self._rng.sample(self.indices, len(self.indices))[::-1]      # torch: taken from its end

    def __iter__(self):
        for i in self._shuffled_indices if self._enabled else self.indices:
            yield self.datapipe[i]

    def __len__(self):
        return len(self.datapipe)


MapDataPipe.register_datapipe_as_function("shuffle", ShufflerIterDataPipe)
