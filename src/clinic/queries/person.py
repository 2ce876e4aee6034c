"""Who is this, and what does the core say of them today? One person's record, read once and carried round the loop.

The record is read up to a mark in its history, so that whatever was shown can be read again exactly as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from clinic import clock
from clinic.record.models import Practice
from clinic.record.projections import knowledge, name_of, words
from clinic.record.read import mark, of_patient_at
from ketapath import journey
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Approval, Clinic
from ketapath.domain.plan import Decided, DecisionCard, Plan, PlannedVisit, SignedPlan
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.domain.session import Visit
from ketapath.errors import BadInput
from ketapath.fhir import Bundle, bundle_of, statements
from ketapath.fhir.readback import decisions, signed_plans, visits
from ketapath.profile import profile

SEED = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One person at one clinic on one day. `person` is None where the record cannot be relied on at all."""

    practice: Practice
    patient_id: str
    given: str
    family: str
    mark: int
    changed_at: datetime
    as_of: date
    bundle: Bundle
    person: Profile | None
    problem: BadInput | None
    plans: tuple[SignedPlan, ...]
    visits: tuple[Visit, ...]
    decisions: tuple[Decided, ...]

    @property
    def clinic(self) -> Clinic:
        """The clinic as the core needs it."""
        return clinic_of(self.practice.settings)

    @property
    def plan(self) -> SignedPlan | None:
        """The plan that stands: active or on hold."""
        standing = [p for p in self.plans if p.status in ("active", "on-hold")]
        return standing[-1] if standing else None

    @property
    def open_visit(self) -> Visit | None:
        """The visit that is going on now."""
        return next((v for v in reversed(self.visits) if v.status == "in-progress"), None)

    @property
    def sessions_ahead(self) -> tuple[PlannedVisit, ...]:
        """The sessions of the standing plan that are still to come, today's included until its dose is given."""
        if self.plan is None or self.person is None:
            return ()
        last = self.person.doses[-1].on if self.person.doses else date.min
        ahead = (v for v in self.plan.visits if v.kind == "session" and v.on >= self.as_of and v.on > last)
        return tuple(ahead)

    @property
    def settled(self) -> Decided | None:
        """The decision on the card that stands, made after the newest session and score: it is not asked again."""
        made = [d for d in self.decisions if d.about == "card"]
        if not made or self.person is None:
            return None
        events = [(d.on, d.at) for d in self.person.doses] + [(s.on, s.at) for s in self.person.scores]
        last = made[-1]
        came_first = all(_came_before(on, at, last.at, self.practice.zone) for on, at in events)
        return last if came_first else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Treated:
    """How the course goes and what next."""

    candidacy: Candidacy
    course: Course
    card: DecisionCard


def chart(practice: Practice, patient_id: str, *, as_of: date | None = None, up_to: int | None = None) -> Chart | None:
    """This person's chart; None where this practice has no such person."""
    place = mark(practice, patient_id) if up_to is None else up_to
    return _chart(practice, patient_id, place, as_of or clock.today(practice.zone))


def candidacy(found: Chart) -> Candidacy:
    """Is ketamine right for this person today, and what else is?"""
    return _assessed(_Key.of(found))


def plan(found: Chart) -> Plan:
    """The options today."""
    return _planned(_Key.of(found))


def treated(found: Chart) -> Treated:
    """The course so far and the card."""
    return _treated(_Key.of(found))


def clinic_of(settings: Mapping[str, Any]) -> Clinic:
    """The core's Clinic from a practice's settings; what is not set is the core's own default."""
    known = {k: v for k, v in settings.items() if k in Clinic.__dataclass_fields__}
    for name in ("products", "weekdays", "languages", "session_hours"):
        if name in known:
            known[name] = tuple(known[name])
    approvals = known.get("approvals") or {}
    known["approvals"] = {
        rule: Approval(rule_id=rule, by=a["by"], on=date.fromisoformat(a["on"]), value=a.get("value"))
        for rule, a in approvals.items()
    }
    return Clinic(**known)


def settings_of(clinic: Clinic) -> str:
    """The clinic in one line of JSON, as a stored recommendation keeps it."""
    return json.dumps(asdict(clinic), sort_keys=True, default=str)


def _came_before(on: date, at: datetime | None, then: datetime, zone: str) -> bool:
    """Whether an event of this day, at this instant (UTC) where it is known, was there when something was decided."""
    if at is not None:
        return at.replace(tzinfo=UTC) <= then
    return on <= clock.local(then, zone).date()


def _chart(practice: Practice, patient_id: str, place: int, as_of: date) -> Chart | None:
    stored = of_patient_at(practice, patient_id, place)
    if not any(s.kind == "Patient" for s in stored):
        return None
    bundle = bundle_of([s.resource for s in stored])
    person, problem = None, None
    try:
        person = profile(statements(bundle, words()), as_of=as_of, knowledge=knowledge())
    except BadInput as found:
        problem = found
    given, family = name_of(bundle)
    return Chart(
        practice=practice,
        patient_id=patient_id,
        given=given,
        family=family,
        mark=place,
        changed_at=max(s.changed_at for s in stored),
        as_of=as_of,
        bundle=bundle,
        person=person,
        problem=problem,
        plans=signed_plans(bundle),
        visits=visits(bundle, words()),
        decisions=decisions(bundle),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """What the three heavy results depend on, and nothing else, so that they may be kept.

    The time of the last change is part of it: a place in the history whose transaction was taken back is given to
    another change.
    """

    practice_id: int
    settings: str
    patient_id: str
    mark: int
    changed_at: datetime
    as_of: date
    person: Profile = field(compare=False)

    @classmethod
    def of(cls, found: Chart) -> _Key:
        """The key of a chart that can be relied on."""
        assert found.person is not None
        return cls(
            practice_id=found.practice.pk,
            settings=json.dumps(found.practice.settings, sort_keys=True),
            patient_id=found.patient_id,
            mark=found.mark,
            changed_at=found.changed_at,
            as_of=found.as_of,
            person=found.person,
        )

    @property
    def clinic(self) -> Clinic:
        return clinic_of(json.loads(self.settings))


@lru_cache(maxsize=128)
def _assessed(key: _Key) -> Candidacy:
    return journey.assessed(key.person, key.clinic, knowledge())


@lru_cache(maxsize=128)
def _planned(key: _Key) -> Plan:
    return journey.planned(key.person, key.clinic, knowledge(), seed=SEED)


@lru_cache(maxsize=128)
def _treated(key: _Key) -> Treated:
    found, course, card = journey.treated(key.person, key.clinic, knowledge(), seed=SEED)
    return Treated(candidacy=found, course=course, card=card)
