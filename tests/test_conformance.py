"""The conformance suite itself: toy implementations that lie, lack names, crash, hang or eat memory must be found out."""

import json
import shutil
import subprocess
import sys
import textwrap
import time
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pytest

from conformance import expect
from conformance.case import ArrayRef, Case, read_cases, read_data, write_pack
from conformance.compare import properties
from conformance.compare.axes import Comparison, Tolerance, digits, same_text, tolerance, value_difference
from conformance.compare.verdict import Excluded, classify
from conformance.matching import matches, may_match
from conformance.report import html, junit, markdown
from conformance.report.repro import script
from conformance.results import Results, area, by_cause
from conformance.runner import worker
from conformance.runner.pool import Implementation
from conformance.session import Chosen, Session
from conformance.sources.docs import blocks, undefined
from conformance.transcript import Transcript

TOY = '''
import numpy as np

__version__ = "1.0"
float32, float64, int64 = "torch.float32", "torch.float64", "torch.int64"
state = 0


class Tensor:
    requires_grad, grad, grad_fn, is_leaf = False, None, None, True
    class device: type = "cpu"

    def __init__(self, a): self.a = a
    shape = property(lambda self: self.a.shape)
    dtype = property(lambda self: "torch." + self.a.dtype.name)
    def stride(self): return [step // self.a.itemsize for step in self.a.strides]
    def numel(self): return self.a.size
    def element_size(self): return self.a.itemsize
    def detach(self): return self
    contiguous = detach
    def reshape(self, *shape): return Tensor(self.a.reshape(*shape))
    def as_strided(self, shape, strides, offset): return Tensor(self.a.reshape(shape))
    def clone(self): return Tensor(self.a.copy())
    def is_complex(self): return False
    def numpy(self): return np.ascontiguousarray(self.a)
    def storage_offset(self): return 0
    def untyped_storage(self):
        base = self.a if self.a.base is None else self.a.base
        class Storage:
            def data_ptr(storage): return base.__array_interface__["data"][0]
        return Storage()
    def __repr__(self): return "tensor(" + np.array2string(self.a, precision=4, separator=", ", floatmode="fixed") + ")"
    def __add__(self, other): return Tensor(self.a + getattr(other, "a", other).astype(self.a.dtype))
    def zero_(self): self.a[...] = 0
    def view(self, *shape): return Tensor(self.a.reshape(*shape))


def tensor(values, dtype=None): return Tensor(np.array(values, np.float32))
def frombuffer(data, dtype): return Tensor(np.frombuffer(data, dtype.split(".")[1]).copy())
def manual_seed(seed): global state; state = seed
def get_rng_state(): return Tensor(np.array([state], np.uint8))
def rand(n):
    global state
    state += 1
    return Tensor(np.random.default_rng(state).random(n, np.float32))
def square(x): return Tensor(x.a * x.a)
def fail(): raise ValueError("a number is wrong")
'''

FAULTS = {
    "square": {
        "good": "",
        "wrong": "def square(x): return Tensor(x.a * x.a + np.float32(0.01))",
        "rounded": "def square(x): return Tensor(np.nextafter(x.a * x.a, np.float32(9)))",
        "promoted": "def square(x): return Tensor((x.a * x.a).astype(np.float64))",
        "reshaped": "def square(x): return Tensor((x.a * x.a)[None])",
        "aliased": "def square(x): x.a[...] = x.a * x.a; return Tensor(x.a[:])",
        "mutating": "def square(x): y = Tensor(x.a * x.a); x.a[0] += 1; return y",
        "drifting": "def square(x): global state; state += 1; return Tensor(x.a * x.a)",
        "lacking": "del square",
        "refusing": "def square(x): raise NotImplementedError('square is not there yet')",
        "raising": "def square(x): raise RuntimeError('bad')",
        "crashing": "import ctypes\ndef square(x): return ctypes.string_at(0)",
        "leaving": "import os\ndef square(x): os._exit(7)",
        "hanging": "import time\ndef square(x): time.sleep(60)",
        "eating": "def square(x): return Tensor(np.ones(1 << 34))",
    },
}
FOUND = {
    "good": ("pass", ()), "wrong": ("mismatch", ("value",)), "rounded": ("pass", ()), "promoted": ("mismatch", ("dtype",)),
    "reshaped": ("mismatch", ("shape", "text")), "aliased": ("mismatch", ("mutation", "alias")), "mutating": ("mismatch", ("mutation",)),
    "drifting": ("mismatch", ("rng",)), "lacking": ("missing", ("exists",)), "refusing": ("refused", ("runs",)),
    "raising": ("error", ("runs",)), "crashing": ("crash", ()), "leaving": ("crash", ()), "hanging": ("timeout", ()),
    "eating": ("out of memory", ("runs",)),
}  # fmt: skip


def toys(folder, **faults):
    for name, fault in {"good": "", **faults}.items():
        (folder / f"toy_{name}.py").write_text(TOY + fault + "\n")


def group_of_cases():
    x = ArrayRef("float32", (3,), (1,), 0, np.array([0.5, 1.0, 3.0], np.float32).tobytes())
    make = lambda number, *program, **more: Case(f"op/toy/{number}", program, apis=("torch.square",), group="op/toy", **more)
    return [
        make(0, "y = torch.tensor([1.0, 2.0]) + x2", inputs={"x2": ArrayRef("float32", (2,), (1,), 0, bytes(8))}),
        make(1, "y = torch.square(x)", "print(y)", inputs={"x": x}),
        make(2, "z = torch.rand(3)", "print(z)"),
        make(3, "torch.fail()", tags=("error",)),
    ]


def run(folder, subject, cases=None, **more):
    """Results of a toy against the good toy."""
    session = Session(Implementation(f"toy_{subject}", sys.executable), Implementation("toy_good", sys.executable), folder)
    pack = folder / "packs" / "toy.zip"
    cases = cases or group_of_cases()
    write_pack(pack, cases, "op/toy")
    return session.run([Chosen(pack, list(read_cases(pack)))], **more)


@pytest.fixture
def impatient(monkeypatch):
    """A case that hangs is waited for 2 seconds; what does not hang has the usual time, which a busy machine does not use up."""
    monkeypatch.setattr("conformance.runner.pool.SECONDS", {"op": 2.0})


@pytest.mark.parametrize("name", FOUND)
def test_each_fault_is_found_and_the_rest_goes_on(name, tmp_path, impatient):
    toys(tmp_path, **{name: FAULTS["square"][name]})
    results = run(tmp_path, name)
    assert not results.problems
    found = {verdict.id: verdict for verdict in results.verdicts}
    status, axes = FOUND[name]
    verdict = found.pop("op/toy/1")
    assert (verdict.status, set(verdict.axes) - {"text"}) == (status, set(axes) - {"text"})
    assert {id: verdict.status for id, verdict in found.items()} == dict.fromkeys(("op/toy/0", "op/toy/2", "op/toy/3"), "pass")


@pytest.mark.parametrize("waiting", [False, True])
def test_time_in_which_others_have_the_processor_is_not_the_case_s(waiting, tmp_path, monkeypatch):
    """A case of 0.6 s with a limit of 0.2 s: too slow, unless all that time it stood in the queue for a processor."""
    began = time.monotonic()
    monkeypatch.setattr(worker, "waited", lambda pid: time.monotonic() - began if waiting else 0.0)
    slow = SimpleNamespace(
        prepare=lambda threads: None, Sink=lambda at: SimpleNamespace(take=bytes), run=lambda *about: time.sleep(0.6) or {"status": "ok"},
    )  # fmt: skip
    pack = SimpleNamespace(blobs=tmp_path / "blobs", lines=tmp_path / "lines", data=b"")
    started, status = worker.fork(slow, pack, [{"id": "op/toy/0"}], {"seconds": 0.2})
    assert started == 1 and status == (None if waiting else {"status": "timeout", "seconds": 0.2})


def test_the_exception_must_be_of_the_same_type_and_under_bitwise_say_the_same(tmp_path):
    toys(
        tmp_path, kind="def fail(): raise TypeError('a number is wrong')", words="def fail(): raise ValueError('wrong')",
        silent="def fail(): pass",
    )  # fmt: skip
    case = group_of_cases()[3:]
    assert run(tmp_path, "kind", case).verdicts[0].axes == ("error-type",)
    assert run(tmp_path, "silent", case).verdicts[0].axes == ("error-type",)
    assert run(tmp_path, "words", case).verdicts[0].status == "pass"
    assert run(tmp_path, "words", case, profile="bitwise").verdicts[0].axes == ("error-text",)


def test_a_different_stream_is_a_difference_of_value(tmp_path):
    toys(tmp_path, unlucky="def rand(n):\n    global state\n    state += 1\n    return Tensor(np.zeros(n, np.float32))")
    verdict = run(tmp_path, "unlucky", group_of_cases()[2:3]).verdicts[0]
    assert verdict.status == "mismatch" and set(verdict.axes) >= {"value", "text"}


def test_what_cannot_be_started_has_no_score(tmp_path):
    toys(tmp_path, broken="raise RuntimeError('half built')")
    results = run(tmp_path, "broken")
    assert "half built" in results.problems[0] and not results.verdicts


def test_a_subject_that_leans_on_the_real_thing_is_refused(tmp_path):
    toys(tmp_path, leaning="import torch")
    (tmp_path / "torch.py").write_text("")
    assert "imports the real torch" in run(tmp_path, "leaning").problems[0]


def test_what_the_source_left_out_is_listed_whole_groups_too(tmp_path):
    """A group of which no case could be made has no pack, and still stands in the results."""
    left = [["op/gone/float32/*", "beyond", "sparse tensors"], ["op/kept/float32/3", "large", "inputs of 2 MB"], ["op/other/*", "beyond", "sparse tensors"]]
    (tmp_path / "excluded.jsonl").write_text("".join(json.dumps(line) + "\n" for line in left + left[:1]))
    session = Session.__new__(Session)
    session.oracle = SimpleNamespace(folders={"op": tmp_path})
    session.asked = {"op": ["op/gone/*", "op/kept/float32/*"]}
    assert session.left_out() == [Excluded(*line) for line in left[:2]]
    session.asked = {"op": []}
    assert len(session.left_out()) == 3


def test_an_example_that_the_oracle_cannot_run_leaves_the_denominator_with_its_cause(tmp_path):
    toys(tmp_path)
    results = run(tmp_path, "good", [Case("op/toy/0", ("undefined_name",)), Case("op/toy/1", ("y = torch.tensor([1.0])",))])
    assert results.excluded == [Excluded("op/toy/0", "oracle-error", "NameError: name 'undefined_name' is not defined")]
    assert [verdict.id for verdict in results.verdicts] == ["op/toy/1"]


def test_what_does_not_hold_still_in_the_oracle_is_not_asked_of_a_subject():
    case = {"id": "doc/x/1", "tags": [], "program": ["y = torch.empty(1)"]}
    record = lambda value: Transcript({"id": "doc/x/1", "status": "ok", "steps": [{"bound": {"y": {"k": "float", "v": value}}}]}, b"")
    assert classify(case, record(1.0), record(48.0))["unstable"] == [("value", "0/y/value")]
    assert classify(case, record(1.0), record(1.0), record(2.0)) == {"class": "seeded"}
    assert classify(case, record(1.0), record(1.0), record(1.0)) == {"class": "exact"}


@pytest.mark.parametrize(
    "a, b, same",
    [
        ("tensor([1.0000, 2.0000])", "tensor([1.0000, 2.0001])", True),  # one unit of the last digit shown
        ("tensor([1.0000, 2.0000])", "tensor([1.0000, 2.0003])", False),
        ("tensor([ 0.0000, 2.0000])", "tensor([-0.0000, 2.0000])", True),
        ("tensor([1., 2.])", "tensor([1.0, 2.0])", False),
        ("tensor([1, 2])", "tensor([1, 3])", False),
        ("9.9999e-01", "1.0000e+00", True),
        ("Linear(in_features=3)", "Linear(in_features=3) ", False),
    ],
)
def test_text_is_exact_but_for_the_digits(a, b, same):
    assert same_text(a, b, Tolerance(1.3e-6, 1e-5)) is same


def test_differing_digits_are_named_and_nothing_else_is_taken_for_digits():
    a, b = "epoch 1: loss 0.69315\nepoch 2: loss 0.00412, 3 right", "epoch 1: loss 0.69315\nepoch 2: loss 0.00418, 3 right"
    assert digits(a, b) == "1 of 2 numbers: line 2: 0.00418 instead of 0.00412, digit 3"
    assert digits(a, b.replace("3 right", "4 right")) == digits(a, b.replace("0.00418", "0.0041")) == ""


def test_tolerances_are_torch_testing_s_own_and_only_the_source_widens_them():
    assert tolerance("op/add/float32/0", "float32", None) == Tolerance(1.3e-6, 1e-5)
    assert tolerance("op/add/float32/0", "float32", {"rtol": 1e-3, "atol": 0.0}) == Tolerance(1e-3, 1e-5)
    assert tolerance("op/add/int64/0", "int64", None) == Tolerance(0.0, 0.0)


def _returned(name, **arrays):
    """A transcript whose program binds `r` to a structure of arrays."""
    data, items = b"", []
    for array in arrays.values():
        dtype = array.dtype.name
        items.append({"k": "tensor", "type": "Tensor", "dtype": dtype, "shape": list(array.shape), "at": [len(data), array.nbytes]})
        data += array.tobytes()
    given, result = items[0], {"k": "list", "type": name, "n": len(items) - 1, "items": items[1:]}
    record = {"id": "op/x/0", "status": "ok", "given": {"x": given}, "steps": [{"bound": {"r": result}}]}
    return Transcript(record, data)


def _axes(a, b):
    return [item.axis for item in Comparison({"id": "op/x/0", "program": ["r = f(x)"]}, a, b).run()]


def test_signs_of_a_decomposition_are_free_and_nothing_else_is():
    x = np.random.default_rng(0).standard_normal((3, 3))
    u, s, vh = np.linalg.svd(x)
    flip = np.array([1.0, -1.0, 1.0])
    oracle = _returned("linalg_svd", x=x, u=u, s=s, vh=vh)
    assert _axes(oracle, _returned("linalg_svd", x=x, u=u * flip, s=s, vh=vh * flip[:, None])) == []
    assert _axes(oracle, _returned("linalg_svd", x=x, u=u * flip, s=s, vh=vh)) != []
    assert _axes(oracle, _returned("linalg_svd", x=x, u=u * 2, s=s, vh=vh / 2)) != []


def test_indices_of_equal_values_are_free_and_must_point_at_them():
    x, values = np.array([2.0, 1.0, 2.0]), np.array([1.0, 2.0, 2.0])
    oracle = _returned("sort", x=x, values=values, indices=np.array([1, 0, 2]))
    assert _axes(oracle, _returned("sort", x=x, values=values, indices=np.array([1, 2, 0]))) == []
    assert _axes(oracle, _returned("sort", x=x, values=values, indices=np.array([1, 0, 0]))) == ["value"]
    assert _axes(oracle, _returned("sort", x=x, values=values, indices=np.array([0, 1, 2]))) == ["value"]
    assert "sort" in properties.INDEXED


def test_the_referee_forgives_rounding_and_nothing_more(tmp_path):
    total = "def square(x): return Tensor(np.array([x.a.{}], x.a.dtype))"
    toys(
        tmp_path, good=total.format("cumsum()[-1]"), pairwise=total.format("sum()"),
        far=total.format("sum() * np.float32(1.01)"),
    )  # fmt: skip
    values = np.random.default_rng(1).random(200_000).astype(np.float32)
    case = Case("op/toy/0", ("y = torch.square(x)",), inputs={"x": ArrayRef("float32", (200_000,), (1,), 0, values.tobytes())})
    assert run(tmp_path, "pairwise", [case]).verdicts[0].status == "pass (referee)"
    assert run(tmp_path, "far", [case]).verdicts[0].status == "mismatch"


def test_a_script_is_compared_to_the_digit_and_excused_where_the_oracle_itself_prints_others(tmp_path):
    total = "import os\ndef square(x): return Tensor(np.array([x.a.{}], x.a.dtype))"
    toys(
        tmp_path, good=total.format("cumsum()[-1] if 'ATEN_CPU_CAPABILITY' not in os.environ else x.a.sum()"),
        pairwise=total.format("sum()"), far=total.format("sum() * np.float32(1.01)"),
    )  # fmt: skip
    program = "torch.manual_seed(1)\nloss = torch.square(torch.rand(200_000))\nprint('loss', loss)"
    case = Case("script/toy", (program,), tags=("exact-text",))
    (near,) = run(tmp_path, "pairwise", [case]).verdicts
    assert near.status == "pass (referee)" and [item.axis for item in near.differences] == ["text", "value"]
    assert "1 of 1 numbers: line 1: " in near.differences[0].message
    assert run(tmp_path, "far", [case]).verdicts[0].status == "mismatch"


# -- expectations ----------------------------------------------------------------------------------------------------


def test_expectations_cannot_go_stale(tmp_path):
    toys(tmp_path, refusing=FAULTS["square"]["refusing"])
    results = run(tmp_path, "refusing")
    file = tmp_path / "expected.toml"
    entry = '[[expected]]\ncases = "{}"\naxis = "{}"\nsignature = "{}"\nreason = "to be written"\n'

    def broken(*entries):
        file.write_text("# why it is so\n" + "".join(entry.format(*item) for item in entries))
        return expect.violations(expect.read(file), results)

    right = ("op/toy/1", "refused", "refused: square")
    assert broken(right) == []
    assert "not expected" in broken()[0]
    assert "passes" in broken(right, ("op/toy/0", "value", ""))[0]
    assert "matches no case" in broken(right, ("op/nothing/*", "value", ""))[0]
    assert "otherwise" in broken(("op/toy/1", "refused", "refused: cube"))[0]
    assert expect.update(file, results) == 1
    assert expect.violations(expect.read(file), results) == [] and "# why it is so" in file.read_text()


# -- reports ---------------------------------------------------------------------------------------------------------


def test_reports_say_what_was_found_and_need_no_network(tmp_path):
    toys(tmp_path, wrong=FAULTS["square"]["wrong"])
    results = run(tmp_path, "wrong")
    results.write(tmp_path / "results.json")
    again = Results.read(tmp_path / "results.json")
    assert [verdict.as_json() for verdict in again.verdicts] == [verdict.as_json() for verdict in results.verdicts]
    page = html.render(again)
    assert "http" not in page.replace("http-equiv", "") and "op/toy/1" in page
    data = json.loads(page.split('id="data">')[1].split("</script>")[0])
    assert data["details"]["op/toy/1"]["oracle"] != data["details"]["op/toy/1"]["subject"]
    folded = {data["statuses"][status]: stems for status, _, _, _, stems in data["cases"]}
    assert folded == {"pass": [["op/toy", "0,2,3"]], "mismatch": [["op/toy", "1"]]}
    suites = ElementTree.fromstring(junit.render(again))
    assert suites.find("testsuite").get("failures") == "1"
    assert "3 | 4 | 75.0 %" in markdown.render(again)
    assert by_cause(again.verdicts)[0][0] == "value differs: torch.square"


@pytest.mark.skipif(not shutil.which("chromium"), reason="no browser")
def test_the_page_works_in_a_browser(tmp_path):
    toys(tmp_path, wrong=FAULTS["square"]["wrong"])
    act = """<script>
        at("query").value = "toy/1"; at("query").dispatchEvent(new Event("input"));
        document.querySelector("details.case").open = true;
        </script>"""
    (tmp_path / "page.html").write_text(html.render(run(tmp_path, "wrong")).replace("</body>", act + "</body>"), "utf-8")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=2000", "--dump-dom"]
    seen = subprocess.run([*command, (tmp_path / "page.html").as_uri()], capture_output=True, text=True, timeout=60, check=True).stdout
    assert "1 of 1 cases shown" in seen and '<div class="step differs">' in seen and "<mark>" in seen
    assert "copy the reproducer" in seen


def test_the_reproducer_stands_alone(tmp_path):
    write_pack(tmp_path / "one.zip", [group_of_cases()[1]])
    toys(tmp_path)
    (case,) = read_cases(tmp_path / "one.zip")
    text = script(case, read_data(tmp_path / "one.zip"), "numpy")
    compile(text, "repro", "exec")
    assert "x = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float32)" in text and "y = torch.square(x)" in text


# -- choosing and harvesting -----------------------------------------------------------------------------------------


def test_globs_choose_cases_and_groups():
    assert matches("op/nn.functional.conv2d/float32/17", ["op/nn.*/float32/*"])
    assert not matches("op/add/float64/1", ["op/*/float32/*"])
    assert matches("op/add/float32/1/inplace", ["op/add/*"])
    assert may_match("op/add/float32", ["op/add/float32/3"]) and not may_match("op/sub/float32", ["op/add/*"])
    assert area("doc/torch.nn.Module.apply/1") == "doc/torch.nn" and area("doc/torch.Tensor.abs/1") == "doc/torch.Tensor"


def test_code_is_found_in_docstrings():
    text = textwrap.dedent("""
        Computes.

        Example::

            >>> x = torch.ones(2)
            >>> for i in range(2):
            >>>     x += i
            ...
            >>> x
            tensor([2., 2.])

        .. code-block:: python

            y = f(
                x)
            g(y)

        Math, and words that are no code::

            these are no code
        """)
    assert list(blocks(text)) == [
        ("x = torch.ones(2)", "for i in range(2):\n    x += i", "x"), ("y = f(\n    x)", "g(y)"),
    ]  # fmt: skip
    assert undefined(("y = f(x)", "def g(): return z + y", "[k for k in y]")) == ["f", "x", "z"]


@pytest.mark.parametrize("there, here, said", [
    ([1, 2, 3], [1, 2.5, 9], ("2 of 3 elements differ, worst [2]: 9.0 instead of 3.0", 6 * 2.0**22, (2,))),
    ([1, 2, 3], [1, np.nan, 9], ("2 of 3 elements differ, worst [1]: nan instead of 2.0", 6 * 2.0**22, (1,))),
    (3, 4, ("1 of 1 elements differ, worst []: 4.0 instead of 3.0", 2.0**22, ())),
    ([1, 2, 3], [1, 2, 3], None),
])
def test_a_difference_names_the_worst_element(there, here, said):
    assert value_difference(np.float32(there), np.float32(here), "float32", Tolerance(1e-6, 1e-6)) == said
