"""What an implementation did with the cases of a pack, read back: JSON records and the raw bytes they refer to."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

import ml_dtypes
import numpy as np

from conformance.files import whole

FLOATS = {"bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz", "float8_e5m2fnuz", "float8_e8m0fnu", "float4_e2m1fn"}


def numpy_dtype(name: str) -> np.dtype:
    """The NumPy dtype of a torch dtype name; what NumPy lacks comes from ml_dtypes."""
    if name == "complex32":
        return np.dtype([("real", "f2"), ("imag", "f2")])
    return np.dtype(getattr(ml_dtypes, name)) if name in FLOATS else np.dtype(name)


@dataclass(frozen=True)
class Transcript:
    """One case on one implementation."""

    record: dict
    data: bytes

    @property
    def status(self) -> str:
        return self.record["status"]

    def bytes(self, shot: dict) -> bytes:
        start, size = shot["at"]
        return self.data[start : start + size]

    def array(self, shot: dict) -> np.ndarray:
        """The values of a tensor's snapshot (flat where only a sample was kept)."""
        flat = np.frombuffer(self.bytes(shot), numpy_dtype(shot["dtype"]))
        if flat.dtype.names:
            flat = flat["real"] + 1j * flat["imag"].astype(np.complex64)
        return flat if "step" in shot else flat.reshape(shot["shape"])

    def error(self) -> dict | None:
        """The exception that ended the program, if one did."""
        if "setup_error" in self.record:
            return self.record["setup_error"]
        steps = self.record.get("steps")
        return steps[-1].get("error") if steps else None


class Transcripts(dict):
    """The transcripts of a pack by case id."""

    @classmethod
    def parse(cls, lines: str, data: bytes) -> Transcripts:
        found = cls()
        for line in lines.splitlines():
            try:
                record = json.loads(line)
            except ValueError:  # the line that a dying child left half written; its case got a line of its own
                continue
            found[record["id"]] = Transcript(record, data)
        return found

    @classmethod
    def of_files(cls, stem: Path) -> Transcripts:
        """What a worker left under this name."""
        return cls.parse(Path(f"{stem}.jsonl").read_text("utf-8", "replace"), Path(f"{stem}.bin").read_bytes())

    @classmethod
    def of_pack(cls, path: Path) -> Transcripts:
        with zipfile.ZipFile(path) as pack:
            return cls.parse(pack.read("record.jsonl").decode(), pack.read("record.bin"))

    @property
    def data(self) -> bytes:
        """The bytes that all of them refer to."""
        return next(iter(self.values())).data if self else b""

    def thinned(self, count: int | None) -> Transcripts:
        """The same with an even sample of at most `count` elements of every tensor; whole if that is None."""
        if count is None:
            return self
        parts: list[bytes] = []
        places: dict[tuple, list[int]] = {}
        size_kept = 0

        def keep(tree: dict) -> dict:
            nonlocal size_kept
            start, size = tree["at"]
            width = numpy_dtype(tree["dtype"]).itemsize
            skip = -(-size // width // count) or 1
            if (start, size, width) not in places:
                data = self.data[start : start + size]
                data = np.frombuffer(data, f"V{width}")[::skip].tobytes() if skip > 1 else data
                places[start, size, width] = [size_kept, len(data)]
                size_kept += len(data)
                parts.append(data)
            return tree | {"at": places[start, size, width]} | ({"step": tree.get("step", 1) * skip} if skip > 1 else {})

        def walk(tree):
            if isinstance(tree, list):
                return [walk(item) for item in tree]
            if isinstance(tree, dict):
                return {key: value if key == "at" else walk(value) for key, value in (keep(tree) if "at" in tree else tree).items()}
            return tree

        records = {id: walk(item.record) for id, item in self.items()}
        data = b"".join(parts)
        return Transcripts({id: Transcript(record, data) for id, record in records.items()})

    def lines(self) -> str:
        """Their records, one a line."""
        return "\n".join(json.dumps(item.record) for item in self.values())

    def write_pack(self, path: Path) -> None:
        with whole(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as pack:
            pack.writestr("record.jsonl", self.lines())
            pack.writestr("record.bin", self.data)
