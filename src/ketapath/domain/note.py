"""What did somebody write about a person in their own words? A note, as the record holds it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from ketapath.domain.fact import Origin

NoteKind = Literal["progress", "process", "preparation", "integration"]
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "preparation": ("aims", "roles", "limits", "plan"),
    "integration": ("aims", "roles", "limits", "came-up", "plan"),
}
"""The parts of a note that has any: what it is for, who does what, what is not done, what came up, what follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One note. `kind` "process" is a therapist's own and stands apart from the chart.

    `state` is "draft" until its author signs it, "withdrawn" where it was entered in error. `by` is the author's
    printed name, `username` the account. `appends` is the note that this one is an addendum to. `sections` are what
    was written in each part of a note that has parts; the same words stand in `text`. `visit_id` is the session that
    it was written about, None where none was named.
    """

    origin: Origin
    kind: NoteKind
    state: Literal["draft", "signed", "withdrawn"]
    text: str
    written_at: datetime
    by: str
    username: str
    appends: str | None
    sections: Mapping[str, str] = field(default_factory=dict)
    visit_id: str | None = None
