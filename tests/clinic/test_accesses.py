"""Every access leaves exactly one row on the trail, and none of it holds a word that somebody typed of a person."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from django.db import DatabaseError
from django.test import Client
from django.urls import resolve

from clinic.access import audit
from clinic.access.models import Account, AuditRow
from clinic.record.models import Current, PatientLine
from clinic.web import patients as page_of_patients

Visit = Callable[[str], Client]
Who = Callable[[str], Account]
READY = "treatment-resistant-depression"
OPEN_TO_ALL = ("knowledge", "home", "health", "sign-in")
"""Pages, by the first word of their name, that hold nobody's data: they leave no row."""
MOST_OF_A_KIND = 2


def new_rows(after: int) -> list[AuditRow]:
    return list(AuditRow.objects.filter(pk__gt=after).order_by("id"))


def newest() -> int:
    last = AuditRow.objects.order_by("-id").first()
    return last.pk if last else 0


def walk(client: Client, starts: list[str]) -> dict[str, list[AuditRow]]:
    """The rows that each page left, by its address; some pages of each kind."""
    waiting, found, kinds = list(starts), dict[str, list[AuditRow]](), Counter[str]()
    while waiting:
        parts = urlsplit(waiting.pop(0))
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if path in found or parts.netloc or not path.startswith("/") or path.startswith("/static/"):
            continue
        kind = resolve(parts.path).url_name
        kinds[kind] += 1
        if kinds[kind] > MOST_OF_A_KIND or kind == "today-stream":
            continue
        before = newest()
        answer = client.get(path)
        assert answer.status_code in (200, 302), path
        found[path] = new_rows(before)
        if answer["Content-Type"].startswith("text/html"):
            waiting += [link.replace("&amp;", "&") for link in re.findall(r'href="([^"#]+)', answer.content.decode())]
    return found


@pytest.mark.requirement(36)
@pytest.mark.parametrize("username", ["director", "patient"])
def test_every_page_leaves_exactly_one_row(browser_of: Visit, username: str) -> None:
    starts = ["/my"] if username == "patient" else ["/today", "/patients", f"/bench?patient={READY}", "/patients?q=oka"]
    pages = walk(browser_of(username), starts)
    assert len(pages) > (10 if username == "patient" else 30)
    for path, rows in pages.items():
        name = str(resolve(urlsplit(path).path).url_name)
        expected = 0 if name.split("-")[0] in OPEN_TO_ALL or name in OPEN_TO_ALL else 1
        assert len(rows) == expected, (path, [(r.act, r.outcome) for r in rows])
        for row in rows:
            assert (row.who, row.outcome) == (username, "done"), path
            assert row.source == "127.0.0.1"
            assert (path.startswith("/patients/") and "/import" not in path) <= bool(row.patient_id)


@pytest.mark.parametrize(
    ("path", "act", "outcome"),
    [
        ("/patients/nobody", "read-chart", "refused"),
        ("/patients/hillside-one", "read-chart", "refused"),
        ("/bench?patient=hillside-one", "read-chart", "refused"),
        (f"/patients/{READY}/source/Observation/none-such", "read-chart", "absent"),
        (f"/patients/{READY}/sessions/none-such", "read-chart", "absent"),
        ("/my", "read-own", "refused"),
    ],
)
def test_a_page_that_is_not_there_or_not_theirs_leaves_one_row_too(
    browser_of: Visit, path: str, act: str, outcome: str
) -> None:
    before = newest()
    assert browser_of("prescriber").get(path).status_code == 404
    assert [(row.act, row.outcome) for row in new_rows(before)] == [(act, outcome)]


def test_an_act_is_one_row_and_so_is_one_that_was_not_saved_or_not_allowed(browser_of: Visit) -> None:
    def rows_of(username: str, path: str, fields: dict[str, str]) -> list[tuple[str, str]]:
        before = newest()
        browser_of(username).post(path, fields)
        return [(row.act, row.outcome) for row in new_rows(before)]

    fact = f"/patients/{READY}/fact"
    good, bad = {"path": "vitals.height_cm", "said": "170"}, {"path": "vitals.height_cm", "said": "9999"}
    assert rows_of("nurse", fact, good) == [("state-fact", "done")]
    assert rows_of("nurse", fact, bad) == [("read-chart", "unsaved")]
    assert rows_of("therapist", fact, good) == [("state-fact", "refused")]
    assert rows_of("nurse", f"/patients/{READY}/plan", {"outcome": "accepted", "option": "x"}) in (
        [("decide-plan", "refused")], [("read-chart", "unsaved")],
    )  # fmt: skip
    assert rows_of("therapist", "/governance/take-back", {"item": "CON-001"}) in (
        [("approve-policy", "refused")], [("read-policy", "done")],
    )  # fmt: skip


@pytest.mark.requirement(36)
def test_a_file_that_leaves_the_house_is_an_export_and_names_the_person(browser_of: Visit) -> None:
    client = browser_of("prescriber")
    for file in ("csv", "svg"):
        before = newest()
        answer = client.get(f"/bench/export.{file}?patient={READY}&a_way=racemic/iv&a_dose=35&a_minutes=40")
        assert answer.status_code == 200
        rows = new_rows(before)
        assert [(r.act, r.outcome, r.patient_id, r.entities) for r in rows] == [
            ("export", "done", READY, [f"/bench/export.{file}"])
        ]


@pytest.mark.requirement(37)
@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/patients", "Okafor"),
        (f"/patients/{READY}", "Okafor"),
        ("/my", "My appointments"),
        (f"/bench?patient={READY}", "Okafor"),
    ],
)
def test_what_cannot_be_put_on_the_trail_is_not_shown(
    browser_of: Visit, monkeypatch: pytest.MonkeyPatch, path: str, words: str
) -> None:
    client = browser_of("patient" if path == "/my" else "prescriber")
    client.raise_request_exception = False
    shown = client.get(path)

    def fails(*_: object, **__: object) -> None:
        raise DatabaseError("full")

    monkeypatch.setattr(AuditRow, "save", fails)
    answer = client.get(path)
    assert (shown.status_code, answer.status_code) == (200, 500)
    assert words in shown.content.decode()
    assert words not in answer.content.decode()


@pytest.mark.requirement(36)
def test_a_fault_is_on_the_trail_under_the_number_that_the_page_names(
    browser_of: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = browser_of("prescriber")
    client.raise_request_exception = False

    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(page_of_patients, "loop_page", fails)
    before = newest()
    answer = client.get(f"/patients/{READY}")
    assert answer.status_code == 500
    (row,) = new_rows(before)
    assert (row.act, row.outcome, row.who, row.patient_id) == ("fault", "failed", "prescriber", READY)
    assert row.entities[0] in answer.content.decode()


def test_a_stream_is_one_row_when_it_is_opened(browser_of: Visit) -> None:
    before = newest()
    answer = browser_of("nurse").get("/today/stream")
    assert answer.status_code == 200
    answer.close()
    assert [(r.act, r.outcome, r.asked) for r in new_rows(before)] == [("see-today", "done", "GET today/stream")]
    before = newest()
    assert browser_of("patient").get("/today/stream").status_code == 404
    assert [(r.act, r.outcome) for r in new_rows(before)] == [("see-today", "refused")]


@pytest.mark.requirement(42)
def test_no_row_holds_a_name_a_birth_date_or_a_reason_that_was_typed(browser_of: Visit, account: Who) -> None:
    """After the demonstration's whole story, every page, and forms and addresses with names in them."""
    prescriber = browser_of("prescriber")
    typed = "Zebra-Reason for Okafor"
    prescriber.get("/patients", {"q": "Okafor", "Okafor": "1"})
    prescriber.get("/patients/Maren Okafor")
    prescriber.get("/bench", {"patient": "Okafor, Maren"})
    prescriber.post(f"/patients/{READY}/fact", {"path": "social.ride_home", "said": "yes", "reason": typed})
    prescriber.post(f"/patients/{READY}/fact", {"path": "vitals.weight_kg", "said": "Okafor", "reason": typed})
    prescriber.post(f"/patients/{READY}/goals", {"words": typed})
    prescriber.post(f"/patients/{READY}/plan", {"option": typed, "outcome": "rejected", "reason": typed})
    walk(prescriber, ["/patients"])
    said = "\n".join(
        json.dumps([row.who, row.act, row.outcome, row.patient_id, row.entities, row.source, row.asked])
        for row in AuditRow.objects.iterator()
    )
    lines = PatientLine.objects.all()
    names = {word for line in lines for word in (line.family, line.given) if len(word) > 3}
    born = {line.born_on.isoformat() for line in lines if line.born_on}
    assert len(names) > 15
    ids = {line.patient_id for line in lines} | {a.username for a in Account.objects.all()}
    assert not [name for name in names if name in said and not any(name in one for one in ids)]
    assert not [day for day in born if day in said]
    reasons = {row["reason"] for row in _versions() if len(row["reason"]) > 12}
    assert reasons
    assert not [reason for reason in [*reasons, "Zebra"] if reason in said]


def _versions() -> list[dict[str, str]]:
    from clinic.record.models import Version

    return list(Version.objects.values("reason"))


@pytest.mark.requirement(40)
def test_no_setting_and_no_act_switches_the_trail_off(account: Who) -> None:
    from pathlib import Path

    from clinic import settings

    text = Path(settings.__file__).read_text()
    assert re.findall(r"AUDIT\w*", text)
    assert set(re.findall(r"AUDIT\w*", text)) == {"AUDIT_ANCHOR"}
    director = account("director")
    before = newest()
    director.practice.settings = {"audit": False, "auditing": "off"}
    audit.append("see-today", outcome="done", account=director)
    assert len(new_rows(before)) == 1
    assert isinstance(new_rows(before)[0].at, datetime)
    assert Current.objects.filter(kind="AuditEvent").count() == 0


@pytest.mark.requirement(36)
@pytest.mark.parametrize(
    ("username", "address", "act"),
    [("nurse", "/emergency", "break-glass"), ("director", "/patients/import", "import-record")],
)
def test_a_form_that_was_only_looked_at_is_not_told_as_done(
    browser_of: Visit, username: str, address: str, act: str
) -> None:
    client, before = browser_of(username), newest()
    assert client.get(address).status_code == 200
    (row,) = new_rows(before)
    assert (row.outcome, row.act) == ("done", "find-patients") != ("done", act)
