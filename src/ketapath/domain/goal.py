"""What does this person want from the treatment, in their own words, and how far have they got?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from ketapath.domain.evidence import Text


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalRating:
    """How far a goal was reached on a day, on the scale from -2 (much less than hoped) to +2 (much more)."""

    on: date
    level: int
    origin: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A goal in the person's own words, with its ratings in order of time; `notes` says which were set aside."""

    words: str
    status: str
    since: date | None
    ratings: tuple[GoalRating, ...]
    origin: str
    notes: tuple[Text, ...] = ()
