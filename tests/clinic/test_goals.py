"""Scales and goals at the clinic: typed in, charted, rated; whose items may not be shown is not asked item by item."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused
from clinic.actions.profile import state_facts
from clinic.actions.response import answer_score, rate_goal, set_goal
from clinic.queries import person as queries
from clinic.queries.person import Chart, chart, treated
from clinic.queries.response import beside, on_one_axis
from clinic.record.projections import knowledge
from ketapath.errors import BadInput, NumericalError

READY = "treatment-resistant-depression"
Who = Callable[[str], Account]


def look(who: Account) -> Chart:
    found = chart(who.practice, READY)
    assert found is not None
    return found


def goals(who: Account) -> list[tuple[str, list[int]]]:
    person = look(who).person
    assert person is not None
    return [(g.words, [r.level for r in g.ratings]) for g in person.goals]


def test_every_questionnaire_whose_text_may_be_shown_has_its_form_with_its_licence(
    browser_of: Callable[[str], Client],
) -> None:
    client = browser_of("nurse")
    for name, form in knowledge().instruments.items():
        answer = client.get(f"/patients/{READY}/score/{name}")
        assert answer.status_code == (200 if "items" in form else 404), name
        page = client.get(f"/knowledge/instruments/{name}").content.decode()
        assert form["title"] in page
        if "items" in form:
            assert answer.content.decode().count("<fieldset>") == len(form["items"])
            assert form["licence"]["attribution"][:30] in answer.content.decode()


def test_the_patients_own_page_explains_every_questionnaire_that_can_be_answered(
    browser_of: Callable[[str], Client],
) -> None:
    page = browser_of("patient").get("/my").content.decode()
    for form in knowledge().instruments.values():
        if "items" in form:
            assert f"{form['title']} asks about" in page


def test_a_pcl5_typed_in_is_charted_and_changes_are_said(account: Who, browser_of: Callable[[str], Client]) -> None:
    nurse = account("nurse")
    found = look(nurse)
    answer_score(found, "pcl5", [3] * 20, by=nurse, key="")
    scales = {s.scale: s for s in treated(look(nurse)).course.scales}
    assert [o.total for o in scales["pcl5"].observed] == [60]
    client = browser_of("nurse")
    page = client.get(f"/patients/{READY}/response").content.decode()
    panel = page[page.index("<h3>PCL-5</h3>") :]
    assert "0 to 80, lower is better" in panel
    panel = panel[: panel.index("</figure>")]
    assert 'class="band90"' in panel
    assert "charted without a model" in panel
    assert "<h3>PCL-5</h3>" not in client.get(f"/patients/{READY}").content.decode()  # the card stays compact


def test_a_total_from_the_owners_form_is_typed_as_a_fact_and_charted(account: Who) -> None:
    nurse = account("nurse")
    with pytest.raises(BadInput, match="questionnaire"):
        answer_score(look(nurse), "who5", [1] * 5, by=nurse, key="")
    state_facts(look(nurse), {"scale.who5": "48"}, by=nurse, reason="typed", key="")
    scales = {s.scale: s for s in treated(look(nurse)).course.scales}
    assert [o.total for o in scales["who5"].observed] == [48]
    assert scales["who5"].higher_is_better


def test_a_goal_is_kept_as_it_was_said_and_rated(account: Who) -> None:
    nurse = account("nurse")
    set_goal(look(nurse), "  Take the\x00 dog\u202e out\n again ", by=nurse, key="")
    assert goals(nurse) == [("Take the dog out again", [])]
    person = look(nurse).person
    assert person is not None
    name = person.goals[0].origin.split("/")[1]
    for level in (-2, 1):
        rate_goal(look(nurse), name, level, by=nurse, key="")
    assert goals(nurse) == [("Take the dog out again", [-2, 1])]


def test_of_two_ratings_on_one_day_the_newest_is_drawn_and_both_stay_on_record(
    account: Who, browser_of: Callable[[str], Client]
) -> None:
    nurse = account("nurse")
    set_goal(look(nurse), "Take the dog out", by=nurse, key="")
    person = look(nurse).person
    assert person is not None
    for level in (-2, 1):
        rate_goal(look(nurse), person.goals[0].origin.split("/")[1], level, by=nurse, key="")
    page = browser_of("nurse").get(f"/patients/{READY}/response").content.decode()
    drawing = page[page.index('id="goal-0-title"') :]
    assert drawing[: drawing.index("</svg>")].count('class="dot"') == 1
    assert "more than hoped for" in drawing[: drawing.index("</svg>")]
    assert "much less than hoped for (rated again that day)" in drawing


@pytest.mark.parametrize("words", ["", " \n ", "\x00", "x" * 301])
def test_no_goal_without_words_or_with_too_many(account: Who, words: str) -> None:
    nurse = account("nurse")
    with pytest.raises(BadInput, match="goal"):
        set_goal(look(nurse), words, by=nurse, key="")
    assert goals(nurse) == []


@pytest.mark.parametrize("level", [None, 3, -3])
def test_a_rating_is_one_of_five_steps_of_a_goal_of_this_record(account: Who, level: int | None) -> None:
    nurse = account("nurse")
    set_goal(look(nurse), "Sleep", by=nurse, key="")
    person = look(nurse).person
    assert person is not None
    with pytest.raises(BadInput, match="rating"):
        rate_goal(look(nurse), person.goals[0].origin.split("/")[1], level, by=nurse, key="")
    with pytest.raises(BadInput, match="goal"):
        rate_goal(look(nurse), "of-somebody-else", 1, by=nurse, key="")


def test_one_request_sent_twice_is_one_goal(account: Who) -> None:
    nurse = account("nurse")
    for _ in range(2):
        set_goal(look(nurse), "Sleep", by=nurse, key="same")
    assert goals(nurse) == [("Sleep", [])]


def test_who_may_not_write_answers_may_not_write_goals(account: Who) -> None:
    coordinator = account("coordinator")
    with pytest.raises(Refused):
        set_goal(look(coordinator), "Sleep", by=coordinator, key="")
    with pytest.raises(Refused):
        rate_goal(look(coordinator), "x", 1, by=coordinator, key="")


def test_the_page_takes_a_goal_and_a_rating(account: Who, browser_of: Callable[[str], Client]) -> None:
    client = browser_of("nurse")
    answer = client.post(f"/patients/{READY}/goals", {"words": "Walk <b>far</b>", "key": "a"})
    assert answer["Location"] == f"/patients/{READY}/response#goals"
    person = look(account("nurse")).person
    assert person is not None
    name = person.goals[0].origin.split("/")[1]
    client.post(f"/patients/{READY}/goals", {"step": "rate", "goal": name, "level": "-1", "key": "b"})
    page = client.get(f"/patients/{READY}/response").content.decode()
    assert "Walk &lt;b&gt;far&lt;/b&gt;" in page
    assert "-1 less than hoped for" in page
    assert "Walk" not in client.get(f"/patients/{READY}").content.decode()
    assert client.post(f"/patients/{READY}/goals", {"step": "rate", "goal": name, "level": ""}).status_code == 400
    refused = client.post(f"/patients/{READY}/goals", {"words": "Sing " * 61})
    assert refused.status_code == 400
    again = client.get(f"/patients/{READY}/goals")  # the address that a refused form leaves in the browser
    assert (again.status_code, again["Location"]) == (302, f"/patients/{READY}/response#goals")
    assert "Sing Sing" in refused.content.decode()  # what was typed is kept
    assert "Save the goal" not in browser_of("coordinator").get(f"/patients/{READY}/response").content.decode()


def test_goals_stay_on_the_page_where_the_estimate_fails(
    account: Who, browser_of: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise NumericalError("did not settle")

    set_goal(look(account("nurse")), "Sleep through", by=account("nurse"), key="")
    monkeypatch.setattr(queries.journey, "treated", fails)
    page = browser_of("nurse").get(f"/patients/{READY}/response").content.decode()
    assert "The estimate could not be computed" in page
    assert "Sleep through" in page


def test_before_a_session_each_score_and_sign_stands_on_its_own_day(account: Who) -> None:
    nurse = account("nurse")
    today = clock.today(nurse.practice.zone)
    days = {("gad7", 6): 3, ("gad7", 1): 21, ("pcl5", 3): 40, ("phq9", 2): 18}
    for (name, ago), total in days.items():
        items = knowledge().instruments[name]["items"]
        most = 4 if name == "pcl5" else 3
        given = [min(most, max(0, total - most * place)) for place in range(len(items))]
        answer_score(look(nurse), name, given, by=nurse, key="", on=today - timedelta(days=ago))
    found = look(nurse)
    assert found.person is not None
    assert not found.person.doses
    course = on_one_axis(found, treated(found).course)
    first = beside(found, course).first
    assert first is not None
    on = {str(s.origin): s.on for s in found.person.scores}
    for scale in course.scales:
        assert scale.observed, scale.scale
        for one in scale.observed:
            assert first + timedelta(days=one.day) == on[one.origin], scale.scale
        assert scale.curve is None or first + timedelta(days=scale.curve.days[-1]) == today
    assert course.warning is not None
    assert first + timedelta(days=course.warning.day) == today - timedelta(days=1)
    assert course.curve == course.scales[0].curve  # the trend, for want of a model
