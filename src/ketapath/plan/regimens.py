"""Which ways of giving are there to compare? Doses, infusion times, days and spacing, as a protocol's search allows.

A way is the protocol itself with the values of the regimen in place, so that whatever reads a protocol reads a way.
Where an induction is under way, what is left of it is compared; after it, the spacing of what follows and, unless a
response still holds, a new induction. Nothing is filtered by chance here: `choice` does that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from ketapath.domain.clinic import Clinic
from ketapath.domain.plan import Regimen
from ketapath.domain.profile import Profile
from ketapath.knowledge import Knowledge
from ketapath.plan.dosing import is_lower
from ketapath.response.treatment import doses_given, newest_series

ONWARD = "onward"
"""The course of somebody whose induction is over: no new one, only what follows it."""


def regimens(person: Profile, protocol: Mapping[str, Any], clinic: Clinic, knowledge: Knowledge) -> tuple[Regimen, ...]:
    """Every way of giving that the protocol's search holds for this person, the protocol's own first."""
    search = protocol["search"]
    doses = search["lower_doses" if is_lower(person, protocol, clinic, knowledge) else "doses"]
    given = given_by(person, protocol, knowledge)
    if given == 0:
        return tuple(_ways(protocol, doses, _courses(protocol)))
    own = len(protocol["induction"]["days"])
    if given >= own:
        again = () if _still_holds(person) else _courses(protocol)
        return tuple(_ways(protocol, doses, [(ONWARD, ()), *again]))
    left = [(name, tuple(d - days[given] for d in days[given:])) for name, days in _courses(protocol) if days[given:]]
    return tuple(_ways(protocol, [d[given:] or d[-1:] for d in doses], left))


def _still_holds(person: Profile) -> bool:
    """Whether the person responded and has not relapsed: a new induction was studied after a relapse (REG-029)."""
    responded, relapsed = (person.known.get(f"course.{name}") for name in ("responded", "relapsed"))
    return responded is not None and responded.value is True and (relapsed is None or relapsed.value is not True)


def given_by(person: Profile, protocol: Mapping[str, Any], knowledge: Knowledge) -> int:
    """How many sessions of this product and route the series that is under way has had."""
    series = newest_series(doses_given(person.doses, person.as_of), knowledge.figure("course_gap_days"))
    if series and (person.as_of - series[-1].on).days > knowledge.figure("course_gap_days"):
        return 0
    return len({d.on for d in series if (d.product, d.route) == (protocol["product"], protocol["route"])})


def regimen_of(option_id: str, knowledge: Knowledge) -> Regimen | None:
    """The regimen that an option was signed with; None where the knowledge of today has no such way."""
    name, _, code = option_id.partition("/")
    protocol = knowledge.protocols.get(name)
    return None if protocol is None else next((r for r in _all(protocol) if r.code == code), None)


def signed_protocol(option_id: str, knowledge: Knowledge) -> Mapping[str, Any] | None:
    """The protocol with the regimen that an option was signed with; None where the protocol is no longer known."""
    protocol = knowledge.protocols.get(option_id.partition("/")[0])
    return None if protocol is None else shaped(protocol, regimen_of(option_id, knowledge), knowledge)


def shaped(protocol: Mapping[str, Any], regimen: Regimen | None, knowledge: Knowledge) -> Mapping[str, Any]:
    """The protocol with the regimen in place; the protocol itself where there is none.

    Somebody who goes on without a new course has a block of sessions in its place.
    """
    if regimen is None:
        return protocol
    found = dict(protocol)
    block = range(int(knowledge.figure("block_sessions")))
    days = list(regimen.days) or [number * (regimen.every_days or 0) for number in block]
    found |= {"induction": {"sessions": len(days), "days": days}, "review_after_session": len(days)}
    if regimen.infusion_min is not None:
        longer = regimen.infusion_min - float(protocol["infusion_min"])
        found |= {
            "infusion_min": regimen.infusion_min,
            "observation_min": float(protocol["observation_min"]) + longer,
            "session_min": float(protocol["session_min"]) + longer,
        }
    return found


def days_within(regimen: Regimen, protocol: Mapping[str, Any], weeks_days: float) -> tuple[int, ...]:
    """The days of all sessions up to `weeks_days` from the first: the course, its continuation, and what follows."""
    days = list(regimen.days) or [0]
    continuation = protocol["continuation"]
    steps = [int(continuation["every_days"])] * int(continuation["sessions"]) if regimen.days else []
    for step in steps if regimen.every_days is not None else ():
        days.append(days[-1] + step)
    while regimen.every_days is not None and days[-1] + regimen.every_days <= weeks_days:
        days.append(days[-1] + regimen.every_days)
    return tuple(d for d in days if d <= weeks_days)


def _all(protocol: Mapping[str, Any]) -> Iterator[Regimen]:
    """Every way that the search could name, whoever it is for."""
    doses = [*protocol["search"]["doses"], *protocol["search"]["lower_doses"]]
    return _ways(protocol, doses, [(ONWARD, ()), *_courses(protocol)])


def _courses(protocol: Mapping[str, Any]) -> list[tuple[str, tuple[int, ...]]]:
    return [(c["id"], tuple(int(d) for d in c["days"])) for c in protocol["search"]["courses"]]


def _ways(
    protocol: Mapping[str, Any], doses: Sequence[Sequence[float]], courses: Sequence[tuple[str, tuple[int, ...]]]
) -> Iterator[Regimen]:
    minutes = protocol["search"].get("infusion_min", [None])
    spacings = (*(int(d) for d in protocol["maintenance_every_days"]), None)
    for (course, days), dose, minute, every in product(courses, doses, minutes, spacings):
        if days or every is not None:
            yield Regimen(
                protocol_id=protocol["id"],
                code=_code(dose, minute, course, every),
                doses=tuple(float(d) for d in dose),
                infusion_min=None if minute is None else float(minute),
                course=course,
                days=days,
                every_days=every,
            )


def _code(doses: Sequence[float], minutes: float | None, course: str, every: int | None) -> str:
    parts = ["-".join(f"{d:g}" for d in dict.fromkeys(doses))]
    parts += [] if minutes is None else [f"{minutes:g}min"]
    parts += [course, "then-none" if every is None else f"then-{every}d"]
    return ".".join(parts)
