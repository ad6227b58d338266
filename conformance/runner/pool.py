"""Workers from outside: connect strings, one interpreter for each worker, packs handed out to several of them."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

WORKER = Path(__file__).with_name("worker.py")
SECONDS = {"doc": 30.0, "op": 20.0, "error": 20.0, "tutorial": 60.0, "script": 60.0}  # time limit of one case by source
DEFAULT_SECONDS = 10.0


def seconds(source: str) -> float:
    return SECONDS.get(source, DEFAULT_SECONDS)


class WorkerError(RuntimeError):
    """The implementation cannot be started, or its worker died outside any case."""


@dataclass(frozen=True)
class Implementation:
    """A connect string: `MODULE` in this interpreter, `PYTHON:MODULE` or `MODULE@PYTHON` in another (a path, or a command such as `python3.12`)."""

    module: str
    python: str

    @classmethod
    def parse(cls, text: str) -> Implementation:
        module, _, python = text.partition("@")
        if ":" in text:
            python, _, module = text.rpartition(":")
        if not all(part.isidentifier() for part in module.split(".")):
            raise ValueError(f"not a connect string: {text!r} (want MODULE, PYTHON:MODULE or MODULE@PYTHON)")
        if python and not shutil.which(python):
            raise ValueError(f"{text!r}: there is no interpreter {python}")
        return cls(module, shutil.which(python) if python else sys.executable)

    def __str__(self) -> str:
        return self.module if self.python == sys.executable else f"{self.python}:{self.module}"

    def environment(self, **extra: str) -> dict[str, str]:
        fixed = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        return {**os.environ, **fixed, "PYTHONDONTWRITEBYTECODE": "1", **extra}


class Worker:
    """One interpreter with one implementation imported."""

    def __init__(self, implementation: Implementation, root: Path, **environment: str):
        self.implementation = implementation
        self.log = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  (closed with the worker)
        self.process = subprocess.Popen(
            [implementation.python, str(WORKER), implementation.module], cwd=root, text=True,
            env=implementation.environment(**environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        self.about = self.ask({"cmd": "describe"})["describe"]

    def ask(self, command: dict) -> dict:
        """Send a command, return the first answer."""
        self.send(command)
        return self.read()

    def send(self, command: dict) -> None:
        try:
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # the reason is waiting on its stdout

    def read(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            code = self.process.wait()
            self.log.seek(0)
            raise WorkerError(f"the worker of {self.implementation} ended with code {code}\n{self.log.read()[-2000:]}")
        message = json.loads(line)
        if "error" in message:
            raise WorkerError(message["error"] + "\n" + message.get("trace", ""))
        return message

    def run(self, pack: Path, out: Path, heard: Callable[[str, str], None] = lambda id, status: None, **options) -> None:
        """Run a pack; `heard(id, status)` is called as cases end."""
        out.parent.mkdir(parents=True, exist_ok=True)
        self.send({"cmd": "run", "pack": str(pack.resolve()), "out": str(out.resolve()), **options})
        while "done" not in (message := self.read()):
            heard(message["case"], message["status"])

    def close(self) -> None:
        self.send({"cmd": "stop"})
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.process.stdin.close()
        self.process.stdout.close()
        self.log.close()


def run_packs(
    implementation: Implementation,
    root: Path,
    jobs: Iterable[tuple[Path, Path, dict]],
    workers: int = 1,
    heard: Callable[[str, str], None] = lambda id, status: None,
    **environment: str,
) -> Iterator[tuple[Path, Path, str | None]]:
    """Run (pack, out, options) jobs on several workers; yields each (pack, out, error or None) as it is finished."""
    todo: queue.Queue = queue.Queue()
    for job in jobs:
        todo.put(job)
    total, finished = todo.qsize(), queue.Queue()

    def serve():
        worker = None
        while True:
            try:
                pack, out, options = todo.get_nowait()
            except queue.Empty:
                break
            error = None
            try:
                worker = worker or Worker(implementation, root, **environment)
                worker.run(pack, out, heard, **options)
            except WorkerError as problem:
                error, worker = str(problem), None  # the next pack gets a fresh worker
            finished.put((pack, out, error))
        if worker:
            worker.close()

    threads = [threading.Thread(target=serve, daemon=True) for _ in range(min(workers, total))]
    for thread in threads:
        thread.start()
    for _ in range(total):
        yield finished.get()
    for thread in threads:
        thread.join()
