"""An appointment comes back as it was booked, and what is offered as free is free, on any day and in any zone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin
from ketapath.domain.plan import PlannedVisit
from ketapath.domain.schedule import KINDS, RIDES, Attendant, Booked, as_booked
from ketapath.fhir import bundle_of, refused_change
from ketapath.fhir.appointments import appointment, appointment_ended, bookings
from ketapath.plan.slots import NEEDS, Openings, Place, Shift, free_on, joined, session_length, slot_at

ZONES = st.sampled_from(["US/Eastern", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"])
DAYS = st.dates(date(2026, 1, 1), date(2028, 12, 31))
STARTS = st.builds(time, st.integers(7, 17), st.sampled_from([0, 15, 30, 45]))
WORDS = st.text(alphabet="abcdefgh", min_size=1, max_size=8)
STAFF = st.lists(
    st.builds(
        Attendant, username=WORDS, name=WORDS, role=st.sampled_from(["nurse", "prescriber"]), place=st.integers(0, 4)
    ),
    max_size=3, unique_by=lambda who: who.username,
).map(tuple)  # fmt: skip
PATIENT = {"resourceType": "Patient", "id": "p"}


@st.composite
def booked(draw: st.DrawFn) -> Booked:
    """An appointment as an act makes it."""
    zone = ZoneInfo(draw(ZONES))
    starts = datetime.combine(draw(DAYS), draw(STARTS), zone)
    minutes = draw(st.integers(1, 96)) * 5
    return Booked(
        origin=Origin(resource="Appointment", id="a", version=None), patient_id="p", kind=draw(st.sampled_from(KINDS)),
        status=draw(st.sampled_from(["booked", "arrived", "fulfilled"])), starts_at=starts,
        ends_at=(starts.astimezone(UTC) + timedelta(minutes=minutes)).astimezone(zone),
        room=draw(st.sampled_from(["", "t1"])), staff=draw(STAFF), title=Text(key="k", values={"number": "3"}),
        plan_id=draw(st.sampled_from(["", "plan-1"])), planned_on=draw(st.none() | DAYS),
        ride=draw(st.sampled_from(RIDES)), made_at=datetime(2026, 1, 1, 8, tzinfo=UTC),
    )  # fmt: skip


@given(booked())
def test_an_appointment_comes_back_as_it_was_booked(one: Booked) -> None:
    (found,) = bookings(bundle_of([PATIENT, appointment(one)]))
    assert found == one
    assert (found.starts_at.utcoffset(), found.stands) == (one.starts_at.utcoffset(), True)


@given(booked(), st.sampled_from(["cancelled", "noshow"]))
def test_what_was_cancelled_or_missed_keeps_its_reason_and_only_who_comes_late_after_all_is_booked_again(
    one: Booked, status: str
) -> None:
    before = appointment(replace(one, status="booked"))
    after = appointment_ended(before, status, why="a cold")
    assert refused_change(before, after) is None
    assert (refused_change(after, before) is None) == (status == "noshow")
    (found,) = bookings(bundle_of([PATIENT, after]))
    assert (found.status, found.why, found.stands) == (status, "a cold", False)


@given(booked(), ZONES)
def test_a_booking_says_when_a_day_of_the_plan_is_and_a_cancelled_one_does_not(one: Booked, zone: str) -> None:
    planned = PlannedVisit(
        on=one.planned_on or date(2026, 5, 1), starts=None, kind=one.kind, title=Text(key="k"), minutes=50, setting=""
    )
    held = replace(one, planned_on=planned.on)
    (found,) = as_booked([planned], [held], zone)
    assert datetime.combine(found.on, found.starts or time(), ZoneInfo(zone)) == held.starts_at
    assert as_booked([planned], [replace(held, status="cancelled")], zone) == (planned,)


@st.composite
def clinics(draw: st.DrawFn) -> tuple[Openings, date]:
    """A clinic of some rooms and people on one day, with some of it taken."""
    zone, on = draw(ZONES), draw(DAYS)
    start = datetime.combine(on, time(7), ZoneInfo(zone))
    moment = st.integers(0, 130).map(lambda n: start + timedelta(minutes=5 * n))
    span = st.tuples(moment, st.integers(1, 40)).map(lambda t: (t[0], t[0] + timedelta(minutes=5 * t[1])))
    shift = st.builds(
        lambda who, role, hours, watches: Shift(
            username=who, name=who, role=role, starts_at=hours[0], ends_at=hours[1], watches=watches
        ),
        WORDS, st.sampled_from(["nurse", "prescriber", "therapist"]), span, st.integers(0, 3),
    )  # fmt: skip
    shifts = joined(draw(st.lists(shift, max_size=6, unique_by=lambda s: s.username)))
    places = (Place(code="t1", name="T", kind="treatment"), Place(code="c1", name="C", kind="talking"))
    names = ["room/t1", "room/c1", "patient/p", *(f"staff/{s.username}/1" for s in shifts)]
    taken = draw(st.dictionaries(st.sampled_from(names), st.lists(span, max_size=3)))
    return Openings(places=places, shifts=shifts, taken=taken, zone=zone), on


@given(clinics(), st.sampled_from(KINDS), st.integers(1, 30), st.none() | STARTS)
def test_what_is_offered_as_free_is_free_staffed_and_not_over(
    clinic: tuple[Openings, date], kind: str, fives: int, near: time | None
) -> None:
    have, on = clinic
    not_before = datetime.combine(on, time(9), ZoneInfo(have.zone))
    offered = free_on(have, kind, "p", on, fives * 5, near=near, not_before=not_before)
    for slot in offered if isinstance(offered, tuple) else ():
        span = slot.starts_at, slot.ends_at
        assert slot.starts_at >= not_before
        assert slot.ends_at - slot.starts_at == timedelta(minutes=fives * 5)
        taking = [f"staff/{w.username}/{w.place}" for w in slot.staff if w.place]
        for name in ("patient/p", f"room/{slot.room}", *taking):
            assert have.is_free(name, *span)
        assert len(taking) == 1
        roles = {s.username: s for s in have.shifts if s.covers(*span)}
        assert {w.username for w in slot.staff} <= set(roles)
        assert not NEEDS[kind].needs_prescriber or any(w.role == "prescriber" for w in slot.staff)
        assert slot_at(have, kind, "p", slot.starts_at, fives * 5) == slot


@given(st.integers(5, 120), st.integers(0, 60), st.none() | st.floats(5, 120), st.none() | st.floats(5, 120))
def test_a_session_is_never_shorter_than_what_is_watched_and_a_longer_infusion_is_watched_longer(
    watched: int, before: int, own: float | None, ordered: float | None
) -> None:
    protocol = {"observation_min": watched, "session_min": watched + before}
    protocol |= {} if own is None else {"infusion_min": own}
    length = session_length(protocol, ordered)
    assert length.minutes % 5 == 0
    assert length.minutes >= watched + before + max(0.0, (ordered or 0) - own if own is not None and ordered else 0.0)
    assert isinstance(length.watched_by, str)
