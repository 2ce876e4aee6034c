"""How does somebody get in? With a password or a code that works once, and a second factor where there has to be one.

Every try is on the trail. `access.throttle` says when a secret is not looked at; an unknown name takes as long and is
answered in the same words as a wrong secret.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.auth import authenticate
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access import audit, throttle
from clinic.access.factors import has_factor, remove_all, takes_app_code, takes_key, takes_recovery_code
from clinic.access.models import Account, SignInCode, Stay
from clinic.access.stays import end_all, is_staff

CODE_HOURS = 12
SHORTEST, SHORTEST_ALONE = 8, 15  # source: ASVS 5.0, 6.2.1
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that look alike
_APP_CODE = re.compile(r"\d{3} ?\d{3}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """Whom a name and a secret stand for, and whether a second factor is asked before anything opens."""

    account: Account
    asks_second_factor: bool


class Length:
    """A password validator: long, but for people who show a second factor as well."""

    def validate(self, password: str, user: Account | None = None) -> None:
        """Raises ValidationError where it is too short for this person."""
        shortest = self._shortest(user)
        if len(password) < shortest:
            raise ValidationError(_("It needs at least %(shortest)d characters.") % {"shortest": shortest})

    def get_help_text(self) -> str:
        """The rule in a sentence."""
        words = {"alone": SHORTEST_ALONE, "beside": SHORTEST}
        return _("At least %(alone)d characters, or %(beside)d beside a second factor.") % words

    def _shortest(self, user: Account | None) -> int:
        return SHORTEST if user is not None and has_factor(user) else SHORTEST_ALONE


def needs_factor(account: Account) -> bool:
    """Whether nothing opens for this person before a second factor: all who work with real patients' records."""
    return is_staff(account) and not account.practice.is_demo


def new_code(account: Account) -> str:
    """A fresh code of 16 letters (79 bits); earlier ones of this account stop working."""
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
    with transaction.atomic():
        SignInCode.objects.filter(account=account, used_at=None).delete()
        expires = clock.now() + timedelta(hours=CODE_HOURS)
        SignInCode.objects.create(account=account, digest=_digest(code), expires_at=expires)
    return code


def sign_in(username: str, secret: str) -> Opened | None:
    """Whom this name and this code or password stand for; None otherwise.

    A code replaces the password only. In a demonstration, where everybody is invented, a code alone opens.
    """
    is_resting = throttle.rests("password", username)
    found = None if is_resting else authenticate(username=username, password=secret)  # slow, so outside the transaction
    with transaction.atomic():
        _one_at_a_time(username)
        account = found if isinstance(found, Account) and not throttle.rests("password", username) else None
        by_code = None if account else _by_code(username, secret)
        account = account or by_code
        asks = account is not None and has_factor(account) and not (by_code and account.practice.is_demo)
        outcome = "second-factor-asked" if asks else "done" if account else "resting" if is_resting else "refused"
        audit.append("sign-in", outcome=outcome, account=account, who=username)
    return None if account is None else Opened(account=account, asks_second_factor=asks)


def second_step(account: Account, secret: str) -> bool:
    """Whether this is the person's app code, or one of their recovery codes, which is used up."""
    if _APP_CODE.fullmatch(secret.strip()):
        return _tried(account, "second-factor", "app-code", lambda: takes_app_code(account, secret.strip()))
    return _tried(account, "recovery-code", "recovery-code", lambda: takes_recovery_code(account, secret.strip()))


def second_step_by_key(account: Account, answer: Mapping[str, Any], state: Mapping[str, Any], host: str) -> bool:
    """Whether the person's security key has signed. Nobody guesses that, so it never rests."""
    return _tried(account, "second-factor", None, lambda: takes_key(account, answer, state, host))


def proves(account: Account, secret: str, *, act: str = "prove", with_code: bool = False) -> bool:
    """Whether this is a secret that only this person has: the password, or a code of the app that was not used yet.

    `with_code` takes a sign-in code as well, for people of a demonstration, who have nothing else.
    """
    if not account.is_active:
        return False
    if _APP_CODE.fullmatch(secret.strip()):
        return _tried(account, act, "app-code", lambda: takes_app_code(account, secret.strip()))
    is_resting = throttle.rests("password", account.username)
    is_right = not is_resting and account.check_password(secret)  # slow, as above
    with transaction.atomic():
        _one_at_a_time(account.username)
        done = is_right and not throttle.rests("password", account.username)
        done = done or (with_code and _by_code(account.username, secret) is not None)
        outcome = "done" if done else "resting" if is_resting else "refused"
        audit.append(act, outcome=outcome, account=account)
    return done


def proves_by_key(account: Account, answer: Mapping[str, Any], state: Mapping[str, Any], host: str, act: str) -> bool:
    """Whether the person's security key has signed what was asked."""
    return account.is_active and _tried(account, act, None, lambda: takes_key(account, answer, state, host))


def choose_password(account: Account, password: str) -> None:
    """From now on this one; whether it fits was asked before. Every other stay of the person ends by itself."""
    account.set_password(password)
    account.has_short_password = len(password) < SHORTEST_ALONE
    with transaction.atomic():
        account.save(update_fields=["password", "has_short_password"])
        audit.append("choose-password", outcome="done", account=account)


def reset_second_factor(account: Account, *, who: str) -> str:
    """For lost devices: no second factor, no password, nobody signed in; a code to begin again with."""
    with transaction.atomic():
        remove_all(account)
        account.set_unusable_password()
        account.has_short_password = False
        account.save(update_fields=["password", "has_short_password"])
        audit.append("reset-second-factor", outcome="done", who=who, entities=[account.username])
        end_all(Stay.objects.filter(account=account), who=who)
        return new_code(account)


def _tried(account: Account, act: str, kind: throttle.Secret | None, is_right: Callable[[], bool]) -> bool:
    """One try under the account's lock, so that many at once cannot slip past the count."""
    with transaction.atomic():
        _one_at_a_time(account.username)
        is_resting = kind is not None and throttle.rests(kind, account.username)
        done = not is_resting and is_right()
        audit.append(act, outcome="resting" if is_resting else "done" if done else "refused", account=account)
    return done


def _one_at_a_time(username: str) -> None:
    """The row of the account, held until the end of the transaction."""
    Account.objects.select_for_update().filter(username=username).first()


def _by_code(username: str, secret: str) -> Account | None:
    found = SignInCode.objects.select_for_update().filter(
        digest=_digest(secret.strip().upper()),
        account__username=username,
        account__is_active=True,
        used_at=None,
        expires_at__gt=clock.now(),
    )
    code = found.first()
    if code is None:
        return None
    code.used_at = clock.now()
    code.save(update_fields=["used_at"])
    return code.account


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
