"""Drawn programs: the same on every machine, of all topics, and found again when two sides differ."""
import ast
import sys

import pytest
from test_conformance import toys

import conformance.sources.fuzz as fuzz
from conformance.fuzzing import Pair, differing
from conformance.runner.pool import Implementation
from conformance.sources.fuzz.grammar import TOPICS


def test_the_frozen_programs_are_many_distinct_python_and_stay_what_they_are():
    cases = list(fuzz.cases())
    assert len(cases) >= 2000 and len({case.id for case in cases}) == len(cases)
    assert {case.id.split("/")[1] for case in cases} >= set(TOPICS)
    assert len({case.program for case in cases}) > 0.85 * len(cases)
    for case in cases:
        ast.parse("\n".join(case.program))
    assert [fuzz.picker("views/0")(range(100)) for _ in range(2)] == [55, 55]         # a choice follows from the text alone


@pytest.fixture
def pair(tmp_path, monkeypatch):
    toys(tmp_path, wrong="def square(x): return Tensor(x.a * x.a + (x.a > 1))")
    number = "x = torch.tensor([{}.0])".format
    monkeypatch.setitem(TOPICS, "toy", lambda pick: [number(pick(range(5))), *["torch.rand(1)"] * pick((0, 1, 2)), "y = torch.square(x)"])
    made = Pair(*(Implementation(f"toy_{name}", sys.executable) for name in ("wrong", "good")), tmp_path)
    yield made
    made.close()


def test_a_difference_is_found_and_shrunk(pair):
    known = set()
    ((program, verdict),) = differing(pair, ["toy"], 0.3, 0, known)
    assert program == ["x = torch.tensor([2.0])", "y = torch.square(x)"]
    assert verdict.status == "mismatch" and verdict.axes == ("value",) and known == {verdict.cause}


def test_what_is_found_is_filed_once_and_becomes_a_case(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "FOUND", tmp_path / "found.txt")
    program = ["a = torch.ones(2)", "a.set_(a)"]
    ids = {fuzz.file_found(program, "value differs:\na.set_(a)") for _ in range(2)}
    (case,) = fuzz.cases(lambda group: group == "fuzz/found")
    assert ids == {case.id} and list(case.program) == program and (tmp_path / "found.txt").read_text().startswith("# value differs: a.set_(a)\n")
