"""The subject on several machines: packs go to the workers of a Dask scheduler, transcripts come back.

The machines need this package, the implementation, and nothing else in common: packs and transcripts travel as bytes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from conformance.runner.pool import Implementation, run_packs

SUFFIXES = (".jsonl", ".bin")


def runner(address: str | None) -> Callable[..., Iterator[tuple[Path, Path, str | None]]]:
    """What runs packs: this machine, or the cluster at `address`."""
    return partial(run_on_cluster, address) if address else run_packs


def run_on_cluster(
    address: str,
    implementation: Implementation,
    root: Path,
    jobs: Iterable[tuple[Path, Path, dict]],
    workers: int = 1,
    heard: Callable[[str, str], None] = lambda id, status: None,
) -> Iterator[tuple[Path, Path, str | None]]:
    """`run_packs`, elsewhere: `workers` is theirs to choose. A pack whose machine is lost is given to another."""
    from distributed import Client, as_completed

    with Client(address) as client:
        place = {}
        for pack, out, options in jobs:
            future = client.submit(_run_one, implementation.module, implementation.python, pack.name, pack.read_bytes(), options, pure=False)
            place[future] = pack, out
        for future in as_completed(list(place)):
            pack, out = place.pop(future)
            if future.status == "error":
                yield pack, out, f"the cluster could not run it: {future.exception()}"
                continue
            error, files, ended = future.result()
            for suffix, data in files.items():
                Path(f"{out}{suffix}").write_bytes(data)
            for id, status in ended:
                heard(id, status)
            yield pack, out, error


def _run_one(module: str, python: str, name: str, pack: bytes, options: dict) -> tuple[str | None, dict[str, bytes], list]:
    """On a machine of the cluster: one pack, its transcripts as bytes, the cases that ended."""
    ended: list = []
    with tempfile.TemporaryDirectory(prefix="conformance-") as home:
        path, out = Path(home, name), Path(home, "out")
        path.write_bytes(pack)
        jobs = [(path, out, options)]
        ((_, _, error),) = run_packs(Implementation(module, python), Path.cwd(), jobs, heard=lambda id, status: ended.append((id, status)))
        files = {suffix: Path(f"{out}{suffix}").read_bytes() for suffix in SUFFIXES if Path(f"{out}{suffix}").exists()}
    return error, files, ended
