"""Who is this, and what does the core say of them today? One person's record, read once and carried round the loop.

The record is read up to a mark in its history, so that whatever was shown can be read again exactly as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from clinic import clock
from clinic.record.models import Practice
from clinic.record.projections import knowledge, name_of, words
from clinic.record.read import mark, of_patient_at
from ketapath import journey
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Approval, Clinic
from ketapath.domain.plan import Decided, DecisionCard, Plan, SignedPlan
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
    assert found.person is not None
    return _assessed(found.practice.pk, _settings(found), found.patient_id, found.mark, found.as_of)


def plan(found: Chart) -> Plan:
    """The options today."""
    return _planned(found.practice.pk, _settings(found), found.patient_id, found.mark, found.as_of)


def treated(found: Chart) -> Treated:
    """The course so far and the card."""
    return _treated(found.practice.pk, _settings(found), found.patient_id, found.mark, found.as_of)


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


def _chart(practice: Practice, patient_id: str, place: int, as_of: date) -> Chart | None:
    stored = [s.resource for s in of_patient_at(practice, patient_id, place)]
    if not any(r["resourceType"] == "Patient" for r in stored):
        return None
    bundle = bundle_of(stored)
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
        as_of=as_of,
        bundle=bundle,
        person=person,
        problem=problem,
        plans=signed_plans(bundle),
        visits=visits(bundle, words()),
        decisions=decisions(bundle),
    )


def _settings(found: Chart) -> str:
    return json.dumps(found.practice.settings, sort_keys=True)


def _person(practice_id: int, patient_id: str, place: int, as_of: date) -> Profile:
    found = _chart(Practice.objects.get(pk=practice_id), patient_id, place, as_of)
    assert found is not None and found.person is not None
    return found.person


# The three heavy results depend on nothing but these arguments, so that they may be kept for as long as they are asked.
@lru_cache(maxsize=128)
def _assessed(practice_id: int, settings: str, patient_id: str, place: int, as_of: date) -> Candidacy:
    return journey.assessed(
        _person(practice_id, patient_id, place, as_of), clinic_of(json.loads(settings)), knowledge()
    )


@lru_cache(maxsize=128)
def _planned(practice_id: int, settings: str, patient_id: str, place: int, as_of: date) -> Plan:
    someone = _person(practice_id, patient_id, place, as_of)
    return journey.planned(someone, clinic_of(json.loads(settings)), knowledge(), seed=SEED)


@lru_cache(maxsize=128)
def _treated(practice_id: int, settings: str, patient_id: str, place: int, as_of: date) -> Treated:
    someone = _person(practice_id, patient_id, place, as_of)
    found, course, card = journey.treated(someone, clinic_of(json.loads(settings)), knowledge(), seed=SEED)
    return Treated(candidacy=found, course=course, card=card)
