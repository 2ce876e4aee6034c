"""Who are the patients that somebody reaches? The list, and those whose name begins so."""

from __future__ import annotations

from clinic.practice.models import Alert
from clinic.record.models import PatientLine
from clinic.record.query import MAX_COUNT, escaped
from clinic.record.reach import Reach
from clinic.record.search import parse, search
from ketapath.errors import BadInput

SIGN = "response.warning"
"""The kind of an alert of an early sign; `about` says which, by its kind and its scale."""


def patients(reach: Reach, *, name: str = "", at: slice = slice(None)) -> list[PatientLine]:
    """All, or those of whom every word of `name` begins a part of their name, by family name; `at` takes some of them.

    Raises ValueError for a slice that counts from the end.
    """
    lines = reach.people_of(PatientLine.objects.all())
    words = name.split()[:8]
    if words:
        lines = lines.filter(patient_id__in=_named(reach, words))
    return list(lines.order_by("family", "given", "patient_id")[at])


def _named(reach: Reach, words: list[str]) -> set[str]:
    """Those of whom each word begins a part of their name."""
    try:
        query = parse("Patient", [("_count", str(MAX_COUNT)), *(("name", escaped(word)) for word in words)])
    except BadInput:
        return set()  # a word without a letter begins no name
    found: set[str] = set()
    page = search(reach, query)
    while True:
        found |= {match.identity for match in page.matches}
        if page.next is None:
            return found
        page = search(reach, query, after=page.next)


def early_signs(reach: Reach) -> set[str]:
    """Those of whom an early sign was noticed and is not dealt with yet."""
    open_ones = reach.people_of(Alert.objects.filter(kind=SIGN, closed_at=None))
    return set(open_ones.values_list("patient_id", flat=True))


def is_reached(reach: Reach, patient_id: str) -> bool:
    """Whether this person is on record, and within it."""
    return reach.people_of(PatientLine.objects.filter(patient_id=patient_id)).exists()
