"""What is one thing worth to this person? Where the exercise of choices stands, and what the record keeps of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import get_args

from django.utils.translation import gettext as _

from clinic.queries.person import Chart, plan
from ketapath.domain.evidence import Text
from ketapath.domain.fact import Fact
from ketapath.errors import BadInput
from ketapath.plan.preferences import (
    PATHS,
    UNITS,
    Answer,
    Chosen,
    Weighed,
    contradicted,
    of_ten,
    said,
)

_CHOSEN: tuple[Chosen, ...] = get_args(Chosen)
_MOST = 40
"""More answers than any exercise has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the record holds of one thing; `on` and `source` are empty where nobody was asked."""

    thing: str
    title: Text
    statement: Text
    fits: bool
    is_known: bool
    on: date | None
    source: str


def answers_of(code: str) -> tuple[Answer, ...]:
    """The answers that an address carries, such as "visits.2.more-visits.1.as_now". Raises BadInput for any other."""
    found: list[Answer] = []
    for word in code.split("-") if code else ():
        thing, _dot, rest = word.partition(".")
        step, _dot, chose = rest.partition(".")
        chosen = next((c for c in _CHOSEN if c.replace("-", "_") == chose), None)
        if thing not in PATHS or len(step) != 1 or step not in "0123456789" or chosen is None or len(found) == _MOST:
            raise BadInput(
                field=_("answer"), found=word[:40], limit=_("an answer of this exercise"),
                next_step=_("Begin the exercise anew."),
            )  # fmt: skip
        found.append(Answer(thing=thing, step=int(step), chose=chosen))
    return tuple(found)


def code_of(answers: Sequence[Answer]) -> str:
    """The same answers as an address carries them."""
    return "-".join(f"{a.thing}.{a.step}.{a.chose.replace('-', '_')}" for a in answers)


def kept(found: Chart) -> list[Kept]:
    """What stands of every thing, in better days for as much of it as a question is about."""
    assert found.person is not None
    return [_kept(found, thing) for thing in PATHS]


def _kept(found: Chart, thing: str) -> Kept:
    assert found.person is not None
    span, fact = contradicted(found.person, thing), found.person.known.get(PATHS[thing])
    if span is not None:
        low, high = (_days(end, thing) for end in span)
        return _standing(found, Weighed(thing=thing, low=low, high=high, fits=False), span[0])
    if fact is not None:
        days = _days(fact, thing)
        return _standing(found, Weighed(thing=thing, low=days, high=days, fits=True), fact)
    statement = Text(key="exercise.kept.not_asked")
    if thing == "visits":
        figure = found.knowledge.policy["worth_visit_days"]
        key = "approved" if figure.get("by") else "default"
        days = found.knowledge.figure("worth_visit_days") * UNITS[thing]
        values = {"days": f"{days:g}", "units": UNITS[thing], "by": figure.get("by") or ""}
        statement = Text(key=f"exercise.kept.{key}", values=values)
    title = Text(key=f"exercise.thing.{thing}")
    return Kept(thing=thing, title=title, statement=statement, fits=True, is_known=False, on=None, source="")


def _standing(found: Chart, one: Weighed, fact: Fact) -> Kept:
    return Kept(
        thing=one.thing,
        title=Text(key=f"exercise.thing.{one.thing}"),
        statement=said(one, currency=found.clinic.currency),
        fits=one.fits,
        is_known=True,
        on=fact.on,
        source=f"{fact.origin.resource}/{fact.origin.id}",
    )


def _days(fact: Fact, thing: str) -> float:
    assert isinstance(fact.value, float)
    return round(fact.value * UNITS[thing], 1)


def like_you(found: Chart) -> Text | None:
    """How often the way that leads now helps people like this one; None where that cannot be said."""
    options = plan(found).options
    benefit = options[0].benefit if options else None
    if benefit is None:
        return None
    chance = benefit["p_response"]
    ends = {"low": round(10 * chance.p05), "high": round(10 * chance.p95)}
    return Text(key="exercise.like_you", values={"share": of_ten(chance.p50), **ends})
