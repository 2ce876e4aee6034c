"""What did somebody write about a person in their own words? A note, as the record holds it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ketapath.domain.fact import Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note. `kind` "process" is a therapist's own and stands apart from the chart.

    `state` is "draft" until its author signs it, "withdrawn" where it was entered in error. `by` is the author's
    printed name, `username` the account. `appends` is the note that this one is an addendum to.
    """

    origin: Origin
    kind: Literal["progress", "process"]
    state: Literal["draft", "signed", "withdrawn"]
    text: str
    written_at: datetime
    by: str
    username: str
    appends: str | None
