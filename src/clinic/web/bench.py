"""The bench: routes, doses, models and weights side by side on one axis of time, and the files of what it shows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.views.decorators.http import require_GET

from clinic.access.permission import Refused, may, reach
from clinic.queries import bench as queries
from clinic.queries.bench import ANALYTES, HOURS, Drawn
from clinic.queries.person import Chart, chart
from clinic.record.projections import knowledge
from clinic.web.bench_charts import Chart as Panelled
from clinic.web.bench_charts import charts, risks, said_of_bands, title_of, trust_of
from clinic.web.bench_files import as_csv, as_svg, person
from clinic.web.bench_form import LETTERS, SITES, Asked, asked, sentence
from clinic.web.charts import picture
from clinic.web.door import account_of, staff, told
from clinic.web.templatetags.clinic import says_something
from ketapath.domain.evidence import Finding
from ketapath.domain.interaction import Interaction
from ketapath.errors import BadInput
from ketapath.report.document import drawing_png

_SHOWN_APART = frozenset({"id", "title", "trust", "parameters", "known_conflicts", "sources"})
EXAMPLE = "a_way=racemic/iv&a_dose=35&a_minutes=40&b_way=esketamine/nasal&b_dose=56"
"""Two doses to begin with."""


def _read(view: Callable[[HttpRequest, Asked, Chart | None], HttpResponse]) -> Any:
    """The orders of an address, with the person that it names; a person who may not be read looks like nobody."""

    @require_GET
    @staff("use-bench")
    def behind(request: HttpRequest) -> HttpResponse:
        account, patient = account_of(request), request.GET.get("patient", "")[:64]
        if not patient:
            return view(request, asked(request.GET, None, ""), None)

        def opened() -> HttpResponse:
            found = chart(reach(account), patient) if may(account, "read-chart", patient_id=patient) else None
            if found is None:
                raise Refused("read-chart")
            return view(request, asked(request.GET, queries.who_of(found), patient), found)

        return told(request, "read-chart", opened, patient_id=patient)

    return behind


@_read
def bench(request: HttpRequest, wish: Asked, found: Chart | None) -> HttpResponse:
    """Compare up to four orders; htmx takes the result alone, or all of it when a route was changed."""
    drawn = _drawn(wish)
    if not request.htmx:  # type: ignore[attr-defined]
        return _page(request, wish, drawn, found, status=400 if wish.wrong else 200)
    context = _form(wish, found) | _result(wish, drawn, found)
    whole = "bench-all" in (request.htmx.target or "")  # type: ignore[attr-defined]
    answer = render(request, "bench/all.html" if whole or wish.is_other_way else "bench/part.html", context)
    if wish.is_other_way and not whole:  # a slider overtook the change of a route: its form must come too
        answer["HX-Retarget"], answer["HX-Reswap"] = "#bench-all", "outerHTML"
    answer["HX-Replace-Url"] = f"{reverse('bench')}?{wish.address}"
    return answer


@_read
def csv_file(request: HttpRequest, wish: Asked, found: Chart | None) -> HttpResponse:
    """Every curve with its bands as comma-separated values."""
    return _made(request, wish, found, as_csv, "text/csv; charset=utf-8", "bench.csv")


@_read
def svg_file(request: HttpRequest, wish: Asked, found: Chart | None) -> HttpResponse:
    """The panels as a drawing that stands alone."""
    return _made(request, wish, found, as_svg, "image/svg+xml", "bench.svg")


@_read
def png_file(request: HttpRequest, wish: Asked, found: Chart | None) -> HttpResponse:
    """The same drawing as a picture."""
    return _made(request, wish, found, lambda *what: drawing_png(as_svg(*what)), "image/png", "bench.png")


@require_GET
@staff("use-bench")
def interactions(request: HttpRequest) -> HttpResponse:
    """What another medicine does to the area under the level, by every route."""
    name, wrong = request.GET.get("drug", "").strip()[:60], ""
    found: tuple[Interaction, ...] = ()
    if name:
        try:
            found = queries.ratios(name)
        except BadInput as problem:
            wrong = sentence(problem.found, problem.limit)
    context = {"drug": name, "found": found, "wrong": wrong, "known": queries.known_drugs()}
    part = bool(request.htmx)  # type: ignore[attr-defined]
    page = "bench/ratios.html" if part else "bench/interactions.html"
    return render(request, page, context, status=400 if wrong and not part else 200)


@require_GET
@staff("use-bench")
def model(request: HttpRequest, name: str) -> HttpResponse:
    """The card of one model: every constant, its source, its range, its conflicts."""
    found = knowledge().drugs.get(name)
    if found is None:
        raise Http404
    rows = [(key, value) for key, value in found.items() if key not in _SHOWN_APART and says_something(value)]
    return render(request, "bench/model.html", {"model": found, "constants": _constants(found), "rows": rows})


@require_GET
@staff("use-bench")
def model_file(request: HttpRequest, name: str, kind: str) -> HttpResponse:
    """The file of a model as it is shipped, or with everything that it takes over from others."""
    found = knowledge().drugs.get(name)
    words = None if found is None or kind not in ("yaml", "json") else queries.shipped(name)
    if words is None:
        raise Http404
    if kind == "yaml":
        return _file(words, "application/yaml; charset=utf-8", f"{name}.yaml")
    return _file(json.dumps(found, indent=1, ensure_ascii=False), "application/json", f"{name}.json")


def _drawn(wish: Asked) -> list[Drawn]:
    """The curves that can be drawn; what cannot be is said at its field."""
    found = []
    for curve in tuple(wish.curves):
        try:
            found.append(queries.drawn(curve, wish.who, wish.view))
        except BadInput as problem:
            wish.refuse(curve, problem)
    return found


def _made(
    request: HttpRequest,
    wish: Asked,
    found: Chart | None,
    make: Callable[[list[Drawn], Asked], str | bytes],
    kind: str,
    name: str,
) -> HttpResponse:
    """A file, which is whole or is not made; then the page says at its field what is wrong."""
    drawn = _drawn(wish)
    if wish.wrong or not drawn:
        return _page(request, wish, drawn, found, status=400)
    return _file(make(drawn, wish), kind, name)


def _page(request: HttpRequest, wish: Asked, drawn: list[Drawn], found: Chart | None, *, status: int) -> HttpResponse:
    context = _form(wish, found) | _result(wish, drawn, found)
    return render(request, "bench/bench.html", context, status=status)


def _form(wish: Asked, found: Chart | None) -> dict[str, Any]:
    ways: dict[str, list[str]] = {}
    for product, route in queries.known_ways():
        ways.setdefault(product, []).append(f"{product}/{route}")
    curves = []
    for letter in LETTERS:
        product, _slash, route = wish.typed[f"{letter}_way"].partition("/")
        models = queries.models_of(product, route)
        device = next((m["device"] for m in models if "device" in m and route == "nasal"), None)
        curves.append(
            {
                "letter": letter,
                "way": wish.typed[f"{letter}_way"],
                "dose": wish.typed[f"{letter}_dose"],
                "minutes": wish.typed[f"{letter}_minutes"],
                "model": wish.typed[f"{letter}_model"],
                "weight": wish.typed[f"{letter}_weight"],
                "drug": wish.typed[f"{letter}_with"],
                "drugs": _choices(wish.typed[f"{letter}_with"]),
                "models": models,
                "is_vein": route == "iv",
                "is_special": any(
                    wish.typed[f"{letter}_{name}"] or f"{letter}_{name}" in wish.wrong
                    for name in ("model", "weight", "with")
                ),
                "slide": {"low": 28, "high": 84, "step": 28} if device else {"low": 1, "high": 300, "step": 1},
            }
        )
    return {
        "wish": wish,
        "slots": _slots(wish),
        "found": found,
        "curves": curves,
        "ways": ways,
        "hours": HOURS,
        "sites": SITES,
        "analytes": ANALYTES,
        "pressed": ("yes", "no"),
        "example": EXAMPLE,
    }


def _slots(wish: Asked) -> list[str]:
    """The fields that the form shows: those of a route that is not chosen are not there."""
    shown = []
    for name in wish.typed:
        letter, _underscore, own = name.partition("_")
        way = wish.typed.get(f"{letter}_way", "")
        if not own or own == "way" or (way and (own != "minutes" or way.endswith("/iv"))):
            shown.append(name)
    return shown


def _choices(chosen: str) -> list[tuple[str, str]]:
    """The medicines of a curve: those with a record, and the one that an address names beside them."""
    known = list(queries.known_drugs())
    return known if not chosen or chosen in dict(known) else [*known, (chosen, chosen)]


def _result(wish: Asked, drawn: list[Drawn], found: Chart | None) -> dict[str, Any]:
    """Everything under the form."""
    subjects = {one.curve.letter: one for one in drawn}
    return {
        "drawn": [_key(one) for one in drawn],
        "charts": [_picture(chart, place) for place, chart in enumerate(charts(drawn, wish.view))],
        "bands": said_of_bands(drawn),
        "risks": risks(drawn),
        "felt": _once(drawn),
        "takes_drug": any(one.curve.drug for one in drawn),
        "person": person(wish.who),
        "is_mixed": len({one.shown.analyte for one in drawn if one.shown is not None}) > 1,
        "left_out": [(one.curve.letter, one.left_out) for one in drawn if one.left_out],
        "absent": [one.curve.letter for one in drawn if one.shown is None],
        "missing": [letter for letter in LETTERS if wish.typed[f"{letter}_way"] and letter not in subjects],
        "equal": _equal(drawn),
        "sums": [_sum(one, wish.every_days) for one in drawn],
        "periods": queries.PERIODS,
        "recorded": queries.on_record(found) if found else (),
        "models": list(dict.fromkeys(name for one in drawn for name in _models(one))),
    }


def _key(one: Drawn) -> dict[str, Any]:
    return {
        "letter": one.curve.letter,
        "title": title_of(one),
        "model": one.model,
        "through": one.through,
        "is_extrapolated": _is_extrapolated(one),
        "models": _models(one),
        "trust": trust_of(one.model),
        "site": one.site,
        "analyte": "" if one.shown is None else one.shown.analyte,
        "peak": None if one.shown is None else max(one.shown.typical),
        "low": None if one.shown is None else max(one.shown.p05),
        "high": None if one.shown is None else max(one.shown.p95),
        "among": _among(one),
        "groups": _groups(one),
        "count": len(one.findings),
    }


def _is_extrapolated(one: Drawn) -> bool:
    """A person outside the people behind a model, or an arterial level by a route where nobody has measured one."""
    is_fed = bool(one.through) and one.curve.order.route != "iv"
    return is_fed or any("/extrapolated-" in finding.id for finding in one.findings)


def _among(one: Drawn) -> tuple[float, float] | None:
    """The lowest and the highest peak of the typical person by the models that are compared."""
    peaks = [max(series.typical) for _name, series in one.spread]
    return (min(peaks), max(peaks)) if peaks else None


def _once(drawn: list[Drawn]) -> list[Finding]:
    """What is to be known of the effects of all curves, each once; the heart rate is in the files, not on the page."""
    found = {f.id: f for one in drawn if one.effects is not None for f in one.effects.findings}
    return [finding for name, finding in found.items() if not name.endswith("resting-unknown-heart-rate")]


def _groups(one: Drawn) -> list[tuple[str, list[Finding]]]:
    """What is to be known of each model of a curve."""
    found: dict[str, list[Finding]] = {}
    for finding in one.findings:
        found.setdefault(finding.id.split("/")[0], []).append(finding)
    return list(found.items())


def _sum(one: Drawn, every_days: int) -> dict[str, Any]:
    found = queries.milligrams(one.curve.order, one.subject, one.curve.model, every_days)
    return {
        "letter": one.curve.letter,
        "title": title_of(one),
        "cells": list(zip(found.given, found.reaching, strict=True)),
        "is_whole": one.curve.order.route == "iv",
        "share": found.share.share,
        "sources": found.share.sources,
        "assumed": found.share.assumed,
    }


def _models(one: Drawn) -> list[str]:
    names = [name for name, _series in one.spread] or [one.model]
    return [*names, *([one.through] if one.through else [])]


def _picture(found: Panelled, place: int) -> dict[str, Any]:
    return {
        "heading": found.heading,
        "svg": picture(found.panel, f"bench-{found.name}-{place}"),
        "head": found.head,
        "rows": found.rows,
    }


def _equal(drawn: list[Drawn]) -> list[dict[str, Any]]:
    """A table for each substance, with a row for every route: the dose with the same area for each curve."""
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for one in drawn:
        for other in queries.equivalents(one.curve.order, one.subject):
            way = f"{other.product}/{other.route}"
            row = tables.setdefault(other.analyte, {}).setdefault(way, {"way": way, "one": other, "doses": {}})
            row["doses"][one.curve.letter] = other
    return [{"analyte": analyte, "rows": list(rows.values())} for analyte, rows in tables.items()]


def _constants(found: Any) -> list[dict[str, Any]]:
    """Every constant of a model as a row: value, range, spread between people, trust, source."""
    rows = []
    for name, entry in found["parameters"].items():
        spread = [
            (kind, entry[kind])
            for kind in ("bsv_variance", "bsv_cv_percent", "bsv_logit_sd", "bov_variance", "rse_percent")
            if kind in entry
        ]
        rows.append({"name": name, "spread": spread, **entry})
    return rows


def _file(content: str | bytes, kind: str, name: str) -> HttpResponse:
    return HttpResponse(content, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


urls = [
    path("bench", bench, name="bench"),
    path("bench/export.csv", csv_file, name="bench-csv"),
    path("bench/export.svg", svg_file, name="bench-svg"),
    path("bench/export.png", png_file, name="bench-png"),
    path("bench/interactions", interactions, name="bench-interactions"),
    path("bench/models/<str:name>", model, name="bench-model"),
    path("bench/models/<str:name>/file.<str:kind>", model_file, name="bench-file"),
]
