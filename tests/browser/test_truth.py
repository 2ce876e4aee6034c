"""Nothing is lost and nobody is misled: two browsers, a killed server, a changed fact, a page that stays current."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import Request

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.browser.house import COMMAND, House, Visitor, opened_once, sign_here
from tests.options import INFUSION

READY = "treatment-resistant-depression"
Enter = Callable[..., Page]


@pytest.fixture(scope="module")
def filled(demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small house: twelve people, and one colleague of each role."""
    return opened_once(demonstration, tmp_path_factory.mktemp("small"))


def test_two_people_with_the_same_plan_open_the_second_is_told_and_loses_nothing(house: House, enter: Enter) -> None:
    first, second = enter(house, "prescriber"), enter(house, "prescriber")
    for page in (first, second):
        page.goto(f"{house.url}/patients/{READY}/plan")
    sign_here(first.locator("article").nth(1), house, "prescriber")
    first.click("text=Sign plan B")
    expect(first.locator("#plan")).to_contain_text("35 mg")
    article = second.locator("article", has=second.locator("select")).first  # of the spray, in whole devices
    article.locator("summary", has_text="Change or reject").click()
    article.locator("select").select_option("84")
    article.locator("textarea").fill("She had 84 mg elsewhere before.")
    sign_here(article, house, "prescriber")
    article.locator("text=Sign with this dose").click()
    expect(second.locator("#problem")).to_contain_text("The record has changed")
    expect(second.locator("main")).to_contain_text("35 mg over 40 minutes; by Dr Ada Lindqvist")
    expect(article.locator("textarea")).to_have_value("She had 84 mg elsewhere before.")
    expect(article.locator("select")).to_have_value("84")
    second.goto(f"{house.url}/patients/{READY}")
    expect(second.locator("#plan .lead")).to_contain_text("35 mg")


def test_of_many_who_sign_at_the_same_moment_exactly_one_signs(house: House) -> None:
    visitors = [Visitor(house).sign_in("prescriber") for _ in range(4)]
    path = f"/patients/{READY}/plan"
    pages = [visitor.get(path) for visitor in visitors]
    answers: list[str] = []

    def sign(visitor: Visitor, page: str, number: int) -> None:
        seen, digest = (re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("seen", "digest"))
        assert seen
        assert digest
        fields = {"option": INFUSION, "outcome": "accepted", "seen": seen[1], "digest": digest[1]}
        fields |= {"signer": "prescriber", "secret": house.secret("prescriber")}
        try:
            answers.append(visitor.post(path, fields | {"key": f"k{number}"}, page=page))
        except HTTPError as told:
            answers.append(f"{told.code} {'The record has changed' in told.read().decode()}")

    threads = [
        threading.Thread(target=sign, args=(*pair, number))
        for number, pair in enumerate(zip(visitors, pages, strict=True))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.split("#")[0].removeprefix(house.url) for answer in answers) == [
        f"/patients/{READY}", "409 True", "409 True", "409 True",
    ]  # fmt: skip
    assert "Earlier plans" not in visitors[0].get(f"/patients/{READY}")


def test_nobody_signs_a_plan_whose_facts_have_changed_underneath(house: House, enter: Enter) -> None:
    prescriber, nurse = enter(house, "prescriber"), enter(house, "nurse")
    prescriber.goto(f"{house.url}/patients/{READY}/plan")
    _say(nurse, house, "social.ride_home", "No", "asked on the telephone")
    sign_here(prescriber.locator("article").nth(1), house, "prescriber")
    prescriber.click("text=Sign plan B")
    expect(prescriber.locator("#problem")).to_contain_text("The facts have changed")


def test_one_changed_fact_changes_the_page(house: House, enter: Enter) -> None:
    page = enter(house, "prescriber")
    address = f"{house.url}/patients/{READY}"
    page.goto(address)
    expect(page.locator("#candidacy header").first).to_contain_text("Eligible")
    page.locator("tr", has_text="Systolic pressure").get_by_text("Change").click()
    page.fill("#wrong", "cuff too small")
    page.click("text=Withdraw it")
    expect(page.locator("#candidacy header").first).to_contain_text("Not known yet")
    expect(page.locator("#profile .gap", has_text="Systolic pressure")).to_contain_text("If 185 mmHg: Not yet.")
    expect(page.locator("#decision h2").first).to_contain_text("Facts are missing")

    _say(page, house, "social.ride_home", "No", "asked")
    expect(page.locator(".person")).to_contain_text("Somebody to take them home no")
    expect(page.locator("#candidacy")).to_contain_text("to be taken home by somebody")
    page.goto(f"{address}/plan")
    expect(page.locator("table.comparison tr", has_text="To arrange before")).to_contain_text("home")
    expect(page.locator("article").first).to_contain_text("Signing plan A all the same asks for a reason")

    _say(page, house, "history.aneurysm", "Yes", "letter of the cardiologist")
    expect(page.locator("#candidacy header").first).to_contain_text("Not suitable")
    expect(page.locator(".person")).to_contain_text("Aneurysm")
    page.goto(f"{address}/plan")
    expect(page.locator("main")).to_contain_text("No way to treat with ketamine is open")
    expect(page.locator("article")).to_have_count(0)


def test_a_high_risk_of_suicide_puts_the_emergency_path_above_everything_on_every_page(
    house: House, enter: Enter
) -> None:
    page = enter(house, "prescriber")
    page.goto(f"{house.url}/patients/{READY}/fact?path=scale.suicide_risk")
    page.select_option("#said", "imminent")
    page.click("main button:has-text('Save')")
    for part in ("", "/plan", "/session", "/score/phq9"):
        page.goto(f"{house.url}/patients/{READY}{part}")
        alarm = page.locator(".emergency")
        expect(alarm).to_be_visible()
        assert alarm.bounding_box()["y"] < 400  # type: ignore[index]
        assert Axe().run(page).violations_count == 0


def test_today_stays_current_without_being_asked(house: House, enter: Enter) -> None:
    nurse, prescriber = enter(house, "nurse"), enter(house, "prescriber")
    nurse.goto(f"{house.url}/today")
    expect(nurse.locator("main")).not_to_contain_text("Maren Okafor")
    prescriber.goto(f"{house.url}/patients/{READY}/plan")
    sign_here(prescriber.locator("article").nth(1), house, "prescriber")
    prescriber.click("text=Sign plan B")
    expect(nurse.locator("main")).to_contain_text("Maren Okafor: A plan was signed.", timeout=10_000)
    house.stop()
    expect(nurse.locator(".lost")).to_be_visible(timeout=10_000)
    house.start()
    expect(nurse.locator(".lost")).not_to_be_visible(timeout=20_000)


@pytest.mark.requirement(53)
def test_what_was_acknowledged_survives_a_kill_in_the_middle_of_saving(house: House) -> None:
    visitor = Visitor(house).sign_in("nurse")
    path = f"/patients/{READY}/fact"
    acknowledged: list[int] = []

    def save_on() -> None:
        page = visitor.get(f"{path}?path=vitals.height_cm")
        try:
            for centimetres in range(140, 240):
                fields = {"path": "vitals.height_cm", "said": str(centimetres), "reason": "", "key": f"k{centimetres}"}
                visitor.post(path, fields, page=page)
                acknowledged.append(centimetres)
        except (URLError, OSError):
            return

    saving = threading.Thread(target=save_on)
    saving.start()
    deadline = time.monotonic() + 30
    while len(acknowledged) < 12 and time.monotonic() < deadline:
        time.sleep(0.01)
    house.stop(how=signal.SIGKILL)
    saving.join()
    assert 12 <= len(acknowledged) < 100
    house.start()
    page = Visitor(house).sign_in("nurse").get(f"/patients/{READY}")
    assert any(f"{height} cm" in page for height in (acknowledged[-1], acknowledged[-1] + 1))
    checked = subprocess.run(
        [*COMMAND, "verify-audit"], env={**os.environ, "DATA_DIR": str(house.folder / "data")}, capture_output=True,
        check=False,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert b"blocks: intact" in checked.stdout


def test_ctrl_c_ends_it_cleanly_with_streams_open_and_a_second_start_keeps_everything(house: House) -> None:
    visitor = Visitor(house).sign_in("nurse")
    stream = visitor.opener.open(Request(f"{house.url}/today/stream"), timeout=30)
    assert stream.readline() == b": open\n"
    page = visitor.get(f"/patients/{READY}/fact?path=vitals.height_cm")
    fields = {"path": "vitals.height_cm", "said": "171", "reason": "", "key": "k"}
    visitor.post(f"/patients/{READY}/fact", fields, page=page)
    assert house.stop(within_s=10) == 0
    assert "Traceback" not in house.log.read_text()
    house.start(within_s=30)
    assert "171 cm" in Visitor(house).sign_in("nurse").get(f"/patients/{READY}")


def test_serve_makes_an_empty_folder_into_a_clinic_by_itself(tmp_path: Path) -> None:
    house = House(folder=tmp_path, command="serve").start()
    try:
        assert "Nobody can sign in yet" in house.log.read_text()
        assert "Sign in" in Visitor(house).get("/")
    finally:
        assert house.stop(how=signal.SIGTERM) == 0


@pytest.mark.requirement(33)
@pytest.mark.parametrize(
    ("command", "settings", "said"),
    [
        ("demo", {"HOST": "0.0.0.0"}, "for this computer alone"),
        ("demo", {"HOST": "0.0.0.0", "TLS_PROXY": "1"}, "for this computer alone"),
        ("serve", {"HOST": "0.0.0.0"}, "not this computer alone"),
        ("serve", {"HOST": "0.0.0.0", "TLS_PROXY": "1"}, "PUBLIC_URL"),
        ("serve", {"HOST": "0.0.0.0", "TLS_PROXY": "1", "PUBLIC_URL": "https://x.example"}, "holds the demonstration"),
        ("serve", {"PORT": "99999"}, "is no port"),
        ("serve", {"DATABASE_URL": "mysql://x"}, "must begin with postgresql"),
    ],
)
def test_a_start_that_would_be_wrong_is_refused_in_a_line(
    filled: Path, tmp_path: Path, command: str, settings: dict[str, str], said: str
) -> None:
    shutil.copytree(filled, tmp_path / "data")
    found = _run(tmp_path, command, settings)
    assert found.returncode in (2, 3)
    assert said in found.stderr
    assert "Traceback" not in found.stderr


def test_the_demonstration_does_not_open_where_real_people_are(tmp_path: Path) -> None:
    assert _run(tmp_path, "create-practice", {}, "real", "--name", "Real Clinic").returncode == 0
    found = _run(tmp_path, "demo", {})
    assert found.returncode == 3
    assert "not the demonstration's" in found.stderr


def _run(folder: Path, command: str, settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    surroundings = {**os.environ, "DATA_DIR": str(folder / "data"), "PORT": "8099", **settings}
    return subprocess.run(
        [*COMMAND, command, *arguments], env=surroundings, capture_output=True, text=True, timeout=60, check=False
    )


def _say(page: Page, house: House, path: str, said: str, reason: str) -> None:
    page.goto(f"{house.url}/patients/{READY}/fact?path={path}")
    page.click(f"main label:has-text('{said}')")
    page.fill("#reason", reason)
    page.click("main button:has-text('Save')")
    expect(page.locator("[role=status]")).to_contain_text("Saved")
