"""Therapy stands around a dose by convention, touch is agreed before it, and an exposure says what somebody bore."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from ketapath.competence import Held, is_competent, needs_of
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin
from ketapath.domain.plan import PlannedVisit
from ketapath.domain.session import Administration, Visit
from ketapath.domain.therapy import EXPOSURES, Exposure, Hour, HourKind, TouchAgreement
from ketapath.fhir import bundle_of
from ketapath.fhir import therapy as written
from ketapath.fhir.referrals import moved_on, referral, referrals
from ketapath.knowledge import load
from ketapath.therapy import chain, exposure_of, exposure_words, touch_agreed

KNOWLEDGE = load()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = date(2026, 11, 26)
PERSON = {"resourceType": "Patient", "id": "p"}


def origin(name: str, kind: str = "Procedure") -> Origin:
    return Origin(resource=kind, id=name, version=None)


def dosed(name: str, at: datetime) -> Visit:
    given = Administration(
        origin=origin(f"{name}-dose", "MedicationAdministration"), status="completed", product="racemic", route="iv",
        dose_mg=35, started_at=at, ended_at=at + timedelta(minutes=40),
    )  # fmt: skip
    return Visit(
        origin=origin(name, "Encounter"), status="finished", opened_at=at, closed_at=None, plan_id=None,
        administration=given, readings=(),
    )  # fmt: skip


def held(kind: HourKind, at: datetime, *, visit: str | None = None) -> Hour:
    return Hour(
        origin=origin(f"{kind}-{at:%d}"), kind=kind, modality="interpersonal", at=at, minutes=50, therapist="Chidi",
        username="therapist", has_certificate=True, reason="", visit_id=visit, alliance=None,
    )  # fmt: skip


def planned(kind: str, on: date) -> PlannedVisit:
    return PlannedVisit(on=on, starts=None, kind=kind, title=Text(key="schedule.x"), minutes=50, setting="")


def test_hours_stand_with_the_dose_they_belong_to_and_late_ones_are_told_apart() -> None:
    visits = [dosed("one", NOON), dosed("two", NOON + timedelta(days=7))]
    hours = [
        held("preparation", NOON - timedelta(days=2)),
        held("integration", NOON + timedelta(days=3)),
        held("integration", NOON + timedelta(days=4)),
        held("integration", NOON + timedelta(days=9), visit="one"),
        held("psychotherapy", NOON + timedelta(days=1)),
    ]
    ahead = [planned("session", date(2026, 12, 3)), planned("integration", date(2026, 12, 4))]
    found = chain(visits, ahead, hours, KNOWLEDGE, as_of=date(2026, 12, 1))
    assert [(link.number, link.visit_id) for link in found.links] == [(1, "one"), (2, "two"), (3, None)]
    first = found.links[0]
    assert first.window == (date(2026, 11, 24), date(2026, 11, 26))
    assert [h.at.day for h in first.preparations] == [21]
    assert [h.at.day for h in first.integrations] == [26]
    assert [(h.at.month, h.at.day) for h in first.outside] == [(11, 27), (12, 2)]  # the second names its session
    assert [p.on.day for p in found.links[2].planned] == [4]
    assert [h.kind for h in found.beside] == ["psychotherapy"]


def agreement(at: datetime, *, is_agreed: bool) -> TouchAgreement:
    return TouchAgreement(origin=origin("t", "Observation"), at=at, is_agreed=is_agreed, what="", by="Chidi")


@pytest.mark.parametrize(
    ("minutes_before", "counts"), [(61, True), (60, False), (30, False), (-10, False), (-300, False)]
)
def test_a_yes_within_the_hour_before_a_dose_or_under_it_is_no_agreement(minutes_before: int, counts: bool) -> None:
    said = agreement(NOON - timedelta(minutes=minutes_before), is_agreed=True)
    assert (touch_agreed([said], KNOWLEDGE, dose_at=NOON) is said) is counts


def test_a_no_counts_whenever_it_is_said_and_nothing_said_is_not_a_no() -> None:
    yes, no = (
        agreement(NOON - timedelta(days=1), is_agreed=True),
        agreement(NOON + timedelta(minutes=9), is_agreed=False),
    )
    assert touch_agreed([yes, no], KNOWLEDGE, dose_at=NOON) is no
    assert touch_agreed([], KNOWLEDGE, dose_at=NOON) is None


@pytest.mark.parametrize("title", ["Slow strings", "A; tolerance 3", "", "one\ntwo"])
@pytest.mark.parametrize("tolerance", [0, 7, 10, None])
def test_an_exposure_is_read_back_as_it_was_said(title: str, tolerance: int | None) -> None:
    for kind in EXPOSURES:
        said = Exposure(kind=kind, title=title, minutes=20, tolerance=tolerance, at=NOON)
        assert exposure_of(exposure_words(said), 20, at=NOON) == said
    assert exposure_of("smell: lavender; tolerance 3", 5, at=NOON) is None


@pytest.mark.parametrize("alliance", [7.0, None])
def test_an_hour_and_what_was_agreed_on_touch_are_read_back_as_written(alliance: float | None) -> None:
    hour = written.hour(
        "hour-1", "integration", "trauma-focused", patient_id="p", at=NOON, minutes=50, therapist=("Chidi", "t"),
        recorder=("Bo", "n"), has_certificate=False, reason="under supervision", visit_id="one", alliance=alliance,
    )  # fmt: skip
    touch = written.touch_agreement("t", is_agreed=True, what="a hand held", patient_id="p", at=NOON, by=("Chidi", "t"))
    bundle = bundle_of([PERSON, *hour, touch])
    (back,) = written.hours(bundle)
    assert (back.kind, back.modality, back.at, back.minutes) == ("integration", "trauma-focused", NOON, 50)
    assert (back.username, back.has_certificate, back.reason) == ("t", False, "under supervision")
    assert (back.visit_id, back.alliance) == ("one", alliance)
    (said,) = written.touch_agreements(bundle)
    assert (said.is_agreed, said.what, said.at, said.by) == (True, "a hand held", NOON, "Chidi")


def test_a_referral_keeps_each_step_and_is_overdue_only_while_nobody_has_answered() -> None:
    request, task = referral(
        "r", "housing", to=("Harbour shelter", "4"), patient_id="p", at=NOON, by=("Cleo", "c"), due=date(2026, 11, 25),
        remark="Asked for a room.",
    )  # fmt: skip

    opened = referrals(bundle_of([PERSON, request, task]))[0]
    assert (opened.need, opened.to, opened.resource, opened.progress) == ("housing", "Harbour shelter", "4", "open")
    assert (opened.is_overdue(TODAY), opened.is_overdue(date(2026, 11, 25))) == (True, False)
    (task,) = moved_on(task, request, "answered", remark="A place from Monday.", at=NOON, by="Cleo")
    answered = referrals(bundle_of([PERSON, request, task]))[0]
    assert not answered.is_overdue(TODAY)
    assert [r.text for r in answered.remarks] == ["Asked for a room.", "A place from Monday."]
    task, request = moved_on(task, request, "not-possible", remark="Full until spring.", at=NOON, by="Cleo")
    assert referrals(bundle_of([PERSON, request, task]))[0].progress == "not-possible"
    assert (task["statusReason"], request["status"]) == ({"text": "Full until spring."}, "revoked")


def certificate(kind: str, until: date | None, *, seen: date = TODAY) -> Held:
    return Held(kind=kind, valid_from=date(2025, 1, 1), valid_until=until, seen_on=seen)


def test_what_nobody_has_seen_is_missing_and_what_ends_says_so() -> None:
    file = [
        certificate("licence", None),
        certificate("basic-life-support", date(2026, 11, 25)),
        certificate("ketamine-training", date(2026, 12, 1)),
        certificate("sedation-monitoring", None, seen=date(2025, 11, 25)),
    ]
    found = {need.id: need.state for need in needs_of("nurse", file, KNOWLEDGE, on=TODAY)}
    assert found == {
        "licence": "held", "life-support": "run-out", "ketamine-training": "ends-soon",
        "sedation-monitoring": "look-again", "psychiatric-assessment": "missing",
    }  # fmt: skip
    assert needs_of("coordinator", file, KNOWLEDGE, on=TODAY) == ()


def test_a_certificate_holds_on_its_last_day_and_not_on_the_next() -> None:
    file = [certificate("trauma-focused", TODAY)]
    assert is_competent("trauma-focused", file, on=TODAY)
    assert not is_competent("trauma-focused", file, on=TODAY + timedelta(days=1))
    assert not is_competent("interpersonal", file, on=TODAY)
