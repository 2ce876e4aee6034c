"""Laws of the response model: no data is the prior, worse is never shown as better, order never matters."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.courses import KNOWLEDGE, POPULATION, SESSIONS, at, dose, found, history, keys, on, score, width

from ketapath.domain.response import Diagnostics
from ketapath.response import course, review
from ketapath.response.equations import expit, link
from ketapath.response.individual import Fit, learned, own_course, scores_covariance, scores_from
from ketapath.response.person import Person, parts, person, scales_of
from ketapath.response.treatment import Session

GIVEN = [Session(day=float(d), strength=0.5, equivalent=None) for d in SESSIONS]
SPRAY = [Session(day=float(d), strength=2 / 3, equivalent="equivalent_nasal_esketamine") for d in SESSIONS]


def someone(sessions: list[Session] = GIVEN, scales: tuple[str, ...] = ("phq9",)) -> Person:
    return person(
        POPULATION,
        KNOWLEDGE.response,
        sessions,
        scales_of(scales, KNOWLEDGE.instruments, KNOWLEDGE.response, POPULATION),
        condition="MDD",
        antidepressant_day=None,
    )


def fit(who: Person, *scores: tuple[float, int, float]) -> Fit:
    return Fit(who, own_course(POPULATION, 0.5), scores_from(scores))


def test_the_posterior_of_no_data_is_the_prior() -> None:
    who = someone()
    after = learned(fit(who), np.random.default_rng(3))
    exactly = who.terms(np.random.default_rng(3).standard_normal((4000, len(who.names))))
    assert np.array_equal(after.terms, exactly)
    assert after.diagnostics == Diagnostics(ess=4000.0, pareto_k=None, method="prior", ok=True)
    # s^2 too: an inverse gamma of mean 1
    assert after.scaled.mean() == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("sessions", [GIVEN, SPRAY], ids=["infusions", "spray"])
def test_the_normal_prior_of_a_person_has_the_quantiles_of_the_draws_it_stands_for(sessions: list[Session]) -> None:
    """Fraction gone on days 1 to 45: the drawn population with persons added, against the normal vector."""
    rng, n = np.random.default_rng(4), 200_000
    who, days = someone(sessions), [1.0, 10.0, 18.0, 28.0, 45.0]
    mine = np.exp(parts(who, who.terms(rng.standard_normal((n, len(who.names)))), days).log_remaining())
    row = rng.integers(0, POPULATION.draws.shape[0], n)
    drawn = {name: POPULATION[name][row] for name in POPULATION}

    def spread(*names: str) -> np.ndarray:
        return sum(drawn[name] * rng.standard_normal(n) for name in names)

    context = drawn["context_open"] + drawn["routine_care"] + spread("context_between_studies", "person_context")
    effect = np.log(drawn["drug_at_half"] / (1 - drawn["drug_at_half"])) + spread("drug_between_studies", "person_drug")
    half = drawn["half_life_days"] * np.exp(spread("person_half_life"))
    mg = np.full(n, 0.5) if sessions is GIVEN else drawn["equivalent_nasal_esketamine"] * 2 / 3
    ed50 = drawn["ed50_mg_per_kg"]
    e = np.minimum(expit(np, effect) * mg / (mg + ed50) * (0.5 + ed50) / 0.5, 0.98)
    half = half * (mg / 0.5) ** drawn["half_life_slope"]
    for place, day in enumerate(days):
        level, last = np.zeros(n), 0.0
        for session in (s for s in SESSIONS if s < day):
            level = level * 2.0 ** (-(session - last) / half)
            level = np.maximum(level, e) + drawn["build_up"] * np.minimum(level, e) * (1 - np.maximum(level, e))
            last = session
        drug = level * 2.0 ** (-(day - last) / half)
        rest = (1 - expit(np, context)) * (1 - drawn["visits"] * (1 - 2.0 ** (-day / 14))) * (1 - drug)
        wanted = np.quantile(rest, (0.05, 0.25, 0.5, 0.75, 0.95))
        assert np.quantile(mine[place], (0.05, 0.25, 0.5, 0.75, 0.95)) == pytest.approx(wanted, abs=0.03)


def test_with_a_baseline_and_no_later_score_the_curve_is_the_expected_course_and_wide() -> None:
    one = found(score(-1, 20.0))
    assert width(one, 28.0) > 14
    assert one.reliable_change is None
    for q in ("p05", "p50", "p95"):
        assert at(one.curve, 28.0)[q] == pytest.approx(at(one.expected, 28.0)[q], abs=1.0)
    assert one == found(score(-1, 20.0))


def test_without_any_score_the_prior_of_a_usual_baseline_is_shown_and_says_so() -> None:
    empty = found()
    assert (empty.baseline, empty.observed) == (None, ())
    assert empty.curve is not None
    assert "response.nominal_baseline" in keys(empty)


def test_the_expected_course_knows_no_score_after_the_baseline() -> None:
    well = found(score(-1, 20.0), score(4, 4.0), score(11, 3.0))
    ill = found(score(-1, 20.0), score(4, 21.0), score(11, 23.0))
    for q in ("p05", "p50", "p95"):
        assert at(well.expected, 20.0)[q] == pytest.approx(at(ill.expected, 20.0)[q], abs=1.2)
    assert at(well.curve, 20.0)["p50"] < at(well.expected, 20.0)["p50"] < at(ill.curve, 20.0)["p50"]


def test_a_baseline_far_from_what_is_usual_is_taken_to_be_partly_chance() -> None:
    """Regression to the mean: before anything is given, the next score of a very high one is expected lower."""
    high, low = found(score(-1, 27.0)), found(score(-1, 7.0))
    assert at(high.curve, 0.0)["p50"] < 26.5
    assert at(low.curve, 0.0)["p50"] > 7.0


@settings(max_examples=12, deadline=None)
@given(st.permutations([(-1, 20.0), (4, 12.0), (11, 8.0), (11, 14.0), (18, 6.0)]), st.permutations(list(SESSIONS)))
def test_the_order_of_entries_and_of_same_day_scores_is_irrelevant(
    entries: list[tuple[int, float]], days: list[int]
) -> None:
    scores = [score(day, total, name=f"{day}-{total}") for day, total in entries]
    scores.append(score(11, 20.0, "madrs"))
    random.Random(len(entries)).shuffle(scores)
    one = found(*scores, doses=[dose(d) for d in days])
    again = found(*sorted(scores, key=lambda s: str(s.origin)))
    assert one == again


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 19), st.lists(st.integers(0, 4), min_size=2, max_size=6), st.integers(1, 5))
def test_a_worsening_person_is_never_shown_as_improving(baseline: int, steps: list[int], first_step: int) -> None:
    """Totals that never fall and end at least 5 above the baseline."""
    totals = np.minimum(baseline + np.cumsum([first_step + 2, *steps]) + 2, 27)
    scores = [score(3 * i + 2, float(t)) for i, t in enumerate(totals)]
    worse = found(score(-1, float(baseline)), *scores, day=3 * len(totals))
    now = float(3 * len(totals))
    assert at(worse.curve, now)["p50"] > baseline - 1
    assert worse.reliable_change in ("worse", "no reliable change")
    assert worse.p_response is not None
    assert worse.p_response < 0.15
    before = found(score(-1, float(baseline)), day=3 * len(totals))
    assert worse.p_worse is not None
    assert before.p_worse is not None
    assert worse.p_worse >= before.p_worse
    if worse.reliable_change == "worse":
        assert worse.p_worse > 0.4
        assert worse.warning is not None
    gone = next(q for q in worse.posterior if q.quantity == "fraction_improved_now")
    assert gone.p50 < 0.15


def test_scores_that_contradict_each_other_do_not_narrow_the_band() -> None:
    steady = found(score(-1, 20.0), *(score(d, 10.0) for d in (4, 8, 11, 15, 18)))
    torn = found(score(-1, 20.0), *(score(d, t) for d, t in ((4, 3.0), (8, 19.0), (11, 2.0), (15, 22.0), (18, 10.0))))
    assert width(torn, 28.0) > 1.4 * width(steady, 28.0)
    few = found(score(-1, 20.0), score(4, 3.0))
    assert width(torn, 20.0) > 0.9 * width(few, 20.0)


def test_two_scores_leave_a_wide_band_and_four_a_narrower_one() -> None:
    two = found(score(-1, 20.0), score(4, 12.0))
    four = found(score(-1, 20.0), score(4, 12.0), score(11, 8.0), score(18, 6.0))
    assert width(two, 28.0) > 10
    assert width(four, 20.0) < width(two, 20.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 27), st.integers(0, 27))
def test_the_curve_stays_on_the_scale_and_its_band_is_ordered(baseline: int, later: int) -> None:
    one = found(score(-1, float(baseline)), score(10, float(later)))
    for curve in (one.curve, one.expected):
        assert curve is not None
        bands = np.array([curve.p05, curve.p25, curve.p50, curve.p75, curve.p95])
        assert (np.diff(bands, axis=0) >= 0).all()
        assert bands.min() >= 0
        assert bands.max() <= 27


def test_a_second_scale_tells_of_the_same_person() -> None:
    """A MADRS that has fallen to a fifth moves the PHQ-9's curve down, and less than a PHQ-9 of the same size would."""
    alone = found(score(-1, 20.0), score(-1, 36.0, "madrs"))
    madrs = found(score(-1, 20.0), score(-1, 36.0, "madrs"), score(11, 7.0, "madrs"))
    both = found(score(-1, 20.0), score(-1, 36.0, "madrs"), score(11, 7.0, "madrs"), score(11, 4.0))
    medians = [at(c.curve, 11.0)["p50"] for c in (alone, madrs, both)]
    assert medians[0] > medians[1] + 0.4
    assert medians[1] > medians[2] + 0.4
    assert [s.scale for s in both.scales] == ["phq9", "madrs"]
    assert all(s.is_modelled and s.expected is not None for s in both.scales)


def test_a_higher_dose_is_expected_to_do_more_and_a_missed_session_less() -> None:
    def median(*doses: object, day: float = 8.0) -> float:
        return at(found(score(-1, 20.0), doses=doses, day=7).expected, day)["p50"]

    assert median(dose(0, 70.0), dose(7, 70.0)) < median(dose(0), dose(7)) < median(dose(0, 7.0), dose(7, 7.0))
    assert median(dose(0), dose(7)) < median(dose(0), dose(7, 0.0)) == median(dose(0))


def test_a_new_antidepressant_is_expected_to_add_and_an_old_one_only_what_it_has_not_yet_done() -> None:
    def median(*starts: int) -> float:
        one = found(score(-1, 20.0), antidepressant_starts=tuple(on(d) for d in starts), day=28)
        return at(one.expected, 28.0)["p50"]

    new, weeks_ago, old = median(0), median(-21), median(-90)
    assert new < weeks_ago - 0.2 < old - 0.4
    assert old == median()


def test_draws_that_fail_their_checks_show_no_probability_and_a_wider_band(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = score(-1, 20.0), score(4, 6.0), score(11, 5.0)
    good = found(*scores)

    def failed(fit: Fit, rng: np.random.Generator) -> object:
        real = learned(fit, rng)
        return dataclasses.replace(real, diagnostics=dataclasses.replace(real.diagnostics, ok=False))

    monkeypatch.setattr(review, "learned", failed)
    bad = found(*scores)
    assert "response.not_trusted" in keys(bad)
    assert (bad.p_response, bad.p_remission, bad.p_worse, bad.chances, bad.p_relapse_by) == (None, None, None, (), ())
    assert bad.influences == ()
    assert bad.posterior == ()
    for day in (4.0, 20.0, 28.0):
        assert width(bad, day) >= width(good, day)
        assert at(bad.curve, day)["p95"] >= at(bad.expected, day)["p95"]


def test_each_score_is_set_against_what_was_expected_of_it() -> None:
    one = found(score(-1, 20.0), score(4, 12.0), score(11, 22.0))
    early, late = one.influences
    assert (early.day, early.total, late.total) == (4.0, 12.0, 22.0)
    assert late.expected_p95 < 22.0
    assert late.improved_after < late.improved_before
    # What was expected before the first score is the expected course.
    for mine, curve in ((early.expected_p05, "p05"), (early.expected_p50, "p50"), (early.expected_p95, "p95")):
        assert mine == pytest.approx(at(one.expected, 4.0)[curve], abs=1.2)
    # The estimate after the last score is the posterior's.
    now = next(
        q
        for q in found(score(-1, 20.0), score(4, 12.0), score(11, 22.0), day=11).posterior
        if q.quantity == "fraction_improved_now"
    )
    assert late.improved_after == pytest.approx(now.p50, abs=0.06)


def test_stages_without_refitting_agree_with_a_fit_of_each() -> None:
    """The posterior of three of six scores, by weights and by its own sampling."""
    from ketapath.response.outlook import step_by_step

    rows = [(-1.0, 0, 20.0), (4.0, 0, 12.0), (8.0, 0, 10.0), (11.0, 0, 15.0), (15.0, 0, 7.0), (18.0, 0, 8.0)]
    who = someone()
    steps = step_by_step(fit(who, *rows), np.random.default_rng(2))
    assert steps.stages.ess.min() > 500
    _, weighted = steps.posterior(3, np.random.default_rng(3), 4000)
    sampled = learned(fit(who, *rows[:4]), np.random.default_rng(4))
    spread = sampled.terms.std(axis=1)
    assert np.abs(weighted.terms.mean(axis=1) - sampled.terms.mean(axis=1)) == pytest.approx(0, abs=0.15 * spread.max())
    assert weighted.terms.std(axis=1) == pytest.approx(spread, rel=0.12)


def test_a_relapse_is_expected_more_the_later_and_only_of_somebody_who_has_responded() -> None:
    well = found(score(-1, 20.0), score(11, 8.0), score(18, 6.0))
    chances = [p for _, p in well.p_relapse_by]
    assert chances == sorted(chances)
    assert 0.0 < chances[-1] < 1.0
    by = [c.p_relapse for c in well.chances]
    assert by == sorted(by, key=float)
    ill = found(score(-1, 20.0), score(11, 16.0), score(18, 17.0))
    assert ill.p_relapse_by == ()
    assert all(c.p_relapse is None for c in ill.chances)


def test_a_relapse_after_a_response_is_warned_of() -> None:
    back = found(score(-1, 20.0), score(4, 6.0), score(18, 19.0), score(20, 20.0))
    assert back.warning is not None
    assert back.warning.kind == "relapse"
    assert back.warning.probability is not None
    assert back.warning.probability >= 0.5
    assert found(score(-1, 20.0), score(4, 12.0), score(18, 9.0)).warning is None


def test_who_has_relapsed_cannot_relapse_until_there_is_a_response_again() -> None:
    fallen = score(-1, 20.0), score(4, 6.0), score(12, 18.0)
    back = found(*fallen)
    assert back.p_relapse_by == ()
    assert all(c.p_relapse is None for c in back.chances)
    assert found(*fallen, score(19, 5.0)).p_relapse_by
    assert found(score(-1, 20.0), score(4, 6.0), score(12, 13.0)).p_relapse_by


def test_a_score_above_its_line_is_warned_of_before_it_is_reliably_worse() -> None:
    high = found(score(-1, 14.0), score(4, 13.0), score(8, 12.0), score(18, 19.0))
    assert high.reliable_change == "no reliable change"
    assert high.warning is not None
    assert high.warning.kind == "above-expected"
    assert high.warning.probability is None  # it was seen; how rare it is, is no chance that it is so


def test_the_same_seed_gives_the_same_course_and_another_nearly_the_same() -> None:
    scores = score(-1, 20.0), score(4, 12.0), score(11, 8.0)
    one, again, other = found(*scores), found(*scores), found(*scores, seed=2)
    assert one == again
    assert one.p_response != other.p_response
    assert one.p_response == pytest.approx(other.p_response, abs=0.05)


def test_the_course_is_that_of_the_population_it_is_given() -> None:
    """A clinic whose people lose the effect sooner expects more of it gone four weeks after the last session."""
    draws = POPULATION.draws.copy()
    draws[:, POPULATION.names.index("half_life_days")] /= 4
    quick = dataclasses.replace(POPULATION, draws=draws)
    of = history([score(-1, 20.0)])
    usual = course(of, KNOWLEDGE, POPULATION, as_of=on(20), seed=1)
    faded = course(of, KNOWLEDGE, quick, as_of=on(20), seed=1)
    assert at(faded.curve, 28.0)["p50"] > at(usual.curve, 28.0)["p50"] + 0.5
    assert usual.provenance == POPULATION.provenance


def test_a_whole_total_near_zero_is_not_taken_for_exact() -> None:
    """From 0 to 1 is a long way on the link: a total of 0 may be anything up to a half."""
    who = someone()
    apart = float(link(np, 0.5, 27.0) - link(np, 0.0, 27.0))
    matrix = scores_covariance(who, own_course(POPULATION, 0.5), scores_from([(1.0, 0, 0.0), (9.0, 0, 13.0)]))
    own = own_course(POPULATION, 0.5)
    errors = np.sqrt(np.diag(matrix) - own.lasting - own.slow.mean())
    assert errors[0] > 0.6 * apart
    assert errors[1] == pytest.approx(who.scales[0].error, rel=0.02)


def test_who_starts_high_and_gets_worse_is_warned_of_though_no_reliable_change_fits_the_scale() -> None:
    series = (dose(0), dose(3), dose(7), dose(10))
    rising = [score(d, t) for d, t in ((0, 21.0), (7, 22.0), (15, 25.0), (23, 27.0), (24, 27.0))]
    worse = found(*rising, doses=series, day=25)
    assert worse.warning is not None
    assert worse.warning.kind == "rising"
    assert "response.no_room_to_worsen" in keys(worse)
    better = found(*[score(d, t) for d, t in ((0, 21.0), (7, 18.0), (15, 12.0))], doses=series, day=25)
    assert better.warning is None
    assert "response.no_room_to_worsen" not in keys(better)


@pytest.mark.parametrize("day", [16, 17, 18, 21, 23])
def test_the_day_of_looking_does_not_make_a_chance_of_relapse_nothing(day: int) -> None:
    series = (dose(0), dose(3), dose(7), dose(10))
    seen = found(score(0, 20.0), score(7, 8.0), score(14, 9.0), doses=series, day=day)
    chances = [p for _day, p in seen.p_relapse_by]
    assert len(chances) == 3
    assert chances == sorted(chances)
    assert chances[0] > 0.01


def test_an_old_sign_ends_and_does_not_hide_a_new_one() -> None:
    old = [score(0, 5.0, "gad7"), score(3, 18.0, "gad7")]
    well = [score(-1, 18.0), score(7, 9.0), score(60, 6.0), score(80, 5.0)]
    assert found(*old, *well, day=20).warning is not None
    assert found(*old, *well, day=82).warning is None
    twice = found(score(-1, 18.0), score(2, 5.0), score(20, 15.0), score(60, 15.0), score(80, 15.0), day=81)
    assert twice.warning is None or twice.warning.kind != "relapse"


def test_the_worse_of_two_scales_on_one_day_is_the_one_that_is_warned_of() -> None:
    high = (score(-1, 14.0), score(4, 13.0), score(8, 12.0), score(18, 19.0))
    quiet = (score(-1, 30.0, "madrs"), score(8, 26.0, "madrs"), score(18, 27.0, "madrs"))
    both = found(*high, *quiet)
    assert both.warning is not None
    assert both.warning.scale == "phq9"


def test_from_a_start_in_remission_no_relapse_is_said() -> None:
    well = found(score(-1, 2.0), score(4, 1.0), score(12, 1.0))
    assert well.warning is None
    assert well.p_relapse_by == ()
    assert "response.baseline_low" in keys(well)


def test_without_any_score_nothing_is_said_of_this_person_getting_worse() -> None:
    nobody = found()
    assert nobody.curve is not None
    assert (nobody.p_worse, nobody.expected) == (None, None)
