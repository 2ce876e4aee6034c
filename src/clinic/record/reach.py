"""How far does somebody's reading reach? Which people and which parts of the record; `access.permission` decides it.

Every way of reading takes a Reach, so that nothing outside it is found, counted, included or told of in an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from django.db.models import QuerySet

from clinic.record.models import Current, Practice, Version

Row = TypeVar("Row", Current, Version)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One practice; in it these people (None: everybody) but for the hidden ones; these parts (None: all).

    What names nobody, such as an organisation, is reached by whoever reaches everybody.
    """

    practice: Practice
    people: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()
    parts: frozenset[str] | None = None

    def over(self, rows: QuerySet[Row]) -> QuerySet[Row]:
        """The rows of the record that lie within it."""
        rows = rows.filter(practice=self.practice)
        if self.people is not None:
            rows = rows.filter(patient_id__in=self.people)
        if self.hidden:
            rows = rows.exclude(patient_id__in=self.hidden)
        return rows if self.parts is None else rows.filter(part__in=self.parts)
