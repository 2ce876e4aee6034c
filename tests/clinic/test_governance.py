"""Until the medical lead has approved our defaults nobody real is dosed; what is approved or moved counts at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from tests.options import INFUSION
from tests.proofs import shown

from clinic import clock
from clinic.access.models import Account, AuditRow, Role
from clinic.access.permission import Refused
from clinic.actions.governance import approve, state_of_clinic, take_back
from clinic.actions.patients import import_record
from clinic.actions.plan import Wish, decide_plan, standing
from clinic.actions.session import NotNow, chart_vitals, open_session, start_dose
from clinic.queries.governance import blocks, duties, shipped, still_awaiting
from clinic.queries.person import Chart, candidacy, chart, plan
from clinic.queries.plan import replay
from clinic.record.models import PolicyEntry, Practice
from ketapath.errors import BadInput
from ketapath.knowledge import load
from ketapath.knowledge.policy import read_policy

Who = Callable[[str], Account]
READY = "treatment-resistant-depression"
EXAMPLE = Path(__file__).parents[2] / "examples" / "patients" / f"{READY}.json"
WEIGHT_WINDOW = "window vitals.weight_kg"


def everything() -> list[tuple[str, str]]:
    return [(item.id, item.version) for item in shipped()]


def one(name: str) -> list[tuple[str, str]]:
    return [pair for pair in everything() if pair[0] == name]


@pytest.fixture
def day_of_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """The example record speaks of one day; on later days its weight would be too old."""
    monkeypatch.setattr(clock, "now", lambda: datetime(2026, 11, 24, 15, tzinfo=UTC))


@pytest.fixture
def real(db: None, day_of_the_example: None) -> dict[str, Account]:
    """A practice that is no demonstration, with one person in it."""
    practice = Practice.objects.create(slug="real", name="Real Clinic", zone="UTC", settings={"acls_on_site": True})
    made = {}
    for role in (Role.PRESCRIBER, Role.DIRECTOR, Role.NURSE):
        made[role.value] = Account(username=f"real-{role}", name=f"Real {role}", role=role, practice=practice)
        made[role.value].save()
    import_record(EXAMPLE.read_bytes(), by=made["director"])
    return made


def look(by: Account) -> Chart:
    found = chart(by.practice, READY)
    assert found is not None
    return found


def sign(by: Account) -> None:
    found = look(by)
    seen = {"seen": standing(found), "digest": plan(found).inputs_digest}
    decide_plan(found, INFUSION, Wish(outcome="accepted", reason="tried", **seen), by=by, key="", proof=shown(by))


def test_nothing_is_ordered_for_a_real_person_before_everything_is_approved(real: dict[str, Account]) -> None:
    with pytest.raises(BadInput, match="Evaluation mode"):
        sign(real["prescriber"])
    approve(everything(), {}, reason="", by=real["director"])
    assert still_awaiting(real["director"].practice) == 0
    sign(real["prescriber"])
    assert look(real["prescriber"]).plan is not None


def test_a_dose_waits_for_approval_too(real: dict[str, Account]) -> None:
    approve(everything(), {}, reason="", by=real["director"])
    sign(real["prescriber"])
    take_back(WEIGHT_WINDOW, reason="under discussion", by=real["director"])
    nurse = real["nurse"]
    open_session(look(nurse), by=nurse, key="")
    chart_vitals(look(nurse), {"vitals.systolic_mmhg": "120", "vitals.diastolic_mmhg": "80"}, by=nurse, key="")
    with pytest.raises(NotNow, match="Evaluation mode: 1 items"):
        start_dose(look(nurse), by=real["prescriber"], reason="all the same", key="")


@pytest.mark.usefixtures("db", "day_of_the_example")
def test_a_record_that_is_labelled_as_test_data_may_be_tried_in_evaluation_mode() -> None:
    bundle = json.loads(EXAMPLE.read_bytes())
    for entry in bundle["entry"]:
        if entry["resource"]["resourceType"] == "Patient":
            system = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
            entry["resource"].setdefault("meta", {})["security"] = [{"system": system, "code": "HTEST"}]
    other = Practice.objects.create(slug="tried", name="Tried", zone="UTC")
    director = Account(username="tried-director", name="D", role=Role.DIRECTOR, practice=other)
    prescriber = Account(username="tried-prescriber", name="P", role=Role.PRESCRIBER, practice=other)
    director.save()
    prescriber.save()
    import_record(json.dumps(bundle).encode(), by=director)
    sign(prescriber)
    assert look(prescriber).plan is not None


def test_only_the_director_approves(account: Who) -> None:
    for username in ("prescriber", "nurse", "therapist", "coordinator", "patient"):
        with pytest.raises(Refused):
            approve(everything(), {}, reason="", by=account(username))


def test_a_moved_limit_decides_about_the_next_person_and_is_replayed(account: Who) -> None:
    director, prescriber = account("director"), account("prescriber")
    limit = "vitals.systolic_mmhg >="
    before = look(prescriber)
    assert before.person is not None
    assert before.person.known["vitals.systolic_mmhg"].value == 124.0
    assert candidacy(before).verdict == "eligible"
    with pytest.raises(BadInput, match="reason"):
        approve(one("CON-009"), {"CON-009": {limit: 120.0}}, reason="", by=director)
    approve(one("CON-009"), {"CON-009": {limit: 120.0}}, reason="our anaesthetist's limit", by=director)
    after = look(prescriber)
    assert candidacy(after).verdict == "defer"
    (found,) = [f for f in candidacy(after).findings if f.id == "CON-009"]
    assert found.rule is not None
    assert found.rule.approved is not None
    assert found.rule.approved.by == director.name
    assert plan(before).knowledge_version != plan(after).knowledge_version
    with pytest.raises(BadInput, match="CON-009"):
        sign(prescriber)
    approve(one("CON-009"), {"CON-009": {limit: 170.0}}, reason="milder, after all", by=director)
    sign(prescriber)
    take_back("CON-009", reason="back to what ships", by=director)
    (kept,) = look(prescriber).bundle.of_type("RiskAssessment")
    again = replay(prescriber.practice, str(kept["id"]))
    assert again is not None
    assert again.same_build
    assert again.differences == ()


def test_what_was_read_is_what_is_approved(account: Who) -> None:
    with pytest.raises(BadInput, match="as it ships now"):
        approve([("CON-009", "0")], {}, reason="", by=account("director"))
    with pytest.raises(BadInput, match="CON-001"):
        approve([("CON-001", "1")], {}, reason="", by=account("director"))  # the label's own: nothing to approve


def test_pressing_twice_writes_once_and_every_entry_stays(account: Who) -> None:
    director = account("director")
    assert approve(one("CON-009"), {}, reason="", by=director) == 1
    assert approve(one("CON-009"), {}, reason="", by=director) == 0
    take_back("CON-009", reason="not yet", by=director)
    assert [e.is_withdrawn for e in PolicyEntry.objects.filter(item="CON-009").order_by("id")] == [False, True]
    assert AuditRow.objects.filter(act="approve-policy", who="director").count() >= 3
    for change in (lambda: PolicyEntry.objects.all().delete(), lambda: PolicyEntry.objects.update(by="somebody")):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_the_page_approves_a_block_and_the_banner_goes(account: Who, browser_of: Callable[[str], Client]) -> None:
    page = browser_of("director")
    assert b"Evaluation mode" in page.get("/today").content
    for block in blocks(account("director").practice):
        said = {"what": "all", "block": block.consequence, "reason": ""}
        rows = [f"{row.item.id}@{row.item.version}" for row in block.rows]
        assert page.post("/governance", {**said, "all": rows}).status_code == 302
    assert b"Evaluation mode" not in page.get("/today").content
    for block in blocks(account("director").practice):
        assert b"approved by Dr Eli Novak" in page.get("/governance", {"block": block.consequence}).content


def test_one_block_is_open_and_the_others_say_what_they_hold(account: Who, browser_of: Callable[[str], Client]) -> None:
    page, found = browser_of("director"), blocks(account("director").practice)
    first, second = (block.rows[0].item.title for block in found[:2])
    shown = page.get("/governance").content.decode()
    assert f"<strong>{first}</strong>" in shown
    assert f"<strong>{second}</strong>" not in shown
    assert f"Read {len(found[1].rows)} items" in shown
    shown = page.get("/governance", {"block": found[1].consequence}).content.decode()
    assert f"<strong>{second}</strong>" in shown
    assert f"<strong>{first}</strong>" in page.get("/governance", {"block": "no such"}).content.decode()


def test_a_wrong_value_keeps_what_was_typed(browser_of: Callable[[str], Client]) -> None:
    field = "value|CON-009|vitals.systolic_mmhg >="
    said = {"what": "chosen", "item": "CON-009@2", field: "9000", "block": "puts off", "reason": "a trial"}
    answer = browser_of("director").post("/governance", said)
    assert answer.status_code == 400
    assert 'value="9000"' in answer.content.decode()
    assert "50 to 300" in answer.content.decode()


def test_the_policy_file_of_the_page_is_what_the_command_reads(account: Who, browser_of: Any) -> None:
    director = account("director")
    approve(one("CON-009"), {"CON-009": {"vitals.systolic_mmhg >=": 170.0}}, reason="ours", by=director)
    found = read_policy(browser_of("director").get("/governance/policy.yaml").content, load())
    assert found["CON-009"].values == {"vitals.systolic_mmhg >=": 170.0}
    assert found["CON-009"].by == director.name


def test_the_clinic_answers_for_itself_and_rules_follow(account: Who, browser_of: Callable[[str], Client]) -> None:
    director = account("director")
    before = {duty.finding.id: duty.state for duty in duties(director.practice)}
    assert before["GOV-002"] == "open"  # nobody has named an authorised representative yet
    assert before["MON-026"] == "to know"  # it asks for no fact, so nobody can have failed it
    page = browser_of("director")
    assert page.post("/governance/facts", {"clinic.authorised_representative": "no"}).status_code == 302
    assert {d.finding.id: d.state for d in duties(account("director").practice)}["GOV-002"] == "not met"
    page.post("/governance/facts", {"clinic.authorised_representative": "yes"})
    assert {d.finding.id: d.state for d in duties(account("director").practice)}["GOV-002"] == "met"
    with pytest.raises(Refused):
        state_of_clinic({"clinic.authorised_representative": "no"}, by=account("nurse"))
    for wrong in ({"vitals.weight_kg": "70"}, {"clinic.authorised_representative": "perhaps"}):
        with pytest.raises(BadInput):
            state_of_clinic(wrong, by=director)
