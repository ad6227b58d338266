"""One run: the cases chosen, the oracle recorded, the subject run, both compared."""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from conformance.case import read_cases, read_data
from conformance.compare.axes import PROFILES
from conformance.compare.origins import Again, name_origin
from conformance.compare.referee import Wide, judge
from conformance.compare.skew import Other, judge_skew, live
from conformance.compare.verdict import KINDS, Excluded, Verdict, verdicts
from conformance.golden import Golden
from conformance.journal import Journal
from conformance.matching import matches, may_match
from conformance.report.repro import script
from conformance.report.show import outcomes
from conformance.results import Results
from conformance.runner import pool
from conformance.runner.ask import Asked
from conformance.runner.memory import Watch
from conformance.runner.oracle import Oracle
from conformance.runner.pool import Implementation, Worker, WorkerError, run_packs
from conformance.transcript import Transcript, Transcripts

KEPT_PER_CAUSE = 4  # failing cases of one cause whose program and outcomes are kept
KEPT = 1200
SHORT = 4000  # characters of a reproducer that travels with the results


#: Runs (pack, out, options) jobs on an implementation, here or elsewhere; see `run_packs`.
RunJobs = Callable[..., Iterator[tuple[Path, Path, str | None]]]


@dataclass
class Chosen:
    """A pack and those of its cases that are asked for."""

    pack: Path
    cases: list[dict]

    @property
    def name(self) -> str:
        """The pack among all packs of all sources."""
        return f"{self.pack.parent.name}/{self.pack.name}"

    @property
    def options(self) -> dict:
        return {"seconds": pool.seconds(_source(self))}


def measure(text: str, root: Path) -> Implementation | Golden:
    """The oracle of a connect string: a golden pack where there is such a file, else an implementation."""
    return Golden(Path(text), root) if Path(text).is_file() else Implementation.parse(text)


class Session:
    """Subject against oracle. `heard(stage, done, total)` follows the progress."""

    def __init__(self, subject: Implementation, oracle: Implementation | Golden, root: Path, workers: int = 1, skew: Implementation | None = None):
        self.subject, self.root, self.workers, self.skew = subject, root, workers, skew
        self.oracle = oracle if isinstance(oracle, Golden) else Oracle(oracle, root)
        self.sample = oracle.sample if isinstance(oracle, Golden) else None
        self.kept: Counter[str] = Counter()
        self.asked: dict[str, Sequence[str]] = {}  # patterns by source, as given to `choose`
        self.heard: Callable[[str, int, int], None] = lambda stage, done, total: None
        self.began = time.monotonic()
        self.watch: Watch | None = None  # of the memory, if there is one

    def choose(self, sources: Sequence[str], patterns: Sequence[str], dtypes: Sequence[str] = ()) -> list[Chosen]:
        """The packs that hold cases asked for."""
        for source in sources:
            own = [pattern for pattern in patterns if pattern.split("/")[0] in (source, "*")]
            if patterns and not own:
                continue
            if dtypes and not own and source == "op":
                own = [f"op/*/{dtype}/*" for dtype in dtypes]
            self.asked[source] = own
        chosen = []
        with ThreadPoolExecutor(self.workers) as threads:  # each source is made in a process of its own
            for packs, own in zip(threads.map(self._packs, self.asked), self.asked.values(), strict=True):
                for pack in packs:
                    wanted = [case for case in read_cases(pack) if matches(case["id"], own) and _of_dtype(case["id"], dtypes)]
                    if wanted:
                        chosen.append(Chosen(pack, wanted))
        return chosen

    def _packs(self, source: str) -> list[Path]:
        made = Counter()

        def count(line):
            made["packs"] += 1
            self.heard(f"making {source} cases", made["packs"], 0)

        return self.oracle.packs(source, self.asked[source], count)

    def record(self, chosen: Sequence[Chosen]) -> None:
        """Have the oracle's transcripts of these packs."""
        missing = [item.pack for item in chosen if not self.oracle.recorded(item.pack).exists()]
        total, done = sum(len(list(read_cases(pack))) for pack in missing), Counter()

        def heard(id, status):
            done["cases"] += 1
            self.heard("recording the oracle", done["cases"], total)

        self.oracle.record([item.pack for item in chosen], self.workers, heard)

    def run(self, chosen: Sequence[Chosen], profile: str = "drop-in", run_jobs: RunJobs = run_packs, resume: bool = False) -> Results:
        """Run the subject and compare. With `resume`, what an interrupted run of the same cases has judged is not run again."""
        counted = PROFILES[profile]
        results = Results({"profile": profile, "oracle": self.oracle.about | {"as": str(self.oracle.implementation)}})
        results.meta |= {"when": datetime.now(UTC).isoformat(timespec="seconds"), "sources": sorted({_source(c) for c in chosen})}
        try:
            worker = Worker(self.subject, self.root)
            worker.close()
            results.meta["subject"] = worker.about | {"as": str(self.subject)}
        except WorkerError as error:
            results.meta["subject"] = {"as": str(self.subject)}
            results.problems.append(f"the subject cannot be started: {error}")
            return results
        self.record(chosen)
        expected, done = 0, Counter()
        jobs, home = [], Path(tempfile.mkdtemp(prefix="conformance-"))
        journal = Journal(self.root / ".conformance", [str(self.subject), profile, *sorted(case["id"] for item in chosen for case in item.cases)])
        known = journal.start(resume)
        by_pack = {item.pack: item for item in chosen}
        for index, item in enumerate(chosen):
            kinds = {id: t.record["class"] for id, t in Transcripts.of_pack(self.oracle.recorded(item.pack)).items()}
            runnable = [case["id"] for case in item.cases if kinds.get(case["id"], "oracle-error") not in KINDS]
            expected += len(runnable)
            if item.name in known:
                results.add(known[item.name])
                done["cases"] += len(runnable)
            else:
                jobs.append((item.pack, home / f"{index:05d}", item.options | {"only": runnable}))

        def heard(id, status):
            done["cases"] += 1
            self.heard("running the subject", done["cases"], expected)

        try:
            skewed = live(self.skew, self.root, self.sample) if self.skew else nullcontext()
            with self.oracle.wide() as wide, skewed as other, self.oracle.again() as theirs, Asked(self.subject, self.root, self.sample) as ours:
                for pack, out, error in run_jobs(self.subject, self.root, jobs, self.workers, heard):
                    part = self.compare(by_pack[pack], self.heard_in(out), counted, wide, other, (theirs, ours.ask))
                    if error:
                        part.problems.append(f"{pack.name}: {error}")
                    else:
                        journal.add(by_pack[pack].name, part)
                    results.add(part)
                    for suffix in (".jsonl", ".bin"):
                        Path(f"{out}{suffix}").unlink(missing_ok=True)
        finally:
            shutil.rmtree(home, ignore_errors=True)
            journal.close()
        results.excluded += self.left_out()
        absent = sum(verdict.status == "not run" for verdict in results.verdicts)
        if absent or len(results.verdicts) != expected:
            results.problems.append(f"partial: {absent} of {expected} cases were not run")
        if not results.verdicts:
            results.problems.append("empty: no case matches that the oracle can run")
        results.sort()
        results.meta["seconds"] = round(time.monotonic() - self.began, 1)
        results.meta["peak_mb"] = self.watch.peak if self.watch else None
        journal.discard()
        return results

    def sides(self, item: Chosen) -> tuple[Transcript | None, Transcript | None]:
        """What the oracle and the subject did with the only case of `item`."""
        self.record([item])
        id = item.cases[0]["id"]
        with Asked(self.subject, self.root, self.sample) as subject:
            return Transcripts.of_pack(self.oracle.recorded(item.pack)).get(id), subject.ask(item.pack, [id]).get(id)

    def heard_in(self, out: Path) -> Transcripts:
        """What a worker left under this name, sampled as the oracle's transcripts are."""
        return Transcripts.of_files(out).thinned(self.sample) if Path(f"{out}.jsonl").exists() else Transcripts()

    def compare(
        self, item: Chosen, subject: Transcripts, counted: set[str], wide: Wide, other: tuple[str, Other] | None = None,
        again: tuple[Again | None, Again] | None = None,
    ) -> Results:
        """What came out for one pack; with both sides to ask `again`, where the worst numbers of the cases kept in full come from."""
        oracle = Transcripts.of_pack(self.oracle.recorded(item.pack))
        pairs = list(verdicts(item.cases, oracle, subject, counted))
        part = Results({}, excluded=[verdict for verdict, _ in pairs if isinstance(verdict, Excluded)])
        judged = [(verdict, case) for verdict, case in pairs if isinstance(verdict, Verdict)]
        judge(wide, item.pack, judged, oracle, subject)
        if other:
            judge_skew(*other, item.pack, judged, oracle, subject, counted)
        part.verdicts = [verdict for verdict, _ in judged]
        data = None
        for verdict, case in judged:
            cause = verdict.cause or verdict.status
            if verdict.status == "pass" or self.kept[cause] >= KEPT_PER_CAUSE or self.kept.total() >= KEPT:
                continue
            self.kept[cause] += 1
            data = read_data(item.pack) if data is None else data
            if again and verdict.id in subject:
                name_origin(case, data, verdict, oracle[verdict.id], subject[verdict.id], *again)
            part.details[verdict.id] = detail(case, data, oracle.get(verdict.id), subject.get(verdict.id), self.subject.module)
        return part

    def left_out(self) -> list[Excluded]:
        """What the oracle's tables hold but no case can say, as far as it was asked for: single samples and whole groups (`.../*`)."""
        found = []
        for source, patterns in self.asked.items():
            file = self.oracle.folders[source] / "excluded.jsonl"
            for id, kind, cause in map(json.loads, file.read_text("utf-8").splitlines() if file.exists() else ()):
                if may_match(id.removesuffix("/*"), patterns):
                    found.append(Excluded(id, kind, cause))
        return list(dict.fromkeys(found))


def detail(case: dict, data: bytes, oracle: Transcript | None, subject: Transcript | None, module: str) -> dict:
    """A case as both sides saw it, and a script of it where that is short."""
    shown = {"setup": case["setup"], "program": case["program"], "oracle": outcomes(oracle), "subject": outcomes(subject)}
    text = script(case, data, module)
    return shown | ({"repro": text} if len(text) < SHORT else {})


def _source(item: Chosen) -> str:
    return item.cases[0]["id"].split("/")[0]


def _of_dtype(id: str, dtypes: Sequence[str]) -> bool:
    return not dtypes or not id.startswith("op/") or any(part in dtypes for part in id.split("/")[2:])
