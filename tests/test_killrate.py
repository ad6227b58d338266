"""Seeded faults: one that is laid is caught, none is not, one that cannot be laid is no catch. The shipped pack is the oracle."""
import importlib
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from conformance import killrate
from conformance.compare.axes import PROFILES
from conformance.faults import FAULTS
from conformance.golden import Golden
from conformance.runner.pool import Implementation
from conformance.session import Session
from conformance.sources import SOURCES

ROOT = Path(__file__).parents[1]
importlib.import_module("conformance.faults.catalogue")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The outcomes by name: the wrapping alone, two faults, one that is in no catalogue, one whose cases do not exist."""
    bench = Session(Implementation("reftorch", sys.executable), Golden(ROOT / "conformance/packs/torch-2.13.pack", tmp_path_factory.mktemp("pack")), ROOT)
    views = ("fuzz/views/1*",)
    faults = [replace(FAULTS[name], cases=views) for name in ("none", "transpose_copies", "at_the_end")]
    faults += [replace(FAULTS["none"], name="not_there", cases=views), replace(FAULTS["view_copies"], cases=("fuzz/views/x*",))]
    heard = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(killrate, "OWN", ())
        outcomes = killrate.measure(bench, faults, heard.append)
    assert heard == outcomes
    return {outcome.name: outcome for outcome in outcomes}


def test_the_wrapping_alone_is_not_caught(measured):
    assert not measured["none"].caught and not measured["none"].trouble and measured["none"].tried > 100


def test_a_fault_is_caught_by_a_case_and_on_its_axis(measured):
    assert measured["transpose_copies"].caught and "alias" in measured["transpose_copies"].axes
    assert measured["transpose_copies"].case.startswith("fuzz/views/1")
    assert measured["at_the_end"].caught and "shape" in measured["at_the_end"].axes


def test_what_cannot_be_laid_or_is_never_asked_is_no_catch_and_is_named(measured):
    assert not measured["not_there"].caught and measured["not_there"].trouble.startswith("cannot be laid: ")
    assert not measured["view_copies"].caught and measured["view_copies"].trouble == "no case to be asked passes without it"


def test_what_was_measured_is_kept_and_summed_by_axis(measured, tmp_path):
    outcomes = list(measured.values())
    killrate.write(outcomes, tmp_path)
    assert killrate.read(tmp_path) == outcomes and killrate.read(tmp_path / "nowhere") == []
    sums = {axis: (total.passed, total.total) for axis, total in killrate.by_axis(outcomes).items()}
    assert sums == {"value": (0, 2), "alias": (1, 2), "shape": (1, 1)}


def test_the_catalogue_has_faults_on_every_axis_each_with_a_word_about_it_and_cases_to_look_at():
    faults = [fault for name, fault in FAULTS.items() if name != "none"]
    assert len(faults) >= 60 and {fault.axis for fault in faults} == PROFILES["bitwise"]
    for fault in faults:
        assert fault.about and fault.cases and {pattern.split("/")[0] for pattern in fault.cases} <= set(SOURCES), fault.name
