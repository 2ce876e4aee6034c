"""The list of patients in a large practice: a hundred at a time, nobody twice and nobody left out."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from clinic.record.models import PatientLine, Practice

Visit = Callable[[str], Client]


@pytest.fixture
def many(db: None) -> None:
    """A hundred and thirty people more, some of one name."""
    practice = Practice.objects.get(slug="harbour")
    PatientLine.objects.bulk_create(
        PatientLine(practice=practice, patient_id=f"many-{n}", family=f"Many{n // 2:03}", given="Ida")
        for n in range(130)
    )


def test_everybody_stands_on_one_page_of_the_list(browser_of: Visit, many: None) -> None:
    client, address, seen = browser_of("nurse"), "/patients", []
    while address:
        text = client.get(address).content.decode()
        rows = re.findall(r'<td><a href="/patients/([^"]+)">', text)
        assert len(rows) <= 100
        seen += rows
        following = re.search(r'href="([^"]+)">The next ones', text)
        address = following[1].replace("&amp;", "&") if following else ""
    everybody = set(PatientLine.objects.filter(practice__slug="harbour").values_list("patient_id", flat=True))
    assert len(seen) == len(everybody) > 130
    assert set(seen) == everybody
    assert "The ones before" in text


@pytest.mark.parametrize("start", ["x", "-1", "1e9", "9999999", "٣", "5000"])
def test_an_odd_place_in_the_list_is_a_page(browser_of: Visit, start: str) -> None:
    assert browser_of("nurse").get("/patients", {"from": start}).status_code == 200
