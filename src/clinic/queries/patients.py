"""Who are the patients that somebody reaches? The list, and those whose name begins so."""

from __future__ import annotations

from clinic.record.models import Notice, PatientLine
from clinic.record.query import MAX_COUNT, escaped
from clinic.record.reach import Reach
from clinic.record.search import parse, search
from ketapath.domain.response import EarlyWarning
from ketapath.errors import BadInput

SIGN = "response.warning"
"""How the key of every notice of an early sign begins; older ones have nothing after it."""


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
    """Those of whom an early sign was noticed that nobody has seen yet."""
    unseen = reach.people_of(Notice.objects.filter(key__startswith=SIGN, seen_at=None))
    return set(unseen.values_list("patient_id", flat=True))


def sign_key(sign: EarlyWarning) -> str:
    """The key of a notice of this sign: `response.warning`, its kind and its scale, with spaces between."""
    return f"{SIGN} {sign.kind} {sign.scale}"


def is_reached(reach: Reach, patient_id: str) -> bool:
    """Whether this person is on record, and within it."""
    return reach.people_of(PatientLine.objects.filter(patient_id=patient_id)).exists()
