"""The case sources: programs that run on PyTorch as they claim, the same ones every time, and nothing dropped without a cause.

The oracle's tables are read in an interpreter of their own, as the suite does it.
"""

import ast
import json
import os
import re
import subprocess
import sys
import textwrap
from importlib.util import find_spec
from pathlib import Path

import pytest

from conformance.sources import scripts, tutorials
from conformance.sources.mistakes import MISTAKES

oracle = pytest.mark.skipif(not find_spec("torch") or not find_spec("expecttest"), reason="needs PyTorch and expecttest")


def ask(code: str):
    """What a program in a fresh interpreter prints as JSON."""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@oracle
def test_every_operator_is_written_or_refused_with_a_cause():
    written, refused = ask("""
        import json
        import torch
        from torch.testing._internal.common_methods_invocations import op_db
        from conformance.sources.opforms import form_of
        forms = {op.full_name: form_of(op) for op in op_db if torch.float32 in op.dtypes}
        print(json.dumps([[n for n, f in forms.items() if not isinstance(f, str)], {n: f for n, f in forms.items() if isinstance(f, str)}]))
    """)
    assert len(written) > 600 and {"add", "nn.functional.conv2d", "linalg.svd", "T", "normal.in_place"} <= set(written)
    causes = {cause.split(":")[0] for cause in refused.values()}
    assert causes == {"private operator", "needs CUDA", "sparse tensors"}


PROGRAMS = """
    import json
    from conformance.sources import opinfo
    groups = {f"op/{name}/{dtype}" for name in %r for dtype in opinfo.DTYPES}
    excluded = []
    cases = list(opinfo.cases(groups.__contains__, excluded))
    print(json.dumps([[[c.id, c.program, c.digest, c.tags, c.apis, c.group] for c in cases], excluded]))
"""


@oracle
def test_samples_become_the_same_public_programs_every_time():
    names = ("add", "linalg.svd", "where", "nn.functional.dropout", "sigmoid", "split", "to_sparse", "jiterator_unary")
    first, excluded = ask(PROGRAMS % (names,))
    again, _ = ask(PROGRAMS % (names,))
    assert first == again
    programs = {id: program for id, program, *_ in first}
    assert len(programs) == len(first)
    gradient = "torch.autograd.grad(out, (x, a1), g0, allow_unused=True)"
    assert programs["op/add/float32/0"] == ["out = torch.add(x, a1)", f"grads = {gradient}"]
    assert programs["op/add/float32/0/method"] == ["out = x.add(a1)", f"grads = {gradient}"]
    assert programs["op/add/float32/0/inplace"] == ["y = x.clone()", "out = y.add_(a1)", f"grads = {gradient}"]
    assert programs["op/add/int64/0"] == ["out = torch.add(x, a1)"]
    assert programs["op/sigmoid/float32/0/alias.special.expit"][0] == "out = torch.special.expit(x)"
    assert programs["op/sigmoid/float32/0/out_empty"][0] == "buf0 = torch.zeros((0,), dtype=torch.float32)"
    assert programs["op/sigmoid/float64/0/gradgrad"][-1].startswith("second = torch.autograd.grad(grads[0], (x, g0), h0")
    assert programs["op/where/float32/0"][0] == "out = torch.where(a1, x, a2)"
    assert not any("testing" in line or "ops.aten" in line for program in programs.values() for line in program)
    assert any("unique" in program[1] for id, program in programs.items() if id.startswith("op/linalg.svd/") and len(program) > 1)
    tags = {id: set(tags) for id, _, _, tags, *_ in first}
    assert "random" in tags["op/nn.functional.dropout/float32/0"] and "nonunique:svd" in tags["op/linalg.svd/float32/0"]
    assert {tuple(why) for _, *why in excluded} == {("beyond", "sparse tensors"), ("beyond", "needs CUDA")}


@oracle
def test_inputs_carry_geometry_and_aliasing():
    shared, strided, conj = ask("""
        import json
        import torch
        from conformance.sources.written import Inputs, Unsupported, reference
        base = torch.arange(12.0)
        inputs = Inputs()
        text = inputs.text([base[2:5], base.view(3, 4).t(), base[2:5], 1.5, float("inf"), slice(1, None), torch.float64], "x")
        assert text == "[x0, x1, x2, 1.5, math.inf, slice(1, None, None), torch.float64]", text
        refs = inputs.refs
        conj = reference(torch.tensor([1 + 2j]).conj())
        try:
            inputs.text(torch.eye(2).to_sparse(), "s")
            raise AssertionError("a sparse tensor is no input")
        except Unsupported:
            pass
        shared = refs["x0"].data is refs["x1"].data and refs["x0"].offset == 2
        print(json.dumps([shared, [refs["x1"].shape, refs["x1"].strides], [conj.conj, conj.dtype]]))
    """)
    assert shared and strided == [[4, 3], [1, 4]] and conj == [True, "complex64"]


@oracle
def test_every_mistake_is_refused_by_its_last_statement():
    count, wrong = ask("""
        import json, math
        import numpy as np
        import torch
        from conformance.sources.errors import split
        from conformance.sources.mistakes import MISTAKES
        wrong, count = [], 0
        for topic, programs in MISTAKES.items():
            for text in programs:
                names, lines, count = {"torch": torch, "np": np, "math": math}, split(text), count + 1
                for index, line in enumerate(lines, 1):
                    try:
                        exec(line, names)
                    except Exception as error:
                        if index < len(lines) or isinstance(error, (NameError, SyntaxError)):
                            wrong.append([topic, line, repr(error)])
                        break
                else:
                    wrong.append([topic, text, "accepted"])
        print(json.dumps([count, wrong]))
    """)
    assert wrong == [] and count == sum(map(len, MISTAKES.values())) >= 200


@oracle
def test_the_table_of_refused_calls_is_read():
    found = ask("""
        import json
        from conformance.sources import errors
        print(json.dumps([[case.id, case.program[0]] for case in errors.cases(lambda group: group in ("error/cat", "error/gather"))]))
    """)
    assert len(found) > 10 and dict(found)["error/gather/0"].startswith("out = torch.gather(x, ")


@oracle
def test_surface_sees_kinds_and_signatures():
    found = ask("""
        import json
        import torch
        from conformance.sources import surface
        shown = {}
        wanted = ("surface/torch", "surface/torch.nn", "surface/torch.Tensor", "surface/torch.cuda")
        for case in surface.cases(wanted.__contains__):
            names = {"torch": torch}
            for line in (*case.setup, *case.program[:-1]):
                exec(line, names)
            shown[case.id] = eval(case.program[-1], names)
        print(json.dumps(shown))
    """)
    assert found["surface/torch/add"] == "function" and found["surface/torch/add/signature"] == "input, other, *, alpha=1, out=None"
    assert found["surface/torch/float32"] == "dtype torch.float32" and found["surface/torch/pi"].startswith("float 3.14")
    assert found["surface/torch.nn/Linear"] == "class"
    assert found["surface/torch.nn/Linear/signature"] == "in_features, out_features, bias=True, device=None, dtype=None"
    assert found["surface/torch.Tensor/shape"] == "attribute" and found["surface/torch.Tensor/__add__"] == "function"
    assert found["surface/torch.cuda/is_available"] == "function"
    assert len(found) > 1500 and all(isinstance(text, str) for text in found.values())


def test_there_is_a_tutorial_for_every_scenario():
    keys = {case.id.split("/")[1] for case in tutorials.cases()}
    for letter, last in zip("ABCDFG", (4, 12, 9, 6, 4, 3), strict=True):
        assert {f"{letter}{number}" for number in range(1, last + 1)} <= keys
    assert sum(key.startswith("E_") and key.endswith("Loss") for key in keys) == 21
    (case,) = tutorials.cases("tutorial/B10".__eq__)
    assert case.inputs["checkpoint"][:2] == b"PK"


def test_statements_keep_their_text():
    text = '"""Says what it is."""\n\nimport torch\n\n\n@torch.no_grad()\ndef f(x):\n    # why\n    return x\n\n\nf(1)  # once\n'
    first, second, third = tutorials.statements(text)
    assert (first, third) == ("import torch", "f(1)  # once")
    assert second == "@torch.no_grad()\ndef f(x):\n    # why\n    return x"
    for case in tutorials.cases():
        for statement in case.program:
            ast.parse(statement)


FIGURES = {
    "A1": "tensor(4., grad_fn=<SumBackward0>)",
    "B3": "tensor([-10.,  -5.,   0.,   5.,  10.])",
    "B10": "<All keys matched successfully>",
    "C5": "torch.Size([8, 8])",
    "C6": "tensor([[4., 5.],\n        [7., 8.]])\ntensor([[2., 3.],\n        [5., 6.]])",
    "E_KLDivLoss": "batchmean tensor(-1.0006",
    "E_MultiLabelMarginLoss": "mean tensor(0.4500",
    "E_SoftMarginLoss": "mean tensor(0.6764",
    "E_MultiMarginLoss": "mean tensor(0.6000",
    "E_HingeEmbeddingLoss": "mean tensor(0.7667",
    "E_CosineEmbeddingLoss": "mean tensor(0.5000",
}


@oracle
def test_tutorials_meet_the_figures_of_the_notes(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path.cwd()))
    monkeypatch.chdir(tmp_path)
    printed = ask(f"""
        import contextlib, io, json
        from conformance.sources import scripts, tutorials
        shown = {{}}
        for case in tutorials.cases():
            key = case.id.split("/")[1]
            if key in {list(FIGURES)}:
                text, names = io.StringIO(), dict(case.inputs)
                with contextlib.redirect_stdout(text):
                    for line in case.program:
                        exec(line, names)
                shown[key] = text.getvalue()
        print(json.dumps(shown))
    """)
    assert {key: figure for key, figure in FIGURES.items() if figure not in printed[key]} == {}


def test_every_script_runs_on_reftorch_alone(tmp_path):
    """All of each program, but only the first two batches of every pass over its data."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent("""
            import contextlib, io, itertools, json, runpy, sys, time
            import reftorch
            reftorch.install_as_torch()
            from torch.utils.data import DataLoader
            whole = DataLoader.__iter__
            DataLoader.__iter__ = lambda loader: itertools.islice(whole(loader), 2)
            shown = {}
            for path in sys.argv[1:]:
                text = io.StringIO()
                with contextlib.redirect_stdout(text):
                    names = runpy.run_path(path, run_name="__main__")
                shown[path] = [text.getvalue(), sorted(names)]
            print(json.dumps(shown))
        """), *map(str, scripts.programs())],
        capture_output=True, text=True, check=False, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    shown = {Path(path).stem: value for path, value in json.loads(done.stdout).items()}
    names = {"alexnet", "char_rnn", "lenet", "mlp", "seq2seq", "tagger", "transformer", "vae"}
    assert set(shown) == names == {case.id.split("/")[1] for case in scripts.cases()}
    for name, (text, bound) in shown.items():
        assert {"model", "net", "both"} & set(bound), f"{name} leaves no module to compare"
        assert len(re.findall(r"\d\.\d{3}", text)) >= 5 and "nan" not in text, f"{name} prints no losses"
    assert len({path.name.split(".")[0].split("_")[0] for path in tmp_path.iterdir()}) == len(names)  # each saved a checkpoint


def test_a_script_runs_unchanged_from_the_command_line(tmp_path):
    (program,) = (path for path in scripts.programs() if path.stem == "mlp")
    done = subprocess.run(
        [sys.executable, "-m", "reftorch", str(program)], capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stderr
    losses = [float(loss) for loss in re.findall(r"loss (\S+)", done.stdout)]
    assert len(losses) == 20 and losses[-1] < 0.4 < losses[0]
    assert "same answers: True" in done.stdout and (tmp_path / "mlp.pt").exists()
