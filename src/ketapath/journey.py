"""READ THIS FIRST: one patient once round the loop, record to adapted plan, each step one verb.

    record -> profile -> candidacy -> plan -> session -> response -> plan again -> follow-up

Every step is a pure function of frozen values. The day, the seed, the clinic and the knowledge are arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ketapath.candidacy import assess, at_clinic
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding
from ketapath.domain.followup import DueAssessment
from ketapath.domain.plan import DecisionCard, Plan, Worth
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.domain.session import Session
from ketapath.fhir import read_bundle, statements, vocabulary
from ketapath.followup import due_assessments
from ketapath.knowledge import Knowledge
from ketapath.pharmacology import Sensitivity
from ketapath.plan import Searched, adapt, offer, search
from ketapath.profile import profile
from ketapath.response import Population, course
from ketapath.response.history import history
from ketapath.response.prior import population
from ketapath.session import monitor

__all__ = ["Journey", "assessed", "history", "person", "person_at_last", "planned", "searched", "travel", "treated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """Everything the loop says of one person on one day."""

    person: Profile
    candidacy: Candidacy
    plan: Plan
    sessions: tuple[tuple[Finding, ...], ...]
    course: Course
    card: DecisionCard | None
    due: tuple[DueAssessment, ...]


def person(record: bytes, knowledge: Knowledge, *, as_of: date) -> Profile:
    """From a FHIR Bundle to what may be relied on today."""
    stated = statements(read_bundle(record), vocabulary(knowledge))
    return profile(stated, as_of=as_of, knowledge=knowledge)


def person_at_last(record: bytes, knowledge: Knowledge, *, today: date) -> Profile:
    """The same on the last day that the record states something of, for a record that nobody has continued."""
    stated = statements(read_bundle(record), vocabulary(knowledge))
    days = [fact.on for fact in stated.facts if fact.on is not None and fact.on <= today]
    return profile(stated, as_of=max(days, default=today), knowledge=knowledge)


def assessed(someone: Profile, clinic: Clinic, knowledge: Knowledge) -> Candidacy:
    """Is ketamine right for this person today, and what else is?"""
    return assess(someone, clinic, knowledge)


def planned(
    someone: Profile,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    seed: int,
    sensitivity: Sensitivity | None = None,
    weighed: tuple[Worth, ...] | None = None,
) -> Plan:
    """Which options are open, with dose, days, support, benefit and harm?

    `sensitivity` is how this person reacted in their own sessions; without it, people like this. `weighed` is what
    things would be worth in a what-if; without it, what the person stated.
    """
    return offer(searched(someone, clinic, knowledge, seed=seed, sensitivity=sensitivity), weighed=weighed)


def searched(
    someone: Profile, clinic: Clinic, knowledge: Knowledge, *, seed: int, sensitivity: Sensitivity | None = None
) -> Searched:
    """The same before anything is weighed: `ketapath.plan.offer` ranks it for any wishes without simulating again."""
    candidacy, here = assessed(someone, clinic, knowledge), at_clinic(someone, clinic, knowledge)
    return search(here, candidacy, clinic, knowledge, seed=seed, sensitivity=sensitivity)


def treated(
    someone: Profile, clinic: Clinic, knowledge: Knowledge, *, seed: int, own_prior: Population | None = None
) -> tuple[Candidacy, Course, DecisionCard]:
    """How does the course go, and what next? The scores update the course, the card adapts the plan.

    `own_prior` is what a clinic knows from its own patients; without it the literature's draws stand.
    """
    candidacy = assessed(someone, clinic, knowledge)
    drawn = own_prior or population(knowledge.response)
    so_far = course(history(someone), knowledge, drawn, as_of=someone.as_of, seed=seed)
    return candidacy, so_far, adapt(someone, candidacy, so_far, clinic, knowledge, population=drawn, seed=seed)


def travel(
    record: bytes, sessions: tuple[Session, ...], clinic: Clinic, knowledge: Knowledge, *, as_of: date, seed: int
) -> Journey:
    """The whole loop once: what the record says, what may be done, what was seen, what it did, what comes next."""
    someone = person(record, knowledge, as_of=as_of)
    plan = planned(someone, clinic, knowledge, seed=seed)
    candidacy, so_far, card = treated(someone, clinic, knowledge, seed=seed)
    return Journey(
        person=someone,
        candidacy=candidacy,
        plan=plan,
        sessions=tuple(monitor(session, someone, clinic, knowledge) for session in sessions),
        course=so_far,
        card=card if someone.doses else None,
        due=due_assessments(someone, knowledge),
    )
