"""What the cases of a run say about public names: proven, partly, failing, missing, present, or unknown."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from conformance.results import Results
from conformance.usage import Usage

STANDINGS = ("missing", "fails", "unknown", "partly", "present", "proven")  # the riskiest first
NO_GO = {"missing", "fails"}


@dataclass
class Evidence:
    """The cases that touch one name."""

    name: str
    passed: int = 0
    total: int = 0
    failing: list[str] = field(default_factory=list)
    missing: bool = False
    present: bool = False  # the surface source found it, of the right kind

    @property
    def standing(self) -> str:
        if self.missing:
            return "missing"
        if self.total:
            return "proven" if self.passed == self.total else "partly" if 2 * self.passed >= self.total else "fails"
        return "present" if self.present else "unknown"


def by_name(results: Results) -> dict[str, Evidence]:
    """Evidence for every name that a case of the run touches."""
    found: dict[str, Evidence] = {}
    at = lambda name: found.setdefault(name, Evidence(name))  # noqa: E731
    for verdict in results.verdicts:
        if verdict.id.startswith("surface/"):
            item = at(verdict.apis[0])
            item.missing |= verdict.status == "missing"
            item.present |= verdict.passed and not verdict.id.endswith("/signature")
            continue
        for name in dict.fromkeys(verdict.apis):
            item = at(name)
            item.total += 1
            item.passed += verdict.passed
            if not verdict.passed:
                item.failing.append(verdict.id)
    return found


def of_usage(usage: Usage, known: dict[str, Evidence]) -> list[tuple[Evidence, int, str]]:
    """(evidence, uses, first place) of each name used; methods count where a Tensor has one of that name. The riskiest first."""
    rows: dict[str, list] = defaultdict(lambda: [0, ""])
    for counter in (usage.names, usage.methods):
        for name, count in counter.items():
            full = _owner(name, known)
            if full:
                row = rows[full]
                row[0] += count
                row[1] = row[1] or usage.places[name]
    found = [(known.get(name) or Evidence(name), count, place) for name, (count, place) in rows.items()]
    return sorted(found, key=lambda row: (STANDINGS.index(row[0].standing), -row[1], row[0].name))


def _owner(name: str, known: dict[str, Evidence]) -> str | None:
    """The public name that evidence is kept under; None for methods of objects that are no tensors, and for attributes of classes."""
    if name.startswith("."):
        return next((full for full in (f"torch.Tensor{name}", f"torch{name}") if full in known and known[full].total), None)
    while name not in known and name.count(".") > 1 and name.rsplit(".", 1)[0] in known:
        name = name.rsplit(".", 1)[0]            # `torch.Tensor.shape.numel`, `torch.float32.itemsize`
    return name


def namespaces(results: Results) -> dict[str, tuple[list[str], list[str]]]:
    """Per namespace of the surface source: its public names, and those that no other case touches."""
    known = by_name(results)
    found: dict[str, tuple[list[str], list[str]]] = defaultdict(lambda: ([], []))
    for verdict in results.verdicts:
        source, space, *rest = verdict.id.split("/")
        if source == "surface" and len(rest) == 1:
            name = verdict.apis[0]
            plain = name.replace("torch.Tensor.", "torch.").removesuffix("_")   # methods are run as forms of the op's cases
            every, bare = found[space]
            every.append(name)
            if not any(known[n].total for n in (name, plain) if n in known):
                bare.append(name)
    return dict(found)
