"""Do the bands of one person's course hold what they promise? Ranks and coverage over synthetic people.

`make calibrate` fits 2,400 people of the model's own world and 300 of each other world, and writes
docs/reference/response-calibration.md: rank histograms with their test, coverage of the 50, 80 and 95 % bands of totals
to come, and what is lost where the world is another one. People: `benchmarks.response_people`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from benchmarks.response_people import KINDS, Design, Scale, Truth, designs, someone
from scipy import stats

from ketapath.knowledge import load
from ketapath.response import Population
from ketapath.response.individual import Fit, learned, own_course, scores_from
from ketapath.response.outlook import simulated
from ketapath.response.person import Person, person, scales_of
from ketapath.response.prior import population
from ketapath.response.treatment import Session

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "response-calibration.md"
KNOWLEDGE = load()
LEVELS = (0.50, 0.80, 0.95)
BINS = 20
PEOPLE, OTHERS = 2400, 300
Array = npt.NDArray[np.float64]
ASKED = (
    "context",
    "drug effect",
    "half-life",
    "true baseline",
    "true total today",
    "total on day 27",
    "total on day 45",
)


class Bench:
    """The population, the scales as the generator wants them, and the priors of the designs."""

    def __init__(self, drawn: Population | None = None) -> None:
        self.population = drawn or population(KNOWLEDGE.response)
        self.shared = float(KNOWLEDGE.response["course_shared"]["share"])
        mine = scales_of(["phq9", "madrs"], KNOWLEDGE.instruments, KNOWLEDGE.response, self.population)
        self.scales = {
            s.id: Scale(
                id=s.id, top=s.top, steeper=s.steeper, error=s.error, baseline=s.baseline, baseline_sd=s.baseline_sd
            )
            for s in mine
        }
        self.designs = designs(self.scales)
        self.priors = [self._prior(d) for d in self.designs]

    def _prior(self, design: Design) -> Person:
        sessions = [
            Session(day=float(d), strength=s, equivalent=design.route)
            for d, s in zip(design.days, design.strengths, strict=True)
        ]
        ids = [s.id for s in design.scales]
        started = None if design.antidepressant is None else float(design.antidepressant)
        return person(
            self.population, KNOWLEDGE.response, sessions,
            scales_of(ids, KNOWLEDGE.instruments, KNOWLEDGE.response, self.population),
            condition="MDD", antidepressant_day=started,
        )  # fmt: skip

    def ranks(self, kind: str, people: int, seed: int) -> tuple[Array, Array]:
        """For each person the rank in (0, 1) of the truth of each quantity asked, and whether the checks held."""
        rng = np.random.default_rng(seed)
        ranks, ok = [], []
        draws = dict(self.population)
        for number in range(people):
            place = number % len(self.designs)
            truth = someone(kind, self.designs[place], draws, self.shared, rng)
            fit = Fit(self.priors[place], own_course(self.population, self.shared), scores_from(truth.scores))
            found = learned(fit, rng)
            ok.append(found.diagnostics.ok)
            ranks.append(_ranked(fit, found, truth, rng))
        return np.array(ranks), np.array(ok)


def _ranked(fit: Fit, found: object, truth: Truth, rng: np.random.Generator) -> list[float]:
    row, terms = fit.who.row, found.terms  # type: ignore[attr-defined]
    paths = simulated(fit, found, 0, np.array([20.0, 27.0, 45.0]), rng)  # type: ignore[arg-type]
    whole = np.rint(paths.observed)
    pairs: list[tuple[Array, float]] = [
        (terms[row["context"]], truth.terms["context"]),
        (terms[row["drug"]], truth.terms["drug"]),
        (terms[row["half_life"]], truth.terms["half_life"]),
        (terms[row[f"baseline_{fit.who.scales[0].id}"]], truth.terms[f"baseline_{fit.who.scales[0].id}"]),
        (paths.true[0], truth.true_now),
        (whole[1], truth.to_come[27]),
        (whole[2], truth.to_come[45]),
    ]
    found_ranks = []
    for drawn, true in pairs:
        below, same = float(np.mean(drawn < true)), float(np.mean(drawn == true))
        found_ranks.append(below + same * float(rng.random()))  # a tie of whole totals is broken by chance
    return found_ranks


def coverage(ranks: Array) -> dict[float, float]:
    """The share of ranks inside each central band."""
    return {level: float(np.mean(np.abs(ranks - 0.5) <= level / 2)) for level in LEVELS}


def uniformity(ranks: Array, bins: int = BINS) -> tuple[Array, float, float]:
    """Counts in bins, chi-square against even ones, and its p value."""
    counts = np.histogram(ranks, bins=bins, range=(0.0, 1.0))[0]
    statistic, p = stats.chisquare(counts)
    return counts, float(statistic), float(p)


def page(bench: Bench, people: int, others: int) -> Iterable[str]:
    """The page, line by line."""
    about = bench.population.provenance
    yield "# Calibration of one person's course\n"
    yield "Written by `make calibrate`; nothing here is typed by hand."
    yield f"Population: {about.name}, {about.version}, {about.digest[:12]}. {people} people of the model's own world:"
    yield "three treatments, one or two scales, 3 to 9 whole totals up to day 20. The generator is written apart from"
    yield "the inference (`benchmarks/response_people.py`).\n"
    ranks, ok = bench.ranks("model", people, seed=1)
    yield f"Checks of the sampler that did not hold: {int((~ok).sum())} of {people}.\n"
    yield "## Ranks\n"
    yield f"Where the truth lies among the draws, counted in {BINS} bins: even if the posterior is right.\n"
    yield "| quantity | chi-square (19) | p | ranks |"
    yield "| --- | --- | --- | --- |"
    for name, column in zip(ASKED, ranks.T, strict=True):
        counts, statistic, p = uniformity(column)
        yield f"| {name} | {statistic:.1f} | {p:.3f} | {' '.join(map(str, counts))} |"
    yield "\n## Coverage\n"
    yield "| world | total on | 50 % band | 80 % band | 95 % band | loss at 95 % |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for kind, words in KINDS.items():
        found = ranks if kind == "model" else bench.ranks(kind, others, seed=2)[0]
        for place, day in ((5, 27), (6, 45)):
            share = coverage(found[:, place])
            cells = " | ".join(f"{100 * share[level]:.1f} %" for level in LEVELS)
            yield f"| {words} | day {day} | {cells} | {100 * (0.95 - share[0.95]):+.1f} points |"
    error = 100 * np.sqrt(0.95 * 0.05 / others)
    yield f"\nStandard error of a share of 95 %: {error:.1f} points of {others} people."


def main() -> None:
    """Write the page."""
    text = "\n".join(page(Bench(), PEOPLE, OTHERS)) + "\n"
    PAGE.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
