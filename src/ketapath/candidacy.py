"""Is ketamine right for this person today, which product and route, and what else is? Each line with its rule.

`assess` asks every candidacy rule and combines what they give, for each product and route by itself. Known harm
outranks missing facts; a missing fact that gates leaves the verdict undetermined; one that only cautions leaves at
best caution. Nobody is eligible because a form is empty. Decision: docs/decisions/0004.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ketapath.alternatives import alternatives, treatment_target, values_order
from ketapath.domain.candidacy import Candidacy, WorkUp
from ketapath.domain.clinic import Clinic
from ketapath.domain.evidence import (
    VERDICTS_FROM_BEST,
    Change,
    Finding,
    MissingFact,
    Override,
    Text,
    Verdict,
)
from ketapath.domain.fact import Fact, Origin
from ketapath.domain.profile import Profile
from ketapath.knowledge import SITE_DEFAULT, Knowledge, Rule, Truth, evaluate, paths
from ketapath.profile import fact_used, with_fact

__all__ = ["assess", "at_clinic", "fact_used", "finding", "is_known_at", "overridden", "worst"]

EMERGENCY_RULE = "CAN-005"

Speaking = Mapping[str, frozenset[str]]
"""The ids of the rules that speak of each product/route."""


def assess(person: Profile, clinic: Clinic, knowledge: Knowledge) -> Candidacy:
    """The verdict for each product and route that the clinic offers, with findings, gaps and alternatives.

    What a missing fact would change is found by assessing the person again with each value it could have.
    """
    person = at_clinic(person, clinic, knowledge)
    if person.died is not None:
        return _died(person, clinic, knowledge)
    truths = _truths(person, clinic, knowledge)
    given = {i: _given(knowledge.rules[i], truth, person) for i, truth in truths.items()}
    speaking = _speaking(truths, clinic, knowledge)
    by_product = _verdicts(given, speaking)
    findings = tuple(_findings(person, truths, knowledge))
    emergency = next((f for f in findings if f.id == EMERGENCY_RULE and f.verdict == "defer"), None)
    return Candidacy(
        patient_id=person.patient_id,
        as_of=person.as_of,
        verdict=_best(by_product.values()),
        by_product=by_product,
        emergency=emergency,
        findings=findings,
        missing=tuple(_missing(person, truths, given, speaking, knowledge)),
        work_up=tuple(_work_up(person, clinic, knowledge)),
        alternatives=alternatives(person, knowledge),
        values=values_order(person, knowledge),
        target=treatment_target(person, knowledge),
        knowledge_version=knowledge.version,
    )


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The most restrictive of these verdicts; eligible where there is none.

    >>> worst(["caution", "defer", "undetermined"])
    'defer'
    """
    return max(verdicts, key=VERDICTS_FROM_BEST.index, default="eligible")


def finding(rule: Rule, truth: Truth, person: Profile, knowledge: Knowledge) -> Finding:
    """What this rule says of this person: its sentence, the facts it used, those it lacks, and what reverses it."""
    read = tuple(dict.fromkeys(paths(rule.when)))
    key = f"rule.{rule.id}"
    seen = rule.sees(person.known, as_of=person.as_of)
    return Finding(
        id=rule.id,
        verdict=_given(rule, truth, person),
        statement=Text(key=f"{key}.statement"),
        action=Text(key=f"{key}.action"),
        rule=rule.ref,
        evidence=rule.evidence,
        facts=tuple(fact_used(seen[p], knowledge) for p in read if p in seen),
        missing=tuple(p for p in read if p not in seen),
        reverses=(Text(key=f"{key}.reverses"),),
        applies_to=rule.scope.products or ("esketamine", "racemic"),
        overridden=overridden(rule, person) if truth else None,
    )


def open_finding(rule: Rule, person: Profile, knowledge: Knowledge) -> Finding:
    """A rule of which nobody knows whether it holds: it states nothing of this person, and says what to find out."""
    found = finding(rule, None, person, knowledge)
    lacking = ", ".join(knowledge.paths[path].label for path in found.missing)
    return replace(found, statement=Text(key="finding.not_known", values={"rule": rule.ref.title, "facts": lacking}))


def at_clinic(person: Profile, clinic: Clinic, knowledge: Knowledge) -> Profile:
    """The person at this clinic: what the clinic itself is asked about by rules stands beside the person's facts.

    What the clinic stated of itself holds for as long as the path's window says.
    """
    source = Origin(resource="Clinic", id="settings", version=None)
    settings: dict[str, bool | str] = {
        "clinic.jurisdiction": clinic.jurisdiction,
        "clinic.strict_profile": clinic.strict_profile,
    }
    if clinic.rems_certified is not None:
        settings["clinic.rems_certified"] = clinic.rems_certified
    if clinic.acls_on_site is not None:
        settings["staff.acls"] = clinic.acls_on_site
    language = person.known.get("person.language")
    if language is not None:
        settings["clinic.speaks_first_language"] = language.value in clinic.languages
    stated = {p: Fact(path=p, value=v, unit=None, on=None, origin=source) for p, v in settings.items()}
    for path, said in clinic.facts.items():
        spec = knowledge.paths.get(path)
        window = None if spec is None else spec.window_days
        if spec is not None and (window is None or 0 <= (person.as_of - said.on).days <= window):
            stated[path] = Fact(path=path, value=said.value, unit=spec.unit, on=said.on, origin=source)
    return replace(person, known={**stated, **person.known})


def _truths(person: Profile, clinic: Clinic, knowledge: Knowledge) -> dict[str, Truth]:
    """Every candidacy rule that speaks of something this clinic offers, here, asked once."""
    return {
        rule.id: rule.holds(person.known, as_of=person.as_of)
        for rule in knowledge.rules_of("candidacy")
        if _speaks_here(rule, clinic, knowledge)
    }


def _speaks_here(rule: Rule, clinic: Clinic, knowledge: Knowledge) -> bool:
    """Whether the rule speaks of something that this clinic offers, in this jurisdiction."""
    return any(
        rule.scope.covers(product=product, route=route, jurisdiction=clinic.jurisdiction)
        for product, route in _offered(clinic, knowledge)
    )


def _offered(clinic: Clinic, knowledge: Knowledge) -> list[tuple[str, str]]:
    """Product and route of every protocol of what the clinic offers where it is."""
    return [
        (p["product"], p["route"])
        for p in knowledge.protocols.values()
        if p["product"] in clinic.products and _is_by_route(p, clinic) and is_known_at(p, clinic)
    ]


def _is_by_route(protocol: Mapping[str, Any], clinic: Clinic) -> bool:
    """Whether the formulary has this route of this product: by the route, or, where that says too little, by name."""
    is_named = f"{protocol['product']}/{protocol['route']}" in clinic.routes
    return is_named or (protocol["route"] in clinic.routes and not protocol.get("by_name", False))


def _speaking(rules: Iterable[str], clinic: Clinic, knowledge: Knowledge) -> Speaking:
    """Which of these rules speak of each product and route that has a protocol and that the clinic offers."""
    here = clinic.jurisdiction
    return {
        f"{product}/{route}": frozenset(
            i for i in rules if knowledge.rules[i].scope.covers(product=product, route=route, jurisdiction=here)
        )
        for product, route in _offered(clinic, knowledge)
    }


def _verdicts(given: Mapping[str, Verdict | None], speaking: Speaking) -> dict[str, Verdict]:
    """One verdict for each product and route, from what each rule gives."""
    spoken = [(rule_id, verdict) for rule_id, verdict in given.items() if verdict is not None]
    return {name: worst(verdict for i, verdict in spoken if i in rules) for name, rules in speaking.items()}


def _given(rule: Rule, truth: Truth, person: Profile) -> Verdict | None:
    """What this rule gives: a relative contraindication that two people treat in spite of gives caution."""
    verdict = rule.when_true if truth else rule.when_unknown if truth is None else None
    return "caution" if truth and verdict is not None and overridden(rule, person) is not None else verdict


def is_known_at(protocol: Mapping[str, Any], clinic: Clinic) -> bool:
    """Whether the medicine of this protocol is on the market where the clinic is, as far as is known."""
    places = protocol.get("jurisdictions", "all")
    return places == "all" or bool({clinic.jurisdiction, clinic.jurisdiction[:2]} & {*places})


def overridden(rule: Rule, person: Profile) -> Override | None:
    """The override of this rule that stands today. An absolute contraindication has none, whatever the record says."""
    if rule.severity != "relative-contraindication" or rule.override == "never":
        return None
    standing = (o for o in person.overrides if o.stands(rule.ref, as_of=person.as_of))
    return next((o for o in standing if rule.override == "until-review" or o.on == person.as_of), None)


def _best(verdicts: Iterable[Verdict]) -> Verdict:
    return min(verdicts, key=VERDICTS_FROM_BEST.index, default="undetermined")


def _findings(person: Profile, truths: Mapping[str, Truth], knowledge: Knowledge) -> Iterable[Finding]:
    """What is true, worst first; what is open stands in `missing`, not here."""
    spoken = [finding(knowledge.rules[i], True, person, knowledge) for i, truth in truths.items() if truth]
    return sorted(spoken, key=lambda f: -VERDICTS_FROM_BEST.index(f.verdict) if f.verdict else 1)


def _missing(
    person: Profile,
    truths: Mapping[str, Truth],
    given: Mapping[str, Verdict | None],
    speaking: Speaking,
    knowledge: Knowledge,
) -> Iterable[MissingFact]:
    """Every fact that leaves a rule open, with what each answer to it would change; what changes most comes first."""
    now = _verdicts(given, speaking)
    readers: dict[str, list[str]] = {}
    open_for: dict[str, list[str]] = {}
    for rule_id, truth in truths.items():
        rule = knowledge.rules[rule_id]
        seen = rule.sees(person.known, as_of=person.as_of)
        for path in dict.fromkeys(paths(rule.when)):
            readers.setdefault(path, []).append(rule_id)
            # What a rule that gives no verdict lacks would change nothing, and is not asked for.
            if truth is None and path not in seen and (rule.when_true or rule.when_unknown):
                open_for.setdefault(path, []).append(rule_id)
    found = []
    for path, rules in open_for.items():
        spec = knowledge.paths[path]
        changes = tuple(
            _change(person, path, value, truths, given, readers[path], speaking, knowledge) for value in spec.admissible
        )
        missing = MissingFact(
            path=path,
            label=spec.label,
            reason=_why_missing(person, path),
            supplied_by=spec.supplied_by,
            changes=changes,
        )
        unknowns = [knowledge.rules[i].when_unknown for i in rules]
        gates = VERDICTS_FROM_BEST.index(worst(v for v in unknowns if v))
        found.append(((-_size(changes, now), -gates, -len(rules)), missing))
    return [missing for _, missing in sorted(found, key=lambda pair: pair[0])]


def _size(changes: Iterable[Change], now: Mapping[str, Verdict]) -> int:
    """How far the answers would move the verdicts, in steps from best to worst, over all products and answers."""
    rank = VERDICTS_FROM_BEST.index
    return sum(
        abs(rank(change.by_product[name]) - rank(verdict)) for change in changes for name, verdict in now.items()
    )


def _why_missing(person: Profile, path: str) -> Text:
    """Not stated, or set aside with a reason, or too old for a rule that needs it fresher."""
    if path in person.known:
        return Text(key="missing.too_old_for_rule", values={"on": person.known[path].on or "an unknown day"})
    aside = next((f for f in reversed(person.unusable) if f.path == path), None)
    return Text(key="missing.not_stated") if aside is None or aside.reason is None else aside.reason


def _change(
    person: Profile,
    path: str,
    value: bool | float | str,
    truths: Mapping[str, Truth],
    given: Mapping[str, Verdict | None],
    readers: Iterable[str],
    speaking: Speaking,
    knowledge: Knowledge,
) -> Change:
    """The verdicts, had this fact been stated so today. Only the rules that read it can say anything else then."""
    spec = knowledge.paths[path]
    if spec.type == "number" and not isinstance(value, str):
        value = float(value)
    known = with_fact(person, path, value, unit=spec.unit).known
    supposed = {i: knowledge.rules[i].holds(known, as_of=person.as_of) for i in readers}
    then = {i: _given(knowledge.rules[i], truth, person) for i, truth in supposed.items()}
    by_product = _verdicts({**given, **then}, speaking)
    shown = {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value
    return Change(
        if_value=f"{shown:g}" if isinstance(shown, float) else str(shown),
        adds=tuple(i for i, truth in supposed.items() if truth and not truths[i]),
        settles=tuple(i for i, truth in supposed.items() if truth is False and truths[i] is None),
        overall=_best(by_product.values()),
        by_product=by_product,
    )


def _work_up(person: Profile, clinic: Clinic, knowledge: Knowledge) -> Iterable[WorkUp]:
    """What has to be known before a start: what is due first, then what nobody can say, then what is done."""
    found = []
    for rule in knowledge.rules_of("work-up"):
        applies = rule.holds(person.known, as_of=person.as_of)
        if applies is False or not _speaks_here(rule, clinic, knowledge):
            continue
        seen = rule.sees(person.known, as_of=person.as_of)
        otherwise = _said_otherwise(rule, seen, person)
        lacking = tuple(
            MissingFact(
                path=path,
                label=knowledge.paths[path].label,
                reason=Text(key="missing.said_otherwise") if path in otherwise else _why_missing(person, path),
                supplied_by=knowledge.paths[path].supplied_by,
                changes=(),
            )
            for path in rule.settled_by
            if path not in seen or path in otherwise
        )
        held = tuple(fact_used(seen[p], knowledge) for p in rule.settled_by if p in seen)
        said = finding(rule, applies, person, knowledge)
        found.append(WorkUp(finding=said, applies=applies, held=held, lacking=lacking))
    return sorted(found, key=lambda w: ("due", "asked", "done").index(w.state))


def _said_otherwise(rule: Rule, seen: Mapping[str, Fact], person: Profile) -> frozenset[str]:
    """The facts that are known and not as this piece of work-up needs them, such as a consent that was withdrawn."""
    if rule.settled_as is None or evaluate(rule.settled_as, seen, as_of=person.as_of) is not False:
        return frozenset()
    return frozenset(paths(rule.settled_as)) & seen.keys()


def _died(person: Profile, clinic: Clinic, knowledge: Knowledge) -> Candidacy:
    """A person who has died gets no verdict of rules: one line says so."""
    day = person.died.isoformat() if person.died is not None and not isinstance(person.died, bool) else "unknown day"
    died = Finding(
        id="KP-000",
        verdict="not-eligible",
        statement=Text(key="candidacy.died", values={"on": day}),
        action=Text(key="candidacy.died_action"),
        rule=None,
        evidence=(SITE_DEFAULT,),
    )
    return Candidacy(
        patient_id=person.patient_id,
        as_of=person.as_of,
        verdict="not-eligible",
        by_product={f"{product}/{route}": "not-eligible" for product, route in _offered(clinic, knowledge)},
        emergency=None,
        findings=(died,),
        missing=(),
        work_up=(),
        alternatives=(),
        values=None,
        target=None,
        knowledge_version=knowledge.version,
    )
