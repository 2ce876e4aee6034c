"""Do ranks and bands of one person's course hold, for people of the model's world and of others?

People are made apart from the inference (`benchmarks.response_people`). `make calibrate` writes the same figures, for
more people, into docs/reference/response-calibration.md.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from benchmarks.response_calibration import ASKED, KNOWLEDGE, PAGE, Bench, coverage, uniformity
from benchmarks.response_people import KINDS, someone
from tests.courses import POPULATION, at, dose, history, on, score

from ketapath.response import course, individual
from ketapath.response.prior import Population

BENCH = Bench()
LEAST_P = 0.001  # seven quantities are tested: a false alarm in one of 140 runs of other seeds


def bands_hold(ranks: np.ndarray, *, sds: float) -> dict[float, float]:
    found = coverage(ranks)
    for level, share in found.items():
        assert abs(share - level) < sds * np.sqrt(level * (1 - level) / ranks.size), found
    return found


def test_the_truth_lies_evenly_among_the_draws_of_a_few_people() -> None:
    ranks, ok = BENCH.ranks("model", 150, seed=11)
    assert ok.all()
    for name, column in zip(ASKED, ranks.T, strict=True):
        _, _, p = uniformity(column, bins=10)
        assert p > LEAST_P, name
    for place in (5, 6):
        bands_hold(ranks[:, place], sds=3.5)


@pytest.mark.slow
def test_the_truth_lies_evenly_among_the_draws_of_many_people() -> None:
    ranks, ok = BENCH.ranks("model", 1000, seed=12)
    assert ok.mean() > 0.99
    for name, column in zip(ASKED, ranks.T, strict=True):
        _, _, p = uniformity(column)
        assert p > LEAST_P, name
        bands_hold(column, sds=3.5)


def test_a_wrong_inference_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure itself: an inference that takes people for a third as wayward is caught by it."""

    def too_sure(population: Population, shared: float) -> individual.OwnCourse:
        right = individual.own_course(population, shared)
        return dataclasses.replace(right, lasting=right.lasting / 9, slow=right.slow / 9)

    monkeypatch.setattr("benchmarks.response_calibration.own_course", too_sure)
    ranks, _ = BENCH.ranks("model", 45, seed=11)
    assert coverage(ranks[:, 4])[0.8] < 0.68


@pytest.mark.slow
@pytest.mark.parametrize("kind", [k for k in KINDS if k != "model"])
def test_bands_of_people_of_another_world_lose_little_and_it_is_printed(
    kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ranks, _ = BENCH.ranks(kind, 300, seed=13)
    shares = [coverage(ranks[:, place]) for place in (5, 6)]
    with capsys.disabled():
        for day, share in zip((27, 45), shares, strict=True):
            print(f"\n{KINDS[kind]}, day {day}:", ", ".join(f"{k:.0%} band {v:.1%}" for k, v in share.items()))
    assert min(share[0.95] for share in shares) > 0.85


def test_the_bands_that_are_shown_are_those_that_were_measured() -> None:
    """The curve of `course` on day 27 against the people of the first design: 50 and 90 % bands."""
    rng, inside = np.random.default_rng(14), {0.5: 0, 0.9: 0}
    draws, design, people = dict(POPULATION), BENCH.designs[0], 60
    doses = [dose(d) for d in design.days]
    for _ in range(people):
        truth = someone("model", design, draws, BENCH.shared, rng)
        scores = [score(int(d), t) for d, _, t in truth.scores]
        if scores[0].total == 0:
            people -= 1
            continue
        band = at(course(history(scores, doses), KNOWLEDGE, POPULATION, as_of=on(20), seed=1).curve, 27.0)
        total = truth.to_come[27]
        inside[0.5] += band["p25"] - 0.5 <= total <= band["p75"] + 0.5  # totals are whole: half a point either way
        inside[0.9] += band["p05"] - 0.5 <= total <= band["p95"] + 0.5
    for level, count in inside.items():
        assert level - 0.18 < count / people < level + 0.22, inside


def test_the_page_is_of_the_population_in_use() -> None:
    assert POPULATION.provenance.digest[:12] in PAGE.read_text(), "run `make calibrate` and read what it writes"
