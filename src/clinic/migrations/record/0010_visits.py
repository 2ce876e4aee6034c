"""The newest visit of each person as the day's board needs it, and the first day that is still planned."""

from __future__ import annotations

import json
from datetime import date

import django.db.models.deletion
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from clinic.record.visit_json import visit_as_json
from ketapath.fhir import bundle_of, vocabulary
from ketapath.fhir.readback import visits
from ketapath.knowledge import load


def set_days(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    """Who is in the house now stands on the board at once; every other visit follows with the person's next change."""
    lines, made = apps.get_model("record", "PatientLine"), apps.get_model("record", "VisitLine")
    for line in lines.objects.exclude(planned=[]).iterator():
        line.next_on = date.fromisoformat(line.planned[0][0])
        line.save(update_fields=["next_on"])
    current, in_house = apps.get_model("record", "Current"), lines.objects.exclude(visit_open="")
    words = vocabulary(load()) if in_house.exists() else None
    for line in in_house.iterator():
        rows = current.objects.filter(practice_id=line.practice_id, patient_id=line.patient_id, part="chart")
        person = current.objects.get(practice_id=line.practice_id, kind="Patient", identity=line.patient_id)
        held = visits(bundle_of([json.loads(row.content) for row in (person, *rows.exclude(pk=person.pk))]), words)
        here = next(v for v in reversed(held) if v.status == "in-progress")
        content = {"visit": visit_as_json(here), "ordered": None, "number": 1 + line.sessions}
        made.objects.create(
            practice_id=line.practice_id, patient_id=line.patient_id, opened_at=here.opened_at, content=content
        )


class Migration(migrations.Migration):
    dependencies = [("record", "0009_schedule")]

    operations = [
        migrations.CreateModel(
            name="VisitLine",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("patient_id", models.CharField(max_length=64)),
                ("room", models.CharField(blank=True, max_length=20)),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("content", models.JSONField()),
                ("practice", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to="record.practice")),
            ],
        ),
        migrations.AddIndex("visitline", models.Index(fields=["practice", "opened_at"], name="visit_of_day")),
        migrations.AddConstraint(
            "visitline", models.UniqueConstraint(fields=("practice", "patient_id"), name="one_visit_line_a_patient")
        ),
        migrations.AddField("patientline", "next_on", models.DateField(null=True)),
        migrations.AddIndex("patientline", models.Index(fields=["practice", "next_on"], name="line_by_next")),
        migrations.AddIndex("patientline", models.Index(fields=["practice", "visit_open"], name="line_in_house")),
        migrations.RunPython(set_days, migrations.RunPython.noop),
    ]
