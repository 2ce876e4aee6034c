"""The trail for those who answer for it: its page, its files, its verification; and each person's own accesses."""

from __future__ import annotations

import base64
import csv
import io
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError
from django.test import Client
from fhir.resources.R4B.auditevent import AuditEvent

from clinic import clock, jobs
from clinic.access import audit, sealing
from clinic.access.events import COLUMNS, event_of, line_of
from clinic.access.models import Account, AuditRow, AuditSeal, Emergency
from clinic.access.permission import ACTS
from clinic.access.verification import Trouble, Verdict, verify
from clinic.practice.models import Alert
from clinic.queries.audit import Wish, accesses, as_events, as_lines

Visit = Callable[[str], Client]
Who = Callable[[str], Account]
READY = "treatment-resistant-depression"
OWN = "first-language-arabic"


@pytest.fixture(autouse=True)
def anchor(settings: Any, tmp_path: Path) -> Path:
    settings.AUDIT_ANCHOR = tmp_path / "anchor.log"
    return tmp_path / "anchor.log"


def text(client: Client, address: str, **fields: str) -> str:
    answer = client.get(address, fields)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


def test_directors_read_the_trail_and_nobody_else(browser_of: Visit) -> None:
    assert "Verified" in text(browser_of("director"), "/audit") or "not verified yet" in text(
        browser_of("director"), "/audit"
    )
    for username in ("prescriber", "nurse", "coordinator", "patient"):
        client = browser_of(username)
        for address in ("/audit", "/audit/rows.csv", "/audit/events.ndjson"):
            assert client.get(address).status_code == 404


def test_the_page_shows_the_rows_that_are_asked_for_and_those_of_this_practice_only(browser_of: Visit) -> None:
    browser_of("hillside-prescriber").get("/patients/hillside-one")
    browser_of("nurse").get(f"/patients/{READY}")
    browser_of("nurse").get("/patients/nobody")
    client = browser_of("director")
    everything = text(client, "/audit")
    assert "hillside-one" not in everything
    assert "Older rows" in everything
    found = text(client, "/audit", who="nurse", patient=READY, act="read-chart", outcome="done")
    assert found.count("<tr>") == 2
    assert f"<td>{READY}</td>" in found
    assert "No such rows" in text(client, "/audit", who="nurse", until="2020-01-01")
    wrong = client.get("/audit", {"since": "yesterday"})
    assert wrong.status_code == 400
    assert "A day is written as" in wrong.content.decode()


def test_older_rows_are_reached_page_by_page_without_a_gap(browser_of: Visit, account: Who) -> None:
    for number in range(120):
        audit.append("read-chart", outcome="done", account=account("prescriber"), patient_id=f"p{number}")
    client, seen, address = browser_of("director"), list[int](), "/audit?who=prescriber"
    for _page in range(3):
        answer = client.get(address)
        rows = answer.context["rows"]
        seen += [one["row"].pk for one in rows]
        address = f"/audit?{answer.context['next']}"
    expected = AuditRow.objects.filter(practice="harbour", who="prescriber").order_by("-id")
    assert seen == list(expected.values_list("pk", flat=True)[: len(seen)])
    assert len(seen) > 120


@pytest.mark.requirement(40)
def test_every_row_leaves_as_an_audit_event_that_an_outside_model_takes(account: Who) -> None:
    """The whole story of the demonstration, and one row of every act there is."""
    for act in (*ACTS, "sign-in", "sign-out", "export", "print", "fault", "break-glass", "create-user"):
        for outcome in ("done", "refused", "failed"):
            with audit.coming_from("192.0.2.7"):
                audit.append(act, outcome=outcome, account=account("nurse"), patient_id="p1", entities=["/x", "A/b"])
    rows = list(AuditRow.objects.filter(practice="harbour"))
    assert len(rows) > 300
    for row in rows:
        event = AuditEvent.model_validate(event_of(row))
        assert [agent.requestor for agent in event.agent] == [False, False, True]
        assert event.outcome in ("0", "4", "8", "12")
        assert event.action in ("C", "R", "U", "D", "E")
        assert event.recorded.tzinfo is not None
        people = [entity for entity in event.entity or () if entity.role and entity.role.code == "1"]
        assert len(people) == bool(row.patient_id)


def event(act: str, outcome: str = "done", **fields: Any) -> dict[str, Any]:
    row = AuditRow(
        pk=7, at=datetime(2026, 11, 26, 9, 0, tzinfo=UTC), who="nina", role="nurse", act=act, outcome=outcome
    )
    for name, value in fields.items():
        setattr(row, name, value)
    return event_of(row)


@pytest.mark.requirement(36)
@pytest.mark.parametrize(
    ("act", "entities", "subtype", "action"),
    [
        ("read-chart", [], "read", "R"),
        ("find-patients", [], "search", "E"),
        ("state-fact", ["Observation/a/_history/1"], "create", "C"),
        ("state-fact", ["Observation/a/_history/1", "Observation/b/_history/2"], "update", "U"),
        ("sign-in", [], "110122", "E"),
        ("export", ["/bench/export.csv"], "disclose", "R"),
        ("break-glass", [], "110127", "E"),
    ],
)
def test_an_audit_event_says_what_was_done(act: str, entities: list[str], subtype: str, action: str) -> None:
    found = event(act, entities=entities)
    assert (found["subtype"][0]["code"], found["action"], found["outcome"]) == (subtype, action, "0")
    assert found["subtype"][1]["code"] == act
    assert found["recorded"] == "2026-11-26T09:00:00.000+00:00"


def test_an_audit_event_names_the_patient_the_search_and_the_address() -> None:
    found = event("find-patients", "refused", patient_id="p1", asked="GET patients?q", source="192.0.2.7", practice="a")
    assert found["entity"][0]["what"] == {"reference": "Patient/p1"}
    assert base64.b64decode(found["entity"][1]["query"]) == b"GET patients?q"
    assert found["agent"][0]["network"] == {"address": "192.0.2.7", "type": "2"}
    assert found["agent"][2]["altId"] == "nina"
    assert (found["outcome"], found["source"]["site"]) == ("4", "a")


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_of_the_csv_is_a_formula(sign: str) -> None:
    row = AuditRow(pk=1, at=clock.now(), who=sign, act="sign-in", outcome="refused", asked=sign)
    cells = dict(zip(COLUMNS, line_of(row, None), strict=True))
    assert cells["who"] == cells["asked"] == f"'{sign}"


@pytest.mark.requirement(40)
def test_both_files_hold_every_row_once_and_the_export_is_on_the_trail(browser_of: Visit) -> None:
    sealing.seal()
    client = browser_of("director")
    rows = list(csv.DictReader(io.StringIO(text(client, "/audit/rows.csv"))))
    wanted = AuditRow.objects.filter(practice="harbour").exclude(act="export-audit").count()
    assert len([row for row in rows if row["act"] != "export-audit"]) == wanted
    assert {row["block"] for row in rows[1:]} == {str(n) for n in AuditSeal.objects.values_list("block", flat=True)}
    events = [json.loads(line) for line in text(client, "/audit/events.ndjson", act="decide-plan").splitlines()]
    assert {one["resourceType"] for one in events} == {"AuditEvent"}
    assert AuditRow.objects.filter(act="export-audit", who="director", outcome="done").count() == 2
    bundle = json.loads("".join(as_events(Wish(practice=None, act="sign-in").rows(), as_bundle=True)))
    assert bundle["type"] == "collection"
    assert next(iter(as_lines(AuditRow.objects.none()))).strip() == ",".join(COLUMNS)


@pytest.mark.requirement(41)
def test_a_person_sees_who_opened_the_own_record_and_for_what(browser_of: Visit, account: Who) -> None:
    browser_of("nurse").get(f"/patients/{OWN}")
    browser_of("nurse").get(f"/patients/{OWN}")
    browser_of("nurse").get(f"/patients/{READY}")
    browser_of("patient").get("/my")
    page = text(browser_of("patient"), "/my/accesses")
    nurse = account("nurse")
    assert nurse.name in page
    assert "opened the record" in page
    assert "You" in page
    found = accesses(nurse.practice, OWN, since=clock.now() - timedelta(minutes=5))
    assert [(a.name, a.act, a.count) for a in found if a.role == "nurse"] == [(nurse.name, "read-chart", 2)]
    assert "Who has opened my record" in text(browser_of("patient"), "/my")
    assert browser_of("nurse").get("/my/accesses").status_code == 404


@pytest.mark.requirement(41)
def test_a_practice_may_tell_roles_alone(browser_of: Visit, account: Who) -> None:
    browser_of("nurse").get(f"/patients/{OWN}")
    nurse = account("nurse")
    nurse.practice.settings = {**nurse.practice.settings, "accesses": "roles"}
    nurse.practice.save()
    page = text(browser_of("patient"), "/my/accesses")
    assert nurse.name not in page
    assert "Nurse" in page


@pytest.mark.requirement(10, 41)
def test_an_access_in_an_emergency_is_marked_as_one(browser_of: Visit, account: Who) -> None:
    nurse, now = account("nurse"), clock.now()
    assert "emergency access" not in text(browser_of("patient"), "/my/accesses")
    Emergency.objects.create(
        practice=nurse.practice, account=nurse, patient_id=OWN, reason="collapsed", opened_at=now,
        until=now + timedelta(minutes=30),
    )  # fmt: skip
    browser_of("nurse").get(f"/patients/{OWN}")
    page = text(browser_of("patient"), "/my/accesses")
    assert page.count("emergency access") == 1
    assert "collapsed" not in page


@pytest.mark.requirement(36, 41)
def test_staff_print_the_accesses_and_every_print_is_on_the_trail(browser_of: Visit) -> None:
    client = browser_of("coordinator")
    page = text(client, f"/patients/{OWN}/accesses")
    assert "Who has opened this record" in page
    assert f'action="/patients/{OWN}/printed"' in page
    answer = client.post(
        f"/patients/{OWN}/printed", {"page": f"/patients/{OWN}/accesses"}, headers={"accept": "text/plain"}
    )
    assert answer.status_code == 204
    back = client.post(
        f"/patients/{OWN}/printed", {"page": "https://elsewhere.example/"}, headers={"accept": "text/html"}
    )
    assert (back.status_code, back["Location"]) == (302, f"/patients/{OWN}")
    rows = AuditRow.objects.filter(who="coordinator").order_by("-id")
    assert [(r.act, r.patient_id, r.entities) for r in rows[:3]] == [
        ("print", OWN, [f"/patients/{OWN}"]),
        ("print", OWN, [f"/patients/{OWN}/accesses"]),
        ("read-accesses", OWN, []),
    ]
    own = browser_of("patient")
    assert own.post("/my/printed", {"page": "/my/accesses"}, headers={"accept": "text/plain"}).status_code == 204
    assert AuditRow.objects.latest("id").act == "print"


def test_the_worker_verifies_once_a_day_and_tells_directors_where_the_trail_is_broken(
    browser_of: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealing.seal()
    found = jobs.verify_when_due()
    assert found is not None
    assert found.is_intact
    assert jobs.verify_when_due() is None
    assert "no row was edited" in text(browser_of("director"), "/audit")
    assert not Alert.objects.filter(kind="audit.broken").exists()
    tomorrow = clock.now() + timedelta(days=1, minutes=1)
    monkeypatch.setattr(clock, "now", lambda: tomorrow)
    broken = {name: getattr(found, name) for name in Verdict.__dataclass_fields__}
    broken |= {"wrong": 1, "troubles": (Trouble(kind="row-missing", number=17),)}
    monkeypatch.setattr(jobs, "verify", lambda: Verdict(**broken))
    assert jobs.verify_when_due() is not None
    page = text(browser_of("director"), "/audit")
    assert "The trail is not as it was sealed" in page
    assert "Row 17 is gone." in page
    assert set(Alert.objects.filter(kind="audit.broken").values_list("owner__role", flat=True)) == {"director"}
    assert "not as it was sealed: look at Trail" in text(browser_of("director"), "/today")


def test_the_sealer_waits_out_trouble_and_seals_what_is_left_when_it_is_told_to_end(
    account: Who, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    turns, stop = list[int](), threading.Event()
    real = sealing.Sealer.turn

    def turn(self: sealing.Sealer) -> int:
        turns.append(len(turns))
        if len(turns) < 4:
            raise OperationalError("gone") if len(turns) % 2 else PermissionError("anchor")
        if len(turns) == 5:
            stop.set()
        return real(self)

    monkeypatch.setattr(sealing.Sealer, "turn", turn)
    monkeypatch.setattr(sealing.connection, "close", lambda: None)
    audit.append("see-today", outcome="done", account=account("nurse"))
    sealing.run(stop, every_s=0.0)
    assert len(turns) == 6  # one more after it was told to end
    assert caplog.text.count("the trail is not being sealed") == 1
    assert verify().unsealed == 0
