"""Once a day, send a test alert down the whole chain, and see whether it came out at the other end."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction

from clinic import clock
from clinic.actions.alerts import raise_alert, settle
from clinic.practice.models import Alert
from clinic.queries.alerts import TEST, Staff
from clinic.queries.chain import EVERY, came_through, chain
from clinic.record.models import Practice

_log = logging.getLogger(__name__)
_said: dict[int, str] = {}


def test_daily(practice: Practice) -> None:
    """Raise today's test where none was; close the one that has come through. What did not come through stays open.

    A practice without anybody in it has no chain to test yet.
    """
    now = clock.now()
    if not Staff(practice, now).accounts:
        return
    newest = Alert.objects.filter(practice=practice, kind=TEST).order_by("-id").first()
    if newest is None or (newest.closed_at is not None and not timedelta() <= now - newest.raised_at < EVERY):
        with transaction.atomic():
            raise_alert(practice, kind=TEST)
    elif newest.closed_at is None and came_through(newest):
        settle(practice, kind=TEST)


def say_so(practice: Practice) -> None:
    """A line in the log where the chain does not hold, once for each trouble."""
    trouble = chain(practice).trouble
    if trouble and _said.get(practice.pk) != trouble:
        _log.error("alerts may not reach the second person", extra={"practice": practice.slug, "trouble": trouble})
    _said[practice.pk] = trouble
