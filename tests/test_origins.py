"""The worst element of a result names the input numbers it comes from: no table says so, the experiment does."""

import sys
from pathlib import Path

import numpy as np
import pytest
from test_conformance import TOY

from conformance.case import ArrayRef, Case, read_cases, write_pack
from conformance.compare import origins
from conformance.compare.verdict import judge
from conformance.golden import Golden, write
from conformance.report import html, junit
from conformance.runner.oracle import Oracle
from conformance.runner.pool import Implementation
from conformance.session import Chosen, Session, measure
from conformance.transcript import Transcript

HOME = Path(__file__).parents[1]
MORE = '''
def root(x): return Tensor(np.sqrt(x.a))
def times(x, y): return Tensor(x.a * y.a)
def total(x): return Tensor(x.a.sum(1))
def product(x, y): return Tensor(x.a @ y.a)
def turned(x): return Tensor(np.ascontiguousarray(x.a[::-1]))
def one(x): return Tensor(x.a * 0 + 1)
def noise(x): return Tensor(x.a + np.random.default_rng().random(x.a.shape).astype(np.float32))
def halved(x):
    while (x.a > 5).any() or x.a[1] < 0: pass
    return Tensor(x.a / 2)
def pair(xs): return Tensor(xs[0].a + xs[1].a)
'''
#: Over the good functions: the last element of what they give is off.
OFF = '''
def off(function):
    def call(*given):
        result = function(*given).a.copy()
        result.reshape(-1)[-1] += np.float32(0.5)
        return Tensor(result)
    return call
for name in ("root", "times", "total", "product", "turned", "one", "noise", "halved", "pair"):
    globals()[name] = off(globals()[name])
'''
#: reftorch with a square of its own, whose derivative is off where x is greater than 2.
SLOPED = '''
import reftorch
from reftorch import *

__version__ = "1.0"
Tensor, autograd, default_generator = reftorch.Tensor, reftorch.autograd, reftorch.default_generator


class Square(reftorch.autograd.Function):
    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(context, g):
        (x,) = context.saved_tensors
        return 2 * x * g + OFF * (x > 2)


square = Square.apply
'''


def given(values, dtype="float32", **more):
    values = np.asarray(values, dtype)
    strides = tuple(step // values.itemsize for step in values.strides)
    return ArrayRef(dtype, values.shape, strides, 0, values.tobytes(), **more)


X = given([[0.25, 1.0, 9.0], [4.0, 0.5, 6.25]])
Y = given([1.5, 2.5, 3.5])
ROW = "x[1, :] (float32 [3], magnitudes 0.5 to 6.25)"
#: What a case runs, what it is given, and what its difference says in the end.
CASES = {
    "one element": (["y = torch.root(x)"], {"x": X}, "from x[1, 2] = 6.25"),
    "a row for all": (["y = torch.times(x, w)"], {"x": X, "w": Y}, "from x[1, 2] = 6.25 and w[2] = 3.5"),
    "a column for all": (["y = torch.times(x, w)"], {"x": X, "w": given([[2.0], [3.0]])}, "from x[1, 2] = 6.25 and w[1, 0] = 3.0"),
    "a number for all": (["y = torch.times(x, w)"], {"x": X, "w": given(2.0)}, "from x[1, 2] = 6.25 and w = 2.0"),
    "integers": (["y = torch.times(x, n)"], {"x": Y, "n": given([7, 8, 9], "int64")}, "from x[2] = 3.5 and n[2] = 9"),
    "a list": (["y = torch.pair(xs)"], {"xs": [X, given(np.ones((2, 3)))]}, "from xs[0][1, 2] = 6.25 and xs[1][1, 2] = 1.0"),
    "a sum": (["y = torch.total(x)"], {"x": X}, f"from {ROW}"),
    "a product": (
        ["y = torch.product(x, w)"], {"x": X, "w": given(np.arange(12.0).reshape(3, 4))},
        f"from {ROW} and w[:, 3] (float32 [3], magnitudes 3 to 11)",
    ),
    "another row": (["y = torch.turned(x)"], {"x": X}, "from x[:, 2] (float32 [2], magnitudes 6.25 to 9)"),
    "another place": (["y = torch.turned(x)"], {"x": Y}, "from all of x (float32 [3], magnitudes 1.5 to 3.5)"),
    "no part": (["y = torch.root(x)"], {"x": X, "other": Y}, "from x[1, 2] = 6.25"),
    "nothing": (["y = torch.one(x)"], {"x": X}, "from no number of the inputs"),
    # neither can be altered alone
    "one storage": (["y = torch.pair(xs)"], {"xs": [Y, Y]}, "from " + " and ".join(f"all of xs[{i}] (float32 [3], magnitudes 1.5 to 3.5)" for i in (0, 1))),
    "noise": (["y = torch.noise(x)"], {"x": Y}, "from the inputs: all of x (float32 [3], magnitudes 1.5 to 3.5); seed 7"),
    "never ends": (["y = torch.halved(x)"], {"x": given([4.0, 2.0])}, "from x[1] = 2.0"),
    "made by a statement": (["x = torch.tensor([0.25, 4.0])", "y = torch.root(x)"], {}, "from x[1] = 4.0"),
    "made on the way": (["y = torch.root(torch.tensor([0.25, 4.0]))"], {}, "from numbers that the program makes itself, seed 7"),
}  # fmt: skip


def judged(folder, subject, oracle, cases):
    """The results of cases, which are (program, inputs) by name."""
    pack = folder / "packs" / "toy.zip"
    # an API each, and so a cause each: of one cause a few cases only are kept in full
    made = [
        Case(f"op/{name}/0", tuple(program), inputs=inputs, seed=7, apis=(name,), group="op/toy") for name, (program, inputs) in cases.items()
    ]
    write_pack(pack, made, "op/toy")
    session = Session(Implementation(subject, sys.executable), measure(oracle, folder), folder)
    return session.run([Chosen(pack, list(read_cases(pack)))])


def lines_of(results):
    """What is said of the one number that differs most in each case."""
    return {verdict.apis[0]: next(item.line for item in verdict.differences if item.origin) for verdict in results.verdicts}


@pytest.fixture(scope="module")
def toy_results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toys")
    (folder / "toy_good.py").write_text(TOY + MORE)
    (folder / "toy_off.py").write_text(TOY + MORE + OFF)
    return judged(folder, "toy_off", "toy_good", {name: case[:2] for name, case in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_the_numbers_behind_the_worst_element_are_named(name, toy_results):
    assert lines_of(toy_results)[name].endswith(", " + CASES[name][2])


def test_every_report_names_them(toy_results):
    said = lines_of(toy_results)["one element"]
    assert said.startswith("value at 0/y/value: 1 of 6 elements differ, worst [1, 2]: 3.0 instead of 2.5 (2.1e+06 ulp), float64 says 2.5, from")
    assert said in html.render(toy_results) and said in junit.render(toy_results)


def test_a_gradient_names_the_numbers_behind_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(HOME))
    for name, off in (("good", 0), ("off", 1)):
        (tmp_path / f"sloped_{name}.py").write_text(SLOPED + f"OFF = {off}\n")
    program = ["y = torch.square(x)", "grads = torch.autograd.grad(y, (x,), g)"]
    inputs = {"x": given([0.5, 3.0, 1.0], requires_grad=True), "g": given([2.0, -1.0, 4.0])}
    said = lines_of(judged(tmp_path, "sloped_off", "sloped_good", {"square": (program, inputs)}))["square"]
    assert said.startswith("value at 1/grads/0/value: 1 of 3 elements differ, worst [1]: -5.0 instead of -6.0 (2.1e+06 ulp), float64 says -6.0, from")
    assert said.endswith(", from x[1] = 3.0 and g[1] = -1.0")


def test_with_a_golden_pack_the_subject_alone_is_asked(tmp_path):
    (tmp_path / "toy_good.py").write_text(TOY + MORE)
    (tmp_path / "toy_off.py").write_text(TOY + MORE + OFF)
    cases = {"one element": CASES["one element"][:2]}
    judged(tmp_path, "toy_good", "toy_good", cases)
    oracle = Oracle(Implementation("toy_good", sys.executable), tmp_path)
    oracle.folders = {"op": tmp_path / "packs"}
    write(tmp_path / "toy.pack", oracle, [tmp_path / "packs" / "toy.zip"], [])
    golden = Golden(tmp_path / "toy.pack", tmp_path)
    (pack,) = golden.packs("op", ())
    session = Session(Implementation("toy_off", sys.executable), golden, tmp_path)
    said = lines_of(session.run([Chosen(pack, list(read_cases(pack)))]))["one element"]
    assert "float64 says 2.5" in said and said.endswith(", from x[1, 2] = 6.25")


def test_an_experiment_that_is_too_dear_is_not_made(monkeypatch):
    monkeypatch.setattr(origins, "SECONDS", 0.001)
    shot = {"k": "tensor", "type": "Tensor", "dtype": "float32", "shape": [2], "strides": [1]}
    record = lambda start: {"id": "op/dear/0", "status": "ok", "steps": [{"bound": {"y": shot | {"at": [start, 8]}}}], "ms": 5.0}  # noqa: E731
    numbers = np.float32([1, 2, 1, 3]).tobytes()
    oracle, subject = (Transcript(record(start), numbers) for start in (0, 8))
    tree = {"$": "array", "dtype": "float32", "shape": [2], "strides": [1], "offset": 0, "at": [0, 8], "requires_grad": False, "conj": False, "neg": False}
    case = {"id": "op/dear/0", "program": ["y = torch.dear(x)"], "setup": [], "inputs": {"x": tree}, "seed": 3, "tags": [], "apis": []}
    verdict = judge(case, oracle, subject, {"value"})

    def asked(pack, ids, limit):
        raise AssertionError("nobody is to be asked")

    origins.name_origin(case, numbers, verdict, oracle, subject, asked, asked)
    assert verdict.differences[0].origin == "from the inputs: all of x (float32 [2], magnitudes 1 to 2); seed 3"
