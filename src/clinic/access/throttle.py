"""How often may somebody try a secret? The trail is the count, so a restart or a second server forgets nothing.

Each kind of secret rests by itself, for each name: guessing a password does not keep a code out, and a code of sixteen
letters or a security key, which nobody guesses, never rests. An address that many failures come from waits between
tries, but for names that have signed in from there before, so that a clinic behind one address is not shut out by a
stranger in its network. Tries while something rests are not looked at and prolong nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Literal

from django.db.models import QuerySet

from clinic import clock
from clinic.access import audit
from clinic.access.models import AuditRow

Secret = Literal["password", "app-code", "recovery-code"]

_ACTS: Mapping[Secret, tuple[str, ...]] = MappingProxyType(
    {
        "password": ("sign-in", "prove", "unlock"),
        "app-code": ("second-factor", "prove", "unlock"),
        "recovery-code": ("recovery-code",),
    }
)
_QUARTER, _DAY = timedelta(minutes=15), timedelta(days=1)

# Wrong tries that a name is given. Six digits with three of a million right at any time: twenty tries a day find one
# within a year in 2 % of cases, for somebody who knows the password already.
_LIMITS: Mapping[Secret, tuple[tuple[timedelta, int], ...]] = MappingProxyType(
    {
        "password": ((_QUARTER, 10),),
        "app-code": ((_QUARTER, 5), (_DAY, 20)),
        "recovery-code": ((_QUARTER, 5), (_DAY, 50)),
    }
)
ADDRESS_FREE = 50
_ADDRESS_LONGEST = timedelta(seconds=30)
_KNOWN_FOR = timedelta(days=30)


def rests(kind: Secret, username: str) -> bool:
    """Whether this kind of secret is not looked at now for this name."""
    now = clock.now()
    wrong = AuditRow.objects.filter(act__in=_ACTS[kind], who=username[:80], outcome="refused")
    return any(wrong.filter(at__gt=now - window).count() >= most for window, most in _LIMITS[kind]) or (
        address_waits(username)
    )


def address_waits(username: str) -> bool:
    """Whether the address at hand has to wait before its next try: a second for every ten failures beyond fifty."""
    address, now = audit.source(), clock.now()
    if not address:
        return False
    wrong = _wrong_from(address).filter(at__gt=now - _QUARTER)
    beyond = wrong.count() - ADDRESS_FREE
    if beyond < 0:
        return False
    wait = min(_ADDRESS_LONGEST, timedelta(seconds=1 + beyond // 10))
    if not wrong.filter(at__gt=now - wait).exists():
        return False
    known = AuditRow.objects.filter(act__in=("sign-in", "second-factor"), source=address, at__gt=now - _KNOWN_FOR)
    return not known.filter(who=username[:80], outcome="done").exists()


def _wrong_from(address: str) -> QuerySet[AuditRow]:
    acts = {act for acts in _ACTS.values() for act in acts}
    return AuditRow.objects.filter(act__in=acts, source=address, outcome="refused")
