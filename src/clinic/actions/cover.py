"""Write down what a payer allowed before treatment and until when, and take back what was wrong."""

from __future__ import annotations

import secrets
from datetime import date

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account
from clinic.access.permission import Refused, require
from clinic.actions.commit import Act, Done, Draft, commit, earlier
from clinic.queries.person import Chart
from clinic.record.read import read
from ketapath.errors import BadInput
from ketapath.fhir.cover import authorisation, authorisations

LONGEST = 200
_YEARS = 5  # source: our choice; a date that is further away was mistyped


def note_cover(
    found: Chart, payer: str, *, number: str, words: str, starts_on: date | None, ends_on: date | None, by: Account,
    key: str,
) -> Done:  # fmt: skip
    """A payer has allowed `words` under its `number` from one day to another. Raises BadInput for what cannot be."""
    asked = {"payer": payer, "number": number, "words": words, "from": starts_on, "until": ends_on}
    act = Act(name="note-cover", by=by, patient_id=found.patient_id, key=key, asked=asked)
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    said = {_("payer"): payer.strip(), _("number"): number.strip(), _("what is allowed"): words.strip()}
    for field, one in said.items():
        if len(one) > LONGEST or (field == _("payer") and not one):
            raise BadInput(field=field, found=one[:40] or _("nothing"),
                           limit=_("1 to %(count)s letters") % {"count": LONGEST},
                           next_step=_("Write it in a line."))  # fmt: skip
    last = found.as_of.replace(year=found.as_of.year + _YEARS, day=1)
    if starts_on is None or ends_on is None or not starts_on <= ends_on <= last or starts_on < last.replace(year=2000):
        raise BadInput(field=_("until"), found="" if ends_on is None else ends_on.isoformat(),
                       limit=_("a first day, and a last day after it, at most %(years)s years ahead")
                       % {"years": _YEARS}, next_step=_("Type both days again."))  # fmt: skip
    made = authorisation(
        f"cover-{secrets.token_hex(12)}", payer.strip(), number=number.strip(), words=words.strip(),
        starts_on=starts_on, ends_on=ends_on, patient_id=found.patient_id,
        at=clock.local(clock.now(), by.practice.zone), by=(by.name, by.username),
    )  # fmt: skip
    return commit(act, [Draft(resource=made)])


def withdraw_cover(found: Chart, identity: str, *, by: Account, key: str) -> Done:
    """What was written down was wrong: it counts no more. Raises Refused for what is none of this person's."""
    asked = {"cover": identity, "step": "withdraw"}
    act = Act(name="note-cover", by=by, patient_id=found.patient_id, key=key, asked=asked)
    require(by, act.name, patient_id=found.patient_id)
    done = earlier(act)
    if done is not None:
        return done
    stored = read(found.practice, "ClaimResponse", identity)
    if stored is None or identity not in {one.origin.id for one in authorisations(found.bundle)}:
        raise Refused(act.name, patient_id=found.patient_id)
    return commit(act, [Draft(resource={**stored.resource, "status": "entered-in-error"}, expected=stored.version)])
