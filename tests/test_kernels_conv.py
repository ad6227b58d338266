"""Convolution kernels against sums over taps in float64: shapes of every kind, threads, instruction sets, Winograd's rules and their fallback."""
import itertools
import math
import os
import platform
import random
import subprocess
import sys

import numpy as np
import pytest

import reftorch
from reftorch.kernels import conv, runtime

TOLERANCE = {"float32": 3e-6, "float64": 1e-14}


@pytest.fixture(autouse=True)
def _switches(one_thread):
    yield
    conv.set_winograd("exact", careful=False)


def taps_of(x, kernel, stride, padding, dilation, out):
    """(tap, the part of padded x [N, C, *] that it meets, a view [N, C, *out])."""
    for tap in itertools.product(*map(range, kernel)):
        place = (slice(t * d, t * d + s * (o - 1) + 1, s) for t, d, s, o in zip(tap, dilation, stride, out, strict=True))
        yield tap, x[(slice(None), slice(None), *place)]


def reference(x, w, grad, stride, padding, dilation, groups):
    """The result and, from its gradient, those by input and weight, all in float64."""
    x, w = x.astype(np.float64), w.astype(np.float64)
    kernel = w.shape[2:]
    padded = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding)))
    out = [(n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(padded.shape[2:], kernel, stride, dilation, strict=True)]
    by_group = w.reshape(groups, -1, *w.shape[1:])
    y = np.zeros((len(x), groups, by_group.shape[1], math.prod(out)))
    grad, dw, dx = grad.astype(np.float64).reshape(y.shape), np.zeros_like(by_group), np.zeros_like(padded)
    for (tap, part), (_, to) in zip(taps_of(padded, kernel, stride, padding, dilation, out), taps_of(dx, kernel, stride, padding, dilation, out), strict=True):
        cells = part.reshape(len(x), groups, -1, math.prod(out))
        y += np.einsum("gfc,ngcp->ngfp", by_group[(..., *tap)], cells)
        dw[(..., *tap)] = np.einsum("ngfp,ngcp->gfc", grad, cells)
        to += np.einsum("gfc,ngfp->ngcp", by_group[(..., *tap)], grad).reshape(to.shape)
    inner = tuple(slice(p, p + n) for p, n in zip(padding, x.shape[2:], strict=True))
    return y.reshape(len(x), -1, *out), dx[(..., *inner)], dw.reshape(w.shape)


def drawn(seed):
    """One convolution of any kind: (batch, groups, channels, filters, size, kernel, stride, padding, dilation)."""
    r = random.Random(seed)
    dims = r.choice([1, 2, 2, 3])
    size = [r.choice([5, 8, 13, 17, 20, 33] if dims < 3 else [3, 5, 8]) for _ in range(dims)]
    kernel, stride, padding, dilation = ([r.choice(values) for _ in range(dims)] for values in ([1, 2, 3, 3, 5], [1, 1, 2, 3], [0, 1, 2, 4], [1, 1, 2]))
    groups, channels, filters = r.choice([1, 1, 2, 3]), r.choice([1, 2, 3, 8, 16, 20]), r.choice([1, 2, 3, 6, 7, 13, 16, 17, 24, 32])
    if r.random() < .2:                                      # depthwise
        groups, channels, filters = r.choice([4, 9]), 1, r.choice([1, 2])
    if r.random() < .2:                                      # 1x1
        kernel, padding = [1] * dims, [0] * dims
    padding = [max(p, (d * (k - 1) + 1 - n + 1) // 2) for p, d, k, n in zip(padding, dilation, kernel, size, strict=True)]
    return r.choice([1, 2, 3]), groups, channels, filters, size, tuple(kernel), tuple(stride), tuple(padding), tuple(dilation)


def operands(case, dtype, seed):
    batch, groups, channels, filters, size, kernel, *geometry = case
    rng = np.random.default_rng(seed)
    x, w = rng.standard_normal((batch, groups * channels, *size)), rng.standard_normal((groups * filters, channels, *kernel))
    if seed % 3 == 0:                                        # channels last
        x = np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    return x.astype(dtype, order="K"), w.astype(dtype), rng.standard_normal(groups * filters).astype(dtype), (*geometry, groups)


def close(got, want, dtype):
    assert got.shape == want.shape
    assert np.abs(got - want).max() <= TOLERANCE[dtype] * np.abs(want).max()


def everything(x, w, bias, arguments):
    """Forward, gradient by input, by weight and by bias, of a gradient that depends on the shape alone."""
    y = conv.forward(x, w, bias, *arguments)
    grad = np.random.default_rng(1).standard_normal(y.shape).astype(y.dtype)
    *geometry, groups = arguments
    return y, grad, conv.transposed(grad, w, None, *geometry, x.shape[2:], groups), conv.weight_gradient(x, grad, w.shape, *arguments), \
        conv.channel_sums(grad)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("seed", range(60))
def test_any_shape(seed, dtype):
    case = drawn(seed)
    x, w, bias, arguments = operands(case, dtype, seed)
    y, grad, dx, dw, db = everything(x, w, bias, arguments)
    want, want_dx, want_dw = reference(x, w, grad, *arguments)
    dims = tuple(range(2, y.ndim))
    close(y, want + bias.reshape(-1, *(1,) * len(dims)), dtype)
    close(dx, want_dx, dtype)
    close(dw, want_dw, dtype)
    assert np.abs(db - grad.astype(np.float64).sum((0, *dims))).max() <= 1e-5 * np.sqrt(grad.size)


@pytest.mark.parametrize("seed", range(0, 60, 4))
def test_threads_change_nothing(seed):
    x, w, bias, arguments = operands(drawn(seed), "float32", seed)
    alone = everything(x, w, bias, arguments)
    for threads in (2, 4):
        runtime.set_threads(threads)
        assert all(np.array_equal(a, b) for a, b in zip(alone, everything(x, w, bias, arguments), strict=True))


#: (batch, groups, channels, filters, size, kernel, padding) at which Winograd's algorithms are chosen: whole and partial tiles, octets and panels;
#: few tiles and many.
WINOGRAD = [(4, 1, 16, 16, (16, 16), 3, 1), (3, 1, 17, 19, (13, 14), 3, 0), (2, 2, 24, 24, (14, 14), 3, 2), (2, 1, 40, 33, (27, 27), 5, 2),
            (8, 1, 130, 72, (7, 7), 3, 1), (32, 1, 16, 64, (8, 8), 3, 1)]


def winograd_operands(case):
    batch, groups, channels, filters, size, kernel, padding = case
    return operands((batch, groups, channels, filters, size, (kernel,) * 2, (1, 1), (padding,) * 2, (1, 1)), "float32", 1)


@pytest.mark.parametrize("level", conv.LEVELS)
@pytest.mark.parametrize("case", WINOGRAD, ids=str)
def test_winograd(case, level):
    x, w, bias, arguments = winograd_operands(case)
    conv.set_winograd(level)
    results = everything(x, w, bias, arguments)
    y, grad, dx, dw, _ = results
    want, want_dx, want_dw = reference(x, w, grad, *arguments)
    for got, right in ((y, want + bias[:, None, None]), (dx, want_dx), (dw, want_dw)):
        assert np.abs(got - right).max() <= (5e-6 if level == "fast" else 3e-6) * np.abs(right).max()
    for threads in (2, 4):
        runtime.set_threads(threads)
        assert all(np.array_equal(a, b) for a, b in zip(results, everything(x, w, bias, arguments), strict=True))


@pytest.mark.parametrize("level", ["off", "exact"])
@pytest.mark.parametrize("size, channels, kernel, theirs", [(28, 128, 3, 2.2e-7), (27, 64, 5, 3.4e-7), (56, 64, 3, 2.1e-7), (32, 3, 5, 1.5e-7)])
def test_rounding(size, channels, kernel, theirs, level):
    """The root of the mean squared error, relative: at most twice what PyTorch 2.13 has."""
    x, w, bias, arguments = operands((2, 1, channels, 32, (size, size), (kernel,) * 2, (1, 1), (kernel // 2,) * 2, (1, 1)), "float32", 1)
    conv.set_winograd(level)
    y = conv.forward(x, w, None, *arguments)
    want = reference(x, w, np.zeros_like(y), *arguments)[0]
    assert np.sqrt(((y - want) ** 2).mean() / (want ** 2).mean()) < 2 * theirs


@pytest.mark.parametrize("value", [np.inf, np.nan, 1e30])
@pytest.mark.parametrize("where", ["input", "weight"])
@pytest.mark.parametrize("case", WINOGRAD, ids=str)
def test_winograd_gives_way(case, where, value):
    """Numbers that would spread over their tiles: what the plain sums give."""
    x, w, bias, arguments = winograd_operands(case)
    (x if where == "input" else w)[1, 3, 2, 2] = value
    conv.set_winograd("fast")
    with np.errstate(all="ignore"):
        y, _, dx, dw, _ = everything(x, w, bias, arguments)
        conv.set_winograd("off")
        plain_y, _, plain_dx, plain_dw, _ = everything(x, w, bias, arguments)
    assert np.array_equal(y, plain_y, equal_nan=True)
    assert np.array_equal(*((dw, plain_dw) if where == "input" else (dx, plain_dx)), equal_nan=True)


def test_winograd_is_used_and_switched():
    """The levels differ where they should, which is not in the plain build for x86, and the public switches reach the kernels."""
    x, w, bias, arguments = winograd_operands(WINOGRAD[0])
    levels = {}
    for level in conv.LEVELS:
        reftorch.backends.kernels.winograd = level
        levels[level] = conv.forward(x, w, bias, *arguments)
    plain = os.environ.get("REFTORCH_ISA") == "base" and platform.machine() in ("x86_64", "AMD64")
    assert np.array_equal(levels["fast"], levels["exact"]) is plain
    assert np.array_equal(levels["exact"], levels["off"]) is plain
    reftorch.use_deterministic_algorithms(True)
    try:
        assert np.array_equal(conv.forward(x, w, bias, *arguments), levels["exact"])
    finally:
        reftorch.use_deterministic_algorithms(False)
    assert np.array_equal(conv.forward(x, w, bias, *arguments), levels["fast"])
    with pytest.raises(ValueError, match="winograd is one of"):
        reftorch.backends.kernels.winograd = "slow"


def test_derivatives_of_the_second_order():
    x, w, b = (reftorch.randn(*shape, dtype=reftorch.float64, requires_grad=True) for shape in ((2, 2, 5, 6), (4, 1, 3, 2), (4,)))
    assert reftorch.autograd.gradgradcheck(lambda x, w, b: reftorch.nn.functional.conv2d(x, w, b, stride=2, padding=1, groups=2), (x, w, b))
    assert reftorch.autograd.gradgradcheck(lambda x, w: reftorch.nn.functional.conv_transpose2d(x, w, stride=2, output_padding=1),
                                           (x, reftorch.randn(2, 3, 3, 3, dtype=reftorch.float64, requires_grad=True)))


@pytest.mark.skipif("REFTORCH_ISA" in os.environ, reason="this is that run")
@pytest.mark.parametrize("isa", ["base", "v3"])
def test_plain_build(isa):
    """The same tests where the kernels are those for any processor, and for those without AVX-512."""
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, "-k", "any_shape or winograd"],
                         env=os.environ | {"REFTORCH_ISA": isa}, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-3000:]
