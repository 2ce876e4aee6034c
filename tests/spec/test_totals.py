"""Which totals does a record hold? Scales by their codes, names, paths and items; what cannot be is kept and marked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.records import KNOWLEDGE, SUBJECT, TODAY, coded, intake, person, quantity, record

from ketapath.domain.fact import ScoreEntry

LOCAL = "https://ketapath.org/fhir/local"


def scores(*resources: dict[str, Any]) -> list[tuple[str, float | None, str | None]]:
    return [(s.instrument, s.total, s.reason.key if s.reason else None) for s in person(record(*resources)).scores]


def local(code: str, value: float, **more: Any) -> dict[str, Any]:
    found = coded("Observation", LOCAL, code, status="final", valueQuantity={"value": value, "unit": "{score}"})
    return found | {"effectiveDateTime": TODAY.isoformat(), **more}


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (quantity("101698-9", 41, "{score}"), ("pcl5", 41)),
        (quantity("91147-9", 6.3, "{score}"), ("peg", 6.3)),
        (local("madrs-total", 33), ("madrs", 33)),
        (local("qids-total", 17), ("qids_sr16", 17)),
        (local("who5-total", 48), ("who5", 48)),
        (intake({"scale.who5": 48.0}), ("who5", 48)),
        (local("x", 33) | {"code": {"text": "MADRS total score"}}, ("madrs", 33)),
        (quantity("44261-6", 18, "{score}"), ("phq9", 18)),
    ],
)
def test_a_total_is_read_by_code_name_or_path(resource: dict[str, Any], expected: tuple[str, float]) -> None:
    assert scores(resource) == [(*expected, None)]


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (quantity("101698-9", 81, "{score}"), "score.outside"),
        (quantity("101698-9", 41.5, "{score}"), "score.not_whole"),
        (local("who5-total", 13), "score.not_a_step"),
        (local("madrs-total", 33) | {"valueQuantity": {"value": 33, "unit": "mm[Hg]"}}, "fact.unit_unknown"),
        (quantity("91147-9", 11, "{score}"), "score.outside"),
    ],
)
def test_a_total_that_the_scale_cannot_have_is_kept_and_marked(resource: dict[str, Any], reason: str) -> None:
    [(_, total, marked)] = scores(resource)
    assert marked == reason
    assert total is not None
    someone = person(record(resource))
    assert [f.reason.key for f in someone.unusable if f.reason] == [reason]
    assert not any(f.path.startswith("scale.") for f in someone.known.values())


def test_a_form_with_items_is_scored_from_them() -> None:
    items = [{"linkId": item["id"], "answer": [{"valueInteger": 2}]} for item in KNOWLEDGE.instruments["pcl5"]["items"]]
    form = {
        "resourceType": "QuestionnaireResponse", "id": "pcl", "status": "completed", "subject": SUBJECT,
        "authored": TODAY.isoformat(), "item": items,
    }  # fmt: skip
    assert scores(form) == [("pcl5", 40, None)]
    stated = {"linkId": "/101698-9", "answer": [{"valueInteger": 12}]}
    assert scores(form | {"item": [*items[1:], stated]}) == [("pcl5", None, "score.items_missing")]


def test_two_totals_of_one_day_are_two_measurements() -> None:
    one, other = local("madrs-total", 33, id="a"), local("madrs-total", 12, id="b")
    assert sorted(total for _, total, _ in scores(one, other) if total) == [12, 33]
    assert "scale.madrs" not in person(record(one, other)).known


def test_what_was_scored_under_a_dose_says_nothing_of_the_person_at_rest() -> None:
    under = local("madrs-total", 5, partOf=[{"reference": "MedicationAdministration/dose"}])
    assert scores(under) == []


def test_a_provisional_or_undated_total_is_shown_and_not_used() -> None:
    provisional = local("madrs-total", 33, status="preliminary")
    undated = {k: v for k, v in local("madrs-total", 33).items() if k != "effectiveDateTime"}
    for resource, reason in ((provisional, "fact.preliminary"), (undated, "fact.undated")):
        someone = person(record(resource))
        assert not someone.scores
        assert [f.reason.key for f in someone.unusable if f.reason] == [reason]


def test_a_total_is_news_until_it_is_too_old_for_today() -> None:
    old = local("madrs-total", 33, effectiveDateTime=(TODAY - timedelta(days=60)).isoformat())
    someone = person(record(old))
    assert [isinstance(s, ScoreEntry) for s in someone.scores] == [True]
    assert "scale.madrs" not in someone.known


def test_a_total_matched_by_words_says_so() -> None:
    by_name = local("x", 33) | {"code": {"text": "MADRS total score"}}
    assert person(record(by_name)).known["scale.madrs"].confidence == "by name"
    assert person(record(local("madrs-total", 33))).known["scale.madrs"].confidence == "reported"


def test_a_total_is_not_counted_among_what_could_not_be_read() -> None:
    assert not [n for n in person(record(local("madrs-total", 33))).notes if n.key == "profile.not_interpreted"]
