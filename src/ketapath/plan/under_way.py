"""Which treatment is under way, how far is it, and which dates would going on bring?

The treatment is that of the last dose; only doses of its product and route count, and after a long pause only those of
the new course.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ketapath.candidacy import at_clinic
from ketapath.domain.clinic import Clinic
from ketapath.domain.fact import Dose
from ketapath.domain.plan import Appointment
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge
from ketapath.plan.needs import arrangement
from ketapath.plan.regimens import signed_protocol
from ketapath.plan.schedule import dates_onward, spacings
from ketapath.response.treatment import doses_given, newest_series

_WEEK = 7  # source: REG-023, spacing after a series begins at a week
_REVIEW = 6  # source: REG-012, an infusion series is judged after about six; for a way without a protocol of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderWay:
    """The treatment of the last dose. `gained` is the fraction of the baseline that the last score has gained.

    `responds` is whether that is a response, `ever` whether any score of the course was one; all three None without a
    score after the first session. `last` is None before a first dose; `since` are the days since it, `gap` the days
    between the last two sessions, None before a second.
    """

    protocol: Mapping[str, Any] | None
    last: Dose | None
    since: int | None
    gap: int | None
    sessions: int
    review: int
    gained: float | None
    responds: bool | None
    ever: bool | None

    @property
    def in_induction(self) -> bool:
        """Whether the session after which the treatment is judged is still to come."""
        return self.sessions < self.review

    @property
    def is_spray(self) -> bool:
        """Whether it is the nasal spray of esketamine."""
        return self.last is not None and self.last.product == "esketamine" and self.last.route == "nasal"

    @property
    def spacings(self) -> tuple[int, ...]:
        """The days between sessions that the protocol knows now."""
        return () if self.protocol is None else spacings(self.protocol, self.sessions)

    @property
    def spacing(self) -> int:
        """The days between sessions if everything stays as it is: those of now, or the narrowest after an induction."""
        return max(self.gap or 0, min(self.spacings, default=_WEEK))


def under_way(person: Profile, course: Course, knowledge: Knowledge) -> UnderWay:
    """How far the treatment is, by the doses and by the scores of the course's main scale."""
    protocol = protocol_given(person, knowledge)
    given = () if protocol is None else _series(protocol, person, knowledge)
    before = course.baseline
    share = float(knowledge.instruments[course.scale]["response"]["share"])
    gains = [1.0 - seen.total / before for seen in course.observed if seen.day > 0] if before else []
    last = given[-1] if given else (person.doses[-1] if person.doses else None)
    days = sorted({d.on for d in given})
    return UnderWay(
        protocol=protocol,
        last=last,
        since=None if last is None else (person.as_of - last.on).days,
        gap=(days[-1] - days[-2]).days if len(days) > 1 else None,
        sessions=len(days) or course.sessions,
        review=_REVIEW if protocol is None else int(protocol["review_after_session"]),
        gained=gains[-1] if gains else None,
        responds=gains[-1] >= share if gains else None,
        ever=any(g >= share for g in gains) if gains else None,
    )


def onward(
    person: Profile,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    option_id: str | None = None,
    every_days: int | None = None,
) -> tuple[Appointment, ...]:
    """The dates that going on would bring by this option as it was signed, or by the protocol of what was given last.

    Only doses of the protocol's own product and route count; none where nothing of it has been given. Raises BadInput
    for days between sessions that the protocol does not know.
    """
    person = at_clinic(person, clinic, knowledge)
    protocol = protocol_given(person, knowledge) if option_id is None else signed_protocol(option_id, knowledge)
    given = () if protocol is None else _series(protocol, person, knowledge)
    if protocol is None or not given:
        return ()
    known = spacings(protocol, len(given))
    if every_days is not None and every_days not in known:
        raise BadInput(
            field="days between sessions", found=str(every_days),
            limit=f"one of {', '.join(map(str, known)) or 'none during the induction'}", next_step="Choose one.",
        )  # fmt: skip
    return dates_onward(
        protocol, arrangement(person, knowledge), clinic, knowledge, given=len(given),
        last=given[-1].on, today=person.as_of, every_days=every_days,
    )  # fmt: skip


def protocol_given(person: Profile, knowledge: Knowledge) -> Mapping[str, Any] | None:
    """The protocol of what was given last; None before a first dose, and for a way that has no protocol."""
    if not person.doses:
        return None
    last = person.doses[-1]
    same = (p for p in knowledge.protocols.values() if (p["product"], p["route"]) == (last.product, last.route))
    return next(same, None)


def sessions_onward(dates: tuple[Appointment, ...]) -> tuple[date, ...]:
    """The days of the sessions among these appointments."""
    return tuple(a.on for a in dates if a.kind == "session")


def _series(protocol: Mapping[str, Any], person: Profile, knowledge: Knowledge) -> tuple[Dose, ...]:
    """The doses of this protocol's product and route in the newest course."""
    series = newest_series(doses_given(person.doses, person.as_of), knowledge.figure("course_gap_days"))
    return tuple(d for d in series if (d.product, d.route) == (protocol["product"], protocol["route"]))
