"""The journal of a run: a line for each pack that is judged, so that a run that was killed can be taken up again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from conformance.results import Results


class Journal:
    """One file for one set of cases on one subject. A line counts when it is whole, so no pack is counted half or twice."""

    def __init__(self, folder: Path, about: Sequence[str]):
        digest = hashlib.sha256("\n".join(about).encode()).hexdigest()[:16]
        self.path = folder / f"journal-{digest}.jsonl"
        self.file = None

    def start(self, resume: bool) -> dict[str, Results]:
        """Open it; with `resume`, give what it holds by pack, else begin anew."""
        known = {}
        if resume and self.path.exists():
            for line in self.path.read_text("utf-8").splitlines():
                try:
                    entry = json.loads(line)
                except ValueError:  # the line that the kill cut short
                    continue
                known[entry["pack"]] = Results.of_json(entry["results"])
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.file = open(self.path, "a" if known else "w", encoding="utf-8")  # noqa: SIM115  (closed by `close`)
        if known:
            self.file.write("\n")  # ends a line that the kill cut short
        return known

    def add(self, pack: str, part: Results) -> None:
        """A pack is judged."""
        self.file.write(json.dumps({"pack": pack, "results": part.as_json()}) + "\n")
        self.file.flush()
        os.fsync(self.file.fileno())

    def close(self) -> None:
        self.file.close()

    def discard(self) -> None:
        """The run is complete."""
        self.path.unlink(missing_ok=True)
