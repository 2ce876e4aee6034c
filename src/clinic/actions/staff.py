"""Put a certificate on file as somebody has seen it, look at one again, or withdraw one. None is ever changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account
from clinic.access.permission import STAFF, require
from clinic.practice.models import Certificate
from clinic.queries.staff import certificate_kinds
from ketapath.errors import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A certificate as somebody holds it in their hands; without `valid_until` it does not run out."""

    username: str
    kind: str
    valid_from: date | None
    valid_until: date | None = None
    number: str = ""


def file_certificate(seen: Seen, *, by: Account) -> Certificate:
    """This certificate was seen today. The same one, seen twice on a day, is on file once.

    Raises BadInput for somebody who does not work here, an unknown kind, and days that cannot be.
    """
    require(by, "keep-certificates")
    accounts = Account.objects.filter(practice=by.practice, is_active=True, role__in=STAFF, username=seen.username)
    with transaction.atomic():
        account = accounts.select_for_update().first()
        if account is None:
            raise _wrong(_("account"), seen.username, _("somebody who works here"))
        if seen.kind not in certificate_kinds(by.practice):
            raise _wrong(_("kind"), seen.kind, _("a kind of certificate"))
        _check_days(seen, by)
        assert seen.valid_from is not None
        here = {
            "practice": by.practice, "account": account, "kind": seen.kind, "number": seen.number.strip()[:60],
            "valid_from": seen.valid_from, "valid_until": seen.valid_until,
        }  # fmt: skip
        now = clock.now()
        again = Certificate.objects.filter(**here, withdrawn_at=None).order_by("-seen_at").first()
        if again is not None and _day(again, by) == clock.today(by.practice.zone):
            return again
        made = Certificate.objects.create(**here, seen_by=by.name, seen_at=now)
        told = [f"Certificate/{made.pk}", seen.kind, account.username]
        audit.append("keep-certificates", outcome="done", account=by, entities=told)
    return made


def see_again(number: int, *, by: Account) -> bool:
    """The same certificate was looked at again today; False where it is not on file here."""
    require(by, "keep-certificates")
    row = (
        Certificate.objects.filter(pk=number, practice=by.practice, withdrawn_at=None).select_related("account").first()
    )
    if row is None:
        return False
    file_certificate(
        Seen(
            username=row.account.username, kind=row.kind, valid_from=row.valid_from, valid_until=row.valid_until,
            number=row.number,
        ),
        by=by,
    )  # fmt: skip
    return True


def withdraw_certificate(number: int, *, reason: str, by: Account) -> bool:
    """This one counts no more, from now on; False where it is not on file here, or was withdrawn before."""
    require(by, "keep-certificates")
    if not reason.strip():
        raise _wrong(_("reason"), _("nothing"), _("a reason"))
    with transaction.atomic():
        rows = Certificate.objects.select_for_update().filter(pk=number, practice=by.practice, withdrawn_at=None)
        row = rows.first()
        if row is None:
            return False
        row.withdrawn_at = clock.now()
        row.save(update_fields=["withdrawn_at"])
        told = [f"Certificate/{row.pk}", "withdrawn", row.kind, reason.strip()[:200]]
        audit.append("keep-certificates", outcome="done", account=by, entities=told)
    return True


def _check_days(seen: Seen, by: Account) -> None:
    today = clock.today(by.practice.zone)
    if seen.valid_from is None or seen.valid_from > today:
        found = _("nothing") if seen.valid_from is None else seen.valid_from.isoformat()
        raise _wrong(_("valid from"), found, _("a day that is not to come"))
    if seen.valid_until is not None and seen.valid_until < seen.valid_from:
        raise _wrong(_("valid until"), seen.valid_until.isoformat(), _("a day after it began"))


def _day(row: Certificate, by: Account) -> date:
    return clock.local(row.seen_at, by.practice.zone).date()


def _wrong(field: str, found: str, limit: str) -> BadInput:
    return BadInput(field=field, found=found or _("nothing"), limit=limit, next_step=_("Look at the certificate."))
