"""`paired`: time the same statement on reftorch and PyTorch, interleaved, in one run."""
import time

import pytest

import reftorch

try:
    import torch
except ImportError:                      # the rows then show reftorch's own times alone
    torch = None

if torch is not None:
    torch.set_num_threads(1)
reftorch.set_num_threads(1)
RESULTS = []


def seconds(fn, number):
    start = time.perf_counter()
    for _ in range(number):
        fn()
    return (time.perf_counter() - start) / number


def calibrate(fn):
    """Calls a round: about 2 ms."""
    number = 1
    while seconds(fn, number) * number < 2e-3 and number < 1 << 20:
        number *= 2
    return number


@pytest.fixture
def paired(request, benchmark):
    """paired(make): `make(module)` prepares on that module and gives the call to time; records the ratio PyTorch / reftorch."""
    def run(make):
        mine = make(reftorch)
        number = calibrate(mine)
        ours, theirs = [], []
        other = make(torch) if torch is not None else None
        rounds = 1 if request.config.getoption("benchmark_disable") else 15
        for _ in range(rounds):
            ours.append(seconds(mine, number))
            if other is not None:
                theirs.append(seconds(other, number))
        ratio = min(theirs) / min(ours) if theirs else None
        benchmark.extra_info.update(reftorch_us=min(ours) * 1e6, torch_us=min(theirs) * 1e6 if theirs else None, ratio=ratio)
        benchmark.pedantic(mine, rounds=1, iterations=number)
        RESULTS.append((request.node.name, min(ours) * 1e6, min(theirs) * 1e6 if theirs else None, ratio))
        return ratio
    return run


def pytest_terminal_summary(terminalreporter):
    if not RESULTS:
        return
    terminalreporter.write_line(f"{'row':42} {'reftorch us':>12} {'torch us':>12} {'ratio':>7}")
    for name, ours, theirs, ratio in RESULTS:
        terminalreporter.write_line(f"{name:42} {ours:12.3f} {theirs or float('nan'):12.3f} {ratio or float('nan'):7.2f}")
