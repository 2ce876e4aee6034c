"""What does this record state? Every resource that ketapath can read, as dated facts with their origin.

A resource is read by the function for its type. An absent statement yields no fact: that nobody wrote "aneurysm"
does not say that there is none. What may be relied on today is decided by `profile`, not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from types import MappingProxyType
from typing import Any

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Confidence, Fact, ScoreEntry, Statements
from ketapath.errors import BadInput
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.doses import doses_of
from ketapath.fhir.goals import goals_of, read_from, unread
from ketapath.fhir.medicines import medicine_spans
from ketapath.fhir.questionnaires import answers_an_instrument, is_under_a_dose, scores_of
from ketapath.fhir.readback import is_event, overrides
from ketapath.fhir.values import value_facts
from ketapath.fhir.vocabulary import Vocabulary

_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_DOUBTFUL: tuple[Confidence, ...] = ("by name", "code not verified")
_VOID = frozenset({"entered-in-error", "cancelled", "not-done", "registered", "unknown", "rejected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What one resource states by itself, whatever stands beside it. `answers` where it answers an instrument."""

    facts: tuple[Fact, ...]
    confidence: Confidence
    answers: bool


def stated(resource: Resource, vocabulary: Vocabulary) -> Stated | None:
    """What this resource states; None where it is void, about a session, or of a kind that nothing here reads."""
    reader = _READERS.get(resource["resourceType"])
    if reader is None or el.text(resource, "status") in _VOID or _is_about_a_session(resource):
        return None
    confidence = _confidence(resource, vocabulary)
    found = [
        f if f.confidence == confidence else replace(f, confidence=confidence) for f in reader(resource, vocabulary)
    ]
    answers = not found and answers_an_instrument(resource, vocabulary)
    return Stated(facts=tuple(found), confidence=confidence, answers=answers)


def statements(
    bundle: Bundle, vocabulary: Vocabulary, *, read: Callable[[Resource, Vocabulary], Stated | None] = stated
) -> Statements:
    """All that the Bundle states, in ketapath's paths and units. `read` is for whoever has kept what `stated` found.

    Raises BadInput where the birth date is impossible, because every dose and age rule rests on it.
    """
    facts = list(_patient_facts(bundle.patient, vocabulary))
    doubtful: dict[str, Confidence] = {}
    uninterpreted: Counter[str] = Counter()
    if bundle.without_subject:
        uninterpreted["without a patient"] = bundle.without_subject
    goals = goals_of(bundle, vocabulary)
    of_goals = read_from(goals)
    if unread(bundle, goals):
        uninterpreted["Goal"] = unread(bundle, goals)
    for resource in bundle.resources:
        found = read(resource, vocabulary)
        if found is None:
            continue
        doubtful[str(el.origin(resource))] = found.confidence if found.confidence in _DOUBTFUL else "reported"
        facts += found.facts
        if not found.facts and str(el.origin(resource)) not in of_goals and not found.answers:
            uninterpreted[resource["resourceType"]] += 1
    scores = tuple(scores_of(bundle, vocabulary))
    facts += [replace(f, confidence=doubtful[str(f.origin)]) for f in _score_facts(scores, vocabulary)]
    doses, uncounted = doses_of(bundle, vocabulary)
    return Statements(
        patient_id=str(bundle.patient.get("id") or "?"),
        born_on=_birth_date(bundle.patient),
        died=_death(bundle.patient),
        facts=tuple(facts),
        medicines=tuple(medicine_spans(bundle, vocabulary)),
        scores=scores,
        doses=doses,
        overrides=overrides(bundle),
        not_interpreted=dict(sorted(uninterpreted.items())),
        goals=goals,
        peaks=_peaks(bundle, vocabulary),
        uncounted=uncounted,
    )


def _peaks(bundle: Bundle, vocabulary: Vocabulary) -> dict[str, dict[str, float]]:
    """The highest reading of each quantity under each dose: they say how a session went, never how somebody is."""
    found: dict[str, dict[str, float]] = {}
    for resource in bundle.of_type("Observation"):
        if not is_under_a_dose(resource) or el.text(resource, "status") in _VOID:
            continue
        references = (el.text(part, "reference") or "" for part in el.objects(resource, "partOf"))
        doses = [r.partition("/")[2].split("/_history/")[0] for r in references if r.startswith("Medication")]
        for fact in _observation(resource, vocabulary):
            if isinstance(fact.value, float) and fact.status == "usable":
                for dose in doses:
                    peaks = found.setdefault(dose, {})
                    peaks[fact.path] = max(fact.value, peaks.get(fact.path, fact.value))
    return found


def _is_about_a_session(resource: Resource) -> bool:
    """Readings under the drug, events of a visit, plans signed here: none says anything about the person at rest."""
    if is_under_a_dose(resource) or is_event(resource):
        return True
    return resource["resourceType"] in ("CarePlan", "Encounter") and any(
        c.system == "local" and c.code in ("ketamine-plan", "ketamine-session")
        for field in ("category", "type")
        for c in el.codings(resource, field)
    )


def _confidence(resource: Resource, vocabulary: Vocabulary) -> Confidence:
    """How sure what this resource states is, from its kind, its code and what the record says of it."""
    kind = resource["resourceType"]
    if kind == "QuestionnaireResponse":
        return "reported"
    if kind not in ("Condition", "Observation", "AllergyIntolerance", "Procedure"):
        return "stated"
    coded = [c for c in el.codings(resource, "code") if c.system is not None]
    if not coded:
        return "by name"
    if any(c.system == "fact" for c in coded):
        return "stated"
    table = vocabulary.observations if kind in ("Observation", "Procedure") else vocabulary.conditions
    if all((str(c.system), c.code) in table.unverified for c in coded):
        return "code not verified"
    if kind == "Observation":
        return "measured"
    return "confirmed" if el.first_code(resource, "verificationStatus") == "confirmed" else "stated"


def _birth_date(patient: Resource) -> date | None:
    stated = patient.get("birthDate")
    if stated is None:
        return None
    found = el.day(stated)
    if found is None and not (isinstance(stated, str) and _partial(stated)):
        raise BadInput(
            field="Patient.birthDate",
            found=stated,
            limit="a day such as 1980-04-30",
            next_step="Correct the birth date in the record.",
        )
    return found


def _partial(stated: str) -> bool:
    """A year, or a year and month, which FHIR allows."""
    parts = stated.split("-")
    return len(parts) <= 2 and all(p.isascii() and p.isdigit() for p in parts) and len(parts[0]) == 4


def _death(patient: Resource) -> date | bool | None:
    if patient.get("deceasedBoolean") is True:
        return True
    stated = patient.get("deceasedDateTime")
    return None if stated is None else el.day(stated) or True


def _patient_facts(patient: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    source = el.origin(patient)
    gender = patient.get("gender")
    if gender in ("male", "female", "other"):
        yield Fact(path="person.sex", value=gender, unit=None, on=None, origin=source, as_stated=gender)
    spoken = list(el.objects(patient, "communication"))
    for entry in sorted(spoken, key=lambda e: e.get("preferred") is not True)[:1]:
        code = el.first_code(entry, "language")
        if code:
            yield Fact(
                path="person.language",
                value=code.split("-")[0].lower(),
                unit=None,
                on=None,
                origin=source,
                as_stated=code,
            )


def _condition(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    concepts = vocabulary.conditions.of(resource, "code")
    verification = el.first_code(resource, "verificationStatus")
    if verification == "entered-in-error":
        return
    active = el.first_code(resource, "clinicalStatus") in _ACTIVE
    onset, _ = el.when(resource, "onsetDateTime", "onsetPeriod")
    recorded, _ = el.when(resource, "recordedDate")
    for concept in concepts:
        for spec in vocabulary.paths_from("condition", concept):
            only_active = bool(spec.comes_from.get("active"))
            on = (recorded or onset) if only_active else (onset or recorded)
            if verification == "refuted":
                yield _fact(spec.path, False, recorded or onset, resource)
            elif only_active and not active:
                continue
            elif verification in ("unconfirmed", "provisional", "differential"):
                yield _unusable(spec.path, on, resource, Text(key="fact.not_confirmed"))
            else:
                yield _fact(spec.path, True, on, resource)


def _observation(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    yield from value_facts(resource, resource, vocabulary)
    for component in el.objects(resource, "component"):
        yield from value_facts(component, resource, vocabulary)


def _questionnaire_response(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    if el.text(resource, "status") not in ("completed", "amended"):
        return
    for item in _items(resource):
        link = el.text(item, "linkId")
        if link in vocabulary.paths:
            for answer in el.objects(item, "answer"):
                yield from value_facts(answer, resource, vocabulary, path=link)


def _items(holder: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for item in el.objects(holder, "item"):
        yield item
        yield from _items(item)


def _allergy(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    verification = el.first_code(resource, "verificationStatus")
    if verification == "entered-in-error":
        return
    concepts = set(vocabulary.conditions.of(resource, "code"))
    for reaction in el.objects(resource, "reaction"):
        concepts.update(vocabulary.conditions.of(reaction, "substance"))
    on, _ = el.when(resource, "onsetDateTime", "recordedDate")
    for spec in vocabulary.paths_of_kind("allergy"):
        if concepts & set(spec.comes_from["allergy"]):
            yield _fact(spec.path, verification != "refuted", on, resource)
        elif "no-known-allergy" in concepts:
            yield _fact(spec.path, False, on, resource)


def allergy_names(bundle: Bundle, vocabulary: Vocabulary) -> tuple[str, ...] | None:
    """The allergies on record by name, for a header: empty where it says that there are none, None where nothing."""
    stated = [
        a
        for a in bundle.of_type("AllergyIntolerance")
        if el.first_code(a, "verificationStatus") not in ("entered-in-error", "refuted")
    ]
    if not stated:
        return None
    real = (a for a in stated if "no-known-allergy" not in vocabulary.conditions.of(a, "code"))
    return tuple(dict.fromkeys(next(el.words(a, "code"), "?") for a in real))


def _family_history(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    on, _ = el.when(resource, "date")
    for condition in el.objects(resource, "condition"):
        for concept in vocabulary.conditions.of(condition, "code"):
            for spec in vocabulary.paths_from("family", concept):
                yield _fact(spec.path, True, on, resource)


def _procedure(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    on, _ = el.when(resource, "performedDateTime", "performedPeriod")
    if el.text(resource, "status") == "completed":
        for concept in vocabulary.observations.of(resource, "code"):
            for spec in vocabulary.paths_from("procedure", concept):
                yield _fact(spec.path, True, on, resource)


def _encounter(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    kind = resource.get("class")
    code = kind.get("code") if isinstance(kind, dict) else None
    on, _ = el.when(resource, "period")
    if el.text(resource, "status") in ("in-progress", "arrived", "triaged"):
        yield _fact("setting.inpatient", code in ("IMP", "ACUTE", "NONAC"), on, resource)


def _coverage(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    start, end = el.period(resource, "period")
    if el.text(resource, "status") == "active":
        yield _fact("social.insured", True, end or None, resource, stated=f"from {start}" if start else "")


def _related_person(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    if resource.get("active") is not False:
        yield _fact("social.caregiver", True, None, resource)


def _care_plan(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    holders = [resource, *(d for a in el.objects(resource, "activity") for d in el.objects(a, "detail"))]
    concepts = {c for h in holders for f in ("category", "code") for c in vocabulary.observations.of(h, f)}
    start, _ = el.period(resource, "period")
    if el.text(resource, "status") == "active" and "psychotherapy" in concepts:
        yield _fact("therapy.current", True, start, resource)


def _consent(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    on, _ = el.when(resource, "dateTime")
    if el.text(resource, "status") == "active" and el.first_code(resource, "scope") == "treatment":
        yield _fact("consent.signed", True, on, resource)


def _practitioner(resource: Resource, vocabulary: Vocabulary) -> Iterator[Fact]:
    for held in el.objects(resource, "qualification"):
        _, end = el.period(held, "period")
        if "acls" in vocabulary.observations.of(held, "code"):
            yield _fact("staff.acls_valid_until", (end or date.max).isoformat(), None, resource)


def _score_facts(scores: Iterable[ScoreEntry], vocabulary: Vocabulary) -> Iterator[Fact]:
    for entry in scores:
        path = str(vocabulary.instruments[entry.instrument]["path"])
        if entry.reason is not None:
            yield Fact(
                path=path, value=None, unit="{score}", on=entry.on, at=entry.at, origin=entry.origin, status="unusable",
                reason=entry.reason, as_stated="" if entry.total is None else f"{entry.total:g}",
            )  # fmt: skip
        elif entry.total is not None:
            yield Fact(path=path, value=entry.total, unit="{score}", on=entry.on, at=entry.at, origin=entry.origin)
        if entry.instrument == "phq9" and len(entry.items) == 9 and entry.items[8] is not None:
            yield Fact(
                path="scale.phq9_item9", value=float(entry.items[8]), unit="{score}", on=entry.on, at=entry.at,
                origin=entry.origin,
            )  # fmt: skip


def _fact(path: str, value: bool | str, on: date | None, resource: Resource, *, stated: str = "") -> Fact:
    said = stated or next(el.words(resource, "code"), "")
    return Fact(path=path, value=value, unit=None, on=on, origin=el.origin(resource), as_stated=said)


def _unusable(path: str, on: date | None, resource: Resource, reason: Text) -> Fact:
    said = next(el.words(resource, "code"), "")
    return Fact(
        path=path, value=None, unit=None, on=on, origin=el.origin(resource), status="unusable", reason=reason,
        as_stated=said,
    )  # fmt: skip


_READERS: Mapping[str, Callable[[Resource, Vocabulary], Iterator[Fact]]] = MappingProxyType(
    {
        "Condition": _condition,
        "Observation": _observation,
        "QuestionnaireResponse": _questionnaire_response,
        "AllergyIntolerance": _allergy,
        "FamilyMemberHistory": _family_history,
        "Procedure": _procedure,
        "Encounter": _encounter,
        "Coverage": _coverage,
        "RelatedPerson": _related_person,
        "CarePlan": _care_plan,
        "Consent": _consent,
        "Practitioner": _practitioner,
    }
)
_READ_ELSEWHERE = frozenset(
    {"Patient", "Goal", "Task", "DetectedIssue", "RiskAssessment", "Medication", "MedicationRequest",
     "MedicationStatement", "MedicationAdministration"}
)  # fmt: skip


def never_read(bundle: Bundle) -> dict[str, int]:
    """How many resources there are of each type that nothing here reads; they are kept and given back all the same."""
    kinds = (r["resourceType"] for r in bundle.resources)
    return dict(sorted(Counter(k for k in kinds if k not in _READERS and k not in _READ_ELSEWHERE).items()))
