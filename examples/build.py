"""Writes the example bundles: the demo clinic's people around 24 November 2026, and five courses of treatment.

Run it with `.venv/bin/python examples/build.py`.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from clinic.demo.charts import Chart, depressed
from clinic.demo.people import people

HERE = Path(__file__).parent
TODAY = date(2026, 11, 24)


def save(chart: Chart, folder: str) -> None:
    """Write the Bundle under the person's name."""
    text = json.dumps(chart.bundle(), indent=1, ensure_ascii=False) + "\n"
    (HERE / folder / f"{chart.identity}.json").write_text(text, encoding="utf-8")


def patients() -> None:
    """The demonstration's people."""
    for chart in people(TODAY):
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


if __name__ == "__main__":
    patients()
    courses()
