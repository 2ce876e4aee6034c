"""Which ways are open for this person, with what dose, days, support, benefit and harm? Options side by side.

Every protocol that the clinic offers becomes an option or is named among the removed with its reason. An option whose
benefit has no studies of its own says "not predictable" instead of a number. Nothing is ranked here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ketapath import __version__
from ketapath.candidacy import at_clinic, finding
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding, Text, Verdict
from ketapath.domain.plan import DoseCalculation, Harm, MarkerMove, Moved, Option, Plan, Range, SupportTask
from ketapath.domain.profile import Profile
from ketapath.knowledge import SITE_DEFAULT, Knowledge, Rule, published
from ketapath.pharmacology import Order, Subject, exposure_peak, has_model
from ketapath.plan.basis import basis_card
from ketapath.plan.dosing import first_dose
from ketapath.plan.markers import Mover, benefit_moved, dose_moved, exposure_moved, movers
from ketapath.plan.needs import Arrangement, arrangement
from ketapath.plan.ordering import order_findings
from ketapath.plan.schedule import schedule
from ketapath.response import SPRAY, SPRAY_MG, prior_benefit
from ketapath.response.prior import population

_WORDS: Mapping[Verdict, str] = {
    "eligible": "option.open",
    "caution": "option.with_care",
    "undetermined": "option.facts_missing",
    "defer": "option.not_yet",
}


def propose(person: Profile, candidacy: Candidacy, clinic: Clinic, knowledge: Knowledge, *, seed: int) -> Plan:
    """The options for this person, those removed with their reasons, and what else there is."""
    person = at_clinic(person, clinic, knowledge)
    options: list[Option] = []
    removed: list[tuple[str, Text]] = []
    arranged = arrangement(person, knowledge)
    for protocol in knowledge.protocols.values():
        name = f"{protocol['product']}/{protocol['route']}"
        reason = _why_removed(person, name, candidacy, knowledge)
        if name not in candidacy.by_product:
            removed.append((name, Text(key="option.not_offered")))
        elif reason is not None:
            removed.append((name, reason))
        else:
            options.append(_option(person, protocol, candidacy, arranged, clinic, knowledge, seed))
    return Plan(
        candidacy=candidacy,
        options=tuple(options),
        removed=tuple(removed),
        no_options_reason=_too_few(person, options),
        alternatives=candidacy.alternatives,
        seed=seed,
        inputs_digest=_digest(person, clinic, seed),
        knowledge_version=knowledge.version,
        code_version=__version__,
    )


def _why_removed(person: Profile, name: str, candidacy: Candidacy, knowledge: Knowledge) -> Text | None:
    if person.died is not None:
        return Text(key="option.person_died")
    if candidacy.by_product.get(name) != "not-eligible":
        return None
    product, route = name.split("/")
    against = [
        f.id
        for f in candidacy.findings
        if f.verdict == "not-eligible"
        and knowledge.rules[f.id].scope.covers(product=product, route=route, jurisdiction="")
        | (knowledge.rules[f.id].scope.jurisdictions is not None and product in f.applies_to)
    ]
    return Text(key="option.ruled_out", values={"rules": ", ".join(against)})


def _too_few(person: Profile, options: list[Option]) -> Text | None:
    if len(options) >= 2:
        return None
    if person.died is not None:
        return Text(key="plan.none_died")
    return Text(key="plan.only_one" if options else "plan.none_ruled_out")


def _option(
    person: Profile,
    protocol: Mapping[str, Any],
    candidacy: Candidacy,
    arranged: Arrangement,
    clinic: Clinic,
    knowledge: Knowledge,
    seed: int,
) -> Option:
    verdict = candidacy.by_product[f"{protocol['product']}/{protocol['route']}"]
    moving = movers(person, knowledge, f"{protocol['product']}/{protocol['route']}")
    dose, withheld, about_dose, dose_moves = _dose(person, protocol, moving, clinic, knowledge)
    appointments = schedule(protocol, arranged, clinic, knowledge, today=person.as_of)
    benefit, benefit_note, exposure, moves = _expected(person, protocol, dose, moving, knowledge, seed)
    monitoring = (*about_dose, *_monitoring(person, protocol, clinic, knowledge))
    harms = tuple(_harms(protocol["product"], knowledge))
    rules = tuple(knowledge.rules[i] for i in protocol["rules"] if i in knowledge.rules)
    evidence = tuple(published(knowledge.sources[k]) for k in protocol["sources"]) or (SITE_DEFAULT,)
    sessions = int(protocol["induction"]["sessions"])
    last_day = protocol["induction"]["days"][-1]
    return Option(
        id=protocol["id"],
        verdict=verdict,
        product=protocol["product"],
        route=protocol["route"],
        title=Text(key=f"protocol.{protocol['id']}"),
        dose=dose,
        dose_withheld=withheld,
        infusion_min=float(protocol["infusion_min"]) if "infusion_min" in protocol else None,
        schedule=appointments,
        psychotherapy=tuple(_psychotherapy(arranged, person)),
        support=(*arranged.tasks, *_support_rules(person, arranged, candidacy, clinic, knowledge, protocol)),
        monitoring=monitoring,
        information=tuple(_information(person, protocol, clinic, knowledge)),
        benefit=benefit,
        benefit_note=benefit_note,
        harm=harms,
        exposure=exposure,
        weeks=(last_day + 7) / 7,
        total_mg=None if dose is None else dose.dose_mg * sessions,
        cost=clinic.prices.get(f"{protocol['product']}/{protocol['route']}"),
        evidence=evidence,
        basis=basis_card(
            person,
            candidacy,
            knowledge,
            suggested=Text(key=_WORDS[verdict]),
            next_best=Text(key="basis.next_best_option"),
            against=Text(key=f"against.{protocol['id']}"),
            rules=tuple(r.ref for r in rules),
            evidence=tuple(dict.fromkeys(evidence + tuple(e for r in rules for e in r.evidence))),
        ),
        markers=(*dose_moves, *moves),
    )


def _dose(
    person: Profile,
    protocol: Mapping[str, Any],
    moving: Mapping[Moved, Mover],
    clinic: Clinic,
    knowledge: Knowledge,
) -> tuple[DoseCalculation | None, Text | None, tuple[Finding, ...], tuple[MarkerMove, ...]]:
    """The first dose, or why none can be given; what the rules say of it as a marker moved it; what was moved."""
    found = first_dose(person, protocol, clinic, knowledge)
    if isinstance(found, Text):
        return None, found, (), ()
    dose, moves = dose_moved(found, protocol, moving)
    about_dose = order_findings(person, protocol, clinic, knowledge, dose_mg=dose.dose_mg)
    withheld = _forbidden(about_dose)
    return (dose, None, about_dose, moves) if withheld is None else (None, withheld, about_dose, ())


def _forbidden(about_dose: Iterable[Finding]) -> Text | None:
    """The first rule of the dose stage that forbids this order."""
    against = next((f.rule for f in about_dose if f.verdict == "not-eligible" and f.rule is not None), None)
    return None if against is None else Text(key="dose.forbidden", values={"rule": against.id, "title": against.title})


def _expected(
    person: Profile,
    protocol: Mapping[str, Any],
    dose: DoseCalculation | None,
    moving: Mapping[Moved, Mover],
    knowledge: Knowledge,
    seed: int,
) -> tuple[Mapping[str, Range] | None, Text, Range | None, tuple[MarkerMove, ...]]:
    """Benefit with its note and peak level of this dose, and what a marker moved of them."""
    expected, note = _benefit(person, protocol, dose, knowledge, seed)
    benefit, moves = benefit_moved(expected, moving)
    exposure, more = exposure_moved(
        _exposure(person, protocol, dose, knowledge, seed),
        moving,
        lambda drugs: _exposure(person, protocol, dose, replace(knowledge, drugs=drugs), seed),
        knowledge.drugs,
    )
    return benefit, note, exposure, (*moves, *more)


def _benefit(
    person: Profile, protocol: Mapping[str, Any], dose: DoseCalculation | None, knowledge: Knowledge, seed: int
) -> tuple[Mapping[str, Range] | None, Text]:
    """The expected course at the end of induction, where this person's condition has studies of its own."""
    if not all(path in person.known and person.known[path].value is True for path in protocol["predicted_for"]):
        return None, Text(key="benefit.not_predictable_condition")
    baseline = person.known.get("scale.phq9")
    if baseline is None or not isinstance(baseline.value, float) or baseline.value <= 0:
        return None, Text(key="benefit.needs_score")
    if dose is None:
        return None, Text(key="benefit.needs_dose")
    weight = person.known.get("vitals.weight_kg")
    per_kg = dose.dose_mg / weight.value if weight is not None and isinstance(weight.value, float) else None
    is_spray = (protocol["product"], protocol["route"]) == SPRAY
    bipolar = person.known.get("diagnosis.bipolar")
    found = prior_benefit(
        protocol["product"],
        protocol["route"],
        condition="bipolar-depression" if bipolar is not None and bipolar.value is True else "MDD",
        session_days=protocol["induction"]["days"],
        strength=dose.dose_mg / SPRAY_MG if is_spray else per_kg,
        baseline_score=baseline.value,
        scale="phq9",
        knowledge=knowledge,
        population=population(knowledge.response),
        seed=seed,
    )
    if found is None:
        return None, Text(key="benefit.not_predictable_condition")
    return found, Text(key="benefit.population_only")


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


def _harms(product: str, knowledge: Knowledge) -> Iterable[Harm]:
    for record in knowledge.harms.values():
        if record["product"] == product:
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
