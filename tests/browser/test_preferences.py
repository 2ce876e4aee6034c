"""The trade-off exercise in a real browser, by keyboard alone; and the table that comes after its page."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.browser.house import House
from tests.browser.screenshots import PAGES, READY

Enter = Callable[..., Page]
_MOST_QUESTIONS = 12


def _tab_to(page: Page, words: str) -> None:
    """Press the tabulator until the control with these words has the focus."""
    for _press in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()").startswith(words):
            return
    raise AssertionError(f"no way to {words!r} by the tabulator")


def test_the_exercise_is_done_and_saved_by_keyboard_alone(house: House, enter: Enter) -> None:
    page = enter(house, "nurse")
    page.goto(house.url + PAGES["preferences"])
    _tab_to(page, "Begin")
    page.keyboard.press("Enter")
    for number in range(1, _MOST_QUESTIONS + 1):
        expect(page.locator("h1")).to_be_visible()
        if page.locator("h1").inner_text() == "What the choices come to":
            break
        expect(page.get_by_text(f"Question {number} of about")).to_be_visible()
        _tab_to(page, "As now")
        with page.expect_navigation():
            page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("What the choices come to")
    _tab_to(page, "Save")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Saved. The options are put in order by it.")).to_be_visible()
    expect(page.locator("dd").first).to_contain_text("good days")


def test_what_is_worth_ordering_comes_by_itself(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    page.goto(f"{museum.url}/patients/{READY}/worth")
    expect(page.get_by_text("What would change the first option, most often first")).to_be_visible()
    expect(page.get_by_text("Every answer is being tried")).to_have_count(0)
