"""Loaders, samplers and datapipes give what PyTorch's give under one seed; workers neither hang nor stay behind."""
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import reftorch as torch
from reftorch.utils import data as D

ROOT = Path(torch.__file__).parents[1]

# each expression is evaluated in both libraries after torch.manual_seed(7); generators and workers leave their trace in the draw that follows
CASES = """
[b.tolist() for b in D.DataLoader(range(10), 3, shuffle=True)]
[b.tolist() for b in D.DataLoader(range(10), 3, shuffle=True, drop_last=True)]
[b.tolist() for b in D.DataLoader(range(10), 3, shuffle=True, num_workers=2)]
[b.tolist() for b in D.DataLoader(range(9), 2, shuffle=True, generator=torch.Generator().manual_seed(3))]
[b.tolist() for b in D.DataLoader(range(9), 2, shuffle=True, generator=torch.Generator().manual_seed(3), num_workers=2)]
[[b.tolist() for b in loader] for loader in [D.DataLoader(range(7), 2, shuffle=True, num_workers=2, persistent_workers=True)] for epoch in range(3)]
list(D.DataLoader(range(4), batch_size=None))
list(D.DataLoader(Draws(), 2, num_workers=2))
list(D.DataLoader(Draws(), 2, num_workers=2, worker_init_fn=seed_more))
[b.tolist() for b in D.DataLoader(Counted(7), 2, num_workers=2)]
[b.tolist() for b in D.DataLoader(Counted(7), 2, num_workers=2, drop_last=True)]
[b.tolist() for b in D.DataLoader(Shared(11), 2, num_workers=2)]
[[b.tolist() for b in loader] for loader in [D.DataLoader(Shared(5), 2, num_workers=2, persistent_workers=True)] for epoch in range(2)]
sorted(b.item() for b in D.DataLoader(range(6), num_workers=2, in_order=False))
list(D.RandomSampler(range(5), replacement=True, num_samples=40))
list(D.RandomSampler(range(5), num_samples=12))
list(D.SubsetRandomSampler([4, 2, 9]))
list(D.WeightedRandomSampler([0.1, 0.2, 0.7], 9))
list(D.WeightedRandomSampler([0.1, 0.2, 0.7], 3, replacement=False))
list(D.BatchSampler(D.SequentialSampler(range(5)), 2, True))
[list(D.DistributedSampler(range(7), 3, r, drop_last=d, seed=2)) for r in range(3) for d in (False, True)]
[s.indices for s in D.random_split(range(11), [0.3, 0.3, 0.4])]
[s.indices for s in D.random_split(range(5), [2, 3], generator=torch.Generator().manual_seed(1))]
[list(s) for s in D.random_split(D.ConcatDataset([[1, 2], [3]]), [1, 2])]
list(D.StackDataset([1, 2], b=[3, 4])[1])
D.StackDataset(a=D.Subset([5, 6], [1]), b=[4])[0]
[[t.tolist() for t in b] for b in D.DataLoader(D.TensorDataset(torch.arange(6.).view(3, 2), torch.arange(3)), 2)]
str(D.default_collate([{'a': (1, 2.5), 'b': ['x']}, {'a': (3, 4.5), 'b': ['y']}]))
str(D.default_collate([numpy.ones(2, numpy.float32), numpy.zeros(2, numpy.float32)]))
str(D.default_convert([1, numpy.arange(2), {'k': numpy.float64(2)}, (numpy.int8(1), 'a')]))
list(W(range(8)).shuffle(buffer_size=3))
[b.tolist() for b in D.DataLoader(W(range(9)).shuffle().sharding_filter(), 2, shuffle=True, num_workers=2)]
list(D.datapipes.map.SequenceWrapper(range(6)).shuffle().set_seed(0))
list(W(range(9)).groupby(lambda x: x % 3, buffer_size=5, group_size=3, guaranteed_group_size=2))
[list(d) for d in W(range(6)).demux(2, lambda x: x % 2)]
list(W([(1, 2)]).map(lambda a, b: a + b, input_col=[0, 1]))
D.default_collate([torch.ones(2), torch.ones(3)])
D.default_collate([object()])
D.default_collate([{'a': 1}, {'b': 1}])
D.DataLoader([1], batch_size=0)
D.DataLoader([1], num_workers=-1)
D.DataLoader([1], shuffle=True, sampler=[0])
D.DataLoader([1], batch_sampler=[[0]], batch_size=2)
D.DataLoader([1], prefetch_factor=2)
D.DataLoader([1], persistent_workers=True)
D.DataLoader(Counted(3), shuffle=True)
D.DataLoader([1], num_workers=1, multiprocessing_context='no')
list(D.DataLoader([1], timeout=1))
list(D.DataLoader(range(5), num_workers=1, timeout=1, collate_fn=wait))
D.random_split([1, 2, 3], [1, 1])
D.ConcatDataset([])
D.DistributedSampler([1], 2, 2)
W([[0, 1]]).unbatch(3).__iter__().__next__()
list(W(range(3)).filter(lambda x: 3))
[list(d) for d in W(range(3)).fork(2, buffer_size=1)]
""".strip().splitlines()

PROGRAM = textwrap.dedent('''
    import time, warnings
    import numpy

    class Draws(D.Dataset):
        """What each of the three random streams gives in a worker."""
        def __len__(self):
            return 4
        def __getitem__(self, i):
            import random
            return [torch.rand(1).item(), random.random(), numpy.random.rand()]

    class Counted(D.IterableDataset):
        def __init__(self, n):
            self.n = n
        def __iter__(self):
            return iter(range(self.n))

    class Shared(Counted):
        def __iter__(self):
            info = D.get_worker_info()
            return iter(range(info.id, self.n, info.num_workers))

    def seed_more(worker):
        torch.manual_seed(torch.initial_seed() + worker)

    def wait(batch):
        time.sleep(5)

    def plain(value):
        if isinstance(value, torch.Tensor):
            return value.tolist()
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

    def answers(cases):
        warnings.simplefilter("ignore")
        W, found = D.datapipes.iter.IterableWrapper, []
        for case in cases:
            torch.manual_seed(7)
            try:
                result = plain(eval(case, {**globals(), "W": W}))
            except Exception as e:
                result = [type(e).__name__, str(e)]
            found.append([result, torch.rand(1).item()])
        return found
''')


def run(head, cases):
    code = head + PROGRAM + "\nimport json, sys\nif __name__ == '__main__':\n    print(json.dumps(answers(json.load(sys.stdin))))"
    done = subprocess.run([sys.executable, "-c", code], input=json.dumps(cases), capture_output=True, text=True, timeout=300, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def both():
    import importlib.util
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: there is no oracle to compare with")
    ours = run("import reftorch as torch, reftorch.utils.data as D, reftorch.utils.data.datapipes\n", CASES)
    return dict(zip(CASES, zip(ours, run("import torch, torch.utils.data as D, torch.utils.data.datapipes\n", CASES), strict=False), strict=False))


@pytest.mark.parametrize("case", CASES)
def test_as_pytorch(both, case):
    ours, theirs = both[case]
    assert ours == theirs


# ------------------------------------------------------------------ workers
class Items(D.Dataset):
    """Eight items; `act(i)` may go wrong."""

    def __init__(self, act=None):
        self.act = act

    def __len__(self):
        return 8

    def __getitem__(self, i):
        return i if self.act is None else self.act(i)


def fail(i):
    raise ValueError(f"no item {i}")


def fail_oddly(i):
    raise UnicodeDecodeError("utf8", b"", 0, 1, "odd")


def die(i):
    os._exit(3)


def be_killed(i):
    os.kill(os.getpid(), signal.SIGKILL)


def cannot_be_sent(i):
    return lambda: i


def keep_pid(i):
    return os.getpid()


@pytest.mark.parametrize(("act", "error", "text"), [
    (fail, ValueError, r"^Caught ValueError in DataLoader worker process 0.\nOriginal Traceback \(most recent call last\):\n(.|\n)*"
                       r"in fail\n(.|\n)*ValueError: no item 0\n$"),
    (fail_oddly, RuntimeError, "^Caught UnicodeDecodeError in DataLoader worker process 0."),
    (die, RuntimeError, r"^DataLoader worker \(pid\(s\) \d+\) exited unexpectedly$"),
    (be_killed, RuntimeError, r"^DataLoader worker \(pid\(s\) \d+\) exited unexpectedly$"),
])
def test_worker_fails(act, error, text):
    with pytest.raises(error, match=text):
        list(D.DataLoader(Items(act), num_workers=1))


def test_batch_that_cannot_be_sent():
    with pytest.raises(Exception, match="in DataLoader worker process 0"):
        list(D.DataLoader(Items(cannot_be_sent), num_workers=1, collate_fn=lambda batch: batch))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_start_methods(method):
    batches = list(D.DataLoader(Items(), 3, num_workers=2, multiprocessing_context=method))
    assert [b.tolist() for b in batches] == [[0, 1, 2], [3, 4, 5], [6, 7]]


def gone(pid, seconds=8):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_workers_end_with_the_pass():
    pids = {int(b) for b in D.DataLoader(Items(keep_pid), num_workers=2)}
    left = iter(D.DataLoader(Items(keep_pid), num_workers=2))
    pids |= {int(next(left)), int(next(left))}
    del left
    assert len(pids) == 4 and all(gone(pid) for pid in pids)


def test_workers_end_when_a_pass_is_broken_off():
    """Also those that wait to send more than a pipe holds, one of them by a process forked after it."""
    passes = [iter(D.DataLoader(torch.zeros(12, 50_000), 2, num_workers=2)) for _ in range(2)]
    processes = [[worker.process for worker in batches._workers] for batches in passes]
    for batches, workers in zip(passes, processes, strict=True):
        next(batches)
        batches._shutdown_workers()
        assert [process.exitcode for process in workers] == [0, 0]         # not terminated


def test_large_batches_pass():
    got = list(D.DataLoader(Items(lambda i: torch.full((1 << 18,), float(i))), 2, num_workers=2, prefetch_factor=4))
    assert [(b.shape[0], b[0, 0].item(), b[1, -1].item()) for b in got] == [(2, 2.0 * k, 2.0 * k + 1) for k in range(4)]


PARENT = """
import os, signal, sys, time
from reftorch.utils.data import DataLoader
signal.signal(signal.SIGINT, signal.default_int_handler)        # a shell's background job inherits that it be ignored
class Slow:
    def __len__(self): return 100
    def __getitem__(self, i):
        time.sleep(0.05)
        return os.getpid()
for batch in DataLoader(Slow(), num_workers=2):
    print(int(batch), flush=True)
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_no_orphans(how):
    """Ctrl-C (which all processes of the group get) or a kill of the main process takes the workers along."""
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT,
                              start_new_session=True)
    workers = {int(parent.stdout.readline()) for _ in range(4)}
    assert len(workers) == 2
    os.killpg(parent.pid, how) if how == signal.SIGINT else parent.send_signal(how)
    assert parent.wait(20) != 0
    parent.stdout.close()
    assert all(gone(pid) for pid in workers)
