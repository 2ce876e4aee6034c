"""Every resource is indexed anew, in batches that may be begun again at any time."""

from __future__ import annotations

import json
from zoneinfo import ZoneInfo

from django.db import migrations, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from ketapath.fhir.terms import search_terms

BATCH = 500


def index_anew(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Each batch deletes what its resources had and writes it again, so that an interrupted upgrade is just repeated."""
    current, term = apps.get_model("record", "Current"), apps.get_model("record", "Term")
    zones = {p.pk: ZoneInfo(p.zone) for p in apps.get_model("record", "Practice").objects.all()}
    last = 0
    while rows := list(current.objects.filter(pk__gt=last).order_by("pk")[:BATCH]):
        with transaction.atomic():
            term.objects.filter(resource__in=rows).delete()
            term.objects.bulk_create(
                term(
                    practice_id=row.practice_id, resource=row, kind=row.kind, name=t.name, system=t.system,
                    value=t.value, exact=t.exact, low=t.low, high=t.high, least=t.least, most=t.most,
                )
                for row in rows
                for t in search_terms({**json.loads(row.content), "resourceType": row.kind}, zones[row.practice_id])
            )  # fmt: skip
        last = rows[-1].pk


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("record", "0004_search")]

    operations = [migrations.RunPython(index_anew, migrations.RunPython.noop)]
