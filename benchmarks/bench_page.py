"""How long does a move of the bench's slider take, from the request to the new chart on the screen, in a real browser?

`python -m benchmarks.bench_page` prints the median and the longest of twenty moves for each of some addresses;
"from the hand" is with the 60 ms that a hand is given to come to rest. Budget: 300 ms.
"""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from tests.browser.house import House, browser, signed_in
from tests.browser.screenshots import PAGES

MOVES = 20
WATCHED = {
    "two curves": PAGES["bench"],
    "four, arterial": PAGES["bench-four"],
    "every model of a route": PAGES["bench-models"],
    "film, largest model": "/bench?a_way=esketamine/sublingual&a_dose=20&weight=70&age=30&systolic=120&diastolic=75",
    "three days": "/bench?a_way=racemic/iv&a_dose=35&b_way=racemic/oral&b_dose=100&hours=72",
}
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
    print(f"{'slider moves, ms':24} {'median':>8} {'max':>8} {'from the hand':>14}  ({MOVES} moves)")
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright, browser(playwright) as chromium:
        house = House(folder=Path(place)).start()
        try:
            page = signed_in(chromium.new_context(viewport={"width": 1440, "height": 1000}), house, "prescriber")
            for name, address in WATCHED.items():
                found = moves(page, house.url + address)
                hand, asked = (sorted(column) for column in zip(*found, strict=True))
                print(f"{name:24} {statistics.median(asked):8.0f} {max(asked):8.0f} {statistics.median(hand):14.0f}")
        finally:
            house.stop()


if __name__ == "__main__":
    main()
