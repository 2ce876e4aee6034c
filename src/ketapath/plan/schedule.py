"""On which days does what happen? Sessions, preparation, integration, therapy, checks and calls, on open days.

Integration is placed on the next open day after each dose; that this is the best time is untested (PSY-003) and the
option says so. A therapy that a need asks for has its hour every week from the first session on, beside the days of
doses where the week has room. The first session waits for tasks that block it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any

from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Text
from ketapath.domain.plan import Appointment
from ketapath.knowledge import Knowledge
from ketapath.plan.needs import Arrangement

SETTING = "treatment-room"
_REST_DAYS = 2  # source: our choice; the most that an open clinic is asked to keep free, so that fewer days still do
REVIEW_MIN = 30  # source: our choice; the review that decides whether to go on


def schedule(
    protocol: Mapping[str, Any],
    arranged: Arrangement,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    today: date,
    given: int = 0,
) -> tuple[Appointment, ...]:
    """The course with everything around it, in order of time; it goes on after `given` sessions of a course."""
    sessions = session_days(protocol, arranged, clinic, knowledge, today=today)
    found = []
    if given == 0:
        found.append(_talk("preparation", _open_day(today + timedelta(days=1), clinic), arranged, knowledge))
    for number, day in enumerate(sessions, start=given + 1):
        found.append(_session(protocol, number, day, arranged, clinic))
        found.append(_talk("integration", _open_day(day + timedelta(days=1), clinic), arranged, knowledge))
        if number == 1:
            found.append(_call(_open_day(day + timedelta(days=1), clinic)))
    found += _weekly(sessions, arranged, clinic, knowledge)
    found.append(_review(given + len(sessions), sessions[-1]))
    return tuple(sorted(found, key=lambda a: (a.on, a.starts or time.max, a.kind)))


def dates_onward(
    protocol: Mapping[str, Any],
    arranged: Arrangement,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    given: int,
    last: date,
    today: date,
    every_days: int | None = None,
) -> tuple[Appointment, ...]:
    """What follows `given` sessions, the newest of them on `last`: the rest of the induction, or one block after it.

    A block has wider spacing, `every_days` or the protocol's narrowest, and ends with a review. That nobody knows the
    best spacing is said by the option; `spacings` are what the protocol knows of.
    """
    gaps = _gaps(protocol, knowledge, given, every_days)
    days: list[date] = []
    for gap in gaps:
        day = _open_day(max((days[-1] if days else last) + timedelta(days=gap), today + timedelta(days=1)), clinic)
        days.append(day)
    found = []
    for number, day in enumerate(days, start=given + 1):
        found.append(_session(protocol, number, day, arranged, clinic))
        found.append(_talk("integration", _open_day(day + timedelta(days=1), clinic), arranged, knowledge))
    found += _weekly(days, arranged, clinic, knowledge)
    found.append(_review(given + len(days), days[-1]))
    return tuple(sorted(found, key=lambda a: (a.on, a.starts or time.max, a.kind)))


def spacings(protocol: Mapping[str, Any], given: int) -> tuple[int, ...]:
    """The days between sessions that the protocol knows after `given` sessions; none while the induction goes on."""
    induction, continuation = protocol["induction"]["sessions"], protocol["continuation"]
    if given < induction:
        return ()
    if given < induction + continuation["sessions"]:
        return (int(continuation["every_days"]),)
    return tuple(int(d) for d in protocol["maintenance_every_days"])


def _gaps(protocol: Mapping[str, Any], knowledge: Knowledge, given: int, every_days: int | None) -> list[int]:
    """The days from each session to the next."""
    planned = protocol["induction"]["days"]
    if given < len(planned):
        steps = [int(later - earlier) for earlier, later in pairwise(planned)]
        return steps[given - 1 :]
    width = every_days or spacings(protocol, given)[0]
    left = len(planned) + int(protocol["continuation"]["sessions"]) - given
    return [width] * (left if left > 0 else int(knowledge.figure("block_sessions")))


def first_day(arranged: Arrangement, clinic: Clinic, knowledge: Knowledge, *, today: date) -> date:
    """The earliest day of the first session, after all that has to be arranged before it."""
    wait = knowledge.figure("blocked_start_days" if arranged.blocked else "start_days")
    return _open_day(today + timedelta(days=wait), clinic)


def session_days(
    protocol: Mapping[str, Any], arranged: Arrangement, clinic: Clinic, knowledge: Knowledge, *, today: date
) -> list[date]:
    """The days of the induction, each on an open day, and none closer to the one before than the protocol brings any.

    A weekend moves a session; without this it would move it next to another.
    """
    first = first_day(arranged, clinic, knowledge, today=today)
    planned = protocol["induction"]["days"]
    apart = min((later - earlier for earlier, later in pairwise(planned)), default=0)
    days: list[date] = []
    for offset in planned:
        earliest = first + timedelta(days=offset)
        if days:
            earliest = max(earliest, days[-1] + timedelta(days=min(apart, _REST_DAYS)))
        days.append(_open_day(earliest, clinic))
    return days


def _open_day(day: date, clinic: Clinic) -> date:
    while day.weekday() not in clinic.weekdays:
        day += timedelta(days=1)
    return day


def _clock(hours: float) -> time:
    return time(int(hours), round((hours % 1) * 60))


def _session(protocol: Mapping[str, Any], number: int, day: date, arranged: Arrangement, clinic: Clinic) -> Appointment:
    opens, last_start = clinic.session_hours
    hours = min(max(opens + 1, arranged.starts_h or opens), last_start)
    return Appointment(
        on=day,
        starts=_clock(hours),
        kind="session",
        title=Text(key=f"schedule.session.{protocol['id']}", values={"number": number}),
        setting=", ".join((SETTING, *arranged.settings)),
        minutes=int(protocol["session_min"]),
        with_whom=("prescriber on site", "session nurse", *arranged.people),
    )


def _talk(kind: str, day: date, arranged: Arrangement, knowledge: Knowledge) -> Appointment:
    return Appointment(
        on=day,
        starts=None,
        kind="preparation" if kind == "preparation" else "integration",
        title=Text(key=f"schedule.{kind}"),
        setting=", ".join(("consulting-room", *arranged.settings)),
        minutes=int(knowledge.figure(f"{kind}_min")),
        with_whom=tuple(dict.fromkeys(("therapist", *arranged.people))),
    )


def _weekly(
    sessions: Sequence[date], arranged: Arrangement, clinic: Clinic, knowledge: Knowledge
) -> Iterator[Appointment]:
    """An hour of each therapy in every week from the first of these sessions to the last."""
    width = timedelta(days=knowledge.figure("psychotherapy_every_days"))
    taken = {*sessions, *(_open_day(day + timedelta(days=1), clinic) for day in sessions)}
    for therapy in arranged.weekly:
        week = day = sessions[0]
        while week <= sessions[-1]:
            day = _day_in_week(week, day, taken, sessions, clinic)
            taken.add(day)
            yield Appointment(
                on=day,
                starts=None,
                kind="psychotherapy",
                title=Text(key=f"schedule.psychotherapy.{therapy.name}"),
                setting=", ".join(("consulting-room", *arranged.settings)),
                minutes=int(knowledge.figure("psychotherapy_min")),
                with_whom=tuple(dict.fromkeys((therapy.who, *arranged.people))),
            )
            week += width


def _day_in_week(week: date, before: date, taken: Collection[date], sessions: Collection[date], clinic: Clinic) -> date:
    """An open day with nothing on it, else one without a dose, else any; the weekday of the one before if possible."""
    days = [week + timedelta(days=number) for number in range(7)]
    opened = [day for day in days if day.weekday() in clinic.weekdays]
    free = [day for day in opened if day not in taken] or [day for day in opened if day not in sessions]
    return min(free or opened, key=lambda day: (day.weekday() != before.weekday(), day))


def _call(day: date) -> Appointment:
    return Appointment(
        on=day,
        starts=None,
        kind="call",
        title=Text(key="schedule.next_day_call"),
        setting="telephone",
        minutes=10,
        with_whom=("session nurse",),
    )


def _review(number: int, day: date) -> Appointment:
    return Appointment(
        on=day,
        starts=None,
        kind="check",
        title=Text(key="schedule.review", values={"number": number}),
        setting="consulting-room",
        minutes=REVIEW_MIN,
        with_whom=("prescriber",),
    )
