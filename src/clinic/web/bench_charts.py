"""The charts of the bench: one panel under the other on one axis of time, each curve with its letter and its dashes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from clinic.queries.bench import Drawn, View
from clinic.record.projections import knowledge
from clinic.web.charts import round_axis
from clinic.web.words import WORDS
from ketapath.pharmacology import Series
from ketapath.report.charts import Band, Letter, Line, Panel

WIDTH = 840.0
_LEVEL, _EFFECT = 300.0, 190.0
_LETTER_ROOM, _ROOM_AT_LEAST = 7.4, 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One panel with its heading, and its numbers as a table."""

    name: str
    heading: str
    panel: Panel
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def title_of(drawn: Drawn) -> str:
    """A curve in words: what, how, how much, over how long, in what weight."""
    order = drawn.curve.order
    said = {"what": WORDS[f"{order.product}/{order.route}"], "mg": f"{order.dose_mg:g}"}
    if order.infusion_min is None:
        words = _("%(what)s, %(mg)s mg") % said
    elif order.infusion_min == 0:
        words = _("%(what)s, %(mg)s mg at once") % said
    else:
        words = _("%(what)s, %(mg)s mg over %(minutes)s minutes") % (said | {"minutes": f"{order.infusion_min:g}"})
    if drawn.curve.weight_kg is not None:
        words = _("%(words)s, at %(weight)s kg") % {"words": words, "weight": f"{drawn.curve.weight_kg:g}"}
    return words


def short_name(drawn: Drawn) -> str:
    """A curve at the end of its line."""
    order = drawn.curve.order
    return f"{drawn.curve.letter.upper()} · {order.dose_mg:g} mg {WORDS[order.route]}"


def model_name(name: str) -> str:
    """A model at the end of its line: authors and year where it is a published one."""
    first = name.split("_")[0]
    return first.capitalize() if any(sign.isdigit() for sign in first) else name.replace("_", " ")


def charts(found: Sequence[Drawn], view: View) -> list[Chart]:
    """Every panel that there is something to draw in, all with the same room for names."""
    shown = [one for one in found if one.shown is not None]
    return [_levels(shown, view)] if shown else []


def heading(found: Sequence[Drawn]) -> str:
    """What the levels are levels of."""
    names = ", ".join(dict.fromkeys(one.shown.analyte for one in found if one.shown is not None))
    sites = ", ".join(dict.fromkeys(str(WORDS[one.site]) for one in found))
    return _("%(analyte)s, ng/mL, %(site)s blood") % {"analyte": names, "site": sites}


def _levels(found: Sequence[Drawn], view: View) -> Chart:
    highest = max(
        max(max(one.shown.p95), *(max(series.typical) for _name, series in one.spread))
        if one.spread else max(one.shown.p95)
        for one in found if one.shown is not None
    )  # fmt: skip
    top, step = round_axis(highest)
    bands: list[Band] = []
    lines: list[Line] = []
    letters: list[Letter] = []
    for one in found:
        assert one.shown is not None
        bands += _bands(one, one.shown)
        lines += _lines(one, one.shown)
        letters.append(_letter(one.curve.letter, one.shown.times_min, one.shown.typical))
    panel = Panel(
        title=_("Levels over time"),
        description=_("Lines are typical people; in the bands lie half and nine of ten such people. The table below "
                      "has the same numbers."),
        x_name=_("h") if view.hours > 8 else _("min"),
        x_from=0.0,
        x_to=view.hours * 60.0,
        x_labels=times(view.hours),
        y_to=top,
        y_step=step,
        bands=bands,
        lines=lines,
        letters=letters,
        width=WIDTH,
        height=_LEVEL,
        name_room=_room([line.name for line in lines]),
    )  # fmt: skip
    head = [_("Minute")]
    columns: list[Sequence[float]] = []
    for one in found:
        assert one.shown is not None
        letter = one.curve.letter.upper()
        head += [_("%(letter)s typical") % {"letter": letter}, f"{letter} 5 %", f"{letter} 50 %", f"{letter} 95 %"]
        columns += [one.shown.typical, one.shown.p05, one.shown.p50, one.shown.p95]
        for name, series in one.spread[1:]:
            head.append(f"{letter} {model_name(name)}")
            columns.append(series.typical)
    assert found[0].shown is not None
    return Chart(
        name="level",
        heading=heading(found),
        panel=panel,
        head=head,
        rows=list(_rows(found[0].shown.times_min, columns, view)),
    )


def _bands(one: Drawn, shown: Series) -> Iterator[Band]:
    """Between the lowest and the highest model where several are compared; else of people by one model."""
    letter, xs = one.curve.letter, shown.times_min
    if one.spread:
        courses = [series.typical for _name, series in one.spread]
        low, high = (tuple(f(values) for values in zip(*courses, strict=True)) for f in (min, max))
        yield Band(kind=f"band90 {letter}", xs=xs, low=shown.p05, high=shown.p95)
        yield Band(kind=f"spread {letter}", xs=xs, low=low, high=high)
        return
    yield Band(kind=f"band90 {letter}", xs=xs, low=shown.p05, high=shown.p95)
    yield Band(kind=f"band50 {letter}", xs=xs, low=shown.p25, high=shown.p75)


def _lines(one: Drawn, shown: Series) -> Iterator[Line]:
    """The models that are compared, thin, then the typical person of the first."""
    letter = one.curve.letter
    for name, series in one.spread[1:]:
        yield Line(kind=f"model {letter}", name=model_name(name), xs=series.times_min, ys=series.typical)
    yield Line(kind=f"curve {letter}", name=short_name(one), xs=shown.times_min, ys=shown.typical)


def _letter(letter: str, xs: Sequence[float], ys: Sequence[float]) -> Letter:
    """The letter at the highest place of its line."""
    place = max(range(len(ys)), key=ys.__getitem__)
    return Letter(kind=letter, x=xs[place], y=ys[place], words=letter.upper())


def _rows(minutes: Sequence[float], columns: Sequence[Sequence[float]], view: View) -> Iterator[list[str]]:
    """One row for each twelfth of the time, so that a table stays readable."""
    every = view.hours * 5.0
    for place, minute in enumerate(minutes):
        if minute % every == 0:
            yield [f"{minute:g}", *(f"{column[place]:.3g}" for column in columns)]


def times(hours: int) -> list[tuple[float, str]]:
    """The axis of time: minutes in a session, hours beyond."""
    if hours <= 8:
        step = hours * 10
        return [(float(m), str(m)) for m in range(0, hours * 60 + 1, step)]
    step = 4 if hours <= 24 else 12
    return [(h * 60.0, str(h)) for h in range(0, hours + 1, step)]


def _room(names: Sequence[str]) -> float:
    return max(_ROOM_AT_LEAST, 24.0 + _LETTER_ROOM * max(map(len, names), default=0))


def trust_of(name: str) -> str:
    """How far the constants of a model can be trusted, as a code word."""
    return str(knowledge().drugs[name]["trust"])
