"""An implementation kept at hand, to be asked about a few cases at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from conformance.runner.pool import Implementation, Worker, seconds
from conformance.transcript import Transcripts


class Asked:
    """A context; its worker starts with the first question. `sample`: as many elements of every tensor are kept, all if that is None."""

    def __init__(self, implementation: Implementation, root: Path, sample: int | None = None, **environment: str):
        self.start = lambda: Worker(implementation, root, **environment)
        self.sample = sample
        self.home = tempfile.TemporaryDirectory(prefix="conformance-")

    @cached_property
    def worker(self) -> Worker:
        return self.start()

    def ask(self, pack: Path, ids: Sequence[str], limit: float | None = None) -> Transcripts:
        """What it does with these cases of a pack, each within `limit` seconds, or those that its source is given."""
        out = Path(self.home.name, "out")
        self.worker.run(pack, out, only=list(ids), seconds=limit or seconds(ids[0].split("/")[0]))
        return Transcripts.of_files(out).thinned(self.sample)

    def close(self) -> None:
        if "worker" in self.__dict__:
            self.worker.close()
        self.home.cleanup()

    def __enter__(self) -> Asked:
        return self

    def __exit__(self, *_) -> None:
        self.close()
