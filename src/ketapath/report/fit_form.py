"""What the fit of the response model says of itself: its checks, and what the trials added to what was assumed."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.report.forest import Interval, forest
from ketapath.response.prior import Population, starting_draws

_WIDTH = 120
_DRAWS = 20_000
Array = npt.NDArray[np.float64]
_SAYS = (
    "Each parameter before any trial (5 to 95 %) and after all of them. `learned` is how much narrower the 90 % "
    "interval became, on the scale of what was assumed: near 0 % the trials say nothing, and the assumption is carried "
    "on. Drug and context are the plainest case: `drug_at_half` is held by how little people are assumed to see "
    "through midazolam (`unblinding_midazolam`), of which the trials tell nothing."
)


def fit_page(population: Population, parameters: Mapping[str, Any]) -> Iterator[str]:
    """The page response-fit.md, line by line."""
    about = population.about
    yield from (
        "# The fit of the response model",
        "",
        "Written by `make reference` from the draws that `make fit` left; a test holds the two together.",
        "",
        f"Version {about['version']}, seed {about['seed']}, {population.draws.shape[0]} draws, half of each structure "
        f"(a session restores; a session may build up).",
        f"Digest of the tables it read: `{str(about['data_digest'])[:12]}`.",
        "",
        "| structure | largest R-hat | smallest effective sample | divergences |",
        "| --- | --- | --- | --- |",
    )
    for structure, checks in about["diagnostics"].items():
        worst = max(checks["r_hat"], key=lambda name: checks["r_hat"][name])
        least = min(checks["ess"], key=lambda name: checks["ess"][name])
        yield (
            f"| {structure} | {checks['r_hat'][worst]:.3f} (`{worst}`) | {checks['ess'][least]} (`{least}`) | "
            f"{checks['divergences']} |"
        )
    yield from ("", *textwrap.wrap(_SAYS, _WIDTH), "", "![Before and after](response-fit.svg)", "")
    yield from ("| parameter | unit | before | after | learned |", "| --- | --- | --- | --- | --- |")
    for name, spec, before, after in _pairs(population, parameters):
        was, now = np.quantile(before, (0.05, 0.5, 0.95)), np.quantile(after, (0.05, 0.5, 0.95))
        yield (
            f"| `{name}` | {spec['unit']} | {was[1]:.3g} ({was[0]:.2g} to {was[2]:.2g}) | {now[1]:.3g} "
            f"({now[0]:.2g} to {now[2]:.2g}) | {_learned(before, after):.0%} |"
        )


def fit_picture(population: Population, parameters: Mapping[str, Any]) -> str:
    """Where each parameter lies after the trials among what was assumed before, in percent of the assumption."""
    rows = []
    for name, _spec, before, after in _pairs(population, parameters):
        low, middle, high = _among(before, np.quantile(after, (0.05, 0.5, 0.95)))
        rows.append(Interval(name=name, outer=(5.0, 95.0), inner=(low, high), observed=middle))
    legend = "percent of what was assumed; grey: assumed, 5 to 95 %; blue: after the trials, 5 to 95 %; dot: middle"
    return forest(rows, title="Before and after 46 studies", legend=legend, low=0, high=100, step=10)


def _pairs(
    population: Population, parameters: Mapping[str, Any]
) -> Iterator[tuple[str, Mapping[str, Any], Array, Array]]:
    before = starting_draws(parameters, np.random.default_rng(0), _DRAWS)
    for name, spec in parameters["priors"].items():
        after = population[name]
        if name == "build_up":  # the half of the draws in which it is free; it is 0 in the other by decision
            after = after[after > 0.0]
        yield name, spec, before[name], after


def _among(before: Array, values: Array) -> tuple[float, float, float]:
    places = 100.0 * np.searchsorted(np.sort(before), values) / before.size
    return float(places[0]), float(places[1]), float(places[2])


def _learned(before: Array, after: Array) -> float:
    low, _middle, high = _among(before, np.quantile(after, (0.05, 0.5, 0.95)))
    return max(0.0, 1.0 - (high - low) / 90.0)
