"""What would a trial of this design find? Chunks of virtual subjects, sums of each trial, operating characteristics.

A chunk has its own seed by its number, so the result is the same in one process, in threads and on other machines, and
in whatever order they finish. Trials stay whole in a chunk; one that is larger than a chunk comes in pieces whose sums
add up. Only sums are kept, so memory does not grow with the number of subjects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ketapath import __version__
from ketapath.cohort.analysis import Definitions, endpoint_values, trial_sums
from ketapath.cohort.course import Seen, follow
from ketapath.cohort.design import Design
from ketapath.cohort.notes import evidence_of, notes_on, past_180
from ketapath.cohort.posterior import Bedside, bedside, judge_by
from ketapath.cohort.subjects import Index, Studies, draw, studies
from ketapath.cohort.tally import Sums, Tally
from ketapath.domain.cohort import OperatingCharacteristics
from ketapath.knowledge import Knowledge
from ketapath.response.equations import Array
from ketapath.response.predict import remission
from ketapath.response.prior import Population

CHUNK = 5000  # source: our choice; subjects of a chunk at least, where their array work outweighs its overhead
MOST_REFERENCE = 50_000  # source: our choice; reference subjects of a chunk at most, so that memory stays small
SLOW_CHUNK = 100  # source: our choice; of a design that consults the posterior, so that progress can be seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chunk:
    """Some whole trials, or one piece of a trial; `size` is the place in the design's list of sizes."""

    number: int
    size: int
    trials: range
    piece: int
    pieces: int
    those: Studies


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Setting:
    """What every chunk needs to know beside its own studies."""

    design: Design
    parameters: Mapping[str, Any]
    events: Definitions
    beside: tuple[Bedside | None, ...]
    past_180: tuple[float | None, ...]


Mapper = Callable[[Callable[[Chunk], Sums], Iterable[Chunk]], Iterable[Sums]]
Progress = Callable[[int, int], None]


def run(
    design: Design,
    knowledge: Knowledge,
    population: Population,
    *,
    mapper: Mapper = map,
    progress: Progress | None = None,
) -> OperatingCharacteristics:
    """The operating characteristics of the design.

    `mapper` gives back the sums of the chunks in their order, from wherever it likes. `progress` hears how many of the
    trials are done and how many there are; what it raises ends the run.
    """
    setting = _setting(design, knowledge, population)
    tally = Tally(design, [value is not None for value in setting.past_180])
    total = design.trials * len(design.sizes)
    played = 0
    for sums in mapper(partial(simulate, setting), chunks(design, population)):
        tally.add(sums)
        played += sums.played
        if progress is not None:
            progress(tally.done, total)
    return OperatingCharacteristics(
        title=design.title,
        digest=design.digest,
        truth=design.truth,
        trials=design.trials,
        seed=design.seed,
        alpha=design.alpha,
        patients=design.trials * sum(sum(design.counts(size)) for size in design.sizes),
        played=played,
        asks_posterior=design.asks_posterior,
        sizes=tally.figures(),
        notes=notes_on(design, knowledge),
        provenance=population.provenance,
        knowledge_version=knowledge.version,
        code_version=__version__,
        evidence=evidence_of(design, knowledge),
    )


def _setting(design: Design, knowledge: Knowledge, population: Population) -> Setting:
    parameters = knowledge.response
    at = max(remission(design.arm(one), design.people.scale, parameters) for one in design.arms)
    return Setting(
        design=design,
        parameters={"trial_scales": parameters["trial_scales"]},
        events=Definitions(remission_at=at, relapse_gone=float(parameters["relapse"]["improved_below"])),
        beside=tuple(bedside(design, one, knowledge, population) for one in design.arms),
        past_180=tuple(past_180(one, knowledge) for one in design.arms),
    )


def chunks(design: Design, population: Population) -> Iterator[Chunk]:
    """The chunks of all sizes, numbered in one row."""
    most = SLOW_CHUNK if design.asks_posterior else CHUNK
    number = 0
    for place, size in enumerate(design.sizes):
        subjects = sum(design.counts(size))
        step, pieces = -(-most // subjects), -(-subjects // most)
        if design.reference:
            step = min(step, max(MOST_REFERENCE // design.reference, 1))
        for start in range(0, design.trials, step):
            trials = range(start, min(start + step, design.trials))
            those = studies(trials, design.seed, population)
            for piece in range(pieces):
                yield Chunk(number=number, size=place, trials=trials, piece=piece, pieces=pieces, those=those)
                number += 1


def simulate(setting: Setting, chunk: Chunk) -> Sums:
    """One chunk, from its seed to its sums."""
    design, count = setting.design, len(chunk.trials)
    seed = np.random.SeedSequence(design.seed, spawn_key=(chunk.number,))
    of_arms, of_truth, of_allocation, of_judges = seed.spawn(4)
    assigned = _assigned(design, chunk, np.random.default_rng(of_allocation))
    ends, counts = [], []
    judges = of_judges.spawn(len(design.arms))
    for index, (one, child) in enumerate(zip(design.arms, of_arms.spawn(len(design.arms)), strict=True)):
        trial = np.repeat(np.arange(count), assigned[:, index])
        rng = np.random.default_rng(child)
        who = draw(design, one, chunk.those, trial, setting.parameters, rng)
        known = setting.beside[index]
        judge = None if known is None else judge_by(known, one, judges[index])
        seen = follow(design, one, who, rng, stays=False, judge=judge)
        ends.append(_ends(setting, seen, trial, count))
        counts.append(_counts(setting, index, seen, trial, count))
    true, error = _truth(setting, chunk, of_truth) if chunk.piece == 0 and design.reference else _no_truth(design)
    return Sums(
        size=chunk.size,
        trials=chunk.trials,
        piece=chunk.piece,
        pieces=chunk.pieces,
        ends=np.stack(ends, axis=1),
        counts=np.stack(counts, axis=1),
        true=true,
        true_error=error,
        played=int(assigned.sum()) + true.shape[0] * len(design.arms) * design.reference,
    )


def _assigned(design: Design, chunk: Chunk, rng: np.random.Generator) -> Index:
    """How many subjects of each trial come to each arm in this chunk, (trials, arms)."""
    wanted = np.array(design.counts(design.sizes[chunk.size]))
    here = wanted * (chunk.piece + 1) // chunk.pieces - wanted * chunk.piece // chunk.pieces
    if design.allocation == "fixed":
        return np.tile(here, (len(chunk.trials), 1))
    return np.asarray(rng.multinomial(int(here.sum()), wanted / wanted.sum(), size=len(chunk.trials)))


def _ends(setting: Setting, seen: Seen, trial: Index, count: int) -> Array:
    """Sums of every endpoint, (trials, endpoints, 3)."""
    visits = setting.design.visits.days
    found = [endpoint_values(one, seen, visits, setting.events) for one in setting.design.endpoints]
    return np.stack([trial_sums(values, trial, count) for values in found], axis=1)


def _counts(setting: Setting, index: int, seen: Seen, trial: Index, count: int) -> Array:
    """Sums of what COUNTED names, (trials, 7)."""
    here = seen.left > np.array(setting.design.visits.days)[:, None]
    chance = setting.past_180[index]
    columns = (
        np.ones(trial.size),
        seen.sessions,
        seen.mg,
        np.isfinite(seen.left),
        (here & np.isnan(seen.totals)).sum(axis=0),
        here.sum(axis=0),
        np.zeros(trial.size) if chance is None else 1.0 - (1.0 - chance) ** seen.sessions,
    )
    return np.stack([np.bincount(trial, weights=column, minlength=count) for column in columns], axis=1)


def _no_truth(design: Design) -> tuple[Array, Array]:
    return np.zeros((0, len(design.arms), len(design.endpoints))), np.zeros(
        (0, len(design.contrasts), len(design.endpoints))
    )


def _truth(setting: Setting, chunk: Chunk, seed: np.random.SeedSequence) -> tuple[Array, Array]:
    """The same persons under every arm, without leaving: the mean of each arm, and the error of each difference."""
    design, count, each = setting.design, len(chunk.trials), setting.design.reference
    trial = np.repeat(np.arange(count), each)
    values = []
    for index, one in enumerate(design.arms):
        rng = np.random.default_rng(seed)
        who = draw(design, one, chunk.those, trial, setting.parameters, rng)
        known = setting.beside[index]
        judge = None if known is None else judge_by(known, one, seed)
        seen = follow(design, one, who, rng, stays=True, judge=judge)
        found = [endpoint_values(end, seen, design.visits.days, setting.events) for end in design.endpoints]
        values.append(np.stack(found).reshape(len(design.endpoints), count, each))
    every = np.stack(values)
    counts = ~np.isnan(every)
    with np.errstate(invalid="ignore", divide="ignore"):
        counted = counts.sum(axis=3)
        mean = np.where(counts, every, 0.0).sum(axis=3) / counted
        # What each person moves the mean of the arm by; a share of some persons is a ratio of two means.
        moved = np.where(counts, every - mean[..., None], 0.0) / (counted / each)[..., None]
        pairs = [moved[first] - moved[other] for first, other in design.contrasts]
        error = np.stack(pairs).std(axis=3) / np.sqrt(each)
    return mean.transpose(2, 0, 1), error.transpose(2, 0, 1)
