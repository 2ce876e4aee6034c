"""Which published numbers the fit reads: never a pooled one beside its members, never twice, always of one arm."""

from __future__ import annotations

import csv
from collections import Counter

from ketapath.knowledge import FOLDER, load
from ketapath.response.outcomes import outcomes

SCALES = load().response["trial_scales"]
USED, LEFT = outcomes(SCALES)
with (FOLDER / "response" / "outcomes.csv").open(newline="", encoding="utf-8") as file:
    ROWS = {int(row["row"]): row for row in csv.DictReader(file)}


def test_every_row_is_used_or_left_out_with_a_reason_and_never_both() -> None:
    seen = Counter([d.row for d in USED] + [one.row for one in LEFT])
    assert set(seen) == set(ROWS)
    assert set(seen.values()) == {1}
    assert all(one.reason for one in LEFT)


def test_no_pooled_row_stands_beside_a_member_trial() -> None:
    used = {d.study for d in USED}
    for datum in USED:
        overlapping = ROWS[datum.row]["overlaps_with"]
        assert not [s for s in used - {datum.study} if s in overlapping], (datum.row, overlapping)


def test_other_conditions_minors_and_other_treatments_are_not_read() -> None:
    indications = {ROWS[d.row]["indication"] for d in USED}
    assert not indications & {"PTSD", "AUD", "OCD", "SAD", "CRPS", "neuropathic pain", "TRD adolescent"}
    assert not [d for d in USED if ROWS[d.row]["drug"] == "ECT"]


def test_a_fall_is_negative_and_a_share_is_one_of_one() -> None:
    for datum in USED:
        if datum.kind.startswith("contrast"):
            assert datum.value < 0.0
        elif datum.kind != "change":
            assert 0.0 <= datum.value <= 1.0
    by_row = {d.row: d for d in USED}
    assert by_row[276].value == 16.2 - 33.0  # a mean of 16.2 from 33
    assert by_row[383].value == -4.0  # printed without its sign in the source
    assert abs((by_row[381].error or 0.0) - (7.67 - 0.49) / 3.92) < 1e-9


def test_both_arms_of_a_difference_start_alike_where_one_start_is_told() -> None:
    one = next(d for d in USED if d.row == 146)
    assert one.against is not None
    assert (one.arm.baseline, one.against.baseline) == (39.9, 39.9)
    assert (one.arm.n, one.against.n) == (114, 113)


def test_many_numbers_of_one_arm_count_less_than_as_many_arms() -> None:
    weights = {d.row: d.weight for d in USED}
    alone = [d for d in USED if d.study == "Phillips2019"]
    assert [d.weight for d in alone] == [1.0]
    assert weights[80] < 0.5  # four numbers of twelve people
    assert all(d.weight == 1.0 for d in USED if d.kind.startswith("contrast"))
