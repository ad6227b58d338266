"""How much memory a run takes: this process and all that it started, looked at once a second."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path

SECONDS = 1.0
PROC = Path("/proc")


class Watch:
    """A context; `peak` is the most megabytes seen so far, None where the system does not tell."""

    def __init__(self):
        self.peak: int | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while True:
            sizes = [size for size in map(proportional, family(os.getpid())) if size is not None]
            if sizes:
                self.peak = max(self.peak or 0, sum(sizes) >> 10)
            if self._over.wait(SECONDS):
                return


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    try:
        children = [int(child) for task in (PROC / str(pid) / "task").iterdir() for child in (task / "children").read_text().split()]
    except OSError:  # it has ended, or the system does not tell
        children = []
    return [pid, *(other for child in children for other in family(child))]


def proportional(pid: int) -> int | None:
    """The kilobytes of a process, of pages that several share its part; None if they are not to be known."""
    try:
        found = re.search(r"^Pss:\s+(\d+)", (PROC / str(pid) / "smaps_rollup").read_text(), re.M)
    except OSError:
        return None
    return int(found[1]) if found else None
