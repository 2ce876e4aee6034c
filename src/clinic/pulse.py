"""Is the worker alive, and is the clock where it was? Signs that outlive a process, for /health and for the log.

The worker touches a file; a clock that stands behind the newest row of the trail has been set back. History does not
suffer, because rows are ordered by their number, but what is dated now is dated wrong.
"""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from django.conf import settings

from clinic import clock
from clinic.access.models import AuditRow
from clinic.record.models import Version

MOST_BEHIND = timedelta(minutes=2)


def beat() -> None:
    """The worker is alive at this moment. A sign that cannot be written keeps nobody from working."""
    with suppress(OSError):
        _file().touch(mode=0o600)


def age_s() -> float | None:
    """Seconds since the worker was last alive; None where it never was in this folder."""
    try:
        return max(0.0, time.time() - _file().stat().st_mtime)
    except OSError:
        return None


def behind() -> timedelta:
    """How far the clock stands behind the newest row of the record and of its trail; zero where it does not."""
    newest = (
        AuditRow.objects.order_by("-id").values_list("at", flat=True).first(),
        Version.objects.order_by("-id").values_list("changed_at", flat=True).first(),
    )
    return max([timedelta(), *(at - clock.now() for at in newest if at is not None)])


def _file() -> Path:
    return Path(settings.DATA_DIR) / "worker-alive"
