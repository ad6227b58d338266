"""The worker process: takes indices from a pipe, sends batches through another, ends with its parent."""
import os
import queue
import random
import sys
import threading
import traceback
from dataclasses import dataclass
from multiprocessing import connection, parent_process
from multiprocessing.reduction import ForkingPickler
from typing import Any

import reftorch as torch

STATUS_CHECK_INTERVAL = 5.0          # seconds between looks whether the parent still lives


class _KeyErrorMessage(str):
    """A text that prints as itself: KeyError shows the repr of its argument."""

    __slots__ = ()

    def __repr__(self):
        return str(self)


class ExceptionWrapper:
    """An exception on its way to another process: its type and its traceback as text."""

    def __init__(self, exc_info=None, where="in background"):
        exc_info = exc_info or sys.exc_info()
        self.exc_type, self.where = exc_info[0], where
        self.exc_msg = "".join(traceback.format_exception(*exc_info))

    def reraise(self):
        """Raise the exception here, its text telling where it came from."""
        text = f"Caught {self.exc_type.__name__} {self.where}.\nOriginal {self.exc_msg}"
        key_error = self.exc_type is KeyError
        if not key_error and getattr(self.exc_type, "message", None):
            raise self.exc_type(message=text)
        try:
            exception = self.exc_type(_KeyErrorMessage(text) if key_error else text)
        except Exception:            # the type asks for other arguments
            raise RuntimeError(text) from None
        raise exception


@dataclass(frozen=True, slots=True)
class WorkerInfo:
    """What a dataset may know of the worker it is in: `id` of `num_workers`, its `seed`, its copy of the `dataset`."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


_worker_info = None


def get_worker_info():
    """The WorkerInfo of the worker process that runs this; None in the main process."""
    return _worker_info


@dataclass(frozen=True)
class End:
    """Said by a worker whose iterable dataset has ended."""

    worker_id: int


@dataclass(frozen=True)
class Resume:
    """Said to persistent workers, and back, when the next epoch begins."""

    shared_seed: Any = None


class _Sender:
    """Sends from a thread of its own, so that the next batch is made meanwhile; failures to pickle are sent as such."""

    def __init__(self, pipe, where):
        self.pipe, self.where, self.waiting, self.broken = pipe, where, queue.SimpleQueue(), False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def put(self, index, data):
        try:
            packed = ForkingPickler.dumps((index, data))
        except Exception:
            packed = ForkingPickler.dumps((index, ExceptionWrapper(where=self.where)))
        self.waiting.put(packed)

    def _run(self):
        while (packed := self.waiting.get()) is not None:
            try:
                self.pipe.send_bytes(packed)
            except OSError:          # the main process has closed the other end
                self.broken = True
                return

    def close(self):
        self.waiting.put(None)
        self.thread.join()


def _seed_everything(base_seed, worker_id):
    import numpy as np
    random.seed(base_seed + worker_id)
    torch.manual_seed(base_seed + worker_id)
    np.random.seed(np.random.SeedSequence([worker_id, base_seed & 0xFFFFFFFF, base_seed >> 32, 0]).generate_state(4))


def _next_task(tasks):
    """The next message; None when the parent is gone."""
    parent = parent_process()
    while True:
        ready = connection.wait([tasks, parent.sentinel], STATUS_CHECK_INTERVAL)
        if tasks in ready:
            try:
                return tasks.recv()
            except (EOFError, OSError):
                return None
        if ready or os.getppid() != parent.pid:
            return None


def _worker_loop(make_fetcher, dataset, tasks, results, base_seed, init_fn, worker_id, num_workers, persistent, shared_seed):
    """The life of a worker: `make_fetcher(dataset)`, then a batch for each (number, indices) until None comes."""
    global _worker_info
    torch.set_num_threads(1)
    where = f"in DataLoader worker process {worker_id}"
    sender = _Sender(results, where)
    try:
        _seed_everything(base_seed, worker_id)
        _worker_info = WorkerInfo(worker_id, num_workers, base_seed + worker_id, dataset)
        failure = fetcher = None
        try:
            prepare_datapipe(dataset, shared_seed, (num_workers, worker_id))
            if init_fn is not None:
                init_fn(worker_id)
            fetcher = make_fetcher(dataset)
        except Exception:
            failure = ExceptionWrapper(where=where)
        ended = False
        while not sender.broken and (task := _next_task(tasks)) is not None:
            if isinstance(task, Resume):
                sender.put(task, None)
                prepare_datapipe(dataset, task.shared_seed)
                fetcher, ended = make_fetcher(dataset), False
                continue
            index, indices = task
            if ended:                # tasks that were on their way already
                continue
            if failure is not None:
                data, failure = failure, None
            else:
                try:
                    data = fetcher.fetch(indices)
                except StopIteration as e:
                    ended = getattr(fetcher, "dataset_iter", None) is not None
                    data = End(worker_id) if ended else ExceptionWrapper((type(e), e, e.__traceback__), where)
                except Exception:
                    data = ExceptionWrapper(where=where)
            sender.put(index, data)
            del data
    except KeyboardInterrupt:        # Ctrl-C reaches all processes: the main one tells the user
        pass
    else:
        sender.close()


def is_datapipe(dataset, kind="IterDataPipe"):
    """Whether a dataset is a datapipe of a kind; their module is there when one was made."""
    module = sys.modules.get(f"{__package__.rpartition('.')[0]}.datapipes.datapipe")
    return module is not None and isinstance(dataset, getattr(module, kind))


def prepare_datapipe(dataset, shared_seed, share=None):
    """Give the datapipes of a graph seeds from the one that all workers share, and their share (number of workers, which)."""
    if shared_seed is not None:
        from ..graph_settings import apply_random_seed
        apply_random_seed(dataset, torch.Generator().manual_seed(shared_seed))
    if share is not None and (is_datapipe(dataset) or is_datapipe(dataset, "MapDataPipe")):
        from ..graph_settings import apply_sharding
        apply_sharding(dataset, *share)
