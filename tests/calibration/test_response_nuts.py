"""Does another way of sampling find the same posterior of one person? NUTS, with the density written again in JAX.

Needs the extra `research` (NumPyro). The prior of the terms is taken from `response.person`; what the terms predict,
the covariance of the scores and the t density are written again here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

numpyro = pytest.importorskip("numpyro")
jax = pytest.importorskip("jax")

import jax.numpy as jnp  # noqa: E402
from benchmarks.response_calibration import Bench  # noqa: E402
from benchmarks.response_people import Design, Truth, someone  # noqa: E402
from numpyro.diagnostics import effective_sample_size  # noqa: E402
from numpyro.infer import MCMC, NUTS  # noqa: E402

from ketapath.response.individual import Fit, OwnCourse, learned, own_course, scores_from  # noqa: E402
from ketapath.response.person import Person  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
PEOPLE = 20


def log_likelihood(theta: Any, who: Person, design: Design, truth: Truth, own: OwnCourse) -> Any:
    """Of the scores of one person given the terms (d,)."""
    at = {name: theta[i] for i, name in enumerate(who.names)}
    days = np.array([d for d, _, _ in truth.scores])
    which = np.array([k for _, k, _ in truth.scores])
    totals = np.array([t for _, _, t in truth.scores])
    tops = np.array([s.top for s in design.scales])[which]
    pads = 0.02 * tops
    seen = np.log((totals + pads) / (tops - totals + pads))

    drug = []
    for day in days:
        level, since, half = 0.0, 0.0, 1.0
        for session, strength in zip(design.days, design.strengths, strict=True):
            if session >= day:
                break
            dose = strength * (jnp.exp(at[design.route]) if design.route else 1.0)
            effect, next_half = jax.nn.sigmoid(at["drug"]), jnp.exp(at["half_life"])
            if "ed50" in at:
                ed50 = jnp.exp(at["ed50"])
                effect = jnp.minimum(effect * dose / (dose + ed50) * (0.5 + ed50) / 0.5, 0.98)
                next_half = next_half * (dose / 0.5) ** (jnp.maximum(at["half_life_slope"], 0.0) ** 2)
            arrived = level * 2.0 ** (-(session - since) / half)
            high, low = jnp.maximum(arrived, effect), jnp.minimum(arrived, effect)
            level = high + jnp.sin(jnp.clip(at["build_up"], 0.0, jnp.pi / 2)) ** 2 * low * (1.0 - high)
            since, half = session, next_half
        drug.append(level * 2.0 ** (-(day - since) / half) if day > 0 else 0.0)
    drug = jnp.stack([jnp.asarray(d, dtype=float) for d in drug])
    rest = (1.0 - jax.nn.sigmoid(at["context"])) * (
        1.0 - jax.nn.sigmoid(at["visits"]) * (1.0 - 2.0 ** (-np.maximum(days, 0) / 14.0))
    )
    if design.antidepressant is not None:
        new = 1.0 - 2.0 ** (-np.maximum(days - design.antidepressant, 0.0) / 14.0)
        rest = rest * (1.0 - jax.nn.sigmoid(at["new_antidepressant"]) * new)
    remaining = jnp.where(days > 0, rest * (1.0 - drug), 1.0)
    middle = []
    for day_index, k in enumerate(which):
        scale = design.scales[k]
        pad = 0.02 * scale.top
        before = (scale.top + 2 * pad) * jax.nn.sigmoid(at[f"baseline_{scale.id}"]) - pad
        before = jnp.clip(before, 0.0, scale.top)
        power = jnp.exp(at[scale.steeper]) if scale.steeper else 1.0
        total = before * jnp.maximum(remaining[day_index], 1e-9) ** power
        middle.append(jnp.log((total + pad) / (scale.top - total + pad)))
    left = seen - jnp.stack(middle)

    slope = 1.0 / (totals + pads) + 1.0 / (tops - totals + pads)
    errors = np.array([s.error for s in design.scales])[which]
    apart = np.abs(days[:, None] - days[None, :])
    kept = np.mean([v * np.exp(-apart / m) for v, m in zip(own.slow, own.memory_days, strict=True)], axis=0)
    matrix = kept * np.where(which[:, None] == which[None, :], 1.0, own.shared)
    matrix = matrix + own.lasting * np.outer(days > 0, days > 0) + np.diag(errors**2 + slope**2 / 12.0)
    white = jax.scipy.linalg.solve_triangular(np.linalg.cholesky(matrix), left, lower=True)
    return -(4.0 + 0.5 * totals.size) * jnp.log(3.0 + 0.5 * (white**2).sum())


def test_nuts_finds_the_same_posterior_of_twenty_people() -> None:
    jax.config.update("jax_enable_x64", True)
    bench = Bench()
    own, rng = own_course(bench.population, bench.shared), np.random.default_rng(21)
    away, narrow = [], []
    for number in range(PEOPLE):
        place = number % len(bench.designs)
        who, design = bench.priors[place], bench.designs[place]
        truth = someone("model", design, dict(bench.population), bench.shared, rng)
        ours = learned(Fit(who, own, scores_from(truth.scores)), rng)

        def model(who: Person = who, design: Design = design, truth: Truth = truth) -> None:
            z = numpyro.sample("z", numpyro.distributions.Normal(0.0, 1.0).expand([len(who.names)]).to_event(1))
            numpyro.factor("scores", log_likelihood(who.mean + who.factor @ z, who, design, truth, own))

        chains = MCMC(
            NUTS(model, target_accept_prob=0.9),
            num_warmup=400,
            num_samples=1000,
            num_chains=2,
            chain_method="vectorized",
            progress_bar=False,
        )
        chains.run(jax.random.PRNGKey(number))
        z = np.asarray(chains.get_samples(group_by_chain=True)["z"])
        theirs = who.mean + z @ who.factor.T
        size = np.array([effective_sample_size(theirs[:, :, i]) for i in range(len(who.names))])
        flat = theirs.reshape(-1, len(who.names))
        error = flat.std(axis=0) * np.sqrt(1.0 / size + 1.0 / ours.diagnostics.ess)
        away += ((ours.terms.mean(axis=1) - flat.mean(axis=0)) / error).tolist()
        narrow += (ours.terms.std(axis=1) / flat.std(axis=0)).tolist()
    # Means differ by their Monte-Carlo errors: as many standard errors as so many normal draws would.
    assert np.sqrt(np.mean(np.square(away))) < 1.35
    assert np.abs(away).max() < 4.5
    assert np.mean(narrow) == pytest.approx(1.0, abs=0.02)
    assert min(narrow) > 0.85
    assert max(narrow) < 1.15
