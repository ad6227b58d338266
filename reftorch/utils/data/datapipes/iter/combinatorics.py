"""Datapipes that change the order."""
import random

from ...sampler import SequentialSampler, draw_seed
from .._decorator import functional_datapipe
from ..datapipe import IterDataPipe


class SamplerIterDataPipe(IterDataPipe):
    """What a sampler of the source gives."""

    def __init__(self, datapipe, sampler=SequentialSampler, sampler_args=None, sampler_kwargs=None):
        self.datapipe, self.sampler_args, self.sampler_kwargs = datapipe, sampler_args or (), sampler_kwargs or {}
        self.sampler = sampler(*self.sampler_args, data_source=self.datapipe, **self.sampler_kwargs)

    def __iter__(self):
        return iter(self.sampler)

    def __len__(self):
        return len(self.sampler)


class ShuffleMixin:
    """A random stream of its own that starts anew, from a seed set or drawn, with each iterator."""

    _enabled, _seed = True, None

    def set_shuffle(self, shuffle=True):
        """Switch the shuffling on or off; gives the datapipe."""
        self._enabled = shuffle
        return self

    def set_seed(self, seed):
        """The seed of the next iterator; gives the datapipe."""
        self._seed = seed
        return self

    def _start(self):
        self._rng.seed(draw_seed() if self._seed is None else self._seed)
        self._seed = None


@functional_datapipe("shuffle")
class ShufflerIterDataPipe(ShuffleMixin, IterDataPipe):
    """Items drawn at random from a buffer that the source fills."""

    def __init__(self, datapipe, *, buffer_size=10000, unbatch_level=0):
        if buffer_size <= 0:
            raise AssertionError("buffer_size should be larger than 0")
        self.datapipe = datapipe if unbatch_level == 0 else datapipe.unbatch(unbatch_level=unbatch_level)
        self.buffer_size, self._buffer, self._rng = buffer_size, [], random.Random()

    def reset(self):
        """Empty the buffer and start the random stream."""
        self._buffer = []
        if self._enabled:
            self._start()

    def __iter__(self):
        if not self._enabled:
            yield from self.datapipe
            return
        for item in self.datapipe:
            if len(self._buffer) == self.buffer_size:
                i = self._rng.randint(0, len(self._buffer) - 1)
                drawn, self._buffer[i] = self._buffer[i], item
                yield drawn
            else:
                self._buffer.append(item)
        while self._buffer:
            yield self._buffer.pop(self._rng.randint(0, len(self._buffer) - 1))

    def __len__(self):
        if not hasattr(type(self.datapipe), "__len__"):
            raise TypeError(f"{type(self).__name__} instance doesn't have valid length")
        return len(self.datapipe)
