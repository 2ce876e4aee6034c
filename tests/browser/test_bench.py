"""The bench under the hand: keys alone move a slider, a wrong number is said at its field, an address keeps all."""

from __future__ import annotations

import re
from collections.abc import Callable

from playwright.sync_api import Browser, Page, expect
from tests.browser.house import House, signed_in
from tests.browser.screenshots import PAGES

Enter = Callable[..., Page]


def test_keys_alone_move_a_slider_and_the_chart_follows(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.goto(museum.url + PAGES["bench"])
    page.focus("#a_dose-slide")
    before = page.locator("#bench-result svg.chart").first.inner_html()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#bench-result .key")).to_contain_text("40 mg over 40 minutes")
    expect(page.locator("#a_dose")).to_have_value("40")
    assert page.evaluate("document.activeElement.id") == "a_dose-slide"
    assert page.locator("#bench-result svg.chart").first.inner_html() != before


def test_the_address_holds_what_is_drawn(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.goto(museum.url + PAGES["bench"])
    page.fill("#b_dose", "84")
    expect(page.locator("#bench-result .key")).to_contain_text("84 mg")
    expect(page).to_have_url(re.compile("b_dose=84"))
    shared = page.url
    page.goto(museum.url + "/today")
    page.goto(shared)
    expect(page.locator("#bench-result .key")).to_contain_text("84 mg")
    expect(page.locator("#b_dose")).to_have_value("84")


def test_a_wrong_number_is_said_at_its_field_and_the_rest_stays(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.goto(museum.url + PAGES["bench"])
    page.fill("#b_dose", "50")
    expect(page.locator("#wrong-b_dose")).to_contain_text("28, 56, 84 mg")
    expect(page.locator("#b_dose")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#bench-result")).to_contain_text("Not drawn: B.")
    expect(page.locator("#bench-result .key")).to_contain_text("Ketamine by vein")
    page.fill("#b_dose", "28")
    expect(page.locator("#wrong-b_dose")).to_be_empty()
    expect(page.locator("#b_dose")).not_to_have_attribute("aria-invalid", "true")


def test_a_route_is_chosen_with_keys_and_its_fields_come(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.goto(museum.url + "/bench")
    expect(page.locator("#bench-result")).to_contain_text("Nothing to compare yet")
    page.select_option("#a_way", "racemic/iv")
    expect(page.locator("#a_minutes")).to_have_value("40")
    expect(page.locator("#bench-result svg.chart").first).to_be_visible()
    page.select_option("#a_way", "esketamine/nasal")
    expect(page.locator("#a_minutes")).to_have_count(0)
    expect(page.locator("#a_dose")).to_have_value("56")
    expect(page.locator("#bench-result .key")).to_contain_text("Esketamine by nose, 56 mg")


def test_a_dose_typed_just_before_another_route_never_stands_beside_the_chart_of_another(
    museum: House, enter: Enter
) -> None:
    page = enter(museum, "nurse")
    page.goto(museum.url + PAGES["bench"])
    page.fill("#a_dose", "77")
    page.select_option("#a_way", "racemic/oral")
    expect(page.locator("#bench-result .key")).to_contain_text("Ketamine by mouth, 50 mg")
    expect(page.locator("#a_dose")).to_have_value("50")
    expect(page.locator("#a_minutes")).to_have_count(0)


def test_a_move_that_nobody_answers_is_said_and_the_next_answer_takes_it_back(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.goto(museum.url + PAGES["bench"])
    page.route("**/bench?*", lambda route: route.abort("connectionrefused"))
    page.fill("#a_dose", "90")
    expect(page.locator("#bench-result .unanswered")).to_be_visible()
    page.unroute("**/bench?*")
    page.fill("#a_dose", "91")
    expect(page.locator("#bench-result .key")).to_contain_text("91 mg")
    expect(page.locator("#bench-result .unanswered")).to_be_hidden()


def test_without_script_a_button_draws(museum: House, chromium: Browser) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = signed_in(context, museum, "director")
    page.goto(museum.url + "/bench")
    page.select_option("#a_way", "racemic/im")
    page.click("#bench-form button.first")
    expect(page.locator("#bench-result .key")).to_contain_text("Ketamine into a muscle, 50 mg")
    page.fill("#a_dose", "70")
    page.click("#bench-form button.first")
    expect(page.locator("#bench-result .key")).to_contain_text("70 mg")
    expect(page.locator("#a_dose-slide")).to_be_hidden()
    context.close()


def test_the_files_are_those_of_what_is_drawn(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.goto(museum.url + PAGES["bench"])
    with page.expect_download() as made:
        page.click("text=CSV")
    assert made.value.suggested_filename == "bench.csv"
    assert "esketamine,nasal,56" in made.value.path().read_text()


def test_the_planned_dose_goes_to_the_bench_with_its_person(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    page.goto(museum.url + PAGES["plan"])
    page.click("text=Expected level after the first dose >> nth=0")
    page.click("text=On the bench >> nth=0")
    expect(page.locator("#bench-form")).to_contain_text("Filled from the record of")
    expect(page.locator("#weight")).not_to_have_value("")
    expect(page.locator("#bench-result svg.chart").first).to_be_visible()
