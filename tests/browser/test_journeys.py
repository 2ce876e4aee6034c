"""The ten daily jobs, walked: how many clicks and keys each takes, and that the document says so."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser
from tests.browser.house import House
from tests.browser.journeys import JOURNEYS, WRITTEN, row, walked

TWO_MINUTES_S = 120.0
TEN = set(range(1, 11))


def test_a_plan_is_signed_in_two_minutes_and_a_session_is_entered_once(house: House, chromium: Browser) -> None:
    named = {journey.name: journey for journey in JOURNEYS}
    plan, check, session = (walked(named[n], house, chromium) for n in ("sign-a-plan", "check-an-order", "send-a-form"))
    assert plan.clicks <= 5
    assert check.clicks <= 3
    assert plan.steps_s + check.steps_s < TWO_MINUTES_S  # no test depends on how busy a machine is
    assert session.clicks <= 35  # lot, way home, record and form of a spray session, with both signatures


@pytest.mark.slow
def test_every_daily_job_can_be_walked_and_the_document_says_what_it_takes(house: House, chromium: Browser) -> None:
    assert {journey.job for journey in JOURNEYS} == TEN
    said = WRITTEN.read_text()
    for journey in JOURNEYS:
        found = walked(journey, house, chromium)
        assert row(found) in said, f"{row(found)}; make journeys writes the document anew"
