"""See a notice: the person it was for has read it, with name and time."""

from __future__ import annotations

from django.db import transaction

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account, Role
from clinic.access.permission import Refused, require
from clinic.queries.today import unseen
from clinic.record.models import Notice


def see_notice(number: int, *, by: Account) -> bool:
    """Mark it as seen; False where it is not one that this account reaches, or was seen before.

    Only those whom it is for may do so, and a prescriber for everybody. Raises Refused for anybody else.
    """
    require(by, "see-notice")
    with transaction.atomic():
        notice = unseen(by).filter(pk=number).first()
        if notice is None:
            return False
        if by.role not in (notice.role, Role.PRESCRIBER):
            raise Refused("see-notice")
        Notice.objects.filter(pk=notice.pk, seen_at=None).update(seen_at=clock.now(), seen_by=by.name)
        audit.append("see-notice", outcome="done", account=by, patient_id=notice.patient_id, entities=[notice.key])
    return True
