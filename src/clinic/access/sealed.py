"""What may be kept only unreadably: the keys of second factors, and a form that waits while its page is locked.

Sealed with the installation's own key, so a copy of the database alone opens nothing. Without that key (a backup that
was restored elsewhere without it) second factors are set up anew.
"""

from __future__ import annotations

import base64
import hashlib

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings


class Unreadable(Exception):
    """This was sealed with another installation's key."""


def seal(text: str) -> str:
    """This text so that only this installation reads it, and notices a change."""
    return _box().encrypt(text.encode()).decode()


def unseal(sealed: str, *, within_s: int | None = None) -> str | None:
    """The text; None where it was sealed elsewhere, changed, or longer ago than that."""
    try:
        return _box().decrypt(sealed.encode(), ttl=within_s).decode()
    except InvalidToken:
        return None


class SealedFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """How allauth keeps the keys of second factors: sealed."""

    def encrypt(self, text: str) -> str:
        """Before it is stored."""
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """After it was read. Raises Unreadable, as an empty key would let known codes in."""
        text = unseal(encrypted_text)
        if text is None:
            raise Unreadable
        return text


def _box() -> Fernet:
    key = hashlib.sha256(b"ketapath sealed\0" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
