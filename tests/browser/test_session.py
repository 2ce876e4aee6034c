"""The page of a session when the network is away: what was observed is kept unreadable, and sent exactly once."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.house import House, sign_here

Enter = Callable[..., Page]
WATCHED = "/patients/ptsd-with-depression/session"
PUMP = "/patients/callum-fraser/session"
DEVICES = "/patients/nneka-obi/session"
READY = "/patients/mateo-villanueva/session"
STORED = "JSON.stringify([{...sessionStorage}, {...localStorage}])"


def read(page: Page, systolic: str, diastolic: str, taken: str = "") -> None:
    """Type a pressure and save it."""
    page.fill("#v1", systolic)
    page.fill("#v2", diastolic)
    if taken:
        page.locator("#taken-earlier").evaluate("part => { part.open = true; }")
        page.fill("#taken", taken)
    page.click("text=Save readings")


def charted(page: Page) -> list[tuple[str, str]]:
    """Time and pressure of every row of the table of readings."""
    cells = page.locator("#moments tbody tr").evaluate_all(
        "rows => rows.map(row => [row.cells[0].innerText.slice(0, 5), row.cells[1].innerText])"
    )
    return [(at, pressure) for at, pressure in cells]


@pytest.mark.requirement(53)
def test_through_a_network_loss_every_reading_arrives_once_with_its_own_time(house: House, enter: Enter) -> None:
    page = enter(house, "nurse")
    page.goto(house.url + WATCHED)
    before = len(charted(page))
    page.context.set_offline(True)
    read(page, "141", "87")
    expect(page.locator("#queue li")).to_have_count(1)
    shown = page.locator("#queue").get_attribute("data-now") or ""
    taken = f"{datetime.fromisoformat(shown) - timedelta(minutes=4):%H:%M}"
    read(page, "143", "89", taken)
    expect(page.locator("#queue li")).to_have_count(2)
    expect(page.locator("#queue [data-count]")).to_contain_text(f"2 waiting, the oldest of {taken}")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()

    stored = page.evaluate(STORED)
    assert stored.count("sealed") == 2  # they are there, and say nothing
    assert not any(plain in stored for plain in ("141", "143", "systolic", "vitals"))

    page.fill("#escort", "Her sister")
    page.click("text=Name the escort")
    expect(page.locator("#queue-said")).to_contain_text("waits for the connection")
    page.click("text=Sign out")
    expect(page.locator("#unsent")).to_contain_text("Not yet at the clinic’s computer: 2")
    expect(page.locator("#unsent")).to_contain_text("nobody can be signed out")
    expect(page.locator("#unsent [data-leave]")).to_be_hidden()  # it would lead nowhere, and lose what waits
    page.click("text=Stay, and keep trying")
    assert page.evaluate("window.dispatchEvent(new Event('beforeunload', {cancelable: true}))") is False
    page.click("nav >> text=Lock")
    expect(page.locator("#cover")).to_be_visible()
    page.fill("#cover-secret", house.secret("nurse"))
    page.click("#cover button")
    expect(page.locator("#cover [data-away]")).to_contain_text("does not answer")

    page.context.set_offline(False)
    page.fill("#cover-secret", house.secret("nurse"))
    page.click("#cover button")
    expect(page.locator("#cover")).to_be_hidden()
    expect(page.locator("#queue li")).to_have_count(0)
    expect(page.locator("#moments tbody tr")).to_have_count(before + 2)
    at = {pressure: time for time, pressure in charted(page)}
    assert at["143/89"] == taken
    assert at["141/87"] > taken
    assert "sealed" not in page.evaluate(STORED)


def test_a_batch_sent_twice_from_two_tabs_or_past_a_locked_screen_is_kept_once(house: House, enter: Enter) -> None:
    page = enter(house, "nurse")
    page.goto(house.url + WATCHED)
    other = page.context.new_page()
    other.goto(house.url + WATCHED)
    before = len(charted(page))
    batches: list[str] = []
    page.on("request", lambda sent: batches.append(sent.post_data or "") if sent.url.endswith("/observed") else None)
    # The answer is lost on its way: the clinic has the entry, the browser does not know and sends it again.
    page.route("**/session/observed", lambda route: (route.fetch(), route.abort())[1], times=1)
    read(page, "139", "85")
    expect(page.locator("#queue li")).to_have_count(1)
    expect(page.locator("#queue li")).to_have_count(0)
    assert len({json.loads(batch)["entries"][0]["key"] for batch in batches}) == 1
    assert len(batches) == 2
    read(other, "138", "84")
    expect(page.locator("#moments tbody tr")).to_have_count(before + 2)  # told by the stream
    page.reload()
    assert [pressure for _at, pressure in charted(page)].count("139/85") == 1
    assert len(charted(page)) == before + 2

    # The screen is locked elsewhere: what is charted now waits until the same person is back.
    other.click("text=Lock")
    other.wait_for_load_state()
    read(page, "150", "91")
    expect(page.locator("#queue [data-state]")).to_contain_text("the screen is locked")
    expect(page.locator("#queue li")).to_have_count(1)
    other.goto(house.url + "/lock")
    other.fill("#secret", house.code("nurse"))
    other.click("main button.first")
    expect(page.locator("#queue li")).to_have_count(0)
    expect(page.locator("#moments")).to_contain_text("150/91")


def test_what_a_page_loaded_anew_has_lost_is_said_where_it_belongs_until_it_is_seen(house: House, enter: Enter) -> None:
    page = enter(house, "nurse")
    page.goto(house.url + WATCHED)
    page.on("dialog", lambda dialog: dialog.accept())
    # The clinic has this one, only its answer never came: nothing is lost.
    page.route("**/session/observed", lambda route: (route.fetch(), route.abort())[1])
    read(page, "151", "91")
    expect(page.locator("#queue [data-state]")).to_contain_text("No connection")
    page.unroute("**/session/observed")
    # This one it has not. Until that is known the page says that nobody knows.
    page.route("**/session/observed", lambda route: route.abort())
    read(page, "152", "92")
    expect(page.locator("#queue li")).to_have_count(2)
    page.reload()
    lost = page.locator("#queue-lost")
    expect(lost).to_contain_text("has not said whether it has it")
    expect(page.locator("#moments")).to_contain_text("151/91")
    assert "sealed" not in page.evaluate(STORED)
    page.unroute("**/session/observed")
    page.goto(house.url + DEVICES)
    page.wait_for_timeout(1500)  # longer than the page takes to look
    expect(lost).to_be_hidden()
    page.goto(house.url + WATCHED)
    expect(lost).to_contain_text("Lost: 1, of")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.reload()
    expect(lost).to_contain_text("Lost: 1, of")
    lost.locator("button").click()
    expect(lost).to_be_hidden()
    assert "lost." not in page.evaluate(STORED)


def test_what_cannot_be_is_named_beside_its_form_and_what_waits_says_that_no_limit_was_checked(
    house: House, enter: Enter
) -> None:
    page = enter(house, "nurse")
    page.goto(house.url + WATCHED)
    beside = page.locator("#checkin [data-beside]")
    page.fill("#v4", "970")
    read(page, "999", "50")
    expect(beside).to_contain_text("Systolic 999: it has to be")
    expect(beside).to_contain_text("Oxygen 970: it has to be")
    assert page.input_value("#v1") == "999"  # typed once
    expect(page.locator("#queue")).to_be_hidden()
    page.fill("#v4", "")
    read(page, "80", "90")
    expect(beside).to_contain_text("80/90: the upper pressure has to be above")

    page.context.set_offline(True)
    read(page, "999", "50")
    expect(beside).to_contain_text("Systolic 999: it has to be")
    read(page, "186", "112")
    expect(beside).to_contain_text("Limits are not checked until the connection is back")
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    page.context.set_offline(False)
    expect(page.locator("#queue li")).to_have_count(0)
    expect(beside).to_have_count(0)
    limit = page.locator("[data-limit=MON-008]")
    expect(limit).to_contain_text("186/112 mmHg")
    expect(limit).to_be_in_viewport()
    at = (limit.locator(".measured").text_content() or "").rpartition(", ")[2]
    expect(page.locator("#last-at")).to_have_text(f"last at {at}")


def test_a_network_that_stalls_is_one_that_is_away_and_what_waited_for_it_is_not_done_later(
    house: House, enter: Enter
) -> None:
    page = enter(house, "nurse")
    page.goto(house.url + PUMP)
    page.route("**/session/observed", lambda route: None)  # it never answers, and never breaks
    read(page, "171", "101")
    expect(page.locator("#queue li")).to_have_count(1)
    read(page, "172", "102")
    expect(page.locator("#queue li")).to_have_count(2)
    expect(page.locator("#checkin [data-beside]")).to_contain_text("not yet on record")
    page.click(".pump-acts >> text=Stop")
    expect(page.locator("#queue li")).to_have_count(3)
    page.fill("#dose_mg", "31")
    sign_here(page.locator("#end"), house, "nurse")
    page.click("#end button.large")
    expect(page.locator("#queue-said")).to_contain_text("nothing was done")
    expect(page.locator("#queue [data-state]")).to_contain_text("No connection")
    assert page.evaluate(STORED).count("sealed") == 3
    page.fill("#v1", "173")
    page.unroute("**/session/observed")
    expect(page.locator("#queue li")).to_have_count(0)
    expect(page.locator("#moments")).to_contain_text("171/101")
    expect(page.locator("#moments")).to_contain_text("172/102")
    expect(page.locator("#giving")).to_contain_text("Stopped at")
    assert (page.input_value("#dose_mg"), page.input_value("#v1")) == ("31", "173")
    expect(page.locator("#session")).to_have_attribute("data-step", "dosing")


def test_a_dose_begun_without_a_connection_begins_once_and_its_page_goes_on_in_spite_of_what_was_not_taken(
    house: House, enter: Enter
) -> None:
    page = enter(house, "nurse")
    page.goto(house.url + READY)
    page.context.set_offline(True)
    for _twice in range(2):
        page.click("text=Start the dose")
        expect(page.locator("#start form[data-late] [data-beside]")).to_contain_text("Dose begun at")
    expect(page.locator("#queue li")).to_have_count(1)
    page.click("#start [data-begun] >> text=Pause")
    expect(page.locator("#start [data-begun] >> text=Go on")).to_be_visible()
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    shown = page.locator("#queue").get_attribute("data-now") or ""
    read(page, "133", "83", f"{datetime.fromisoformat(shown) - timedelta(hours=9):%H:%M}")  # before they came
    expect(page.locator("#queue li")).to_have_count(3)
    page.fill("#v1", "134")
    page.context.set_offline(False)
    expect(page.locator("#session")).to_have_attribute("data-step", "dosing")
    expect(page.locator("#queue li")).to_have_count(1)
    expect(page.locator("#queue li")).to_contain_text("Not taken")
    expect(page.locator("#giving >> text=Go on")).to_be_visible()
    assert page.input_value("#v1") == "134"


def test_what_one_has_typed_stays_when_another_takes_the_next_step(house: House, enter: Enter) -> None:
    page, other = enter(house, "nurse"), enter(house, "nurse-osei")
    page.goto(house.url + DEVICES)
    page.fill("#v1", "151")
    page.fill("#dose_mg", "50")
    other.goto(house.url + DEVICES)
    other.fill("#dose_mg", "56")
    other.fill("#end-reason", "One device was enough today")
    other.locator("#end [name=stopped_early]").check()
    sign_here(other.locator("#end"), house, "nurse-osei")
    other.click("#end button.large")
    expect(other.locator("#session")).to_have_attribute("data-step", "observing")
    expect(page.locator("#session")).to_have_attribute("data-step", "observing")  # told by the stream
    assert page.input_value("#v1") == "151"
    expect(page.locator("#queue-said")).to_contain_text("Dose really given, mg of base 50")
    page.fill("#v2", "91")
    page.click("text=Save readings")
    expect(page.locator("#moments")).to_contain_text("151/91")
