"""What wants an answer reaches a second person, whatever fails; who may not open a chart sees nothing of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.apps import apps
from django.core import mail as sent_mail
from django.db import DatabaseError, connection, transaction
from tests.store.conftest import practice_with
from tests.store.places import place

from clinic import clock
from clinic.access.models import Account, AuditRow, Restriction, Role
from clinic.access.permission import Refused
from clinic.actions import alerts as act
from clinic.actions import mail
from clinic.actions.alerts import raise_alert, settle, sweep
from clinic.actions.chain import test_daily as send_test
from clinic.actions.team import join_team
from clinic.practice.models import Alert, AlertStep, Duty, MailAddress, OutgoingMail
from clinic.queries.alerts import TEST, UNREACHED, inbox, rows_of, visible, waiting
from clinic.queries.chain import beyond_the_pages, chain
from clinic.queries.staffed import after, is_staffed
from clinic.record.models import Notice
from ketapath.errors import BadInput

TUESDAY = datetime(2026, 11, 24, 10, 0, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
ITEM9 = "measurement.item9"


class Wall:
    """The clinic's clock, which a test moves."""

    def __init__(self) -> None:
        self.now = TUESDAY

    def wait(self, **amount: float) -> datetime:
        self.now += timedelta(**amount)
        return self.now


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Wall:
    made = Wall()
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made


@pytest.fixture
def house(db: None, wall: Wall) -> dict[str, Account]:
    """Two prescribers, two nurses, a coordinator and a director of one practice; elsewhere nothing waits."""
    Alert.objects.update(closed_at=clock.now(), next_at=None)
    OutgoingMail.objects.all().delete()
    ada = practice_with()
    ada.name = "Ada"
    ada.save()
    people = {"ada": ada}
    for name, role in (
        ("ben", Role.PRESCRIBER), ("bo", Role.NURSE), ("cy", Role.NURSE), ("dana", Role.COORDINATOR),
        ("eli", Role.DIRECTOR),
    ):  # fmt: skip
        people[name] = Account.objects.create(
            username=f"{name}-{ada.username}", name=name.title(), role=role, practice=ada.practice
        )
    return people


def item9(house: dict[str, Account], about: str = "", **more: Any) -> Alert:
    return raise_alert(house["ada"].practice, kind=ITEM9, patient_id="p1", about=about, **more)


def again(alert: Alert) -> Alert:
    return Alert.objects.select_related("owner").get(pk=alert.pk)


def steps(alert: Alert) -> list[str]:
    return list(AlertStep.objects.filter(alert=alert).order_by("id").values_list("what", flat=True))


def written_to(alert: Alert) -> list[str]:
    rows = OutgoingMail.objects.filter(step__alert=alert).order_by("id")
    return [row.account.name for row in rows.select_related("account")]


def test_what_nobody_answers_goes_to_a_second_person_and_a_third_and_then_is_told_again(
    house: dict[str, Account], wall: Wall
) -> None:
    alert = item9(house)
    assert alert.owner == house["ada"]
    wall.wait(minutes=9)
    assert sweep() == 0
    wall.wait(minutes=1)
    assert sweep() == 1
    assert again(alert).owner == house["ben"]
    assert [row.alert.pk for row in inbox(house["ben"]).mine] == [alert.pk]
    wall.wait(minutes=10)
    sweep()
    assert again(alert).owner == house["eli"]
    wall.wait(minutes=10)
    sweep()
    assert steps(alert) == ["raised", "passed-on", "passed-on", "again"]
    assert written_to(alert) == ["Ada", "Ben", "Eli", "Eli"]
    assert again(alert).next_at == wall.now + timedelta(minutes=20)


def test_the_second_persons_page_shows_it_at_its_time_though_nothing_else_is_alive(
    house: dict[str, Account], wall: Wall
) -> None:
    alert = item9(house)
    assert not inbox(house["ben"]).mine
    wall.wait(minutes=10)
    row = inbox(house["ben"]).mine[0]
    assert (row.alert, row.is_late, row.may_answer) == (alert, True, True)
    assert not inbox(house["bo"]).mine


def test_the_same_is_open_once_and_what_was_closed_may_come_again(house: dict[str, Account]) -> None:
    first = item9(house)
    assert item9(house) == first
    with pytest.raises(DatabaseError), transaction.atomic():
        Alert.objects.create(
            practice=first.practice, kind=ITEM9, patient_id="p1", raised_at=TUESDAY, next_at=TUESDAY, owner_role="nurse"
        )
    assert act.act(first.pk, "called, all well", by=house["ada"], closes=True)
    assert item9(house, once=True) == first
    assert item9(house) != first


def test_whoever_acknowledges_answers_for_it_and_what_is_not_closed_in_time_goes_on(
    house: dict[str, Account], wall: Wall
) -> None:
    alert = item9(house)
    assert act.acknowledge(alert.pk, by=house["ben"])
    assert not act.acknowledge(alert.pk, by=house["ada"])
    assert again(alert).owner == house["ben"]
    wall.wait(minutes=29)
    assert sweep() == 0
    wall.wait(minutes=1)
    assert sweep() == 1
    found = again(alert)
    assert (found.state, found.owner) == (Alert.OPEN, house["eli"])
    assert steps(alert)[-1] == "not-acted"


def test_closing_takes_words_and_stops_the_clock(house: dict[str, Account], wall: Wall) -> None:
    alert = item9(house)
    with pytest.raises(BadInput, match="what was done"):
        act.act(alert.pk, "  ", by=house["ada"], closes=True)
    assert act.act(alert.pk, "called her", by=house["ada"])
    assert again(alert).closed_at is None
    assert act.act(alert.pk, "reached her sister", by=house["ada"], closes=True)
    wall.wait(days=3)
    assert sweep() == 0
    assert not act.act(alert.pk, "once more", by=house["ada"], closes=True)
    assert steps(alert) == ["raised", "acted", "closed"]
    rows = AuditRow.objects.filter(act="answer-alert", practice=alert.practice.slug)
    assert [(row.outcome, row.patient_id) for row in rows] == [("done", "p1")] * 2


def test_it_is_answered_by_those_it_comes_to_and_passed_on_by_whoever_sees_it(
    house: dict[str, Account], wall: Wall
) -> None:
    alert = item9(house)
    for name in ("bo", "dana"):
        with pytest.raises(Refused):
            act.acknowledge(alert.pk, by=house[name])
    assert act.pass_on(alert.pk, by=house["bo"])
    assert again(alert).owner == house["ben"]
    with pytest.raises(BadInput, match="colleague"):
        act.hand_over(alert.pk, house["bo"].username, by=house["ben"])
    before = again(alert).next_at
    wall.wait(minutes=5)
    assert act.hand_over(alert.pk, house["eli"].username, by=house["ben"])
    assert again(alert).owner == house["eli"]
    assert again(alert).next_at == before  # no clock is put off by handing over


def test_the_log_is_only_added_to(house: dict[str, Account]) -> None:
    alert = item9(house)
    for change in (AlertStep.objects.filter(alert=alert).delete, lambda: AlertStep.objects.update(by="x")):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


@pytest.mark.requirement(13, 17)
def test_whoever_may_not_open_the_chart_sees_no_alert_of_it_and_directors_learn_that_it_reaches_nobody(
    house: dict[str, Account], wall: Wall
) -> None:
    eli, bo = house["eli"], house["bo"]
    join_team("p1", bo.username, reason="", by=eli)
    Restriction.objects.create(practice=bo.practice, patient_id="p1", reason="", made_by="", since=wall.now)
    alert = item9(house)
    assert again(alert).owner == bo  # no prescriber may open it
    for name in ("ada", "ben", "cy", "eli"):
        assert not visible(house[name]).filter(pk=alert.pk).exists()
        assert not inbox(house[name]).others
        assert not act.pass_on(alert.pk, by=house[name])
    wall.wait(minutes=10)
    sweep()
    told = waiting(eli).get()
    assert (told.kind, told.patient_id, told.owner) == (UNREACHED, "", eli)
    assert "p1" not in f"{told.about} {told.values}"
    join_team("p1", house["ben"].username, reason="nobody answers", by=eli)
    wall.wait(minutes=20)
    sweep()
    assert "Ben" in written_to(alert)


def test_an_owner_whose_account_is_closed_is_followed_by_the_next_person_at_once(
    house: dict[str, Account], wall: Wall
) -> None:
    alert = item9(house)
    Account.objects.filter(pk=house["ada"].pk).update(is_active=False)
    wall.wait(seconds=1)
    assert sweep() == 1
    assert again(alert).owner == house["ben"]


def test_a_clock_that_is_set_back_makes_nobody_wait_longer(house: dict[str, Account], wall: Wall) -> None:
    alert = item9(house)
    wall.wait(minutes=6)
    wall.wait(minutes=-4)
    act.move_back(timedelta(minutes=4))  # the worker saw it happen
    wall.wait(minutes=4)
    assert sweep() == 1
    assert again(alert).owner == house["ben"]
    wall.wait(hours=-5)  # nobody saw it: its own log is ahead of the clock
    assert sweep() == 1
    assert again(alert).owner == house["eli"]
    assert sweep() == 0


def test_out_of_hours_somebody_on_call_has_it_at_once_and_what_can_wait_waits_for_staff(
    house: dict[str, Account], wall: Wall
) -> None:
    act.set_on_call([house["ben"].username, house["ada"].username], by=house["eli"])
    practice = house["eli"].practice
    wall.wait(hours=10)  # 20:00 in Berlin
    assert not is_staffed(practice, wall.now)
    alert, sign = item9(house), raise_alert(practice, kind="response.warning", patient_id="p1")
    assert again(alert).owner == house["ben"]
    assert written_to(alert) == ["Ben"]
    wall.wait(minutes=10)
    sweep()
    assert again(alert).owner == house["ada"]
    assert after(practice, wall.now, 0) == datetime(2026, 11, 25, 7, 0, tzinfo=UTC)
    assert again(sign).next_at == datetime(2026, 11, 25, 11, 0, tzinfo=UTC)  # four hours after eight o'clock


@pytest.mark.parametrize(
    ("start", "minutes", "then"),
    [
        ("2026-11-24T10:00+01:00", 60, "2026-11-24T11:00+01:00"),
        ("2026-11-27T16:30+01:00", 60, "2026-11-30T08:30+01:00"),  # over a weekend
        ("2026-03-27T16:30+01:00", 60, "2026-03-30T08:30+02:00"),  # and over the change of the clocks
        ("2026-11-24T05:00+01:00", 0.5, "2026-11-24T08:00:30+01:00"),
    ],
)
def test_staffed_time_goes_by_while_somebody_is_in(here: Account, start: str, minutes: float, then: str) -> None:
    assert after(here.practice, datetime.fromisoformat(start), minutes) == datetime.fromisoformat(then)


def test_on_a_day_with_duties_these_say_who_is_in_and_a_clinic_that_is_never_staffed_is_counted_by_the_wall(
    here: Account,
) -> None:
    day = datetime(2026, 11, 28, tzinfo=UTC)  # a Saturday
    for begins, ends in ((9, 11), (10, 12), (14, 15)):
        Duty.objects.create(
            practice=here.practice, account=here, starts_at=day.replace(hour=begins), ends_at=day.replace(hour=ends),
            made_by="",
        )  # fmt: skip
    assert after(here.practice, day, 200) == day.replace(hour=14, minute=20)
    here.practice.settings["weekdays"] = []
    assert after(here.practice, day.replace(hour=16), 60) == day.replace(hour=16) + timedelta(days=21)


def test_whatever_fails_for_one_alert_keeps_no_other_waiting(
    house: dict[str, Account], wall: Wall, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = item9(house, "bad"), item9(house, "good")
    real = act._go_on

    def fails(alert: Alert, now: datetime, **more: Any) -> None:
        real(alert, now, **more)
        if alert.pk == bad.pk:
            raise ZeroDivisionError

    monkeypatch.setattr(act, "_go_on", fails)
    wall.wait(minutes=10)
    assert sweep() == 1
    assert [again(one).level for one in (bad, good)] == [0, 1]
    assert written_to(bad) == ["Ada"]  # nothing of what failed is left
    wall.wait(minutes=2, seconds=1)
    assert chain(bad.practice).trouble == "late"
    monkeypatch.setattr(act, "_go_on", real)
    assert sweep() == 1
    assert chain(bad.practice).is_alive


def test_whichever_statement_fails_an_alert_is_passed_on_wholly_or_not_at_all(
    house: dict[str, Account], wall: Wall
) -> None:
    alert, at = item9(house), 0
    wall.wait(minutes=10)
    while again(alert).level == 0:
        at += 1
        with contextlib.suppress(DatabaseError), transaction.atomic(), connection.execute_wrapper(failing(at)):
            sweep()
        found = (again(alert).level, len(steps(alert)), len(written_to(alert)))
        assert found in ((0, 1, 1), (1, 2, 2)), f"statement {at}"
    assert at > 8


def failing(at: int) -> Any:
    """Fails at the statement of this number."""
    calls = 0

    def fails(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        nonlocal calls
        calls += not sql.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK"))
        if calls == at:
            raise DatabaseError("disk I/O error")
        return execute(sql, parameters, many, context)

    return fails


def test_what_gave_rise_to_it_is_gone_and_it_closes_by_itself_and_says_so(house: dict[str, Account]) -> None:
    alert = raise_alert(house["bo"].practice, kind="score.overdue", patient_id="p1", about="2026-11-10")
    assert settle(alert.practice, kind="score.overdue", patient_id="p2") == 0
    assert settle(alert.practice, kind="score.overdue", patient_id="p1") == 1
    assert (steps(alert), again(alert).closed_by) == (["raised", "settled"], "")


@pytest.fixture
def post(settings: Any) -> Callable[[Account], None]:
    """A mail server that takes everything; a call gives somebody an address."""
    settings.MAIL_FROM, settings.EMAIL_BACKEND = "a@c.example", "django.core.mail.backends.locmem.EmailBackend"
    sent_mail.outbox = []

    def known(account: Account) -> None:
        MailAddress.objects.create(account=account, address=f"{account.name}@c.example", set_by="", set_at=clock.now())

    return known


def test_a_message_names_nobody_and_leaves_once(
    house: dict[str, Account], wall: Wall, post: Callable[[Account], None]
) -> None:
    post(house["ada"])
    item9(house)
    assert [mail.deliver(), mail.deliver()] == [1, 0]
    (message,) = sent_mail.outbox
    assert message.to == ["Ada@c.example"]
    said = f"{message.subject} {message.body}".lower()
    assert "an alert waits for you" in said
    for words in ("p1", "suicid", "item 9", "phq", "ada"):
        assert words not in said


def test_what_the_server_refuses_is_tried_again_and_who_dies_while_sending_has_it_sent_again(
    house: dict[str, Account], wall: Wall, post: Callable[[Account], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    post(house["ada"])
    item9(house)
    monkeypatch.setattr(mail.EmailMessage, "send", refuse)
    assert mail.deliver() == 0
    row = OutgoingMail.objects.get()
    assert (row.problem, row.sent_at) == ("ConnectionRefusedError", None)
    monkeypatch.setattr(mail, "_sent", die)
    wall.wait(minutes=1)
    with pytest.raises(KeyboardInterrupt):
        mail.deliver()
    monkeypatch.undo()
    monkeypatch.setattr(clock, "now", lambda: wall.now)
    assert mail.deliver() == 0  # somebody may still be at it
    wall.wait(minutes=1)
    assert mail.deliver() == 1


def refuse(*_args: Any, **_more: Any) -> int:
    raise ConnectionRefusedError("no")


def die(*_args: Any) -> str:
    raise KeyboardInterrupt


def test_without_a_server_or_an_address_a_message_is_kept_and_shown(house: dict[str, Account]) -> None:
    item9(house)
    found = beyond_the_pages(house["eli"].practice)
    assert [(one.account.name, one.problem) for one in found.stuck] == [("Ada", "no-address")]
    assert mail.deliver() == 0
    act.set_address(house["ada"].username, "ada@c.example", by=house["eli"])
    assert OutgoingMail.objects.get().address == "ada@c.example"
    for wrong in ("ada", "a b@c.example", "a@b@c", "ä@c.example"):
        with pytest.raises(BadInput, match="address"):
            act.set_address(house["ada"].username, wrong, by=house["eli"])
    with pytest.raises(Refused):
        act.set_on_call([house["ada"].username], by=house["ada"])


def test_the_daily_test_goes_the_whole_way_and_what_does_not_come_through_is_told(
    house: dict[str, Account], wall: Wall
) -> None:
    practice = house["eli"].practice

    def turn() -> str:
        send_test(practice)
        sweep()
        send_test(practice)
        return chain(practice).trouble

    assert turn() == ""
    test = Alert.objects.get(kind=TEST)
    assert not waiting(house["eli"]).exists()  # nobody has to answer it
    wall.wait(minutes=2)
    assert turn() == ""
    assert again(test).closed_at == wall.now
    wall.wait(hours=23)
    turn()
    assert Alert.objects.filter(kind=TEST).count() == 1
    wall.wait(hours=1)
    send_test(practice)
    assert Alert.objects.filter(kind=TEST, closed_at=None).count() == 1
    wall.wait(minutes=2)  # and now nobody passes anything on
    assert chain(practice).trouble == ""
    wall.wait(minutes=2)
    assert chain(practice).trouble == "late"
    wall.wait(minutes=2)
    sweep()
    assert turn() == ""
    wall.wait(hours=27)
    assert chain(practice).trouble == "test-missing"


def test_a_clinic_without_a_second_person_is_told_so(here: Account, wall: Wall) -> None:
    for _ in range(2):
        send_test(here.practice)
        sweep()
        wall.wait(minutes=6)
    assert chain(here.practice).trouble == "test-late"


def test_a_row_says_where_it_goes_next(house: dict[str, Account], wall: Wall) -> None:
    alert = item9(house)
    row = rows_of([again(alert)], house["ada"], wall.now)[0]
    assert (row.goes_to, row.is_mine, row.urgency) == (("Ben",), True, "now")


def test_what_waited_as_a_notice_before_waits_as_an_alert_and_nothing_is_told_twice(
    house: dict[str, Account], wall: Wall
) -> None:
    practice = house["ada"].practice
    for key in ("measurement.item9", "response.warning rising phq9", "plan.signed", "override.asked", "override.asked"):
        Notice.objects.create(
            practice=practice, patient_id="p1", role="prescriber", key=key, made_at=wall.now - timedelta(days=3)
        )
    step = import_module("clinic.migrations.practice.0002_alerts")
    step.take_over(apps, None)
    step.take_over(apps, None)
    assert sorted((a.kind, a.about) for a in Alert.objects.filter(practice=practice)) == [
        ("measurement.item9", ""), ("override.asked", ""), ("response.warning", "rising phq9"),
    ]  # fmt: skip
    assert [n.key for n in Notice.objects.filter(practice=practice, seen_at=None)] == ["plan.signed"]
    Alert.objects.filter(practice=practice).update(next_at=wall.now)
    assert sweep() == 3  # they had no owner; each has one now
    assert not Alert.objects.filter(practice=practice, owner=None).exists()


def played(folder: Path, *words: str) -> dict[str, Any]:
    """A day of alerts with random failures, in a clinic and processes of its own."""
    folder.mkdir()
    command = [sys.executable, "-m", "benchmarks.alerts", "--json", "--folder", str(folder), *words]
    done = subprocess.run(command, env=place(folder).surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout, done.stderr[-3000:])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check_nothing_was_dropped(found: dict[str, Any]) -> None:
    due = found["unanswered and due: have to reach the second person"]
    assert found["dropped"] == 0
    assert found["  seen in the outgoing mail or on the second's page"] == due
    assert found["  of these later than two turns of the worker"] == 0
    assert due > found["raised"] / 3  # the proof is none of a day on which everybody answered


def test_alerts_reach_the_second_person_though_the_worker_is_killed_and_statements_fail(tmp_path: Path) -> None:
    found = played(tmp_path / "data", "100", "--hours", "6")
    check_nothing_was_dropped(found)
    assert found["worker killed"] > 20


@pytest.mark.slow
def test_of_ten_thousand_alerts_none_is_dropped_in_silence(tmp_path: Path) -> None:
    found = played(tmp_path / "data", "10000")
    assert found["raised"] == 10_000
    check_nothing_was_dropped(found)
    for what in ("worker killed", "acts taken back and sent again", "clock set back", "worker away for minutes"):
        assert found[what] > 0
