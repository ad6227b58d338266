"""PyTorch 1.13, where it is installed: held against the shipped pack of 2.13, and as the live oracle of reftorch."""
import sys
from pathlib import Path

import pytest
from checkpoints import python113
from click.testing import CliRunner

from conformance import drift
from conformance.commands import main
from conformance.results import Results
from conformance.runner.pool import Implementation
from conformance.session import Session

ROOT = Path(__file__).parents[1]
PACK = ROOT / "conformance/packs/torch-2.13.pack"
pytestmark = pytest.mark.skipif(not python113(), reason="no PyTorch 1.13 in TORCH113 or /usr/bin/python3")


AGREED = ("tutorial/A*", "fuzz/broadcasting/1*")
CHANGED = {  # since 1.13
    "tutorial/C8": "other text",  # BatchNorm1d shows its affine and track_running_stats otherwise
    "tutorial/F4": "new name",  # Adafactor
}


def test_drift_from_113_to_the_pack_is_told_case_by_case(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    wanted = [word for pattern in (*AGREED, *CHANGED) for word in ("--filter", pattern)]
    done = CliRunner().invoke(main, ["diff", f"torch@{python113()}", str(PACK), *wanted, "-j", "1", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    found = Results.read(tmp_path / "results.json")
    assert not found.problems and len(found.verdicts) > 100
    assert {change.id: change.kind for change in drift.within(found)} == CHANGED
    assert all(id in (tmp_path / "drift.md").read_text("utf-8") for id in CHANGED)


def test_reftorch_with_113_as_its_oracle():
    """Where 1.13 does as 2.13 does, reftorch passes; what changed since, it has changed too."""
    bench = Session(Implementation("reftorch", sys.executable), Implementation("torch", python113()), ROOT)
    results = bench.run(bench.choose(["tutorial"], ["tutorial/A*", "tutorial/C8"]))
    assert not results.problems and {verdict.id for verdict in results.verdicts if not verdict.passed} == {"tutorial/C8"}
    assert len(results.verdicts) == 5
