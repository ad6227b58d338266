"""Which numbers of its inputs a wrong number comes from, found by experiment.

The subject, and the oracle where it is live, run the case again with other numbers in its tensors, all but those of one place.
Where the worst element then stays what it was, bit for bit, nothing outside that place has a part in it. So `x[2, 0]` is named
for a function of single elements, `x[2, :]` for a sum, `a[2, :]` and `b[:, 0]` for a product, and the like for gradients, without
a table of operators. What the experiment does not settle is named whole.
"""

from __future__ import annotations

import ast
import json
import math
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from conformance.case import Blob
from conformance.compare.axes import Difference
from conformance.compare.referee import Numbers, write
from conformance.compare.verdict import Verdict
from conformance.runner.observe import dense
from conformance.transcript import Transcript, Transcripts, numpy_dtype

#: What an implementation does with cases of a pack, by their ids, each within some seconds.
Again = Callable[[Path, Sequence[str], float], Transcripts]
#: An implementation that can be asked, and what it did with the case as it is.
Side = tuple[Again, Transcript]
#: What is kept of a tensor: an index for every dim, a whole dim being `slice(None)`; None for nothing of it.
Place = tuple[int | slice, ...] | None

ALL = slice(None)
BYTES = 64 << 20  # of altered inputs that one experiment may write
SECONDS = 10.0  # that it may run, judged by what the case took
SLOWER = 20  # times that: with other numbers a program may never come to its end
NAMED = 6  # tensors that are named one by one
STATEMENT = "a statement that is no assignment"
#: Two ways to other numbers, finite and of the size of those that were: few numbers stay the same in one, none in both.
WAYS: dict[str, tuple[Callable, Callable]] = {
    "b": (np.logical_not, np.logical_not),
    "i": (lambda x: x // 2 + 1, lambda x: 3 - x),
    "f": (lambda x: x / 2 + 0.2, lambda x: 1.3 - 2 * x),
}
WIDE = {"b": np.bool_, "i": np.int64, "u": np.int64, "c": np.complex128}  # in which these are computed; all others in float64


def name_origin(
    case: dict, data: bytes, verdict: Verdict, oracle: Transcript, subject: Transcript, theirs: Again | None, ours: Again
) -> None:
    """Write down where the worst differing number of a case comes from, as far as the two that can be asked say."""
    numeric = [item for item in verdict.differences if item.spot is not None]
    if numeric:
        worst = max(numeric, key=lambda item: item.ulp or math.inf)  # neither NaN nor integers have a distance
        sides = [(ours, subject), *([(theirs, oracle)] if theirs else [])]
        differing = {item.path.split("/")[0] for item in verdict.differences}
        found = Experiment(*frozen(case, data, oracle, differing), worst, sides).origin()
        verdict.differences = [replace(item, origin=found) if item is worst else item for item in verdict.differences]


def frozen(case: dict, data: bytes, oracle: Transcript, differing: set[str]) -> tuple[dict, Blob]:
    """The case with what its statements make out of nothing (`x = torch.randn(3)`), alike on both sides, among its inputs; and their bytes."""
    inputs, program, blob = deepcopy(case["inputs"]), list(case["program"]), Blob()
    moved: dict[tuple[int, int], bytes] = {}
    for node in _with_bytes(inputs):
        start, size = node["at"]
        node["at"] = blob.add(moved.setdefault((start, size), data[start : start + size]))
    known = {*inputs, STATEMENT}
    for index, (text, step) in enumerate(zip(case["program"], oracle.record.get("steps", ()), strict=False)):
        bound = step.get("bound", {})
        name, shot = next(iter(bound.items()), ("", {}))
        alike = len(bound) == 1 and str(index) not in differing and _plain(shot)
        if alike and name not in known and _reads(text).isdisjoint(known):
            inputs[name] = {
                "$": "array", "dtype": shot["dtype"], "shape": shot["shape"], "strides": list(dense(shot["shape"])), "offset": 0,
                "at": blob.add(oracle.bytes(shot)), "requires_grad": shot.get("requires_grad", False), "conj": False, "neg": False,
            }  # fmt: skip
            program[index] = f"{name} = {name}"  # the statement stays: every path has its number
        known |= bound.keys()
    return {**case, "inputs": inputs, "program": program, "group": case["id"]}, blob


def _with_bytes(tree) -> Iterator[dict]:
    if isinstance(tree, dict) and "at" in tree:
        yield tree
    elif isinstance(tree, list | dict):
        for part in tree if isinstance(tree, list) else tree.values():
            yield from _with_bytes(part)


def _plain(shot: dict) -> bool:
    """Whether a snapshot is all there is to know of a leaf."""
    return shot["k"] == "tensor" and shot["type"] == "Tensor" and "at" in shot and not {"step", "grad_fn", "grad"} & shot.keys()


def _reads(text: str) -> set[str]:
    """The names an assignment reads; of anything else, that it is a statement of its own."""
    body = ast.parse(text).body
    if len(body) != 1 or not isinstance(body[0], ast.Assign):
        return {STATEMENT}
    return {node.id for node in ast.walk(body[0].value) if isinstance(node, ast.Name)}


def _arrays(inputs: dict) -> list[tuple[str, dict]]:
    """The tensors of the inputs that hold numbers, with what the program calls them."""
    found = []

    def walk(label, tree):
        if isinstance(tree, dict) and tree.get("$") == "array" and math.prod(tree["shape"]) and not numpy_dtype(tree["dtype"]).names:
            found.append((label, tree))
        items = tree["v"] if isinstance(tree, dict) and tree.get("$") == "tuple" else tree
        for index, item in enumerate(items if isinstance(items, list) else ()):
            walk(f"{label}[{index}]", item)

    for name, tree in inputs.items():
        walk(name, tree)
    return found


@dataclass(frozen=True)
class Given:
    """A tensor of the inputs."""

    label: str
    tree: dict
    data: bytes

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.tree["shape"])

    @cached_property
    def storage(self) -> np.ndarray:
        return np.frombuffer(self.data, numpy_dtype(self.tree["dtype"]))

    def view(self, storage: np.ndarray) -> np.ndarray:
        strides = [step * storage.itemsize for step in self.tree["strides"]]
        return np.lib.stride_tricks.as_strided(storage[self.tree["offset"] :], self.shape, strides)

    def altered(self, place: Place, way: int) -> bytes:
        """Its storage with other numbers everywhere but in one place."""
        kind = self.storage.dtype.kind
        wide = self.storage.astype(WIDE.get(kind, np.float64))
        with np.errstate(all="ignore"):
            other = WAYS.get("i" if kind == "u" else kind, WAYS["f"])[way](np.where(np.isfinite(wide), wide, 0)).astype(self.storage.dtype)
        if place is not None:
            self.view(other)[place] = self.view(self.storage)[place]
        return other.tobytes()

    def said(self, place: Place) -> str:
        """What stands in this place: the number itself, or how many there are and how large."""
        values = self.view(self.storage)[place]
        values = np.conj(values) if self.tree["conj"] else values
        values = -values if self.tree["neg"] else values
        index = ", ".join("0" if size == 1 else ":" if at == ALL else str(at) for at, size in zip(place, self.shape, strict=True))
        label = f"{self.label}[{index}]" if index else self.label
        if values.size == 1:
            return f"{label} = {values.reshape(-1)[0]}"
        whole = all(at == ALL for at in place)
        sizes = np.abs(values.astype(WIDE.get(values.dtype.kind, np.float64), copy=False))
        finite = sizes[np.isfinite(sizes)]
        spread = f", magnitudes {finite.min():.3g} to {finite.max():.3g}" if finite.size and values.dtype.kind != "b" else ""
        odd = f", {values.size - finite.size} not finite" if finite.size < values.size else ""
        return f"{f'all of {self.label}' if whole else label} ({self.tree['dtype']} {list(values.shape)}{spread}{odd})"


class Experiment:
    """One element of what a case gives, and the places of its inputs that have a part in it."""

    def __init__(self, case: dict, blob: Blob, worst: Difference, sides: Sequence[Side]):
        self.case, self.blob, self.worst = case, blob, worst
        data = b"".join(blob.parts)
        cut = lambda tree: data[tree["at"][0] : sum(tree["at"])]  # noqa: E731
        self.given = [Given(label, tree, cut(tree)) for label, tree in _arrays(case["inputs"])]
        uses = Counter(tuple(item.tree["at"]) for item in self.given)
        #: those that share no storage: altering one of them alters no other
        self.free = [index for index, item in enumerate(self.given) if uses[tuple(item.tree["at"])] == 1]
        self.sides = [(ask, self._values(done)) for ask, done in sides]
        self.ms = sum(done.record.get("ms", 0.0) for _, done in sides)

    def _values(self, transcript: Transcript | None) -> np.ndarray | None:
        """What stands where the worst element is, in this transcript."""
        return Numbers(self.case, transcript).found.get(self.worst.path) if transcript and "steps" in transcript.record else None

    def stays(self, before: np.ndarray, transcript: Transcript | None) -> bool:
        """Whether the element is what it was."""
        values, spot = self._values(transcript), self.worst.spot
        return values is not None and values.shape == before.shape and values[spot].tobytes() == before[spot].tobytes()

    def origin(self) -> str:
        """In words: the numbers that have a part in the element."""
        if not self.given:
            return f"from numbers that the program makes itself, seed {self.case['seed']}"
        kept = self.places()
        if kept is None:
            return f"from the inputs: {self._listed({})}; seed {self.case['seed']}"
        return f"from {self._listed(kept) or 'no number of the inputs'}"

    def _listed(self, kept: dict[int, Place]) -> str:
        whole = ((index, (ALL,) * len(item.shape)) for index, item in enumerate(self.given))
        places = [(self.given[index], kept.get(index, place)) for index, place in whole]
        said = [item.said(place) for item, place in places if place is not None]
        return " and ".join(said[:NAMED]) + (f" and {len(said) - NAMED} more" if len(said) > NAMED else "")

    def places(self) -> dict[int, Place] | None:
        """What of each input has a part in the element, as far as it is less than all of it; None if that cannot be told."""
        questions = [(index, place) for index in self.free for place in self._guesses(self.given[index])]
        size = sum(len(self.given[index].data) for index, _ in questions)
        if any(values is None for _, values in self.sides) or 2 * size > BYTES or 2 * self.ms * len(questions) > 1e3 * SECONDS:
            return None
        same, *answers = self.unmoved([{}, *({index: place} for index, place in questions)])
        if not same:
            return None  # it does not even repeat
        found: dict[int, Place] = {}
        for (index, place), answer in zip(questions, answers, strict=True):
            if answer and found.get(index, ()) is not None:
                found[index] = place and _both(found.get(index, place), place)
        return found if not found or self.unmoved([found]) == [True] else None

    def _guesses(self, item: Given) -> Iterator[Place]:
        """Nothing of it; then, dim by dim, where the element stands in a dim of the same size, the one in the same place first."""
        yield None
        shape, rank = self.sides[0][1].shape, len(item.shape)
        for dim, size in enumerate(item.shape):
            like = sorted((at for at, n in enumerate(shape) if n == size > 1), key=lambda at: abs(at - len(shape) - dim + rank))
            for index in dict.fromkeys(self.worst.spot[at] for at in like):
                yield (ALL,) * dim + (index,) + (ALL,) * (rank - dim - 1)

    def unmoved(self, trials: Sequence[dict[int, Place]]) -> list[bool]:
        """For each trial, whether the element stays what it is with other numbers outside the places it keeps."""
        cases, blob = [], Blob()
        blob.add(b"".join(self.blob.parts))
        for number, trial in enumerate(trials):
            for way in (0, 1):
                inputs = deepcopy(self.case["inputs"])
                trees = [tree for _, tree in _arrays(inputs)]
                for index, place in trial.items():
                    trees[index]["at"] = blob.add(self.given[index].altered(place, way))
                cases.append({**self.case, "id": f"{self.case['id']}/{number}/{way}", "inputs": inputs})
        with tempfile.TemporaryDirectory(prefix="origin-") as home:
            pack = write(Path(home, "altered.zip"), map(json.dumps, cases), blob.parts)
            ids = [case["id"] for case in cases]
            done = [(values, ask(pack, ids, 1 + SLOWER * self.ms / 1e3)) for ask, values in self.sides]
        stays = [all(self.stays(values, found.get(id)) for values, found in done) for id in ids]
        return [a and b for a, b in zip(stays[::2], stays[1::2], strict=True)]


def _both(a: tuple, b: tuple) -> tuple:
    """The place that lies in both; of two indices of one dim, the first."""
    return tuple(y if x == ALL else x for x, y in zip(a, b, strict=True))
