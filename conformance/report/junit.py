"""JUnit XML: a suite an area, a test a case."""

from __future__ import annotations

from collections import defaultdict
from xml.etree import ElementTree as xml

from conformance.compare.verdict import Verdict
from conformance.results import Results, area

CONTROL = dict.fromkeys([*range(9), 11, 12, *range(14, 32)])  # characters XML cannot carry


def render(results: Results) -> str:
    root = xml.Element("testsuites", name=f"{results.meta['subject']['as']} against {results.meta['oracle']['as']}")
    suites: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in results.verdicts:
        suites[area(verdict.id)].append(verdict)
    for name, verdicts in sorted(suites.items()):
        bad = sum(not verdict.passed for verdict in verdicts)
        suite = xml.SubElement(root, "testsuite", name=name, tests=str(len(verdicts)), failures=str(bad))
        for verdict in verdicts:
            _case(suite, name, verdict)
    if results.problems:
        suite = xml.SubElement(root, "testsuite", name="run", tests="1", errors="1")
        xml.SubElement(xml.SubElement(suite, "testcase", name="complete"), "error").text = "\n".join(results.problems).translate(CONTROL)
    return xml.tostring(root, encoding="unicode", xml_declaration=True)


def _case(suite: xml.Element, area: str, verdict: Verdict) -> None:
    test = xml.SubElement(suite, "testcase", classname=area, name=verdict.id, time=f"{(verdict.ms or 0) / 1e3:.4f}")
    if not verdict.passed:
        failure = xml.SubElement(test, "failure", type=verdict.status, message=verdict.cause.translate(CONTROL))
        failure.text = "\n".join(item.line for item in verdict.differences[:10]).translate(CONTROL)
