"""What a project uses, what the cases of a run say about it, and what to make right first."""
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from conformance.commands import main
from conformance.compare.verdict import Verdict
from conformance.evidence import by_name, namespaces, of_usage
from conformance.report import badge
from conformance.results import Results
from conformance.usage import of_folder
from conformance.worklist import gains, worklist

HOME = Path(__file__).parents[1]
PROJECT = """
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim, gone as there
from torch.utils.data import DataLoader

class Net(nn.Module):
    def forward(self, x):
        return F.relu(torch.cumsum(x, 0).sort().values)

optim.SGD(Net().parameters(), lr=there)
"""
ABOUT = {"subject": {"as": "reftorch", "version": "0.1.0"}, "oracle": {"as": "torch", "version": "2.13.0"},
         "when": "2026-11-23", "profile": "drop-in", "sources": []}


def surface(name, status="pass"):
    space, last = name.rsplit(".", 1)
    return Verdict(f"surface/{space}/{last}", status, cause=f"missing: {name}" if status == "missing" else "", apis=(name,))


@pytest.fixture
def results():
    """A run in which `sort` fails half its cases, `gone` is missing and `optim.SGD` has no case."""
    verdicts = [surface(f"torch.{name}") for name in ("cumsum", "sort", "nn.Module", "nn.functional.relu", "optim.SGD", "Tensor.sort")]
    verdicts += [surface("torch.gone", "missing"), Verdict("op/cumsum/0", "pass", apis=("torch.cumsum",))]
    verdicts += [Verdict("op/sort/0", "pass", apis=("torch.sort", "torch.cumsum"))]
    verdicts += [Verdict("op/sort/1", "mismatch", ("value",), cause="value differs: torch.sort", apis=("torch.sort",))]
    verdicts += [Verdict("doc/x/0", "missing", ("exists",), cause="missing: torch.gone", apis=("torch.cumsum", "torch.sort"))]
    verdicts += [Verdict("op/relu/0", "pass", apis=("torch.nn.functional.relu",))]
    return Results(ABOUT, verdicts)


def test_imports_are_followed_to_public_names(tmp_path):
    (tmp_path / "net.py").write_text(PROJECT)
    (tmp_path / "broken.py").write_text("def (")
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "other.py").write_text("import torch\ntorch.sin")
    usage = of_folder(tmp_path)
    assert set(usage.names) == {"torch.nn", "torch.nn.functional", "torch.optim", "torch.gone", "torch.utils.data.DataLoader", "torch.nn.Module",
                                "torch.nn.functional.relu", "torch.cumsum", "torch.optim.SGD"}
    assert {".sort", ".values", ".parameters"} <= set(usage.methods) and usage.places["torch.cumsum"] == "net.py:10"
    assert usage.files == 1 and usage.unread[0].startswith("broken.py")


def test_each_name_has_its_standing_the_riskiest_first(tmp_path, results):
    (tmp_path / "net.py").write_text(PROJECT)
    rows = of_usage(of_folder(tmp_path), by_name(results))
    standing = {item.name: item.standing for item, _, _ in rows}
    assert standing["torch.gone"] == "missing" and rows[0][0].name == "torch.gone"
    assert standing["torch.sort"] == "fails" and standing["torch.cumsum"] == "partly"
    assert standing["torch.nn.functional.relu"] == "proven" and standing["torch.optim.SGD"] == "present"
    assert standing["torch.utils.data.DataLoader"] == "unknown"


def test_scan_says_go_or_no_go(tmp_path, results):
    results.write(tmp_path / "results.json")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "net.py").write_text(PROJECT)
    (tmp_path / "good.py").write_text("from torch.nn import functional as F\nF.relu(3)\n")
    ask = lambda what: CliRunner().invoke(main, ["scan", str(tmp_path / what), "--results", str(tmp_path / "results.json")])
    bad, good = ask("bad"), ask("good.py")
    assert bad.exit_code == 1 and "no-go for reftorch 0.1.0: 2 names" in bad.output and "has no case of 4 names" in " ".join(bad.output.split())
    assert good.exit_code == 0 and "go for reftorch" in good.output and "no-go" not in good.output


def test_the_worklist_puts_the_name_with_most_cases_first_and_counts_what_turns_green(results):
    items = worklist(results)
    assert [(item.name, len(item.cases), item.alone, item.behind) for item in items] == [("torch.gone", 2, 1, 0), ("torch.sort", 1, 1, 1)]
    assert gains(items, results) == [1, 3]


def test_coverage_names_what_no_case_calls(tmp_path, results):
    every, bare = namespaces(results)["torch"]
    assert "torch.sort" in every and bare == ["torch.gone"]
    assert namespaces(results)["torch.Tensor"] == (["torch.Tensor.sort"], [])        # the op's cases run the method too
    results.write(tmp_path / "results.json")
    shown = CliRunner().invoke(main, ["coverage", str(tmp_path / "results.json"), "--names"])
    assert shown.exit_code == 0 and "torch.optim: SGD" in shown.output and "(57.1 %)" in shown.output


def test_a_traced_program_tells_what_it_calls(tmp_path):
    pytest.importorskip("torch", reason="the tracer listens to PyTorch")
    (tmp_path / "program.py").write_text("import sys, torch\nnet = torch.nn.Linear(2, int(sys.argv[1]))\nnet(torch.ones(1, 2)).cumsum(0)\n")
    command = [sys.executable, "-m", "conformance.trace", str(tmp_path / "heard.json"), str(tmp_path / "program.py"), "3"]
    subprocess.run(command, cwd=HOME, check=True)
    heard = json.loads((tmp_path / "heard.json").read_text())
    assert {"torch.nn.Linear", "torch.nn.functional.linear", "torch.Tensor.cumsum"} <= set(heard)


@pytest.mark.parametrize("statuses, problems, text", [(["pass"] * 3, [], "100.0 %"), (["pass"] * 3999 + ["error"], [], "99.9 %"),
                                                      (["error"], [], "0.0 %"), (["pass"], ["partial"], "no score"), ([], [], "no score")])
def test_the_badge_never_rounds_up(statuses, problems, text):
    image = badge.render(Results(ABOUT, [Verdict(f"op/a/{n}", status) for n, status in enumerate(statuses)], problems=problems))
    assert f">{text}</text>" in image and ">torch 2.13.0<" in image
    ElementTree.fromstring(image)
