"""What does a page weigh, the first time that somebody opens it? With everything it brings along, as it travels."""

from __future__ import annotations

import gzip
import re
from urllib.parse import urljoin
from urllib.request import Request

import pytest
from tests.browser.house import House, Visitor
from tests.browser.screenshots import OWN, PAGES

MOST = 150_000
REFUSED = {"bench-wrong", "missing"}
"""Pages that answer with an error, small as they are."""


class Scales:
    """One visitor whose answers are weighed as they came."""

    def __init__(self, house: House, username: str) -> None:
        self.house = house
        self.visitor = Visitor(house).sign_in(username)
        self.brought: dict[str, int] = {}

    def weigh(self, path: str) -> int:
        """The page and what it names of the house's own files, in bytes, heads of answers aside."""
        body, page = self._fetch(path)
        for name in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page)):
            if name not in self.brought:
                self.brought[name] = len(self._fetch(name)[0])
        return len(body) + sum(self.brought[name] for name in set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page)))

    def _fetch(self, path: str) -> tuple[bytes, str]:
        request = Request(urljoin(self.house.url, path), headers={"Accept-Encoding": "gzip"})
        with self.visitor.opener.open(request, timeout=60) as answer:
            body: bytes = answer.read()
            whole = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
        return body, whole.decode("utf-8", "replace")


@pytest.mark.parametrize(("username", "pages"), [("prescriber", PAGES), ("patient", OWN)])
def test_no_page_takes_more_than_150_kilobytes_the_first_time(
    museum: House, username: str, pages: dict[str, str]
) -> None:
    scales = Scales(museum, username)
    found = {name: scales.weigh(path) for name, path in pages.items() if name not in REFUSED}
    assert {name: weight for name, weight in found.items() if weight > MOST} == {}
