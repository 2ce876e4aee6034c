"""One person once round the loop in a real browser: by mouse, and by keyboard alone."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Error, Page, expect
from tests.browser.house import House, opened_once, sign_here

READY = "treatment-resistant-depression"
Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def filled(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small house: twelve people, and one colleague of each role."""
    return opened_once(demonstration, tmp_path_factory.mktemp("small"))


def test_once_round_the_loop_by_mouse(house: House, enter: Enter) -> None:
    page = enter(house, "prescriber")
    page.click("nav.rail >> text=Patients")
    page.fill("#q", "oka")
    page.click("text=Okafor, Maren")
    expect(page.locator("#decision")).to_contain_text("Ketamine is an option; no plan is signed yet")
    page.locator("#candidacy summary").first.click()
    expect(page.locator("#candidacy details[open]")).to_contain_text("Would be reversed by")
    page.click("#decision >> text=Compare the options")
    expect(page.locator("article").nth(1)).to_be_visible()
    options = page.locator("article").count()
    expect(page.locator("article svg.chart")).to_have_count(options)
    expect(page.locator("article svg.strip")).to_have_count(options)
    sign_here(page.locator("article").nth(1), house, "prescriber")
    page.click("text=Sign plan B")
    expect(page.locator("#plan")).to_contain_text("35 mg over 40 minutes")
    expect(page.locator("#plan .signed").first).to_contain_text("signed by Dr Ada Lindqvist, Prescriber")

    page.click("#sessions >> text=Open a visit")
    page.click("button:has-text('Open the visit')")
    page.fill("#v1", "126")
    page.fill("#v2", "79")
    page.click("text=Save readings")
    expect(page.locator("#moments")).to_contain_text("126/79")
    page.click("text=Confirm the consent")
    expect(page.locator("main")).to_contain_text("The consent is confirmed")
    page.fill("#rescreen-reason", "Asked on the phone this morning; nothing has changed.")
    page.click("text=Finish the re-screen")
    order = page.locator("#check form")
    page.fill("#concentration", "2")
    sign_here(order, house, "prescriber")
    page.click("text=I have checked this order")
    expect(page.locator("#check")).to_contain_text("1 of 2")
    second(house, enter)
    page.reload()
    page.fill("#start-reason", "A place came free today.")
    page.click("text=Start the dose")
    expect(page.locator("main")).to_contain_text("“A place came free today.” (Dr Ada Lindqvist")
    expect(page.locator(".timer[data-seconds]")).to_contain_text(":")
    page.fill("#v1", "148")
    page.fill("#v2", "88")
    page.click("text=Save readings")
    expect(page.locator("svg.session-chart circle")).to_have_count(4)
    page.fill("#rate", "26.2")
    page.click("text=Set the rate")
    expect(page.locator("#giving")).to_contain_text("26.2 mL/h since")
    page.fill("#dose_mg", "30")
    page.check("text=It was stopped early")
    page.fill("#end-reason", "Anxious; settled when stopped.")
    page.fill("#secret-dose", "not hers")
    page.click("form >> button:has-text('End the dose')")
    expect(page.locator("#problem")).to_contain_text("Not signed")
    expect(page.locator("#dose_mg")).to_have_value("30")
    expect(page.locator("#end-reason")).to_have_value("Anxious; settled when stopped.")
    expect(page.locator("#signer-dose")).to_have_count(0)  # the first signing of the session took the name
    sign_here(page.locator("form", has_text="Dose really given"), house, "prescriber")
    page.click("form >> button:has-text('End the dose')")
    expect(page.locator("main")).to_contain_text("signed by Dr Ada Lindqvist, Prescriber")
    page.locator("#override summary").click()
    page.fill("#override-reason", "Sister is here, well.")
    sign_here(page.locator("#override form"), house, "prescriber")
    page.click("text=Override and sign")
    page.click("text=End the visit")
    page.click("nav >> text=Decision")
    expect(page.locator("#sessions")).to_contain_text("30 mg")
    expect(page.locator("#sessions")).to_contain_text("stopped early")

    page.click("text=Enter PHQ-9")
    for item in range(9):
        page.locator("fieldset").nth(item).locator("label").nth(0 if item == 8 else 1).click()
    page.click("text=Save the answers")
    expect(page.locator("[role=status]")).to_contain_text("PHQ-9 8, mild")
    expect(page.locator("#response svg.chart circle")).to_have_count(2)
    expect(page.locator("#response")).to_contain_text("today")

    page.click("text=Decide otherwise")
    page.click("label:has-text('Adjust dose or spacing')")
    page.fill("#card-dose", "30")
    page.fill("#card-reason", "Half an hour was too much.")
    sign_here(page.locator("form", has=page.locator("#card-reason")), house, "prescriber")
    page.click("text=Take this step")
    expect(page.locator("#plan")).to_contain_text("30 mg over 40 minutes")
    expect(page.locator("#plan")).to_contain_text("Earlier plans")
    expect(page.locator("#decision")).to_contain_text("2 decisions so far")


def test_once_round_the_loop_by_keyboard_alone(house: House, enter: Enter) -> None:
    page = enter(house, "prescriber")
    page.keyboard.press("/")
    page.wait_for_url("**/patients#q")
    page.keyboard.type("oka")
    expect(page.locator("tbody tr")).to_have_count(1)
    press(page, "Okafor, Maren")
    press(page, "Compare the options")
    write(page, {"signer-B": "prescriber", "secret-B": house.secret("prescriber")})
    press(page, "Sign plan B")
    expect(page.locator("#plan")).to_contain_text("35 mg over 40 minutes")
    press(page, "Open a visit")
    press(page, "Open the visit")
    write(page, {"v1": "126", "v2": "79"})
    press(page, "Save readings")
    expect(page.locator("#moments")).to_contain_text("126/79")
    press(page, "Confirm the consent")
    write(page, {"rescreen-reason": "Asked on the phone this morning."})
    press(page, "Finish the re-screen")
    write(page, {"concentration": "2", "secret-check": house.secret("prescriber")})
    press(page, "I have checked this order")
    expect(page.locator("#check")).to_contain_text("1 of 2")
    second(house, enter)
    page.reload()
    write(page, {"start-reason": "A place came free today."})
    press(page, "Start the dose")
    write(page, {"dose_mg": "35", "secret-dose": house.secret("prescriber")})
    press(page, "End the dose")
    tab_to(page, "#override summary")
    page.keyboard.press("Enter")
    write(page, {"override-reason": "Sister is here, well.", "secret-override": house.secret("prescriber")})
    press(page, "Override and sign")
    press(page, "End the visit")
    press(page, "Decision")
    press(page, "Enter PHQ-9")
    for item in range(1, 10):
        tab_to(page, f"#phq9-{item}, [name$='{item}']")
        page.keyboard.press("Space" if item == 9 else "ArrowDown")
    press(page, "Save the answers")
    expect(page.locator("[role=status]")).to_contain_text("PHQ-9")
    write(page, {"secret-card": house.secret("prescriber")})
    press(page, "Accept:")
    expect(page.locator("#decision")).to_contain_text("2 decisions so far")


def second(house: House, enter: Enter) -> None:
    """The nurse checks the order too."""
    page = enter(house, "nurse")
    page.goto(f"{house.url}/patients/{READY}/session")
    page.fill("#concentration", "2")
    sign_here(page.locator("#check form"), house, "nurse")
    page.click("text=I have checked this order")
    expect(page.locator("#check")).to_contain_text("2 of 2")


def test_the_trouble_is_read_first_and_what_was_typed_is_kept(house: House, enter: Enter) -> None:
    page = enter(house, "prescriber")
    page.goto(f"{house.url}/patients/{READY}/plan")
    article = page.locator("article").nth(1)
    article.locator("summary", has_text="Change or reject").click()
    article.locator("[name=dose_mg]").fill("500")
    article.locator("textarea").fill("as much as possible")
    sign_here(article, house, "prescriber")
    article.locator("text=Sign with this dose").click()
    expect(page.locator("#problem")).to_be_focused()
    expect(page.locator("#problem")).to_contain_text("at most 71 mg")
    expect(page.locator("article").nth(1).locator("textarea")).to_have_value("as much as possible")


def tab_to(page: Page, selector: str) -> None:
    """Tab on until the focus is there, as somebody without a mouse does."""
    mark = "found => { window.wanted = new Set(found); }"
    for pressed in range(500):
        with suppress(Error):  # the page that was left is gone; the next turn asks the new one
            if pressed % 25 == 0 or not page.evaluate("'wanted' in window"):  # a page may change under the fingers
                page.locator(selector).evaluate_all(mark)
            page.keyboard.press("Tab")
            if page.evaluate("window.wanted?.has(document.activeElement)"):
                return
    raise AssertionError(f"the keyboard never reaches {selector}")


def press(page: Page, name: str) -> None:
    """Reach a link or button by its name and press it."""
    tab_to(page, f"a:has-text('{name}'), button:has-text('{name}')")
    page.keyboard.press("Enter")
    page.wait_for_load_state()


def write(page: Page, fields: dict[str, str]) -> None:
    """Reach each field and type."""
    for name, words in fields.items():
        tab_to(page, f"#{name}")
        page.keyboard.type(words)


def test_after_the_induction_going_on_makes_the_adapted_plan_with_the_chosen_spacing(
    house: House, enter: Enter
) -> None:
    page = enter(house, "prescriber")
    page.goto(f"{house.url}/patients/first-language-arabic")
    expect(page.locator("#decision h2").first).to_contain_text("Suggested: Continue")
    expect(page.locator("#plan")).to_contain_text("Every appointment of this plan has passed")
    way = page.locator("label:has-text('every 14 days')")
    dates = way.inner_text().split("days")[1].strip().split(", ")
    way.click()
    sign_here(page.locator("form", has_text="Accept: Continue"), house, "prescriber")
    page.click("text=Accept: Continue")
    expect(page.locator("[role=status]")).to_contain_text("Decided")
    for date in dates:
        expect(page.locator("#plan tbody")).to_contain_text(date)
    expect(page.locator("#plan tbody")).to_contain_text("Review after session 10")
    expect(page.locator("#response svg.chart line.planned")).not_to_have_count(0)
