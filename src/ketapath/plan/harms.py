"""How likely is each harm that the policy limits, dose by dose? One session, this person, the pharmacology of each way.

Chances come from `pharmacology.acute_effects`. They stand on the resting pressure of today, or, where that is not known
or too high for a dose, on the highest at which a dose may be given (CON-007), and where nobody knows of hypertension on
the reactions of somebody who has it: the careful side of not knowing. A higher
dose is never taken for safer than a lower one, and a slower infusion never for safer than the usual one, so that a
stricter limit can only lower a dose: simulation error moves nothing. Limits: policy.yaml.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ketapath.domain.evidence import Text
from ketapath.domain.plan import HarmChance
from ketapath.domain.profile import Profile
from ketapath.knowledge import SITE_DEFAULT, Knowledge
from ketapath.pharmacology import (
    Order,
    Person,
    Resting,
    Sensitivity,
    Sites,
    Subject,
    acute_effects,
    driving_sites,
    has_model,
)

_DRAWS = 400  # source: our choice; a chance of 1 in 20 is then known to 1 in 100, each with 48 sessions
LIMITED = {
    "systolic-180": ("systolic", "at-least", 180.0, "limit_systolic_180"),
    "diastolic-110": ("diastolic", "at-least", 110.0, "limit_diastolic_110"),
    "severe-distress": ("dissociation", "severe", None, "limit_severe_distress"),
}
"""The harms that the policy limits: quantity, event and limit of the prediction, and the figure of the policy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """What one dose risks in one session. `marked` is the chance of marked dissociation (the CADSS criterion) or None.

    `harms` are those of `LIMITED`, in that order.
    """

    harms: tuple[HarmChance, ...]
    marked: float | None

    @property
    def broken(self) -> tuple[str, ...]:
        """The limits that this dose does not keep."""
        return tuple(h.id for h in self.harms if h.within is False)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Driven:
    """The effect-site levels of one order."""

    order: Order
    sites: Sites

    def at(self, other: Order) -> Sites | None:
        """The levels of another dose given the same way; None where they are not in proportion.

        Compartments are linear, so those of an infusion are. A spray is not: more devices take longer.
        """
        if other.route != "iv" or replace(other, dose_mg=self.order.dose_mg) != self.order:
            return None
        share = other.dose_mg / self.order.dose_mg
        return replace(self.sites, levels={name: share * level for name, level in self.sites.levels.items()})


def chances(
    person: Profile,
    protocol: Mapping[str, Any],
    doses_mg: Sequence[float],
    knowledge: Knowledge,
    *,
    seed: int,
    sensitivity: Sensitivity | None = None,
) -> dict[float, Chances]:
    """By dose (milligrams of base), each given as the protocol says, in the order of the doses.

    Where no model speaks of this way in this person every chance is unknown.
    """
    found: dict[float, Chances] = {}
    highest: Chances | None = None
    by_vein: Driven | None = None
    for dose in sorted(set(doses_mg)):
        one, by_vein = _at(person, protocol, dose, knowledge, seed, sensitivity, by_vein)
        highest = one if highest is None else _no_safer(one, highest)
        found[dose] = highest
    return found


def _at(
    person: Profile,
    protocol: Mapping[str, Any],
    dose_mg: float,
    knowledge: Knowledge,
    seed: int,
    sensitivity: Sensitivity | None,
    driven: Driven | None,
) -> tuple[Chances, Driven | None]:
    """The chances at this dose, and what drives them where another dose of the same way may be driven by it."""
    subject = _subject(person)
    order = Order(
        product=protocol["product"], route=protocol["route"], dose_mg=dose_mg, infusion_min=protocol.get("infusion_min")
    )
    figures = knowledge.effects["acute"]
    is_child = subject.age_years is not None and subject.age_years < 18.0  # source: reactions were seen in adults
    if subject.weight_kg is None or is_child or not has_model(order, subject, knowledge.drugs):
        key = "chance.needs_weight" if subject.weight_kg is None else "chance.no_model"
        return Chances(harms=tuple(_unknown(i, Text(key=key), knowledge) for i in LIMITED), marked=None), None
    resting, at = _resting(person, knowledge)
    sites = None if driven is None else driven.at(order)
    if sites is None:
        sites = driving_sites(order, subject, knowledge.drugs, (0.0, 60.0), figures, draws=_DRAWS, seed=seed)
    effects = acute_effects(
        sites, resting, _reacting(person), figures,
        sensitivity=sensitivity, rng=np.random.default_rng([seed, 8]),
    )  # fmt: skip
    risks = {(r.quantity, r.event, r.limit): r for r in effects.risks}
    harms = []
    for name, (quantity, event, limit, figure) in LIMITED.items():
        risk = risks[quantity, event, limit]
        if risk.p is None:
            harms.append(_unknown(name, risk.unknown or Text(key="chance.no_model"), knowledge))
            continue
        most = knowledge.figure(figure)
        harms.append(
            HarmChance(
                id=name,
                statement=Text(key=f"chance.{name}"),
                condition=Text(key="chance.at_any") if quantity == "dissociation" else at,
                p=risk.p,
                p05=risk.p05,
                p95=risk.p95,
                limit=most,
                within=risk.p <= most,
                assumed=risk.assumed,
                unknown=None,
                evidence=risk.evidence or (SITE_DEFAULT,),
            )
        )
    marked = risks["dissociation", "criterion", None].p
    return Chances(harms=tuple(harms), marked=marked), Driven(order=order, sites=sites)


def _no_safer(one: Chances, lower: Chances) -> Chances:
    """The chances of a dose, none of them below that of a lower dose."""

    def most(a: float | None, b: float | None) -> float | None:
        return b if a is None else a if b is None else max(a, b)

    harms = []
    for here, below in zip(one.harms, lower.harms, strict=True):
        p = most(here.p, below.p)
        harms.append(
            replace(
                here, p=p, p05=most(here.p05, below.p05), p95=most(here.p95, below.p95),
                within=None if p is None else p <= here.limit,
            )
        )  # fmt: skip
    return Chances(harms=tuple(harms), marked=most(one.marked, lower.marked))


def _unknown(name: str, why: Text, knowledge: Knowledge) -> HarmChance:
    return HarmChance(
        id=name, statement=Text(key=f"chance.{name}"), condition=why, p=None, p05=None, p95=None,
        limit=knowledge.figure(LIMITED[name][3]), within=None, assumed=False, unknown=why, evidence=(SITE_DEFAULT,),
    )  # fmt: skip


def _number(person: Profile, path: str) -> float | None:
    fact = person.known.get(path)
    return fact.value if fact is not None and isinstance(fact.value, float) else None


def _subject(person: Profile) -> Subject:
    sex = person.known.get("person.sex")
    return Subject(
        weight_kg=_number(person, "vitals.weight_kg"),
        age_years=_number(person, "person.age_years"),
        sex=None if sex is None else str(sex.value),
    )


def _resting(person: Profile, knowledge: Knowledge) -> tuple[Resting, Text]:
    """The pressure that a session would start from, and which it is."""
    highest = {q: knowledge.rules["CON-007"].limit(f"vitals.{q}_mmhg") for q in ("systolic", "diastolic")}
    today = {q: _number(person, f"vitals.{q}_mmhg") for q in highest}
    measured = {q: v for q, v in today.items() if v is not None and v <= highest[q]}
    found = measured if len(measured) == len(highest) else highest
    key = "chance.at_today" if found is measured else "chance.at_highest"
    key += "" if "history.hypertension" in person.known else "_as_if_hypertensive"
    values = {q: f"{v:g}" for q, v in found.items()}
    return Resting(systolic=found["systolic"], diastolic=found["diastolic"]), Text(key=key, values=values)


def _reacting(person: Profile) -> Person:
    """Who reacts: without an answer about hypertension somebody who has it, as in everything that is not known here."""
    tension = person.known.get("history.hypertension")
    return Person(age_years=_number(person, "person.age_years"), hypertension=tension is None or tension.value is True)
