"""The drawings of the plan composer: what each option brings against what it asks, and harms as people of a hundred.

Marks are told apart by letter and by shape, never by colour alone; each drawing has its numbers as a table or in words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from types import MappingProxyType

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinic.web.charts import Drawing, round_axis
from ketapath.domain.plan import Option, Range

LETTERS = "ABCDEFGH"
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _FOOT, _LANE = 640.0, 372.0, 44.0, 24.0, 34.0, 46.0, 34.0
_SIDE, _BESIDE, _BAND = 24.0, 32.0, 8.0
"""The side of a mark, and how far apart two marks stand that would cover each other, and two bands."""
_HUNDRED = 100
_RING = 3.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One thing that an option asks of the person, as an axis: its name, its unit after a number, how much it is."""

    name: object
    fewest: object
    amount: Callable[[Option], float | None]
    unknown: object


ASKED: Mapping[str, Asked] = MappingProxyType(
    {
        "visits": Asked(
            name=gettext_lazy("Visits in twelve weeks"),
            fewest=gettext_lazy("fewer visits"),
            amount=lambda option: float(option.burden.visits),
            unknown="",
        ),
        "hours": Asked(
            name=gettext_lazy("Hours at the clinic in twelve weeks"),
            fewest=gettext_lazy("fewer hours"),
            amount=lambda option: option.burden.hours,
            unknown="",
        ),
        "dissociation": Asked(
            name=gettext_lazy("Sessions with marked dissociation to be expected in twelve weeks"),
            fewest=gettext_lazy("less dissociation"),
            amount=lambda option: option.burden.marked_sessions,
            unknown=gettext_lazy("No model speaks of dissociation under this way of giving in this person."),
        ),
        "cost": Asked(
            name=gettext_lazy("What the person pays in twelve weeks"),
            fewest=gettext_lazy("less to pay"),
            amount=lambda option: option.cost.own_share,
            unknown=gettext_lazy("What the person would pay is not known: a price or the coverage is missing."),
        ),
    }
)
"""What benefit may be set against; the same things that a person may weigh."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """One option on the drawing: where, with which band, and how its letter is framed."""

    letter: str
    x: float
    better: Range | None
    kind: str
    is_extrapolated: bool
    words: str


def kind_of(option: Option) -> str:
    """How an option is framed wherever its letter stands: the first, one that is not told from it, or another."""
    standing = option.standing
    if standing.place == 1:
        return "first"
    return "alike" if standing.no_material_difference else "behind"


def trade_off(options: Sequence[Option], by: str) -> Drawing | None:
    """Better days against one thing that is asked; None where that is not known of any option."""
    asked = ASKED[by]
    known = [(letter, o, x) for letter, o in zip(LETTERS, options, strict=False) if (x := asked.amount(o)) is not None]
    if not known:
        return None
    marks = [
        _Mark(letter=letter, x=x, better=_better(o), kind=kind_of(o),
              is_extrapolated=o.standing.tier == "outside-studies", words=_words(letter, o, x, asked))
        for letter, o, x in known
    ]  # fmt: skip
    days = options[0].burden.days
    caption = _(
        "Each letter is one option: better days of %(days)s (half of the symptoms gone) against %(asked)s. The line "
        "through it is the band of nine in ten. Filled: suggested first; ringed: no material difference from it; "
        "plain: the rest; dashed: an extrapolation past the studies. Letters of one place stand beside each other."
    ) % {"days": days, "asked": str(asked.name).lower()}
    return Drawing(
        svg=mark_safe(_scatter(marks, asked, days, caption)),  # noqa: S308  every word in it was escaped
        caption=caption,
        head=[_("Option"), str(asked.name), _("Better days, middle"), "5 %", "95 %"],
        rows=[[m.letter, _short(m.x), *_cells(m.better)] for m in marks],
    )


def _better(option: Option) -> Range | None:
    return None if option.benefit is None else option.benefit.get("better_days")


def _cells(better: Range | None) -> list[str]:
    if better is None:
        return [_("not predictable"), "", ""]
    return [f"{v:.0f}" for v in (better.p50, better.p05, better.p95)]


def _words(letter: str, option: Option, amount: float, asked: Asked) -> str:
    said = {"letter": letter, "asked": str(asked.name), "amount": _short(amount)}
    better = _better(option)
    if better is None:
        return _("%(letter)s. %(asked)s: %(amount)s. Benefit not predictable.") % said
    said |= {"middle": f"{better.p50:.0f}", "low": f"{better.p05:.0f}", "high": f"{better.p95:.0f}"}
    return _("%(letter)s. %(asked)s: %(amount)s. Better days: %(middle)s (%(low)s to %(high)s).") % said


def _scatter(marks: Sequence[_Mark], asked: Asked, days: int, caption: str) -> str:
    """The drawing; options of which no benefit can be predicted stand in a lane of their own under the axis."""
    has_lane = any(m.better is None for m in marks)
    bottom = _HEIGHT - _FOOT - (_LANE if has_lane else 0.0)
    top_x, step_x = round_axis(max(m.x for m in marks))
    end = _WIDTH - _RIGHT

    def at_x(value: float) -> float:
        return _LEFT + (end - _LEFT) * value / top_x

    def at_y(value: float) -> float:
        return bottom - (bottom - _TOP) * min(value, days) / days

    parts = [_grid(at_y(v), f"{v:.0f}", end) for v in range(0, days + 1, 14)]
    lines = round(top_x / step_x)
    parts += [_label(at_x(i * step_x), _HEIGHT - _FOOT + 16, _short(i * step_x), "middle") for i in range(lines + 1)]
    parts.append(_label(end, _HEIGHT - 8, str(asked.name), "end"))
    parts.append(_label(_LEFT, 14, _("Better days of %(days)s") % {"days": days}, "start", "name"))
    hint = _("Better and lighter: up and to the left (%(fewest)s)") % {"fewest": asked.fewest}
    parts.append(_label(end, 14, hint, "end", "note"))
    if has_lane:
        parts.append(_grid(bottom + _LANE / 2 + 6, "", end))
        parts.append(_label(end, bottom + _LANE / 2 - 10, _("benefit not predictable"), "end", "note"))
    lane = bottom + _LANE / 2 + 6
    for mark, x, y in _beside(marks, at_x, lambda m: lane if m.better is None else at_y(m.better.p50)):
        parts.append(_mark(mark, x, y, at_y))
    title = _("Benefit against burden")
    return (
        f'<svg class="chart trade-off" width="{_WIDTH:g}" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" '
        f'aria-labelledby="trade-title trade-words"><title id="trade-title">{escape(title)}</title>'
        f'<desc id="trade-words">{escape(caption)}</desc>{"".join(parts)}</svg>'
    )


def _beside(
    marks: Sequence[_Mark], at_x: Callable[[float], float], at_y: Callable[[_Mark], float]
) -> Iterable[tuple[_Mark, float, float]]:
    """Each mark with its place; one that would cover another, or its band, stands beside it, as near as it can."""
    placed: list[tuple[float, float]] = []
    for mark in sorted(marks, key=lambda m: at_x(m.x)):
        own, y = at_x(mark.x), at_y(mark)
        for step in range(2 * len(marks) * round(_BESIDE / _BAND)):
            x = own + _BAND * ((step + 1) // 2) * (-1 if step % 2 else 1)
            is_free = all(abs(x - ox) >= (_BESIDE if abs(y - oy) < _BESIDE else _BAND) for ox, oy in placed)
            if is_free and _LEFT + _SIDE / 2 <= x <= _WIDTH - _SIDE / 2:
                break
        placed.append((x, y))
        yield mark, x, y


def _mark(mark: _Mark, x: float, y: float, at_y: Callable[[float], float]) -> str:
    band = ""
    if mark.better is not None:
        low, high = at_y(mark.better.p05), at_y(mark.better.p95)
        band = f'<line class="reach" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
    half = _SIDE / 2
    ring = ""
    if mark.kind == "alike":
        ring = (
            f'<rect class="ring" x="{x - half - 3:.1f}" y="{y - half - 3:.1f}" width="{_SIDE + 6:g}" '
            f'height="{_SIDE + 6:g}" rx="8"/>'
        )
    kind = f"{mark.kind} extrapolated" if mark.is_extrapolated else mark.kind
    return (
        f'<g class="way {kind}"><title>{escape(mark.words)}</title>{band}{ring}'
        f'<rect class="box" x="{x - half:.1f}" y="{y - half:.1f}" width="{_SIDE:g}" height="{_SIDE:g}" rx="6"/>'
        f'<text class="letter" x="{x:.1f}" y="{y + 5:.1f}" text-anchor="middle">{mark.letter}</text></g>'
    )


def _grid(y: float, words: str, end: float) -> str:
    line = f'<line class="grid" x1="{_LEFT:g}" x2="{end:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return line + (_label(_LEFT - 8, y + 4, words, "end") if words else "")


def _label(x: float, y: float, words: str, anchor: str, kind: str = "value") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def people(share: float, high: float, *, words: str) -> SafeString:
    """A hundred people: as many filled as the harm is expected in, ringed as far as it may go, small dots the rest.

    All of them fractions of 1; `words` say the same to whoever does not see it.
    """
    filled, ringed = round(_HUNDRED * share), round(_HUNDRED * max(high, share))
    places = [(5.0 + 10.0 * (i % 10), 5.0 + 10.0 * (i // 10)) for i in range(_HUNDRED)]
    svg = (
        f'<svg class="people" viewBox="0 0 100 100" width="84" height="84" role="img" aria-label="{escape(words)}">'
        f'<path class="none" d="{_dots(places[ringed:])}"/><path class="may" d="{_rings(places[filled:ringed])}"/>'
        f'<path class="hit" d="{_dots(places[:filled])}"/></svg>'
    )
    return mark_safe(svg)  # noqa: S308  the words are escaped, the rest are numbers


def _dots(places: Sequence[tuple[float, float]]) -> str:
    """Points that the style sheet draws round."""
    return "".join(f"M{x:g} {y:g}h0" for x, y in places)


def _rings(places: Sequence[tuple[float, float]]) -> str:
    r, d = f"{_RING:g}", f"{2 * _RING:g}"
    return "".join(f"M{x - _RING:g} {y:g}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0-{d} 0" for x, y in places)


def _short(value: float) -> str:
    return f"{value:.3g}"
