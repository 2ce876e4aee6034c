"""What was this dose expected to do in this person, minute by minute? Beside it stands what is observed.

Level and effects come from the person's own model: weight, age, pressure at rest of this visit, and how the sessions
before this one went. Nothing here acts on anything: limits act on what is observed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from clinic.queries.bench import Curve, View, drawn, who_of
from clinic.queries.person import Chart, own_sessions
from clinic.queries.session import Room
from ketapath.domain.session import Visit
from ketapath.errors import BadInput
from ketapath.knowledge.rules import nodes
from ketapath.pharmacology import Effects, Order, Series, Simulation
from ketapath.pharmacology.choice import ADULT_YEARS

HOURS = 4
"""As long as effects are looked at: the longest observation and an hour."""
DRAWN = ("vitals.systolic_mmhg", "vitals.diastolic_mmhg")
"""What a limit line is drawn for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit on something observed, with the rule that speaks at it; `waits` where the medical lead has to approve."""

    path: str
    value: float
    rule: str
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Level, and effects, of one dose; `said` is what cannot be predicted here and why, a sentence each.

    `infusion_min` is as ordered, or as it was given once the dose has ended; `sessions` counts the own sessions that
    the effects were learned from.
    """

    simulation: Simulation | None
    effects: Effects | None
    infusion_min: float | None
    sessions: int
    limits: tuple[Limit, ...]
    said: tuple[str, ...]

    @property
    def level(self) -> Series | None:
        """Ketamine after a racemic dose, S-ketamine after esketamine."""
        if self.simulation is None:
            return None
        wanted = {s.analyte: s for s in self.simulation.series}
        return wanted.get("ketamine") or wanted.get("S-ketamine") or self.simulation.series[0]


def expected(found: Chart, here: Room) -> Expected:
    """What the dose of this visit leads to expect; as ordered until it has ended, then as it was given."""
    assert found.person is not None
    given = here.visit.administration
    has_ended = given is not None and given.ended_at is not None and given.dose_mg is not None
    dose_mg = given.dose_mg if has_ended and given is not None else here.ordered_mg
    product, _slash, route = (here.product or "").partition("/")
    infusion = here.infusion_min
    if has_ended and given is not None and given.ended_at is not None and route == "iv":
        infusion = max((given.ended_at - given.started_at).total_seconds() / 60, 1.0)
    effects, sessions = None, 0
    if dose_mg and product:
        before = _before(found, here.visit)
        sessions = len(own_sessions(before))
        order = Order(product=product, route=route, dose_mg=dose_mg, infusion_min=infusion)
        effects = _effects(before, order, here.visit)
    limits = tuple(_limits(found, product, route))
    said = tuple(_unsaid(found, here, effects, dose_mg))
    return Expected(
        simulation=here.predicted, effects=effects, infusion_min=infusion if route == "iv" else None,
        sessions=sessions, limits=limits, said=said,
    )  # fmt: skip


def at_rest(visit: Visit, path: str) -> float | None:
    """The last reading of this visit before the dose."""
    ordered = sorted(visit.readings, key=lambda r: r.at)
    before = [float(r.value) for r in ordered if r.quantity == path and not r.under_drug]
    return before[-1] if before else None


def _before(found: Chart, visit: Visit) -> Chart:
    """The chart with the visits that came before this one: nobody knew of later ones."""
    return replace(found, visits=tuple(v for v in found.visits if v.opened_at < visit.opened_at))


def _effects(found: Chart, order: Order, visit: Visit) -> Effects | None:
    who = who_of(found)
    systolic, diastolic = (at_rest(visit, path) for path in DRAWN)
    who = replace(
        who,
        systolic=who.systolic if systolic is None else systolic,
        diastolic=who.diastolic if diastolic is None else diastolic,
    )
    try:
        return drawn(Curve(letter="a", order=order), who, View(hours=HOURS)).effects
    except BadInput:
        return None  # outside what any model covers: then nothing is drawn, and the page says so


def _limits(found: Chart, product: str, route: str) -> Iterator[Limit]:
    """The limits on pressure of the session's rules, in the clinic's own figures."""
    for rule in found.knowledge.rules_of("session"):
        if rule.scope.covers(product=product, route=route, jurisdiction=found.clinic.jurisdiction):
            for node in nodes(rule.when):
                if node.path in DRAWN and node.op in (">", ">=") and isinstance(node.value, float):
                    yield Limit(path=node.path, value=node.value, rule=rule.id, waits=rule.ref.awaits_approval)


def _unsaid(found: Chart, here: Room, effects: Effects | None, dose_mg: float | None) -> Iterator[str]:
    """What cannot be predicted, and why; an empty place would look like nothing to expect."""
    assert found.person is not None
    if dose_mg is None or not here.product:
        yield _("No dose is ordered, so nothing is predicted.")
        return
    known = found.person.known
    if "vitals.weight_kg" not in known:
        yield _("The weight is not known: no level is predicted.")
    elif here.predicted is None:
        yield _("No model covers this dose in such a person: no level is predicted.")
    age = known.get("person.age_years")
    if effects is None and age is not None and isinstance(age.value, float) and age.value < ADULT_YEARS:
        yield _("Effects are predicted for adults only.")
    elif effects is None:
        yield _(
            "No model gives the effects of this dose in such a person: pressure and dissociation are only observed."
        )
    yield _("Sedation, oxygen, nausea and distress are not predicted: they are only observed.")
