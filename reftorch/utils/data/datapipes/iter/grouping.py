"""Datapipes that put items together and apart."""
import itertools
from collections import defaultdict

from .._decorator import functional_datapipe
from ..datapipe import DataChunk, IterDataPipe
from ..utils.common import warn_if_unpicklable


@functional_datapipe("batch")
class BatcherIterDataPipe(IterDataPipe):
    """Lists of `batch_size` items; the last may be shorter, unless `drop_last`."""

    def __init__(self, datapipe, batch_size, drop_last=False, wrapper_class=DataChunk):
        if batch_size <= 0:
            raise AssertionError("Batch size is required to be larger than 0!")
        self.datapipe, self.batch_size, self.drop_last, self.wrapper_class = datapipe, batch_size, drop_last, wrapper_class

    def __iter__(self):
        items = iter(self.datapipe)
        while batch := list(itertools.islice(items, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.wrapper_class(batch)

    def __len__(self):
        if not hasattr(type(self.datapipe), "__len__"):
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        full, rest = divmod(len(self.datapipe), self.batch_size)
        return full + (rest > 0 and not self.drop_last)


@functional_datapipe("unbatch")
class UnBatcherIterDataPipe(IterDataPipe):
    """The members of the items, `unbatch_level` levels deep; -1 for all levels."""

    def __init__(self, datapipe, unbatch_level=1):
        self.datapipe, self.unbatch_level = datapipe, unbatch_level

    def __iter__(self):
        for element in self.datapipe:
            yield from self._dive(element, self.unbatch_level)

    def _dive(self, element, level):
        if level < -1:
            raise ValueError("unbatch_level must be -1 or >= 0")
        if level == 0 or (level == -1 and not isinstance(element, list)):
            yield element
        elif isinstance(element, list):
            for item in element:
                yield from self._dive(item, level if level == -1 else level - 1)
        else:
            raise IndexError(f"unbatch_level {self.unbatch_level} exceeds the depth of the DataPipe")


@functional_datapipe("groupby")
class GrouperIterDataPipe(IterDataPipe):
    """Lists of items with the same key, given as soon as they are full, or when the buffer is."""

    def __init__(self, datapipe, group_key_fn, *, keep_key=False, buffer_size=10000, group_size=None, guaranteed_group_size=None,
                 drop_remaining=False):
        warn_if_unpicklable(group_key_fn)
        if guaranteed_group_size is not None and not (group_size is not None and 0 < guaranteed_group_size <= group_size):
            raise AssertionError("guaranteed_group_size must be > 0 and <= group_size and group_size must be set")
        if group_size is not None and buffer_size is not None and not 0 < group_size <= buffer_size:
            raise AssertionError("buffer_size must be set and >= group_size")
        self.datapipe, self.group_key_fn, self.keep_key, self.max_buffer_size = datapipe, group_key_fn, keep_key, buffer_size
        self.group_size, self.drop_remaining, self.wrapper_class = group_size, drop_remaining, DataChunk
        self.guaranteed_group_size = group_size if guaranteed_group_size is None else guaranteed_group_size

    def _result(self, key, items):
        items = self.wrapper_class(items)
        return (key, items) if self.keep_key else items

    def _make_room(self, groups):
        """The key of the largest group, which leaves the full buffer; None when its items are dropped."""
        key = max(groups, key=lambda k: len(groups[k]))
        if self.guaranteed_group_size is not None and len(groups[key]) < self.guaranteed_group_size:
            if not self.drop_remaining:
                raise RuntimeError("Failed to group items", str(groups[key]))
            del groups[key]
            return None
        return key

    def __iter__(self):
        groups = defaultdict(list)
        for item in self.datapipe:
            key = self.group_key_fn(item)
            groups[key].append(item)
            if self.group_size is not None and self.group_size == len(groups[key]):
                yield self._result(key, groups.pop(key))
            if sum(map(len, groups.values())) == self.max_buffer_size:
                largest = self._make_room(groups)
                if largest is not None:
                    yield self._result(largest, groups.pop(largest))
        for key in tuple(groups):
            yield self._result(key, groups.pop(key))
