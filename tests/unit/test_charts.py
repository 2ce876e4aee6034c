"""A drawing says what it is told: what was expected beside what was found, missed sessions, doses that can be read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from tests import invented_courses as courses
from tests.records import CLINIC, KNOWLEDGE, good_record, person

from ketapath import journey
from ketapath.domain.evidence import Text
from ketapath.report import course_html
from ketapath.report.charts import Dot, Panel, Point, Row, Tick, draw, recovery_chart

FIRST = date(2026, 11, 1)


def drawn(**parts: object) -> str:
    fields = {"title": "t", "description": "d", "x_name": "", "x_from": 0.0, "x_to": 60.0, "x_labels": [],
              "y_to": 20.0, "y_step": 5.0}  # fmt: skip
    return draw(Panel(**{**fields, **parts}), identity="x")  # type: ignore[arg-type]


def words_of(svg: str) -> list[str]:
    return re.findall(r'<text class="value"[^>]*text-anchor="middle">([^<]*)</text>', svg)


def test_what_was_expected_is_a_line_and_a_band_of_its_own_in_the_report() -> None:
    full = courses.course(FIRST)
    shown, without = recovery_chart(full), recovery_chart(replace(full, expected=None))
    for mark in ('<polygon class="expected"', '<polyline class="expected"', "<th>expected, 50 %</th>", "Dashed line"):
        assert mark in shown
        assert mark not in without
    assert full.expected is not None
    assert f"<td>{full.expected.p50[14]:.1f}</td></tr>" in shown


def test_the_report_calls_the_scale_by_its_name_and_reaches_its_top() -> None:
    madrs = courses.course(FIRST).scales[2]
    found = replace(courses.course(FIRST), scale="madrs", scales=(madrs,), curve=madrs.curve, expected=None)
    chart = recovery_chart(found)
    assert "MADRS over time" in chart
    assert "MADRS that would be observed" in chart
    assert ">60</text>" in chart
    assert "PHQ-9" not in chart


def test_a_trend_without_a_model_is_never_said_to_be_of_such_people() -> None:
    chart = recovery_chart(courses.without_model(FIRST))
    assert "Charted without a model" in chart
    assert "such people" not in chart
    assert "Charted without a model" not in recovery_chart(courses.course(FIRST))


def test_a_missed_session_is_crossed_and_a_planned_one_dashed() -> None:
    svg = drawn(ticks=[Tick(x=0.0, words="35"), Tick(x=7.0, words="", is_missed=True),
                       Tick(x=14.0, words="35", is_planned=True)])  # fmt: skip
    assert svg.count('class="cross"') == 1
    assert svg.count('class="tick planned"') == 1
    assert svg.count('class="tick"') == 1


def test_a_dose_that_would_stand_on_the_one_before_is_left_out_and_its_tick_stays() -> None:
    svg = drawn(ticks=[Tick(x=float(day), words="112") for day in (0, 1, 30)])
    assert words_of(svg) == ["112", "112"]
    assert svg.count('class="tick"') == 3


def test_the_error_of_a_measurement_and_what_is_set_aside_can_be_seen() -> None:
    svg = drawn(dots=[Dot(x=1.0, y=10.0, words="a", error=3.0), Dot(x=2.0, y=10.0, words="b", is_aside=True)])
    assert svg.count('class="error"') == 1
    assert svg.count('class="dot aside"') == 1


@pytest.mark.parametrize("words", ["<b>begun</b>", 'a "quoted" one'])
def test_rows_under_the_axis_escape_the_words_of_a_record(words: str) -> None:
    svg = drawn(rows=[Row(name=words, points=[Point(x=3.0, shape="diamond", words=words)])])
    assert words not in re.sub(r"&\w+;", "", svg)
    assert 'class="diamond"' in svg


def test_the_standalone_page_says_a_failed_check_above_the_curve_and_shows_no_chance() -> None:
    someone = person(good_record())
    _candidacy, _course, card = journey.treated(someone, CLINIC, KNOWLEDGE, seed=1)
    worse = Text(key="card_probability.worse")
    card = replace(card, prospect=replace(card.prospect, probability=0.42, of=worse, unknown=None))
    known = replace(KNOWLEDGE, texts={**KNOWLEDGE.texts, **courses.WORDS})
    good = course_html(courses.course(FIRST), card, someone, known)
    bad = course_html(courses.failed(FIRST), card, someone, known)
    assert "about 4 in 10" in good
    assert "about 4 in 10" not in bad
    assert "The check of this estimate failed" not in good
    assert bad.index("The check of this estimate failed") < bad.index("<svg")
    assert "<h3>Other scales</h3>" in good  # some of them have a model, so the head does not say that none has
    assert good.count('<polyline class="expected"') == len(courses.MODELLED)


def test_a_trend_that_is_the_main_curve_is_not_drawn_a_second_time() -> None:
    someone = person(good_record())
    _candidacy, _course, card = journey.treated(someone, CLINIC, KNOWLEDGE, seed=1)
    known = replace(KNOWLEDGE, texts={**KNOWLEDGE.texts, **courses.WORDS})
    page = course_html(courses.without_model(FIRST), card, someone, known)
    assert page.count("PCL-5 over time") == 1
    assert page.count("PHQ-9 over time") == 1
