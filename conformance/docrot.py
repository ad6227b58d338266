"""doc-rot: examples in the documentation of an installed PyTorch that do not run, or do not print what is shown.

As a program (`python -m conformance.docrot`), in the interpreter whose PyTorch is asked: runs the prompted examples of every docstring in a forked
child, twice under different seeds, and prints one JSON line for each docstring.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import select
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

SECONDS = 20  # of one docstring
#: How an example can stand, the worst first.
KINDS = {
    "does not run": "raises where the documentation shows a result",
    "not Python": "a continuation line is written as a prompt, or the example is no statement: no tool can run it",
    "follows another": "lacks a name that an earlier example of its docstring failed to make",
    "other output": "prints other words or another structure",
    "other numbers": "prints the same text with other numbers, and not by chance",
    "other spacing": "differs in blanks and line breaks only",
    "random": "depends on a seed that the example does not set", "as shown": "prints what is shown",
}  # fmt: skip
ROT = ("does not run", "not Python", "follows another", "other output", "other numbers", "other spacing")
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|\b(?:nan|inf)\b")


@dataclass(frozen=True)
class Found:
    """One example of a docstring and how it stands."""

    name: str
    line: int  # in the docstring, from 1
    kind: str
    source: str
    shown: str
    printed: str


def examples(text: str) -> list[doctest.Example]:
    """The prompted examples of a docstring with what they are shown to print; none where the prompts cannot be told apart."""
    try:
        return doctest.DocTestParser().get_examples(text.expandtabs())
    except ValueError:
        return []


def outcomes(parts: list[doctest.Example], names: dict, seed: int) -> list[tuple[bool, str]]:
    """(raised, printed) of each example, one after the other in one namespace."""
    names["torch"].manual_seed(seed)
    found = []
    for part in parts:
        heard = io.StringIO()
        raised = False
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                exec(compile(part.source, "<example>", "single"), names)
            except SystemExit:
                raised = True
            except Exception as error:  # whatever the example raises is what is reported
                raised = True
                heard.write(f"{type(error).__name__}: {error}")
        found.append((raised, heard.getvalue()))
    return found


def kind(shown: str, first: tuple[bool, str], second: tuple[bool, str], after_failure: bool = False) -> str:
    """How an example stands that is shown to print `shown`, by its runs under two seeds."""
    raised, printed = first
    if raised:
        if "Error" in shown or "Traceback" in shown:
            return "as shown"
        if printed.startswith(("SyntaxError", "IndentationError")):
            return "not Python"
        return "follows another" if after_failure and printed.startswith("NameError") else "does not run"
    squeeze = lambda text: re.sub(r"\s+", "", text)  # noqa: E731
    if not shown.strip() or doctest.OutputChecker().check_output(shown, printed, doctest.ELLIPSIS):
        return "as shown"
    if first != second:
        return "random"
    if squeeze(shown) == squeeze(printed):
        return "other spacing"
    return "other numbers" if NUMBER.sub("#", squeeze(shown)) == NUMBER.sub("#", squeeze(printed)) else "other output"


def _child(write: int, doc, torch) -> None:
    """Runs one docstring and writes what was found."""
    from conformance.sources.docs import supply, undefined

    parts = examples(doc.text)
    program = tuple(part.source for part in parts)
    setup = supply(undefined(program), doc, [])
    runs = []
    for seed in (0, 1):
        names = {"torch": torch, "nn": torch.nn, "F": torch.nn.functional, "optim": torch.optim, "__name__": "example"}
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(Exception):
            import math

            import numpy

            names |= {"np": numpy, "math": math}
            for statement in setup:
                exec(statement, names)
        runs.append(outcomes(parts, names, seed))
    found, failed = [], False
    for part, first, second in zip(parts, *runs, strict=True):
        found.append((part.lineno + 1, kind(part.want, first, second, failed), part.source, part.want, first[1][:2000]))
        failed |= first[0]
    with os.fdopen(write, "w") as pipe:
        json.dump(found, pipe)


def main() -> None:
    import torch

    from conformance.sources.docs import DOMAINS, docstrings

    torch.set_num_threads(1)
    for doc in docstrings():
        domain = next((name for name, pattern in DOMAINS.items() if re.search(pattern, doc.text + doc.name)), None)
        if not examples(doc.text) or domain:
            print(json.dumps({"name": doc.name, "left out": domain or "no prompted example"}), flush=True)
            continue
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            signal.alarm(SECONDS)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(null, stream)
            _child(write, doc, torch)
            os._exit(0)
        os.close(write)
        with os.fdopen(read) as pipe:
            text = pipe.read() if select.select([pipe], [], [], SECONDS + 5)[0] else ""
        os.waitpid(child, 0)
        outcome = {"found": json.loads(text)} if text else {"left out": "crashed or took too long"}
        print(json.dumps({"name": doc.name, **outcome}), flush=True)


def read(lines) -> tuple[list[Found], Counter]:
    """The examples, and how many docstrings were left out for what cause."""
    found, left_out = [], Counter()
    for line in lines:
        entry = json.loads(line)
        if "left out" in entry:
            left_out[entry["left out"]] += 1
        for number, how, source, shown, printed in entry.get("found", ()):
            found.append(Found(entry["name"], number, how, source.strip(), shown, printed))
    return found, left_out


def markdown(found: list[Found], left_out: Counter, version: str) -> str:
    """The report: counts, then every rotten example with docstring and line."""
    counts = Counter(item.kind for item in found)
    lines = [f"# Documented examples of PyTorch {version}", "", "| standing | examples | meaning |", "|---|---:|---|"]
    lines += [f"| {name} | {counts[name]} | {about} |" for name, about in KINDS.items()]
    lines += ["", "Docstrings left out: " + (", ".join(f"{cause} {number}" for cause, number in left_out.most_common()) or "none") + "."]
    for name in ROT:
        rotten = [item for item in found if item.kind == name]
        lines += ["", f"## {name}: {len(rotten)}"] if rotten else []
        for item in rotten:
            lines += ["", f"**{item.name}**, line {item.line}", *_fenced("python", item.source)]
            lines += ["shown", *_fenced("", item.shown), "printed", *_fenced("", item.printed)]
    return "\n".join(lines) + "\n"


def _fenced(language: str, text: str) -> Iterator[str]:
    yield from ("", f"````{language}", text.rstrip("\n")[:1500], "````", "")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    main()
