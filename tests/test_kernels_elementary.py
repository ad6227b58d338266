"""Elementary functions and sums against float64: accuracy, special values, layouts, threads, instruction sets."""
import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import special

import reftorch
from reftorch.kernels import pointwise, reduce, runtime


@pytest.fixture(autouse=True)
def _quiet():
    with np.errstate(all="ignore"):
        yield


def sigmoid(x):
    return np.where(x < 0, np.exp(np.minimum(x, 0)), 1) / (1 + np.exp(-np.abs(x)))


def density(x):
    return np.exp(-0.5 * x * x) / np.sqrt(2 * np.pi)


def tanh_of_gelu(x):
    return np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))


#: function of float64, where float32 is held to so many units in the last place, and those units (at least those of 1e-2 for differences)
FUNCTIONS = {
    "exp": (np.exp, (-103, 88.7), 1.0), "exp2": (np.exp2, (-148, 127.9), 1.0), "expm1": (np.expm1, (-30, 88.7), 0.6),
    "log": (np.log, (0, 3e38), 1.2), "log2": (np.log2, (0, 3e38), 0.6), "log10": (np.log10, (0, 3e38), 0.6), "log1p": (np.log1p, (-1, 3e38), 0.6),
    "tanh": (np.tanh, (-20, 20), 0.6), "sin": (np.sin, (-1e6, 1e6), 0.6), "cos": (np.cos, (-1e6, 1e6), 0.6),
    "tan": (np.tan, (-1e6, 1e6), 0.6), "sinh": (np.sinh, (-89, 89), 0.6), "cosh": (np.cosh, (-89, 89), 0.6), "arcsin": (np.arcsin, (-1, 1), 0.6),
    "arccos": (np.arccos, (-1, 1), 0.6), "arctan": (np.arctan, (-3e38, 3e38), 0.6), "erfinv": (special.erfinv, (-0.99999994, 0.99999994), 0.6),
    "erf": (special.erf, (-6, 6), 1.5), "erfc": (special.erfc, (-6, 9), 0.6), "sigmoid": (sigmoid, (-87, 40), 2.5),
    "silu": (lambda x: x * sigmoid(x), (-80, 100), 3.5), "gelu": (lambda x: x * special.ndtr(x), (-1, 100), 3.0),
    "gelu_tanh": (lambda x: 0.5 * x * (1 + tanh_of_gelu(x)), (0, 100), 2.5),
    "mish": (lambda x: x * np.tanh(np.logaddexp(0, x)), (-1, 100), 4.0), "log_sigmoid": (lambda x: -np.logaddexp(0, -x), (-80, 60), 2.0),
}
TINY = np.finfo(np.float32).tiny


def points(low, high, count=40_000):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.uniform(max(low, -120), min(high, 120), count), np.exp2(rng.uniform(-140, 127, count)),
                        -np.exp2(rng.uniform(-140, 127, count))]).astype(np.float32)
    return x[(x >= low) & (x <= high)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_accuracy(name):
    exact, (low, high), bound = FUNCTIONS[name]
    x = points(low, high)
    want = exact(x.astype(np.float64))
    got = getattr(pointwise, name)(x)
    assert got.dtype == np.float32
    # without fused multiply-add the kernels round more often
    slack = 2 if os.environ.get("REFTORCH_ISA") == "base" else 1
    assert (np.abs(got - want) / np.spacing(np.maximum(np.abs(want), TINY).astype(np.float32))).max() <= bound * slack
    want = exact(points(max(low, -700), min(high, 700)).astype(np.float64))
    got = getattr(pointwise, name)(points(max(low, -700), min(high, 700)).astype(np.float64))
    assert got.dtype == np.float64
    assert np.allclose(got, want, rtol=1e-14 if name not in ("gelu", "gelu_tanh", "mish") else 1e-13, atol=1e-300)


def test_angles():
    rng = np.random.default_rng(5)
    edges = [0.0, -0.0, INF, -INF, NAN, 1, -1, 1e-45, -3e38]
    y, x = [np.concatenate([part.ravel(), np.exp2(rng.uniform(-140, 127, 40_000)) * rng.choice([-1, 1], 40_000)]).astype(np.float32)
            for part in np.meshgrid(edges, edges)]
    want, got = np.arctan2(y.astype(np.float64), x.astype(np.float64)), pointwise.arctan2(y, x)
    assert np.array_equal(np.isnan(want), np.isnan(got))
    number = ~np.isnan(want)
    assert (np.abs(got - want)[number] / np.spacing(np.maximum(np.abs(want[number]), TINY).astype(np.float32))).max() <= 0.6
    assert np.array_equal(np.signbit(got)[number], np.signbit(want)[number])
    assert pointwise.arctan2(y.astype(np.float64), x.astype(np.float64)).dtype == np.float64


def test_gelu_below_zero():
    """Where it is 1/2 less nearly as much, the error is that of the difference."""
    x = np.linspace(-14, 0, 100_001, dtype=np.float32)
    wide = x.astype(np.float64)
    assert np.abs(pointwise.gelu(x) - wide * special.ndtr(wide)).max() <= 1e-6        # as PyTorch
    apart = np.array([pointwise.gelu(x[i:i + 1])[0] for i in range(0, len(x), 97)])      # whatever its neighbours are
    assert np.array_equal(apart, pointwise.gelu(x)[::97])


def test_backward_of_gelu_and_silu():
    x, grad = points(-8, 8), np.random.default_rng(1).standard_normal(points(-8, 8).size).astype(np.float32)
    wide = x.astype(np.float64)
    slope = 1 - tanh_of_gelu(wide)**2
    for name, want in {"gelu_backward": special.ndtr(wide) + wide * density(wide),
                       "gelu_tanh_backward": 0.5 * (1 + tanh_of_gelu(wide) + wide * slope * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * wide**2)),
                       "silu_backward": sigmoid(wide) * (1 + wide * (1 - sigmoid(wide)))}.items():
        for dtype, bound in (("float32", 1e-6), ("float64", 1e-14)):
            got = getattr(pointwise, name)(grad.astype(dtype), x.astype(dtype))
            assert np.abs(got - grad * want).max() <= bound * 4


def test_softplus_and_elu():
    x = points(-30, 60)
    wide = x.astype(np.float64)
    for dtype, bound in (("float32", 3e-7), ("float64", 1e-14)):
        number = [np.asarray(v, dtype) for v in (2, 20, 1.5, 0.5)]
        got = pointwise.softplus(x.astype(dtype), number[0], number[1])
        assert np.allclose(got, np.where(wide * 2 > 20, wide, np.log1p(np.exp(np.minimum(wide * 2, 30))) / 2), rtol=bound)
        got = pointwise.elu(x.astype(dtype), number[2], number[0], number[3])
        assert np.allclose(got, np.where(wide > 0, wide, np.expm1(np.minimum(wide, 0) * 0.5) * 1.5) * 2, rtol=bound)


INF, NAN = np.inf, np.nan
SPECIAL = {"exp": {INF: INF, -INF: 0, NAN: NAN, 0: 1, 88.8: INF, -104: 0, -103.9: 1e-45, -90: 8.19401e-40},
           "exp2": {INF: INF, -INF: 0, NAN: NAN, 128: INF, -149: 1e-45, -151: 0, 3: 8}, "expm1": {INF: INF, -INF: -1, NAN: NAN, -0.0: -0.0, 89: INF},
           "log": {INF: INF, -INF: NAN, NAN: NAN, 0: -INF, -1: NAN, 1: 0, 1e-45: -103.27893},
           "log2": {INF: INF, -1: NAN, NAN: NAN, 0: -INF, 8: 3, 1e-45: -149}, "log10": {INF: INF, -1: NAN, 0: -INF, 1000: 3, NAN: NAN},
           "log1p": {INF: INF, -1: -INF, -2: NAN, NAN: NAN, -0.0: -0.0, 1e-40: 1e-40}, "tanh": {INF: 1, -INF: -1, NAN: NAN, -0.0: -0.0, 1e-40: 1e-40},
           "sin": {INF: NAN, NAN: NAN, -0.0: -0.0, 1e30: np.sin(np.float64(np.float32(1e30)))},
           "cos": {INF: NAN, NAN: NAN, 0: 1, 1e30: np.cos(np.float64(np.float32(1e30)))},
           "tan": {INF: NAN, NAN: NAN, -0.0: -0.0, 1e30: np.tan(np.float64(np.float32(1e30))), 1e-40: 1e-40},
           "sinh": {INF: INF, -INF: -INF, NAN: NAN, -0.0: -0.0, 1e-40: 1e-40, 90: INF}, "cosh": {INF: INF, -INF: INF, NAN: NAN, 0: 1, -90: INF},
           "arcsin": {1: np.pi / 2, -1: -np.pi / 2, 1.1: NAN, INF: NAN, NAN: NAN, -0.0: -0.0, 1e-40: 1e-40},
           "arccos": {1: 0, -1: np.pi, -1.1: NAN, -INF: NAN, NAN: NAN, -0.0: np.pi / 2},
           "arctan": {INF: np.pi / 2, -INF: -np.pi / 2, NAN: NAN, -0.0: -0.0, 1e-40: 1e-40},
           "erfinv": {1: INF, -1: -INF, 1.1: NAN, INF: NAN, NAN: NAN, -0.0: -0.0, 1e-40: 8.862269e-41},
           "erf": {INF: 1, -INF: -1, NAN: NAN, -0.0: -0.0}, "erfc": {INF: 0, -INF: 2, NAN: NAN, 0: 1},
           "sigmoid": {INF: 1, -INF: 0, NAN: NAN, 0: 0.5, -89: 0}, "silu": {INF: INF, -INF: NAN, NAN: NAN, -0.0: -0.0, -89: -0.0},
           "gelu": {INF: INF, -INF: NAN, NAN: NAN, -0.0: -0.0, -100: -0.0, 1e30: 1e30}, "gelu_tanh": {INF: INF, -INF: NAN, NAN: NAN, -100: -0.0},
           "mish": {INF: INF, -INF: NAN, NAN: NAN, -0.0: -0.0}, "log_sigmoid": {INF: 0, -INF: -INF, NAN: NAN, -100: -100}}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", SPECIAL)
def test_special_values(name, dtype):
    if dtype == "float64":
        cases = {x: y for x, y in SPECIAL[name].items() if x in (INF, -INF, 0) or x != x}
    else:
        cases = SPECIAL[name]
    got = getattr(pointwise, name)(np.array(list(cases), dtype))
    want = np.array(list(cases.values()), dtype)
    np.testing.assert_allclose(got, want, rtol=3e-7)
    numbers = want == want
    assert (np.signbit(got) == np.signbit(want))[numbers].all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_place_changes_nothing(name):
    """The same bits at any place in a row, with gaps and alone."""
    assert_same = np.testing.assert_array_equal
    function = getattr(pointwise, name)
    for dtype in ("float32", "float64") if name in ("sigmoid", "gelu", "mish", "erf", "softplus") else ("float32",):
        x = np.random.default_rng(2).standard_normal(1100).astype(dtype) * 3
        whole = function(x)
        for start, count in [(0, 1), (1, 2), (3, 7), (5, 9), (2, 31), (11, 1000)]:
            assert_same(function(x[start:start + count]), whole[start:start + count])
        assert_same(function(x[::3]), whole[::3])
        assert_same(function(x[::-1]), whole[::-1])
        assert_same(function(np.repeat(x, 5).reshape(-1, 5)[:, 2]), whole)
        inside = x.copy()
        function(inside, out=inside)
        assert_same(inside, whole)


@pytest.fixture
def threads():
    before = reftorch.get_num_threads()
    yield reftorch.set_num_threads
    reftorch.set_num_threads(before)


def test_threads_change_nothing(threads):
    x = reftorch.randn(300, 517, generator=reftorch.Generator().manual_seed(0))
    functions = [reftorch.exp, reftorch.tanh, reftorch.sigmoid, reftorch.nn.functional.gelu, reftorch.nn.functional.softplus, reftorch.sum, reftorch.mean,
                 lambda t: t.sum(0), lambda t: t.sum(1), lambda t: t.t().exp()]
    threads(1)
    alone = [f(x).numpy() for f in functions]
    for count in (2, 4):
        threads(count)
        for f, want in zip(functions, alone, strict=True):
            assert np.array_equal(f(x).numpy(), want)


def added_up(x):
    """A row of float32 as native/cascade.h adds it up when it is short."""
    x, n = np.asarray(x, np.float32), len(x) // 8
    total = np.float32(0)
    for v in x[8 * n:]:
        total += v
    lanes = x[:8 * n].reshape(n, 8)
    chains = [np.add.accumulate(np.concatenate([np.zeros((1, 8), np.float32), lanes[k:n // 4 * 4:4]]), 0)[-1] for k in range(4)]
    for row in lanes[n // 4 * 4:]:
        chains[0] = chains[0] + row
    for v in chains[0] + chains[1] + chains[2] + chains[3]:
        total += v
    return total


@pytest.mark.parametrize("n", [8, 9, 31, 32, 40, 63, 100, 257, 500])
def test_order_of_addition(n):
    x = np.random.default_rng(n).standard_normal(n).astype(np.float32)
    assert reduce.sum(x, None, False) == added_up(x)
    assert reftorch.from_numpy(x).sum().item() == added_up(x)


SHAPES = [((1,), None), ((7,), (0,)), ((1_000_003,), None), ((5000, 7), (0,)), ((5000, 7), (1,)), ((300, 33), (0,)), ((3, 40, 50), (1,)), ((30, 4, 50), (0, 1)),
          ((16, 3, 9, 9), (0, 2, 3)), ((64, 10, 7), (0, 2)), ((0, 3), (0,)), ((2, 1, 60, 1, 5), (2,)), ((), None)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("shape", "axes"), SHAPES, ids=str)
def test_sum(shape, axes, dtype):
    x = np.random.default_rng(3).standard_normal(shape).astype(dtype)
    for keepdim in (False, True):
        got, want = reduce.sum(x, axes, keepdim), x.astype(np.float64).sum(axes, keepdims=keepdim)
        assert got.shape == want.shape
        assert got.dtype == x.dtype
        assert np.allclose(got, want, rtol=0, atol={"float32": 1e-6, "float64": 1e-14}[dtype] * max(1, np.abs(x).sum(axes).max(initial=0)))


def test_sums_left_to_numpy():
    assert reduce.sum(np.ones(3, np.int64), None, False) is None
    assert reduce.sum(np.ones((4, 6), np.float32).T, (0,), False) is None
    assert reduce.sum(np.ones((2, 3, 4, 5), np.float32), (0, 2), False) is None


def test_runtime_threads_split_rows():
    x = np.random.default_rng(4).standard_normal((700, 333)).astype(np.float32)
    before = runtime.threads()
    runtime.set_threads(1)
    alone = reduce.sum(x, (0,), False), reduce.sum(x, (1,), False)
    runtime.set_threads(3)
    assert np.array_equal(alone[0], reduce.sum(x, (0,), False))
    assert np.array_equal(alone[1], reduce.sum(x, (1,), False))
    runtime.set_threads(before)


@pytest.mark.skipif(os.environ.get("REFTORCH_ISA") == "base", reason="this is the run on the plain build")
def test_plain_build():
    """The same tests where the kernels are those for any processor."""
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, "-k", "not threads"],
                         env=os.environ | {"REFTORCH_ISA": "base"}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 23, 100, 513, 4097])
@pytest.mark.parametrize("count", [1, 7, 8, 21])
def test_sums_of_rows_are_those_of_each(count, n, dtype):
    """Short rows are added up several at a time, to the same bits."""
    x = np.random.default_rng(n).standard_normal((count, n)).astype(dtype)
    assert np.array_equal(reduce.sum(x, [1], False), [reduce.sum(row.copy(), None, False) for row in x])
