"""Which ways fit into this person's days? What they cannot come to is left out, with the reason and how many it was.

Only what the person said themselves takes a way out; a question that nobody asked takes none.
"""

from __future__ import annotations

from collections.abc import Iterator

from ketapath.domain.profile import Profile
from ketapath.plan.choice import Limit
from ketapath.plan.ways import Way

_WEEK_DAYS = 7


def own_limits(person: Profile) -> Iterator[Limit]:
    """What this person can do: minutes after a dose, and sessions in any seven days."""
    stay = _number(person, "setting.can_stay_minutes")
    if stay is not None:
        yield "stay", stay, lambda way: float(way.protocol["observation_min"]) > stay
    week = _number(person, "social.sessions_a_week_most")
    if week is not None:
        yield "week", week, lambda way: most_in_a_week(way) > week


def most_in_a_week(way: Way) -> int:
    """The most sessions that fall into seven days in a row; a fullest window begins with a session."""
    days = way.session_days
    return max((sum(start <= day < start + _WEEK_DAYS for day in days) for start in days), default=0)


def _number(person: Profile, path: str) -> float | None:
    fact = person.known.get(path)
    return fact.value if fact is not None and isinstance(fact.value, float) else None
