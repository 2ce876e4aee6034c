"""See a notice: the person it was for has read it, with name and time."""

from __future__ import annotations

from django.db import transaction

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.record.models import Notice


def see_notice(number: int, *, by: Account) -> bool:
    """Mark it as seen; False where it is not one of this practice or was seen before."""
    require(by, "see-notice")
    with transaction.atomic():
        rows = Notice.objects.filter(pk=number, practice=by.practice, seen_at=None)
        notice = rows.first()
        if notice is None:
            return False
        rows.update(seen_at=clock.now(), seen_by=by.name)
        audit.append("see-notice", outcome="done", account=by, patient_id=notice.patient_id, entities=[notice.key])
    return True
