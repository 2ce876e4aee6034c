"""Ten more invented people, who differ in what a plan depends on: body, age, heart, wishes, money, way, history.

They stand beside the demonstration's people in `examples/patients`; `build.py` writes them.
"""

from __future__ import annotations

from datetime import date

from clinic.demo.charts import ICD10, Chart, depressed

ASKED = {
    "social.time_off_work": True,
    "social.travel_minutes": 25.0,
    "coverage.own_share_esketamine": 0.1,
    "coverage.own_share_racemic": 1.0,
    "preference.relapse_risk_most": 0.3,
}
"""What this clinic asks everybody beside the intake, answered by somebody in the middle of everything."""


def varied(today: date) -> list[Chart]:
    """The ten people, each as they are on this day."""
    return [*_bodies(today), *_wishes(today), *_means(today), *_histories(today)]


def _bodies(today: date) -> list[Chart]:
    light = depressed(
        "light-and-few-visits", today, given="Aiko", family="Moriyama", born="1991-06-21", weight_kg=48.0,
        height_cm=157, rest=(108, 66), score=(2, 3, 3, 2, 2, 2, 2, 1, 0),
    )  # fmt: skip
    _asked(light, preference__worth_visit_days=2.0)

    heavy = depressed(
        "heavy-with-hypertension", today, given="Bogdan", family="Iliescu", gender="male", born="1970-03-30",
        weight_kg=110.0, height_cm=181, rest=(134, 84), score=(3, 3, 3, 3, 2, 2, 2, 2, 0),
    )  # fmt: skip
    heavy.condition(ICD10, "I10", "Essential (primary) hypertension", onset="2017-09-12")
    heavy.takes("Ramipril", 10, since=2400)
    _asked(heavy)

    older = depressed(
        "sixty-eight-years-old", today, given="Ingrid", family="Solberg", born="1958-07-15", weight_kg=63.5,
        height_cm=164, rest=(132, 76), score=(3, 3, 3, 2, 2, 1, 1, 1, 0),
    )  # fmt: skip
    _asked(older)
    return [light, heavy, older]


def _wishes(today: date) -> list[Chart]:
    afraid = depressed(
        "fears-dissociation", today, given="Lucia", family="Ferrante", born="1996-12-05", weight_kg=58.2, height_cm=165,
        rest=(112, 70), score=(3, 2, 3, 3, 1, 3, 2, 2, 0),
    )  # fmt: skip
    _asked(afraid, preference__worth_dissociation_days=6.0, preference__worth_visit_days=0.2)

    whatever = depressed(
        "relief-above-all", today, given="Samuel", family="Achterberg", gender="male", born="1987-01-27",
        weight_kg=82.0, height_cm=184, rest=(121, 77), score=(3, 3, 3, 3, 3, 3, 2, 2, 0),
    )  # fmt: skip
    _asked(whatever, preference__worth_visit_days=0.0)
    return [afraid, whatever]


def _means(today: date) -> list[Chart]:
    money = depressed(
        "money-decides", today, given="Thandiwe", family="Nkosi", born="1989-10-10", weight_kg=76.8, height_cm=170,
        rest=(118, 74), score=(2, 2, 2, 3, 2, 3, 2, 1, 0),
    )  # fmt: skip
    _asked(money, social__money_difficulty=True, preference__worth_hundred_days=1.5, preference__worth_visit_days=0.2)

    far = depressed(
        "two-hours-away", today, given="Finlay", family="Drummond", gender="male", born="1979-04-18", weight_kg=88.6,
        height_cm=178, rest=(127, 80), score=(2, 3, 2, 2, 2, 3, 2, 1, 0),
    )  # fmt: skip
    _asked(
        far, social__travel_minutes=115.0, social__time_off_work=False, social__sessions_a_week_most=2.0,
        preference__worth_hour_days=0.25,
    )  # fmt: skip
    return [money, far]


def _histories(today: date) -> list[Chart]:
    again = depressed(
        "relapse-after-response", today, given="Pauline", family="Berger", born="1974-08-29", weight_kg=69.0,
        height_cm=171, rest=(122, 79), score=(2, 2, 3, 2, 2, 2, 2, 1, 0),
    )  # fmt: skip
    for day in (206, 203, 199, 196, 192, 189, 175, 161):
        again.infusion(days=day, mg=34.0)
    again.measure("29463-7", "Body weight", 68.5, "kg", days=207)
    again.phq9(3, 3, 3, 2, 2, 2, 2, 2, 0, days=207)
    for day, answers in ((197, (2, 1, 1, 2, 1, 1, 1, 1, 0)), (188, (1, 1, 1, 1, 0, 1, 1, 0, 0))):
        again.phq9(*answers, days=day)
    again.phq9(1, 1, 1, 1, 1, 1, 0, 0, 0, days=160)
    _asked(again)

    better = depressed(
        "after-six-infusions", today, given="Rahel", family="Tesfaye", born="1992-05-06", weight_kg=61.3, height_cm=167,
        rest=(115, 73), score=(1, 1, 1, 1, 1, 1, 1, 0, 0),
    )  # fmt: skip
    for day in (23, 20, 16, 13, 9, 6):
        better.infusion(days=day, mg=30.0)
    better.phq9(3, 3, 2, 3, 2, 2, 2, 2, 0, days=24)
    better.phq9(2, 2, 2, 2, 1, 1, 1, 1, 0, days=15)
    _asked(better, therapy__planned="cognitive-behavioural")

    abroad = depressed(
        "in-europe-with-escitalopram", today, given="Matthias", family="Weidner", gender="male", born="1983-02-11",
        language="de", weight_kg=79.4, height_cm=182, rest=(119, 76), score=(2, 2, 2, 2, 2, 2, 2, 1, 0),
        now=("Escitalopram", 20),
    )  # fmt: skip
    _asked(abroad, preference__worth_visit_days=1.0)
    return [again, better, abroad]


def _asked(chart: Chart, **changed: float | bool | str) -> None:
    """Paperwork, the intake, and what this clinic asks beside it; double underscores stand for dots."""
    own = {name.replace("__", "."): value for name, value in changed.items()}
    chart.paperwork()
    chart.intake(without=tuple(own))
    chart.form(ASKED | own)
