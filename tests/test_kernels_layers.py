"""Kernels of layers (windows, norms, rows, sort) against float64: shapes, threads, instruction sets."""
import itertools
import os
import subprocess
import sys

import numpy as np
import pytest

import reftorch
from reftorch.kernels import norms, quick, rows, runtime, sort, windows

ERROR = {"float32": 3e-6, "float64": 1e-14}
DTYPES = pytest.mark.parametrize("dtype", ERROR)


pytestmark = pytest.mark.usefixtures("one_thread")


def numbers(dtype, *shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def close(got, wanted, dtype):
    assert got.dtype == dtype and got.shape == wanted.shape
    assert np.abs(got - wanted).max() <= ERROR[dtype] * max(1, np.abs(wanted).max())


# ---- windows
GEOMETRY = [((9, 11), (2, 2), (2, 2), (0, 0), (1, 1)), ((14, 29), (3, 3), (2, 2), (1, 1), (1, 1)), ((10, 7), (3, 2), (1, 3), (1, 1), (2, 1)),
            ((5, 6, 20), (2, 3, 3), (2, 1, 2), (1, 0, 1), (1, 1, 2)), ((1, 1), (1, 1), (1, 1), (0, 0), (1, 1))]


def outs_of(size, kernel, stride, padding, dilation):
    return tuple((s + 2 * p - d * (k - 1) - 1) // t + 1 for s, k, t, p, d in zip(size, kernel, stride, padding, dilation, strict=True))


def elements(size, o, kernel, stride, padding, dilation):
    """The flat indices of a window, in order."""
    each = [[i for i in range(w * t - p, w * t - p + (k - 1) * d + 1, d) if 0 <= i < s]
            for s, w, k, t, p, d in zip(size, o, kernel, stride, padding, dilation, strict=True)]
    return [np.ravel_multi_index(i, size) for i in itertools.product(*each)]


@DTYPES
@pytest.mark.parametrize("geometry", GEOMETRY, ids=str)
def test_pools(geometry, dtype):
    size = geometry[0]
    outs = outs_of(*geometry)
    x = numbers(dtype, 3, *size)
    x.ravel()[::13] = np.nan
    grid = windows.regular(size, outs, *geometry[1:])
    values, at = windows.max_pool(x, grid)
    clean = np.nan_to_num(x)
    means = windows.mean_pool(clean, grid)
    back = windows.mean_adjoint(means, grid)
    wanted = np.zeros_like(clean, np.float64).reshape(3, -1)
    for plane, o in itertools.product(range(3), np.ndindex(outs)):
        where = elements(size, o, *geometry[1:])
        window = x[plane].ravel()[where]
        nans = np.flatnonzero(np.isnan(window))
        best = nans[-1] if nans.size else window.argmax()
        assert at[(plane, *o)] == where[best] and np.array_equal(values[(plane, *o)], window[best], equal_nan=True)
        share = means[(plane, *o)] / np.prod([min(i * t - p + (k - 1) * d + 1, s + p) - (i * t - p)
                                              for i, s, k, t, p, d in zip(o, size, *geometry[1:], strict=True)])
        wanted[plane, where] += share
    close(back, wanted.reshape(clean.shape), dtype)


@DTYPES
def test_adaptive_mean(dtype):
    x = numbers(dtype, 2, 3, 13, 9)
    made = windows.mean_pool(x, windows.adaptive((13, 9), (5, 4)))
    wanted = np.empty((2, 3, 5, 4))
    for i, j in np.ndindex(5, 4):
        wanted[..., i, j] = x[..., i * 13 // 5:-(-(i + 1) * 13 // 5), j * 9 // 4:-(-(j + 1) * 9 // 4)].mean((-2, -1), dtype=np.float64)
    close(made, wanted, dtype)


@DTYPES
def test_planes(dtype):
    x, at = numbers(dtype, 2, 5, 6), np.random.default_rng(1).integers(0, 30, (2, 3, 4))
    picked = windows.gather(x, at, 2)
    assert np.array_equal(picked, np.take_along_axis(x.reshape(2, 30), at.reshape(2, 12), 1).reshape(2, 3, 4))
    wanted = np.zeros((2, 30))
    for plane in range(2):
        np.add.at(wanted[plane], at[plane].ravel(), picked[plane].ravel())
    close(windows.scatter(picked, at, (2, 5, 6), 2), wanted.reshape(2, 5, 6), dtype)


@DTYPES
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_resample(axis, dtype):
    x, rng = numbers(dtype, 7, 8, 19), np.random.default_rng(2)
    size, out = x.shape[axis], 11
    at, weights = rng.integers(0, size, (out, 3)), rng.standard_normal((out, 3)).astype(dtype)
    matrix = np.zeros((out, size))
    np.add.at(matrix, (np.arange(out)[:, None], at), weights)
    made = windows.resample(x, axis, at, weights, 0)
    close(made, np.moveaxis(np.tensordot(matrix, x.astype(np.float64), (1, axis)), 0, axis), dtype)
    close(windows.resample(made, axis, at, weights, size, adjoint=True),
          np.moveaxis(np.tensordot(matrix.T, made.astype(np.float64), (1, axis)), 0, axis), dtype)
    assert np.array_equal(windows.resample(x, axis, at[:, :1], None, 0), x.take(at[:, 0], axis))


# ---- norms
def normalized(x, axes, eps=1e-5):
    x = x.astype(np.float64)
    centered = x - x.mean(axes, keepdims=True)
    return centered / np.sqrt(np.square(centered).mean(axes, keepdims=True) + eps)


def normal_gradient(g, x, axes, eps=1e-5):
    hat = normalized(x, axes, eps)
    r = 1 / np.sqrt(x.astype(np.float64).var(axes, keepdims=True) + eps)
    return r * (g - g.mean(axes, keepdims=True) - hat * (g * hat).mean(axes, keepdims=True))


@DTYPES
@pytest.mark.parametrize("groups", [0, 1, 3])
@pytest.mark.parametrize("shape", [(4, 6, 9, 9), (70, 33, 1), (70, 33), (2, 12, 300), (1, 3, 5)], ids=str)
def test_norms(shape, groups, dtype):
    x, dy = numbers(dtype, *shape) * 3 + 5, numbers(dtype, *shape, seed=1)
    n, c = shape[:2]
    w, b = numbers(dtype, c, seed=2), numbers(dtype, c, seed=3)
    mask = (True, True, True)
    if groups:
        y, mean, rstd = norms.groups_forward(x, w, b, 1e-5, groups)
        dx, dw, db = norms.groups_backward(dy, x, w, mean, rstd, mask, groups)
    else:
        y, mean, rstd, var = norms.batch_forward(x, w, b, 1e-5)
        dx, dw, db = norms.batch_backward(dy, x, w, mean, rstd, mask, False, 1e-5)
        close(var, x.reshape(n, c, -1).astype(np.float64).var((0, 2), ddof=1), dtype)
    axes = (2, 3) if groups else (0, 2)
    view = (n, groups, c // groups, -1) if groups else (n, c, -1)
    wide = w.reshape(1, -1, c // groups if groups else 1, *(1,) * bool(groups)).astype(np.float64)
    hat = normalized(x.reshape(view), axes).reshape(n, c, -1)
    close(y, (hat * w[:, None] + b[:, None]).reshape(shape), dtype)
    close(dx, normal_gradient(dy.reshape(view) * wide, x.reshape(view), axes).reshape(shape), dtype)
    close(dw, (dy.reshape(n, c, -1) * hat).sum((0, 2)), dtype)
    close(db, dy.reshape(n, c, -1).astype(np.float64).sum((0, 2)), dtype)


@DTYPES
def test_known_statistics(dtype):
    x, dy, w, b, mean = numbers(dtype, 3, 5, 7), numbers(dtype, 3, 5, 7, seed=1), *numbers(dtype, 3, 5, seed=2)
    var = np.abs(numbers(dtype, 5, seed=4)) + dtype_of(dtype)(0.5)
    rstd = 1 / np.sqrt(var.astype(np.float64) + 1e-5)
    hat = (x.astype(np.float64) - mean[:, None]) * rstd[:, None]
    close(norms.batch_apply(x, w, b, mean, var, 1e-5), hat * w[:, None] + b[:, None], dtype)
    dx, dw, db = norms.batch_backward(dy, x, w, mean, var, (True, True, False), True, 1e-5)
    assert db is None
    close(dx, dy * (w * rstd).astype(np.float64)[:, None], dtype)
    close(dw, (dy * hat).sum((0, 2)), dtype)


@DTYPES
def test_running_statistics(dtype):
    running, batch = numbers(dtype, 7), numbers(dtype, 7, seed=1)
    expected = 0.3 * batch.astype(np.float64) + 0.7 * running
    assert norms.blend(running, batch, 0.3)
    close(running, expected, dtype)
    assert not norms.blend(running[::2], batch[::2], 0.3)


def dtype_of(name):
    return np.dtype(name).type


@DTYPES
@pytest.mark.parametrize("n", [1, 5, 37, 512, 3000])
def test_rows_norm(n, dtype):
    x, dy, w, b = numbers(dtype, 9, n) * 2 + 3, numbers(dtype, 9, n, seed=1), numbers(dtype, n, seed=2), numbers(dtype, n, seed=3)
    for weight, bias in ((w, b), (None, None)):
        y, mean, rstd = norms.rows_forward(x, 1, weight, bias, 1e-5)
        dx, dw, db = norms.rows_backward(dy, x, weight, mean, rstd, (True, True, True), 1)
        hat = normalized(x, 1)
        close(y, hat if weight is None else hat * w + b, dtype)
        # with one element a row there is nothing but rounding, times 1 / sqrt(eps)
        close(dx if n > 1 else dx * 1e-3, normal_gradient(dy if weight is None else dy * w.astype(np.float64), x, 1), dtype)
        close(dw, (dy * hat).sum(0), dtype)
        close(db, dy.astype(np.float64).sum(0), dtype)


# ---- rows
@DTYPES
@pytest.mark.parametrize("scale", [1, 40, 500])
@pytest.mark.parametrize("n", [1, 4, 15, 33, 1000])
def test_softmax(n, scale, dtype):
    x, dy = numbers(dtype, 6, n) * scale, numbers(dtype, 6, n, seed=1)
    if n > 1:
        x[1, 1] = -np.inf
    wide = x - x.max(1, keepdims=True).astype(np.float64)
    total = np.exp(wide).sum(1, keepdims=True)
    y, log = rows.softmax(x, 1, False), rows.softmax(x, 1, True)
    close(y, np.exp(wide) / total, dtype)
    finite = np.isfinite(x)
    assert np.array_equal(np.isfinite(log), finite)
    close(np.where(finite, log, 0).astype(dtype), np.where(finite, wide - np.log(total), 0), dtype)
    close(rows.softmax_backward(dy, y, 1, False), y * (dy - (dy * y.astype(np.float64)).sum(1, keepdims=True)), dtype)
    close(rows.softmax_backward(dy, log, 1, True), dy - np.exp(log.astype(np.float64)) * dy.astype(np.float64).sum(1, keepdims=True), dtype)


def test_softmax_of_nan():
    x = numbers("float32", 3, 40)
    x[0, 35] = x[1, 3] = np.nan
    for log in (False, True):
        made = rows.softmax(x, 1, log)
        assert np.isnan(made[:2]).all() and not np.isnan(made[2]).any()


@DTYPES
def test_nll(dtype):
    x, target, weight = numbers(dtype, 50, 7), np.random.default_rng(1).integers(0, 7, 50), np.abs(numbers(dtype, 7, seed=2))
    target[::6] = -100
    kept = target >= 0
    each = np.where(kept, -x[np.arange(50), target % 7] * weight[target % 7], 0)
    losses, _ = rows.nll(x, target, weight, -100, True, False)
    assert np.array_equal(losses, each)
    total, weights = each.sum(dtype=np.float64), weight[target[kept]].sum(dtype=np.float64)
    for mean, wanted in (False, total), (True, total / weights):
        assert np.allclose(rows.nll(x, target, weight, -100, False, mean), (wanted, weights))
    made, wanted = rows.nll_backward(losses, target, weight, (50, 7), -100), np.zeros((50, 7), dtype)
    wanted[np.arange(50)[kept], target[kept]] = -losses[kept] * weight[target[kept]]
    assert np.array_equal(made, wanted)
    target[3] = 7
    assert rows.nll(x, target, weight, -100, True, False) == 7


@DTYPES
@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (7, 31), (8, 100)], ids=str)
def test_running_sum(shape, dtype):
    x = numbers(dtype, *shape)
    assert np.array_equal(rows.running_sum(x, 1), np.add.accumulate(x, 1, np.float64).astype(dtype))
    assert np.array_equal(rows.running_sum(x, 1, True), np.flip(np.add.accumulate(np.flip(x, 1), 1, np.float64), 1).astype(dtype))


@DTYPES
def test_tables(dtype):
    table, rng = numbers(dtype, 20, 9), np.random.default_rng(1)
    at, to, factors = rng.integers(0, 20, (4, 5)), rng.integers(0, 6, 20), rng.standard_normal(20).astype(dtype)
    assert np.array_equal(rows.pick(table, at), table[at])
    assert rows.pick(table, at - 20) is None and rows.pick(table, at + 20) is None
    total, wanted = np.zeros((6, 9), dtype), np.zeros((6, 9))
    assert rows.add_rows(total, table, at.ravel(), to, factors)
    np.add.at(wanted, to, table[at.ravel()] * factors[:, None].astype(np.float64))
    close(total, wanted, dtype)
    with pytest.raises(IndexError):
        rows.add_rows(total, table, at.ravel(), to + 6)


@DTYPES
@pytest.mark.parametrize("width", [1, 3, 8, 9, 31, 64, 130, 200])
def test_bags(width, dtype):
    table, rng = numbers(dtype, 40, width), np.random.default_rng(1)
    at, factors = rng.integers(0, 40, 50), rng.standard_normal(50).astype(dtype)
    starts = np.array([0, 0, 7, 7, 20, 44])                          # two bags are empty
    for offsets, ends in (starts, False), (np.append(starts, 50), True):
        bag = np.repeat(np.arange(6), np.diff(np.append(starts, 50)))
        for given in None, factors:
            wanted = np.zeros((6, width))
            np.add.at(wanted, bag, table[at].astype(np.float64) * (1 if given is None else given[:, None]))
            close(rows.bag_sums(table, at, offsets, given, False, ends)[0], wanted, dtype)
        mean, found, sizes, _ = rows.bag_sums(table, at.astype(np.int32), offsets, None, True, ends)
        assert np.array_equal(found, bag) and np.array_equal(sizes, [0, 7, 0, 13, 24, 6])
        np.add.at(wanted := np.zeros((6, width)), bag, table[at].astype(np.float64))
        close(mean, wanted / np.maximum(sizes, 1)[:, None], dtype)
    for bad in (at + 20, starts), (at - 1 - at.max(), starts), (at, starts + 1), (at, starts[::-1]), (at, starts + [0, 0, 0, 0, 0, 9]):
        assert rows.bag_sums(table, *bad, None, False, False) is None


# ---- order
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("n", [0, 1, 16, 17, 130, 5000])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_sort(dtype, n, descending):
    x = (numbers("float64", 3, n) * 50).astype(dtype)               # the integers have many equals
    if dtype != "int64":
        x[:, ::7], x[:, 1::9], x[:, 2::11] = np.nan, -0.0, np.inf
    values, at = sort.sort(x, descending)
    wanted = np.sort(x, 1)
    assert np.array_equal(values, wanted[:, ::-1] if descending else wanted, equal_nan=dtype != "int64")
    assert np.array_equal(np.take_along_axis(x, at, 1), values, equal_nan=dtype != "int64")
    assert np.array_equal(np.sort(at, 1), np.broadcast_to(np.arange(n), (3, n)))
    for k in {0, min(n, 2), n // 2, n}:
        best, where = sort.topk(x, k, descending, True)
        assert np.array_equal(best, values[:, :k], equal_nan=dtype != "int64")
        assert np.array_equal(np.take_along_axis(x, where, 1), best, equal_nan=dtype != "int64")


def test_partition_by_blocks_keeps_the_order_of_equals():
    """The permutation that the GNU C++ library's std::sort leaves, of 600 numbers among 8: PyTorch's torch.sort gives it, too."""
    x = (np.arange(600) * 7919 % 1009 % 8).astype("float32")[None]
    _, at = sort.sort(x, False)
    runs = [at[0, x[0, at[0]] == v] for v in range(8)]
    assert any((np.diff(run) < 0).any() for run in runs)             # not a stable one
    assert all(np.array_equal(np.sort(run), np.flatnonzero(x[0] == v)) for v, run in enumerate(runs))


# ---- threads and instruction sets
@pytest.mark.parametrize("dtype", ["float32", "int8", "complex128"])
@pytest.mark.parametrize("shape", [(), (0, 3), (70,), (5, 33), (3, 4, 40), (2, 3, 1, 64), (4, 5, 6, 7), (70, 50, 100)], ids=str)
def test_move(shape, dtype):
    """Between any layouts, and nothing beside."""
    rng = np.random.default_rng(0)

    def within():
        """Some memory, and an array in it whose dims lie in any order, with gaps or without."""
        order, gap = rng.permutation(len(shape)), rng.integers(2)
        room = np.full([shape[d] + gap for d in order], 7, dtype)
        return room, room[(..., *(slice(shape[d]) for d in order))].transpose(np.argsort(order).astype(int))
    for _ in range(12):
        (room, to), (_, a) = within(), within()
        a[...] = rng.integers(0, 100, shape)
        quick.move(to, a)
        assert np.array_equal(to, a)
        to[...] = 7
        assert (room == 7).all()


def everything():
    x, w = numbers("float32", 16, 12, 31, 33), numbers("float32", 12, seed=1)
    grid = windows.regular((31, 33), (16, 17), (3, 3), (2, 2), (1, 1), (1, 1))
    y, mean, rstd, var = norms.batch_forward(x, w, w, 1e-5)
    flat = x.reshape(-1, 1023)
    wide = numbers("float32", 1023, seed=2)
    total = np.zeros((50, 1023), "float32")
    rows.add_rows(total, flat, None, np.random.default_rng(3).integers(0, 50, len(flat)))
    group = norms.groups_forward(x, w, w, 1e-5, 4)
    layer = norms.rows_forward(flat, 1, wide, wide, 1e-5)
    columns = norms.batch_forward(flat, wide, wide, 1e-5)
    pooled, at = windows.max_pool(x, grid)
    taps = np.random.default_rng(4).integers(0, 31, (50, 2))
    return [*windows.max_pool(x, grid), windows.mean_pool(x, grid), windows.mean_adjoint(pooled, grid), windows.scatter(pooled, at, x.shape, 2),
            windows.gather(x, at, 2), windows.resample(x, 2, taps, numbers("float32", 50, 2), 0), windows.resample(x, 2, taps[:, :1], None, 0),
            y, mean, rstd, var, *group, *layer, *columns,
            *norms.batch_backward(x, x, w, mean, rstd, (1, 1, 1), False, 1e-5), norms.batch_apply(x, w, w, mean, var, 1e-5),
            *norms.groups_backward(x, x, w, group[1], group[2], (1, 1, 1), 4),
            *norms.rows_backward(flat, flat, wide, layer[1], layer[2], (1, 1, 1), 1),
            *norms.batch_backward(flat, flat, wide, columns[1], columns[2], (1, 1, 1), False, 1e-5), rows.softmax(flat, 1, False), rows.softmax(flat, 1, True),
            rows.softmax_backward(flat, flat, 1, False), rows.running_sum(flat, 1), total,
            *rows.bag_sums(flat, np.arange(len(flat))[::-1] % 100, np.arange(0, len(flat), 5), None, True, False),
            *sort.sort(flat, True), *sort.topk(flat, 5, False, True)]


def test_threads_change_nothing():
    alone = everything()
    for threads in (2, 4):
        runtime.set_threads(threads)
        for one, several in zip(alone, everything(), strict=True):
            assert np.array_equal(one, several)


@pytest.mark.parametrize("count", [32767, 32768, 100_001, 600_000])
def test_clone_by_pieces(count):
    x = reftorch.arange(count)
    for threads in (1, 2, 3):
        runtime.set_threads(threads)
        assert np.array_equal(x.clone().numpy(), np.arange(count))


@pytest.mark.skipif(os.environ.get("REFTORCH_ISA") == "base", reason="this is that run")
def test_any_processor():
    """The same tests with the kernels that need no AVX2."""
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__], env={**os.environ, "REFTORCH_ISA": "base"},
                         capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-3000:]
