"""What to make right first: failing cases by the name at which they fail."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from conformance.compare.verdict import Verdict
from conformance.results import Results


@dataclass
class Item:
    """A public name, the cases that fail at it, and those that fail elsewhere first but touch it too."""

    name: str
    cases: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    alone: int = 0  # cases that touch no other failing name: they turn green with this one
    behind: int = 0  # cases blocked by another name before they come to this one


def name_of(verdict: Verdict) -> str:
    """The name at which a failing case fails: the one that is missing, or the first that the case is about."""
    if verdict.status == "missing":
        return verdict.cause.removeprefix("missing: ")
    return verdict.apis[0] if verdict.apis else verdict.id.rsplit("/", 1)[0]


def worklist(results: Results) -> list[Item]:
    """Items with the most cases first."""
    items: dict[str, Item] = {}
    failing = [verdict for verdict in results.verdicts if not verdict.passed]
    for verdict in failing:
        item = items.setdefault(name := name_of(verdict), Item(name))
        item.cases.append(verdict.id)
        item.kinds[verdict.axes[0] if verdict.status == "mismatch" else verdict.status] += 1
    for verdict in failing:
        others = {api for api in verdict.apis if api in items} - {name := name_of(verdict)}
        items[name].alone += not others
        for other in others:
            items[other].behind += 1
    return sorted(items.values(), key=lambda item: (-len(item.cases), item.name))


def gains(items: list[Item], results: Results) -> list[int]:
    """How many failing cases have no failing name left, when the first n items are right."""
    needs = defaultdict(set)
    rank = {item.name: index for index, item in enumerate(items)}
    for verdict in results.verdicts:
        if not verdict.passed:
            needs[max(rank[name] for name in {name_of(verdict), *verdict.apis} if name in rank)].add(verdict.id)
    total, found = 0, []
    for index in range(len(items)):
        total += len(needs[index])
        found.append(total)
    return found
