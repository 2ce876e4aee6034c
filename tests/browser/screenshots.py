"""Pictures of every page: light, dark, phone and print, and the one of the README.

`make screenshots` writes them to build/screenshots, `make picture` the one.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, sync_playwright
from tests.browser.house import House, browser, signed_in

READY = "treatment-resistant-depression"
TREATED = "first-language-arabic"
TWO = "a_way=racemic/iv&a_dose=35&a_minutes=40&b_way=esketamine/nasal&b_dose=56&weight=70&age=40"
FOUR = "c_way=racemic/im&c_dose=50&d_way=racemic/oral&d_dose=100"
PAGES = {
    "sign-in": "/sign-in",
    "today": "/today",
    "patients": "/patients",
    "patient-new": f"/patients/{READY}",
    "patient-treated": f"/patients/{TREATED}",
    "patient-not-suitable": "/patients/aneurysm",
    "plan": f"/patients/{READY}/plan",
    "plan-none": "/patients/aneurysm/plan",
    "session-none": "/patients/seventy-four-with-falls/session",
    "session-arrived": "/patients/pressure-too-high-today/session",
    "session-watched": "/patients/ptsd-with-depression/session",
    "score": f"/patients/{READY}/score/phq9",
    "response": f"/patients/{TREATED}/response",
    "accesses": f"/patients/{TREATED}/accesses",
    "response-none": f"/patients/{READY}/response",
    "notes": f"/patients/{TREATED}/notes",
    "fact": f"/patients/{READY}/fact?path=social.ride_home",
    "fact-choose": f"/patients/{READY}/fact",
    "source": f"/patients/{READY}/source/Patient/{READY}",
    "password": "/password",
    "team": f"/patients/{TREATED}/team",
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
    "missing": "/patients/nobody",
}
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
        house = House(folder=Path(place)).start()
        try:
            for look, settings in LOOKS.items():
                context = chromium.new_context(**settings)  # type: ignore[arg-type]
                _prescriber(context, house, look, folder, only)
                context.close()
                context = chromium.new_context(**settings)  # type: ignore[arg-type]
                page = signed_in(context, house, "patient")
                for name, address in {"own": "/my", "own-accesses": "/my/accesses"}.items():
                    if only in name:
                        _shoot(page, house.url + address, look, folder / f"{name}-{look}.png")
                context.close()
                context = chromium.new_context(**settings)  # type: ignore[arg-type]
                if only in "trail":
                    page = signed_in(context, house, "director")
                    _shoot(page, f"{house.url}/audit", look, folder / f"trail-{look}.png")
                context.close()
        finally:
            house.stop()


def _prescriber(context: BrowserContext, house: House, look: str, folder: Path, only: str) -> None:
    page = signed_in(context, house, "prescriber")
    for name, address in PAGES.items():
        if only in name:
            _shoot(page, house.url + address, look, folder / f"{name}-{look}.png")


def _shoot(page: Page, address: str, look: str, file: Path) -> None:
    page.emulate_media(media="print" if look == "print" else "screen")
    page.goto(address)
    page.screenshot(path=file, full_page=True)


def picture(file: Path) -> None:
    """The one picture of the README: a person under treatment, as the screen shows it first."""
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright, browser(playwright) as chromium:
        house = House(folder=Path(place)).start()
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
