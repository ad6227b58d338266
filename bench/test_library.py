"""What is not arithmetic: the import, files, batches of a data set."""
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

HOME = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])}


def test_import(paired):
    """A new interpreter that imports the library and ends."""
    paired(lambda t: lambda: subprocess.run([sys.executable, "-c", f"import {t.__name__}"], env=HOME, check=True))


def state(t, layers, size):
    """The state of `layers` linear layers."""
    return t.nn.Sequential(*(t.nn.Linear(size, size) for _ in range(layers))).state_dict()


@pytest.mark.parametrize("layers,size", [(2, 8), (50, 64), (4, 1024)], ids=["2x8", "50x64", "4x1024"])
def test_save(paired, layers, size):
    def make(t):
        made = state(t, layers, size)
        return lambda: t.save(made, io.BytesIO())
    paired(make)


@pytest.mark.parametrize("layers,size", [(2, 8), (50, 64), (4, 1024)], ids=["2x8", "50x64", "4x1024"])
def test_load(paired, layers, size):
    def make(t):
        file = io.BytesIO()
        t.save(state(t, layers, size), file)

        def load():
            file.seek(0)
            return t.load(file)
        return load
    paired(make)


class Samples:
    """A data set of (vector, class) as users write one."""

    def __init__(self, t, count):
        self.x, self.y = t.randn(count, 64), list(range(count))

    def __len__(self):
        return len(self.y)

    def __getitem__(self, i):
        return self.x[i], self.y[i] % 10


@pytest.mark.parametrize("kind,workers", [("tensors", 0), ("samples", 0), ("samples", 2)])
def test_loader(paired, kind, workers):
    """An epoch of 1000 samples in batches of 32."""
    def make(t):
        data = t.utils.data.TensorDataset(t.randn(1000, 64), t.arange(1000)) if kind == "tensors" else Samples(t, 1000)
        loader = t.utils.data.DataLoader(data, 32, shuffle=True, num_workers=workers)
        return lambda: [len(x) for x, _ in loader]
    paired(make)
