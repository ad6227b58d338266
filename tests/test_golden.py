"""Golden packs: written from a live oracle, read without one, and never trusted."""
import json
import random
import sys
import zipfile

import pytest
from test_conformance import group_of_cases, toys

from conformance.case import read_cases, write_pack
from conformance.compare.verdict import Excluded
from conformance.golden import MANIFEST, Golden, GoldenError, write
from conformance.runner.pool import Implementation, WorkerError
from conformance.session import Chosen, Session, measure
from conformance.transcript import Transcripts


def recorded(tmp_path, sample=None):
    """A golden pack of the toy cases, beside the toys."""
    toys(tmp_path, wrong="def square(x): return Tensor(x.a * x.a + 1)", rounded="def square(x): return Tensor(np.nextafter(x.a * x.a, 9, dtype=x.a.dtype))")
    live = Session(Implementation("toy_good", sys.executable), Implementation("toy_good", sys.executable), tmp_path)
    pack = live.oracle.folders["op"] / "op+toy.zip"
    write_pack(pack, group_of_cases(), "op/toy")
    live.record([Chosen(pack, list(read_cases(pack)))])
    path = tmp_path / "toy.pack"
    write(path, live.oracle, [pack], [Excluded("op/gone/*", "beyond", "sparse tensors")], sample)
    return path


@pytest.fixture
def golden(tmp_path):
    return recorded(tmp_path)


def against(golden, subject):
    bench = Session(Implementation(f"toy_{subject}", sys.executable), measure(str(golden), golden.parent), golden.parent)
    return bench.run(bench.choose(["op"], []))


def test_a_run_against_the_file_finds_what_a_live_oracle_finds(golden):
    good, wrong = against(golden, "good"), against(golden, "wrong")
    assert {verdict.id: verdict.status for verdict in good.verdicts} == {f"op/toy/{n}": "pass" for n in range(4)}
    assert [verdict.id for verdict in wrong.verdicts if not verdict.passed] == ["op/toy/1"]
    assert good.excluded == [Excluded("op/gone/*", "beyond", "sparse tensors")] and not good.problems


def test_of_large_tensors_a_sample_is_kept_and_compared(tmp_path):
    """Elements 0 and 2 of three: what is wrong there is found, what is wrong beside them is not."""
    path = recorded(tmp_path, sample=2)
    toys(tmp_path, beside="def square(x): return Tensor(x.a * x.a + np.array([0, 1, 0], np.float32))", longer="def square(x): return Tensor(np.ones(4))")
    failing = lambda subject: [verdict.id for verdict in against(path, subject).verdicts if not verdict.passed]
    assert (failing("good"), failing("wrong"), failing("longer")) == ([], ["op/toy/1"], ["op/toy/1"])
    opened = Golden(path, tmp_path)
    (pack,) = opened.packs("op", [])
    transcript = Transcripts.of_pack(opened.recorded(pack))["op/toy/1"]
    shot = transcript.record["steps"][0]["bound"]["y"]
    assert opened.sample == 2 and shot["shape"] == [3] and shot["step"] == 2 and transcript.array(shot).tolist() == [0.25, 9.0]
    assert against(path, "beside").verdicts[1].axes == ("text",)                     # what it prints is held whole


def test_the_file_says_who_was_asked_and_what_it_lacks(golden):
    opened = Golden(golden, golden.parent)
    assert opened.about["as"] == "toy_good" and opened.manifest["environment"]["machine"]
    with pytest.raises(WorkerError, match="holds no doc cases; it holds op"):
        opened.packs("doc", [])


def rewritten(golden, change):
    """The pack with its manifest and objects passed through `change(name, bytes)`."""
    with zipfile.ZipFile(golden) as old:
        members = [(name, change(name, old.read(name))) for name in old.namelist()]
    path = golden.with_name("changed.pack")
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members:
            new.writestr(name, data)
    return path


def test_another_schema_is_refused(golden):
    def later(name, data):
        return json.dumps(json.loads(data) | {"schema": 99}).encode() if name == MANIFEST else data
    with pytest.raises(GoldenError, match="its schema is 99, this version reads 2"):
        Golden(rewritten(golden, later), golden.parent)


def test_an_object_that_is_not_what_its_name_says_is_refused(golden):
    path = rewritten(golden, lambda name, data: data if name == MANIFEST else data + b" ")
    with pytest.raises(GoldenError, match="object .* is damaged"):
        Golden(path, golden.parent)


def test_names_cannot_leave_the_folder(golden):
    def climb(name, data):
        return data.replace(b'"op+toy.zip"', b'"../../up.zip"') if name == MANIFEST else data
    with pytest.raises(GoldenError, match="a name that is no file name"):
        Golden(rewritten(golden, climb), golden.parent)
    assert not list(golden.parent.parent.glob("up.zip"))


def test_damaged_files_are_refused_or_read_as_they_were(golden):
    whole, drawn = golden.read_bytes(), random.Random(0)
    expected = Golden(golden, golden.parent).manifest
    refused = 0
    for _ in range(60):
        data = bytearray(whole)
        if drawn.random() < 0.5:
            del data[drawn.randrange(len(data)):]
        else:
            data[drawn.randrange(len(data))] ^= 1 << drawn.randrange(8)
        path = golden.with_name("damaged.pack")
        path.write_bytes(data)
        try:
            assert Golden(path, golden.parent).manifest == expected      # a bit that nobody reads, such as a date in the zip
        except GoldenError:
            refused += 1
    assert refused > 30


def test_what_fails_but_does_as_another_version_does_is_version_skew(golden):
    toys(golden.parent, older="def square(x): return Tensor(x.a * x.a + 1)", wrong="def square(x): return Tensor(x.a * x.a + 1)",
         worse="def square(x): return Tensor(x.a * x.a + 2)")
    implementation = lambda name: Implementation(f"toy_{name}", sys.executable)
    found = {}
    for subject in ("good", "wrong", "worse"):
        bench = Session(implementation(subject), measure(str(golden), golden.parent), golden.parent, skew=implementation("older"))
        found[subject] = {verdict.id: verdict for verdict in bench.run(bench.choose(["op"], [])).verdicts}["op/toy/1"]
    assert [found[subject].status for subject in ("good", "wrong", "worse")] == ["pass", "version skew", "mismatch"]
    assert found["wrong"].cause.startswith("behaves as toy_older") and not found["wrong"].passed
