"""Optimizers: the compiled step against the readable one, and both against PyTorch, to the last bit.

The steps of SGD, Adam, AdamW and RMSprop exist twice: `_update` in Python, and one pass over memory in kernels/native/optim.c.
PyTorch's square root is MKL's, which for one float32 in six is not the nearest (observed, up to 0.75 ulp); here it gets the nearest one.
"""
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reftorch
from reftorch import optim

try:
    import torch
    if torch.backends.cpu.get_cpu_capability() == "DEFAULT":
        torch = None                    # without AVX2 its kernels round products and sums apart
except ImportError:
    torch = None

FLAGS = {
    "SGD": {"lr": [0.1, 1, 3e-3], "momentum": [0, 0.9], "dampening": [0, 0.3], "weight_decay": [0, 0.02], "nesterov": [False, True],
            "maximize": [False, True]},
    "Adam": {"lr": [1e-3, 0.1], "betas": [(0.9, 0.999), (0.4, 0.7)], "eps": [1e-8, 1e-3], "weight_decay": [0, 0.02],
             "amsgrad": [False, True], "maximize": [False, True], "decoupled_weight_decay": [False, True]},
    "AdamW": {"lr": [1e-3, 1], "betas": [(0.9, 0.999)], "weight_decay": [0.01, 0], "amsgrad": [False, True], "maximize": [False, True]},
    "RMSprop": {"lr": [1e-2, 1], "alpha": [0.99, 0.3], "eps": [1e-8, 1e-2], "weight_decay": [0, 0.02], "momentum": [0, 0.9],
                "centered": [False, True], "maximize": [False, True]},
}
SHAPES = [(), (3, 5), (41,), (0,)]


@pytest.fixture(scope="module", autouse=True)
def nearest_roots():
    if torch is None:
        yield
        return
    patch = pytest.MonkeyPatch()
    patch.setattr(torch.Tensor, "sqrt", lambda x: torch.from_numpy(np.asarray(np.sqrt(x.numpy()))))
    patch.setattr(torch.Tensor, "sqrt_", lambda x: x.copy_(x.sqrt()))
    yield
    patch.undo()


def sensible(name, flags):
    return not flags.get("nesterov") or (flags["momentum"] > 0 and flags["dampening"] == 0)


def combinations(name):
    names = list(FLAGS[name])
    for values in itertools.product(*FLAGS[name].values()):
        flags = dict(zip(names, values, strict=True))
        if sensible(name, flags):
            yield flags


def numbers(lib, rng, shape, dtype):
    values = rng.standard_normal(shape) * rng.choice([1e-4, 1.0, 30.0])
    if dtype.startswith("complex"):
        values = values + 1j * rng.standard_normal(shape)
    return lib.tensor(values.tolist(), dtype=getattr(lib, dtype))


def trained(lib, name, flags, seed, dtype="float32", steps=3, compiled=True, shapes=SHAPES):
    """Parameters, gradients, state and version counters after a few steps on drawn gradients."""
    rng = np.random.default_rng(seed)
    params = [lib.nn.Parameter(numbers(lib, rng, shape, dtype)) for shape in shapes]
    optimizer = getattr(lib.optim, name)(params, **flags)
    if not compiled:
        optimizer._compiled = None
    for _ in range(steps):
        for p in params:
            p.grad = numbers(lib, rng, p.shape, dtype)
        optimizer.step()
    found = []
    for p in params:
        state = optimizer.state[p]
        for t in [p, p.grad, *(state[k] for k in sorted(state))]:
            found.append((t.detach().tolist() if t.numel() else [], t._version) if isinstance(t, lib.Tensor) else t)
    return repr(found)


@pytest.mark.parametrize("name", FLAGS)
def test_every_combination_of_flags(name):
    """The compiled step and the readable one agree; PyTorch agrees with both."""
    for seed, flags in enumerate(combinations(name)):
        mine = trained(reftorch, name, flags, seed)
        assert mine == trained(reftorch, name, flags, seed, compiled=False), flags
        if torch is not None:
            assert mine == trained(torch, name, flags, seed), flags


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_drawn(data):
    name = data.draw(st.sampled_from(sorted(FLAGS)))
    flags = {k: data.draw(st.sampled_from(v)) for k, v in FLAGS[name].items()}
    flags["lr"] = data.draw(st.floats(0, 2))
    if not sensible(name, flags):
        flags["nesterov"] = False
    seed, dtype = data.draw(st.integers(0, 10**6)), data.draw(st.sampled_from(["float32", "float64"]))
    shapes = [(n,) for n in data.draw(st.lists(st.integers(0, 70), min_size=1, max_size=3))]
    mine = trained(reftorch, name, flags, seed, dtype, shapes=shapes)
    assert mine == trained(reftorch, name, flags, seed, dtype, compiled=False, shapes=shapes)
    if torch is not None:
        assert mine == trained(torch, name, flags, seed, dtype, shapes=shapes)


OTHERS = {
    "Adadelta": [{}, {"lr": 0.1, "weight_decay": 0.1, "rho": 0.5}], "Adagrad": [{}, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1}],
    "Adamax": [{}, {"weight_decay": 0.1}], "ASGD": [{}, {"t0": 0, "weight_decay": 0.1, "lambd": 0.1}],
    "NAdam": [{}, {"weight_decay": 0.1, "decoupled_weight_decay": True}], "RAdam": [{}, {"lr": 0.1, "betas": (0.9, 0.5), "weight_decay": 0.1}],
    "Rprop": [{}, {"lr": 0.1}], "SGD": [{"momentum": 0.9, "weight_decay": 0.1}], "RMSprop": [{"centered": True, "weight_decay": 0.1}],
    "Adam": [{"weight_decay": 0.1}], "AdamW": [{"amsgrad": True}],
}


@pytest.mark.skipif(torch is None, reason="PyTorch is the judge")
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
@pytest.mark.parametrize("name", OTHERS)
def test_as_pytorch(name, dtype):
    """The other optimizers, and complex parameters, on given gradients."""
    for seed, flags in enumerate(OTHERS[name]):
        mine, theirs = (eval(trained(lib, name, flags, seed, dtype, steps=6, shapes=SHAPES[:3]), {"nan": "nan", "inf": "inf"}) for lib in (reftorch, torch))
        assert [pair[0] for pair in mine] == [pair[0] for pair in theirs], flags


@pytest.mark.skipif(torch is None, reason="PyTorch is the judge")
@pytest.mark.parametrize("name,flags", [("SGD", {"momentum": 0.9, "weight_decay": 0.1, "dampening": 0.3}), ("Adam", {"weight_decay": 0.1}),
                                        ("SGD", {"momentum": 0.9, "nesterov": True}), ("AdamW", {"amsgrad": True, "maximize": True})])
def test_fused(name, flags):
    """`fused=True` rounds otherwise where elements do not fill a register of PyTorch's."""
    for dtype in ("float32", "float64"):
        shapes = [(n,) for n in range(1, 41)]
        mine, theirs = (eval(trained(lib, name, dict(flags, lr=0.1, fused=True), 0, dtype, shapes=shapes)) for lib in (reftorch, torch))
        assert [pair[0] for pair in mine] == [pair[0] for pair in theirs]


# ------------------------------------------------------------------ what is not plain goes the readable way
class Marked(reftorch.Tensor):
    pass


def parameter(kind):
    base = reftorch.arange(12.0).reshape(3, 4)
    if kind == "strided":
        return base.clone()[:, ::2].requires_grad_()
    if kind == "transposed":
        return base.clone().t().requires_grad_()
    if kind == "subclass":
        return base.clone().as_subclass(Marked).requires_grad_()
    return base.to(getattr(reftorch, kind)).requires_grad_()


@pytest.mark.parametrize("kind", ["strided", "transposed", "subclass", "float16", "bfloat16", "complex64"])
@pytest.mark.parametrize("name", FLAGS)
def test_not_plain(name, kind):
    """The compiled step leaves such tensors alone: the numbers are those of the readable one."""
    found = []
    for compiled in (True, False):
        p = parameter(kind)
        optimizer = getattr(optim, name)([p], lr=0.1)
        if not compiled:
            optimizer._compiled = None
        for k in range(3):
            p.grad = (p.detach() * 0.5 + k).contiguous()
            optimizer.step()
        found.append(repr((p.detach().tolist(), p._version)))
    assert found[0] == found[1]


def test_refusals_of_the_kernel():
    """Whatever does not fit leaves everything as it was."""
    from reftorch.kernels import optim as kernels
    p, grad, buffer = reftorch.ones(4), reftorch.ones(4), reftorch.ones(4)
    group = {"momentum": 0.9, "dampening": 0, "weight_decay": 0, "nesterov": False, "maximize": False, "differentiable": False}
    step = kernels.sgd(group, 0.1, (reftorch.Tensor,))
    long = reftorch.ones(8)
    for q, g, b in [(p, grad, None), (p, grad, reftorch.ones(5)), (p, grad, buffer.double()), (p, grad.double(), buffer), (p, p, buffer),
                    (p, grad, p), (long[:4], grad, long[2:6]), (p, grad[:1].expand(4), buffer), (p.int(), grad.int(), buffer.int()),
                    (reftorch.nn.Parameter(p), grad, buffer)]:
        before = [t.tolist() for t in (q, g)], q._version
        work = [(q, g, {"momentum_buffer": b} if b is not None else {})]
        assert list(step.rest(work)) == work
        assert ([t.tolist() for t in (q, g)], q._version) == before
    assert list(step.rest([(p, grad, {"momentum_buffer": buffer})])) == []
    assert p.tolist() == pytest.approx([1 - 0.1 * 1.9] * 4)
    assert kernels.sgd(dict(group, differentiable=True), 0.1, ()) is None
    assert kernels.sgd(group, reftorch.tensor(0.1), ()) is None
    assert kernels.sgd(dict(group, momentum=np.float64(0.9)), 0.1, ()) is None


def test_written_parameters_are_noticed():
    """Versions rise: a graph that saved the parameter refuses to go back after the step."""
    p = reftorch.ones(3, requires_grad=True)
    loss = (p * p).sum()
    p.grad = reftorch.ones(3)
    optim.SGD([p], lr=0.1).step()
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


@pytest.mark.parametrize("name", FLAGS)
def test_threads(name):
    """Large tensors are split over threads; the numbers do not depend on how many."""
    found = []
    for threads in (1, 2, 4):
        reftorch.set_num_threads(threads)
        try:
            p = reftorch.nn.Parameter(reftorch.arange(100_003.0).sin())
            optimizer = getattr(optim, name)([p], lr=0.01)
            for _ in range(2):
                p.grad = p.detach().cos()
                optimizer.step()
        finally:
            reftorch.set_num_threads(1)
        found.append(p.detach().numpy().tobytes())
    assert found[0] == found[1] == found[2]


# ------------------------------------------------------------------ the operations under them
FUSED = {
    "add": "torch.add(a, b, alpha=-0.3)", "sub": "torch.sub(a, b, alpha=0.7)", "rsub": "torch.rsub(a, b, alpha=0.7)",
    "add_": "a.clone().add_(b, alpha=0.1)", "near": "torch.lerp(a, b, 0.3)", "far": "torch.lerp(a, b, 0.7)", "weights": "torch.lerp(a, b, c)",
    "addcmul": "torch.addcmul(a, b, c, value=0.3)", "addcmul_": "a.clone().addcmul_(b, c)", "addcdiv": "torch.addcdiv(a, b, c, value=-0.3)",
    "out": "torch.lerp(a, b, 0.3, out=torch.empty_like(a))",
}


@pytest.mark.skipif(torch is None, reason="PyTorch is the judge")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("statement", FUSED)
def test_one_rounding(statement, dtype):
    """Products and sums round together, whatever the length and the layout."""
    rng = np.random.default_rng(0)
    for n in [*range(1, 41), 1000]:
        for stride in (1, 2):
            values = rng.standard_normal((3, n * stride)).tolist()
            found = []
            for lib in (reftorch, torch):
                a, b, c = (lib.tensor(v, dtype=getattr(lib, dtype))[::stride] for v in values)
                found.append(eval(FUSED[statement], {"torch": lib, "a": a, "b": b, "c": c}).tolist())
            assert found[0] == found[1], (n, stride)
