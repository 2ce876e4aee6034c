"""Screening answers become probabilities by published accuracy; they are never a diagnosis and never decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.records import KNOWLEDGE, PATIENT, TODAY, days_ago, good_record, intake, person, quantity, record

from ketapath.cli import main
from ketapath.domain.clinic import Approval
from ketapath.domain.profile import Profile
from ketapath.domain.screening import Accuracy, Reading, Screened
from ketapath.errors import BadInput, KnowledgeError
from ketapath.knowledge import Knowledge, documents
from ketapath.knowledge.impact import impact
from ketapath.knowledge.listing import listing, shown
from ketapath.knowledge.policy import items, under_policy
from ketapath.knowledge.screens import Condition, parse_condition, problems, wilson
from ketapath.profile import with_fact
from ketapath.report import say, screening_html, screening_json, screening_text
from ketapath.screening import screen

PCL5, AUDIT_C, GAD7 = "101698-9", "75626-2", "70274-6"  # LOINC, the totals
MAN: dict[str, Any] = PATIENT | {"gender": "male"}
MDQ = {"scale.mdq": 9.0, "scale.mdq_same_period": True, "scale.mdq_problem": "serious"}


def someone(facts: Mapping[str, Any], *, patient: Mapping[str, Any] = PATIENT) -> Profile:
    """A person who has answered this today and about whom nothing else is known."""
    found = person(record(patient=patient))
    for path, value in facts.items():
        found = with_fact(found, path, value, unit=KNOWLEDGE.paths[path].unit)
    return found


def screened(
    who: Profile, condition: str, *, knowledge: Knowledge = KNOWLEDGE, **pretest: tuple[float, float]
) -> Screened:
    """What is said of one condition."""
    found = screen(who, knowledge, pretest=pretest, seed=1)
    return next(s for s in found if s.condition == condition)


def reading(found: Screened, name: str) -> Reading:
    return next(r for r in found.readings if r.id == name)


def said(found: Screened) -> str:
    return say(found.statement, KNOWLEDGE.texts)


def notes(found: Screened, knowledge: Knowledge = KNOWLEDGE) -> str:
    return " ".join(say(n, knowledge.texts) for n in found.notes)


def test_a_positive_answer_follows_bayes_rule_with_the_figures_of_the_source() -> None:
    # AUDIT-C of 4 or more in men, BRADLEY2007: sensitivity 0.86, specificity 0.89. If 30 in 100 men misuse alcohol,
    # 25.8 of them and 7.7 of the 70 others answer so: 25.8 of 33.5, which is 77 in 100.
    found = screened(someone({"scale.audit_c": 4.0}, patient=MAN), "alcohol", alcohol=(0.3, 0.3))
    ratio, after = reading(found, "SCR-030").likelihood_ratio, found.posttest
    assert ratio is not None
    assert after is not None
    assert ratio.p50 == pytest.approx(0.86 / 0.11, rel=0.02)
    assert after.p50 == pytest.approx(25.8 / 33.5, abs=0.005)
    assert after.p05 < 25.8 / 33.5 < after.p95
    assert said(found).startswith("About 8 in 10 people with this screening answer in this setting misuse alcohol")


def test_a_negative_answer_lowers_the_probability_and_does_not_make_it_nothing() -> None:
    # The other way round: 4.2 of the 30 and 62.3 of the 70 answer so, 4.2 of 66.5.
    after = screened(someone({"scale.audit_c": 3.0}, patient=MAN), "alcohol", alcohol=(0.3, 0.3)).posttest
    assert after is not None
    assert after.p50 == pytest.approx(4.2 / 66.5, abs=0.005)


def test_three_points_of_the_audit_c_are_positive_for_a_woman_and_negative_for_a_man() -> None:
    woman, man = (screened(someone({"scale.audit_c": 3.0}, patient=p), "alcohol") for p in (PATIENT, MAN))
    assert {r.id: r.answer for r in woman.readings} == {"SCR-031": "positive"}
    assert {r.id: r.answer for r in man.readings} == {"SCR-030": "negative", "SCR-032": "negative"}


def test_without_the_sex_the_audit_c_is_not_read_and_the_sex_is_asked_for() -> None:
    unknown = {k: v for k, v in PATIENT.items() if k != "gender"}
    found = screened(someone({"scale.audit_c": 9.0}, patient=unknown), "alcohol")
    assert {r.answer for r in found.readings} == {"not answered"}
    assert [g.path for form in found.to_fill for g in form.gaps] == ["person.sex"]
    other = screened(someone({"scale.audit_c": 9.0}, patient=PATIENT | {"gender": "other"}), "alcohol")
    assert not other.readings
    assert "No cut-off in our evidence" in notes(other)


def test_a_sensitive_and_a_specific_cut_off_stand_beside_each_other() -> None:
    found = screened(someone({"scale.pcl5": 38.0}), "ptsd")
    by_purpose = {r.purpose: r.answer for r in found.readings if r.instrument == "PCL-5"}
    assert by_purpose == {"sensitive": "positive", "specific": "negative"}
    assert "The screens disagree" in notes(found)


def test_the_mdq_is_positive_only_with_all_three_parts() -> None:
    assert reading(screened(someone(MDQ), "bipolar"), "SCR-001").answer == "positive"
    mild = screened(someone(MDQ | {"scale.mdq_problem": "minor"}), "bipolar")
    assert reading(mild, "SCR-001").answer == "negative"
    few = screened(someone({"scale.mdq": 6.0}), "bipolar")
    assert reading(few, "SCR-001").answer == "negative"
    open_ = screened(someone({"scale.mdq": 9.0, "scale.mdq_same_period": True}), "bipolar")
    assert open_.posttest is None
    assert [g.path for form in open_.to_fill for g in form.gaps] == ["scale.mdq_problem"]


def test_an_unanswered_questionnaire_gives_no_number_and_is_named() -> None:
    found = screen(someone({}), KNOWLEDGE, seed=1)
    assert {s.condition for s in found} == {"alcohol", "anxiety", "bipolar", "depression", "drugs", "psychosis", "ptsd"}
    for one in found:
        assert one.posttest is None
        assert one.leading is None
        assert not any(r.likelihood_ratio or r.posttest or r.by_pretest for r in one.readings)
        assert {f.instrument for f in one.to_fill} == {r.instrument for r in one.readings}
        assert said(one).startswith("Nothing can be said about")


def test_an_answer_outside_its_window_is_no_answer_and_its_age_is_said() -> None:
    last, late = (quantity(PCL5, 50.0, "{score}", on=days_ago(d)) for d in (28, 29))
    found = screened(person(record(late)), "ptsd")
    assert found.posttest is None
    gap = found.to_fill[0].gaps[0]
    assert say(gap.reason, KNOWLEDGE.texts) == "It is 29 days old; it may be relied on for 28 days."
    used = reading(screened(person(record(last)), "ptsd"), "SCR-010").used[0]
    assert (used.fact.value, used.fact.on, used.window_days) == ("50", days_ago(28), 28)


def test_a_diagnosis_on_record_is_said_and_no_probability_is_computed() -> None:
    found = screened(someone(MDQ | {"diagnosis.bipolar": True}), "bipolar", bipolar=(0.1, 0.3))
    assert [f.path for f in found.known] == ["diagnosis.bipolar"]
    assert said(found) == "Bipolar disorder or mania is on record. Screening adds nothing to it."
    assert found.posttest is None
    assert found.pretest is None
    assert not found.to_fill
    answered = reading(found, "SCR-001")
    assert answered.answer == "positive"
    assert answered.likelihood_ratio is None


def test_a_disorder_of_drinking_is_not_read_as_one_of_drugs() -> None:
    alone = {"history.substance_use_disorder": True, "scale.drug_use_times": 3.0}
    assert [f.path for f in screened(someone(alone), "drugs").known] == ["history.substance_use_disorder"]
    both = screened(someone(alone | {"diagnosis.alcohol_use_disorder": True}), "drugs")
    assert not both.known
    assert [f.path for f in both.said] == ["history.substance_use_disorder"]
    assert both.posttest is not None


def test_two_screens_of_one_condition_are_never_multiplied_and_the_better_read_one_leads() -> None:
    one = screened(someone({"scale.pcl5": 50.0}), "ptsd")
    both = screened(someone({"scale.pcl5": 50.0, "scale.pc_ptsd5": 5.0}), "ptsd")
    assert both.leading == one.leading == "SCR-010"
    assert both.posttest == one.posttest
    assert reading(both, "SCR-012").posttest is not None
    assert "err independently" in notes(both)
    # The study that was read stands before the one whose interval was read in another paper.
    mdq = screened(someone(MDQ), "bipolar")
    assert (mdq.leading, reading(mdq, "SCR-001").trust, reading(mdq, "SCR-002").trust) == ("SCR-001", "read", "summary")


def test_a_cut_off_whose_accuracy_was_not_read_gives_no_number_and_says_so() -> None:
    found = screened(someone({"scale.dast10": 6.0}), "drugs")
    dast = reading(found, "SCR-041")
    assert (dast.answer, dast.likelihood_ratio, found.posttest) == ("positive", None, None)
    assert "not in our evidence" in say(dast.statement, KNOWLEDGE.texts)
    beside = screened(someone({"scale.dast10": 6.0, "scale.drug_use_times": 0.0}), "drugs")
    assert "DAST-10 is positive, and its accuracy is not in our evidence." in notes(beside)


def test_the_range_before_the_answer_is_an_assumption_until_the_medical_lead_approves_it() -> None:
    found = screened(someone(MDQ), "bipolar").pretest
    assert found is not None
    assert (found.low, found.high, found.stated, found.approved_by) == (0.12, 0.22, False, None)
    assert "has still to approve" in say(found.statement, KNOWLEDGE.texts)
    assert [e.key for e in found.evidence] == ["DAVENEY2019", "BRIDGE2011"]
    bounds = {i.id: i for i in items(KNOWLEDGE) if i.id.startswith("screening_bipolar")}
    moved = {"screening_bipolar_low": {}, "screening_bipolar_high": {"value": 0.4}}
    approvals = {
        n: Approval(item=n, version=bounds[n].version, by="Dr Novak", on=TODAY, values=v) for n, v in moved.items()
    }
    here = screened(someone(MDQ), "bipolar", knowledge=under_policy(KNOWLEDGE, approvals)).pretest
    assert here is not None
    assert (here.low, here.high, here.approved_by) == (0.12, 0.4, "Dr Novak")
    assert "approved for this clinic by Dr Novak" in say(here.statement, KNOWLEDGE.texts)


def test_a_range_that_the_clinician_states_takes_the_place_of_the_settings() -> None:
    found = screened(someone(MDQ), "bipolar", bipolar=(0.4, 0.6))
    assert found.pretest is not None
    assert (found.pretest.low, found.pretest.high, found.pretest.stated) == (0.4, 0.6, True)
    for wrong in ({"bipolar": (0.0, 0.2)}, {"bipolar": (0.5, 0.2)}, {"bipolar": (0.2, 1.0)}, {"gout": (0.1, 0.2)}):
        with pytest.raises(BadInput):
            screen(someone(MDQ), KNOWLEDGE, pretest=wrong, seed=1)


def test_where_nobody_knows_how_common_it_is_the_probability_is_given_for_several_values() -> None:
    phq2 = screened(someone({"scale.phq2": 4.0}), "depression")
    assert phq2.pretest is None
    assert phq2.posttest is None
    assert phq2.leading == "SCR-051"
    # MANEA2016: 0.76 and 0.87, so an odds of 1 to 4 becomes 1.46 to 1, 59 in 100.
    at = {a.pretest: a.posttest.p50 for a in reading(phq2, "SCR-051").by_pretest}
    assert at[0.2] == pytest.approx(0.2 * 0.76 / (0.2 * 0.76 + 0.8 * 0.13), abs=0.01)
    assert list(at.values()) == sorted(at.values())


def test_an_accuracy_without_an_interval_says_that_its_width_is_assumed() -> None:
    found = screened(someone(MDQ), "bipolar")
    assert "MDQ (SCR-001): the source gives no interval. The band is as wide as one from 30 people" in notes(found)


def test_disagreement_between_studies_is_shown_as_width_and_not_averaged_away() -> None:
    found = screened(someone({"scale.pq16": 9.0}), "psychosis")
    ratio = reading(found, "SCR-020").likelihood_ratio
    assert ratio is not None
    assert ratio.p05 < 1.5
    assert ratio.p95 > 4
    assert "studies disagree" in notes(found)


def test_a_total_that_another_system_sends_counts_as_well_as_an_answer_given_here() -> None:
    found = screened(person(record(quantity(GAD7, 12.0, "{score}"))), "anxiety")
    assert reading(found, "SCR-060").answer == "positive"
    assert found.posttest is not None


def test_nobody_is_screened_after_death() -> None:
    dead = person(record(intake(MDQ), patient=PATIENT | {"deceasedBoolean": True}))
    assert screen(dead, KNOWLEDGE, seed=1) == ()
    assert "This person has died" in screening_text((), dead, KNOWLEDGE)
    assert "This person has died" in screening_html((), KNOWLEDGE)


def test_every_form_of_the_result_says_that_it_is_screening_and_no_diagnosis() -> None:
    who = someone(MDQ | {"scale.audit_c": 7.0, "scale.dast10": 4.0})
    found = screen(who, KNOWLEDGE, seed=1)
    form = screening_json(found, who, KNOWLEDGE, seed=1)
    assert {c["label"] for c in form["conditions"]} == {form["label"]} == {"Screening, not a diagnosis"}
    assert "Screening, not a diagnosis" in screening_html(found, KNOWLEDGE)
    words = screening_text(found, who, KNOWLEDGE)
    assert "SCREENING, NOT A DIAGNOSIS" in words
    assert "{" not in words
    for one in form["conditions"]:
        assert one["settled_by"]
        if one["posttest"] is not None:
            assert "with this screening answer in this setting" in one["statement"]


def test_each_condition_says_what_would_settle_it() -> None:
    for one in screen(someone({}), KNOWLEDGE, seed=1):
        assert "interview" in say(one.settled_by, KNOWLEDGE.texts)


def test_every_accuracy_has_a_source_and_an_interval_or_says_that_it_has_none() -> None:
    screens = [s for c in KNOWLEDGE.screening.values() for s in c.screens]
    assert len(screens) == 17
    for one in screens:
        assert one.evidence
        assert all(e.key and e.locator for e in one.evidence)
        for figure in (one.sensitivity, one.specificity):
            assert figure is None or (figure.interval is None) is (figure.basis == "assumed")


def test_a_source_tells_which_screens_rest_on_it() -> None:
    assert impact(documents(), "BRADLEY2007")["screening"] == ["SCR-030", "SCR-031"]
    assert impact(documents(), "DAVENEY2019")["screening"] == ["bipolar"]


def test_the_list_of_the_knowledge_has_the_screens() -> None:
    entry = next(i for i in listing(KNOWLEDGE) if i["id"] == "bipolar")
    assert (entry["kind"], entry["title"], entry["needs_approval"]) == ("screening", "Bipolar disorder", True)
    form = shown(KNOWLEDGE, "bipolar")
    assert form is not None
    assert form["screens"][0]["texts"]["cut"].startswith("7 or more of 13")
    assert shown(KNOWLEDGE, "SCR-002") == form
    json.dumps(form)


def with_accuracy(figure: Accuracy) -> Knowledge:
    """The knowledge with another sensitivity of the first screen of bipolar disorder."""
    bipolar = KNOWLEDGE.screening["bipolar"]
    changed = replace(bipolar, screens=(replace(bipolar.screens[0], sensitivity=figure), *bipolar.screens[1:]))
    return replace(KNOWLEDGE, screening={**KNOWLEDGE.screening, "bipolar": changed})


def test_the_check_finds_figures_that_cannot_be() -> None:
    assert list(problems(KNOWLEDGE)) == []
    for wrong, words in (
        (Accuracy(point=1.2, interval=None, basis="assumed", people=None), "inside 0 to 1"),
        (Accuracy(point=0.9, interval=(0.5, 0.8), basis="published", people=None), "does not hold"),
        (Accuracy(point=0.9, interval=(0.8, 0.95), basis="wilson", people=1000), "Wilson's interval is"),
        (Accuracy(point=0.5, interval=(0.2, 0.9), basis="spread", people=None), "the middle"),
        (Accuracy(point=1.0, interval=None, basis="assumed", people=None), "number of people"),
    ):
        assert any(words in p for p in problems(with_accuracy(wrong))), words


def test_the_check_finds_a_cut_off_outside_the_scale_and_a_range_the_wrong_way_round() -> None:
    limits = replace(KNOWLEDGE.paths["scale.pq16"], limits=(0.0, 5.0))
    broken = replace(KNOWLEDGE, paths={**KNOWLEDGE.paths, "scale.pq16": limits})
    assert any("the cut-off 6 lies outside scale.pq16" in p for p in problems(broken))
    policy = {**KNOWLEDGE.policy, "screening_ptsd_low": {**KNOWLEDGE.policy["screening_ptsd_low"], "value": 0.5}}
    assert any("no range inside 0 to 1" in p for p in problems(replace(KNOWLEDGE, policy=policy)))


def test_a_record_of_the_wrong_form_is_refused_with_its_name() -> None:
    with pytest.raises(KnowledgeError, match="gout: missing fields"):
        parse_condition({"id": "gout"}, KNOWLEDGE.sources, where="screening/gout.yaml")
    assert isinstance(KNOWLEDGE.screening["ptsd"], Condition)


def test_the_interval_from_counts_is_wilsons() -> None:
    # 10 of 10: 0.722 to 1, as in Wilson's own table.
    assert wilson(1.0, 10) == pytest.approx((0.7225, 1.0), abs=0.0001)


def test_the_command_gives_the_same_as_text_and_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "bundle.json"
    file.write_bytes(good_record(quantity(AUDIT_C, 5.0, "{score}"), without=("diagnosis.alcohol_use_disorder",)))
    call = ["screen", str(file), "--on", TODAY.isoformat(), "--pretest", "alcohol=0.2-0.3", "--seed", "4"]
    assert main(call) == 0
    words = capsys.readouterr().out
    assert main([*call, "--json"]) == 0
    form = json.loads(capsys.readouterr().out)
    alcohol = next(c for c in form["conditions"] if c["id"] == "alcohol")
    assert " ".join(alcohol["statement"].split()) in " ".join(words.split())
    assert alcohol["pretest"]["stated_by_clinician"] is True
    assert alcohol["readings"][0]["facts"][1]["on"] == TODAY.isoformat()
    assert form["seed"] == 4
    assert main(["screen", str(file), "--pretest", "gout=0.1-0.2"]) == 3
