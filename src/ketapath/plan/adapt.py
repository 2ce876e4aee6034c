"""After a session or a score: continue, adjust, add, pause, stop, taper, switch or re-induce? One card.

What stops or pauses comes first (`stops`), then what the scores suggest (`steps`). The suggestion and each step that
may be taken instead carry their own chance (`prospects`) and the best case against them.
"""

from __future__ import annotations

from ketapath.candidacy import at_clinic, finding, open_finding
from ketapath.domain.alternative import Alternative
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding, RuleRef, Text
from ketapath.domain.plan import Appointment, Decision, DecisionCard, MaintenanceInterval, OtherStep, Prospect
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.knowledge import SITE_DEFAULT, Knowledge
from ketapath.plan.basis import basis_card
from ketapath.plan.maintenance import maintenance_interval
from ketapath.plan.prospects import Outlook, outlook, prospect
from ketapath.plan.steps import Step, rules_for, suggested
from ketapath.plan.stops import Stop, stops
from ketapath.plan.under_way import UnderWay, onward, under_way
from ketapath.response.ensemble import Ensemble
from ketapath.response.prior import Population

_GOES_ON: tuple[Decision, ...] = ("continue", "adjust", "taper")
_LEAVES: tuple[Decision, ...] = ("stop", "switch")
_INSTEAD: dict[str, tuple[Decision, ...]] = {"died": (), "worse": ("stop", "add"), "wish": ("pause", "add")}
"""What may be done instead where something stands against going on; elsewhere the other of stop and pause."""


def adapt(
    person: Profile,
    candidacy: Candidacy,
    course: Course,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    population: Population,
    seed: int,
) -> DecisionCard:
    """The suggestion for the next step of a treatment under way, with what may be done instead."""
    person = at_clinic(person, clinic, knowledge)
    now = under_way(person, course, knowledge)
    against = stops(person, candidacy, course, now, clinic, knowledge)
    found = outlook(person, candidacy, now, clinic, knowledge, population, seed=seed)
    step = _stopped(against) if against else suggested(now, course, person, knowledge, at_ceiling=found.higher is None)
    kept = _kept(found, person, knowledge) if not against else None
    spacing = None if kept is None else kept.every_days
    goes_on = step.decision in _GOES_ON
    rules = tuple(knowledge.rules[i] for i in step.rules if i in knowledge.rules)
    evidence = tuple(dict.fromkeys(e for r in rules for e in r.evidence)) or (SITE_DEFAULT,)
    statement = Text(key=f"card.{step.why}", values={"sessions": now.sessions})
    counter = _against(step.decision, step.why, knowledge)
    return DecisionCard(
        decision=step.decision,
        others=tuple(_other(d, step, found, spacing, knowledge) for d in step.also if _is_a_way(d, found, spacing)),
        statement=statement,
        prospect=_prospect(step, found, spacing, course),
        best_case_against=counter,
        reverses=(Text(key=f"card_reverses.{step.decision}"),),
        findings=_standing(candidacy, against),
        course_findings=_of_course(person, now, clinic, knowledge),
        dates=_dates(step, found, spacing, person, clinic, knowledge) if goes_on else (),
        spacings=now.spacings if goes_on else (),
        maintenance=kept,
        treatments=_treatments(candidacy) if step.decision in _LEAVES and step.why != "died" else (),
        rules=tuple(r.ref for r in rules),
        evidence=evidence,
        basis=basis_card(
            person,
            candidacy,
            knowledge,
            suggested=statement,
            next_best=Text(key=f"card_also.{step.also[0]}" if step.also else "basis.next_best_none"),
            against=counter,
            rules=tuple(r.ref for r in rules),
            evidence=evidence,
        ),
    )


def _stopped(against: tuple[Stop, ...]) -> Step:
    """The gravest reason decides; the rules of all of them are named."""
    first = against[0]
    instead: tuple[Decision, ...] = _INSTEAD.get(first.why, ("stop",) if first.decision == "pause" else ("pause",))
    rules = tuple(dict.fromkeys(rule for reason in against for rule in reason.rules))
    return Step(decision=first.decision, why=first.why, rules=rules, also=instead)


def _prospect(step: Step, found: Outlook, spacing: int | None, course: Course) -> Prospect:
    """The chance behind the suggestion; where the person is worse, that this is truly so."""
    if step.why in ("worse", "worse_since") and course.p_worse is not None:
        of = Text(key="card_probability.worse")
        return Prospect(probability=course.p_worse, band=None, of=of, unknown=None, extrapolated=False)
    if step.why == "died":
        return Prospect(probability=None, band=None, of=None, unknown=Text(key="prospect.died"), extrapolated=False)
    return prospect(found, step.decision, way=step.way, every_days=spacing if step.decision == "continue" else None)


def _other(decision: Decision, step: Step, found: Outlook, spacing: int | None, knowledge: Knowledge) -> OtherStep:
    """One step that may be taken instead. Going on is then as it is now; a taper is wider than what is suggested."""
    every_days = spacing if decision == "taper" else None
    way = "dose" if decision == "adjust" else ""
    rules = rules_for(decision, found.now, knowledge)
    return OtherStep(
        decision=decision,
        statement=Text(key=f"card_also.{decision}"),
        prospect=prospect(found, decision, way=way, every_days=every_days),
        best_case_against=_against(decision, "", knowledge),
        rules=tuple[RuleRef, ...](knowledge.rules[r].ref for r in rules),
    )


def _is_a_way(decision: Decision, found: Outlook, spacing: int | None) -> bool:
    """A taper from the widest spacing of the protocol is a stop, which stands there by itself."""
    width = spacing or found.now.spacing
    return decision != "taper" or any(days > width for days in found.now.spacings)


def _against(decision: Decision, why: str, knowledge: Knowledge) -> Text:
    """The best case against a step; some reasons for a step have one of their own."""
    own = f"card_against.{decision}.{why}"
    return Text(key=own if own in knowledge.texts else f"card_against.{decision}")


def _kept(found: Outlook, person: Profile, knowledge: Knowledge) -> MaintenanceInterval | None:
    """How far apart sessions may stand, for somebody who has a response to keep."""
    if not found.keeps or not isinstance(found.possible, Ensemble):
        return None
    return maintenance_interval(found.possible, found.now, person, knowledge)


def _dates(
    step: Step, found: Outlook, spacing: int | None, person: Profile, clinic: Clinic, knowledge: Knowledge
) -> tuple[Appointment, ...]:
    """What going on would bring; with the widest spacing of the protocol in a taper."""
    wanted = max(found.now.spacings, default=None) if step.decision == "taper" else spacing
    return onward(person, clinic, knowledge, every_days=wanted if wanted in found.now.spacings else None)


def _standing(candidacy: Candidacy, against: tuple[Stop, ...]) -> tuple[Finding, ...]:
    """What stands against going on today, each once."""
    found = [f for f in candidacy.findings if f.verdict in ("not-eligible", "defer")]
    found += [f for reason in against for f in reason.findings]
    return tuple({f.id: f for f in found}.values())


def _treatments(candidacy: Candidacy) -> tuple[Alternative, ...]:
    """Other treatments in the order of what matters to the person; what was tried stands with each."""
    return tuple(a for a in candidacy.alternatives if a.kind == "alternative")


def _of_course(person: Profile, now: UnderWay, clinic: Clinic, knowledge: Knowledge) -> tuple[Finding, ...]:
    """What the rules of the course say now; nothing before something was given."""
    if now.protocol is None:
        return ()
    product, route = now.protocol["product"], now.protocol["route"]
    asked = (
        rule
        for rule in knowledge.rules_of("response")
        if rule.scope.covers(product=product, route=route, jurisdiction=clinic.jurisdiction)
    )
    truths = ((rule, rule.holds(person.known, as_of=person.as_of)) for rule in asked)
    said = ((rule, truth) for rule, truth in truths if truth or (truth is None and rule.when_unknown))
    return tuple(
        finding(rule, True, person, knowledge) if truth else open_finding(rule, person, knowledge)
        for rule, truth in said
    )
