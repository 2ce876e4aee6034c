"""Is the update of one person's reaction honest? People drawn from the prior; where among the draws do they stand?

Simulation-based calibration: the rank of the truth among posterior draws is uniform if, and only if, prior, likelihood
and sampler agree. Sessions are played here sample by sample, apart from the formula that the update uses for them.
"""

from __future__ import annotations

import numpy as np
import pytest

from ketapath.inference import sample
from ketapath.knowledge import load
from ketapath.pharmacology.reactions import Array, Person, course, dissociation, rise
from ketapath.pharmacology.sensitivity import EarlierSession, Readings, sensitivity

FIGURES = load().effects["acute"]
PERSON = Person(age_years=45.0, hypertension=False)
MINUTES, LEVELS = (15.0, 30.0, 40.0, 60.0, 90.0), (60.0, 110.0, 130.0, 70.0, 30.0)
BINS = 10


def played(z: Array, sessions: int, rng: np.random.Generator) -> list[EarlierSession]:
    """Sessions of one person with these coordinates of systolic pressure."""
    own = rise(z[None], "systolic", PERSON, FIGURES)
    found = []
    for _ in range(sessions):
        visit = own.visit[0] + own.visit_sd[0] * rng.standard_normal()
        slope = own.slope[0] + own.slope_sd[0] * rng.standard_normal()
        noise = own.reading_sd[0]
        before = 125.0 + noise * rng.standard_normal()
        seen = [
            125.0 + visit * float(course(np.array([t]), FIGURES)[0]) + slope * c + noise * rng.standard_normal()
            for t, c in zip(MINUTES, LEVELS, strict=True)
        ]
        readings = Readings(before=before, minutes=MINUTES, values=tuple(seen), levels=LEVELS)
        found.append(EarlierSession(readings={"systolic": readings}))
    return found


def ranks(people: int, seed: int) -> tuple[Array, int]:
    """The bin (0 to 9) of the truth among 100 draws: slope, visit rise and each coordinate; and failed checks."""
    rng = np.random.default_rng(seed)
    bins, failed = [], 0
    for _ in range(people):
        truth = rng.standard_normal(6)
        found = sensitivity(played(truth, 3, rng), PERSON, FIGURES, rng=rng, draws=1500)
        failed += not found.diagnostics["systolic"].ok
        kept = found.coordinates["systolic"][rng.permutation(1500)[: 10 * BINS - 1]]
        own, true = (rise(z, "systolic", PERSON, FIGURES) for z in (kept, truth[None]))
        below = [(own.slope < true.slope[0]).sum(), (own.visit < true.visit[0]).sum(), *(kept < truth).sum(axis=0)]
        bins.append([int(b) // BINS for b in below])
    return np.array(bins, dtype=np.float64), failed


def chi_square(bins: Array) -> Array:
    """For each quantity, the chi-square of its ten bins against even ones (9 degrees of freedom)."""
    counts = np.stack([(bins == b).sum(axis=0) for b in range(BINS)])
    even = bins.shape[0] / BINS
    return np.asarray(((counts - even) ** 2 / even).sum(axis=0), dtype=np.float64)


def test_people_of_the_prior_stand_anywhere_among_their_draws() -> None:
    bins, failed = ranks(200, seed=1)
    assert failed <= 4
    assert chi_square(bins).max() < 29.7  # 1 in 1,000 for 8 quantities at 9 degrees of freedom is about 29.7


@pytest.mark.slow
def test_a_thousand_people_of_the_prior_stand_anywhere_among_their_draws() -> None:
    bins, failed = ranks(1000, seed=2)
    assert failed <= 20
    assert chi_square(bins).max() < 29.7


def test_a_skewed_density_is_drawn_without_bias() -> None:
    """The sampler alone: counts with a lognormal rate, 200 times."""
    rng = np.random.default_rng(3)
    bins = []
    for _ in range(200):
        truth = rng.standard_normal(2)
        counts = rng.poisson(np.exp(truth[0] + 0.5 * truth[1] * np.array([-1.0, 0.0, 1.0])))

        def density(z: Array, counts: Array = counts) -> Array:
            log_rate = z[:, :1] + 0.5 * z[:, 1:] * np.array([-1.0, 0.0, 1.0])
            return -0.5 * (z**2).sum(axis=1) + (counts * log_rate - np.exp(log_rate)).sum(axis=1)

        kept = sample(density, np.zeros(2), rng, draws=1000).resampled(rng, 10 * BINS - 1)
        bins.append((kept < truth).sum(axis=0) // BINS)
    assert chi_square(np.array(bins, dtype=np.float64)).max() < 27.9


def test_dissociation_after_yes_and_no_is_calibrated() -> None:
    """The person's C50 from three sessions of which only met or not met was charted."""
    rng = np.random.default_rng(4)
    bins = []
    for _ in range(150):
        truth = rng.standard_normal(9)
        own = dissociation(truth[None], PERSON, FIGURES)
        met = np.log(120.0) - own.log_c50[0] + own.session_sd[0] * rng.standard_normal(3) > own.criterion[0]
        sessions = [EarlierSession(readings={}, peak_level=120.0, racemic=False, met_criterion=bool(m)) for m in met]
        found = sensitivity(sessions, PERSON, FIGURES, rng=rng, draws=1500)
        kept = found.coordinates["dissociation"][rng.permutation(1500)[: 10 * BINS - 1]]
        bins.append((kept < truth).sum(axis=0) // BINS)
    assert chi_square(np.array(bins, dtype=np.float64)).max() < 29.7
