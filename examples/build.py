"""Writes the example bundles: the demo clinic's people around 24 November 2026, ten more, five courses, one walk.

Run it with `.venv/bin/python examples/build.py`.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from varied import varied

from clinic.demo.charts import Chart, depressed
from clinic.demo.people import people

HERE = Path(__file__).parent
TODAY = date(2026, 11, 24)


def save(chart: Chart, folder: str) -> None:
    """Write the Bundle under the person's name."""
    text = json.dumps(chart.bundle(), indent=1, ensure_ascii=False) + "\n"
    (HERE / folder / f"{chart.identity}.json").write_text(text, encoding="utf-8")


def patients() -> None:
    """The demonstration's people, and those who differ in what a plan depends on."""
    for chart in [*people(TODAY), *varied(TODAY)]:
        save(chart, "patients")


def courses() -> None:
    """People under treatment."""
    days = (38, 35, 31, 28, 24, 21)
    chart = depressed("responder", TODAY, given="Ruth", family="Amsel", born="1975-06-12")
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
    save(chart, "courses")

    chart = depressed("worsening", TODAY, given="Emre", family="Yalcin", gender="male", born="1988-02-03")
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
    save(chart, "courses")

    chart = depressed("two-scores", TODAY, given="Hana", family="Kimura", born="1996-01-09")
    chart.paperwork()
    chart.intake()
    for day in (9, 6):
        chart.infusion(days=day)
    chart.resources = [r for r in chart.resources if not r.get("questionnaire")]
    chart.phq9(3, 3, 2, 2, 2, 2, 2, 1, 0, days=10)
    chart.phq9(2, 2, 2, 2, 1, 1, 1, 1, 0, days=2)
    save(chart, "courses")

    chart = depressed("no-scores", TODAY, given="Olu", family="Bankole", gender="male", born="1969-04-27")
    chart.paperwork()
    chart.intake()
    for day in (9, 6, 2):
        chart.infusion(days=day)
    chart.resources = [r for r in chart.resources if not r.get("questionnaire")]
    save(chart, "courses")

    chart = depressed("esketamine", TODAY, given="Vera", family="Holt", born="1982-12-30")
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
    save(chart, "courses")


def walk() -> None:
    """One person from the first score to relapse and back; docs/how-to/follow-one-person.md walks through it."""
    chart = depressed("to-relapse-and-back", TODAY, given="Marta", family="Lindqvist", born="1981-10-09")
    chart.paperwork()
    for day in (120, 70, 30, 0):
        chart.intake(days=day)
        chart.measure("29463-7", "Body weight", 71.0, "kg", days=day)
        chart.pressure(124, 78, days=day)
    for day in (112, 109, 105, 102, 98, 95, 42, 39, 35, 21, 7):
        chart.infusion(days=day)
    chart.resources = [r for r in chart.resources if not _is_phq9(r)]
    for when, answers in WALK_PHQ9.items():
        chart.phq9(*answers, days=when)
    for when, total in WALK_GAD7.items():
        chart.measure("70274-6", "GAD-7 total score", total, "{score}", days=when)
    chart.add("Goal", lifecycleStatus="active", startDate=chart.ago(113), description={"text": WALK_GOAL})
    goal = {"reference": f"Goal/{chart.resources[-1]['id']}"}
    for when, level in WALK_RATED.items():
        chart.add(
            "Observation",
            status="final",
            code={"coding": [{"system": "http://loinc.org", "code": "107332-9"}], "text": "Goal attainment"},
            focus=[goal],
            effectiveDateTime=chart.ago(when),
            valueInteger=level,
        )
    save(chart, "walk")


def _is_phq9(resource: dict[str, object]) -> bool:
    return resource.get("questionnaire") is not None


WALK_GOAL = "Walk to the lake with my daughter on Sundays"
WALK_RATED = {113: -2, 91: 0, 49: -1, 2: 1}
WALK_GAD7 = {113: 14.0, 91: 7.0, 49: 12.0, 2: 6.0}
WALK_PHQ9 = {
    126: (3, 2, 2, 3, 2, 2, 2, 1, 1),
    113: (3, 3, 3, 3, 2, 2, 2, 2, 0),
    106: (2, 2, 2, 2, 2, 2, 2, 1, 0),
    99: (2, 1, 1, 2, 1, 1, 1, 1, 0),
    91: (1, 1, 1, 1, 1, 1, 1, 0, 0),
    77: (1, 1, 1, 1, 0, 1, 1, 0, 0),
    63: (1, 1, 2, 1, 1, 1, 1, 1, 0),
    49: (2, 2, 2, 2, 2, 2, 2, 1, 0),
    43: (2, 3, 2, 2, 2, 2, 2, 2, 0),
    34: (2, 1, 2, 1, 1, 1, 1, 1, 0),
    20: (1, 1, 1, 1, 1, 1, 1, 0, 0),
    2: (1, 1, 1, 1, 0, 1, 0, 0, 0),
}


if __name__ == "__main__":
    patients()
    courses()
    walk()
