"""Write down a questionnaire that was answered on paper or aloud. The total is always computed, never typed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import date, timedelta

from django.utils.translation import gettext as _

from clinic import clock
from clinic.access.models import Account, Role
from clinic.access.permission import require
from clinic.actions.commit import Act, Done, Draft, commit, earlier
from clinic.queries.person import Chart
from clinic.record.projections import knowledge
from ketapath.errors import BadInput
from ketapath.fhir.encode import answers
from ketapath.measurement import Score, score


def answer_score(
    found: Chart, instrument: str, given: Sequence[int | None], *, by: Account, key: str, on: date | None = None
) -> tuple[Done, Score]:
    """Store the answers and say what they amount to; `on` is the day they were given, today where it is None.

    An answer that calls for action (item 9) puts a notice to the prescribers into the outbox in the same transaction.
    """
    require(by, "answer-score", patient_id=found.patient_id)
    form = knowledge().instruments.get(instrument)
    if form is None or "items" not in form:
        raise BadInput(
            field=_("questionnaire"),
            found=instrument,
            limit=_("one of %(words)s")
            % {"words": ", ".join(sorted(n for n, i in knowledge().instruments.items() if "items" in i))},
            next_step=_("Choose one that ketapath can score."),
        )
    result = score(form, given)
    window = knowledge().paths[form["path"]].window_days or 0
    if all(answer is None for answer in given):
        raise BadInput(
            field=form["title"],
            found=_("no answer"),
            limit=_("at least one answer"),
            next_step=_("Answer an item, or go back."),
        )
    today = clock.today(by.practice.zone)
    day = on or today
    if not timedelta(0) <= today - day <= timedelta(days=int(window)):
        raise BadInput(
            field=_("day of the answers"),
            found=day.isoformat(),
            limit=_("today or one of the %(days)s days before") % {"days": f"{window:g}"},
            next_step=_("Check the day."),
        )
    act = Act(
        name="answer-score", by=by, patient_id=found.patient_id, key=key,
        asked={"instrument": instrument, "answers": list(given), "on": day.isoformat()},
    )  # fmt: skip
    done = earlier(act)
    if done is not None:
        return done, result
    now = clock.now()
    resource = answers(
        f"score-{secrets.token_hex(12)}",
        form,
        given,
        patient_id=found.patient_id,
        at=clock.local(now, by.practice.zone) if day == today else day,
        by=by.name,
    )
    notices = [
        ("notice", {"patient_id": found.patient_id, "role": Role.PRESCRIBER.value, "key": alert.key}, now)
        for alert in result.alerts
    ]
    return commit(act, [Draft(resource=resource)], errands=notices), result
