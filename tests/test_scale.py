"""Runs that are cut in parts, cut short, or spread over machines give what one run gives."""
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from test_conformance import toys

from conformance.case import ArrayRef, Case, read_cases, write_pack
from conformance.commands import main
from conformance.files import whole
from conformance.golden import write
from conformance.results import Results, cost
from conformance.runner import memory
from conformance.runner.cluster import run_on_cluster
from conformance.runner.pool import Implementation
from conformance.session import Chosen, Session, measure

PACKS, CASES = 6, 3
HOME = Path(__file__).parents[1]
SLOW = """
def square(x):
    import os, time
    time.sleep(0.15)
    with open({log!r}, "a") as log:
        log.write(os.environ.get("CASE", "") + ".")
    return Tensor(x.a * x.a)
"""


@pytest.fixture
def golden(tmp_path):
    """A golden pack of several packs, a toy that lies about one case, and one that is slow and counts its calls."""
    toys(tmp_path, lying="def square(x): return Tensor(x.a * x.a + (x.a[0] == 4))", slow=SLOW.format(log=str(tmp_path / "log")))
    live = Session(Implementation("toy_good", sys.executable), Implementation("toy_good", sys.executable), tmp_path)
    chosen = []
    for number in range(PACKS):
        x = lambda n: ArrayRef("float32", (1,), (1,), 0, np.array([n], np.float32).tobytes())
        cases = [Case(f"op/toy{number}/{n}", ("y = torch.square(x)",), inputs={"x": x(number + n)}, apis=("torch.square",), group=f"op/toy{number}")
                 for n in range(CASES)]
        pack = live.oracle.folders["op"] / f"op+toy{number}.zip"
        write_pack(pack, cases, f"op/toy{number}")
        chosen.append(Chosen(pack, list(read_cases(pack))))
    live.record(chosen)
    write(tmp_path / "toy.pack", live.oracle, [item.pack for item in chosen], [])
    return tmp_path / "toy.pack"


def bench_of(golden, subject):
    return Session(Implementation(f"toy_{subject}", sys.executable), measure(str(golden), golden.parent), golden.parent)


def outcome(results):
    return {verdict.id: (verdict.status, verdict.axes) for verdict in results.verdicts}


def command(golden, subject, *more):
    """The command line in a process of its own."""
    words = ["run", "--oracle", str(golden), "--subject", f"toy_{subject}", "-j", "1", "--out", "report", *more]
    return subprocess.Popen([sys.executable, "-m", "conformance", *words], cwd=golden.parent, env={**os.environ, "PYTHONPATH": str(HOME)},
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_killed_run_is_taken_up_with_nothing_lost_or_counted_twice(golden):
    killed = command(golden, "slow")
    deadline = time.monotonic() + 60
    while sum(file.read_text().count('"pack"') for file in golden.parent.glob(".conformance/journal-*")) < 2:
        assert time.monotonic() < deadline and killed.poll() is None
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert command(golden, "slow", "--resume").wait(120) == 0
    results = Results.read(golden.parent / "report" / "results.json")
    assert sorted(outcome(results)) == sorted(f"op/toy{p}/{n}" for p in range(PACKS) for n in range(CASES))
    assert len(results.verdicts) == PACKS * CASES and not results.problems
    calls = (golden.parent / "log").read_text().count(".")
    assert PACKS * CASES <= calls < 2 * PACKS * CASES - CASES        # the judged packs did not run again
    assert not list(golden.parent.glob(".conformance/journal-*"))


def test_shards_put_together_are_the_whole_run(golden, monkeypatch):
    monkeypatch.chdir(golden.parent)
    for index in (1, 2, 3):
        assert command(golden, "lying", "--shard", f"{index}/3", "--out", f"part{index}").wait(120) == 0
    parts = [f"part{index}/results.json" for index in (1, 2, 3)]
    assert Results.read(Path(parts[0])).problems == ["shard 1 of 3: `merge` all of them"]
    bench = bench_of(golden, "lying")
    whole = bench.run(bench.choose(["op"], []))
    assert CliRunner().invoke(main, ["merge", *parts, "--out", "whole"]).exit_code == 0
    merged = Results.read(Path("whole/results.json"))
    assert outcome(merged) == outcome(whole) and not merged.problems
    assert [verdict.id for verdict in merged.verdicts if not verdict.passed] == ["op/toy2/2", "op/toy3/1", "op/toy4/0"]
    for wrong in (parts[:2], [*parts[:2], parts[0]]):
        refused = CliRunner().invoke(main, ["merge", *wrong, "--out", "wrong"])
        assert refused.exit_code == 1 and "are not 1 to 3, each once" in refused.output


@pytest.mark.parametrize("wrong", ["0/3", "4/3", "1", "a/b"])
def test_a_shard_that_is_none_is_refused(wrong):
    refused = CliRunner().invoke(main, ["run", "--shard", wrong])
    assert refused.exit_code == 2 and "is not I/N" in refused.output


def test_a_cluster_gives_what_this_machine_gives(golden, monkeypatch):
    distributed = pytest.importorskip("distributed", reason="Dask's scheduler is not installed (extra `cluster`)")
    monkeypatch.chdir(golden.parent)         # where the cluster's workers find the toys
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        cluster.wait_for_workers(2)
        far = bench_of(golden, "lying")
        heard = []
        far.heard = lambda stage, done, total: heard.append((stage, done))
        results = far.run(far.choose(["op"], []), run_jobs=partial(run_on_cluster, cluster.scheduler_address))
    near = bench_of(golden, "lying")
    assert outcome(results) == outcome(near.run(near.choose(["op"], []))) and not results.problems
    assert ("running the subject", PACKS * CASES) in heard


def test_results_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "results.json"
    Results({"a": 1}).write(path)
    with pytest.raises(TypeError):
        Results({"a": object()}).write(path)
    assert json.loads(path.read_text())["meta"] == {"a": 1}


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "results.json"
    with whole(path) as part:
        part.write_text("first")
    with pytest.raises(KeyError), whole(path) as part:
        part.write_text("half")
        raise KeyError
    assert path.read_text() == "first" and [file.name for file in path.parent.iterdir()] == ["results.json"]


def test_the_memory_of_a_run_is_that_of_all_its_processes():
    code = "data = bytearray(64 << 20); print(flush=True); input()"
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        assert child.pid in memory.family(os.getpid()) and memory.proportional(child.pid) > 64 << 10
        with memory.Watch() as watch:
            pass
        assert watch.peak > 64 + (memory.proportional(os.getpid()) >> 11)
    finally:
        child.communicate(b"\n")
    assert memory.proportional(child.pid) is None


def test_time_and_memory_are_told_as_far_as_they_are_known():
    assert cost({"seconds": 312.4, "peak_mb": 1890}) == "5 min 12 s, 1.8 GB of memory"
    assert cost({"seconds": 3.25, "peak_mb": 90}) == "3.2 s, 90 MB of memory" and cost({"seconds": 2.0, "peak_mb": None}) == "2.0 s" and cost({}) == ""
