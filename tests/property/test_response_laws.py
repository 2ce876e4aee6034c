"""Laws of the response model: no data is the prior, more data never widens, worse is shown as worse."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketapath.domain.fact import Dose, Origin, ScoreEntry
from ketapath.domain.response import Course
from ketapath.knowledge import load
from ketapath.response import course, response_evidence

KNOWLEDGE = load()
FIRST = date(2026, 11, 1)
SESSIONS = (0, 3, 7, 10, 14, 17)


def score(day: int, total: float, *, whole: bool = True) -> ScoreEntry:
    origin = Origin(resource="Observation", id=f"s{day}", version=None)
    on = FIRST + timedelta(days=day)
    return ScoreEntry(instrument="phq9", on=on, total=total if whole else None, items=(), origin=origin)


def dose(day: int, product: str = "racemic", route: str = "iv") -> Dose:
    origin = Origin(resource="MedicationAdministration", id=f"d{day}", version=None)
    on = FIRST + timedelta(days=day)
    return Dose(on=on, product=product, route=route, dose_mg=35.0, duration_min=40.0, origin=origin)


def found(*scores: ScoreEntry, doses: tuple[Dose, ...] = tuple(dose(d) for d in SESSIONS), day: int = 20) -> Course:
    return course(
        scores,
        doses,
        KNOWLEDGE.response,
        KNOWLEDGE.instruments["phq9"],
        evidence=response_evidence(KNOWLEDGE),
        weight_kg=70.0,
        as_of=FIRST + timedelta(days=day),
        seed=1,
    )


def width(of: Course, day: float) -> float:
    assert of.curve is not None
    i = of.curve.days.index(day)
    return of.curve.p95[i] - of.curve.p05[i]


def median(of: Course, day: float) -> float:
    assert of.curve is not None
    return of.curve.p50[of.curve.days.index(day)]


def test_with_a_baseline_and_no_later_score_the_curve_is_the_prior_and_wide() -> None:
    prior = found(score(-1, 20))
    assert width(prior, 28.0) > 15
    assert prior.reliable_change is None
    assert prior == found(score(-1, 20))


def test_without_any_score_the_prior_of_a_nominal_baseline_is_shown_and_says_so() -> None:
    empty = found()
    assert empty.baseline is None
    assert empty.curve is not None
    assert "response.nominal_baseline" in {n.key for n in empty.notes}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 4, 8, 11, 15, 18]), st.integers(0, 27)), max_size=6))
def test_more_scores_never_widen_what_is_known(scores: list[tuple[int, int]]) -> None:
    entries = [score(-1, 20)]
    spread = [q.p95 - q.p05 for q in found(*entries).posterior]
    for day, total in dict(scores).items():
        entries.append(score(day, float(total)))
        after = [q.p95 - q.p05 for q in found(*entries).posterior]
        assert all(b <= a + 1e-9 for a, b in zip(spread, after, strict=True))
        spread = after


def test_two_scores_leave_a_wide_band_and_four_a_narrower_one() -> None:
    two = found(score(-1, 20), score(4, 12))
    four = found(score(-1, 20), score(4, 12), score(11, 8), score(18, 6))
    assert width(two, 28.0) > 12
    assert width(four, 20.0) < width(two, 20.0)


def test_worsening_is_shown_as_worsening() -> None:
    worse = found(score(-1, 15), score(6, 19), score(12, 22), score(19, 24))
    assert median(worse, 20.0) > 15
    assert worse.reliable_change == "worse"
    assert worse.p_response is not None
    assert worse.p_response < 0.1
    assert median(worse, 20.0) > median(found(score(-1, 15)), 20.0) + 5


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 27), st.integers(0, 27))
def test_the_curve_stays_on_the_scale_and_its_band_is_ordered(baseline: int, later: int) -> None:
    curve = found(score(-1, float(baseline)), score(10, float(later))).curve
    assert curve is not None
    bands = np.array([curve.p05, curve.p25, curve.p50, curve.p75, curve.p95])
    assert (np.diff(bands, axis=0) >= 0).all()
    assert bands.min() >= 0
    assert bands.max() <= 27


def test_a_score_without_a_total_is_not_used() -> None:
    assert found(score(-1, 20), score(5, 0, whole=False)).posterior == found(score(-1, 20)).posterior


def test_a_route_without_outcome_studies_gets_no_curve_but_keeps_its_scores() -> None:
    other = found(score(-1, 20), score(5, 10), doses=(dose(0, route="im"),))
    assert other.curve is None
    assert [o.total for o in other.observed] == [20, 10]
    assert "response.not_predictable" in {n.key for n in other.notes}


def test_a_score_of_after_today_is_not_seen() -> None:
    assert found(score(-1, 20), score(25, 2)).observed == found(score(-1, 20)).observed


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_bands_cover_people_drawn_from_the_model(level: float) -> None:
    """The prior band of an observed score holds the share it promises, on people simulated apart from the update."""
    rng = np.random.default_rng(11)
    n, start, parameters = 4000, 20.0, KNOWLEDGE.response
    context = rng.uniform(0.09, 0.38, n) + rng.normal(0, 0.10, n)
    half_life, ed50 = rng.uniform(5, 12, n), rng.uniform(0.18, 0.36, n)
    effect = rng.uniform(0.13, 0.35, n) * (0.5 / (0.5 + ed50)) * (0.5 + ed50) / 0.5
    drug = effect * 2 ** (-(20.0 - 17.0) / half_life)
    error = parameters["standard_error"]["phq9"] / start
    own = rng.normal(0, np.sqrt(0.36**2 - 2 * error**2), n)
    improved = 1 - (1 - context) * (1 - drug) + own
    shared = rng.normal(0, error, n) * (1 - improved.mean())
    seen = np.clip(start * (1 - improved - shared - rng.normal(0, error, n)), 0, 27)
    curve = found(score(-1, start)).curve
    assert curve is not None
    i = curve.days.index(20.0)
    low, high = (curve.p25[i], curve.p75[i]) if level == 0.5 else (curve.p05[i], curve.p95[i])
    covered = float(np.mean((seen >= low) & (seen <= high)))
    assert abs(covered - level) < 4 * np.sqrt(level * (1 - level) / n) + 0.02
