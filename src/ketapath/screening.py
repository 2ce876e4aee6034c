"""What do screening answers say, beside the work-up? Post-test probabilities with bands; screening, never a diagnosis.

`screen` reads each screen's answer by its published cut-off and goes from a pre-test range to a probability by Bayes'
rule in odds: odds after = odds before * LR, with LR+ = sensitivity / (1 - specificity) for a positive answer and
LR- = (1 - sensitivity) / specificity for a negative one. Each figure is drawn from what is known of it. Assumed: the
pre-test probability lies anywhere in its range alike, sensitivity and specificity err independently, and two screens
of one condition need not, so that they are never multiplied. Nothing here reaches candidacy or plan.
Decision: docs/decisions/0017. Sources: knowledge/screening.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from ketapath.candidacy import fact_used
from ketapath.domain.evidence import FactUsed, MissingFact, Text
from ketapath.domain.plan import Range
from ketapath.domain.profile import Profile
from ketapath.domain.screening import Accuracy, Answer, AnswerUsed, AtPretest, Pretest, Reading, Screened, ToFill
from ketapath.errors import BadInput
from ketapath.knowledge import Knowledge, Truth, evaluate, paths
from ketapath.knowledge.rules import Predicate
from ketapath.knowledge.screens import Condition, Screen

__all__ = ["screen"]

Draws = NDArray[np.float64]

DRAWS = 20_000  # source: numerical choice; the middle and the ends of a band move by 1 in 100 at most between seeds
GRID = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Pre-test probabilities at which the probability after the answer is given as a table."""
_EDGE = 1e-9  # source: numerical choice, keeps a drawn share off 0 and 1
_FIRMEST = ("published", "wilson", "spread", "assumed")
_READ_BEST = ("read", "summary", "unread")


def screen(
    person: Profile, knowledge: Knowledge, *, pretest: Mapping[str, tuple[float, float]] | None = None, seed: int
) -> tuple[Screened, ...]:
    """Every condition that is screened for, with what this person's answers say of it.

    `pretest` holds ranges that the clinician states, by condition: (low, high), shares above 0 and below 1. Where it
    has none, the range of knowledge/screening counts, and where that has none either, the probability is given for
    several values only. The same seed gives the same numbers. Nobody is screened after death.

    Raises BadInput for a stated range of no known condition or outside 0 to 1.
    """
    stated = _checked(pretest or {}, knowledge)
    if person.died is not None:
        return ()
    return tuple(_condition(c, person, knowledge, stated.get(c.id), seed) for c in knowledge.screening.values())


def _checked(stated: Mapping[str, tuple[float, float]], knowledge: Knowledge) -> Mapping[str, tuple[float, float]]:
    for name, (low, high) in stated.items():
        if name not in knowledge.screening:
            known = ", ".join(knowledge.screening)
            raise BadInput(field="pre-test range", found=name, limit=f"one of {known}", next_step="Name one of these.")
        if not 0 < low <= high < 1:
            raise BadInput(
                field=f"pre-test range of {name}",
                found=f"{low:g} to {high:g}",
                limit="two shares above 0 and below 1, the smaller one first",
                next_step="State how many in one have it, such as 0.1 to 0.2.",
            )
    return stated


def _condition(
    condition: Condition, person: Profile, knowledge: Knowledge, stated: tuple[float, float] | None, seed: int
) -> Screened:
    known = tuple(_facts(_stating(condition, person), person, knowledge))
    said = tuple(f for f in _facts(condition.said, person, knowledge) if f not in known)
    before = None if known else _pretest(condition, person, knowledge, stated)
    fitting = [(s, _holds(s.applies, person)) for s in condition.screens]
    readings = tuple(
        _reading(s, condition, person, knowledge, before, seed, known=bool(known))
        for s, fits in fitting
        if fits is not False
    )
    leading = _leading(readings)
    return Screened(
        condition=condition.id,
        title=Text(key=f"screening.{condition.id}.title"),
        label=Text(key="screening.label"),
        statement=_statement(condition, leading, known),
        known=known,
        said=said,
        readings=readings,
        leading=leading.id if leading else None,
        setting=Text(key=f"screening.{condition.id}.setting"),
        setting_note=Text(key=f"screening.{condition.id}.note"),
        pretest=before,
        to_fill=() if known else tuple(_to_fill(readings, person, knowledge)),
        settled_by=Text(key=f"screening.{condition.id}.settled_by"),
        notes=tuple(_notes(condition, readings, before, person, knowledge, known=bool(known))),
    )


def _stating(condition: Condition, person: Profile) -> Iterator[str]:
    """The facts that state the diagnosis, without those that another fact explains otherwise."""
    for path in condition.known:
        other = condition.known_unless.get(path)
        if other is None or not _states(other, person, value=True):
            yield path


def _states(path: str, person: Profile, *, value: bool) -> bool:
    fact = person.known.get(path)
    return fact is not None and fact.value is value


def _facts(read: Iterable[str], person: Profile, knowledge: Knowledge) -> Iterator[FactUsed]:
    return (fact_used(person.known[p], knowledge) for p in read if _states(p, person, value=True))


def _holds(predicate: Predicate, person: Profile) -> Truth:
    return evaluate(predicate, person.known, as_of=person.as_of)


def _pretest(
    condition: Condition, person: Profile, knowledge: Knowledge, stated: tuple[float, float] | None
) -> Pretest | None:
    """The clinician's range, else this setting's for people such as this one, else none."""
    if stated is not None:
        values = {"low": f"{100 * stated[0]:.3g}", "high": f"{100 * stated[1]:.3g}"}
        said = Text(key="screening.range_stated", values=values)
        return Pretest(low=stated[0], high=stated[1], stated=True, approved_by=None, statement=said, evidence=())
    span = next((r for r in condition.ranges if _holds(r.when, person)), None)
    if span is None:
        return None
    # A clinic may have moved one bound past the other.
    low, high = sorted(min(max(knowledge.figure(f), _EDGE), 1 - _EDGE) for f in (span.low, span.high))
    approvers = [knowledge.policy[f].get("by") for f in (span.low, span.high)]
    by = None if None in approvers else ", ".join(dict.fromkeys(map(str, approvers)))
    values = {"low": f"{100 * low:.3g}", "high": f"{100 * high:.3g}"}
    said = Text(key="screening.range_setting", values=values)
    if by is not None:
        said = Text(key="screening.range_approved", values={**values, "by": by})
    return Pretest(
        low=low, high=high, stated=False, approved_by=by, statement=said, evidence=condition.pretest_evidence
    )


def _reading(
    screen: Screen,
    condition: Condition,
    person: Profile,
    knowledge: Knowledge,
    before: Pretest | None,
    seed: int,
    *,
    known: bool,
) -> Reading:
    read = tuple(dict.fromkeys((*paths(screen.applies), *paths(screen.positive))))
    fits, positive = _holds(screen.applies, person), _holds(screen.positive, person)
    answer: Answer = "not answered" if fits is None or positive is None else "positive" if positive else "negative"
    ratio = None if known or answer == "not answered" else _likelihood_ratio(screen, answer, knowledge, seed)
    after = None if ratio is None or before is None else _range(_after(ratio, _before(before, condition, seed)))
    return Reading(
        id=screen.id,
        instrument=screen.instrument,
        cut=Text(key=f"screening.{screen.id}.cut"),
        purpose=screen.purpose,
        answer=answer,
        used=tuple(_used(p, person, knowledge) for p in read if p in person.known),
        missing=tuple(p for p in read if p not in person.known) if answer == "not answered" else (),
        sensitivity=screen.sensitivity,
        specificity=screen.specificity,
        likelihood_ratio=None if ratio is None else _range(ratio),
        posttest=after,
        by_pretest=()
        if ratio is None
        else tuple(AtPretest(pretest=p, posttest=_range(_after(ratio, np.full(DRAWS, p)))) for p in GRID),
        statement=_said(condition, screen, answer, after, known=known),
        studied=tuple(Text(key=f"screening.{screen.id}.{field}") for field in ("target", "population", "reference")),
        unknown=tuple(Text(key=f"screening.{screen.id}.unknown.{n}") for n in range(screen.unknowns)),
        evidence=screen.evidence,
        trust=screen.trust,
    )


def _used(path: str, person: Profile, knowledge: Knowledge) -> AnswerUsed:
    return AnswerUsed(fact=fact_used(person.known[path], knowledge), window_days=knowledge.paths[path].window_days)


def _likelihood_ratio(screen: Screen, answer: Answer, knowledge: Knowledge, seed: int) -> Draws | None:
    """How much more often such an answer comes from people with the condition than from those without, drawn."""
    if screen.sensitivity is None or screen.specificity is None:
        return None
    rng = np.random.default_rng([seed, *screen.id.encode()])
    sensitivity, specificity = (_drawn(f, knowledge, rng) for f in (screen.sensitivity, screen.specificity))
    if answer == "positive":
        return sensitivity / (1 - specificity)
    return (1 - sensitivity) / specificity


def _drawn(figure: Accuracy, knowledge: Knowledge, rng: np.random.Generator) -> Draws:
    """A sensitivity or specificity as it may truly be.

    From counts: Jeffreys' posterior Beta(cases found + 1/2, cases overlooked + 1/2). From a published interval: the
    Beta of the same mean and a width of 2 * 1.96 standard deviations. Between studies that disagree: anywhere alike.
    """
    if figure.basis == "spread":
        assert figure.interval is not None
        return rng.uniform(*figure.interval, DRAWS)
    if figure.basis == "published":
        assert figure.interval is not None
        sd = max((figure.interval[1] - figure.interval[0]) / (2 * 1.959964), _EDGE)
        # An interval wider than any Beta of this mean is taken as the widest that has one hump or none.
        weight = max(figure.point * (1 - figure.point) / sd**2 - 1, 1.0)
        drawn = rng.beta(figure.point * weight, (1 - figure.point) * weight, DRAWS)
    else:
        people = figure.people if figure.basis == "wilson" else None
        count = max(1.0, knowledge.figure("screening_assumed_people")) if people is None else float(people)
        drawn = rng.beta(figure.point * count + 0.5, (1 - figure.point) * count + 0.5, DRAWS)
    return np.clip(drawn, _EDGE, 1 - _EDGE)


def _before(before: Pretest, condition: Condition, seed: int) -> Draws:
    """The pre-test probability, drawn by itself so that all screens of a condition start from the same people."""
    shares: Draws = np.random.default_rng([seed, *condition.id.encode()]).uniform(size=DRAWS)
    return before.low + (before.high - before.low) * shares


def _after(ratio: Draws, before: Draws) -> Draws:
    """Bayes' rule in odds."""
    odds = before / (1 - before) * ratio
    return odds / (1 + odds)


def _range(drawn: Draws) -> Range:
    p05, p50, p95 = (float(q) for q in np.quantile(drawn, (0.05, 0.5, 0.95)))
    return Range(p05=p05, p50=p50, p95=p95, unit="1")


def _leading(readings: tuple[Reading, ...]) -> Reading | None:
    """The reading whose accuracy was read best, then whose interval is firmest, then the first of the file."""

    def order(reading: Reading) -> tuple[int, int]:
        figures = [f for f in (reading.sensitivity, reading.specificity) if f is not None]
        return _READ_BEST.index(reading.trust), max(_FIRMEST.index(f.basis) for f in figures)

    return min((r for r in readings if r.likelihood_ratio is not None), key=order, default=None)


def _said(condition: Condition, screen: Screen, answer: Answer, after: Range | None, *, known: bool) -> Text:
    """What this answer says, in people."""
    if answer == "not answered":
        return Text(key="screening.not_answered")
    if known:
        return Text(key="screening.reading_known")
    if screen.sensitivity is None or screen.specificity is None:
        return Text(key="screening.no_accuracy")
    if after is None:
        return Text(key="screening.reading_no_range")
    values: dict[str, object] = {"low": _in_100(after.p05), "high": _in_100(after.p95)}
    if after.p50 < 0.01:
        return Text(key=f"screening.{condition.id}.posttest_rare", values={"high": max(1, round(100 * after.p95))})
    of = 10 if 0.095 <= after.p50 <= 0.905 else 100
    values |= {"count": min(of - 1, round(of * after.p50)), "of": of}
    return Text(key=f"screening.{condition.id}.posttest", values=values)


def _in_100(share: float) -> str:
    return "under 1" if share < 0.01 else "over 99" if share > 0.99 else str(round(100 * share))


def _statement(condition: Condition, leading: Reading | None, known: tuple[FactUsed, ...]) -> Text:
    if known:
        return Text(key=f"screening.{condition.id}.known")
    return Text(key=f"screening.{condition.id}.open") if leading is None else leading.statement


def _to_fill(readings: tuple[Reading, ...], person: Profile, knowledge: Knowledge) -> Iterator[ToFill]:
    """Each questionnaire that no reading of this condition could use, with what of it is missing."""
    open_by_instrument: dict[str, list[str]] = {}
    for reading in readings:
        if reading.answer == "not answered":
            open_by_instrument.setdefault(reading.instrument, []).extend(reading.missing)
    for instrument, missing in open_by_instrument.items():
        yield ToFill(instrument=instrument, gaps=tuple(_gap(p, person, knowledge) for p in dict.fromkeys(missing)))


def _gap(path: str, person: Profile, knowledge: Knowledge) -> MissingFact:
    spec = knowledge.paths[path]
    aside = next((f.reason for f in person.unusable if f.path == path and f.reason is not None), None)
    return MissingFact(
        path=path,
        label=spec.label,
        reason=aside or Text(key="screening.sex_decides" if path == "person.sex" else "missing.not_stated"),
        supplied_by=spec.supplied_by,
        changes=(),
    )


def _notes(
    condition: Condition,
    readings: tuple[Reading, ...],
    before: Pretest | None,
    person: Profile,
    knowledge: Knowledge,
    *,
    known: bool,
) -> Iterator[Text]:
    if not readings:
        yield Text(key="screening.no_cut")
    if known:
        return
    counted = [r for r in readings if r.likelihood_ratio is not None]
    if counted and before is None:
        yield Text(key="screening.no_range")
    if counted and all(_states(path, person, value=False) for path in condition.known):
        yield Text(key="screening.ruled_out")
    if len(counted) > 1:
        yield Text(key="screening.side_by_side")
    if len({r.answer for r in counted}) > 1:
        yield Text(key="screening.between_cuts")
    for reading in readings:
        if counted and reading.answer == "positive" and reading.likelihood_ratio is None:
            yield Text(key="screening.positive_beside", values={"screen": reading.instrument})
    for reading in counted:
        yield from _widths(reading, knowledge)


def _widths(reading: Reading, knowledge: Knowledge) -> Iterator[Text]:
    """Where the width of a band is not the source's own."""
    bases = {f.basis for f in (reading.sensitivity, reading.specificity) if f is not None}
    name = f"{reading.instrument} ({reading.id})"
    if "assumed" in bases:
        figure = knowledge.policy["screening_assumed_people"]
        values = {"screen": name, "people": f"{figure['value']:g}"}
        if "by" in figure:
            yield Text(key="screening.assumed_width_approved", values={**values, "by": figure["by"]})
        else:
            yield Text(key="screening.assumed_width", values=values)
    if "spread" in bases:
        yield Text(key="screening.spread", values={"screen": name})
