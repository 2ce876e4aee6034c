"""Appointments are booked once, move with what belongs to them, and every page agrees with them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from tests.options import INFUSION
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account, AuditRow, Role
from clinic.access.permission import Refused
from clinic.actions import schedule as acts
from clinic.actions.commit import Act, NotAllowed, Stale, Taken, commit
from clinic.actions.plan import Wish, decide_plan, standing
from clinic.actions.rooms import set_duty, set_room
from clinic.actions.schedule import (
    book,
    came_after_all,
    cancel,
    lay_out,
    move,
    no_show,
    set_ride,
    stepped,
    undo,
)
from clinic.actions.session import close_session, open_session
from clinic.actions.team import join_team, restrict
from clinic.practice.models import Duty, Room
from clinic.queries.booking import lacking, moving, series, session_of_today, tied, unbooked
from clinic.queries.gates import full_hands
from clinic.queries.person import Chart, chart, clinic_now, plan
from clinic.queries.schedule import days_of
from clinic.queries.session import objections
from clinic.queries.today import today
from clinic.record.models import Booking, Hold, PatientLine, Version, VisitLine
from clinic.record.projections import rebuild
from clinic.record.read import read
from clinic.web.schedule import hours_of
from ketapath.domain.schedule import Booked
from ketapath.domain.session import Visit
from ketapath.errors import BadInput
from ketapath.fhir.encode import adapted_plan
from ketapath.plan import least_days
from ketapath.plan.slots import Shift

READY = "treatment-resistant-depression"
EVERY_DAY = {day: (time(8), time(18)) for day in range(7)}
Who = Callable[[str], Account]


@pytest.fixture
def morning(account: Who, monkeypatch: pytest.MonkeyPatch) -> datetime:
    """Seven in the morning at the clinic, before anybody has come."""
    zone = account("nurse").practice.zone
    now = datetime.combine(clock.today(zone), time(7), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
    monkeypatch.setattr(clock, "now", lambda: now)
    return now


@pytest.fixture
def staffed(account: Who, morning: datetime) -> Account:
    """The coordinator of a clinic with two rooms of each kind and a nurse who watches two, for twelve weeks."""
    by = account("coordinator")
    Duty.objects.all().delete()
    Room.objects.all().delete()
    for kind in ("treatment", "talking"):
        for number in (1, 2):
            set_room(f"{kind}-{number}", name=f"{kind} {number}", kind=kind, place=number, by=by)
    first = clock.today(by.practice.zone)
    for username, watches in (("nurse", 2), ("prescriber", 0), ("therapist", 0)):
        set_duty(username, EVERY_DAY, first=first, last=first + timedelta(weeks=12), watches=watches, by=by)
    return by


def look(by: Account, patient_id: str = READY) -> Chart:
    found = chart(by.practice, patient_id)
    assert found is not None
    return found


def sign(by: Account, patient_id: str = READY) -> Chart:
    found = look(by, patient_id)
    wish = Wish(outcome="accepted", reason="", seen=standing(found), digest=plan(found).inputs_digest)
    decide_plan(found, INFUSION, wish, by=by, key="", proof=shown(by))
    return look(by, patient_id)


@pytest.fixture
def laid_out(account: Who, staffed: Account) -> Account:
    """The coordinator, after the whole series of a signed plan was booked."""
    sign(account("prescriber"))
    lay_out(look(staffed), by=staffed, key="series")
    return staffed


def sessions(found: Chart) -> list[Booked]:
    return sorted((b for b in found.bookings if b.kind == "session" and b.stands), key=lambda b: b.starts_at)


def rows() -> list[list[str]]:
    """The derived rows of the schedule, without the numbers that the database gives them."""
    bookings = Booking.objects.order_by("appointment").values()
    holds = Hold.objects.order_by("resource", "slot").values_list("booking__appointment", "resource", "slot")
    return [
        [json.dumps({k: v for k, v in row.items() if k != "id"}, default=str) for row in bookings],
        [json.dumps(hold) for hold in holds],
    ]


def open_day(by: Account) -> date:
    """The next day after today on which the clinic is open."""
    days = (clock.today(by.practice.zone) + timedelta(days=n) for n in range(1, 8))
    return next(day for day in days if day.weekday() in clinic_now(by.practice).weekdays)


def local(found: Chart, booked: Booked) -> datetime:
    return booked.starts_at.astimezone(ZoneInfo(found.practice.zone))


def test_a_signed_plan_is_laid_out_in_one_act_and_a_second_time_does_nothing(account: Who, staffed: Account) -> None:
    signed = sign(account("prescriber"))
    assert signed.plan is not None
    laid = lay_out(look(staffed), by=staffed, key="a")
    found = look(staffed)
    assert [p.wanting for p in laid.unbooked] == []
    assert len(found.bookings) == len(signed.plan.visits)
    for booked in sessions(found):
        assert local(found, booked).date() == booked.planned_on
        assert (booked.ends_at - booked.starts_at) == timedelta(minutes=120)
        assert [(who.role, who.place) for who in booked.staff] == [("nurse", 1), ("prescriber", 0)]
        assert booked.room.startswith("treatment")
    assert lay_out(look(staffed), by=staffed, key="a").done is not None
    assert lay_out(look(staffed), by=staffed, key="b").done is None
    assert len(look(staffed).bookings) == len(signed.plan.visits)
    assert series(look(staffed)) == ()


def test_a_plan_that_nobody_signed_and_an_account_that_may_not_book_lay_nothing_out(
    account: Who, staffed: Account
) -> None:
    with pytest.raises(BadInput, match="signed"):
        lay_out(look(staffed), by=staffed, key="a")
    sign(account("prescriber"))
    with pytest.raises(Refused):
        lay_out(look(staffed), by=account("director"), key="a")
    assert not Booking.objects.exists()


def test_what_finds_no_place_is_named_with_its_reason_and_the_rest_is_booked(account: Who, staffed: Account) -> None:
    sign(account("prescriber"))
    first = clock.today(staffed.practice.zone)
    set_duty("therapist", {}, first=first, last=first + timedelta(weeks=12), is_confirmed=True, by=staffed)
    laid = lay_out(look(staffed), by=staffed, key="a")
    assert {(p.visit.kind, p.wanting) for p in laid.unbooked} == {
        ("preparation", "no therapist on duty is free"),
        ("integration", "no therapist on duty is free"),
    }
    assert len(sessions(look(staffed))) == 6


def test_a_room_a_person_and_a_place_of_a_nurse_are_booked_once_and_who_comes_second_is_told_what_is_free(
    account: Who, staffed: Account
) -> None:
    on = open_day(staffed)
    people = (READY, "chronic-pain", "ptsd-with-depression")
    for person in people[:2]:
        book(look(staffed, person), "session", on, time(9), minutes=150, by=staffed, key=person)
    with pytest.raises(BadInput, match="no room is free") as refused:
        book(look(staffed, people[2]), "session", on, time(10), minutes=150, by=staffed, key="1")
    assert "11:30" in refused.value.limit
    set_room("treatment-3", name="Third", kind="treatment", by=staffed)
    with pytest.raises(BadInput, match="no nurse on duty has a place free"):
        book(look(staffed, people[2]), "session", on, time(10), minutes=150, by=staffed, key="2")
    with pytest.raises(BadInput, match="another appointment"):
        book(look(staffed), "integration", on, time(10), minutes=50, by=staffed, key="y")
    book(look(staffed, people[2]), "session", on, time(11, 30), minutes=150, reason="x", by=staffed, key="z")
    assert Booking.objects.filter(kind="session").count() == 3


def test_the_record_itself_refuses_what_is_booked_twice(laid_out: Account) -> None:
    found = look(laid_out)
    one = sessions(found)[0]
    other = sessions(found)[1]
    clash = replace(other, starts_at=one.starts_at, ends_at=one.ends_at, room=one.room, staff=one.staff)
    before = rows()
    with pytest.raises(Taken):
        commit(Act(name="book", by=laid_out, patient_id=READY), [acts._written(found, clash)])
    assert rows() == before


def test_a_moved_session_takes_its_hours_along_and_a_preview_changes_nothing(laid_out: Account) -> None:
    found = look(laid_out)
    before, third = rows(), sessions(found)[2]
    was = local(found, third).date()
    preview = moving(found, third.origin.id, was + timedelta(days=1))
    assert rows() == before
    kinds = [(p.visit.kind, (p.on - p.visit.on).days) for p in preview.proposals]
    assert kinds == [("session", 1), ("integration", 1)]
    assert preview.is_possible
    move(
        found, third.origin.id, was + timedelta(days=1), None, seen=preview.digest, reason="asked", by=laid_out, key="m"
    )
    after = look(laid_out)
    moved = next(b for b in after.bookings if b.origin.id == third.origin.id)
    assert local(after, moved) == local(found, third) + timedelta(days=1)
    assert moved.planned_on == was
    hours = {b.planned_on: local(after, b).date() for b in after.bookings if b.kind == "integration"}
    assert hours[was + timedelta(days=1)] == was + timedelta(days=2)
    assert [local(after, b).date() for b in sessions(after)] == sorted(local(after, b).date() for b in sessions(after))
    changed = {b.origin.id for b in after.bookings} - {b.origin.id for b in found.bookings if b in after.bookings}
    assert len(changed) == 2
    assert after.plan == found.plan, "the signed plan is never rewritten"


def test_the_first_session_takes_its_preparation_and_the_last_one_its_review_along(laid_out: Account) -> None:
    found = look(laid_out)
    first, last = sessions(found)[0], sessions(found)[-1]
    one = moving(found, first.origin.id, local(found, first).date() + timedelta(days=1))
    assert {p.visit.kind for p in one.proposals} == {"session", "preparation", "integration", "call"}
    other = moving(found, last.origin.id, local(found, last).date() + timedelta(days=2))
    assert {p.visit.kind for p in other.proposals} == {"session", "integration", "check"}


def test_what_was_previewed_is_what_is_done_or_nothing(laid_out: Account) -> None:
    found = look(laid_out)
    third = sessions(found)[2]
    to = local(found, third).date() + timedelta(days=1)
    preview = moving(found, third.origin.id, to)
    place = preview.proposals[0].place
    assert place is not None
    nine = place.starts_at.astimezone(ZoneInfo(found.practice.zone))
    for person in ("chronic-pain", "ptsd-with-depression"):
        book(look(laid_out, person), "session", to, nine.time(), minutes=150, reason="x", by=laid_out, key=person)
    before = rows()
    with pytest.raises(Stale):
        move(found, third.origin.id, to, None, seen=preview.digest, reason="", by=laid_out, key="m")
    assert rows() == before


def test_a_session_never_overtakes_another_and_goes_to_no_day_that_is_over(laid_out: Account) -> None:
    found = look(laid_out)
    third = sessions(found)[2]
    for days in (-40, 21):
        with pytest.raises(BadInput, match="day"):
            moving(found, third.origin.id, local(found, third).date() + timedelta(days=days))


def test_today_the_list_the_plan_and_the_room_agree_with_the_bookings(
    account: Who, laid_out: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    found, nurse = look(laid_out), account("nurse")
    first = sessions(found)[0]
    to = local(found, first).date() + timedelta(days=1)
    preview = moving(found, first.origin.id, to, time(11, 15))
    move(found, first.origin.id, to, time(11, 15), seen=preview.digest, reason="close", by=laid_out, key="m")
    assert PatientLine.objects.get(patient_id=READY).planned[0] == [to.isoformat(), "11:15"]
    for day, is_due in ((local(found, first).date(), False), (to, True)):
        at = datetime.combine(day, time(7), ZoneInfo(nurse.practice.zone)).astimezone(ZoneInfo("UTC"))
        monkeypatch.setattr(clock, "now", lambda at=at: at)
        there = look(nurse)
        assert (READY in [due.line.patient_id for due in today(nurse).planned]) is is_due
        assert (there.sessions_ahead[0].on == day) is is_due
        assert (session_of_today(there) is not None) is is_due
        assert there.plan is not None
        against = [o.words for o in objections(there, _visit(there))]
        assert any("No session is planned for today" in words for words in against) is not is_due


def test_doses_closer_than_the_plans_own_spacing_are_named_and_need_a_reason(laid_out: Account) -> None:
    found = look(laid_out)
    assert found.plan is not None
    first, second = sessions(found)[:2]
    least = least_days(found.plan.visits)
    assert least is not None
    assert least > 1
    to = local(found, second).date() - timedelta(days=1)
    preview = moving(found, first.origin.id, to, time(10))
    assert [(c.first, c.second, c.days, c.least) for c in preview.close] == [(to, to + timedelta(days=1), 1, least)]
    with pytest.raises(BadInput, match="1 day apart"):
        move(found, first.origin.id, to, time(10), seen=preview.digest, reason=" ", by=laid_out, key="m")
    assert sessions(look(laid_out))[0] == first
    move(found, first.origin.id, to, time(10), seen=preview.digest, reason="she travels", by=laid_out, key="n")
    assert local(found, sessions(look(laid_out))[0]).date() == to
    far = local(found, sessions(found)[-1]).date() + timedelta(days=1)
    assert moving(look(laid_out), sessions(found)[-1].origin.id, far).close == ()


def test_a_series_or_one_more_dose_beside_a_booked_one_needs_a_reason(laid_out: Account) -> None:
    found = look(laid_out)
    day = local(found, sessions(found)[0]).date() + timedelta(days=1)
    with pytest.raises(BadInput, match="the plan leaves at least"):
        book(found, "session", day, time(13), by=laid_out, key="close")
    undo(found, by=laid_out, key="u")
    with pytest.raises(BadInput, match="the plan leaves at least"):  # beside one that the plan asks for
        book(look(laid_out), "session", day, time(13), by=laid_out, key="close")
    book(look(laid_out), "session", day, time(13), reason="a make-up dose", by=laid_out, key="close-2")
    with pytest.raises(BadInput, match="the plan leaves at least"):
        lay_out(look(laid_out), by=laid_out, key="again")
    assert lay_out(look(laid_out), reason="agreed", by=laid_out, key="again-2").booked
    assert Version.objects.filter(kind="Appointment", patient_id=READY, reason="agreed").exists()


def test_hours_lie_in_the_clinics_hours_and_a_review_after_its_session(account: Who, staffed: Account) -> None:
    sign(account("prescriber"))
    first = clock.today(staffed.practice.zone)
    always = {day: (time(5), time(23)) for day in range(7)}
    for username, watches in (("nurse", 2), ("prescriber", 0), ("therapist", 0)):
        set_duty(username, always, first=first, last=first + timedelta(weeks=12), watches=watches, by=staffed)
    lay_out(look(staffed), by=staffed, key="s")
    found = look(staffed)
    opens, _last = found.clinic.session_hours
    assert min(local(found, b).time() for b in found.bookings) >= time(int(opens))
    assert {local(found, b).weekday() for b in found.bookings} <= set(found.clinic.weekdays)
    reviews = [b for b in found.bookings if b.kind == "check"]
    assert reviews
    for review in reviews:
        ends = [s.ends_at for s in sessions(found) if local(found, s).date() == local(found, review).date()]
        assert ends
        assert review.starts_at >= max(ends)
    again = reviews[-1]
    cancel(found, again.origin.id, reason="x", by=staffed, key="c")
    planned = next(v for v in unbooked(look(staffed)) if v.kind == "check")
    with pytest.raises(BadInput, match="not over by then"):
        book(look(staffed), "check", planned.on, time(8), planned=planned, by=staffed, key="early")


def test_a_duty_is_not_taken_from_under_people_without_a_word(laid_out: Account) -> None:
    first = clock.today(laid_out.practice.zone)
    last = first + timedelta(weeks=12)
    before = Duty.objects.filter(account__username="nurse").count()
    ahead = len(sessions(look(laid_out))) + sum(b.kind == "call" for b in look(laid_out).bookings)
    with pytest.raises(BadInput, match=f"{ahead} appointments ahead and 0 open visits; .* they would lose"):
        set_duty("nurse", {}, first=first, last=last, by=laid_out)
    with pytest.raises(BadInput, match="would lose"):
        set_duty("nurse", {day: (time(8), time(9)) for day in range(7)}, first=first, last=last, watches=2, by=laid_out)
    assert Duty.objects.filter(account__username="nurse").count() == before
    set_duty("nurse", EVERY_DAY, first=first, last=last, watches=3, by=laid_out)
    for booked in look(laid_out).bookings:
        cancel(look(laid_out), booked.origin.id, reason="x", by=laid_out, key=booked.origin.id)
    with pytest.raises(BadInput, match="days of duty that would go"):
        set_duty("nurse", {}, first=first, last=last, by=laid_out)
    assert set_duty("nurse", {}, first=first, last=last, is_confirmed=True, by=laid_out).replaced == before


def test_a_session_always_asks_who_takes_the_person_home(laid_out: Account) -> None:
    found = look(laid_out)
    with pytest.raises(BadInput, match="ride"):
        set_ride(found, sessions(found)[0].origin.id, "not-needed", by=laid_out, key="r")
    other = next(b for b in found.bookings if b.kind == "integration")
    set_ride(found, other.origin.id, "not-needed", by=laid_out, key="r2")


def test_today_says_who_cancelled_and_at_which_hour_they_were_booked(
    account: Who, laid_out: Account, browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    found, nurse = look(laid_out), account("nurse")
    first = sessions(found)[0]
    day = local(found, first).date()
    preview = moving(found, first.origin.id, day, time(13, 15))
    move(found, first.origin.id, day, time(13, 15), seen=preview.digest, reason="", by=laid_out, key="m")
    at = datetime.combine(day, time(9), ZoneInfo(nurse.practice.zone)).astimezone(ZoneInfo("UTC"))
    monkeypatch.setattr(clock, "now", lambda: at)
    (due,) = [due for due in today(nurse).planned if due.line.patient_id == READY]
    assert (due.at, due.state) == ("13:15", "booked")
    cancel(look(laid_out), first.origin.id, reason="ill", by=laid_out, key="c")
    (due,) = [due for due in today(nurse).missed if due.line.patient_id == READY and due.on == day]
    assert (due.at, due.state) == ("13:15", "cancelled")
    page = browser_of("nurse").get("/today").content.decode()
    line = page.partition("Planned, not given")[2].partition(f'/patients/{READY}"')[2].partition("</li>")[0]
    assert "cancelled" in line
    assert "13:15" in line
    assert "Open the visit" not in line


def test_a_patient_sees_what_is_booked_as_booked_and_planned_days_without_a_time(
    account: Who, staffed: Account, browser_of: Callable[[str], Client]
) -> None:
    sign(account("prescriber"))
    found = look(staffed)
    first = next(v for v in unbooked(found) if v.kind == "session")
    Account.objects.filter(username="patient").update(patient_id=READY)
    client = browser_of("patient")
    page = client.get("/my").content.decode()
    assert f"{first.starts:%H:%M}" not in page
    assert "Planned, not booked yet" in page
    assert f"{first.starts:%H:%M}" not in client.get("/my/plan").content.decode()
    book(found, "session", first.on, time(11, 15), planned=first, by=staffed, key="b")
    page = client.get("/my").content.decode()
    assert "11:15" in page.partition("Planned, not booked yet")[0]


def test_nobody_is_put_into_a_room_where_somebody_is(
    account: Who, laid_out: Account, browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, found = account("nurse"), look(laid_out)
    first = sessions(found)[0]
    at = first.starts_at
    monkeypatch.setattr(clock, "now", lambda: at)
    page = browser_of("nurse").get(f"/patients/{READY}/session").content.decode()
    assert f"{local(found, first):%H:%M}" in page
    assert f"treatment {first.room[-1]}" in page
    other = VisitLine.objects.exclude(patient_id=READY).earliest("id")
    VisitLine.objects.filter(pk=other.pk).update(room=first.room, closed_at=None)
    there = PatientLine.objects.get(patient_id=other.patient_id)
    with pytest.raises(BadInput, match="a room in which nobody is"):
        open_session(look(nurse), by=nurse, key="v")
    page = browser_of("nurse").get(f"/patients/{READY}/session").content.decode()
    assert f"is {there.given} {there.family}: choose another room" in page
    open_session(look(nurse), by=nurse, key="w", room="")
    assert look(nurse).open_visit is not None
    assert look(nurse).open_visit.room == ""  # type: ignore[union-attr]


def test_a_nurse_with_full_hands_is_told_so_at_the_start_of_a_dose(account: Who, laid_out: Account) -> None:
    nurse = account("nurse")
    now = clock.now()
    VisitLine.objects.filter(closed_at=None).update(closed_at=now)
    Duty.objects.filter(account=nurse).update(starts_at=now - timedelta(hours=1), watches=1)
    assert full_hands(nurse) == ""
    lines = VisitLine.objects.exclude(patient_id=READY)
    under = next(line for line in lines if line.content["visit"]["given"])
    kept = under.content["visit"]
    kept["status"], kept["given"]["ended_at"], kept["closed_at"] = "in-progress", None, None
    kept["appointment_id"] = look(laid_out).bookings[0].origin.id
    under.content["visit"], under.closed_at = kept, None
    under.save()
    Booking.objects.filter(appointment=kept["appointment_id"]).update(staff=["nurse"], places=[1])
    assert "1 person under a dose" in full_hands(nurse)
    assert full_hands(account("prescriber")) == ""


def _visit(found: Chart) -> Visit:
    assert found.plan is not None
    return Visit(
        origin=found.plan.origin, status="in-progress", opened_at=clock.now(), closed_at=None,
        plan_id=found.plan.origin.id, administration=None, readings=(),
    )  # fmt: skip


def test_cancelled_and_missed_appointments_take_nothing_and_can_be_booked_anew(
    account: Who, laid_out: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = look(laid_out)
    first, second = sessions(found)[:2]
    with pytest.raises(BadInput, match="reason"):
        cancel(found, first.origin.id, reason=" ", by=laid_out, key="c")
    cancel(found, first.origin.id, reason="has a cold", by=laid_out, key="c")
    assert not Hold.objects.filter(booking__appointment=first.origin.id).exists()
    assert [v.on for v in unbooked(look(laid_out))] == [first.planned_on]
    with monkeypatch.context() as then:
        then.setattr(clock, "now", lambda: first.starts_at - timedelta(minutes=30))
        assert READY not in [due.line.patient_id for due in today(account("nurse")).planned]
        assert READY in [due.line.patient_id for due in today(account("nurse")).missed]
    with pytest.raises(BadInput, match="still to come"):
        no_show(look(laid_out), second.origin.id, by=laid_out, key="n")
    monkeypatch.setattr(clock, "now", lambda: second.starts_at + timedelta(minutes=30))
    no_show(look(laid_out), second.origin.id, by=laid_out, key="n")
    assert READY in [due.line.patient_id for due in today(account("nurse")).missed]
    assert READY not in [due.line.patient_id for due in today(account("nurse")).planned]
    missed = next(v for v in unbooked(look(laid_out)) if v.on == second.planned_on)
    on = local(found, second).date() + timedelta(days=1)
    book(look(laid_out), "session", on, time(9), planned=missed, by=laid_out, key="again")
    assert on in [v.on for v in look(laid_out).sessions_ahead]


def test_the_derived_rows_are_made_again_the_same_and_what_did_not_change_is_left_alone(laid_out: Account) -> None:
    found = look(laid_out)
    cancel(found, sessions(found)[3].origin.id, reason="away", by=laid_out, key="c")
    numbers = dict(Booking.objects.values_list("appointment", "id"))
    set_ride(look(laid_out), sessions(look(laid_out))[0].origin.id, "arranged", by=laid_out, key="r")
    after = dict(Booking.objects.values_list("appointment", "id"))
    assert [name for name in numbers if numbers[name] != after[name]] == [sessions(found)[0].origin.id]
    before = rows()
    assert all(before)
    Booking.objects.all().delete()
    rebuild(laid_out.practice)
    assert rows() == before


def test_what_was_booked_just_now_is_undone_as_a_whole_and_later_it_is_not(
    laid_out: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    undo(look(laid_out), by=laid_out, key="u")
    assert not Hold.objects.exists()
    lay_out(look(laid_out), by=laid_out, key="again")
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(minutes=16))
    with pytest.raises(BadInput, match="just now"):
        undo(look(laid_out), by=laid_out, key="v")


def test_an_adapted_plan_keeps_a_visit_that_was_moved_past_the_day_it_is_adapted_on(laid_out: Account) -> None:
    found = look(laid_out)
    first, second = sessions(found)[:2]
    assert found.plan is not None
    stored = read(found.practice, "CarePlan", found.plan.origin.id)
    assert stored is not None
    assert first.planned_on is not None

    def kept(*booked: tuple[date, str]) -> set[str]:
        plan, *_rest = adapted_plan(
            stored.resource, None, identity="plan-x", dose_mg=None, status="active", onward=(), by="",
            at=second.starts_at, recommendation="r", booked=booked,
        )  # fmt: skip
        return {a["detail"]["scheduledString"][:10] for a in plan["activity"]}

    assert kept((first.planned_on, "session")) - kept() == {first.planned_on.isoformat()}


def test_a_visit_is_opened_in_the_room_that_was_booked_and_gives_it_back_where_no_dose_is_given(
    account: Who, laid_out: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, first = account("nurse"), sessions(look(laid_out))[0]
    monkeypatch.setattr(clock, "now", lambda: first.starts_at - timedelta(minutes=5))
    open_session(look(nurse), by=nurse, key="open")
    visit = look(nurse).open_visit
    assert visit is not None
    assert (visit.room, visit.appointment_id) == (first.room, first.origin.id)
    assert Booking.objects.get(appointment=first.origin.id).status == "arrived"
    close_session(look(nurse), by=nurse, reason="the pressure is too high", key="close")
    after = next(b for b in look(nurse).bookings if b.origin.id == first.origin.id)
    assert (after.status, after.why) == ("cancelled", "no dose was given")
    assert first.planned_on in [v.on for v in unbooked(look(nurse))]


def test_an_appointment_goes_from_booked_to_arrived_to_fulfilled_and_not_back(laid_out: Account) -> None:
    name = sessions(look(laid_out))[0].origin.id
    for status in ("arrived", "fulfilled"):
        commit(Act(name="book", by=laid_out, patient_id=READY), stepped(look(laid_out), name, status))
        assert next(b for b in look(laid_out).bookings if b.origin.id == name).status == status
    assert stepped(look(laid_out), "nothing-of-that-name", "arrived") == []
    assert stepped(look(laid_out), name, "arrived") == []
    with pytest.raises(NotAllowed):
        cancel(look(laid_out), name, reason="a slip", by=laid_out, key="c")


@pytest.mark.parametrize(
    ("zone", "before", "skipped", "twice"),
    [
        ("US/Eastern", date(2027, 3, 13), (date(2027, 3, 14), time(2, 30)), (date(2027, 11, 7), time(1, 30))),
        ("Europe/London", date(2027, 3, 27), (date(2027, 3, 28), time(1, 30)), (date(2027, 10, 31), time(1, 30))),
    ],
)
def test_duty_keeps_its_clock_time_across_a_change_of_the_clock_and_names_a_time_that_is_not_there(
    account: Who, zone: str, before: date, skipped: tuple[date, time], twice: tuple[date, time],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    by = account("coordinator")
    Duty.objects.all().delete()
    by.practice.zone = zone
    by.practice.save()
    now = datetime.combine(before, time(7), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))
    monkeypatch.setattr(clock, "now", lambda: now)
    set_duty("nurse", EVERY_DAY, first=before, last=before + timedelta(days=1), watches=1, by=by)
    duties = list(Duty.objects.filter(account__username="nurse").order_by("starts_at"))
    assert [clock.local(d.starts_at, zone).time() for d in duties] == [time(8), time(8)]
    assert duties[1].starts_at - duties[0].starts_at == timedelta(hours=23)
    for (on, at), words in ((skipped, "leaves this one out"), (twice, "twice")):
        monkeypatch.setattr(clock, "now", lambda on=on: datetime.combine(on, time(), ZoneInfo(zone)))
        with pytest.raises(BadInput, match=words):
            set_duty("nurse", {on.weekday(): (at, time(9))}, first=on, last=on, watches=1, by=by)
    assert Duty.objects.filter(account__username="nurse").count() == 2


def test_sessions_keep_their_clock_time_and_their_length_across_a_change_of_the_clock(
    account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    by = account("coordinator")
    zone = ZoneInfo("US/Eastern")
    by.practice.zone = "US/Eastern"
    by.practice.save()
    on = date(2027, 11, 6)
    monkeypatch.setattr(clock, "now", lambda: datetime.combine(on, time(7), zone))
    set_room("one", name="One", kind="treatment", by=by)
    for username in ("nurse", "prescriber"):
        set_duty(username, EVERY_DAY, first=on, last=on + timedelta(days=3), watches=1, by=by)
    for day in (0, 1):
        book(look(by), "session", on + timedelta(days=day), time(9), minutes=120, by=by, key=str(day))
    first, second = sessions(look(by))
    assert second.starts_at - first.starts_at == timedelta(hours=25)
    assert [b.ends_at - b.starts_at for b in (first, second)] == [timedelta(minutes=120)] * 2
    assert [d.sessions[0].booked.starts_at for d in days_of(by, on, 2)] == [first.starts_at, second.starts_at]


def test_rooms_and_duty_are_set_by_those_who_may_and_stand_on_the_trail(account: Who, laid_out: Account) -> None:
    with pytest.raises(Refused):
        set_room("x", name="X", kind="treatment", by=account("nurse"))
    with pytest.raises(BadInput, match="ahead in it"):
        set_room("treatment-1", name="One", kind="treatment", is_open=False, by=laid_out)
    set_room("treatment-2", name="Two", kind="treatment", is_open=False, by=account("director"))
    assert Room.objects.get(code="treatment-2").is_open is False
    assert AuditRow.objects.filter(act="set-room", outcome="done").latest("id").entities == ["Room/treatment-2"]


def test_the_day_says_which_session_has_no_nurse_room_or_prescriber_any_more(laid_out: Account) -> None:
    found = look(laid_out)
    on = local(found, sessions(found)[0]).date()
    assert days_of(laid_out, on, 1)[0].wanting == []
    set_duty("prescriber", {}, first=on, last=on, is_confirmed=True, by=laid_out)
    (day,) = days_of(laid_out, on, 1)
    assert [entry.lacks for entry in day.wanting] == [("prescriber",)]
    PatientLine.objects.filter(patient_id=READY).update(plan_status="revoked")
    (day,) = days_of(laid_out, on, 1)
    assert [entry.lacks for entry in day.wanting] == [("prescriber", "plan")]


def test_another_practice_and_a_hidden_person_are_not_named(account: Who, laid_out: Account) -> None:
    found = look(laid_out)
    on = local(found, sessions(found)[0]).date()
    assert [e.line and e.line.patient_id for e in days_of(account("nurse"), on, 1)[0].sessions] == [READY]
    join_team(READY, "prescriber", reason="treats", by=account("director"))
    restrict(READY, reason="a colleague of ours", by=account("director"))
    assert [e.line for e in days_of(account("nurse"), on, 1)[0].sessions] == [None]
    elsewhere = Account.objects.get(practice__slug="hillside", role=Role.DIRECTOR)
    assert days_of(elsewhere, on, 1)[0].is_empty


def test_a_duty_over_midnight_shows_on_each_day_what_lies_on_it() -> None:
    zone = "America/New_York"

    def at(day: int, hour: int) -> datetime:
        return datetime(2026, 11, day, hour, tzinfo=ZoneInfo(zone))

    night = Shift(username="n", name="N", role="nurse", starts_at=at(24, 22), ends_at=at(26, 6), watches=1)
    said = [hours_of(night, date(2026, 11, day), zone) for day in (23, 24, 25, 26, 27)]
    assert said == ["", "22:00–24:00", "all day", "00:00–06:00", ""]


def test_a_booking_whose_nurse_is_off_duty_names_her_though_another_has_a_place(
    account: Who, laid_out: Account
) -> None:
    found = look(laid_out)
    on = local(found, sessions(found)[0]).date()
    other = account("nurse")
    Account.objects.create(username="nurse-2", name="Second Nurse", role=Role.NURSE, practice=other.practice)
    for watches in (1, 2):
        set_duty("nurse-2", EVERY_DAY, first=on, last=on, watches=watches, by=laid_out)
    set_duty("nurse", {}, first=on, last=on, is_confirmed=True, by=laid_out)
    (day,) = days_of(laid_out, on, 1)
    assert [entry.wanting for entry in day.wanting] == [[f"{other.name} is not on duty"]]
    set_duty("nurse", EVERY_DAY, first=on, last=on, watches=1, by=laid_out)
    assert days_of(laid_out, on, 1)[0].wanting == []


def test_who_has_arrived_is_neither_cancelled_nor_missed(
    account: Who, laid_out: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, first = account("nurse"), sessions(look(laid_out))[0]
    monkeypatch.setattr(clock, "now", lambda: first.starts_at)
    open_session(look(nurse), by=nurse, key="open")
    with pytest.raises(BadInput, match="begun"):
        cancel(look(laid_out), first.origin.id, reason="phoned that she is ill", by=laid_out, key="c")
    with pytest.raises(BadInput, match="begun"):
        no_show(look(laid_out), first.origin.id, by=laid_out, key="n")
    assert Booking.objects.get(appointment=first.origin.id).status == "arrived"
    assert Hold.objects.filter(booking__appointment=first.origin.id).exists()


def test_a_session_is_never_booked_shorter_than_it_takes_and_may_be_longer(account: Who, staffed: Account) -> None:
    on = clock.today(staffed.practice.zone) + timedelta(days=1)
    with pytest.raises(BadInput, match="at least 90 minutes"):  # no plan yet: the shortest of all
        book(look(staffed), "session", on, time(9), minutes=60, by=staffed, key="0")
    sign(account("prescriber"))
    planned = next(v for v in unbooked(look(staffed)) if v.kind == "session")
    for asked in (None, planned):
        with pytest.raises(BadInput, match="at least 120 minutes"):
            book(look(staffed), "session", planned.on, time(9), minutes=115, planned=asked, by=staffed, key="1")
    book(look(staffed), "session", planned.on, time(9), minutes=150, planned=planned, by=staffed, key="2")
    (booked,) = sessions(look(staffed))
    assert booked.ends_at - booked.starts_at == timedelta(minutes=150)
    call = next(v for v in unbooked(look(staffed)) if v.kind == "call")
    book(look(staffed), "call", call.on, time(9), minutes=15, planned=call, by=staffed, key="3")


def test_a_session_later_on_its_own_day_takes_its_review_along_and_an_earlier_one_leaves_it(laid_out: Account) -> None:
    found = look(laid_out)
    last = sessions(found)[-1]
    day = local(found, last).date()
    preview = moving(found, last.origin.id, day, time(14))
    assert [p.visit.kind for p in preview.proposals] == ["session", "check"]
    move(found, last.origin.id, day, time(14), seen=preview.digest, reason="", by=laid_out, key="m")
    after = look(laid_out)
    (review,) = (b for b in after.bookings if b.kind == "check" and local(after, b).date() == day)
    assert review.starts_at >= sessions(after)[-1].ends_at
    back = moving(after, last.origin.id, day, time(9))
    assert [p.visit.kind for p in back.proposals] == ["session"]


def test_who_comes_after_all_has_the_place_again_while_it_is_free(
    account: Who, laid_out: Account, browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse, first = account("nurse"), sessions(look(laid_out))[0]
    late = first.starts_at + timedelta(minutes=20)
    monkeypatch.setattr(clock, "now", lambda: late)
    no_show(look(laid_out), first.origin.id, by=laid_out, key="n")
    client, address = browser_of("coordinator"), f"/patients/{READY}/schedule"
    assert "Came after all" in client.get(address).content.decode()
    client.post(address, {"step": "came", "appointment": first.origin.id, "key": "back"})
    assert Booking.objects.get(appointment=first.origin.id).status == "booked"
    assert Hold.objects.filter(booking__appointment=first.origin.id).exists()
    no_show(look(laid_out), first.origin.id, by=laid_out, key="n2")
    at = local(look(laid_out), first) + timedelta(minutes=30)
    other = look(laid_out, "chronic-pain")
    book(other, "session", at.date(), at.time(), room=first.room, by=laid_out, key="o")
    open_session(look(nurse), by=nurse, key="open")
    visit, row = look(nurse).open_visit, Booking.objects.get(appointment=first.origin.id)
    assert visit is not None
    assert (visit.room, visit.appointment_id, row.status) == (row.room, first.origin.id, "arrived")
    assert row.room not in ("", first.room)
    assert first.planned_on not in [v.on for v in unbooked(look(nurse))]


def test_a_missed_session_that_is_over_or_booked_anew_is_not_taken_back(
    laid_out: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = sessions(look(laid_out))[0]
    monkeypatch.setattr(clock, "now", lambda: first.starts_at + timedelta(minutes=20))
    no_show(look(laid_out), first.origin.id, by=laid_out, key="n")
    missed = next(v for v in unbooked(look(laid_out)) if v.on == first.planned_on)
    later = book(look(laid_out), "session", local(look(laid_out), first).date(), time(15), planned=missed, by=laid_out,
                 key="l")  # fmt: skip
    with pytest.raises(BadInput, match="taken up again"):
        came_after_all(look(laid_out), first.origin.id, by=laid_out, key="a")
    (name,) = (name.partition("/")[2] for name in later.versions)
    cancel(look(laid_out), name, reason="x", by=laid_out, key="x")
    monkeypatch.setattr(clock, "now", lambda: first.ends_at)
    with pytest.raises(BadInput, match="taken up again"):
        came_after_all(look(laid_out), first.origin.id, by=laid_out, key="b")


def test_what_belongs_to_a_cancelled_session_is_cancelled_along_or_marked(
    laid_out: Account, browser_of: Callable[[str], Client]
) -> None:
    found = look(laid_out)
    second, third = sessions(found)[1:3]
    hours = tied(found, second)
    assert {b.kind for b in hours} == {"integration"}
    assert lacking(found) == ()
    client, address = browser_of("coordinator"), f"/patients/{READY}/schedule"
    assert "Cancel what belongs to it too" in client.get(address).content.decode()
    cancel(found, second.origin.id, reason="ill", by=laid_out, key="c")
    assert lacking(look(laid_out)) == hours
    assert "its session is not booked" in client.get(address).content.decode()
    said = {"step": "cancel", "appointment": third.origin.id, "reason": "away", "tied": "yes", "key": "t"}
    gone = tied(look(laid_out), third)
    client.post(address, said)
    assert gone
    assert {b.status for b in look(laid_out).bookings if b.origin.id in {g.origin.id for g in gone}} == {"cancelled"}
    assert lacking(look(laid_out)) == hours
