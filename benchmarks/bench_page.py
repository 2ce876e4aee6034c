"""How long does a move of the bench's slider take, from the request to the new chart on the screen, in a real browser?

`python -m benchmarks.bench_page` prints the median and the longest of twenty moves for each of some addresses, with and
without the wait of 60 ms that lets a hand come to rest. Budget: 300 ms.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.browser.house import House, browser, signed_in
from tests.browser.screenshots import PAGES

MOVES = 20
WATCHED = ("bench", "bench-four", "bench-models")
_MOVE = """(mg) => new Promise((done, fail) => {
  setTimeout(() => fail(new Error("no answer within 5 s")), 5000);
  const slider = document.getElementById("a_dose-slide");
  const times = {};
  const before = () => { times.asked = performance.now(); };
  document.addEventListener("htmx:beforeRequest", before, {once: true});
  document.addEventListener("htmx:afterSwap", () => requestAnimationFrame(() => {
    const now = performance.now();
    done([now - times.moved, now - times.asked]);
  }), {once: true});
  times.moved = performance.now();
  slider.value = mg;
  slider.dispatchEvent(new Event("input", {bubbles: true}));
})"""


def moves(page: Page, address: str) -> list[tuple[float, float]]:
    """Milliseconds of each move: from the hand, and from the request."""
    page.goto(address)
    page.set_default_timeout(5_000)
    page.wait_for_load_state("load")
    found = [page.evaluate(_MOVE, 20 + 2 * move) for move in range(MOVES)]
    assert f"{20 + 2 * (MOVES - 1)} mg" in page.inner_text("#bench-result")
    return [(float(hand), float(asked)) for hand, asked in found]


def main() -> None:
    """Print the table."""
    print(f"{'slider moves, ms':20} {'median':>8} {'max':>8} {'from the hand':>14}  ({MOVES} moves)")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright, browser(playwright) as chromium:
        house = House(folder=Path(place)).start()
        try:
            page = signed_in(chromium.new_context(viewport={"width": 1440, "height": 1000}), house, "prescriber")
            for name in WATCHED:
                found = moves(page, house.url + PAGES[name])
                hand, asked = (sorted(column) for column in zip(*found, strict=True))
                print(f"{name:20} {statistics.median(asked):8.0f} {max(asked):8.0f} {statistics.median(hand):14.0f}")
        finally:
            house.stop()


if __name__ == "__main__":
    main()
