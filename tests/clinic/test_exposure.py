"""The ledger on the person's page: what was given, what is not known, and the same sums as the cohort's projection."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from django.db.models import Sum
from django.test import Client

from clinic.access.models import Account
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
