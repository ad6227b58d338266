"""Products of matrices: tiny, of layers, large; the right one as it is or transposed, as `linear` has it."""
import numpy as np
import pytest

#: rows, columns, depth
SHAPES = [(4, 4, 4), (16, 16, 16), (64, 64, 64), (16, 256, 64), (16, 256, 784), (64, 256, 784), (64, 10, 256), (20, 800, 200), (32, 2048, 512),
          (64, 3136, 576), (256, 196, 2304), (512, 512, 512), (1024, 1024, 1024)]


@pytest.mark.parametrize("right", ["rows", "columns"])
@pytest.mark.parametrize("shape", SHAPES, ids=lambda s: "x".join(map(str, s)))
def test_mm(paired, shape, right):
    rows, columns, depth = shape

    def make(t):
        a, b = t.randn(rows, depth), t.randn(columns, depth).t() if right == "columns" else t.randn(depth, columns)
        return lambda: t.mm(a, b)

    def plain():
        a, b = np.ones((rows, depth), np.float32), np.ones((columns, depth), np.float32).T if right == "columns" else np.ones((depth, columns), np.float32)
        return lambda: a @ b
    paired(make, plain)


def test_linear(paired):
    def make(t):
        x, w, b = t.randn(64, 784), t.randn(256, 784), t.randn(256)
        return lambda: t.nn.functional.linear(x, w, b)
    paired(make)


def test_bmm(paired):
    def make(t):
        a, b = t.randn(64, 32, 16), t.randn(64, 16, 32)
        return lambda: t.bmm(a, b)
    paired(make)
