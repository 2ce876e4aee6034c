"""Which doses of ketamine does the record state as given, and which ketamine of it can no sum hold?

A dose needs a day, a form and an amount that is possible; one without milligrams is still a dose. What lacks one of
these is kept with the reason, so that no sum is taken for the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Dose, Uncounted
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.concepts import normalised
from ketapath.fhir.ketamine import Ketamine, ketamine_in, named_in
from ketapath.fhir.medicines import adherence_of
from ketapath.fhir.vocabulary import Vocabulary
from ketapath.units import UnknownUnit, base_from_hydrochloride, convert

_GIVEN = ("completed", "stopped")
_TAKEN = ("active", "completed", "stopped", "on-hold")
_AMOUNT = "order.dose_mg"
_LONGEST = 80  # source: our choice, letters of a medicine's name that a line of a page holds


def doses_of(bundle: Bundle, vocabulary: Vocabulary) -> tuple[tuple[Dose, ...], tuple[Uncounted, ...]]:
    """Every dose in milligrams of base, in order of time, and what was given or taken that cannot be counted."""
    doses, uncounted = [], list(_taken_at_home(bundle, vocabulary))
    for resource in bundle.of_type("MedicationAdministration"):
        found = _administered(resource, bundle, vocabulary)
        if isinstance(found, Dose):
            doses.append(found)
        elif found is not None:
            uncounted.append(found)
    doses.sort(key=lambda dose: (dose.on, dose.at.isoformat() if dose.at else "", str(dose.origin)))
    uncounted.sort(key=lambda one: (one.first or date.min, str(one.origin)))
    return tuple(doses), tuple(uncounted)


def _administered(resource: Resource, bundle: Bundle, vocabulary: Vocabulary) -> Dose | Uncounted | None:
    holder, field = named_in(resource, bundle)
    ketamine = ketamine_in(holder, field, vocabulary)
    status = el.text(resource, "status")
    is_open = status in (None, "unknown")
    if status not in _GIVEN and not is_open:
        return None
    named = _name(holder, field)
    if ketamine is None:
        if named and (is_open or vocabulary.medicines.of(holder, field)[0] is not None):
            return None
        why = Text(key="uncounted.name" if named else "uncounted.medicine")
        return _uncounted(resource, named, None, why, weighs=not named)
    on, at = el.when(resource, "effectivePeriod", "effectiveDateTime")
    dosage = resource.get("dosage")
    if is_open:
        return _uncounted(resource, named, ketamine, Text(key="uncounted.status"))
    if ketamine.is_mixed:
        return _uncounted(resource, named, ketamine, Text(key="uncounted.mixed"))
    if ketamine.product is None:
        return _uncounted(resource, named, ketamine, Text(key="uncounted.form"))
    if _is_impossible(dosage, ketamine, vocabulary):
        amount = el.quantity(dosage, "dose")
        assert amount is not None
        stated = f"{amount[0]:g} {amount[1] or ''}".rstrip()
        return _uncounted(resource, named, ketamine, Text(key="uncounted.amount", values={"amount": stated}))
    if on is None:
        return _uncounted(resource, named, ketamine, Text(key="uncounted.day"))
    return Dose(
        on=on,
        at=at,
        product=ketamine.product,
        route=route_of(dosage, vocabulary),
        dose_mg=given_dose_mg(dosage, ketamine),
        duration_min=_duration(resource),
        origin=el.origin(resource),
        stopped_early=status == "stopped",
    )


def _uncounted(
    resource: Resource, named: str, ketamine: Ketamine | None, why: Text, *, weighs: bool = True
) -> Uncounted:
    """An administration that was at most one session, on one of the days that the record leaves open."""
    day = el.when(resource, "effectivePeriod", "effectiveDateTime")[0]
    period = resource.get("effectivePeriod")
    begun, ended = (period.get("start"), period.get("end")) if isinstance(period, dict) else (None, None)
    stated = begun or ended or resource.get("effectiveDateTime")
    first, last = (day, day) if day is not None else el.days_within(stated)
    return Uncounted(
        named=named,
        product=None if ketamine is None or ketamine.is_mixed else ketamine.product,
        first=first,
        last=last,
        stated_on=stated if isinstance(stated, str) else "",
        why=why,
        most_sessions=1,
        origin=el.origin(resource),
        weighs=weighs,
    )


def _taken_at_home(bundle: Bundle, vocabulary: Vocabulary) -> Iterator[Uncounted]:
    """Statements that ketamine is or was taken: they say for how long at best, never how often it really was."""
    for resource in bundle.of_type("MedicationStatement"):
        holder, field = named_in(resource, bundle)
        ketamine = ketamine_in(holder, field, vocabulary)
        if ketamine is None or el.text(resource, "status") not in _TAKEN or adherence_of(resource) == "not-taking":
            continue
        period, at = resource.get("effectivePeriod"), resource.get("effectiveDateTime")
        begun, ended = (period.get("start"), period.get("end")) if isinstance(period, dict) else (at, None)
        yield Uncounted(
            named=_name(holder, field),
            product=None if ketamine.is_mixed else ketamine.product,
            first=el.days_within(begun)[0],
            last=el.days_within(ended)[1],
            stated_on=begun if isinstance(begun, str) else "",
            why=Text(key="uncounted.taken"),
            most_sessions=None,
            origin=el.origin(resource),
        )


def _name(holder: Any, field: str) -> str:
    """The medicine in the record's own words, else its code; nothing where it has neither."""
    said = [*el.words(holder, field), *(code.code for code in el.codings(holder, field))]
    return said[0].strip()[:_LONGEST] if said else ""


def _is_impossible(dosage: Any, ketamine: Ketamine, vocabulary: Vocabulary) -> bool:
    """Below nothing in any unit, or more than an order of ketamine may state."""
    amount, limits = el.quantity(dosage, "dose"), vocabulary.paths[_AMOUNT].limits
    mg = given_dose_mg(dosage, ketamine)
    assert limits is not None
    return amount is not None and (amount[0] < limits[0] or (mg is not None and mg > limits[1]))


def given_dose_mg(dosage: Any, ketamine: Ketamine | None) -> float | None:
    """What was given, in milligrams of base; None where the record does not say it in a unit of mass."""
    amount = el.quantity(dosage, "dose")
    if amount is None:
        return None
    try:
        stated = convert(amount[0], amount[1], "mg")
    except UnknownUnit:
        return None
    return base_from_hydrochloride(stated) if ketamine is not None and ketamine.is_hydrochloride else stated


def route_of(dosage: Any, vocabulary: Vocabulary) -> str:
    """The route of a dosage element in ketapath's word, or "unknown"."""
    said = [c.code for c in el.codings(dosage, "route")] + list(el.words(dosage, "route"))
    phrases = {normalised(phrase) for phrase in said}
    for route, names in vocabulary.answers["routes"].items():
        if phrases & {normalised(str(name)) for name in names}:
            return str(route)
    return "unknown"


def _duration(resource: Resource) -> float | None:
    period = resource.get("effectivePeriod")
    if not isinstance(period, dict):
        return None
    start, end = el.instant(period.get("start")), el.instant(period.get("end"))
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds() / 60
