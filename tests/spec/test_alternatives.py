"""What else is there, what was tried, what ketamine is aimed at: sentences that a psychiatrist could sign."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.records import (
    KNOWLEDGE,
    PATIENT,
    SUBJECT,
    TODAY,
    assessed,
    days_ago,
    good_record,
    intake,
    person,
    phq9,
    record,
    spread,
)

from ketapath.alternatives import alternatives, choices, order_by_values, stated_weights, treatment_target
from ketapath.domain.alternative import Alternative, Comparison, Difference, Interval, Reason
from ketapath.education import claims_in
from ketapath.errors import BadInput, KnowledgeError
from ketapath.knowledge import documents
from ketapath.knowledge.alternatives import read
from ketapath.knowledge.cases import check
from ketapath.knowledge.figures import problems
from ketapath.knowledge.impact import impact
from ketapath.pharmacology.worked import worked
from ketapath.report import candidacy_html, candidacy_json, candidacy_pdf, candidacy_text, say
from ketapath.report.beside import difference, share

EMPTY = record()


def beside(data: bytes) -> dict[str, Alternative]:
    """The alternatives of this record by id."""
    return {found.id: found for found in alternatives(person(data), KNOWLEDGE)}


def reason(found: Alternative, name: str) -> Reason:
    return next(r for r in found.reasons if r.id == name)


def figures(name: str) -> Comparison:
    """One comparison of the knowledge by its id."""
    return next(c for spec in KNOWLEDGE.alternatives.values() for c in spec.compares if c.id == name)


def said(comparison: Comparison) -> list[str]:
    apart = difference(comparison)
    return [say(share(arm), KNOWLEDGE.texts) for arm in comparison.arms] + (
        [] if apart is None else [say(apart, KNOWLEDGE.texts)]
    )


# figures


def test_published_counts_give_absolute_figures_with_an_interval_of_ours() -> None:
    assert said(figures("transform-response")) == [
        "59 of 100 (53 to 64, computed by us; of 310 people)",
        "45 of 100 (39 to 52, computed by us; of 208 people)",
        "difference 14 of 100 (5 to 22, computed by us)",
    ]


def test_a_published_interval_is_kept_and_not_computed_again() -> None:
    assert said(figures("elekt-d-response"))[-1] == "difference 14 of 100 (4 to 24)"


def test_without_the_number_of_people_there_is_no_interval() -> None:
    assert said(figures("escape-trd-remission")) == [
        "27 of 100 (interval not in our evidence)",
        "18 of 100 (interval not in our evidence)",
        "difference 9.5 of 100 (computed by us, interval not in our evidence)",
    ]
    assert {arm.n for arm in figures("transform-1-remission").arms} == {None}


def test_where_the_hospital_trial_gives_no_group_sizes_only_its_published_difference_has_an_interval() -> None:
    assert said(figures("ketect-remission")) == [
        "46 of 100 (interval not in our evidence)",
        "63 of 100 (interval not in our evidence)",
        "difference -17 of 100 (computed by us; published interval -30 to -2)",
    ]


def test_what_has_no_figures_in_the_evidence_says_so_and_shows_none() -> None:
    found = beside(EMPTY)
    for name in ("tms", "psychotherapy", "pain-service"):
        assert not found[name].compares
        assert found[name].uncompared == (found[name].title,)
    without = {say(t, KNOWLEDGE.texts) for t in found["augmentation"].uncompared}
    assert without == {"Aripiprazole", "Lithium", "Thyroid hormone (T3)"}
    shown = candidacy_text(assessed(EMPTY), person(EMPTY), KNOWLEDGE)
    assert "Lithium: not in our evidence" in shown


def test_every_figure_names_its_trial_its_source_and_how_far_it_was_read() -> None:
    for spec in KNOWLEDGE.alternatives.values():
        for comparison in spec.compares:
            assert comparison.trial
            assert comparison.evidence.kind == "published"
            assert comparison.evidence.key in KNOWLEDGE.sources
            assert comparison.evidence.locator


# when the evidence favours what


@pytest.mark.parametrize(
    ("facts", "name", "holds"),
    [
        ({"setting.inpatient": True}, "in-hospital", True),
        ({"setting.inpatient": False}, "in-hospital", False),
        ({"diagnosis.psychotic_features": True}, "psychotic", True),
        ({"diagnosis.catatonia": True}, "catatonia", True),
    ],
)
def test_in_hospital_or_with_psychosis_or_catatonia_electroconvulsive_therapy_is_favoured(
    facts: dict[str, Any], name: str, holds: bool
) -> None:
    found = beside(good_record(**{p.replace(".", "__"): v for p, v in facts.items()}))["ect"]
    assert reason(found, name).holds is holds
    assert found.preferred_now is holds


def test_for_an_outpatient_without_psychosis_neither_is_favoured_and_the_trial_is_named() -> None:
    found = beside(good_record())["ect"]
    outpatient = reason(found, "outpatient")
    assert (outpatient.holds, outpatient.favours) == (True, "neither")
    assert [e.key for e in outpatient.evidence] == ["ELEKT", "ELEKT2"]
    assert not any(r.holds for r in found.reasons if r.favours == "alternative")


def test_nobody_knows_of_an_empty_record_what_is_favoured() -> None:
    for name in ("ect", "tms", "augmentation", "psychotherapy", "pain-service"):
        assert beside(EMPTY)[name].preferred_now is None


def test_trials_in_unipolar_depression_speak_of_nobody_with_bipolar_disorder() -> None:
    found = beside(good_record(diagnosis__bipolar=True, setting__inpatient=True))
    for name, one in (("ect", "in-hospital"), ("ect", "outpatient"), ("augmentation", "two-trials-or-more")):
        assert reason(found[name], one).holds is False


def test_before_two_failed_trials_other_medicines_are_favoured_and_after_them_esketamine() -> None:
    before, after = beside(good_record(trials__adequate_failed=1.0)), beside(good_record(trials__adequate_failed=2.0))
    for name in ("augmentation", "antidepressant"):
        assert before[name].preferred_now is True
        assert reason(before[name], "two-trials-or-more").holds is False
        assert reason(after[name], "fewer-than-two-trials").holds is False
        ketamine = reason(after[name], "two-trials-or-more")
        assert (ketamine.holds, ketamine.favours) == (True, "ketamine")


def test_post_traumatic_stress_favours_trauma_focused_therapy() -> None:
    found = beside(good_record(diagnosis__ptsd=True))["psychotherapy"]
    assert found.preferred_now is True
    assert {e.key for e in reason(found, "ptsd").evidence} == {"ABDAL", "BORG"}


def test_a_reason_without_a_published_source_is_a_site_default() -> None:
    catatonia = reason(beside(EMPTY)["ect"], "catatonia")
    assert [e.kind for e in catatonia.evidence] == ["site-default"]


def test_as_long_as_nobody_asked_what_matters_the_favoured_stand_first_and_then_the_ketamine_ways() -> None:
    order = [a.id for a in choices(person(good_record(diagnosis__chronic_pain=True)), KNOWLEDGE)]
    assert order[:3] == ["pain-service", "esketamine-nasal", "racemic-iv"]


# what was tried


def test_silence_is_not_known_whether_tried_and_only_a_stated_no_is_never() -> None:
    silent = beside(EMPTY)
    for name in ("ect", "tms", "augmentation", "antidepressant", "psychotherapy", "pain-service"):
        assert [t.state for t in silent[name].tried] == ["unknown"]
        assert "not known whether tried" in say(silent[name].tried[0].statement, KNOWLEDGE.texts).lower()
    assert [t.state for t in beside(record(intake({"history.ect_tried": False})))["ect"].tried] == ["never"]


@pytest.mark.parametrize(
    ("response", "state"),
    [
        ("helped", "helped"),
        ("partly", "partly"),
        ("did-not-help", "did-not-help"),
        ("not-tolerated", "not-tolerated"),
        ("unknown", "result-unknown"),
    ],
)
def test_how_an_earlier_treatment_went_is_shown_as_stated(response: str, state: str) -> None:
    for name in ("ect", "tms", "psychotherapy"):
        stated = {f"history.{name}_tried": True, f"history.{name}_response": response}
        tried = beside(record(intake(stated)))[name].tried
        assert [t.state for t in tried] == [state]
        assert len(tried[0].facts) == 2


def test_what_helped_before_is_favoured_and_what_failed_is_not() -> None:
    helped = beside(record(intake({"history.ect_tried": True, "history.ect_response": "helped"})))["ect"]
    failed = beside(good_record(history__ect_tried=True, history__ect_response="did-not-help"))["ect"]
    never = beside(good_record(history__ect_tried=False))["ect"]
    assert helped.preferred_now is True
    assert failed.preferred_now is False
    assert never.preferred_now is False


def test_what_shows_that_it_was_tried_counts_and_its_absence_does_not() -> None:
    for name, path, shows, does_not in (
        ("psychotherapy", "therapy.evidence_based_done", True, False),
        ("augmentation", "trials.augmentation_weeks", 6.0, 0.0),
    ):
        assert [t.state for t in beside(record(intake({path: shows})))[name].tried] == ["result-unknown"]
        assert [t.state for t in beside(record(intake({path: does_not})))[name].tried] == ["unknown"]


def test_never_tried_and_a_result_contradict_each_other() -> None:
    found = beside(record(intake({"history.ect_tried": False, "history.ect_response": "helped"})))["ect"]
    assert [t.statement.key for t in found.tried] == ["tried.contradicts"]
    assert reason(found, "helped-before").holds is None


def taken(name: str, mg: float, first: int, last: int, said: str | None) -> dict[str, Any]:
    """A medicine taken from so many days ago to so many days ago, with what was said of it."""
    daily = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    return {
        "resourceType": "MedicationStatement",
        "id": name,
        "status": "stopped",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": name},
        "effectivePeriod": {"start": days_ago(first).isoformat(), "end": days_ago(last).isoformat()},
        "dosage": [{"timing": daily, "doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg"}}]}],
        **({"statusReason": [{"text": said}]} if said else {}),
    }


@pytest.mark.parametrize(
    ("medicine", "state"),
    [
        (taken("sertraline", 150, 300, 220, "ineffective"), "did-not-help"),
        (taken("sertraline", 150, 300, 290, "ineffective"), "not-adequate"),
        (taken("sertraline", 25, 300, 220, "ineffective"), "not-adequate"),
        (taken("sertraline", 150, 300, 220, "not tolerated"), "not-tolerated"),
        (taken("sertraline", 150, 300, 220, None), "result-unknown"),
    ],
    ids=["adequate and without response", "too short", "too low", "not tolerated", "not said"],
)
def test_a_medicine_failed_only_where_it_was_adequate_and_somebody_said_so(
    medicine: dict[str, Any], state: str
) -> None:
    tried = beside(record(medicine))["antidepressant"].tried
    assert [(t.what, t.state, t.origins) for t in tried] == [("sertraline", state, ("MedicationStatement/sertraline",))]


def test_failures_on_record_are_not_counted_twice() -> None:
    data = record(taken("sertraline", 150, 300, 220, "ineffective"), taken("venlafaxine", 225, 200, 120, "ineffective"))
    assert person(data).known["trials.adequate_failed"].value == 2
    assert [t.what for t in beside(data)["antidepressant"].tried] == ["sertraline", "venlafaxine"]


def test_an_augmenting_medicine_on_the_list_is_named_without_a_claim_about_it() -> None:
    tried = beside(record(taken("quetiapine", 150, 300, 220, None)))["augmentation"].tried
    assert [(t.what, t.state, t.origins) for t in tried] == [
        ("quetiapine", "result-unknown", ("MedicationStatement/quetiapine",))
    ]


def test_failures_that_were_only_counted_are_shown_as_counted() -> None:
    tried = beside(good_record(trials__adequate_failed=3.0))["antidepressant"].tried
    assert [(t.state, say(t.statement, KNOWLEDGE.texts)) for t in tried] == [
        ("did-not-help", "3 tried without response, as stated.")
    ]


def test_therapy_under_way_is_under_way() -> None:
    assert "under-way" in {t.state for t in beside(good_record(therapy__current=True))["psychotherapy"].tried}


# what matters


def test_who_minds_memory_and_needles_most_sees_stimulation_and_therapy_before_electroconvulsive_therapy() -> None:
    answers = {"preference.weight_memory": "very-important", "preference.weight_invasiveness": "important"}
    found = assessed(record(intake(answers), phq9(spread(18))))
    assert found.values is not None
    order = [a.id for a in found.values.order]
    assert order.index("tms") < order.index("ect")
    assert order.index("psychotherapy") < order.index("ect")
    assert set(order) == {a.id for a in choices(person(EMPTY), KNOWLEDGE)}
    others = [a.id for a in found.alternatives if a.kind == "alternative"]
    assert others == [a.id for a in found.values.order if a.kind == "alternative"]


def test_what_the_evidence_favours_keeps_its_mark_when_values_move_it_down() -> None:
    data = good_record(diagnosis__psychotic_features=True, preference__weight_memory="very-important")
    found = assessed(data)
    assert found.values is not None
    ect = next(a for a in found.values.order if a.id == "ect")
    assert ect.preferred_now is True
    assert found.values.order[0].id != "ect"
    shown = candidacy_text(found, person(data), KNOWLEDGE)
    assert "Electroconvulsive therapy (favoured now)" in shown


def test_each_move_says_what_counted_and_what_is_not_known() -> None:
    found = order_by_values(choices(person(EMPTY), KNOWLEDGE), {"memory": 3, "cost": 2})
    tms = next(m for m in found.moves if m.id == "tms")
    assert [(c.title.key, c.weight) for c in tms.counted] == [("value.memory.title", 3)]
    assert [t.key for t in tms.unknown] == ["value.cost.title"]
    assert tms.now < tms.was


def test_nothing_stated_changes_nothing_and_says_so() -> None:
    found = assessed(good_record()).values
    assert found is not None
    assert (found.moves, found.statement.key) == ((), "values.none_stated")
    assert [a.id for a in found.order] == [a.id for a in choices(person(good_record()), KNOWLEDGE)]


@pytest.mark.parametrize("weights", [{"memory": 4}, {"memory": -1}, {"colour": 1}])
def test_a_weight_that_is_none_is_refused(weights: dict[str, int]) -> None:
    with pytest.raises(BadInput):
        order_by_values(choices(person(EMPTY), KNOWLEDGE), weights)


def test_the_words_of_the_exercise_are_its_weights() -> None:
    words = {"speed": "not-important", "memory": "somewhat", "visits": "important", "cost": "very-important"}
    stated = intake({f"preference.weight_{thing}": word for thing, word in words.items()})
    assert stated_weights(person(record(stated))) == {"speed": 0, "memory": 1, "visits": 2, "cost": 3}


def test_a_judgement_of_ours_is_marked_until_somebody_approves_it() -> None:
    ect = KNOWLEDGE.alternatives["ect"]
    assert ect.awaits_approval
    assert any(t.is_judgement for t in ect.traits)
    approved = ect.approved("Dr Novak")
    assert not approved.awaits_approval
    assert not any(t.is_judgement for t in approved.traits)


# what is treated


def target(**facts: bool) -> dict[str, Any]:
    stated = {f"diagnosis.{name}": value for name, value in facts.items()}
    found = treatment_target(person(record(intake(stated))), KNOWLEDGE)
    return {
        "holds": found.holds,
        "condition": found.condition,
        "beside": [(b.condition, b.rule_id) for b in found.beside],
        "missing": set(found.missing),
        "statement": found.statement.key,
    }


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("ptsd", ("ptsd", "CAN-026")),
        ("chronic_pain", ("chronic-pain", "CAN-032")),
        ("alcohol_use_disorder", ("alcohol", "CAN-030")),
        ("bipolar", ("bipolar", "CAN-023")),
    ],
)
def test_with_another_condition_beside_it_the_depression_is_the_target(other: str, expected: tuple[str, str]) -> None:
    found = target(depression=True, **{other: True})
    assert (found["holds"], found["condition"]) == (True, "depression")
    assert found["beside"] == [expected]


def test_post_traumatic_stress_alone_is_no_target() -> None:
    found = target(depression=False, bipolar=False, ptsd=True)
    assert (found["holds"], found["condition"]) == (False, None)
    assert found["beside"] == [("ptsd", "CAN-024")]


def test_a_target_is_unknown_while_the_diagnoses_are() -> None:
    assert target()["holds"] is None
    assert target(ptsd=True)["holds"] is None
    assert target(depression=False)["holds"] is None
    assert "diagnosis.bipolar" in target(depression=False)["missing"]
    assert target()["statement"] == "target.unknown"
    assert target(depression=False, bipolar=False)["statement"] == "target.none"


def test_somebody_who_died_has_no_target_and_no_alternatives() -> None:
    found = assessed(record(patient=PATIENT | {"deceasedDateTime": "2026-01-05"}))
    assert (found.target, found.values, found.alternatives) == (None, None, ())


# forms


def test_the_json_keeps_its_keys_and_has_the_new_ones() -> None:
    data = good_record(diagnosis__ptsd=True, preference__weight_speed="very-important")
    form = candidacy_json(assessed(data), person(data), KNOWLEDGE)
    old = {"id", "title", "prefer_when", "preferred_now", "evidence", "rule"}
    for found in form["alternatives"]:
        assert old | {"compares", "failed", "favoured", "values", "not_in_evidence"} == set(found)
    ect = next(a for a in form["alternatives"] if a["id"] == "ect")
    arm = ect["compares"][0]["arms"][0]
    assert (arm["percent"], arm["n"], arm["interval"]["computed_by_us"]) == (55.4, 195, True)
    assert form["treatment_target"]["condition"] == "depression"
    assert {"weights", "statement", "order", "moves"} == set(form["values"])


def test_page_and_document_are_made_with_and_without_values_and_escape_what_the_record_says() -> None:
    answers = {"preference.weight_speed": "very-important", "history.ect_tried": True}
    for data in (EMPTY, good_record(), record(intake(answers))):
        found, someone = assessed(data), person(data)
        page = candidacy_html(found, someone, KNOWLEDGE)
        assert "55 of 100 (48 to 62, computed by us; of 195 people)" in page
        assert candidacy_pdf(found, someone, KNOWLEDGE).startswith(b"%PDF")


# the knowledge check


def test_the_knowledge_holds_and_a_source_knows_which_alternatives_rest_on_it() -> None:
    assert check(KNOWLEDGE, today=TODAY, claims_in=claims_in, worked=worked).problems == ()
    assert impact(documents(), "ELEKT")["alternative"] == ["ect", "racemic-iv"]
    assert impact(documents(), "ABDAL")["target"] == ["ptsd"]


def with_arm(**changed: Any) -> Comparison:
    """The outpatient trial with its first group changed."""
    found = figures("elekt-d-response")
    return replace(found, arms=(replace(found.arms[0], **changed), *found.arms[1:]))


def with_difference(value: float, low: float, high: float, favours: Any = "ketamine") -> Comparison:
    interval = Interval(low=low, high=high, computed=False)
    apart = Difference(value=value, unit=None, computed=False, interval=interval)
    return replace(figures("elekt-d-response"), difference=apart, favours=favours)


@pytest.mark.parametrize(
    ("broken", "problem"),
    [
        (with_arm(percent=155.4), "impossible"),
        (with_arm(percent=-1.0), "impossible"),
        (with_arm(n=10), "cannot come from 10 people"),
        (with_arm(events=100), "cannot come from 195 people, 100 of them"),
        (with_arm(interval=Interval(low=60.0, high=70.0, computed=False)), "does not hold 55.4"),
        (with_arm(n=None, events=108), "events without the number"),
        (with_difference(14.2, 15.0, 24.0), "does not hold 14.2"),
        (with_difference(41.0, 30.0, 50.0), "apart"),
        (with_difference(14.2, 3.9, 24.2, "alternative"), "speaks for ketamine"),
        (with_difference(14.2, -3.9, 24.2), "holds no difference"),
    ],
)
def test_a_figure_that_cannot_be_is_found(broken: Comparison, problem: str) -> None:
    assert not list(problems(figures("elekt-d-response")))
    assert any(problem in said for said in problems(broken)), list(problems(broken))


def test_the_check_names_the_alternative_whose_figure_is_impossible() -> None:
    ect = KNOWLEDGE.alternatives["ect"]
    broken = replace(ect, compares=(with_arm(percent=155.4), *ect.compares[1:]))
    found = check(
        replace(KNOWLEDGE, alternatives={**KNOWLEDGE.alternatives, "ect": broken}),
        today=TODAY,
        claims_in=claims_in,
        worked=worked,
    )
    assert [p for p in found.problems if p.startswith("alternative ect/elekt-d-response")]


RECORD: dict[str, Any] = {
    "id": "x",
    "version": "1",
    "kind": "alternative",
    "title": "X",
    "prefer_when": "never",
    "rule": "CAN-019",
    "sources": [],
    "prefer": [],
    "values": {"speed": "unknown"},
    "compares": [
        {
            "id": "c", "trial": "T", "outcome": "response", "population": "p", "when": "w", "randomised": True,
            "masking": "open", "arms": [{"name": "a", "side": "ketamine", "percent": 50}], "favours": None,
            "source": {"key": "ELEKT", "locator": "abstract"}, "trust": "read",
        }
    ],
}  # fmt: skip
VALUES = [{"id": "speed", "title": "Speed", "levels": {"slow": "slow", "fast": "fast"}}]


def broken_record(**changed: Any) -> dict[str, Any]:
    return RECORD | changed


def broken_comparison(**changed: Any) -> dict[str, Any]:
    return RECORD | {"compares": [RECORD["compares"][0] | changed]}


@pytest.mark.parametrize(
    "record_",
    [
        broken_comparison(source={"key": "NOBODY", "locator": "x"}),
        broken_comparison(trust="heard"),
        broken_comparison(outcome="cure"),
        broken_comparison(masking="dark"),
        broken_comparison(favours="us"),
        broken_comparison(of="nothing"),
        broken_comparison(arms=[{"name": "a", "side": "left", "percent": 50}]),
        broken_comparison(difference={"interval": [1]}),
        broken_comparison(odds=3),
        broken_record(values={}),
        broken_record(values={"speed": {"is": "light", "sources": []}}),
        broken_record(sources=["NOBODY"]),
        broken_record(colour="blue"),
        broken_record(prefer=[{"id": "r"}]),
    ],
)
def test_a_record_that_breaks_the_format_is_refused(record_: dict[str, Any]) -> None:
    assert len(read([("f", [RECORD])], VALUES, [], KNOWLEDGE.sources)[0]) == 1
    with pytest.raises(KnowledgeError):
        read([("f", [record_])], VALUES, [], KNOWLEDGE.sources)


def test_a_published_interval_stands_where_one_could_be_computed() -> None:
    arms = [{"name": n, "side": "ketamine", "percent": 50, "n": 20} for n in "ab"]
    one = broken_comparison(arms=arms, difference={"interval": [-1, 1]})
    apart = read([("f", [one])], VALUES, [], KNOWLEDGE.sources)[0][0].compares[0].difference
    assert apart is not None
    assert apart.interval == Interval(low=-1.0, high=1.0, computed=False)


def test_a_figure_without_a_source_is_refused() -> None:
    without = {k: v for k, v in RECORD["compares"][0].items() if k != "source"}
    with pytest.raises(KnowledgeError, match="source"):
        read([("f", [RECORD | {"compares": [without]}])], VALUES, [], KNOWLEDGE.sources)
