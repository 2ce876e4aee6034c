"""What does each marker say of this person, and does it change the plan? Usually not, and each line says why.

`biomarkers` lays every card beside one person: what is on record, how strong the evidence is, what was found in other
people, which preset rules the card does not meet, and how far level or response would move if the published effect
were true. The last is shown and never used. Nothing here asks for a test, and nothing here moves a plan: what may do so
is plan/markers.py. Assumption for a correlation: marker and improvement are jointly normal. Sources: the cards.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from functools import partial
from statistics import NormalDist
from typing import Literal

from ketapath.candidacy import assess, fact_used, finding
from ketapath.domain.biomarker import MarkerView, Reported, Study, SupposedEffect, WhatIf
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import FactUsed, Text
from ketapath.domain.fact import Fact
from ketapath.domain.plan import MarkerMove, Option, Plan, Range
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge, MarkerCard
from ketapath.pharmacology import Order, Subject, exposure, has_model, with_intrinsic_clearance
from ketapath.plan import counting, propose

__all__ = ["biomarkers"]

Quantity = Literal["peak", "area", "response", "dose"]
Spans = Mapping[Quantity, tuple[float, float, float]]
"""For each quantity its 5, 50 and 95 of 100."""

_UNITS: Mapping[Quantity, str] = {"peak": "ng/mL", "area": "ng.h/mL", "response": "1", "dose": "mg"}
_NORMAL = NormalDist()


def biomarkers(
    person: Profile, knowledge: Knowledge, clinic: Clinic, *, plan: Plan | None = None, seed: int = 0
) -> tuple[MarkerView, ...]:
    """Every marker that there is a card for, in the order of the cards, reported or not.

    `knowledge` is as it counts at the clinic (under its policy). What would be if is told of the options of `plan`;
    where none is given it is made with this seed.
    """
    if plan is None:
        plan = propose(person, assess(person, clinic, knowledge), clinic, knowledge, seed=seed)
    return tuple(_view(card, person, plan, knowledge) for card in knowledge.biomarkers.values())


def _foremost(plan: Plan) -> dict[str, Option]:
    """The first option of each product and route: what a marker does is the same for the others."""
    found: dict[str, Option] = {}
    for option in plan.options:
        found.setdefault(f"{option.product}/{option.route}", option)
    return found


def _view(card: MarkerCard, person: Profile, plan: Plan, knowledge: Knowledge) -> MarkerView:
    fails = knowledge.failures(card)
    moves = tuple(move for option in _foremost(plan).values() for move in option.markers if move.marker == card.id)
    what_if = () if moves else tuple(_what_if(card, person, plan, knowledge))
    rules = tuple(knowledge.rules[i] for i in card.rules)
    return MarkerView(
        id=card.id,
        version=card.version,
        title=card.title,
        kind=card.kind,
        measures=card.measures,
        predicts=card.predicts,
        claim=card.claim,
        reported=tuple(_reported(card, person, knowledge)),
        grade=card.grade,
        strength=card.strength,
        studies=card.studies,
        best_out_of_sample=_best_out_of_sample(card),
        validity=card.validity,
        fails=fails,
        approved=card.approved,
        verdict=_verdict(card, is_passing=not fails, moves=moves, plan=plan, knowledge=knowledge),
        moves=moves,
        what_if=what_if,
        no_what_if=None if what_if else _why_nothing(card, moves),
        label=Text(key="marker.used" if moves else "marker.not_used"),
        says=tuple(
            finding(rule, True, person, knowledge) for rule in rules if rule.holds(person.known, as_of=person.as_of)
        ),
        rules=tuple(rule.ref for rule in rules),
        evidence=card.evidence,
        device_line=card.device_line,
        reviewed_on=card.reviewed_on,
        note=card.note,
    )


def _reported(card: MarkerCard, person: Profile, knowledge: Knowledge) -> Iterator[Reported]:
    """What is on record, that which may not be relied on today with its reason."""
    for path in card.reads:
        if path in person.known:
            yield Reported(fact=fact_used(person.known[path], knowledge), set_aside=None)
        for fact in person.unusable:
            if fact.path == path and fact.reason is not None:
                yield Reported(fact=_as_stated(fact, knowledge), set_aside=fact.reason)


def _as_stated(fact: Fact, knowledge: Knowledge) -> FactUsed:
    label = knowledge.paths[fact.path].label
    said = fact.as_stated or str(fact.value)
    return FactUsed(path=fact.path, label=label, value=said, on=fact.on, source=str(fact.origin))


def _best_out_of_sample(card: MarkerCard) -> Study | None:
    """The finding in other people that has a figure, else the one in most people."""
    others = [study for study in card.studies if study.sample == "out-of-sample"]
    return max(others, key=lambda study: (study.figure is not None, study.n or 0), default=None)


def _verdict(
    card: MarkerCard, *, is_passing: bool, moves: tuple[MarkerMove, ...], plan: Plan, knowledge: Knowledge
) -> Text:
    if moves:
        return Text(key="marker.changes")
    if not is_passing:
        return Text(key="marker.does_not_change")
    if card.approved is None:
        return Text(key="marker.not_approved")
    options = list(_foremost(plan))
    alone = card in [found for name in options for found in counting(knowledge, name).values()]
    return Text(key="marker.no_result" if alone or not options else "marker.not_alone")


def _why_nothing(card: MarkerCard, moves: tuple[MarkerMove, ...]) -> Text:
    if moves:
        return Text(key="marker.is_used")
    if card.no_size:
        return Text(key="marker.no_size", values={"why": card.no_size})
    return Text(key="marker.no_option")


def _what_if(card: MarkerCard, person: Profile, plan: Plan, knowledge: Knowledge) -> Iterator[WhatIf]:
    for supposed in card.suppose:
        holds = supposed.holds(person.known, as_of=person.as_of)
        for way, option in _foremost(plan).items():
            now = _spans(option, supposed.effect, None, person, plan, knowledge)
            sizes = (supposed.effect.value, *(supposed.effect.interval or ()))
            then = [_spans(option, supposed.effect, size, person, plan, knowledge) for size in sizes]
            for quantity, span in now.items():
                yield WhatIf(
                    option=way,
                    quantity=quantity,
                    effect=supposed.effect,
                    is_this_person=holds,
                    now=_range(quantity, [span]),
                    then=_range(quantity, [spans[quantity] for spans in then]),
                )


def _range(quantity: Quantity, spans: list[tuple[float, float, float]]) -> Range:
    """The middle of the first; the band of all, so that it also holds the interval of the effect."""
    low, high = min(span[0] for span in spans), max(span[2] for span in spans)
    return Range(p05=low, p50=spans[0][1], p95=high, unit=_UNITS[quantity])


def _spans(
    option: Option, effect: SupposedEffect, size: float | None, person: Profile, plan: Plan, knowledge: Knowledge
) -> Spans:
    """What the effect bears on in this option, with an effect of this size or, for None, without it."""
    if effect.measure == "intrinsic-clearance-ratio":
        return _levels(option, 1.0 if size is None else size, person, plan, knowledge)
    if effect.measure == "dose-ratio":
        mg = None if option.dose is None else option.dose.dose_mg * (1.0 if size is None else size)
        return {} if mg is None else {"dose": (mg, mg, mg)}
    if option.benefit is None:
        return {}
    found = option.benefit["p_response"]
    moved = partial(_chance, effect=effect, size=size)
    return {"response": (moved(found.p05), moved(found.p50), moved(found.p95))}


def _levels(option: Option, ratio: float, person: Profile, plan: Plan, knowledge: Knowledge) -> Spans:
    """Peak and area of the first dose for a liver this much faster; nothing without a dose or a weight."""
    weight, age, sex = (person.known.get(p) for p in ("vitals.weight_kg", "person.age_years", "person.sex"))
    if option.dose is None or weight is None or not isinstance(weight.value, float):
        return {}
    order = Order(
        product=option.product, route=option.route, dose_mg=option.dose.dose_mg, infusion_min=option.infusion_min
    )
    subject = Subject(
        weight_kg=weight.value,
        age_years=age.value if age is not None and isinstance(age.value, float) else None,
        sex=str(sex.value) if sex is not None else None,
    )
    if not has_model(order, subject, knowledge.drugs):
        return {}
    found = exposure(
        order,
        subject,
        with_intrinsic_clearance(knowledge.drugs, ratio),
        draws=int(knowledge.figure("exposure_draws")),
        seed=plan.seed,
    )
    return {"peak": found.peak, "area": found.area}


def _chance(p: float, *, effect: SupposedEffect, size: float | None) -> float:
    """A probability of response with an odds ratio, or at so many standard deviations of a marker that correlates.

    For a correlation r: P(improvement above the limit | marker at z) = Phi((Phi^-1(p) + r z) / sqrt(1 - r^2)).
    """
    if size is None or not 0.0 < p < 1.0:
        return p
    if effect.measure == "odds-ratio":
        odds = size * p / (1.0 - p)
        return odds / (1.0 + odds)
    assert effect.sd is not None
    return _NORMAL.cdf((_NORMAL.inv_cdf(p) + size * effect.sd) / math.sqrt(1.0 - size**2))
