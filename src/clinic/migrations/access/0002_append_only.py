"""The database itself refuses to change or delete a row of the trail, and a version of the record."""

from __future__ import annotations

from django.db import migrations

from clinic.migrations.append_only import guard


class Migration(migrations.Migration):
    dependencies = [("access", "0001_start"), ("record", "0001_start")]
    operations = [migrations.RunPython(guard("access_auditrow", "record_version"), migrations.RunPython.noop)]
