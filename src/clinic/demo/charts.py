"""How is an invented person written down? A chart that fills line by line with FHIR R4 resources, around one day.

What has no place in FHIR (a ride home, a no to an aneurysm) is answered on an intake form whose linkIds are ketapath's
fact paths.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

Resource = dict[str, Any]

SNOMED, ICD10, LOINC = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm", "http://loinc.org"
RXNORM, UCUM = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://unitsofmeasure.org"
PHQ9_ITEMS = "44250-9 44255-8 44259-0 44254-1 44251-7 44258-2 44252-5 44253-3 44260-8".split()  # noqa: SIM905
PHQ9_ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")

NOTHING_AGAINST = {
    "history.aneurysm": False,
    "history.arteriovenous_malformation": False,
    "history.intracerebral_haemorrhage": False,
    "history.pressure_rise_hazard": False,
    "history.myocardial_infarction": False,
    "history.raised_intracranial_pressure": False,
    "history.stroke_or_tia": False,
    "history.unstable_heart_disease": False,
    "history.current_psychosis": False,
    "history.schizophrenia_spectrum": False,
    "history.current_mania": False,
    "history.substance_use_disorder": False,
    "history.substance_use_disorder_untreated": False,
    "history.ketamine_misuse": False,
    "history.urinary_symptoms_active": False,
    "history.hyperthyroid_symptoms": False,
    "history.porphyria": False,
    "history.dementia": False,
    "history.delirium": False,
    "history.sleep_apnoea": False,
    "history.intoxicated_now": False,
    "history.falls": False,
    "history.pregnant": False,
    "history.breastfeeding": False,
    "diagnosis.bipolar": False,
    "diagnosis.chronic_pain": False,
    "diagnosis.ptsd": False,
    "diagnosis.psychotic_features": False,
    "diagnosis.catatonia": False,
    "setting.inpatient": False,
    "social.trauma_history": False,
    "social.childcare_needed": False,
    "social.night_shifts": False,
    "social.money_difficulty": False,
    "social.stigma_concern": False,
    "social.unsafe_home": False,
    "social.ride_home": True,
    "consent.capacity": True,
    "setting.can_stay_minutes": 180,
    "history.child_pugh": "none",
    "scale.suicide_risk": "low",
    "scale.ymrs": 2,
    "scale.moca": 28,
    "vitals.hypertension_uncontrolled": False,
    "medicines.diazepam_equivalent_mg_per_day": 0,
    "history.lung_disease_severe": False,
    "history.last_seizure": False,
    "history.glaucoma_uncontrolled": False,
    "history.hypertensive_encephalopathy": False,
    "history.severe_dissociation_or_unstable_personality": False,
    "history.frailty": False,
    "diagnosis.crps": False,
    "diagnosis.alcohol_use_disorder": False,
    "episode.number_of_episodes": 3,
    "episode.duration_weeks": 38,
    "psych.expectancy_0_10": 6,
    "preference.decision": "accepts",
    "workup.histories": "done",
    "workup.physical_examination": "normal",
    "workup.mental_state": "done",
    "workup.prescription_monitoring": "as-expected",
    "workup.urinalysis": "normal",
    "scale.bladder_icsi": 2,
    "lab.alt_times_upper_limit": 0.6,
    "lab.ast_times_upper_limit": 0.5,
    "lab.alp_times_upper_limit": 0.7,
    "lab.ggt_times_upper_limit": 0.8,
    "lab.bilirubin_times_upper_limit": 0.4,
    "social.housing_unstable": False,
    "social.food_insecure": False,
    "social.utilities": False,
    "social.caregiver_briefing": "done",
    "therapy.preparation": "done",
    "therapy.integration": "planned",
    "rems.patient_enrolled": True,
    "history.epilepsy": False,
    "history.copd": False,
    "history.old_myocardial_infarction": False,
    "history.ketamine_use_disorder": False,
}
"""A careful intake: asked, and answered with no; examined, and found well."""

CONSENTED = (
    "diagnosis", "licence_status", "alternatives", "expected_benefit", "short_term_harms", "long_term_harms",
    "unknowns", "misuse", "bladder", "driving", "pregnancy", "cost", "right_to_stop", "psychological_effects",
)  # fmt: skip
"""What the clinic's consent talk covers."""

ON_THE_DAY = {
    "rems.oldest_unsent_form_days": 0,
    "today.transport_confirmed": True,
    "today.minutes_since_food": 420,
    "today.minutes_since_drink": 150,
    "today.prescriber_on_site": True,
    "today.observer_present": True,
    "today.oximeter_at_hand": True,
    "today.hours_since_alcohol": 240,
    "today.alcohol_in_breath": False,
    "today.hours_since_nonmedical_drug": 8760,
    "today.minutes_since_nasal_product": 1440,
    "today.rhinitis": False,
    "today.anaesthesia_within_48_h": False,
    "today.new_medicine": False,
    "today.new_illness": False,
    "today.may_be_pregnant": False,
    "consent.signed_minutes_before_dose": 4320,
    "today.acls_on_site": True,
    "setting.interpreter_present": True,
    "scale.ymrs_rise_points": 0,
}
"""What is asked anew before a dose, answered by somebody for whom nothing stands against it."""

ON_LEAVING = {
    "session.stable": True,
    "session.modified_aldrete": 10,
    "session.orientated": True,
    "session.walks_safely": True,
    "session.nausea_controlled": True,
    "session.suicidal_intent": False,
    "session.escort_present": True,
    "session.written_advice": True,
    "session.will_drive": False,
    "session.record_complete": True,
}
"""What is asked before going home, answered for somebody who is ready."""


def typed(said: Mapping[str, object]) -> dict[str, str]:
    """Values as somebody would type or choose them on a page."""
    return {path: ("yes" if v else "no") if isinstance(v, bool) else str(v) for path, v in said.items()}


_PATIENT_FIELD = frozenset({"AllergyIntolerance", "Consent", "FamilyMemberHistory", "RelatedPerson"})
"""Resources that call the person `patient` and not `subject`."""


class Chart:
    """One person's Bundle, filled line by line."""

    def __init__(
        self, identity: str, *, today: date, born: str, gender: str, language: str = "en", given: str, family: str
    ) -> None:
        self.subject = {"reference": f"Patient/{identity}"}
        self.identity = identity
        self.today = today
        self.count = 0
        self.resources: list[Resource] = [
            {
                "resourceType": "Patient",
                "id": identity,
                "meta": {"versionId": "1"},
                "name": [{"given": [given], "family": family}],
                "birthDate": born,
                "gender": gender,
                "communication": [
                    {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": language}]}, "preferred": True}
                ],
            }
        ]

    def ago(self, days: int) -> str:
        """The day so many days before today."""
        return (self.today - timedelta(days=days)).isoformat()

    def add(self, kind: str, **fields: Any) -> None:
        """One resource of this person."""
        self.count += 1
        number = self.count
        base = {"resourceType": kind, "id": f"{kind.lower()}-{number}", "meta": {"versionId": "1"}}
        about = {"patient": self.subject} if kind in _PATIENT_FIELD else {}
        about = {"beneficiary": self.subject} if kind == "Coverage" else about or {"subject": self.subject}
        self.resources.append(base | about | fields)

    def condition(self, system: str, code: str, words: str, *, onset: str, active: bool = True) -> None:
        """A confirmed diagnosis."""
        self.add(
            "Condition",
            clinicalStatus={"coding": [{"code": "active" if active else "resolved"}]},
            verificationStatus={"coding": [{"code": "confirmed"}]},
            code={"coding": [{"system": system, "code": code, "display": words}], "text": words},
            onsetDateTime=onset,
        )

    def measure(self, code: str, words: str, value: float, unit: str, *, days: int = 0) -> None:
        """One measured value."""
        self.add(
            "Observation",
            status="final",
            code={"coding": [{"system": LOINC, "code": code, "display": words}]},
            effectiveDateTime=f"{self.ago(days)}T08:40:00Z",
            valueQuantity={"value": value, "unit": unit, "system": UCUM, "code": unit},
        )

    def pregnancy_test_negative(self) -> None:
        """A urine test of today."""
        self.add(
            "Observation",
            status="final",
            code={"coding": [{"system": LOINC, "code": "2106-3", "display": "Pregnancy test in urine"}]},
            effectiveDateTime=f"{self.today}T08:30:00Z",
            valueCodeableConcept={"coding": [{"system": LOINC, "code": "LA6577-6", "display": "Negative"}]},
        )

    def pressure(self, systolic: float, diastolic: float, *, days: int = 0) -> None:
        """One blood pressure with both components."""
        parts = (("8480-6", systolic), ("8462-4", diastolic))
        self.add(
            "Observation",
            status="final",
            code={"coding": [{"system": LOINC, "code": "85354-9", "display": "Blood pressure panel"}]},
            effectiveDateTime=f"{self.ago(days)}T08:45:00Z",
            component=[
                {
                    "code": {"coding": [{"system": LOINC, "code": code}]},
                    "valueQuantity": {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"},
                }
                for code, value in parts
            ],
        )

    def phq9(self, *answers: int | None, days: int = 1) -> None:
        """A PHQ-9 answered item by item; None is an item left empty."""
        self.add(
            "QuestionnaireResponse",
            status="completed",
            questionnaire="http://loinc.org/q/44249-1",
            authored=self.ago(days),
            item=[
                {
                    "linkId": f"/{code}",
                    "answer": [{"valueCoding": {"system": LOINC, "code": PHQ9_ANSWERS[answer]}}],
                }
                for code, answer in zip(PHQ9_ITEMS, answers, strict=True)
                if answer is not None
            ],
        )

    def trial(self, medicine: str, mg: float, first: int, last: int, said: str | None = "ineffective") -> None:
        """An antidepressant taken daily between two days, stopped for the stated reason."""
        reason = {"statusReason": [{"text": said}]} if said else {}
        self.add(
            "MedicationStatement",
            status="stopped",
            medicationCodeableConcept={"text": medicine},
            effectivePeriod={"start": self.ago(first), "end": self.ago(last)},
            dosage=[_daily(mg)],
            **reason,
        )

    def takes(self, medicine: str, mg: float, *, since: int) -> None:
        """A medicine taken now."""
        self.add(
            "MedicationStatement",
            status="active",
            medicationCodeableConcept={"text": medicine},
            effectivePeriod={"start": self.ago(since)},
            dosage=[_daily(mg)],
        )

    def intake(self, *, without: tuple[str, ...] = (), days: int = 0, **changed: Any) -> None:
        """The intake form; double underscores stand for dots, `without` for what was not asked."""
        consent = {f"consent.covers_{topic}": True for topic in CONSENTED}
        facts = NOTHING_AGAINST | consent | {name.replace("__", "."): value for name, value in changed.items()}
        self.form({path: value for path, value in facts.items() if path not in without}, days=days)

    def form(self, facts: dict[str, Any], *, days: int = 0) -> None:
        """A form with these answers."""
        self.add(
            "QuestionnaireResponse",
            status="completed",
            authored=self.ago(days),
            item=[{"linkId": path, "answer": [_answer(value)]} for path, value in facts.items()],
        )

    def paperwork(self) -> None:
        """What a good clinic has on file: no allergies, medicine list checked, consent, insurance, somebody to call."""
        nothing = {"coding": [{"system": SNOMED, "code": "716186003", "display": "No known allergy"}]}
        self.add("AllergyIntolerance", code=nothing, recordedDate=self.ago(5))
        checked = {"coding": [{"system": SNOMED, "code": "430193006", "display": "Medication reconciliation"}]}
        self.add("Procedure", status="completed", code=checked, performedDateTime=self.ago(5))
        scope = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "treatment"}]}
        category = [{"text": "Informed consent to treatment"}]
        self.add("Consent", status="active", scope=scope, category=category, dateTime=self.ago(3))
        self.add("Coverage", status="active", period={"start": "2024-01-01"}, payor=[{"display": "An insurer"}])
        self.add("RelatedPerson", active=True, relationship=[{"text": "partner"}])

    def infusion(self, *, days: int, mg: float = 36.0) -> None:
        """One racemic infusion over 40 minutes."""
        day = self.ago(days)
        self._given("Ketamine", mg, "47625008", "Intravenous route", f"{day}T09:00:00Z", f"{day}T09:40:00Z")

    def spray(self, *, days: int, mg: float) -> None:
        """One session with the spray."""
        day = self.ago(days)
        self._given("Esketamine nasal spray", mg, "46713006", "Nasal route", f"{day}T09:00:00Z", f"{day}T09:10:00Z")

    def _given(self, medicine: str, mg: float, code: str, route: str, start: str, end: str) -> None:
        self.add(
            "MedicationAdministration",
            status="completed",
            medicationCodeableConcept={"text": medicine},
            effectivePeriod={"start": start, "end": end},
            dosage={
                "route": {"coding": [{"system": SNOMED, "code": code, "display": route}]},
                "dose": {"value": mg, "unit": "mg", "system": UCUM, "code": "mg"},
            },
        )

    def bundle(self) -> Resource:
        """The person as one Bundle."""
        entries = [{"fullUrl": f"urn:example:{r['resourceType']}/{r['id']}", "resource": r} for r in self.resources]
        when = f"{self.today}T09:00:00Z"
        return {"resourceType": "Bundle", "type": "collection", "timestamp": when, "entry": entries}


def _daily(mg: float) -> Resource:
    timing = {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}
    return {
        "timing": timing,
        "doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg", "system": UCUM, "code": "mg"}}],
    }


def _answer(value: Any) -> Resource:
    if isinstance(value, bool):
        return {"valueBoolean": value}
    return {"valueString": value} if isinstance(value, str) else {"valueDecimal": value}


def depressed(
    identity: str,
    today: date,
    *,
    weight_kg: float = 71.4,
    height_cm: float = 168,
    rest: tuple[float, float] = (124, 78),
    score: tuple[int, ...] = (3, 3, 2, 3, 2, 2, 2, 1, 0),
    now: tuple[str, float] = ("Mirtazapine", 30),
    **who: str,
) -> Chart:
    """Somebody with resistant depression, two failed trials, one medicine now, and everything measured today.

    `rest` is the resting pressure (mmHg), `score` the nine answers of the PHQ-9, `now` the medicine with its mg a day.
    """
    chart = Chart(identity, today=today, **({"born": "1984-03-02", "gender": "female"} | who))
    chart.condition(ICD10, "F33.2", "Recurrent major depression, severe", onset="2024-02-10")
    chart.trial("Sertraline", 150, 420, 330)
    chart.trial("Venlafaxine", 225, 320, 200)
    chart.takes(*now, since=190)
    chart.measure("29463-7", "Body weight", weight_kg, "kg")
    chart.measure("8302-2", "Body height", height_cm, "cm", days=40)
    chart.pressure(*rest)
    chart.phq9(*score)
    chart.measure("3016-3", "TSH", 1.9, "mIU/L", days=30)
    if chart.resources[0]["gender"] == "female":
        chart.pregnancy_test_negative()
    return chart
