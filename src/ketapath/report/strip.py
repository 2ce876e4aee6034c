"""A schedule as a strip: lanes of marks over days, each therapy hour tied to the dose it belongs to.

Knows lanes and marks, nothing of medicine. Colours and sizes come from the style sheet of the page, by class.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape

_LEFT, _TOP, _LANE = 84.0, 28.0, 38.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """One appointment in its lane. `shape` is "dose", "hour" or "check"; `label` stands inside a dose."""

    on: date
    shape: str
    words: str
    label: str = ""
    tied_to: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One row of the strip with its name."""

    name: str
    marks: Sequence[Mark]


def draw_strip(
    lanes: Sequence[Lane], *, title: str, description: str, weeks: Sequence[tuple[date, str]], identity: str,
    width: float = 520.0,
) -> str:  # fmt: skip
    """The strip as SVG. `weeks` are the days that get a name, in order; they also bound the strip at its start."""
    days = [mark.on for lane in lanes for mark in lane.marks]
    first, last = min([*days, weeks[0][0]]), max(days)
    height = _TOP + _LANE * len(lanes) + 8

    def x(day: date) -> float:
        return _LEFT + 14 + (width - _LEFT - 28) * (day - first).days / max((last - first).days, 1)

    parts = [_week(x(day), words, height) for day, words in weeks]
    tops = {lane.name: _TOP + _LANE * (index + 0.5) for index, lane in enumerate(lanes)}
    for lane in lanes:
        parts.append(f'<text class="name" x="0" y="{tops[lane.name] + 4:.1f}">{escape(lane.name)}</text>')
    upper = tops[lanes[0].name]
    for lane in lanes:
        for mark in lane.marks:
            if mark.tied_to is not None:
                parts.append(_tie(x(mark.tied_to), upper, x(mark.on), tops[lane.name]))
    parts += [_mark(x(mark.on), tops[lane.name], mark) for lane in lanes for mark in lane.marks]
    names = f"{identity}-title {identity}-words"
    return (
        f'<svg class="strip" width="{width:g}" viewBox="0 0 {width:g} {height:g}" role="img" aria-labelledby="{names}">'
        f'<title id="{identity}-title">{escape(title)}</title>'
        f'<desc id="{identity}-words">{escape(description)}</desc>{"".join(parts)}</svg>'
    )


def _week(x: float, words: str, height: float) -> str:
    line = f'<line class="week" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 8:g}" y2="{height:g}"/>'
    return f'{line}<text class="value" x="{x:.1f}" y="12" text-anchor="middle">{escape(words)}</text>'


def _tie(x_from: float, y_from: float, x_to: float, y_to: float) -> str:
    half = (y_from + y_to) / 2
    return f'<path class="tie" d="M{x_from:.1f} {y_from + 12:.1f}V{half:.1f}H{x_to:.1f}V{y_to - 6:.1f}"/>'


def _mark(x: float, y: float, mark: Mark) -> str:
    told = f"<title>{escape(mark.words)}</title>"
    if mark.shape == "dose":
        box = f'<rect class="dose" x="{x - 13:.1f}" y="{y - 12:.1f}" width="26" height="24" rx="4">{told}</rect>'
        return f'{box}<text class="dose" x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle">{escape(mark.label)}</text>'
    if mark.shape == "hour":
        return f'<circle class="hour" cx="{x:.1f}" cy="{y:.1f}" r="6">{told}</circle>'
    path = f"M{x - 6:.1f} {y:.1f}l4 5 8-10"
    return f'<path class="check" d="{path}">{told}</path>'
