"""A chart as an accessible drawing: bands first, then the median, then what was observed, with its table beside it.

`draw` knows lines and marks, nothing of medicine; `recovery_chart` is the course of one person's scores. Colours and
sizes come from the style sheet of the page, by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from ketapath.domain.response import Course, RecoveryCurve

_LEFT, _TOP, _FOOT = 52.0, 14.0, 22.0
_LETTER = 7.2
"""Room for one letter of a name; names stand beside the ends of their lines, never on them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The room between two lines; `kind` is "band90" or "band50", or "spread" with the letter of its curve."""

    kind: str
    xs: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line with its name at its end; `kind` is "median" or "context", or "curve" with its letter."""

    kind: str
    name: str
    xs: Sequence[float]
    ys: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """Something that was observed; `words` say what, when and from where."""

    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Something that happened, under the axis: a session with its dose. A planned one is dashed."""

    x: float
    words: str
    is_planned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A letter on its line, for whoever cannot tell colours or dashes apart."""

    kind: str
    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart. `marks` are named heights, `verticals` named places; the axis of values begins at `y_from`.

    `name_room` is what names get at the right; where it is None, as much as the longest needs.
    """

    title: str
    description: str
    x_name: str
    x_from: float
    x_to: float
    x_labels: Sequence[tuple[float, str]]
    y_to: float
    y_step: float
    y_from: float = 0.0
    bands: Sequence[Band] = ()
    lines: Sequence[Line] = ()
    dots: Sequence[Dot] = ()
    ticks: Sequence[Tick] = ()
    marks: Sequence[tuple[float, str]] = ()
    verticals: Sequence[tuple[float, str]] = ()
    letters: Sequence[Letter] = ()
    width: float = 760.0
    height: float = 300.0
    name_room: float | None = None


def draw(panel: Panel, *, identity: str) -> str:
    """The panel as SVG; `identity` keeps its parts apart from those of other charts of the page."""
    name, words = f"{identity}-title", f"{identity}-words"
    return (
        f'<svg class="chart" width="{panel.width:g}" viewBox="0 0 {panel.width:g} {panel.height:g}" role="img" '
        f'aria-labelledby="{name} {words}"><title id="{name}">{escape(panel.title)}</title>'
        f'<desc id="{words}">{escape(panel.description)}</desc>{inside(panel)}</svg>'
    )


def inside(panel: Panel) -> str:
    """What the panel draws, without the drawing around it, so that several may stand on one sheet."""
    place = _Place(panel)
    parts = [*_axes(panel, place), *_shapes(panel, place), *_marks(panel, place), *_names(panel, place),
             *_letters(panel, place), *_foot(panel, place)]  # fmt: skip
    return "".join(parts)


class _Place:
    """From values to places on the drawing."""

    def __init__(self, panel: Panel) -> None:
        self.panel = panel
        self.bottom = panel.height - _FOOT - (34.0 if panel.ticks else 16.0)
        names = [panel.x_name, *(line.name for line in panel.lines), *(words for _, words in panel.marks)]
        self.end = panel.width - (panel.name_room or 24.0 + _LETTER * max(map(len, names)))

    def x(self, value: float) -> float:
        span = self.panel.x_to - self.panel.x_from
        share = (value - self.panel.x_from) / span if span else 0.0
        return _LEFT + share * (self.end - _LEFT)

    def y(self, value: float) -> float:
        inside = min(max(value, self.panel.y_from), self.panel.y_to)
        share = (inside - self.panel.y_from) / (self.panel.y_to - self.panel.y_from)
        return self.bottom - share * (self.bottom - _TOP)

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> list[str]:
        return [f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in zip(xs, ys, strict=True)]


def _axes(panel: Panel, place: _Place) -> list[str]:
    count = int((panel.y_to - panel.y_from) / panel.y_step + 1e-9)
    end = place.end
    found = []
    for index in range(count + 1):
        value = panel.y_from + index * panel.y_step
        y = place.y(value)
        kind = "axis" if index == 0 else "grid"
        found.append(f'<line class="{kind}" x1="{_LEFT:g}" x2="{end:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
        found.append(f'<text class="value" x="{_LEFT - 8:g}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>')
    return found


def _shapes(panel: Panel, place: _Place) -> list[str]:
    found = []
    for band in panel.bands:
        outline = place.points(band.xs, band.high) + place.points(band.xs, band.low)[::-1]
        found.append(f'<polygon class="{band.kind}" points="{" ".join(outline)}"/>')
    for line in panel.lines:
        points = " ".join(place.points(line.xs, line.ys))
        found.append(f'<polyline class="{line.kind}" points="{points}"/>')
    return found


def _names(panel: Panel, place: _Place) -> list[str]:
    """The names of lines and heights at the right, each as near to its own height as the others allow."""
    named = [(place.y(line.ys[-1]), f"name {line.kind}", line.name) for line in panel.lines if line.name]
    named += [(place.y(value), "note", words) for value, words in panel.marks]
    named.sort()
    heights, lowest = [], 0.0
    for y, _kind, _name in named:
        lowest = max(y + 4, lowest + 16)
        heights.append(lowest)
    room = place.bottom + 8
    for index in reversed(range(len(heights))):  # those that would stand below the axis push the others up
        heights[index] = min(heights[index], room)
        room = heights[index] - 16
    return [
        f'<text class="{kind}" x="{place.end + 8:.1f}" y="{height:.1f}">{escape(name)}</text>'
        for height, (_y, kind, name) in zip(heights, named, strict=True)
    ]


def _letters(panel: Panel, place: _Place) -> list[str]:
    """Letters above their places, moved up where two would cover each other."""
    found: list[str] = []
    taken: list[tuple[float, float]] = []
    for letter in panel.letters:
        x, y = place.x(letter.x), place.y(letter.y) - 8
        while any(abs(x - other) < 14 and abs(y - above) < 14 for other, above in taken):
            x += 14
        taken.append((x, y))
        found.append(
            f'<text class="letter {letter.kind}" x="{x:.1f}" y="{max(y, _TOP):.1f}" text-anchor="middle">'
            f"{escape(letter.words)}</text>"
        )
    return found


def _marks(panel: Panel, place: _Place) -> list[str]:
    found = []
    for value, _ in panel.marks:
        y = place.y(value)
        found.append(f'<line class="mark" x1="{_LEFT:g}" x2="{place.end:g}" y1="{y:.1f}" y2="{y:.1f}"/>')
    for value, words in panel.verticals:
        x = place.x(value)
        found.append(f'<line class="now" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP:g}" y2="{place.bottom:.1f}"/>')
        found.append(f'<text class="note now" x="{x + 6:.1f}" y="{_TOP + 10:g}">{escape(words)}</text>')
    for dot in panel.dots:
        found.append(
            f'<circle class="dot" cx="{place.x(dot.x):.1f}" cy="{place.y(dot.y):.1f}" r="5">'
            f"<title>{escape(dot.words)}</title></circle>"
        )
    return found


def _foot(panel: Panel, place: _Place) -> list[str]:
    found = []
    for tick in panel.ticks:
        x, kind = place.x(tick.x), "tick planned" if tick.is_planned else "tick"
        below = place.bottom
        found.append(f'<line class="{kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{below + 4:.1f}" y2="{below + 14:.1f}"/>')
        found.append(
            f'<text class="value" x="{x:.1f}" y="{below + 28:.1f}" text-anchor="middle">{escape(tick.words)}</text>'
        )
    base = panel.height - 6
    for value, words in panel.x_labels:
        found.append(
            f'<text class="value" x="{place.x(value):.1f}" y="{base:g}" text-anchor="middle">{escape(words)}</text>'
        )
    found.append(f'<text class="value" x="{place.end + 20:.1f}" y="{base:g}">{escape(panel.x_name)}</text>')
    return found


def recovery_chart(course: Course) -> str:
    """SVG with its table one click away; without a curve, the dashed box that says so."""
    if course.curve is None:
        return (
            '<p class="gap">No curve: the notes below say what is missing. The person\'s own scores stay on record.</p>'
        )
    curve = course.curve
    last = curve.days[-1]
    panel = Panel(
        title="PHQ-9 over time",
        description="Median with bands for half and for nine of ten such people; dots are this person's scores. The "
        "table below has the same numbers.",
        x_name="days",
        x_from=min([0.0, *(o.day for o in course.observed)]),
        x_to=last,
        x_labels=[(float(d), str(d)) for d in range(0, int(last) + 1, 14)],
        y_to=max(27.0, *curve.p95),  # source: PHQ-9, highest total
        y_step=5.0,
        bands=course_bands(curve),
        lines=[Line(kind="median", name="median", xs=curve.days, ys=curve.p50)],
        dots=[Dot(x=o.day, y=o.total, words=f"{o.total:g} on day {o.day:g}, {o.origin}") for o in course.observed],
    )
    return draw(panel, identity="recovery") + _table(curve)


def value_step(top: float) -> float:
    """A round step for the axis of a scale that goes up to `top`, so that it has three to six heights.

    >>> value_step(27), value_step(10), value_step(100)
    (10, 2, 20)
    """
    return next((step for step in (1, 2, 5, 10, 20, 25) if step >= top / 5), top / 5)


def course_bands(curve: RecoveryCurve) -> list[Band]:
    """The two bands of a recovery curve, the wider one first."""
    return [
        Band(kind="band90", xs=curve.days, low=curve.p05, high=curve.p95),
        Band(kind="band50", xs=curve.days, low=curve.p25, high=curve.p75),
    ]


def _table(curve: RecoveryCurve) -> str:
    names = ("p05", "p25", "p50", "p75", "p95")
    rows = "".join(
        f"<tr><td>{day:g}</td>" + "".join(f"<td>{getattr(curve, n)[i]:.1f}</td>" for n in names) + "</tr>"
        for i, day in enumerate(curve.days)
        if day % 7 == 0
    )
    head = "".join(f"<th>{n.removeprefix('p').lstrip('0')} %</th>" for n in names)
    return (
        "<details><summary>The same as a table</summary><table><caption>PHQ-9 that would be observed</caption>"
        f"<thead><tr><th>Day</th>{head}</tr></thead><tbody>{rows}</tbody></table></details>"
    )
