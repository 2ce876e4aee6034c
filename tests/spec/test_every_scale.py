"""What stands beside the course of depression? Every other scale, goals, a sign that it gets worse."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

from tests.records import (
    CLINIC,
    KNOWLEDGE,
    SUBJECT,
    TODAY,
    days_ago,
    good_record,
    infusion,
    person,
    phq9,
    record,
    spread,
)

from ketapath import journey, report
from ketapath.domain.plan import DecisionCard
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course, ScaleCourse
from ketapath.fhir import encode

LOCAL = "https://ketapath.org/fhir/local"


def total(code: str, value: float, on: date, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "id": f"{code}-{on}", "status": "final", "subject": SUBJECT,
        "code": {"coding": [{"system": LOCAL, "code": code}]}, "effectiveDateTime": on.isoformat(),
        "valueQuantity": {"value": value, "unit": "{score}"}, **more,
    }  # fmt: skip


DAYS = [days_ago(n) for n in (20, 17, 13, 10)]
SOME = (
    *(infusion(day) for day in DAYS),
    phq9(spread(20), on=days_ago(21)),
    phq9(spread(11), on=days_ago(12)),
    total("pcl5-total", 60, days_ago(21)),
    total("pcl5-total", 40, days_ago(5)),
    total("who5-total", 24, days_ago(21)),
    total("who5-total", 56, days_ago(3)),
    encode.goal("dog", "Walk the <dog>", patient_id="test", since=days_ago(30)),
    encode.goal_rating("r", "dog", 1, patient_id="test", at=days_ago(2), by="somebody"),
)


def treated(*more: dict[str, Any], without: int | None = None) -> tuple[Profile, Course, DecisionCard]:
    someone = person(good_record(*SOME[:without], *more, score=None))
    _, course, card = journey.treated(someone, CLINIC, KNOWLEDGE, seed=1)
    return someone, course, card


def scale(course: Course, name: str) -> ScaleCourse:
    return next(s for s in course.scales if s.scale == name)


def test_every_scale_with_a_score_is_there_the_main_one_first_and_those_of_depression_are_modelled() -> None:
    _, course, _ = treated()
    assert [s.scale for s in course.scales] == ["phq9", "madrs", "pcl5", "who5"]
    assert [s.is_modelled for s in course.scales] == [True, True, False, False]
    assert scale(course, "phq9").curve == course.curve
    assert scale(course, "phq9").observed == course.observed


def test_days_of_every_scale_count_from_the_first_session_and_end_today() -> None:
    _, course, _ = treated()
    pcl5 = scale(course, "pcl5")
    assert [o.day for o in pcl5.observed] == [-1.0, 15.0]
    assert pcl5.curve is not None
    assert pcl5.curve.days[-1] == (TODAY - DAYS[0]).days


def test_change_is_said_for_each_scale_in_its_own_direction() -> None:
    _, course, _ = treated()
    verdicts = {s.scale: s.change.verdict for s in course.scales if s.change}
    assert verdicts == {"phq9": "improved", "pcl5": "improved", "who5": "improved"}


def test_before_a_first_session_each_scale_counts_from_its_first_score() -> None:
    scores = (
        total("pcl5-total", 60, days_ago(9)),
        total("pcl5-total", 20, days_ago(5)),
        total("pcl5-total", 61, TODAY),
    )
    someone = person(record(phq9(spread(9), on=days_ago(4)), *scores))
    _, course, _ = journey.treated(someone, CLINIC, KNOWLEDGE, seed=1)
    pcl5 = scale(course, "pcl5")
    assert [o.day for o in pcl5.observed] == [0.0, 4.0, 9.0]
    assert [o.day for o in scale(course, "phq9").observed] == [0.0]
    assert pcl5.change is not None
    assert (pcl5.change.before, pcl5.change.verdict) == (60, "no reliable change")
    assert course.warning is not None
    assert course.warning.statement.values["on"] == TODAY.isoformat()


def test_a_score_that_cannot_be_used_is_said_and_not_hidden() -> None:
    someone = person(record(total("who5-total", 13, days_ago(5))))
    _, course, _ = journey.treated(someone, CLINIC, KNOWLEDGE, seed=1)
    who5 = scale(course, "who5")
    assert (who5.curve, who5.observed) == (None, ())
    assert [n.key for n in who5.notes] == ["response.score_set_aside"]


def test_a_rise_on_any_scale_is_a_sign_and_the_newest_one_is_shown() -> None:
    assert treated()[1].warning is None
    rise = treated(total("pcl5-total", 58, days_ago(1)))[1].warning
    assert rise is not None
    assert (rise.scale, rise.kind, rise.day) == ("pcl5", "rising", 19.0)


def test_json_has_all_of_it_with_its_definitions() -> None:
    someone, course, card = treated(total("pcl5-total", 58, days_ago(1)))
    form = json.loads(json.dumps(report.course_json(course, card, someone, KNOWLEDGE)))
    pcl5 = next(s for s in form["scales"] if s["scale"] == "pcl5")
    assert (pcl5["title"], pcl5["higher_is_better"], pcl5["modelled"]) == ("PCL-5", False, False)
    assert pcl5["baseline"] == 60
    assert [o["total"] for o in pcl5["observed"]] == [60, 40, 58]
    assert pcl5["expected"] is None
    assert len(pcl5["curve"]["days"]) == len(pcl5["curve"]["p50"])
    assert pcl5["change"]["verdict"] == "no reliable change"
    assert pcl5["change"]["evidence"][0]["key"] == "MARX2022"
    assert "15 points" in pcl5["change"]["definition"]
    assert form["goals"][0]["ratings"] == [{"on": days_ago(2).isoformat(), "level": 1, "source": "Observation/r"}]
    assert form["warning"]["kind"] == "rising"
    assert form["warning"]["evidence"][0]["key"] == "MARX2022"
    assert form["chances"][0]["p_response"] == course.chances[0].p_response
    assert form["influences"][0]["total"] == 11
    assert form["provenance"]["name"] == "literature"


def test_text_and_page_say_scales_goals_and_the_sign_and_escape_what_a_record_says() -> None:
    someone, course, card = treated(total("pcl5-total", 58, days_ago(1)))
    text = report.course_text(course, card, someone, KNOWLEDGE)
    page = report.course_html(course, card, someone, KNOWLEDGE)
    for said in ("PCL-5", "WHO-5", "higher is better", "MARX2022", "+1 on", "Early sign:"):
        assert said in text
        assert said in page
    assert "Walk the <dog>" in text
    assert "Walk the &lt;dog&gt;" in page
    assert "<dog>" not in page
    assert page.count("without any model of treatment") == 1


def test_a_site_default_is_called_one() -> None:
    scores = (total("qids-total", 20, days_ago(21)), total("qids-total", 10, days_ago(1)))
    someone, course, card = treated(*scores)
    text = report.course_text(course, card, someone, KNOWLEDGE)
    assert "site default, approved by nobody" in text


def test_without_a_model_the_depression_scores_are_charted_as_any_other_scale() -> None:
    someone = person(record(phq9(spread(18), on=days_ago(9)), phq9(spread(14), on=days_ago(2))))
    _, course, card = journey.treated(someone, CLINIC, KNOWLEDGE, seed=1)
    assert course.curve is None
    assert not scale(course, "phq9").is_modelled
    assert 'id="scale-phq9-title"' in report.course_html(course, card, someone, KNOWLEDGE)
    _, modelled, card = treated()
    assert 'id="scale-phq9-title"' not in report.course_html(modelled, card, someone, KNOWLEDGE)
