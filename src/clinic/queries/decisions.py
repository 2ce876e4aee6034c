"""How were suggestions decided? Accepted, changed, rejected, by place of the option and by step of the card.

Small groups are not counted out: a number from one to four could be somebody, so it is not shown, nor is another one
beside it from which it could be worked out. Nothing here names a person; reasons are shown from five decisions on.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Literal

from clinic.record.models import Current
from clinic.record.reach import Reach
from clinic.record.read import read
from ketapath.domain.plan import Decided
from ketapath.fhir.readback import decided, recommendation

About = Literal["plan", "card"]
OUTCOMES = ("accepted", "changed", "rejected")
LEAST = 5
"""From so many on a number of decisions is shown."""
MOST_REASONS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Decisions about suggestions of one kind: the place of an option ("1", "2", "3+"), or the step of a card.

    `total` and each of `counts`, by outcome, are None where the number is too small to be shown.
    """

    name: str
    total: int | None
    counts: tuple[int | None, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why somebody did not take a suggestion as it was, or did, in their own words."""

    outcome: str
    words: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """All decisions on plans, or on cards, since a day. `reasons` are empty where there are fewer than five."""

    groups: tuple[Group, ...]
    reasons: tuple[Reason, ...]
    is_few: bool


def reviewed(within: Reach, about: About, *, since: datetime) -> Reviewed:
    """The decisions within reach that were made since this instant."""
    made = [d for d in _decisions(within, since) if d.about == about and d.at >= since]
    tally = Counter[tuple[str, str]]((_group(within, d), d.outcome) for d in made)
    names = sorted({name for name, _outcome in tally})
    given = [Reason(outcome=d.outcome, words=d.reason, at=d.at) for d in reversed(made) if d.reason]
    is_few = len(made) < LEAST
    return Reviewed(
        groups=tuple(_counted(name, [tally[name, outcome] for outcome in OUTCOMES]) for name in names),
        reasons=() if is_few else tuple(given[:MOST_REASONS]),
        is_few=is_few,
    )


def _counted(name: str, counts: Sequence[int]) -> Group:
    total = sum(counts)
    if total < LEAST:
        return Group(name=name, total=None, counts=(None,) * len(counts))
    return Group(name=name, total=total, counts=held_back(counts))


def held_back(counts: Sequence[int]) -> tuple[int | None, ...]:
    """The counts of a group whose total is shown, without those from one to four.

    Where that leaves one gap, the next smallest goes too: with the total it would give the gap away.

    >>> held_back([30, 7, 6]), held_back([30, 7, 2]), held_back([30, 0, 1]), held_back([30, 0, 0])
    ((30, 7, 6), (30, None, None), (None, 0, None), (30, 0, 0))
    """
    shown: list[int | None] = [None if 0 < count < LEAST else count for count in counts]
    if shown.count(None) == 1:
        rest = [(count, index) for index, count in enumerate(shown) if count]
        shown[min(rest)[1]] = None
    return tuple(shown)


def _decisions(within: Reach, since: datetime) -> list[Decided]:
    """Oldest first."""
    rows: Iterable[str] = within.over(Current.objects.filter(kind="Task", changed_at__gte=since)).values_list(
        "content", flat=True
    )
    found = (decided(json.loads(content)) for content in rows)
    return sorted(filter(None, found), key=lambda d: d.at)


def _group(within: Reach, made: Decided) -> str:
    key = _Key(practice_id=within.practice.pk, recommendation=made.recommendation_id, chosen=made.chosen, within=within)
    return _suggested(key) or "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """A decision and the recommendation that it was made on, neither of which ever changes."""

    practice_id: int
    recommendation: str
    chosen: str
    within: Reach = field(compare=False)


@lru_cache(maxsize=4096)  # a recommendation keeps its whole page: reading one takes longer than counting a hundred
def _suggested(key: _Key) -> str:
    """Where the decision's object stood when it was decided: the option's place, or the step of the card."""
    stored = read(key.within, "RiskAssessment", key.recommendation)
    found = None if stored is None else recommendation(stored.resource)
    if found is None:
        return ""
    result = json.loads(found.result)
    if found.about == "card":
        return str((result.get("card") or {}).get("decision") or "")
    standings = (o.get("standing") for o in result.get("options", ()) if o.get("id") == key.chosen)
    place = next((standing["place"] for standing in standings if standing), None)
    return "" if place is None else str(place) if place < 3 else "3+"
