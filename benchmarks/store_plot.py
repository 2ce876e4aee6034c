"""The plot of the store's times: milliseconds by the number of resources, both axes in powers of ten."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from html import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 860, 470, 50, 44, 270, 40
COLOURS = ("#1d5f8a", "#b3401c", "#2e7d4f", "#7a4fa3", "#9a6b00", "#00707a", "#c2185b", "#555555", "#000000")
STYLE = "text{font:11px sans-serif;fill:#222}.g{stroke:#ddd}.q{fill:#666}polyline{fill:none;stroke-width:1.8}"

Medians = Mapping[str, Mapping[int, Mapping[str, tuple[float, float]]]]
"""By database, number of resources, and what was asked; the median is the first of the pair."""


def picture(found: Medians) -> str:
    """One line for each thing asked of each database; the second database is dashed."""
    points = [pair[0] for by_size in found.values() for times in by_size.values() for pair in times.values()]
    low, high = math.floor(math.log10(min(points))), math.ceil(math.log10(max(points)))
    sizes = sorted({size for by_size in found.values() for size in by_size})
    first, last = math.log10(sizes[0]), math.log10(sizes[-1])

    def x(size: int) -> float:
        return LEFT + (math.log10(size) - first) / ((last - first) or 1.0) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(value) - low) / ((high - low) or 1) * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>Milliseconds by the number of resources</title><style>{STYLE}</style>",
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{LEFT}" y="16">Median milliseconds by the number of resources in the record</text>',
        f'<text class="q" x="{LEFT}" y="32">{escape(_drawn(list(found)))}</text>',
    ]
    for power in range(low, high + 1):
        at = y(10.0**power)
        parts.append(f'<line class="g" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}"/>')
        parts.append(f'<text class="q" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:g}</text>')
    for size in sizes:
        parts.append(
            f'<text class="q" x="{x(size):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{size:,}</text>'
        )
    for place, (database, by_size) in enumerate(found.items()):
        for colour, name in zip(COLOURS, by_size[min(by_size)], strict=False):
            line = " ".join(f"{x(size):.1f},{y(times[name][0]):.1f}" for size, times in by_size.items())
            dashes = ' stroke-dasharray="2 4"' if place == 0 else ""
            said = escape(f"{name}, {database}")
            parts.append(f'<polyline stroke="{colour}"{dashes} points="{line}"><title>{said}</title></polyline>')
    return "\n".join([*parts, *_legend(found), "</svg>"]) + "\n"


def _drawn(databases: list[str]) -> str:
    return f"dotted: {databases[0]}; whole: {databases[1]}"


def _legend(found: Medians) -> Iterator[str]:
    """Beside the plot, in the order of the last values, so that each name stands near its line."""
    by_size = list(found.values())[-1]
    last = by_size[max(by_size)]
    colours = dict(zip(last, COLOURS, strict=False))
    for place, name in enumerate(sorted(last, key=lambda n: -last[n][0])):
        at = TOP + 14 + 20 * place
        left = WIDTH - RIGHT + 14
        yield f'<rect x="{left}" y="{at - 2}" width="20" height="3" fill="{colours[name]}"/>'
        yield f'<text x="{left + 26}" y="{at + 4}">{escape(name)}</text>'
