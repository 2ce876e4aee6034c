"""Pictures of every page: light, dark, phone and print, and the one of the README.

`make screenshots` writes them to build/screenshots, `make picture` the one.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.browser.house import House, browser, signed_in

READY = "treatment-resistant-depression"
TREATED = "first-language-arabic"
SPRAYED = "ptsd-with-depression"
TWO = "a_way=racemic/iv&a_dose=35&a_minutes=40&b_way=esketamine/nasal&b_dose=56&weight=70&age=40"
FOUR = "c_way=racemic/im&c_dose=50&d_way=racemic/oral&d_dose=100"
CHOICES = "visits.2.more-visits.1.as_now-visits.3.as_now-hours.2.as_now-hours.3.more"
PAIR = "one=racemic-iv-series/0.5.40min.twice-3w.then-7d&other=esketamine-label/56.twice-4w.then-7d"
PAGES = {
    "sign-in": "/sign-in",
    "today": "/today",
    "alerts": "/alerts",
    "alert": "/alerts/1",
    "patients": "/patients",
    "patient-new": f"/patients/{READY}",
    "patient-treated": f"/patients/{TREATED}",
    "patient-not-suitable": "/patients/aneurysm",
    "plan": f"/patients/{READY}/plan",
    "plan-none": "/patients/aneurysm/plan",
    "preferences": f"/patients/{READY}/preferences",
    "preferences-question": f"/patients/{READY}/preferences?said=visits.2.more",
    "preferences-found": f"/patients/{READY}/preferences?said={CHOICES}&stop=1",
    "worth": f"/patients/{READY}/worth?whole=1",
    "plan-asked": f"/patients/{READY}/plan?{PAIR}&by=dissociation&visits=2&hours=0.5",
    "plan-stands": f"/patients/{TREATED}/plan?by=hours",
    "plan-lines": f"/patients/{TREATED}/plan/compare",
    "plan-no-dose": "/patients/seventy-four-with-falls/plan",
    "session-none": "/patients/seventy-four-with-falls/session",
    "session-arrived": "/patients/pressure-too-high-today/session",
    "session-watched": f"/patients/{SPRAYED}/session",
    "session-advice": "/patients/first-language-arabic/session/advice",
    "score": f"/patients/{READY}/score/phq9",
    "response": f"/patients/{TREATED}/response",
    "accesses": f"/patients/{TREATED}/accesses",
    "response-none": f"/patients/{READY}/response",
    "notes": f"/patients/{TREATED}/notes",
    "therapy": f"/patients/{TREATED}/therapy",
    "care": f"/patients/{TREATED}/care",
    "plan-words": f"/patients/{TREATED}/plan/words",
    "handovers": "/team",
    "places": "/team/places",
    "fact": f"/patients/{READY}/fact?path=social.ride_home",
    "fact-choose": f"/patients/{READY}/fact",
    "source": f"/patients/{READY}/source/Patient/{READY}",
    "password": "/password",
    "team": f"/patients/{TREATED}/team",
    "schedule": "/schedule",
    "schedule-week": "/schedule/week",
    "schedule-person": "/patients/seventy-four-with-falls/schedule",
    "emergency": "/emergency",
    "account": "/account",
    "account-app": "/account/app",
    "account-key": "/account/key",
    "lock": "/lock",
    "governance": "/governance",
    "knowledge": "/knowledge",
    "knowledge-rule": "/knowledge/rules/KP-004",
    "knowledge-source": "/knowledge/sources/ELEKT",
    "knowledge-fact": "/knowledge/facts/vitals.systolic_mmhg",
    "knowledge-marker": "/knowledge/items/biomarker/cyp2b6-star6",
    "knowledge-claim": "/knowledge/items/claim/CLM-16",
    "knowledge-alternative": "/knowledge/items/alternative/ect",
    "claims": "/knowledge/claims",
    "knowledge-instrument": "/knowledge/instruments/phq9",
    "bench-empty": "/bench",
    "bench": f"/bench?{TWO}&systolic=128&diastolic=78",
    "bench-four": f"/bench?{TWO}&{FOUR}&site=arterial",
    "bench-models": "/bench?a_way=racemic/iv&a_dose=35&a_minutes=40&a_model=all&weight=70&age=40",
    "bench-wrong": f"/bench?{TWO}&a_dose=-5&age=300",
    "bench-patient": f"/bench?patient={TREATED}&a_way=esketamine/nasal&a_dose=56&b_way=racemic/iv&b_dose=35",
    "bench-model": "/bench/models/racemic_sublingual_venous",
    "bench-interactions": "/bench/interactions?drug=ticlopidine",
    "stock": "/stock",
    "stock-ledger": "/stock/ledger",
    "stock-count": "/stock/count",
    "stock-destroy": "/stock/destroy",
    "stock-differences": "/stock/differences",
    "forms": "/forms",
    "adverse": "/adverse",
    "adverse-person": f"/patients/{TREATED}/adverse",
    "missing": "/patients/nobody",
}
NURSES = {
    "stock-receive": "/stock/receive",
    "stock-visit": "/stock/visits/{visit}",
    "session-past": f"/patients/{SPRAYED}/sessions/{{visit}}",
    "forms-visit": "/forms/visits/{visit}",
    "adverse-one": f"/patients/{TREATED}/adverse/{{event}}",
}
"""What a nurse may do and a prescriber not, and pages of one visit and one event, which `addressed` finds."""
OWN = {"own": "/my", "own-plan": "/my/plan", "own-accesses": "/my/accesses"}
BROUGHT = "brought-from-elsewhere"
DIRECTORS = {
    "trail": "/audit",
    "trail-nobody": "/audit?who=nobody",
    "errands": "/errands",
    "alerts-chain": "/alerts/chain",
    "trials": "/trials",
    "trial-new": "/trials/new",
    "trial-own": "/trials/new?from=maintenance",
    "trial-done": "/trials/1",
    "import": "/patients/import",
    "import-done": "/patients/import/1",
    "import-refused": "/patients/import/2",
    "apart": f"/patients/{BROUGHT}/apart/1",
    "patient-brought": f"/patients/{BROUGHT}",
    "team-directors": f"/patients/{BROUGHT}/team",
    "staff": "/team/staff",
    "emergencies": "/emergency/review",
    "governance-directors": "/governance",
    "decisions": "/decisions",
    "schedule-rooms": "/schedule/rooms",
    "schedule-duty": "/schedule/duty",
    "forms-site": "/forms/site",
}
BY_WHOM = {"prescriber": PAGES, "nurse": NURSES, "patient": OWN, "director": DIRECTORS}
LOOKS = {
    "light": {"viewport": {"width": 1440, "height": 1000}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 1000}, "color_scheme": "dark"},
    "phone": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
    "print": {"viewport": {"width": 900, "height": 1200}, "color_scheme": "light"},
}


def main(folder: Path, only: str = "") -> None:
    """Write every picture into this folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png") if not only else ():
        old.unlink()
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright, browser(playwright) as chromium:
        house = House(folder=Path(place)).start(within_s=600.0)
        try:
            make_eventful(chromium, house)
            for look, settings in LOOKS.items():
                for username, pages in BY_WHOM.items():
                    context = chromium.new_context(**settings)  # type: ignore[arg-type]
                    _shoot_all(context, house, username, pages, look, folder, only)
                    context.close()
        finally:
            house.stop()


def make_eventful(chromium: Browser, house: House) -> None:
    """Do what a new demonstration has not seen: a record is brought in with a part kept apart, another is refused,
    a chart is opened in an emergency, and a trial is simulated."""
    context, other = chromium.new_context(base_url=house.url), chromium.new_context(base_url=house.url)
    page = signed_in(context, house, "director")
    for content, said in ((_brought(), "The record is in"), (b"{", "was not taken in")):
        page.goto("/patients/import")
        page.set_input_files("#bundle", {"name": "record.json", "mimeType": "application/json", "buffer": content})
        page.click("main button.first")
        page.get_by_text(said).wait_for()
    page.goto(f"/patients/{BROUGHT}/team")
    page.select_option("#join", "director")
    page.click("main button:has-text('Add')")
    page.locator("main li", has_text="Eli Novak").wait_for()
    page.fill("#restrict-why", "She works at this clinic.")
    page.click("main button:has-text('Restrict')")
    page.get_by_text("Restricted since").wait_for()
    nurse = signed_in(other, house, "nurse")
    nurse.goto("/emergency")
    nurse.fill("#identity", BROUGHT)
    nurse.fill("#reason", "She fainted in the hall; what does she take?")
    nurse.click("main button.first")
    nurse.wait_for_url(f"**/patients/{BROUGHT}")
    nurse.goto(f"/patients/{TREATED}/adverse")
    nurse.fill("#words", "Sick twice on the way home; well in the evening.")
    nurse.select_option("#grade", "1")
    nurse.click("main button.first")
    nurse.get_by_text("Sick twice on the way home").first.wait_for()
    page.goto("/trials/new")
    page.fill("#trials", "20")
    page.click("main button.first")
    page.get_by_role("heading", name="What to know").wait_for()
    for done in (context, other):
        done.close()


def _brought() -> bytes:
    name = [{"family": "Vasquez", "given": ["Ione"]}]
    weight = {
        "resourceType": "Observation", "status": "final", "code": {"text": "Body weight"},
        "subject": {"reference": f"Patient/{BROUGHT}"}, "effectiveDateTime": "2025-06-20",
        "valueQuantity": {"value": 71.5, "unit": "kg"},
    }  # fmt: skip
    resources = (
        {"resourceType": "Patient", "id": BROUGHT, "birthDate": "1980-02-03", "gender": "female", "name": name},
        weight | {"id": "weighed"},
        weight | {"id": "misspelt", "wieght": 71},
    )
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def _shoot_all(
    context: BrowserContext, house: House, username: str, pages: dict[str, str], look: str, folder: Path, only: str
) -> None:
    wanted = {name: address for name, address in pages.items() if only in name}
    page = signed_in(context, house, username) if wanted else context.new_page()
    for name, address in addressed(page, house, wanted).items():
        _shoot(page, address, look, folder / f"{name}-{look}.png")


def addressed(page: Page, house: House, pages: dict[str, str]) -> dict[str, str]:
    """The whole addresses of these pages. What only the demonstration itself can name is read from the page that leads
    there: a person's first visit, an adverse event."""
    leads = {"visit": (f"/patients/{SPRAYED}", "#sessions li:last-child a"), "event": ("/adverse", "main .list a")}
    known = {}
    for name, (address, link) in leads.items():
        if any(f"{{{name}}}" in one for one in pages.values()):
            page.goto(house.url + address)
            known[name] = str(page.locator(link).first.get_attribute("href")).rpartition("/")[2]
    return {name: house.url + address.format_map(known) for name, address in pages.items()}


def _shoot(page: Page, address: str, look: str, file: Path) -> None:
    page.emulate_media(media="print" if look == "print" else "screen")
    page.goto(address)
    page.screenshot(path=file, full_page=True)


def picture(file: Path) -> None:
    """The one picture of the README: a person under treatment, as the screen shows it first."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright, browser(playwright) as chromium:
        house = House(folder=Path(place)).start(within_s=600.0)
        try:
            context = chromium.new_context(viewport={"width": 1280, "height": 960})
            page = signed_in(context, house, "prescriber")
            page.goto(f"{house.url}/patients/{TREATED}")
            page.screenshot(path=file)
        finally:
            house.stop()


if __name__ == "__main__":
    wanted = Path(sys.argv[1])
    if wanted.suffix == ".png":
        picture(wanted)
    else:
        main(wanted, sys.argv[2] if len(sys.argv) > 2 else "")
