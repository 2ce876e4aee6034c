"""Who is on duty in the demonstration, and with which certificates? The same people every day, all day."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinic import clock
from clinic.access.models import Account, Role
from clinic.practice.models import Certificate, Duty
from clinic.record.models import Practice

_DAYS_BACK, _DAYS_AHEAD = 60, 90
_PEOPLE_AT_ONCE = 2
_HELD = ("licence", "advanced-life-support", "ketamine-training", "sedation-monitoring", "psychiatric-assessment")


def keep_watch(practice: Practice) -> None:
    """Prescriber and nurse on site each day from before the story to after it, with certificates in date."""
    today, zone = clock.today(practice.zone), ZoneInfo(practice.zone)
    days = [today + timedelta(days=n) for n in range(-_DAYS_BACK, _DAYS_AHEAD)]
    for account in Account.objects.filter(practice=practice, role__in=(Role.PRESCRIBER, Role.NURSE)):
        watches = _PEOPLE_AT_ONCE if account.role == Role.NURSE else 0
        Duty.objects.bulk_create(
            Duty(practice=practice, account=account, starts_at=datetime.combine(day, time(0), zone),
                 ends_at=datetime.combine(day + timedelta(days=1), time(0), zone), watches=watches,
                 made_by="demonstration")
            for day in days
        )  # fmt: skip
        Certificate.objects.bulk_create(
            Certificate(practice=practice, account=account, kind=kind, number="demonstration",
                        valid_from=today - timedelta(days=400), valid_until=today + timedelta(days=330),
                        seen_by="demonstration", seen_at=clock.now())
            for kind in _HELD
        )  # fmt: skip
