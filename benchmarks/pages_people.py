"""A full clinic: the demonstration's people many times over, each copy under names of its own; for measuring only.

Whatever has a `patient_id` is copied as it stands, with every id of that person's record written anew in it, so that a
copy is a record like any other: its versions, terms, signatures, lines, doses. What the trail tells of the
demonstration's people is not told again of their copies, and the rooms of the day are laid out anew (`pages_day`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import Any

from benchmarks.pages_day import lay_out
from benchmarks.store_load import insert, numbers
from benchmarks.store_people import FAMILIES, GIVEN
from django.apps import apps
from django.db import models, transaction

from clinic import clock
from clinic.access.models import AuditRow
from clinic.record.models import Booking, Current, Hold, PatientLine, Practice, Signature, Term, Version, VisitLine
from clinic.record.signatures import digest_of

PEOPLE, TODAY, TREATED, HERE = 2000, 60, 340, 16
"""In all; with a session today; others under treatment; the rest were referred, and are not treated. Of those with an
open visit so many stay in the house, twice as many as there are rooms."""
_WORD = re.compile(r"[A-Za-z0-9.-]+")
_TOLD = (AuditRow, Booking, Hold)


def fill(practice: Practice) -> dict[str, list[str]]:
    """Copies until the clinic is full; the ids of the copies by template, those with a session today first."""
    kinds = _templates(practice)
    wanted = {"today": TODAY, "treated": TREATED, "referred": PEOPLE - TODAY - TREATED}
    counts = iter(range(PEOPLE))
    made: dict[str, list[str]] = {}
    for kind, count in wanted.items():
        for place, template in enumerate(kinds[kind]):
            share = len(range(place, count, len(kinds[kind])))
            made[template] = [_name(next(counts), template) for _ in range(share)]
    for template, names in made.items():
        with transaction.atomic():
            _Template(practice, template).copy(names)
    of_today = [name for template in kinds["today"] for name in made[template]]
    lines = VisitLine.objects.filter(practice=practice, patient_id__in=of_today, closed_at=None)
    open_ones = set(lines.values_list("patient_id", flat=True))
    turns = zip_longest(*([n for n in made[template] if n in open_ones] for template in kinds["today"]))
    here = [name for turn in turns for name in turn if name is not None][:HERE]
    with transaction.atomic():
        lay_out(practice, here, [name for name in of_today if name not in here])
    return made


def _templates(practice: Practice) -> dict[str, list[str]]:
    """The demonstration's people by what the day has for them."""
    day = clock.today(practice.zone)
    found: dict[str, list[str]] = {"today": [], "treated": [], "referred": []}
    booked = {b.patient_id for b in Booking.objects.filter(practice=practice) if _on(b.starts_at, practice) == day}
    for line in PatientLine.objects.filter(practice=practice).order_by("patient_id"):
        is_planned = line.plan_status == "active" and any(on == day.isoformat() for on, _at in line.planned)
        is_today = line.visit_open or is_planned or line.patient_id in booked
        found["today" if is_today else "treated" if line.plan_status else "referred"].append(line.patient_id)
    return found


def _on(at: datetime, practice: Practice) -> Any:
    return clock.local(at, practice.zone).date()


def _name(number: int, template: str) -> str:
    return f"c{number}-{template}"[:64]


class _Template:
    """One person's rows in every table."""

    def __init__(self, practice: Practice, identity: str) -> None:
        self.practice, self.identity = practice, identity
        self.tables = {table: list(_of(table, practice, identity)) for table in _tables()}
        self.ids = {row.identity for row in self.tables[Current]} | {identity}
        self.texts: dict[str, list[str]] = {}

    def copy(self, names: Sequence[str]) -> None:
        """One copy under each of these names."""
        places = {table: numbers(table) for table in (*self.tables, Term)}
        rows: dict[type[models.Model], list[models.Model]] = {table: [] for table in places}
        for name in names:
            number = name.split("-")[0]
            new: dict[tuple[type[models.Model], int], int] = {}
            texts: dict[tuple[str, str, int], str] = {}
            for table in places:
                for row in self._rows(table):
                    made = self._copied(row, number, name)
                    made.pk = new[table, row.pk] = next(places[table])
                    if isinstance(made, Term):
                        made.resource_id = new[Current, row.resource_id]
                    if isinstance(made, Version):
                        texts[made.kind, made.identity, made.version] = made.content
                    if isinstance(made, Signature):
                        made.digest = digest_of(texts[made.kind, made.identity, made.version])
                    rows[table].append(made)
        for table, found in rows.items():
            insert(table, found)

    def _rows(self, table: type[models.Model]) -> list[Any]:
        if table not in self.tables:
            self.tables[table] = list(Term.objects.filter(resource__in=self.tables[Current]))
        return self.tables[table]

    def _copied(self, row: models.Model, number: str, name: str) -> Any:
        """This row for another person: every id of the record anew, and a name of its own."""
        made = type(row)()
        for field in row._meta.concrete_fields:
            value = getattr(row, field.attname)
            if isinstance(field, models.CharField | models.TextField):
                value = self._written(value, number, name) if isinstance(value, str) else value
                if field.name == "key" and value:  # of the request that made it, which each copy has once
                    value = f"{number}-{value}"[: field.max_length]
            elif isinstance(field, models.JSONField) and value:
                value = json.loads(self._written(json.dumps(value), number, name))
            setattr(made, field.attname, value)
        if getattr(made, "kind", "") == "Patient" and hasattr(made, "content"):
            made.content = json.dumps(json.loads(made.content) | {"name": [_called(number)]})
        if isinstance(made, PatientLine):
            made.family, made.given = _called(number)["family"], _called(number)["given"][0]
        return made

    def _written(self, text: str, number: str, name: str) -> str:
        """The text with other ids. Where they stand in it is found once."""
        if text not in self.texts:
            parts, end = [""], 0
            for word in _WORD.finditer(text):
                if word[0] in self.ids:
                    parts[-1] += text[end : word.start()]
                    parts += [word[0], ""]
                    end = word.end()
            parts[-1] += text[end:]
            self.texts[text] = parts
        parts = self.texts[text]
        if len(parts) == 1:
            return text
        return "".join(
            p if n % 2 == 0 else name if p == self.identity else f"{number}-{p}"[:64] for n, p in enumerate(parts)
        )


def _called(number: str) -> dict[str, Any]:
    """The name of this copy: 130 pairs of names, and a number behind the family's."""
    place = int(number[1:])
    return {"family": f"{FAMILIES[place % len(FAMILIES)]}-{place}", "given": [GIVEN[place % len(GIVEN)]]}


def _tables() -> Iterator[type[models.Model]]:
    for table in apps.get_models():
        names = {field.name for field in table._meta.concrete_fields}
        if (
            {"practice", "patient_id"} <= names
            and table not in _TOLD
            and table._meta.app_label in ("record", "practice")
        ):
            yield table


def _of(table: type[models.Model], practice: Practice, identity: str) -> Iterable[models.Model]:
    return table._default_manager.filter(practice=practice, patient_id=identity).order_by("pk")
