"""The oracle's side: cases made once, transcripts recorded once, both kept under `.conformance/` for later runs.

    .conformance/torch-2.13.0+cpu-py3.11.7/doc-<hash of the source>/NAME.zip               cases
    .conformance/torch-2.13.0+cpu-py3.11.7/doc-<hash of the source>/rec-<hash>/NAME.zip    transcripts

A documented example or a tutorial is run three times: again with other memory contents and another number of threads,
and again with another seed. What differs in the second run is not compared in a subject; what differs in the third
depends on the seed. A script keeps to one thread: in the end it tells any two orders of summation apart. Sample inputs
of ops are recorded once, those that draw numbers or read fresh memory twice.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from conformance import case as case_module
from conformance.case import group_of, read_cases
from conformance.compare.referee import live
from conformance.compare.verdict import classify
from conformance.matching import may_match
from conformance.runner import pool
from conformance.runner.ask import Asked
from conformance.runner.pool import Implementation, Worker, WorkerError, run_packs
from conformance.sources import SOURCES, file_name
from conformance.transcript import Transcript, Transcripts

THRICE = {"doc", "tutorial", "script"}
UNSETTLED = re.compile(r"\bempty(_\w+)?\(")  # programs that read memory nobody wrote
PERTURBED = {"MALLOC_PERTURB_": str(0xFF ^ 0x42)}  # fresh memory reads 48.565 as float32: far from any leftover zero


def digest(files: Sequence[Path], more: str = "") -> str:
    total = hashlib.sha256(more.encode())
    for file in sorted(files):
        total.update(file.read_bytes())
    return total.hexdigest()[:10]


def _unsettled(case: dict) -> bool:
    return "random" in case["tags"] or any(UNSETTLED.search(statement) for statement in case["program"])


class Oracle:
    """One implementation whose behaviour is the measure, and the cache of what it did."""

    def __init__(self, implementation: Implementation, root: Path):
        self.implementation, self.root = implementation, root
        worker = Worker(implementation, root)
        worker.close()
        self.about = worker.about
        self.home = root / ".conformance" / f"{implementation.module}-{self.about['version']}-py{self.about['python']}"
        files = [Path(pool.__file__).with_name(name) for name in ("worker.py", "observe.py")]
        self.runner = digest(files, repr(PERTURBED) + UNSETTLED.pattern)
        record = Path(case_module.__file__)
        self.folders = {name: self.home / f"{name}-{digest([record, *source.paths()])}" for name, source in SOURCES.items()}

    def recorded(self, pack: Path) -> Path:
        return pack.parent / f"rec-{self.runner}" / pack.name

    def wide(self):
        """The oracle in double precision, for the referee."""
        return live(self.implementation, self.root)

    @contextmanager
    def again(self) -> Iterator[Callable[..., Transcripts]]:
        """The oracle as it is, for cases made of others; its worker starts with the first of them."""
        with Asked(self.implementation, self.root) as asked:
            yield asked.ask

    @contextmanager
    def alone(self, folder: Path) -> Iterator[None]:
        """Several runs share the cache; one at a time makes what is not there."""
        self.home.mkdir(parents=True, exist_ok=True)
        with open(self.home / f"{folder.name}.lock", "w", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def packs(self, source: str, patterns: Sequence[str], made: Callable[[str], None] = lambda line: None) -> list[Path]:
        """The packs of a source, made first where they are not there."""
        folder = self.folders[source]
        if known := self._named(folder, patterns):
            return known
        with self.alone(folder):
            if not (folder / "complete").exists():
                self._make(source, folder, patterns, made)
        return [pack for pack in sorted(folder.glob("*.zip")) if may_match(group_of(pack), patterns)]

    def _named(self, folder: Path, patterns: Sequence[str]) -> list[Path]:
        """The packs of cases that are named in full, if all of them are there: no need to ask the source."""
        known = [folder / file_name(pattern.rsplit("/", cut)[0]) for pattern in patterns for cut in (1, 2) if "*" not in pattern]
        known = [pack for pack in known if pack.exists()]
        return known if len(known) == len(patterns) else []

    def _make(self, source: str, folder: Path, patterns: Sequence[str], made: Callable[[str], None]) -> None:
        folder.mkdir(exist_ok=True)
        command = [self.implementation.python, "-W", "ignore", "-m", "conformance.sources", source, self.implementation.module]
        process = subprocess.Popen(
            [*command, str(folder), *patterns], cwd=self.root, env=self.implementation.environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        for line in process.stdout:
            made(line.rstrip())
        trouble = process.stderr.read()
        if process.wait():
            raise WorkerError(f"the source {source} failed:\n{trouble[-3000:]}")

    def record(self, packs: Sequence[Path], workers: int, heard: Callable[[str, str], None]) -> None:
        """Record the packs that are not recorded yet."""
        for folder in dict.fromkeys(pack.parent for pack in packs):
            with self.alone(folder):
                self._record([pack for pack in packs if pack.parent == folder], workers, heard)

    def _record(self, packs: Sequence[Path], workers: int, heard: Callable[[str, str], None]) -> None:
        home = Path(tempfile.mkdtemp(prefix="conformance-"))
        runs: dict[str, list] = {"base": [], "seed": [], "heap": []}
        waiting: Counter[Path] = Counter()
        for pack in packs:
            if self.recorded(pack).exists():
                continue
            cases = list(read_cases(pack))
            source = cases[0]["id"].split("/")[0]
            only = [case["id"] for case in cases if not any(tag.startswith("domain:") for tag in case["tags"])]
            options = {"only": only, "seconds": pool.seconds(source)}
            wanted = {"base": {}}
            if source in THRICE:
                wanted["seed"] = {"seed": 1000}
            if source in THRICE or any(_unsettled(case) for case in cases):
                wanted["heap"] = {} if source == "script" else {"threads": 2}
            for name, more in wanted.items():
                runs[name].append((pack, home / f"{pack.stem}.{name}", options | more))
            waiting[pack] = len(wanted)
        for name, jobs in runs.items():
            extra = PERTURBED if name == "heap" else {}
            for pack, _, error in run_packs(self.implementation, self.root, jobs, workers, heard, **extra):
                if error:
                    raise WorkerError(f"the oracle failed on {pack.name}: {error}")
                waiting[pack] -= 1
                if not waiting[pack]:
                    self._write(pack, home)
        shutil.rmtree(home, ignore_errors=True)

    def _write(self, pack: Path, home: Path) -> None:
        """Put the base run and what the others say about it in the cache."""
        stems = [home / f"{pack.stem}.{name}" for name in ("base", "seed", "heap")]
        base, seed, heap = (Transcripts.of_files(stem) if Path(f"{stem}.jsonl").exists() else Transcripts() for stem in stems)
        data = next(iter(base.values())).data if base else b""
        kept = Transcripts()
        for case in read_cases(pack):
            id = case["id"]
            known = classify(case, base.get(id), heap.get(id), seed.get(id))
            record = base[id].record if id in base else {"id": id, "status": "not run"}
            kept[id] = Transcript({**record, **known}, data)
        kept.write_pack(self.recorded(pack))
        for stem in stems:
            for suffix in (".jsonl", ".bin"):
                Path(f"{stem}{suffix}").unlink(missing_ok=True)
