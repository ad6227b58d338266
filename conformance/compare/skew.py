"""Version skew: a case that fails against the oracle, but does just what another version of it does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from conformance.compare.verdict import Verdict, judge
from conformance.runner.ask import Asked
from conformance.runner.pool import Implementation
from conformance.transcript import Transcript, Transcripts

#: The transcripts of another version for cases of a pack, by their ids.
Other = Callable[[Path, Sequence[str]], Transcripts]


@contextmanager
def live(implementation: Implementation, root: Path, sample: int | None = None) -> Iterator[tuple[str, Other]]:
    """A version that is installed: its name, and how it is asked."""
    with Asked(implementation, root, sample) as other:
        yield f"{other.worker.about['module']} {other.worker.about['version']}", other.ask


def judge_skew(
    name: str, ask: Other, pack: Path, judged: Iterable[tuple[Verdict, dict]], oracle: Transcripts, subject: Transcripts, counted: set[str]
) -> None:
    """Give failing verdicts the status `version skew` where the subject passes against the other version."""
    failing = [(verdict, case) for verdict, case in judged if not verdict.passed and verdict.id in subject]
    if not failing:
        return
    others = ask(pack, [verdict.id for verdict, _ in failing])
    for verdict, case in failing:
        other = others.get(verdict.id)
        if other is None or other.status not in ("ok", "raised"):
            continue
        known = {key: oracle[verdict.id].record[key] for key in ("class", "unstable") if key in oracle[verdict.id].record}
        if judge(case, Transcript({**other.record, **known}, other.data), subject[verdict.id], counted).passed:
            verdict.status, verdict.cause = "version skew", f"behaves as {name}: {verdict.cause}"
