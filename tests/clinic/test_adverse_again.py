"""An adverse event that becomes worse, one that nobody asked about again, and one whose lot was corrected."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client
from tests.clinic.test_outputs import reached
from tests.clinic.test_stock import SPRAYED, devices, mg, record, second, use, vials
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account
from clinic.actions.adverse import Told, record_event, report_event, review_event, withdraw_event
from clinic.actions.alerts import acknowledge
from clinic.actions.stock import correct_use
from clinic.actions.watches import look_at_house
from clinic.practice.models import Alert, Submission
from clinic.queries.adverse import Case, cases_of, report_fields, report_json
from clinic.queries.alerts import KINDS

People = Callable[[str], Account]
DEATH = {"grade": 5, "criteria": ("hospital-care", "death"), "outcome": "fatal"}


def write(account: People, key: str, **other: object) -> Told:
    """An event of today's visit that is written down, and what was said of it, to be amended."""
    found, visit = reached(account)
    said = {"words": "Collapse", "grade": 3, "criteria": ("hospital-care",), "outcome": "recovering"} | other
    told = Told(onset=clock.now() - timedelta(minutes=5), visit_id=visit, **said)  # type: ignore[arg-type]
    done = record_event(found, told, by=account("nurse"), key=key)
    return replace(told, event_id=next(iter(done.versions)).partition("/")[2], version=1)


def amend(account: People, told: Told, key: str, **other: object) -> Told:
    told = replace(told, **other)  # type: ignore[arg-type]
    record_event(reached(account)[0], told, by=account("nurse"), key=key)
    return replace(told, version=told.version + 1)


def case(account: People, told: Told) -> Case:
    return next(c for c in cases_of(reached(account)[0]) if c.event.origin.id == told.event_id)


def settle_both(account: People, told: Told, key: str) -> None:
    found, _visit = reached(account, "director")
    report_event(
        found, told.event_id, sent_on=found.as_of, how="fax", to="FDA", by=account("coordinator"), key=f"{key}r"
    )
    review_event(found, told.event_id, "fluids, kept overnight", by=account("director"), key=f"{key}v")


def waiting(told: Told) -> set[str]:
    return set(
        Alert.objects.filter(patient_id=SPRAYED, about=told.event_id, closed_at=None).values_list("kind", flat=True)
    )


BOTH = {"adverse.serious", "adverse.report"}


@pytest.mark.parametrize("worse", [DEATH, {"grade": 4}, {"criteria": ("hospital-care", "disability")}])
def test_what_becomes_worse_after_its_report_is_reviewed_and_reported_anew(
    account: People, worse: dict[str, object], browser_of: Callable[..., Client]
) -> None:
    told = write(account, "a")
    settle_both(account, told, "one")
    assert (waiting(told), case(account, told).report_due) == (set(), None)
    told = amend(account, told, "b", **worse)
    now = case(account, told)
    assert waiting(told) == BOTH
    assert now.review_due is not None
    assert now.report_due is not None
    assert abs(now.review_due - now.now - timedelta(hours=24)) < timedelta(minutes=1)
    page = browser_of("director").get(f"/patients/{SPRAYED}/adverse/{told.event_id}").content.decode()
    assert "follow-up report by" in page
    assert json.loads(report_json(reached(account)[0], now))["follows"] == str(now.report.sent_on)  # type: ignore[union-attr]
    settle_both(account, told, "two")
    assert (waiting(told), case(account, told).review_due, case(account, told).report_due) == (set(), None, None)
    assert Submission.objects.filter(kind="adverse-report", about=told.event_id).count() == 2


def test_what_was_due_before_it_became_worse_is_not_put_off(account: People) -> None:
    with clock.supposed(clock.now() - timedelta(hours=20)):
        told = write(account, "a")
        before = case(account, told)
    [alert] = Alert.objects.filter(kind="adverse.serious", about=told.event_id)
    acknowledge(alert.pk, by=account("director"))
    told = amend(account, told, "b", **DEATH)
    after = case(account, told)
    assert (after.review_due, after.report_due) == (before.review_due, before.report_due)
    alert.refresh_from_db()
    assert alert.closed_at is not None  # it was taken up as grade 3
    assert waiting(told) == BOTH


def test_what_gets_no_worse_asks_for_nothing_and_what_is_not_serious_any_more_waits_for_nobody(account: People) -> None:
    told = write(account, "a")
    settle_both(account, told, "one")
    told = amend(account, told, "b", outcome="recovered", grade=2)
    assert (waiting(told), case(account, told).report_due) == (set(), None)
    other = write(account, "c", words="Fall")
    amend(account, other, "d", criteria=())
    assert waiting(other) == set()


def test_a_follow_up_that_was_missed_reaches_somebody_until_it_is_asked(account: People) -> None:
    practice = account("nurse").practice
    told = write(account, "a", words="Rash", grade=1, criteria=())
    gone = write(account, "b", words="Itch", grade=1, criteria=())
    due = case(account, told).follow_up_due
    assert due is not None

    def open_ones() -> list[Alert]:
        return list(Alert.objects.filter(kind="adverse.follow_up", closed_at=None))

    look_at_house(practice)
    assert not open_ones()
    with clock.supposed(clock.now() + timedelta(days=60)):
        for _ in range(2):
            look_at_house(practice)
        assert {a.about for a in open_ones()} == {f"{one.event_id} {due}" for one in (told, gone)}
        assert all(a.owner is not None and a.values == {"day": due.isoformat()} for a in open_ones())
        withdraw_event(reached(account)[0], gone.event_id, 1, why="another person's", by=account("nurse"), key="w")
        amend(account, told, "c", outcome="recovered")
        assert not open_ones()
    assert KINDS["adverse.follow_up"].urgency == "day"


def test_a_review_that_is_late_and_that_nobody_is_told_of_is_told(account: People) -> None:
    told = write(account, "a")
    Alert.objects.filter(about=told.event_id).update(closed_at=clock.now(), state=Alert.CLOSED, next_at=None)
    look_at_house(account("nurse").practice)
    assert waiting(told) == set()
    with clock.supposed(clock.now() + timedelta(days=5)):
        look_at_house(account("nurse").practice)
    assert waiting(told) == BOTH


def test_the_lot_that_a_report_names_follows_the_drug_record(
    account: People, browser_of: Callable[..., Client]
) -> None:
    nurse = account("nurse")
    wrong = devices(nurse)
    right = vials(
        nurse, number="SPR-2", units=6, product="esketamine", form="device", strength="28 mg", unit_mg=mg("28")
    )
    [line] = record(account, [use(wrong, "84", "84", "0")])
    told, typed = write(account, "a"), write(account, "b", lot="FROM-BOX", words="Rash")
    assert (case(account, told).lot, case(account, typed).lot) == ("SPR-1", "FROM-BOX")
    settle_both(account, told, "one")
    found, _visit = reached(account)
    correct_use(found, line.pk, use(right, "84", "84", "0"), why="the other lot was used", by=nurse, proof=shown(nurse),
                witness=second(account), key="m")  # fmt: skip
    now = case(account, told)
    assert (now.lot, now.reported_lot, case(account, typed).lot) == ("SPR-2", "SPR-1", "FROM-BOX")
    assert ("Lot", "SPR-2") in {(f.label, f.value) for f in report_fields(found, now)}
    assert waiting(told) == {"adverse.report"}
    page = browser_of("director").get(f"/patients/{SPRAYED}/adverse/{told.event_id}").content.decode()
    assert "names another lot: SPR-1" in page
    report_event(found, told.event_id, sent_on=found.as_of, how="fax", to="FDA", by=account("coordinator"), key="again")
    assert (waiting(told), case(account, told).reported_lot) == (set(), None)
