"""Matrix products against float64: shapes, strides, threads, instruction sets."""
import os
import subprocess
import sys

import numpy as np
import pytest

from reftorch.kernels import gemm, runtime

SMALL = [(1, 1, 9), (1, 7, 30), (2, 11, 37), (3, 300, 20), (9, 1, 25), (40, 2, 16), (17, 11, 200), (30, 3, 1)]
SHAPES = [*SMALL, (1, 1, 1), (4, 4, 4), (2, 3, 5), (7, 17, 33), (64, 64, 64), (33, 100, 400), (100, 33, 1000), (13, 16, 1), (12, 200, 70), (250, 31, 333),
          (5, 513, 700), (97, 385, 321)]
ERROR = {"float32": 2e-6, "float64": 1e-14}


pytestmark = pytest.mark.usefixtures("one_thread")


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


@pytest.mark.parametrize("right", ["rows", "columns", "gaps"])
@pytest.mark.parametrize("left", ["rows", "columns", "gaps"])
@pytest.mark.parametrize("shape", [(2, 5000, 90), (1, 30000, 40), (30000, 1, 40), (9000, 11, 33)], ids=str)
def test_threads_change_nothing_in_small_products(shape, left, right):
    m, n, k = shape
    rng = np.random.default_rng(3)
    a, b = matrix(rng, (m, k), "float32", left), matrix(rng, (k, n), "float32", right)
    alone = gemm.matmul(a, b)
    for threads in (2, 4):
        runtime.set_threads(threads)
        assert np.array_equal(alone, gemm.matmul(a, b))


def test_order_of_small_products():
    """By rows: product by product. By columns: four sums of every fourth product. Each is rounded before it is added."""
    rng = np.random.default_rng(4)
    a, b = rng.standard_normal((5, 16), "float32"), rng.standard_normal((16, 8), "float32")
    want = np.zeros((5, 8), np.float32)
    for k in range(16):
        want += a[:, k : k + 1] * b[k]
    assert np.array_equal(gemm.matmul(a, b), want)
    lanes = np.zeros((5, 8, 4), np.float32)
    for k in range(0, 16, 4):
        lanes += a[:, None, k : k + 4] * b.T[None, :, k : k + 4]
    want = (lanes[..., 0] + lanes[..., 2]) + (lanes[..., 1] + lanes[..., 3])
    assert np.array_equal(gemm.matmul(a, np.asfortranarray(b)), want)


@pytest.mark.parametrize("depth", [192, 300, 501])
def test_order_of_large_products(depth):
    """Sums of up to 192 products, halves of less than twice that, joined one after the other."""
    rng = np.random.default_rng(5)
    a, b = rng.integers(-9, 9, (6, depth)).astype("float32"), rng.integers(-9, 9, (depth, 16)).astype("float32")
    step = depth // 2 if 192 < depth < 384 else 192
    a[:, 0] = 2.0**26                                      # the first sum loses what is less than 4, the others lose nothing
    want = np.zeros((6, 16), np.float32)
    for k in range(0, depth, step):
        part = np.zeros((6, 16), np.float32)
        for i in range(k, min(k + step, depth)):
            part = (part + a[:, i : i + 1].astype("float64") * b[i]).astype("float32")         # the fused product
        want += part
    assert np.array_equal(gemm.matmul(a, b), want)


def test_vectors():
    rng = np.random.default_rng(6)
    for n in (1, 2, 3, 5, 16, 33, 100):
        for dtype in (*ERROR, "complex64", "complex128"):
            m, x = (rng.standard_normal((*shape, 2)).astype(np.dtype(dtype).type(0).real.dtype) for shape in ((7, n), (n,)))
            m, x = (v[..., 0] + 1j * v[..., 1] if dtype[0] == "c" else v[..., 0] for v in (m, x))
            assert np.allclose(gemm.matvec(m, x), m @ x, 1e-4, 1e-5)
            if dtype in ERROR:
                assert np.allclose(gemm.dot(m[0], x), m[0] @ x, 1e-4, 1e-5)
                assert np.allclose(gemm.matvec(m.T, m[:, 0], x), m.T @ m[:, 0] + x, 1e-4, 1e-5)


@pytest.mark.parametrize("shape", [(1, 5, 7), (5, 1, 7), (3, 3, 9), (6, 7, 3), (6, 7, 200)], ids=str)
def test_complex(shape):
    m, n, k = shape
    rng = np.random.default_rng(7)
    a, b = ((rng.standard_normal(s) + 1j * rng.standard_normal(s)).astype("complex64") for s in ((m, k), (k, n)))
    for right in (b, np.asfortranarray(b)):
        made = gemm.matmul(a, right)
        assert np.abs(made - a.astype("complex128") @ b).max() <= 3e-6 * (np.abs(a) @ np.abs(b)).max()


def test_left_to_numpy():
    assert gemm.matmul(np.ones((2, 2), np.int64), np.ones((2, 2), np.int64)) is None
    assert gemm.matmul(np.ones((512, 512)), np.ones((512, 512))) is None


def test_empty():
    assert gemm.matmul(np.ones((0, 3), np.float32), np.ones((3, 2), np.float32)).shape == (0, 2)
    assert (gemm.matmul(np.ones((2, 0), np.float32), np.ones((0, 2), np.float32), np.full(2, 7, np.float32)) == 7).all()
    assert (gemm.matmul(np.ones((2, 0), np.float32), np.ones((0, 2), np.float32)) == 0).all()


WIDTHS = """
import hashlib, itertools, numpy as np
from reftorch.kernels import gemm
rng, found = np.random.default_rng(0), hashlib.sha256()
for rows, columns, depth, dtype in itertools.product((4, 11, 12, 13, 100), (12, 16, 24, 31, 32, 41, 200), (1, 7, 200, 500), (np.float32, np.float64)):
    a, b = rng.standard_normal((rows, depth)).astype(dtype), rng.standard_normal((depth, columns)).astype(dtype)
    start = rng.standard_normal(columns).astype(dtype)
    for left, right in itertools.product((a, np.asfortranarray(a)), (b, np.asfortranarray(b))):
        found.update(gemm.matmul(left, right, start).tobytes())
    found.update(gemm.matmul(np.stack([a, -a]), np.stack([b, b])).tobytes())
print(found.hexdigest())
"""


@pytest.mark.skipif("REFTORCH_ISA" in os.environ, reason="this is the run on a plain build")
def test_same_bits_with_wide_vectors():
    """How long vectors are does not show in a sum."""
    hashes = {subprocess.run([sys.executable, "-c", WIDTHS], env=os.environ | more, capture_output=True, text=True, check=True).stdout
              for more in ({}, {"REFTORCH_ISA": "v3"})}
    assert len(hashes) == 1


@pytest.mark.skipif("REFTORCH_ISA" in os.environ, reason="this is the run on a plain build")
@pytest.mark.parametrize("isa", ["base", "v3"])
def test_plain_build(isa):
    """The same tests where the kernels are those for any processor, or for those without AVX-512."""
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, "-k", "product or batch"],
                         env=os.environ | {"REFTORCH_ISA": isa}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]
