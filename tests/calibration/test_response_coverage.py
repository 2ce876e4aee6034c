"""Do the bands hold what they promise after an update? People from the model, and people from a wrong one.

The generators are written apart from the inference and keep the true baseline, the product of context and drug and
the recorded baseline's error as they are, where the update works with moments.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pytest

from ketapath.domain.fact import Dose, Origin, ScoreEntry
from ketapath.knowledge import load
from ketapath.response import course

KNOWLEDGE = load()
FIRST = date(2026, 11, 1)
SESSIONS = (0, 3, 7, 10, 14, 17)
SEEN, ASKED, RECORDED, ERROR = (4, 11, 18), 24, 18.0, 2.8  # source: PHQ9_RETEST for the error
NORMAL = {0.50: 0.674490, 0.80: 1.281552, 0.95: 1.959964}  # two-sided normal quantiles
QUANTILES = np.array([-1.644854, -0.674490, 0.0, 0.674490, 1.644854])  # normal, of the five lines of a curve
Array = npt.NDArray[np.float64]


def people(n: int, rng: np.random.Generator, *, wrong: bool) -> Array:
    """Observed totals (n, days seen + day asked). Wrong: two kinds of people, fast relapse, whole totals on 0..27."""
    days = np.array([*SEEN, ASKED], dtype=float)
    context = rng.uniform(0.09, 0.38, n) + rng.normal(0.0, 0.10, n)
    half_life = rng.uniform(2.0, 4.0, n) if wrong else rng.uniform(5.0, 12.0, n)
    effect = rng.uniform(0.13, 0.35, n)
    if wrong:
        effect *= rng.choice([0.0, 2.0], n)
    since = np.array([d - max(s for s in SESSIONS if s < d) for d in days])
    drug = effect[:, None] * 2.0 ** (-since / half_life[:, None])
    spread = 0.36 if wrong else np.sqrt(0.36**2 - 2 * (ERROR / RECORDED) ** 2)
    apart = np.abs(days[:, None] - days[None, :])
    own = rng.multivariate_normal(np.zeros(days.size), spread**2 * (0.5 + 0.5 * np.exp(-apart / 30.0)), n)
    improved = 1.0 - (1.0 - context[:, None]) * (1.0 - drug) + own
    baseline = RECORDED + rng.normal(0.0, ERROR, n)
    totals = baseline[:, None] * (1.0 - improved) + rng.normal(0.0, ERROR, improved.shape)
    return np.clip(np.round(totals), 0, 27) if wrong else totals


def covered(totals: Array) -> dict[float, float]:
    """The share of day-24 totals inside the bands that the earlier totals leave."""
    doses = [
        Dose(
            on=FIRST + timedelta(days=d), product="racemic", route="iv", dose_mg=35.0, duration_min=40.0,
            origin=Origin(resource="MedicationAdministration", id=f"d{d}", version=None),
        )
        for d in SESSIONS
    ]  # fmt: skip
    distance = []
    for row in totals:
        scores = [
            ScoreEntry(
                instrument="phq9", on=FIRST + timedelta(days=d), total=float(total), items=(),
                origin=Origin(resource="Observation", id=f"s{d}", version=None),
            )
            for d, total in zip((0, *SEEN), (RECORDED, *row[:-1]), strict=True)
        ]  # fmt: skip
        curve = course(
            scores, doses, KNOWLEDGE.response, KNOWLEDGE.instruments["phq9"],
            evidence=(), weight_kg=70.0, as_of=FIRST + timedelta(days=18), seed=1,
        ).curve  # fmt: skip
        assert curve is not None
        i = curve.days.index(float(ASKED))
        shown = np.array([curve.p05[i], curve.p25[i], curve.p50[i], curve.p75[i], curve.p95[i]])
        inside = (shown > 0.0) & (shown < 27.0)
        if inside.sum() >= 2:  # two quantiles that the ends of the scale did not clip give the whole band
            spread, middle = np.polyfit(QUANTILES[inside], shown[inside], 1)
            distance.append(abs(row[-1] - middle) / spread)
    assert len(distance) > 0.95 * len(totals)
    return {level: float(np.mean(np.array(distance) <= z)) for level, z in NORMAL.items()}


def test_bands_after_three_scores_cover_people_of_the_model() -> None:
    n = 600
    found = covered(people(n, np.random.default_rng(5), wrong=False))
    for level, share in found.items():
        assert abs(share - level) < 3.5 * np.sqrt(level * (1 - level) / n), found


def test_bands_under_a_wrong_model_are_printed_and_not_absurd(capsys: pytest.CaptureFixture[str]) -> None:
    found = covered(people(400, np.random.default_rng(6), wrong=True))
    with capsys.disabled():
        print("\ncoverage under a wrong generator:", ", ".join(f"{k:.0%} band {v:.0%}" for k, v in found.items()))
    assert found[0.95] > 0.80
