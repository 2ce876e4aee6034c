"""What does a marker move that passes the preset rules and is approved by name? Dose or expectation, within a bound.

As shipped no card passes, so nothing here moves anything. What moves says so on the option: the result, how far, the
bound, the card's version and who approved it. Eligibility and the order of options are out of reach: only these three
functions use a result, each on a finished figure. Where two cards would move the same thing, neither does, because they
were not validated together. Source: knowledge/biomarkers/validity.yaml, PGX-014.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ketapath.candidacy import fact_used
from ketapath.domain.biomarker import PlanEffect, SupposedEffect
from ketapath.domain.evidence import FactUsed, Text
from ketapath.domain.plan import DoseCalculation, MarkerMove, Moved, Range
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge, MarkerCard, paths
from ketapath.pharmacology import with_intrinsic_clearance

Drugs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mover:
    """A card that counts for an option, with the effect that this person's result has."""

    option: str
    card: MarkerCard
    effect: PlanEffect
    supposed: SupposedEffect
    result: FactUsed


def counting(knowledge: Knowledge, option: str) -> Mapping[Moved, MarkerCard]:
    """The cards that count for an option ("product/route") by what they move: approved, passing, and alone in it."""
    found: dict[Moved, list[MarkerCard]] = {}
    for card in knowledge.biomarkers.values():
        effect = card.effect
        if card.approved is None or effect is None or option not in effect.options or knowledge.failures(card):
            continue
        found.setdefault(effect.on, []).append(card)
    return {on: cards[0] for on, cards in found.items() if len(cards) == 1}


def movers(person: Profile, knowledge: Knowledge, option: str) -> Mapping[Moved, Mover]:
    """What moves this option for this person: cards that count, where the record states a result they speak of."""
    found = {}
    for on, card in counting(knowledge, option).items():
        spoken = (s for s in card.suppose if s.when is not None and s.holds(person.known, as_of=person.as_of))
        supposed = next(spoken, None)
        if supposed is not None and supposed.when is not None and card.effect is not None:
            stated = next(person.known[p] for p in paths(supposed.when) if p in person.known)
            result = fact_used(stated, knowledge)
            found[on] = Mover(option=option, card=card, effect=card.effect, supposed=supposed.effect, result=result)
    return found


def dose_moved(
    dose: DoseCalculation, protocol: Mapping[str, Any], moving: Mapping[Moved, Mover]
) -> tuple[DoseCalculation, tuple[MarkerMove, ...]]:
    """A dose by weight, moved by the published ratio of doses within the bound, in whole steps, never above the cap.

    A device holds fixed milligrams that the label sets: no marker moves those.
    """
    mover = moving.get("dose")
    if mover is None or "dose_mg_per_kg" not in protocol:
        return dose, ()
    step, ratio = dose.rounded_to_mg, _within(mover.supposed.value, 1.0, mover.effect)
    # Rounded towards the dose before, so that rounding never leaves the bound.
    steps = round(dose.dose_mg * ratio / step, 6)
    after = step * (math.ceil(steps) if ratio < 1.0 else math.floor(steps))
    if dose.cap_mg is not None:
        after = min(after, max(dose.cap_mg, dose.dose_mg))
    formula = f"{dose.formula}: {dose.dose_mg:g} mg, then x {ratio:.3g} ({mover.card.title}), in steps of {step:g} mg"
    moved = replace(dose, dose_mg=after, exact_mg=after, formula=formula, inputs=(*dose.inputs, mover.result))
    return moved, (_move(mover, dose.dose_mg, after, f"{dose.dose_mg:g}", f"{after:g}"),)


def benefit_moved(
    benefit: Mapping[str, Range] | None, moving: Mapping[Moved, Mover]
) -> tuple[Mapping[str, Range] | None, tuple[MarkerMove, ...]]:
    """The expected probability of response, moved by the published odds ratio within the bound."""
    mover = moving.get("response-probability")
    if mover is None or benefit is None:
        return benefit, ()
    before = benefit["p_response"]

    def moved(p: float) -> float:
        odds = mover.supposed.value * p / (1.0 - p) if p < 1.0 else math.inf
        return _within(odds / (1.0 + odds) if math.isfinite(odds) else 1.0, p, mover.effect)

    after = replace(before, p05=moved(before.p05), p50=moved(before.p50), p95=moved(before.p95))
    said = (f"{100 * before.p50:.0f}", f"{100 * after.p50:.0f}")
    return {**benefit, "p_response": after}, (_move(mover, before.p50, after.p50, *said),)


def exposure_moved(
    exposure: Range | None, moving: Mapping[Moved, Mover], at: Callable[[Drugs], Range | None], drugs: Drugs
) -> tuple[Range | None, tuple[MarkerMove, ...]]:
    """The expected peak, moved by the published ratio of intrinsic clearances within the bound.

    `at` gives the peak with other drug models.
    """
    mover = moving.get("exposure")
    if mover is None or exposure is None:
        return exposure, ()
    then = at(with_intrinsic_clearance(drugs, mover.supposed.value))
    assert then is not None
    share = _within(then.p50 / exposure.p50, 1.0, mover.effect)
    after = replace(exposure, p05=share * exposure.p05, p50=share * exposure.p50, p95=share * exposure.p95)
    return after, (_move(mover, exposure.p50, after.p50, f"{exposure.p50:.0f}", f"{after.p50:.0f}"),)


def _within(wanted: float, before: float, effect: PlanEffect) -> float:
    """The wanted value as far as direction and bound allow: never the other way, never further."""
    if effect.direction == "raises":
        return min(max(wanted, before), before + effect.bound)
    return max(min(wanted, before), before - effect.bound)


def _move(mover: Mover, before: float, after: float, said_before: str, said_after: str) -> MarkerMove:
    approved = mover.card.approved
    assert approved is not None
    return MarkerMove(
        marker=mover.card.id,
        version=mover.card.version,
        option=mover.option,
        on=mover.effect.on,
        before=before,
        after=after,
        bound=mover.effect.bound,
        result=mover.result,
        approved=approved,
        statement=Text(
            key=f"marker.moved.{mover.effect.on}",
            values={
                "marker": mover.card.title,
                "result": mover.supposed.result,
                "before": said_before,
                "after": said_after,
                "bound": f"{100 * mover.effect.bound:g}",
                "version": mover.card.version,
                "by": approved.by,
                "on": approved.on.isoformat(),
            },
        ),
        evidence=mover.card.evidence,
    )
