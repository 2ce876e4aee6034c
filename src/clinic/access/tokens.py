"""How does a script get in? With a bearer token: 256 random bits that are shown once; only their digest is kept.

A token ends with its day, when it is revoked, and with its account; each is asked anew at every request.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import timedelta

from clinic import clock
from clinic.access.models import Account, Token

SCOPES = ("read", "write")
LONGEST_DAYS = 366
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


def token_of(text: str) -> Token | None:
    """The token, with its account and practice, if it stands at this moment; None for any other text.

    It is looked up by its digest, so that the time this takes tells nothing about a token that nearly fits.
    """
    standing = Token.objects.filter(revoked_at=None, expires_at__gt=clock.now(), account__is_active=True)
    return standing.select_related("account__practice").filter(digest=_digest(text)).first()


def account_of_token(text: str) -> Account | None:
    """The account that a standing token speaks for."""
    token = token_of(text)
    return None if token is None else token.account


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
