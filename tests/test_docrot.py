"""How a documented example stands: by what it shows, what it prints, and whether that holds under another seed."""
import json

import pytest

from conformance.docrot import Found, examples, kind, markdown, read

same = lambda printed: ((False, printed), (False, printed))
raised = lambda text: ((True, text), (True, text))


@pytest.mark.parametrize("shown, runs, standing", [
    ("tensor([1, 2])\n", same("tensor([1, 2])\n"), "as shown"),
    ("", same("anything"), "as shown"),
    ("tensor([1, 2])\n", same("tensor([1,   2])\n"), "other spacing"),
    ("tensor([1., 2.])\n", same("tensor([1., 3.])\n"), "other numbers"),
    ("tensor([1., 2.])\n", same("tensor([1., 3.], requires_grad=True)\n"), "other output"),
    ("tensor([0.3])\n", ((False, "tensor([0.1])\n"), (False, "tensor([0.2])\n")), "random"),
    ("3\n", raised("TypeError: no"), "does not run"),
    ("3\n", raised("IndentationError: unexpected indent"), "not Python"),
    ("RuntimeError: sizes differ\n", raised("RuntimeError: sizes differ"), "as shown"),
])
def test_standing(shown, runs, standing):
    assert kind(shown, *runs) == standing


def test_what_lacks_a_name_after_a_failure_is_not_counted_as_a_failure_of_its_own():
    lacking = raised("NameError: name 'x' is not defined")
    assert kind("3\n", *lacking) == "does not run" and kind("3\n", *lacking, True) == "follows another"


def test_examples_keep_the_line_they_stand_on():
    parts = examples("Sum.\n\n    >>> 1 + 1\n    2\n    >>> 'a'\n")
    assert [(part.lineno, part.source, part.want) for part in parts] == [(2, "1 + 1\n", "2\n"), (4, "'a'\n", "")]
    assert examples("no prompt") == [] and examples(">>>bad\n") == []


def test_the_report_counts_and_quotes():
    lines = [json.dumps({"name": "torch.a", "found": [[3, "other numbers", "a(1)\n", "1\n", "2\n"], [5, "as shown", "b", "", ""]]}),
             json.dumps({"name": "torch.b", "left out": "sparse"})]
    found, left_out = read(lines)
    assert found[0] == Found("torch.a", 3, "other numbers", "a(1)", "1\n", "2\n") and left_out == {"sparse": 1}
    text = markdown(found, left_out, "2.13.0")
    assert "| other numbers | 1 |" in text and "**torch.a**, line 3" in text and "sparse 1" in text and "**torch.b**" not in text
