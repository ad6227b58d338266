"""Steps of optimizers: one, twenty and two hundred tensors, small, middling and large."""
import pytest

OPTIMIZERS = {
    "SGD": lambda t, params: t.optim.SGD(params, lr=1e-3),
    "SGD_momentum": lambda t, params: t.optim.SGD(params, lr=1e-3, momentum=0.9, weight_decay=1e-4),
    "Adam": lambda t, params: t.optim.Adam(params, lr=1e-3),
    "AdamW": lambda t, params: t.optim.AdamW(params, lr=1e-3),
    "RMSprop": lambda t, params: t.optim.RMSprop(params, lr=1e-3),
}
TENSORS = [(1, 16), (20, 16), (200, 16), (1, 1000), (20, 1000), (200, 1000), (1, 100_000), (20, 100_000)]


def step(t, optimizer, shapes):
    generator = t.Generator().manual_seed(0)
    params = [t.nn.Parameter(t.rand(*shape, generator=generator)) for shape in shapes]
    for p in params:
        p.grad = t.rand(*p.shape, generator=generator) - 0.5
    made = OPTIMIZERS[optimizer](t, params)
    made.step()                                      # the state begins
    return made.step


@pytest.mark.parametrize("count,size", TENSORS, ids=[f"{count}x{size}" for count, size in TENSORS])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_step(paired, optimizer, count, size):
    paired(lambda t: step(t, optimizer, [(size,)] * count))


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_mlp(paired, optimizer):
    """The four tensors of an MLP 8-16-4."""
    paired(lambda t: step(t, optimizer, [(16, 8), (16,), (4, 16), (4,)]))
