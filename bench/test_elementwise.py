"""Elementwise mathematics on middling and large tensors."""
import pytest

FUNCTIONS = ["exp", "tanh", "sigmoid", "erf", "log", "relu"]


@pytest.mark.parametrize("size", [100_000, 1_000_000])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_function(paired, name, size):
    def make(t):
        x = t.rand(size, generator=t.Generator().manual_seed(0)) + 0.5
        fn = getattr(t, name)
        return lambda: fn(x)
    paired(make)


@pytest.mark.parametrize("name", ["add", "sum"])
def test_memory_bound(paired, name):
    def make(t):
        x = t.ones(100_000)
        return (lambda: x + x) if name == "add" else (lambda: x.sum())
    paired(make)
