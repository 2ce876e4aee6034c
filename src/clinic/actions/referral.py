"""Refer a person to a place outside for a social need, follow it step by step, and keep the list of places."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, Stale, commit, earlier
from clinic.practice.models import CommunityPlace
from clinic.queries.person import Chart
from clinic.record.projections import knowledge
from clinic.record.read import Stored, read
from ketapath.domain.referral import CLOSED, PROGRESS, Progress, Referral
from ketapath.errors import BadInput
from ketapath.fhir.referrals import moved_on, referral, referrals

LONGEST = 500
_LONGEST_DAYS = 365  # source: our choice; an answer that may take longer than a year is no referral


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place as it was typed. `source` says where its particulars are from, `checked_on` when they were checked."""

    name: str
    kind: str
    contact: str
    source: str
    checked_on: date | None
    area: str = ""
    languages: str = ""


def refer(
    found: Chart, need: str, place: int, *, remark: str = "", due: date | None = None, by: Account, key: str
) -> Done:
    """Open a referral for this need to a place of the clinic's list, with the day by which an answer is expected.

    Raises BadInput for an unknown need, a place that is closed or helps with another need, and a day that is over.
    """
    asked = {"need": need, "place": place, "remark": remark, "due": due}
    act = Act(name="refer", by=by, patient_id=found.patient_id, key=key, asked=asked)
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    if need not in knowledge().referrals:
        raise _wrong(_("need"), need, _("a need of the list"))
    there = CommunityPlace.objects.filter(practice=by.practice, pk=place, kind=need, is_open=True).first()
    if there is None:
        raise _wrong(_("place"), "", _("a place of the list that helps with this"))
    until = due or found.as_of + timedelta(days=found.knowledge.figure("referral_days"))
    if not found.as_of <= until <= found.as_of + timedelta(days=_LONGEST_DAYS):
        raise _wrong(_("answer by"), until.isoformat(), _("today or later, within a year"))
    made = referral(
        f"referral-{secrets.token_hex(12)}", need, to=(there.name, str(there.pk)), patient_id=found.patient_id,
        at=clock.local(clock.now(), by.practice.zone), by=(by.name, by.username), due=until,
        remark=remark.strip()[:LONGEST],
    )  # fmt: skip
    return commit(act, [Draft(resource=resource) for resource in made])


def follow(found: Chart, name: str, progress: str, *, remark: str = "", by: Account, key: str) -> Done:
    """A referral has come so far. That it is not possible takes the words why.

    Raises Stale for one that is over or not of this person, and BadInput for a step back.
    """
    asked = {"referral": name, "progress": progress, "remark": remark}
    act = Act(name="refer", by=by, patient_id=found.patient_id, reason=remark, key=key, asked=asked)
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    standing = _standing(found, name)
    step = next((p for p in PROGRESS if p == progress), None)
    if step is None or PROGRESS.index(step) <= PROGRESS.index(standing.progress):
        raise _wrong(_("step"), progress, _("a step that comes after it"))
    if step == "not-possible" and not remark.strip():
        raise _wrong(_("remark"), "", _("why it is not possible"))
    task, request = (_stored(found, *each) for each in (("Task", name), ("ServiceRequest", standing.request_id)))
    at = clock.local(clock.now(), by.practice.zone)
    made = moved_on(task.resource, request.resource, step, remark=remark.strip()[:LONGEST], at=at, by=by.name)
    versions = {"Task": task.version, "ServiceRequest": request.version}
    return commit(act, [Draft(resource=one, expected=versions[one["resourceType"]]) for one in made])


def keep_place(said: Place, *, by: Account) -> CommunityPlace:
    """Put a place on the list, or bring the one of this name and kind up to date.

    Raises BadInput where name, kind, contact, source or the day on which it was checked is missing.
    """
    require(by, "keep-places")
    if said.kind not in knowledge().referrals:
        raise _wrong(_("kind"), said.kind, _("a need of the list"))
    for field, words, most in ((_("name"), said.name, 120), (_("contact"), said.contact, 200),
                               (_("source"), said.source, 200)):  # fmt: skip
        if not 0 < len(words.strip()) <= most:
            raise _wrong(field, words[:40], _("1 to %(count)s letters") % {"count": most})
    if said.checked_on is None or said.checked_on > clock.today(by.practice.zone):
        raise _wrong(_("checked on"), str(said.checked_on or ""), _("a day that is not to come"))
    with transaction.atomic():
        place, _is_new = CommunityPlace.objects.update_or_create(
            practice=by.practice, kind=said.kind, name=said.name.strip(),
            defaults={
                "area": said.area.strip()[:120], "contact": said.contact.strip(), "languages": said.languages[:120],
                "source": said.source.strip(), "checked_on": said.checked_on, "checked_by": by.name, "is_open": True,
            },
        )  # fmt: skip
        audit.append("keep-places", outcome="done", account=by, entities=[f"CommunityPlace/{place.pk}"])
    return place


def close_place(number: int, *, by: Account) -> bool:
    """Nobody is referred to it any more; False where it is not on this list, or was closed before."""
    require(by, "keep-places")
    with transaction.atomic():
        is_done = CommunityPlace.objects.filter(pk=number, practice=by.practice, is_open=True).update(is_open=False)
        if is_done:
            audit.append("keep-places", outcome="done", account=by, entities=[f"CommunityPlace/{number}", "closed"])
    return bool(is_done)


def _standing(found: Chart, name: str) -> Referral:
    standing = next((r for r in referrals(found.bundle) if r.origin.id == name), None)
    if standing is None or standing.progress in CLOSED:
        raise Stale("Task", name, 0)
    return standing


def _stored(found: Chart, kind: str, identity: str) -> Stored:
    stored = read(found.practice, kind, identity)
    assert stored is not None
    return stored


def _wrong(field: str, found: str, limit: str) -> BadInput:
    return BadInput(field=field, found=found or _("nothing"), limit=limit, next_step=_("Choose or type it again."))


__all__ = ["LONGEST", "Place", "Progress", "close_place", "follow", "keep_place", "refer"]
