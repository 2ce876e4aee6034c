"""The plan composer in a real browser: by the keyboard, live, and without storing anything."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect
from tests.browser.house import House
from tests.browser.screenshots import READY

Enter = Callable[[House, str], Page]


def test_a_slider_moved_by_the_keyboard_shows_the_order_that_would_follow(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    sent: list[str] = []
    page.goto(f"{museum.url}/patients/{READY}/plan")
    page.on("request", lambda request: sent.append(request.method))
    offered = page.locator("article h2").all_inner_texts()
    expect(page.locator("#what-if-result")).to_contain_text("Move a slider")
    page.locator("#slide-visits").focus()
    page.keyboard.press("End")
    expect(page.locator("#worth-visits")).to_have_value("3")
    expect(page.locator("#what-if-result")).to_contain_text("Nothing was stored")
    expect(page.locator("#what-if-result .way-letter").first).not_to_have_text("A")
    assert page.locator("article h2").all_inner_texts() == offered
    page.click("text=Back to how it was")
    expect(page.locator("#worth-visits")).to_have_value("0.5")
    assert set(sent) == {"GET"}


def test_benefit_is_set_against_another_burden_without_leaving_the_page(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    page.goto(f"{museum.url}/patients/{READY}/plan")
    page.evaluate("document.body.dataset.same = 'yes'")
    page.locator("#trade-off nav").get_by_text("marked dissociation").press("Enter")
    expect(page.locator("#trade-off svg")).to_contain_text("Sessions with marked dissociation")
    expect(page.locator("#trade-off [aria-current]")).to_have_text("marked dissociation")
    page.locator("#trade-off nav").get_by_text("cost").click()
    expect(page.locator("#trade-off .gap")).to_contain_text("not known")
    page.select_option("#one", index=0)
    page.select_option("#other", index=2)
    page.click("#pair button")
    expect(page.locator("#pair table")).to_contain_text("differs")
    expect(page.locator("body[data-same='yes']")).to_have_count(1)
