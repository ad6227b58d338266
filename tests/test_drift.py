"""What changed between two runs, and where one implementation is not as the other."""
from click.testing import CliRunner

from conformance import drift
from conformance.commands import main
from conformance.compare.axes import Difference, replaced
from conformance.compare.verdict import Verdict
from conformance.report import drift as report
from conformance.results import Results

ABOUT = {"subject": {"as": "reftorch", "version": "0.1.0"}, "oracle": {"as": "torch", "version": "2.13.0"}, "when": "2026-11-23", "profile": "drop-in"}


def run(**statuses):
    verdicts = []
    for name, status in statuses.items():
        axes = ("value",) if status == "mismatch" else ()
        found = [Difference("value", "0/y/value", "1.0 against 2.0")] if axes else []
        verdicts.append(Verdict(f"op/{name}/0", status, axes, cause="" if status == "pass" else f"{status}: {name}", differences=found))
    return Results(ABOUT, verdicts)


OLD = dict(kept="pass", lost="pass", healed="mismatch", moved="mismatch", same="missing", dropped="pass")
NEW = dict(kept="pass", lost="error", healed="pass", moved="crash", same="missing", added="pass")


def test_every_change_between_runs_has_its_kind():
    kinds = {change.id.split("/")[1]: change.kind for change in drift.between(run(**OLD), run(**NEW))}
    assert kinds == {"lost": "broken", "healed": "fixed", "moved": "changed", "dropped": "gone", "added": "new"}


def test_a_run_against_itself_has_no_change():
    assert drift.between(run(**OLD), run(**OLD)) == []


def test_within_a_run_each_failing_case_is_named_with_what_differs():
    changes = drift.within(run(a="mismatch", b="missing", c="pass", d="error"))
    assert [(change.id, change.kind) for change in changes] == [("op/a/0", "other values"), ("op/b/0", "new name"), ("op/d/0", "raises")]
    assert changes[0].detail == "value at 0/y/value: 1.0 against 2.0"


def test_reports_name_every_kind_and_escape_what_they_quote():
    changes = [drift.Change("op/a/0", "broken", "<script>|x", "pass → error"), drift.Change("op/b/0", "fixed", "healed")]
    page, text = report.html("old → new", changes, 9), report.markdown("old → new", changes, 9)
    assert "<script>|x" not in page and "&lt;script&gt;" in page and "2</b>of 9 cases differ" in page
    assert "| broken | passed before, does not now | 1 | 1 |" in text and "<script>\\|x" in text


def test_the_command_fails_when_a_case_broke(tmp_path):
    for name, statuses in {"old": OLD, "new": NEW, "better": OLD | {"healed": "pass"}}.items():
        run(**statuses).write(tmp_path / f"{name}.json")
    ask = lambda a, b: CliRunner().invoke(main, ["diff", str(tmp_path / a), str(tmp_path / b), "--out", str(tmp_path / "out")])
    assert ask("old.json", "new.json").exit_code == 1
    good = ask("old.json", "better.json")
    assert good.exit_code == 0 and "fixed: 1" in good.output
    assert (tmp_path / "out" / "drift.html").read_text("utf-8").count("op/healed/0") == 1
    assert ask("old.json", "nowhere.json").exit_code == 1


def failing(id, message, axis="runs", status="error", apis=("torch.x",), path="0/error", ulp=None):
    return Verdict(id, status, (axis,), cause=f"{status}: {message}", differences=[Difference(axis, path, message, ulp)], apis=apis)


def test_causes_say_what_is_new():
    """One verdict of each kind, and what cases that differ for the same reason have in common."""
    zeros = ("torch.zeros", "torch.eye")
    verdicts = {
        ("new arguments", "torch.x: keyword correction"): failing("op/x/float32/0", "TypeError: x() got an unexpected keyword argument 'correction'"),
        ("new arguments", "torch.x: call with (Tensor, dim=tuple)"): failing(
            "op/x/float32/1", "TypeError: x() received an invalid combination of arguments - got (Tensor, dim=tuple), but expected one of:\n * (Tensor input)"),
        ("new dtype", "torch.eye for bfloat16"): failing("op/eye/bfloat16/0/out", "RuntimeError: \"eye\" not implemented for 'BFloat16'", apis=zeros),
        ("new derivative", "torch.x for complex numbers"): failing(
            "op/x/complex64/0", "RuntimeError: x does not support automatic differentiation for outputs with complex dtype."),
        ("new derivative", "torch.x"): failing("op/x/float32/2", "NotImplementedError: the derivative for 'x' is not implemented.", status="refused"),
        ("raises", "torch.x: error: RuntimeError: no"): failing("op/x/float32/3", "RuntimeError: no"),
        ("another graph node", "ABackward0 instead of BBackward0"): failing(
            "op/x/float32/4", "ABackward0 instead of BBackward0", "gradient", "mismatch", path="0/out/grad_fn"),
        ("last digits", "torch.x"): failing("op/x/float32/5", "1 of 1 elements differ", "value", "mismatch", ulp=20.0),
        ("other values", "torch.x"): failing("op/x/float32/6", "1 of 1 elements differ", "value", "mismatch", ulp=1e6),
        ("other text", "'' instead of 'bias=True, '"): failing("doc/x/1", "'' instead of 'bias=True, ' after 'N(affine=True, '", "text", "mismatch"),
        ("other text", "torch.x"): failing("doc/x/2", "1 of 2 numbers: line 1: 0.2 instead of 0.1, digit 1", "text", "mismatch"),
    }
    assert [(change.kind, change.cause) for change in drift.within(Results(ABOUT, list(verdicts.values())))] == list(verdicts)
    assert all(drift.about(kind) for kind, _ in verdicts)


def test_of_a_text_the_words_that_differ_are_named():
    assert replaced("N(10, affine=True, bias=True, eps=1)", "N(10, affine=True, eps=1)") == "'' instead of 'bias=True, ' after 'N(10, affine=True, '"
    assert replaced("one\ntwo three", "one\ntwo four") == "'four' instead of 'three' after 'two '" and replaced("a", "b") == "'b' instead of 'a'"
    assert replaced("SGD (\n    fused: None\n    lr: 0.1\n    fused: None)", "SGD (\n    lr: 0.1)") == "'' instead of 'fused: None\\n    ' after '    '"
