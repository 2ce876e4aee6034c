"""Handovers are seen until they are taken over, referrals until they are answered, certificates until they run out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client

from clinic import clock
from clinic.access.models import Account, AuditRow
from clinic.access.permission import Refused, reach
from clinic.actions.commit import Stale
from clinic.actions.cover import withdraw_cover
from clinic.actions.handover import hand_over, hand_over_shift, take_over
from clinic.actions.profile import state_facts
from clinic.actions.referral import Place, close_place, follow, keep_place, refer
from clinic.actions.staff import Seen, file_certificate, see_again, withdraw_certificate
from clinic.actions.team import join_team, restrict
from clinic.actions.watches import look_at_house
from clinic.practice.models import Alert, Certificate, CommunityPlace, Duty, Handover
from clinic.queries.handover import handovers, of_person, waiting
from clinic.queries.person import Chart, chart
from clinic.queries.referral import Followed, needs_of, overdue, referrals_of
from clinic.queries.staff import qualified_now, register
from clinic.web.templatetags.alerts import alert_words
from clinic.web.templatetags.clinic import day
from ketapath.errors import BadInput
from ketapath.fhir.cover import authorisations, covered_until

READY, HIDDEN, OWN = "treatment-resistant-depression", "aneurysm", "first-language-arabic"
Who = Callable[[str], Account]


def look(by: Account, patient_id: str = READY) -> Chart:
    found = chart(by.practice, patient_id)
    assert found is not None
    return found


def shelter(account: Who) -> CommunityPlace:
    said = Place(
        name="Harbour shelter", kind="housing", contact="+1 555 0100", source="city guide", checked_on=date(2026, 11, 1)
    )
    return keep_place(said, by=account("coordinator"))


def test_a_handover_stays_visible_until_the_receiver_takes_over(account: Who) -> None:
    nurse, prescriber, therapist = account("nurse"), account("prescriber"), account("therapist")
    for _ in range(2):
        hand_over(look(nurse), "prescriber", open_points="Call the ward.", watch="Pressure.", by=nurse, key="h")
    (row,) = waiting(prescriber)
    (told,) = of_person(look(therapist))
    assert (told.open_points, told.watch, told.row.acknowledged_at) == ("Call the ward.", "Pressure.", None)
    assert [one.row for one in handovers(therapist)] == [row]  # whoever reaches the person sees that nobody has it
    (alert,) = Alert.objects.filter(kind="handover.waiting", closed_at=None)
    assert (alert.owner, alert.patient_id) == (prescriber, READY)  # goes on to a second person where he is silent
    assert alert.next_at is not None
    assert "Bo Marsh handed over" in alert_words(alert)
    for other in (nurse, therapist):
        with pytest.raises(Refused):
            take_over(row.pk, by=other)
    assert take_over(row.pk, by=prescriber)
    assert not take_over(row.pk, by=prescriber)
    assert not waiting(prescriber).exists()
    assert not Alert.objects.filter(kind="handover.waiting", closed_at=None).exists()
    assert of_person(look(nurse))[0].row.acknowledged_at is not None
    assert AuditRow.objects.filter(act="take-over", outcome="done", patient_id=READY).count() == 1
    assert Handover.objects.get().open_points == ""  # what is said of a person stands in the record alone


def test_a_handover_goes_to_somebody_who_may_open_the_chart_and_is_hidden_with_it(account: Who) -> None:
    nurse, director = account("nurse"), account("director")
    join_team(HIDDEN, "nurse", reason="", by=director)
    restrict(HIDDEN, reason="a colleague of ours", by=director)
    for to in ("prescriber", "nurse", "nobody", "hillside-prescriber"):
        with pytest.raises(BadInput, match="to: "):
            hand_over(look(nurse, HIDDEN), to, open_points="x", by=nurse, key="")
    with pytest.raises(BadInput, match="what is open"):
        hand_over(look(nurse), "prescriber", open_points=" ", by=nurse, key="")
    join_team(HIDDEN, "prescriber", reason="", by=director)
    hand_over(look(nurse, HIDDEN), "prescriber", open_points="x", by=nurse, key="")
    assert len(handovers(account("prescriber"))) == 1
    assert handovers(account("therapist")) == []
    with pytest.raises(Refused):
        hand_over(look(nurse, HIDDEN), "nurse", open_points="x", by=account("therapist"), key="")


def test_a_shift_is_handed_over_once_under_one_key(account: Who) -> None:
    nurse = account("nurse")
    first = hand_over_shift("coordinator", open_points="Room 3 is cold.", by=nurse, key="s")
    assert hand_over_shift("coordinator", open_points="Room 3 is cold.", by=nurse, key="s") == first
    assert [one.open_points for one in handovers(account("coordinator"))] == ["Room 3 is cold."]
    for role in ("patient", "caregiver", "researcher"):
        if Account.objects.filter(username=role).exists():
            with pytest.raises(Refused):
                hand_over_shift("nurse", open_points="x", by=account(role), key="")


def test_a_need_opens_a_referral_that_is_followed_until_it_is_answered(account: Who) -> None:
    coordinator, nurse, place = account("coordinator"), account("nurse"), shelter(account)
    asked = {n.need.id: n.need.is_there for n in needs_of(look(nurse))}
    assert asked["housing"] is not True
    state_facts(look(nurse), {"social.housing_unstable": "yes"}, by=nurse, reason="", key="")
    first = needs_of(look(nurse))[0]
    assert (first.need.id, first.need.is_there, first.places, first.is_followed) == ("housing", True, (place,), False)
    for _ in range(2):
        refer(look(coordinator), "housing", place.pk, remark="A room.", by=coordinator, key="r")
    (one,) = referrals_of(look(coordinator))
    due = look(nurse).as_of + timedelta(days=14)
    assert (one.referral.progress, one.referral.due, one.is_overdue) == ("open", due, False)
    assert needs_of(look(nurse))[0].is_followed
    name = one.referral.origin.id
    follow(look(nurse), name, "made", by=nurse, key="")
    with pytest.raises(BadInput, match="a step that comes after"):
        follow(look(nurse), name, "open", by=nurse, key="")
    with pytest.raises(BadInput, match="why it is not possible"):
        follow(look(nurse), name, "not-possible", by=nurse, key="")
    follow(look(nurse), name, "not-possible", remark="Full until spring.", by=nurse, key="")
    with pytest.raises(Stale):
        follow(look(nurse), name, "done", by=nurse, key="")
    (over,) = referrals_of(look(nurse))
    assert [r.text for r in over.referral.remarks] == ["A room.", "Full until spring."]
    assert not needs_of(look(nurse))[0].is_followed


def late_of(account: Account) -> list[Followed]:
    """Of the person of these tests alone."""
    return [one for one in overdue(reach(account)) if one.line is not None and one.line.patient_id == READY]


def test_a_referral_without_an_answer_by_its_day_is_overdue_for_those_who_reach_the_person(
    account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator, place, now = account("coordinator"), shelter(account), clock.now()
    refer(look(coordinator), "housing", place.pk, by=coordinator, key="")
    assert late_of(coordinator) == []
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=15))
    (late,) = late_of(coordinator)
    assert (late.is_overdue, late.line.patient_id if late.line else "") == (True, READY)
    look_at_house(coordinator.practice)
    (alert,) = Alert.objects.filter(kind="referral.late", patient_id=READY, closed_at=None)
    assert "A referral was to be answered by" in alert_words(alert)
    assert "(" not in alert_words(alert)
    assert overdue(reach(account("hillside-prescriber"))) == []
    follow(look(coordinator), late.referral.origin.id, "answered", by=coordinator, key="")
    assert late_of(coordinator) == []
    look_at_house(coordinator.practice)
    assert not Alert.objects.filter(kind="referral.late", patient_id=READY, closed_at=None).exists()


def test_only_places_of_the_list_that_help_with_the_need_are_referred_to(account: Who) -> None:
    coordinator, place = account("coordinator"), shelter(account)
    for need, number in (("food", place.pk), ("housing", 0), ("love", place.pk)):
        with pytest.raises(BadInput):
            refer(look(coordinator), need, number, by=coordinator, key="")
    with pytest.raises(BadInput, match="today or later"):
        refer(look(coordinator), "housing", place.pk, due=date(2020, 1, 1), by=coordinator, key="")
    assert shelter(account) == place  # brought up to date, not listed twice
    assert close_place(place.pk, by=coordinator)
    with pytest.raises(BadInput, match="place"):
        refer(look(coordinator), "housing", place.pk, by=coordinator, key="")
    with pytest.raises(BadInput, match="source"):
        keep_place(Place(name="x", kind="food", contact="y", source="", checked_on=date(2026, 1, 1)), by=coordinator)
    with pytest.raises(Refused):
        shelter(lambda _role: account("nurse"))


def seen(kind: str, until: date | None = None, *, since: date = date(2025, 1, 1)) -> Seen:
    return Seen(username="nurse", kind=kind, valid_from=since, valid_until=until, number="7")


def test_a_certificate_is_filed_once_a_day_seen_again_and_withdrawn(account: Who) -> None:
    keeper = account("coordinator")
    Certificate.objects.all().delete()
    row = file_certificate(seen("licence"), by=keeper)
    assert file_certificate(seen("licence"), by=keeper) == row
    assert row.seen_by == keeper.name
    Certificate.objects.filter(pk=row.pk).update(seen_at=clock.now() - timedelta(days=400))
    file = {
        need.id: need.state
        for one in register(keeper.practice)
        if one.account.username == "nurse"
        for need in one.needs
    }
    assert (file["licence"], file["life-support"]) == ("look-again", "missing")
    assert see_again(row.pk, by=keeper)
    assert Certificate.objects.filter(kind="licence").count() == 2
    for one in Certificate.objects.filter(kind="licence"):
        assert withdraw_certificate(one.pk, reason="struck off", by=keeper)
    assert not withdraw_certificate(row.pk, reason="again", by=keeper)
    file = {
        need.id: need.state
        for one in register(keeper.practice)
        if one.account.username == "nurse"
        for need in one.needs
    }
    assert file["licence"] == "missing"
    tomorrow = clock.today(keeper.practice.zone) + timedelta(days=1)
    for wrong in (seen("flying"), seen("licence", since=tomorrow), seen("licence", date(2024, 1, 1))):
        with pytest.raises(BadInput):
            file_certificate(wrong, by=keeper)
    with pytest.raises(Refused):
        file_certificate(seen("licence"), by=account("nurse"))


def test_who_is_qualified_now_is_who_is_on_duty_with_certificates_in_date(account: Who) -> None:
    keeper, nurse, now = account("coordinator"), account("nurse"), clock.now()
    today = clock.today(keeper.practice.zone)
    Certificate.objects.all().delete()
    Duty.objects.all().delete()
    file_certificate(seen("advanced-life-support", today), by=keeper)
    file_certificate(seen("licence", today - timedelta(days=1)), by=keeper)
    assert qualified_now(keeper.practice, now) == ()
    Duty.objects.create(
        practice=keeper.practice, account=nurse, starts_at=now - timedelta(hours=1), ends_at=now + timedelta(days=2),
        made_by="x",
    )  # fmt: skip
    (one,) = qualified_now(keeper.practice, now)
    assert (one.account, one.kinds) == (nurse, {"advanced-life-support"})
    assert "licence" in {need.id for need in one.gaps}
    assert qualified_now(keeper.practice, now + timedelta(days=1))[0].kinds == frozenset()
    assert qualified_now(keeper.practice, now - timedelta(hours=2)) == ()
    assert qualified_now(keeper.practice, now + timedelta(days=3)) == ()


def test_the_pages_show_it_and_count_what_waits(account: Who, browser_of: Callable[..., Client]) -> None:
    nurse, place = account("nurse"), shelter(account)
    client, care = browser_of("nurse"), f"/patients/{READY}/care"
    state_facts(look(nurse), {"social.housing_unstable": "yes"}, by=nurse, reason="", key="")
    assert "Harbour shelter" in client.get(care).content.decode()
    form = {"step": "refer", "need": "housing", "place": str(place.pk), "key": "a", "remark": "A room."}
    assert "A room." in client.post(care, form, follow=True).content.decode()
    over = {"step": "hand-over", "to": "prescriber", "open_points": "Call the ward.", "key": "b"}
    refused = client.post(care, {**over, "to": ""})
    assert refused.status_code == 400
    assert "Call the ward." in refused.content.decode()
    assert "not taken over" in client.post(care, over, follow=True).content.decode()
    page = browser_of("prescriber").get("/team").content.decode()
    assert "1 to take over" in page
    assert "Call the ward." in page
    assert browser_of("nurse").get("/team/staff").status_code == 404
    staff = browser_of("coordinator").get("/team/staff").content.decode()
    assert "Watching sedation" in staff
    filed = {"step": "file", "account": "nurse", "kind": "licence", "valid_from": "2025-01-01"}
    assert "On file" in browser_of("coordinator").post("/team/staff", filed, follow=True).content.decode()


def test_the_plan_in_words_is_whole_for_the_team_and_scoped_at_home(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    whole = browser_of("coordinator").get(f"/patients/{OWN}/plan/words").content.decode()
    mine, home = (browser_of(who).get(page).content.decode() for who, page in (
        ("patient", "/my/plan"), ("caregiver", f"/my/people/{OWN}/plan"),
    ))  # fmt: skip
    for part in ("The dose", "What is watched", "What would stop it"):
        assert part in whole
        assert part not in mine + home
    for page in (whole, mine, home):
        assert "What happens when" in page
    assert "What is to be arranged" in whole
    assert "What is to be arranged" not in mine + home
    assert "separate entrance" in whole  # fears of being seen are not told at home
    assert "separate entrance" not in home + mine
    assert browser_of("caregiver").get(f"/my/people/{READY}/plan").status_code == 404
    assert browser_of("patient").get(f"/my/people/{READY}/plan").status_code == 404


def test_what_a_payer_allows_is_written_down_shown_and_taken_back(
    account: Who, browser_of: Callable[..., Client]
) -> None:
    desk, today = account("coordinator"), clock.today(account("coordinator").practice.zone)
    said = {"step": "note-cover", "payer": "Harbour Mutual", "cover_number": "PA-17", "allowed": "8 sessions",
            "starts_on": today.isoformat(), "ends_on": (today + timedelta(days=9)).isoformat(), "key": "p"}  # fmt: skip
    page, address = browser_of("coordinator"), f"/patients/{READY}/care"
    assert page.post(address, said | {"ends_on": (today - timedelta(days=1)).isoformat()}).status_code == 400
    assert page.post(address, said | {"payer": " "}).status_code == 400
    for _ in range(2):
        assert page.post(address, said).status_code == 302
    (one,) = authorisations(look(desk).bundle)
    assert (one.payer, one.number, one.ends_on, one.by) == (
        "Harbour Mutual", "PA-17", today + timedelta(days=9), desk.name,
    )  # fmt: skip
    shown = page.get(address).content.decode()
    assert "PA-17: 8 sessions" in shown
    assert f"ends {day(today + timedelta(days=9))}" in shown
    with pytest.raises(Refused):
        withdraw_cover(look(desk, OWN), one.origin.id, by=desk, key="")
    withdraw_cover(look(desk), one.origin.id, by=desk, key="")
    assert authorisations(look(desk).bundle) == ()
    assert covered_until(look(desk).bundle) is None
