"""Where was who referred to, what has nobody answered in time, and which places help with what?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clinic import clock
from clinic.practice.models import CommunityPlace
from clinic.queries.person import Chart
from clinic.record.models import PatientLine, Practice
from clinic.record.query import MAX_COUNT
from clinic.record.reach import Reach
from clinic.record.read import read
from clinic.record.search import parse, search
from ketapath.domain.referral import CLOSED, PROGRESS, Progress, Referral, SocialNeed
from ketapath.fhir.encode import LOCAL
from ketapath.fhir.referrals import STATUS, TASK, referral_of, referrals
from ketapath.referral import social_needs


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One referral as a page shows it; `nexts` are the steps that may follow, `line` whom it is about."""

    referral: Referral
    is_overdue: bool
    nexts: tuple[Progress, ...]
    line: PatientLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """One social need with the places that help with it, and whether a referral for it is on its way."""

    need: SocialNeed
    places: tuple[CommunityPlace, ...]
    is_followed: bool


def referrals_of(found: Chart) -> list[Followed]:
    """The referrals of one person, those that are not over first, the newest of each on top."""
    shown = [_followed(one, found.as_of, None) for one in referrals(found.bundle)[::-1]]
    return sorted(shown, key=lambda one: one.referral.progress in CLOSED)


def needs_of(found: Chart) -> list[Needed]:
    """Every need that a referral may meet: those that are there first, then those that nobody has asked about."""
    assert found.person is not None
    on_the_way = {r.need for r in referrals(found.bundle) if r.progress not in CLOSED}
    listed = places(found.practice)
    found_needs = [
        Needed(
            need=need,
            places=tuple(place for place in listed if place.kind == need.id and place.is_open),
            is_followed=need.id in on_the_way,
        )
        for need in social_needs(found.person, found.knowledge)
    ]
    return sorted(found_needs, key=lambda n: (n.need.is_there is None, n.need.is_there is False))


def places(practice: Practice) -> list[CommunityPlace]:
    """The clinic's list, by need and name."""
    return list(CommunityPlace.objects.filter(practice=practice).order_by("kind", "-is_open", "name"))


def overdue(within: Reach) -> list[Followed]:
    """Referrals without an answer by their day, of people within reach, the oldest first."""
    on = clock.today(within.practice.zone)
    waiting = ",".join(STATUS[p] for p in PROGRESS if p in ("open", "made"))
    asked = [("code", f"{LOCAL}|{TASK}"), ("status", waiting), ("_count", str(MAX_COUNT))]
    found = []
    for stored in search(within, parse("Task", asked)).matches:
        focus = str((stored.resource.get("focus") or {}).get("reference", "")).partition("/")[2]
        request = read(within, "ServiceRequest", focus)
        known = {} if request is None else {f"ServiceRequest/{focus}": request.resource}
        one = referral_of(stored.resource, known)
        if one is not None and one.is_overdue(on):
            line = PatientLine.objects.filter(practice=within.practice, patient_id=stored.patient_id).first()
            found.append(_followed(one, on, line))
    return sorted(found, key=lambda one: one.referral.due or date.max)


def _followed(one: Referral, on: date, line: PatientLine | None) -> Followed:
    place = PROGRESS.index(one.progress)
    nexts = () if one.progress in CLOSED else PROGRESS[place + 1 :]
    return Followed(referral=one, is_overdue=one.is_overdue(on), nexts=nexts, line=line)
