"""One self-contained HTML page: opens from disk, needs no network, stays small.

Passing cases are listed by id only, ids of one group folded to their last parts; programs and outcomes are there for a few
failing cases of each cause.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from conformance import history, killrate
from conformance.compare.axes import AXES
from conformance.compare.verdict import KINDS, STATUSES
from conformance.results import Results, Sum, area, by_area, by_axis, by_cause, by_source, by_status, cost, whole_names
from conformance.sources import SOURCES

BUDGET = 4_500_000  # characters of the data; programs and outcomes take what ids and causes leave


def render(results: Results) -> str:
    """The page."""
    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=select_autoescape(default=True))
    left_out: dict[str, list] = defaultdict(list)
    runs, faults = results.beside.get("history", []), results.beside.get("killrate", [])
    least, lines = history.lines(runs)
    causes = by_cause(results.verdicts)
    for item in results.excluded:
        left_out[item.kind].append(item)
    return templates.get_template("page.html.j2").render(
        meta=results.meta, cost=cost(results.meta), problems=results.problems, total=len(results.verdicts), left_out=dict(left_out), kinds=KINDS,
        whole_run=Sum(sum(verdict.passed for verdict in results.verdicts), len(results.verdicts)), sources=by_source(results.verdicts),
        described={name: source.about for name, source in SOURCES.items()}, number_of_causes=len(causes),
        whole=whole_names(results.verdicts), areas=by_area(results.verdicts), axes=by_axis(results.verdicts), statuses=by_status(results.verdicts),
        causes=causes[:200], data=embed(payload(results)), runs=runs, least=least, lines=lines,
        faults=killrate.by_axis(faults), caught=sum(fault.caught for fault in faults), escaped=[fault for fault in faults if not fault.caught],
    )  # fmt: skip


def payload(results: Results) -> dict:
    """What the page's script needs, packed: cases of like outcome share one entry, ids of one group share their stem."""
    causes = [cause for cause, _ in by_cause(results.verdicts)]
    number = {cause: index for index, cause in enumerate(causes)}
    areas = list(by_area(results.verdicts))
    place = {name: index for index, name in enumerate(areas)}
    folded: dict[tuple, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    apis = {}
    for verdict in results.verdicts:
        cause = -1 if verdict.passed else number[verdict.cause or verdict.status]
        axes = tuple(AXES.index(axis) for axis in verdict.axes)
        stem, _, last = verdict.id.rpartition("/")
        folded[STATUSES.index(verdict.status), cause, axes, place[area(verdict.id)]][stem].append(last)
        if not verdict.passed and verdict.id.startswith("doc/") and len(verdict.apis) > 1:
            apis[verdict.id] = " ".join(verdict.apis[1:4])
    cases = [[*key, [[stem, ",".join(lasts)] for stem, lasts in stems.items()]] for key, stems in folded.items()]
    data = {"statuses": STATUSES, "axes": AXES, "areas": areas, "causes": causes, "cases": cases, "apis": apis, "details": {}}
    room = BUDGET - len(json.dumps(data))
    for verdict in results.verdicts:
        if verdict.id in results.details:
            differences = [item.line for item in verdict.differences[:6]]
            entry = {**results.details[verdict.id], "differences": differences}
            room -= len(json.dumps(entry))
            if room > 0:
                data["details"][verdict.id] = entry
    return data


def embed(data: dict) -> str:
    """JSON that is safe inside a script element."""
    return json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
