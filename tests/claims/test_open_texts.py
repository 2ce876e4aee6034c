"""The texts that were open while the wordings were made: what was reached there may not be lost unnoticed."""

from __future__ import annotations

from benchmarks.claims import FIXTURES, count, fixtures, labelled_place


def test_claims_are_found_and_honest_texts_left_alone() -> None:
    tally = count(dict(fixtures())["open"])
    assert sum(tally.found.values()) >= 0.9 * sum(tally.labelled.values())
    assert tally.alarms <= 0.05 * tally.negatives
    assert tally.omissions_agree >= 0.9 * tally.omissions


def test_every_label_stands_in_its_text() -> None:
    for _, items in fixtures(FIXTURES):
        for item in items:
            for label in item["claims"]:
                assert labelled_place(item, label["quote"]) is not None, item["id"]
