"""Is there a consent on record that today's session may rest on: signed, valid, and not given in the room?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import clock
from clinic.queries.person import Chart
from clinic.record.read import read
from clinic.record.signatures import Seen
from ketapath.domain.fact import Fact
from ketapath.fhir import Resource
from ketapath.profile import with_fact

RULE = "PSY-019"
"""The rule that says how long before a dose a consent has to be signed."""
_MINUTES = "consent.signed_minutes_before_dose"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """The consent that stands: the version that was read, when it was signed at the latest, and what is against it.

    `minutes` from the signature to now; None where its time is not known. `problem` is empty where nothing is.
    """

    seen: Seen | None
    signed_at: datetime | None
    minutes: float | None
    problem: str


def consent_of(found: Chart) -> Consented:
    """The consent on which a session of this person may rest now."""
    assert found.person is not None
    fact = found.person.known.get("consent.signed")
    stored = None if fact is None else read(found.practice, fact.origin.resource, fact.origin.id)
    if fact is None or fact.value is not True or stored is None or stored.patient_id != found.patient_id:
        words = _("No signed consent that is still valid is on record.")
        return Consented(seen=None, signed_at=None, minutes=None, problem=words)
    at = _signed_at(fact, stored.resource, found)
    if at is None:
        words = _("The consent on record has no time, and its day is not over: when it was signed is not known.")
        return Consented(seen=Seen.of(stored), signed_at=None, minutes=None, problem=words)
    minutes = (clock.now() - at).total_seconds() / 60
    rule = found.knowledge.rules[RULE]
    asked = with_fact(found.person, _MINUTES, minutes, unit="min")
    problem = ""
    if rule.holds(asked.known, as_of=found.as_of) is not False:
        limit = rule.limit(_MINUTES)
        said = {
            "at": date_format(clock.local(at, found.practice.zone), "H:i"),
            "from": date_format(clock.local(at + timedelta(minutes=limit + 1), found.practice.zone), "H:i"),
            "limit": f"{limit:g}",
        }
        words = _("The consent was signed at %(at)s. It is relied on after more than %(limit)s minutes: from %(from)s.")
        problem = words % said
    return Consented(seen=Seen.of(stored), signed_at=at, minutes=minutes, problem=problem)


def _signed_at(fact: Fact, resource: Resource, found: Chart) -> datetime | None:
    """The latest instant at which it can have been signed; None where that may still be to come."""
    stated = resource.get("dateTime") or resource.get("authored")
    if isinstance(stated, str) and "T" in stated:
        at = datetime.fromisoformat(stated.replace("Z", "+00:00"))
        return at if at.tzinfo else at.replace(tzinfo=ZoneInfo(found.practice.zone))
    if fact.on is None or fact.on >= found.as_of:
        return None
    return datetime.combine(fact.on + timedelta(days=1), time(), ZoneInfo(found.practice.zone))
