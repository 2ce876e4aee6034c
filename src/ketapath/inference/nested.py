"""What did each part of the data do? One set of draws, weighted for each of a row of growing densities.

The densities are those of a prior and more and more data. The draws come from a mixture of the prior and of t-shaped
samples around the modes of some of the densities, and each density weighs all of them (the balance heuristic of Veach
and Guibas, SIGGRAPH 1995): one pass over the draws serves every density, where a fit of each would cost one each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ketapath.errors import NumericalError
from ketapath.inference.mode import LogDensity, find_mode
from ketapath.inference.posterior import log_student, student

Array = npt.NDArray[np.float64]
LogDensities = Callable[[Array], Array]
"""From points (n, d) to the log-densities of all stages (stages, n), each up to a constant of its own."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stages:
    """The same draws (n, d) for all stages; `weights` (stages, n), each row with sum 1, and what each is worth."""

    draws: Array
    weights: Array
    ess: Array


def sample_stages(
    log_densities: LogDensities,
    anchors: Sequence[LogDensity],
    d: int,
    rng: np.random.Generator,
    *,
    draws_each: int,
) -> Stages:
    """Draws for every stage, for a prior that is standard normal.

    `anchors` are the stages whose modes are looked for; they should reach from the first to the last.
    """
    modes = [find_mode(density, d) for density in anchors]
    points = [rng.standard_normal((draws_each, d))]
    points += [mode.at + student(rng, draws_each, d) @ mode.factor.T for mode in modes]
    drawn = np.concatenate(points)
    proposals = [-0.5 * (drawn**2).sum(axis=1) - 0.5 * d * math.log(2.0 * math.pi)]
    proposals += [log_student(drawn - mode.at, mode.factor) for mode in modes]
    mixture = np.logaddexp.reduce(np.stack(proposals), axis=0)
    found = log_densities(drawn)
    if np.isnan(found).any():
        raise NumericalError("The log-density is not a number somewhere: check the data and the prior.")
    log_weights = found - mixture
    raw = np.exp(log_weights - log_weights.max(axis=1, keepdims=True))
    weights = raw / raw.sum(axis=1, keepdims=True)
    return Stages(draws=drawn, weights=weights, ess=np.asarray(1.0 / (weights**2).sum(axis=1)))
