"""What would these doses do in this person, by every model that there is? Levels, effects, areas and milligrams.

What a page asks for again at every move of a slider is kept: one curve changes at a time, so only it is computed anew.
Nothing here is written down anywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any

import numpy as np

from clinic.queries.person import SEED, Chart, measured
from clinic.record.projections import knowledge
from ketapath.domain.evidence import Finding
from ketapath.domain.interaction import Interaction, Perpetrator
from ketapath.knowledge import FOLDER
from ketapath.pharmacology import (
    Availability,
    Effects,
    Equivalent,
    Order,
    Person,
    Resting,
    Sensitivity,
    Series,
    Simulation,
    Sites,
    Subject,
    acute_effects,
    arterial_sites,
    auc_ratio,
    availability,
    compare,
    driving_sites,
    equivalent_doses,
    perpetrators,
    simulate,
    ways,
)
from ketapath.pharmacology.choice import covering, is_child
from ketapath.pharmacology.simulate import ARTERIAL_MODEL

DRAWS = 300
EFFECT_DRAWS = 800
"""More than of levels, because every reading has an error of its own, which makes a band of few people ragged."""
HOURS = (2, 4, 8, 24, 72)
SESSION_HOURS = 8
"""Effects are those of one session; beyond so many hours none are shown."""
PERIODS = (30, 90, 365)
"""Days over which milligrams are added up."""
_KEPT = 256
_ONE_DOSE_MG = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """The person that doses are compared in; None where it is not known, and then it stays unknown."""

    weight_kg: float | None = None
    age_years: float | None = None
    systolic: float | None = None
    diastolic: float | None = None
    hypertension: bool | None = None
    sensitivity: Sensitivity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What of it is looked at: how many hours, which blood, which substance."""

    hours: int = 4
    site: str = "venous"
    analyte: str = "parent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """One order by its letter. `model` is "" for the route's default, "all", or a model's id.

    `weight_kg` is another weight than the person's, where one is compared; `drug` another medicine that is taken.
    """

    letter: str
    order: Order
    model: str = ""
    weight_kg: float | None = None
    drug: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A curve with what it came to. `shown` is the level asked for, None where its model does not know it.

    `spread` holds every model of the route where all are compared, the default first, as id and level; `left_out` those
    on which the interaction with the other medicine cannot be worked out. `through` is the
    arterial model that the uptake is fed into, "" where there is none; `effects` is None beyond a session.
    """

    curve: Curve
    subject: Subject
    model: str
    site: str
    shown: Series | None
    spread: tuple[tuple[str, Series], ...]
    through: str
    effects: Effects | None
    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Milligrams:
    """Milligrams of base in each of the periods: given, and what of it reaches the blood of one such person."""

    doses: tuple[int, ...]
    given: tuple[float, ...]
    reaching: tuple[tuple[float, float, float], ...]
    share: Availability


@dataclass(frozen=True, slots=True, kw_only=True)
class OnRecord:
    """What one product by one route came to in a person's record: mg in each period back, and planned ahead.

    `unknown` counts doses without their milligrams; `share` is None where no model covers such a person.
    """

    product: str
    route: str
    given: tuple[float, ...]
    planned: tuple[float, ...]
    unknown: int
    share: Availability | None


def drawn(curve: Curve, who: Who, view: View) -> Drawn:
    """The levels of one curve. Raises BadInput for a dose, person or model that cannot be."""
    subject = subject_of(curve, who)
    order, times = _per_dose(curve.order)
    found = _simulated(order, subject, view.hours, curve.model, curve.drug)
    first = found[0]
    no_effects = view.hours > SESSION_HOURS or is_child(subject)
    effects = None if no_effects else _effects(curve, subject, who, view.hours)
    spread: tuple[tuple[str, Series], ...] = ()
    through = ""
    if view.site == "arterial":
        shown, site = _scaled(_arterial(order, subject, view.hours, curve.drug), times), "arterial"
        through = "" if first.site == "arterial" else ARTERIAL_MODEL
    else:
        levels = [(one.model, _scaled(_picked(one, view.analyte), times)) for one in found]
        shown, site = levels[0][1], first.site
        spread = tuple((name, series) for name, series in levels if series is not None) if len(found) > 1 else ()
    return Drawn(
        curve=curve,
        subject=subject,
        model=first.model,
        site=site,
        shown=shown,
        spread=spread,
        through=through,
        effects=effects,
        left_out=_left_out(order, subject, found)
        if curve.drug and curve.model == "all" and view.site == "venous"
        else (),
        findings=tuple(
            {f.id: f for one in found for f in one.findings if view.site != "arterial" or not _is_of_vein(f)}.values()
        ),
    )


def _left_out(order: Order, subject: Subject, found: tuple[Simulation, ...]) -> tuple[str, ...]:
    """The models that cover this person and were not drawn with another medicine."""
    shown = {one.model for one in found}
    return tuple(m["id"] for m in covering(order, subject, knowledge().drugs) if m["id"] not in shown)


def _is_of_vein(finding: Finding) -> bool:
    """A note about blood that is not looked at."""
    return finding.id.endswith("/not-arterial")


def subject_of(curve: Curve | None, who: Who) -> Subject:
    """The person, at the weight of this curve where it has one."""
    weight = who.weight_kg if curve is None or curve.weight_kg is None else curve.weight_kg
    return Subject(weight_kg=weight, age_years=who.age_years)


@lru_cache(maxsize=_KEPT)
def equivalents(order: Order, subject: Subject) -> tuple[Equivalent, ...]:
    """The doses of every other route with the same area, in this person."""
    return equivalent_doses(order, subject, knowledge().drugs, draws=DRAWS, seed=SEED)


@lru_cache(maxsize=_KEPT)
def milligrams(order: Order, subject: Subject, model: str, every_days: int) -> Milligrams:
    """One dose every so many days, the first today, added up."""
    name = model if model in knowledge().drugs else None
    share = availability(order, subject, knowledge().drugs, draws=DRAWS, seed=SEED, model=name)
    doses = tuple(math.ceil(days / every_days) for days in PERIODS)
    given = tuple(n * order.dose_mg for n in doses)
    band = (share.share.p05, share.share.p50, share.share.p95)
    reaching = tuple((mg * band[0], mg * band[1], mg * band[2]) for mg in given)
    return Milligrams(doses=doses, given=given, reaching=reaching, share=share)


def on_record(found: Chart) -> tuple[OnRecord, ...]:
    """What this person was given in the last 30, 90 and 365 days, and what the plan that stands brings in the next."""
    if found.person is None:
        return ()
    pairs = dict.fromkeys((d.product, d.route) for d in found.person.doses)
    if found.plan is not None and found.sessions_ahead:
        pairs |= {(found.plan.product, found.plan.route): None}
    rows = []
    for product, route in pairs:
        doses = [d for d in found.person.doses if (d.product, d.route) == (product, route)]
        given = [
            sum(d.dose_mg or 0.0 for d in doses if found.as_of - timedelta(days=days) < d.on <= found.as_of)
            for days in PERIODS
        ]
        ahead = []
        if found.plan is not None and (found.plan.product, found.plan.route) == (product, route):
            ahead = [visit.on for visit in found.sessions_ahead]
        mg = found.plan.dose_mg if found.plan is not None and ahead else None
        planned = [(mg or 0.0) * sum(day < found.as_of + timedelta(days=days) for day in ahead) for days in PERIODS]
        unknown = sum(d.dose_mg is None for d in doses)
        rows.append(
            OnRecord(
                product=product,
                route=route,
                given=tuple(given),
                planned=tuple(planned),
                unknown=unknown,
                share=_share(product, route, subject_of(None, who_of(found))),
            )
        )
    return tuple(rows)


def _share(product: str, route: str, subject: Subject) -> Availability | None:
    """The share of one dose, or of one device, that reaches the blood."""
    for order in ways(subject, knowledge().drugs):
        if (order.product, order.route) == (product, route):
            return availability(order, subject, knowledge().drugs, draws=DRAWS, seed=SEED)
    return None


def who_of(found: Chart) -> Who:
    """The person as the record of today has it."""
    if found.person is None:
        return Who()
    known = found.person.known

    def figure(path: str) -> float | None:
        fact = known.get(path)
        return fact.value if fact is not None and isinstance(fact.value, float) else None

    pressed = known.get("history.hypertension")
    return Who(
        weight_kg=figure("vitals.weight_kg"),
        age_years=figure("person.age_years"),
        systolic=figure("vitals.systolic_mmhg"),
        diastolic=figure("vitals.diastolic_mmhg"),
        hypertension=None if pressed is None else bool(pressed.value),
        sensitivity=measured(found),
    )


@lru_cache(maxsize=_KEPT)
def drugs_of(name: str) -> tuple[Perpetrator, ...]:
    """The records behind the name of another medicine. Raises BadInput for a name that nobody knows."""
    return perpetrators([name], knowledge()) if name else ()


def known_drugs() -> tuple[tuple[str, str], ...]:
    """Every perpetrator with a record, as id and name."""
    return tuple((one.id, one.drug) for one in knowledge().perpetrators.values())


@lru_cache(maxsize=_KEPT)
def ratios(name: str) -> tuple[Interaction, ...]:
    """What another medicine does to the area under the level, by every product and route."""
    drugs = drugs_of(name)
    return tuple(
        auc_ratio(drugs, product, route, knowledge().drugs, draws=DRAWS, seed=SEED) for product, route in known_ways()
    )


@lru_cache(maxsize=1)
def known_ways() -> tuple[tuple[str, str], ...]:
    """Every product with a route that has a model for adults."""
    return tuple((order.product, order.route) for order in ways(Subject(), knowledge().drugs))


def models_of(product: str, route: str) -> tuple[Mapping[str, Any], ...]:
    """The models of this product and route."""
    return tuple(m for m in knowledge().drugs.values() if m["product"] == product and route in m["routes"])


def shipped(name: str) -> str | None:
    """The file of this model as it is shipped; None where there is none."""
    for file in sorted((FOLDER / "drugs").glob("*.yaml")):
        words = file.read_text(encoding="utf-8")
        if not file.name.endswith(".cases.yaml") and words.startswith(f"id: {name}\n"):
            return words
    return None


def minutes_of(hours: int, infusion_min: float | None = None) -> tuple[float, ...]:
    """The minutes that a curve is computed at: close while levels move fast, wider later, and the end of an infusion.

    The first hour is as close in a view of days as in one of a session, or the peak would be another number there.
    """
    minutes = {*range(0, 21, 2)}
    if hours <= 8:
        minutes |= {hours * m for m in range(61)}
    else:
        wide = 30 if hours <= 24 else 60
        minutes |= {*range(0, 121, 4), *range(120, 361, 15), *range(360 + wide, hours * 60 + 1, wide)}
    end = [infusion_min] if infusion_min is not None and infusion_min < hours * 60 else []
    return tuple(sorted({*map(float, minutes), *end}))


@lru_cache(maxsize=_KEPT)
def _simulated(order: Order, subject: Subject, hours: int, model: str, drug: str) -> tuple[Simulation, ...]:
    models, grid, drugs = knowledge().drugs, minutes_of(hours, order.infusion_min), drugs_of(drug)
    if model == "all":
        return compare(order, subject, models, grid, draws=DRAWS, seed=SEED, drugs=drugs)
    return (simulate(order, subject, models, grid, draws=DRAWS, seed=SEED, model=model or None, drugs=drugs),)


@lru_cache(maxsize=_KEPT)
def _effects(curve: Curve, subject: Subject, who: Who, hours: int) -> Effects:
    """What the dose does over a session; the arterial driver is that of the route's default model."""
    order, times = _per_dose(curve.order)
    sites = _sites(order, subject, hours, curve.drug)
    return acute_effects(
        replace(sites, levels={name: level * times for name, level in sites.levels.items()}),
        Resting(systolic=who.systolic, diastolic=who.diastolic),
        Person(age_years=who.age_years, hypertension=who.hypertension),
        knowledge().effects["acute"],
        sensitivity=who.sensitivity,
        rng=np.random.default_rng(SEED),
    )


@lru_cache(maxsize=_KEPT)
def _sites(order: Order, subject: Subject, hours: int, drug: str) -> Sites:
    figures, models = knowledge().effects["acute"], knowledge().drugs
    grid, drugs = minutes_of(hours, order.infusion_min), drugs_of(drug)
    return driving_sites(order, subject, models, grid, figures, draws=EFFECT_DRAWS, seed=SEED, drugs=drugs)


def _per_dose(order: Order) -> tuple[Order, float]:
    """An order of one size for all doses of its kind, and what its levels are multiplied with.

    Every model is linear, so a slider needs no computation anew; doses of whole devices are not in proportion.
    """
    if any("device" in model for model in models_of(order.product, order.route)):
        return order, 1.0
    return replace(order, dose_mg=_ONE_DOSE_MG), order.dose_mg / _ONE_DOSE_MG


def _scaled(series: Series | None, times: float) -> Series | None:
    if series is None or times == 1.0:
        return series
    typical, p05, p25, p50, p75, p95 = (
        tuple(times * level for level in course)
        for course in (series.typical, series.p05, series.p25, series.p50, series.p75, series.p95)
    )
    return replace(series, typical=typical, p05=p05, p25=p25, p50=p50, p75=p75, p95=p95)


@lru_cache(maxsize=_KEPT)
def _arterial(order: Order, subject: Subject, hours: int, drug: str) -> Series:
    grid, drugs = minutes_of(hours, order.infusion_min), drugs_of(drug)
    sites = arterial_sites(order, subject, knowledge().drugs, grid, {}, draws=DRAWS, seed=SEED, drugs=drugs)
    found = sites["arterial"]
    p05, p25, p50, p75, p95 = (
        tuple(row) for row in np.quantile(found[:, 1:], (0.05, 0.25, 0.5, 0.75, 0.95), axis=1).tolist()
    )
    return Series(
        analyte="S-ketamine", unit="ng/mL", times_min=grid, typical=tuple(found[:, 0].tolist()),
        p05=p05, p25=p25, p50=p50, p75=p75, p95=p95,
    )  # fmt: skip


_ANALYTES = {
    "parent": ("ketamine", "S-ketamine"),
    "s-ketamine": ("S-ketamine",),
    "norketamine": ("norketamine", "S-norketamine"),
    "hydroxynorketamine": ("S-hydroxynorketamine",),
}
ANALYTES = tuple(_ANALYTES)


def _picked(found: Simulation, analyte: str) -> Series | None:
    """The series that is looked at: the sum of both forms where the model has it, else S."""
    series = {one.analyte: one for one in found.series}
    return next((series[name] for name in _ANALYTES[analyte] if name in series), None)
