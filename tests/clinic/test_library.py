"""Can anybody read the whole knowledge and check a text, without signing in?"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from clinic.web import library

pytestmark = pytest.mark.django_db
ADVERT = "<p>Ketamine is FDA-approved for depression &amp; it cures everybody.</p><script>alert(1)</script>"


@pytest.fixture
def client(settings: Any, tmp_path: Path) -> Client:
    """Nobody in particular, without a browser."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {"staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    return Client(headers={"host": "127.0.0.1"})


def words(page: bytes) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page.decode()))


def test_a_text_is_checked_without_signing_in_and_its_claims_stand_marked_in_it(client: Client) -> None:
    page = client.post("/knowledge/claims", {"text": ADVERT})
    assert page.status_code == 200
    marked = re.findall(r"<mark[^>]*>(.*?)</mark>", page.content.decode(), re.S)
    assert "Ketamine is FDA-approved for depression" in "".join(words(piece.encode()) for piece in marked)
    assert "Honest would be" in words(page.content)
    assert "<script>alert(1)</script>" not in page.content.decode()


def test_a_text_that_denies_a_claim_has_none(client: Client) -> None:
    page = client.post("/knowledge/claims", {"text": "Ketamine is not FDA-approved for depression."})
    assert "No claim found" in words(page.content)


@pytest.mark.parametrize("text", ["", "   ", None])
def test_without_a_text_there_is_a_form_and_no_verdict(client: Client, text: str | None) -> None:
    page = client.get("/knowledge/claims") if text is None else client.post("/knowledge/claims", {"text": text})
    assert page.status_code == 200
    assert "<textarea" in page.content.decode()
    assert "claim found" not in words(page.content).lower()


def test_of_a_text_without_end_the_page_says_how_much_was_not_looked_at(client: Client) -> None:
    claim = "Ketamine is FDA-approved for depression."
    late = "x " * (library.LONGEST_TEXT // 2) + claim
    page = words(client.post("/knowledge/claims", {"text": late}).content)
    assert "No claim found" in page
    assert f"its last {len(claim)} characters were not looked at" in page


@pytest.mark.parametrize("kind", ["claim", "biomarker", "alternative", "screening", "drug", "perpetrator", "protocol"])
def test_every_item_of_a_kind_opens_for_a_stranger(client: Client, kind: str) -> None:
    links = re.findall(
        rf'href="(/knowledge/items/{kind}/[^"]+)"', client.get(f"/knowledge?kind={kind}").content.decode()
    )
    assert links
    for link in links:
        assert client.get(link).status_code == 200, link


@pytest.mark.parametrize(
    ("address", "user"),
    [
        ("/knowledge/items/drug/racemic_iv_venous_composite", "racemic-iv-series"),
        ("/knowledge/items/biomarker/cyp2b6-star6", "PGX-001"),
        ("/knowledge/instruments/phq9", "CAN-013"),
    ],
)
def test_an_item_says_what_rests_on_it(client: Client, address: str, user: str) -> None:
    page = client.get(address).content.decode()
    assert "What rests on it" in page
    assert f">{user}</a>" in page
