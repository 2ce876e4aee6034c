"""The texts that the wordings were made or widened with: what was reached there may not be lost unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from benchmarks.claims import FIXTURES, KNOWLEDGE, count, fixtures, labelled_place

from ketapath.education import check_claims

HONEST = yaml.safe_load((Path(__file__).parent / "honest.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["open", "first-locked", "second-locked"])
def test_claims_are_found_and_honest_texts_left_alone(name: str) -> None:
    tally = count(dict(fixtures())[name])
    assert sum(tally.found.values()) >= 0.9 * sum(tally.labelled.values())
    assert tally.alarms <= 0.05 * tally.negatives
    assert tally.omissions_agree >= 0.9 * tally.omissions


def test_every_label_stands_in_its_text() -> None:
    for _, items in fixtures(FIXTURES):
        for item in items:
            for label in item["claims"]:
                assert labelled_place(item, label["quote"]) is not None, item["id"]


@pytest.mark.parametrize("item", HONEST, ids=[item["text"][:40] for item in HONEST])
def test_an_honest_text_is_not_blamed(item: dict[str, str]) -> None:
    report = check_claims(item["text"], KNOWLEDGE, form="html" if item["form"] == "html" else "text")
    assert not [(claim.claim, claim.at.quote) for claim in report.claims]
