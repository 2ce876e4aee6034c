"""Who are the twelve example people? Invented, in believable variety; each reads like a chart."""

from __future__ import annotations

from datetime import date

from clinic.demo.charts import ICD10, NOTHING_AGAINST, RXNORM, SNOMED, Chart, depressed


def people(today: date) -> list[Chart]:
    """The twelve people, each as they are on this day."""
    return [*_hearts_and_vessels(today), *_minds(today), *_ages(today), *_lives(today)]


def _hearts_and_vessels(today: date) -> list[Chart]:
    found: list[Chart] = []
    chart = depressed("treatment-resistant-depression", today, given="Maren", family="Okafor")
    chart.paperwork()
    chart.intake()
    chart.measure("29463-7", "Body weight", 74.0, "kg", days=62)  # late: the fresh one counts
    found.append(chart)

    chart = depressed(
        "pressure-too-high-today",
        today,
        given="Tomasz",
        family="Lindgren",
        gender="male",
        born="1971-09-14",
        weight_kg=88.2,
        height_cm=179,
        score=(3, 3, 2, 2, 2, 2, 2, 1, 0),
    )
    chart.paperwork()
    chart.intake(without=("vitals.hypertension_uncontrolled",))
    chart.pressure(186, 112)
    chart.resources[-1]["effectiveDateTime"] = f"{today}T09:05:00Z"  # the later reading of the same morning
    found.append(chart)

    chart = depressed(
        "aneurysm",
        today,
        given="Ines",
        family="Caravela",
        born="1968-01-30",
        weight_kg=64.9,
        height_cm=166,
        rest=(128, 80),
        score=(3, 3, 3, 3, 2, 3, 2, 2, 0),
    )
    chart.paperwork()
    chart.intake(without=("history.aneurysm",))
    chart.condition(ICD10, "I67.1", "Cerebral aneurysm, nonruptured", onset="2019-06-03")
    found.append(chart)

    return found


def _minds(today: date) -> list[Chart]:
    found: list[Chart] = []
    chart = depressed(
        "psychosis-history",
        today,
        given="Kwame",
        family="Adjei",
        gender="male",
        born="1990-12-11",
        weight_kg=79.3,
        height_cm=183,
        rest=(119, 74),
        score=(2, 3, 2, 2, 1, 2, 3, 1, 0),
    )
    chart.paperwork()
    chart.intake(without=("history.schizophrenia_spectrum", "history.current_psychosis"))
    chart.condition(ICD10, "F25.1", "Schizoaffective disorder, depressive type", onset="2015-05-20")
    found.append(chart)

    chart = depressed(
        "bipolar",
        today,
        given="Sanna",
        family="Virtanen",
        born="1979-07-07",
        weight_kg=68.0,
        height_cm=170,
        rest=(121, 77),
        score=(3, 3, 3, 3, 3, 2, 3, 2, 0),
    )
    chart.paperwork()
    chart.intake(without=("diagnosis.bipolar",))
    chart.condition(ICD10, "F31.4", "Bipolar disorder, current episode depressed, severe", onset="2009-10-01")
    chart.takes("Lithium carbonate", 900, since=1500)
    found.append(chart)

    chart = depressed(
        "ptsd-with-depression",
        today,
        given="Daniela",
        family="Rojas",
        born="1987-04-18",
        language="es",
        weight_kg=59.6,
        height_cm=161,
        rest=(116, 72),
        score=(2, 3, 3, 2, 2, 3, 3, 1, 0),
    )
    chart.paperwork()
    chart.intake(without=("diagnosis.ptsd", "social.trauma_history"), scale__suicide_risk="moderate")
    chart.condition(SNOMED, "47505003", "Posttraumatic stress disorder", onset="2020-08-01")
    chart.condition(SNOMED, "47505003", "Posttraumatic stress disorder", onset="2012-03-01", active=False)
    therapy = {"coding": [{"system": SNOMED, "code": "75516001", "display": "Psychotherapy"}]}
    chart.add("CarePlan", status="active", intent="plan", category=[therapy], period={"start": chart.ago(60)})
    found.append(chart)

    chart = depressed(
        "chronic-pain",
        today,
        given="Goran",
        family="Petrov",
        gender="male",
        born="1963-05-25",
        weight_kg=92.5,
        height_cm=176,
        rest=(131, 83),
        score=(2, 2, 3, 3, 2, 1, 2, 1, 0),
    )
    chart.paperwork()
    chart.intake(without=("diagnosis.chronic_pain",))
    chart.condition(ICD10, "G90.521", "Complex regional pain syndrome, right lower limb", onset="2022-01-15")
    chart.takes("Oxycodone", 20, since=400)
    chart.measure("72514-3", "Pain severity 0-10", 7, "{score}", days=2)
    found.append(chart)

    return found


def _ages(today: date) -> list[Chart]:
    found: list[Chart] = []
    chart = depressed(
        "sixteen-years-old",
        today,
        given="Noor",
        family="Haddad",
        born="2010-05-01",
        weight_kg=54.1,
        height_cm=163,
        rest=(112, 70),
        score=(3, 3, 2, 3, 2, 3, 3, 1, 0),
    )
    chart.paperwork()
    chart.intake()
    found.append(chart)

    chart = depressed("seventy-four-with-falls", today, given="Agnes", family="Whitcombe", born="1952-02-19")
    chart.paperwork()
    chart.intake(without=("history.falls",), scale__moca=24)
    chart.condition(ICD10, "R29.6", "Repeated falls", onset=chart.ago(80))
    chart.measure("29463-7", "Body weight", 131.0, "[lb_av]")  # another scale, in pounds, on the same day
    found.append(chart)

    return found


def _lives(today: date) -> list[Chart]:
    found: list[Chart] = []
    chart = depressed(
        "no-ride-and-night-shifts",
        today,
        given="Mei",
        family="Tan",
        born="1993-11-02",
        weight_kg=57.8,
        height_cm=160,
        rest=(118, 75),
        score=(2, 3, 3, 3, 2, 2, 3, 1, 0),
    )
    chart.paperwork()
    chart.form({"social.ride_home": True}, days=40)  # an older answer; the newer one counts
    chart.intake(
        social__ride_home=False,
        social__night_shifts=True,
        social__childcare_needed=True,
        social__money_difficulty=True,
    )
    found.append(chart)

    chart = depressed(
        "half-the-facts-missing", today, given="Piotr", family="Sawicki", gender="male", born="1981-08-08"
    )
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
    found.append(chart)

    chart = depressed(
        "first-language-arabic",
        today,
        given="Layla",
        family="Mansour",
        language="ar",
        born="1976-10-23",
        weight_kg=66.2,
        height_cm=164,
        rest=(122, 76),
        score=(3, 3, 3, 3, 2, 3, 2, 1, 0),
    )
    chart.paperwork()
    chart.intake(social__stigma_concern=True)
    found.append(chart)
    return found
