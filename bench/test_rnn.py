"""LSTM, GRU and RNN over sequences, and their cells."""
import pytest

#: steps, sequences, in, hidden, layers
SHAPES = [(2, 3, 4, 3, 1), (32, 16, 64, 64, 1), (35, 20, 200, 200, 2), (64, 32, 256, 512, 1), (128, 64, 512, 512, 1)]


@pytest.mark.parametrize("train", [False, True], ids=["forward", "forward_backward"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "_".join(map(str, shape)))
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_sequence(paired, name, shape, train):
    steps, n, size, hidden, layers = shape

    def make(t):
        t.manual_seed(0)
        net, x, towards = getattr(t.nn, name)(size, hidden, layers), t.randn(steps, n, size, requires_grad=train), t.ones(steps, n, hidden)
        return (lambda: net(x)[0].backward(towards)) if train else lambda: net(x)
    paired(make)


@pytest.mark.parametrize("train", [False, True], ids=["forward", "forward_backward"])
@pytest.mark.parametrize("name", ["LSTMCell", "GRUCell", "RNNCell"])
def test_cell(paired, name, train):
    def make(t):
        t.manual_seed(0)
        cell, x, h, towards = getattr(t.nn, name)(4, 3), t.randn(3, 4), t.zeros(3, 3), t.ones(3, 3)
        first = (h, h) if name == "LSTMCell" else h

        def call():
            made = cell(x, first)
            if train:
                (made[0] if name == "LSTMCell" else made).backward(towards)
        return call
    paired(make)
