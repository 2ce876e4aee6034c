"""Who is on duty in the demonstration, and with which certificates? The same people every day, all day."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from clinic import clock
from clinic.access.models import Account, Role
from clinic.practice.models import Certificate, Duty
from clinic.record.models import Practice

_DAYS_BACK, _DAYS_AHEAD = 60, 90
_PEOPLE_AT_ONCE = {"nurse": 2}
_OTHERWISE = 4
_HELD = ("licence", "advanced-life-support", "ketamine-training", "sedation-monitoring", "psychiatric-assessment")
_HELD_BY_THERAPISTS = ("licence", "ketamine-training", "ketamine-assisted", "psychiatric-assessment")
_ENDS_SOON = {("nurse-osei", "advanced-life-support"): 12}
"""In so many days, so that the register has something to say."""
_WITHOUT_HOURS = "therapist"


def keep_watch(practice: Practice) -> None:
    """Prescribers, nurses and therapists on site each day from before the story to after it, certificates in date."""
    today, zone = clock.today(practice.zone), ZoneInfo(practice.zone)
    days = [today + timedelta(days=n) for n in range(-_DAYS_BACK, _DAYS_AHEAD)]
    on_site = Account.objects.filter(practice=practice, role__in=(Role.PRESCRIBER, Role.NURSE, Role.THERAPIST))
    for account in on_site.exclude(username=_WITHOUT_HOURS):
        watches = _PEOPLE_AT_ONCE.get(account.username, _OTHERWISE) if account.role == Role.NURSE else 0
        Duty.objects.bulk_create(
            Duty(practice=practice, account=account, starts_at=datetime.combine(day, time(0), zone),
                 ends_at=datetime.combine(day + timedelta(days=1), time(0), zone), watches=watches,
                 made_by="demonstration")
            for day in days
        )  # fmt: skip
        Certificate.objects.bulk_create(
            Certificate(practice=practice, account=account, kind=kind, number="demonstration",
                        valid_from=today - timedelta(days=400),
                        valid_until=today + timedelta(days=_ENDS_SOON.get((account.username, kind), 330)),
                        seen_by="demonstration", seen_at=clock.now())
            for kind in (_HELD_BY_THERAPISTS if account.role == Role.THERAPIST else _HELD)
        )  # fmt: skip
