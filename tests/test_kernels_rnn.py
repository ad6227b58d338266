"""Recurrent kernels against float64 NumPy, over odd shapes, threads and instruction sets."""
import os
import subprocess
import sys

import numpy as np
import pytest

import reftorch as torch
from reftorch.kernels import rnn as kernels

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
#: steps, sequences, in, hidden: below, at and across the widths of vectors, panels and tiles; many rows; several chunks
SHAPES = [(1, 1, 1, 1), (2, 3, 4, 3), (5, 7, 9, 17), (3, 2, 20, 33), (2, 130, 5, 16), (40, 13, 24, 40), (3, 4, 19, 29)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, x, h, c, w):
    """(h', c') of one step, after the formulas of PyTorch's documentation."""
    w_ih, w_hh, b_ih, b_hh, w_hr = w
    a, b = x @ w_ih.T + b_ih, h @ w_hh.T + b_hh
    if kind == "lstm":
        i, f, g, o = np.split(a + b, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        return (h if w_hr is None else h @ w_hr.T), c
    if kind == "gru":
        (a_r, a_z, a_n), (b_r, b_z, b_n) = np.split(a, 3, 1), np.split(b, 3, 1)
        z = sigmoid(a_z + b_z)
        return (1 - z) * np.tanh(a_n + sigmoid(a_r + b_r) * b_n) + z * h, c
    return (np.tanh if kind == "rnn_tanh" else lambda v: np.maximum(v, 0))(a + b), c


def reference(kind, x, h, c, weights, sizes):
    """Output rows, h_n and c_n of a layer; x holds the rows of all steps, of which step t has sizes[t]."""
    ends = np.cumsum(sizes)
    h, c = h.copy(), c.copy()
    output = [[None] * len(sizes) for _ in weights]
    for way, w in enumerate(weights):
        for t in range(len(sizes))[::-1 if way else 1]:
            n = sizes[t]
            h[way, :n], c[way, :n] = step(kind, x[ends[t] - n:ends[t]], h[way, :n], c[way, :n], w)
            output[way][t] = h[way, :n].copy()
    return np.concatenate([np.concatenate(steps) for steps in output], 1), h, c


class Case:
    """Random arguments of one call, and what is done with them."""

    def __init__(self, kind, shape, dtype="float32", directions=1, bias=True, projection=0, given=True, packed=False):
        rng = np.random.default_rng(abs(hash((shape, directions, bias))) % 1000)
        self.kind, self.dtype, self.given, self.directions = kind, dtype, given, directions
        steps, n, size, hidden = self.shape = shape
        out = projection or hidden

        def draw(*shape):
            return rng.normal(0, 0.5, shape).astype(dtype)
        lengths = np.sort(np.concatenate([[steps], rng.integers(1, steps + 1, n - 1)]))[::-1]
        self.sizes = [int((lengths > t).sum()) for t in range(steps)] if packed else [n] * steps
        self.x = draw(sum(self.sizes), size)
        self.h, self.c = draw(directions, n, out) * given, draw(directions, n, hidden) * given
        gates = GATES[kind] * hidden
        self.weights = []
        for _ in range(directions):
            w = [draw(gates, size), draw(gates, out), draw(gates) if bias else None, draw(gates) if bias else None,
                 draw(out, hidden) if projection else None]
            # of a size with which steps do not amplify what was rounded
            self.weights.append([None if a is None else (a * hidden ** -0.5).astype(dtype) for a in w])
        self.states = [self.h, self.c][:1 + (kind == "lstm")] if given else []
        flat = [w for way in self.weights for w in way if w is not None]
        self.arrays = [self.x if packed else self.x.reshape(steps, n, size), *self.states, *flat]
        self.args = len(self.states), np.array(self.sizes) if packed else None, kernels.KINDS[kind], len(flat) // directions, False
        self.towards = [draw(sum(self.sizes), directions * out), draw(directions, n, out), draw(directions, n, hidden)][:2 + (kind == "lstm")]

    def forward(self, keep=True):
        return kernels.forward(self.arrays, keep, self.args)

    def backward(self, saved):
        return kernels.backward(self.arrays, -1, saved, self.towards, self.args)

    def expected(self, arrays):
        """Results in float64 for these arrays in place of our own."""
        arrays = [np.asarray(a, np.float64) for a in arrays]
        x, states, flat = arrays[0].reshape(self.x.shape), arrays[1:1 + len(self.states)], arrays[1 + len(self.states):]
        h, c = [*states, *[s.astype(np.float64) for s in (self.h, self.c)][len(states):]]
        flat = iter(flat)
        weights = [[next(flat) if w is not None else 0 if i in (2, 3) else None for i, w in enumerate(way)] for way in self.weights]
        return [r for r in reference(self.kind, x, h, c, weights, self.sizes)][:len(self.towards)]


def options():
    for kind in GATES:
        for i, shape in enumerate(SHAPES):
            for packed in (False, True):
                yield kind, shape, {"directions": 1 + i % 2, "bias": i != 3, "given": i % 3 != 1, "packed": packed}
    yield "lstm", (5, 7, 9, 17), {"projection": 5}
    yield "lstm", (9, 3, 8, 40), {"projection": 39, "directions": 2, "packed": True, "bias": False}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("kind", "shape", "more"), list(options()))
def test_forward(kind, shape, more, dtype):
    case = Case(kind, shape, dtype, **more)
    for keep in (False, True):
        saved, found = case.forward(keep)
        assert (saved is not None) == keep
        for got, want in zip(found, case.expected(case.arrays), strict=True):
            assert got.dtype == dtype
            np.testing.assert_allclose(got.reshape(want.shape), want, rtol=0, atol=3e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize(("kind", "shape", "more"), [o for o in options() if o[1][0] < 40])
def test_backward(kind, shape, more):
    """The derivative along a random direction, by central differences in float64."""
    case = Case(kind, shape, "float64", **more)
    gradients = case.backward(case.forward()[0])
    rng = np.random.default_rng(0)
    for i, (array, gradient) in enumerate(zip(case.arrays, gradients, strict=True)):
        way, sums = rng.normal(size=array.shape), []
        for sign in (1, -1):
            moved = [a + sign * 1e-6 * way if i == k else a for k, a in enumerate(case.arrays)]
            sums.append(sum((r * g.reshape(r.shape)).sum() for r, g in zip(case.expected(moved), case.towards, strict=True)))
        slope = (gradient * way).sum()
        assert abs(slope - (sums[0] - sums[1]) / 2e-6) <= 1e-6 * max(1, abs(slope)), i


@pytest.mark.parametrize(("kind", "shape", "more"), [o for o in options() if o[1][0] >= 9])
def test_gradients_of_float32(kind, shape, more):
    single, double = Case(kind, shape, "float32", **more), Case(kind, shape, "float64", **more)
    double.arrays = [a.astype(np.float64) for a in single.arrays]
    double.towards = [a.astype(np.float64) for a in single.towards]
    for got, want in zip(single.backward(single.forward()[0]), double.backward(double.forward()[0]), strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-5 * max(1, abs(want).max()))


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("more", [{}, {"packed": True, "directions": 2}, {"projection": 40}])
def test_threads_do_not_change_a_bit(kind, more):
    if kind != "lstm":
        more = {**more, "projection": 0}
    case, results = Case(kind, (6, 70, 50, 120), **more), []
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            saved, found = case.forward()
            results.append([*found, *case.backward(saved)])
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all((a == b).all() for a, b in zip(results[0], other, strict=True))


@pytest.mark.parametrize("kind", GATES)
def test_a_cell_is_a_step(kind):
    case = Case(kind, (1, 5, 4, 9))
    whole, _ = case.forward()[1], None
    cell = [case.x, *[s[0] for s in case.states], *case.arrays[1 + len(case.states):]]
    args = *case.args[:-1], True
    saved, found = kernels.forward(cell, True, args)
    assert [r.shape for r in found] == [(5, 9)] * len(case.states)
    assert all((a == b.reshape(a.shape)).all() for a, b in zip(found, whole[1:], strict=True))
    assert (kernels.backward(cell, -1, saved, [np.ones_like(r) for r in found], args)[0] != 0).any()


@pytest.mark.parametrize("spoil", [lambda a: a.astype(np.float16), lambda a: a[:0], lambda a: a[..., :-1], lambda a: a[None]])
@pytest.mark.parametrize("place", range(7))
def test_what_does_not_fit_is_refused(spoil, place):
    case = Case("lstm", (3, 2, 4, 5))
    case.arrays[place] = spoil(case.arrays[place])
    assert case.forward() is None


def test_inputs_need_not_be_contiguous():
    case = Case("gru", (4, 3, 5, 6))
    plain = case.forward()[1]
    case.arrays = [np.asfortranarray(a) for a in case.arrays]
    assert all((a == b).all() for a, b in zip(plain, case.forward()[1], strict=True))


def test_large_and_infinite_gates():
    x = np.array([[[np.inf], [-np.inf], [np.nan], [1e30], [-1e30]]], np.float32)
    w = [np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)]
    h = kernels.forward([x, *w], False, (0, None, kernels.KINDS["lstm"], 2, False))[1][0].ravel()
    np.testing.assert_allclose(h, [np.tanh(1), 0, np.nan, np.tanh(1), 0], rtol=1e-6)


@pytest.mark.skipif("REFTORCH_ISA" in os.environ, reason="this is that run")
@pytest.mark.parametrize("isa", ["base", "v3"])
def test_plain_build(isa):
    """The code for any processor, and that for those without AVX-512, pass the same tests."""
    run = subprocess.run([sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__], env={**os.environ, "REFTORCH_ISA": isa},
                         capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout[-2000:]


# ------------------------------------------------------------------------------- the same through modules
MODULES = [("LSTM", {}), ("LSTM", {"proj_size": 2}), ("GRU", {}), ("RNN", {}), ("RNN", {"nonlinearity": "relu"})]


@pytest.mark.parametrize(("name", "more"), MODULES)
@pytest.mark.parametrize("shape", [{}, {"num_layers": 2, "bidirectional": True}])
@pytest.mark.filterwarnings("ignore:LSTM with projections")
def test_second_derivatives(name, more, shape):
    net = getattr(torch.nn, name)(3, 4, dtype=torch.float64, **more, **shape)
    x = torch.randn(3, 2, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: net(x)[0], (x,))
    assert torch.autograd.gradcheck(lambda x, *w: net(x)[0], (x, *net.parameters()))


@pytest.mark.parametrize("name", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cells(name):
    cell = getattr(torch.nn, name)(3, 4, dtype=torch.float64)
    x = torch.randn(2, 3, dtype=torch.float64, requires_grad=True)
    first = [torch.randn(2, 4, dtype=torch.float64, requires_grad=True) for _ in range(2 if name == "LSTMCell" else 1)]

    def call(x, *states):
        return cell(x, states if name == "LSTMCell" else states[0])
    assert torch.autograd.gradcheck(call, (x, *first))
    assert torch.autograd.gradgradcheck(call, (x, *first))


def test_writing_to_what_was_saved_is_noticed():
    cell, x = torch.nn.GRUCell(3, 4), torch.randn(2, 3)
    h = cell(x)
    x.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        h.sum().backward()


def test_a_freed_graph_is_refused_and_a_kept_one_serves_again():
    cell = torch.nn.RNNCell(3, 4)
    h = cell(torch.randn(2, 3)).sum()
    h.backward(retain_graph=True)
    once = cell.weight_ih.grad.clone()
    h.backward()
    assert torch.equal(cell.weight_ih.grad, 2 * once)
    with pytest.raises(RuntimeError, match="second time"):
        h.backward()


def test_output_may_be_written_to():
    net, x = torch.nn.GRU(3, 4), torch.randn(5, 2, 3)
    y, _ = net(x)
    (y.clone() * 2).sum().backward()
    want = [p.grad.clone() for p in net.parameters()]
    net.zero_grad()
    y, _ = net(x)
    y.mul_(2).sum().backward()
    assert all(torch.equal(p.grad, w) for p, w in zip(net.parameters(), want, strict=True))


def test_overrides_see_public_ops():
    class Mode(torch.overrides.TorchFunctionMode):
        seen = []

        def __torch_function__(self, func, types, args=(), kwargs=None):
            self.seen.append(func.__name__)
            return func(*args, **(kwargs or {}))
    net, cell = torch.nn.GRU(3, 4), torch.nn.LSTMCell(3, 4)
    with Mode() as mode:
        net(torch.randn(2, 2, 3))
        cell(torch.randn(2, 3))
    assert {"gru", "lstm_cell"} <= set(mode.seen)


def test_forward_mode():
    net, x = torch.nn.LSTM(3, 4, dtype=torch.float64), torch.randn(2, 2, 3, dtype=torch.float64)
    way = torch.randn_like(x)
    _, tangent = torch.func.jvp(lambda x: net(x)[0], (x,), (way,))
    step = 1e-6
    torch.testing.assert_close(tangent, (net(x + step * way)[0] - net(x - step * way)[0]) / (2 * step), rtol=0, atol=1e-8)


def test_replaced_parameters_are_used():
    net, x = torch.nn.GRU(3, 4), torch.randn(2, 2, 3)
    torch.nn.utils.parametrizations.weight_norm(net, "weight_hh_l0")
    before = net(x)[0]
    with torch.no_grad():
        net.parametrizations.weight_hh_l0.original0.mul_(2)
    assert not torch.equal(before, net(x)[0])
