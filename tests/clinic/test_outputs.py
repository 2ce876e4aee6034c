"""One closed session and its five outputs, the form's clock, and adverse events, through the acts and their pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from tests.clinic.test_stock import SPRAYED, devices, record, sprayed, use
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused, reach
from clinic.actions.adverse import Told, record_event, report_event, review_event, withdraw_event
from clinic.actions.commit import Stale
from clinic.actions.forms import answer_form, finish_record, not_needed, remind_of_forms, send_form, set_site
from clinic.actions.notes import Writing, save_note
from clinic.practice.models import Alert, RegistryRow, Submission
from clinic.queries.adverse import cases_of, register, report_fields, versions_of
from clinic.queries.forms import QUESTIONS, Five, due_forms, five_of, overdue_forms, registry, visit_of
from clinic.queries.person import Chart, chart
from clinic.queries.today import today
from clinic.record.models import ExposureLine
from clinic.record.read import read
from clinic.record.signatures import Seen
from ketapath.domain.outputs import OUTPUTS
from ketapath.errors import BadInput
from ketapath.outputs import due_on
from ketapath.report.pdf_text import pdf_rows

People = Callable[[str], Account]


def reached(account: People, who: str = "nurse") -> tuple[Chart, str]:
    _found, visit = sprayed(account)
    found = chart(reach(account(who)), SPRAYED)
    assert found is not None
    return found, visit


def five(account: People, who: str = "nurse") -> Five:
    _found, visit = sprayed(account)
    there = visit_of(reach(account(who)), visit)
    assert there is not None
    made = five_of(*there, account(who))
    assert made is not None
    return made


def answered(account: People) -> tuple[Chart, str]:
    """A session of which everything has been said that its form asks."""
    nurse = account("nurse")
    record(account, [use(devices(nurse), "84", "84", "0")])
    found, visit = reached(account)
    said = dict.fromkeys(QUESTIONS, "yes") | {"session.respiratory_depression": "no", "session.adverse_event": "no"}
    said |= {"session.moaa_s": "4", "session.dissociation_0_10": "7"}
    answer_form(found, visit, said, by=nurse, key="a1")
    set_site({"address": "1 Quay", "phone": "555-0100", "email": "desk@harbour.example"}, by=account("coordinator"))
    return reached(account)


@pytest.mark.parametrize(
    ("session", "last_day"),
    [
        (date(2026, 10, 28), date(2026, 11, 4)),  # the clocks go back on 1 November 2026 in New York
        (date(2026, 3, 6), date(2026, 3, 13)),  # and forward on 8 March
        (date(2026, 12, 26), date(2027, 1, 2)),  # a weekend and a new year count as days
    ],
)
def test_the_clock_of_the_form_counts_days_of_the_calendar(account: People, session: date, last_day: date) -> None:
    assert due_on(session) == last_day
    by, (_found, visit) = account("coordinator"), sprayed(account)
    ExposureLine.objects.filter(administration=f"{visit}-dose").update(given_on=session)
    zone = ZoneInfo(by.practice.zone)
    for day, is_overdue in ((last_day, False), (last_day + timedelta(days=1), True)):
        for minute in (1, 23 * 60 + 58):  # the first and the last minutes of the clinic's own day
            with clock.supposed(datetime(day.year, day.month, day.day, tzinfo=zone) + timedelta(minutes=minute)):
                [one] = [d for d in due_forms(reach(by)) if d.visit_id == visit]
                assert one.is_overdue is is_overdue, (day, minute)
                assert overdue_forms(reach(by)) == sum(d.is_overdue for d in due_forms(reach(by)))


def test_a_form_with_an_open_field_is_not_sent_and_says_which(account: People) -> None:
    record(account, [use(devices(account("nurse")), "84", "84", "0")])
    found, visit = reached(account, "coordinator")
    before = five(account)
    assert before.needs_form
    assert {"before", "at_end", "respiratory", "adverse", "phone"} <= {f.key for f in before.open_fields}
    with pytest.raises(BadInput, match="Address of the site"):
        send_form(found, visit, sent_on=found.as_of, how="fax", by=account("coordinator"), key="s")
    assert not Submission.objects.exists()


def test_one_entry_gives_five_outputs_that_agree_and_a_later_change_is_named(account: People) -> None:
    nurse, coordinator = account("nurse"), account("coordinator")
    found, visit = answered(account)
    assert five(account).open_fields == ()
    made = finish_record(found, visit, by=nurse, key="f1")
    finish_record(found, visit, by=nurse, key="f1")
    assert Submission.objects.filter(kind="effects").count() == RegistryRow.objects.count() == 1
    assert made.disagreements == ()
    assert made.note is not None
    standing = read(found.practice, "DocumentReference", made.note.origin.id)
    assert standing is not None
    save_note(found, Writing(kind="progress", text=made.note.text, seen=Seen.of(standing)), by=nurse, key="n",
              proof=shown(nurse))  # fmt: skip
    sent = send_form(found, visit, sent_on=found.as_of, how="online", by=coordinator, key="s1")
    assert send_form(found, visit, sent_on=found.as_of, how="online", by=coordinator, key="s1") == sent
    assert visit not in [d.visit_id for d in due_forms(reach(coordinator))]
    now = five(account)
    assert [(o.name, o.state) for o in now.outputs] == [(name, "finished") for name in OUTPUTS]
    assert now.is_complete
    assert now.disagreements == ()
    told = {o.name: o.told or {} for o in now.outputs}
    assert {name: told[name]["given_mg"] for name in OUTPUTS} == dict.fromkeys(OUTPUTS, "84.00")
    assert told["form"]["sedation"] == told["registry"]["sedation"] == "4"
    assert five(account, "prescriber").disagreements == ()
    event = Told(words="Headache", onset=clock.now(), grade=2, visit_id=visit, outcome="recovered")
    record_event(reached(account)[0], event, by=nurse, key="ae")
    [differs] = five(account).disagreements
    assert (differs.field, differs.said["record"]) == ("adverse", "Headache, grade 2")
    assert differs.said["form"] == differs.said["effects"] == differs.said["note"] == differs.said["registry"] == "none"


def test_an_own_draft_follows_the_record_until_somebody_writes_into_it(account: People) -> None:
    nurse, (found, visit) = account("nurse"), answered(account)
    finish_record(found, visit, by=nurse, key="f1")
    record_event(reached(account)[0], Told(words="Fall", onset=clock.now(), grade=1, visit_id=visit), by=nurse, key="a")
    again = finish_record(reached(account)[0], visit, by=nurse, key="f2")
    assert again.disagreements == ()
    assert again.note is not None
    assert "Fall, grade 1" in again.note.text
    stored = read(found.practice, "DocumentReference", again.note.origin.id)
    assert stored is not None
    own = Writing(kind="progress", text=again.note.text + "My own words.", seen=Seen.of(stored))
    save_note(reached(account)[0], own, by=nurse, key="w")
    record_event(reached(account)[0], Told(words="Rash", onset=clock.now(), grade=1, visit_id=visit), by=nurse, key="b")
    last = finish_record(reached(account)[0], visit, by=nurse, key="f3")
    assert last.note is not None
    assert "My own words." in last.note.text
    assert [d.field for d in last.disagreements] == ["adverse"]


def test_the_registry_names_nobody_and_knows_a_person_again(account: People) -> None:
    found, visit = answered(account)
    finish_record(found, visit, by=account("nurse"), key="f1")
    [row] = registry(found.practice)
    text = json.dumps(row)
    for name in (SPRAYED, found.given, found.family, visit, "SPR-1"):
        assert name not in text
    assert len(row["pseudonym"]) == 24
    assert row["given_mg"] == "84.00"


def test_a_draft_is_its_authors_alone_in_the_check_as_well(account: People) -> None:
    found, visit = answered(account)
    finish_record(found, visit, by=account("nurse"), key="f1")
    states = {who: next(o for o in five(account, who).outputs if o.name == "note") for who in ("nurse", "prescriber")}
    assert states["nurse"].told is not None
    assert (states["prescriber"].state, states["prescriber"].told) == ("draft", None)


def test_no_record_is_finished_without_its_drug_record_and_an_inpatient_needs_no_form(account: People) -> None:
    found, visit = reached(account)
    with pytest.raises(BadInput, match="drug record"):
        finish_record(found, visit, by=account("nurse"), key="f0")
    not_needed(found, visit, why="in hospital on that day (GOV-006)", by=account("coordinator"), key="n0")
    assert visit not in [d.visit_id for d in due_forms(reach(account("coordinator")))]


def serious(account: People, **other: object) -> str:
    found, visit = reached(account)
    said = {"words": "Collapse on standing", "grade": 3, "criteria": ("hospital-care",), "outcome": "recovering"}
    told = Told(onset=clock.now() - timedelta(minutes=5), visit_id=visit, **(said | other))  # type: ignore[arg-type]
    done = record_event(found, told, by=account("nurse"), key=f"ae-{other}")
    return next(iter(done.versions)).partition("/")[2]


def test_a_serious_event_waits_for_its_review_and_its_report_until_each_is_done(account: People) -> None:
    event = serious(account)
    open_alerts = Alert.objects.filter(patient_id=SPRAYED, about=event, closed_at=None)
    assert set(open_alerts.values_list("kind", flat=True)) == {"adverse.serious", "adverse.report"}
    [case] = register(account("director"))
    assert case.review_due is not None
    assert abs(case.review_due - case.now - timedelta(hours=24)) < timedelta(minutes=1)
    found, _visit = reached(account, "director")
    review_event(found, event, "fluids, kept overnight", by=account("director"), key="r")
    assert [alert.kind for alert in open_alerts] == ["adverse.report"]
    with clock.supposed(clock.now() + timedelta(days=5)):
        assert register(account("director"))[0].is_late
    report_event(found, event, sent_on=found.as_of, how="fax", to="REMS", by=account("coordinator"), key="rp")
    assert list(open_alerts.values_list("kind", flat=True)) == []
    assert not serious_again(account, event)


def serious_again(account: People, event: str) -> bool:
    """Whether an amendment of what was serious already raises anything anew."""
    found, visit = reached(account)
    told = Told(words="Collapse", onset=clock.now(), grade=3, criteria=("hospital-care",), visit_id=visit,
                event_id=event, version=1)  # fmt: skip
    record_event(found, told, by=account("nurse"), key="again")
    return Alert.objects.filter(about=event, closed_at=None).exists()


def test_an_overdue_form_is_somebodys_until_it_is_settled(account: People) -> None:
    found, visit = reached(account)
    ExposureLine.objects.filter(administration=f"{visit}-dose").update(given_on=found.as_of - timedelta(days=8))
    for _ in range(2):
        remind_of_forms(found.practice)
    [alert] = Alert.objects.filter(kind="form.overdue", about=visit)
    assert alert.closed_at is None
    before = today(account("nurse")).overdue_forms
    assert before == overdue_forms(reach(account("nurse"))) > 0
    not_needed(found, visit, why="in hospital (GOV-006)", by=account("coordinator"), key="n")
    assert Alert.objects.get(pk=alert.pk).closed_at is not None
    assert today(account("nurse")).overdue_forms == before - 1


def test_an_event_that_was_entered_in_error_counts_no_more_and_stays_to_be_read(account: People) -> None:
    event, nurse = serious(account), account("nurse")
    found, visit = reached(account)
    assert visit_events(account, visit) == [event]
    with pytest.raises(BadInput, match="entered in error"):
        withdraw_event(found, event, 1, why=" ", by=nurse, key="w0")
    with pytest.raises(Stale):
        withdraw_event(found, event, 2, why="another person's", by=nurse, key="w1")
    for _ in range(2):
        withdraw_event(found, event, 1, why="another person's", by=nurse, key="w2")
    found, _visit = reached(account)
    (case,) = [c for c in cases_of(found) if c.event.origin.id == event]
    assert (case.event.withdrawn, case.review_due, case.report_due, case.is_late) == (
        "another person's", None, None, False,
    )  # fmt: skip
    assert visit_events(account, visit) == []
    assert not Alert.objects.filter(about=event, closed_at=None).exists()
    assert [e.withdrawn for _s, e in versions_of(found, event)] == ["another person's", ""]
    told = Told(words="Collapse", onset=clock.now(), grade=3, visit_id=visit, event_id=event, version=2)
    with pytest.raises(Stale):
        record_event(found, told, by=nurse, key="w3")


def visit_events(account: People, visit: str) -> list[str]:
    """The events that the outputs of this visit hold."""
    assert visit == reached(account)[1]
    return [event.origin.id for event in five(account).entry.adverse or ()]


def test_an_event_is_amended_as_a_new_version_and_reported_as_it_stood(account: People) -> None:
    event, nurse = serious(account), account("nurse")
    found, visit = reached(account)
    again = Told(words="Collapse on standing", onset=clock.now(), grade=4, criteria=("life-threatening",),
                 outcome="recovered", visit_id=visit, event_id=event, version=1)  # fmt: skip
    record_event(found, again, by=nurse, key="am")
    with pytest.raises(Stale):
        record_event(found, again, by=nurse, key="am2")
    found, _visit = reached(account)
    assert [e.grade for _stored, e in versions_of(found, event)] == [4, 3]
    [case] = cases_of(found)
    assert "Lot" in {f.label for f in report_fields(found, case) if f.value is None}
    report_event(found, event, sent_on=found.as_of, how="online", to="MedWatch", by=account("coordinator"), key="rp")
    sent = Submission.objects.get(kind="adverse-report")
    assert ("Grade, 1 to 5", "4") in pdf_rows(bytes(sent.content))
    assert json.loads(sent.said["json"])["fields"]["Event"]["Grade, 1 to 5"] == "4"
    assert "Lot" in json.loads(sent.said["json"])["open"]


@pytest.mark.parametrize(
    "wrong", [{"grade": 6}, {"grade": 5}, {"words": " "}, {"criteria": ("bad-luck",)}, {"onset_ahead": 3}]
)
def test_an_event_that_cannot_be_is_refused(account: People, wrong: dict[str, object]) -> None:
    found, visit = reached(account)
    said = {"words": "Fall", "grade": 2, "outcome": "unknown", "criteria": ()} | wrong
    onset = clock.now() + timedelta(hours=int(said.pop("onset_ahead", 0) or 0))  # type: ignore[call-overload]
    with pytest.raises(BadInput):
        record_event(found, Told(onset=onset, visit_id=visit, **said), by=account("nurse"), key="x")  # type: ignore[arg-type]
    with pytest.raises(Refused):
        record_event(found, Told(words="Fall", onset=clock.now(), grade=1), by=account("coordinator"), key="y")


def test_the_desk_shows_what_is_due_and_its_pages_do_what_they_say(
    browser_of: Callable[..., Client], account: People
) -> None:
    _found, visit = sprayed(account)
    nurse, coordinator = browser_of("nurse"), browser_of("coordinator")
    assert f"/forms/visits/{visit}" in coordinator.get("/forms").content.decode()
    page = nurse.get(f"/forms/visits/{visit}").content.decode()
    assert "Slowed breathing at any time of the session" in page
    said = {"step": "answer", "key": "q", "session.respiratory_depression": "no"}
    assert nurse.post(f"/forms/visits/{visit}", said).status_code == 302
    assert coordinator.post(f"/forms/visits/{visit}", said).status_code == 404
    pdf = coordinator.get(f"/forms/visits/{visit}/form.pdf")
    assert ("Breathing", "none") in pdf_rows(pdf.content)
    refused = coordinator.post(f"/forms/visits/{visit}", {"step": "send", "how": "fax", "sent_on": "2026-01-01"})
    assert refused.status_code == 400
    form = {
        "words": "Nausea",
        "onset": "2026-11-01T10:00",
        "grade": "1",
        "causality": "possible",
        "outcome": "recovered",
    }
    assert nurse.post(f"/patients/{SPRAYED}/adverse", form | {"key": "w"}).status_code == 302
    assert "Nausea" in coordinator.get("/adverse").content.decode()
    assert len(browser_of("director").get("/forms/registry.csv").content.splitlines()) >= 5
