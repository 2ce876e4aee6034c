"""The ten daily jobs as scripted journeys in a real browser: clicks, keystrokes, seconds, and a picture of the end.

`make journeys` walks them all, writes docs/reference/journeys.md and leaves a picture of each in build/journeys;
`python -m tests.browser.journeys FOLDER [NAME]` walks one. A journey is a function that takes a `Walk`; add one to
JOURNEYS. What a walk does is counted: whatever a person would click, press or type.
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from tests.browser.house import House, browser, signed_in
from tests.browser.screenshots import READY, TREATED

# source: Card, Moran and Newell 1980, doi:10.1145/358886.358895, the keystroke-level model: a key of an average typist,
# pointing at something, a click on it, and a moment of thought before each step.
_KEY_S, _POINT_S, _CLICK_S, _THINK_S = 0.28, 1.1, 0.2, 1.35
WRITTEN = Path(__file__).parents[2] / "docs/reference/journeys.md"
ARRIVED, WATCHED = "pressure-too-high-today", "ptsd-with-depression"


class Walk:
    """One person at one screen. `by` is their user name; what they do is counted from the first page on."""

    def __init__(self, house: House, chromium: Browser, by: str) -> None:
        self.house, self.by = house, by
        self.context = chromium.new_context(viewport={"width": 1440, "height": 1000})
        self.page: Page = signed_in(self.context, house, by)
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

    def choose(self, where: str, value: str | re.Pattern[str], *, within: Locator | None = None) -> None:
        """Choose from a list what has this value, or words like these: a click to open it and one to choose."""
        field = (within or self.page).locator(where).first
        if isinstance(value, str):
            field.select_option(value)
        else:
            words = next(words for words in field.locator("option").all_inner_texts() if value.search(words))
            field.select_option(label=words)
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

    def witnessed(self, form: Locator, by: str) -> None:
        """Somebody else stands beside, is chosen from the list and types their own secret."""
        self.choose("[name=witness]", by, within=form)
        self.type("[name=witness_secret]", self.house.secret(by), within=form)

    def save(self, form: Locator, *readings: str) -> None:
        """Readings typed one after the other, from the first field on: one click, a key for each letter and each step
        to the next field."""
        for number, value in enumerate(readings):
            form.locator(f"#v{number + 1}").fill(value)
        self.clicks += 1
        self.keys += len("".join(readings)) + len(readings) - 1
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            self.click("text=Save readings", within=form)

    def see(self, where: str, words: str) -> None:
        """Wait until this is read there; what is read is not counted."""
        expect(self.page.locator(where).first).to_contain_text(words)

    @contextmanager
    def fetched(self) -> Iterator[None]:
        """A file comes of what is done here."""
        with self.page.expect_download() as coming:
            yield
        assert coming.value.path().stat().st_size > 0

    @contextmanager
    def colleague(self, by: str, *, is_counted: bool = True) -> Iterator[Walk]:
        """Somebody else, at their own screen; what they do is counted with it, or is there beforehand."""
        other = Walk(self.house, self.context.browser, by)  # type: ignore[arg-type]
        try:
            yield other
        finally:
            other.context.close()
        if is_counted:
            self.clicks += other.clicks
            self.keys += other.keys


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """One way through one of the ten daily jobs: who does it (a user name of the demonstration), and its steps."""

    job: int
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
    def steps_s(self) -> float:
        """Seconds of a practised person's hands and thought by the keystroke-level model, reading aside."""
        return self.clicks * (_THINK_S + _POINT_S + _CLICK_S) + self.keys * _KEY_S


def see_which_room_needs_me(walk: Walk) -> None:
    """In the middle of something else: which room needs me now, and into it."""
    walk.open("/patients")
    walk.click("nav.rail >> text=Today")
    walk.see(".board-sum", "rooms in use")
    lane = walk.page.locator(".lane.late").first
    expect(lane.locator(".next")).to_contain_text("late")
    walk.click("[data-lane]", within=lane)
    walk.see("#due", "overdue")


def see_whether_to_dose_today(walk: Walk) -> None:
    """Why not yet; the pressure taken again; what is asked today; the consent; ready for the check of the order."""
    walk.open("/today")
    walk.click("[data-lane]:has-text('Tomasz Lindgren')")
    walk.see("#rescreen", "Not yet")
    walk.see("#start", "no signature helps")
    walk.save(walk.page.locator("#checkin"), "132", "82", "74", "97")
    expect(walk.page.locator("#start")).not_to_contain_text("no signature helps")
    _answer(walk)
    walk.click("text=Confirm the consent")
    walk.see("#consent", "confirmed")
    walk.click("text=Finish the re-screen")
    walk.see("#rescreen", "The re-screen of today is finished")


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


def receive_and_count(walk: Walk) -> None:
    """A delivery is put into the book; then every cupboard is counted with a second person, and agrees."""
    walk.open("/today")
    walk.click("nav.rail >> text=Stock")
    walk.click("main >> text=Receive")
    _receive(walk, "racemic/vial", "W7", "10 mg/mL, 20 mL", unit_mg="200", units="10")
    rows = walk.page.locator("section[aria-labelledby=lots] tbody tr").all()
    book = {f"{row.locator('th').inner_text()}, {row.locator('td').nth(1).inner_text()}":
            row.locator("td").nth(2).locator("strong").inner_text() for row in rows}  # fmt: skip
    walk.click("text=Count the cupboards")
    form = walk.page.locator("main form.card")
    for lot in form.locator("fieldset.lot").all():
        held = next(mg for name, mg in book.items() if lot.locator("legend").inner_text().startswith(name))
        opened = lot.locator("[name^=mg-]")
        if opened.count():
            walk.type("[name^=mg-]", held, within=lot)
        else:
            walk.type("[name^=units-]", f"{float(held) / 28:.0f}", within=lot)
    walk.sign(form)
    walk.witnessed(form, "nurse")
    walk.click("button.first", within=form)
    walk.see("main", "counted today")


def record_a_session(walk: Walk) -> None:
    """An infusion from the check of the order to the book: two checks, dose, rate, readings, a pause, the end, and the
    drug with its witness. What comes after the person has gone home is walked with the spray."""
    walk.open(f"/patients/{ARRIVED}/session")
    _check(walk)
    with walk.colleague("prescriber") as other:
        other.open(f"/patients/{ARRIVED}/session")
        _check(other)
        other.see("#steps", "Dosing")
    walk.page.reload()
    walk.click("text=Start the dose")
    walk.click("text=Set the rate")  # as both checks read it
    walk.see("#giving", "33 mL/h since")
    walk.save(walk.page.locator("#checkin"), "138", "86", "78", "97")
    walk.see("#moments", "138/86")
    walk.click("#giving >> text=Pause")
    walk.see("#giving", "Paused since")
    walk.click("#giving >> text=Go on")
    walk.see("#giving", "mL/h")
    end = walk.page.locator("#end")
    walk.type("#dose_mg", "44")
    walk.type("#end-reason", "The pump says 44.")  # a script takes seconds over what takes 40 minutes
    walk.sign(end)
    walk.click("button:has-text('End the dose')", within=end)
    walk.see("#going-home", "Who comes for the person")
    walk.click("text=Drug record")
    _draw(walk, "W7", drawn="50", wasted="6")


def send_a_form(walk: Walk) -> None:
    """A session with the spray, from the way home to its monitoring form. The two hours cannot pass in a script, so the
    prescriber signs that she may go. What forms say of the clinic, and the lot, are in the house beforehand."""
    with walk.colleague("coordinator", is_counted=False) as other:
        other.open("/forms/site")
        other.type("#address", "1 Harbour Road")
        other.type("#phone", "555-0100")
        other.type("#email", "forms@harbour.example")
        other.click("main button.first")
    with walk.colleague("pharmacist", is_counted=False) as other:
        other.open("/stock/receive")
        _receive(other, "esketamine/device", "E3", "28 mg a device", unit_mg="28", units="30")
    walk.open(f"/patients/{WATCHED}/session")
    walk.save(walk.page.locator("#checkin"), "124", "78", "74", "97", "5", "0", "0", "0")
    walk.click("text=Drug record")
    _draw(walk, "E3")
    with walk.colleague("prescriber") as other:
        other.open(f"/patients/{WATCHED}/session")
        other.click("#override summary")
        other.type("#override-reason", "Well; her brother has come early.")
        other.sign(other.page.locator("#override form"))
        other.click("text=Override and sign")
        other.see("#going-home", "may go")
    walk.click("main >> text=Session")
    walk.click("text=End the visit")
    walk.click("nav.rail >> text=Forms")
    walk.click("section[aria-labelledby=due] li:last-child a")
    asked = walk.page.locator("form", has_text="Asked of whoever watched")
    for choice in asked.locator("fieldset").all():
        walk.click("label:has-text('no')", within=choice)
    walk.click("button:has-text('Save')", within=asked)
    walk.click("text=Finish the record")
    with walk.fetched():
        walk.click("section[aria-labelledby=five] >> text=PDF")
    walk.type("#sent-words", "R-2041")
    walk.click("text=It was sent")
    walk.see("section[aria-labelledby=form]", "sent on")


def answer_an_alert(walk: Walk) -> None:
    """Who is at risk since yesterday; it is taken on, the person is called, and what was done is written down."""
    walk.open("/today")
    walk.click("nav.rail >> text=Alerts")
    walk.see("main", "Item 9 was answered above zero")
    alert = walk.page.locator("li.alert", has_text="Piotr Sawicki")
    walk.click("text=Acknowledge", within=alert)
    walk.see("main", "acknowledged")
    walk.click("text=Act or hand over", within=walk.page.locator("li.alert", has_text="Piotr Sawicki"))
    walk.type("#words", "Called: no plan, no intent; seen tomorrow at nine.")
    walk.click("text=Save and close")
    walk.see("main", "closed")


def decide_after_a_session(walk: Walk) -> None:
    """Continue, adjust, pause or stop: the suggestion, what speaks against it, and the step that is signed."""
    walk.open("/patients")
    walk.type("#q", "mans")
    walk.click("text=Mansour, Layla")
    walk.see("#decision", "Suggested: Continue")
    walk.see("#decision", "Best case against.")
    form = walk.page.locator("form", has_text="Accept: Continue")
    walk.sign(form)
    walk.click("text=Accept: Continue", within=form)
    walk.see("[role=status]", "Decided")


def see_what_the_payer_lacks(walk: Walk) -> None:
    """For an authorisation: what is on record and what is missing, what is to be arranged and by when, and the file."""
    walk.open("/patients")
    walk.type("#q", "oka")
    walk.click("text=Okafor, Maren")
    walk.see("#profile", "Missing")
    walk.click(".person nav >> text=Care")
    walk.click("main >> text=The plan in words")
    walk.see("main", "What is to be arranged")
    walk.click(".person nav >> text=Decision")
    with walk.fetched():
        walk.click("text=Document (PDF)")


def work_from_one_plan(walk: Walk) -> None:
    """The therapist reads the plan that the prescriber signed, puts an hour on record and writes of it."""
    walk.open(f"/patients/{TREATED}/therapy")
    walk.see("main", "Session 6")
    walk.click("label:has-text('Integration')", within=walk.page.locator("#hour"))
    walk.choose("#modality", "supportive")
    walk.type("#at", "09:00")
    walk.type("#alliance", "8")
    walk.type("#reason", "Trained; the certificate is being renewed.")
    walk.click("#hour >> text=Put on record")
    walk.see("[role=status]", "hour")
    walk.click("text=Write an integration note")
    for part in walk.page.locator("#write textarea").all():
        part.fill("Came back to the lake; slept better.")
        walk.clicks, walk.keys = walk.clicks + 1, walk.keys + 36
    form = walk.page.locator("#write")
    walk.sign(form)
    walk.click("text=Sign the note", within=form)
    walk.click(".person nav >> text=Care")
    walk.click("main >> text=The plan in words")
    walk.see("main", "What happens when")


def read_my_own_plan(walk: Walk) -> None:
    """A patient reads what was signed with them, in words, and who has opened the record."""
    walk.open("/my")
    walk.see("main", "My appointments")
    walk.click("text=My plan in words")
    walk.see("main", "What happens when")
    walk.click("nav.rail >> text=My treatment")
    walk.click("text=Who has opened my record")
    walk.see("main", "Dr Ada Lindqvist")


def tell_the_way_home(walk: Walk) -> None:
    """Somebody asks what they may do tonight: the written advice, read together, and the escort named."""
    walk.open("/today")
    walk.click("[data-lane]:has-text('Daniela Rojas')")
    walk.type("#escort", "Her brother")
    walk.click("text=Name the escort")
    walk.see("main", "Her brother")
    walk.click("text=Written advice, to print")
    walk.see("main", "the clinic's crisis line")
    walk.click("text=Back to the session")
    walk.click("text=Advice was given")
    walk.see("#going-home", "Going home")


def _receive(walk: Walk, product: str, lot: str, strength: str, *, unit_mg: str, units: str) -> None:
    """A delivery into cupboard A."""
    walk.choose("#product", product)
    for field, words in (("number", lot), ("strength", strength), ("unit_mg", unit_mg), ("units", units)):
        walk.type(f"#{field}", words)
    walk.type("#expires_on", "2029-01-31")
    walk.type("#cupboard", "A")
    form = walk.page.locator("main form.card")
    walk.sign(form)
    walk.witnessed(form, "nurse" if walk.by != "nurse" else "pharmacist")
    walk.click("text=Put into the book")
    walk.see("[role=status]", "received")


def _draw(walk: Walk, lot: str, **typed: str) -> None:
    """What was taken out of this lot, in milligrams of base, with the prescriber as the one who saw it.

    What was given stands there already, of a spray all of it.
    """
    form = walk.page.locator("main form.card")
    walk.choose("[name=held_1]", re.compile(f"^{lot}"), within=form)
    for name, words in typed.items():
        walk.type(f"[name={name}_1]", words, within=form)
    walk.sign(form)
    walk.witnessed(form, "prescriber")
    walk.click("text=Put into the book", within=form)
    walk.see("main", "agrees with the signed dose")


def _answer(walk: Walk) -> None:
    """What is asked of today and not known yet: no to each, none to each number; one click each, and they are saved."""
    asks = walk.page.locator("#rescreen > .asks")
    for choice in asks.locator("fieldset").all():
        walk.click("label:has-text('No') >> nth=0", within=choice)
    for field in asks.locator(".field input").all():
        field.fill("0")
        walk.clicks, walk.keys = walk.clicks + 1, walk.keys + 1
    if asks.count():
        walk.click("text=Save the answers")
        expect(asks).to_have_count(0)


def _check(walk: Walk) -> None:
    """The order, as it stands, read against what is in the syringe."""
    walk.type("#concentration", "2")
    walk.sign(walk.page.locator("#check form"))
    walk.click("text=I have checked this order")
    walk.see("main", "checked")


JOURNEYS: Sequence[Journey] = (
    Journey(
        job=1, name="which-room", title="Which rooms need me now", by="nurse", steps=see_which_room_needs_me
    ),
    Journey(job=2, name="dose-today", title="Is this person safe to dose today", by="nurse",
            steps=see_whether_to_dose_today),
    Journey(job=3, name="sign-a-plan", title="From candidacy to a signed plan", by="prescriber", steps=sign_a_plan),
    Journey(job=3, name="check-an-order", title="Check the calculation of an order", by="nurse", steps=check_an_order),
    Journey(job=9, name="cupboard", title="Receive a delivery and reconcile the drug cupboard", by="pharmacist",
            steps=receive_and_count),
    Journey(job=4, name="record-a-session", title="Record an infusion once, from the order's check to the book",
            by="nurse", steps=record_a_session),
    Journey(job=10, name="way-home", title="What may I do tonight: the advice, and who comes", by="nurse",
            steps=tell_the_way_home),
    Journey(job=4, name="send-a-form", title="Send a spray session home: lot, record, form", by="nurse",
            steps=send_a_form),
    Journey(job=5, name="at-risk", title="Who is at risk since yesterday, and answer it", by="prescriber",
            steps=answer_an_alert),
    Journey(job=6, name="decide", title="Continue, adjust, pause or stop", by="prescriber",
            steps=decide_after_a_session),
    Journey(job=7, name="authorisation", title="What an authorisation lacks, and the file for it", by="coordinator",
            steps=see_what_the_payer_lacks),
    Journey(job=8, name="one-plan", title="Work from the prescriber's plan: hour, note, plan in words", by="therapist",
            steps=work_from_one_plan),
    Journey(job=10, name="own-plan", title="Read my own plan, and who has looked", by="patient",
            steps=read_my_own_plan),
)  # fmt: skip
"""In the order in which they are walked, all in one house: a later one may stand on what an earlier one did."""


def walked(journey: Journey, house: House, chromium: Browser, picture: Path | None = None) -> Walked:
    """Walk it as somebody who has signed in already; the picture is of its last page."""
    walk = Walk(house, chromium, journey.by)
    try:
        start = time.monotonic()
        journey.steps(walk)
        taken = time.monotonic() - start
        if picture is not None:
            walk.page.screenshot(path=picture)
        return Walked(journey=journey, clicks=walk.clicks, keys=walk.keys, waited_s=taken)
    except BaseException:
        if picture is not None:
            walk.page.screenshot(path=picture, full_page=True)  # where it came to a halt
        raise
    finally:
        walk.context.close()


PREFACE = """# The ten daily jobs, walked

Written by `make journeys` from `tests/browser/journeys.py`, which walks each in a real browser through the
demonstration clinic and leaves a picture of its last page in `build/journeys`. The person is signed in; what opens the
first page is
not counted. *Seconds of a person* are what hands and thought of a practised person need by the keystroke-level model
(Card, Moran and Newell 1980): 1.35 s of thought, 1.1 s of pointing and 0.2 s for each click, 0.28 s for each key;
reading and what happens in the room are not in them. *Seconds of the script* are the whole walk as measured on the
computer that wrote this, most of it the clinic's answers; nothing is tested against them. Names, passwords and
free text are typed in full and counted letter by letter.

| job | walked | who | clicks | keystrokes | seconds of a person | seconds of the script |
| ---: | --- | --- | ---: | ---: | ---: | ---: |
"""


def row(one: Walked) -> str:
    """A walk as a row of Markdown, but for the last cell: the seconds of the script."""
    numbers = f"{one.clicks} | {one.keys} | {one.steps_s:.0f}"
    return f"| {one.journey.job} | {one.journey.title} | {one.journey.by} | {numbers} |"


def table(found: Sequence[Walked]) -> str:
    """The walks as a table of Markdown, by the number of their job."""
    inside = sorted(found, key=lambda one: one.journey.job)
    return "\n".join(f"{row(one)} {one.waited_s:.1f} |" for one in inside)


def main(folder: Path, only: str = "") -> None:
    """Walk every journey, or the one of this name, and leave a picture of each; all of them make the document."""
    folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=30_000)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright, browser(playwright) as chromium:
        house = House(folder=Path(place)).start(within_s=600.0)
        try:
            chosen = [journey for journey in JOURNEYS if only in ("", journey.name)]
            found = [walked(journey, house, chromium, folder / f"{journey.name}.png") for journey in chosen]
        finally:
            house.stop()
    print(table(found))
    if not only:
        WRITTEN.write_text(f"{PREFACE}{table(found)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:3])
