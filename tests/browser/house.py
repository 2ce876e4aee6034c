"""A real clinic on a free port of this computer, and Debian's browser in front of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright
from tests.daytime import hours_ahead

COMMAND = [str(Path(sys.executable).with_name("ketapath-clinic"))]
CHEAP = [sys.executable, "-m", "tests.browser.cheap"]
"""The same command, with passwords that cost no time."""
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SIGNS = re.compile(r"^  (\S+) .*; password ([A-Z0-9]{4}-[A-Z0-9]{4})$", re.MULTILINE)
CODE = re.compile(r"^  (\S+) +((?:[A-Z0-9]{4}-){3}[A-Z0-9]{4})", re.MULTILINE)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class House:
    """A running clinic: where it is, and its terminal. `settings` are further variables of its surroundings,
    `program` what is run with the command as its argument."""

    folder: Path
    port: int = field(default_factory=lambda: free_port())
    process: subprocess.Popen[bytes] = field(init=False)
    command: str = "demo"
    settings: dict[str, str] = field(default_factory=dict)
    program: list[str] = field(default_factory=lambda: CHEAP)

    def start(self, *, within_s: float = 120.0) -> House:
        """Start it and wait until it is ready."""
        self.log = self.folder / f"terminal-{self.port}.log"
        environment = {**os.environ, "DATA_DIR": str(self.folder / "data"), "PORT": str(self.port), "HOST": "127.0.0.1"}
        environment.pop("DATABASE_URL", None)
        environment |= {"DEMO_AHEAD": str(hours_ahead())} | self.settings
        with self.log.open("ab") as log:
            self.process = subprocess.Popen([*self.program, self.command], stdout=log, stderr=log, env=environment)
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                with urlopen(f"{self.url}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return self
            except OSError:
                time.sleep(0.1)
        raise AssertionError(f"not ready within {within_s} s: {self.log.read_text()}")

    def stop(self, *, how: int = signal.SIGINT, within_s: float = 15.0) -> int:
        """End it and say how it ended."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        return self.process.wait(timeout=within_s)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def code(self, username: str) -> str:
        """The newest code for this name on the terminal."""
        return [code for name, code in CODE.findall(self.log.read_text()) if name == username][-1]

    def secret(self, username: str) -> str:
        """What this name signs with, as the terminal says it."""
        return dict(SIGNS.findall(self.log.read_text()))[username]


class Visitor:
    """Somebody without a browser: signs in and sends forms, and keeps what it was answered."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def get(self, path: str) -> str:
        """A page."""
        with self.opener.open(self.house.url + path, timeout=10) as answer:
            return str(answer.read().decode())

    def post(self, path: str, fields: dict[str, str], *, page: str) -> str:
        """Send a form with the proof of origin that `page` holds; where the answer leads, as its address."""
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
        assert token, page[:500]
        data = urlencode({"csrfmiddlewaretoken": token[1], **fields}).encode()
        request = Request(self.house.url + path, data=data, headers={"Referer": self.house.url + path})
        with self.opener.open(request, timeout=10) as answer:
            answer.read()
            return str(answer.url)

    def sign_in(self, username: str) -> Visitor:
        """Use this person's newest code."""
        fields = {"username": username, "secret": self.house.code(username), "next": ""}
        assert "/sign-in" not in self.post("/sign-in", fields, page=self.get("/sign-in"))
        return self


@contextmanager
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "make test installs chromium where it may; here it is missing"
    found = playwright.chromium.launch(executable_path=path, args=FLAGS)
    try:
        yield found
    finally:
        found.close()


def signed_in(context: BrowserContext, house: House, username: str) -> Page:
    """A page of this browser in which this person has signed in."""
    page = context.new_page()
    page.goto(f"{house.url}/sign-in")
    page.fill("#username", username)
    page.fill("#secret", house.code(username))
    page.click("main button.first")
    page.wait_for_url(lambda url: "/sign-in" not in url)
    return page


def sign_here(form: Locator, house: House, username: str) -> None:
    """Fill in what a form asks to sign with: the secret, and the first time in a session the name."""
    name = form.locator("[name=signer]")
    if name.count():
        name.first.fill(username)
    form.locator("[name=secret]").first.fill(house.secret(username))


def opened_once(file: Path, folder: Path) -> Path:
    """A data folder with this database in it, opened once, so that all its files are in place."""
    (folder / "data").mkdir()
    shutil.copy(file, folder / "data" / "clinic.sqlite3")
    House(folder=folder).start().stop()
    return folder / "data"
