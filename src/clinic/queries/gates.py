"""Who is on duty now with which certificates, and which gates before any dose are met by the clinic's own facts?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from django.utils.translation import ngettext

from clinic import clock
from clinic.access.models import Account, Role
from clinic.practice.models import Certificate, Duty
from clinic.queries.duty import duties_at
from clinic.queries.person import Chart
from clinic.queries.staff import ADVANCED_LIFE_SUPPORT, qualified_now
from clinic.record.models import Booking, Practice, VisitLine
from clinic.record.read import history
from clinic.record.visit_json import visit_from_json
from ketapath.domain.clinic import ClinicFact
from ketapath.domain.session import Gate, Visit
from ketapath.session import gates as core_gates


def gates(found: Chart, product: str, route: str, *, at: datetime | None = None) -> tuple[Gate, ...]:
    """The gates before a dose of this product by this route, as they stand now, or stood `at` an instant."""
    assert found.person is not None
    clinic = replace(found.clinic, facts={**found.clinic.facts, **on_duty(found.practice, at or clock.now())})
    return core_gates(found.person, clinic, found.knowledge, product=product, route=route)


def on_duty(practice: Practice, at: datetime) -> Mapping[str, ClinicFact]:
    """What the hours on duty and the register of certificates say of this instant, by profile path.

    A clinic that keeps no hours, or no certificates of a kind, has said nothing: then the path is not there.
    """
    here, day = qualified_now(practice, at), clock.local(at, practice.zone).date()
    if not here and not Duty.objects.filter(practice=practice).exists():
        return {}
    said = {"staff.prescriber_on_duty": any(one.account.role == Role.PRESCRIBER for one in here)}
    kept = set(Certificate.objects.filter(practice=practice, withdrawn_at=None).values_list("kind", flat=True))
    for path, kind, people in (
        ("staff.life_support_on_duty", ADVANCED_LIFE_SUPPORT, here),
        ("staff.watcher_on_duty", "sedation-monitoring", [one for one in here if one.watches]),
    ):
        if kind in kept:
            said[path] = any(kind in one.kinds for one in people)
    return {path: ClinicFact(value=value, on=day, by="register") for path, value in said.items()}


def full_hands(by: Account) -> str:
    """The sentence for a nurse who looks after as many people under a dose as the duty says; "" for everybody else.

    Theirs are those who are booked with them, and without a booking those whose dose they began.
    """
    now = clock.now()
    duty = duties_at(by.practice, now).filter(account=by, watches__gt=0).first()
    if duty is None:
        return ""
    visits = [
        visit_from_json(line.content["visit"])
        for line in VisitLine.objects.filter(practice=by.practice, closed_at=None)
    ]
    under = [v for v in visits if v.step in ("dosing", "observing") and v.administration is not None]
    staff = dict(
        Booking.objects.filter(
            practice=by.practice, appointment__in=[v.appointment_id for v in under if v.appointment_id]
        ).values_list("appointment", "staff")
    )
    own = sum(by.username in staff[v.appointment_id] if v.appointment_id in staff else _began(v, by) for v in under)
    if own < duty.watches:
        return ""
    said = {"count": own, "most": duty.watches}
    words = ngettext(
        "You look after %(count)s person under a dose; your duty says at most %(most)s.",
        "You look after %(count)s people under a dose; your duty says at most %(most)s.", own,
    )  # fmt: skip
    return words % said


def _began(visit: Visit, by: Account) -> bool:
    """Whether this account began the dose of the visit."""
    assert visit.administration is not None
    versions = history(by.practice, "MedicationAdministration", visit.administration.origin.id)
    return bool(versions) and versions[-1].changed_by == by.name
