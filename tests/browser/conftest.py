"""Debian's Chromium in front of a real clinic; each test may have a house of its own, filled in a moment by copying."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from tests.browser.house import House, browser, opened_once, signed_in

EXPECTED = (
    "status of 4", "[object Event]", "ERR_CONNECTION_REFUSED", "ERR_INTERNET_DISCONNECTED", "ERR_FAILED",
    "htmx:sendError", "htmx:sendAbort", "htmx:afterRequest",
)  # fmt: skip
"""What a console may say: a form was refused, server or network is away while a test has it so, a newer request won."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    expect.set_options(timeout=30_000)  # what is true in the end is what counts, also on a busy machine
    with sync_playwright() as playwright, browser(playwright) as found:
        yield found


@pytest.fixture(scope="session")
def filled(whole_demonstration: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the demonstration in it, to be copied."""
    return opened_once(whole_demonstration, tmp_path_factory.mktemp("filled"))


@pytest.fixture
def house(filled: Path, tmp_path: Path) -> Iterator[House]:
    """A house of this test's own."""
    shutil.copytree(filled, tmp_path / "data")
    found = House(folder=tmp_path).start()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def museum(filled: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for all who only look."""
    folder = tmp_path_factory.mktemp("museum")
    shutil.copytree(filled, folder / "data")
    found = House(folder=folder).start()
    yield found
    found.stop()


@pytest.fixture
def enter(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Sign somebody in, each in a browser of their own. Whatever a console says as an error fails the test."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not any(words in message.text for words in EXPECTED):
            troubles.append(message.text)

    def signed(house: House, username: str, **settings: object) -> Page:
        context = chromium.new_context(**settings)  # type: ignore[arg-type]
        contexts.append(context)
        context.on("console", note)
        context.on("weberror", lambda error: troubles.append(str(error.error)))
        return signed_in(context, house, username)

    yield signed
    for context in contexts:
        context.close()
    assert not troubles
