"""How does a person's whole record leave the house? As a FHIR Bundle, as a table of facts, as a document to read.

The Bundle has every resource's exact text: nothing is read into values and written anew. Only meta.versionId and
meta.lastUpdated are laid in, in a way that `ketapath.fhir.verbatim.without_stamps` takes back to the letter.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.conf import settings

from clinic import clock
from clinic.record.models import Current, Quarantined, Signature, Version
from clinic.record.projections import knowledge, name_of, words
from clinic.record.reach import Reach
from clinic.record.read import Stored, stored_of
from ketapath.errors import BadInput
from ketapath.fhir import bundle_of, statements
from ketapath.fhir.bundle import WHOLE_CHART
from ketapath.fhir.encode import LOCAL
from ketapath.fhir.parts import part_of
from ketapath.fhir.readback import decisions, signed_plans, visits
from ketapath.fhir.rows import fact_rows
from ketapath.fhir.verbatim import with_id, with_stamps
from ketapath.report.chart_form import chart_form
from ketapath.report.document import chart_pdf

FORMATS = {"bundle": "application/fhir+json", "csv": "text/csv; charset=utf-8", "pdf": "application/pdf"}
SUFFIXES = {"bundle": "json", "csv": "csv", "pdf": "pdf"}
COLUMNS = ("day", "kind", "what", "value", "unit", "status", "source", "version")
AS_IT_CAME = f"{LOCAL}/as-it-came"
"""The extension that carries the text of a resource that an import kept apart."""
_AUTHOR = {"system": "urn:iso-astm:E1762-95:2013", "code": "1.2.840.10065.1.12.1.1"}
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeChart:
    """Everything of one person that somebody's reading reaches. `versions` are the earlier ones, where asked for."""

    reach: Reach
    patient_id: str
    stored: tuple[Stored, ...]
    versions: tuple[Stored, ...]
    apart: tuple[Quarantined, ...]
    signatures: tuple[Signature, ...]
    made_at: datetime
    made_by: str


def whole_chart(reach: Reach, patient_id: str, *, made_by: str, with_history: bool = False) -> WholeChart | None:
    """This person's record; None where there is none within reach."""
    stored = tuple(map(stored_of, reach.over(Current.objects.filter(patient_id=patient_id)).order_by("id")))
    if not any(s.kind == "Patient" for s in stored):
        return None
    earlier = reach.over(Version.objects.filter(patient_id=patient_id)).order_by("id") if with_history else ()
    standing = {(s.kind, s.identity, s.version) for s in stored}
    versions = tuple(s for s in map(stored_of, earlier) if (s.kind, s.identity, s.version) not in standing)
    named = {(s.kind, s.identity) for s in stored}
    rows = {"practice": reach.practice, "patient_id": patient_id}
    signatures = (s for s in Signature.objects.filter(**rows).order_by("id") if (s.kind, s.identity) in named)
    return WholeChart(
        reach=reach, patient_id=patient_id, stored=stored, versions=versions,
        apart=tuple(kept_apart_within(reach, patient_id)), signatures=tuple(signatures),
        made_at=clock.now(), made_by=made_by,
    )  # fmt: skip


def kept_apart_within(within: Reach, patient_id: str) -> list[Quarantined]:
    """What an import kept apart of this person, oldest first: of each the parts that are reached, as if it stood."""
    rows = Quarantined.objects.filter(practice=within.practice, patient_id=patient_id).order_by("at", "id")
    return [row for row in rows if within.holds(patient_id, part_of(json.loads(row.content)))]


def written(whole: WholeChart, form: str) -> bytes:
    """The chart in one of FORMATS."""
    return {"bundle": as_bundle, "csv": as_csv, "pdf": as_pdf}[form](whole)


def as_bundle(whole: WholeChart) -> bytes:
    """A FHIR Bundle of type collection: what stands, earlier versions, signatures, and what was kept apart."""
    base = (settings.PUBLIC_URL or "https://clinic.invalid") + "/fhir"
    found = [_entry(base, s) for s in (*whole.stored, *whole.versions)]
    beside = [_provenance(signature) for signature in whole.signatures]
    beside += [_kept_apart(whole.apart)] if whole.apart else []
    found += [f'{{"fullUrl":"{base}/{r["resourceType"]}/{r["id"]}","resource":{_json(r)}}}' for r in beside]
    head = {"resourceType": "Bundle", "meta": {"tag": [WHOLE_CHART]}, "type": "collection"}
    opening = _json({**head, "timestamp": whole.made_at.isoformat()})[:-1]
    return (opening + ',"entry":[\n' + ",\n".join(found) + "\n]}\n").encode()


def _entry(base: str, stored: Stored) -> str:
    text = stored.text
    if json.loads(text).get("id") != stored.identity:
        text = with_id(text, stored.identity)
    address = json.dumps(f"{base}/{stored.kind}/{stored.identity}")
    return f'{{"fullUrl":{address},"resource":{with_stamps(text, stored.version, stored.changed_at)}}}'


def _provenance(signature: Signature) -> dict[str, Any]:
    """Who signed what, when and with which meaning; the digest binds it to the exact text."""
    return {
        "resourceType": "Provenance",
        "id": f"signature-{signature.pk}",
        "meta": {"tag": [{"system": LOCAL, "code": "signature"}]},
        "target": [{"reference": f"{signature.kind}/{signature.identity}/_history/{signature.version}"}],
        "recorded": signature.at.isoformat(),
        "reason": [{"text": signature.meaning}],
        "agent": [{"who": {"display": f"{signature.name}, {signature.role}"}}],
        "signature": [
            {
                "extension": [{"url": f"{LOCAL}/digest", "valueString": signature.digest}],
                "type": [_AUTHOR],
                "when": signature.at.isoformat(),
                "who": {"display": signature.name},
            }
        ],
    }


def _kept_apart(apart: Sequence[Quarantined]) -> dict[str, Any]:
    issues = [
        {
            "extension": [{"url": AS_IT_CAME, "valueString": row.content}],
            "severity": "warning",
            "code": "structure",
            "diagnostics": f"{row.kind}/{row.identity or '?'} was kept apart: {'; '.join(row.problems)}",
        }
        for row in apart
    ]
    tag = {"tag": [{"system": LOCAL, "code": "kept-apart"}]}
    return {"resourceType": "OperationOutcome", "id": "kept-apart", "meta": tag, "issue": issues}


def as_csv(whole: WholeChart) -> bytes:
    """One row a fact, in UTF-8. What a spreadsheet would take for a formula is told as text."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(COLUMNS)
    for stored in (*whole.stored, *whole.versions):
        resource = json.loads(stored.text, parse_float=Decimal)
        for row in fact_rows({**resource, "resourceType": stored.kind}):
            cells = (row.day, stored.kind, row.what, row.value, row.unit, row.status, stored.identity)
            table.writerow([*map(_safe, cells), stored.version])
    return out.getvalue().encode()


def _safe(cell: str) -> str:
    starts_a_formula = cell[:1] in ("=", "+", "-", "@", "\t", "\r") and not _NUMBER.match(cell)
    return f"'{cell}" if starts_a_formula else cell


def as_pdf(whole: WholeChart) -> bytes:
    """A document to read and to file."""
    bundle = bundle_of([s.resource for s in whole.stored])
    try:
        stated = statements(bundle, words())
    except BadInput:
        stated = None
    practice = whole.reach.practice
    heading = {
        "name": " ".join(filter(None, name_of(bundle))),
        "practice": practice.name,
        "made_on": f"{clock.local(whole.made_at, practice.zone):%Y-%m-%d %H:%M}",
        "made_by": whole.made_by,
    }
    form = chart_form(
        bundle, stated, plans=signed_plans(bundle), visits=visits(bundle, words()), decisions=decisions(bundle),
        apart=[(f"{row.kind}/{row.identity or '?'}", row.problems) for row in whole.apart], heading=heading,
        knowledge=knowledge(),
    )  # fmt: skip
    return chart_pdf(form)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
