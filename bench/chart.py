"""Draws saved runs: `python bench/chart.py` writes .bench/bench.html, bars for each row of the last run of one and of two threads, dots for
the runs before it."""
import html
import json
import math
from pathlib import Path

from groups import grouped, summed

SAVED = Path(__file__).parents[1] / ".bench"
STYLE = """body{font:14px system-ui,sans-serif;margin:2rem auto;max-width:1000px;padding:0 1rem;color-scheme:light dark}
svg{width:100%;height:auto} text{font-size:12px;fill:currentColor} .better{fill:#2c8a57} .worse{fill:#b3362b} .before{fill:#8889} .one{stroke:currentColor}
.scale{stroke:#8884} .of{font-size:10px;opacity:.6} h2{margin-top:3rem} h3{margin-bottom:.2rem} h3 small{font-weight:normal}"""
WIDE, TALL, LEFT, TOP = 620, 18, 360, 14
LEAST, MOST = 0.25, 64                   # of the logarithmic scale


def place(ratio):
    share = math.log(min(max(ratio, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * WIDE


def drawn(rows, earlier):
    """One group as an SVG: a bar from 1 to the ratio, a dot for each earlier run."""
    height = TOP + len(rows) * TALL
    parts = []
    for ratio in (0.5, 1, 2, 4, 8, 16, 32):
        x = f"{place(ratio):.1f}"
        parts.append(f'<text class="of" x="{x}" y="{TOP - 4}" text-anchor="middle">{ratio}</text>')
        parts.append(f'<line class="{"one" if ratio == 1 else "scale"}" x1="{x}" y1="{TOP}" x2="{x}" y2="{height}"/>')
    for index, row in enumerate(rows):
        y = TOP + index * TALL + TALL / 2
        name = row["name"].split("::")[-1].removeprefix("test_")
        from_, to = sorted((place(1), place(row["ratio"])))
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{html.escape(name)}</text>')
        kind = "better" if row["ratio"] >= 1 else "worse"
        parts.append(f'<rect class="{kind}" x="{from_:.1f}" y="{y - 6}" width="{max(to - from_, 1):.1f}" height="12"/>')
        parts += [f'<circle class="before" cx="{place(old):.1f}" cy="{y}" r="3"/>' for old in earlier.get(row["name"], ())]
        parts.append(f'<text x="{LEFT + WIDE + 8}" y="{y + 4}">{row["ratio"]:.2f}</text>')
    return f'<svg viewBox="0 0 {LEFT + WIDE + 60} {height}" role="img">{"".join(parts)}</svg>'


def section(runs):
    """The last of these runs, which have the same number of threads, with the others as dots."""
    last = runs[-1]
    earlier = {}
    for run in runs[:-1]:
        for row in run["rows"]:
            if "ratio" in row:
                earlier.setdefault(row["name"], []).append(row["ratio"])
    about = f"{last['commit']}, {last['when']}, {last['machine']}, PyTorch {last['torch']}, {len(runs)} run{'s' * (len(runs) > 1)}"
    parts = [f"<h2>{last['threads']} thread{'s' * (last['threads'] > 1)}</h2><p>{html.escape(about)}</p>"]
    groups = grouped(last["rows"])
    for title, _, mean, mean_goal, least, least_goal, _ in summed(last["rows"], last["threads"]):
        goals = [f" (goal {goal:.3g})" if goal else "" for goal in (mean_goal, least_goal)]
        said = f"mean {mean:.2f}{goals[0]}, least {least:.2f}{goals[1]}"
        parts.append(f"<h3>{html.escape(title)} <small>{said}</small></h3>{drawn(groups[title], earlier)}")
    return "".join(parts)


def page(runs):
    """The page of runs, the oldest first."""
    by_threads = {}
    for run in runs:
        by_threads.setdefault(run["threads"], []).append(run)
    body = "".join(section(by_threads[threads]) for threads in sorted(by_threads))
    return (f"<!doctype html><meta charset=utf-8><title>reftorch next to PyTorch</title><style>{STYLE}</style><h1>PyTorch's time over reftorch's</h1>"
            f"<p>A bar to the right of the line: reftorch is faster. Grey dots: earlier runs. Means are geometric.</p>{body}")


def main():
    runs = sorted((json.loads(path.read_text()) for path in SAVED.glob("*.json")), key=lambda run: run["when"])
    if not runs:
        raise SystemExit(f"no saved run in {SAVED}: `make bench` makes one")
    (SAVED / "bench.html").write_text(page(runs), "utf-8")
    print(f"written: {SAVED / 'bench.html'}")


if __name__ == "__main__":
    main()
