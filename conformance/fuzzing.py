"""Finding programs on which two implementations differ: Hypothesis draws and shrinks, two warm workers answer."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import HypothesisException

from conformance.case import read_cases, write_pack
from conformance.compare.axes import PROFILES
from conformance.compare.verdict import KINDS, Excluded, Verdict, classify, judge
from conformance.runner.ask import Asked
from conformance.runner.pool import Implementation
from conformance.sources.fuzz import case, id_of_found
from conformance.sources.fuzz.grammar import TOPICS
from conformance.transcript import Transcript


class Pair:
    """A worker of each side; says how the subject does with one program."""

    def __init__(self, subject: Implementation, oracle: Implementation, root: Path, profile: str = "drop-in"):
        self.sides = [Asked(side, root) for side in (oracle, subject)]
        self.counted = PROFILES[profile]
        self.home = tempfile.TemporaryDirectory(prefix="conformance-")
        self.asked = 0

    def close(self) -> None:
        for side in self.sides:
            side.close()
        self.home.cleanup()

    def verdict(self, program: list[str]) -> Verdict | Excluded:
        """Run it on both sides and compare."""
        self.asked += 1
        id, home = id_of_found(program), Path(self.home.name)
        pack = home / "one.zip"
        write_pack(pack, [case(id, program)])
        (record,) = read_cases(pack)
        theirs, ours = (side.ask(pack, [id]).get(id) for side in self.sides)
        known = classify(record, theirs)
        if known["class"] in KINDS:
            return Excluded(id, known["class"], known["cause"])
        return judge(record, Transcript({**theirs.record, **known}, theirs.data), ours, self.counted)


def programs(topic: str) -> st.SearchStrategy[list[str]]:
    """Programs of a topic, drawn and shrunk by Hypothesis."""
    return st.composite(lambda draw: TOPICS[topic](lambda choices: draw(st.sampled_from(list(choices)))))()


def differing(pair: Pair, topics: list[str], minutes: float, seed: int, known: set[str]) -> Iterator[tuple[list[str], Verdict]]:
    """Shrunk programs on which the sides differ, one for each cause that is not `known`; ends when the time is over."""
    end, drawn = time.monotonic() + 60 * minutes, Random(seed)
    once = settings(max_examples=200, database=None, deadline=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck))
    turn = 0
    while time.monotonic() < end:
        best: list[tuple[list[str], Verdict]] = []

        def differs(program: list[str], best=best) -> bool:
            if time.monotonic() > end:
                return False
            verdict = pair.verdict(program)
            if isinstance(verdict, Excluded) or verdict.passed or verdict.cause in known:
                return False
            if not best or _size(program) < _size(best[0][0]):
                best[:] = [(program, verdict)]
            return True

        topic = topics[turn % len(topics)]
        turn += 1
        try:
            program = find(programs(topic), differs, settings=once, random=Random(drawn.random()))
            best = [(program, pair.verdict(program))]
        except HypothesisException:
            pass  # nothing new in these examples, or the time ended while it shrank: the best so far counts
        for program, verdict in best:
            known.add(verdict.cause)
            yield program, verdict


def _size(program: list[str]) -> tuple[int, int]:
    return len(program), sum(map(len, program))
