"""The page of a course in a real browser: reached and read by keyboard alone, accessible in every look and mirrored."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.house import House
from tests.browser.screenshots import TREATED
from tests.browser.test_loop import press, tab_to
from tests.browser.test_pages import check_in_every_look

Enter = Callable[..., Page]
ADDRESS = f"/patients/{TREATED}/response"


@pytest.fixture(scope="module")
def followed(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house in which one person's course has every part."""
    folder = tmp_path_factory.mktemp("followed")
    shutil.copytree(filled, folder / "data")
    found = House(folder=folder, program=[sys.executable, "-m", "tests.browser.staged", "course"]).start()
    yield found
    found.stop()


def test_the_course_is_reached_and_read_by_keyboard_alone(followed: House, enter: Enter) -> None:
    page = enter(followed, "prescriber")
    page.keyboard.press("/")
    page.wait_for_url("**/patients#q")
    page.keyboard.type("mansour")
    expect(page.locator("tbody tr")).to_have_count(1)
    press(page, "Mansour, Layla")
    expect(page.locator("#early-sign")).to_be_visible()
    press(page, "Look at the course")
    page.wait_for_url(f"**{ADDRESS}")
    expect(page.locator("h1")).to_have_text("Response")
    expect(page.locator(".person nav [aria-current]")).to_have_text("Response")
    table = page.locator("section.course details table")
    expect(table).not_to_be_visible()
    page.keyboard.press("t")
    expect(table).to_be_visible()
    expect(table).to_contain_text("planned, not given")
    expect(page.locator(".multiples table").first).to_be_visible()
    page.keyboard.press("t")
    tab_to(page, "[aria-labelledby='change'] summary")
    page.keyboard.press("Enter")
    expect(page.locator("[aria-labelledby='change'] details[open]")).to_contain_text("19 of 20 pairs")
    press(page, "Back to the person")
    page.wait_for_url(f"**/patients/{TREATED}#response")


def test_a_whole_course_is_accessible_and_fits_its_screen(followed: House, enter: Enter) -> None:
    page = enter(followed, "prescriber")
    for address in (ADDRESS, f"/patients/{TREATED}"):
        answer = page.goto(followed.url + address)
        assert answer is not None
        assert "unsafe" not in answer.headers["content-security-policy"]
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        check_in_every_look(page, address)


def test_small_charts_stand_on_one_axis_and_time_runs_on_when_the_page_mirrors(followed: House, enter: Enter) -> None:
    page = enter(followed, "prescriber")
    page.goto(followed.url + ADDRESS)
    page.evaluate("document.documentElement.dir = 'rtl'")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    starts = page.locator(".multiples svg.chart").evaluate_all(
        "all => all.map((svg) => [...svg.querySelectorAll('text')].filter((t) => /[A-Z]/.test(t.textContent))"
        ".map((t) => t.getBoundingClientRect().x - svg.getBoundingClientRect().x))"
    )
    assert len(starts) == 8  # seven scales, one rated goal
    assert all(own == pytest.approx(starts[0], abs=0.5) for own in starts)
    assert starts[0] == sorted(starts[0])


@pytest.mark.parametrize("width", [1280, 360])
def test_verdict_relapse_and_today_are_seen_without_scrolling_sideways(
    followed: House, enter: Enter, width: int
) -> None:
    page = enter(followed, "prescriber", viewport={"width": width, "height": 800})
    page.goto(followed.url + ADDRESS)
    seen = "(part) => [part.getBoundingClientRect(), part.closest('.scroll').getBoundingClientRect()]"
    inside = f"(all) => all.map({seen}).map(([own, box]) => own.left >= box.left - 1 && own.right <= box.right + 1)"
    for part in ("#change ~ .scroll .tag", "#chances ~ .scroll :is(th, td):last-child", "section.course line.now"):
        found = page.locator(part).evaluate_all(inside)
        assert found, part
        assert all(found), part


def test_paper_holds_the_definitions_and_sources_and_no_buttons(followed: House, enter: Enter) -> None:
    page = enter(followed, "prescriber")
    page.goto(followed.url + ADDRESS)
    page.emulate_media(media="print")
    expect(page.locator("[aria-labelledby='change'] .inside p").first).to_be_visible()
    expect(page.locator("[aria-labelledby='rests'] .inside a").first).to_be_visible()
    assert page.locator("a.button:visible, button:visible").count() == 0
