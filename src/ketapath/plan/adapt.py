"""After a session or a score: continue, adjust, add, pause or stop? One card, with the best case against it.

Order of asking: harm and new contraindications first, then danger to life, then worsening, then lack of response
once the induction is over. Non-response alone never stops before that (early non-responders still did better on
esketamine than on placebo at day 28). Improvement never lowers the level of care by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ketapath.candidacy import at_clinic, finding, open_finding
from ketapath.domain.candidacy import Candidacy
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import Finding, Text
from ketapath.domain.fact import Dose
from ketapath.domain.plan import Appointment, Decision, DecisionCard
from ketapath.domain.profile import Profile
from ketapath.domain.response import Course
from ketapath.errors import BadInput
from ketapath.knowledge import SITE_DEFAULT, Knowledge
from ketapath.plan.basis import basis_card
from ketapath.plan.needs import arrangement
from ketapath.plan.regimens import signed_protocol
from ketapath.plan.schedule import dates_onward, spacings

_GOES_ON: tuple[Decision, ...] = ("continue", "adjust")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A decision with the rules it rests on."""

    decision: Decision
    why: str
    rules: tuple[str, ...]
    also: tuple[Decision, ...]
    probability: float | None = None
    probability_of: str = ""


def adapt(person: Profile, candidacy: Candidacy, course: Course, clinic: Clinic, knowledge: Knowledge) -> DecisionCard:
    """The suggestion for the next step of a treatment under way."""
    person = at_clinic(person, clinic, knowledge)
    given = _current(person, candidacy, knowledge)
    step = _danger(person, candidacy, course, given) or _course_step(course, given, knowledge)
    rules = tuple(knowledge.rules[i] for i in step.rules if i in knowledge.rules)
    evidence = tuple(dict.fromkeys(e for r in rules for e in r.evidence)) or (SITE_DEFAULT,)
    statement = Text(key=f"card.{step.why}", values={"sessions": course.sessions})
    against = Text(key=f"card_against.{step.decision}")
    return DecisionCard(
        decision=step.decision,
        also_possible=step.also,
        statement=statement,
        probability=step.probability,
        probability_of=_chance_of(step, course),
        best_case_against=against,
        reverses=(Text(key=f"card_reverses.{step.decision}"),),
        findings=tuple(f for f in candidacy.findings if f.verdict in ("not-eligible", "defer")),
        course_findings=_of_course(person, given, clinic, knowledge),
        dates=onward(person, clinic, knowledge) if step.decision in _GOES_ON else (),
        spacings=_spacings(person, given) if step.decision in _GOES_ON else (),
        rules=tuple(r.ref for r in rules),
        evidence=evidence,
        basis=basis_card(
            person,
            candidacy,
            knowledge,
            suggested=statement,
            next_best=Text(key=f"card_also.{step.also[0]}" if step.also else "basis.next_best_none"),
            against=against,
            rules=tuple(r.ref for r in rules),
            evidence=evidence,
        ),
    )


def _of_course(person: Profile, given: _Treatment, clinic: Clinic, knowledge: Knowledge) -> tuple[Finding, ...]:
    """What the rules of the course say now; nothing before something was given."""
    if given.protocol is None:
        return ()
    product, route = given.protocol["product"], given.protocol["route"]
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


def _chance_of(step: _Step, course: Course) -> Text | None:
    day = "" if course.horizon_day is None else f"{course.horizon_day:g}"
    return Text(key=f"card_probability.{step.probability_of}", values={"day": day}) if step.probability_of else None


def onward(
    person: Profile,
    clinic: Clinic,
    knowledge: Knowledge,
    *,
    option_id: str | None = None,
    every_days: int | None = None,
) -> tuple[Appointment, ...]:
    """The dates that going on would bring by this option as it was signed, or by the protocol of what was given last.

    Only doses of the protocol's own product and route count; none where nothing of it has been given. Raises BadInput
    for days between sessions that the protocol does not know.
    """
    person = at_clinic(person, clinic, knowledge)
    protocol = _protocol(person, knowledge) if option_id is None else signed_protocol(option_id, knowledge)
    given = () if protocol is None else _given_by(protocol, person)
    if protocol is None or not given:
        return ()
    known = spacings(protocol, len(given))
    if every_days is not None and every_days not in known:
        raise BadInput(
            field="days between sessions", found=str(every_days),
            limit=f"one of {', '.join(map(str, known)) or 'none during the induction'}", next_step="Choose one.",
        )  # fmt: skip
    return dates_onward(
        protocol, arrangement(person, knowledge), clinic, knowledge, given=len(given),
        last=given[-1].on, today=person.as_of, every_days=every_days,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Treatment:
    """What is being given, and how candidacy stands for it today. Contraindications are those now known."""

    protocol: Mapping[str, Any] | None
    verdict: str
    against: tuple[str, ...]


def _current(person: Profile, candidacy: Candidacy, knowledge: Knowledge) -> _Treatment:
    protocol = _protocol(person, knowledge)
    name = None if protocol is None else f"{protocol['product']}/{protocol['route']}"
    verdict = candidacy.by_product.get(name, candidacy.verdict) if name else candidacy.verdict
    # What made somebody a candidate (too few trials, a mild score) is no reason to stop a treatment under way.
    against = tuple(
        f.id
        for f in candidacy.findings
        if f.verdict == verdict and f.rule is not None and knowledge.rules[f.id].section != "candidacy"
    )
    return _Treatment(protocol=protocol, verdict=verdict, against=against)


def _given_by(protocol: Mapping[str, Any], person: Profile) -> tuple[Dose, ...]:
    """The doses of this protocol's product and route."""
    return tuple(d for d in person.doses if (d.product, d.route) == (protocol["product"], protocol["route"]))


def _spacings(person: Profile, given: _Treatment) -> tuple[int, ...]:
    return () if given.protocol is None else spacings(given.protocol, len(_given_by(given.protocol, person)))


def _protocol(person: Profile, knowledge: Knowledge) -> Mapping[str, Any] | None:
    """The protocol of what was given last."""
    if not person.doses:
        return None
    last = person.doses[-1]
    same = (p for p in knowledge.protocols.values() if (p["product"], p["route"]) == (last.product, last.route))
    return next(same, None)


def _danger(person: Profile, candidacy: Candidacy, course: Course, given: _Treatment) -> _Step | None:
    """What stops or pauses whatever the scores say."""
    if person.died is not None:
        return _Step(decision="stop", why="died", rules=(), also=())
    if candidacy.emergency is not None:
        return _Step(decision="pause", why="emergency", rules=("CAN-005", "MON-034"), also=("stop",))
    if given.verdict == "not-eligible" and given.against:
        return _Step(decision="stop", why="contraindication", rules=given.against, also=("pause",))
    if given.verdict == "defer" and given.against:
        return _Step(decision="pause", why="defer", rules=given.against, also=("stop",))
    if course.reliable_change == "worse":
        return _Step(
            decision="pause",
            why="worse",
            rules=("MON-034",),
            also=("stop", "add"),
            probability=course.p_worse,
            probability_of="worse",
        )
    if course.item9 is not None and course.item9 > 0:
        return _Step(decision="add", why="item9", rules=("MON-034", "CON-045"), also=("pause",))
    return None


def _course_step(course: Course, given: _Treatment, knowledge: Knowledge) -> _Step:
    """What the scores suggest, once nothing stands against going on."""
    chance = course.p_response
    named = "" if chance is None else "response"
    if course.sessions == 0:
        return _Step(decision="continue", why="no_sessions", rules=(), also=())
    if course.last_change is None:
        return _Step(decision="add", why="no_scores", rules=("CON-046",), also=("continue",))
    review = 6 if given.protocol is None else int(given.protocol["review_after_session"])
    early_rule, review_rule = ("REG-003", "REG-004") if _is_spray(given) else ("REG-012", "REG-021")
    if course.sessions < review:
        return _Step(
            decision="continue", why="induction", rules=(early_rule,), also=("adjust",),
            probability=chance, probability_of=named,
        )  # fmt: skip
    # The rules speak of what was observed; the model's opinion stands beside it as a probability.
    gained = -course.last_change / course.baseline if course.baseline else None
    least = knowledge.rules[review_rule].limit("course.improvement_percent") / 100
    if gained is not None and gained < least:
        return _Step(
            decision="stop", why="no_response", rules=(review_rule,), also=("adjust", "add"),
            probability=chance, probability_of=named,
        )  # fmt: skip
    if gained is not None and gained >= 0.5:
        return _Step(
            decision="continue", why="responded", rules=("REG-003" if _is_spray(given) else "REG-023", "PSY-001"),
            also=("add", "adjust"), probability=chance, probability_of=named,
        )  # fmt: skip
    return _Step(
        decision="adjust", why="partial", rules=(review_rule, "REG-013"), also=("add", "stop"),
        probability=chance, probability_of=named,
    )  # fmt: skip


def _is_spray(given: _Treatment) -> bool:
    return given.protocol is not None and given.protocol["product"] == "esketamine"
