"""The page of a course: what it shows of each part and what it leaves out; the early sign tells and decides nothing."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from tests import invented_courses as courses

from clinic import clock
from clinic.access.models import Account
from clinic.actions.alerts import act
from clinic.actions.patients import import_record
from clinic.actions.response import answer_score
from clinic.jobs import do_next
from clinic.practice.models import Alert
from clinic.queries import person as queries
from clinic.queries.person import Chart, chart
from clinic.queries.response import beside, on_one_axis, scores_alone, some_chances
from clinic.record.models import Errand
from clinic.web.templatetags.alerts import alert_words
from clinic.web.templatetags.clinic import against_expected, improved, quantity_row
from ketapath.domain.evidence import Text
from ketapath.domain.response import Chance, Course, Influence, Posterior
from ketapath.errors import BadInput, NumericalError

READY = "treatment-resistant-depression"
TREATED = "first-language-arabic"
BROKEN = BadInput(field="weight", found=7000, limit="at most 650 kg", next_step="Correct it.")
Visit = Callable[[str], Client]
Who = Callable[[str], Account]


def page(client: Client, address: str = f"/patients/{TREATED}/response") -> str:
    """What somebody reads there: the words without their marks."""
    answer = client.get(address)
    assert answer.status_code == 200
    text = re.sub(r"<(?:title|desc)[^>]*>[^<]*</\w+>", " ", answer.content.decode())
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())


@pytest.fixture
def full(db: None) -> Iterator[None]:
    with courses.staged(TREATED, courses.course):
        yield


@pytest.mark.parametrize("role", ["prescriber", "nurse", "therapist", "coordinator", "director"])
def test_everybody_who_may_read_the_chart_may_review_the_course(browser_of: Visit, role: str) -> None:
    assert browser_of(role).get(f"/patients/{TREATED}/response").status_code == 200


@pytest.mark.parametrize("somebody", ["patient", "hillside-prescriber"])
def test_nobody_else_learns_that_the_page_exists(browser_of: Visit, somebody: str) -> None:
    client = browser_of(somebody)
    assert client.get(f"/patients/{TREATED}/response").status_code == 404
    assert client.get("/patients/nobody/response").status_code == 404


def test_without_signing_in_it_asks_to_sign_in(client: Client, db: None) -> None:
    answer = client.get(f"/patients/{TREATED}/response", headers={"host": "127.0.0.1"})
    assert answer.status_code == 302
    assert "/sign-in" in answer["Location"]


def test_it_shows_every_part_of_the_course(browser_of: Visit, full: None) -> None:
    said = page(browser_of("prescriber"))
    for words in (
        "PHQ-9, 0 to 27, lower is better",
        "dashed: expected of this treatment before any score",
        "PHQ-9 14 8 (3 to 13) far worse than expected down by 50 % down by 34 %",
        "about 3 in 10 about 8 in 100 about 5 in 10",
        "reliably better",
        "differ by less in 19 of 20 pairs",
        "published studies, version 2026-11, file 9f2c4e51aa07",
        "worth 2310 independent draws",
        "begun: bupropion, ",
        "33 mg",
        "planned, not given",
        "Crossed: 1 planned session that was not given.",
        "Enter PHQ-9",
        "by the sessions on record only",
        "If no further session is held: On Response Remission Relapse by then",
        "reliably worse on the PHQ-9 now than at the start: fewer than 1 in 100",
    ):
        assert words in said, words


def test_the_curve_is_drawn_with_all_that_belongs_on_its_days(browser_of: Visit, full: None) -> None:
    text = browser_of("nurse").get(f"/patients/{TREATED}/response").content.decode()
    drawing = text[text.index('id="response-title"') : text.index("</svg>", text.index('id="response-title"'))]
    counts = {
        '<polyline class="expected"': 1, '<polygon class="expected"': 1, '<polygon class="band90"': 1,
        '<polyline class="median"': 1, '<circle class="dot"': 7, '<line class="error"': 7, '<path class="cross"': 1,
        '<line class="tick"': 5, '<path class="diamond"': 1, '<path class="ring"': 7,
    }  # fmt: skip
    assert {mark: drawing.count(mark) for mark in counts} == counts
    card = browser_of("nurse").get(f"/patients/{TREATED}").content.decode()
    assert "On day 42, if no further session is held: response about 3 in 10, remission about 8 in 100." in " ".join(
        card.split()
    )
    assert 'class="expected"' not in card  # the card stays plain; the page of the course has both


def test_each_scale_stands_small_beside_the_others_with_its_direction(browser_of: Visit, full: None) -> None:
    client = browser_of("nurse")
    text = client.get(f"/patients/{TREATED}/response").content.decode()
    panels = re.findall(r'id="scale-\d-title".*?</svg>', text)
    assert len(panels) == len(courses.TOTALS)
    days = [re.findall(r'x="([\d.]+)"[^>]*>(\d+ [A-Z][a-z]{2})</text>', panel) for panel in panels]
    assert len(days[0]) > 2
    assert all(own == days[0] for own in days)
    said = page(client)
    assert said.count("charted without a model") == len(courses.TOTALS) - len(courses.MODELLED)
    assert "0 to 100, higher is better" in said
    assert said.count("lower is better") == len(courses.TOTALS)  # all but WHO-5, and the head of the page


def test_goals_stand_in_the_persons_own_words_and_one_without_a_rating_says_so(browser_of: Visit, full: None) -> None:
    said = page(browser_of("therapist"))
    assert "Walk my daughter to school again, twice a week" in said
    assert "+1 more than hoped for" in said
    assert "أن أنام الليل كله" in said
    assert "Not rated yet." in said


def test_the_table_of_scores_holds_every_one_and_links_where_it_was_read(browser_of: Visit, full: None) -> None:
    text = browser_of("nurse").get(f"/patients/{TREATED}/response").content.decode()
    table = text[text.index('id="scores"') :]
    assert table.count("<tr>") + table.count('<tr class="old">') == 1 + sum(map(len, courses.TOTALS.values())) + 1
    assert f"/patients/{TREATED}/source/Observation/who5-31" in table
    assert "no total" in table


def test_a_failed_check_is_said_first_and_no_probability_is_shown(browser_of: Visit) -> None:
    with courses.staged(TREATED, courses.failed):
        review = page(browser_of("prescriber"))
        patient = page(browser_of("prescriber"), f"/patients/{TREATED}")
    said = patient[: patient.index("Open a visit")]  # further down stand figures of trials
    for words in (review, said):
        assert "The check of this estimate failed. Do not rely on the curve." in words
        assert not re.search(r"about \d+ in 10", words)
        assert "Chance:" not in words
        assert "Chance that" not in words
    assert "Not shown: the check of the estimate failed." in review


def test_a_person_without_a_model_sees_own_scores_and_no_forecast(browser_of: Visit) -> None:
    with courses.staged(TREATED, courses.without_model):
        said = page(browser_of("nurse"))
    assert "PCL-5, 0 to 80, lower is better" in said
    assert said.count("charted without a model") == 3  # the course itself and both small ones
    assert "trend of these scores and their error alone" in said
    assert "expected of this treatment" not in said
    assert "Cannot be said: there is no model of this course." in said
    assert "Nothing has moved it yet" in said
    assert "Not predictable" in said


def test_a_course_of_which_nothing_is_known_says_so_in_every_part(browser_of: Visit) -> None:
    with courses.staged(TREATED, courses.bare):
        said = page(browser_of("nurse"))
    for words in (
        "hollow: on record, not used by the curve", "Nothing has moved it yet", "Cannot be said: there is no model",
        "Cannot be said yet", "No scale is charted yet", "No goal is on record", "nothing was estimated",
    ):  # fmt: skip
        assert words in said, words


def test_before_the_first_session_and_without_any_score_the_page_says_how_to_begin(
    browser_of: Visit, account: Who
) -> None:
    said = page(browser_of("nurse"), f"/patients/{READY}/response")
    assert "No session is on record, so there is no course under treatment yet." in said
    person = {"resourceType": "Patient", "id": "new-here", "birthDate": "1980-01-01", "gender": "female"}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": person}]}
    import_record(json.dumps(bundle).encode(), by=account("coordinator"))
    said = page(browser_of("nurse"), "/patients/new-here/response")
    assert "No score yet. The course begins with the first PHQ-9." in said
    assert "No questionnaire is on record. Enter the first PHQ-9" in said
    assert "Enter" not in page(browser_of("coordinator"), "/patients/new-here/response")


def test_a_record_that_cannot_be_relied_on_leads_to_the_page_that_says_why(
    browser_of: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = queries._chart
    unread = lambda *args: replace(real(*args), person=None, problem=BROKEN)  # noqa: E731
    monkeypatch.setattr(queries, "_chart", unread)
    answer = browser_of("nurse").get(f"/patients/{TREATED}/response", follow=True)
    assert answer.redirect_chain == [(f"/patients/{TREATED}", 302)]
    assert "This record cannot be relied on" in answer.content.decode()


def test_arithmetic_that_fails_leaves_the_scores_on_the_page(
    browser_of: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*args: object, **kwargs: object) -> None:
        raise NumericalError("did not settle")

    queries._treated.cache_clear()
    monkeypatch.setattr(queries.journey, "treated", fails)
    said = page(browser_of("nurse"))
    assert "The estimate could not be computed" in said
    assert "All scores on record 4" in said
    assert "PHQ-9 20 on" not in said  # of the drawing, whose words were taken out; the table has them
    assert "Cannot be said" in said
    queries._treated.cache_clear()


def test_arithmetic_that_fails_hides_neither_item_9_nor_a_rise(
    account: Who, browser_of: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = account("nurse")
    for ago, given in ((3, [0] * 9), (0, [2, 2, 2, 2, 2, 2, 1, 1, 1])):
        answers(nurse, given=given, ago=ago)
    whole = on_one_axis(look(nurse), queries.treated(look(nurse)).course)

    def fails(*args: object, **kwargs: object) -> None:
        raise NumericalError("did not settle")

    queries._treated.cache_clear()
    monkeypatch.setattr(queries.journey, "treated", fails)
    alone = scores_alone(look(nurse))
    assert (alone.item9, alone.sessions) == (1, whole.sessions)
    assert alone.warning is not None
    assert (alone.warning.kind, alone.warning.scale) == ("rising", "phq9")
    assert beside(look(nurse), alone).first == beside(look(nurse), whole).first
    assert alone.observed == whole.observed
    said = page(browser_of("prescriber"))
    for words in ("Item 9 was last answered above zero", "Early sign: getting worse", "no reliable change"):
        assert words in said, words
    assert "trend of these scores" not in said
    assert "No session is on record" not in said
    queries._treated.cache_clear()


def chance(day: float, relapse: float | None) -> Chance:
    return Chance(day=day, p_response=0.4, p_remission=0.1, p_relapse=relapse)


@pytest.mark.parametrize(
    ("relapses", "changes", "words"),
    [
        ((None, None), {"observed": (), "warning": None}, "nothing to relapse from yet"),
        ((None, None), {}, "may have happened already, see the early sign"),
        ((None, None), {"warning": None}, "may have happened already, see the scores"),
        ((None, 0.4), {}, "no visit to judge by yet"),
    ],
)
def test_where_no_chance_of_a_relapse_stands_the_page_says_why(
    browser_of: Visit, relapses: tuple[float | None, float | None], changes: dict[str, Any], words: str
) -> None:
    said = tuple(chance(day, p) for day, p in zip((28.0, 42.0), relapses, strict=True))
    with courses.staged(TREATED, lambda first: replace(courses.course(first), chances=said, **changes)):
        table = page(browser_of("nurse")).split("Relapse by then")[1].split("Response: symptoms")[0]
    assert words in table
    assert table.count(words) == 1
    others = [other for other in ("nothing to relapse", "may have happened", "no visit") if not words.startswith(other)]
    assert not [other for other in others if other in table]


def test_six_chances_at_most_stand_on_the_page_the_horizon_and_the_last_among_them() -> None:
    many = tuple(chance(float(day), 0.2) for day in range(21, 106, 7))
    for horizon in (many[1].day, many[6].day, many[-1].day):
        course = replace(courses.course(date(2026, 11, 1)), chances=many, horizon_day=horizon)
        days = [one.day for one in some_chances(course)]
        assert len(days) == 6
        assert days == sorted(days)
        assert {many[0].day, horizon, many[-1].day} <= set(days)
    few = replace(course, chances=many[:6])
    assert some_chances(few) == many[:6]


def nobodys(first: date) -> Course:
    """A model and no score of this person."""
    whole = courses.course(first)
    scale = replace(whole.scales[0], baseline=None, baseline_on=None, observed=(), change=None)
    return replace(
        whole, baseline=None, baseline_on=None, observed=(), scales=(scale,), warning=None, p_worse=0.4, influences=()
    )


def test_a_curve_without_an_own_score_is_of_people_who_start_there_and_says_nothing_of_this_person(
    browser_of: Visit,
) -> None:
    with courses.staged(TREATED, nobodys):
        text = browser_of("nurse").get(f"/patients/{TREATED}/response").content.decode()
        said = page(browser_of("nurse"))
    assert ">people who start there</text>" in text
    assert ">this person</text>" not in text
    assert "solid: people who start there" in said
    assert "solid: this person" not in said
    assert 'class="expected"' not in text
    assert "dashed line" not in said.lower()
    assert "Dots are own scores" not in said
    assert "reliably worse" not in said


def test_scores_from_after_the_first_session_alone_are_said_to_have_no_start(browser_of: Visit) -> None:
    def late(first: date) -> Course:
        whole = courses.without_model(first)
        return replace(whole, scale="peg", scales=(replace(whole.scales[0], scale="peg", title="PEG"),))

    words = "no score from before the first session"
    with courses.staged(TREATED, late):  # the record has a PEG from before it
        assert words not in page(browser_of("nurse")).lower()
    real = courses.TOTALS["peg"]
    courses.TOTALS["peg"] = real[1:]
    try:
        with courses.staged(TREATED, late):
            assert page(browser_of("nurse")).lower().count(words) >= 3  # legend, caption, change
    finally:
        courses.TOTALS["peg"] = real


@pytest.mark.parametrize(
    ("total", "scale", "words"),
    [
        (10, "phq9", "about as expected"), (11.9, "phq9", "about as expected"), (14, "phq9", "worse than expected"),
        (6, "phq9", "better than expected"), (16, "phq9", "far worse than expected"),
        (3, "phq9", "far better than expected"), (16, "who5", "far better than expected"),
        (14, "who5", "better than expected"), (4, "who5", "far worse than expected"),
    ],
)  # fmt: skip
def test_a_score_is_put_into_words_by_its_direction(total: float, scale: str, words: str) -> None:
    one = Influence(day=7.0, scale=scale, total=total, expected_p05=5.0, expected_p50=10.0, expected_p95=15.0,
                    improved_before=0.1, improved_after=0.1)  # fmt: skip
    assert against_expected(one, {"who5"}) == words


def test_the_page_writes_days_as_the_house_does_and_no_key_of_a_source(browser_of: Visit) -> None:
    def told(first: date) -> Course:
        whole = courses.course(first)
        change = whole.scales[0].change
        assert change is not None
        change = replace(
            change,
            definition=Text(key="change.beyond_error", values={"since": first.isoformat(), "points": "5"}),
            beside=(Text(key="change.no_response", values={"share": "50", "level": None, "source": "HEDIS_DRR"}),),
        )
        bands = tuple(replace(one, expected_p05=3.47, expected_p50=8.31, expected_p95=12.9) for one in whole.influences)
        scales = (replace(whole.scales[0], change=change), *whole.scales[1:])
        return replace(whole, scales=scales, influences=bands)

    with courses.staged(TREATED, told):
        said = page(browser_of("nurse"))
        text = browser_of("nurse").get(f"/patients/{TREATED}/response").content.decode()
    part = said[said.index("Change since the start") : said.index("Every scale")]
    assert "HEDIS_DRR" not in said
    assert "No response by the usual rule, a fall of 50 % or more." in part
    assert "/knowledge/sources/HEDIS_DRR" in text  # in the list of sources under the verdict
    assert re.search(r"Since \d+ \w{3} 20\d\d; 5 points", part)
    assert not re.search(r"\b20\d\d-\d\d-\d\d\b", said)
    assert "PHQ-9 14 8 (3 to 13)" in said
    assert "8.31" not in said


def test_symptoms_above_the_start_are_never_called_down() -> None:
    assert (improved(0.31), improved(-0.12), improved(0.001)) == ("down by 31 %", "up by 12 %", "as at the start")
    row = quantity_row(Posterior(quantity="half_life_days", unit="d", p05=5.23, p50=8.51, p95=13.02))
    assert row == ["Half of the drug's part is gone after", "8.5 days", "5.2 days", "13 days"]


def test_a_session_that_was_moved_by_a_day_is_not_missed_and_one_left_out_is(account: Who) -> None:
    found = chart(account("nurse").practice, TREATED)
    assert found is not None
    assert found.person is not None
    assert beside(found, courses.bare(date.min)).missed == ()
    second, rest = found.person.doses[1], found.person.doses
    moved = replace(found.person, doses=(rest[0], replace(second, on=second.on + timedelta(days=1)), *rest[2:]))
    assert beside(replace(found, person=moved), courses.bare(date.min)).missed == ()
    without = replace(found.person, doses=(rest[0], *rest[2:]))
    assert beside(replace(found, person=without), courses.bare(date.min)).missed == (second.on,)


def test_the_early_sign_stands_on_top_of_the_person_with_day_and_source_and_commands_nothing(
    browser_of: Visit, full: None
) -> None:
    text = browser_of("nurse").get(f"/patients/{TREATED}").content.decode()
    assert text.index('id="early-sign"') < text.index('id="decision"')
    sign = " ".join(re.sub(r"<[^>]+>", " ", text[text.index('id="early-sign"') : text.index('id="decision"')]).split())
    for words in ("may be a relapse", "PHQ-9 of 14", "talk with the person", "This sign decides nothing",
                  "Site default: no published source.", "Look at the course"):  # fmt: skip
        assert words in sign, words
    assert not re.search(r"\b(must|stop|increase|order|give|call now)\b", sign, re.IGNORECASE)
    assert 'id="early-sign"' not in browser_of("nurse").get(f"/patients/{READY}").content.decode()


def test_a_score_that_shows_an_early_sign_is_told_to_the_prescriber_once(
    account: Who, browser_of: Visit, full: None
) -> None:
    nurse, prescriber = account("nurse"), account("prescriber")
    answers(nurse)
    told = Alert.objects.filter(practice=nurse.practice, kind="response.warning")
    assert [(n.patient_id, n.owner) for n in told] == [(TREATED, prescriber)]
    assert "Layla Mansour : Early sign: may be a relapse, by PHQ-9." in page(browser_of("nurse"), "/today")
    assert "Mansour, Layla early sign" in page(browser_of("nurse"), "/patients")
    answers(nurse)
    assert told.count() == 1
    act(told.get().pk, "called: a bad week, seen on Friday", by=prescriber, closes=True)
    answers(nurse)
    assert told.count() == 1  # the same sign, seen already
    assert "early sign" not in page(browser_of("nurse"), "/patients")


def test_an_alert_says_what_the_sign_is_and_of_which_scale() -> None:
    said = {
        alert_words(Alert(kind="response.warning", about=about))
        for about in ("rising pcl5", "above-expected qids_sr16", "relapse phq9")
    }
    assert said == {
        "Early sign: PCL-5 is reliably worse than the best score. Worth a look.",
        "Early sign: QIDS-SR16 is above what was expected. Worth a look.",
        "Early sign: may be a relapse, by PHQ-9. Worth a look.",
    }
    old = Alert(kind="response.warning")  # written by an older version
    assert alert_words(old).startswith("Early sign: the course goes worse")


def test_a_rise_before_the_first_session_is_told_after_an_import_and_after_a_score(account: Who) -> None:
    nurse, today = account("nurse"), clock.today(account("nurse").practice.zone)
    person = {"resourceType": "Patient", "id": "rises", "birthDate": "1980-01-01", "gender": "female"}
    scores = [
        {
            "resourceType": "Observation", "id": f"rise-{ago}", "status": "final",
            "subject": {"reference": "Patient/rises"}, "effectiveDateTime": (today - timedelta(days=ago)).isoformat(),
            "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]}, "valueInteger": total,
        }
        for ago, total in ((20, 6), (2, 18))
    ]  # fmt: skip

    def taken_in(*resources: dict[str, Any]) -> None:
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}
        import_record(json.dumps(bundle).encode(), by=account("coordinator"))
        while do_next():
            pass

    told = Alert.objects.filter(practice=nurse.practice, patient_id="rises", kind="response.warning")
    taken_in(person, scores[0])
    assert not told.exists()
    taken_in(person, *scores)
    taken_in(person, *scores)  # nothing new in it
    assert [n.about for n in told] == ["rising phq9"]
    told.update(closed_at=clock.now(), raised_at=clock.now() - timedelta(days=1))
    answers(nurse, patient_id="rises", given=[3] * 8 + [0])  # a new day, a new sign
    assert [n.about for n in told.filter(closed_at=None)] == ["rising phq9"]


def test_no_sign_no_notice_and_what_cannot_be_computed_is_tried_again(
    account: Who, monkeypatch: pytest.MonkeyPatch
) -> None:
    nurse = account("nurse")
    with courses.staged(TREATED, courses.without_model):
        answers(nurse)
    answers(nurse, patient_id=READY)  # before the first session

    def fails(*args: object, **kwargs: object) -> None:
        raise NumericalError("did not settle")

    monkeypatch.setattr(queries.journey, "treated", fails)
    answers(nurse)
    assert not Alert.objects.filter(kind="response.warning", patient_id__in=(TREATED, READY)).exists()
    assert [(e.problem, e.done_at) for e in Errand.objects.filter(kind="early-sign", done_at=None)] == [
        ("ValueError", None)
    ]


def look(who: Account, patient_id: str = TREATED) -> Chart:
    found = chart(who.practice, patient_id)
    assert found is not None
    return found


def answers(
    nurse: Account, *, patient_id: str = TREATED, given: Sequence[int] = (2, 2, 1, 2, 2, 1, 2, 2, 0), ago: int = 0
) -> None:
    day = clock.today(nurse.practice.zone) - timedelta(days=ago)
    answer_score(look(nurse, patient_id), "phq9", list(given), by=nurse, key="", on=day)
    while do_next():
        pass
