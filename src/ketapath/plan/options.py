"""Which ways are open for this person, with what dose, days, support, benefit and harm? Options side by side.

Every protocol that the clinic offers is searched for ways of giving (`ways`), which are compared and cut (`choice`), or
is named among the removed with its reason. An option whose benefit has no studies of its own says "not predictable"
instead of a number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ketapath import __version__
from ketapath.candidacy import at_clinic, finding, is_known_at
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding, Text, Verdict
from ketapath.domain.plan import (
    DoseCalculation,
    DoseStep,
    Harm,
    MarkerMove,
    Moved,
    Option,
    Plan,
    Range,
    Regimen,
    SupportTask,
    Worth,
)
from ketapath.domain.profile import Profile
from ketapath.knowledge import SITE_DEFAULT, Knowledge, Rule, published
from ketapath.pharmacology import Order, Sensitivity, Subject, exposure_peak, has_model
from ketapath.plan.basis import basis_card
from ketapath.plan.choice import Chosen, choose
from ketapath.plan.fit import own_limits
from ketapath.plan.markers import Mover, benefit_moved, dose_moved, exposure_moved, movers
from ketapath.plan.needs import Arrangement, arrangement
from ketapath.plan.ordering import order_findings
from ketapath.plan.preferences import worths
from ketapath.plan.regimens import given_by
from ketapath.plan.schedule import first_day, schedule
from ketapath.plan.stops import WATCHED
from ketapath.plan.ways import Setting, Way, doses_by_session, ways
from ketapath.response.ensemble import HORIZON_DAYS, Ensemble, possible_persons
from ketapath.response.history import history
from ketapath.response.prior import Population, population
from ketapath.response.treatment import doses_given

_WORDS: Mapping[Verdict, str] = {
    "eligible": "option.open",
    "caution": "option.with_care",
    "undetermined": "option.facts_missing",
    "defer": "option.not_yet",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Searched:
    """Every way of giving that is open to one person, simulated once, so that it may be weighed more than once.

    `made` keeps the options that were described so far: what a person wants moves their places, nothing else of them.
    """

    setting: Setting
    candidacy: Candidacy
    arranged: Arrangement
    ways: tuple[Way, ...]
    removed: tuple[tuple[str, Text], ...]
    made: dict[str, Option] = field(default_factory=dict)


def propose(
    person: Profile,
    candidacy: Candidacy,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    seed: int,
    own_prior: Population | None = None,
    sensitivity: Sensitivity | None = None,
    weighed: tuple[Worth, ...] | None = None,
) -> Plan:
    """The options for this person, best first, those removed with their reasons, and what else there is.

    `own_prior` are a clinic's own draws of the response model, `sensitivity` what earlier sessions say of reactions,
    `weighed` what is to rank the ways in the place of what the person stated.
    """
    here = at_clinic(person, clinic, knowledge)
    found = search(here, candidacy, clinic, knowledge, seed=seed, own_prior=own_prior, sensitivity=sensitivity)
    return offer(found, weighed=weighed)


def search(
    person: Profile,
    candidacy: Candidacy,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    seed: int,
    own_prior: Population | None = None,
    sensitivity: Sensitivity | None = None,
) -> Searched:
    """Every open way with what it does to this person, before any is weighed against another.

    `person` is `at_clinic` already. Only facts that the ways need are read of them.
    """
    removed: list[tuple[str, Text]] = []
    open_: list[Mapping[str, Any]] = []
    for protocol in knowledge.protocols.values():
        name = f"{protocol['product']}/{protocol['route']}"
        reason = _why_removed(person, name, candidacy, clinic, knowledge)
        if name not in candidacy.by_product:
            key = "option.not_offered" if is_known_at(protocol, clinic) else "option.not_on_market"
            removed.append((name, Text(key=key)))
        elif reason is not None:
            removed.append((name, reason))
        else:
            open_.append(protocol)
    arranged = arrangement(person, knowledge)
    setting = _setting(person, open_, arranged, clinic, knowledge, seed, own_prior, sensitivity)
    return Searched(
        setting=setting,
        candidacy=candidacy,
        arranged=arranged,
        ways=tuple(w for p in open_ for w in ways(setting, p, candidacy.by_product[f"{p['product']}/{p['route']}"])),
        removed=tuple(removed),
    )


def offer(found: Searched, *, weighed: tuple[Worth, ...] | None = None) -> Plan:
    """The plan of what was searched, by what the person stated or by `weighed`. Nothing is simulated again."""
    person, clinic, knowledge = found.setting.person, found.setting.clinic, found.setting.knowledge
    by = worths(person, knowledge) if weighed is None else weighed
    choice = choose(found.ways, found.setting.possible, by, knowledge, own=own_limits(person))
    options = tuple(_placed(chosen, found) for chosen in choice.offered)
    return Plan(
        candidacy=found.candidacy,
        options=options,
        removed=(*found.removed, *choice.cut.items()),
        considered=len(found.ways),
        cuts=choice.cuts,
        worths=choice.worths,
        comparison=choice.comparison,
        no_options_reason=_too_few(person, options),
        alternatives=found.candidacy.alternatives,
        seed=found.setting.seed,
        inputs_digest=_digest(person, clinic, found.setting.seed),
        knowledge_version=knowledge.version,
        code_version=__version__,
    )


def _placed(chosen: Chosen, found: Searched) -> Option:
    """The option of this way, described once, at its place among those that are shown now."""
    name = chosen.way.regimen.id
    if name not in found.made:
        found.made[name] = _option(chosen, found.setting, found.candidacy, found.arranged)
    return replace(found.made[name], standing=chosen.standing)


def _setting(
    person: Profile,
    protocols: Sequence[Mapping[str, Any]],
    arranged: Arrangement,
    clinic: Clinic,
    knowledge: Knowledge,
    seed: int,
    own_prior: Population | None,
    sensitivity: Sensitivity | None,
) -> Setting:
    """What all ways share: possible persons like this one, looked at on every day that some way is judged on."""
    starts_in = (first_day(arranged, clinic, knowledge, today=person.as_of) - person.as_of).days
    # Before any session, day 0 is the first one; after it, days go on from today.
    ahead = starts_in if doses_given(person.doses, person.as_of) else 0
    judged = {c["days"][-1] + 1 for p in protocols for c in p["search"]["courses"]}
    looks = [ahead + day for day in (*judged, *range(7, int(HORIZON_DAYS) + 1, 7))]
    possible = possible_persons(
        history(person), knowledge, own_prior or population(knowledge.response), as_of=person.as_of, seed=seed,
        ways=[(p["product"], p["route"]) for p in protocols], baseline_score=_baseline(person, knowledge), looks=looks,
    )  # fmt: skip
    return Setting(
        person=person, clinic=clinic, knowledge=knowledge, possible=possible,
        starts_in=starts_in, seed=seed, sensitivity=sensitivity, therapies=len(arranged.weekly),
    )  # fmt: skip


def _baseline(person: Profile, knowledge: Knowledge) -> tuple[str, float] | None:
    """The score of today that a treatment would start from: the first scale of the model that the person has."""
    for scale in knowledge.response["scales"]:
        instrument = knowledge.instruments.get(scale)
        fact = None if instrument is None else person.known.get(instrument["path"])
        if fact is not None and isinstance(fact.value, float) and fact.value > 0:
            return scale, fact.value
    return None


def _why_removed(person: Profile, name: str, candidacy: Candidacy, clinic: Clinic, knowledge: Knowledge) -> Text | None:
    if person.died is not None:
        return Text(key="option.person_died")
    if candidacy.by_product.get(name) != "not-eligible":
        return None
    product, route = name.split("/")
    against = [
        f.id
        for f in candidacy.findings
        if f.verdict == "not-eligible"
        and knowledge.rules[f.id].scope.covers(product=product, route=route, jurisdiction=clinic.jurisdiction)
    ]
    return Text(key="option.ruled_out", values={"rules": ", ".join(against)})


def _too_few(person: Profile, options: Sequence[Option]) -> Text | None:
    if len(options) >= 2:
        return None
    if person.died is not None:
        return Text(key="plan.none_died")
    return Text(key="plan.only_one" if options else "plan.none_ruled_out")


def _option(chosen: Chosen, setting: Setting, candidacy: Candidacy, arranged: Arrangement) -> Option:
    way, person, clinic, knowledge = chosen.way, setting.person, setting.clinic, setting.knowledge
    protocol = way.protocol
    moving = movers(person, knowledge, way.name)
    dose, withheld, about_dose, dose_moves = _dose(way, moving, person, clinic, knowledge)
    expected = None if way.outcome is None else way.outcome.benefit
    benefit, moves = benefit_moved(expected, moving)
    exposure, more = exposure_moved(
        _exposure_once(setting, way, dose),
        moving,
        lambda drugs: _exposure(person, protocol, dose, replace(knowledge, drugs=drugs), setting.seed),
        knowledge.drugs,
    )
    rules = tuple(knowledge.rules[i] for i in protocol["rules"] if i in knowledge.rules)
    evidence = tuple(published(knowledge.sources[k]) for k in protocol["sources"]) or (SITE_DEFAULT,)
    steps = _moved_steps(way, dose)
    sessions = len(protocol["induction"]["days"])
    return Option(
        id=way.regimen.id,
        protocol_id=protocol["id"],
        regimen=way.regimen,
        is_usual=way.is_usual,
        verdict=way.verdict,
        product=protocol["product"],
        route=protocol["route"],
        title=Text(key=f"protocol.{protocol['id']}"),
        dose=dose,
        dose_withheld=withheld,
        steps=steps,
        window=chosen.window,
        infusion_min=way.regimen.infusion_min,
        way=Text(key=f"course.{way.regimen.course}"),
        maintenance=_maintenance(way.regimen),
        schedule=schedule(
            protocol, arranged, clinic, knowledge, today=person.as_of, given=given_by(person, protocol, knowledge)
        ),
        psychotherapy=tuple(_psychotherapy(arranged, person)),
        support=(*arranged.tasks, *_support_rules(person, arranged, candidacy, clinic, knowledge, protocol)),
        monitoring=(*about_dose, *_monitoring(person, protocol, clinic, knowledge)),
        information=tuple(_information(person, protocol, clinic, knowledge)),
        benefit=benefit,
        benefit_note=way.not_predicted or _benefit_note(setting, way),
        chances=way.chances.harms,
        harm=tuple(_harms(protocol, knowledge)),
        stop_rules=tuple(_stop_rules(person, protocol, knowledge)),
        exposure=exposure,
        weeks=(protocol["induction"]["days"][-1] + 7) / 7,
        total_mg=sum(doses_by_session(steps, sessions)) if steps else None,
        burden=way.burden,
        cost=way.cost,
        standing=chosen.standing,
        evidence=evidence,
        basis=basis_card(
            person,
            candidacy,
            knowledge,
            suggested=Text(key=_WORDS[way.verdict]),
            next_best=Text(key="basis.next_best_option"),
            against=Text(key=f"against.{protocol['id']}"),
            rules=tuple(r.ref for r in rules),
            evidence=tuple(dict.fromkeys(evidence + tuple(e for r in rules for e in r.evidence))),
            is_predicted=way.outcome is not None,
        ),
        markers=(*dose_moves, *moves, *more),
    )


def _maintenance(regimen: Regimen) -> Text:
    if regimen.every_days is None:
        return Text(key="maintenance.none")
    return Text(key="maintenance.every", values={"days": regimen.every_days})


def _moved_steps(way: Way, dose: DoseCalculation | None) -> tuple[DoseStep, ...]:
    """The steps with the first dose as a marker moved it, and none below it; none where no dose may be given."""
    if dose is None:
        return ()
    first = replace(way.steps[0], dose_mg=dose.dose_mg, formula=dose.formula)
    return (first, *(s for s in way.steps[1:] if s.dose_mg > dose.dose_mg or dose == way.first))


def _benefit_note(setting: Setting, way: Way) -> Text:
    """Whose data the expectation rests on."""
    if way.tier == "outside-studies":
        return Text(key="benefit.outside_studies")
    treated = isinstance(setting.possible, Ensemble) and setting.possible.is_treated
    return Text(key="benefit.own_scores" if treated else "benefit.population_only")


def _dose(
    way: Way, moving: Mapping[Moved, Mover], person: Profile, clinic: Clinic, knowledge: Knowledge
) -> tuple[DoseCalculation | None, Text | None, tuple[Finding, ...], tuple[MarkerMove, ...]]:
    """The first dose, or why none can be given; what the rules say of it as a marker moved it; what was moved."""
    if way.first is None:
        return None, way.withheld, (), ()
    dose, moves = dose_moved(way.first, way.protocol, moving)
    about_dose = order_findings(person, way.protocol, clinic, knowledge, dose_mg=dose.dose_mg)
    withheld = _forbidden(about_dose)
    return (dose, None, about_dose, moves) if withheld is None else (None, withheld, about_dose, ())


def _forbidden(about_dose: Iterable[Finding]) -> Text | None:
    """The first rule of the dose stage that forbids this order."""
    against = next((f.rule for f in about_dose if f.verdict == "not-eligible" and f.rule is not None), None)
    return None if against is None else Text(key="dose.forbidden", values={"rule": against.id, "title": against.title})


def _stop_rules(person: Profile, protocol: Mapping[str, Any], knowledge: Knowledge) -> Iterable[Finding]:
    """When this treatment is to be stopped or paused, whatever the scores say: its own rules, and those of any."""
    product, route = protocol["product"], protocol["route"]
    for name in dict.fromkeys((*protocol["stop_rules"], *WATCHED)):
        rule = knowledge.rules[name]
        if not rule.scope.covers(product=product, route=route, jurisdiction=""):
            continue
        yield finding(rule, rule.holds(person.known, as_of=person.as_of), person, knowledge)


def _exposure_once(setting: Setting, way: Way, dose: DoseCalculation | None) -> Range | None:
    """`_exposure` of a first dose, computed once for all ways that begin with it."""
    given = (way.name, None if dose is None else dose.dose_mg, way.regimen.infusion_min)
    if given not in setting.exposures:
        found = _exposure(setting.person, way.protocol, dose, setting.knowledge, setting.seed)
        setting.exposures[given] = found
    return setting.exposures[given]


def _exposure(
    person: Profile, protocol: Mapping[str, Any], dose: DoseCalculation | None, knowledge: Knowledge, seed: int
) -> Range | None:
    """Peak venous concentration of ketamine (S-ketamine for the spray) after the first dose, for one such person."""
    weight, age, sex = (person.known.get(p) for p in ("vitals.weight_kg", "person.age_years", "person.sex"))
    if dose is None or weight is None or not isinstance(weight.value, float):
        return None
    order = Order(
        product=protocol["product"],
        route=protocol["route"],
        dose_mg=dose.dose_mg,
        infusion_min=protocol.get("infusion_min"),
    )
    subject = Subject(
        weight_kg=weight.value,
        age_years=age.value if age is not None and isinstance(age.value, float) else None,
        sex=str(sex.value) if sex is not None else None,
    )
    if not has_model(order, subject, knowledge.drugs):
        return None
    peak = exposure_peak(order, subject, knowledge.drugs, draws=int(knowledge.figure("exposure_draws")), seed=seed)
    return Range(p05=peak.p05, p50=peak.p50, p95=peak.p95, unit="ng/mL")


def _monitoring(
    person: Profile, protocol: Mapping[str, Any], clinic: Clinic, knowledge: Knowledge
) -> Iterable[Finding]:
    """What is asked before each dose, watched under it and asked before going home: every rule that may hold."""
    asked = (rule for stage in ("re-screen", "monitoring", "discharge") for rule in knowledge.rules_of(stage))
    for rule in asked:
        if rule.scope.covers(product=protocol["product"], route=protocol["route"], jurisdiction=clinic.jurisdiction):
            truth = rule.holds(person.known, as_of=person.as_of)
            if truth is not False:
                yield finding(rule, truth, person, knowledge)


def _information(
    person: Profile, protocol: Mapping[str, Any], clinic: Clinic, knowledge: Knowledge
) -> Iterable[Finding]:
    """What support rules say of this way for this person that asks for nothing: coverage, therapy, what is known."""
    for rule in knowledge.rules_of("support"):
        speaks = rule.scope.covers(
            product=protocol["product"], route=protocol["route"], jurisdiction=clinic.jurisdiction
        )
        if speaks and rule.severity != "requirement" and rule.holds(person.known, as_of=person.as_of):
            yield finding(rule, True, person, knowledge)


def _support_rules(
    person: Profile,
    arranged: Arrangement,
    candidacy: Candidacy,
    clinic: Clinic,
    knowledge: Knowledge,
    protocol: Mapping[str, Any],
) -> Iterable[SupportTask]:
    """Work-up that is due, and tasks that a support rule asks for and no need of the person has asked for already."""
    asked = {task.rule.id for task in arranged.tasks}
    for piece in candidacy.work_up:
        rule = knowledge.rules[piece.finding.id]
        if piece.state == "due" and rule.scope.covers(
            product=protocol["product"], route=protocol["route"], jurisdiction=clinic.jurisdiction
        ):
            yield _task(rule, person)
    for rule in knowledge.rules_of("support"):
        speaks = rule.scope.covers(
            product=protocol["product"], route=protocol["route"], jurisdiction=clinic.jurisdiction
        )
        if rule.id in asked or rule.severity != "requirement" or not speaks:
            continue
        if rule.holds(person.known, as_of=person.as_of):
            yield _task(rule, person)


def _task(rule: Rule, person: Profile) -> SupportTask:
    return SupportTask(
        need=rule.id,
        title=Text(key=f"rule.{rule.id}.title"),
        who="clinician",
        due=person.as_of,
        blocks_first_session=rule.stage == "work-up" and rule.when_true == "defer",
        rule=rule.ref,
    )


def _psychotherapy(arranged: Arrangement, person: Profile) -> Iterable[Text]:
    yield Text(key="therapy.preparation")
    yield Text(key="therapy.integration")
    for name in arranged.therapies:
        yield Text(key=f"therapy.{name}")
    if "therapy.current" in person.known and person.known["therapy.current"].value is True:
        yield Text(key="therapy.keep_current")


def _harms(protocol: Mapping[str, Any], knowledge: Knowledge) -> Iterable[Harm]:
    """Harms that were published for this product by this route."""
    for record in knowledge.harms.values():
        if record["product"] == protocol["product"] and protocol["route"] in record.get("routes", [protocol["route"]]):
            shares = {k: f"{100 * float(record[k]):.3g} in 100" for k in ("low", "high")}
            yield Harm(
                id=record["id"],
                statement=Text(key=f"harm.{record['id']}", values=shares),
                low=float(record["low"]),
                high=float(record["high"]),
                evidence=tuple(published(knowledge.sources[k]) for k in record["sources"]),
            )


def _digest(person: Profile, clinic: Clinic, seed: int) -> str:
    """What the plan was made from, in one word: the same facts, clinic and seed give the same digest."""
    lines = [f"{p}={f.value!r}@{f.on}#{f.origin}" for p, f in sorted(person.known.items())]
    lines += [repr(clinic), str(person.as_of), str(seed)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
