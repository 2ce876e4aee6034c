"""What scores say without a model: bands on the scale, no forecast, no order, no improvement out of noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.records import KNOWLEDGE

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Origin, ScoreEntry
from ketapath.domain.response import ScaleCourse
from ketapath.response.trend import rising, trend

FIRST = date(2026, 9, 1)
NAMES = sorted(KNOWLEDGE.instruments)
WORSE = [n for n in NAMES if KNOWLEDGE.instruments[n]["scoring"]["higher_is"] == "worse"]


def entry(scale: str, day: int, total: float | None, *, name: str = "", version: str | None = None) -> ScoreEntry:
    origin = Origin(resource="Observation", id=name or f"{scale}-{day}", version=version)
    return ScoreEntry(instrument=scale, on=FIRST + timedelta(days=day), total=total, items=(), origin=origin)


def found(scale: str, scores: Sequence[ScoreEntry], *, day: int = 60) -> ScaleCourse:
    return trend(
        scores, KNOWLEDGE.instruments[scale], first=FIRST, as_of=FIRST + timedelta(days=day), knowledge=KNOWLEDGE
    )


def of(scale: str, *scores: tuple[int, float], day: int = 60) -> ScaleCourse:
    return found(scale, [entry(scale, on, total) for on, total in scores], day=day)


def totals(scale: str) -> st.SearchStrategy[float]:
    scoring = KNOWLEDGE.instruments[scale]["scoring"]
    step = int(scoring.get("step", 1))
    return st.integers(0, int(scoring["max"]) // step).map(lambda n: float(n * step))


@pytest.mark.parametrize("scale", NAMES)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_bands_are_in_order_on_the_scale_and_end_today(data: st.DataObject, scale: str) -> None:
    days = data.draw(st.lists(st.integers(-400, 60), min_size=1, max_size=12, unique=True))
    curve = of(scale, *((day, data.draw(totals(scale))) for day in days)).curve
    assert curve is not None
    bands = np.array([curve.p05, curve.p25, curve.p50, curve.p75, curve.p95])
    assert (np.diff(bands, axis=0) >= 0).all()
    assert bands.min() >= 0.0
    assert bands.max() <= KNOWLEDGE.instruments[scale]["scoring"]["max"]
    assert (curve.days[0], curve.days[-1]) == (min(days), 60)


def test_without_a_score_there_is_no_curve_and_no_change() -> None:
    nothing = found("pcl5", [])
    assert (nothing.curve, nothing.change, nothing.observed, nothing.is_modelled) == (None, None, (), False)
    unscored = replace(entry("pcl5", 3, None), reason=Text(key="score.items_missing", values={}))
    assert found("pcl5", [unscored]).curve is None
    assert [n.key for n in found("pcl5", [unscored]).notes] == ["response.score_set_aside"]


def test_one_score_gives_its_error_band() -> None:
    curve = of("pcl5", (0, 40), day=0).curve
    assert curve is not None
    assert curve.days == (0.0,)
    assert curve.p50[0] == pytest.approx(40.0, abs=0.01)
    # At the middle of the scale: the error of two measurements, the one that was and the one that would be.
    half = 1.645 * 2**0.5 * KNOWLEDGE.instruments["pcl5"]["standard_error"]["points"]
    assert curve.p95[0] - 40.0 == pytest.approx(half, rel=0.05)
    low = of("pcl5", (0, 10), day=0).curve
    assert low is not None
    assert low.p50[0] == pytest.approx(10.0, abs=0.01)  # one's own level is not drawn to the middle of the scale


def test_what_was_seen_is_known_best_where_it_was_seen() -> None:
    curve = of("phq9", (0, 14), (40, 14), day=80).curve
    assert curve is not None
    width = dict(zip(curve.days, np.subtract(curve.p95, curve.p05), strict=True))
    assert width[0.0] < width[20.0] < width[80.0]
    assert width[20.0] == max(width[day] for day in curve.days if 0 <= day <= 40)


@pytest.mark.parametrize("scale", WORSE)
def test_who_gets_worse_is_never_shown_as_getting_better(scale: str) -> None:
    top = KNOWLEDGE.instruments[scale]["scoring"]["max"]
    scores = [(day, round(top * (0.2 + 0.1 * i))) for i, day in enumerate((0, 7, 14, 21, 28, 35))]
    course = of(scale, *scores, day=35)
    assert course.curve is not None
    assert (np.diff(course.curve.p50) > 0).all()
    assert course.change is not None
    assert course.change.verdict == "worse"


def test_on_the_who5_a_rise_is_an_improvement_and_a_fall_a_warning() -> None:
    better, worse = of("who5", (0, 20), (28, 60)), of("who5", (0, 60), (28, 20))
    assert better.change is not None
    assert worse.change is not None
    assert (better.change.verdict, worse.change.verdict) == ("improved", "worse")
    form = KNOWLEDGE.instruments["who5"]
    assert rising(better, form, first=FIRST, knowledge=KNOWLEDGE) is None
    assert rising(worse, form, first=FIRST, knowledge=KNOWLEDGE) is not None
    assert better.curve is not None
    assert better.curve.p50[-1] > better.curve.p50[0]


def test_the_order_of_scores_and_of_scores_of_one_day_is_irrelevant() -> None:
    scores = [entry("pcl5", 0, 60), entry("pcl5", 7, 40, name="a"), entry("pcl5", 7, 50, name="b")]
    courses = [found("pcl5", order) for order in permutations(scores)]
    assert all(course == courses[0] for course in courses)
    assert courses[0].observed[-1].total == 45
    assert "response.two_scores" in [n.key for n in courses[0].notes]


def test_a_later_version_replaces_the_earlier() -> None:
    scores = [entry("pcl5", 0, 60, name="a", version="2"), entry("pcl5", 0, 20, name="a", version="1")]
    assert [o.total for o in found("pcl5", scores).observed] == [60]


def test_nothing_after_today_and_no_other_scale_counts() -> None:
    with_later = [entry("pcl5", 0, 60), entry("pcl5", 61, 0), entry("phq9", 1, 3)]
    assert found("pcl5", with_later) == found("pcl5", with_later[:1])


def test_change_is_counted_from_the_baseline_before_the_first_session() -> None:
    course = of("pcl5", (-200, 20), (-3, 60), (14, 44))
    assert (course.baseline, course.baseline_on) == (60, (FIRST - timedelta(days=3)).isoformat())
    assert course.change is not None
    assert (course.change.before, course.change.after, course.change.verdict) == (60, 44, "improved")
    assert of("pcl5", (-200, 20), (14, 44)).baseline is None


def test_a_change_says_by_which_definition_and_source() -> None:
    pcl5, qids = of("pcl5", (0, 60), (14, 50)), of("qids_sr16", (0, 20), (14, 10))
    assert pcl5.change is not None
    assert qids.change is not None
    assert pcl5.change.verdict == "no reliable change"
    assert [e.key for e in pcl5.change.evidence] == ["MARX2022"]
    assert [t.key for t in pcl5.change.beside] == ["change.meaningful"]
    assert qids.change.definition.key == "change.site_default"
    assert [e.kind for e in qids.change.evidence] == ["site-default"]
    assert "trend.error_assumed" in [n.key for n in qids.notes]


@pytest.mark.parametrize(
    ("scores", "warns"),
    [
        (((0, 20), (14, 8), (28, 16)), True),
        (((0, 20), (14, 8), (28, 15)), False),
        (((0, 20), (14, 8)), False),
        (((-300, 4), (0, 20)), False),
        (((0, 20), (14, 8), (28, 16), (35, 9)), False),
        (((0, 20),), False),
    ],
)
def test_a_rise_beyond_error_from_the_best_score_is_a_sign(scores: tuple[tuple[int, float], ...], warns: bool) -> None:
    sign = rising(of("phq9", *scores), KNOWLEDGE.instruments["phq9"], first=FIRST, knowledge=KNOWLEDGE)
    assert (sign is not None) is warns
    if sign is not None:
        assert (sign.kind, sign.probability, sign.day) == ("rising", None, 28)
        assert (sign.statement.values["on"], sign.statement.values["before"]) == ("2026-09-29", "2026-09-15")
        assert [e.key for e in sign.evidence] == ["PHQ9_RETEST"]


def test_the_band_holds_nine_of_ten_new_scores_of_a_person_who_strays_as_assumed() -> None:
    """A generator apart from the inference: day by day, on the link of the scale, with the error of the file."""
    rng = np.random.default_rng(11)
    form, inside, people = KNOWLEDGE.instruments["pcl5"], 0, 400
    fade, sd, error = np.exp(-1 / 30), 1.0, 4 * 5.4 / (80 * 1.04)
    for _ in range(people):
        true = np.empty(61)
        true[0] = rng.normal(0.0, sd)
        for day in range(1, 61):
            true[day] = fade * true[day - 1] + sd * np.sqrt(1 - fade**2) * rng.normal()
        seen = 83.2 / (1 + np.exp(-(true + rng.normal(0.0, error, 61)))) - 1.6
        curve = of("pcl5", *((day, float(np.clip(seen[day], 0, 80))) for day in (0, 14, 28, 42)), day=60).curve
        assert curve is not None
        inside += curve.p05[-1] <= np.clip(seen[60], 0, 80) <= curve.p95[-1]
    assert form["standard_error"]["points"] == 5.4
    assert 0.86 <= inside / people <= 0.96
