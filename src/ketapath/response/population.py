"""What do all outcome rows together leave of the parameters? The model-based meta-analysis, by NumPyro's NUTS.

Offline, with the extra [research]: `make fit`. Each study has an effect of its own on the context of all its arms and
one on its drug effect, so that contrasts within a study say more than levels between studies. The equations are those
of the bedside; only the array module differs.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ketapath.errors import BadUsage
from ketapath.response.arm import MOST_SESSIONS, RELAPSE_VISITS, Arm
from ketapath.response.arm_course import Outcome, Scale, Visit, outcome, relapse
from ketapath.response.equations import Array, expit
from ketapath.response.outcomes import Datum

_CHUNK = 50  # source: our choice; draws between two looks from outside
_FREEDOM = 6.0  # source: our choice; a t for the means, so that one odd study does not rule
_LEAST_ERROR = 0.5  # source: our choice, points; reports round
_LEAST_SHARE = 0.002  # source: our choice; no share is taken as impossible


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Rows:
    """Arms on days, one a row, as arrays: shapes (rows,), (rows, covariates or equivalents), (rows, sessions)."""

    study: npt.NDArray[np.int64]
    covariates: Array
    worth: Array
    treated: Array
    day: Array
    since_last: Array
    on_new: Array
    gaps: Array
    amounts: Array
    top: Array
    baseline: Array
    baseline_sd: Array
    error: Array
    steeper: Array
    remission_at: Array


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Names:
    """The parameters by the part they play, in the order of the columns of _Rows."""

    covariates: tuple[str, ...]
    equivalents: tuple[str, ...]
    errors: tuple[str, ...]
    steeper: tuple[str, ...]
    studies: tuple[str, ...]


def names_of(parameters: Mapping[str, Any], data: Sequence[Datum]) -> Names:
    """The names that the rows use."""
    priors = parameters["priors"]
    scales = parameters["trial_scales"].values()
    fixed = ("routine_care", "inpatient", "bipolar", "not_resistant")
    return Names(
        covariates=tuple(
            n for n in priors if n.startswith(("context_", "unblinding_")) and n != "context_between_studies"
        )
        + fixed,
        equivalents=tuple(n for n in priors if n.startswith("equivalent_")),
        errors=tuple(sorted({s["error"] for s in scales})),
        steeper=tuple(sorted({s["steeper"] for s in scales if s["steeper"]})),
        studies=tuple(dict.fromkeys(d.study for d in data)),
    )


def log_likelihood(
    xp: Any, parameters: Mapping[str, Any], data: Sequence[Datum]
) -> Callable[[Mapping[str, Any]], tuple[Any, Any]]:
    """The function from parameters to the log-likelihood of each number (and of each standard deviation).

    Its argument holds every parameter of response.yaml by name, and `study_context` and `study_drug`, one standard
    normal for each study. The result has one entry a datum, already weighted, in the order of `data`.
    """
    names = names_of(parameters, data)
    scales = parameters["trial_scales"]
    levels = [d for d in data if d.kind != "relapse"]
    cells = [(d, d.arm, d.day) for d in levels]
    others = [(d, d.against or d.arm, d.day) for d in levels]
    kept, place_of = _once([*cells, *others])
    groups = _by_sessions(kept, names, scales)
    relapses = [d for d in data if d.kind == "relapse"]
    visits = [
        _rows([(d, d.arm, d.arm.relapse_days(d.day)[i]) for d in relapses], names, scales, sessions=MOST_SESSIONS)
        for i in range(RELAPSE_VISITS + 1)
    ]
    remitters = np.array([[float(d.remitters)] for d in relapses])
    place = np.array([data.index(d) for d in (*levels, *relapses)])
    back = np.argsort(place)

    def value(theta: Mapping[str, Any]) -> tuple[Any, Any]:
        every = _outcomes(xp, theta, groups, names)
        one, other = _taken(every, place_of[: len(levels)]), _taken(every, place_of[len(levels) :])
        told = _levels(xp, levels, one, other, theta)
        people, scale, shown = _people(xp, theta, visits[0], names)
        lost = relapse(
            xp,
            people,
            [shown, *(_people(xp, theta, v, names)[2] for v in visits[1:])],
            scale,
            remitters=remitters,
            remission_at=visits[0].remission_at[:, None],
        )
        said = xp.concatenate([told, _share(xp, relapses, lost)])
        spread = _spreads(xp, levels, one.change_sd)
        return said[back], spread

    return value


def _levels(xp: Any, data: Sequence[Datum], one: Any, other: Any, theta: Mapping[str, Any]) -> Any:
    """Log-likelihood of every number but the relapses."""
    kind = np.array([d.kind for d in data])
    value = np.array([d.value for d in data])
    n = np.array([d.arm.n for d in data], dtype=float)
    m = np.array([(d.against or d.arm).n for d in data], dtype=float)
    stated = np.array([np.nan if d.error is None else d.error for d in data])
    in_sd = kind == "contrast-in-sd"
    compared = np.char.startswith(kind, "contrast")
    predicted = one.change - xp.where(compared, other.change, 0.0)
    pooled = xp.sqrt((one.end_sd**2 + other.end_sd**2) / 2.0)
    predicted = xp.where(in_sd, predicted / pooled, predicted)
    own_sd = np.array([np.nan if d.arm.sd is None else d.arm.sd for d in data])
    usual = xp.where(np.isnan(own_sd), one.change_sd, own_sd)
    by_size = xp.where(compared, xp.sqrt(usual**2 / n + other.change_sd**2 / m), usual / n**0.5)
    by_size = xp.where(in_sd, xp.sqrt(1.0 / n + 1.0 / m), by_size)
    least = np.where(in_sd, 0.05, _LEAST_ERROR)
    error = xp.sqrt(xp.where(np.isnan(stated), by_size, stated) ** 2 + least**2)
    z = (value - predicted) / error
    means = -0.5 * (_FREEDOM + 1.0) * xp.log1p(z**2 / _FREEDOM) - xp.log(error)
    share = xp.where(kind == "response", one.response, one.remission)
    days = np.array([d.day for d in data])
    share = xp.where(kind == "completed", xp.exp(-theta["dropout_per_day"] * days), share)
    counted = _share(xp, data, share)
    is_share = np.isin(kind, ("response", "remission", "completed"))
    return xp.where(is_share, counted, _weights(data) * means)


def _share(xp: Any, data: Sequence[Datum], share: Any) -> Any:
    """Weighted log-likelihood of counts, up to a constant."""
    p = _LEAST_SHARE + (1.0 - 2.0 * _LEAST_SHARE) * share
    value = np.array([d.value for d in data])
    n = np.array([d.arm.n for d in data], dtype=float)
    return _weights(data) * n * (value * xp.log(p) + (1.0 - value) * xp.log1p(-p))


def _spreads(xp: Any, data: Sequence[Datum], change_sd: Any) -> Any:
    """Log-likelihood of the standard deviations of changes that reports give."""
    given = np.array([i for i, d in enumerate(data) if d.kind == "change" and d.arm.sd is not None])
    n = np.array([data[i].arm.n for i in given], dtype=float)
    error = np.sqrt(1.0 / (2.0 * (n - 1.0)) + 0.1**2)  # source: our choice; a tenth for spreads that differ by trial
    seen = np.log([data[i].arm.sd for i in given])
    return -0.5 * ((seen - xp.log(change_sd[given])) / error) ** 2


def _weights(data: Sequence[Datum]) -> Array:
    return np.array([d.weight for d in data])


_Cell = tuple[Datum, Arm, float]


def _once(cells: Sequence[_Cell]) -> tuple[list[_Cell], npt.NDArray[np.int64]]:
    """Every arm on a day once, and the place of each cell among them."""
    kept: dict[Any, int] = {}
    found: list[_Cell] = []
    place = []
    for datum, arm, day in cells:
        key = (datum.study, replace(arm, sd=None, n=0), day, datum.scale, datum.remission_at)
        if key not in kept:
            kept[key] = len(found)
            found.append((datum, arm, day))
        place.append(kept[key])
    return found, np.array(place)


def _by_sessions(cells: Sequence[_Cell], names: Names, scales: Mapping[str, Any]) -> list[tuple[Any, _Rows]]:
    """The cells in groups of few and of many sessions, so that one session is not computed as twelve."""
    counts = np.array([len(arm.sessions(day)) for _d, arm, day in cells])
    groups = []
    for low, high in ((0, 1), (2, 6), (7, MOST_SESSIONS)):
        chosen = np.flatnonzero((counts >= low) & (np.minimum(counts, MOST_SESSIONS) <= high))
        if chosen.size:
            groups.append((chosen, _rows([cells[int(i)] for i in chosen], names, scales, sessions=high)))
    return groups


def _outcomes(xp: Any, theta: Mapping[str, Any], groups: Sequence[tuple[Any, _Rows]], names: Names) -> Outcome:
    """The outcome of every cell, in the order of the cells."""
    order = np.argsort(np.concatenate([chosen for chosen, _rows in groups]))
    found = []
    for _chosen, rows in groups:
        people, scale, visit = _people(xp, theta, rows, names)
        found.append(outcome(xp, people, visit, scale, rows.remission_at[:, None]))
    joined = {f.name: xp.concatenate([getattr(o, f.name) for o in found])[order] for f in fields(Outcome)}
    return Outcome(**joined)


def _taken(every: Outcome, place: npt.NDArray[np.int64]) -> Outcome:
    return Outcome(**{f.name: getattr(every, f.name)[place] for f in fields(Outcome)})


def _people(xp: Any, theta: Mapping[str, Any], rows: _Rows, names: Names) -> tuple[dict[str, Any], Scale, Visit]:
    """Parameters, scale and visit of every row, each shape (rows, 1), so that people are the last axis."""

    def column(value: Any) -> Any:
        return value[:, None]

    effects = xp.stack([theta[n] for n in names.covariates])
    context = rows.covariates @ effects + theta["context_between_studies"] * theta["study_context"][rows.study]
    odds = xp.exp(theta["drug_between_studies"] * theta["study_drug"][rows.study])
    at_half = odds * theta["drug_at_half"] / (1.0 - theta["drug_at_half"] + odds * theta["drug_at_half"])
    worth = rows.worth @ xp.stack([1.0 + 0.0 * theta["visits"], *(theta[n] for n in names.equivalents)])
    people = dict(theta) | {"context": column(context), "drug_at_half": column(at_half)}
    scale = Scale(
        top=column(rows.top),
        baseline=column(rows.baseline),
        baseline_sd=column(rows.baseline_sd),
        error=column(rows.error @ xp.stack([theta[n] for n in names.errors])),
        steeper=column(rows.steeper @ xp.stack([1.0 + 0.0 * theta["visits"], *(theta[n] for n in names.steeper)])),
    )
    visit = Visit(
        day=column(rows.day),
        gaps_days=[column(rows.gaps[:, i]) for i in range(rows.gaps.shape[1])],
        mg_per_kg=[column(rows.amounts[:, i] * worth) for i in range(rows.gaps.shape[1])],
        since_last=column(rows.since_last),
        days_on_new=column(rows.on_new),
    )
    return people, scale, visit


def _rows(cells: Sequence[_Cell], names: Names, scales: Mapping[str, Any], *, sessions: int) -> _Rows:
    """The arrays of these arms on these days, for so many sessions."""
    visits = [arm.visit(day, 1.0, at_least=sessions) for _d, arm, day in cells]
    specs = [scales[d.scale] for d, _arm, _day in cells]

    def one_hot(wanted: Sequence[str | None], known: Sequence[str | None]) -> Array:
        return np.array([[float(name == other) for other in known] for name in wanted])

    def stated(name: str) -> Array:
        own = [getattr(arm, name) for _d, arm, _day in cells]
        return np.array([spec[name] if v is None else v for spec, v in zip(specs, own, strict=True)], dtype=float)

    return _Rows(
        study=np.array([names.studies.index(d.study) for d, _arm, _day in cells]),
        covariates=np.array([[arm.covariates().get(n, 0.0) for n in names.covariates] for _d, arm, _day in cells]),
        worth=one_hot([arm.equivalent for _d, arm, _day in cells], [None, *names.equivalents]),
        treated=np.array([float(arm.regimen is not None) for _d, arm, _day in cells]),
        day=np.array([v.day for v in visits]),
        since_last=np.array([v.since_last for v in visits]),
        on_new=np.array([v.days_on_new for v in visits]),
        gaps=np.array([v.gaps_days for v in visits]),
        amounts=np.array([v.mg_per_kg for v in visits]),
        top=np.array([float(s["top"]) for s in specs]),
        baseline=stated("baseline"),
        baseline_sd=stated("baseline_sd"),
        error=one_hot([s["error"] for s in specs], names.errors),
        steeper=one_hot([s["steeper"] for s in specs], [None, *names.steeper]),
        remission_at=np.array([d.remission_at for d, _arm, _day in cells]),
    )


def from_normals(xp: Any, parameters: Mapping[str, Any], z: Any, studies: int) -> dict[str, Any]:
    """Every parameter, and the two effects of each study, from a vector that the sampler moves; last axis of `z`.

    Half-normal and beta parameters move on their logarithm and log-odds (see log_prior), the others as standard
    normals.
    """
    theta: dict[str, Any] = {}
    for index, (name, spec) in enumerate(parameters["priors"].items()):
        at, kind = z[..., index], spec["distribution"]
        if kind == "normal":
            theta[name] = spec["middle"] + spec["spread"] * at
        elif kind == "lognormal":
            theta[name] = spec["middle"] * xp.exp(spec["spread"] * at)
        elif kind == "half-normal":
            theta[name] = spec["spread"] * xp.exp(at)
        elif kind == "beta":
            theta[name] = expit(xp, at)
        else:
            theta[name] = expit(xp, np.log(spec["middle"] / (1.0 - spec["middle"])) + spec["spread"] * at)
    count = len(parameters["priors"])
    theta["study_context"] = z[..., count : count + studies]
    theta["study_drug"] = z[..., count + studies : count + 2 * studies]
    return theta


def log_prior(xp: Any, parameters: Mapping[str, Any], z: Any) -> Any:
    """Log-density of the vector before any trial, up to a constant."""
    total = -0.5 * (z[len(parameters["priors"]) :] ** 2).sum()
    for index, spec in enumerate(parameters["priors"].values()):
        at = z[index]
        if spec["distribution"] == "half-normal":
            total = total + at - 0.5 * xp.exp(2.0 * at)
        elif spec["distribution"] == "beta":
            total = total - spec["first"] * xp.log1p(xp.exp(-at)) - spec["second"] * xp.log1p(xp.exp(at))
        else:
            total = total - 0.5 * at**2
    return total


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """Draws by name, shape (draws,), and by parameter what the chains say of themselves."""

    draws: Mapping[str, Array]
    r_hat: Mapping[str, float]
    ess: Mapping[str, float]
    divergences: int
    steps: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One fit: without the numbers of a study (None: of none), and with sessions that only restore (g = 0) or not."""

    without: str | None = None
    restores: bool = False
    chains: int = 4


def fit(
    parameters: Mapping[str, Any],
    data: Sequence[Datum],
    *,
    variants: Sequence[Variant] = (Variant(),),
    seed: int,
    warm_up: int = 600,
    draws: int = 600,
    kept: int = 1000,
    tell: Callable[[str], None] = lambda _line: None,
) -> list[Fit]:
    """The posterior of the parameters by NUTS, once for each variant.

    Raises BadUsage where the research tools are not installed.
    """
    jax = _research_tools()
    studies = names_of(parameters, data).studies
    likelihood = log_likelihood(jax.numpy, parameters, data)
    spread_of = [d.study for d in data if d.kind == "change" and d.arm.sd is not None]
    masks = [
        (
            np.array([float(d.study != one.without) for d in data]),
            np.array([float(s != one.without) for s in spread_of]),
            np.array(float(not one.restores)),
        )
        for one in variants
        for _chain in range(one.chains)
    ]

    def potential(mask: Any, mask_of_spreads: Any, builds_up: Any) -> Callable[[Any], Any]:
        def energy(z: Any) -> Any:
            theta = from_normals(jax.numpy, parameters, z, len(studies))
            said, spread = likelihood(theta | {"build_up": builds_up * theta["build_up"]})
            told = (mask * said).sum() + (mask_of_spreads * spread).sum()
            return -(log_prior(jax.numpy, parameters, z) + told)

        return energy

    size = len(parameters["priors"]) + 2 * len(studies)
    rng = np.random.default_rng(seed)
    starts = 0.1 * rng.standard_normal((len(masks), size))
    keys = jax.random.split(jax.random.PRNGKey(seed), len(masks))
    found, diverging, steps = _sampled(jax, potential, keys, starts, masks, warm_up, draws, tell)
    fits = []
    ends = np.cumsum([one.chains for one in variants])
    for one, end in zip(variants, ends, strict=True):
        here = slice(int(end) - one.chains, int(end))
        made = _fit_of(parameters, len(studies), found[here], diverging[here], steps[here], kept)
        fits.append(
            replace(made, draws=dict(made.draws) | {"build_up": 0.0 * made.draws["build_up"]}) if one.restores else made
        )
    return fits


def _sampled(
    jax: Any,
    potential: Any,
    keys: Any,
    starts: Array,
    masks: Sequence[Any],
    warm_up: int,
    draws: int,
    tell: Callable[[str], None],
) -> tuple[Array, Array, Array]:
    """Every chain: on a GPU all at once, else one after another on as many threads as there are cores.

    Shapes (chains, draws, size), (chains, draws) and (chains, draws).
    """
    from numpyro.infer.hmc import hmc

    init, step = hmc(potential_fn_gen=potential, algo="NUTS")

    def begin(key: Any, start: Any, *given: Any) -> Any:
        return init(
            start, warm_up, step_size=0.1, target_accept_prob=0.85, max_tree_depth=7, model_args=given, rng_key=key
        )

    def advance(state: Any, *given: Any) -> Any:
        def moved(state: Any, _index: Any) -> Any:
            after = step(state, model_args=given)
            return after, (after.z, after.diverging, after.num_steps)

        return jax.lax.scan(moved, state, None, length=_CHUNK)

    def chain(begin: Any, advance: Any, key: Any, start: Any, given: Sequence[Any], time_axis: int) -> list[Array]:
        state, told = begin(key, start, *given), []
        for done in range(0, warm_up + draws, _CHUNK):
            state, part = advance(state, *given)
            tell(f"{done + _CHUNK} of {warm_up + draws}")
            told.append([np.asarray(values) for values in part])
        return [np.concatenate(parts, axis=time_axis) for parts in zip(*told, strict=True)]

    given = [np.stack(part) for part in zip(*masks, strict=True)]
    if jax.default_backend() == "gpu":
        together = jax.jit(jax.vmap(begin)), jax.jit(jax.vmap(advance))
        found = chain(*together, keys, starts, given, 1)
    else:
        alone = jax.jit(begin), jax.jit(advance)
        first = [part[0] for part in given]
        alone[1](alone[0](keys[0], starts[0], *first), *first)  # compiled once, before the threads share it
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            each = pool.map(
                lambda i: chain(*alone, keys[i], starts[i], [part[i] for part in given], 0), range(len(masks))
            )
            found = [np.stack(part) for part in zip(*each, strict=True)]
    z, diverging, steps = (part[:, warm_up : warm_up + draws] for part in found)
    return z, diverging, steps


def _fit_of(parameters: Mapping[str, Any], studies: int, z: Array, diverging: Array, steps: Array, kept: int) -> Fit:
    """Chains (chains, draws, size) as named draws with their checks."""
    from numpyro.diagnostics import effective_sample_size, split_gelman_rubin

    theta = from_normals(np, parameters, z, studies)
    named = {name: theta[name] for name in parameters["priors"]}
    count = z.shape[0] * z.shape[1]
    rows = np.linspace(0, count - 1, min(kept, count)).astype(int)
    return Fit(
        draws={name: values.reshape(-1)[rows] for name, values in named.items()},
        r_hat={name: float(split_gelman_rubin(values)) for name, values in named.items()},
        ess={name: float(effective_sample_size(values)) for name, values in named.items()},
        divergences=int(diverging.sum()),
        steps=float(steps.mean()),
    )


def _research_tools() -> Any:
    try:
        import jax
        import numpyro
    except ImportError as missing:
        raise BadUsage("The fit needs the research tools: pip install ketapath[research]") from missing
    numpyro.enable_x64()
    return jax
