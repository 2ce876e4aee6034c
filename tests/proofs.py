"""What a test signs with: the proof itself where it calls an act, a password where it sends a form."""

from __future__ import annotations

from functools import cache

from django.contrib.auth.hashers import make_password

from clinic.access.models import Account
from clinic.access.proof import Proof

SECRET = "a lamp beside the harbour"


def shown(by: Account) -> Proof:
    """As if this person had shown their secret."""
    return Proof(username=by.username)


def give_secret(account: Account) -> None:
    """Let this account sign with SECRET."""
    account.password = _hashed()
    account.save(update_fields=["password"])


def signing(account: Account) -> dict[str, str]:
    """The fields of a form that this account signs."""
    return {"signer": account.username, "secret": SECRET}


@cache
def _hashed() -> str:
    return make_password(SECRET)
