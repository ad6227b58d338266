"""`paired`: time the same statement on reftorch and PyTorch, interleaved, in one run; the rows are saved, summed up and drawn.

The ratio of a row is PyTorch's time over ours: above 1 we are faster. Several threads need a process of their own (`--threads 2`): two
libraries' pools that spin against each other in one process would be measured too.
"""
import json
import math
import os
import platform
import statistics
import subprocess
import time
from pathlib import Path

import pytest

import reftorch

try:
    import torch
except ImportError:                      # the rows then show reftorch's own times alone
    torch = None

SAVED = Path(__file__).parents[1] / ".bench"
BATCH = 2e-3                             # seconds of one batch, at least
ROUNDS = 15
ROWS = []


def pytest_addoption(parser):
    parser.addoption("--threads", type=int, default=1, help="threads of both libraries")
    parser.addoption("--save", metavar="NAME", help="keep the rows as .bench/NAME-THREADS.json; default: the commit")


def pytest_configure(config):
    threads = config.getoption("--threads")
    reftorch.set_num_threads(threads)
    if torch is not None:
        torch.set_num_threads(threads)


def seconds(fn, number):
    start = time.perf_counter()
    for _ in range(number):
        fn()
    return (time.perf_counter() - start) / number


def calibrate(fn):
    """Calls a batch. The first call builds what it needs, and one that the machine held up must not pass for a batch."""
    fn()
    number = 1
    while min(seconds(fn, number), seconds(fn, number)) * number < BATCH and number < 1 << 20:
        number *= 2
    return number


@pytest.fixture
def paired(request, benchmark):
    """paired(make): `make(module)` prepares on that module and gives the call to time; records the ratio PyTorch / reftorch."""
    def run(make):
        calls = [make(module) for module in (reftorch, torch) if module is not None]
        rounds = 1 if request.config.getoption("benchmark_disable") else ROUNDS
        numbers = [calibrate(call) if rounds > 1 else 1 for call in calls]
        times = [[] for _ in calls]
        for _ in range(rounds):
            for call, number, kept in zip(calls, numbers, times, strict=True):
                kept.append(seconds(call, number))
        row = {"name": request.node.nodeid.split("bench/")[-1], "us": min(times[0]) * 1e6}
        if len(calls) > 1:
            row |= {"torch_us": min(times[1]) * 1e6, "ratio": min(times[1]) / min(times[0]),
                    "median_ratio": statistics.median(times[1]) / statistics.median(times[0])}
        benchmark.extra_info.update(row)
        benchmark.pedantic(calls[0], rounds=1, iterations=numbers[0])
        ROWS.append(row)
        return row.get("ratio")
    return run


def geomean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def commit():
    """The name of what is measured; `-dirty` when the tree has changes."""
    said = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=SAVED.parent, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def machine():
    try:
        with open("/proc/cpuinfo") as file:
            model = next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        model = platform.processor() or platform.machine()
    return f"{model}, {os.cpu_count()} cores"


def pytest_terminal_summary(terminalreporter, config):
    if not ROWS:
        return
    write = terminalreporter.write_line
    write(f"{'row':72} {'reftorch us':>12} {'PyTorch us':>12} {'ratio':>7} {'median':>7}")
    for row in ROWS:
        theirs, ratio, median = (row.get(key, math.nan) for key in ("torch_us", "ratio", "median_ratio"))
        write(f"{row['name']:72} {row['us']:12.3f} {theirs:12.3f} {ratio:7.2f} {median:7.2f}")
    groups = {}
    for row in ROWS:
        if "ratio" in row:
            groups.setdefault(row["name"].split("::")[0], []).append(row["ratio"])
    for name, ratios in groups.items():
        write(f"{name:40} {len(ratios):4} rows, geomean {geomean(ratios):6.2f}, least {min(ratios):6.2f}")
    if config.getoption("benchmark_disable"):
        return
    SAVED.mkdir(exist_ok=True)
    threads = config.getoption("--threads")
    path = SAVED / f"{config.getoption('--save') or commit()}-{threads}.json"
    about = {"when": time.strftime("%Y-%m-%dT%H:%M:%S"), "commit": commit(), "threads": threads, "machine": machine(), "load": os.getloadavg()[0],
             "torch": getattr(torch, "__version__", None), "rows": ROWS}
    part = path.with_suffix(".part")
    part.write_text(json.dumps(about, indent=1))
    part.replace(path)
    write(f"written: {path}")
