"""From candidacy to a signed plan in two minutes, and its second check: a few clicks, and no page between them."""

from __future__ import annotations

from playwright.sync_api import Browser
from tests.browser.house import House
from tests.browser.journeys import JOURNEYS, walked

TWO_MINUTES_S = 120.0


def test_a_plan_is_signed_and_checked_within_two_minutes(house: House, chromium: Browser) -> None:
    own = {journey.name: walked(journey, house, chromium) for journey in JOURNEYS[:2]}
    plan, check = own["sign-a-plan"], own["check-an-order"]
    assert plan.clicks <= 5
    assert check.clicks <= 3
    steps_only = [one.person_s - one.waited_s for one in (plan, check)]  # no test depends on how busy a machine is
    assert sum(steps_only) < TWO_MINUTES_S
