"""How does somebody get in? With a password, or with a code that works once and for a short time."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth import authenticate
from django.db import transaction

from clinic import clock
from clinic.access import audit
from clinic.access.models import Account, AuditRow, SignInCode

CODE_HOURS = 12
MAX_FAILURES = 10
FAILURE_WINDOW = timedelta(minutes=15)
LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ23456789"  # none that look alike


def new_code(account: Account) -> str:
    """A fresh code of 16 letters (79 bits); earlier ones of this account stop working."""
    code = "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))
    with transaction.atomic():
        SignInCode.objects.filter(account=account, used_at=None).delete()
        expires = clock.now() + timedelta(hours=CODE_HOURS)
        SignInCode.objects.create(account=account, digest=_digest(code), expires_at=expires)
    return code


def sign_in(username: str, secret: str) -> Account | None:
    """The account that this name and this code or password open; None otherwise, and always audited.

    After too many wrong passwords a name's password rests; a code, which nobody guesses, still opens. Tries while it
    rests do not prolong the rest.
    """
    is_resting = _too_many(username)
    account = None if is_resting else _by_password(username, secret)  # slow on purpose, so outside the transaction
    with transaction.atomic():
        account = account or _by_code(username, secret)
        outcome = "done" if account else "resting" if is_resting else "refused"
        audit.append("sign-in", outcome=outcome, account=account, who=username)
    return account


def proves(account: Account, secret: str) -> bool:
    """Whether this is a secret that only this person has. A wrong one is on the trail."""
    is_right = account.is_active and account.check_password(secret)
    if not is_right:
        audit.append("prove", outcome="refused", account=account)
    return is_right


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


def _by_password(username: str, secret: str) -> Account | None:
    account = authenticate(username=username, password=secret)
    return account if isinstance(account, Account) else None


def _too_many(username: str) -> bool:
    """Guessing is slowed for each name; the trail itself is the count, so a restart does not forget it."""
    since = clock.now() - FAILURE_WINDOW
    failures = AuditRow.objects.filter(act="sign-in", who=username[:80], outcome="refused", at__gt=since)
    return failures.count() >= MAX_FAILURES


def _digest(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
