"""The part of the record that each standing resource and each version belongs to."""

from __future__ import annotations

import json
from collections import defaultdict

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

from clinic.migrations.append_only import guard, release
from ketapath.fhir.parts import part_of

_AT_ONCE = 500


def set_parts(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    for name in ("Current", "Version"):
        table = apps.get_model("record", name)
        of_part: dict[str, list[int]] = defaultdict(list)
        for number, content in table.objects.values_list("pk", "content").iterator():
            part = part_of(json.loads(content))
            if part != "chart":
                of_part[part].append(number)
        for part, numbers in of_part.items():
            for start in range(0, len(numbers), _AT_ONCE):
                table.objects.filter(pk__in=numbers[start : start + _AT_ONCE]).update(part=part)


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_trust"),
        ("record", "0003_trust"),
    ]

    operations = [
        migrations.RunPython(release("record_version"), migrations.RunPython.noop),
        migrations.RunPython(set_parts, migrations.RunPython.noop),
        migrations.RunPython(guard("record_version"), migrations.RunPython.noop),
    ]
