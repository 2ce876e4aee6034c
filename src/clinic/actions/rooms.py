"""Which rooms are there, and who is on duty when? Tables of the clinic; each change is on the trail."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account, Role
from clinic.access.permission import require
from clinic.practice.models import Duty, Room
from clinic.queries.booking import no_such_time
from clinic.queries.schedule import day_span, losing
from clinic.record.models import Booking
from ketapath.domain.schedule import STANDING
from ketapath.errors import BadInput

KINDS = ("treatment", "talking")
ON_DUTY = (Role.PRESCRIBER, Role.NURSE, Role.THERAPIST)
"""Who may be on duty for appointments."""
MOST_WATCHED = 6
"""Places of one nurse; more is a slip of the hand. How many are right is the clinic's decision."""
LONGEST_DAYS = 26 * 7
"""How far ahead one week's pattern is laid out at once."""
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,19}")

Week = Mapping[int, tuple[time, time]]
"""From when to when somebody is there, by day of the week with Monday as 0; a day that is not named is off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaidOut:
    """On how many days somebody is on duty now, and how many days of before were taken away."""

    days: int
    replaced: int


def set_room(code: str, *, name: str, kind: str, place: int = 0, is_open: bool = True, by: Account) -> Room:
    """Set up a room or chair, or change one; `place` orders the rooms of a kind.

    Raises BadInput for a name or kind that cannot be, and for closing or changing the kind of a room that is booked.
    """
    require(by, "set-room")
    if not _CODE.fullmatch(code) or not name.strip():
        raise BadInput(
            field=_("room"), found=code or _("nothing"),
            limit=_("a short code of small letters, digits and dashes, and a name"), next_step=_("Type both."),
        )  # fmt: skip
    if kind not in KINDS or not 0 <= place <= 1000:
        raise BadInput(field=_("kind"), found=kind, limit=", ".join(KINDS), next_step=_("Choose from the list."))
    with transaction.atomic():
        standing = Room.objects.select_for_update().filter(practice=by.practice, code=code).first()
        if standing is not None and (not is_open or kind != standing.kind):
            _check_unbooked(standing)
        room, _is_new = Room.objects.update_or_create(
            practice=by.practice, code=code,
            defaults={"name": name.strip()[:60], "kind": kind, "place": place, "is_open": is_open},
        )  # fmt: skip
        audit.append("set-room", outcome="done", account=by, entities=[f"Room/{code}"])
    return room


def set_duty(
    username: str, week: Week, *, first: date, last: date, watches: int = 0, is_confirmed: bool = False, by: Account
) -> LaidOut:
    """Lay a week's pattern out from the first day to the last, in place of what stood there for this person.

    Who was there on days that are over stays as it was. Each day's clock times become instants of that day, so that a
    change of the clock moves nothing. Raises BadInput for somebody who is not on duty here, an end before its
    beginning, and a time that the clock skips or repeats; and, unless it `is_confirmed`, where appointments would lose
    them or a duty is taken away with nothing in its place.
    """
    require(by, "set-duty")
    _check_span(first, last, by)
    first = max(first, clock.today(by.practice.zone))
    with transaction.atomic():
        known = Account.objects.select_for_update().filter(practice=by.practice, username=username, is_active=True)
        account = known.first()
        if account is None or account.role not in ON_DUTY:
            raise BadInput(
                field=_("account"), found=username or _("nothing"), limit=_("a prescriber, nurse or therapist of here"),
                next_step=_("Choose from the list."),
            )  # fmt: skip
        if not 0 <= watches <= MOST_WATCHED or (account.role == Role.NURSE and week and watches == 0):
            raise BadInput(
                field=_("people at once"), found=str(watches), limit=_("1 to %(most)s") % {"most": MOST_WATCHED},
                next_step=_("Say how many people in session this nurse looks after at once."),
            )  # fmt: skip
        spans = list(_spans(week, first, last, by.practice.zone))
        begin, end = day_span(first, by.practice.zone)[0], day_span(last, by.practice.zone)[1]
        standing = Duty.objects.filter(account=account, starts_at__gte=begin, starts_at__lt=end)
        new = [
            Duty(practice=by.practice, account=account, starts_at=starts, ends_at=ends, made_by=by.name,
                 watches=watches if account.role == Role.NURSE else 0)
            for starts, ends in spans
        ]  # fmt: skip
        if not is_confirmed:
            _check_kept(account, standing, new)
        replaced, _rows = standing.delete()
        Duty.objects.bulk_create(new)
        audit.append(
            "set-duty", outcome="done", account=by,
            entities=[f"Account/{account.username}", f"{first.isoformat()}..{last.isoformat()}"],
        )  # fmt: skip
    return LaidOut(days=len(spans), replaced=replaced)


def _check_kept(account: Account, standing: QuerySet[Duty], new: Sequence[Duty]) -> None:
    """Nobody is taken from people who are booked with them, or off duty for weeks, by a form that was left empty."""
    lost = losing(account.practice, list(standing), new)
    here = sum(booked.status == "arrived" for booked in lost)
    said = {
        "name": account.name,
        "ahead": ngettext("%(count)s appointment ahead", "%(count)s appointments ahead", len(lost) - here)
        % {"count": len(lost) - here},
        "here": ngettext("%(count)s open visit", "%(count)s open visits", here) % {"count": here},
    }
    if lost:
        raise BadInput(
            field=_("duty"), found=_("%(ahead)s and %(here)s") % said,
            limit=_("a duty that covers them, or one that is confirmed: they would lose %(name)s") % said,
            next_step=_("Change the days or hours, or confirm below and find somebody else for them."),
        )  # fmt: skip
    if not new and (days := standing.count()):
        raise BadInput(
            field=_("duty"),
            found=ngettext("no day of the week, and %(count)s day of duty that would go",
                           "no day of the week, and %(count)s days of duty that would go", days) % {"count": days},
            limit=_("days of the week, or a confirmation"),
            next_step=_("Tick the days, or confirm below that the duty is taken away."),
        )  # fmt: skip


def _spans(week: Week, first: date, last: date, zone: str) -> list[tuple[datetime, datetime]]:
    found = []
    for on in (first + timedelta(days=n) for n in range((last - first).days + 1)):
        if on.weekday() not in week:
            continue
        starts, ends = week[on.weekday()]
        if ends <= starts:
            raise BadInput(
                field=_("hours"), found=f"{starts:%H:%M} – {ends:%H:%M}", limit=_("an end after the beginning"),
                next_step=_("Type both by the clinic's clock; a duty ends on its own day."),
            )  # fmt: skip
        found.append((_instant(on, starts, zone), _instant(on, ends, zone)))
    return found


def _instant(on: date, at: time, zone: str) -> datetime:
    try:
        return clock.instant(on, at, zone)
    except clock.NoSuchTime as problem:
        raise no_such_time(on, at, problem) from problem


def _check_span(first: date, last: date, by: Account) -> None:
    if last < first or (last - first).days >= LONGEST_DAYS or last < clock.today(by.practice.zone):
        raise BadInput(
            field=_("days"), found=f"{first.isoformat()} – {last.isoformat()}",
            limit=_("a first day, and a last day within half a year after it that is not over"),
            next_step=_("Choose both."),
        )  # fmt: skip


def _check_unbooked(room: Room) -> None:
    ahead = Booking.objects.filter(
        practice=room.practice, room=room.code, status__in=STANDING, ends_at__gt=clock.now()
    ).order_by("starts_at")
    count = ahead.count()
    if count:
        raise BadInput(
            field=_("room"), found=_("%(count)s appointments ahead in it") % {"count": count},
            limit=_("a room that nothing is booked in"), next_step=_("Move or cancel them first."),
        )  # fmt: skip
