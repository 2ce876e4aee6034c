"""How resistant a depression is, by a published staging; what nobody has written makes the total a range."""

from __future__ import annotations

import pytest
from tests.records import KNOWLEDGE, good_record, person

from ketapath.staging import stage

KNOWN = {
    "episode__duration_weeks": 60.0, "episode__severity": "severe", "trials__adequate_failed": 3.0,
    "trials__augmentation_tried": True, "history__ect_tried": False,
}  # fmt: skip


def test_a_person_of_whom_everything_is_known_has_one_total() -> None:
    found = stage(person(good_record(**KNOWN)), KNOWLEDGE)
    # 2 for 13 to 24 months, 4 for severe, 2 for three or four medicines, 1 for augmentation, 0 for no ECT
    assert (found.least, found.most, found.band) == (9, 9, "moderate")
    assert {e.key for e in found.evidence} == {"FEKADU2018", "HAGG2020"}


@pytest.mark.parametrize(
    ("changed", "total"),
    [
        ({"episode__duration_weeks": 52.0}, 8), ({"episode__duration_weeks": 53.0}, 9),
        ({"episode__duration_weeks": 104.0}, 9), ({"episode__duration_weeks": 105.0}, 10),
        ({"trials__adequate_failed": 2.0}, 8), ({"trials__adequate_failed": 5.0}, 10),
        ({"trials__adequate_failed": 11.0}, 12), ({"episode__severity": "severe-psychotic"}, 10),
        ({"history__ect_tried": True}, 10),
    ],
)  # fmt: skip
def test_the_published_points(changed: dict[str, object], total: int) -> None:
    found = stage(person(good_record(**{**KNOWN, **changed})), KNOWLEDGE)
    assert (found.least, found.most) == (total, total)


def test_what_is_not_known_makes_a_range_and_a_band_only_where_both_ends_agree() -> None:
    without = stage(person(good_record(**KNOWN, without=("history.ect_tried",))), KNOWLEDGE)
    assert (without.least, without.most, without.band) == (9, 10, "moderate")
    nothing = stage(person(good_record(without=tuple(p.replace("__", ".") for p in KNOWN))), KNOWLEDGE)
    assert nothing.most > nothing.least
    assert nothing.band is None
    assert all(d.fact is None for d in nothing.dimensions)
