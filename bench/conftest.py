"""`paired`: time the same statement on reftorch and PyTorch, interleaved, in one run; the rows are saved, summed up and drawn.

The ratio of a row is PyTorch's time over ours: above 1 we are faster. Several threads (`--threads 2`) need a process of their own, and a pause
before every batch: the threads of the library that was called last spin for some milliseconds, on the processors that the other one wants.
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
from groups import summed

import reftorch

try:
    import torch
except ImportError:                      # the rows then show reftorch's own times alone
    torch = None

SAVED = Path(__file__).parents[1] / ".bench"
BATCH = 2e-3                             # seconds of one batch, at least
PAUSE = 20e-3                            # seconds in which a pool of threads has long gone to sleep
ROUNDS = 15                              # at least
PATIENCE, AGREE = 3.0, 1.03              # seconds of further rounds for a machine that is busy: until the two smallest times of each agree
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


def settled(times):
    low, second = sorted(times)[:2]
    return second <= AGREE * low


@pytest.fixture
def paired(request, benchmark):
    """paired(make): `make(module)` prepares on that module and gives the call to time; records the ratio PyTorch / reftorch.

    `plain()` gives what NumPy has for it, which is timed after them, for its threads spin for long, and has no part in the ratio."""
    def run(make, plain=None):
        calls = {name: make(module) for name, module in (("reftorch", reftorch), ("torch", torch)) if module is not None}
        rounds = 1 if request.config.getoption("benchmark_disable") else ROUNDS
        pools = rounds > 1 and request.config.getoption("--threads") > 1
        numbers = {name: calibrate(call) if rounds > 1 else 1 for name, call in calls.items()}
        times = {name: [] for name in calls}
        ours = times["reftorch"]
        end = time.perf_counter() + PATIENCE
        while len(ours) < rounds or rounds > 1 and not all(map(settled, times.values())) and time.perf_counter() < end:
            for name, call in calls.items():
                if pools:
                    time.sleep(PAUSE)
                    call()                   # wakes the library's own threads
                times[name].append(seconds(call, numbers[name]))
        row = {"name": request.node.nodeid.split("bench/")[-1], "us": min(ours) * 1e6, "settled": rounds > 1 and all(map(settled, times.values()))}
        if "torch" in times:
            row |= {"torch_us": min(times["torch"]) * 1e6, "ratio": min(times["torch"]) / min(ours),
                    "median_ratio": statistics.median(times["torch"]) / statistics.median(ours)}
        if plain:
            call = plain()
            number = calibrate(call) if rounds > 1 else 1
            row["numpy_us"] = min(seconds(call, number) for _ in range(rounds)) * 1e6
        benchmark.extra_info.update(row)
        benchmark.pedantic(calls["reftorch"], rounds=1, iterations=numbers["reftorch"])
        ROWS.append(row)
        return row.get("ratio")
    return run


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


def against(value, goal):
    """A ratio and its goal; `<` says that it falls short."""
    return f"{value:7.2f} {'' if goal is None else f'{goal:.2f}':>6}{'<' if goal is not None and value < goal else ' '}"


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    if not ROWS:
        return
    write = terminalreporter.write_line
    if config.getoption("benchmark_disable"):
        write(f"{len(ROWS)} rows ran, once each: what that took says nothing")
        return
    threads = config.getoption("--threads")
    about = {"when": time.strftime("%Y-%m-%dT%H:%M:%S"), "commit": commit(), "threads": threads, "machine": machine(),
             "load": os.getloadavg()[0], "torch": getattr(torch, "__version__", None)}
    write("")
    write(f"{'row':72} {'reftorch us':>12} {'PyTorch us':>12} {'ratio':>7} {'median':>7}   {'NumPy us':>12}")
    for row in ROWS:
        theirs, ratio, median = (row.get(key, math.nan) for key in ("torch_us", "ratio", "median_ratio"))
        plain = f"{row['numpy_us']:12.3f}" if "numpy_us" in row else ""
        write(f"{row['name']:72} {row['us']:12.3f} {theirs:12.3f} {ratio:7.2f} {median:7.2f} {' ' if row['settled'] else '?'} {plain}".rstrip())
    if not all(row["settled"] for row in ROWS):
        write("?: the smallest times do not agree, the machine is too busy for this row")
    write("")
    write(f"{about['commit']} next to PyTorch {about['torch']}, {threads} thread(s), {about['machine']}, load {about['load']:.1f}")
    write(f"{'group':52} {'rows':>4} {'mean':>7} {'goal':>6}  {'least':>7} {'goal':>6}")
    for title, count, mean, mean_goal, least, least_goal, name in summed(ROWS, threads):
        write(f"{title:52} {count:4} {against(mean, mean_goal)} {against(least, least_goal)} {name if count > 1 else ''}")
    SAVED.mkdir(exist_ok=True)
    path = SAVED / f"{config.getoption('--save') or about['commit']}-{threads}.json"
    part = path.with_suffix(".part")
    part.write_text(json.dumps(about | {"rows": ROWS}, indent=1))
    part.replace(path)
    write(f"written: {path}")
