"""Security keys and a screen that locks, in a real browser: a password alone opens nothing, and nothing is lost."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, CDPSession, Page, expect
from tests.browser.house import COMMAND, House

READY = "treatment-resistant-depression"
PASSWORD = "quiet house"
NOTE = "Her sister moved away, she takes the tram."
Enter = Callable[..., Page]


@pytest.fixture
def real(tmp_path: Path) -> Iterator[House]:
    """A clinic with nobody in it but a prescriber who has never signed in."""
    found = House(folder=tmp_path, command="serve")
    _run(found, "create-practice", "real", "--name", "Real Clinic")
    found.start()
    yield found
    found.stop()


@pytest.mark.requirement(1, 3)
def test_a_prescriber_sets_up_a_security_key_and_signs_in_and_unlocks_with_it(real: House, chromium: Browser) -> None:
    said = _run(real, "create-user", "rita", "--name", "Dr Rita Real", "--role", "prescriber", "--practice", "real")
    code = said.split()[-1]
    context = chromium.new_context(base_url=f"http://localhost:{real.port}")
    page = context.new_page()
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    _plug_in(context.new_cdp_session(page))
    _sign_in(page, code)
    expect(page.locator("h1")).to_have_text("Your account")
    page.goto("/patients")
    expect(page.locator("main")).to_contain_text("Set up a second factor first")
    page.click("text=Add a security key")
    page.fill("#name", "blue key")
    page.click("main button:has-text('Add the key')")
    expect(page.locator(".codes li")).to_have_count(10)
    assert Axe().run(page).violations_count == 0
    page.click("text=I have kept them")
    page.fill("#first", PASSWORD)
    page.fill("#again", PASSWORD)
    page.click("text=Set password")
    expect(page.locator("h1")).not_to_have_text("Choose a password")

    page.click("text=Sign out")
    _sign_in(page, PASSWORD)
    expect(page.locator("h1")).to_have_text("Second factor")
    assert Axe().run(page).violations_count == 0
    page.click("text=Use a security key")
    page.wait_for_url("**/today")
    page.click("nav >> text=Lock")
    expect(page.locator("h1")).to_contain_text("Locked")
    page.click("main a.button.first")
    page.click("text=Use a security key")
    expect(page.locator("h1")).not_to_contain_text("Locked")  # the address of the lock ends as that of the page does
    page.goto("/account")
    expect(page.locator("#factors ~ ul")).to_contain_text("blue key")
    assert Axe().run(page).violations_count == 0
    assert not [said for said in troubles if "status of 4" not in said]
    context.close()


@pytest.mark.requirement(7)
def test_what_was_typed_before_the_screen_locked_is_saved_after_unlocking(house: House, enter: Enter) -> None:
    page = enter(house, "nurse")
    page.goto(f"{house.url}/patients/{READY}/fact?path=social.ride_home")
    page.click("main label:has-text('No')")
    page.fill("#reason", NOTE)
    other = page.context.new_page()
    other.goto(f"{house.url}/patients/aneurysm")
    other.click("nav >> text=Lock")
    page.click("main button:has-text('Save')")
    expect(page.locator("main")).to_contain_text("What you sent is kept")
    assert Axe().run(page).violations_count == 0
    assert NOTE not in page.content()
    page.fill("#secret", house.code("nurse"))
    page.click("main button:has-text('Unlock')")
    expect(page.locator("[role=status]")).to_contain_text("Saved")
    with sqlite3.connect(house.folder / "data" / "clinic.sqlite3", timeout=20) as database:
        assert database.execute("SELECT count(*) FROM record_version WHERE reason = ?", [NOTE]).fetchone()[0] > 0
        since = "(SELECT max(id) FROM access_auditrow WHERE act = 'unlock')"
        acts = f"SELECT outcome FROM access_auditrow WHERE act = 'state-fact' AND id > {since}"
        assert database.execute(acts).fetchall() == [("done",)]
    other.reload()
    expect(other.locator("h1")).not_to_contain_text("Locked")


@pytest.mark.requirement(7)
def test_a_screen_that_nobody_touches_covers_itself_and_keeps_what_is_typed_on_it(
    filled: Path, tmp_path: Path, enter: Enter
) -> None:
    house = House(folder=tmp_path, settings={"IDLE_MINUTES": "0.08"})
    subprocess.run(["cp", "-r", str(filled), str(tmp_path / "data")], check=True)
    house.start()
    try:
        page = enter(house, "nurse")
        page.goto(f"{house.url}/patients/{READY}/fact?path=social.ride_home")
        page.click("main label:has-text('No')")
        page.fill("#reason", NOTE)
        cover = page.locator("#cover")
        expect(cover).to_be_visible(timeout=30_000)
        expect(page.locator("#reason")).not_to_be_visible()
        page.keyboard.press("Escape")
        expect(cover).to_be_visible()
        assert Axe().run(page).violations_count == 0
        page.fill("#cover-secret", "wrong")
        page.click("#cover button")
        expect(cover.get_by_text("That is not it")).to_be_visible()  # it stands there hidden before
        page.fill("#cover-secret", house.code("nurse"))
        page.click("#cover button")
        expect(cover).not_to_be_visible()
        expect(page.locator("#reason")).to_have_value(NOTE)
        page.click("main button:has-text('Save')")
        expect(page.locator("[role=status]")).to_contain_text("Saved")
        page.goto(f"{house.url}/today")
        expect(page.locator("h1")).to_contain_text("Locked", timeout=30_000)
        expect(page.locator(".timers").first).to_be_visible()
        assert not re.search("Mansour|Rojas|Lindgren", page.locator("main").inner_text())
        assert Axe().run(page).violations_count == 0
    finally:
        house.stop()


def _plug_in(session: CDPSession) -> None:
    """A security key of software: it needs no finger."""
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "usb", "hasResidentKey": False, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})


def _sign_in(page: Page, secret: str) -> None:
    page.goto("/sign-in")
    page.fill("#username", "rita")
    page.fill("#secret", secret)
    page.click("main button.first")


def _run(house: House, *words: str) -> str:
    surroundings = {**os.environ, "DATA_DIR": str(house.folder / "data")}
    surroundings.pop("DATABASE_URL", None)
    return subprocess.run([*COMMAND, *words], env=surroundings, capture_output=True, text=True, check=True).stdout
