"""What does a questionnaire say? Published examples, missing items, alerts, change."""

from __future__ import annotations

import pytest

from ketapath.errors import BadInput
from ketapath.knowledge import load
from ketapath.measurement import is_remission, is_response, reliable_change, score, severity

PHQ9, GAD7 = (load().instruments[name] for name in ("phq9", "gad7"))


@pytest.mark.parametrize(
    ("answers", "total", "band"),
    [
        ((1, 2, 1, 2, 1, 1, 0, 0, 1), 9, "mild"),
        ((3,) * 9, 27, "severe"),
        ((0,) * 9, 0, "none-minimal"),
        ((2, 2, 2, 2, 2, 0, 0, 0, 0), 10, "moderate"),
    ],
)
def test_phq9_examples(answers: tuple[int, ...], total: int, band: str) -> None:
    found = score(PHQ9, answers)
    assert (found.total, found.severity) == (total, band)
    assert bool(found.alerts) is (answers[8] > 0)


@pytest.mark.parametrize(
    ("answers", "total", "band"),
    [
        ((2, 1, 2, 1, 0, 1, 0), 7, "mild"),
        ((1, 1, 1, 1, 0, 0, 0), 4, "minimal"),
        ((2, 2, 2, 2, 1, 1, 0), 10, "moderate"),
        ((3, 3, 3, 2, 2, 2, 0), 15, "severe"),
    ],
)
def test_gad7_examples(answers: tuple[int, ...], total: int, band: str) -> None:
    found = score(GAD7, answers)
    assert (found.total, found.severity, found.alerts) == (total, band, ())


@pytest.mark.parametrize("instrument", [PHQ9, GAD7], ids=["phq9", "gad7"])
def test_one_missing_item_means_no_total(instrument: dict[str, object]) -> None:
    items = instrument["items"]
    assert isinstance(items, list)
    found = score(instrument, (None,) + (1,) * (len(items) - 1))
    assert (found.total, found.severity, found.missing) == (None, None, (items[0]["id"],))


@pytest.mark.parametrize("answers", [(1,) * 8, (1,) * 10, (4,) + (0,) * 8, (-1,) + (0,) * 8])
def test_answers_that_do_not_belong_to_the_scale_are_refused(answers: tuple[int, ...]) -> None:
    with pytest.raises(BadInput):
        score(PHQ9, answers)


def test_a_change_counts_from_what_measurement_error_leaves_over() -> None:
    assert reliable_change(PHQ9, 20, 13) == "no reliable change"
    assert reliable_change(PHQ9, 20, 12) == "improved"
    assert reliable_change(PHQ9, 12, 20) == "worse"


def test_response_is_half_and_remission_is_below_five() -> None:
    assert is_response(PHQ9, 20, 10)
    assert not is_response(PHQ9, 20, 11)
    assert is_remission(PHQ9, 4)
    assert not is_remission(PHQ9, 5)


def test_every_total_has_exactly_one_band() -> None:
    for instrument in (PHQ9, GAD7):
        for total in range(instrument["scoring"]["max"] + 1):
            assert severity(instrument, total)


def test_the_phq9_codes_stand_in_the_order_of_the_form() -> None:
    codes = [item["loinc"] for item in PHQ9["items"]]
    assert codes == [
        "44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8",
    ]  # fmt: skip
