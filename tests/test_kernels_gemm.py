"""Matrix products against float64: shapes, strides, threads, instruction sets."""
import os
import subprocess
import sys

import numpy as np
import pytest

from reftorch.kernels import gemm, runtime

SHAPES = [(1, 1, 1), (4, 4, 4), (2, 3, 5), (7, 17, 33), (64, 64, 64), (33, 100, 400), (100, 33, 1000), (13, 16, 1), (12, 200, 70), (250, 31, 333),
          (5, 513, 700), (97, 385, 321)]
ERROR = {"float32": 2e-6, "float64": 1e-14}


@pytest.fixture(autouse=True)
def _threads():
    threads = runtime.threads()
    runtime.set_threads(1)
    yield
    runtime.set_threads(threads)


def matrix(rng, shape, dtype, layout):
    """Numbers of a shape, their memory in row-major or column-major order or with gaps."""
    *batch, n, m = shape
    if layout == "columns":
        return rng.standard_normal((*batch, m, n)).astype(dtype).swapaxes(-1, -2)
    if layout == "gaps":
        return rng.standard_normal((*batch, 2 * n, 3 * m)).astype(dtype)[..., ::-2, 1::3]
    return rng.standard_normal(shape).astype(dtype)


def close(got, a, b, start, dtype):
    a, b = a.astype(np.float64), b.astype(np.float64)
    assert np.abs(got - (a @ b + start)).max() <= ERROR[dtype] * (np.abs(a) @ np.abs(b) + np.abs(start)).max()


@pytest.mark.parametrize("dtype", ERROR)
@pytest.mark.parametrize("right", ["rows", "columns", "gaps"])
@pytest.mark.parametrize("left", ["rows", "columns", "gaps"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_product(shape, left, right, dtype):
    m, n, k = shape
    rng = np.random.default_rng(0)
    a, b = matrix(rng, (m, k), dtype, left), matrix(rng, (k, n), dtype, right)
    for start in (0, rng.standard_normal(n).astype(dtype), rng.standard_normal((m, 1)).astype(dtype)):
        made = gemm.matmul(a, b, None if isinstance(start, int) else start)
        if made is not None:                               # None: left to BLAS
            close(made, a, b, start, dtype)
        assert (made is not None) or k * m * n > 1 << 12


@pytest.mark.parametrize("dtype", ERROR)
@pytest.mark.parametrize("batch", [1, 3, 16])
def test_batch(batch, dtype):
    rng = np.random.default_rng(1)
    a, b = matrix(rng, (batch, 19, 30), dtype, "columns"), matrix(rng, (batch, 30, 21), dtype, "rows")
    close(gemm.matmul(a, b), a, b, 0, dtype)
    same = np.broadcast_to(b[:1], b.shape)
    close(gemm.matmul(a, same, a[:, :, :1]), a, same, a[:, :, :1], dtype)


@pytest.mark.parametrize("shape", [s for s in SHAPES if s[0] > 4], ids=str)
def test_threads_change_nothing(shape):
    m, n, k = shape
    rng = np.random.default_rng(2)
    a, b = matrix(rng, (6, m, k), "float32", "rows"), matrix(rng, (6, k, n), "float32", "columns")
    runtime.set_threads(1)
    alone = gemm.matmul(a[0], b[0]), gemm.matmul(a, b)
    for threads in (2, 4):
        runtime.set_threads(threads)
        assert np.array_equal(alone[0], gemm.matmul(a[0], b[0]))
        assert np.array_equal(alone[1], gemm.matmul(a, b))


def test_left_to_numpy():
    assert gemm.matmul(np.ones((2, 2), np.int64), np.ones((2, 2), np.int64)) is None
    assert gemm.matmul(np.ones((512, 512), np.float32), np.ones((512, 512), np.float32)) is None


def test_empty():
    assert gemm.matmul(np.ones((0, 3), np.float32), np.ones((3, 2), np.float32)).shape == (0, 2)
    assert (gemm.matmul(np.ones((2, 0), np.float32), np.ones((0, 2), np.float32), np.full(2, 7, np.float32)) == 7).all()
    assert (gemm.matmul(np.ones((2, 0), np.float32), np.ones((0, 2), np.float32)) == 0).all()


@pytest.mark.skipif(os.environ.get("REFTORCH_ISA") == "base", reason="this is the run on the plain build")
def test_plain_build():
    """The same tests where the kernels are those for any processor."""
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, "-k", "product or batch"],
                         env=os.environ | {"REFTORCH_ISA": "base"}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]
