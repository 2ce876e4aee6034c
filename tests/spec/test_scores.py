"""What does a questionnaire say? Published examples, missing items, alerts, change."""

from __future__ import annotations

import pytest

from ketapath.errors import BadInput
from ketapath.knowledge import load
from ketapath.measurement import gained, is_meaningful, is_remission, is_response, reliable_change, score, severity

INSTRUMENTS = load().instruments
PHQ9, GAD7 = (INSTRUMENTS[name] for name in ("phq9", "gad7"))
PCL5, PEG, WHO5, QIDS, MADRS = (INSTRUMENTS[name] for name in ("pcl5", "peg", "who5", "qids_sr16", "madrs"))


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


@pytest.mark.parametrize(
    ("answers", "total", "band"),
    [
        ((2, 0, 0, 0, 0, 2, 0, 2, 2, 0, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0), 12, "below the usual cut-off"),
        ((2,) * 15 + (1, 0, 0, 0, 0), 31, "at the usual cut-off"),
        ((4,) * 20, 80, "above the usual cut-off"),
    ],
)
def test_pcl5_examples(answers: tuple[int, ...], total: int, band: str) -> None:
    found = score(PCL5, answers)
    assert (found.total, found.severity) == (total, band)


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_a_text_is_shipped_only_where_its_licence_says_so(name: str) -> None:
    form = INSTRUMENTS[name]
    assert ("items" in form) is ("options" in form) is (form["ship_text"] == "yes")
    assert form["licence"]["status"]


@pytest.mark.parametrize("form", [MADRS, QIDS, PEG, WHO5], ids=lambda form: str(form["id"]))
def test_a_scale_whose_items_may_not_be_shipped_is_not_scored_item_by_item(form: dict[str, object]) -> None:
    with pytest.raises(BadInput, match="total"):
        score(form, (1, 2, 3))


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_every_scale_fills_a_path_that_holds_all_its_totals_and_no_other(name: str) -> None:
    form = INSTRUMENTS[name]
    assert load().paths[form["path"]].limits == (form["scoring"]["min"], form["scoring"]["max"])


@pytest.mark.parametrize("name", sorted(INSTRUMENTS))
def test_a_change_beyond_error_is_at_least_what_the_error_of_two_measurements_makes(name: str) -> None:
    form = INSTRUMENTS[name]
    assert form["reliable_change"]["points"] >= 1.95 * 2**0.5 * form["standard_error"]["points"]


def test_on_a_scale_where_higher_is_better_a_rise_is_an_improvement() -> None:
    assert gained(WHO5, 40, 64) == 24
    assert reliable_change(WHO5, 40, 64) == "improved"
    assert reliable_change(WHO5, 64, 40) == "worse"
    assert reliable_change(WHO5, 40, 60) == "no reliable change"
    assert gained(PHQ9, 20, 12) == 8


def test_what_is_called_meaningful_is_said_apart_from_what_is_beyond_error() -> None:
    assert is_meaningful(PCL5, 60, 50) is True
    assert reliable_change(PCL5, 60, 50) == "no reliable change"
    assert is_meaningful(PCL5, 60, 51) is False
    assert is_meaningful(PHQ9, 20, 10) is None


def test_a_rule_that_no_source_gives_is_not_made_up() -> None:
    assert is_response(PCL5, 60, 10) is None
    assert is_remission(WHO5, 90) is None
    assert severity(PEG, 5.3) is None


def test_pain_has_responded_when_three_tenths_of_it_are_gone() -> None:
    assert is_response(PEG, 10, 7) is True
    assert is_response(PEG, 10, 7.1) is False


def test_qids_remission_is_its_lowest_band() -> None:
    assert (is_remission(QIDS, 5), is_remission(QIDS, 6)) == (True, False)
    assert (severity(QIDS, 5), severity(QIDS, 6)) == ("none", "mild")
