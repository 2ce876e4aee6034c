"""A disk that is full: nothing is half saved, the page says so, and once there is room everything goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from clinic.access.models import AuditRow
from clinic.access.verification import verify
from clinic.record.models import Version

PATH = "/patients/aneurysm/fact"
FIELDS = {"path": "social.ride_home", "said": "yes", "reason": "x" * 400, "key": ""}


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="the database file itself is told to grow no further")
def test_nothing_is_half_saved_and_the_page_says_so(browser_of: Callable[[str], Client]) -> None:
    client = browser_of("nurse")
    acts = AuditRow.objects.filter(act="state-fact", outcome="done").all
    told = acts().count()
    client.raise_request_exception = False
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA page_count")
        pages = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    try:
        answers = []
        while not answers or (answers[-1].status_code == 302 and len(answers) < 200):
            answers.append(client.post(PATH, FIELDS))
        before = Version.objects.count()
        refused = answers[-1]
        assert refused.status_code == 503
        assert "Nothing of what you sent was saved" in refused.content.decode()
        assert Version.objects.count() == before
    finally:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA max_page_count = 1073741823")
    assert client.post(PATH, FIELDS).status_code == 302
    assert verify().is_intact
    saved = [answer for answer in answers if answer.status_code == 302]
    assert acts().count() == told + len(saved) + 1  # the last one after there was room again
