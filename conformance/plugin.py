"""The pytest face: each case is a test item, on the same records and the same verdicts as the command line.

    pytest conformance/sources/docs.py --subject reftorch -k cumsum

A source file collects as its cases. One warm worker of the subject serves all items of a pytest process.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from conformance.case import read_cases, read_data
from conformance.compare.axes import PROFILES
from conformance.compare.origins import name_origin
from conformance.compare.referee import judge
from conformance.compare.verdict import Excluded, Verdict, verdicts
from conformance.runner.ask import Asked
from conformance.runner.pool import Implementation
from conformance.session import Session, measure
from conformance.sources import SOURCES
from conformance.transcript import Transcripts


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("conformance")
    group.addoption("--subject", default="reftorch", help="MODULE, or PYTHON:MODULE for another interpreter")
    group.addoption("--oracle", default="torch", help="the measure, in the same form")
    group.addoption("--profile", default="drop-in", choices=list(PROFILES))


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    root = Path(__file__).parents[1]
    for name, source in SOURCES.items():
        module = root.joinpath(*source.module.split("."))
        if file_path in (module.with_suffix(".py"), module / "__init__.py"):
            return SourceFile.from_parent(parent, path=file_path, source=name)
    return None


class SourceFile(pytest.File):
    """A source: its items are its cases."""

    def __init__(self, *, source: str, **rest):
        super().__init__(**rest)
        self.source = source

    def collect(self):
        bench = Bench.of(self.config)
        for pack in bench.session.oracle.packs(self.source, ()):
            for case in read_cases(pack):
                yield CaseItem.from_parent(self, name=case["id"], pack=pack, case=case)


class CaseItem(pytest.Item):
    """One case."""

    def __init__(self, *, pack: Path, case: dict, **rest):
        super().__init__(**rest)
        self.pack, self.case = pack, case

    def runtest(self) -> None:
        verdict = Bench.of(self.config).judge(self.pack, self.case)
        if isinstance(verdict, Excluded):
            pytest.skip(f"{verdict.kind}: {verdict.cause}")
        if not verdict.passed:
            raise CaseFailed(verdict)

    def repr_failure(self, excinfo, style=None):
        if not isinstance(excinfo.value, CaseFailed):
            return super().repr_failure(excinfo, style)
        verdict = excinfo.value.args[0]
        found = (item.line for item in verdict.differences)
        return "\n".join([f"{verdict.status}: {verdict.cause}", *found, f"python -m conformance explain '{verdict.id}'"])

    def reportinfo(self):
        return self.path, None, self.name


class CaseFailed(Exception):
    """Carries the verdict of a case that does not pass."""


class Bench:
    """The session, the subject's worker and the transcripts at hand, one for a pytest process."""

    def __init__(self, config: pytest.Config):
        root = Path(__file__).parents[1]
        subject = Implementation.parse(config.getoption("subject"))
        self.session = Session(subject, measure(config.getoption("oracle"), root), root)
        self.ends = ExitStack()
        self.subject = self.ends.enter_context(Asked(subject, root, self.session.sample))
        self.wide = self.ends.enter_context(self.session.oracle.wide())
        self.theirs = self.ends.enter_context(self.session.oracle.again())
        self.counted = PROFILES[config.getoption("profile")]
        self.known: tuple[Path | None, Transcripts] = None, Transcripts()

    @classmethod
    def of(cls, config: pytest.Config) -> Bench:
        bench = getattr(config, "_conformance", None)
        if bench is None:
            bench = config._conformance = cls(config)
            config.add_cleanup(bench.ends.close)
        return bench

    def judge(self, pack: Path, case: dict) -> Verdict | Excluded:
        """Run one case on the subject and compare."""
        if self.known[0] != pack:
            self.session.oracle.record([pack], 1, lambda id, status: None)
            self.known = pack, Transcripts.of_pack(self.session.oracle.recorded(pack))
        subject = self.subject.ask(pack, [case["id"]])
        ((verdict, _),) = verdicts([case], self.known[1], subject, self.counted)
        if isinstance(verdict, Verdict):
            judge(self.wide, pack, [(verdict, case)], self.known[1], subject)
            if not verdict.passed and case["id"] in subject:
                name_origin(case, read_data(pack), verdict, self.known[1][case["id"]], subject[case["id"]], self.theirs, self.subject.ask)
        return verdict
