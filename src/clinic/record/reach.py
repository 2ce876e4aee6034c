"""How far does somebody's reading reach? Which people and which parts of the record; `access.permission` decides it.

Every way of reading takes a Reach, so that nothing outside it is found, counted, included or told of in an error.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TypeVar

from django.db.models import Model, Q, QuerySet

from clinic.record.models import Current, Practice, Version
from ketapath.fhir.parts import PARTS

Row = TypeVar("Row", Current, Version)
Line = TypeVar("Line", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One practice; in it these people (None: everybody) but for the hidden ones; these parts (None: all).

    `given` are single parts of single people that are reached besides, as (person, part). What names nobody, such as
    an organisation, is reached by whoever reaches everybody.
    """

    practice: Practice
    people: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()
    parts: frozenset[str] | None = None
    given: frozenset[tuple[str, str]] = frozenset()

    @classmethod
    def nothing(cls, practice: Practice) -> Reach:
        """Of somebody who may read nobody."""
        return cls(practice=practice, people=frozenset(), parts=frozenset())

    def over(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The rows of the record that lie within it."""
        rows = rows.filter(practice=self.practice)
        by_part: dict[str, set[str]] = defaultdict(set)
        for person, part in self.given:
            by_part[part].add(person)
        wanted = self._everybody() if self.parts is None else self._everybody() & Q(part__in=self.parts)
        for part, people in by_part.items() if wanted else ():  # an empty condition holds of every row
            wanted |= Q(part=part, patient_id__in=people)
        return rows.filter(wanted)

    def people_of(self, rows: QuerySet[Line]) -> QuerySet[Line]:
        """The rows, of any table with a practice and a person, that speak of people whose chart is reached."""
        rows = rows.filter(practice=self.practice)
        charts = {person for person, part in self.given if part == "chart"}
        if self.parts is not None and "chart" not in self.parts:
            return rows.filter(patient_id__in=charts)
        wanted = self._everybody()
        return rows.filter(wanted | Q(patient_id__in=charts) if wanted and charts else wanted)

    def holds(self, patient_id: str, part: str = "chart") -> bool:
        """Whether this part of this person's record lies within it."""
        return part in self.parts_of(patient_id)

    def parts_of(self, patient_id: str) -> frozenset[str]:
        """The parts of this person's record that are reached."""
        given = frozenset(part for person, part in self.given if person == patient_id)
        if patient_id in self.hidden or (self.people is not None and patient_id not in self.people):
            return given
        return given | (frozenset(PARTS) if self.parts is None else self.parts)

    def _everybody(self) -> Q:
        wanted = Q() if self.people is None else Q(patient_id__in=self.people)
        return wanted & ~Q(patient_id__in=self.hidden) if self.hidden else wanted
