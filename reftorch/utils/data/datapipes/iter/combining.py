"""Datapipes of several sources, and several datapipes of one source."""
import copy as copying
from collections import deque

from .._decorator import functional_datapipe
from ..datapipe import IterDataPipe, check_valid
from ..utils.common import warn_if_unpicklable


def _check_sources(datapipes, name):
    if len(datapipes) == 0:
        raise ValueError(f"Expected at least one DataPipe, but got {len(datapipes)}")
    if not all(isinstance(dp, IterDataPipe) for dp in datapipes):
        raise TypeError(f"Expected all inputs to be `IterDataPipe`{name}")


class _Several(IterDataPipe):
    def __init__(self, *datapipes):
        _check_sources(datapipes, "")
        self.datapipes = datapipes

    def _lengths(self):
        if not all(hasattr(type(dp), "__len__") for dp in self.datapipes):
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return [len(dp) for dp in self.datapipes]


@functional_datapipe("concat")
class ConcaterIterDataPipe(_Several):
    """The items of the first source, then those of the next."""

    def __iter__(self):
        for dp in self.datapipes:
            yield from dp

    def __len__(self):
        return sum(self._lengths())


@functional_datapipe("zip")
class ZipperIterDataPipe(_Several):
    """Tuples of one item of each source, until the shortest ends."""

    def __iter__(self):
        yield from zip(*self.datapipes, strict=False)

    def __len__(self):
        return min(self._lengths())


@functional_datapipe("mux")
class MultiplexerIterDataPipe(_Several):
    """One item of each source in turn, until the shortest ends."""

    def __iter__(self):
        for items in zip(*self.datapipes, strict=False):
            yield from items

    def __len__(self):
        return min(self._lengths()) * len(self.datapipes)


class _Container:
    """One source read for several children: each has a queue of the items that wait for it.

    `route(item)` gives the numbers of the children that get an item and how each gets it.
    """

    def __init__(self, datapipe, count, buffer_size):
        if count < 1:
            raise ValueError(f"Expected `num_instances` larger than 0, but {count} is found")
        if buffer_size == 0:
            raise ValueError("`buffer_size` should be larger than 0 or -1 (unlimited)")
        self.main_datapipe, self.num_instances, self.buffer_size = datapipe, count, buffer_size
        self.generation, self.source = 0, None
        self._begin()

    def _begin(self):
        self.queues, self.begun, self.source = [deque() for _ in range(self.num_instances)], set(), None
        self.generation += 1

    def join(self, child):
        """A new iterator of a child: the second of one child in a pass begins a new pass for all."""
        if child in self.begun:
            self._begin()
        self.begun.add(child)
        return self.generation

    def next_of(self, child):
        """The child's next item; StopIteration at the end."""
        queue = self.queues[child]
        while not queue:
            if self.source is None:
                self.source = iter(self.main_datapipe)
            self.deal(next(self.source), child)
        return queue.popleft()

    def __getstate__(self):
        return {**self.__dict__, "source": None, "begun": set(), "queues": [deque() for _ in range(self.num_instances)]}


class _ForkContainer(_Container):
    def __init__(self, datapipe, num_instances, buffer_size, copy):
        super().__init__(datapipe, num_instances, buffer_size)
        if copy not in (None, "shallow", "deep"):
            raise ValueError(f"Unknown copy method `{copy}`, expected one of `None`, `shallow` or `deep`")
        self.copy = {None: lambda item: item, "shallow": copying.copy, "deep": copying.deepcopy}[copy]

    def deal(self, item, child):
        for queue in self.queues:
            queue.append(self.copy(item))
        if 0 <= self.buffer_size < max(len(q) for i, q in enumerate(self.queues) if i != child):
            raise BufferError(f"ForkerIterDataPipe buffer overflow,buffer size {self.buffer_size} is insufficient.")


class _DemuxContainer(_Container):
    def __init__(self, datapipe, num_instances, classifier_fn, drop_none, buffer_size):
        super().__init__(datapipe, num_instances, buffer_size)
        self.classifier_fn, self.drop_none = classifier_fn, drop_none

    def deal(self, item, child):
        number = self.classifier_fn(item)
        if number is None and self.drop_none:
            return
        if number is None or number >= self.num_instances or number < 0:
            raise ValueError(f"Output of the classification fn should be between 0 and {self.num_instances - 1}. {number} is returned.")
        self.queues[number].append(item)
        waiting = sum(map(len, self.queues)) - (number == child)
        if 0 <= self.buffer_size < waiting:
            raise BufferError(f"DemultiplexerIterDataPipe buffer overflow, buffer size {self.buffer_size} is insufficient.")


class _ChildDataPipe(IterDataPipe):
    """One of the datapipes that share a source."""

    def __init__(self, main_datapipe, instance_id):
        self.main_datapipe, self.instance_id = main_datapipe, instance_id

    def __iter__(self):
        return _ChildIterator(self)

    def __len__(self):
        if not isinstance(self.main_datapipe, _ForkContainer):
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return len(self.main_datapipe.main_datapipe)


class _ChildIterator:
    def __init__(self, child):
        self.child, self.container = child, child.main_datapipe
        self.generation = self.container.join(child.instance_id)

    def __iter__(self):
        return self

    def __next__(self):
        if self.generation != self.container.generation:
            check_valid(self.child, -1)
        return self.container.next_of(self.child.instance_id)


def _children(container):
    return [_ChildDataPipe(container, i) for i in range(container.num_instances)]


@functional_datapipe("fork")
class ForkerIterDataPipe(IterDataPipe):
    """A list of datapipes that all give the source's items."""

    def __new__(cls, datapipe, num_instances, buffer_size=1000, copy=None):
        container = _ForkContainer(datapipe, num_instances, buffer_size, copy)
        return datapipe if num_instances == 1 else _children(container)


@functional_datapipe("demux")
class DemultiplexerIterDataPipe(IterDataPipe):
    """A list of datapipes: an item goes to the one whose number `classifier_fn(item)` gives."""

    def __new__(cls, datapipe, num_instances, classifier_fn, drop_none=False, buffer_size=1000):
        warn_if_unpicklable(classifier_fn)
        return _children(_DemuxContainer(datapipe, num_instances, classifier_fn, drop_none, buffer_size))
