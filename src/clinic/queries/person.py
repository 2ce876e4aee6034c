"""Who is this, and what does the core say of them today? One person's record, read once and carried round the loop.

The record is read up to a mark in its history, so that whatever was shown can be read again exactly as it was.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from clinic import clock
from clinic.record.models import PolicyEntry, Practice
from clinic.record.projections import knowledge, name_of, said, words
from clinic.record.reach import Reach
from clinic.record.read import newest, of_patient_at
from ketapath import journey
from ketapath.biomarkers import biomarkers
from ketapath.domain.biomarker import MarkerView
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Approval, Clinic, ClinicFact
from ketapath.domain.plan import Decided, DecisionCard, Plan, PlannedVisit, SignedPlan, Worth
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.domain.schedule import Booked, as_booked
from ketapath.domain.screening import Screened
from ketapath.domain.session import Session, Visit
from ketapath.domain.worth import WorthOrdering
from ketapath.errors import BadInput
from ketapath.fhir import Bundle, Resource, bundle_of, statements
from ketapath.fhir.appointments import bookings
from ketapath.fhir.parts import ADVISED
from ketapath.fhir.readback import decisions, signed_plans, visits
from ketapath.knowledge import Knowledge
from ketapath.knowledge.policy import policy_file, under_policy
from ketapath.pharmacology import Person as Reacting
from ketapath.pharmacology import Sensitivity, Subject, measured_sensitivity
from ketapath.plan import Searched, offer
from ketapath.plan.worth import worth_ordering
from ketapath.profile import profile
from ketapath.screening import screen

SEED = 1
_TEST_DATA = ("http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST")
"""How FHIR labels a record as test health data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One person at one clinic on one day, as far as its reader reaches.

    `person` is None where the record cannot be relied on at all. What is apart in the record is never part of it.
    """

    practice: Practice
    reach: Reach
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
    bookings: tuple[Booked, ...]
    clinic: Clinic

    @property
    def knowledge(self) -> Knowledge:
        """The knowledge as it counts at this clinic."""
        return knowledge_at(self.clinic)

    @property
    def is_demonstration(self) -> bool:
        """Whether this person is invented: the practice is a demonstration, or the record is labelled test data."""
        labels = (self.bundle.patient.get("meta") or {}).get("security") or ()
        is_test = any((label.get("system"), label.get("code")) == _TEST_DATA for label in labels)
        return self.practice.is_demo or is_test

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
    def appointments(self) -> tuple[PlannedVisit, ...]:
        """What the standing plan brings, on the days on which it is booked, else planned; and what is booked besides.

        The plan itself stays as it was signed: a booking says when something is, `plan.visits` when it was meant to be.
        """
        return as_booked(() if self.plan is None else self.plan.visits, self.bookings, self.practice.zone)

    @property
    def sessions_ahead(self) -> tuple[PlannedVisit, ...]:
        """The sessions of the standing plan that are still to come, today's included until its dose is given."""
        if self.plan is None or self.person is None:
            return ()
        last = self.person.doses[-1].on if self.person.doses else date.min
        ahead = (v for v in self.appointments if v.kind == "session" and v.on >= self.as_of and v.on > last)
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


def chart(
    within: Practice | Reach,
    patient_id: str,
    *,
    as_of: date | None = None,
    up_to: int | None = None,
    clinic: Clinic | None = None,
) -> Chart | None:
    """This person's chart at the clinic as it is, or as it was; None where nobody of this id is reached.

    A practice reaches everybody in it: for acts and jobs, never for a page.
    """
    reach = within if isinstance(within, Reach) else Reach(practice=within)
    practice = reach.practice
    clinic = clinic or clinic_now(practice)
    last = newest(practice, patient_id, up_to)
    if last is None:
        return None
    read = _Read(
        practice_id=practice.pk,
        patient_id=patient_id,
        mark=last[0] if up_to is None else up_to,
        last=last,
        parts=reach.parts_of(patient_id) & ADVISED,
        as_of=as_of or clock.today(practice.zone),
        settings=settings_of(clinic),
        behind=(reach, clinic),
    )
    found = _chart(read)
    return None if found is None else replace(found, practice=practice, reach=reach, clinic=clinic)


def candidacy(found: Chart) -> Candidacy:
    """Is ketamine right for this person today, and what else is?"""
    return _assessed(_Key.of(found))


def plan(found: Chart) -> Plan:
    """The options today."""
    return _planned(_Key.of(found), own_sessions(found))


def plan_if(found: Chart, weighed: tuple[Worth, ...]) -> Plan:
    """The options as they would stand if things were worth so much to this person; nothing is simulated or kept."""
    return offer(_searched(_Key.of(found), own_sessions(found)), weighed=weighed)


def treated(found: Chart) -> Treated:
    """The course so far and the card."""
    return _treated(_Key.of(found))


def screened(found: Chart) -> tuple[Screened, ...]:
    """What the answers to screening questionnaires say today."""
    return _screened(_Key.of(found))


def markers(found: Chart) -> tuple[MarkerView, ...]:
    """What is on record about genes, blood, images and EEG, and why it does not count."""
    return _marked(_Key.of(found), own_sessions(found))


def ordering(found: Chart) -> tuple[WorthOrdering, ...]:
    """What each test, scale or question is worth before the next step; seconds of work where much is missing."""
    return _ordered(_Key.of(found), own_sessions(found))


def clinic_now(practice: Practice) -> Clinic:
    """The clinic as it is today: its settings, and what its medical lead has approved."""
    return replace(clinic_of(practice.settings), approvals=approvals(practice))


def approvals(practice: Practice) -> dict[str, Approval]:
    """What the medical lead has approved and not taken back, by item; the newest entry of each counts."""
    newest = {e.item: e for e in PolicyEntry.objects.filter(practice=practice).order_by("id")}
    return {
        item: Approval(
            item=item,
            version=e.version,
            by=e.by,
            on=clock.local(e.at, practice.zone).date(),
            values={k: float(v) for k, v in e.values.items()},
        )
        for item, e in newest.items()
        if not e.is_withdrawn
    }


def knowledge_at(clinic: Clinic) -> Knowledge:
    """The knowledge under this clinic's approvals."""
    return _under(policy_file(clinic.approvals.values()), _Held(clinic.approvals))


@dataclass(frozen=True, slots=True)
class _Held:
    """Approvals carried along a cached call; the text beside them is what tells two sets apart."""

    approvals: Mapping[str, Approval] = field(compare=False)


@lru_cache(maxsize=16)
def _under(policy: str, held: _Held) -> Knowledge:
    return under_policy(knowledge(), held.approvals)


def clinic_of(settings: Mapping[str, Any]) -> Clinic:
    """The core's Clinic from a practice's settings, or as a recommendation keeps it; the rest is the core's own."""
    known = {k: v for k, v in settings.items() if k in Clinic.__dataclass_fields__}
    for name in ("products", "routes", "weekdays", "languages", "session_hours"):
        if name in known:
            known[name] = tuple(known[name])
    known["approvals"] = {
        item: Approval(**{**a, "on": date.fromisoformat(a["on"])}) for item, a in (known.get("approvals") or {}).items()
    }
    known["facts"] = {
        path: ClinicFact(**{**said, "on": date.fromisoformat(said["on"])})
        for path, said in (known.get("facts") or {}).items()
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a chart depends on: how far the record goes, which parts are reached, the day, the clinic.

    `behind` is carried along for reading; the parts, and the clinic in one line, are what tells two of them apart.
    """

    practice_id: int
    patient_id: str
    mark: int
    last: tuple[int, datetime, str]
    parts: frozenset[str]
    as_of: date
    settings: str
    behind: tuple[Reach, Clinic] = field(compare=False)


@lru_cache(maxsize=96)  # about a megabyte each
def _chart(key: _Read) -> Chart | None:
    (reach, clinic), patient_id = key.behind, key.patient_id
    stored = [s for s in of_patient_at(reach, patient_id, key.mark) if s.part in ADVISED]
    if not any(s.kind == "Patient" for s in stored):
        return None
    person, problem = None, None
    try:
        read = said(stored)
        bundle, held = read.bundle, read.visits
        person = profile(read.stated, as_of=key.as_of, knowledge=knowledge_at(clinic))
    except BadInput as found:
        problem, bundle = found, bundle_of([s.resource for s in stored])
        held = visits(bundle, words())
    given, family = name_of(bundle)
    return Chart(
        practice=reach.practice,
        reach=reach,
        patient_id=patient_id,
        given=given,
        family=family,
        mark=key.mark,
        changed_at=max(s.changed_at for s in stored),
        as_of=key.as_of,
        bundle=bundle,
        person=person,
        problem=problem,
        plans=signed_plans(bundle),
        visits=held,
        decisions=decisions(bundle),
        bookings=bookings(bundle),
        clinic=clinic,
    )


def at_instant(found: Chart, visit: Visit, at: datetime) -> Chart:
    """The chart without what happened in this visit after that instant, for a step that is charted late."""
    later = {r.origin.id for r in visit.readings if r.at > at} | {e.origin.id for e in visit.events if e.at > at}
    if not later:
        return found
    kept = [r for r in found.bundle.resources if r["resourceType"] != "Observation" or r.get("id") not in later]
    return _supposed(found, kept, at)


def supposing(found: Chart, resource: Mapping[str, Any]) -> Chart:
    """The chart as it would be, had this been written in place of what stands under its name."""
    name = resource["resourceType"], resource["id"]
    others = [r for r in found.bundle.resources if (r["resourceType"], r.get("id")) != name]
    return _supposed(found, [*others, dict(resource)], clock.now())


def _supposed(found: Chart, resources: Sequence[Resource], at: datetime) -> Chart:
    bundle = bundle_of([found.bundle.patient, *resources])
    return replace(
        found,
        bundle=bundle,
        person=profile(statements(bundle, words()), as_of=found.as_of, knowledge=found.knowledge),
        visits=visits(bundle, words()),
        changed_at=at,  # results that are kept for the chart as it stands are not for this one
    )


def measured(found: Chart) -> Sensitivity:
    """How this person reacted in their own sessions; people like this where there is none that can be read."""
    return _measured(_Key.of(found), own_sessions(found))


def own_sessions(found: Chart) -> tuple[Session, ...]:
    """The sessions of this clinic that are over, numbered from the first."""
    numbered = enumerate(sorted((v for v in found.visits if v.was_dosed), key=lambda v: v.opened_at), start=1)
    sessions = (visit.session(number) for number, visit in numbered if visit.step == "home")
    return tuple(s for s in sessions if s is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """What the three heavy results depend on, and nothing else, so that they may be kept.

    The time of the last change is part of it: a place in the history whose transaction was taken back is given to
    another change. So are the parts that were read: whoever reaches less never sees what was made for somebody else.
    """

    practice_id: int
    settings: str
    patient_id: str
    mark: int
    changed_at: datetime
    parts: frozenset[str]
    as_of: date
    person: Profile = field(compare=False)

    @classmethod
    def of(cls, found: Chart) -> _Key:
        """The key of a chart that can be relied on."""
        assert found.person is not None
        return cls(
            practice_id=found.practice.pk,
            settings=settings_of(found.clinic),
            patient_id=found.patient_id,
            mark=found.mark,
            changed_at=found.changed_at,
            parts=found.reach.parts_of(found.patient_id) & ADVISED,
            as_of=found.as_of,
            person=found.person,
        )

    @property
    def clinic(self) -> Clinic:
        return clinic_of(json.loads(self.settings))


@lru_cache(maxsize=128)
def _assessed(key: _Key) -> Candidacy:
    return journey.assessed(key.person, key.clinic, knowledge_at(key.clinic))


@lru_cache(maxsize=128)
def _planned(key: _Key, sessions: tuple[Session, ...]) -> Plan:
    return offer(_searched(key, sessions))


@lru_cache(maxsize=8)  # some megabytes each: what every way does to every possible person
def _searched(key: _Key, sessions: tuple[Session, ...]) -> Searched:
    own = _measured(key, sessions) if sessions else None
    return journey.searched(key.person, key.clinic, knowledge_at(key.clinic), seed=SEED, sensitivity=own)


@lru_cache(maxsize=128)
def _treated(key: _Key) -> Treated:
    found, course, card = journey.treated(key.person, key.clinic, knowledge_at(key.clinic), seed=SEED)
    return Treated(candidacy=found, course=course, card=card)


@lru_cache(maxsize=128)
def _screened(key: _Key) -> tuple[Screened, ...]:
    return screen(key.person, knowledge_at(key.clinic), seed=SEED)


@lru_cache(maxsize=128)
def _marked(key: _Key, sessions: tuple[Session, ...]) -> tuple[MarkerView, ...]:
    return biomarkers(key.person, knowledge_at(key.clinic), key.clinic, plan=_planned(key, sessions), seed=SEED)


@lru_cache(maxsize=128)
def _ordered(key: _Key, sessions: tuple[Session, ...]) -> tuple[WorthOrdering, ...]:
    known = knowledge_at(key.clinic)
    own = _measured(key, sessions) if sessions else None
    return worth_ordering(key.person, _planned(key, sessions), key.clinic, known, seed=SEED, sensitivity=own)


@lru_cache(maxsize=128)
def _measured(key: _Key, sessions: tuple[Session, ...]) -> Sensitivity:
    known = key.person.known
    age, weight, hypertension = (known.get(p) for p in ("person.age_years", "vitals.weight_kg", "history.hypertension"))
    years = age.value if age is not None and isinstance(age.value, float) else None
    knowledge = knowledge_at(key.clinic)
    return measured_sensitivity(
        sessions,
        Subject(weight_kg=weight.value if weight is not None and isinstance(weight.value, float) else None,
                age_years=years),
        Reacting(age_years=years, hypertension=None if hypertension is None else bool(hypertension.value)),
        knowledge.drugs,
        knowledge.effects["acute"],
        seed=SEED,
    )  # fmt: skip
