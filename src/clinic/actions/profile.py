"""State a fact, or withdraw one that was wrong. The record keeps both, with who said so and why."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.alerts import raise_alert
from clinic.actions.commit import Act, Done, Draft, commit, earlier
from clinic.actions.session_limits import follows, follows_from, tell
from clinic.actions.typed import number
from clinic.actions.watches import INTENT
from clinic.queries.person import Chart
from clinic.queries.profile import is_statable, within
from clinic.record.projections import knowledge
from clinic.record.read import Stored, read
from ketapath.domain.fact import Fact, Value
from ketapath.errors import BadInput
from ketapath.fhir.encode import stated, withdrawn, without_answer
from ketapath.fhir.readback import belongs_to, is_ours
from ketapath.knowledge import PathSpec
from ketapath.profile import with_fact

STATEMENTS = frozenset(
    {
        "AllergyIntolerance", "Condition", "Consent", "Coverage", "FamilyMemberHistory", "MedicationRequest",
        "MedicationStatement", "Observation", "Procedure", "QuestionnaireResponse",
    }
)  # fmt: skip
"""Kinds of resources that may be withdrawn by whoever knows better."""
GRAVE = frozenset({"scale.cssrs_ideation_level", "scale.suicidal_behaviour", "scale.suicide_risk", "scale.phq9_item9"})
"""Facts that may call for somebody at once."""
_INTENT = "session.suicidal_intent"


def state_facts(found: Chart, said: Mapping[str, str], *, by: Account, reason: str, key: str) -> Done:
    """These are so, from now on. Statements that would contradict them are taken back, and stay readable.

    `said` gives the words typed for each profile path. What follows for an open visit is written with it: a limit that
    is reached, a checklist that opens again. Prescribers are told of that, and of an intent to die, at once. Raises
    BadInput for a path or value that does not exist, and where nothing is said.
    """
    require(by, "state-fact", patient_id=found.patient_id)
    if not said:
        raise BadInput(
            field=_("fact"), found=_("nothing"), limit=_("at least one answer"), next_step=_("Answer, or go back.")
        )
    stating = [(_spec(path), words) for path, words in said.items()]
    values = {spec.path: value_of(spec, words) for spec, words in stating}
    act = Act(name="state-fact", by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"said": dict(said)})
    done = earlier(act)
    if done is not None:
        return done
    at = clock.local(clock.now(), by.practice.zone)
    new = stated(f"fact-{secrets.token_hex(12)}", values, patient_id=found.patient_id, at=at, by=by.name)
    # What was said may call for somebody at once; who looks is the errand, which also looks after an import.
    is_grave = GRAVE & values.keys()
    look = [("early-sign", {"patient_id": found.patient_id}, clock.now())] if is_grave else []
    visit = found.open_visit
    what = follows(visit, _supposed(found, values), visit, by=by, key=key, at=at)

    def told(_done: Done) -> None:
        if values.get(_INTENT) is True:
            about = f"{new['resourceType']}/{new['id']}"
            raise_alert(found.practice, kind=INTENT, patient_id=found.patient_id, about=about, once=True)
        tell(found, visit, what, by=by)

    return commit(act, [*_taken_back(found, values), Draft(resource=new), *what.drafts], errands=look, last=told)


def _supposed(found: Chart, values: Mapping[str, Value]) -> Chart:
    """The chart, had these been stated."""
    person = found.person
    for path, value in values.items() if person is not None else ():
        assert person is not None
        if isinstance(value, bool | float | str):
            person = with_fact(person, path, value, unit=found.knowledge.paths[path].unit)
    return replace(found, person=person)


def withdraw_fact(found: Chart, path: str, source: str, *, by: Account, reason: str, key: str) -> Done:
    """This statement was wrong. Its source is marked as entered in error, or loses this one answer.

    What follows for an open visit is written with it, as in `state_facts`. Raises BadInput where the source states no
    fact of this record: plans, visits and doses have acts of their own.
    """
    require(by, "withdraw-fact", patient_id=found.patient_id)
    act = Act(
        name="withdraw-fact", by=by, patient_id=found.patient_id, reason=reason, key=key,
        asked={"path": path, "source": source},
    )  # fmt: skip
    done = earlier(act)
    if done is not None:
        return done
    if not reason.strip():
        raise BadInput(field=_("reason"), found=_("nothing"), limit=_("a reason"), next_step=_("Say what was wrong."))
    kind, _slash, identity = source.partition("/")
    standing = read(by.practice, kind, identity)
    if standing is None or standing.patient_id != found.patient_id or not states_a_fact(found, standing):
        raise BadInput(
            field=_("source"), found=source, limit=_("a statement of this record"), next_step=_("Reload the page.")
        )
    back, visit = _back(standing, [path]), found.open_visit
    what = follows_from(found, back.resource, visit, by=by, key=key)
    return commit(act, [back, *what.drafts], last=lambda _done: tell(found, visit, what, by=by))


def states_a_fact(found: Chart, standing: Stored) -> bool:
    """Whether this only states something about the person, and is no plan, visit or dose, nor the order of a plan."""
    if standing.kind not in STATEMENTS or is_ours(standing.resource):
        return False
    plans = {f"CarePlan/{plan.origin.id}" for plan in found.plans}
    return not plans & belongs_to(standing.resource)


def _taken_back(found: Chart, values: Mapping[str, Value]) -> list[Draft]:
    """What would stand against the new statements: a lifelong fact said otherwise, or the same day's other answer."""
    if found.person is None:
        return []
    wrong: dict[tuple[str, str], list[str]] = {}
    for path, value in values.items():
        others = [f for f in (found.person.known.get(path), *found.person.unusable) if f and f.path == path]
        for fact in others:
            if fact.origin.resource != "Patient" and fact.value is not None and _contradicts(fact, value, found):
                paths = wrong.setdefault((fact.origin.resource, fact.origin.id), [])
                paths += [path] if path not in paths else []
    standing = ((read(found.practice, kind, identity), paths) for (kind, identity), paths in wrong.items())
    return [_back(stored, paths) for stored, paths in standing if stored is not None and states_a_fact(found, stored)]


def _contradicts(fact: Fact, value: Value, found: Chart) -> bool:
    if fact.value == value:
        return False
    spec = knowledge().paths[fact.path]
    is_lifelong = spec.type == "bool" and spec.window_days is None
    return is_lifelong or (fact.on == found.as_of and fact.at is None)


def _back(standing: Stored, paths: Sequence[str]) -> Draft:
    """The statement without its answers to these paths; as entered in error where it holds nothing else to take."""
    resource = standing.resource
    if standing.kind == "QuestionnaireResponse":
        after = resource
        for path in paths:
            after = without_answer(after, path)
        if after["item"] != resource.get("item", []):
            return Draft(resource=after, expected=standing.version)
    return Draft(resource=withdrawn(resource), expected=standing.version)


def _spec(path: str) -> PathSpec:
    spec = knowledge().paths.get(path)
    if spec is None or not is_statable(spec):
        raise BadInput(
            field=_("fact"), found=path, limit=_("a fact that can be stated"), next_step=_("Choose from the list.")
        )
    return spec


def value_of(spec: PathSpec, said: str) -> bool | float | str:
    """The typed words as a value of this path; raises BadInput for what cannot be."""
    said = said.strip()
    if spec.type == "bool":
        if said in ("yes", "no"):
            return said == "yes"
        raise BadInput(field=spec.label, found=said or _("nothing"), limit=_("yes or no"), next_step=_("Choose one."))
    if spec.type == "number":
        assert spec.limits is not None
        low, high = spec.limits
        value = number(said)
        if not low <= value <= high:
            raise BadInput(
                field=spec.label, found=said or _("nothing"), limit=within(spec),
                next_step=_("Check the value and its unit."),
            )  # fmt: skip
        return value
    if spec.words and said not in spec.words:
        raise BadInput(
            field=spec.label,
            found=said or _("nothing"),
            limit=_("one of %(words)s") % {"words": ", ".join(spec.words)},
            next_step=_("Choose one."),
        )
    if not said:
        raise BadInput(
            field=spec.label, found=_("nothing"), limit=_("some words"), next_step=_("Write it, or go back.")
        )
    return said
