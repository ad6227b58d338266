"""conformance with other interpreters: the worker needs Python 3.8 and the implementation, nothing else; PyTorch 1.13 as either side."""
import ast
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from checkpoints import python113

from conformance.case import ArrayRef, Case, read_cases, write_pack
from conformance.runner import observe, pool
from conformance.runner.pool import Implementation
from conformance.session import Chosen, Session

ROOT = Path(__file__).parents[1]

# A tensor library without NumPy, in the Python of 2019; `rows` are its elements
LEAN = '''
__version__ = "0.1"
float32, int64 = "torch.float32", "torch.int64"
state = 0


class Tensor:
    requires_grad, grad, grad_fn, is_leaf, is_quantized, layout = False, None, None, True, False, "torch.strided"
    class device: type = "cpu"

    def __init__(self, rows, dtype=None): self.rows, self.dtype = rows, dtype or float32
    shape = property(lambda self: (len(self.rows),))
    def stride(self): return (1,)
    def numel(self): return len(self.rows)
    def element_size(self): return 4 if self.dtype == float32 else 8
    def detach(self): return self
    contiguous = detach
    def clone(self): return Tensor(list(self.rows), self.dtype)
    def reshape(self, *shape): return self
    def is_complex(self): return False
    def tolist(self): return self.rows
    def __repr__(self): return "tensor([" + ", ".join("%.4f" % x for x in self.rows) + "])"
    def __add__(self, other): return Tensor([a + b for a, b in zip(self.rows, other.rows)])


def tensor(values, dtype=None): return Tensor([float(x) for x in values])
def manual_seed(seed): global state; state = seed
def square(x): return Tensor([a * a for a in x.rows])
def cube(x): return Tensor([a * a * a for a in x.rows])
def negative(x): return Tensor([-a for a in x.rows])
def fail(): raise ValueError("a number is wrong")
'''
X = ArrayRef("float32", (3,), (1,), 0, np.array([0.5, 1.0, 3.0], np.float32).tobytes())
PROGRAMS = {
    "square": ("y = torch.square(x)", "y"), "cube": ("print(torch.cube(x))",), "negative": ("z = torch.negative(x) + x",), "fail": ("torch.fail()",),
    "tensor": ("torch.tensor([1, 2])",), "printed": ("print(repr(x))", "1 + 1"),
}  # fmt: skip
SUBJECTS = {
    "good": ("", {}),
    "lying": ("def square(x): return Tensor([a * a + 0.25 for a in x.rows])", {"square": "mismatch"}),
    "crashing": ("import os\ndef cube(x): os.kill(os.getpid(), 11)", {"cube": "crash"}),
    "half": ("del square, cube, negative", {"square": "missing", "cube": "missing", "negative": "missing"}),
    "bare": ("del square, cube, negative, fail, tensor, manual_seed", dict.fromkeys(PROGRAMS, "missing")),
}


def python38():
    """An interpreter of Python 3.8, or None."""
    known = [os.environ.get("REFTORCH_PYTHON38"), shutil.which("python3.8"), *map(str, Path.home().glob(".pyenv/versions/3.8.*/bin/python"))]
    works = lambda python: python and subprocess.run([python, "-c", "1"], capture_output=True).returncode == 0      # a shim of pyenv may not
    return next(filter(works, known), None)


def judged(subject, oracle, folder, cases):
    write_pack(folder / "packs" / "own.zip", cases)
    pack = folder / "packs" / "own.zip"
    results = Session(subject, oracle, folder).run([Chosen(pack, list(read_cases(pack)))])
    assert not results.problems and not results.excluded
    return {verdict.id.split("/")[-1]: verdict for verdict in results.verdicts}


@pytest.mark.parametrize("name", ["worker.py", "observe.py"])
def test_the_worker_is_written_in_python_38(name):
    """No syntax of later versions; the dict union and `zip(strict=)`, which are no syntax, are looked for too."""
    tree = ast.parse((ROOT / "conformance/runner" / name).read_text(), feature_version=(3, 8))
    imported = {alias.name.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= sys.stdlib_module_names
    for node in ast.walk(tree):
        assert not (isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.BitOr)), node.lineno
        assert not (isinstance(node, ast.keyword) and node.arg == "strict"), node.value.lineno
        assert not (isinstance(node, ast.Attribute) and node.attr in ("removeprefix", "removesuffix", "pairwise", "stdlib_module_names")), node.lineno


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_subject_with_python_38_and_nothing_else(name, tmp_path):
    python = python38() or pytest.skip("no Python 3.8: neither REFTORCH_PYTHON38 nor python3.8 nor one of pyenv's")
    fault, found = SUBJECTS[name]
    for toy, text in {"good": "", name: fault}.items():
        (tmp_path / f"lean_{toy}.py").write_text(LEAN + text + "\n")
    cases = [Case(f"op/lean/{kind}", program, inputs={"x": X}, tags=("error",) if kind == "fail" else ()) for kind, program in PROGRAMS.items()]
    verdicts = judged(Implementation(f"lean_{name}", python), Implementation("lean_good", sys.executable), tmp_path, cases)
    assert {kind: verdict.status for kind, verdict in verdicts.items()} == dict.fromkeys(PROGRAMS, "pass") | found


def test_the_text_of_ordered_dicts_has_no_version():
    """Python 3.12 writes them in another way."""
    new = """[OrderedDict({"it's": tensor([1., 2.]), 'b': OrderedDict({'c': 'x: }', 3: {1: (2, 3)}, 'e': OrderedDict()})}), 'OrderedDict({']"""
    old = """[OrderedDict([("it's", tensor([1., 2.])), ('b', OrderedDict([('c', 'x: }'), (3, {1: (2, 3)}), ('e', OrderedDict())]))]), 'OrderedDict({']"""
    assert observe.ordered(new) == observe.ordered(old) == old


def test_connect_strings():
    here = Implementation("pkg.compat", sys.executable)
    for text in ("pkg.compat", f"{sys.executable}:pkg.compat", f"pkg.compat@{sys.executable}"):
        assert Implementation.parse(text) == here
    assert str(here) == "pkg.compat" and str(Implementation("torch", "/usr/bin/x")) == "/usr/bin/x:torch"
    assert Implementation.parse("sh:torch").python == shutil.which("sh")
    for wrong, text in (("torch:", "not a connect string"), ("a-b", "not a connect string"), ("torch@/no/python", "there is no interpreter /no/python")):
        with pytest.raises(ValueError, match=text):
            Implementation.parse(wrong)


# ------------------------------------------------------------------ PyTorch 1.13
OLDER = pytest.mark.skipif(
    not python113() or not find_spec("torch"), reason="no PyTorch 1.13 in TORCH113 or /usr/bin/python3, or no PyTorch here to compare with"
)
BETWEEN = {
    "same": ("y = x * 2 + torch.ones(3)", "print(y)"),
    "alias": ("row = x.view(1, 3)[0]", "row.zero_()"),
    "half": ("y = x.bfloat16()", "y"),
    "drawn": ("torch.manual_seed(1)", "torch.rand(3)"),
    "gradient": ("w = torch.ones(3, requires_grad=True)", "(w * x).sum().backward()"),
    "cleared": (
        "w = torch.nn.Parameter(torch.ones(2))", "w.sum().backward()", "torch.optim.SGD([w], 0.1).zero_grad()", "print(w.grad)",
    ),
    "printed": ("torch.nn.BatchNorm1d(2)",),
    "added": ("y = torch.vmap(torch.sin)(x)",),
}  # fmt: skip


@OLDER
def test_two_versions_of_pytorch(tmp_path):
    """1.13 judged by 2.13: the differences are those that PyTorch's release notes tell."""
    cases = [Case(f"op/between/{kind}", program, inputs={"x": X}, group="op/between") for kind, program in BETWEEN.items()]
    verdicts = judged(Implementation.parse(f"{python113()}:torch"), Implementation.parse("torch"), tmp_path, cases)
    known = {"cleared": "mismatch", "printed": "mismatch", "added": "missing"}
    assert {kind: verdict.status for kind, verdict in verdicts.items()} == dict.fromkeys(BETWEEN, "pass") | known
    assert {axis for verdict in verdicts.values() for axis in verdict.axes} <= {"text", "exists", "gradient"}


@OLDER
def test_the_sources_ask_an_oracle_of_113(tmp_path, monkeypatch):
    """Its own table of operators gives cases, which 2.13 passes; a table that it has not is named."""
    monkeypatch.setitem(pool.SECONDS, "op", 60.0)
    session = Session(Implementation.parse("torch"), Implementation.parse(f"{python113()}:torch"), ROOT)
    for source in session.oracle.folders:
        session.oracle.folders[source] = tmp_path / source
    results = session.run(session.choose(["op", "optim"], ["op/argwhere/float32/*", "optim/*"]))
    assert len(results.verdicts) >= 6 and {verdict.status for verdict in results.verdicts} == {"pass"} and not results.problems
    assert [item.id for item in results.excluded] == ["optim/*"] and "no table of this kind" in results.excluded[0].cause
