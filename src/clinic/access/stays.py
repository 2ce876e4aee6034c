"""Is this person still here? How long a sign-in lasts, when it locks, and how it is ended from elsewhere.

A stay ends on the server: the row goes, and no cookie opens anything any more. Staff who do nothing for a while are
locked and go on after showing one secret; others are signed out. Only what a person does counts, never what a page
does by itself.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal

from django.conf import settings
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account, Role, Stay

State = Literal["open", "locked", "over"]

FRESH = timedelta(minutes=5)
"""How long ago a secret may have been shown for changing how one signs in."""

LEEWAY = timedelta(seconds=60)
"""Clocks are set right by so much without anybody noticing."""

_AT_HOME = (Role.PATIENT, Role.CAREGIVER)


def is_staff(account: Account) -> bool:
    """Whether somebody works here; patients and caregivers are signed out instead of locked."""
    return account.role not in _AT_HOME


def came_in(sender: Any, request: HttpRequest, user: Account, **_: Any) -> None:
    """Begin a stay for whoever has just signed in, and forget what is over."""
    now = clock.wall()
    for old in Stay.objects.filter(account=user, ends_at__lte=now):
        end(old, outcome="expired")
    stay = Stay.objects.create(
        account=user,
        since=now,
        seen_at=now,
        proved_at=now,
        ends_at=now + timedelta(hours=settings.SESSION_HOURS),
        address=audit.source(),
        device=request.META.get("HTTP_USER_AGENT", "")[:200],
    )
    request.session["stay"] = stay.pk
    request.session.pop("has_signed", None)
    request.session.set_expiry(stay.ends_at)
    type(request.session).clear_expired()


def stay_of(session: SessionBase, account: Account) -> Stay | None:
    """The stay of this session, as it stands now."""
    return Stay.objects.filter(pk=session.get("stay", ""), account=account).first()


def look(stay: Stay) -> State:
    """Whether the person may go on; a stay that has been idle is locked, or ended, here.

    A clock that was set back prolongs nothing: somebody last seen in the future counts as idle.
    """
    now = clock.wall()
    if now >= stay.ends_at:
        end(stay, outcome="expired")
        return "over"
    if stay.locked_at is not None:
        return "locked"
    if stay.seen_at - LEEWAY <= now < stay.seen_at + timedelta(minutes=settings.IDLE_MINUTES):
        return "open"
    if not is_staff(stay.account):
        end(stay, outcome="expired")
        return "over"
    lock(stay, outcome="idle")
    return "locked"


def saw(stay: Stay) -> None:
    """The person did something. Written down now and then only, so that reading pages stays cheap."""
    now = clock.wall()
    if now - stay.seen_at > timedelta(minutes=settings.IDLE_MINUTES) / 30:
        Stay.objects.filter(pk=stay.pk, locked_at=None).update(seen_at=now)


def lock(stay: Stay, *, outcome: str = "done") -> None:
    """From now on nothing opens before a secret is shown."""
    with transaction.atomic():
        stay.locked_at = clock.wall()
        if Stay.objects.filter(pk=stay.pk, locked_at=None).update(locked_at=stay.locked_at):
            audit.append("lock", outcome=outcome, account=stay.account)


def proved(stay: Stay, *, second_factor: bool = False) -> None:
    """A secret was shown: the stay is open again, not a moment longer than its end would have been."""
    now = clock.wall()
    if now < stay.seen_at:
        stay.ends_at -= stay.seen_at - now
    stay.locked_at, stay.seen_at, stay.proved_at = None, now, now
    if second_factor:
        stay.second_factor_at = now
    # Updated, not saved: a stay that was ended meanwhile must not come back.
    Stay.objects.filter(pk=stay.pk).update(
        locked_at=None, seen_at=now, proved_at=now, ends_at=stay.ends_at, second_factor_at=stay.second_factor_at
    )


def seconds_left(stay: Stay) -> float:
    """How long until this stay locks if nobody does anything; nothing where it is locked."""
    until = stay.seen_at + timedelta(minutes=settings.IDLE_MINUTES) - clock.wall()
    return 0.0 if stay.locked_at is not None else max(0.0, until.total_seconds())


def is_fresh(stay: Stay) -> bool:
    """Whether a secret was shown just now."""
    return timedelta() <= clock.wall() - stay.proved_at < FRESH


def end(stay: Stay, *, act: str = "end-session", outcome: str = "done", who: str = "") -> None:
    """Nothing opens with it any more. `who` ended it where it was not the person."""
    with transaction.atomic():
        if Stay.objects.filter(pk=stay.pk).delete()[0]:
            account = None if who else stay.account
            audit.append(act, outcome=outcome, account=account, who=who, entities=[stay.account.username])


def end_all(stays: QuerySet[Stay], *, who: str = "") -> int:
    """End these; how many there were."""
    found = list(stays.select_related("account"))
    for stay in found:
        end(stay, who=who)
    return len(found)
