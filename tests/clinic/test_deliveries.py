"""A coordinator hands a record in at a page, and reads there what became of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.store.test_import import person, weight

from clinic.access.models import Account, AuditRow
from clinic.actions import deliveries
from clinic.actions.commit import Stale
from clinic.actions.deliveries import take_in
from clinic.jobs import do_next
from clinic.record.models import Delivery, Errand, Quarantined
from clinic.record.read import read

Visit = Callable[[str], Client]
Who = Callable[[str], Account]


def bundle(*resources: dict[str, Any]) -> bytes:
    entries = [{"resource": resource} for resource in (person("new-one"), *resources)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def send(client: Client, data: bytes) -> Any:
    return client.post("/patients/import", {"bundle": SimpleUploadedFile("record.json", data)})


def test_a_record_is_handed_in_imported_by_the_worker_and_told_of(browser_of: Visit, account: Who) -> None:
    client = browser_of("coordinator")
    answer = send(client, bundle(weight(patient="new-one"), weight("odd", "new-one", wieght=1)))
    place = answer["Location"]
    assert "is being taken in" in client.get(place).content.decode()
    assert "waiting" in client.get(place, headers={"hx-request": "true"}).content.decode()
    while do_next():
        pass
    assert client.get(place, headers={"hx-request": "true"})["HX-Refresh"] == "true"
    page = client.get(place).content.decode()
    assert "2 of 3" in page
    assert "Observation.wieght is not known" in page
    assert "hx-trigger" not in page
    delivery = Delivery.objects.latest("id")
    assert (bytes(delivery.content), delivery.patient_id) == (b"", "new-one")
    profile = client.get("/patients/new-one").content.decode()
    assert "1 statement kept apart" in profile
    row = Quarantined.objects.get(practice=account("nurse").practice)
    assert "wieght" in browser_of("nurse").get(f"/patients/new-one/apart/{row.pk}").content.decode()
    assert browser_of("nurse").get(f"/patients/aneurysm/apart/{row.pk}").status_code == 404
    assert browser_of("hillside-prescriber").get(f"/patients/new-one/apart/{row.pk}").status_code == 404


def test_a_file_that_is_no_record_is_refused_in_plain_words_and_not_tried_again(browser_of: Visit) -> None:
    client = browser_of("coordinator")
    place = send(client, b"{")["Location"]
    while do_next():
        pass
    page = client.get(place).content.decode()
    assert "This record was not taken in" in page
    assert "valid JSON" in page
    assert not Errand.objects.filter(kind="delivery", done_at=None).exists()
    assert client.post("/patients/import").status_code == 400
    assert send(client, b"").status_code == 400


def test_only_who_may_import_sees_the_page_and_only_the_own_deliveries(browser_of: Visit) -> None:
    place = send(browser_of("coordinator"), bundle())["Location"]
    assert browser_of("director").get(place).status_code == 404
    for role in ("nurse", "prescriber", "therapist", "patient", "hillside-prescriber"):
        client = browser_of(role)
        assert client.get("/patients/import").status_code == 404
        assert send(client, bundle()).status_code == 404
    assert AuditRow.objects.filter(act="import-record", outcome="refused", who="nurse").exists()


def test_an_import_that_was_interrupted_is_done_again_and_changes_nothing_twice(
    browser_of: Visit, account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(browser_of("coordinator"), bundle(weight(patient="new-one")))
    errand = Errand.objects.get(kind="delivery", done_at=None)
    delivery = int(errand.details["delivery"])

    def meanwhile(*of: Any, **named: Any) -> None:
        raise Stale("Patient", "new-one", 1)

    with monkeypatch.context() as patched:
        patched.setattr(deliveries, "import_record", meanwhile)
        while do_next():
            pass
    errand.refresh_from_db()
    assert (errand.done_at, errand.problem) == (None, "ValueError")
    take_in(delivery)
    Delivery.objects.filter(pk=delivery).update(done_at=None, content=bundle(weight(patient="new-one")))
    take_in(delivery)
    assert Delivery.objects.get(pk=delivery).report["unchanged"] == 2
    stored = read(account("coordinator").practice, "Observation", "w")
    assert stored is not None
    assert stored.version == 1
