"""`ketapath knowledge check` finds real mistakes: each one made on purpose, in otherwise sound knowledge."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from tests.records import KNOWLEDGE, TODAY

from ketapath.domain.fact import Fact, Origin
from ketapath.education import claims_in
from ketapath.knowledge import Knowledge, documents
from ketapath.knowledge.cases import check
from ketapath.knowledge.consistency import Tried, problems, warnings
from ketapath.knowledge.schema import parse_path, parse_rule
from ketapath.pharmacology.worked import worked
from ketapath.units import UnknownUnit, convert

FILES = documents()
RULE: Mapping[str, Any] = {
    "id": "TST-001",
    "version": "1",
    "title": "Test",
    "section": "candidacy",
    "severity": "caution",
    "stage": "candidacy",
    "statement": "Something is the case that no other rule speaks of.",
    "action": "Nothing.",
    "reverses": "Nothing.",
    "when": {"path": "vitals.weight_kg", "op": ">=", "value": 100},
    "verdict": "caution",
    "scope": {"products": ["esketamine", "racemic"]},
    "grade": "expert",
    "sources": [],
    "trust": "unread",
    "threshold_basis": "site-default",
    "needs_approval": True,
    "owner": "medical lead",
    "reviewed_on": "2026-11-22",
    "review_due": "2027-11-22",
}


def with_rules(*records: Mapping[str, Any]) -> Knowledge:
    """The shipped knowledge with further rules; each record says what it has other than RULE."""
    added = [parse_rule({**RULE, **record}, KNOWLEDGE.sources, where="test") for record in records]
    texts = {f"rule.{r.id}.statement": str({**RULE, **c}["statement"]) for r, c in zip(added, records, strict=True)}
    return replace(KNOWLEDGE, rules={**KNOWLEDGE.rules, **{r.id: r for r in added}}, texts={**KNOWLEDGE.texts, **texts})


def weights(*values: float) -> list[Tried]:
    """A case for each of these weights."""
    origin = Origin(resource="Case", id="test", version=None)
    return [
        Tried(facts={"vitals.weight_kg": Fact(path="vitals.weight_kg", value=v, unit="kg", on=TODAY, origin=origin)},
              on=TODAY)
        for v in values
    ]  # fmt: skip


def changed(file: str, **fields: Any) -> dict[str, Any]:
    """The knowledge files with some fields of one file's first record, or only record, set anew."""
    found = copy.deepcopy(dict(FILES))
    document = found[file]
    (document[0] if isinstance(document, list) else document).update(fields)
    return found


def said(knowledge: Knowledge = KNOWLEDGE, files: Mapping[str, Any] = FILES, **tried: list[Tried]) -> list[str]:
    cases = {name.replace("_", "-"): found for name, found in tried.items()}
    return list(problems(knowledge, files, cases))


def test_the_shipped_knowledge_has_no_problem_and_no_warning_within_five_seconds() -> None:
    started = time.process_time()  # a busy machine is no fault of the knowledge
    found = check(KNOWLEDGE, today=TODAY, claims_in=claims_in, worked=worked)
    assert time.process_time() - started < 5
    assert found.problems == ()
    assert found.warnings == ()
    assert found.cases > 1000


def test_two_rules_that_give_the_same_people_different_verdicts_contradict_each_other() -> None:
    knowledge = with_rules({}, {"id": "TST-002", "verdict": "defer"})
    cases = weights(99, 100, 101)
    (problem,) = said(knowledge, TST_001=cases, TST_002=cases)
    assert "TST-001 and TST-002 contradict each other" in problem


def test_a_milder_rule_that_never_speaks_alone_contradicts_the_graver_one() -> None:
    """Who swaps two verdicts: over 100 kg not at all, over 150 kg with care."""
    knowledge = with_rules(
        {"verdict": "not-eligible"},
        {"id": "TST-002", "when": {"path": "vitals.weight_kg", "op": ">=", "value": 150}},
    )
    (problem,) = said(knowledge, TST_001=weights(99, 100, 101), TST_002=weights(149, 150, 151))
    assert "TST-002 says caution, TST-001 says not-eligible" in problem


@pytest.mark.parametrize(
    "other",
    [
        {"verdict": "not-eligible", "when": {"path": "vitals.weight_kg", "op": ">=", "value": 150}},
        {"verdict": "defer", "stage": "re-screen"},
        {"verdict": "defer", "scope": {"products": ["esketamine"], "routes": ["oral"]}},
        {"verdict": "defer", "scope": {"jurisdictions": ["AU"]}},
        {"verdict": "defer", "when": {"path": "vitals.height_cm", "op": ">=", "value": 100}},
        {"verdict": "caution"},
    ],
    ids=["graver further out", "another stage", "another route", "another country", "another fact", "the same verdict"],
)
def test_rules_that_only_look_alike_do_not_contradict_each_other(other: Mapping[str, Any]) -> None:
    first = {"scope": {"products": ["esketamine", "racemic"], "routes": ["iv"], "jurisdictions": ["US"]}}
    knowledge = with_rules(first, {**other, "id": "TST-002"})
    assert said(knowledge, TST_001=weights(99, 100, 101), TST_002=weights(99, 100, 101, 149, 150, 151)) == []


def test_gates_that_together_let_nobody_through_are_found_and_one_of_them_alone_is_not() -> None:
    yes = {"when": {"path": "social.ride_home", "is": True}, "verdict": "defer", "stage": "dose"}
    no = {**yes, "id": "TST-002", "when": {"path": "social.ride_home", "is": False}, "verdict": "not-eligible"}
    (problem,) = said(with_rules(yes, no))
    assert problem == "nobody gets past TST-001, TST-002 (dose): no value of social.ride_home is let through"
    assert said(with_rules(yes)) == []
    elsewhere = {**no, "scope": {"jurisdictions": ["AU"]}}
    assert said(with_rules({**yes, "scope": {"jurisdictions": ["US"]}}, elsewhere)) == []


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"path": "scale.suicide_risk", "is": "hgih"}, "is never 'hgih'"),
        ({"path": "scale.suicide_risk", "in": ["high", "grave"]}, "is never 'grave'"),
        ({"path": "history.aneurysm", "is": "yes"}, "is never 'yes'"),
        ({"path": "history.aneurysm", "op": ">", "value": 1}, "cannot be compared"),
        ({"path": "vitals.weight_kg", "op": ">", "value": 900}, "is never 900"),
        ({"path": "vitals.weight_kg", "is": True}, "is never True"),
    ],
)
def test_a_rule_that_asks_for_a_value_that_its_path_never_has_is_found(when: Mapping[str, Any], words: str) -> None:
    (problem,) = said(with_rules({"when": when}))
    assert problem.startswith("rule TST-001: ")
    assert words in problem


def test_one_path_with_two_limits_in_one_direction_is_found_because_a_clinic_moves_each_by_its_path() -> None:
    parts = [{"path": "vitals.weight_kg", "op": ">", "value": v} for v in (100, 150)]
    (problem,) = said(with_rules({"when": {"any": parts}}))
    assert "vitals.weight_kg > stands with 100 and 150" in problem
    both_sides = [parts[0], {"path": "vitals.weight_kg", "op": "<", "value": 40}]
    assert said(with_rules({"when": {"any": both_sides}})) == []


@pytest.mark.parametrize(
    ("file", "fields", "words"),
    [
        ("harms.yaml", {"sources": []}, "low has no source, rule or mark"),
        ("harms.yaml", {"sources": ["NOBODY"]}, "source 'NOBODY' is in no file"),
        ("policy.yaml", {"rule": None}, "figure trial_weeks: value has no source"),
        ("policy.yaml", {"unit": "fortnight"}, "nobody can convert the unit 'fortnight'"),
        ("policy.yaml", {"rule": "CAN-999"}, "follows rule 'CAN-999', which no file has"),
        ("needs.yaml", {"when": {"path": "social.ride_hme", "is": False}}, "reads social.ride_hme"),
        ("protocols/esketamine-label.yaml", {"first_dose_mg": 56, "basis": {}}, "first_dose_mg has no source"),
        ("protocols/esketamine-label.yaml", {"lower_rule": "REG-999"}, "follows rule 'REG-999'"),
        ("protocols/racemic-iv-series.yaml", {"predicted_after_mg": 5}, "predicted_after_mg has no source"),
        ("drugs/perezruixo2021-nasal.yaml", {"device": {"mg": 28}}, "device.mg has no source"),
        ("instruments/phq9.yaml", {"basis": {"options": "guess"}}, "basis 'guess' is no source, no rule"),
        ("response.yaml", {"build_up": {"value": 0, "source": None, "trust": "read"}}, "build_up.value has no source"),
        ("candidacy/body.yaml", {"id": "trial_weeks"}, "trial_weeks is the id of a figure and of a rule"),
    ],
)
def test_a_figure_without_a_source_and_a_name_of_nothing_are_found(
    file: str, fields: Mapping[str, Any], words: str
) -> None:
    found = said(files=changed(file, **fields))
    assert [p for p in found if words in p], found


def test_a_mark_that_a_figure_is_ours_is_enough_and_a_list_of_what_a_file_rests_on_is_not() -> None:
    assert said(files=changed("response.yaml", build_up={"value": 0, "source": None, "trust": "assumption"})) == []
    assert said(files=changed("policy.yaml", rule=None, basis="site-default")) == []
    bare = changed("drugs/perezruixo2021-nasal.yaml", sources=["PEREZRUIXO2021"], weight_exponents={"liver_flow": 0.75})
    (problem,) = said(files=bare)
    assert problem.endswith("weight_exponents.liver_flow has no source, rule or mark")


@pytest.mark.parametrize(
    ("file", "fields", "words"),
    [
        ("harms.yaml", {"lowest": 0.1}, "harms.yaml: [esketamine-systolic-180] has a field lowest, which nobody reads"),
        ("harms.yaml", {"high": "much"}, "harms.yaml: [esketamine-systolic-180].high is 'much', not a number"),
        ("policy.yaml", {"basis": "guess"}, "policy.yaml: [trial_weeks].basis is 'guess', not one of"),
        ("protocols/racemic-iv-series.yaml", {"route": "vein"}, "route is 'vein', not one of"),
        ("drugs/perezruixo2021-nasal.yaml", {"site": None}, "site is None, not one of"),
        ("instruments/gad7.yaml", {"bands": []}, "bands has 0 entries"),
        ("status.yaml", {"as_of": "yesterday"}, "as_of is 'yesterday', which does not look like"),
        ("needs.yaml", {"when": {"path": "social.ride_home"}}, "which is none of what may stand there"),
    ],
)
def test_a_file_that_breaks_the_form_of_its_kind_is_found_without_any_library(
    file: str, fields: Mapping[str, Any], words: str
) -> None:
    found = said(files=changed(file, **fields))
    assert [p for p in found if words in p], found


def test_a_file_that_nothing_reads_is_found() -> None:
    assert said(files={**FILES, "cardiology/pressure.yaml": []}) == [
        "cardiology/pressure.yaml: nothing reads a file of this name or in this folder"
    ]


def test_a_file_of_rules_without_its_dashes_is_not_passed_over() -> None:
    (problem,) = said(files={**FILES, "candidacy/new.yaml": dict(RULE)})
    assert problem == "candidacy/new.yaml: it has to be a list of rules, each beginning with a dash"


def test_a_translation_that_lacks_a_sentence_or_names_other_values_is_found() -> None:
    files = copy.deepcopy(dict(FILES))
    files["texts/advice.en.yaml"]["advice.call"] = "Call {number}."
    del files["texts/advice.de.yaml"]["advice.body"]
    files["texts/advice.de.yaml"]["advice.more"] = "Mehr."
    found = said(files=files)
    assert "texts/advice.de.yaml: advice.body is missing" in found
    assert "texts/advice.de.yaml: advice.more has no English" in found
    assert "texts/advice.ar.yaml: advice.call names other values than in English" in found


def test_an_admissible_value_that_the_path_cannot_have_is_found() -> None:
    spec = parse_path(
        {
            "path": "vitals.weight_kg", "label": "Weight", "type": "number", "unit": "kg", "limits": [25, 350],
            "window_days": 30, "admissible": [500], "supplied_by": "nurse", "from": {"question": True},
        },
        where="test",
    )  # fmt: skip
    found = said(replace(KNOWLEDGE, paths={**KNOWLEDGE.paths, spec.path: spec}))
    assert "path vitals.weight_kg: admissible 500 is a value that it cannot have" in found


def look(knowledge: Knowledge = KNOWLEDGE, files: Mapping[str, Any] = FILES, today: date = TODAY) -> list[str]:
    return list(warnings(knowledge, files, today))


def test_the_same_figures_under_two_citations_are_looked_at_until_a_note_says_why() -> None:
    first = FILES["harms.yaml"][1]
    again = {**first, "id": "again", "sources": ["FAVA"]}
    (warning,) = look(files={**FILES, "harms.yaml": [*FILES["harms.yaml"], again]})
    assert warning == (
        f"harm {first['id']} and harm again give the same figures from other sources: {first['low']}, {first['high']}"
    )
    noted = {**again, "note": f"The trial that the label quotes in {first['id']}."}
    assert look(files={**FILES, "harms.yaml": [*FILES["harms.yaml"], noted]}) == []
    same_source = {**again, "sources": first["sources"]}
    assert look(files={**FILES, "harms.yaml": [*FILES["harms.yaml"], same_source]}) == []


def test_one_publication_under_two_keys_is_looked_at() -> None:
    fava = KNOWLEDGE.sources["FAVA"]
    twin = replace(fava, key="FAVA_AGAIN", citation="Fava and others, the same paper")
    found = look(replace(KNOWLEDGE, sources={**KNOWLEDGE.sources, twin.key: twin}))
    assert found == ["sources FAVA and FAVA_AGAIN are one publication; say in the note of one how it differs"]


def test_a_sentence_that_two_rules_state_is_looked_at() -> None:
    assert look(with_rules({}, {"id": "TST-002"})) == ["rules TST-001, TST-002 state the same sentence"]


def test_what_is_due_for_review_or_was_read_long_ago_is_looked_at() -> None:
    found = look(today=date(2027, 11, 23))
    assert any(w.startswith("review overdue, rule: ") and "CON-001" in w for w in found)
    assert any(w.startswith("sources read more than 365 days ago: ") and "FAVA" in w for w in found)
    assert any(w.startswith("legal status read more than 365 days ago: ") for w in found)


def test_months_are_a_unit_that_a_record_may_state() -> None:
    assert convert(7, "months", "mo") == 7
    with pytest.raises(UnknownUnit):
        convert(7, "d", "mo")
