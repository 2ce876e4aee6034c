"""The sampler against posteriors that are known: in closed form, by quadrature, and some that it has to refuse."""

from __future__ import annotations

import math
import time

import numpy as np
import pytest

from ketapath.errors import NumericalError
from ketapath.inference import pareto_k, sample, sample_stages
from ketapath.pharmacology.reactions import Array


def two_bumps(z: Array) -> Array:
    """Four fifths at -1.5, one fifth at +1.5, both with SD 0.2: far apart."""
    low, high = (-0.5 * ((z - m) ** 2).sum(axis=1) / 0.04 for m in (-1.5, 1.5))
    return np.logaddexp(math.log(0.8) + low, math.log(0.2) + high)


def heavy(z: Array) -> Array:
    """A t with one degree of freedom in three dimensions: the proposal's tails are far too light."""
    return -2.0 * np.log1p((z**2).sum(axis=1))


def bent(z: Array) -> Array:
    """Skewed and bent: the second coordinate follows the exponential of the first."""
    return -0.5 * (z[:, 0] / 0.6) ** 2 - 0.5 * ((z[:, 1] - np.exp(z[:, 0])) / 0.3) ** 2


def test_a_normal_prior_with_normal_data_gives_the_closed_form() -> None:
    """Prior N(1, 2²), six readings with SD 0.5: mean and SD of the textbook, and the evidence of the data."""
    rng = np.random.default_rng(3)
    seen = rng.normal(2.3, 0.5, 6)

    def density(z: Array) -> Array:
        prior = -0.5 * ((z[:, 0] - 1.0) / 2.0) ** 2 - math.log(2.0 * math.sqrt(2 * math.pi))
        data = -0.5 * ((seen - z) / 0.5) ** 2 - math.log(0.5 * math.sqrt(2 * math.pi))
        return prior + data.sum(axis=1)

    found = sample(density, np.array([1.0]), rng, spread=np.array([2.0]))
    precision = 1 / 4 + 6 / 0.25
    mean = (1 / 4 * 1.0 + seen.sum() / 0.25) / precision
    assert found.diagnostics.ok
    assert not found.failed
    assert found.mean()[0] == pytest.approx(mean, abs=4 / math.sqrt(precision * found.diagnostics.ess))
    sd = math.sqrt(found.weights @ (found.draws[:, 0] - mean) ** 2)
    assert sd == pytest.approx(precision**-0.5, rel=0.05)
    covariance = 4.0 + np.eye(6) * 0.25
    evidence = -0.5 * (seen - 1) @ np.linalg.solve(covariance, seen - 1)
    evidence -= 0.5 * np.linalg.slogdet(2 * math.pi * covariance)[1]
    assert found.log_evidence == pytest.approx(evidence, abs=0.05)


def test_a_skewed_and_bent_posterior_agrees_with_quadrature() -> None:
    found = sample(bent, np.zeros(2), np.random.default_rng(4))
    x, y = np.meshgrid(np.linspace(-4, 4, 801), np.linspace(-3, 12, 1501), indexing="ij")
    mass = np.exp(bent(np.stack([x.ravel(), y.ravel()], axis=1)))
    mass /= mass.sum()
    assert found.diagnostics.ok
    for values, column in ((x, 0), (y, 1)):
        mean = float(mass @ values.ravel())
        sd = math.sqrt(mass @ (values.ravel() - mean) ** 2)
        assert found.mean()[column] == pytest.approx(mean, abs=4 * sd / math.sqrt(found.diagnostics.ess))
    wanted = float(mass[(y > 2.0).ravel()].sum())
    assert float(found.weights[found.draws[:, 1] > 2.0].sum()) == pytest.approx(wanted, abs=0.03)


@pytest.mark.parametrize("target", [two_bumps, heavy], ids=["two modes", "heavy tail"])
def test_what_one_mode_cannot_tell_fails_a_check_and_says_so(target: object) -> None:
    found = sample(target, np.zeros(2 if target is two_bumps else 3), np.random.default_rng(5))  # type: ignore[arg-type]
    assert found.failed
    assert all("is below" in why or "not below" in why or "did not end" in why for why in found.failed)
    assert "tempered" in found.diagnostics.method or not found.diagnostics.ok


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_slow_way_finds_both_modes_in_their_shares(seed: int) -> None:
    found = sample(two_bumps, np.zeros(2), np.random.default_rng(seed))
    assert found.diagnostics.ok
    # A share of a fifth known from this many independent draws.
    error = 4 * math.sqrt(0.2 * 0.8 / found.diagnostics.ess)
    assert float(found.weights[found.draws[:, 0] > 0].sum()) == pytest.approx(0.2, abs=error)


def test_a_posterior_that_nothing_here_can_draw_is_not_called_good() -> None:
    """A ring as thin as a thread in six dimensions: no draw of any way is worth anything."""
    found = sample(
        lambda z: -0.5 * ((np.sqrt((z**2).sum(axis=1)) - 3) / 1e-5) ** 2, np.ones(6), np.random.default_rng(1)
    )
    assert not found.diagnostics.ok or found.diagnostics.ess >= 400


def test_without_data_the_posterior_is_the_prior() -> None:
    found = sample(lambda z: -0.5 * (z**2).sum(axis=1), np.zeros(4), np.random.default_rng(6))
    drawn = found.resampled(np.random.default_rng(7), 4000)
    assert np.abs(drawn.mean(axis=0)).max() < 4 / math.sqrt(3000)
    assert np.abs(drawn.std(axis=0) - 1).max() < 0.06
    assert found.log_evidence == pytest.approx(2 * math.log(2 * math.pi), abs=0.05)


@pytest.mark.parametrize("target", [bent, two_bumps])
def test_the_same_seed_gives_the_same_draws(target: object) -> None:
    first, again = (sample(target, np.zeros(2), np.random.default_rng(8)) for _ in range(2))  # type: ignore[arg-type]
    assert np.array_equal(first.draws, again.draws)
    assert np.array_equal(first.weights, again.weights)
    assert not first.draws.flags.writeable


@pytest.mark.parametrize("shape", [0.2, 0.5, 1.0])
def test_pareto_k_is_the_shape_of_a_known_tail(shape: float) -> None:
    """Exponential times k has, as a log weight, a Pareto tail of shape k: mean over 40 samples of 4,000."""
    rng = np.random.default_rng(9)
    found = [pareto_k(shape * rng.exponential(size=4000)) for _ in range(40)]
    assert np.mean(found) == pytest.approx(shape, abs=0.06)


def test_even_weights_have_no_tail_and_too_few_weights_are_no_proof() -> None:
    assert pareto_k(np.zeros(4000)) == -math.inf
    assert pareto_k(np.zeros(10)) == math.inf


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_density_that_is_no_number_is_refused_by_name(value: float) -> None:
    with pytest.raises(NumericalError):
        sample(lambda z: np.full(z.shape[0], value), np.zeros(2), np.random.default_rng(1))


def test_forty_scores_of_six_terms_take_little_time() -> None:
    """The budget of one person's update: 4,000 draws and 40 scores; generous for a machine that others use too."""
    rng = np.random.default_rng(10)
    design = rng.standard_normal((40, 6))
    seen = design @ rng.standard_normal(6) + rng.normal(0, 0.5, 40)

    def density(z: Array) -> Array:
        return -0.5 * (z**2).sum(axis=1) - 2.0 * ((seen - z @ design.T) ** 2).sum(axis=1)

    times = []
    for _ in range(5):
        start = time.perf_counter()
        found = sample(density, np.zeros(6), rng)
        times.append(time.perf_counter() - start)
    assert found.diagnostics.ok
    assert found.diagnostics.ess >= 1000
    assert min(times) < 0.1


def test_stages_of_growing_data_agree_with_the_closed_form() -> None:
    """A normal prior and ten readings, one more at each stage: mean and SD of the textbook at every stage."""
    rng = np.random.default_rng(11)
    seen = rng.normal(1.5, 0.5, 10)

    def upto(count: int) -> object:
        return lambda z: -0.5 * z[:, 0] ** 2 - 2.0 * ((seen[:count] - z) ** 2).sum(axis=1)

    found = sample_stages(
        lambda z: np.stack([upto(i)(z) for i in range(11)]),  # type: ignore[operator]
        [upto(1), upto(4), upto(10)],  # type: ignore[list-item]
        1,
        rng,
        draws_each=1500,
    )
    for stage in range(11):
        precision = 1.0 + 4.0 * stage
        weights, error = found.weights[stage], 4 / math.sqrt(precision * found.ess[stage])
        mean = float(weights @ found.draws[:, 0])
        assert mean == pytest.approx(4.0 * seen[:stage].sum() / precision, abs=error)
        sd = math.sqrt(weights @ (found.draws[:, 0] - mean) ** 2)
        assert sd == pytest.approx(precision**-0.5, rel=0.1)
        assert found.ess[stage] > 1000


def test_a_stage_whose_density_is_no_number_is_refused() -> None:
    with pytest.raises(NumericalError):
        sample_stages(lambda z: np.full((2, z.shape[0]), math.nan), [], 1, np.random.default_rng(1), draws_each=100)


def test_more_effective_draws_are_had_where_they_are_asked_for() -> None:
    """A bent posterior in eight dimensions passes with few; asked for more, it is drawn again and better."""

    def banana(z: Array) -> Array:
        return -0.5 * (z**2).sum(axis=1) - 0.5 * ((z[:, :4] + 0.2 * z[:, 4:] ** 2 - 1) ** 2 / 0.3).sum(axis=1)

    few = sample(banana, np.zeros(8), np.random.default_rng(1))
    more = sample(banana, np.zeros(8), np.random.default_rng(1), wanted_ess=3500.0)
    assert few.diagnostics.ok
    assert more.diagnostics.ok
    assert more.diagnostics.ess > few.diagnostics.ess
    assert "refitted" in more.diagnostics.method
