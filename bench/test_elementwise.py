"""Elementwise mathematics and sums on middling and large tensors."""
import numpy as np
import pytest

FUNCTIONS = ["exp", "tanh", "sigmoid", "erf", "log", "relu", "log1p", "sin"]
ACTIVATIONS = ["gelu", "silu", "softplus", "elu", "mish"]
SIZES = [1_000, 100_000, 10_000_000]


def points(t, size):
    return t.rand(size, generator=t.Generator().manual_seed(0)) + 0.5


def of_array(fn, size):
    """The same for NumPy: a call of `fn` on an array."""
    x = np.random.default_rng(0).random(size, np.float32) + np.float32(0.5)
    return lambda: fn(x)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(paired, name, size):
    def make(t):
        x, fn = points(t, size), getattr(t, name)
        return lambda: fn(x)
    paired(make, (lambda: of_array(getattr(np, name), size)) if hasattr(np, name) else None)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(paired, name, size):
    def make(t):
        x, fn = points(t, size) - 1, getattr(t.nn.functional, name)
        return lambda: fn(x)
    paired(make)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["add", "sum", "clone"])
def test_memory_bound(paired, name, size):
    def make(t):
        x = t.ones(size)
        return {"add": lambda: x + x, "sum": lambda: x.sum(), "clone": lambda: x.clone()}[name]
    paired(make, lambda: of_array({"add": lambda x: x + x, "sum": np.sum, "clone": np.copy}[name], size))


@pytest.mark.parametrize("dim", [0, 1])
def test_sum_along(paired, dim):
    def make(t):
        x = t.ones(1000, 100)
        return lambda: x.sum(dim)
    paired(make, lambda: of_array(lambda x: x.sum(dim), (1000, 100)))
