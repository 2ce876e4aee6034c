"""State a fact, or withdraw one that was wrong. The record keeps both, with who said so and why."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, commit, earlier
from clinic.queries.person import Chart
from clinic.queries.profile import is_statable
from clinic.record.projections import knowledge
from clinic.record.read import Stored, read
from ketapath.domain.fact import Fact, Value
from ketapath.errors import BadInput
from ketapath.fhir.encode import stated, withdrawn, without_answer
from ketapath.knowledge import PathSpec


def state_facts(found: Chart, said: Mapping[str, str], *, by: Account, reason: str, key: str) -> Done:
    """These are so, from now on. Statements that would contradict them are taken back, and stay readable.

    `said` gives the words typed for each profile path. Raises BadInput for a path or value that does not exist, and
    where nothing is said.
    """
    require(by, "state-fact", patient_id=found.patient_id)
    if not said:
        raise BadInput(field="fact", found="nothing", limit="at least one answer", next_step="Answer, or go back.")
    stating = [(_spec(path), words) for path, words in said.items()]
    values = {spec.path: _value(spec, words) for spec, words in stating}
    act = Act(name="state-fact", by=by, patient_id=found.patient_id, reason=reason, key=key, asked={"said": dict(said)})
    done = earlier(act)
    if done is not None:
        return done
    at = clock.local(clock.now(), by.practice.zone)
    new = stated(f"fact-{secrets.token_hex(12)}", values, patient_id=found.patient_id, at=at, by=by.name)
    return commit(act, [*_taken_back(found, values), Draft(resource=new)])


def withdraw_fact(found: Chart, path: str, source: str, *, by: Account, reason: str, key: str) -> Done:
    """This statement was wrong. Its source is marked as entered in error, or loses this one answer.

    Raises BadInput where the source is not in this record or cannot be withdrawn.
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
        raise BadInput(field="reason", found="nothing", limit="a reason", next_step="Say what was wrong.")
    kind, _, identity = source.partition("/")
    standing = read(by.practice, kind, identity)
    if standing is None or standing.patient_id != found.patient_id:
        raise BadInput(field="source", found=source, limit="a statement of this record", next_step="Reload the page.")
    return commit(act, [_back(standing, [path])])


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
    return [_back(stored, paths) for stored, paths in standing if stored is not None]


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
        raise BadInput(field="fact", found=path, limit="a fact that can be stated", next_step="Choose from the list.")
    return spec


def _value(spec: PathSpec, said: str) -> Value:
    said = said.strip()
    if spec.type == "bool":
        if said in ("yes", "no"):
            return said == "yes"
        raise BadInput(field=spec.label, found=said or "nothing", limit="yes or no", next_step="Choose one.")
    if spec.type == "number":
        assert spec.limits is not None
        low, high = spec.limits
        try:
            number = float(said.replace(",", "."))
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise BadInput(
                field=spec.label, found=said or "nothing", limit=f"{low:g} to {high:g} {spec.unit}",
                next_step="Check the value and its unit.",
            )  # fmt: skip
        return number
    if spec.words and said not in spec.words:
        raise BadInput(
            field=spec.label, found=said or "nothing", limit=f"one of {', '.join(spec.words)}", next_step="Choose one."
        )
    return said
