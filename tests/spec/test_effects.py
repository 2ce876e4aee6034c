"""What a psychiatrist may expect of the prediction of a session: risks of limits, honesty about what is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib import import_module

import numpy as np
import pytest
from tests.drivers import TIMES, sites

from ketapath.domain.fact import Dose, Origin
from ketapath.domain.session import Reading, Session
from ketapath.errors import BadInput
from ketapath.inference import Sample
from ketapath.knowledge import load
from ketapath.pharmacology.effects import Effects, Resting, Risk, acute_effects
from ketapath.pharmacology.reactions import Person, half_lives
from ketapath.pharmacology.sensitivity import (
    EarlierSession,
    Readings,
    Sensitivity,
    earlier_session,
    sensitivity,
)

KNOWLEDGE = load()
FIGURES = KNOWLEDGE.effects["acute"]
PERSON = Person(age_years=45.0, hypertension=False)
RESTING = Resting(systolic=125.0, diastolic=78.0, heart_rate=70.0)
HALF_LIVES = half_lives(FIGURES, draws=2000, rng=np.random.default_rng(1))
INFUSION = sites("iv-0.5", HALF_LIVES)
SPRAY = sites("nasal-84", HALF_LIVES)
AT_40 = TIMES.index(40.0)
MINUTES = (15.0, 30.0, 40.0, 60.0, 90.0)
LEVELS = tuple(np.interp(MINUTES, TIMES, np.median(INFUSION.levels["pressure"], axis=1)).tolist())


def effects(own: Sensitivity | None = None, resting: Resting = RESTING, person: Person = PERSON) -> Effects:
    return acute_effects(INFUSION, resting, person, FIGURES, sensitivity=own, rng=np.random.default_rng(2))


def risk(found: Effects, quantity: str, event: str, limit: float | None = None) -> Risk:
    (one,) = [r for r in found.risks if (r.quantity, r.event, r.limit) == (quantity, event, limit)]
    return one


def chance(found: Effects, quantity: str, event: str, limit: float | None = None) -> float:
    p = risk(found, quantity, event, limit).p
    assert p is not None
    return p


def session(peak: float, wobble: int = 0) -> EarlierSession:
    """A session whose systolic pressure rose by `peak` at 40 minutes, give or take the error of readings."""
    error = np.random.default_rng(wobble).normal(0.0, 4.0, 6) if wobble else np.zeros(6)
    shape = np.array([0.6, 0.9, 1.0, 0.6, 0.3]) * peak
    values = tuple((125.0 + shape + error[1:]).tolist())
    read = Readings(before=125.0 + float(error[0]), minutes=MINUTES, values=values, levels=LEVELS)
    return EarlierSession(readings={"systolic": read})


def after(sessions: list[EarlierSession], person: Person = PERSON) -> Sensitivity:
    return sensitivity(sessions, person, FIGURES, rng=np.random.default_rng(3))


def test_a_band_is_the_value_itself_and_its_lines_are_in_order() -> None:
    found = effects()
    assert {b.quantity for b in found.bands} == {"systolic", "diastolic", "heart-rate", "dissociation"}
    for band in found.bands:
        assert not band.above_resting
        for row in zip(band.p05, band.p25, band.p50, band.p75, band.p95, strict=True):
            assert list(row) == sorted(row)
    (systolic,) = [b for b in found.bands if b.quantity == "systolic"]
    assert systolic.p50[0] == pytest.approx(125.0, abs=1.0)
    assert 132.0 < systolic.p50[AT_40] < 142.0
    (felt,) = [b for b in found.bands if b.quantity == "dissociation"]
    assert all(low >= 0.0 and high <= 1.0 for low, high in zip(felt.p05, felt.p95, strict=True))


def test_every_risk_has_a_band_of_its_own_and_its_sources() -> None:
    for one in effects().risks:
        assert one.p is not None
        assert one.p05 is not None
        assert one.p95 is not None
        assert one.p05 < one.p < one.p95
        assert {e.key for e in one.evidence} <= set(KNOWLEDGE.sources)
    assert {r.assumed for r in effects().risks if r.event == "severe"} == {True}


def test_a_small_mean_rise_still_passes_limits() -> None:
    """The middle rises by a dozen, yet one in many sessions rises by forty: risk is about limits, not about means."""
    found = effects()
    assert 0.002 < chance(found, "systolic", "rise", 40) < 0.05
    higher = effects(resting=replace(RESTING, systolic=150.0))
    assert chance(higher, "systolic", "at-least", 180) > 5 * chance(found, "systolic", "at-least", 180)


def test_an_unknown_resting_pressure_makes_the_risk_of_a_limit_unknown_and_not_small() -> None:
    found = effects(resting=Resting(diastolic=78.0))
    for limit in (140, 160, 180):
        one = risk(found, "systolic", "at-least", limit)
        assert (one.p, one.p05, one.p95) == (None, None, None)
        assert one.unknown is not None
        assert one.unknown.key == "effects.resting_unknown"
    assert risk(found, "systolic", "rise", 40).p is not None
    assert risk(found, "diastolic", "at-least", 110).p is not None
    (band,) = [b for b in found.bands if b.quantity == "systolic"]
    assert band.above_resting
    assert band.p50[0] == pytest.approx(0.0, abs=1.0)
    assert "effects/resting-unknown-systolic" in {f.id for f in found.findings}


def test_not_knowing_age_or_hypertension_is_said_and_lies_between_the_answers() -> None:
    for field, yes, no in (("age_years", 70.0, 45.0), ("hypertension", True, False)):
        found = {answer: effects(person=replace(PERSON, **{field: answer})) for answer in (yes, no, None)}
        chances = {answer: chance(one, "systolic", "rise", 40) for answer, one in found.items()}
        assert chances[no] < chances[None] < chances[yes]
        said = {f.id for f in found[None].findings} - {f.id for f in found[no].findings}
        assert len(said) == 1


def test_two_calm_sessions_do_not_promise_a_third() -> None:
    """After two sessions that rose by two, the band of the third keeps most of its width, and 40 stays possible."""
    before, calm = effects(after([])), effects(after([session(2.0, 1), session(2.0, 2)]))
    bands = [next(b for b in found.bands if b.quantity == "systolic") for found in (before, calm)]
    wide, left = (b.p95[AT_40] - b.p05[AT_40] for b in bands)
    assert left > 0.8 * wide
    assert bands[1].p50[AT_40] < bands[0].p50[AT_40] - 1.0
    p_before, p_after = (chance(found, "systolic", "rise", 40) for found in (before, calm))
    assert 0.1 * p_before < p_after < p_before


def test_sessions_that_rose_high_raise_the_expectation_and_calm_ones_lower_it() -> None:
    found = {peak: after([session(peak, k) for k in (1, 2, 3)]) for peak in (2.0, 40.0)}
    rises = {peak: next(c for c in own.compared if c.quantity == "systolic drug rise") for peak, own in found.items()}
    assert rises[2.0].p50 < 1.0 < rises[40.0].p50
    assert found[40.0].diagnostics["systolic"].ok
    high, calm = (chance(effects(found[p]), "systolic", "at-least", 160) for p in (40.0, 2.0))
    assert high > 10 * calm


def test_what_was_not_observed_leaves_the_prior_as_it_was() -> None:
    own, nothing = after([session(30.0)]), after([])
    assert own.used == {"systolic": 1, "diastolic": 0, "heart-rate": 0, "dissociation": 0}
    assert own.diagnostics["diastolic"].method == "prior"
    for coordinates in nothing.coordinates.values():
        assert np.abs(coordinates.mean(axis=0)).max() < 0.08
        assert np.abs(coordinates.std(axis=0) - 1.0).max() < 0.06


def test_no_session_gives_exactly_the_prior() -> None:
    rng = np.random.default_rng(3)
    found = after([])
    for quantity, z in found.coordinates.items():
        assert np.array_equal(z, rng.standard_normal(z.shape)), quantity


def test_an_update_that_fails_its_checks_keeps_the_wider_prior_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    module = import_module("ketapath.pharmacology.sensitivity")
    good = module.sample

    def failing(*given: object, **named: object) -> Sample:
        found = good(*given, **named)  # type: ignore[arg-type]
        return replace(found, diagnostics=replace(found.diagnostics, ok=False))

    monkeypatch.setattr(module, "sample", failing)
    own = after([session(2.0, 1)])
    assert not own.diagnostics["systolic"].ok
    assert np.array_equal(own.coordinates["systolic"], after([]).coordinates["systolic"])
    assert [n.values for n in own.notes] == [{"quantity": "systolic"}]
    assert "effects/update-failed-systolic" in {f.id for f in effects(own).findings}


def test_charted_distress_counts_as_severe_and_calm_sessions_lower_the_chance() -> None:
    def felt(*, severe: bool) -> EarlierSession:
        return EarlierSession(readings={}, peak_level=120.0, severe=severe)

    usual, calm, bad = (chance(effects(after(s)), "dissociation", "severe") for s in (
        [], [felt(severe=False)] * 4, [felt(severe=True)] * 2))  # fmt: skip
    assert calm < usual < bad


def charted(*readings: Reading) -> Session:
    origin = Origin(resource="MedicationAdministration", id="d", version=None)
    dose = Dose(on=date(2026, 11, 1), product="racemic", route="iv", dose_mg=35.0, duration_min=40.0, origin=origin)
    return Session(on=date(2026, 11, 1), number=1, dose=dose, readings=readings)


def test_a_charted_session_is_read_against_the_reading_before_the_dose() -> None:
    curves = {"pressure": ([0.0, 40.0, 120.0], [0.0, 130.0, 20.0]), "dissociation": ([0.0, 40.0], [0.0, 119.0])}
    found = earlier_session(
        charted(
            Reading(minute=-20.0, quantity="vitals.systolic_mmhg", value=131.0),
            Reading(minute=-5.0, quantity="vitals.systolic_mmhg", value=124.0),
            Reading(minute=40.0, quantity="vitals.systolic_mmhg", value=141.0),
            Reading(minute=40.0, quantity="vitals.diastolic_mmhg", value=91.0),
            Reading(minute=30.0, quantity="session.distress_0_10", value=8.0),
        ),
        curves,
        FIGURES,
    )
    assert found.readings == {"systolic": Readings(before=124.0, minutes=(40.0,), values=(141.0,), levels=(130.0,))}
    assert found.severe is True
    assert found.peak_level == 119.0
    assert earlier_session(charted(), curves, FIGURES).severe is None


def test_the_page_says_that_it_is_a_prediction_and_where_it_is_extrapolated() -> None:
    found = {f.id for f in effects().findings}
    assert {"effects/predicted", "effects/no-published-model", "effects/severe-assumed", "effects/no-sedation"} <= found
    spray = acute_effects(SPRAY, RESTING, PERSON, FIGURES, rng=np.random.default_rng(2))
    assert {f.id for f in spray.findings} - found == {"effects/extrapolated-driver"}
    for finding in (*effects().findings, *spray.findings):
        assert finding.verdict is None
        text = KNOWLEDGE.texts[finding.statement.key]
        assert text.format(**finding.statement.values)


@pytest.mark.parametrize("resting", [Resting(systolic=400.0), Resting(diastolic=float("nan")), Resting(heart_rate=0.0)])
def test_a_resting_value_that_cannot_be_is_refused(resting: Resting) -> None:
    with pytest.raises(BadInput, match="resting"):
        effects(resting=resting)


@pytest.mark.parametrize(
    "change",
    [
        {"before": 900.0},
        {"values": (140.0,)},
        {"minutes": (-1.0, 30.0, 40.0, 60.0, 90.0)},
        {"levels": (float("nan"),) * 5},
    ],
)
def test_an_earlier_session_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    read = replace(session(10.0).readings["systolic"], **change)  # type: ignore[arg-type]
    with pytest.raises(BadInput):
        after([EarlierSession(readings={"systolic": read})])
