"""A badge: the share of cases that pass, as a small SVG image for a README."""

from __future__ import annotations

from xml.sax.saxutils import escape

from conformance.results import Results, Sum

COLOURS = ((99, "#2c8a57"), (95, "#5b9a3c"), (80, "#a8861f"), (0, "#b3362b"))
LETTER = 6.6  # width of one, in units of the image


def render(results: Results) -> str:
    """The image; a run without a score says so."""
    total = Sum(sum(verdict.passed for verdict in results.verdicts), len(results.verdicts))
    value = "no score" if results.problems or not total.total else f"{total.percent:.1f} %"
    colour = "#6b7280" if value == "no score" else next(colour for least, colour in COLOURS if total.percent >= least)
    label = f"{results.meta['oracle'].get('as', 'torch')} {results.meta['oracle'].get('version', '').split('+')[0]}".strip()
    left, right = (round(LETTER * len(text) + 12) for text in (label, value))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{escape(label)}: {value}">'
        f'<rect width="{left + right}" height="20" rx="3" fill="#41464d"/>'
        f'<path d="M{left} 0h{right - 3}a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H{left}z" fill="{colour}"/>'
        f'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11"><text x="6" y="14">{escape(label)}</text>'
        f'<text x="{left + 6}" y="14">{value}</text></g></svg>\n'
    )
