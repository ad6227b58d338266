"""The oracle, which is real PyTorch in a process of its own, so that the tests' process never imports it; and the threads of the kernels."""
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


class Oracle:
    """Runs programs (lists of statements) on real PyTorch."""

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, str(HERE / "programs.py"), "torch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, statements):
        self.process.stdin.write(json.dumps(statements) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)


@pytest.fixture(scope="session")
def oracle():
    if importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed: there is no oracle to compare with")
    made = Oracle()
    yield made
    made.close()


@pytest.fixture
def one_thread():
    """The kernels on one thread, unless a test says otherwise; afterwards as many as before."""
    from reftorch.kernels import runtime

    threads = runtime.threads()
    runtime.set_threads(1)
    yield
    runtime.set_threads(threads)
