"""Is the worker alive, and is the clock where it was? Signs that outlive a process, for /health and for the log.

The worker touches a file; a clock that stands behind the newest row of the trail has been set back. History does not
suffer, because rows are ordered by their number, but what is dated now is dated wrong.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings

from clinic import clock
from clinic.access.models import AuditRow
from clinic.record.models import Version

MOST_BEHIND = timedelta(minutes=2)
_SLIP = timedelta(seconds=2)
"""By so little a clock that is kept in step by the network goes back now and then."""
_seen: tuple[datetime, float] | None = None
_done: dict[str, float] = {}


def beat() -> None:
    """The worker is alive at this moment. A sign that cannot be written keeps nobody from working."""
    with suppress(OSError):
        _file().touch(mode=0o600)
        _file().write_text(clock.now().isoformat())


def age_s() -> float | None:
    """Seconds since the worker was last alive; None where it never was in this folder."""
    try:
        return max(0.0, time.time() - _file().stat().st_mtime)
    except OSError:
        return None


def went_back() -> timedelta:
    """By how much the clock was set back since this was asked last; since the last sign of life in a new process.

    Zero where it was not. While nobody watched, what went by meanwhile hides as much of it.
    """
    global _seen
    before, _seen = _seen, (clock.now(), time.monotonic())
    if before is None:
        back = _last_alive(_seen[0]) - _seen[0]
    else:
        back = timedelta(seconds=_seen[1] - before[1]) - (_seen[0] - before[0])
    return back if back > _SLIP else timedelta()


def _last_alive(otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(_file().read_text())
    except (OSError, ValueError):
        return otherwise


def is_time(what: str, every_s: float) -> bool:
    """Whether this was last done so many seconds ago, by a clock that nobody sets; it is then taken as done now."""
    now = time.monotonic()
    if what in _done and now - _done[what] < every_s:
        return False
    _done[what] = now
    return True


def behind() -> timedelta:
    """How far the clock stands behind the newest row of the record and of its trail; zero where it does not."""
    newest = (
        AuditRow.objects.order_by("-id").values_list("at", flat=True).first(),
        Version.objects.order_by("-id").values_list("changed_at", flat=True).first(),
    )
    return max([timedelta(), *(at - clock.now() for at in newest if at is not None)])


def _file() -> Path:
    return Path(settings.DATA_DIR) / "worker-alive"
