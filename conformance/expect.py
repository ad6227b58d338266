"""Expected failures: one TOML file that cannot go stale.

    [[expected]]
    cases = "doc/torch.linalg.eig/*"      # an id or a narrow glob
    axis = "value"                        # the axis, or the status of a case that does not run ("missing", "refused", ...)
    signature = "value differs"           # how the cause or the message of the difference begins
    torch = "2.13"                        # only against this PyTorch; may be left out
    reason = "eigenvectors come in another order"

An entry fails the run when one of its cases passes, when one fails in another way, and when it matches no case.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import tomlkit

from conformance.compare.verdict import Verdict
from conformance.matching import matches
from conformance.results import Results, by_cause

WIDE = 200  # cases an entry may cover


@dataclass(frozen=True)
class Expected:
    cases: str
    axis: str
    signature: str
    reason: str
    torch: str = ""

    def applies(self, version: str) -> bool:
        return not self.torch or (version + ".").startswith(self.torch.rstrip(".") + ".")

    def agrees(self, verdict: Verdict) -> bool:
        """Whether the case fails the way it is said to."""
        if self.axis == verdict.status:
            return verdict.cause.startswith(self.signature)
        texts = [verdict.cause, *(item.message for item in verdict.differences if item.axis == self.axis)]
        return self.axis in verdict.axes and any(text.startswith(self.signature) for text in texts)


def read(path: Path) -> list[Expected]:
    """The entries of a file; every one says why."""
    entries = [Expected(**entry) for entry in tomlkit.parse(path.read_text("utf-8")).unwrap().get("expected", [])]
    for entry in entries:
        if not entry.reason.strip():
            raise ValueError(f"{path}: the entry for {entry.cases} gives no reason")
    return entries


def violations(entries: list[Expected], results: Results) -> list[str]:
    """What does not stand as written: empty when every failure is expected and every entry needed."""
    entries = [entry for entry in entries if entry.applies(results.meta["oracle"]["version"])]
    found = []
    covered: set[str] = set()
    for entry in entries:
        own = [verdict for verdict in results.verdicts if matches(verdict.id, [entry.cases])]
        covered.update(verdict.id for verdict in own)
        if not own:
            found.append(f"{entry.cases}: matches no case")
        if len(own) > WIDE:
            found.append(f"{entry.cases}: too wide, it covers {len(own)} cases")
        for verdict in own:
            if verdict.passed:
                found.append(f"{verdict.id}: passes, but {entry.cases} expects it to fail ({entry.axis})")
            elif not any(other.agrees(verdict) for other in entries if matches(verdict.id, [other.cases])):
                found.append(f"{verdict.id}: fails otherwise than expected: {verdict.status}, {verdict.cause}")
    found += [f"{v.id}: not expected: {v.status}, {v.cause}" for v in results.verdicts if not v.passed and v.id not in covered]
    return list(dict.fromkeys(found))


def update(path: Path, results: Results) -> int:
    """Rewrite a file so that it says what the run found; reasons and comments of entries that still hold stay."""
    document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    old = document.get("expected", tomlkit.aot())
    kept, covered = tomlkit.aot(), set()
    for entry in old:
        expected = Expected(**entry.unwrap())
        own = [verdict for verdict in results.verdicts if matches(verdict.id, [expected.cases])]
        if own and all(not verdict.passed and expected.agrees(verdict) for verdict in own):
            kept.append(entry)
            covered.update(verdict.id for verdict in own)
    for cause, verdicts in by_cause([verdict for verdict in results.verdicts if verdict.id not in covered]):
        for verdict in verdicts:
            axis = verdict.axes[0] if verdict.status == "mismatch" else verdict.status
            kept.append(tomlkit.item({"cases": verdict.id, "axis": axis, "signature": cause, "reason": "to be looked into"}))
    document["expected"] = kept
    path.write_text(tomlkit.dumps(document), "utf-8")
    return len(kept)
