"""The memory of large results: used again, aligned, never shared by live arrays, bounded."""
import os
import threading

import numpy as np
import pytest

import reftorch as torch
from reftorch.kernels import memory

MB = 1 << 20


@pytest.fixture(autouse=True)
def clean():
    before = memory.limit()
    memory.empty_cache()
    yield
    memory.limit(before)
    memory.empty_cache()


def empty(size, kind):
    return memory.empty((size,), np.dtype(kind))


def address(array):
    return array.__array_interface__["data"][0]


def test_a_freed_block_is_used_again():
    first = empty(MB, "f4")
    where = address(first)
    del first
    assert memory.cached() >= 4 * MB
    assert address(empty(MB - 100, "f4")) == where


@pytest.mark.parametrize("size", [1 << 12, 5000, MB, MB + 1, 5 * MB + 3, 33 * MB])
def test_alignment(size):
    assert address(empty(size, "u1")) % 64 == 0


def test_live_arrays_do_not_overlap():
    drawn = np.random.default_rng(0)
    live = []
    for step in range(300):
        if live and drawn.random() < 0.5:
            array, value = live.pop(drawn.integers(len(live)))
            assert (array == value).all()
        else:
            live.append((empty(int(drawn.integers(MB // 2, 3 * MB)), "u1"), step % 256))
            live[-1][0].fill(step % 256)
        if len(live) > 20:
            live.pop(0)
    assert all((array == value).all() for array, value in live)


def test_the_limit_holds():
    memory.limit(20 * MB)
    blocks = [empty(3 * MB, "u1") for _ in range(12)]
    del blocks
    assert 0 < memory.cached() <= 20 * MB
    memory.limit(MB)
    assert memory.cached() == 0


def test_few_blocks_of_a_huge_size_are_kept():
    memory.limit(1 << 40)
    blocks = [empty(80 * MB, "u1") for _ in range(4)]
    del blocks
    assert memory.cached() == 2 * 80 * MB


def test_empty_cache_gives_all_back():
    del_me = empty(8 * MB, "u1")
    del del_me
    assert memory.empty_cache() == 8 * MB
    assert memory.cached() == 0


def test_numpy_resizes_such_arrays():
    array = empty(2 * MB, "u1")
    array.fill(7)
    array.resize(5 * MB, refcheck=False)
    assert (array[:2 * MB] == 7).all() and not array[2 * MB:].any()


def test_numpys_own_arrays_stay_with_numpy():
    x = torch.ones(MB)
    y = np.sin(x.numpy())
    del y
    assert memory.cached() == 0


def test_large_results_of_ops_are_used_again():
    x = torch.ones(4 * MB)
    where = (x + x).data_ptr()
    assert (x * 2).data_ptr() == where
    total = torch.cumsum(x, 0)               # a primitive: NumPy's arrays, too, lie there
    where = total.data_ptr()
    del total
    assert torch.cumsum(x, 0).data_ptr() == where


def test_a_view_keeps_its_block():
    part = (torch.ones(4 * MB) * 3)[10:20]
    other = torch.ones(4 * MB) * 5
    assert part.tolist() == [3.0] * 10 and other[10].item() == 5.0


def test_threads_share_the_blocks():
    failed = []

    def work(value):
        for _ in range(40):
            array = empty(2 * MB, "u1")
            array.fill(value)
            if not (array == value).all():
                failed.append(value)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not failed and memory.cached() <= 8 * 2 * MB


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_forked_child_can_allocate():
    kept = torch.ones(2 * MB)
    child = os.fork()
    if child == 0:
        ok = (kept + 1).sum().item() == 4 * MB
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_kept_small_arrays_have_row_major_strides():
    """The strides of dims of size 1 are free in NumPy; a tensor made in the memory of an older one shows its own."""
    for _ in range(20):
        old = [torch.from_numpy(np.empty((1, 3), "f4", order="F")) for _ in range(6)] + [torch.empty_strided((1, 3), (1, 1)).clone() for _ in range(6)]
        del old
        assert {(torch.ones(1, 3) + 1).stride() for _ in range(8)} == {(3, 1)}
