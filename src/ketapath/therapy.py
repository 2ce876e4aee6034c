"""What therapy stands around each dose, who may give it, and what a session was given besides?

`chain` puts hours beside doses: preparation before, integration on the days that PSY-003 names. That those days are
better than others is unproven, and whoever shows the chain says so. `touch_agreed` is what a session rests on: nothing
that was said within the hour before the dose, or under it, is an agreement (PSY-019); a no counts at any time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta

from ketapath.domain.fact import Fact, Origin
from ketapath.domain.plan import PlannedVisit
from ketapath.domain.session import Visit
from ketapath.domain.therapy import EXPOSURES, Chain, Exposure, Hour, Link, TouchAgreement
from ketapath.knowledge import Knowledge, evaluate
from ketapath.knowledge.rules import nodes

__all__ = [
    "chain", "exposure_of", "exposure_words", "integration_days", "link_of", "touch_agreed", "touch_limit_min",
]  # fmt: skip

_TIMING, _TOUCH_TIME = "PSY-003", "PSY-019"
_SINCE = "course.days_since_last_session"
_NOT_ASKED = "not asked"
_LONGEST_DAYS = 60  # source: our choice; no rule of integration reaches two months
_WORDS = re.compile(r"(?P<kind>[a-z-]+): (?P<title>.*); tolerance (?P<tolerance>10|\d|not asked)\Z", re.DOTALL)


def chain(
    visits: Sequence[Visit],
    planned: Sequence[PlannedVisit],
    hours: Sequence[Hour],
    knowledge: Knowledge,
    *,
    as_of: date,
) -> Chain:
    """The doses that were given, then the sessions of the standing plan that are still to come, each with its therapy.

    An hour belongs to the session that it names; else a preparation to the next one, an integration to the last one
    before it. What is planned and has passed is left out: it was held, and then stands as an hour, or it was not.
    """
    given = sorted((v for v in visits if v.was_dosed), key=lambda v: v.opened_at)
    days = [(v.opened_at.date(), v.origin.id) for v in given]
    last = days[-1][0] if days else date.min
    ahead = [p for p in planned if p.on >= as_of]
    to_come = [p.on for p in ahead if p.kind == "session" and p.on > last]
    sessions: list[tuple[date, str | None]] = [*days, *((day, None) for day in to_come)]
    around: dict[int, list[Hour]] = {}
    for hour in hours:
        around.setdefault(_place(hour, sessions), []).append(hour)
    slots: dict[int, list[PlannedVisit]] = {}
    for slot in ahead:
        if slot.kind in ("preparation", "integration"):
            slots.setdefault(_place_of_day(slot.kind, slot.on, sessions), []).append(slot)
    window = integration_days(knowledge)
    links = (
        _link(place, on, visit, around.get(place, ()), slots.get(place, ()), window)
        for place, (on, visit) in enumerate(sessions)
    )
    beside = tuple(p for p in ahead if p.kind == "psychotherapy")
    return Chain(links=tuple(links), beside=tuple(around.get(-1, ())), planned_beside=beside)


def integration_days(knowledge: Knowledge) -> tuple[int, int] | None:
    """The first and last day after a dose of which the rule of integration speaks; None where it names none.

    >>> from ketapath.knowledge import load
    >>> integration_days(load())
    (1, 3)
    """
    rule = knowledge.rules.get(_TIMING)
    if rule is None:
        return None
    day = date(2000, 1, 1)  # of no meaning: the rule reads a count of days
    here = Origin(resource="Count", id="days", version=None)

    def speaks(days: int) -> bool:
        fact = Fact(path=_SINCE, value=float(days), unit="d", on=day, origin=here)
        return evaluate(rule.when, {_SINCE: fact}, as_of=day) is True

    found = [days for days in range(_LONGEST_DAYS) if speaks(days)]
    return (found[0], found[-1]) if found else None


def link_of(kind: str, on: date, links: Sequence[Link], *, visit_id: str | None = None) -> int:
    """Which link something of this kind and day belongs to, by its place; -1 for none. A named session comes first."""
    sessions = [(link.on, link.visit_id) for link in links]
    if visit_id is not None:
        return next((place for place, (_day, visit) in enumerate(sessions) if visit == visit_id), -1)
    return _place_of_day(kind, on, sessions)


def touch_limit_min(knowledge: Knowledge) -> float:
    """Minutes before a dose within which nothing that is said is relied on, as PSY-019 says."""
    rule = knowledge.rules[_TOUCH_TIME]
    return next(float(n.value) for n in nodes(rule.when) if n.kind == "compare" and isinstance(n.value, float))


def touch_agreed(
    said: Sequence[TouchAgreement], knowledge: Knowledge, *, dose_at: datetime | None
) -> TouchAgreement | None:
    """The word on touch that a session rests on, agreed or not; None where nobody has asked.

    `dose_at` is when its dose began, None before. A yes counts if it was given more than the minutes of PSY-019 before
    that; the newest no counts whenever it was said.
    """
    limit = None if dose_at is None else dose_at - timedelta(minutes=touch_limit_min(knowledge))
    counted = [a for a in said if not a.is_agreed or limit is None or a.at < limit]
    return max(counted, key=lambda a: a.at, default=None)


def exposure_words(exposure: Exposure) -> str:
    """An exposure in the words of a session's event, which are read back by `exposure_of`.

    >>> at = datetime(2026, 11, 26, 10)
    >>> exposure_words(Exposure(kind="music", title="Slow strings", minutes=40, tolerance=8, at=at))
    'music: Slow strings; tolerance 8'
    """
    borne = _NOT_ASKED if exposure.tolerance is None else str(exposure.tolerance)
    return f"{exposure.kind}: {exposure.title}; tolerance {borne}"


def exposure_of(words: str, minutes: float | None, *, at: datetime, by: str = "") -> Exposure | None:
    """The exposure that these words of an event say; None where they say none."""
    match = _WORDS.match(words)
    if match is None or match["kind"] not in EXPOSURES:
        return None
    borne = None if match["tolerance"] == _NOT_ASKED else int(match["tolerance"])
    return Exposure(kind=match["kind"], title=match["title"], minutes=minutes, tolerance=borne, at=at, by=by)


def _place(hour: Hour, sessions: Sequence[tuple[date, str | None]]) -> int:
    """Which session an hour belongs to, by its place in their order; -1 for none."""
    if hour.visit_id is not None:
        named = (place for place, (_day, visit) in enumerate(sessions) if visit == hour.visit_id)
        return next(named, -1)
    return -1 if hour.kind == "psychotherapy" else _place_of_day(hour.kind, hour.at.date(), sessions)


def _place_of_day(kind: str, on: date, sessions: Sequence[tuple[date, str | None]]) -> int:
    if kind == "preparation":
        return next((place for place, (day, _visit) in enumerate(sessions) if day >= on), -1)
    return max((place for place, (day, _visit) in enumerate(sessions) if day <= on), default=-1)


def _link(
    place: int,
    on: date,
    visit: str | None,
    hours: Sequence[Hour],
    planned: Sequence[PlannedVisit],
    window: tuple[int, int] | None,
) -> Link:
    days = None if window is None else (on + timedelta(days=window[0]), on + timedelta(days=window[1]))
    after = [h for h in hours if h.kind == "integration"]
    inside = [h for h in after if days is None or days[0] <= h.at.date() <= days[1]]
    return Link(
        number=place + 1,
        on=on,
        visit_id=visit,
        planned=tuple(planned),
        preparations=tuple(h for h in hours if h.kind == "preparation"),
        integrations=tuple(inside),
        outside=tuple(h for h in after if h not in inside),
        window=days,
    )
