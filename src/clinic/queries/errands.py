"""What waits, fails or was done behind the pages of one practice? Kinds, times and counts; nothing of any person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from clinic import clock, pulse
from clinic.record.models import Errand, Practice

MOST = 50
LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errands:
    """The outbox of one practice at this moment. `alive_s` is how long ago the worker was alive, None for never."""

    due: tuple[Errand, ...]
    failed: tuple[Errand, ...]
    ahead: tuple[Errand, ...]
    done_today: int
    done_last: datetime | None
    alive_s: float | None

    @property
    def is_late(self) -> bool:
        """Something has been due for a while, or nobody does errands."""
        long_due = any(clock.now() - errand.due_at > LATE for errand in self.due)
        return long_due or self.alive_s is None or self.alive_s > LATE.total_seconds()


def errands(practice: Practice) -> Errands:
    """What is due now, what failed and is tried again, what is ahead, and what was done since midnight here."""
    now = clock.now()
    open_ones = Errand.objects.filter(practice=practice, done_at=None).order_by("due_at", "id")
    here = clock.local(now, practice.zone)
    done = Errand.objects.filter(
        practice=practice, done_at__gte=here.replace(hour=0, minute=0, second=0, microsecond=0)
    )
    last = done.order_by("-done_at").values_list("done_at", flat=True).first()
    return Errands(
        due=tuple(open_ones.filter(problem="", due_at__lte=now)[:MOST]),
        failed=tuple(open_ones.exclude(problem="")[:MOST]),
        ahead=tuple(open_ones.filter(problem="", due_at__gt=now)[:MOST]),
        done_today=done.count(),
        done_last=last,
        alive_s=pulse.age_s(),
    )
