"""Hand in a record at a page; the worker takes it in. What has become of it is kept with it.

The worker may do it twice, where it was interrupted: an import of the same record changes nothing the second time.
"""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import Refused, require
from clinic.actions.commit import NotAllowed
from clinic.actions.patients import import_record, told
from clinic.record.models import Delivery, Errand
from ketapath.errors import BadInput
from ketapath.fhir.bundle import MAX_BYTES


def hand_in(data: bytes, *, by: Account) -> Delivery:
    """Keep this file for the worker. Raises BadInput for one that is empty or too large to be read."""
    require(by, "import-record")
    if not 0 < len(data) <= MAX_BYTES:
        raise BadInput(
            field=_("file"), found=_("%(n)s bytes") % {"n": len(data)}, limit=_("a file of at most 64 MiB"),
            next_step=_("Send a smaller record."),
        )  # fmt: skip
    with transaction.atomic():
        now = clock.now()
        delivery = Delivery.objects.create(
            practice=by.practice, username=by.username, content=data, handed_in_at=now
        )  # fmt: skip
        Errand.objects.create(practice=by.practice, kind="delivery", details={"delivery": delivery.pk}, due_at=now)
        audit.append("hand-in", outcome="done", account=by, entities=[f"delivery/{delivery.pk}"])
    return delivery


def take_in(number: int) -> None:
    """Import what was handed in, as the one who handed it in. Raises Stale where the record was written meanwhile."""
    delivery = Delivery.objects.get(pk=number)
    if delivery.done_at is not None:
        return
    rows = Delivery.objects.filter(pk=number)

    def progress(step: str, count: int) -> None:
        if step != "stored":
            rows.update(step=step, resources=count)

    account = Account.objects.get(username=delivery.username)
    try:
        found = import_record(bytes(delivery.content), by=account, progress=progress)
    except BadInput as problem:
        _refuse(rows, str(problem))
    except (Refused, NotAllowed):
        _refuse(rows, _("It may not be taken in by the one who handed it in."))
    else:
        rows.update(
            step="done", patient_id=found.patient_id, report=told(found), content=b"", done_at=clock.now()
        )  # fmt: skip


def _refuse(rows: QuerySet[Delivery], problem: str) -> None:
    rows.update(step="refused", report={"problem": problem}, content=b"", done_at=clock.now())
