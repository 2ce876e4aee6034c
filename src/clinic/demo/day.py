"""Who comes today? The people who fill the demonstration's day, beside those who have a story of weeks.

Their earlier sessions were elsewhere and come with the record; here a plan is signed some days ago and today is played.
Times are minutes from the moment of loading, so that there is something of every phase whenever somebody looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from clinic.demo.charts import Chart, depressed
from clinic.demo.sitting import Guest
from clinic.demo.stages import STAGES, Stage, generator, items, personal

ROOMS = tuple(f"room-{number}" for number in range(1, 9))
SIGNED_DAYS_AGO = 3
"""A plan that is signed then has its first session today."""
_GRID = timedelta(minutes=5)
_OPTIONS = {"iv": "racemic-iv-series", "im": "racemic-im-series", "spray": "esketamine-label"}
_EARLIER_DAYS = {"spray": (7, 10, 14, 17), "iv": (12, 19, 26, 33), "im": (12, 19, 26, 33)}
"""So many days before today sessions were held elsewhere; the spray's lie within its first four weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """Somebody who comes today. `starts` is in minutes from now, `earlier` how many sessions were held elsewhere.

    `comes` is "", no-show or cancelled.
    """

    given: str
    family: str
    gender: str
    born: str
    weight_kg: float
    height_cm: float
    way: Literal["iv", "im", "spray"]
    room: str
    starts: int
    earlier: int = 0
    rest: tuple[int, int] = (122, 77)
    first_total: int = 17
    language: str = "en"
    comes: str = ""
    late_at: float = 0.0
    is_low: bool = False

    @property
    def identity(self) -> str:
        """The person's id."""
        return f"{self.given}-{self.family}".lower()

    @property
    def option(self) -> str:
        """The protocol of the plan."""
        return _OPTIONS[self.way]

    @property
    def guest(self) -> Guest:
        """How the session goes."""
        rise = {"iv": 18.0, "im": 14.0, "spray": 12.0}[self.way]
        return Guest(identity=self.identity, rest=self.rest, weight_kg=self.weight_kg, rise=rise, comes=self.comes,
                     late_at=self.late_at, is_low=self.is_low, first_total=self.first_total)  # fmt: skip


def _one(who: str, born: str, size: tuple[float, float], way: str, room: int, starts: int, **more: object) -> Coming:
    given, family, gender = who.split()
    return Coming(given=given, family=family, gender={"f": "female", "m": "male"}[gender], born=born, weight_kg=size[0],
                  height_cm=size[1], way=way, room=ROOMS[room - 1], starts=starts, **more)  # type: ignore[arg-type]  # fmt: skip


DAY: tuple[Coming, ...] = (
    _one("Amina Diallo f", "1984-06-11", (63.2, 167), "iv", 1, -260, earlier=3),
    _one("Henrik Solberg m", "1968-02-27", (84.5, 183), "iv", 1, -105, rest=(128, 82), first_total=19),
    _one("Leilani Kahale f", "1995-10-08", (71.8, 170), "iv", 1, 20, earlier=2),
    _one("Rajesh Iyer m", "1979-04-19", (76.4, 172), "spray", 2, -255, earlier=4),
    _one("Marisol Quispe f", "1990-12-30", (58.9, 158), "im", 2, -95, language="es", first_total=18),
    _one("Desmond Achebe m", "1962-08-03", (88.0, 181), "im", 2, 15, rest=(131, 84), is_low=True),
    _one("Yuki Tanabe f", "2001-03-22", (52.6, 161), "iv", 3, -250, is_low=True, first_total=16),
    _one("Callum Fraser m", "1973-11-14", (91.3, 186), "iv", 3, -40, earlier=1, late_at=25.0),
    _one("Zofia Wrona f", "1964-05-06", (67.7, 165), "spray", 3, 85, earlier=2),
    _one("Tariq Rahmani m", "1988-09-17", (79.9, 178), "im", 4, -200, earlier=3),
    _one("Nneka Obi f", "1999-01-25", (65.1, 172), "spray", 4, -10, first_total=20),
    _one("Sione Tuipulotu m", "1985-07-02", (98.4, 188), "iv", 4, 120),
    _one("Ingrid Halvorsen f", "1948-04-13", (61.5, 163), "iv", 5, -270, rest=(133, 80), earlier=4),
    _one("Mateo Villanueva m", "1992-02-09", (73.3, 175), "iv", 5, -15, first_total=18),
    _one("Chaya Rosen f", "1970-10-31", (69.0, 166), "spray", 5, 110, earlier=3),
    _one("Dmitri Volkov m", "1982-12-05", (81.2, 180), "iv", 6, -150, comes="no-show"),
    _one("Aaliyah Brooks f", "2004-08-18", (60.7, 169), "iv", 6, 0, first_total=21),
    _one("Bao Nguyen m", "1966-06-24", (64.8, 168), "iv", 6, 125, earlier=2),
    _one("Fatuma Abdi f", "1977-03-15", (70.6, 164), "im", 7, -190, earlier=1),
    _one("Lucas Ferreira m", "2007-05-29", (68.3, 176), "spray", 7, 60, comes="cancelled"),
    _one("Wendell Yazzie m", "1960-09-09", (86.9, 179), "iv", 8, -200, rest=(127, 79), earlier=2),
    _one("Priya Raman f", "1986-01-12", (57.4, 160), "spray", 8, 105, earlier=3),
)
"""In each room one after the other; with two people of the longer story there are 24 sessions."""


def moment(now: datetime) -> datetime:
    """The instant that the day's minutes are counted from: now, on whole five minutes."""
    return now - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)


def fitting(now: datetime) -> list[Coming]:
    """Whoever's session lies on the clinic's day of this instant (by its own clock), with room before midnight."""
    begin = moment(now)
    times = [(one, begin + timedelta(minutes=one.starts)) for one in DAY]
    return [one for one, at in times if at.date() == now.date() == (at + timedelta(minutes=130)).date()]


def referred(one: Coming, on: date) -> Chart:
    """What the referrer sends on that day: the intake, earlier sessions, and the scores along them."""
    rng = generator(one.identity)
    chart = depressed(one.identity, on, given=one.given, family=one.family, gender=one.gender, born=one.born,
                      language=one.language, height_cm=one.height_cm)  # fmt: skip
    chart.paperwork()
    chart.intake()
    stage = Stage(first_total=one.first_total, weight_kg=one.weight_kg, rest=one.rest)
    personal(chart, stage, rng)
    for number, ago in enumerate(sorted(_EARLIER_DAYS[one.way][: one.earlier], reverse=True)):
        days = ago - SIGNED_DAYS_AGO
        if one.way == "spray":
            chart.spray(days=days, mg=56.0)
        else:
            chart.infusion(days=days, mg=round(one.weight_kg / 2))
        chart.phq9(*items(min(24, one.first_total + 4 - number), rng), days=days + 1)
    return chart


def guests() -> dict[str, Guest]:
    """How the session of each goes, by id; of the people with a longer story what their stage says."""
    known = {name: Guest(identity=name, rest=stage.rest, weight_kg=stage.weight_kg) for name, stage in STAGES.items()}
    return known | {one.identity: one.guest for one in DAY}
