"""Small work: what a call costs, with and without a graph."""
import pytest

ROWS = {
    "add_4x4": lambda t, a, b: lambda: a + b,
    "mul_scalar_4x4": lambda t, a, b: lambda: a * 2.0,
    "matmul_4x4": lambda t, a, b: lambda: a @ b,
    "sum_4x4": lambda t, a, b: lambda: a.sum(),
    "index_4x4": lambda t, a, b: lambda: a[0],
    "view_4x4": lambda t, a, b: lambda: a.view(16),
    "cat_4x4": lambda t, a, b: lambda: t.cat([a, b]),
    "relu_4x4": lambda t, a, b: lambda: t.relu(a),
    "softmax_4x4": lambda t, a, b: lambda: t.softmax(a, -1),
    "linear_4x4": lambda t, a, b: lambda: t.nn.functional.linear(a, b),
}


@pytest.mark.parametrize("graph", [False, True], ids=["plain", "graph"])
@pytest.mark.parametrize("row", ROWS)
def test_call(paired, row, graph):
    def make(t):
        a, b = t.ones(4, 4, requires_grad=graph), t.ones(4, 4)
        return ROWS[row](t, a, b)
    paired(make)


def test_mul_sum_backward_4x4(paired):
    def make(t):
        a, b = t.ones(4, 4, requires_grad=True), t.ones(4, 4, requires_grad=True)
        return lambda: (a * b).sum().backward()
    paired(make)


def test_mlp_forward_backward(paired):
    def make(t):
        t.manual_seed(0)
        net = t.nn.Sequential(t.nn.Linear(8, 16), t.nn.ReLU(), t.nn.Linear(16, 4))
        x = t.randn(8, 8)
        return lambda: net(x).sum().backward()
    paired(make)
