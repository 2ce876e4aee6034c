"""Who is on duty now with which certificates, and which gates before any dose are met by the clinic's own facts?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from clinic import clock
from clinic.access.models import Role
from clinic.practice.models import Certificate, Duty
from clinic.queries.person import Chart
from clinic.queries.staff import ADVANCED_LIFE_SUPPORT, qualified_now
from clinic.record.models import Practice
from ketapath.domain.clinic import ClinicFact
from ketapath.domain.session import Gate
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
