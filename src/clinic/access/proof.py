"""Is it really this person who signs? The proof that a signing act asks for, made for that one act and never kept.

21 CFR 11.200: the first signing of a session takes user name and secret, later ones the secret alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from clinic.access import audit
from clinic.access.models import Account
from clinic.access.sign_in import proves

_SIGN_IN_CODE = re.compile(r"([A-Z0-9]{4}-){3}[A-Z0-9]{4}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """That this account has shown its secret, for the act at hand. Only `prove` makes one for a person."""

    username: str


class NotProven(Exception):
    """Nobody has shown that they are who signs; nothing is signed.

    `typed` says what was wrong with what was typed, as far as its shape tells: "nothing", "sign-in-code", else empty.
    """

    def __init__(self, username: str, *, typed: str = "") -> None:
        super().__init__(username)
        self.typed = typed


def prove(account: Account, secret: str, *, username: str | None = None) -> Proof:
    """The proof that this secret, and this user name where one is asked for, are those of the account.

    Raises NotProven where they are not; `access.sign_in.proves` slows guessing and puts a failure on the trail.
    """
    if not proves(account, secret):  # tried whatever the name, so that a wrong name takes as long
        raise NotProven(account.username, typed=_shape(secret))
    if username not in (None, account.username):
        audit.append("prove", outcome="refused", account=account)
        raise NotProven(account.username)
    return Proof(username=account.username)


def _shape(secret: str) -> str:
    """What this looks like that cannot sign; it says nothing of whether it is right."""
    typed = secret.strip().upper()
    return "sign-in-code" if _SIGN_IN_CODE.fullmatch(typed) else "" if typed else "nothing"
