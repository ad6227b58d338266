"""The cases of bench/accuracy.py: no error is more than twice PyTorch's, and no bit depends on the number of threads."""
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import reftorch
from reftorch.kernels import runtime

try:
    import torch
except ImportError:
    torch = None

sys.path.append(str(Path(__file__).parents[1] / "bench"))
import accuracy  # noqa: E402

pytestmark = [pytest.mark.usefixtures("one_thread"), pytest.mark.filterwarnings("ignore")]
KERNELS = Path(runtime.__file__).parent
#: Kernels that no case calls: those that know no threads, and those that test_kernels_layers.py runs on several.
ALONE = {"conv.get_winograd", "conv.set_winograd", "norms.blend", "sort.search", "sort.select", "windows.adaptive", "windows.regular"}
ELSEWHERE = {"sort.sort", "sort.topk", "windows.gather"}
#: Kernels that compiled code calls past their names in Python, and a case that comes to them.
COMPILED = {"rnn.forward": "LSTM both ways", "rnn.backward": "LSTM both ways", "rows.bag_sums": "embedding_bag sum", "rows.pick": "embedding",
            "rows.nll": "nll_loss"}


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed: there is no error to compare with")
@pytest.mark.parametrize("name", accuracy.CASES)
def test_error(name):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = accuracy.errors(name, reftorch, torch)
    finally:
        torch.set_num_threads(before)
    assert [each for each in found if not accuracy.fine(*each)] == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", accuracy.CASES)
def test_threads_change_nothing(name, dtype):
    alone = accuracy.parts(accuracy.CASES[name], reftorch, dtype, 0)
    for threads in (2, 4):
        runtime.set_threads(threads)
        for part, made in accuracy.parts(accuracy.CASES[name], reftorch, dtype, 0).items():
            assert np.array_equal(made, alone[part], equal_nan=True), part


def test_every_kernel_has_a_case(monkeypatch):
    """Every function of the kernels that take threads is called by some case."""
    made, called = set(), set()

    def watch(name, function):
        def call(*args, **options):
            called.add(name)
            return function(*args, **options)
        return call
    for path in KERNELS.glob("*.pyx"):
        # FUNCTIONS and ACTIVATIONS are those of pointwise; optimizers keep what they once got from optim, which test_optim.py runs on threads
        if "THREADS" in path.read_text() and path.stem not in ("runtime", "pointwise", "optim"):
            module = importlib.import_module(f"reftorch.kernels.{path.stem}")
            for name, function in vars(module).items():
                if name[0] != "_" and type(function).__name__ in ("builtin_function_or_method", "cython_function_or_method"):
                    made.add(f"{path.stem}.{name}")
                    monkeypatch.setattr(module, name, watch(f"{path.stem}.{name}", function))
    assert len(made) > 30
    for run in accuracy.CASES.values():
        accuracy.parts(run, reftorch, "float32", 0)
    assert made - called <= ALONE | ELSEWHERE | COMPILED.keys() and set(COMPILED.values()) <= accuracy.CASES.keys()
