"""How does a caller get the next page? With a word that only we can read, so that no address names a person.

It holds the search, the place in it and the account that asked, and runs out after an hour.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings

from clinic.record.search import Cursor
from ketapath.errors import BadInput

LIFETIME_S = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A search and how far somebody has read in it."""

    kind: str
    pairs: tuple[tuple[str, str], ...]
    is_lenient: bool
    after: Cursor


def word_of(place: Place, account_id: int) -> str:
    """The place as a word for this account."""
    said = [account_id, place.kind, place.pairs, place.is_lenient, place.after.text]
    return _lock(settings.SECRET_KEY).encrypt(json.dumps(said).encode()).decode()


def place_of(word: str, account_id: int, kind: str) -> Place:
    """The place that this word stands for. Raises BadInput for one that is old, another's or of another type."""
    try:
        said = json.loads(_lock(settings.SECRET_KEY).decrypt(word.encode("ascii"), ttl=LIFETIME_S))
    except (InvalidToken, UnicodeEncodeError):
        said = None
    if said is None or said[:2] != [account_id, kind]:
        raise BadInput(
            field="_page", found="another", limit="the word of a next link, an hour old at most",
            next_step="Search again from the first page.",
        )  # fmt: skip
    pairs = tuple((str(name), str(value)) for name, value in said[2])
    return Place(kind=kind, pairs=pairs, is_lenient=bool(said[3]), after=Cursor.from_text(said[4]))


def without_page(pairs: Sequence[tuple[str, str]]) -> tuple[str, list[tuple[str, str]]]:
    """The word of a page, empty where there is none, and the other parameters but `_format`."""
    words = [value for name, value in pairs if name == "_page"]
    return (words[0] if words else ""), [p for p in pairs if p[0] not in ("_page", "_format")]


@lru_cache(maxsize=4)
def _lock(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(hashlib.sha256(b"ketapath page\0" + secret.encode()).digest()))
