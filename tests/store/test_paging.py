"""Pages follow one another without a row twice or left out, whatever is written between them, in every order."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from tests.store.searching import found, observation, page, put

from clinic import clock
from clinic.access.models import Account
from clinic.record.models import Practice
from clinic.record.reach import Reach
from clinic.record.search import Cursor
from ketapath.errors import BadInput

ORDERS = ("", "&_sort=date", "&_sort=-date", "&_sort=-value-string,date", "&_sort=_lastUpdated", "&_sort=-_id")
CODED = {"coding": [{"system": "http://loinc.org", "code": "1"}]}


def note(identity: str, draw: random.Random) -> dict[str, object]:
    """An observation on one of a few days, some without a day or a word."""
    fields: dict[str, object] = {"code": CODED}
    if draw.random() < 0.8:
        fields["effectiveDateTime"] = f"2026-03-{draw.randint(1, 5):02}"
    if draw.random() < 0.8:
        fields["valueString"] = draw.choice(["a", "B", "ä", "z", "é e"])
    return observation(identity, **fields)


def filled(practice: Practice, draw: random.Random, *, size: int = 14) -> None:
    """Notes that were written one after the other, a while ago."""
    for n in range(size):
        put(practice, note(f"n{n:02}", draw), at=clock.now() - timedelta(hours=1, minutes=-n))


@pytest.mark.parametrize("asked", ["patient=p1", "code=1", "date:missing=false", "code:not=9", "status=final&code=1"])
@pytest.mark.parametrize("order", ORDERS)
def test_all_pages_together_are_the_whole_in_its_order(here: Account, asked: str, order: str) -> None:
    filled(here.practice, random.Random(order + asked))
    search = f"Observation?{asked}{order}"
    whole = page(here.practice, search)
    seen, after = [], None
    for _ in range(9):
        part = page(here.practice, f"{search}&_count=3", after=after)
        assert part.total == len(whole.matches)
        seen += [s.identity for s in part.matches]
        if part.next is None:
            break
        after = Cursor.from_text(part.next.text)
    assert seen == [s.identity for s in whole.matches]
    assert len(seen) == whole.total > 6


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("order", ORDERS)
def test_whatever_is_written_meanwhile_no_row_comes_twice_and_none_is_left_out(
    here: Account, order: str, seed: int
) -> None:
    draw = random.Random(seed)
    filled(here.practice, draw)
    versions = dict.fromkeys(found(here.practice, "Observation?code=1"), 1)
    stood, seen, after = set(versions), list[str](), None
    for turn in range(12):
        part = page(here.practice, f"Observation?code=1{order}&_count=3", after=after)
        seen += [s.identity for s in part.matches]
        if part.next is None:
            break
        after = part.next
        put(here.practice, note(f"new{turn}", draw))
        for identity in draw.sample(sorted(stood), 4):
            put(here.practice, note(identity, draw), expected=versions[identity])
            versions[identity] += 1
    assert len(seen) == len(set(seen))
    assert stood <= set(seen)
    assert set(seen) == stood or order == ""  # in the order of coming in, new ones stand at the end


def test_order_follows_the_signs_themselves_on_every_database(here: Account) -> None:
    for n, word in enumerate(("b", "B-1", "a b", "ab", "a-b", "Ä", "z", "_", "~")):
        put(here.practice, observation(f"o{n}", valueString=word))
    in_order = [s.resource["valueString"] for s in page(here.practice, "Observation?_sort=value-string").matches]
    assert in_order == ["_", "Ä", "a b", "a-b", "ab", "b", "B-1", "z", "~"]


def test_names_are_sorted_by_how_they_begin_and_not_by_their_later_words(here: Account) -> None:
    for n, family in enumerate(("zu Alt", "Meier", "von Berg")):
        put(here.practice, {"resourceType": "Patient", "id": f"x{n}", "name": [{"family": family}]})
    assert found(here.practice, "Patient?name=alt") == ["x0"]
    assert found(here.practice, "Patient?_sort=name") == ["x1", "x2", "x0"]


@pytest.mark.requirement(29)
def test_the_address_of_a_page_names_no_person_and_no_value(here: Account) -> None:
    for n in range(3):
        put(here.practice, {"resourceType": "Patient", "id": f"x{n}", "name": [{"family": "Okafor"}]})
    following = page(here.practice, "Patient?name=okafor&_sort=family&_count=1").next
    assert following is not None
    assert Cursor.from_text(following.text) == following
    assert (following.identity, following.version, following.total) == ("x0", 1, 3)
    assert {"identity", "version", "total", "began"} == set(Cursor.__slots__)


@pytest.mark.requirement(21)
@pytest.mark.parametrize(
    "text", ["", "x", "bnVsbA", "W10", "WyJhIiwgMSwgMSwgMWU5OTld", "W1sxXSwgMSwgMSwgMV0", "ü" * 9, "[" * 999]
)
def test_an_address_that_no_page_gave_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="page"):
        Cursor.from_text(text)


def test_a_cursor_leads_on_only_within_the_reach_of_whoever_uses_it(here: Account) -> None:
    for patient in ("p1", "p2"):
        put(here.practice, observation(f"o-{patient}", patient, code=CODED))
    cursor = page(here.practice, "Observation?code=1&_count=1").next
    assert cursor is not None
    other = Reach(practice=here.practice, people=frozenset({"p2"}))
    with pytest.raises(BadInput, match="page"):
        page(other, "Observation?code=1", after=cursor)
