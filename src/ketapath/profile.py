"""What may be relied on about this person today? Facts in their windows, duplicates, contradictions, trials, death.

`profile` takes what the record states and decides, path by path, which one statement counts. What does not count is
kept with its reason. It never turns silence into "no": a medicine is absent only if the medicine list was checked,
a trial failed only if somebody wrote that it did.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from ketapath import units
from ketapath.domain.evidence import FactUsed, Text
from ketapath.domain.fact import Fact, MedicineSpan, Origin, Statements, Uncounted
from ketapath.domain.goal import Goal
from ketapath.domain.profile import Profile, Trial
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge, PathSpec
from ketapath.progress import MAY_BE_STATED, progress
from ketapath.trials import antidepressant_trials, still_stands

__all__ = ["fact_used", "profile", "with_fact"]

_STANDING = frozenset({"Patient", "RelatedPerson", "Coverage", "Practitioner"})
"""Resources that hold until they are changed, so that their statements need no day of their own."""


def profile(stated: Statements, *, as_of: date, knowledge: Knowledge) -> Profile:
    """The person on this day.

    Raises BadInput where a value that today's dosing would use (birth date, weight, pressure) is impossible.
    """
    known: dict[str, Fact] = {}
    aside: list[Fact] = []
    by_path: dict[str, list[Fact]] = {}
    for fact in stated.facts:
        by_path.setdefault(fact.path, []).append(fact)
    for path, facts in by_path.items():
        chosen, rest = _rely_on(knowledge.paths[path], facts, as_of, knowledge)
        aside += rest
        if chosen:
            known[path] = chosen
    trials = antidepressant_trials(stated.medicines, as_of=as_of, knowledge=knowledge)
    for found in _derived(stated, known, trials, as_of, knowledge):
        fact = replace(found, confidence="derived")
        if fact.status == "unusable":
            aside.append(fact)
        elif fact.path in known and known[fact.path].value != fact.value:
            aside += [_aside(f, Text(key="fact.contradicts")) for f in (known.pop(fact.path), fact)]
        else:
            known.setdefault(fact.path, fact)
    return Profile(
        patient_id=stated.patient_id,
        as_of=as_of,
        died=stated.died,
        known=known,
        unusable=tuple(aside),
        trials=trials,
        medicines=stated.medicines,
        scores=tuple(s for s in stated.scores if s.on <= as_of),
        doses=tuple(d for d in stated.doses if d.on <= as_of),
        overrides=tuple(o for o in stated.overrides if o.on <= as_of),
        notes=tuple(_notes(stated, as_of)),
        weights_kg=_weights(stated, as_of),
        goals=tuple(_goals(stated, as_of)),
        uncounted=_uncounted(stated, as_of),
    )


def _uncounted(stated: Statements, as_of: date) -> tuple[Uncounted, ...]:
    """What may have been given up to today and no sum can hold."""
    return tuple(one for one in stated.uncounted if one.first is None or one.first <= as_of)


def _weights(stated: Statements, as_of: date) -> dict[date, float]:
    """The last usable weighing of each day up to today."""
    weighed = [f for f in stated.facts if f.path == "vitals.weight_kg" and f.status == "usable"]
    return {
        fact.on: fact.value
        for fact in sorted(weighed, key=_recency)
        if isinstance(fact.value, float) and fact.on is not None and fact.on <= as_of
    }


def with_fact(person: Profile, path: str, value: bool | float | str, *, unit: str | None) -> Profile:
    """The same person, had this one fact been stated today. For asking what a missing fact would change."""
    fact = Fact(
        path=path,
        value=value,
        unit=unit,
        on=person.as_of,
        origin=Origin(resource="Supposed", id=path, version=None),
    )
    return replace(person, known={**person.known, path: fact})


def fact_used(fact: Fact, knowledge: Knowledge) -> FactUsed:
    """A fact as it is shown: value with unit, day, origin."""
    unit = knowledge.paths[fact.path].unit if fact.path in knowledge.paths else fact.unit
    if isinstance(fact.value, bool):
        shown = "yes" if fact.value else "no"
    elif isinstance(fact.value, float) and unit == "min":
        shown = f"{math.floor(fact.value)} min"  # whole minutes that have gone by, as a clock shows them
    elif isinstance(fact.value, float):
        shown = f"{fact.value:.4g} {units.shown(unit)}".rstrip()
    else:
        shown = ", ".join(fact.value) if isinstance(fact.value, tuple) else str(fact.value)
    return FactUsed(
        path=fact.path,
        label=knowledge.paths[fact.path].label,
        value=shown,
        on=fact.on,
        source=str(fact.origin),
        confidence=fact.confidence,
    )


def _rely_on(spec: PathSpec, facts: list[Fact], as_of: date, knowledge: Knowledge) -> tuple[Fact | None, list[Fact]]:
    """The one statement that counts today, and those that do not with their reasons."""
    current, aside = [], []
    for fact in facts:
        reason = _not_today(spec, fact, as_of)
        if reason is not None:
            aside.append(_aside(fact, reason))
        else:
            current.append(fact)
    broken = [f for f in current if f.status == "unusable"]
    sound = sorted((f for f in current if f.status == "usable"), key=_recency)
    newest_broken = max(broken, key=_recency, default=None)
    if newest_broken and spec.refuse_impossible and (not sound or _recency(newest_broken) >= _recency(sound[-1])):
        assert newest_broken.reason is not None and spec.limits is not None
        raise BadInput(
            field=f"{spec.label} ({newest_broken.origin})",
            found=newest_broken.as_stated,
            limit=f"{spec.limits[0]:g} to {spec.limits[1]:g} {spec.unit}, in a unit that can be converted",
            next_step="Correct the value in the record, or mark it entered-in-error.",
        )
    aside += broken
    if not sound:
        return None, aside
    if _contradict(spec, sound, knowledge):
        return None, aside + [_aside(f, Text(key="fact.contradicts")) for f in sound]
    undated = [f for f in sound if f.on is None and f.value is True]
    # An undated yes beside dated ones may be the later event: its day is what a rule with a time window must not know.
    return (undated or sound)[-1], aside


def _not_today(spec: PathSpec, fact: Fact, as_of: date) -> Text | None:
    """Why this statement does not speak about today, or None."""
    if fact.on is None:
        standing = spec.window_days is None or fact.origin.resource in _STANDING
        return None if standing else Text(key="fact.undated")
    age_days = (as_of - fact.on).days
    if age_days < 0:
        return Text(key="fact.future", values={"on": fact.on.isoformat()})
    window = spec.window_days
    if fact.origin.resource == "Condition" and spec.comes_from.get("active_days"):
        window = int(spec.comes_from["active_days"])
    if window == 0 and age_days > 0:
        return Text(key="fact.not_of_today", values={"days": age_days})
    if window is not None and age_days > window:
        return Text(key="fact.too_old", values={"days": age_days, "window": window})
    return None


def _recency(fact: Fact) -> tuple[date, str]:
    return fact.on or date.min, fact.at.isoformat() if fact.at else ""


def _contradict(spec: PathSpec, sound: list[Fact], knowledge: Knowledge) -> bool:
    """Whether statements that hold together say different things.

    A lifelong no after a yes contradicts it; a yes after every no is news, and counts. A state that passes is settled
    by the newer day. Readings of one day are settled by their time; without it they contradict if they differ.
    """
    if spec.type == "bool" and spec.window_days is None:
        yes, no = ([f.on or date.min for f in sound if f.value is value] for value in (True, False))
        return bool(yes and no) and max(yes) <= max(no)
    newest = [f for f in sound if f.on == sound[-1].on]
    if len({f.value for f in newest}) == 1:
        return False
    times = [f.at for f in newest]
    if None not in times and times.count(times[-1]) == 1:
        return False
    if spec.type != "number":
        return spec.type == "bool"
    values = [f.value for f in newest if isinstance(f.value, int | float) and f.at == newest[-1].at]
    return max(values) - min(values) > knowledge.figure("same_day_difference") * max(abs(v) for v in values)


def _aside(fact: Fact, reason: Text) -> Fact:
    return replace(fact, status="unusable", reason=fact.reason or reason)


def _derived(
    stated: Statements, known: dict[str, Fact], trials: tuple[Trial, ...], as_of: date, knowledge: Knowledge
) -> Iterator[Fact]:
    """Facts that follow from others: age, body mass, pregnancy to be asked about, pressure, trials, medicines."""
    if stated.born_on is not None:
        yield _age(stated, stated.born_on, as_of, knowledge)
    yield from _pregnancy_possible(stated, known, as_of, knowledge)
    weight, height = known.get("vitals.weight_kg"), known.get("vitals.height_cm")
    if weight and height:
        assert isinstance(weight.value, float) and isinstance(height.value, float)
        bmi = weight.value / (height.value / 100) ** 2
        yield Fact(path="vitals.bmi_kg_per_m2", value=bmi, unit="kg/m2", on=weight.on, origin=weight.origin)
    yield from _uncontrolled_pressure(stated.facts, as_of, knowledge)
    yield from _failed_trials(trials, known)
    for fact in progress(stated, as_of=as_of, knowledge=knowledge):
        said = known.get(fact.path) if fact.path in MAY_BE_STATED else None
        if said is not None and said.on is not None and fact.on is not None:
            if said.on >= fact.on:
                continue
            known.pop(fact.path)  # it was said of an earlier session
        reason = _not_today(knowledge.paths[fact.path], fact, as_of)
        yield fact if reason is None else _aside(replace(fact, value=None), reason)
    yield _undetermined_trials(trials, stated)
    yield from _medicine_classes(stated.medicines, known, as_of, knowledge)
    certificate = known.get("staff.acls_valid_until")
    if certificate:
        valid = str(certificate.value) >= as_of.isoformat()
        yield Fact(path="staff.acls", value=valid, unit=None, on=None, origin=certificate.origin)


def _age(stated: Statements, born_on: date, as_of: date, knowledge: Knowledge) -> Fact:
    years = as_of.year - born_on.year - ((as_of.month, as_of.day) < (born_on.month, born_on.day))
    oldest = knowledge.figure("oldest_age")
    if born_on > as_of or years > oldest:
        raise BadInput(
            field="Patient.birthDate",
            found=born_on.isoformat(),
            limit=f"not after {as_of.isoformat()} and at most {oldest:g} years before it",
            next_step="Correct the birth date in the record.",
        )
    source = Origin(resource="Patient", id=stated.patient_id, version=None)
    return Fact(path="person.age_years", value=float(years), unit="a", on=None, origin=source)


def _pregnancy_possible(
    stated: Statements, known: Mapping[str, Fact], as_of: date, knowledge: Knowledge
) -> Iterator[Fact]:
    """What was said stands; else whoever is pregnant or breastfeeding can be, and sex and age say the rest."""
    if "person.pregnancy_possible" in known:
        return
    for path in ("history.pregnant", "history.breastfeeding"):
        if path in known and known[path].value is True:
            yield replace(known[path], path="person.pregnancy_possible", value=True)
            return
    sex = known.get("person.sex")
    age = None if stated.born_on is None else (as_of - stated.born_on).days / 365.25
    if sex is not None and sex.value == "male":
        yield replace(sex, path="person.pregnancy_possible", value=False)
    elif age is not None and age > knowledge.figure("pregnancy_possible_to_age"):
        source = Origin(resource="Patient", id=stated.patient_id, version=None)
        yield Fact(path="person.pregnancy_possible", value=False, unit=None, on=None, origin=source)
    elif sex is not None and sex.value == "female":
        yield replace(sex, path="person.pregnancy_possible", value=True)


def _uncontrolled_pressure(facts: Iterable[Fact], as_of: date, knowledge: Knowledge) -> Iterator[Fact]:
    """High on two of the last three measured days is uncontrolled; measured on two and not so is controlled."""
    limits = {
        "vitals.systolic_mmhg": knowledge.figure("uncontrolled_systolic_mmhg"),
        "vitals.diastolic_mmhg": knowledge.figure("uncontrolled_diastolic_mmhg"),
    }
    window = knowledge.paths["vitals.hypertension_uncontrolled"].window_days
    assert window is not None
    high_by_day: dict[date, bool] = {}
    last: Fact | None = None
    for fact in facts:
        if fact.path in limits and fact.on and fact.status == "usable" and 0 <= (as_of - fact.on).days <= window:
            assert isinstance(fact.value, float)
            high_by_day[fact.on] = high_by_day.get(fact.on, False) or fact.value > limits[fact.path]
            last = fact if last is None or _recency(fact) > _recency(last) else last
    days, of_days = knowledge.figure("uncontrolled_days"), int(knowledge.figure("uncontrolled_of_days"))
    if last is not None and len(high_by_day) >= days:
        newest = sorted(high_by_day)[-of_days:]
        uncontrolled = sum(high_by_day[day] for day in newest) >= days
        yield replace(last, path="vitals.hypertension_uncontrolled", value=uncontrolled, unit=None)


def _failed_trials(trials: tuple[Trial, ...], known: Mapping[str, Fact]) -> Iterator[Fact]:
    """At least so many failed trials. Fewer than two on record never proves that there were fewer than two."""
    certain = [t for t in trials if t.adequate and t.failed]
    stated = known.get("trials.adequate_failed")
    if stated is not None and isinstance(stated.value, float) and stated.value >= len(certain):
        return
    if stated is not None or len(certain) >= 2:  # source: CAN-001, the number that resistance begins at
        resource, identity, *rest = certain[-1].origins[0].split("/")
        yield Fact(
            path="trials.adequate_failed",
            value=float(len(certain)),
            unit="1",
            on=certain[-1].end,
            origin=Origin(resource=resource, id=identity, version=rest[-1] if rest else None),
            as_stated=f"at least {len(certain)}: " + ", ".join(t.substance for t in certain),
        )


def _undetermined_trials(trials: tuple[Trial, ...], stated: Statements) -> Fact:
    """How many trials on record cannot be called adequate or not, failed or not. None on record makes it none."""
    open_ones = [t for t in trials if t.adequate is None or (t.adequate and t.failed is None)]
    source = Origin(resource="Patient", id=stated.patient_id, version=None)
    if open_ones:
        resource, identity, *rest = open_ones[-1].origins[0].split("/")
        source = Origin(resource=resource, id=identity, version=rest[-1] if rest else None)
    return Fact(
        path="trials.undetermined",
        value=float(len(open_ones)),
        unit="1",
        on=None,
        origin=source,
        as_stated=", ".join(t.substance for t in open_ones),
    )


def _medicine_classes(
    spans: tuple[MedicineSpan, ...], known: Mapping[str, Fact], as_of: date, knowledge: Knowledge
) -> Iterator[Fact]:
    open_spans = [s for s in spans if s.active and (s.end is None or s.end >= as_of)]
    current = [s for s in open_spans if still_stands(s, as_of, knowledge)]
    many = knowledge.figure("antidepressants_at_once")
    antidepressants = {s.substance for s in open_spans if "antidepressant" in s.classes}
    checked = known.get("medicines.list_confirmed")
    for spec in knowledge.paths.values():
        wanted = spec.comes_from.get("medicine_class")
        if wanted is None or spec.path in known:
            continue
        taken = [s for s in current if wanted in s.classes]
        stale = [s for s in open_spans if wanted in s.classes and s not in taken]
        if len(antidepressants) >= many and any("antidepressant" in s.classes for s in taken + stale):
            odd = Text(key="fact.too_many_at_once", values={"count": len(antidepressants)})
            yield _medicine_fact(spec.path, (taken + stale)[-1], unusable=odd)
        elif taken:
            yield _medicine_fact(spec.path, taken[-1])
        elif stale:
            yield _medicine_fact(spec.path, stale[-1], unusable=Text(key="fact.order_may_be_over"))
        elif checked is not None and checked.value is True:
            yield replace(checked, path=spec.path, value=False, as_stated="not on the checked list")


def _medicine_fact(path: str, span: MedicineSpan, *, unusable: Text | None = None) -> Fact:
    return Fact(
        path=path,
        value=None if unusable else True,
        unit=None,
        on=span.start,
        origin=span.origin,
        status="unusable" if unusable else "usable",
        reason=unusable,
        as_stated=span.substance,
    )


def _goals(stated: Statements, as_of: date) -> Iterator[Goal]:
    for goal in stated.goals:
        if goal.since is None or goal.since <= as_of:
            yield replace(goal, ratings=tuple(r for r in goal.ratings if r.on <= as_of))


def _notes(stated: Statements, as_of: date) -> Iterator[Text]:
    uncounted = sum(one.weighs for one in _uncounted(stated, as_of))
    if uncounted:
        yield Text(key="profile.uncounted", values={"count": uncounted})
    for kind, count in stated.not_interpreted.items():
        yield Text(key="profile.not_interpreted", values={"count": count, "kind": kind})
