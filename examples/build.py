"""Writes the example patients: invented people as FHIR R4 Bundles around 24 November 2026. `python3 examples/build.py`.

Each person is one function that reads like a chart. What has no place in FHIR (a ride home, a no to an aneurysm) is
answered on an intake form whose linkIds are ketapath's fact paths.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TODAY = date(2026, 11, 24)
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
}
"""A careful intake: asked, and answered with no."""


def ago(days: int) -> str:
    """The day so many days before today."""
    return (TODAY - timedelta(days=days)).isoformat()


class Chart:
    """One person's Bundle, filled line by line."""

    def __init__(self, identity: str, *, born: str, gender: str, language: str = "en", given: str, family: str) -> None:
        self.subject = {"reference": f"Patient/{identity}"}
        self.identity = identity
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

    def add(self, kind: str, **fields: Any) -> None:
        """One resource of this person."""
        self.count += 1
        number = self.count
        base = {"resourceType": kind, "id": f"{kind.lower()}-{number}", "meta": {"versionId": "1"}}
        about = (
            {"patient": self.subject} if kind in ("AllergyIntolerance", "RelatedPerson", "FamilyMemberHistory") else {}
        )
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
            effectiveDateTime=f"{ago(days)}T08:40:00Z",
            valueQuantity={"value": value, "unit": unit, "system": UCUM, "code": unit},
        )

    def pressure(self, systolic: float, diastolic: float, *, days: int = 0) -> None:
        """One blood pressure with both components."""
        parts = (("8480-6", systolic), ("8462-4", diastolic))
        self.add(
            "Observation",
            status="final",
            code={"coding": [{"system": LOINC, "code": "85354-9", "display": "Blood pressure panel"}]},
            effectiveDateTime=f"{ago(days)}T08:45:00Z",
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
            authored=ago(days),
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
            effectivePeriod={"start": ago(first), "end": ago(last)},
            dosage=[_daily(mg)],
            **reason,
        )

    def takes(self, medicine: str, mg: float, *, since: int) -> None:
        """A medicine taken now."""
        self.add(
            "MedicationStatement",
            status="active",
            medicationCodeableConcept={"text": medicine},
            effectivePeriod={"start": ago(since)},
            dosage=[_daily(mg)],
        )

    def intake(self, *, without: tuple[str, ...] = (), days: int = 0, **changed: Any) -> None:
        """The intake form; double underscores stand for dots, `without` for what was not asked."""
        facts = NOTHING_AGAINST | {name.replace("__", "."): value for name, value in changed.items()}
        self.form({path: value for path, value in facts.items() if path not in without}, days=days)

    def form(self, facts: dict[str, Any], *, days: int = 0) -> None:
        """A form with these answers."""
        self.add(
            "QuestionnaireResponse",
            status="completed",
            authored=ago(days),
            item=[{"linkId": path, "answer": [_answer(value)]} for path, value in facts.items()],
        )

    def paperwork(self) -> None:
        """What a good clinic has on file: no allergies, medicine list checked, consent, insurance, somebody to call."""
        nothing = {"coding": [{"system": SNOMED, "code": "716186003", "display": "No known allergy"}]}
        self.add("AllergyIntolerance", code=nothing, recordedDate=ago(5))
        checked = {"coding": [{"system": SNOMED, "code": "430193006", "display": "Medication reconciliation"}]}
        self.add("Procedure", status="completed", code=checked, performedDateTime=ago(5))
        self.add("Consent", status="active", scope={"coding": [{"code": "treatment"}]}, dateTime=ago(3))
        self.add("Coverage", status="active", period={"start": "2024-01-01"})
        self.add("RelatedPerson", active=True, relationship=[{"text": "partner"}])

    def infusion(self, *, days: int, mg: float = 36.0) -> None:
        """One racemic infusion over 40 minutes."""
        day = ago(days)
        self._given("Ketamine", mg, "47625008", "Intravenous route", f"{day}T09:00:00Z", f"{day}T09:40:00Z")

    def spray(self, *, days: int, mg: float) -> None:
        """One session with the spray."""
        day = ago(days)
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

    def save(self, folder: str) -> None:
        """Write the Bundle under the person's name."""
        entries = [{"fullUrl": f"urn:example:{r['resourceType']}/{r['id']}", "resource": r} for r in self.resources]
        bundle = {"resourceType": "Bundle", "type": "collection", "timestamp": f"{TODAY}T09:00:00Z", "entry": entries}
        text = json.dumps(bundle, indent=1, ensure_ascii=False) + "\n"
        (HERE / folder / f"{self.identity}.json").write_text(text, encoding="utf-8")


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


def depressed(identity: str, **who: str) -> Chart:
    """Somebody with resistant depression, two failed trials, one medicine now, and everything measured today."""
    chart = Chart(identity, **({"born": "1984-03-02", "gender": "female"} | who))  # type: ignore[arg-type]
    chart.condition(ICD10, "F33.2", "Recurrent major depression, severe", onset="2024-02-10")
    chart.trial("Sertraline", 150, 420, 330)
    chart.trial("Venlafaxine", 225, 320, 200)
    chart.takes("Mirtazapine", 30, since=190)
    chart.measure("29463-7", "Body weight", 71.4, "kg")
    chart.measure("8302-2", "Body height", 168, "cm", days=40)
    chart.pressure(124, 78)
    chart.phq9(3, 3, 2, 3, 2, 2, 2, 1, 0)
    chart.measure("3016-3", "TSH", 1.9, "mIU/L", days=30)
    return chart


def patients() -> None:
    """The twelve people."""
    chart = depressed("treatment-resistant-depression", given="Maren", family="Okafor")
    chart.paperwork()
    chart.intake()
    chart.measure("29463-7", "Body weight", 74.0, "kg", days=62)  # late: the fresh one counts
    chart.save("patients")

    chart = depressed("pressure-too-high-today", given="Tomasz", family="Lindgren", gender="male", born="1971-09-14")
    chart.paperwork()
    chart.intake(without=("vitals.hypertension_uncontrolled",))
    chart.pressure(186, 112)
    chart.resources[-1]["effectiveDateTime"] = f"{TODAY}T09:05:00Z"  # the later reading of the same morning
    chart.save("patients")

    chart = depressed("aneurysm", given="Ines", family="Caravela", born="1968-01-30")
    chart.paperwork()
    chart.intake(without=("history.aneurysm",))
    chart.condition(ICD10, "I67.1", "Cerebral aneurysm, nonruptured", onset="2019-06-03")
    chart.save("patients")

    chart = depressed("psychosis-history", given="Kwame", family="Adjei", gender="male", born="1990-12-11")
    chart.paperwork()
    chart.intake(without=("history.schizophrenia_spectrum", "history.current_psychosis"))
    chart.condition(ICD10, "F25.1", "Schizoaffective disorder, depressive type", onset="2015-05-20")
    chart.save("patients")

    chart = depressed("bipolar", given="Sanna", family="Virtanen", born="1979-07-07")
    chart.paperwork()
    chart.intake(without=("diagnosis.bipolar",))
    chart.condition(ICD10, "F31.4", "Bipolar disorder, current episode depressed, severe", onset="2009-10-01")
    chart.takes("Lithium carbonate", 900, since=1500)
    chart.save("patients")

    chart = depressed("ptsd-with-depression", given="Daniela", family="Rojas", born="1987-04-18", language="es")
    chart.paperwork()
    chart.intake(without=("diagnosis.ptsd", "social.trauma_history"), scale__suicide_risk="moderate")
    chart.condition(SNOMED, "47505003", "Posttraumatic stress disorder", onset="2020-08-01")
    chart.condition(SNOMED, "47505003", "Posttraumatic stress disorder", onset="2012-03-01", active=False)
    therapy = {"coding": [{"system": SNOMED, "code": "75516001", "display": "Psychotherapy"}]}
    chart.add("CarePlan", status="active", intent="plan", category=[therapy], period={"start": ago(60)})
    chart.save("patients")

    chart = depressed("chronic-pain", given="Goran", family="Petrov", gender="male", born="1963-05-25")
    chart.paperwork()
    chart.intake(without=("diagnosis.chronic_pain",))
    chart.condition(ICD10, "G90.521", "Complex regional pain syndrome, right lower limb", onset="2022-01-15")
    chart.takes("Oxycodone", 20, since=400)
    chart.measure("72514-3", "Pain severity 0-10", 7, "{score}", days=2)
    chart.save("patients")

    chart = depressed("sixteen-years-old", given="Noor", family="Haddad", born="2010-05-01")
    chart.paperwork()
    chart.intake()
    chart.save("patients")

    chart = depressed("seventy-four-with-falls", given="Agnes", family="Whitcombe", born="1952-02-19")
    chart.paperwork()
    chart.intake(without=("history.falls",), scale__moca=24)
    chart.condition(ICD10, "R29.6", "Repeated falls", onset=ago(80))
    chart.measure("29463-7", "Body weight", 131.0, "[lb_av]")  # another scale, in pounds, on the same day
    chart.save("patients")

    chart = depressed("no-ride-and-night-shifts", given="Mei", family="Tan", born="1993-11-02")
    chart.paperwork()
    chart.form({"social.ride_home": True}, days=40)  # an older answer; the newer one counts
    chart.intake(
        social__ride_home=False,
        social__night_shifts=True,
        social__childcare_needed=True,
        social__money_difficulty=True,
    )
    chart.save("patients")

    chart = depressed("half-the-facts-missing", given="Piotr", family="Sawicki", gender="male", born="1981-08-08")
    asked = list(NOTHING_AGAINST)[::2]
    chart.form({path: NOTHING_AGAINST[path] for path in asked})
    chart.phq9(2, 2, None, 2, 1, 2, 1, 1, 1, days=0)
    chart.add(
        "MedicationRequest",
        status="active",
        intent="order",
        medicationCodeableConcept={
            "coding": [{"system": RXNORM, "code": "310385", "display": "FLUoxetine 20 MG Oral Capsule"}]
        },
        authoredOn="2019-03-04",
    )
    chart.condition(
        ICD10, "I71.4", "Abdominal aortic aneurysm", onset="2021-02-02"
    )  # against the form: a contradiction
    chart.save("patients")

    chart = depressed("first-language-arabic", given="Layla", family="Mansour", language="ar", born="1976-10-23")
    chart.paperwork()
    chart.intake(social__stigma_concern=True)
    chart.save("patients")


def courses() -> None:
    """People under treatment."""
    days = (38, 35, 31, 28, 24, 21)
    chart = depressed("responder", given="Ruth", family="Amsel", born="1975-06-12")
    chart.paperwork()
    chart.intake()
    for day in days:
        chart.infusion(days=day)
    chart.resources = [r for r in chart.resources if not r.get("questionnaire")]
    for when, answers in {
        39: (3, 3, 2, 3, 2, 2, 2, 2, 1),
        30: (2, 2, 1, 2, 1, 1, 1, 1, 0),
        20: (1, 1, 1, 1, 0, 1, 1, 0, 0),
        2: (1, 0, 1, 1, 0, 1, 1, 0, 0),
    }.items():
        chart.phq9(*answers, days=when)
    chart.save("courses")

    chart = depressed("worsening", given="Emre", family="Yalcin", gender="male", born="1988-02-03")
    chart.paperwork()
    chart.intake()
    for day in (14, 11, 7):
        chart.infusion(days=day)
    chart.resources = [r for r in chart.resources if not r.get("questionnaire")]
    for when, answers in {
        15: (2, 2, 2, 2, 1, 2, 1, 2, 0),
        9: (2, 3, 2, 3, 2, 2, 2, 2, 1),
        1: (3, 3, 3, 3, 3, 3, 2, 2, 2),
    }.items():
        chart.phq9(*answers, days=when)
    chart.save("courses")

    chart = depressed("two-scores", given="Hana", family="Kimura", born="1996-01-09")
    chart.paperwork()
    chart.intake()
    for day in (9, 6):
        chart.infusion(days=day)
    chart.resources = [r for r in chart.resources if not r.get("questionnaire")]
    chart.phq9(3, 3, 2, 2, 2, 2, 2, 1, 0, days=10)
    chart.phq9(2, 2, 2, 2, 1, 1, 1, 1, 0, days=2)
    chart.save("courses")

    chart = depressed("no-scores", given="Olu", family="Bankole", gender="male", born="1969-04-27")
    chart.paperwork()
    chart.intake()
    for day in (9, 6, 2):
        chart.infusion(days=day)
    chart.resources = [r for r in chart.resources if not r.get("questionnaire")]
    chart.save("courses")

    chart = depressed("esketamine", given="Vera", family="Holt", born="1982-12-30")
    chart.paperwork()
    chart.intake()
    for number, day in enumerate((28, 25, 21, 18, 14, 11, 7, 4)):
        chart.spray(days=day, mg=56 if number == 0 else 84)
    chart.resources = [r for r in chart.resources if not r.get("questionnaire")]
    for when, answers in {
        29: (3, 3, 2, 3, 2, 2, 2, 1, 0),
        15: (2, 2, 2, 2, 1, 2, 1, 1, 0),
        1: (2, 1, 2, 2, 1, 1, 1, 1, 0),
    }.items():
        chart.phq9(*answers, days=when)
    chart.save("courses")


if __name__ == "__main__":
    patients()
    courses()
