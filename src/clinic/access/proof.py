"""Is it really this person who signs? The proof that a signing act asks for, made for that one act and never kept.

21 CFR 11.200: the first signing of a session takes user name and secret, later ones the secret alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from clinic import clock
from clinic.access.models import Account
from clinic.access.sign_in import proves


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That this account has shown its secret, at this instant. Only `prove` makes one for a person."""

    username: str
    at: datetime


class NotProven(Exception):
    """Nobody has shown that they are who signs; nothing is signed."""


def prove(account: Account, secret: str, *, username: str | None = None) -> Proof:
    """The proof that this secret, and this user name where one is asked for, are those of the account.

    Raises NotProven where they are not; `access.sign_in.proves` slows guessing and puts a failure on the trail.
    """
    is_named = username is None or username == account.username
    # The secret is tried whatever the name, so that a wrong name counts as a try and takes as long.
    if not proves(account, secret) or not is_named:
        raise NotProven(account.username)
    return Proof(username=account.username, at=clock.now())
