"""Golden packs: cases and what an oracle did with them in one file, with which no oracle need be installed.

A golden pack is a zip file of `golden.json` (schema, oracle, environment, and for every pack of cases the names of its parts)
and of objects named by the SHA-256 of their bytes, LZMA-compressed. Objects are JSON lines and raw arrays: reading them runs no
code, and bytes that do not have their name's hash are refused. `wide.*` is what the oracle computed once more for the referee.
A pack may hold an even sample of large tensors; what a subject does is then sampled alike before the two are compared.
"""

from __future__ import annotations

import hashlib
import json
import lzma
import platform
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from conformance.case import group_of, read_cases
from conformance.compare.referee import opinion
from conformance.compare.verdict import Excluded
from conformance.files import whole
from conformance.matching import may_match
from conformance.runner.oracle import Oracle
from conformance.runner.pool import WorkerError
from conformance.transcript import Transcripts

SCHEMA = 2
MANIFEST = "golden.json"
#: What reading a damaged zip file raises.
DAMAGE = (zipfile.BadZipFile, lzma.LZMAError, OSError, EOFError, KeyError, IndexError, TypeError, AttributeError, ValueError, RuntimeError)
PARTS = ("cases", "record", "wide")
SAFE = re.compile(r"[\w+-][\w.+-]*")  # names of sources and packs, which become paths


class GoldenError(ValueError):
    """The file is no golden pack, or is damaged, or is of a schema that this version does not read."""


def write(path: Path, oracle: Oracle, packs: Iterable[Path], left_out: Iterable[Excluded], sample: int | None = None) -> dict:
    """Write the recorded `packs` of an oracle to a golden pack; returns its manifest.

    Of tensors with more than `sample` elements, so many are kept.
    """
    manifest = {
        "schema": SCHEMA, "oracle": oracle.about | {"as": str(oracle.implementation)}, "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "environment": {"platform": platform.platform(), "machine": platform.machine()}, "excluded": {}, "packs": {},
        "sample": sample,
    }  # fmt: skip
    for item in left_out:
        manifest["excluded"].setdefault(item.id.split("/")[0], []).append([item.id, item.kind, item.cause])
    home = {folder: source for source, folder in oracle.folders.items()}
    with whole(path) as part, oracle.wide() as wide, zipfile.ZipFile(part, "w", zipfile.ZIP_LZMA) as file:
        for pack in packs:
            entry = manifest["packs"].setdefault(home[pack.parent], {})[pack.name] = {"group": group_of(pack)}
            with zipfile.ZipFile(pack) as inner:
                for name in ("cases.jsonl", "cases.bin"):
                    _object(file, entry, name, inner.read(name))
            _store(file, entry, "record", Transcripts.of_pack(oracle.recorded(pack)).thinned(sample))
            cases = [case for case in read_cases(pack) if opinion(case)]
            if cases:
                _store(file, entry, "wide", wide(pack, cases).thinned(sample))
        file.writestr(MANIFEST, json.dumps(manifest, indent=1))
    return manifest


def _store(file: zipfile.ZipFile, entry: dict, part: str, transcripts: Transcripts) -> None:
    _object(file, entry, f"{part}.jsonl", transcripts.lines().encode())
    _object(file, entry, f"{part}.bin", transcripts.data)


def _object(file: zipfile.ZipFile, entry: dict, name: str, data: bytes) -> None:
    digest = entry[name] = hashlib.sha256(data).hexdigest()
    if digest not in file.NameToInfo:
        file.writestr(digest, data)


def _manifest(file: zipfile.ZipFile) -> dict:
    manifest = json.loads(file.read(MANIFEST))
    if manifest["schema"] != SCHEMA:
        raise ValueError(f"its schema is {manifest['schema']}, this version reads {SCHEMA}")
    return manifest


def _rebuild(file: zipfile.ZipFile, entry: dict, part: str, path: Path) -> None:
    """The pack as the runner and the comparison read it, from its objects."""
    names = {"wide": "record"}  # inside a pack, transcripts are transcripts
    made = {}
    for suffix in ("jsonl", "bin"):
        digest = entry[f"{part}.{suffix}"]
        made[f"{names.get(part, part)}.{suffix}"] = data = file.read(digest)
        if hashlib.sha256(data).hexdigest() != digest:
            raise ValueError(f"object {digest[:12]} of {path.name} is damaged")
    with whole(path) as place, zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as pack:
        pack.comment = entry["group"].encode()
        for name, data in made.items():
            pack.writestr(name, data)


class Golden:
    """A golden pack in the place of a live oracle: the same questions, answered from the file."""

    def __init__(self, path: Path, root: Path):
        self.implementation = path
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
        self.home = root / ".conformance" / f"golden-{digest}"
        try:
            with zipfile.ZipFile(path) as file:
                self.manifest = _manifest(file)
                if not (self.home / "complete").exists():
                    self._unpack(file)
        except DAMAGE as problem:
            raise GoldenError(f"{path} is not a golden pack that can be read: {problem}") from problem
        self.about, self.sample = self.manifest["oracle"], self.manifest.get("sample")
        self.folders = {source: self.home / source for source in self.manifest["packs"]}

    def _unpack(self, file: zipfile.ZipFile) -> None:
        for source, packs in self.manifest["packs"].items():
            for name, entry in packs.items():
                if not (SAFE.fullmatch(source) and SAFE.fullmatch(name)):
                    raise ValueError(f"a name that is no file name: {source}/{name}")
                for part in PARTS:
                    if f"{part}.jsonl" in entry:
                        _rebuild(file, entry, part, self.home / source / ("" if part == "cases" else part) / name)
            lines = [json.dumps(item) for item in self.manifest["excluded"].get(source, ())]
            (self.home / source / "excluded.jsonl").write_text("\n".join(lines), "utf-8")
        (self.home / "complete").touch()

    def recorded(self, pack: Path) -> Path:
        """Where the transcripts of a pack are."""
        return pack.parent / "record" / pack.name

    def packs(self, source: str, patterns: Sequence[str], made: Callable[[str], None] = lambda line: None) -> list[Path]:
        """The packs of a source that the file holds."""
        if source not in self.folders:
            raise WorkerError(f"{self.implementation} holds no {source} cases; it holds {', '.join(self.folders)}")
        return [pack for pack in sorted(self.folders[source].glob("*.zip")) if may_match(group_of(pack), patterns)]

    def record(self, packs: Sequence[Path], workers: int, heard: Callable[[str, str], None]) -> None:
        """Everything is recorded already."""

    @contextmanager
    def wide(self) -> Iterator[Callable[[Path, Sequence[dict]], Transcripts]]:
        """Asks the oracle in double precision: here, what it gave when the pack was made."""
        def stored(pack: Path, cases: Sequence[dict]) -> Transcripts:
            path = pack.parent / "wide" / pack.name
            return Transcripts.of_pack(path) if path.exists() else Transcripts()

        yield stored

    def again(self) -> nullcontext:
        """Nobody that could be asked about other cases."""
        return nullcontext()
