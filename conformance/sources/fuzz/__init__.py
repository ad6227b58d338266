"""The `fuzz` source: drawn programs, frozen by number, and those that `conformance fuzz` found to differ and filed in found.txt."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from conformance.case import Case
from conformance.sources.fuzz.grammar import TOPICS, Pick

COUNT = 270  # programs of a topic
FOUND = Path(__file__).with_name("found.txt")
#: They may end in an error, which then is what is compared; the standard names are supplied.
TAGS = ("error",)


def picker(seed: str) -> Pick:
    """Choices that follow from a text alone, on every version of Python."""
    count = 0

    def pick(choices: Sequence):
        nonlocal count
        count += 1
        number = int.from_bytes(hashlib.sha256(f"{seed}/{count}".encode()).digest()[:8], "big")
        return choices[number % len(choices)]

    return pick


def read_found() -> Iterator[list[str]]:
    """The filed programs: statements one a line, an empty line between programs."""
    text = FOUND.read_text("utf-8") if FOUND.exists() else ""
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line and not line.startswith("#")]
        if lines:
            yield lines


def file_found(program: Sequence[str], why: str) -> str:
    """Add a program to the filed ones; returns its case's id."""
    known = list(read_found())
    if list(program) not in known:
        with open(FOUND, "a", encoding="utf-8") as file:
            file.write("\n".join([f"# {' '.join(why.split())}", *program]) + "\n\n")
    return id_of_found(program)


def id_of_found(program: Sequence[str]) -> str:
    return f"fuzz/found/{hashlib.sha256(chr(10).join(program).encode()).hexdigest()[:8]}"


def case(id: str, program: Sequence[str]) -> Case:
    return Case(id, tuple(program), origin="drawn program", tags=TAGS, group=id.rsplit("/", 1)[0])


def cases(wanted: Callable[[str], bool] = lambda group: True) -> Iterator[Case]:
    """The programs of every topic by number, then the filed ones."""
    for topic, program in TOPICS.items():
        if wanted(f"fuzz/{topic}"):
            for number in range(COUNT):
                yield case(f"fuzz/{topic}/{number}", program(picker(f"{topic}/{number}")))
    if wanted("fuzz/found"):
        for program in read_found():
            yield case(id_of_found(program), program)
