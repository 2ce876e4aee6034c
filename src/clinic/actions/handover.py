"""Tell a colleague what is open, and say that one has taken over. Until the receiver says so it stays visible.

What is said about a person enters the record; who has to take over what is the clinic's own row, made with it.
"""

from __future__ import annotations

import secrets

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import STAFF, Refused, may, require
from clinic.actions.alerts import raise_alert, settle
from clinic.actions.commit import Act, Done, Draft, commit
from clinic.practice.models import Handover
from clinic.queries.person import Chart
from ketapath.errors import BadInput
from ketapath.fhir.referrals import handover

WAITING = "handover.waiting"
LONGEST = 2000
"""Letters of what is open, and of what to watch."""


def hand_over(found: Chart, to: str, *, open_points: str, watch: str = "", by: Account, key: str) -> Done:
    """Hand this person over: what is open, and what to watch.

    Raises BadInput where nothing is said, and for somebody who could not open the chart.
    """
    require(by, "hand-over", patient_id=found.patient_id)
    words = _words(open_points, watch)
    receiver = _receiver(to, by)
    if not may(receiver, "read-chart", patient_id=found.patient_id):
        raise BadInput(
            field=_("to"), found=receiver.name, limit=_("somebody who may open this chart"),
            next_step=_("Choose somebody of the care team, or add this person to it."),
        )  # fmt: skip
    at = clock.local(clock.now(), by.practice.zone)
    name = f"handover-{secrets.token_hex(12)}"
    made = handover(
        name, patient_id=found.patient_id, at=at, by=(by.name, by.username), to=(receiver.name, receiver.username),
        open_points=words[0], watch=words[1],
    )  # fmt: skip
    asked = {"to": to, "open": open_points, "watch": watch}
    act = Act(name="hand-over", by=by, patient_id=found.patient_id, key=key, asked=asked)

    def told(_done: Done) -> None:
        row = Handover.objects.create(
            practice=by.practice, sender=by, receiver=receiver, patient_id=found.patient_id, communication=name,
            made_at=at, key=key or name,
        )  # fmt: skip
        _waits(row)

    return commit(act, [Draft(resource=made)], last=told)


def hand_over_shift(to: str, *, open_points: str, watch: str = "", by: Account, key: str) -> Handover:
    """Hand a shift over. It is about the clinic: what is about one person is handed over with that person."""
    require(by, "hand-over")
    words = _words(open_points, watch)
    receiver = _receiver(to, by)
    row = Handover(
        practice=by.practice, sender=by, receiver=receiver, open_points=words[0], watch=words[1], made_at=clock.now(),
        key=key or secrets.token_hex(16),
    )  # fmt: skip
    try:
        with transaction.atomic():
            row.save()
            _waits(row)
            told = [f"Handover/{row.pk}", receiver.username]
            audit.append("hand-over", outcome="done", account=by, entities=told)
    except IntegrityError:
        # The same request came twice at one instant; the other one has written it.
        return Handover.objects.get(practice=by.practice, sender=by, key=row.key)
    return row


def take_over(number: int, *, by: Account) -> bool:
    """I have read it and have taken over; False where it was taken over before.

    Raises Refused for anybody but the receiver, and where there is none of this number.
    """
    require(by, "take-over")
    with transaction.atomic():
        rows = Handover.objects.select_for_update().filter(pk=number, practice=by.practice, receiver=by)
        row = rows.first()
        if row is None or (row.patient_id and not may(by, "take-over", patient_id=row.patient_id)):
            raise Refused("take-over")
        if row.acknowledged_at is not None:
            return False
        row.acknowledged_at = clock.now()
        row.save(update_fields=["acknowledged_at"])
        settle(by.practice, kind=WAITING, patient_id=row.patient_id, about=str(row.pk), by=by)
        audit.append(
            "take-over", outcome="done", account=by, patient_id=row.patient_id, entities=[f"Handover/{row.pk}"]
        )
    return True


def _waits(row: Handover) -> None:
    """It wants an answer of its receiver, and goes on to a second person where none comes."""
    raise_alert(
        row.practice, kind=WAITING, patient_id=row.patient_id, about=str(row.pk), owner=row.receiver,
        words_values={"name": row.sender.name},
    )  # fmt: skip


def _words(open_points: str, watch: str) -> tuple[str, str]:
    said = open_points.strip(), watch.strip()
    if not said[0] or max(map(len, said)) > LONGEST:
        raise BadInput(
            field=_("what is open"), found=_("nothing") if not said[0] else _("more than a page"),
            limit=_("1 to %(count)s letters") % {"count": LONGEST}, next_step=_("Write it, or write that nothing is."),
        )  # fmt: skip
    return said


def _receiver(username: str, by: Account) -> Account:
    staff = Account.objects.filter(practice=by.practice, is_active=True, role__in=STAFF)
    found = staff.filter(username=username).exclude(pk=by.pk).first()
    if found is None:
        raise BadInput(
            field=_("to"), found=username or _("nobody"), limit=_("a colleague"), next_step=_("Choose from the list."),
        )  # fmt: skip
    return found
