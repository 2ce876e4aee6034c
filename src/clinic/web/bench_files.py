"""What the bench shows, as files: numbers to compute with, and a drawing that stands alone. Notes travel with both."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from clinic.queries.bench import Drawn, Who
from clinic.record.projections import knowledge
from clinic.web.bench_charts import charts, said_of_bands, title_of, trust_of
from clinic.web.bench_form import Asked
from clinic.web.words import WORDS
from ketapath.domain.evidence import Text
from ketapath.pharmacology import Series
from ketapath.pharmacology.effects import Band
from ketapath.report import say
from ketapath.report.sheet import sheet, table_csv

HEAD = (
    "curve", "product", "route", "dose_mg", "infusion_min", "weight_kg", "model", "trust", "site", "quantity", "unit",
    "minute", "typical", "p05", "p25", "p50", "p75", "p95",
)  # fmt: skip


def as_csv(found: list[Drawn], wish: Asked) -> str:
    """One row for each curve, model and minute."""
    return table_csv(HEAD, _rows(found), comments=[*_lines(found, wish), *_notes(found)])


def as_svg(found: list[Drawn], wish: Asked) -> str:
    """Every panel, with the curves in words above and what has to be known below."""
    panels = [(chart.heading, chart.panel) for chart in charts(found, wish.view)]
    lines = [*_lines(found, wish), said_of_bands(found)]
    return sheet(panels, title=_("Doses compared"), lines=lines, notes=_notes(found))


def _rows(found: list[Drawn]) -> Iterator[list[object]]:
    for one in found:
        shown = [(one.model, one.shown)] if one.shown is not None else []
        for model, series in [*shown, *one.spread[1:]]:
            yield from _series(one, model, series)
        for band in one.effects.bands if one.effects is not None else ():
            yield from _band(one, band)


def _band(one: Drawn, band: Band) -> Iterator[list[object]]:
    """An effect; it has no typical course, and its constants are partly assumed."""
    order = one.curve.order
    quantity = f"{band.quantity} above rest" if band.above_resting else band.quantity
    start = [
        one.curve.letter.upper(), order.product, order.route, f"{order.dose_mg:g}", _or_empty(order.infusion_min),
        _or_empty(one.subject.weight_kg), "acute effects", "assumption", "arterial", quantity, band.unit,
    ]  # fmt: skip
    for place, minute in enumerate(band.times_min):
        values = (getattr(band, name)[place] for name in ("p05", "p25", "p50", "p75", "p95"))
        yield [*start, f"{minute:g}", "", *(f"{value:.6g}" for value in values)]


def _series(one: Drawn, model: str, series: Series) -> Iterator[list[object]]:
    order, site = one.curve.order, knowledge().drugs[model]["site"] if one.spread else one.site
    start = [
        one.curve.letter.upper(), order.product, order.route, f"{order.dose_mg:g}", _or_empty(order.infusion_min),
        _or_empty(one.subject.weight_kg), model, trust_of(model), site, series.analyte, series.unit,
    ]  # fmt: skip
    for place, minute in enumerate(series.times_min):
        values = (getattr(series, name)[place] for name in ("typical", "p05", "p25", "p50", "p75", "p95"))
        yield [*start, f"{minute:g}", *(f"{value:.6g}" for value in values)]


def _or_empty(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _lines(found: list[Drawn], wish: Asked) -> Iterator[str]:
    """What each curve is, and whose."""
    for one in found:
        trust = WORDS[f"model {trust_of(one.model)}"]
        words = f"{one.curve.letter.upper()}: {title_of(one)}; {one.model} ({trust})"
        if one.through:
            words = _("%(words)s, fed into %(model)s") % {"words": words, "model": one.through}
        yield words
    yield person(wish.who)


def person(who: Who) -> str:
    """What is known of the person, and what is not and would change what is drawn."""
    missing = _unknown(who)
    said = [*_known(who), *([_("not known: %(names)s") % {"names": ", ".join(missing)}] if missing else [])]
    return _("Person: %(said)s") % {"said": "; ".join(said)}


def _unknown(who: Who) -> list[str]:
    facts = {
        _("weight"): who.weight_kg, _("age"): who.age_years, _("resting systolic"): who.systolic,
        _("resting diastolic"): who.diastolic, _("hypertension"): who.hypertension,
    }  # fmt: skip
    return [name for name, value in facts.items() if value is None]


def _known(who: Who) -> Iterator[str]:
    if who.weight_kg is not None:
        yield f"{who.weight_kg:g} kg"
    if who.age_years is not None:
        yield _("%(years)s years") % {"years": f"{who.age_years:g}"}
    if who.systolic is not None or who.diastolic is not None:
        yield _("resting pressure %(systolic)s/%(diastolic)s mmHg") % {
            "systolic": _or_unknown(who.systolic), "diastolic": _or_unknown(who.diastolic),
        }  # fmt: skip
    if who.hypertension is not None:
        yield _("hypertension") if who.hypertension else _("no hypertension")
    if who.sensitivity is not None and who.sensitivity.sessions:
        yield _("own sessions in the prediction: %(count)s") % {"count": who.sensitivity.sessions}


def _or_unknown(value: float | None) -> str:
    return "?" if value is None else f"{value:g}"


def _notes(found: list[Drawn]) -> Iterator[str]:
    """That it is predicted, and every finding of every curve with its sources."""
    texts = knowledge().texts
    yield say(Text(key="bench.predicted"), texts)
    of_curves: dict[tuple[str, str], list[str]] = {}
    sources: dict[str, None] = {}
    for one in found:
        for finding in (*one.findings, *(one.effects.findings if one.effects is not None else ())):
            said = (finding.id.split("/")[0], say(finding.statement, texts))
            letters = of_curves.setdefault(said, [])
            letters += [one.curve.letter.upper()] if one.curve.letter.upper() not in letters else []
            sources |= dict.fromkeys(e.key for e in finding.evidence if e.key)
    for (about, words), letters in of_curves.items():
        yield f"{', '.join(letters)} ({about}): {words}"
    yield _("Sources: %(keys)s") % {"keys": ", ".join(sources)}
    yield _("ketapath, knowledge %(version)s") % {"version": knowledge().version}
