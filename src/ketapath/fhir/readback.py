"""What did ketapath itself write into this record? Visits, signed plans, recommendations and decisions, read back.

The counterpart of `encode`. Records from elsewhere have none of these; whatever lacks a part is left out, not guessed.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any, Literal, cast

from ketapath.domain.evidence import Override, Text
from ketapath.domain.note import Note, NoteKind
from ketapath.domain.plan import Decided, PlannedTask, PlannedVisit, Recommendation, SignedPlan
from ketapath.domain.session import EVENTS, Administration, Event, Miss, TimedReading, Visit
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.doses import given_dose_mg, route_of
from ketapath.fhir.encode import DOSE_STEP, LOCAL, NOTES, SECTION, SUBSTANCE
from ketapath.fhir.encode_visit import EVENT, MISS, ROOM
from ketapath.fhir.ketamine import ketamine_in
from ketapath.fhir.values import value_facts
from ketapath.fhir.vocabulary import Vocabulary

_PRODUCT_OF = {unii: product for product, (unii, _) in SUBSTANCE.items()}


def visits(bundle: Bundle, vocabulary: Vocabulary) -> tuple[Visit, ...]:
    """Every visit for a session, oldest first, with its dose and readings."""
    found, observed = [], _by_encounter(bundle)
    for encounter in bundle.of_type("Encounter"):
        period = encounter.get("period")
        opened = _instant(period.get("start")) if isinstance(period, dict) else None
        if not _is(encounter, "type", "ketamine-session") or opened is None or _void(encounter):
            continue
        here = f"Encounter/{encounter.get('id')}"
        given = [a for a in bundle.of_type("MedicationAdministration") if _refers(a, "context", here) and not _void(a)]
        seen = observed.get(here, ())
        found.append(
            Visit(
                origin=el.origin(encounter),
                status=str(encounter.get("status")),
                opened_at=opened,
                closed_at=_instant(encounter["period"].get("end")),
                plan_id=_plan_of(encounter),
                administration=next(filter(None, (_administration(a, vocabulary) for a in given)), None),
                readings=tuple(_readings(seen, vocabulary)),
                room=_room_of(encounter),
                appointment_id=next(_references(encounter, "appointment"), "").partition("/")[2] or None,
                events=tuple(_events(seen)),
                misses=tuple(_misses(seen)),
            )
        )
    return tuple(sorted(found, key=lambda v: v.opened_at))


def events_taken_back(bundle: Bundle, visit_id: str) -> frozenset[str]:
    """The kinds of events that were charted in this visit and taken back."""
    here = f"Encounter/{visit_id}"
    void = (o for o in bundle.of_type("Observation") if is_event(o) and _void(o) and _refers(o, "encounter", here))
    codes = (c for o in void for concept in el.objects(o, "code") for c in el.objects(concept, "coding"))
    return frozenset(str(c.get("code")) for c in codes if c.get("system") == EVENT)


def signed_plans(bundle: Bundle) -> tuple[SignedPlan, ...]:
    """Every plan that was signed here, oldest first."""
    orders = {
        reference: request
        for request in bundle.of_type("MedicationRequest")
        if not _void(request)
        for reference in _references(request, "basedOn")
    }
    found = []
    for plan in bundle.of_type("CarePlan"):
        at = _instant(plan.get("created"))
        words = next((w for w in el.words(plan, "category")), "").split()
        if not _is(plan, "category", "ketamine-plan") or at is None or len(words) != 2 or _void(plan):
            continue
        order = orders.get(f"CarePlan/{plan.get('id')}", {})
        dosage = next(el.objects(order, "dosageInstruction"), {})
        rate = next(el.objects(dosage, "doseAndRate"), {})
        dose = el.quantity(rate, "doseQuantity")
        repeat = next(el.objects(next(el.objects(dosage, "timing"), {}), "repeat"), {})
        basis = next((r for r in _references(plan, "supportingInfo") if r.startswith("RiskAssessment/")), None)
        found.append(
            SignedPlan(
                origin=el.origin(plan),
                status=str(plan.get("status")),
                option_id=str(plan.get("title")),
                product=words[0],
                route=words[1],
                dose_mg=None if dose is None else dose[0],
                infusion_min=el.number(repeat, "duration"),
                signed_on=at,
                signed_by=el.text(plan.get("author"), "display") or "",
                visits=tuple(filter(None, map(_planned, el.objects(plan, "activity")))),
                recommendation_id=None if basis is None else basis.partition("/")[2],
                order_id=str(order["id"]) if order else None,
                tasks=tuple(_tasks(bundle, f"CarePlan/{plan.get('id')}")),
                steps=dict(_dose_steps(plan)),
            )
        )
    return tuple(sorted(found, key=lambda p: p.signed_on))


def decisions(bundle: Bundle) -> tuple[Decided, ...]:
    """Every decision on a recommendation, oldest first."""
    found = (decided(task) for task in bundle.of_type("Task"))
    return tuple(sorted(filter(None, found), key=lambda d: d.at))


def decided(task: Resource) -> Decided | None:
    """The decision that this task holds; None where it is none of ours, or was entered in error."""
    about = next((a for a in ("plan", "card") if _is(task, "code", f"decide-{a}")), None)
    outcome = el.first_code(task, "businessStatus")
    at = _instant(task.get("authoredOn"))
    if about is None or outcome not in ("accepted", "changed", "rejected") or at is None or _void(task):
        return None
    focus = next(_references(task, "focus"), "")
    return Decided(
        origin=el.origin(task),
        about="plan" if about == "plan" else "card",
        outcome=cast(Literal["accepted", "changed", "rejected"], outcome),
        chosen=next(el.words(task, "code"), ""),
        reason=next(el.words(task, "statusReason"), ""),
        by=el.text(task.get("owner"), "display") or "",
        at=at,
        recommendation_id=focus.partition("/")[2],
    )


def overrides(bundle: Bundle) -> tuple[Override, ...]:
    """Every override of a contraindication that was not taken back, oldest first."""
    found = []
    for issue in bundle.of_type("DetectedIssue"):
        rule = next((c for c in el.codings(issue, "code") if c.system == "local"), None)
        signed = [(el.day(m.get("date")), el.text(m.get("author"), "display")) for m in el.objects(issue, "mitigation")]
        stamps = {str(e.get("url")): e for e in el.objects(issue, "extension")}
        version = stamps.get(f"{LOCAL}/rule-version", {}).get("valueString")
        review_on = el.day(stamps.get(f"{LOCAL}/review-on", {}).get("valueDate"))
        if rule is None or review_on is None or not signed or signed[0][0] is None or _void(issue):
            continue
        is_final = el.text(issue, "status") == "final" and len(signed) > 1
        found.append(
            Override(
                id=str(issue.get("id")),
                rule_id=rule.code,
                version=str(version),
                reason=el.text(issue, "detail") or "",
                by=signed[0][1] or "",
                on=signed[0][0],
                second_by=signed[1][1] if is_final else None,
                second_on=signed[1][0] if is_final else None,
                review_on=review_on,
            )
        )
    return tuple(sorted(found, key=lambda o: (o.on, o.id)))


def notes(bundle: Bundle) -> tuple[Note, ...]:
    """Every note that was written as `encode.note` writes it, oldest first."""
    found = (note_of(document) for document in bundle.of_type("DocumentReference"))
    return tuple(sorted((n for n in found if n is not None), key=lambda n: (n.written_at, n.origin.id)))


def note_of(resource: Resource) -> Note | None:
    """One note; None where the resource is none of ours or its text cannot be read."""
    kind = next((kind for kind, (code, _words) in NOTES.items() if _is(resource, "category", code)), None)
    at = _instant(resource.get("date"))
    author = next(el.objects(resource, "author"), {})
    content = next(el.objects(resource, "content"), {})
    data = el.text(next(el.objects(content, "attachment"), {}), "data")
    if resource.get("resourceType") != "DocumentReference" or kind is None or at is None or data is None:
        return None
    try:
        text = base64.b64decode(data, validate=True).decode()
    except ValueError:
        return None
    is_void = el.text(resource, "status") == "entered-in-error"
    is_draft = el.text(resource, "docStatus") != "final"
    target = next((t for r in el.objects(resource, "relatesTo") for t in _references(r, "target")), "")
    return Note(
        origin=el.origin(resource),
        kind=cast(NoteKind, kind),
        state="withdrawn" if is_void else "draft" if is_draft else "signed",
        text=text,
        written_at=at,
        by=el.text(author, "display") or "",
        username=el.text(author.get("identifier"), "value") or "",
        appends=target.partition("/")[2] or None,
        sections=dict(_sections(resource)),
        visit_id=next(_references(resource.get("context") or {}, "encounter"), "").partition("/")[2] or None,
    )


def _sections(resource: Resource) -> Iterator[tuple[str, str]]:
    """The parts of a note by their names."""
    for stated in el.objects(resource, "extension"):
        url, said = str(stated.get("url")), el.text(stated, "valueString")
        if url.startswith(SECTION) and said is not None:
            yield url.removeprefix(SECTION), said


def is_ours(resource: Resource) -> bool:
    """Whether an act of this clinic made this: plan, task, visit, event, recommendation, decision, override."""
    if is_event(resource):
        return True
    if resource.get("resourceType") not in ("CarePlan", "Task", "RiskAssessment", "Encounter", "DetectedIssue"):
        return False
    fields = ("category", "code", "type", "method")
    return any(c.system == "local" for field in fields for c in el.codings(resource, field))


def belongs_to(resource: Resource) -> frozenset[str]:
    """Where a resource says that it belongs: an order to its plan, a dose or a reading to its visit."""
    fields = ("basedOn", "context", "encounter", "partOf", "focus")
    return frozenset(reference for field in fields for reference in _references(resource, field))


def recommendation(resource: Resource) -> Recommendation | None:
    """A stored recommendation; None where the resource is none of ours."""
    stamps = {
        str(e.get("url")).removeprefix(f"{LOCAL}/"): str(e.get("valueString"))
        for e in el.objects(resource, "extension")
        if str(e.get("url")).startswith(f"{LOCAL}/")
    }
    if resource.get("resourceType") != "RiskAssessment" or "inputs-digest" not in stamps:
        return None
    return Recommendation(
        origin=el.origin(resource),
        about="plan" if stamps["about"] == "plan" else "card",
        as_of=date.fromisoformat(stamps["as-of"]),
        seed=int(stamps["seed"]),
        inputs_digest=stamps["inputs-digest"],
        knowledge_version=stamps["knowledge-version"],
        code_version=stamps["code-version"],
        engine_version=stamps["engine-version"],
        record_mark=int(stamps["record-mark"]),
        settings=stamps["settings"],
        result=stamps["result"],
    )


def _administration(resource: Resource, vocabulary: Vocabulary) -> Administration | None:
    period = resource.get("effectivePeriod")
    started = _instant((period or {}).get("start")) if isinstance(period, dict) else None
    product = next(
        (_PRODUCT_OF[c.code] for c in el.codings(resource, "medicationCodeableConcept") if c.code in _PRODUCT_OF), None
    )
    if started is None or product is None:
        return None
    dosage = resource.get("dosage")
    return Administration(
        origin=el.origin(resource),
        status=str(resource.get("status")),
        product=product,
        route=route_of(dosage, vocabulary),
        dose_mg=given_dose_mg(dosage, ketamine_in(resource, "medicationCodeableConcept", vocabulary)),
        started_at=started,
        ended_at=_instant(cast(dict[str, Any], period).get("end")),
    )


def _by_encounter(bundle: Bundle) -> Mapping[str, Sequence[Resource]]:
    """What was observed and still counts, by the encounter that it names, in the order of the record.

    Sorted out once: a person of many sessions has thousands of observations, and each belongs to one visit.
    """
    found: dict[str, list[Resource]] = defaultdict(list)
    for resource in bundle.of_type("Observation"):
        if not _void(resource):
            for reference in dict.fromkeys(_references(resource, "encounter")):
                found[reference].append(resource)
    return found


def _readings(seen: Iterable[Resource], vocabulary: Vocabulary) -> Iterator[TimedReading]:
    found = []
    for resource in seen:
        at = _instant(resource.get("effectiveDateTime"))
        if at is None:
            continue
        for holder in (resource, *el.objects(resource, "component")):
            for fact in value_facts(holder, resource, vocabulary):
                if isinstance(fact.value, bool | float):
                    found.append(
                        TimedReading(
                            origin=fact.origin,
                            at=at,
                            quantity=fact.path,
                            value=fact.value,
                            under_drug="partOf" in resource,
                        )
                    )
    return iter(sorted(found, key=lambda r: r.at))


def _events(seen: Iterable[Resource]) -> Iterator[Event]:
    """What happened in this visit, oldest first; at one instant in the order in which it was written."""
    found = []
    for resource in seen:
        at = _instant(resource.get("effectiveDateTime"))
        if at is None or not is_event(resource):
            continue
        codes = (c for concept in el.objects(resource, "code") for c in el.objects(concept, "coding"))
        kind = next((str(c.get("code")) for c in codes if c.get("system") == EVENT), "")
        amount = el.quantity(resource, "valueQuantity")
        who = next(el.objects(resource, "performer"), {})
        if kind in EVENTS:
            found.append(
                Event(
                    origin=el.origin(resource),
                    at=at,
                    kind=kind,
                    value=None if amount is None else amount[0],
                    unit=None if amount is None or amount[1] == "1" else amount[1],
                    words=el.text(next(el.objects(resource, "note"), {}), "text") or "",
                    by=el.text(who, "display") or "",
                    username=el.text(who.get("identifier"), "value") or "",
                )
            )
    return iter(sorted(found, key=lambda e: e.at))


def _misses(seen: Iterable[Resource]) -> Iterator[Miss]:
    """How far the readings of this visit were from what was expected."""
    for resource in seen:
        if not _is(resource, "code", "session-miss"):
            continue
        for part in el.objects(resource, "component"):
            stated, amount = {str(e.get("url")): e for e in el.objects(part, "extension")}, part.get("valueQuantity")
            mean = el.number(amount, "value")
            standardised = el.number(stated.get(f"{MISS}/standardised"), "valueDecimal")
            counts = [el.number(stated.get(f"{MISS}/{name}"), "valueInteger") for name in ("readings", "outside")]
            if mean is None or standardised is None or counts[0] is None or counts[1] is None:
                continue
            yield Miss(
                quantity=el.first_code(part, "code") or "",
                unit=el.text(amount, "code") or "1",
                readings=int(counts[0]),
                mean=mean,
                standardised=standardised,
                outside=int(counts[1]),
            )


def is_event(resource: Resource) -> bool:
    """Whether this was written about a visit and is no reading: a timed fact, or how far a prediction was off."""
    return resource.get("resourceType") == "Observation" and (
        _is(resource, "code", "session-event") or _is(resource, "code", "session-miss")
    )


def _tasks(bundle: Bundle, plan: str) -> Iterator[PlannedTask]:
    """What is to be arranged for this plan, in the order in which it was written."""
    named = [t for t in bundle.of_type("Task") if plan in _references(t, "basedOn") and not _void(t)]
    for task in sorted(named, key=lambda t: (len(str(t.get("id"))), str(t.get("id")))):
        need, key = el.first_code(task, "code"), next(el.words(task, "code"), None)
        period = next(el.objects(next(el.objects(task, "restriction"), {}), "period"), {})
        if need is not None and key is not None:
            who = next(el.words(task, "performerType"), "")
            yield PlannedTask(need=need, title=Text(key=key), who=who, due=el.day(period.get("end")))


def _dose_steps(plan: Resource) -> Iterator[tuple[int, float]]:
    """The doses that were meant from later sessions on."""
    for stated in el.objects(plan, "extension"):
        parts = {str(part.get("url")): part for part in el.objects(stated, "extension")}
        number, dose = el.number(parts.get("from"), "valueInteger"), el.quantity(parts.get("dose"), "valueQuantity")
        if stated.get("url") == DOSE_STEP and number is not None and dose is not None:
            yield int(number), dose[0]


def _planned(activity: Mapping[str, Any]) -> PlannedVisit | None:
    for detail in el.objects(activity, "detail"):
        stated = el.text(detail, "scheduledString") or ""
        day, _, clock = stated.partition("T")
        on, kind, key = el.day(day), el.first_code(detail, "code"), next(el.words(detail, "code"), None)
        if on is None or kind is None or key is None:
            return None
        prefix = f"{LOCAL}/value-"
        values = {
            str(e.get("url")).removeprefix(prefix): str(e.get("valueString"))
            for e in el.objects(detail, "extension")
            if str(e.get("url")).startswith(prefix)
        }
        minutes = values.pop("minutes", "")
        return PlannedVisit(
            on=on,
            starts=time.fromisoformat(clock) if clock else None,
            kind=kind,
            title=Text(key=key, values=values),
            minutes=int(minutes) if minutes.isdigit() else None,
            setting=el.text(detail, "description") or "",
        )
    return None


def _plan_of(encounter: Resource) -> str | None:
    for extension in el.objects(encounter, "extension"):
        if extension.get("url") == f"{LOCAL}/plan":
            return next(_references(extension, "valueReference"), "").partition("/")[2] or None
    return None


def _room_of(encounter: Resource) -> str:
    for place in el.objects(encounter, "location"):
        for location in el.objects(place, "location"):
            for identifier in el.objects(location, "identifier"):
                if identifier.get("system") == ROOM:
                    return el.text(identifier, "value") or ""
    return ""


def _instant(stated: Any) -> datetime | None:
    """An instant with its zone; without a zone it is taken as UTC."""
    if not isinstance(stated, str) or "T" not in stated:
        return None
    try:
        found = datetime.fromisoformat(stated.replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _references(resource: Mapping[str, Any], field: str) -> Iterator[str]:
    for holder in el.objects(resource, field):
        reference = el.text(holder, "reference")
        if reference:
            yield reference.split("/_history/")[0]


def _refers(resource: Mapping[str, Any], field: str, wanted: str) -> bool:
    return wanted in _references(resource, field)


def _is(resource: Mapping[str, Any], field: str, code: str) -> bool:
    return el.has_code(resource, field, "local", code)


def _void(resource: Resource) -> bool:
    return el.text(resource, "status") in ("entered-in-error", "cancelled")
