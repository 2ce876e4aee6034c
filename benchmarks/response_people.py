"""Synthetic people under treatment, written apart from the inference: plain loops, own equations, one person at a time.

It imports nothing of ketapath. It takes the draws of the population as arrays by name and the figures that
response.yaml assumes, and gives totals as a clinic would have them: whole numbers, at odd days. `Truth` keeps what the
inference is asked for afterwards. `KINDS` names the worlds: the model's own, the population with its persons as drawn,
and worlds that the model does not know.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Draws = Mapping[str, npt.NDArray[np.float64]]
KINDS = {
    "model": "the model's own world",
    "population": "people drawn from the population as it is, each with a spread of their own",
    "two kinds": "half of the people get nothing from the drug, half twice as much",
    "fast relapse": "the effect is gone in a quarter of the time",
    "heavy noise": "every fifth score is off by three times the error",
    "jumps": "from some day on the person is one unit of the link worse or better",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Top of the scale, name of the steepness parameter; error, true baseline and its spread on the link."""

    id: str
    top: float
    steeper: str | None
    error: float
    baseline: float
    baseline_sd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Days of sessions, mg/kg by vein or multiples of 84 mg of the spray, day of a new antidepressant, scales."""

    days: tuple[int, ...]
    strengths: tuple[float, ...]
    route: str | None
    antidepressant: int | None
    scales: tuple[Scale, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """One person: scores (day, index of scale, total), the terms behind them, and totals to come by day."""

    scores: tuple[tuple[float, int, float], ...]
    terms: Mapping[str, float]
    true_now: float
    to_come: Mapping[int, float]


def designs(scales: Mapping[str, Scale]) -> tuple[Design, ...]:
    """Infusions of one dose, of several with a new antidepressant and two scales, and the spray."""
    phq9, madrs = scales["phq9"], scales["madrs"]
    six = (0, 3, 7, 10, 14, 17)
    return (
        Design(days=six, strengths=(0.5,) * 6, route=None, antidepressant=None, scales=(phq9,)),
        Design(
            days=(0, 4, 7, 14),
            strengths=(0.4, 0.5, 0.7, 0.7),
            route=None,
            antidepressant=2,
            scales=(phq9, madrs),
        ),
        Design(
            days=(0, 3, 7, 11, 14, 18),
            strengths=(2 / 3, *(1.0,) * 5),
            route="equivalent_nasal_esketamine",
            antidepressant=None,
            scales=(phq9,),
        ),
    )


def someone(
    kind: str, design: Design, draws: Draws, shared: float, rng: np.random.Generator, *, seen: int | None = None
) -> Truth:
    """A person of this world with 3 to 9 scores up to day 20, and totals to come on days 27 and 45.

    `seen` scores after the baseline instead, on days up to 90, where it is given.
    """
    terms, spread = _terms(kind, design, draws, rng)
    noise = _course(kind, draws, spread, rng)
    last, count = (21, int(rng.integers(3, 10))) if seen is None else (91, seen)
    days = sorted(rng.choice(np.arange(1, last), count, replace=False).tolist())
    rows = [(-1, k) for k in range(len(design.scales))]
    rows += [(int(day), int(rng.integers(len(design.scales)))) for day in days]
    asked = [(20, 0), (27, 0), (45, 0)]
    own = _own_course(noise, [*rows, *asked], shared, rng)
    jump_on, jump = int(rng.integers(3, 20)), float(rng.choice([-1.0, 1.0]))
    found, true_now = [], 0.0
    for (day, k), strays in zip([*rows, *asked], own, strict=True):
        scale = design.scales[k]
        middle = _expected(terms, design, scale, day) + strays
        if kind == "jumps" and day >= jump_on:
            middle += jump
        if (day, k) == (20, 0) and len(found) == len(rows):
            true_now = _total(middle, scale.top)
        found.append((day, k, _scored(kind, middle, spread * scale.error, scale.top, rng)))
    return Truth(
        scores=tuple((float(d), k, t) for d, k, t in found[: len(rows)]),
        terms=terms,
        true_now=true_now,
        to_come={d: t for d, _, t in found[len(rows) :]},
    )


def _terms(kind: str, design: Design, draws: Draws, rng: np.random.Generator) -> tuple[dict[str, float], float]:
    """The terms of one person, and the factor on the spread of everything of their own."""
    names = ["context", "visits", "drug", "half_life", "ed50", "slope", "build_up", "new", "equivalent"]
    names += [f"steeper_{s.id}" for s in design.scales]
    if kind == "model":
        table = np.stack([_on_its_scale(n, design, draws) for n in names])
        found = dict(zip(names, rng.multivariate_normal(table.mean(axis=1), np.cov(table)), strict=True))
        own = {n: math.sqrt(float(np.mean(draws[s] ** 2))) for n, s in _PERSONS}
        studies = {n: math.sqrt(float(np.mean(draws[s] ** 2))) for n, s in _STUDIES}
        factor = math.sqrt(3.0 / rng.gamma(4.0))
    else:
        row = int(rng.integers(draws["visits"].size))
        one = {name: values[row : row + 1] for name, values in draws.items()}
        found = {n: float(_on_its_scale(n, design, one)[0]) for n in names}
        own = {n: float(one[s][0]) for n, s in _PERSONS}
        studies = {n: float(one[s][0]) for n, s in _STUDIES}
        factor = 1.0
    for spread in (own, studies):
        for name, sd in spread.items():
            found[name] += sd * rng.standard_normal()
    alike = rng.standard_normal()
    for scale in design.scales:
        place = math.sqrt(0.6) * alike + math.sqrt(0.4) * rng.standard_normal()
        found[f"baseline_{scale.id}"] = scale.baseline + scale.baseline_sd * place
    if kind == "two kinds":
        found["kind"] = float(rng.choice([0.0, 2.0]))
    if kind == "fast relapse":
        found["half_life"] -= math.log(4.0)
    return found, factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One person whose treatment is still to be chosen: terms, factor on all spread, and strays on the link by day.

    `strays` hold the own course and the error of a total of that day together; day 0 is before treatment.
    """

    terms: Mapping[str, float]
    strays: Mapping[int, float]

    def total(self, design: Design, scale: Scale, day: int) -> float:
        """The total that is written down on this day under these sessions."""
        terms = dict(self.terms)
        if design.route is None:
            terms["equivalent"] = 0.0
        return float(round(_total(_expected(terms, design, scale, day) + self.strays[day], scale.top)))


class Place:
    """A place where people of the model's own world are treated: what they share is drawn once.

    `any_route` is a design with the route that may be chosen beside the vein; `days` are those of totals, 0 among them.
    """

    def __init__(
        self, any_route: Design, scale: Scale, days: tuple[int, ...], draws: Draws, rng: np.random.Generator
    ) -> None:
        names = ["context", "visits", "drug", "half_life", "ed50", "slope", "build_up", "new", "equivalent"]
        names.append(f"steeper_{scale.id}")
        table = np.stack([_on_its_scale(n, any_route, draws) for n in names])
        self._shared = dict(zip(names, rng.multivariate_normal(table.mean(axis=1), np.cov(table)), strict=True))
        for name, sd in _STUDIES:
            self._shared[name] += math.sqrt(float(np.mean(draws[sd] ** 2))) * rng.standard_normal()
        self._own = {n: math.sqrt(float(np.mean(draws[sd] ** 2))) for n, sd in _PERSONS}
        self._scale, self._days = scale, days
        self._root = _root(_course("model", draws, 1.0, rng), [(day, 0) for day in days], 1.0)

    def life(self, rng: np.random.Generator, first: float | None = None) -> tuple[Life, float]:
        """Somebody here and their total before treatment; somebody who has this very total, where one is given."""
        scale = self._scale
        while True:
            factor = math.sqrt(3.0 / rng.gamma(4.0))
            own = factor * (self._root @ rng.standard_normal(len(self._days)))
            strays = own + factor * scale.error * rng.standard_normal(len(self._days))
            baseline = scale.baseline + scale.baseline_sd * rng.standard_normal()
            before = _expected({f"baseline_{scale.id}": baseline, f"steeper_{scale.id}": 0.0}, _NO_SESSION, scale, 0)
            seen = float(round(_total(before + strays[self._days.index(0)], scale.top)))
            if first is None or seen == first:
                break
        terms = dict(self._shared) | {f"baseline_{scale.id}": baseline}
        for name, sd in self._own.items():
            terms[name] += sd * rng.standard_normal()
        return Life(terms=terms, strays=dict(zip(self._days, strays.tolist(), strict=True))), seen


_NO_SESSION = Design(days=(), strengths=(), route=None, antidepressant=None, scales=())


_PERSONS = (("context", "person_context"), ("drug", "person_drug"), ("half_life", "person_half_life"))
_STUDIES = (("context", "context_between_studies"), ("drug", "drug_between_studies"))


def _on_its_scale(name: str, design: Design, draws: Draws) -> npt.NDArray[np.float64]:
    """The draws of one term, on the scale on which the model takes it for normal."""

    def log_odds(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.log(values) - np.log1p(-values)

    if name.startswith("steeper_"):
        scale = next(s for s in design.scales if f"steeper_{s.id}" == name)
        return np.log(draws[scale.steeper]) if scale.steeper else np.zeros_like(draws["visits"])
    if name == "equivalent":
        return np.log(draws[design.route]) if design.route else np.zeros_like(draws["visits"])
    return {
        "context": lambda: draws["context_open"] + draws["routine_care"],
        "visits": lambda: log_odds(draws["visits"]),
        "drug": lambda: log_odds(draws["drug_at_half"]),
        "half_life": lambda: np.log(draws["half_life_days"]),
        "ed50": lambda: np.log(draws["ed50_mg_per_kg"]),
        "slope": lambda: np.sqrt(draws["half_life_slope"]),
        "build_up": lambda: np.arcsin(np.sqrt(draws["build_up"])),
        "new": lambda: log_odds(draws["new_antidepressant"]),
    }[name]()


def _expected(terms: Mapping[str, float], design: Design, scale: Scale, day: int) -> float:
    """The link of the scale on this day without anything of the person's own."""
    remaining = 1.0
    if day > 0:
        context = 1.0 / (1.0 + math.exp(-terms["context"]))
        visits = 1.0 / (1.0 + math.exp(-terms["visits"]))
        remaining = (1.0 - context) * (1.0 - visits * (1.0 - 0.5 ** (day / 14.0)))
        if design.antidepressant is not None and day > design.antidepressant:
            new = 1.0 / (1.0 + math.exp(-terms["new"]))
            remaining *= 1.0 - new * (1.0 - 0.5 ** ((day - design.antidepressant) / 14.0))
        remaining *= 1.0 - _drug(terms, design, day)
    before = _total(terms[f"baseline_{scale.id}"], scale.top)
    return _link(before * max(remaining, 1e-9) ** math.exp(terms[f"steeper_{scale.id}"]), scale.top)


def _drug(terms: Mapping[str, float], design: Design, day: int) -> float:
    """The drug effect on this day, session by session."""
    at_half = 1.0 / (1.0 + math.exp(-terms["drug"]))
    ed50, slope = math.exp(terms["ed50"]), max(terms["slope"], 0.0) ** 2
    build_up = math.sin(min(max(terms["build_up"], 0.0), math.pi / 2)) ** 2
    level, since, half_life = 0.0, 0, 1.0
    for session, strength in zip(design.days, design.strengths, strict=True):
        if session >= day:
            break
        dose = strength * math.exp(terms["equivalent"])
        level *= 0.5 ** ((session - since) / half_life)
        effect = min(at_half * dose * (0.5 + ed50) / (0.5 * (dose + ed50)), 0.98) * terms.get("kind", 1.0)
        effect = min(effect, 0.98)
        larger, smaller = max(level, effect), min(level, effect)
        level = larger + build_up * smaller * (1.0 - larger)
        half_life, since = math.exp(terms["half_life"]) * (dose / 0.5) ** slope, session
    return level * 0.5 ** ((day - since) / half_life)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Noise:
    """Variance of the lasting part, and variances and memories of the slow courses whose mean covariance it has."""

    lasting: float
    slow: tuple[float, ...]
    days: tuple[float, ...]


def _course(kind: str, draws: Draws, factor: float, rng: np.random.Generator) -> _Noise:
    """The person's own course: that of the population together, or of one draw of it."""
    size = draws["visits"].size
    rows = np.arange(0, size, max(size // 300, 1)) if kind == "model" else rng.integers(size, size=1)
    lasting = draws["lasting_sd"] if kind == "model" else draws["lasting_sd"][rows]
    return _Noise(
        lasting=factor**2 * float(np.mean(lasting**2)),
        slow=tuple((factor * draws["course_sd"][rows]) ** 2),
        days=tuple(draws["course_days"][rows]),
    )


def _own_course(noise: _Noise, rows: list[tuple[int, int]], shared: float, rng: np.random.Generator) -> list[float]:
    """The person's own course at each (day, scale): a normal draw with the covariance of the lasting and slow parts."""
    return list(_root(noise, rows, shared) @ rng.standard_normal(len(rows)))


def _root(noise: _Noise, rows: list[tuple[int, int]], shared: float) -> npt.NDArray[np.float64]:
    """A square root of that covariance."""
    count = len(rows)
    matrix = np.zeros((count, count))
    weights = [v / len(noise.slow) for v in noise.slow]
    kept: dict[int, float] = {}
    for i, (day, k) in enumerate(rows):
        for j, (other, m) in enumerate(rows):
            apart = abs(day - other)
            if apart not in kept:
                kept[apart] = sum(w * math.exp(-apart / d) for w, d in zip(weights, noise.days, strict=True))
            matrix[i, j] = kept[apart] * (1.0 if k == m else shared)
            matrix[i, j] += noise.lasting if day > 0 and other > 0 else 0.0
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def _scored(kind: str, middle: float, error: float, top: float, rng: np.random.Generator) -> float:
    """The total that is written down: a whole number within the scale."""
    if kind == "heavy noise" and rng.random() < 0.2:
        error *= 3.0
    return float(round(_total(middle + error * float(rng.standard_normal()), top)))


def _link(total: float, top: float) -> float:
    return math.log((total + 0.02 * top) / (top - total + 0.02 * top))


def _total(link: float, top: float) -> float:
    return min(max(1.04 * top / (1.0 + math.exp(-link)) - 0.02 * top, 0.0), top)
