"""What is happening in this session? Ordered and given, readings against rules, the predicted level beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from clinic.queries.person import Chart, candidacy
from clinic.queries.plan import simulated
from clinic.queries.profile import is_statable
from clinic.record.projections import knowledge
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.evidence import Finding, Verdict
from ketapath.domain.session import Administration, Session, Visit
from ketapath.knowledge import PathSpec
from ketapath.pharmacology import Simulation
from ketapath.session import monitor

READINGS = (
    "vitals.systolic_mmhg",
    "vitals.diastolic_mmhg",
    "vitals.heart_rate_per_min",
    "vitals.spo2_percent",
    "vitals.weight_kg",
)
"""What is measured in a session, by profile path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was read at one instant, by profile path."""

    at: datetime
    values: Mapping[str, float | bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One visit as the people in the room need it.

    `verdict` is today's candidacy of what is ordered, `asks` what is missing for it and can be asked in the room.
    """

    visit: Visit
    number: int
    ordered_mg: float | None
    infusion_min: float | None
    verdict: Verdict | None
    against: tuple[Finding, ...]
    asks: tuple[PathSpec, ...]
    prompts: tuple[Finding, ...]
    predicted: Simulation | None
    watch_minutes: float

    @property
    def moments(self) -> list[Moment]:
        """The readings by the minute they were taken, newest first."""
        by_time: dict[datetime, dict[str, float | bool]] = {}
        for reading in self.visit.readings:
            by_time.setdefault(reading.at, {})[reading.quantity] = reading.value
        return [Moment(at=at, values=by_time[at]) for at in sorted(by_time, reverse=True)]

    @property
    def step(self) -> str:
        """Where the visit stands: arrived, dosing, watching or home."""
        given = self.visit.administration
        if self.visit.status == "finished":
            return "home"
        if given is None:
            return "arrived"
        return "dosing" if given.ended_at is None else "watching"


def room(found: Chart, visit: Visit) -> Room:
    """This visit, with what stands against dosing today and what the readings call for."""
    assert found.person is not None
    plan = next((p for p in found.plans if p.origin.id == visit.plan_id), found.plan)
    given = visit.administration
    named = given or plan
    product = None if named is None else f"{named.product}/{named.route}"
    now = candidacy(found)
    verdict = None if product is None else now.by_product.get(product, now.verdict)
    number = 1 + sum(v.opened_at < visit.opened_at and v.administration is not None for v in found.visits)
    session = visit.session(number)
    ordered = None if plan is None else plan.dose_mg
    infusion = None if plan is None else plan.infusion_min
    return Room(
        visit=visit,
        number=number,
        ordered_mg=ordered,
        infusion_min=infusion,
        verdict=verdict,
        against=tuple(f for f in now.findings if f.verdict in ("not-eligible", "defer")),
        asks=_asks(now),
        prompts=() if session is None else _prompts(found, session),
        predicted=_predicted(found, given, ordered, infusion, product),
        watch_minutes=watched_minutes(found),
    )


def _asks(now: Candidacy) -> tuple[PathSpec, ...]:
    """What is missing and can be said by somebody; what is measured has its own form."""
    specs = (knowledge().paths[missing.path] for missing in now.missing)
    return tuple(s for s in specs if is_statable(s) and s.path not in READINGS)


def watched_minutes(found: Chart) -> float:
    """How long somebody stays after dosing begins, by the protocol of the plan that stands."""
    protocol = None if found.plan is None else knowledge().protocols.get(found.plan.option_id)
    longest = max(float(p["observation_min"]) for p in knowledge().protocols.values())
    return longest if protocol is None else float(protocol["observation_min"])


def _prompts(found: Chart, session: Session) -> tuple[Finding, ...]:
    assert found.person is not None
    findings = monitor(session, found.person, found.clinic, knowledge())
    return tuple(f for f in findings if f.verdict in ("not-eligible", "defer", "caution"))


def _predicted(
    found: Chart, given: Administration | None, ordered: float | None, infusion: float | None, product: str | None
) -> Simulation | None:
    dose = given.dose_mg if given is not None and given.dose_mg else ordered
    if product is None or not dose:
        return None
    name, _, route = product.partition("/")
    if given is not None and given.ended_at is not None and name == "racemic":
        infusion = max((given.ended_at - given.started_at).total_seconds() / 60, 1.0)
    return simulated(found, product=name, route=route, dose_mg=dose, infusion_min=infusion)
