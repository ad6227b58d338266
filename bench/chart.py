"""Draws saved runs: `python bench/chart.py` writes .bench/bench.html, bars for each row of the last run and dots for the runs before it."""
import html
import json
import math
from pathlib import Path

SAVED = Path(__file__).parents[1] / ".bench"
STYLE = """body{font:14px system-ui,sans-serif;margin:2rem auto;max-width:1000px;padding:0 1rem;color-scheme:light dark}
svg{width:100%;height:auto} text{font-size:12px;fill:currentColor} .better{fill:#2c8a57} .worse{fill:#b3362b} .before{fill:#8889} .one{stroke:currentColor}"""
WIDE, TALL, LEFT = 620, 18, 340
LEAST, MOST = 0.25, 64                   # of the logarithmic scale


def place(ratio):
    share = math.log(min(max(ratio, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * WIDE


def drawn(rows, earlier):
    """One group as an SVG: a bar from 1 to the ratio, a dot for each earlier run."""
    parts = []
    for index, row in enumerate(rows):
        y = index * TALL + TALL / 2
        name = row["name"].split("::")[-1].removeprefix("test_")
        from_, to = sorted((place(1), place(row["ratio"])))
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{html.escape(name)}</text>')
        kind = "better" if row["ratio"] >= 1 else "worse"
        parts.append(f'<rect class="{kind}" x="{from_:.1f}" y="{y - 6}" width="{max(to - from_, 1):.1f}" height="12"/>')
        parts += [f'<circle class="before" cx="{place(old):.1f}" cy="{y}" r="3"/>' for old in earlier.get(row["name"], ())]
        parts.append(f'<text x="{LEFT + WIDE + 8}" y="{y + 4}">{row["ratio"]:.2f}</text>')
    height = len(rows) * TALL
    parts.append(f'<line class="one" x1="{place(1):.1f}" y1="0" x2="{place(1):.1f}" y2="{height}"/>')
    return f'<svg viewBox="0 0 {LEFT + WIDE + 60} {height}" role="img">{"".join(parts)}</svg>'


def page(runs):
    """The page of runs, the oldest first."""
    last = runs[-1]
    earlier = {}
    for run in runs[:-1]:
        for row in run["rows"]:
            if run["threads"] == last["threads"] and "ratio" in row:
                earlier.setdefault(row["name"], []).append(row["ratio"])
    groups = {}
    for row in last["rows"]:
        if "ratio" in row:
            groups.setdefault(row["name"].split("::")[0], []).append(row)
    body = "".join(f"<h2>{html.escape(name)}</h2>{drawn(rows, earlier)}" for name, rows in groups.items())
    about = f"{last['commit']}, {last['when']}, {last['machine']}, {last['threads']} thread(s), PyTorch {last['torch']}, {len(runs)} runs"
    return (f"<!doctype html><meta charset=utf-8><title>reftorch next to PyTorch</title><style>{STYLE}</style><h1>PyTorch's time over reftorch's</h1>"
            f"<p>{html.escape(about)}. A bar to the right of the line: reftorch is faster. Grey dots: earlier runs.</p>{body}")


def main():
    runs = sorted((json.loads(path.read_text()) for path in SAVED.glob("*.json")), key=lambda run: run["when"])
    if not runs:
        raise SystemExit(f"no saved run in {SAVED}: `make bench` makes one")
    (SAVED / "bench.html").write_text(page(runs), "utf-8")
    print(f"written: {SAVED / 'bench.html'}")


if __name__ == "__main__":
    main()
