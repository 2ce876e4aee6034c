"""What may be relied on today? Windows, duplicates, contradictions, medicines and trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.records import (
    CLINIC,
    KNOWLEDGE,
    SUBJECT,
    TODAY,
    coded,
    days_ago,
    intake,
    person,
    phq9,
    quantity,
    record,
    spread,
)

from ketapath import journey
from ketapath.candidacy import assess
from ketapath.errors import BadInput


def medicine(name: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationStatement",
        "id": f"{name}-{more.get('effectivePeriod', {}).get('start', '')}",
        "status": "active",
        "subject": SUBJECT,
        "medicationCodeableConcept": {"text": name},
    } | more


def trial(name: str, mg: float, first: int, last: int, said: str | None = "ineffective") -> dict[str, Any]:
    daily = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    more: dict[str, Any] = {
        "status": "stopped",
        "effectivePeriod": {"start": days_ago(first).isoformat(), "end": days_ago(last).isoformat()},
        "dosage": [{"timing": daily, "doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg"}}]}],
    }
    return medicine(name, **more | ({"statusReason": [{"text": said}]} if said else {}))


CHECKED = coded("Procedure", "http://snomed.info/sct", "430193006", status="completed") | {
    "performedDateTime": days_ago(3).isoformat()
}


def test_a_weight_of_thirty_days_counts_and_of_thirty_one_does_not() -> None:
    for days, known in ((0, True), (30, True), (31, False)):
        found = person(record(quantity("29463-7", 70, "kg", on=days_ago(days))))
        assert ("vitals.weight_kg" in found.known) is known
    assert found.unusable[0].reason is not None
    assert found.unusable[0].reason.key == "fact.too_old"


def test_the_fresh_weight_counts_beside_an_old_one() -> None:
    old = quantity("29463-7", 90, "kg", on=days_ago(25), identity="old")
    found = person(record(old, quantity("29463-7", 70, "kg", on=days_ago(2))))
    assert found.known["vitals.weight_kg"].value == 70


def test_two_different_weights_of_one_day_contradict_and_two_equal_ones_do_not() -> None:
    again = quantity("29463-7", 71, "kg", identity="again")
    assert "vitals.weight_kg" in person(record(quantity("29463-7", 70, "kg"), again)).known
    other = quantity("29463-7", 90, "kg", identity="other")
    assert "vitals.weight_kg" not in person(record(quantity("29463-7", 70, "kg"), other)).known


def test_an_impossible_old_weight_is_kept_and_an_impossible_fresh_one_is_refused() -> None:
    old = quantity("29463-7", 7000, "kg", on=days_ago(300), identity="old")
    assert person(record(old, quantity("29463-7", 70, "kg"))).known["vitals.weight_kg"].value == 70
    with pytest.raises(BadInput, match="7000 kg"):
        person(record(quantity("29463-7", 7000, "kg")))


def test_an_unknown_unit_on_a_laboratory_value_is_kept_and_marked() -> None:
    found = person(record(quantity("3016-3", 2, "furlongs")))
    assert [f.reason.key for f in found.unusable if f.reason] == ["fact.unit_unknown"]


def test_micromoles_are_read_for_creatinine_and_for_nothing_else() -> None:
    assert [p for p, spec in KNOWLEDGE.paths.items() if spec.unit == "mg/dL"] == ["lab.creatinine_mg_per_dl"]
    found = person(record(quantity("14682-9", 88.4, "umol/L"))).known["lab.creatinine_mg_per_dl"]
    assert found.value == pytest.approx(1.0)


def test_tomorrows_facts_do_not_count_today() -> None:
    found = person(record(quantity("29463-7", 70, "kg", on=days_ago(-1))))
    assert "vitals.weight_kg" not in found.known


def test_a_fractional_phq9_total_is_kept_and_never_used() -> None:
    found = person(record(quantity("44261-6", 22.57, "{score}")))
    assert "scale.phq9" not in found.known
    assert "score.not_whole" in [f.reason.key for f in found.unusable if f.reason]


def test_a_phq9_with_a_missing_item_has_no_total_but_item_nine_counts() -> None:
    found = person(record(phq9((2, 2, None, 1, 1, 1, 1, 1, 2))))
    assert "scale.phq9" not in found.known
    assert found.known["scale.phq9_item9"].value == 2


def test_a_stated_total_loses_against_its_items() -> None:
    found = person(record(phq9(spread(18)), quantity("44261-6", 4, "{score}")))
    assert found.known["scale.phq9"].value == 18


def test_a_medicine_is_absent_only_if_the_list_was_checked() -> None:
    assert "medicines.opioid" not in person(record()).known
    assert person(record(CHECKED)).known["medicines.opioid"].value is False
    taken = person(record(CHECKED, medicine("oxycodone")))
    assert taken.known["medicines.opioid"].value is True


def test_what_a_combination_holds_beside_its_first_substance_is_not_lost() -> None:
    syrup = person(record(medicine("Promethazine with codeine syrup"))).known
    assert syrup["medicines.opioid"].value is True
    assert syrup["medicines.phenothiazine"].value is True
    atc = {"system": "http://www.whocc.no/atc", "code": "R06AD02", "display": "promethazine / codeine"}
    by_code = medicine("x") | {"medicationCodeableConcept": {"coding": [atc]}}
    assert person(record(by_code)).known["medicines.opioid"].value is True
    assert len(person(record(medicine("amitriptyline 25 mg / chlordiazepoxide 10 mg"))).trials) == 1


def test_an_open_order_of_two_years_is_not_proof_of_use() -> None:
    order = medicine("sertraline", authoredOn=days_ago(730).isoformat(), intent="order") | {
        "resourceType": "MedicationRequest"
    }
    assert "medicines.antidepressant" not in person(record(CHECKED, order)).known


def test_three_antidepressants_at_once_are_an_unreconciled_list() -> None:
    names = ("sertraline", "escitalopram", "fluoxetine")
    found = person(record(CHECKED, *(medicine(n) for n in names)))
    assert "medicines.antidepressant" not in found.known
    assert "fact.too_many_at_once" in [f.reason.key for f in found.unusable if f.reason]


def test_two_adequate_trials_without_response_are_counted() -> None:
    found = person(record(trial("sertraline", 150, 300, 220), trial("venlafaxine", 225, 200, 120)))
    assert found.known["trials.adequate_failed"].value == 2
    assert [t.substance for t in found.trials] == ["sertraline", "venlafaxine"]


@pytest.mark.parametrize(
    "second",
    [
        trial("venlafaxine", 225, 200, 180),
        trial("venlafaxine", 25, 200, 120),
        trial("venlafaxine", 225, 200, 120, said=None),
        trial("venlafaxine", 225, 200, 120, said="switched to another medicine"),
        trial("venlafaxine", 225, 200, 120, said="not tolerated"),
    ],
    ids=["too short", "too low", "outcome not stated", "a switch", "not tolerated"],
)
def test_a_trial_that_is_not_known_to_have_failed_is_not_counted(second: dict[str, Any]) -> None:
    found = person(record(trial("sertraline", 150, 300, 220), second))
    assert "trials.adequate_failed" not in found.known


def test_two_orders_of_one_substance_are_one_trial() -> None:
    spans = trial("sertraline", 150, 300, 270), trial("sertraline", 100, 260, 220)
    found = person(record(*spans))
    assert len(found.trials) == 1
    assert found.trials[0].weeks == pytest.approx(80 / 7)


def test_a_state_is_settled_by_the_newer_statement() -> None:
    older = intake({"social.ride_home": True}, on=days_ago(20), identity="older")
    found = person(record(older, intake({"social.ride_home": False}, on=days_ago(1))))
    assert found.known["social.ride_home"].value is False


def at(clock: str, resource: dict[str, Any], **more: Any) -> dict[str, Any]:
    field = "authored" if "authored" in resource else "effectiveDateTime"
    return resource | {"id": f"{resource['id']}-{clock}", field: f"{TODAY.isoformat()}T{clock}"} | more


def test_readings_of_one_day_are_ordered_by_the_instant_whatever_zone_they_are_written_in() -> None:
    earlier = at("14:00:00Z", quantity("8480-6", 122, "mm[Hg]"))
    later = at("10:30:00-05:00", quantity("8480-6", 184, "mm[Hg]"))
    for order in ((earlier, later), (later, earlier)):
        assert person(record(*order)).known["vitals.systolic_mmhg"].value == 184


def test_of_two_forms_of_one_day_the_later_counts_and_a_blank_is_never_filled_from_the_other() -> None:
    morning, evening = at("08:00:00Z", phq9(spread(20))), at("17:00:00Z", phq9(spread(12)))
    assert person(record(evening, morning)).known["scale.phq9"].value == 12
    blank = at("17:00:00Z", phq9((1, 1, None, 1, 1, 1, 1, 1, 0)))
    found = person(record(morning, blank))
    assert {(s.total, s.items.count(None)) for s in found.scores} == {(20.0, 0), (None, 1)}


@pytest.mark.parametrize(
    ("answered", "assessed", "speaks"),
    [("09:00:00Z", "08:00:00Z", True), ("09:00:00Z", "10:00:00Z", False), ("09:00:00Z", None, True)],
)
def test_a_risk_assessment_settles_item_nine_only_if_it_came_after_it(
    answered: str, assessed: str | None, speaks: bool
) -> None:
    form = intake({"scale.suicide_risk": "low"})
    positive = at(answered, phq9((1, 1, 1, 1, 1, 1, 1, 1, 1)))
    found = assess(person(record(positive, form if assessed is None else at(assessed, form))), CLINIC, KNOWLEDGE)
    assert ("KP-004" in {f.id for f in found.findings}) is speaks


def test_a_persons_own_words_are_kept_as_they_were_written() -> None:
    said = "Back to work in May; NO needles, s'il vous plaît"
    assert person(record(intake({"preference.goals": said}))).known["preference.goals"].value == said
    assert person(record(intake({"person.language": "EN"}))).known["person.language"].value == "en"


def test_trials_that_cannot_be_judged_are_counted_and_none_on_record_is_none() -> None:
    assert person(record()).known["trials.undetermined"].value == 0
    judged = trial("sertraline", 150, 300, 220), trial("venlafaxine", 225, 200, 190)
    assert person(record(*judged)).known["trials.undetermined"].value == 0
    silent = trial("mirtazapine", 45, 180, 60, None)
    assert person(record(*judged, silent)).known["trials.undetermined"].value == 1
    found = assess(person(record(intake({"diagnosis.depression": True}), silent)), CLINIC, KNOWLEDGE)
    assert "CAN-002" in {f.id for f in found.findings}


@pytest.mark.parametrize(
    ("path", "unit", "stated", "value"),
    [
        ("episode.duration_weeks", "d", 70, 10),
        ("episode.duration_weeks", "wk", 10, 10),
        ("lab.bdnf_ng_per_ml", "pg/mL", 2500, 2.5),
        ("lab.crp_mg_per_l", "mg/dL", 1.2, 12),
    ],
)
def test_new_units_are_converted_at_the_boundary(path: str, unit: str, stated: float, value: float) -> None:
    found = coded("Observation", "https://ketapath.org/fhir/fact", path, status="final")
    found |= {"valueQuantity": {"value": stated, "unit": unit}, "effectiveDateTime": TODAY.isoformat()}
    assert person(record(found)).known[path].value == pytest.approx(value)


def test_smoking_and_housing_are_read_as_they_are_coded_and_silence_stays_open() -> None:
    def answer(code: str, said: str, system: str) -> dict[str, Any]:
        found = coded("Observation", "http://loinc.org", code, status="final", effectiveDateTime=TODAY.isoformat())
        return found | {"valueCodeableConcept": {"coding": [{"system": system, "code": said}]}}

    smokes = answer("72166-2", "449868002", "http://snomed.info/sct")
    assert person(record(smokes)).known["substance.tobacco"].value == "every-day"
    steady, unasked = (answer("71802-3", said, "http://loinc.org") for said in ("LA31993-1", "LA30189-7"))
    assert person(record(steady)).known["social.housing_unstable"].value is False
    assert "social.housing_unstable" not in person(record(unasked)).known
    food = person(record(answer("93031-3", "LA30125-1", "http://loinc.org"))).known
    assert food["social.food_insecure"].value is True
    assert "social.utilities" not in food


def adherent(code: str) -> dict[str, Any]:
    url = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationStatement.adherence"
    coding = {"system": "http://hl7.org/fhir/CodeSystem/medication-statement-adherence", "code": code}
    return {"extension": [{"url": url, "extension": [{"url": "code", "valueCodeableConcept": {"coding": [coding]}}]}]}


@pytest.mark.parametrize(
    ("said", "adequate", "reason"),
    [
        ({}, True, "trial.failed"),
        (adherent("taking-as-directed"), True, "trial.failed"),
        (adherent("stopped-as-directed"), True, "trial.failed"),
        (adherent("unknown"), True, "trial.failed"),
        (adherent("not-taking"), False, "trial.not_taken"),
        (adherent("stopped-not-as-directed"), False, "trial.not_taken"),
    ],
)
def test_a_trial_that_was_not_taken_as_directed_is_not_adequate(said: Any, adequate: bool, reason: str) -> None:
    (found,) = person(record(trial("sertraline", 100.0, 200, 100) | said)).trials
    assert (found.adequate, found.reason.key) == (adequate, reason)


def test_a_clinic_may_ask_for_adherence_on_record() -> None:
    figure = {**KNOWLEDGE.policy["trial_needs_adherence"], "value": 1}
    strict = replace(KNOWLEDGE, policy={**KNOWLEDGE.policy, "trial_needs_adherence": figure})
    silent, told = trial("sertraline", 100.0, 200, 100), trial("sertraline", 100.0, 200, 100) | adherent("taking")
    for stated, adequate in ((silent, None), (told, True)):
        (found,) = journey.person(record(stated), strict, as_of=TODAY).trials
        assert found.adequate is adequate


@pytest.mark.parametrize(
    ("resource", "path", "confidence"),
    [
        (intake({"history.aneurysm": False}), "history.aneurysm", "reported"),
        (quantity("29463-7", 70, "kg"), "vitals.weight_kg", "measured"),
        (
            coded("Condition", "http://hl7.org/fhir/sid/icd-10", "I71.4", onsetDateTime="2020-01-01")
            | {"verificationStatus": {"coding": [{"code": "confirmed"}]}},
            "history.aneurysm", "confirmed",
        ),
        (coded("Condition", "http://hl7.org/fhir/sid/icd-10", "I71.4", onsetDateTime="2020-01-01"),
         "history.aneurysm", "stated"),
        ({"resourceType": "Condition", "id": "c", "subject": SUBJECT, "code": {"text": "Cerebral aneurysm"},
          "onsetDateTime": "2020-01-01"}, "history.aneurysm", "by name"),
    ],
)  # fmt: skip
def test_every_fact_says_how_sure_it_is(resource: dict[str, Any], path: str, confidence: str) -> None:
    someone = person(record(resource))
    assert someone.known[path].confidence == confidence
    assert someone.known["person.age_years"].confidence == "derived"
