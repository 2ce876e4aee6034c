"""Moving a session: its preparation, integration, call and review go with it, and nothing else does."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from tests.records import CLINIC, KNOWLEDGE, good_record, person

from ketapath import journey
from ketapath.domain.evidence import Text
from ketapath.domain.plan import PlannedVisit
from ketapath.errors import BadInput
from ketapath.plan import crowded, moved

TODAY = date(2026, 11, 23)  # a Monday


def visit(kind: str, day: date) -> PlannedVisit:
    return PlannedVisit(on=day, starts=None, kind=kind, title=Text(key="schedule.x"), minutes=50, setting="room")


def day(n: int) -> date:
    return TODAY + timedelta(days=n)


VISITS = (
    visit("preparation", day(1)), visit("session", day(3)), visit("integration", day(4)), visit("call", day(4)),
    visit("psychotherapy", day(5)), visit("session", day(7)), visit("integration", day(8)),
    visit("session", day(10)), visit("integration", day(11)), visit("check", day(10)),
)  # fmt: skip


def told(on: date, to: date) -> list[tuple[str, date, date]]:
    return [(m.visit.kind, m.visit.on, m.to) for m in moved(VISITS, on, to, CLINIC, today=TODAY)[1]]


def test_the_first_session_takes_preparation_integration_and_call_along() -> None:
    assert sorted(told(day(3), day(4))) == [
        ("call", day(4), day(7)), ("integration", day(4), day(7)), ("preparation", day(1), day(2)),
        ("session", day(3), day(4)),
    ]  # fmt: skip


def test_integration_stays_on_the_next_open_day_over_a_weekend() -> None:
    after, changes = moved(VISITS, day(10), day(11), CLINIC, today=TODAY)
    assert {m.visit.kind: m.to for m in changes} == {"session": day(11), "integration": day(14), "check": day(11)}
    assert day(11).weekday() == 4
    assert day(14).weekday() == 0
    assert [v.on for v in after] == sorted(v.on for v in after)


def test_other_visits_stay_where_they_are() -> None:
    after, changes = moved(VISITS, day(7), day(8), CLINIC, today=TODAY)
    assert {m.visit.kind for m in changes} == {"session", "integration"}
    gone = [m.visit for m in changes]
    assert all(v in after for v in VISITS if v not in gone)
    assert len(after) == len(VISITS)


def test_a_move_and_the_move_back_give_the_plan_as_it_was() -> None:
    once, _ = moved(VISITS, day(7), day(9), CLINIC, today=TODAY)
    back, _ = moved(once, day(9), day(7), CLINIC, today=TODAY)
    assert sorted(back, key=str) == sorted(VISITS, key=str)


@pytest.mark.parametrize(
    ("on", "to", "limit"),
    [
        (day(2), day(3), "session of this plan"),
        (day(3), day(5), "open"),
        (day(3), day(-3), "today or later"),
        (day(3), day(7), "between"),
        (day(7), day(3), "between"),
        (day(3), day(0), "preparation"),
    ],
    ids=["no session", "closed", "over", "on another", "before another", "no preparation"],
)
def test_a_day_that_cannot_be_is_refused_with_the_limit(on: date, to: date, limit: str) -> None:
    with pytest.raises(BadInput, match=limit):
        moved(VISITS, on, to, CLINIC, today=TODAY)


def test_nothing_that_is_over_moves() -> None:
    _, changes = moved(VISITS, day(3), day(4), CLINIC, today=day(2))
    assert "preparation" not in {m.visit.kind for m in changes}


def test_every_integration_hour_of_an_offered_plan_follows_its_session() -> None:
    option = journey.planned(person(good_record()), CLINIC, KNOWLEDGE, seed=0).options[0]
    visits = [
        PlannedVisit(on=a.on, starts=a.starts, kind=a.kind, title=a.title, minutes=a.minutes, setting=a.setting)
        for a in option.schedule
    ]
    last = max(v.on for v in visits if v.kind == "session")
    _, changes = moved(visits, last, last + timedelta(days=7), CLINIC, today=TODAY)
    assert {m.visit.kind for m in changes} == {"session", "integration", "check"}
    assert {(m.to - m.visit.on).days for m in changes} == {7}


def test_doses_closer_than_the_plan_leaves_are_found_only_beside_what_changes() -> None:
    monday = date(2026, 11, 30)
    three, four, six = (monday + timedelta(days=n) for n in (3, 4, 6))
    assert crowded([monday, three, six], [three], 3) == ()
    assert crowded([monday, four, six], [four], 3) == ((four, six),)
    assert crowded([monday, four, six], [monday], 3) == ()
    assert crowded([monday, four, six], [four], None) == ()
