"""The charts of the bench: one panel under the other on one axis of time, each curve with its letter and its dashes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from clinic.queries.bench import Drawn, View, drugs_of
from clinic.record.projections import knowledge
from clinic.web.charts import round_axis
from clinic.web.words import WORDS
from ketapath.pharmacology import Series
from ketapath.pharmacology.effects import Band as EffectBand
from ketapath.pharmacology.effects import Risk
from ketapath.report.charts import Band, Letter, Line, Panel

WIDTH = 840.0
MOST_HALVES = 2
"""Up to so many curves the band of half of people is drawn; more would cover each other. Tables have it always."""
EFFECTS = ("dissociation", "systolic", "diastolic")
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
    if drawn.curve.drug:
        names = ", ".join(dict.fromkeys(one.drug for one in drugs_of(drawn.curve.drug)))
        words = _("%(words)s, with %(drug)s") % {"words": words, "drug": names}
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
    felt = [one for one in found if one.effects is not None]
    drawn = [_levels(shown, view)] if shown else []
    drawn += [_effect(felt, view, quantity) for quantity in EFFECTS] if felt else []
    room = max((chart.panel.name_room or 0.0 for chart in drawn), default=0.0)
    return [replace(chart, panel=replace(chart.panel, name_room=room)) for chart in drawn]


def said_of_bands(found: Sequence[Drawn]) -> str:
    """What lines and bands are; between several models the dark band is another thing than between people."""
    if len(found) <= MOST_HALVES:
        words = _("Lines: typical people. Dark bands: half of such people, light bands: nine of ten.")
    else:
        words = _("Lines: typical people. Bands: nine of ten such people; half of them stand in the tables.")
    letters = ", ".join(one.curve.letter.upper() for one in found if one.spread)
    if not letters:
        return words
    return _(
        "%(words)s Levels of %(letters)s: thin lines are other models, the dark band lies between the lowest and the "
        "highest model, the light band is of people by the first."
    ) % {"words": words, "letters": letters}


def risks(found: Sequence[Drawn]) -> list[tuple[str, list[Risk]]]:
    """The chance of an event in one session, a row for each event with one entry for each curve."""
    rows: dict[str, list[Risk]] = {}
    for one in found:
        for risk in one.effects.risks if one.effects is not None else ():
            rows.setdefault(_event(risk), []).append(risk)
    return list(rows.items())


def _event(risk: Risk) -> str:
    said = {"quantity": WORDS[risk.quantity], "limit": "" if risk.limit is None else f"{risk.limit:g}"}
    words = {
        "at-least": _("%(quantity)s of %(limit)s mmHg or more"),
        "rise": _("%(quantity)s %(limit)s mmHg or more above rest"),
        "criterion": _("dissociation that meets the criterion of trials"),
        "severe": _("severe dissociation (share assumed)"),
    }
    return words[risk.event] % said


def _effect(found: Sequence[Drawn], view: View, quantity: str) -> Chart:
    """One effect of every curve: bands of one reading, and the middle of such people."""
    bands: list[Band] = []
    lines: list[Line] = []
    letters: list[Letter] = []
    head, columns = [_("Minute")], []
    courses = [(one, _course(one, quantity)) for one in found]
    for one, course in courses:
        letter, xs = one.curve.letter, course.times_min
        bands.append(Band(kind=f"band90 {letter}", xs=xs, low=course.p05, high=course.p95))
        if len(found) <= MOST_HALVES:
            bands.append(Band(kind=f"band50 {letter}", xs=xs, low=course.p25, high=course.p75))
        lines.append(Line(kind=f"curve {letter}", name=short_name(one), xs=xs, ys=course.p50))
        letters.append(_letter(letter, xs, course.p50))
        head += [f"{letter.upper()} {share} %" for share in (5, 50, 95)]
        columns += [course.p05, course.p50, course.p95]
    first = courses[0][1]
    is_share, is_rise = quantity == "dissociation", first.above_resting
    heading = WORDS[f"effect {quantity}" + (" rise" if is_rise else "")]
    lowest = min(min(course.p05) for _one, course in courses)
    highest = max(max(course.p95) for _one, course in courses)
    panel = Panel(
        title=str(heading),
        description=_("Lines are the middle of such people, in the bands lie half and nine of ten. Predicted, not "
                      "measured."),
        x_name=_("min"),
        x_from=0.0,
        x_to=view.hours * 60.0,
        x_labels=times(view.hours),
        y_from=0.0 if is_share else 20.0 * math.floor(lowest / 20.0),
        y_to=1.0 if is_share else 20.0 * math.ceil(highest / 20.0),
        y_step=0.25 if is_share else 20.0,
        bands=bands,
        lines=lines,
        letters=letters,
        width=WIDTH,
        height=_EFFECT,
        name_room=_room([line.name for line in lines]),
    )  # fmt: skip
    return Chart(
        name=quantity,
        heading=str(heading),
        panel=panel,
        head=head,
        rows=list(_rows([course.times_min for _one, course in courses for _share in range(3)], columns, view)),
    )


def _course(one: Drawn, quantity: str) -> EffectBand:
    assert one.effects is not None
    return next(band for band in one.effects.bands if band.quantity == quantity)


def heading(found: Sequence[Drawn]) -> str:
    """What the levels are levels of."""
    names = ", ".join(dict.fromkeys(one.shown.analyte for one in found if one.shown is not None))
    every = [name for one in found for name in (knowledge().drugs[m]["site"] for m, _series in one.spread)]
    sites = ", ".join(dict.fromkeys(str(WORDS[name]) for name in [*(one.site for one in found), *every]))
    return _("%(analyte)s, ng/mL; blood: %(site)s") % {"analyte": names, "site": sites}


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
        bands += _bands(one, one.shown, len(found))
        lines += _lines(one, one.shown)
        letters.append(_letter(one.curve.letter, one.shown.times_min, one.shown.typical))
    panel = Panel(
        title=_("Levels over time"),
        description=_("%(bands)s The table below has the same numbers.") % {"bands": said_of_bands(found)},
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
    grids: list[Sequence[float]] = []
    for one in found:
        assert one.shown is not None
        letter = one.curve.letter.upper()
        head += [_("%(letter)s typical") % {"letter": letter}, f"{letter} 5 %", f"{letter} 50 %", f"{letter} 95 %"]
        columns += [one.shown.typical, one.shown.p05, one.shown.p50, one.shown.p95]
        grids += [one.shown.times_min] * (4 + len(one.spread[1:]))
        for name, series in one.spread[1:]:
            head.append(f"{letter} {model_name(name)}")
            columns.append(series.typical)
    return Chart(
        name="level",
        heading=heading(found),
        panel=panel,
        head=head,
        rows=list(_rows(grids, columns, view)),
    )


def _bands(one: Drawn, shown: Series, curves: int) -> Iterator[Band]:
    """Between the lowest and the highest model where several are compared; else of people by one model."""
    letter, xs = one.curve.letter, shown.times_min
    if one.spread:
        courses = [series.typical for _name, series in one.spread]
        low, high = (tuple(f(values) for values in zip(*courses, strict=True)) for f in (min, max))
        yield Band(kind=f"band90 {letter}", xs=xs, low=shown.p05, high=shown.p95)
        yield Band(kind=f"spread {letter}", xs=xs, low=low, high=high)
        return
    yield Band(kind=f"band90 {letter}", xs=xs, low=shown.p05, high=shown.p95)
    if curves <= MOST_HALVES:
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


def _rows(grids: Sequence[Sequence[float]], columns: Sequence[Sequence[float]], view: View) -> Iterator[list[str]]:
    """One row for each twelfth of the time, so that a table stays readable; every column by its own minutes."""
    for twelfth in range(13):
        minute = twelfth * view.hours * 5.0
        places = [grid.index(minute) for grid in grids]
        yield [f"{minute:g}", *(f"{column[place]:.3g}" for column, place in zip(columns, places, strict=True))]


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
