"""What is one thing worth to this person, in better days? A short exercise of choices, and what the plan takes of it.

Everything that a plan asks (visits, hours, sessions with marked dissociation, money) is weighed in one measure: how
many better days (half of the symptoms gone) of twelve weeks the person would give up for one less of it. A thing that
nobody asked about counts nothing, visits aside: until the person was asked, a site default stands in for them, or the
heaviest plan would always lead.

The exercise sets some more better days with some more of one thing against as it is now, and halves what is left: two
or three questions a thing, about ten in all, the two sides in turns, ended whenever the person likes. A thing that was
not asked to the end stays unknown. Two of the things are asked once more; answers that do not fit together leave a
range, which is said and kept as a range. The plan then takes of it what is nearest to not having asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from ketapath.candidacy import fact_used
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Fact
from ketapath.domain.plan import Worth
from ketapath.domain.profile import Profile
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge

PATHS = {
    "visits": "preference.worth_visit_days",
    "hours": "preference.worth_hour_days",
    "dissociation": "preference.worth_dissociation_days",
    "cost": "preference.worth_hundred_days",
}
"""The things that may be weighed, and where the person's answer stands; "_least" and "_most" of it hold a range."""

UNITS = {"visits": 6, "hours": 10, "dissociation": 3, "cost": 5}
"""How many of a thing one question is about. source: our choice; about half of what ways of giving differ by."""

DAYS = (1, 3, 7, 14, 28)
"""The better days of twelve weeks that a question offers. source: our choice; the site default for visits is a step."""

CHECKS = 2
"""How many things are asked once more. source: our choice; about ten questions in all."""

Chosen = Literal["more", "as-now", "same", "skip"]
"""More better days with more of the thing; as it is now; it makes no difference; no answer, and no more about this."""

_MIDDLE = len(DAYS) // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was chosen when `DAYS[step]` better days were set against `UNITS[thing]` more of a thing."""

    thing: str
    step: int
    chose: Chosen


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One of the two ways that a question describes."""

    chose: Chosen
    words: Text


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The next choice: `sides` in the order in which they are shown; `number` of `about` so many questions."""

    thing: str
    step: int
    sides: tuple[Side, Side]
    number: int
    about: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What the answers about one thing leave, in better days for `UNITS` less of it.

    `low` to `high`; `high` None where the person would give up more than was ever offered. `fits` is False where
    answers contradict each other: then some say `low` or less and others `high` or more. Both are None where the thing
    was not asked to the end.
    """

    thing: str
    low: float | None
    high: float | None
    fits: bool

    @property
    def better_days(self) -> float | None:
        """Of one unit: the middle of what is left, the least that is certain where nothing ends it; else None."""
        if self.low is None or not self.fits:
            return None
        return (self.low if self.high is None else (self.low + self.high) / 2.0) / UNITS[self.thing]


def question(answers: Sequence[Answer], *, currency: str | None = None) -> Question | None:
    """The next question after these answers; None where all is asked. Money is asked about where there is a currency.

    Raises BadInput for an answer to a question that does not exist.
    """
    _check(answers)
    things = [t for t in PATHS if t != "cost" or currency]
    left = [(thing, step) for thing in things if (step := _next(answers, thing)) is not None]
    again = [(thing, step) for thing in things if (step := _again(answers, thing)) is not None]
    checks_left = CHECKS - sum(_is_checked(answers, thing) for thing in things)
    waiting = left + (again[:checks_left] if not left else [])
    if not waiting:
        return None
    thing, step = waiting[0]
    more = Side(chose="more", words=_side(thing, step, currency))
    now = Side(chose="as-now", words=Text(key=f"exercise.now.{thing}"))
    ahead = sum(max(1, 2 - len(_about(answers, t))) for t, _ in left) + (checks_left if left else len(waiting))
    return Question(
        thing=thing,
        step=step,
        # In turns, so that neither side gains from where it stands.
        sides=(more, now) if len(answers) % 2 == 0 else (now, more),
        number=len(answers) + 1,
        about=len(answers) + ahead,
    )


def weighed(answers: Sequence[Answer]) -> tuple[Weighed, ...]:
    """What the answers leave of each thing, asked or not. Raises BadInput for an answer to no question."""
    _check(answers)
    return tuple(_weighed(answers, thing) for thing in PATHS)


def stated(answers: Sequence[Answer]) -> Mapping[str, float | None]:
    """How many better days one less of each thing is worth; None where not asked to the end, or contradictory."""
    return {one.thing: one.better_days for one in weighed(answers)}


def facts(answers: Sequence[Answer]) -> Mapping[str, float]:
    """What a record is to keep of the answers, by profile path: one figure for a thing, or the two ends of a range."""
    found: dict[str, float] = {}
    for one in weighed(answers):
        path, units = PATHS[one.thing], UNITS[one.thing]
        if one.better_days is not None:
            found[path] = one.better_days
        elif one.low is not None and one.high is not None:
            found |= {f"{path}_least": one.low / units, f"{path}_most": one.high / units}
    return found


def worths(person: Profile, knowledge: Knowledge) -> tuple[Worth, ...]:
    """What each thing is worth to this person; things that were not asked about are left out."""
    found = []
    for thing, path in PATHS.items():
        usual = knowledge.figure("worth_visit_days") if thing == "visits" else None
        fact, days = person.known.get(path), usual
        span = contradicted(person, thing)
        if span is not None:
            # Nearest to not having asked: a default, or nothing, moved into what the answers leave.
            fact, days = span[0], min(max(usual or 0.0, _number(span[0])), _number(span[1]))
        elif fact is not None:
            days = _number(fact)
        if days is not None:
            used = None if fact is None else fact_used(fact, knowledge)
            found.append(Worth(thing=thing, unit=Text(key=f"worth.{thing}"), better_days=days, stated=used))
    return tuple(found)


def contradicted(person: Profile, thing: str) -> tuple[Fact, Fact] | None:
    """The two ends of a range that contradictory answers left, unless a figure was stated since."""
    path = PATHS[thing]
    fact, least, most = (person.known.get(f"{path}{end}") for end in ("", "_least", "_most"))
    if least is None or most is None or (fact is not None and _since(fact) >= _since(least)):
        return None
    return least, most


def of_ten(p: float) -> Text:
    """A probability (0 to 1) as people of ten."""
    people = round(10.0 * p)
    if people in (0, 10):
        return Text(key="exercise.of_ten.fewer" if people == 0 else "exercise.of_ten.more")
    return Text(key="exercise.of_ten", values={"people": people})


def _number(fact: Fact) -> float:
    assert isinstance(fact.value, float)
    return fact.value


def _since(fact: Fact) -> tuple[str, str]:
    """When it was stated; without a time, at the end of its day."""
    return "" if fact.on is None else fact.on.isoformat(), "~" if fact.at is None else fact.at.isoformat()


def _check(answers: Sequence[Answer]) -> None:
    for one in answers:
        if one.thing not in PATHS or not 0 <= one.step < len(DAYS):
            raise BadInput(
                field="answer", found=f"{one.thing} {one.step}", limit="an answer to one of the exercise's questions",
                next_step="Begin the exercise anew.",
            )  # fmt: skip


def _about(answers: Sequence[Answer], thing: str) -> list[Answer]:
    return [a for a in answers if a.thing == thing]


def _bounds(answers: Sequence[Answer], thing: str) -> tuple[list[int], list[int]]:
    """The steps at which the person would rather have it as now, and those at which they would take more."""
    own = _about(answers, thing)
    refused = [a.step for a in own if a.chose in ("as-now", "same")]
    taken = [a.step for a in own if a.chose in ("more", "same")]
    return refused, taken


def _left(answers: Sequence[Answer], thing: str) -> list[int]:
    """The steps that are still open between what was refused and what was taken."""
    refused, taken = _bounds(answers, thing)
    low, high = max(refused, default=-1), min(taken, default=len(DAYS))
    return list(range(low + 1, high))


def _is_skipped(answers: Sequence[Answer], thing: str) -> bool:
    return any(a.chose == "skip" for a in _about(answers, thing))


def _next(answers: Sequence[Answer], thing: str) -> int | None:
    """The step to ask about next, the nearest to the middle; None where this thing is done with."""
    left = _left(answers, thing)
    if not left or _is_skipped(answers, thing):
        return None
    return min(left, key=lambda step: abs(step - _MIDDLE))


def _again(answers: Sequence[Answer], thing: str) -> int | None:
    """A step whose answer follows from the others already; None for a thing that took three questions, or was left."""
    own = {a.step for a in _about(answers, thing)}
    if _left(answers, thing) or _is_skipped(answers, thing) or not 1 <= len(own) <= 2:
        return None
    untried = [step for step in range(len(DAYS)) if step not in own]
    return min(untried, key=lambda step: abs(step - _MIDDLE))


def _is_checked(answers: Sequence[Answer], thing: str) -> bool:
    """Whether the last answer about a thing was to a question whose answer followed already."""
    own = _about(answers, thing)
    return len(own) > 1 and own[-1].chose != "skip" and not _left(own[:-1], thing)


def _weighed(answers: Sequence[Answer], thing: str) -> Weighed:
    refused, taken = _bounds(answers, thing)
    if _is_skipped(answers, thing) or not (refused or taken) or _left(answers, thing):
        return Weighed(thing=thing, low=None, high=None, fits=True)
    low = float(DAYS[max(refused)]) if refused else 0.0
    high = float(DAYS[min(taken)]) if taken else None
    if high is not None and low > high:
        return Weighed(thing=thing, low=high, high=low, fits=False)
    return Weighed(thing=thing, low=low, high=high, fits=True)


def _side(thing: str, step: int, currency: str | None) -> Text:
    """More better days with more of the thing, in words."""
    days = DAYS[step]
    gain = Text(key="exercise.gain.one") if days == 1 else Text(key="exercise.gain", values={"days": days})
    values: dict[str, object] = {"gain": gain, "units": UNITS[thing]}
    if thing == "cost":
        values = {"gain": gain, "units": 100 * UNITS[thing], "currency": currency or ""}
    return Text(key=f"exercise.more.{thing}", values=values)


def said(one: Weighed, *, currency: str | None = None) -> Text:
    """What was found about one thing, in a sentence for the person."""
    units = UNITS[one.thing] * (100 if one.thing == "cost" else 1)
    less = Text(key=f"exercise.less.{one.thing}", values={"units": units, "currency": currency or ""})
    low, high = one.low, one.high
    if low is None:
        return Text(key="exercise.found.not_asked")
    shown = high if low == 0.0 and one.fits and high is not None else low
    days = Text(key="exercise.days.one") if shown == 1.0 else Text(key="exercise.days", values={"days": f"{shown:g}"})
    values: dict[str, object] = {"less": less, "days": days, "low": f"{low:g}", "high": f"{high or 0.0:g}"}
    if not one.fits:
        return Text(key="exercise.found.contradicts", values=values)
    if high is None:
        return Text(key="exercise.found.more_than", values=values)
    kind = "about" if low == high else "less_than" if low == 0.0 else "between"
    return Text(key=f"exercise.found.{kind}", values=values)
