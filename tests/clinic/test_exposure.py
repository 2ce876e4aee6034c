"""The ledger on the person's page: what was given, what is not known, and the same sums as the cohort's projection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from html import unescape

from django.db.models import Sum
from django.test import Client

from clinic.access.models import Account
from clinic.actions.patients import import_record
from clinic.queries.followup import ledger
from clinic.queries.person import chart
from clinic.record.models import ExposureLine

TREATED, READY = "first-language-arabic", "treatment-resistant-depression"
Visit = Callable[..., Client]


def words(page: bytes) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.decode())))


def test_the_ledger_and_the_projection_of_the_cohort_say_the_same_of_everybody(
    account: Callable[[str], Account],
) -> None:
    practice = account("prescriber").practice
    lines = ExposureLine.objects.filter(practice=practice)
    people = set(lines.values_list("patient_id", flat=True))
    assert people
    for patient_id in people:
        found = chart(practice, patient_id)
        assert found is not None
        for window in ledger(found).windows:
            own = lines.filter(patient_id=patient_id, product=window.product, given_on__gte=window.since)
            own = own.exclude(dose_mg=0)
            assert window.mg == (own.aggregate(sum=Sum("dose_mg"))["sum"] or 0.0)
            assert window.sessions == own.values("given_on").distinct().count()
            assert window.without_mg == own.filter(dose_mg=None).count()


def test_the_page_shows_sums_checks_and_what_is_not_known(browser_of: Visit) -> None:
    client = browser_of("prescriber")
    text = words(client.get(f"/patients/{TREATED}").content).partition("Exposure and checks")[2]
    for said in ("30 days", "mg/kg", "Where action begins", "Review of misuse", "not known",
                 "No published model turns an amount into a risk"):  # fmt: skip
        assert said in text, said
    assert "Exposure and checks" not in words(client.get(f"/patients/{READY}").content)


def elsewhere(identity: str, **more: object) -> dict[str, object]:
    return {
        "resourceType": "MedicationAdministration", "id": identity, "status": "completed",
        "subject": {"reference": "Patient/elsewhere"}, "medicationCodeableConcept": {"text": "ketamine"},
        "effectiveDateTime": "2026-11-17T10:00:00-05:00", "dosage": {"dose": {"value": 50, "unit": "mg"}}, **more,
    }  # fmt: skip


def test_the_page_names_what_was_given_elsewhere_and_could_not_be_counted(
    account: Callable[[str], Account], browser_of: Visit
) -> None:
    patient = {"resourceType": "Patient", "id": "elsewhere", "name": [{"family": "Else"}], "birthDate": "1980-01-01"}
    given = [
        elsewhere("good"),
        elsewhere("month", effectiveDateTime="2026-11"),
        elsewhere("brand", medicationCodeableConcept={"text": "Ketanest"}),
        elsewhere("negative", dosage={"dose": {"value": -50, "unit": "mg"}}),
        {"resourceType": "MedicationStatement", "id": "home", "status": "active",
         "subject": {"reference": "Patient/elsewhere"},
         "medicationCodeableConcept": {"text": "ketamine oral"}, "effectivePeriod": {"start": "2026-09-01"}},
    ]  # fmt: skip
    entries = [{"resource": one} for one in (patient, *given)]
    data = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()
    made = import_record(data, by=account("coordinator"))
    assert made.apart == ()
    client = browser_of("prescriber")
    text = words(client.get("/patients/elsewhere").content).partition("Exposure and checks")[2]
    for said in ("at least 50 mg", "4 not counted", "Could not be counted", "2026-11", "the day is not given",
                 "Ketanest", "-50 mg is no possible dose", "from 1 Sep 2026", "at least 1 of 12 in 30 days",
                 "not known whether it is reached"):  # fmt: skip
        assert said in text, said
    assert "Exposure and checks" in words(client.get("/patients/elsewhere").content)
    plan = words(client.get("/patients/elsewhere/plan").content)
    assert "that could not be counted" in plan or "No way to treat" in plan
