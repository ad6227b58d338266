"""The loader: batches of a dataset in a sampler's order, made here or by worker processes."""
import functools
import itertools
import multiprocessing
import os
import warnings
import weakref
from multiprocessing import connection

from ._utils import collate, fetch
from ._utils.worker import End, ExceptionWrapper, Resume, _worker_loop, get_worker_info, is_datapipe, prepare_datapipe  # noqa: F401
from .dataset import IterableDataset
from .sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler, draw_seed

__all__ = ["DataLoader", "get_worker_info", "default_collate", "default_convert"]

default_collate, default_convert = collate.default_collate, collate.default_convert

JOIN_TIMEOUT = 5.0                   # seconds a worker is given to end by itself


class _DatasetKind:
    """How samples are got: by index, or from an iterator."""

    Map, Iterable = 0, 1

    @staticmethod
    def create_fetcher(kind, dataset, auto_collation, collate_fn, drop_last):
        """The fetcher of a dataset of that kind."""
        cls = fetch._MapDatasetFetcher if kind == _DatasetKind.Map else fetch._IterableDatasetFetcher
        return cls(dataset, auto_collation, collate_fn, drop_last)


class _InfiniteConstantSampler(Sampler):
    """None, for ever: an iterable dataset knows its order itself."""

    def __iter__(self):
        return itertools.repeat(None)


def _cpus():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class DataLoader:
    """Iterates over a dataset in batches; `num_workers` processes make them ahead, 0 means that this one does."""

    __multiprocessing_context = None
    __initialized = False
    _iterator = None

    def __init__(self, dataset, batch_size=1, shuffle=None, sampler=None, batch_sampler=None, num_workers=0, collate_fn=None, pin_memory=False,
                 drop_last=False, timeout=0, worker_init_fn=None, multiprocessing_context=None, generator=None, *, prefetch_factor=None,
                 persistent_workers=False, pin_memory_device="", in_order=True):
        if num_workers < 0:
            raise ValueError("num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.")
        if timeout < 0:
            raise ValueError("timeout option should be non-negative")
        if num_workers == 0 and prefetch_factor is not None:
            raise ValueError("prefetch_factor option could only be specified in multiprocessing.let num_workers > 0 to enable multiprocessing, "
                             "otherwise set prefetch_factor to None.")
        if prefetch_factor is None:
            prefetch_factor = 2 if num_workers > 0 else None
        elif prefetch_factor < 0:
            raise ValueError("prefetch_factor option should be non-negative")
        if persistent_workers and num_workers == 0:
            raise ValueError("persistent_workers option needs num_workers > 0")
        self.dataset, self.num_workers, self.prefetch_factor = dataset, num_workers, prefetch_factor
        self.pin_memory, self.pin_memory_device, self.timeout = pin_memory, pin_memory_device, timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context, self.in_order = multiprocessing_context, in_order

        if isinstance(dataset, IterableDataset):
            self._dataset_kind = _DatasetKind.Iterable
            shuffle = self._check_iterable(shuffle, sampler, batch_sampler)
        else:
            self._dataset_kind, shuffle = _DatasetKind.Map, bool(shuffle)
        if sampler is not None and shuffle:
            raise ValueError("sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError("batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and drop_last")
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise ValueError("batch_size=None option disables auto-batching and is mutually exclusive with drop_last")
        if sampler is None:
            if self._dataset_kind == _DatasetKind.Iterable:
                sampler = _InfiniteConstantSampler()
            else:
                sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last, self.sampler, self.batch_sampler, self.generator = batch_size, drop_last, sampler, batch_sampler, generator
        self.collate_fn = collate_fn or (default_collate if self._auto_collation else default_convert)
        self.persistent_workers = persistent_workers
        self.__initialized = True
        self._IterableDataset_len_called = None
        self._iterator = None
        self.check_worker_number_rationality()

    def _check_iterable(self, shuffle, sampler, batch_sampler):
        """An iterable dataset has an order of its own; datapipes alone may be shuffled."""
        if is_datapipe(self.dataset):
            if shuffle is not None:
                from .graph_settings import apply_shuffle_settings
                self.dataset = apply_shuffle_settings(self.dataset, shuffle=shuffle)
        elif shuffle not in {False, None}:
            raise ValueError(f"DataLoader with IterableDataset: expected unspecified shuffle option, but got shuffle={shuffle}")
        for name, value in (("sampler", sampler), ("batch_sampler", batch_sampler)):
            if value is not None:
                raise ValueError(f"DataLoader with IterableDataset: expected unspecified {name} option, but got {name}={value}")
        return False

    def _get_iterator(self):
        if self.num_workers == 0:
            return _SingleProcessDataLoaderIter(self)
        self.check_worker_number_rationality()
        return _MultiProcessingDataLoaderIter(self)

    @property
    def multiprocessing_context(self):
        """The multiprocessing context that workers are started with."""
        return self.__multiprocessing_context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context):
        if context is not None:
            if self.num_workers == 0:
                raise ValueError("multiprocessing_context can only be used with multi-process loading (num_workers > 0), but got "
                                 f"num_workers={self.num_workers}")
            if isinstance(context, str):
                valid = multiprocessing.get_all_start_methods()
                if context not in valid:
                    raise ValueError(f"multiprocessing_context option should specify a valid start method in {valid!r}, but got "
                                     f"multiprocessing_context={context!r}")
                context = multiprocessing.get_context(context)
            if not isinstance(context, multiprocessing.context.BaseContext):
                raise TypeError("multiprocessing_context option should be a valid context object or a string specifying the start method, but got "
                                f"multiprocessing_context={context}")
        self.__multiprocessing_context = context

    def __setattr__(self, name, value):
        if self.__initialized and name in ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers"):
            raise ValueError(f"{name} attribute should not be set after {type(self).__name__} is initialized")
        super().__setattr__(name, value)

    def __iter__(self):
        if not (self.persistent_workers and self.num_workers > 0):
            return self._get_iterator()
        if self._iterator is not None:
            self._iterator._reset(self)
            return self._iterator
        self._iterator = made = self._get_iterator()
        return made

    @property
    def _auto_collation(self):
        return self.batch_sampler is not None

    @property
    def _index_sampler(self):
        return self.batch_sampler if self._auto_collation else self.sampler

    def __len__(self):
        if self._dataset_kind == _DatasetKind.Map:
            return len(self._index_sampler)
        length = self._IterableDataset_len_called = len(self.dataset)
        if self.batch_size is not None:
            full, rest = divmod(length, self.batch_size)
            length = full + (rest > 0 and not self.drop_last)
        return length

    def check_worker_number_rationality(self):
        """Warns when there are more workers than processors."""
        if self.num_workers > _cpus():
            warnings.warn(f"This DataLoader will create {self.num_workers} worker processes in total. Our suggested max number of worker in current system "
                          f"is {_cpus()}, which is smaller than what this DataLoader is going to create. Please be aware that excessive worker creation "
                          "might get DataLoader running slow or even freeze, lower the worker number to avoid potential slowness/freeze if necessary.",
                          stacklevel=2)


class _BaseDataLoaderIter:
    """One pass over a loader."""

    def __init__(self, loader):
        self._dataset, self._dataset_kind = loader.dataset, loader._dataset_kind
        self._IterableDataset_len_called = loader._IterableDataset_len_called
        self._auto_collation, self._drop_last, self._collate_fn = loader._auto_collation, loader.drop_last, loader.collate_fn
        self._index_sampler, self._num_workers, self._timeout = loader._index_sampler, loader.num_workers, loader.timeout
        self._persistent_workers = loader.persistent_workers
        self._shared_seed = self._draw_shared_seed(loader)
        if loader.pin_memory_device:
            warnings.warn("pin_memory_device is deprecated, the current accelerator will be used as the device,"
                          f"ignore pin_memory_device='{loader.pin_memory_device}'.", stacklevel=4)
        if loader.pin_memory:
            warnings.warn("'pin_memory' argument is set as true but no accelerator is found, then device pinned memory won't be used.", stacklevel=4)
        self._sampler_iter = iter(self._index_sampler)
        self._base_seed = draw_seed(loader.generator)
        self._num_yielded = 0

    def _draw_shared_seed(self, loader):
        """The seed that all shuffling datapipes of a graph share; None for other datasets."""
        return draw_seed(loader.generator) if is_datapipe(self._dataset) else None

    def __iter__(self):
        return self

    def _reset(self, loader, first_iter=False):
        self._sampler_iter = iter(self._index_sampler)
        self._num_yielded = 0
        self._IterableDataset_len_called = loader._IterableDataset_len_called
        self._shared_seed = self._draw_shared_seed(loader)       # torch: drawn in the first pass, too, though workers have theirs

    def _next_index(self):
        return next(self._sampler_iter)

    def __next__(self):
        data = self._next_data()
        self._num_yielded += 1
        told = self._IterableDataset_len_called
        if self._dataset_kind == _DatasetKind.Iterable and told is not None and self._num_yielded > told:
            note = (f"Length of IterableDataset {self._dataset} was reported to be {told}(when accessing len(dataloader)), but {self._num_yielded} samples "
                    "have been fetched. ")
            if self._num_workers > 0:
                note += ("For multiprocessing data-loading, this could be caused by not properly configuring the IterableDataset replica at each worker. "
                         "Please see https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for examples.")
            warnings.warn(note, stacklevel=2)
        return data

    def __len__(self):
        return len(self._index_sampler)

    def __getstate__(self):
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)       # torch: a tuple of arguments, not a text


class _SingleProcessDataLoaderIter(_BaseDataLoaderIter):
    """Makes each batch when it is asked for."""

    def __init__(self, loader):
        super().__init__(loader)
        if self._timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        prepare_datapipe(self._dataset, self._shared_seed)
        self._dataset_fetcher = _DatasetKind.create_fetcher(self._dataset_kind, self._dataset, self._auto_collation, self._collate_fn, self._drop_last)

    def _next_data(self):
        return self._dataset_fetcher.fetch(self._next_index())


_workers = weakref.WeakSet()


def _close_inherited():
    """In a forked process: what waits for the end of a pipe must not wait for a copy of that end here."""
    for worker in _workers:
        worker.results.close()
        worker.tasks.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_inherited)


class _Worker:
    """The main process's side of a worker: the process, a pipe of tasks to it, one of results from it."""

    def __init__(self, context, args, number):
        theirs, self.tasks = context.Pipe(duplex=False)
        self.results, sent = context.Pipe(duplex=False)
        make_fetcher, dataset, *rest = args
        _workers.add(self)
        self.process = context.Process(target=_worker_loop, args=(make_fetcher, dataset, theirs, sent, *rest[:2], number, *rest[2:]), daemon=True)
        self.process.start()
        theirs.close()               # what only the worker holds tells us by its closing that the worker is gone
        sent.close()
        self.active = True

    def send(self, task):
        """Give a task; a worker that is gone shows when its results are read."""
        try:
            self.tasks.send(task)
        except OSError:
            pass


class _MultiProcessingDataLoaderIter(_BaseDataLoaderIter):
    """Has `prefetch_factor` batches a worker under way; gives them in order of their tasks, or as they come with in_order=False."""

    def __init__(self, loader):
        super().__init__(loader)
        self._owner, self._workers, self._shutdown = os.getpid(), [], False
        self._prefetch_factor, self._in_order = loader.prefetch_factor, loader.in_order
        context = loader.multiprocessing_context or multiprocessing.get_context()
        make_fetcher = functools.partial(_make_fetcher, self._dataset_kind, self._auto_collation, self._collate_fn, self._drop_last)
        args = (make_fetcher, self._dataset, self._base_seed, loader.worker_init_fn, self._num_workers, self._persistent_workers, self._shared_seed)
        for number in range(self._num_workers):
            self._workers.append(_Worker(context, args, number))
        self._reset(loader, first_iter=True)

    def _reset(self, loader, first_iter=False):
        super()._reset(loader, first_iter)
        self._send_idx = self._rcvd_idx = 0
        self._task_info = {}             # number of a task -> (worker,) or (worker, its data)
        self._load = [0] * self._num_workers
        for worker in self._workers:
            worker.active = True
        self._turns = itertools.cycle(range(self._num_workers))
        if not first_iter:
            for worker in self._workers:
                worker.send(Resume(self._shared_seed))
            resuming = set(range(self._num_workers))
            while resuming:
                number, index, _ = self._receive()
                if isinstance(index, Resume):
                    resuming.discard(number)
        for _ in range(self._prefetch_factor * self._num_workers):
            self._try_put_index()

    def _try_put_index(self):
        """Send the next indices to the next worker that is free."""
        limit = self._prefetch_factor * (self._num_workers if self._in_order else 1)
        for _ in range(self._num_workers):
            number = next(self._turns)
            if self._workers[number].active and (self._in_order or self._load[number] < limit):
                break
        else:
            return
        try:
            index = self._next_index()
        except StopIteration:
            return
        self._workers[number].send((self._send_idx, index))
        self._task_info[self._send_idx] = (number,)
        self._load[number] += 1
        self._send_idx += 1

    def _receive(self):
        """(worker, task, data) as soon as any worker sends; RuntimeError when one has died, or after the timeout."""
        pipes = {worker.results: number for number, worker in enumerate(self._workers) if worker.process is not None}
        ready = connection.wait(pipes, self._timeout or None)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {self._timeout} seconds")
        gone = []
        for pipe in ready:
            try:
                return (pipes[pipe], *pipe.recv())
            except (EOFError, ConnectionError):
                gone.append(self._workers[pipes[pipe]])
        if all(not worker.active for worker in gone):
            for worker in gone:          # it had said that it ends
                worker.process = None
            return self._receive()
        pids = ", ".join(str(worker.process.pid) for worker in gone)
        self._shutdown_workers()
        raise RuntimeError(f"DataLoader worker (pid(s) {pids}) exited unexpectedly")

    def _next_data(self):
        while True:
            while self._rcvd_idx < self._send_idx:       # tasks of workers that have ended are passed over
                info = self._task_info.get(self._rcvd_idx)
                if info is not None and (len(info) == 2 or self._workers[info[0]].active):
                    break
                self._task_info.pop(self._rcvd_idx, None)
                self._rcvd_idx += 1
            else:
                if not self._persistent_workers:
                    self._shutdown_workers()
                raise StopIteration
            if len(self._task_info[self._rcvd_idx]) == 2:
                number, data = self._task_info.pop(self._rcvd_idx)
                self._rcvd_idx += 1
                return self._process_data(number, data)
            if self._shutdown:
                raise AssertionError("DataLoader is shut down")
            number, index, data = self._receive()
            if isinstance(data, End):
                self._workers[number].active = False
                if not self._persistent_workers:
                    self._workers[number].send(None)
                self._try_put_index()
            elif self._in_order and index != self._rcvd_idx:
                self._task_info[index] = (number, data)
            else:
                del self._task_info[index]
                if index == self._rcvd_idx:
                    self._rcvd_idx += 1
                return self._process_data(number, data)

    def _process_data(self, number, data):
        self._load[number] -= 1
        self._try_put_index()
        if isinstance(data, ExceptionWrapper):
            data.reraise()
        return data

    def _shutdown_workers(self):
        if self._shutdown or self._owner != os.getpid():     # a forked worker has a copy of this object
            return
        self._shutdown = True
        for worker in self._workers:
            worker.send(None)
            worker.results.close()
            worker.tasks.close()
        for worker in self._workers:
            if worker.process is None:
                continue
            worker.process.join(JOIN_TIMEOUT)
            if worker.process.is_alive():
                worker.process.terminate()
                worker.process.join()

    def __del__(self):
        if hasattr(self, "_shutdown"):
            self._shutdown_workers()


def _make_fetcher(kind, auto_collation, collate_fn, drop_last, dataset):
    return _DatasetKind.create_fetcher(kind, dataset, auto_collation, collate_fn, drop_last)
