"""Is it really this person who signs? The proof that a signing act asks for, made for that one act and never kept.

21 CFR 11.200: the first signing of a session takes user name and secret, later ones the secret alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.sign_in import proves


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That this account has shown its secret, for the act at hand. Only `prove` makes one for a person."""

    username: str


class NotProven(Exception):
    """Nobody has shown that they are who signs; nothing is signed."""


def prove(account: Account, secret: str, *, username: str | None = None) -> Proof:
    """The proof that this secret, and this user name where one is asked for, are those of the account.

    Raises NotProven where they are not; `access.sign_in.proves` slows guessing and puts a failure on the trail.
    """
    if not proves(account, secret):  # tried whatever the name, so that a wrong name takes as long
        raise NotProven(account.username)
    if username not in (None, account.username):
        audit.append("prove", outcome="refused", account=account)
        raise NotProven(account.username)
    return Proof(username=account.username)
