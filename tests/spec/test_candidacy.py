"""Is ketamine right for this person? Sentences that a psychiatrist could sign."""

from __future__ import annotations

from typing import Any

import pytest
from tests.records import PATIENT, assessed, coded, complete, days_ago, good_record, intake, phq9, record, spread

from ketapath.domain.clinic import Clinic

ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
SNOMED = "http://snomed.info/sct"
CONFIRMED = {
    "clinicalStatus": {"coding": [{"code": "active"}]},
    "verificationStatus": {"coding": [{"code": "confirmed"}]},
}


def condition(code: str, system: str = ICD10, **more: Any) -> dict[str, Any]:
    return coded("Condition", system, code, **(CONFIRMED | {"onsetDateTime": "2020-05-01"} | more))


def test_a_person_with_resistant_depression_and_nothing_against_it_is_eligible() -> None:
    found = assessed(good_record())
    assert found.by_product == {"esketamine/nasal": "eligible", "racemic/iv": "eligible"}, found.findings


def test_an_empty_record_is_undetermined_and_says_what_is_missing() -> None:
    found = assessed(record())
    assert found.verdict == "undetermined"
    assert {"history.aneurysm", "scale.suicide_risk", "diagnosis.depression"} <= {m.path for m in found.missing}


@pytest.mark.parametrize(
    ("code", "system"), [("I67.1", ICD10), ("I71.4", ICD10), ("Q28.2", ICD10), ("I61.9", ICD10), ("67362008", SNOMED)]
)
def test_a_vessel_that_may_burst_rules_every_product_out(code: str, system: str) -> None:
    data = good_record(
        condition(code, system),
        without=("history.aneurysm", "history.arteriovenous_malformation", "history.intracerebral_haemorrhage"),
    )
    assert set(assessed(data).by_product.values()) == {"not-eligible"}


def test_a_coded_aneurysm_against_a_no_on_the_form_is_a_contradiction_and_gates() -> None:
    found = assessed(good_record(condition("I71.4")))
    assert found.verdict == "undetermined"
    gap = next(m for m in found.missing if m.path == "history.aneurysm")
    assert gap.reason.key == "fact.contradicts"


def test_a_heart_attack_five_weeks_ago_excludes_and_seven_weeks_ago_asks_for_care() -> None:
    without = ("history.myocardial_infarction",)
    recent = good_record(condition("I21.9", onsetDateTime=days_ago(35).isoformat()), without=without)
    older = good_record(condition("I21.9", onsetDateTime=days_ago(49).isoformat()), without=without)
    assert assessed(recent).verdict == "not-eligible"
    assert assessed(older).verdict == "caution"


def test_pressure_of_186_over_112_today_defers() -> None:
    found = assessed(good_record(vitals__systolic_mmhg=186.0, vitals__diastolic_mmhg=112.0))
    assert found.verdict == "defer"


def test_yesterdays_pressure_does_not_count_for_today() -> None:
    facts = {p: v for p, v in complete().items() if not p.startswith("vitals.systolic")}
    yesterday = intake({"vitals.systolic_mmhg": 122.0}, on=days_ago(1), identity="yesterday")
    found = assessed(record(intake(facts), yesterday, phq9(spread(18))))
    assert found.verdict == "undetermined"
    assert "vitals.systolic_mmhg" in {m.path for m in found.missing}


def test_sixteen_years_is_too_young() -> None:
    data = record(intake(complete()), phq9(spread(18)), patient=PATIENT | {"birthDate": "2010-05-01"})
    assert assessed(data).verdict == "not-eligible"


def test_fewer_than_two_failed_trials_point_to_other_treatments_first() -> None:
    found = assessed(good_record(trials__adequate_failed=1.0))
    assert found.verdict == "not-eligible"
    assert any(a.id == "augmentation" and a.preferred_now for a in found.alternatives)


def test_nobody_to_take_the_person_home_defers() -> None:
    assert assessed(good_record(social__ride_home=False)).verdict == "defer"


@pytest.mark.parametrize("risk", ["high", "imminent"])
def test_high_suicide_risk_puts_the_emergency_pathway_on_top(risk: str) -> None:
    found = assessed(good_record(scale__suicide_risk=risk))
    assert found.emergency is not None
    assert found.verdict in ("defer", "not-eligible")


@pytest.mark.parametrize("stated", [{"without": ("setting.inpatient",)}, {"setting__inpatient": False}])
def test_where_nobody_says_that_a_person_at_high_risk_is_in_hospital_the_emergency_pathway_stands(stated: Any) -> None:
    assert assessed(good_record(scale__suicide_risk="high", **stated)).emergency is not None


def test_in_hospital_a_high_risk_asks_for_care_and_an_old_word_about_hospital_does_not_count() -> None:
    there = assessed(good_record(scale__suicide_risk="high", setting__inpatient=True))
    assert (there.emergency, there.verdict) == (None, "caution")
    yesterday = intake({"setting.inpatient": True}, on=days_ago(1), identity="yesterday")
    data = good_record(yesterday, without=("setting.inpatient",), scale__suicide_risk="high")
    assert assessed(data).emergency is not None


def test_a_person_who_has_died_is_not_assessed() -> None:
    data = record(intake(complete()), patient=PATIENT | {"deceasedDateTime": "2026-01-05"})
    found = assessed(data)
    assert found.verdict == "not-eligible"
    assert [f.id for f in found.findings] == ["KP-000"]


def test_the_spray_needs_a_certified_clinic_in_the_united_states() -> None:
    found = assessed(good_record(), clinic=Clinic(rems_certified=False))
    assert found.by_product["esketamine/nasal"] == "not-eligible"
    assert found.by_product["racemic/iv"] == "eligible"


def test_a_consent_that_was_refused_is_no_piece_of_work_that_is_done() -> None:
    def consent(said: bool | None) -> str:
        found = assessed(good_record(consent__signed=said))
        return next(piece.state for piece in found.work_up if piece.finding.id == "KP-217")

    assert (consent(True), consent(False), consent(None)) == ("done", "due", "due")


def test_a_refuted_diagnosis_is_a_no_and_a_provisional_one_is_unknown() -> None:
    refuted = condition("I71.4", verificationStatus={"coding": [{"code": "refuted"}]})
    assert assessed(good_record(refuted, without=("history.aneurysm",))).verdict == "eligible"
    provisional = condition("I71.4", verificationStatus={"coding": [{"code": "provisional"}]})
    assert assessed(good_record(provisional, without=("history.aneurysm",))).verdict == "undetermined"


def test_every_finding_carries_evidence_and_what_would_reverse_it() -> None:
    for finding in assessed(good_record(history__aneurysm=True)).findings:
        assert finding.evidence
        assert finding.reverses
        assert finding.rule is not None


def test_what_a_missing_fact_would_change_is_what_stating_it_changes() -> None:
    gap = next(m for m in assessed(good_record(without=("history.aneurysm",))).missing if m.path == "history.aneurysm")
    for change in gap.changes:
        stated = assessed(good_record(history__aneurysm=change.if_value == "yes"))
        assert dict(change.by_product) == dict(stated.by_product)
