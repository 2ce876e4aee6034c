"""Where was this person sent for help that is no treatment, and what became of it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from ketapath.domain.evidence import RuleRef
from ketapath.domain.fact import Origin

Progress = Literal["open", "made", "answered", "done", "not-possible"]
PROGRESS: tuple[Progress, ...] = ("open", "made", "answered", "done", "not-possible")
CLOSED: frozenset[Progress] = frozenset({"done", "not-possible"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SocialNeed:
    """A need that a referral may meet. `is_there` is None where nobody has asked; `asks` are the paths that say it."""

    id: str
    is_there: bool | None
    asks: tuple[str, ...]
    rule: RuleRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What was said at one step of a referral."""

    at: datetime
    by: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Referral:
    """One referral as the record holds it. `to` is the place's name, `resource` its number in the clinic's list.

    `due` is the day by which an answer is expected; None where the record names none.
    """

    origin: Origin
    request_id: str
    need: str
    to: str
    resource: str
    progress: Progress
    opened_at: datetime
    by: str
    due: date | None
    remarks: tuple[Remark, ...]

    def is_overdue(self, on: date) -> bool:
        """Whether nobody has answered by the day that was set."""
        return self.progress in ("open", "made") and self.due is not None and self.due < on


@dataclass(frozen=True, slots=True, kw_only=True)
class Handover:
    """What one colleague told another about a person: what is open, and what to watch."""

    origin: Origin
    at: datetime
    by: str
    username: str
    to: str
    open_points: str
    watch: str
