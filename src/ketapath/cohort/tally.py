"""Sums of trials become operating characteristics. Trials are told one by one and forgotten; only running sums stay."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ketapath.cohort.analysis import arm_moments, compare
from ketapath.cohort.design import Design
from ketapath.domain.cohort import ArmEndpoint, ArmFigures, Contrast, Figure, SizeFigures
from ketapath.response.equations import Array

_NORMAL_95 = 1.959964  # source: the normal quantile of 0.975


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sums:
    """What a chunk gives back: `ends` (trials, arms, endpoints, 3), `counts` (trials, arms, how many subjects,
    sessions, mg, left, visits missed and due, chance of a systolic pressure past 180).

    `true` (trials, arms, endpoints) is the mean of the reference subjects and `true_error` (trials, contrasts,
    endpoints) the standard error of their difference; both empty where the truth is not played.
    """

    size: int
    trials: range
    piece: int
    pieces: int
    ends: Array
    counts: Array
    true: Array
    true_error: Array
    played: int


class Running:
    """How many values, their sum and sum of squares; values that are not known do not count."""

    def __init__(self) -> None:
        self.count, self.total, self.square = 0, 0.0, 0.0

    def add(self, values: Array) -> None:
        """One value a trial."""
        known = values[~np.isnan(values)]
        self.count += known.size
        self.total += float(known.sum())
        self.square += float((known**2).sum())

    @property
    def spread(self) -> float:
        """Standard deviation over trials; 0 where there are not two."""
        if self.count < 2:
            return 0.0
        mean = self.total / self.count
        return float(np.sqrt(max(self.square - self.count * mean**2, 0.0) / (self.count - 1)))

    def figure(self) -> Figure:
        """The mean over trials."""
        if self.count == 0:
            return Figure(value=float("nan"), error=float("nan"))
        return Figure(value=self.total / self.count, error=self.spread / float(np.sqrt(self.count)))

    def share(self) -> Figure:
        """The share of trials of which something was true; its error is never 0, for no run proves a certainty."""
        if self.count == 0:
            return Figure(value=float("nan"), error=float("nan"))
        inside = (self.total + 1.0) / (self.count + 2.0)  # source: Laplace's rule of succession
        return Figure(value=self.total / self.count, error=float(np.sqrt(inside * (1.0 - inside) / self.count)))


class _OfSize:
    """The running sums of one size."""

    def __init__(self) -> None:
        self.sums: dict[tuple[object, ...], Running] = {}
        self.waiting: list[Sums] = []

    def __getitem__(self, key: tuple[object, ...]) -> Running:
        return self.sums.setdefault(key, Running())


class Tally:
    """Takes the sums of chunks in their order. `has_pressure` says of which arms a harm per session is known."""

    def __init__(self, design: Design, has_pressure: list[bool]) -> None:
        self.design, self.has_pressure = design, has_pressure
        self.sizes = [_OfSize() for _ in design.sizes]
        self.done = 0

    def add(self, sums: Sums) -> None:
        """The sums of one chunk; the pieces of a trial wait for each other."""
        here = self.sizes[sums.size]
        here.waiting.append(sums)
        if sums.piece < sums.pieces - 1:
            # Sums add up, so no more than one array is kept of a trial that comes in pieces.
            if len(here.waiting) == 2:
                here.waiting = [_merged(*here.waiting)]
            return
        whole = here.waiting[0] if len(here.waiting) == 1 else _merged(*here.waiting)
        here.waiting = []
        self._arms(here, whole)
        self._contrasts(here, whole)
        self.done += len(whole.trials)

    def _arms(self, here: _OfSize, whole: Sums) -> None:
        for arm in range(len(self.design.arms)):
            subjects, sessions, mg, left, missed, due, past = whole.counts[:, arm].T
            with np.errstate(invalid="ignore", divide="ignore"):
                for name, values in (
                    ("subjects", subjects),
                    ("sessions", sessions / subjects),
                    ("mg", mg / subjects),
                    ("left", left / subjects),
                    ("missed", missed / due),
                    ("past", past / subjects),
                ):
                    here[arm, name].add(values)
                for end in range(len(self.design.endpoints)):
                    mean, error = arm_moments(whole.ends[:, arm, end])
                    here[arm, end, "mean"].add(mean)
                    here[arm, end, "error"].add(error)
                    here[arm, end, "counted"].add(whole.ends[:, arm, end, 0] / subjects)
                    here[arm, end, "true"].add(whole.true[:, arm, end])

    def _contrasts(self, here: _OfSize, whole: Sums) -> None:
        for pair, (first, other) in enumerate(self.design.contrasts):
            for end, one in enumerate(self.design.endpoints):
                found = compare(one, whole.ends[:, first, end], whole.ends[:, other, end], self.design.alpha)
                key = ("contrast", pair, end)
                here[*key, "estimate"].add(found.estimate)
                here[*key, "error"].add(found.error)
                known = ~np.isnan(found.rejected)
                for name, holds in (
                    ("rejected", found.rejected != 0.0),
                    ("lower", found.rejected < 0.0),
                    ("higher", found.rejected > 0.0),
                ):
                    here[*key, name].add(np.where(known, holds, np.nan))
                if whole.true.shape[0] == 0:
                    continue
                true = whole.true[:, first, end] - whole.true[:, other, end]
                # The reference subjects know the truth up to an error of their own, which the interval is widened by:
                # both are normal, so it covers as often as the interval itself covers the truth.
                wide = np.sqrt(found.half**2 + (_NORMAL_95 * whole.true_error[:, pair, end]) ** 2)
                away = found.middle - true
                here[*key, "true"].add(true)
                here[*key, "bias"].add(found.estimate - true)
                here[*key, "covered"].add(np.where(np.isnan(away), np.nan, np.abs(away) <= wide))

    def figures(self) -> tuple[SizeFigures, ...]:
        """What came out, size by size."""
        return tuple(
            SizeFigures(
                size=size,
                arms=tuple(self._arm(here, index) for index in range(len(self.design.arms))),
                contrasts=tuple(
                    self._contrast(here, pair, end)
                    for end in range(len(self.design.endpoints))
                    for pair in range(len(self.design.contrasts))
                ),
            )
            for size, here in zip(self.design.sizes, self.sizes, strict=True)
        )

    def _arm(self, here: _OfSize, arm: int) -> ArmFigures:
        return ArmFigures(
            name=self.design.arms[arm].name,
            subjects=here[arm, "subjects"].figure(),
            sessions=here[arm, "sessions"].figure(),
            mg=here[arm, "mg"].figure(),
            left=here[arm, "left"].figure(),
            missed=here[arm, "missed"].figure(),
            past_180=here[arm, "past"].figure() if self.has_pressure[arm] else None,
            endpoints=tuple(
                ArmEndpoint(
                    endpoint=one.words,
                    unit=one.unit,
                    mean=here[arm, end, "mean"].figure(),
                    standard_error=here[arm, end, "error"].figure(),
                    counted=here[arm, end, "counted"].figure(),
                    true=here[arm, end, "true"].figure() if self.design.reference else None,
                )
                for end, one in enumerate(self.design.endpoints)
            ),
        )

    def _contrast(self, here: _OfSize, pair: int, end: int) -> Contrast:
        first, other = (self.design.arms[index].name for index in self.design.contrasts[pair])
        key = ("contrast", pair, end)
        knows = self.design.reference > 0
        return Contrast(
            endpoint=self.design.endpoints[end].words,
            unit=self.design.endpoints[end].unit,
            first=first,
            other=other,
            trials=here[*key, "rejected"].count,
            estimate=here[*key, "estimate"].figure(),
            spread=here[*key, "bias" if knows else "estimate"].spread,
            standard_error=here[*key, "error"].figure(),
            true=here[*key, "true"].figure() if knows else None,
            bias=here[*key, "bias"].figure() if knows else None,
            coverage=here[*key, "covered"].share() if knows else None,
            rejected=here[*key, "rejected"].share(),
            lower=here[*key, "lower"].share(),
            higher=here[*key, "higher"].share(),
        )


def _merged(one: Sums, more: Sums) -> Sums:
    """Two pieces of one trial, in their order; the truth came with the first."""
    return replace(
        more,
        ends=one.ends + more.ends,
        counts=one.counts + more.counts,
        true=one.true,
        true_error=one.true_error,
        played=one.played + more.played,
    )
