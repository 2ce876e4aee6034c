"""Which goals does the record hold, and how far were they reached? Goals in the person's own words, with their ratings.

A rating is an Observation whose `focus` names the Goal, coded as in the HL7 guide on person-centred outcomes: a coded
answer, or a plain number from -2 to 2. What cannot be a rating is kept as a note of its goal and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from ketapath.domain.evidence import Text
from ketapath.domain.goal import Goal, GoalRating
from ketapath.fhir import elements as el
from ketapath.fhir.bundle import Bundle, Resource
from ketapath.fhir.questionnaires import DONE
from ketapath.fhir.vocabulary import Vocabulary

CONCEPT = "goal-attainment"
_LEVELS = range(-2, 3)
_VOID = frozenset({"entered-in-error", "rejected", "cancelled"})


def goals_of(bundle: Bundle, vocabulary: Vocabulary) -> tuple[Goal, ...]:
    """The goals that stand, the older first; one without words is none."""
    ratings: dict[str, list[Resource]] = {}
    for resource in bundle.of_type("Observation"):
        if el.text(resource, "status") in DONE and CONCEPT in vocabulary.observations.of(resource, "code"):
            for name in _focus(resource):
                ratings.setdefault(name, []).append(resource)
    found = []
    for resource in bundle.of_type("Goal"):
        words = next(el.words(resource, "description"), None)
        if words is not None and el.text(resource, "lifecycleStatus") not in _VOID:
            found.append(_goal(resource, words, ratings.get(str(resource.get("id")), []), vocabulary))
    return tuple(sorted(found, key=lambda g: (g.since or date.min, g.origin)))


def unread(bundle: Bundle, goals: tuple[Goal, ...]) -> int:
    """How many goals on record say nothing that can be shown."""
    read = read_from(goals)
    stand = (g for g in bundle.of_type("Goal") if el.text(g, "lifecycleStatus") not in _VOID)
    return sum(str(el.origin(goal)) not in read for goal in stand)


def read_from(goals: tuple[Goal, ...]) -> frozenset[str]:
    """The resources that these goals and their ratings were read from."""
    return frozenset(origin for goal in goals for origin in (goal.origin, *(r.origin for r in goal.ratings)))


def _goal(resource: Resource, words: str, rated: list[Resource], vocabulary: Vocabulary) -> Goal:
    ratings, notes = [], []
    for one in rated:
        on, at = el.when(one, "effectiveDateTime", "effectivePeriod", "effectiveInstant")
        level = _level(one, vocabulary)
        if on is None:
            notes.append(Text(key="goal.rating_undated"))
        elif level is None:
            notes.append(Text(key="goal.rating_not_understood", values={"on": on.isoformat()}))
        else:
            order = (on, at.isoformat() if at else "", str(el.origin(one)))
            ratings.append((order, GoalRating(on=on, level=level, origin=str(el.origin(one)))))
    return Goal(
        words=words,
        status=el.text(resource, "lifecycleStatus") or "unknown",
        since=el.day(resource.get("startDate")),
        ratings=tuple(rating for _, rating in sorted(ratings, key=lambda pair: pair[0])),
        origin=str(el.origin(resource)),
        notes=tuple(sorted(notes, key=str)),
    )


def _focus(resource: Resource) -> Iterator[str]:
    """The ids of the goals that this Observation speaks of."""
    for focus in el.objects(resource, "focus"):
        reference = (el.text(focus, "reference") or "").split("/_history/")[0]
        if "/" not in reference or reference.rsplit("/", 2)[-2] == "Goal":
            yield reference.removeprefix("urn:uuid:").rsplit("/", 1)[-1]


def _level(resource: Resource, vocabulary: Vocabulary) -> int | None:
    answers = vocabulary.coded_answers.get(CONCEPT, {})
    for coding in el.codings(resource, "valueCodeableConcept"):
        if coding.code.lower() in answers:
            return int(answers[coding.code.lower()])
    stated = el.quantity(resource, "valueQuantity")
    value = stated[0] if stated else el.number(resource, "valueInteger")
    return int(value) if value is not None and value in _LEVELS else None
