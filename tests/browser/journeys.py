"""The daily jobs as scripted journeys in a real browser: clicks, keystrokes, seconds, and a picture of the end.

`python -m tests.browser.journeys FOLDER [NAME]` walks them and prints a table. A journey is a function that takes a
`Walk`; add one to JOURNEYS. What a walk does is counted: whatever a person would click, press or type.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from tests.browser.house import House, browser, signed_in
from tests.browser.screenshots import READY

# source: Card, Moran and Newell 1980, doi:10.1145/358886.358895, the keystroke-level model: a key of an average typist,
# pointing at something, a click on it, and a moment of thought before each step.
_KEY_S, _POINT_S, _CLICK_S, _THINK_S = 0.28, 1.1, 0.2, 1.35


class Walk:
    """One person at one screen. `by` is their user name; what they do is counted from the first page on."""

    def __init__(self, house: House, page: Page, by: str) -> None:
        self.house, self.page, self.by = house, page, by
        self.clicks = self.keys = 0

    def open(self, address: str) -> None:
        """Where the journey begins; that is not counted."""
        self.page.goto(self.house.url + address)

    def click(self, what: str, *, within: Locator | None = None) -> None:
        """Point at something and click it: a selector of Playwright."""
        (within or self.page).locator(what).first.click()
        self.clicks += 1

    def type(self, where: str, words: str, *, within: Locator | None = None) -> None:
        """Click into a field and type; one click, and a keystroke for each letter."""
        (within or self.page).locator(where).first.fill(words)
        self.clicks += 1
        self.keys += len(words)

    def choose(self, where: str, value: str) -> None:
        """Choose from a list: a click to open it and one to choose."""
        self.page.locator(where).first.select_option(value)
        self.clicks += 2

    def press(self, key: str) -> None:
        """One key."""
        self.page.keyboard.press(key)
        self.keys += 1

    def sign(self, form: Locator) -> None:
        """Fill in what this form asks to sign with: the secret, and the first time in a session the name."""
        if form.locator("[name=signer]").count():
            self.type("[name=signer]", self.by, within=form)
        self.type("[name=secret]", self.house.secret(self.by), within=form)

    def see(self, where: str, words: str) -> None:
        """Wait until this is read there; what is read is not counted."""
        expect(self.page.locator(where).first).to_contain_text(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One job: its name, who does it (a user name of the demonstration), and its steps."""

    name: str
    title: str
    by: str
    steps: Callable[[Walk], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What one journey took. `waited_s` is the script's own time, nearly all of it the clinic's answers."""

    journey: Journey
    clicks: int
    keys: int
    waited_s: float

    @property
    def person_s(self) -> float:
        """Seconds that a practised person needs by the keystroke-level model, reading aside."""
        return self.clicks * (_THINK_S + _POINT_S + _CLICK_S) + self.keys * _KEY_S + self.waited_s


def sign_a_plan(walk: Walk) -> None:
    """From the answer of candidacy to a plan that is signed: the usual way, as suggested."""
    walk.open(f"/patients/{READY}#candidacy")
    walk.see("#decision", "no plan is signed yet")
    walk.click("#decision >> text=Compare the options")
    walk.click("a[href='#sign-A']")
    walk.sign(walk.page.locator("#sign-A"))
    walk.click("text=Sign plan A")
    walk.see("#plan", "calculation not checked")


def check_an_order(walk: Walk) -> None:
    """A second person checks the calculation of the order that was just signed."""
    walk.open(f"/patients/{READY}#plan")
    form = walk.page.locator("form", has_text="The calculation is right")
    walk.sign(form)
    walk.click("text=The calculation is right")
    walk.see("#plan", "calculation checked")


JOURNEYS: Sequence[Journey] = (
    Journey(name="sign-a-plan", title="From candidacy to a signed plan", by="prescriber", steps=sign_a_plan),
    Journey(name="check-an-order", title="Check the calculation of an order", by="nurse", steps=check_an_order),
)
"""In the order in which they are walked, all in one house: a later one may stand on what an earlier one did."""


def walked(journey: Journey, house: House, chromium: Browser, picture: Path | None = None) -> Walked:
    """Walk it as somebody who has signed in already; the picture is of its last page."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    try:
        walk = Walk(house, signed_in(context, house, journey.by), journey.by)
        start = time.monotonic()
        journey.steps(walk)
        taken = time.monotonic() - start
        if picture is not None:
            walk.page.screenshot(path=picture)
        return Walked(journey=journey, clicks=walk.clicks, keys=walk.keys, waited_s=taken)
    finally:
        context.close()


def table(found: Sequence[Walked]) -> str:
    """The walks as a table of Markdown."""
    lines = [
        "| job | who | clicks | keystrokes | the clinic's answers, s | a practised person, reading aside, s |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for one in found:
        numbers = f"{one.clicks} | {one.keys} | {one.waited_s:.1f} | {one.person_s:.0f}"
        lines.append(f"| {one.journey.title} | {one.journey.by} | {numbers} |")
    return "\n".join(lines)


def main(folder: Path, only: str = "") -> None:
    """Walk every journey, or the one of this name, and leave a picture of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright, browser(playwright) as chromium:
        house = House(folder=Path(place)).start()
        try:
            chosen = [journey for journey in JOURNEYS if only in ("", journey.name)]
            found = [walked(journey, house, chromium, folder / f"{journey.name}.png") for journey in chosen]
        finally:
            house.stop()
    print(table(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
