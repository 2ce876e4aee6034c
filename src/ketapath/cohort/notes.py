"""What must a reader know of a simulated trial before its figures? What was assumed, and what was not simulated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ketapath.cohort.design import Design, TrialArm
from ketapath.domain.evidence import Evidence, Text
from ketapath.knowledge import Knowledge, published
from ketapath.response.evidence import response_evidence

_PER_SESSION = "severe-sessions"
"""Severe hypertension by session, of 0.5 mg/kg by vein; a row of effects/observed.yaml."""
_BY_PEOPLE = "label-sys-180-young"
"""Systolic 180 or more in people with eight sessions of the spray; a row of the same file."""
_DOSES = {("racemic", "iv"): (_PER_SESSION, {0.5}), ("esketamine", "nasal"): (_BY_PEOPLE, {56.0, 84.0})}


def past_180(one: TrialArm, knowledge: Knowledge) -> float | None:
    """The published chance of a systolic pressure past 180 in one session, the same in every session of everybody.

    None where no figure was published for the product, route and every dose of the arm.
    """
    row = _row(one, knowledge)
    if row is None:
        return None
    share = float(row["percent"]) / 100.0
    return share if row["statistic"] == "share-of-sessions" else float(1.0 - (1.0 - share) ** (1.0 / row["sessions"]))


def _row(one: TrialArm, knowledge: Knowledge) -> Mapping[str, Any] | None:
    if one.regimen is None:
        return None
    name, doses = _DOSES.get((one.regimen.product, one.regimen.route), ("", set()))
    if not name or not set(one.doses) <= doses:
        return None
    rows: Iterable[Mapping[str, Any]] = knowledge.effects["observed"]
    return next(row for row in rows if row["id"] == name)


def evidence_of(design: Design, knowledge: Knowledge) -> tuple[Evidence, ...]:
    """The sources of the response model and of the harms that are told."""
    rows = [row for one in design.arms if (row := _row(one, knowledge)) is not None]
    harms = [published(knowledge.sources[str(row["source"])]) for row in rows]
    return tuple(dict.fromkeys((*response_evidence(knowledge), *harms)))


def notes_on(design: Design, knowledge: Knowledge) -> tuple[Text, ...]:
    """In the order in which they matter."""
    return tuple(_notes(design, knowledge))


def _notes(design: Design, knowledge: Knowledge) -> Iterator[Text]:
    yield Text(key=f"trial.truth_{design.truth.replace('-', '_')}")
    yield Text(key="trial.virtual")
    controls = [arm.regimen is None for arm in design.arms]
    if any(controls) and not all(controls) and design.people.control != "none":
        yield Text(key="trial.unblinding")
    for arm in design.arms:
        if arm.integration[1] > 0.0:
            low, high = (f"{100 * end:g}" for end in arm.integration)
            yield Text(key="trial.integration", values={"arm": arm.name, "low": low, "high": high})
    yield from _outside(design, knowledge)
    if design.failed_trials is None:
        yield Text(key="trial.resistant")
    if design.age is not None:
        yield Text(key="trial.age")
    if design.reference == 0:
        yield Text(key="trial.no_truth")
    if any(arm.regimen is not None and arm.regimen.unit == "mg/kg" for arm in design.arms):
        yield Text(key="trial.weight")
    unknown = [arm.name for arm in design.arms if past_180(arm, knowledge) is None]
    if len(unknown) < len(design.arms):
        yield Text(key="trial.pressure")
    if unknown:
        yield Text(key="trial.no_pressure", values={"arms": ", ".join(unknown)})
    yield Text(key="trial.harms")


def _outside(design: Design, knowledge: Knowledge) -> Iterator[Text]:
    """Where the design leaves what was studied."""
    for arm in design.arms:
        plan = arm.regimen
        if plan is None:
            continue
        rows = knowledge.response["studied"]
        row = next(r for r in rows if (r["product"], r["route"]) == (plan.product, plan.route))
        if plan.unit != row["unit"] or not all(row["low"] <= dose <= row["high"] for dose in arm.doses):
            values = {"arm": arm.name, "low": f"{row['low']:g}", "high": f"{row['high']:g}", "unit": row["unit"]}
            yield Text(key="trial.dose_outside", values=values)
    days = knowledge.response["studied_days"]["value"]
    if design.last_day > days:
        yield Text(key="response.arm.day_outside", values={"days": days})
