"""What is happening in this session? Ordered and given, readings against rules, the predicted level beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.queries.board import watched
from clinic.queries.consent import Consented, consent_of
from clinic.queries.gates import gates
from clinic.queries.governance import refused_here
from clinic.queries.person import Chart, candidacy
from clinic.queries.plan import calculation_check, order_check, simulated
from clinic.queries.profile import answered_today, is_statable
from clinic.queries.session_leaving import Against, leaving, open_points, told, unsigned
from clinic.queries.signatures import why_unsigned
from clinic.record.models import Receipt
from clinic.record.projections import knowledge
from clinic.record.read import Stored, history, read
from clinic.record.signatures import Seen
from ketapath.domain.evidence import Finding, Verdict
from ketapath.domain.plan import Option, SignedPlan
from ketapath.domain.session import (
    Administration,
    Due,
    Escalation,
    Event,
    Gate,
    Rescreen,
    Session,
    Visit,
    number_of,
)
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge, PathSpec
from ketapath.knowledge.rules import nodes
from ketapath.knowledge.rules import paths as paths_of
from ketapath.pharmacology import Simulation
from ketapath.plan import most_mg
from ketapath.session import (
    DEVICE_MG,
    called_for,
    counted_mg,
    device_count,
    device_due,
    due,
    monitor,
    rescreen,
    steps_of,
)

SCORES = ("session.moaa_s", "session.dissociation_0_10", "session.distress_0_10", "session.nausea_0_10")
"""What is asked again and again in a session, by profile path."""

READINGS = (
    "vitals.systolic_mmhg",
    "vitals.diastolic_mmhg",
    "vitals.heart_rate_per_min",
    "vitals.spo2_percent",
    "vitals.weight_kg",
)
"""What is measured in a session, by profile path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What was read at one instant, by profile path, and the statements that hold it."""

    at: datetime
    values: Mapping[str, float | bool]
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Objection:
    """One thing that stands against giving the dose now.

    `kind` says what it takes: "blocks" nothing helps, "prescriber" a prescriber with a reason, "reason" a reason.
    `place` is where it is settled, a part of the session's page, "plan" or "candidacy"; `paths` the facts that do it.
    """

    kind: Literal["blocks", "prescriber", "reason"]
    words: str
    place: str = ""
    paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """One visit as the people in the room need it.

    `verdict` is today's candidacy of what is ordered, `asks` what is missing for it and can be asked in the room,
    `aged` those that are on record and have to be of today, `answered` what was answered today, as it is typed.
    `left` names what today's re-screen has not answered, `steps` what the limits call for and nobody has done, `stays`
    why the person stays; `counted_mg` follows from rates or devices, `devices` are those given and those not used.
    `step` is where the visit stands, as `Visit.step` says it; who may go does so no longer where something came up.
    """

    visit: Visit
    number: int
    ordered_mg: float | None
    infusion_min: float | None
    product: str | None
    verdict: Verdict | None
    objections: tuple[Objection, ...]
    rescreened: tuple[Finding, ...]
    reasons: tuple[Stored, ...]
    against: tuple[Finding, ...]
    asks: tuple[PathSpec, ...]
    aged: frozenset[str]
    answered: Mapping[str, str]
    prompts: tuple[Finding, ...]
    leaving: tuple[Finding, ...]
    predicted: Simulation | None
    watch_minutes: float
    consent: Consented
    gates: tuple[Gate, ...]
    order: Order | None
    left: tuple[str, ...]
    due: tuple[Due, ...]
    steps: tuple[Escalation, ...]
    stays: tuple[Against, ...]
    counted_mg: float | None
    devices: tuple[int, int]
    step: str

    @property
    def moments(self) -> list[Moment]:
        """The readings by the minute they were taken, newest first."""
        by_time: dict[datetime, dict[str, float | bool]] = {}
        sources: dict[datetime, dict[str, None]] = {}
        for reading in self.visit.readings:
            by_time.setdefault(reading.at, {})[reading.quantity] = reading.value
            sources.setdefault(reading.at, {})[reading.origin.id] = None
        times = sorted(by_time, reverse=True)
        return [Moment(at=at, values=by_time[at], sources=tuple(sources[at])) for at in times]


def room(found: Chart, visit: Visit) -> Room:
    """This visit, with what stands against dosing today and what the readings call for."""
    assert found.person is not None
    plan = next((p for p in found.plans if p.origin.id == visit.plan_id), found.plan)
    given = visit.administration
    named = given or plan
    product = None if named is None else f"{named.product}/{named.route}"
    now = candidacy(found)
    verdict = None if product is None else now.by_product.get(product, now.verdict)
    number = number_of(visit, found.person.doses)
    session = visit.session(number, now=None if visit.step == "home" else clock.now())
    ordered = None if plan is None else plan.dose_mg
    infusion = None if plan is None else plan.infusion_min
    return Room(
        visit=visit,
        number=number,
        ordered_mg=ordered,
        infusion_min=infusion,
        product=product,
        verdict=verdict,
        objections=objections(found, visit) if visit.is_before_dose else (),
        rescreened=rescreen_of(found, named).spoken if visit.is_before_dose else (),
        reasons=() if given is None else _reasons(found, given),
        against=tuple(f for f in now.findings if f.verdict in ("not-eligible", "defer")),
        asks=_asks(found, visit, session, named),
        aged=frozenset(_aged(rescreen_of(found, named), found) if visit.is_before_dose else ()),
        answered=answered_today(found),
        prompts=() if session is None else _prompts(found, session),
        leaving=leaving(found, visit) if visit.is_after_dose else (),
        predicted=_predicted(found, given, ordered, infusion, product),
        watch_minutes=watched_minutes(plan),
        **_steps(found, visit, named),
    )


def _steps(found: Chart, visit: Visit, named: SignedPlan | Administration | None) -> dict[str, Any]:
    """What the steps of the visit need: consent, gates and order before the dose, timers and limits after it began."""
    now, is_before = clock.now(), visit.is_before_dose
    session = visit.session(1, now=now)
    prompts = () if session is None or visit.step == "home" else _prompts(found, session)
    stays = unsigned(found, visit) if visit.is_after_dose else ()
    return {
        "consent": consent_of(found),
        "gates": gates(found, named.product, named.route) if named is not None and is_before else (),
        "order": order_of(found, visit) if is_before else None,
        "left": not_asked(found, visit) if is_before else (),
        "due": () if named is None else _due(found, visit, named),
        "steps": () if visit.step == "home" else called_for(visit, [f.id for f in prompts], found.knowledge),
        "stays": stays,
        "step": "observing" if visit.step == "leaving" and any(not one.ages for one in stays) else visit.step,
        "counted_mg": counted_mg(visit, until=now),
        "devices": device_count(visit),
    }


def _due(found: Chart, visit: Visit, named: SignedPlan | Administration) -> tuple[Due, ...]:
    """What is awaited in this visit, readings and the next device, the earliest first."""
    now, known = clock.now(), found.knowledge
    plan = next((p for p in found.plans if p.origin.id == visit.plan_id), found.plan)
    device = device_due(visit, None if plan is None else plan.dose_mg, known, now=now)
    awaited = due(visit, named.route, known, now=now)
    return awaited if device is None else tuple(sorted((*awaited, device), key=lambda d: d.due_at or now))


def objections(found: Chart, visit: Visit, *, at: datetime | None = None) -> tuple[Objection, ...]:
    """Everything that stands against dosing in this visit now, what nothing helps against first.

    Of a start that is charted late, `at` is its instant: who was on duty then counts, not who is now.
    """
    assert found.person is not None
    refused = refused_here(found)
    if refused is not None:
        return (Objection(kind="blocks", words=refused),)
    plan = found.plan
    if plan is None or plan.status != "active" or plan.dose_mg is None or plan.origin.id != visit.plan_id:
        words = _("No order stands for this visit: end the visit, sign a plan, and open a visit anew.")
        return (Objection(kind="blocks", words=words, place="plan"),)
    unsigned = why_unsigned(found)
    if unsigned is not None:
        words = _("%(why)s A prescriber signs it again before a dose.") % {"why": unsigned}
        return (Objection(kind="blocks", words=words, place="plan"),)
    made = [
        *_blocking(found, visit, plan),
        *of_steps(found, visit),
        *_of_gates(found, plan, at),
        *_arguable(found, plan),
    ]
    return tuple(sorted(made, key=lambda o: ("blocks", "prescriber", "reason").index(o.kind)))


def _blocking(found: Chart, visit: Visit, plan: SignedPlan) -> Iterator[Objection]:
    now = candidacy(found)
    if now.by_product.get(f"{plan.product}/{plan.route}", now.verdict) == "not-eligible":
        words = _("Something is known that rules this treatment out: give no dose, end the visit, see the candidacy.")
        yield Objection(kind="blocks", words=words, place="candidacy")
    for finding in now.findings:
        if is_relative_and_stands(finding, plan, found):
            said = {"title": "" if finding.rule is None else finding.rule.title, "id": finding.id}
            words = _("%(title)s (%(id)s) is a relative contraindication: it needs an override that two people signed.")
            rule = found.knowledge.rules.get(finding.id)
            if rule is not None and rule.override == "never":
                words = _("%(title)s (%(id)s): no signature helps; give no dose while it holds.")
            yield Objection(kind="blocks", words=words % said, place="candidacy")
    at_rest = {r.quantity for r in visit.readings if not r.under_drug}
    if not {"vitals.systolic_mmhg", "vitals.diastolic_mmhg"} <= at_rest:
        words = _("No pressure was read in this visit: it is taken before the dose.")
        yield Objection(kind="blocks", words=words, place="checkin")
    assert found.person is not None
    weight = found.person.known.get("vitals.weight_kg")
    protocol = knowledge().protocols.get(plan.protocol_id)
    if protocol is not None and weight is not None and isinstance(weight.value, float) and plan.dose_mg:
        most = most_mg(protocol, weight.value, found.knowledge)
        if most is not None and plan.dose_mg > most:
            said = {"dose": f"{plan.dose_mg:g}", "most": f"{most:.0f}"}
            words = _("%(dose)s mg are ordered; at today's weight at most %(most)s mg may be given.") % said
            yield Objection(kind="blocks", words=words, place="plan")


def is_relative_and_stands(finding: Finding, of: SignedPlan | Option, found: Chart) -> bool:
    """Whether this relative contraindication stands against this product and route, not overridden by two people."""
    rule = found.knowledge.rules.get(finding.id)
    return (
        rule is not None
        and rule.severity == "relative-contraindication"
        and finding.verdict in ("not-eligible", "defer")
        and rule.scope.covers(product=of.product, route=of.route, jurisdiction=found.clinic.jurisdiction)
    )


def _arguable(found: Chart, plan: SignedPlan) -> Iterator[Objection]:
    assert found.person is not None
    now = candidacy(found)
    if now.emergency is not None:
        words = _("The risk of suicide is assessed as high: the emergency path is first.")
        yield Objection(kind="prescriber", words=words, paths=("scale.suicide_risk",))
    verdict = now.by_product.get(f"{plan.product}/{plan.route}", now.verdict)
    if verdict in ("defer", "undetermined"):
        words = _("Candidacy does not say that the dose may be given today.")
        yield Objection(kind="prescriber", words=words, place="candidacy", paths=tuple(m.path for m in now.missing[:6]))
    if not found.person.doses:
        for piece in now.work_up:
            if piece.state == "due" and piece.finding.verdict == "defer" and piece.finding.rule is not None:
                said = {"title": piece.finding.rule.title, "id": piece.finding.id}
                words = _("Work-up before a first dose is open: %(title)s (%(id)s).") % said
                yield Objection(kind="prescriber", words=words, paths=_stated_for(piece.finding, found.knowledge))
    yield from _of_rescreen(rescreen_of(found, plan), found.knowledge)
    if any(dose.on == found.as_of for dose in found.person.doses):
        yield Objection(kind="prescriber", words=_("A dose was given today already."))
    ahead = [v.on for v in found.appointments if v.kind == "session" and v.on >= found.as_of]
    if found.as_of not in ahead:
        following = date_format(ahead[0], "j M Y") if ahead else _("none")
        words = _("No session is planned for today; the next one: %(day)s.") % {"day": following}
        yield Objection(kind="reason", words=words)
    check = order_check(found)
    if check is not None and check.differs:
        yield Objection(kind="prescriber", words=check.differs, place="plan", paths=("vitals.weight_kg",))
    if (unchecked := calculation_check(check)) is not None:
        yield Objection(kind="reason", words=unchecked, place="plan")


def of_steps(found: Chart, visit: Visit) -> Iterator[Objection]:
    """The steps before the dose that were not taken, or hold no longer; nothing helps but taking them."""
    consent, confirmed = consent_of(found), visit.said("consent-confirmed")
    if not confirmed:
        yield Objection(kind="blocks", words=_("The consent was not confirmed in this visit."), place="consent")
    elif consent.problem or consent.seen is None or confirmed[-1].words != consent.seen.text:
        words = _("The consent that was confirmed stands no longer: confirm it again.")
        yield Objection(kind="blocks", words=words, place="consent")
    again = visit.said("re-screened")
    if not again or clock.local(again[-1].at, found.practice.zone).date() != found.as_of:
        yield Objection(kind="blocks", words=_("The re-screen of today was not finished."), place="rescreen")
    order = order_of(found, visit)
    checks = visit.checks
    if order is None or not checks or checks[-1].words.split(" ")[0] != order.seen.text:
        yield Objection(kind="blocks", words=_("The order was not checked as it stands now."), place="check")
    elif not visit.is_checked:
        said = {"by": ", ".join(e.by for e in checks), "needed": f"{checks[-1].value or 2:g}"}
        words = _("The order was checked by %(by)s; %(needed)s different people check it.") % said
        yield Objection(kind="blocks", words=words, place="check")


def _of_gates(found: Chart, plan: SignedPlan, at: datetime | None) -> Iterator[Objection]:
    """The gates that are not met, or of which nobody knows."""
    for gate in gates(found, plan.product, plan.route, at=at):
        if gate.state in ("not met", "open"):
            rule = gate.finding.rule
            said = {"title": "" if rule is None else rule.title, "id": gate.finding.id}
            words = _("%(title)s: not so (%(id)s).") if gate.state == "not met" else _("%(title)s: not known (%(id)s).")
            kind: Literal["prescriber", "blocks"] = "prescriber" if gate.may_override else "blocks"
            yield Objection(kind=kind, words=words % said, place="gates")


def not_asked(found: Chart, visit: Visit) -> tuple[str, ...]:
    """What today's re-screen asks and nobody has answered, by its name."""
    plan = found.plan
    again = rescreen_of(found, plan if plan is not None and plan.origin.id == visit.plan_id else None)
    paths = dict.fromkeys(p for finding in again.opened if finding.verdict is not None for p in finding.missing)
    return tuple(found.knowledge.paths[path].label for path in paths)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is checked before a dose: the order as it was read, and what stands in it."""

    seen: Seen
    product: str
    route: str
    dose_mg: float
    infusion_min: float | None
    devices: int | None
    signed_by: str
    checks: tuple[Event, ...]
    needed: int


def order_of(found: Chart, visit: Visit) -> Order | None:
    """The order that this visit doses by; None where none stands."""
    plan = found.plan
    if plan is None or plan.origin.id != visit.plan_id or plan.order_id is None or plan.dose_mg is None:
        return None
    stored = read(found.practice, "MedicationRequest", plan.order_id)
    if stored is None:
        return None
    return Order(
        seen=Seen.of(stored),
        product=plan.product,
        route=plan.route,
        dose_mg=plan.dose_mg,
        infusion_min=plan.infusion_min,
        devices=round(plan.dose_mg / DEVICE_MG) if plan.route == "nasal" else None,
        signed_by=plan.signed_by,
        checks=visit.checks,
        needed=int(found.knowledge.figure("order_checks")),
    )


def _of_rescreen(again: Rescreen, known: Knowledge) -> Iterator[Objection]:
    """What was asked anew and stands against the dose, and what a rule needs and nobody has said today."""
    kinds: dict[Verdict, Literal["blocks", "prescriber", "reason"]] = {
        "not-eligible": "blocks",
        "defer": "prescriber",
        "undetermined": "prescriber",
        "caution": "reason",
    }
    for finding in again.spoken:
        if finding.verdict in kinds and finding.rule is not None:
            words = f"{finding.rule.title} ({finding.id})"
            yield Objection(kind=kinds[finding.verdict], words=words, paths=_stated_for(finding, known))
    for finding in again.opened:
        if finding.verdict in kinds:
            labels = ", ".join(known.paths[path].label for path in finding.missing)
            words = _("Not asked today: %(what)s") % {"what": labels}
            yield Objection(kind=kinds[finding.verdict], words=words, paths=finding.missing)


def _stated_for(finding: Finding, known: Knowledge) -> tuple[str, ...]:
    """The facts that this finding rests on and somebody can state anew."""
    rule = known.rules.get(finding.id)
    read = () if rule is None else (*rule.settled_by, *paths_of(rule.when))
    return tuple(dict.fromkeys(path for path in read if path in known.paths and is_statable(known.paths[path])))


def _reasons(found: Chart, given: Administration) -> tuple[Stored, ...]:
    """What was written about this dose, oldest first."""
    versions = history(found.practice, "MedicationAdministration", given.origin.id)
    return tuple(v for v in reversed(versions) if v.reason)


def rescreen_of(found: Chart, named: SignedPlan | Administration | None) -> Rescreen:
    """What is asked anew before this dose; nothing where no treatment is named."""
    assert found.person is not None
    if named is None:
        return Rescreen(spoken=(), opened=(), asked=())
    person = told(found, found.open_visit)
    return rescreen(person, found.clinic, found.knowledge, product=named.product, route=named.route)


def _asks(
    found: Chart, visit: Visit, session: Session | None, named: SignedPlan | Administration | None
) -> tuple[PathSpec, ...]:
    """What is missing at this step and can be said by somebody; what is measured has its own form."""
    if visit.is_before_dose:
        missing = (m.path for m in candidacy(found).missing)
        again = rescreen_of(found, named)
        paths = dict.fromkeys((*again.asked, *_aged(again, found), *missing))
    elif session is not None and visit.step != "home":
        open_now = monitor(session, told(found, visit), found.clinic, found.knowledge)
        missing = (path for finding in open_now for path in finding.missing)
        paths = dict.fromkeys(open_points(found, visit) if visit.is_after_dose else missing)
    else:
        paths = {}
    specs = (knowledge().paths[path] for path in paths)
    return tuple(s for s in specs if is_statable(s) and s.path not in READINGS)


def _aged(again: Rescreen, found: Chart) -> Iterator[str]:
    """What is on record and speaks against the dose because it is not of today."""
    for finding in again.spoken:
        rule = found.knowledge.rules.get(finding.id)
        if rule is not None and finding.verdict is not None:
            yield from (node.path for node in nodes(rule.when) if node.kind == "within")


def watched_minutes(plan: SignedPlan | None) -> float:
    """How long somebody stays after dosing begins, by the plan's protocol; the longest where that is not known."""
    return watched("" if plan is None else plan.protocol_id)


def _prompts(found: Chart, session: Session) -> tuple[Finding, ...]:
    assert found.person is not None
    findings = monitor(session, found.person, found.clinic, found.knowledge)
    return tuple(f for f in findings if f.verdict in ("not-eligible", "defer", "caution"))


def limits_reached(found: Chart, visit: Visit, *, at: datetime | None = None) -> tuple[str, ...]:
    """The limits with named steps that speak now, or at an instant, by what was read and answered, by rule."""
    session = visit.session(1, now=at or clock.now())
    prompts = () if session is None or found.person is None else _prompts(found, session)
    return tuple(f.id for f in prompts if steps_of(f.id, found.knowledge) is not None)


def _predicted(
    found: Chart, given: Administration | None, ordered: float | None, infusion: float | None, product: str | None
) -> Simulation | None:
    dose = ordered if given is None or given.dose_mg is None else given.dose_mg
    if product is None or not dose:
        return None
    name, _, route = product.partition("/")
    if given is not None and given.ended_at is not None and route == "iv":
        infusion = max((given.ended_at - given.started_at).total_seconds() / 60, 1.0)
    try:
        return simulated(found, product=name, route=route, dose_mg=dose, infusion_min=infusion)
    except BadInput:
        return None  # what was really given may be outside what any model covers; then no level is drawn


def arrived(account: Account, keys: Sequence[str]) -> list[str]:
    """Those of these keys under which this account has put something on record."""
    found = Receipt.objects.filter(practice=account.practice, sender=account.username, key__in=keys)
    return list(found.values_list("key", flat=True))
