"""How does a script get in? With a bearer token: 256 random bits that are shown once; only their digest is kept.

A token ends with its day, when it is revoked, and with its account; each is asked anew at every request.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import timedelta

from django.db import connection

from clinic import clock
from clinic.access.models import Account, Token
from clinic.record.models import Practice

SCOPES = ("read", "write")
LONGEST_DAYS = 366
_ACCOUNT = ("id", "username", "name", "role", "practice_id", "patient_id", "is_active")
_PRACTICE = ("id", "slug", "name", "zone", "is_demo")
# Asked at every request, so it is written down instead of being put together anew each time, which costs more than the
# question itself. What is not named here is read from the database when somebody asks for it.
_STANDING = (
    f"SELECT t.scopes, {', '.join(f'a.{name}' for name in _ACCOUNT)}, {', '.join(f'p.{name}' for name in _PRACTICE)} "  # noqa: S608
    f"FROM {Token._meta.db_table} t JOIN {Account._meta.db_table} a ON a.id = t.account_id "
    f"JOIN {Practice._meta.db_table} p ON p.id = a.practice_id "
    "WHERE t.digest = %s AND t.revoked_at IS NULL AND t.expires_at > %s AND a.is_active = %s"
)
_MARK = "kp_"  # so that a token that has got into a text can be found there


def new_token(account: Account, name: str, scopes: Sequence[str], days: int) -> str:
    """A token of this account, to be shown once. `scopes` are of SCOPES and narrow what the account may do.

    Raises ValueError for another scope, for none, and for fewer than 1 or more than LONGEST_DAYS days.
    """
    if not scopes or not set(scopes) <= set(SCOPES) or not 1 <= days <= LONGEST_DAYS:
        raise ValueError(f"scopes are of {', '.join(SCOPES)}; days are from 1 to {LONGEST_DAYS}")
    text = _MARK + secrets.token_urlsafe(32)
    now = clock.now()
    Token.objects.create(
        account=account, name=name[:80], digest=_digest(text), scopes=sorted(set(scopes)), made_at=now,
        expires_at=now + timedelta(days=days),
    )  # fmt: skip
    return text


def account_of_token(text: str) -> Account | None:
    """The account that this token speaks for at this moment, narrowed to its `scopes`; None for any other text.

    It is looked up by its digest, so that the time this takes tells nothing about a token that nearly fits.
    """
    with connection.cursor() as cursor:
        now = connection.ops.adapt_datetimefield_value(clock.now())
        cursor.execute(_STANDING, [_digest(text), now, True])
        row = cursor.fetchone()
    if row is None:
        return None
    scopes, of_account, of_practice = row[0], row[1 : 1 + len(_ACCOUNT)], row[1 + len(_ACCOUNT) :]
    account = Account.from_db(connection.alias, _ACCOUNT, of_account)
    account.practice = Practice.from_db(connection.alias, _PRACTICE, of_practice)
    account.scopes = tuple(json.loads(scopes) if isinstance(scopes, str) else scopes)
    return account


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
