"""Once a session is over: how far it was from what was expected is written beside it, by the worker.

The sensitivity of the person follows from the readings themselves whenever it is asked for; nothing else is stored.
"""

from __future__ import annotations

from dataclasses import replace

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import may
from clinic.actions.commit import Act, Draft, commit
from clinic.queries.person import chart
from clinic.queries.session import room
from clinic.queries.session_expected import expected
from clinic.record.models import Practice
from clinic.record.read import read
from ketapath.fhir.encode_visit import missed
from ketapath.session import session_miss


def keep_miss(practice: Practice, patient_id: str, visit_id: str, username: str) -> bool:
    """Write how far this visit was from what was expected, in the name of who ended it; False where nothing is known.

    Done again after a late reading it amends what stands. Nothing is written where whoever ended the visit may not
    write any more. Raises Stale where somebody else has written meanwhile.
    """
    by = Account.objects.filter(practice=practice, username=username).first()
    found = chart(practice, patient_id)
    if by is None or found is None or found.person is None or not may(by, "close-session", patient_id=patient_id):
        return False
    visit = next((v for v in found.visits if v.origin.id == visit_id), None)
    session = None if visit is None else visit.session(1)
    if visit is None or session is None:
        return False
    # The dose and the time as they were; the readings of this visit are not among those that were learned from.
    foreseen = expected(replace(found, visits=tuple(v for v in found.visits if v.opened_at <= visit.opened_at)),
                        room(found, visit))  # fmt: skip
    misses = session_miss(session, () if foreseen.effects is None else foreseen.effects.bands)
    if not misses or misses == visit.misses:
        return False
    identity = f"{visit_id[:58]}-miss"
    standing = read(practice, "Observation", identity)
    resource = missed(
        identity, misses, patient_id=patient_id, visit_id=visit_id, at=clock.local(clock.now(), practice.zone),
        status="final" if standing is None else "amended",
    )  # fmt: skip
    act = Act(name="close-session", by=by, patient_id=patient_id, reason="observed against expected")
    commit(act, [Draft(resource=resource, expected=0 if standing is None else standing.version)])
    return True
