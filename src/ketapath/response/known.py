"""What does the record say of this course, as far as the model may read it? Sessions, usable totals, the fit of them.

Only totals that can be used enter; the last one of the weeks up to the first session is a scale's baseline. A new
series after a long pause has its own first day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ketapath.domain.evidence import Text
from ketapath.domain.fact import Dose, ScoreEntry
from ketapath.domain.response import History
from ketapath.knowledge import Knowledge
from ketapath.response.individual import Fit, own_course, scores_from
from ketapath.response.person import person, scales_of
from ketapath.response.prior import Population
from ketapath.response.totals import is_under_a_dose, one_a_day
from ketapath.response.treatment import Session, antidepressant_day, doses_given, newest_series


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the record says up to today: sessions given, scores of each scale, the usable ones one a day, and notes."""

    as_of: date
    given: tuple[Dose, ...]
    stated: Mapping[str, Sequence[ScoreEntry]]
    usable: Mapping[str, Sequence[ScoreEntry]]
    depression: tuple[str, ...]
    item9: int | None
    notes: tuple[Text, ...]
    window: timedelta

    @property
    def first(self) -> date | None:
        """The day of the first session of this series."""
        return self.given[0].on if self.given else None

    @property
    def is_depression(self) -> bool:
        """Whether any scale of depression is charted."""
        return any(self.usable.get(scale) for scale in self.depression)

    def day(self, on: date) -> float:
        """Days since the first session."""
        assert self.first is not None
        return float((on - self.first).days)

    def day_0(self, scale: str) -> date:
        """The first session; before one, each scale counts from its own first score."""
        return self.first or min(s.on for s in self.usable[scale] or self.stated[scale])

    def baseline(self, scale: str) -> ScoreEntry | None:
        """The last total of the weeks up to the first session."""
        if self.first is None:
            return None
        earliest = self.first - self.window
        within = (s for s in self.usable.get(scale, ()) if earliest <= s.on <= self.first)
        return max(within, key=lambda s: s.on, default=None)

    def after(self, scale: str) -> list[ScoreEntry]:
        """Totals after the first session."""
        return [s for s in self.usable.get(scale, ()) if self.first is not None and s.on > self.first]


def known(history: History, knowledge: Knowledge, as_of: date) -> Known:
    """The record up to this day."""
    every = doses_given(history.doses, as_of)
    given = newest_series(every, knowledge.figure("course_gap_days"))
    window = timedelta(days=int(knowledge.response["baseline_days"]))
    stated = [s for s in history.scores if s.on <= as_of and s.instrument in knowledge.instruments]
    under = [s for s in stated if is_under_a_dose(s, every)]
    notes = [
        Text(key="response.under_a_dose", values={"on": on.isoformat()}) for on in dict.fromkeys(s.on for s in under)
    ]
    if len(given) < len(every):
        notes.append(Text(key="response.earlier_series", values={"on": given[0].on.isoformat()}))
    depression = tuple(s for s in knowledge.response["scales"] if s in knowledge.instruments)
    by_scale, usable = {}, {}
    for scale in dict.fromkeys((*depression, *knowledge.instruments)):
        by_scale[scale] = [s for s in stated if s.instrument == scale and s not in under]
        usable[scale], said = one_a_day(by_scale[scale], knowledge.instruments[scale])
        notes += said if scale in depression else []
    nine = [s for s in stated if s.instrument == "phq9" and (not given or s.on >= given[0].on - window)]
    return Known(
        as_of=as_of,
        given=tuple(given),
        stated=by_scale,
        usable=usable,
        depression=depression,
        item9=_item9(nine),
        notes=tuple(notes),
        window=window,
    )


def main_scale(record: Known, knowledge: Knowledge) -> tuple[str, Text | None]:
    """The depression scale with a baseline and most totals, and why there may be no course by it."""
    started = [(s, b) for s in record.depression if (b := record.baseline(s)) is not None]
    with_course = [s for s, b in started if b.total]
    if with_course:
        return max(with_course, key=lambda s: len(record.after(s))), None
    if started:
        return started[0][0], Text(
            key="response.baseline_zero", values={"scale": knowledge.instruments[started[0][0]]["title"]}
        )
    return record.depression[0], Text(key="response.no_baseline") if record.is_depression else None


def fit_of(
    record: Known,
    main: str,
    sessions: Sequence[Session],
    history: History,
    knowledge: Knowledge,
    population: Population,
    *,
    ahead: Sequence[Session] = (),
) -> Fit:
    """The person's density under the sessions that were had.

    `ahead` are sessions that may follow: the terms hold what it takes to say what those would do.
    """
    assert record.first is not None
    parameters, first = knowledge.response, record.first
    ids = [s for s in record.depression if record.usable.get(s)] or [main]
    scales = scales_of(ids, knowledge.instruments, parameters, population)
    started = antidepressant_day(history, first, record.as_of, parameters)
    who = person(
        population, parameters, (*sessions, *ahead), scales, condition=history.condition, antidepressant_day=started
    )
    rows = [
        (record.day(s.on), index, s.total)
        for index, scale in enumerate(scales)
        for s in record.usable.get(scale.id, ())
        if s.on >= first - record.window and s.total is not None
    ]
    own = own_course(population, float(parameters["course_shared"]["share"]))
    return Fit(replace(who, sessions=tuple(sessions)), own, scores_from(rows))


def _item9(stated: Sequence[ScoreEntry]) -> int | None:
    """The latest answer to item 9; of several on that day the highest.

    A form without a total counts too, and an unanswered item 9 never hides an earlier answer: missing is not zero.
    """
    nine = 9  # source: PHQ-9 has nine items; the ninth is item 9
    answered = [(s.on, s.items[nine - 1]) for s in stated if len(s.items) == nine]
    known = [(on, answer) for on, answer in answered if answer is not None]
    return max(known)[1] if known else None
