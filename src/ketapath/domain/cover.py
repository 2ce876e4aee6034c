"""Until when has a payer said that it pays, and for what? An authorisation as the record holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ketapath.domain.fact import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorisation:
    """What one payer allowed before treatment. `number` is the payer's own, `words` what is allowed; "" where unknown.

    `ends_on` is its last day, `starts_on` its first; each is None where the record names none.
    """

    origin: Origin
    payer: str
    number: str
    words: str
    starts_on: date | None
    ends_on: date | None
    by: str
