"""Who is on duty now with which certificates, and which gates before any dose are met by the clinic's own facts?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from clinic import clock
from clinic.access.models import Role
from clinic.practice.models import Certificate, Duty
from clinic.queries.person import Chart
from clinic.record.models import Practice
from ketapath.domain.clinic import ClinicFact
from ketapath.domain.session import Gate
from ketapath.session import gates as core_gates


def gates(found: Chart, product: str, route: str) -> tuple[Gate, ...]:
    """The gates before a dose of this product by this route, as they stand at this instant."""
    assert found.person is not None
    clinic = replace(found.clinic, facts={**found.clinic.facts, **on_duty(found.practice, clock.now())})
    return core_gates(found.person, clinic, found.knowledge, product=product, route=route)


def on_duty(practice: Practice, at: datetime) -> Mapping[str, ClinicFact]:
    """What the hours on duty and the register of certificates say of this instant, by profile path.

    A clinic that keeps no hours, or no certificates of a kind, has said nothing: then the path is not there.
    """
    day = clock.local(at, practice.zone).date()
    rows = Duty.objects.filter(practice=practice, starts_at__lte=at, ends_at__gt=at, account__is_active=True)
    here = list(rows.select_related("account"))
    if not here and not Duty.objects.filter(practice=practice).exists():
        return {}
    said = {"staff.prescriber_on_duty": any(duty.account.role == Role.PRESCRIBER for duty in here)}
    watchers = {duty.account_id for duty in here if duty.watches}
    for path, kind, people in (
        ("staff.life_support_on_duty", "advanced-life-support", {duty.account_id for duty in here}),
        ("staff.watcher_on_duty", "sedation-monitoring", watchers),
    ):
        held = Certificate.objects.filter(practice=practice, kind=kind, withdrawn_at=None)
        if held.exists():
            in_date = (c for c in held.filter(account__in=people, valid_from__lte=day))
            said[path] = any(c.valid_until is None or c.valid_until >= day for c in in_date)
    return {path: ClinicFact(value=value, on=day, by="register") for path, value in said.items()}
