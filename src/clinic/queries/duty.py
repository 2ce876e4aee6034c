"""Who is on site, and when? The hours on duty of those who work here; whoever has left is nowhere any more."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet

from clinic.practice.models import Duty
from clinic.record.models import Practice


def duties(practice: Practice, begin: datetime, end: datetime) -> QuerySet[Duty]:
    """The duties that touch this stretch of time, of people whose account is open."""
    return Duty.objects.filter(practice=practice, account__is_active=True, starts_at__lt=end, ends_at__gt=begin)


def duties_at(practice: Practice, at: datetime) -> QuerySet[Duty]:
    """The duties that are under way at this instant."""
    return duties(practice, at, at + timedelta(microseconds=1))
