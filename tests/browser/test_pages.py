"""Every page: accessible by axe in light, dark and on a phone, quiet under its strict policy, never too wide."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import product

import pytest
from axe_playwright_python.sync_playwright import Axe, AxeResults
from playwright.sync_api import Browser, Page, Response, Route, expect
from tests.browser.house import House
from tests.browser.screenshots import DIRECTORS, LOOKS, NURSES, OWN, PAGES, TREATED, addressed, make_eventful

Enter = Callable[..., Page]
AXE = Axe()
SCREENS = {name: settings for name, settings in LOOKS.items() if name != "print"}
OF_COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules that another set of colours can break; the dark look is otherwise the light one."""
BUT_COLOUR = {"rules": {name: {"enabled": False} for name in ("color-contrast", "link-in-text-block")}}
"""Everything else; a phone shows the colours of the light look."""
SQUEEZED = """[...document.querySelectorAll(".brief .alert")].filter((alert) => {
    alert.closest("details")?.setAttribute("open", "");
    const all = [alert, ...alert.children].map((part) => part.getBoundingClientRect());
    const [box, words, acts] = all;
    const apart = !acts || acts.left >= words.right || acts.right <= words.left || acts.top >= words.bottom;
    alert.closest("details")?.removeAttribute("open");
    return !apart || words.width < 230 || box.height > 260;
}).map((alert) => alert.innerText)"""
"""The alerts of the day whose words have too little room, or lie under their buttons."""
HALVES = (0, 1)
"""Pages of even and of odd place in their list, so that two workers share them."""


@pytest.fixture(scope="module")
def eventful(museum: House, chromium: Browser) -> House:
    """The house for all who only look, after a record was brought in and a chart was opened in an emergency."""
    make_eventful(chromium, museum)
    return museum


@pytest.mark.requirement(27)
@pytest.mark.parametrize("half", HALVES)
def test_every_page_is_accessible_quiet_and_fits_its_screen(museum: House, enter: Enter, half: int) -> None:
    page = enter(museum, "prescriber")
    for name, address in list(PAGES.items())[half::2]:
        answer = _open(page, museum.url + address)
        check_in_every_look(page, name)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy


def test_the_patients_own_page_too_with_help_one_tap_away(museum: House, enter: Enter) -> None:
    page = enter(museum, "patient")
    for address in (*OWN.values(), "/knowledge", "/patients/aneurysm"):
        _open(page, museum.url + address)
        check_in_every_look(page, address)  # the phone comes last
        section, link = page.locator("aside.crisis a[href^='tel:']"), page.locator("aside.help-now a[href^='tel:']")
        expect(section).to_be_visible()
        for end in (0, 100_000):  # in sight at the top of the page, and at its end
            page.evaluate(f"window.scrollTo(0, {end})")
            expect(link).to_be_in_viewport(ratio=1)
        page.emulate_media(media="print")
        expect(section).to_be_visible()
        page.emulate_media(media="screen")


def test_whoever_walks_by_keyboard_keeps_their_place_when_a_list_is_renewed(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.goto(f"{museum.url}/today")
    here = "document.activeElement.outerHTML"

    def renew() -> None:
        page.evaluate("document.activeElement.dataset.before = 'yes'")
        page.evaluate("htmx.trigger(document.querySelector('main [hx-get]'), 'sse:changed')")
        expect(page.locator("[data-before]")).to_have_count(0)
        expect(page.locator("main [hx-get].htmx-swapping, main [hx-get].htmx-settling")).to_have_count(0)

    lanes = page.locator("[data-lane]")
    assert lanes.count() > 2
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    stood = page.evaluate(here)
    renew()
    assert page.evaluate(here) == stood
    page.keyboard.press("ArrowDown")
    expect(lanes.nth(2)).to_be_focused()
    for place in (page.locator("main form button").last, page.locator(".brief .alert:visible a").last):
        place.focus()
        renew()
        expect(place).to_be_focused()


def test_the_day_shows_rooms_on_the_first_screen_of_a_tablet_below_what_calls_now(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.goto(f"{museum.url}/today")
    assert page.locator(".brief .alert").count() > 0
    for (width, height), direction in product(
        ((390, 844), (820, 1180), (1024, 768), (1180, 820), (1440, 900)), ("ltr", "rtl")
    ):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(f"document.documentElement.dir = '{direction}'")
        if width > 600:
            expect(page.locator(".lanes .lane").first).to_be_in_viewport(ratio=0.5)
        assert page.evaluate(SQUEEZED) == [], f"{width} px, {direction}"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_directors_pages_too(eventful: House, enter: Enter) -> None:
    page = enter(eventful, "director")
    for name, address in DIRECTORS.items():
        answer = _open(page, eventful.url + address)
        assert answer.status == 200, name
        check_in_every_look(page, name)
    page.goto(eventful.url + DIRECTORS["errands"])
    expect(page.get_by_text("at work")).to_be_visible()


def test_a_nurses_pages_too_of_one_visit_and_one_event(eventful: House, enter: Enter) -> None:
    page = enter(eventful, "nurse")
    for name, address in addressed(page, eventful, NURSES).items():
        assert _open(page, address).status == 200, name
        check_in_every_look(page, name)


def test_a_page_that_is_long_in_coming_says_so_until_it_is_there(museum: House, enter: Enter) -> None:
    page, held = enter(museum, "prescriber"), list[Route]()
    page.goto(f"{museum.url}/today")
    page.evaluate(
        """new MutationObserver(() => console.info(document.documentElement.dataset.coming))
           .observe(document.documentElement, { attributeFilter: ["data-coming"] }); 0"""
    )
    page.route("**/patients", lambda route: held.append(route))
    with page.expect_console_message(lambda message: message.text == "yes"):
        page.click(".rail a[href='/patients']", no_wait_after=True)
    held[0].continue_()
    page.wait_for_url("**/patients")
    expect(page.locator("html[data-coming]")).to_have_count(0)


@pytest.mark.requirement(36)
def test_a_page_is_printed_once_its_print_stands_on_the_trail(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    page.goto(f"{museum.url}/patients/{TREATED}")
    page.evaluate("window.printed = 0; window.print = () => { document.body.dataset.printed = ++window.printed; }; 0")
    for times in ("1", "2"):
        with page.expect_response(lambda answer: answer.url.endswith("/printed")) as noted:
            page.click("text=Print")
        assert noted.value.status == 204
        expect(page.locator(f"body[data-printed='{times}']")).to_have_count(1)
    page.route("**/printed", lambda route: route.abort("connectionrefused"))
    page.click("text=Print")
    expect(page.get_by_text("Not printed")).to_be_visible()
    expect(page.locator("body[data-printed='2']")).to_have_count(1)


def test_everything_folded_away_is_accessible_too(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    for name in (
        "patient-treated",
        "response",
        "plan",
        "session-arrived",
        "bench",
        "bench-models",
        "bench-interactions",
    ):
        page.goto(museum.url + PAGES[name])
        page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
        _check(page, f"{name}, unfolded")


def test_pages_mirror_for_languages_that_read_from_right_to_left(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    for name in ("today", "patient-treated", "response", "plan", "session-watched", "bench", "bench-four"):
        page.goto(museum.url + PAGES[name])
        page.evaluate("document.documentElement.dir = 'rtl'")
        assert page.locator(".rail").bounding_box()["x"] > 1000  # type: ignore[index]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_paper_shows_what_the_screen_folds_away_and_no_buttons(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    page.goto(f"{museum.url}/patients/{TREATED}/plan")
    hidden = page.locator("article details:not(.screen-only) .inside li").first
    expect(hidden).not_to_be_visible()
    page.emulate_media(media="print")
    expect(hidden).to_be_visible()
    expect(page.locator(".rail")).not_to_be_visible()
    assert page.locator("button:visible").count() == 0


def test_knowledge_is_readable_without_signing_in_and_everything_else_is_not(museum: House, enter: Enter) -> None:
    page = enter(museum, "prescriber")
    page.click("text=Sign out")
    page.click("text=Read the knowledge without signing in")
    page.fill("#q", "aneurysm")
    expect(page.locator("#items")).to_contain_text("1 item")
    page.click("text=CON-001")
    expect(page.locator("main")).to_contain_text("Holds when")
    page.locator("main a[href^='/knowledge/sources']").first.click()
    expect(page.locator("main")).to_contain_text("What rests on it")
    for address in ("/today", "/patients", f"/patients/{TREATED}", "/my"):
        page.goto(museum.url + address)
        assert "/sign-in" in page.url


def test_a_wrong_code_is_told_kindly_and_the_name_is_kept(museum: House, enter: Enter) -> None:
    page = enter(museum, "nurse")
    page.click("text=Sign out")
    page.fill("#username", "nurse")
    page.fill("#secret", "AAAA-AAAA-AAAA-AAAA")
    page.click("main button.first")
    expect(page.locator("[role=alert]")).to_contain_text("do not go together")
    expect(page.locator("#username")).to_have_value("nurse")


def _open(page: Page, address: str) -> Response:
    _look(page, "light")
    answer = page.goto(address)
    assert answer is not None
    return answer


def _look(page: Page, look: str) -> None:
    page.emulate_media(color_scheme=SCREENS[look]["color_scheme"])  # type: ignore[arg-type]
    page.set_viewport_size(SCREENS[look]["viewport"])  # type: ignore[arg-type]


def check_in_every_look(page: Page, where: str) -> None:
    """The page as it stands open, in light, in dark and as wide as a phone: style alone makes the difference."""
    for look, rules in (("light", None), ("dark", OF_COLOUR), ("phone", BUT_COLOUR)):
        _look(page, look)
        _check(page, f"{where}, {look}", rules)


def _check(page: Page, where: str, rules: dict[str, object] | None = None) -> None:
    if not page.evaluate("'axe' in window"):  # it stays until the next page
        page.evaluate(AXE.axe_script)
    options = json.dumps({"resultTypes": ["violations"], **(rules or {})})
    found = AxeResults(page.evaluate(f"axe.run({options}).then(({{ violations }}) => ({{ violations }}))"))
    assert found.violations_count == 0, f"{where}\n{found.generate_report()}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{where} is wider than its screen"
