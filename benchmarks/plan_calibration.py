"""Do plans keep their limits, and do they do what they promise? Fresh people, planned for and then treated.

`make calibrate-plan` writes docs/reference/plan-calibration.md. Each person gets a plan; sessions of it are then played
reading by reading with fresh draws of the same models, apart from how the planner counts. How scores go on is played by
`benchmarks.response_people`, which is written apart from the inference.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from benchmarks.response_calibration import Bench
from benchmarks.response_people import Design, Place
from scipy.stats import beta
from tests.records import CLINIC, KNOWLEDGE, PATIENT, complete, intake, person, phq9, record, spread

from ketapath import journey
from ketapath.domain.plan import Option
from ketapath.domain.profile import Profile
from ketapath.pharmacology import Order, Person, Sites, Subject, driving_sites
from ketapath.pharmacology.reactions import COORDINATES, course, dissociation, rise
from ketapath.plan.harms import LIMITED
from ketapath.plan.regimens import days_within
from ketapath.plan.ways import doses_by_session
from ketapath.response import SPRAY_MG
from ketapath.response.ensemble import HORIZON_DAYS, PEOPLE, WEEK
from ketapath.response.treatment import equivalent_of

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "plan-calibration.md"
FIGURES = KNOWLEDGE.effects["acute"]
FRESH = 100  # possible bodies of each person
LIVES, PLACES, WORLDS = 5, 150, 60
BANDS = (0.0, 0.002, 0.01, 0.02, 0.05, 0.1, 0.15)
SHARED = {"systolic": [0, 2, 4, 5], "diastolic": [0, 2, 4, 5], "dissociation": [0, 1, 3, 4, 5, 6, 7, 8]}
"""Which coordinates of a reaction are the same for everybody: what nobody knows of the typical person."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A virtual person as the record states them; `hypertension` is the truth, which the record may not know."""

    profile: Profile
    weight_kg: float
    age_years: int
    sex: str
    systolic: float
    diastolic: float
    hypertension: bool
    first: float


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A person with an offered option, and the whole plan's price of a visit."""

    who: Drawn
    option: Option
    visit_days: float
    seed: int

    @cached_property
    def days(self) -> tuple[int, ...]:
        """The days of its sessions in twelve weeks."""
        return days_within(self.option.regimen, KNOWLEDGE.protocols[self.option.protocol_id], HORIZON_DAYS)

    @cached_property
    def doses(self) -> list[float]:
        """The milligrams of each."""
        return doses_by_session(self.option.steps, len(self.days))

    @cached_property
    def sites(self) -> Mapping[float, Sites]:
        """Effect-site levels of fresh bodies, by dose."""
        subject = Subject(weight_kg=self.who.weight_kg, age_years=float(self.who.age_years), sex=self.who.sex)
        return {mg: self._sites(mg, subject) for mg in sorted(set(self.doses))}

    def _sites(self, mg: float, subject: Subject) -> Sites:
        order = Order(
            product=self.option.product, route=self.option.route, dose_mg=mg, infusion_min=self.option.infusion_min
        )
        return driving_sites(order, subject, KNOWLEDGE.drugs, (0.0,), FIGURES, draws=FRESH, seed=self.seed)

    def chance(self, harm: str) -> float:
        """What the plan says of one session at the highest dose."""
        found = next(h.p for h in self.option.chances if h.id == harm)
        assert found is not None
        return found


def people(count: int, seed: int, bench: Bench) -> Iterable[Drawn]:
    """Virtual people of all ages, weights and pressures that may be planned for; not all know of hypertension."""
    rng = np.random.default_rng([seed, 1])
    place = Place(bench.designs[2], bench.scales["phq9"], (0,), dict(bench.population), rng)
    while count:
        age, weight = int(rng.integers(18, 81)), float(np.round(rng.lognormal(np.log(78.0), 0.22), 1))
        pressure = np.round(rng.normal((124.0, 78.0), (12.0, 8.0)))
        tense, sex = bool(rng.random() < 0.15 + 0.5 * (age > 55)), str(rng.choice(["female", "male"]))
        _, first = place.life(rng)
        if not (40.0 <= weight <= 160.0 and 90.0 <= pressure[0] <= 160.0 and 50.0 <= pressure[1] <= 100.0 and first):
            continue
        stated = complete() | {
            "vitals.weight_kg": weight,
            "vitals.systolic_mmhg": float(pressure[0]),
            "vitals.diastolic_mmhg": float(pressure[1]),
            "history.hypertension": tense,
        }
        if rng.random() < 0.1:
            del stated["history.hypertension"]
        about = PATIENT | {"birthDate": f"{2026 - age}-03-02", "gender": sex}
        yield Drawn(
            profile=person(record(intake(stated), phq9(spread(int(first))), patient=about)), weight_kg=weight,
            age_years=age, sex=sex, systolic=float(pressure[0]), diastolic=float(pressure[1]), hypertension=tense,
            first=first,
        )  # fmt: skip
        count -= 1


def planned(who: Drawn, seed: int) -> tuple[Planned, Planned] | None:
    """The first option, and of those offered the one that comes nearest to a limit; None where nothing is offered."""
    plan = journey.planned(who.profile, CLINIC, KNOWLEDGE, seed=seed + 1)
    offered = [o for o in plan.options if o.steps and all(h.p is not None for h in o.chances)]
    if not offered:
        return None
    worth = next(w.better_days for w in plan.worths if w.thing == "visits")
    riskiest = max(offered, key=lambda o: max((h.p or 0.0) / h.limit for h in o.chances))
    first, other = (Planned(who=who, option=o, visit_days=worth, seed=seed) for o in (offered[0], riskiest))
    return first, other


def played(
    one: Planned, mg: float, rng: np.random.Generator, world: Mapping[str, Array] | None = None
) -> dict[str, int]:
    """How many of the fresh bodies meet each harm in one session at this dose.

    `world` fixes what is the same for everybody; without it every body has a world of its own.
    """
    sites, who = one.sites[mg], one.who
    reacting = Person(age_years=float(who.age_years), hypertension=who.hypertension)
    z = {q: rng.standard_normal((FRESH, COORDINATES[q])) for q in SHARED}
    for quantity, values in (world or {}).items():
        z[quantity][:, SHARED[quantity]] = values
    highest = {q: KNOWLEDGE.rules["CON-007"].limit(f"vitals.{q}_mmhg") for q in ("systolic", "diastolic")}
    # A dose is given only at or below the limit of the rule; whoever is above it today is taken to come just at it.
    is_low = who.systolic <= highest["systolic"] and who.diastolic <= highest["diastolic"]
    resting = {"systolic": who.systolic, "diastolic": who.diastolic} if is_low else highest
    together = rng.standard_normal((2, FRESH))
    r = FIGURES["visit"]["within_correlation"]["value"]
    apart = r * together + np.sqrt(1.0 - r * r) * rng.standard_normal((2, FRESH))
    found = {}
    for harm, quantity, limit, moved in (
        ("systolic-180", "systolic", 180.0, together),
        ("diastolic-110", "diastolic", 110.0, apart),
    ):
        own = rise(z[quantity], quantity, reacting, FIGURES)
        visit, slope = own.visit + own.visit_sd * moved[0], own.slope + own.slope_sd * moved[1]
        before = resting[quantity] - own.reading_sd * rng.standard_normal(FRESH)
        most = np.full(FRESH, -np.inf)
        for minute in FIGURES["visit"]["readings"]["at"]:
            level = [np.interp(minute, sites.times_min, sites.levels["pressure"][:, j]) for j in range(FRESH)]
            seen = before + visit * course(np.array([minute]), FIGURES)[0] + slope * np.array(level)
            most = np.maximum(most, seen + own.reading_sd * rng.standard_normal(FRESH))
        found[harm] = int((most >= limit).sum())
    felt = dissociation(z["dissociation"], reacting, FIGURES)
    peak = sites.levels["dissociation"].max(axis=0) * (1.0 + felt.r_share * sites.racemic)
    over = np.log(peak) - felt.log_c50 + felt.session_sd * rng.standard_normal(FRESH)
    found["severe-distress"] = int((over > felt.severe).sum())
    return found


def interval(events: int, of: int) -> tuple[float, float]:
    """The exact 95 % interval of a share (Clopper and Pearson)."""
    low = 0.0 if events == 0 else float(beta.ppf(0.025, events, of - events + 1))
    high = 1.0 if events == of else float(beta.ppf(0.975, events + 1, of - events))
    return low, high


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """One harm over sessions: what was said of each, how often it came, and how many sessions there were."""

    said: Array
    came: Array

    @property
    def sessions(self) -> int:
        return FRESH * self.said.size

    @property
    def rate(self) -> float:
        return float(self.came.sum() / self.sessions)

    @property
    def bounds(self) -> tuple[float, float]:
        return interval(int(self.came.sum()), self.sessions)

    def those(self, low: float, high: float) -> Tally:
        """The sessions of which a chance in this range was said."""
        here = (self.said >= low) & (self.said < high)
        return Tally(said=self.said[here], came=self.came[here])


def harms(plans: Sequence[Planned], seed: int) -> dict[str, Tally]:
    """Each limited harm in one session at the highest dose of each plan."""
    rng = np.random.default_rng([seed, 2])
    came = [played(one, max(one.doses), rng) for one in plans]
    return {
        harm: Tally(
            said=np.array([one.chance(harm) for one in plans]), came=np.array([c[harm] for c in came], dtype=np.float64)
        )
        for harm in LIMITED
    }


def in_worlds(plans: Sequence[Planned], worlds: int, seed: int) -> dict[str, Array]:
    """The rate of each harm in worlds of which each has its own typical person."""
    rng = np.random.default_rng([seed, 3])
    found: dict[str, list[float]] = {harm: [] for harm in LIMITED}
    for _ in range(worlds):
        world = {q: rng.standard_normal(len(rows)) for q, rows in SHARED.items()}
        some = rng.choice(len(plans), min(len(plans), 40), replace=False)
        came = [played(plans[i], max(plans[i].doses), rng, world) for i in some]
        for harm in LIMITED:
            found[harm].append(sum(c[harm] for c in came) / (FRESH * len(came)))
    return {harm: np.array(rates) for harm, rates in found.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Benefit:
    """Planned and realised better days of lives, and whose score after the course fell outside the band; each (n,)."""

    planned_days: Array
    days: Array
    below: Array
    above: Array


def _design(one: Planned, bench: Bench) -> Design:
    per = SPRAY_MG if (one.option.product, one.option.route) == ("esketamine", "nasal") else one.who.weight_kg
    return Design(
        days=one.days, strengths=tuple(mg / per for mg in one.doses),
        route=equivalent_of(one.option.product, one.option.route), antidepressant=None, scales=(bench.scales["phq9"],),
    )  # fmt: skip


def _looks(one: Planned) -> tuple[int, ...]:
    review = (one.option.regimen.days or (int(HORIZON_DAYS) - 1,))[-1] + 1
    return tuple(sorted({0, review, *range(int(WEEK), int(HORIZON_DAYS) + 1, int(WEEK))}))


def _better_days(one: Planned, place: Place, bench: Bench, rng: np.random.Generator) -> tuple[float, float]:
    """Days with half of the symptoms gone in twelve weeks of one fresh life, and the score after the course."""
    design, scale, looks = _design(one, bench), bench.scales["phq9"], _looks(one)
    life, first = place.life(rng, one.who.first)
    totals = {day: life.total(design, scale, day) for day in looks if day}
    review = (one.option.regimen.days or (int(HORIZON_DAYS) - 1,))[-1] + 1
    weekly = [totals[d] for d in looks if d and d % int(WEEK) == 0]
    return WEEK * sum(1.0 - t / first >= 0.5 for t in weekly), totals[review]


def _place(one: Planned, bench: Bench, rng: np.random.Generator) -> Place:
    return Place(bench.designs[2], bench.scales["phq9"], _looks(one), dict(bench.population), rng)


def benefit(plans: Sequence[Planned], bench: Bench, lives: int, seed: int) -> Benefit:
    """Lives of fresh people, each at a place of their own, under the option that was planned."""
    rng = np.random.default_rng([seed, 4])
    rows = []
    for one in plans:
        utility, bands = one.option.standing.utility, one.option.benefit
        if utility is None or bands is None:
            continue
        said, score = utility.p50 + one.visit_days * one.option.burden.visits, bands["score_after_induction"]
        for _ in range(lives):
            days, total = _better_days(one, _place(one, bench, rng), bench, rng)
            rows.append((said, days, total < score.p05, total > score.p95))
    table = np.array(rows, dtype=np.float64)
    return Benefit(planned_days=table[:, 0], days=table[:, 1], below=table[:, 2], above=table[:, 3])


def places_covered(plans: Sequence[Planned], bench: Bench, places: int, seed: int) -> tuple[int, int]:
    """In how many places the mean better days of a setting's number of people lie in the plan's band; of how many."""
    rng = np.random.default_rng([seed, 5])
    able = [p for p in plans if p.option.benefit is not None]
    inside = 0
    for number in range(places):
        one = able[number % len(able)]
        place, band = _place(one, bench, rng), (one.option.benefit or {})["better_days"]
        mean = float(np.mean([_better_days(one, place, bench, rng)[0] for _ in range(PEOPLE)]))
        inside += band.p05 <= mean <= band.p95
    return inside, places


def everybody(count: int, seed: int, bench: Bench) -> tuple[list[Planned], list[Planned], int]:
    """First options, riskiest options, and how many people were offered none."""
    first, riskiest, none = [], [], 0
    for number, who in enumerate(people(count, seed, bench)):
        found = planned(who, seed=1000 * seed + number)
        if found is None:
            none += 1
            continue
        first.append(found[0])
        riskiest.append(found[1])
    return first, riskiest, none


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _kept(tally: Tally, limit: float) -> str:
    low, high = tally.bounds
    return "yes" if high <= limit else "NO" if low > limit else "cannot say"


def _limits(title: str, of: Mapping[str, Tally]) -> Iterable[str]:
    for harm, tally in of.items():
        limit = KNOWLEDGE.figure(LIMITED[harm][3])
        low, high = tally.bounds
        yield (
            f"| {title} | {harm} | {tally.sessions:,} | {_percent(float(tally.said.mean()))} | {_percent(tally.rate)} "
            f"| {_percent(low)} to {_percent(high)} | {_percent(limit)} | {_kept(tally, limit)} |"
        )


def _reliability(of: Mapping[str, Tally]) -> Iterable[str]:
    for harm, tally in of.items():
        for low, high in zip(BANDS, (*BANDS[1:], 1.0), strict=True):
            some = tally.those(low, high)
            if some.said.size:
                a, b = some.bounds
                said = float(some.said.mean())
                yield (
                    f"| {harm} | {_percent(low)} to {_percent(high)} | {some.said.size} | {_percent(said)} "
                    f"| {_percent(some.rate)} | {_percent(a)} to {_percent(b)} | {'yes' if a <= said <= b else 'NO'} |"
                )


def page(bench: Bench, count: int, seed: int) -> Iterable[str]:
    """The page, line by line."""
    first, riskiest, none = everybody(count, seed, bench)
    yield "# Calibration of plans\n"
    yield "Written by `make calibrate-plan`; nothing here is typed by hand."
    yield f"{count} virtual people of 18 to 80 years, 40 to 160 kg, any pressure, some with hypertension, one in ten"
    yield f"who never answered that; {none} of them were offered no dose. Everybody else was planned for, and {FRESH}"
    yield "fresh bodies like theirs got one session at the highest dose of the plan, read at the usual minutes. Resting"
    yield "pressure is today's, or the highest at which a dose may be given where today's is higher.\n"
    yield "## Harms against their limits\n"
    yield "| option | harm | sessions | said | came | 95 % interval | limit | kept |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    both = {"first": harms(first, seed), "nearest to a limit": harms(riskiest, seed + 1)}
    for title, of in both.items():
        yield from _limits(title, of)
    yield "\n## Said against came, by what was said (options nearest to a limit)\n"
    yield "| harm | said between | people | said | came | 95 % interval | said inside |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    yield from _reliability(both["nearest to a limit"])
    yield "\nOf twenty such intervals one misses by chance, and the chances that were said are themselves counted in"
    yield "400 possible bodies each."
    yield from _worlds(riskiest, seed)
    yield from _benefit(first, bench, seed)


def _worlds(plans: Sequence[Planned], seed: int) -> Iterable[str]:
    yield "\n## If the typical person is other than the middle of what is known\n"
    yield "Above every body has a typical person of its own, as a chance that holds all that is not known demands. In"
    yield f"truth there is one, the same for everybody. {WORLDS} such worlds (options nearest to a limit):\n"
    yield "| harm | rate, median | 95th of 100 worlds | limit | worlds above it |"
    yield "| --- | --- | --- | --- | --- |"
    for harm, rates in in_worlds(plans, WORLDS, seed).items():
        limit = KNOWLEDGE.figure(LIMITED[harm][3])
        mid, high = np.quantile(rates, (0.5, 0.95))
        above = int((rates > limit).sum())
        yield f"| {harm} | {_percent(mid)} | {_percent(high)} | {_percent(limit)} | {above} of {WORLDS} |"


def _benefit(plans: Sequence[Planned], bench: Bench, seed: int) -> Iterable[str]:
    found = benefit(plans, bench, LIVES, seed)
    yield "\n## Benefit planned and realised\n"
    yield f"The first option, {LIVES} fresh lives for each person with the same score before treatment, each at a place"
    yield "of its own (`benchmarks/response_people.py`, written apart from the inference).\n"
    yield "| better days planned | lives | planned | realised | difference, 95 % interval |"
    yield "| --- | --- | --- | --- | --- |"
    edges = np.quantile(found.planned_days, (0.0, 1 / 3, 2 / 3, 1.0))
    third = np.clip(np.searchsorted(edges, found.planned_days, side="right") - 1, 0, 2)
    for name, here in (*((w, third == i) for i, w in enumerate(("fewest", "middle", "most"))), ("all", third >= 0)):
        gap = (found.days - found.planned_days)[here]
        half = 1.96 * float(gap.std()) / np.sqrt(gap.size)
        yield (
            f"| {name} | {gap.size} | {found.planned_days[here].mean():.1f} | {found.days[here].mean():.1f} "
            f"| {gap.mean() - half:+.1f} to {gap.mean() + half:+.1f} |"
        )
    n = found.below.size
    low, high = int(found.below.sum()), int(found.above.sum())
    yield "\n| band of the plan | expected inside | inside | 95 % interval | below | above |"
    yield "| --- | --- | --- | --- | --- | --- |"
    a, b = interval(n - low - high, n)
    share = 1.0 - (low + high) / n
    yield (
        f"| score after the course, of one person | 90 % and more | {_percent(share)} | {_percent(a)} to {_percent(b)} "
        f"| {_percent(low / n)} | {_percent(high / n)} |"
    )
    inside, of = places_covered(plans, bench, PLACES, seed)
    a, b = interval(inside, of)
    name = f"better days, mean of {PEOPLE} people of one place"
    yield f"| {name} | 90 % | {_percent(inside / of)} | {_percent(a)} to {_percent(b)} | | |"
    yield "\nA band of whole points holds somewhat more than its 90 %."


def main() -> None:
    """Write the page."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    text = "\n".join(page(Bench(), count, seed=7)) + "\n"
    if len(sys.argv) == 1:
        PAGE.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main()
