"""Each of the requirements has a test or a reason, and the published table is the one in force."""

from __future__ import annotations

from docs.trace import PAGE, gaps, page, requirements, shown


def test_every_requirement_has_a_test_or_says_why_not_yet_and_no_reason_is_out_of_date() -> None:
    assert gaps() == []


def test_there_are_sixty_of_them_and_the_marks_are_found() -> None:
    assert [one["id"] for one in requirements()] == list(range(1, 61))
    assert all(set(one) <= {"id", "room", "says", "not_yet"} for one in requirements())
    assert len(shown()) > 20


def test_the_published_table_is_current() -> None:
    assert PAGE.read_text() == page(), "make trace"
