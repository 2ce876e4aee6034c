"""Somebody who writes all the time: `python -m tests.store.writer NAME COUNT` says each act once it is acknowledged.

One act stores two observations of one person; half an act would be one of them. Between two acts it lets go for a
moment, as people do: SQLite has one lock and no queue for it, so who never lets go keeps everybody else from writing.
"""

from __future__ import annotations

import os
import sys
import time

import django

KIND = "Observation"
PAUSE_S = 0.01


def resource(name: str, number: int, half: str) -> dict[str, object]:
    """One of the two observations of an act."""
    return {
        "resourceType": KIND, "id": f"{name}-{number}-{half}", "status": "final", "valueString": f"{number} {half}",
        "code": {"text": "counted"}, "subject": {"reference": f"Patient/{name}"},
    }  # fmt: skip


def main(name: str, count: int) -> None:
    """Act until told to end, or so often."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    django.setup()
    from clinic.access.models import Account
    from clinic.actions.commit import Act, Draft, commit

    by = Account.objects.get(role="prescriber")
    for number in range(1, count + 1):
        drafts = [Draft(resource=resource(name, number, half)) for half in ("first", "second")]
        commit(Act(name="state-fact", by=by, patient_id=name), drafts)
        print(number, flush=True)
        time.sleep(PAUSE_S)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
