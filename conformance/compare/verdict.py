"""From two transcripts of a case to its verdict: one status, the axes that failed, and the cause in a few words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

from conformance.compare.axes import Comparison, Difference, missing
from conformance.transcript import Transcript, Transcripts

STATUSES = (
    "pass", "pass (referee)", "version skew", "mismatch", "missing", "refused", "error", "crash", "timeout", "out of memory", "not run",
)  # fmt: skip
PASSING = {"pass", "pass (referee)"}
#: Why a case is outside the denominator.
KINDS = {
    "beyond": "not about dense tensors on the CPU under public names, run eagerly",
    "environment": "needs what is not here: a device, a network, a file, a package",
    "oracle-error": "does not run on the oracle as it is written",
    "large": "inputs too large to be stored",
}
KEPT = 20  # differences of one case that are kept
ENVIRONMENT = re.compile(
    r"CUDA|not linked with support|No module named '(?!torch[.'])|No such file|urlopen|internet connection|process group|Triton|nvtx|cuda"
)


@dataclass
class Verdict:
    """What is known about one case after it ran on both sides."""

    id: str
    status: str
    axes: tuple[str, ...] = ()  # failed, of those the profile counts
    checked: tuple[str, ...] = ()  # on which there was something to compare
    beside: tuple[str, ...] = ()  # failed, but not counted by the profile
    cause: str = ""
    differences: list[Difference] = field(default_factory=list)
    apis: tuple[str, ...] = ()
    kind: str = "exact"  # exact, seeded, random, uninitialised
    ms: float | None = None
    oracle_ms: float | None = None

    @property
    def passed(self) -> bool:
        return self.status in PASSING

    def as_json(self) -> dict:
        return {key: value for key, value in asdict(self).items() if value not in ((), [], None, "")}


@dataclass(frozen=True)
class Excluded:
    """A case outside the denominator, and why."""

    id: str
    kind: str  # of KINDS
    cause: str


def classify(case: dict, base: Transcript | None, perturbed: Transcript | None = None, reseeded: Transcript | None = None) -> dict:
    """What the oracle's own runs say about a case: its class, its cause if it leaves the denominator, what never holds still."""
    domain = next((tag[7:] for tag in case["tags"] if tag.startswith("domain:")), None)
    if domain:
        return {"class": "beyond", "cause": domain}
    if base is None:
        return {"class": "oracle-error", "cause": "the oracle did not run it"}
    if base.status not in ("ok", "raised"):
        return {"class": "oracle-error", "cause": f"{base.status} {base.record.get('signal', '')}".strip()}
    if base.status == "raised" and ("error" not in case["tags"] or "setup_error" in base.record):
        error = base.error()
        text = f"{error['type']}: {error['text'].splitlines()[0] if error['text'] else ''}"[:200]
        return {"class": "environment" if ENVIRONMENT.search(error["text"]) else "oracle-error", "cause": text}
    unstable = _distance(case, base, perturbed)
    if unstable:
        kind = "uninitialised" if "empty" in "".join(case["program"]) else "random"
        return {"class": kind, "unstable": unstable}
    return {"class": "seeded" if _distance(case, base, reseeded) else "exact"}


def _distance(case: dict, a: Transcript, b: Transcript | None) -> list[tuple[str, str]]:
    return [] if b is None else sorted({(d.axis, d.path) for d in Comparison(case, a, b).run()})


def judge(case: dict, oracle: Transcript, subject: Transcript | None, counted: set[str]) -> Verdict:
    """The verdict on one case that the oracle can run."""
    verdict = Verdict(case["id"], "not run", apis=tuple(case["apis"]), kind=oracle.record.get("class", "exact"))
    if subject is None:
        verdict.cause = "no record of it"
        return verdict
    verdict.ms, verdict.oracle_ms = subject.record.get("ms"), oracle.record.get("ms")
    if subject.status not in ("ok", "raised"):
        verdict.status = subject.status
        verdict.cause = " ".join([f"{subject.status}:", *([signal] if (signal := subject.record.get("signal")) else []), _api(case)])
        return verdict
    comparison = Comparison(case, oracle, subject)
    unstable = {tuple(item) for item in oracle.record.get("unstable", ())}
    found = [item for item in comparison.run() if (item.axis, item.path) not in unstable]
    verdict.checked = tuple(sorted(comparison.axes))
    verdict.differences = found[:KEPT]
    failed = dict.fromkeys(item.axis for item in found)
    verdict.axes = tuple(axis for axis in failed if axis in counted)
    verdict.beside = tuple(axis for axis in failed if axis not in counted)
    verdict.status = "mismatch" if verdict.axes else "pass"
    error = subject.error()
    if verdict.axes and error and {"runs", "exists"}.intersection(verdict.axes):
        verdict.status, verdict.cause = _of_error(error)
    elif verdict.axes:
        first = next(item for item in found if item.axis in counted)
        verdict.cause = f"{first.axis} differs: {_place(case, first)}"
        if first.axis == "error-type" and error:
            verdict.cause = f"{first.axis} differs: {error['type']}: {_general(error['text'])}"
    return verdict


def _api(case: dict) -> str:
    return about_api(case["id"], case["apis"])


def about_api(id: str, apis: Sequence[str]) -> str:
    """The public name that a case is for: of those it calls, the first that its id has, not a helper before it."""
    named = next((api for api in apis if api.rpartition(".")[2].rstrip("_") in id), None) or next(iter(apis), None)
    return named or (id.rpartition("/")[0] if id.count("/") > 1 else id)


def _place(case: dict, difference: Difference) -> str:
    """What a difference is about: the API that the case is for, or else the statement where it shows."""
    index = difference.path.split("/")[0]
    if case["apis"] or not index.isdigit() or int(index) >= len(case["program"]):
        return _api(case)
    return " ".join(case["program"][int(index)].split())[:80]


def _of_error(error: dict) -> tuple[str, str]:
    if error.get("memory"):
        return "out of memory", f"out of memory: {_general(error['text'])}"
    if name := missing(error):
        return "missing", f"missing: {name}"
    if error["type"] == "NotImplementedError":
        return "refused", f"refused: {_general(error['text'])}"
    return "error", f"{error['type']}: {_general(error['text'])}"


def _general(text: str) -> str:
    """The first line of a message without its particulars, so that like causes group."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    return re.sub(r"\d+(\.\d+)?", "#", line)[:140]


def verdicts(
    cases: list[dict], oracle: Transcripts, subject: Transcripts, counted: set[str]
) -> Iterator[tuple[Verdict | Excluded, dict]]:
    """The verdict or exclusion of every case of a pack, with the case."""
    for case in cases:
        theirs = oracle.get(case["id"])
        if theirs is None:
            yield Excluded(case["id"], "oracle-error", "the oracle did not run it"), case
        elif theirs.record["class"] in KINDS:
            yield Excluded(case["id"], theirs.record["class"], theirs.record["cause"]), case
        else:
            yield judge(case, theirs, subject.get(case["id"]), counted), case
